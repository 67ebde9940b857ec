//===- StandIn.cpp - state and execution of the stand-in ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StandIn.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace actnet::rt::cuda {

namespace {
thread_local Context currentContext = nullptr;
thread_local uint64_t currentGeneration = 0;
thread_local bool inHostFunction = false;
} // namespace

Options Options::fromEnvironment() {
  Options options;
  const char *text = std::getenv("ACTNET_STANDIN");
  std::string rest = text ? text : "";
  while (!rest.empty()) {
    size_t comma = rest.find(',');
    std::string item = rest.substr(0, comma);
    rest = comma == rest.npos ? "" : rest.substr(comma + 1);
    size_t equal = item.find('=');
    std::string key = item.substr(0, equal);
    std::string value = equal == item.npos ? "" : item.substr(equal + 1);
    auto number = [&] { return std::strtoull(value.c_str(), nullptr, 10); };
    if (key == "seed")
      options.seed = number();
    else if (key == "log")
      options.log = value;
    else if (key == "version")
      options.version = int(number());
    else if (key == "devices")
      options.devices = int(number());
    else if (key == "sm")
      options.architecture = int(number());
    else if (key == "memory")
      options.memoryBytes = number();
    else if (key == "context")
      options.contextBytes = number();
    else if (key == "late")
      options.late = number() != 0;
    else if (key == "pitch")
      options.mostPitch = number();
    else if (key == "made")
      options.made = number() != 0;
    else if (key == "fault") {
      size_t at = value.find('@');
      options.fault = value.substr(0, at);
      options.faultAt =
          at == value.npos ? 1
                           : std::strtoull(value.c_str() + at + 1, nullptr, 10);
    } else if (key == "graphs")
      options.hasGraphs = value != "none";
    else if (key == "heuristics")
      options.hasHeuristics = value != "none";
    else if (key == "products")
      options.hasProducts = value != "none";
    else if (key == "workspace")
      options.workspaceBytes = number();
  }
  return options;
}

StandIn &StandIn::get() {
  // Never destroyed: host functions and threads may outlive main.
  static StandIn *standIn = new StandIn;
  return *standIn;
}

Options StandIn::options() const {
  return retained ? chosen : Options::fromEnvironment();
}

void StandIn::say(const std::string &line) {
  std::string path = options().log;
  if (path.empty())
    return;
  std::lock_guard lock(logMutex);
  if (std::FILE *file = std::fopen(path.c_str(), "a")) {
    std::fprintf(file, "%s\n", line.c_str());
    std::fclose(file);
  }
}

Result StandIn::begin(const char *name, bool needsContext, bool needsHealth,
                      const std::string &detail, bool unsafe) {
  Result result = success;
  {
    std::lock_guard lock(mutex);
    if (inHostFunction)
      result = notPermitted;
    else if (needsContext && (!currentContext || !retained))
      result = invalidContext;
    else if (needsContext && currentGeneration != generation)
      result = contextIsDestroyed;
    else if (needsHealth && broken != success)
      result = broken;
    else if (unsafe && invalidate(std::this_thread::get_id()))
      result = captureUnsupported;
  }
  say(std::string(name) + (detail.empty() ? "" : " " + detail) +
      (result == success ? "" : " refused with " + std::to_string(result)));
  return result;
}

bool StandIn::strikes(const char *kind) {
  std::lock_guard lock(mutex);
  return chosen.fault == kind && ++counts[kind] == chosen.faultAt;
}

uint64_t StandIn::random(uint64_t below) {
  std::lock_guard lock(mutex);
  return generator() % below;
}

Context StandIn::current() const { return currentContext; }

Result StandIn::setCurrent(Context next) {
  if (next && next != &context)
    return invalidContext;
  currentContext = next;
  currentGeneration = generation;
  return success;
}

Result StandIn::retain() {
  std::lock_guard lock(mutex);
  if (retained++)
    return success;
  chosen = Options::fromEnvironment();
  counts.clear();
  generator.seed(chosen.seed);
  broken = success;
  ++generation;
  ownBytes = int64_t(chosen.contextBytes);
  toy::EngineOptions engineOptions;
  engineOptions.seed = chosen.seed;
  engine = std::make_unique<toy::Engine>(engineOptions);
  stopping = false;
  executor = std::thread([this] { execute(); });
  return success;
}

