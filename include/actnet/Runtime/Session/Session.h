//===- Session.h - one queue with its arena -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What actnet_session is made of. A session owns a queue and an arena; its
// device it owns or shares, with code and weights (LoadedProgram.h). It binds
// dims from the shapes of inputs, resolves each function per ring slot and set
// of dim values, and sends planned jobs to the queue as one message each. With
// all dims bounded, everything that jobs need is made with the session: a job
// with other dims takes the place of one that was not used for the longest
// time, and writes over what is there.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_SESSION_SESSION_H
#define ACTNET_RUNTIME_SESSION_SESSION_H

#include "actnet/Runtime/Session/Devices.h"
#include "actnet/Runtime/Session/DimBinder.h"
#include "actnet/Runtime/Session/JobQueue.h"
#include "actnet/Runtime/Session/LoadedProgram.h"
#include "actnet/Runtime/Session/Resolve.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace actnet::rt {

class Profile;

struct SessionOptions {
  std::string device = "auto";
  std::string isa;       ///< empty: the widest
  unsigned threads = 0;  ///< 0: as many as this process may use
  unsigned inFlight = 0; ///< 0: 2
  struct DimBound {
    std::string name;
    int64_t lower = 0, upper = 0;
  };
  std::vector<DimBound> dims;
  bool step = false;
  bool profile = false;
  /// Seconds after which a job is given up and the queue closes; 0: the
  /// device's default, negative: never.
  double deadlineSeconds = 0;
  /// Bytes behind the arena, in no promise: where a test lets kernels write
  /// that do not keep to their plan, so that they can be seen to.
  uint64_t slackBytes = 0;
  /// Where a test puts something around the device, which is then this
  /// session's alone; may be empty.
  std::function<std::unique_ptr<Device>(std::unique_ptr<Device>)> wrap;
  /// Gets one line each; may be empty. Called by the session's thread.
  std::function<void(const std::string &)> notice;
};

/// Runs the functions of a program; see actnet.h for what each call means.
/// One thread at a time. The program must outlive it.
class Session {
public:
  static Expected<std::unique_ptr<Session>> create(const Program &program,
                                                   SessionOptions options);
  ~Session();

  Status bindInput(uint32_t function, uint32_t index, actnet_dtype dtype,
                   const int64_t *shape, int32_t rank, const void *data);
  Status bindOutput(uint32_t function, uint32_t index, void *data,
                    uint64_t capacity);
  Status outputShape(uint32_t function, uint32_t index, int64_t *shape);

  /// Starts a job and returns its number, from 1. Errors: as actnet_submit;
  /// `resourceExhausted` when every slot is taken.
  Expected<uint64_t> submit(uint32_t function, bool transfers);
  Status wait(uint64_t job);
  Status resetState();

  actnet_memory_info memory() const;
  Status writeProfile(const std::string &path) const;

  const DeviceInfo &deviceInfo() const { return device->info(); }
  /// The code variant in use; "" if the program has no kernels.
  std::string_view variant() const {
    const Executable *executable = loaded->executable();
    return executable ? executable->variant() : std::string_view();
  }
  bool isInFlight(uint64_t job) const;
  bool anySlotTaken() const;
  bool allSlotsTaken() const;
  const Program &program() const { return source; }

private:
  struct InputBinding {
    std::vector<int64_t> shape;
    const void *data = nullptr;
    bool bound = false;
  };
  struct OutputBinding {
    void *data = nullptr;
    uint64_t capacity = 0;
  };
  /// A job ready for one slot, and the caller's pointers it has now.
  struct Ready {
    ResolvedJob resolved;
    std::unique_ptr<PreparedJob> prepared;
    uint64_t entry = 0; ///< number of the entry it is for; 0: of none
    uint64_t lastUse = 0;
  };
  /// All that follows from one set of dim values.
  struct DimEntry {
    std::vector<int64_t> dims;
    pkg::ExprValues values;
    std::vector<uint64_t> outputBytes;
    std::vector<int64_t> shape; ///< of one output, while it is measured
    uint64_t number = 0;        ///< a new one for each set of dims; 0: of none
    uint64_t lastUse = 0;
  };
  struct FunctionState {
    std::vector<InputBinding> inputs;
    std::vector<OutputBinding> outputs;
    std::vector<const void *> inputPointers; ///< reused by each submit
    std::vector<void *> outputPointers;
    std::vector<std::vector<int64_t>> shapes;
    std::vector<DimEntry> entries;
    /// Jobs by slot * 2 + transfers: as many as are kept for different dims.
    std::vector<std::vector<Ready>> ready;
    DimEntry *current = nullptr; ///< of the shapes bound now; null: not known
  };
  struct Slot {
    uint64_t job = 0; ///< 0: free
    /// Where the job's staged outputs go when it has ended; of a job without
    /// staging or already delivered, none.
    std::vector<CopyRecord> deliveries;
  };
  static constexpr size_t maxEntries = 16;

