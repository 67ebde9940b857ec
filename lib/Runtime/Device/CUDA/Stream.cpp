//===- Stream.cpp - ordered work on a GPU ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Stream.h"
#include "actnet/Runtime/Base/Futex.h"

#include <algorithm>
#include <sched.h>

namespace actnet::rt::cuda {

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<Event>> CudaEvent::create(ContextState &context) {
  if (context.isBroken())
    return context.status();
  context.enter();
  std::unique_ptr<CudaEvent> made(new CudaEvent(context));
  ACTNET_RETURN_IF_ERROR(context.check(
      context.api().cuEventCreate(&made->event, eventDisableTiming),
      "making an event"));
  return Expected<std::unique_ptr<Event>>(std::move(made));
}

CudaEvent::~CudaEvent() {
  if (!event || context.isLost())
    return;
  context.enter();
  context.api().cuEventDestroy(event);
}

bool CudaEvent::query() const {
  context.enter();
  Result result =
      context.isBroken() ? success : context.api().cuEventQuery(event);
  if (result != success && result != notReady)
    context.breakWith(result, "asking an event").ignore();
  return result != notReady;
}

Status CudaEvent::wait(int64_t timeoutNs) {
  int64_t deadline = deadlineAfter(timeoutNs);
  // The driver's own wait has no end; this one gives up in time.
  for (unsigned round = 0; !query(); ++round) {
    if (monotonicNs() >= deadline)
      return deadlineExceeded("event is not complete in time");
    if (round < 50) {
      sched_yield();
      continue;
    }
    timespec pause{0, 50 * 1000};
    nanosleep(&pause, nullptr);
  }
  return context.status();
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<DeviceStream>>
CudaStream::create(ContextState &context, Checker &checker) {
  if (context.isBroken())
    return context.status();
  context.enter();
  const Api &api = context.api();
  std::unique_ptr<CudaStream> made(new CudaStream(context, checker));
  checker.add(made.get());
  made->stream = context.sharedStream;
  if (!made->stream)
    ACTNET_RETURN_IF_ERROR(
        context.check(api.cuStreamCreate(&made->stream, streamNonBlocking),
                      "making a stream"));
  if (!context.options.synchronous)
    ACTNET_RETURN_IF_ERROR(
        context.check(api.cuStreamCreate(&made->wakeStream, streamNonBlocking),
                      "making a stream"));
  return Expected<std::unique_ptr<DeviceStream>>(std::move(made));
}

CudaStream::~CudaStream() {
  // The driver takes nothing back: what was submitted runs to its end.
  if (stream && finishSubmission(nullptr, 0, /*always=*/true, /*took=*/false)) {
    uint64_t wanted, seen = finished.load(std::memory_order_acquire);
    {
      std::lock_guard lock(mutex);
      wanted = last;
    }
    // Work that makes no progress for so long never will.
    while (!waitFor(wanted, deadlineAfter(context.options.teardownNs))) {
      uint64_t now = finished.load(std::memory_order_acquire);
      if (now == seen && !context.isBroken())
        context.giveUp(internalError(
            "cuda: work on the GPU did not end within " +
            std::to_string(context.options.teardownNs / 1000000000) +
            " s after its stream was closed; the GPU is given up"));
      checker.wake();
      seen = now;
    }
  }
  // In a broken context the checker answers all that is left.
  uint64_t all;
  {
    std::lock_guard lock(mutex);
    all = last;
  }
  checker.wake();
  waitFor(all, INT64_MAX).ignore();
  if (!context.isLost()) {
    context.enter();
    const Api &api = context.api();
    // Its host functions wait for nothing but what is done.
    if (wakeStream && !context.isBroken())
      api.cuStreamSynchronize(wakeStream);
    if (wakeStream)
      api.cuStreamDestroy(wakeStream);
    if (stream && stream != context.sharedStream)
      api.cuStreamDestroy(stream);
    for (EventHandle event : freeEvents)
      api.cuEventDestroy(event);
  }
  checker.remove(this);
}

Expected<std::unique_ptr<PreparedSegment>>
CudaStream::prepare(const Segment &segment) {
  if (context.isBroken())
    return context.status();
  ACTNET_ASSIGN_OR_RETURN(auto made,
                          CudaSegment::make(context, stream, segment));
  return Expected<std::unique_ptr<PreparedSegment>>(std::move(made));
}

Status CudaStream::takeEvent(EventHandle &event) {
  {
    std::lock_guard lock(mutex);
    if (!freeEvents.empty()) {
      event = freeEvents.back();
      freeEvents.pop_back();
      return {};
    }
  }
  return context.check(context.api().cuEventCreate(&event, eventDisableTiming),
                       "making an event");
}

void CudaStream::push(const Pending &pending) {
  {
    std::lock_guard lock(mutex);
    if (last - first == ring.size()) {
      std::vector<Pending> larger(std::max<size_t>(16, ring.size() * 2));
      for (uint64_t at = first; at < last; ++at)
        larger[at % larger.size()] = ring[at % ring.size()];
      ring = std::move(larger);
      freeEvents.reserve(ring.size() + 2);
    }
    ring[last % ring.size()] = pending;
    ++last;
  }
  checker.pending.fetch_add(1, std::memory_order_seq_cst);
}

void CudaStream::giveEventBack(EventHandle event) {
  std::lock_guard lock(mutex);
  if (event)
    freeEvents.push_back(event);
}

/// Waits for an event where every call returns when its work is done.
Status CudaStream::waitHere(EventHandle event) {
  Result result;
  int64_t deadline = deadlineAfter(context.options.teardownNs);
  while ((result = context.api().cuEventQuery(event)) == notReady &&
         monotonicNs() < deadline)
    sched_yield();
  if (result == notReady)
    context.giveUp(internalError("cuda: work on the GPU does not end; the GPU "
                                 "is given up"));
  else if (result != success)
    context.breakWith(result, "waiting for a stream").ignore();
  return context.status();
}

/// Records an event behind what was just submitted, and has the checker look
/// once it is complete. Work that the driver `took` is answered by its listener
/// even where it broke the context before its event could be recorded.
Status CudaStream::finishSubmission(CompletionListener *listener,
                                    uint64_t token, bool always, bool took) {
  bool here = context.options.synchronous;
  if (!took && context.isBroken())
    return context.status();
  if (!listener && !always && !here)
    return {};
  const Api &api = context.api();
  context.enter();
  std::lock_guard order(submitting);
  EventHandle event = nullptr;
  Status status = takeEvent(event);
  if (status)
    status =
        context.check(api.cuEventRecord(event, stream), "recording an event");
  if (here && status)
    status = waitHere(event);
  if (here || !status) {
    giveEventBack(event);
    if (!status && !(took && context.isBroken()))
      return status;
    if (here) {
      if (listener)
        listener->completed(token, status);
      return {};
    }
    event = nullptr;
  }
  push({event, listener, token});
  // If this fails the timer finds the completion all the same.
  if (!event || api.cuStreamWaitEvent(wakeStream, event, 0) != success ||
      api.cuLaunchHostFunc(wakeStream, WakeWord::wake, checker.wakeWord()) !=
          success)
    checker.wake();
  return {};
}

Status CudaStream::submit(const PreparedSegment &segment,
                          CompletionListener *listener, uint64_t token) {
  if (context.isBroken())
    return context.status();
  context.enter();
  ACTNET_RETURN_IF_ERROR(
      static_cast<const CudaSegment &>(segment).submit(stream));
  return finishSubmission(listener, token, /*always=*/false, /*took=*/true);
}

Status CudaStream::submitRecord(const Executable *executable,
                                const Record &record,
                                CompletionListener *listener, uint64_t token) {
  Resolved resolved;
  ACTNET_RETURN_IF_ERROR(resolved.fill(context, executable, {&record, 1}));
  if (context.isBroken())
    return context.status();
  context.enter();
  for (const Operation &operation : resolved.operations)
    ACTNET_RETURN_IF_ERROR(submitPlain(context, resolved, operation, stream));
  return finishSubmission(listener, token, /*always=*/false, /*took=*/true);
}

Status CudaStream::notify(CompletionListener *listener, uint64_t token) {
  return finishSubmission(listener, token, /*always=*/false, /*took=*/false);
}

Status CudaStream::synchronize(int64_t timeoutNs) {
  int64_t deadline = deadlineAfter(timeoutNs);
  Status status = finishSubmission(nullptr, 0, /*always=*/true, /*took=*/false);
  // A broken context answers at once what was open; then nobody is called any
  // more.
  if (!status && !context.isBroken())
    return status;
  if (!status)
    checker.wake();
  uint64_t wanted;
  {
    std::lock_guard lock(mutex);
    wanted = last;
  }
  ACTNET_RETURN_IF_ERROR(waitFor(wanted, deadline));
  return context.status();
}

/// Waits until so many submissions were answered.
Status CudaStream::waitFor(uint64_t count, int64_t deadlineNs) {
  Status result;
  waiters.fetch_add(1, std::memory_order_seq_cst);
  for (;;) {
    uint32_t seen = finishedWord.load(std::memory_order_seq_cst);
    if (finished.load(std::memory_order_seq_cst) >= count)
      break;
    if (monotonicNs() >= deadlineNs) {
      result = deadlineExceeded("stream is not idle in time");
      break;
    }
    futexWait(finishedWord, seen, deadlineNs);
  }
  waiters.fetch_sub(1, std::memory_order_seq_cst);
  return result;
}

void CudaStream::answer(const Pending &done, const Status &status) {
  if (done.listener)
    done.listener->completed(done.token, status);
  checker.pending.fetch_sub(1, std::memory_order_seq_cst);
  finished.fetch_add(1, std::memory_order_seq_cst);
  finishedWord.fetch_add(1, std::memory_order_seq_cst);
  if (waiters.load(std::memory_order_seq_cst))
    futexWake(finishedWord, INT32_MAX);
}

bool CudaStream::check() {
  bool found = false;
  for (;;) {
    Pending front;
    {
      std::lock_guard lock(mutex);
      if (first == last)
        return found;
      front = ring[first % ring.size()];
    }
    Status status = context.status();
    if (status) {
      Result result = context.api().cuEventQuery(front.event);
      if (result == notReady)
        return found;
      if (result != success)
        status = context.breakWith(result, "waiting for a stream");
    }
    {
      std::lock_guard lock(mutex);
      ++first;
      if (front.event)
        freeEvents.push_back(front.event);
    }
    found = true;
    answer(front, status);
  }
}

} // namespace actnet::rt::cuda
