//===- Device.h - what every device offers the runtime --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One interface for the host, for CUDA and for the toy device. Above it nobody
// knows which one runs; below it nobody knows of plans, jobs or actors. What
// the conformance suite in test/cts checks is exactly what is written here.
//
// The hot path is DeviceStream::submit of a PreparedSegment: a straight line of
// records whose pointers, dims and tiles were resolved ahead. It is one call,
// allocates nothing, and a device with graphs makes it one graph launch.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_DEVICE_DEVICE_H
#define ACTNET_RUNTIME_DEVICE_DEVICE_H

#include "actnet/Runtime/Base/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace actnet::rt {

/// An address in the device's memory. Only a device whose info says
/// `hostAddressable` lets the host dereference it.
using DevicePtr = void *;

/// Waits without end, where a timeout in nanoseconds is asked for.
inline constexpr int64_t waitForever = INT64_MAX;

/// What a device is and can do; constant over its life.
struct DeviceInfo {
  /// The kind by which users name it: "host", "cuda", "toy".
  std::string kind;
  /// The model, for people ("AMD EPYC 9B14", "NVIDIA H100").
  std::string name;
  /// The code variant in use unless a load forces another, e.g. "x86-64-v4".
  std::string variant;
  /// A prepared segment is one launch (a graph) and not a list of commands.
  bool graphs = false;
  /// Streams run beside the thread that submits, and beside each other.
  bool async = false;
  /// A CompletionListener may submit to the device while it is called.
  bool callbacksMaySubmit = false;
  /// Kernels and copies may fail on the device after they were submitted.
  bool reportsFaults = false;
  /// Device memory is host memory: pointers may be dereferenced, `adopt` works.
  bool hostAddressable = false;
  /// Takes library calls (CallRecord).
  bool libraries = false;
  /// Worker threads that share the tiles of a launch; 0 where it isn't ours.
  unsigned threads = 0;
  /// Every allocation begins at a multiple of this many bytes, takes a multiple
  /// of it, and is counted so.
  uint64_t alignment = 4096;
  /// The device's memory in bytes, for `--list-devices`.
  uint64_t totalMemoryBytes = 0;
};

/// Whose memory an allocation is.
enum class MemoryKind : uint8_t {
  /// The device's own: weights, arenas.
  device,
  /// The host's, in a form that copies at full speed (pinned on CUDA).
  staging,
};

/// Bytes counted by the device's allocator as it gives and takes them; nothing
/// in here is read from a plan.
struct MemoryStats {
  /// In use now, by `allocate`.
  uint64_t deviceBytes = 0;
  uint64_t stagingBytes = 0;
  /// Scratch of the threads that run kernels, allocated at load and prepare.
  uint64_t scratchBytes = 0;
  /// Loaded code, after relocation.
  uint64_t codeBytes = 0;
  /// Stacks of the device's own threads, as reserved.
  uint64_t stackBytes = 0;
  /// Largest sum of all of the above so far.
  uint64_t peakBytes = 0;
  /// Calls that took memory so far; does not move while jobs run.
  uint64_t allocations = 0;
  /// Parts of prepared segments that run as single calls so far, because the
  /// driver refused to make or change their graph.
  uint64_t refusedGraphs = 0;
  /// Memory of others that the device reads in place (adopted weights).
  uint64_t adoptedBytes = 0;
  /// The device's memory that is in use and that nobody here allocated: what
  /// the driver keeps for its context, code, graphs and streams, and whatever
  /// other processes hold; -1 where there is no driver or it does not say. Not
  /// part of any sum.
  int64_t driverBytes = -1;
  /// The part of it that came since the device was made: code, graphs, streams.
  int64_t driverGrownBytes = -1;

  uint64_t total() const {
    return deviceBytes + stagingBytes + scratchBytes + codeBytes + stackBytes;
  }
};

//===----------------------------------------------------------------------===//
// Executables
//===----------------------------------------------------------------------===//