  Session(const Program &program, SessionOptions options);
  Status setUp();
  Status chooseDims();
  Status openAnyDevice();
  Status openDevice(const DeviceName &name);
  Status createStreams();
  Status createArena(Layout next);
  Status runOwn(const JobSpec &spec);
  Expected<DimEntry *> bindEntry(uint32_t function);
  Expected<DimEntry *> findEntry(uint32_t function,
                                 const std::vector<int64_t> &dims);
  Status fillEntry(uint32_t function, DimEntry &entry,
                   const std::vector<int64_t> &dims);
  size_t keptJobs(uint32_t function) const;
  void prepareAhead();
  Status ensurePlanned(uint32_t function, const std::vector<int64_t> &dims);
  Expected<Ready *> makeReady(uint32_t function, DimEntry &entry, uint64_t slot,
                              bool transfers);
  Status refill(uint32_t function, const DimEntry &entry, uint64_t slot,
                bool transfers, Ready &ready);
  Status updateTransfers(Ready &ready, FunctionState &state,
                         const DimEntry &entry);
  void stageInputs(const Ready &ready, const FunctionState &state, Slot &slot);
  void deliver(Slot &slot, const Status &outcome);
  uint64_t cellBytes() const;
  /// How long a job, or a transfer of the session's own, may take.
  int64_t patienceNs(bool isHost) const;
  int64_t deadlineNs() const;
  /// Memory of the device that the host can't touch: what goes there and back
  /// is staged.
  bool isApart() const { return !device->info().hostAddressable; }
  void noteUnbounded(const std::vector<int64_t> &dims);
  Status chooseAlgorithms();
  void noteLibraries();

  const Program &source;
  SessionOptions options;
  unsigned slotCount = 2;
  std::vector<pkg::Range> dims;  ///< narrowed by the options
  std::vector<pkg::Range> exprs; ///< bounds of all expressions within `dims`
  std::vector<int64_t> scratchDims;
  BindScratch bindScratch;
  std::string libraryNote; ///< what was said last
  std::unique_ptr<Profile> profile;
  std::shared_ptr<LoadedProgram> loaded;
  std::unique_ptr<SharedDevice> view; ///< null where nothing is shared
  Device *device = nullptr;           ///< the view, or what is loaded
  const pkg::Plan *plan = nullptr;    ///< the clone that the device runs
  DeviceMemory arena;
  DeviceMemory staging; ///< the ring's image where the device is apart
  Layout layout;
  unsigned computeStreams = 1;
  std::vector<std::unique_ptr<Event>> signals, barriers;
  std::vector<std::unique_ptr<Event>> uploaded, computed; ///< per slot
  std::vector<FunctionState> functions;
  std::vector<Slot> slots;
  /// What a job of the session's own, past its deadline, may still use.
  std::unique_ptr<PreparedJob> lateJob;
  DeviceMemory lateMemory, lateStaging;
  uint64_t lastJob = 0;
  uint64_t lastEntry = 0;
  uint64_t clock = 0;
  std::unique_ptr<JobQueue> queue; ///< goes first
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_SESSION_H
