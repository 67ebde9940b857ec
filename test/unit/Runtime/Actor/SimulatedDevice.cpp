//===- SimulatedDevice.cpp - a device that is late, faulty and legal ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SimulatedDevice.h"

#include <algorithm>
#include <cstring>

namespace actnet::rt::test {

void SimulatedSegment::assign(const Segment &segment) {
  executable = static_cast<const SimulatedExecutable *>(segment.executable);
  records.assign(segment.records.begin(), segment.records.end());
  operands.assign(records.size(), {});
  dims.assign(records.size(), {});
  for (size_t i = 0; i < records.size(); ++i)
    if (auto *launch = std::get_if<LaunchRecord>(&records[i])) {
      operands[i].assign(launch->operands.begin(), launch->operands.end());
      dims[i].assign(launch->dims.begin(), launch->dims.end());
      launch->operands = operands[i];
      launch->dims = dims[i];
    }
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

SimulatedStream::~SimulatedStream() {
  auto &all = device.streams;
  all.erase(std::find(all.begin(), all.end(), this));
  for (Notification &n : notifications)
    n.listener->completed(n.token, n.status);
  for (Submission &s : submissions)
    if (s.listener)
      s.listener->completed(s.token, cancelled("the stream was destroyed"));
}

Expected<std::unique_ptr<PreparedSegment>>
SimulatedStream::prepare(const Segment &segment) {
  return Expected<std::unique_ptr<PreparedSegment>>(
      std::make_unique<SimulatedSegment>(segment));
}

Status SimulatedStream::enqueue(Submission submission) {
  if (!device.sticky)
    return device.sticky;
  if (submission.segment)
    for (const Record &record : submission.segment->records) {
      if (auto *signal = std::get_if<SignalRecord>(&record))
        ++static_cast<SimulatedEvent *>(signal->event)->submitted;
      else if (auto *await = std::get_if<AwaitRecord>(&record))
        submission.targets.push_back(
            static_cast<SimulatedEvent *>(await->event)->submitted);
    }
  submissions.push_back(std::move(submission));
  return {};
}

Status SimulatedStream::submit(const PreparedSegment &segment,
                               CompletionListener *listener, uint64_t token) {
  Submission submission;
  submission.segment = static_cast<const SimulatedSegment *>(&segment);
  submission.listener = listener;
  submission.token = token;
  return enqueue(std::move(submission));
}

Status SimulatedStream::submitRecord(const Executable *executable,
                                     const Record &record,
                                     CompletionListener *listener,
                                     uint64_t token) {
  Submission submission;
  submission.owned =
      std::make_unique<SimulatedSegment>(Segment{executable, {&record, 1}});
  submission.segment = submission.owned.get();
  submission.listener = listener;
  submission.token = token;
  return enqueue(std::move(submission));
}

Status SimulatedStream::notify(CompletionListener *listener, uint64_t token) {
  Submission submission;
  submission.listener = listener;
  submission.token = token;
  return enqueue(std::move(submission));
}

bool SimulatedStream::canExecute() const {
  if (hangs || submissions.empty())
    return false;
  const Submission &head = submissions.front();
  if (!head.segment || head.next == head.segment->records.size())
    return true;
  auto *await = std::get_if<AwaitRecord>(&head.segment->records[head.next]);
  return !await || static_cast<SimulatedEvent *>(await->event)->done >=
                       head.targets[head.nextAwait];
}

void SimulatedStream::finishHead() {
  Submission &head = submissions.front();
  if (head.listener)
    notifications.push_back({head.listener, head.token, head.status});
  submissions.pop_front();
}

void SimulatedStream::execute(uint64_t random) {
  Submission &head = submissions.front();
  if (head.status && !device.sticky)
    head.status = device.sticky;
  if (!head.segment || head.next == head.segment->records.size())
    return finishHead();
  const Record &record = head.segment->records[head.next++];
  if (auto *signal = std::get_if<SignalRecord>(&record)) {
    ++static_cast<SimulatedEvent *>(signal->event)->done;
  } else if (std::holds_alternative<AwaitRecord>(record)) {
    ++head.nextAwait;
  } else if (head.status) {
    if (device.faultEvery && random % device.faultEvery == 0) {
      ++device.faults;
      head.status = internalError("injected fault");
      if (device.onFault)
        device.onFault(head.token);
      if (device.stickyEvery &&
          (random / device.faultEvery) % device.stickyEvery == 0)
        device.sticky = head.status = internalError("injected sticky error");
    } else if (auto *launch = std::get_if<LaunchRecord>(&record)) {
      head.segment->executable->kernels[launch->kernel](launch->operands,
                                                        launch->dims);
    } else if (auto *copy = std::get_if<CopyRecord>(&record)) {
      std::memcpy(copy->dst, copy->src, copy->bytes);
    } else if (auto *fill = std::get_if<FillRecord>(&record)) {
      for (uint64_t at = 0; at < fill->bytes; at += fill->patternBytes)
        std::memcpy(static_cast<char *>(fill->dst) + at, &fill->pattern,
                    fill->patternBytes);
    }
  }
  if (head.next == head.segment->records.size() && random % 2)
    finishHead();
}

void SimulatedStream::deliver() {
  Notification n = std::move(notifications.front());
  notifications.pop_front();
  n.listener->completed(n.token, n.status);
}

//===----------------------------------------------------------------------===//
// Device
//===----------------------------------------------------------------------===//

SimulatedDevice::SimulatedDevice() {
  about.kind = "simulated";
  about.async = true;
  about.reportsFaults = true;
  about.hostAddressable = true;
}

SimulatedDevice::~SimulatedDevice() = default;

Expected<DevicePtr> SimulatedDevice::allocate(uint64_t bytes, MemoryKind) {
  auto block = std::make_unique<std::byte[]>(bytes);
  void *memory = block.get();
  blocks.emplace(memory, std::move(block));
  return memory;
}

Status SimulatedDevice::deallocate(DevicePtr memory) {
  return blocks.erase(memory) ? Status() : invalidArgument("not allocated");
}

Expected<std::unique_ptr<DeviceStream>>
SimulatedDevice::createStream(StreamKind) {
  auto stream = std::make_unique<SimulatedStream>(*this);
  streams.push_back(stream.get());
  return Expected<std::unique_ptr<DeviceStream>>(std::move(stream));
}

Expected<std::unique_ptr<Event>> SimulatedDevice::createEvent() {
  return Expected<std::unique_ptr<Event>>(std::make_unique<SimulatedEvent>());
}

bool SimulatedDevice::ready() const {
  return std::any_of(streams.begin(), streams.end(), [](auto *stream) {
    return stream->canExecute() || stream->canNotify();
  });
}

void SimulatedDevice::step(uint64_t random) {
  uint64_t choices = 0;
  for (SimulatedStream *stream : streams)
    choices += stream->canExecute() + stream->canNotify();
  uint64_t choice = random % choices;
  random /= choices;
  for (SimulatedStream *stream : streams) {
    if (stream->canExecute() && choice-- == 0)
      return stream->execute(random);
    if (stream->canNotify() && choice-- == 0)
      return stream->deliver();
  }
}

} // namespace actnet::rt::test