/// The code of one variant, as the package carries it.
struct CodeImage {
  /// "elf": a host shared object. "toy": the shared object of the software
  /// GPU. "cubin", "ptx", "cuda-text": a bundle (Package/CodeBundle.h) with an
  /// entry for each kernel.
  std::string_view format;
  /// What the code needs, e.g. "x86-64-v4", "sm_90a", "compute_90", "toy".
  std::string_view features;
  /// The raw image; read only during `load`.
  std::span<const std::byte> bytes;
};

/// What a kernel does with an operand. `write`: it writes every byte, and reads
/// none that it did not write.
enum class OperandAccess : uint8_t { read, write, readWrite };

/// One kernel of an executable; its index in the description is its id.
struct KernelDesc {
  /// The exported symbol.
  std::string_view symbol;
  /// Host: bytes of scratch each thread needs while in the kernel. Elsewhere
  /// scratch is per launch and in the plan.
  uint64_t scratchBytes = 0;
  /// GPU: threads of a block, a multiple of 32 up to 1024; each tile is a
  /// block. The host ignores it.
  uint32_t threads = 0;
  /// GPU: bytes of dynamic shared memory of a block.
  uint32_t sharedBytes = 0;
  /// Per operand, in their order; empty if not known, which allows everything.
  /// Read only during `load`.
  std::span<const OperandAccess> access = {};
};

struct ExecutableDesc {
  std::span<const CodeImage> images;
  std::span<const KernelDesc> kernels;
  /// Forces the image with exactly these features; empty takes the best one
  /// that the device can run.
  std::string_view variant;
};

/// Loaded code. Must outlive every segment prepared from it. Immutable, so any
/// thread may read it.
class Executable {
public:
  virtual ~Executable();
  /// Features of the image that was chosen.
  virtual std::string_view variant() const = 0;
  virtual unsigned kernelCount() const = 0;
};

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

/// A point in a stream's order that other streams and the host can wait for.
///
/// An event may be recorded again and again; a wait means the latest record
/// submitted before it. An event never recorded is complete. While a record of
/// it is in flight, only the same stream may record it again. Belongs to the
/// device that made it and must outlive the work that names it. Waiting for a
/// record that was cancelled cancels the work that waits.
class Event {
public:
  virtual ~Event();
  /// True once everything before the latest record is done, without waiting.
  /// Any thread.
  virtual bool query() const = 0;
  /// Waits on the host at most `timeoutNs`; deadlineExceeded if it is not
  /// complete by then, the device's error if it broke. Any thread.
  virtual Status wait(int64_t timeoutNs = waitForever) = 0;
};

//===----------------------------------------------------------------------===//
// Records and segments
//===----------------------------------------------------------------------===//

/// Runs a kernel over `tiles` tiles.
struct LaunchRecord {
  /// Index of the kernel in its executable.
  uint32_t kernel = 0;
  /// One address per operand: inputs, then outputs; view offsets added.
  std::span<const DevicePtr> operands;
  /// The kernel's index arguments, in order.
  std::span<const int64_t> dims;
  int64_t tiles = 1;
  /// Bytes of each operand's buffer, for a device that checks; empty if not
  /// known, else as many as operands.
  std::span<const uint64_t> sizes = {};
};

enum class CopyKind : uint8_t { up, down, within };

/// What a library may compute. A device that has `info().libraries` asks the
/// library for an algorithm when the record is resolved, by types, shape and
/// the alignment of the operands alone; where it has none, or is not there, the
/// fallback runs. Other devices refuse the record.
struct CallRecord {
  /// Names and text of the package (Package/LibraryCall.h); they must stay
  /// until the record is resolved.
  std::string_view library, entry, config;
  /// One address per operand, and the bytes of each operand's buffer.
  std::span<const DevicePtr> operands;
  std::span<const uint64_t> sizes;
  std::span<const int64_t> dims;
  /// Scratch that the call may use, aligned to 256 bytes; may be null.
  DevicePtr workspace = nullptr;
  uint64_t workspaceBytes = 0;
  /// The kernel that does the same, on the same operands.
  LaunchRecord fallback;
};

/// Copies `bytes` from `src` to `dst`, which do not overlap. `up` reads host
/// memory, `down` writes it; it must stay valid until the record is done.
struct CopyRecord {
  CopyKind kind = CopyKind::within;
  void *dst = nullptr;
  const void *src = nullptr;
  uint64_t bytes = 0;
};