void StandIn::release() {
  std::unique_lock lock(mutex);
  if (!retained || --retained)
    return;
  stopping = true;
  changed.notify_all();
  lock.unlock();
  executor.join();
  for (Work &work : lateWork) {
    say("ran a late host function");
    work.call(work.user);
  }
  lateWork.clear();
  lock.lock();
  engine.reset();
  memory.clear();
  memoryUsed = 0;
  // A broken context refuses to destroy its streams; they end with it, and
  // with them what was queued behind work that was dropped.
  for (Stream stream : streams) {
    live.erase(stream);
    delete stream;
  }
  streams.clear();
  events.clear();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Result StandIn::allocate(Pointer *pointer, size_t bytes) {
  if (!pointer || !bytes)
    return invalidValue;
  if (strikes("oom"))
    return outOfMemory;
  {
    std::lock_guard lock(mutex);
    if (bytes > chosen.memoryBytes || memoryUsed + bytes > chosen.memoryBytes)
      return outOfMemory;
  }
  auto made = engine->allocate(bytes, 512);
  if (!made)
    return outOfMemory;
  // A GPU's fresh memory holds whatever somebody left there.
  std::memset(*made, 0xa5, bytes);
  *pointer = reinterpret_cast<Pointer>(*made);
  std::lock_guard lock(mutex);
  memory[*pointer] = bytes;
  memoryUsed += bytes;
  return success;
}

Result StandIn::freeMemory(Pointer pointer) {
  std::unique_lock lock(mutex);
  auto found = memory.find(pointer);
  if (found == memory.end())
    return invalidValue;
  // It waits for everything that might still use it.
  changed.wait(lock, [&] {
    return broken != success ||
           std::all_of(streams.begin(), streams.end(), [](Stream s) {
             return s->queue.empty() && !s->running;
           });
  });
  memoryUsed -= found->second;
  memory.erase(found);
  lock.unlock();
  engine->deallocate(reinterpret_cast<void *>(pointer)).ignore();
  return success;
}

void StandIn::memoryInfo(size_t *free, size_t *total) {
  std::lock_guard lock(mutex);
  *total = chosen.memoryBytes;
  *free = chosen.memoryBytes -
          std::min(chosen.memoryBytes, memoryUsed + uint64_t(ownBytes));
}

Result StandIn::allocateHost(void **pointer, size_t bytes) {
  if (bytes > uint64_t(1) << 36)
    return outOfMemory;
  *pointer = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (!*pointer)
    return outOfMemory;
  std::lock_guard lock(mutex);
  hostMemory.insert(*pointer);
  return success;
}

Result StandIn::freeHost(void *pointer) {
  {
    std::lock_guard lock(mutex);
    if (!hostMemory.erase(pointer))
      return invalidValue;
  }
  std::free(pointer);
  return success;
}

/// True if all of it lies in one allocation.
bool StandIn::isDevice(const void *at, size_t bytes) {
  auto address = reinterpret_cast<Pointer>(at);
  std::lock_guard lock(mutex);
  auto found = memory.upper_bound(address);
  if (found == memory.begin())
    return false;
  --found;
  return address - found->first <= found->second &&
         bytes <= found->second - (address - found->first);
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

Result StandIn::enqueue(Stream stream, Work work) {
  std::vector<Work> works;
  works.push_back(std::move(work));
  return enqueueAll(stream, std::move(works));
}

Result StandIn::enqueueAll(Stream stream, std::vector<Work> works) {
  std::lock_guard lock(mutex);
  if (!live.contains(stream))
    return invalidHandle;
  // It may have broken since the call began.
  if (broken != success)
    return broken;
  if (stream->capture) {
    // Thread-local mode: whoever else comes here has mistaken the stream.
    if (stream->capture->thread != std::this_thread::get_id())
      return captureWrongThread;
    GraphTag *graph = stream->capture->graph.get();
    if (!graph)
      return captureInvalidated;
    for (Work &work : works) {
      auto node = std::make_unique<GraphNodeTag>();
      node->works.push_back(std::move(work));
      if (!graph->nodes.empty())
        node->after.push_back(graph->nodes.size() - 1);
      graph->nodes.push_back(std::move(node));
    }
    return success;
  }
  for (Work &work : works) {
    if (work.kind == Work::Kind::record)
      work.target = ++work.event->submitted;
    else if (work.kind == Work::Kind::wait)
      work.target = work.event->submitted;
    stream->queue.push_back(std::move(work));
  }
  changed.notify_all();
  return success;
}

Result StandIn::synchronize(Stream stream) {
  std::unique_lock lock(mutex);
  if (!live.contains(stream))
    return invalidHandle;
  if (stream->capture) {
    invalidate(stream->capture->number);
    return captureUnsupported;
  }
  changed.wait(lock, [&] {
    return broken != success || (stream->queue.empty() && !stream->running);
  });
  return broken;
}

//===----------------------------------------------------------------------===//
// Captures
//===----------------------------------------------------------------------===//
//
// By the manual's rules of thread-local mode
// (cuThreadExchangeStreamCaptureMode, and "Prohibited and Unhandled Operations"
// of the CUDA C++ Programming Guide): what a thread must not call while it
// captures, and what nobody must ask of a capture. Each makes the capture
// invalid; then its end gives no graph.

void StandIn::invalidate(uint64_t number) {
  for (Stream stream : streams)
    if (stream->capture && stream->capture->number == number)
      stream->capture->graph.reset();
}

/// All of a thread; true if there were any.
bool StandIn::invalidate(std::thread::id thread) {
  bool found = false;
  for (Stream stream : streams)
    if (stream->capture && stream->capture->thread == thread) {
      stream->capture->graph.reset();
      found = true;
    }
  return found;
}

Result StandIn::beginCapture(Stream stream) {
  std::lock_guard lock(mutex);
  if (!live.contains(stream))
    return invalidHandle;
  if (stream->capture)
    return illegalState;
  stream->capture = std::make_unique<Capture>();
  stream->capture->graph = std::make_unique<GraphTag>();
  stream->capture->number = ++lastCapture;
  stream->capture->thread = std::this_thread::get_id();
  return success;
}

Result StandIn::endCapture(Stream stream, Graph *graph) {
  std::lock_guard lock(mutex);
  if (!live.contains(stream))
    return invalidHandle;
  *graph = nullptr;
  if (!stream->capture)
    return illegalState;
  if (stream->capture->thread != std::this_thread::get_id())
    return captureWrongThread;
  auto ended = std::exchange(stream->capture, nullptr);
  if (!ended->graph)
    return captureInvalidated;
  *graph = ended->graph.release();
  live.insert(*graph);
  return success;
}

Result StandIn::mark(Work::Kind kind, Stream stream, EventHandle event) {
  Work work;
  work.kind = kind;
  {
    std::lock_guard lock(mutex);
    auto found = events.find(event);
    if (found == events.end() || !live.contains(stream))
      return invalidHandle;
    work.event = found->second;
    EventTag &tag = *found->second;
    Capture *capture = stream->capture.get();
    if (capture && capture->thread == std::this_thread::get_id()) {
      if (!capture->graph)
        return captureInvalidated;
      // In a line of calls an event of the same capture orders nothing more.
      if (kind == Work::Kind::record)
        tag.capture = capture->number;
      if (tag.capture == capture->number)
        return success;
      // Another capture, or work outside of all.
      uint64_t other = tag.capture;
      capture->graph.reset();
      invalidate(other);
      return other ? captureMerge : captureIsolation;
    }
    if (!capture && kind == Work::Kind::record) {
      tag.capture = 0;
    } else if (!capture && tag.capture) {
      // A driver would take the stream into the capture, which we never want.
      invalidate(tag.capture);
      return captureUnsupported;
    }
  }
  return enqueue(stream, std::move(work));
}

Result StandIn::query(EventHandle event) {
  std::lock_guard lock(mutex);
  auto found = events.find(event);
  if (found == events.end())
    return invalidHandle;
  const EventTag &tag = *found->second;
  if (tag.capture) {
    invalidate(tag.capture);
    return capturedEvent;
  }
  return tag.done >= tag.submitted ? success : notReady;
}

bool StandIn::isReady(const StreamTag &stream) const {
  if (stream.queue.empty())
    return false;
  const Work &front = stream.queue.front();
  return front.kind != Work::Kind::wait || front.event->done >= front.target;
}

/// The device: takes any work that may run, by the seed, and ends it late.
void StandIn::execute() {
  std::unique_lock lock(mutex);
  std::vector<Stream> ready;
  while (!stopping) {
    if (broken != success) {
      // Nothing runs any more, and nobody hears of it by a host function.
      for (Stream stream : streams) {
        for (Work &work : stream->queue)
          if (chosen.late && work.kind == Work::Kind::host)
            lateWork.push_back(std::move(work));
        stream->queue.clear();
      }
      changed.notify_all();
      changed.wait(lock);
      continue;
    }
    ready.clear();
    for (Stream stream : streams)
      if (isReady(*stream))
        ready.push_back(stream);
    if (ready.empty()) {
      changed.wait(lock);
      continue;
    }
    if (generator() % 16 == 0) {
      auto pause = std::chrono::microseconds(generator() % 50);
      lock.unlock();
      std::this_thread::sleep_for(pause);
      lock.lock();
      continue;
    }
    Stream stream = ready[generator() % ready.size()];
    Work work = std::move(stream->queue.front());
    stream->queue.pop_front();
    stream->running = true;
    if (work.kind == Work::Kind::record) {
      if (chosen.fault == "lost" && ++counts["lost"] == chosen.faultAt) {
        // The stream stands still from here on: it is never ready again.
        Work never;
        never.kind = Work::Kind::wait;
        never.event = std::make_shared<EventTag>();
        never.target = 1;
        stream->queue.push_front(std::move(never));
      } else {
        work.event->done = std::max(work.event->done, work.target);
      }
    }
    lock.unlock();
    Result result = perform(work);
    lock.lock();
    stream->running = false;
    if (result != success)
      broken = result;
    changed.notify_all();
  }
}

Result StandIn::perform(Work &work) {
  auto wrong = [&](const Status &status) -> Result {
    std::fprintf(stderr, "stand-in: %s\n", status.str().c_str());
    return illegalAddress;
  };
  switch (work.kind) {
  case Work::Kind::kernel: {
    if (strikes("sticky"))
      return illegalAddress;
    std::vector<void *> arguments;
    for (uint64_t &value : work.arguments)
      arguments.push_back(&value);
    toy::Launch launch;
    launch.entry = work.function->module->entry;
    launch.tiles = work.tiles;
    launch.threads = work.threads;
    launch.sharedBytes = work.sharedBytes;
    launch.arguments = arguments;
    say("ran " + std::string(launch.entry.name) + " " +
        std::to_string(work.tiles) + "x" + std::to_string(work.threads));
    Status status = engine->run(launch);
    return status ? success : wrong(status);
  }
  case Work::Kind::copy:
    if ((work.fromDevice && !isDevice(work.src, work.bytes)) ||
        (work.toDevice && !isDevice(work.dst, work.bytes)))
      return wrong(outOfRange("a copy outside of device memory"));
    std::memcpy(work.dst, work.src, work.bytes);
    if (work.toDevice)
      if (Status status = engine->noteWritten(work.dst, work.bytes); !status)
        return wrong(status);
    return success;
  case Work::Kind::set:
    for (size_t row = 0; row < work.set.height; ++row) {
      auto *at = reinterpret_cast<unsigned char *>(work.set.dst) +
                 row * work.set.pitch;
      size_t bytes = work.set.width * work.set.elementSize;
      if (!isDevice(at, bytes))
        return wrong(outOfRange("a fill outside of device memory"));
      for (size_t i = 0; i < bytes; i += work.set.elementSize)
        std::memcpy(at + i, &work.set.value, work.set.elementSize);
      if (Status status = engine->noteWritten(at, bytes); !status)
        return wrong(status);
    }
    return success;
  case Work::Kind::host:
    if (strikes("wake"))
      return success;
    inHostFunction = true;
    work.call(work.user);
    inHostFunction = false;
    return success;
  case Work::Kind::library:
    say("ran " + work.name);
    return work.library();
  case Work::Kind::record:
  case Work::Kind::wait:
  case Work::Kind::nothing:
    return success;
  }
  return success;
}

Status StandIn::read(const void *at, size_t bytes) {
  if (!isDevice(at, bytes))
    return outOfRange("a library reads outside of device memory");
  return engine->checkReadable(at, bytes);
}

Status StandIn::written(const void *at, size_t bytes) {
  if (!isDevice(at, bytes))
    return outOfRange("a library writes outside of device memory");
  return engine->noteWritten(at, bytes);
}

extern "C" __attribute__((visibility("default"))) StandIn *actnetStandIn() {
  return &StandIn::get();
}

} // namespace actnet::rt::cuda
