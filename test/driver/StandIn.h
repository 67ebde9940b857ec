//===- StandIn.h - a libcuda.so.1 without a GPU ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A driver for tests: the entry points that device cuda uses, over the software
// GPU's engine. It keeps the order that streams, events and graphs give and no
// other, ends work late, and is strict where a driver may be lenient: wrong
// handles, no current context, calls from host functions, calls that a thread
// must not make while it captures, shared memory that was not asked for or that
// the architecture does not have, pitches above the limit. A module stands for
// its toy code: a cubin of the package that ACTNET_STANDIN_PACKAGE names, found
// by its bytes, or a line of text
//
//   actnet stand-in module: NAME PARAMETERS CHECKSUM
//
// of which ACTNET_STANDIN_IMAGE names the toy image, or, with `made=1`, what
// NVRTC made where the program runs: a cubin for this architecture (Cubin.h),
// whose kernel is found by its name. ACTNET_STANDIN holds what else there is to
// choose, between commas:
//
//   seed=7          order of what may run, delays
//   log=FILE        one line for each call, and `ran NAME` for each kernel
//                   that ran, appended
//   version=12040   what cuDriverGetVersion says
//   devices=1, sm=80, memory=BYTES
//   pitch=BYTES     the largest pitch of a copy; 2147483647
//   context=BYTES   what the context takes of the memory; modules take their
//                   own size, and a graph 1 KiB a node
//   late=1          host functions that an error caught are called all the
//                   same, when the context goes
//   fault=KIND@N    at the N-th of its kind, from 1:
//       oom     an allocation of device memory finds none
//       load    a module is refused
//       newer   a module is of a newer toolkit than the driver
//       launch  a launch is refused, and the context goes on
//       sticky  a kernel breaks the context
//       graph   a graph is not made runnable
//       change  a node of a graph is not changed
//       lost    a record of an event is never reached, nor what follows it
//       wake    a host function is not called
//       matmul     a product of the library's stand-in fails
//       heuristic  the library's stand-in finds no algorithm
//   graphs=none        no graph is made runnable
//   heuristics=none    the library never finds an algorithm
//   products=none      all its products fail
//   workspace=BYTES    what its algorithms want; 1024
//
// The stand-in of the library, libcublasLt.so.13, uses the functions at the end
// of this file.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TEST_DRIVER_STANDIN_H
#define ACTNET_TEST_DRIVER_STANDIN_H

#include "../../lib/Runtime/Device/CUDA/DriverApi.h"
#include "actnet/Runtime/Device/ToyEngine.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace actnet::rt::cuda {

// What the opaque handles point to.
struct ModuleTag {
  toy::Entry entry;
  unsigned parameters = 0;
  unsigned sharedBytes = 0; ///< that a cubin's text declares
  size_t bytes = 0;
  std::unique_ptr<FunctionTag> function;
};
struct FunctionTag {
  const ModuleTag *module = nullptr;
  int mostShared = 48 * 1024; ///< that a launch may ask for
};
struct EventTag {
  uint64_t submitted = 0, done = 0;
  /// The number of the capture that it was last recorded in; 0 if in none.
  uint64_t capture = 0;
};

/// A piece of work.
struct Work {
  enum class Kind : uint8_t {
    kernel,
    copy,
    set,
    record,
    wait,
    host,
    library,
    nothing
  };
  Kind kind = Kind::nothing;
  FunctionTag *function = nullptr;
  unsigned tiles = 1, threads = 32, sharedBytes = 0;
  std::vector<uint64_t> arguments;
  void *dst = nullptr;
  const void *src = nullptr;
  size_t bytes = 0;
  bool fromDevice = true, toDevice = true;
  MemsetNodeParams set{};
  std::shared_ptr<EventTag> event;
  uint64_t target = 0;
  HostFunction call = nullptr;
  void *user = nullptr;
  std::function<Result()> library;
  std::string name; ///< of a library's work
};

struct GraphNodeTag {
  std::vector<Work> works; ///< one behind the other; a child graph has several
  bool enabled = true;
  std::vector<size_t> after;
};
struct GraphTag {
  std::vector<std::unique_ptr<GraphNodeTag>> nodes;
};
struct GraphExecTag {
  GraphTag *graph = nullptr;
  std::vector<GraphNodeTag> nodes;
};
/// A stream's calls that become a graph, and not work.
struct Capture {
  std::unique_ptr<GraphTag> graph; ///< null once it is invalid
  uint64_t number = 0;             ///< never 0
  std::thread::id thread;
};
struct StreamTag {
  std::deque<Work> queue;
  bool running = false;
  std::unique_ptr<Capture> capture;
};
struct ContextTag {};