/// Repeats the low `patternBytes` (1, 2, 4 or 8) of `pattern` over `bytes`,
/// which is a multiple of it.
struct FillRecord {
  DevicePtr dst = nullptr;
  uint64_t pattern = 0;
  uint32_t patternBytes = 1;
  uint64_t bytes = 0;
};

/// Records the event at this point of the stream.
struct SignalRecord {
  Event *event = nullptr;
};

/// Holds the stream here until the event is complete.
struct AwaitRecord {
  Event *event = nullptr;
};

using Record = std::variant<LaunchRecord, CopyRecord, FillRecord, SignalRecord,
                            AwaitRecord, CallRecord>;

/// A straight line of records for one stream.
struct Segment {
  /// Needed where there are launches.
  const Executable *executable = nullptr;
  std::span<const Record> records;
};

/// A segment resolved for one stream of one device. Owns all it needs; the
/// Segment it was made from may go. May be submitted again while it is still
/// in flight.
class PreparedSegment {
public:
  virtual ~PreparedSegment();
  /// Takes new pointers, dims, tiles, byte counts and events for the same line
  /// of records (same kinds in the same order, same kernels and numbers of
  /// operands and dims), without allocating. It must not be in flight.
  /// Errors: invalidArgument if the shape of the line differs or a record is
  /// wrong; then the old content stays.
  virtual Status update(const Segment &segment) = 0;
};

/// Hears that submitted work is done.
class CompletionListener {
public:
  virtual ~CompletionListener();
  /// Called once for each submission that named this listener, in the
  /// stream's order, when the work and everything before it on the stream is
  /// done, well under a millisecond after. `status` is that work's own: ok,
  /// cancelled at teardown, or the fault; after a sticky error of the device
  /// it is that error. Called on a thread of the device, or on the submitting
  /// thread where the device isn't async; must not block, must not submit to
  /// the device unless `callbacksMaySubmit`, and must not destroy the stream.
  virtual void completed(uint64_t token, const Status &status) = 0;
};

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

/// What a stream is for; a device may give copies engines of their own.
enum class StreamKind : uint8_t { compute, upload, download };

/// An ordered list of work. Work on one stream runs in the order submitted;
/// streams are ordered among each other by events only.
///
/// One thread submits at a time. The destructor lets the segment that runs
/// finish, cancels the rest, and returns once every listener was called.
class DeviceStream {
public:
  virtual ~DeviceStream();

  /// Resolves a segment for this stream. May allocate.
  /// Errors: invalidArgument (kernel id, missing executable, null pointer with
  /// bytes, negative tiles, pattern size), resourceExhausted.
  virtual Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) = 0;

  /// Submits a prepared segment of this stream and returns; allocates nothing
  /// once the stream has been as full before. `listener` may be null.
  /// Errors: the device's sticky error; then the listener is not called.
  virtual Status submit(const PreparedSegment &segment,
                        CompletionListener *listener, uint64_t token) = 0;

  /// Submits one record by itself: checks it, and copies what it points to.
  virtual Status submitRecord(const Executable *executable,
                              const Record &record,
                              CompletionListener *listener, uint64_t token) = 0;

  /// Submits nothing but the notification.
  virtual Status notify(CompletionListener *listener, uint64_t token) = 0;

  /// Waits on the host until all that was submitted is done, at most
  /// `timeoutNs`. Errors: deadlineExceeded, the device's sticky error.
  virtual Status synchronize(int64_t timeoutNs = waitForever) = 0;

  // The records by name.
  Status launch(const Executable &executable, const LaunchRecord &record) {
    return submitRecord(&executable, record, nullptr, 0);
  }
  Status copy(CopyKind kind, void *dst, const void *src, uint64_t bytes) {
    return submitRecord(nullptr, CopyRecord{kind, dst, src, bytes}, nullptr, 0);
  }
  Status fill(DevicePtr dst, uint64_t pattern, uint32_t patternBytes,
              uint64_t bytes) {
    return submitRecord(nullptr, FillRecord{dst, pattern, patternBytes, bytes},
                        nullptr, 0);
  }
  Status signal(Event &event) {
    return submitRecord(nullptr, SignalRecord{&event}, nullptr, 0);
  }
  Status await(Event &event) {
    return submitRecord(nullptr, AwaitRecord{&event}, nullptr, 0);
  }
};