struct Options {
  uint64_t seed = 1;
  std::string log;
  int version = 13000;
  int devices = 1;
  int architecture = 80;
  uint64_t memoryBytes = uint64_t(4) << 30;
  std::string fault;
  uint64_t faultAt = 0;
  uint64_t contextBytes = 0;
  bool late = false, made = false;
  uint64_t mostPitch = 2147483647;
  bool hasGraphs = true, hasHeuristics = true, hasProducts = true;
  uint64_t workspaceBytes = 1024;
  static Options fromEnvironment();
};

/// Everything the stand-in has; one for the process.
class __attribute__((visibility("default"))) StandIn {
public:
  static StandIn &get();

  /// Begins a call: notes it, and refuses it where it is not allowed. Answers
  /// `success`, or what the call has to return.
  /// An `unsafe` one is forbidden to a thread that captures; it makes all that
  /// the thread captures invalid.
  Result begin(const char *name, bool needsContext, bool needsHealth,
               const std::string &detail = "", bool unsafe = false);
  /// Counts towards the fault `kind`; true if it strikes now.
  bool strikes(const char *kind);

  Result retain();
  void release();
  Context primary() { return &context; }
  Result setCurrent(Context next);
  Options options() const;

  Result allocate(Pointer *pointer, size_t bytes);
  Result freeMemory(Pointer pointer);
  void memoryInfo(size_t *free, size_t *total);
  /// Notes what the driver takes for itself, or gives back.
  void own(int64_t bytes) { ownBytes += bytes; }
  Result allocateHost(void **pointer, size_t bytes);
  Result freeHost(void *pointer);
  Result loadModule(Module *module, const char *text, std::string &log);

  Result enqueue(Stream stream, Work work);
  Result enqueueAll(Stream stream, std::vector<Work> works);
  Result synchronize(Stream stream);

  Result beginCapture(Stream stream);
  Result endCapture(Stream stream, Graph *graph);
  /// Records an event, or waits for one.
  Result mark(Work::Kind kind, Stream stream, EventHandle event);
  Result query(EventHandle event);

  // Handles: made here, and known to be live.
  std::mutex mutex;
  std::set<const void *> live;
  std::vector<Stream> streams;
  std::map<EventHandle, std::shared_ptr<EventTag>> events;
  std::condition_variable changed;
  Result broken = success;
  Context current() const;
  bool isLive(const void *handle) {
    std::lock_guard lock(mutex);
    return live.contains(handle);
  }
  uint64_t random(uint64_t below);
  /// Says a line in the log.
  void say(const std::string &line);
  /// What a library's kernel does with bytes: they lie in one allocation, those
  /// read have values, those written have from now on.
  Status read(const void *at, size_t bytes);
  Status written(const void *at, size_t bytes);

private:
  StandIn() = default;
  void execute();
  bool isReady(const StreamTag &stream) const;
  Result perform(Work &work);
  // Of the captures, under the lock.
  bool invalidate(std::thread::id thread);
  void invalidate(uint64_t number);
  bool isDevice(const void *at, size_t bytes);
  Expected<const toy::Image *> image(std::span<const std::byte> bytes);
  Result findCode(const std::string &code, ModuleTag &module, std::string &log);
  Result findMade(const std::string &code, std::string &kernel,
                  unsigned &parameters, std::string &log) const;

  Options chosen;
  std::mutex logMutex;
  std::map<std::string, uint64_t> counts;
  std::mt19937_64 generator;
  unsigned retained = 0;
  uint64_t lastCapture = 0;
  /// Counts contexts: a new one has the address of the old one.
  std::atomic<uint64_t> generation{0};
  std::atomic<int64_t> ownBytes{0};
  std::vector<Work> lateWork;
  ContextTag context;
  std::unique_ptr<toy::Engine> engine;
  std::map<Pointer, size_t> memory;
  uint64_t memoryUsed = 0;
  std::set<void *> hostMemory;
  std::map<std::vector<std::byte>, std::unique_ptr<toy::Image>> images;
  std::thread executor;
  bool stopping = false;
};

/// The stand-in that the process has loaded: for the library's stand-in, which
/// is a file of its own.
extern "C" StandIn *actnetStandIn();

} // namespace actnet::rt::cuda

#endif // ACTNET_TEST_DRIVER_STANDIN_H