//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

/// A device. All functions may be called from any thread. Streams, events,
/// executables and memory must go before their device.
class Device {
public:
  virtual ~Device();

  virtual const DeviceInfo &info() const = 0;

  /// Allocates `bytes` (> 0), aligned to `info().alignment`; what they hold is
  /// not said, and a device that checks reports who reads them unwritten. The
  /// caller owns the memory and gives it back with `deallocate`.
  /// Errors: invalidArgument for 0 bytes, resourceExhausted.
  virtual Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind) = 0;

  /// Gives memory back; no submitted work may still use it.
  /// Errors: invalidArgument for an address `allocate` did not return.
  virtual Status deallocate(DevicePtr memory) = 0;

  /// Makes host memory (mapped weights) readable by kernels in place and
  /// returns its device address; it must stay mapped until `release`.
  /// Errors: unavailable unless `info().hostAddressable`; upload it then.
  virtual Expected<DevicePtr> adopt(const void *memory, uint64_t bytes) = 0;
  virtual Status release(DevicePtr memory) = 0;

  virtual Expected<std::unique_ptr<DeviceStream>>
  createStream(StreamKind kind) = 0;
  virtual Expected<std::unique_ptr<Event>> createEvent() = 0;

  /// Loads code: picks an image, checks it, makes it runnable, and allocates
  /// the kernels' per-thread scratch.
  /// Errors: notFound (no image for this device or of the forced variant, or a
  /// symbol is missing), unavailable (the forced variant does not run here),
  /// dataLoss (the image is damaged or not of the agreed form).
  virtual Expected<std::unique_ptr<Executable>>
  load(const ExecutableDesc &desc) = 0;

  virtual MemoryStats memoryStats() const = 0;

  /// Bytes of the pages of [memory, memory + bytes) that were ever touched and
  /// are still there, in whole pages; the size itself where the device can't
  /// tell. Slow.
  virtual Expected<uint64_t> touchedBytes(DevicePtr memory,
                                          uint64_t bytes) const = 0;

  /// Ok, or the error after which nothing on this device works any more.
  virtual Status status() const = 0;

  /// One line about what does not run as it was meant to: library calls that
  /// run kernels in their place, graphs that run as single calls, and why;
  /// empty where there is nothing of the kind.
  virtual std::string libraryNote() const { return {}; }
};

/// Memory of a device that gives itself back. Move-only.
class DeviceMemory {
public:
  DeviceMemory() = default;
  /// Allocates; see Device::allocate for the errors.
  static Expected<DeviceMemory> allocate(Device &device, uint64_t bytes,
                                         MemoryKind kind) {
    Expected<DevicePtr> memory = device.allocate(bytes, kind);
    if (!memory)
      return memory.takeStatus();
    DeviceMemory result;
    result.device = &device;
    result.base = *memory;
    result.length = bytes;
    return Expected<DeviceMemory>(std::move(result));
  }
  DeviceMemory(DeviceMemory &&other) noexcept
      : device(std::exchange(other.device, nullptr)),
        base(std::exchange(other.base, nullptr)),
        length(std::exchange(other.length, 0)) {}
  DeviceMemory &operator=(DeviceMemory &&other) noexcept {
    if (this != &other) {
      reset();
      device = std::exchange(other.device, nullptr);
      base = std::exchange(other.base, nullptr);
      length = std::exchange(other.length, 0);
    }
    return *this;
  }
  ~DeviceMemory() { reset(); }

  DevicePtr data() const { return base; }
  uint64_t size() const { return length; }
  void reset() {
    if (device && base)
      device->deallocate(base).ignore();
    device = nullptr;
    base = nullptr;
    length = 0;
  }

private:
  Device *device = nullptr;
  DevicePtr base = nullptr;
  uint64_t length = 0;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_DEVICE_DEVICE_H
