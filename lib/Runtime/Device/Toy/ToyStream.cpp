//===- ToyStream.cpp - ordered work that takes its time -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A stream runs its commands in order, on a thread of its own, and sleeps by
// chance before it begins one, before it reports one and within one: so
// streams meet in every order that events allow.
//
//===----------------------------------------------------------------------===//
#include "../Host/Pool.h"
#include "Block.h"
#include "ToyDevice.h"

#include <chrono>
#include <cstring>
#include <deque>
#include <thread>

namespace actnet::rt {

namespace {

using std::chrono::microseconds;

/// The stream whose listener this thread is in.
constinit thread_local bool insideListener = false;

class ToyStream final : public DeviceStream {
public:
  ToyStream(ToyState &state, uint64_t number)
      : state(state), number(number),
        random{toy::mix(state.options.seed, number, 3)} {}

  Status start() {
    if (state.options.synchronous)
      return {};
    ACTNET_ASSIGN_OR_RETURN(
        thread,
        HostThread::start(
            state.memory, "actnet-toy",
            [](void *self) { static_cast<ToyStream *>(self)->serve(); }, this));
    return {};
  }

  ~ToyStream() override {
    {
      std::lock_guard lock(state.mutex);
      stopping = true;
      state.changed.notify_all();
    }
    thread.reset();
  }

  Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) override {
    ACTNET_ASSIGN_OR_RETURN(auto made, ToySegment::make(state, segment));
    return Expected<std::unique_ptr<PreparedSegment>>(std::move(made));
  }

  Status submit(const PreparedSegment &segment, CompletionListener *listener,
                uint64_t token) override {
    Command command;
    command.segment = static_cast<const ToySegment *>(&segment);
    return enqueue(std::move(command), listener, token);
  }

  Status submitRecord(const Executable *executable, const Record &record,
                      CompletionListener *listener, uint64_t token) override {
    Command command;
    ACTNET_ASSIGN_OR_RETURN(
        command.owned, ToySegment::make(state, {executable, {&record, 1}}));
    command.segment = command.owned.get();
    return enqueue(std::move(command), listener, token);
  }

  Status notify(CompletionListener *listener, uint64_t token) override {
    return enqueue({}, listener, token);
  }

  Status synchronize(int64_t timeoutNs) override {
    std::unique_lock lock(state.mutex);
    uint64_t wanted = submitted;
    auto isOver = [&] { return finished >= wanted; };
    if (timeoutNs == waitForever)
      state.changed.wait(lock, isOver);
    else if (!state.changed.wait_for(lock,
                                     std::chrono::nanoseconds(std::min<int64_t>(
                                         timeoutNs, int64_t(1) << 60)),
                                     isOver))
      return state.sticky ? deadlineExceeded("stream is not idle in time")
                          : state.sticky;
    return state.sticky;
  }

private:
  struct Command {
    const ToySegment *segment = nullptr;
    std::unique_ptr<ToySegment> owned;
    /// What the awaits in it wait for, in order.
    std::vector<uint64_t> targets;
    CompletionListener *listener = nullptr;
    uint64_t token = 0;
    uint64_t ticket = 0;
    /// The stream's last record of it, for `StreamOrder`.
    uint64_t record = 0;
  };

  Status enqueue(Command command, CompletionListener *listener,
                 uint64_t token) {
    if (insideListener)
      return failedPrecondition("toy device: a listener must not submit");
    command.listener = listener;
    command.token = token;
    {
      std::lock_guard lock(state.mutex);
      if (!state.sticky)
        return state.sticky;
      if (command.segment)
        if (Status racing = order(command); !racing) {
          state.sticky = racing;
          state.changed.notify_all();
          return racing;
        }
      command.record = state.order.last(number);
      command.ticket = state.tickets++;
      commands.push_back(std::move(command));
      ++submitted;
      state.changed.notify_all();
    }
    if (state.options.synchronous)
      runOne();
    return {};
  }

  /// Takes the targets of awaits, and looks for races with other streams.
  Status order(Command &command) {
    state.order.begin(number);
    Status racing;
    for (const ToyOp &op : command.segment->ops) {
      state.order.record(number);
      if (auto *signal = std::get_if<SignalRecord>(&op.record)) {
        auto *event = static_cast<ToyEvent *>(signal->event);
        ++event->submitted;
        event->clock = state.order.signal(number);
      } else if (auto *await = std::get_if<AwaitRecord>(&op.record)) {
        auto *event = static_cast<ToyEvent *>(await->event);
        command.targets.push_back(event->submitted);
        state.order.await(number, event->clock);
      } else if (racing && state.options.order) {
        racing = touch(*command.segment, op);
      }
    }
    return racing;
  }

  Status touch(const ToySegment &segment, const ToyOp &op) {
    auto one = [&](const void *at, uint64_t bytes, bool isWrite,
                   const char *what) {
      return state.order.touch(number, at, bytes, isWrite, true, what);
    };
    if (auto *copy = std::get_if<CopyRecord>(&op.record)) {
      if (copy->kind != CopyKind::up)
        ACTNET_RETURN_IF_ERROR(one(copy->src, copy->bytes, false, "a copy"));
      if (copy->kind != CopyKind::down)
        ACTNET_RETURN_IF_ERROR(one(copy->dst, copy->bytes, true, "a copy"));
      return {};
    }
    if (auto *fill = std::get_if<FillRecord>(&op.record))
      return one(fill->dst, fill->bytes, true, "a fill");
    auto &launch = std::get<LaunchRecord>(op.record);
    std::string what =
        "kernel '" +
        std::string(segment.executable->kernel(launch.kernel).entry.name) + "'";
    for (const toy::OperandBounds &operand : op.bounds)
      ACTNET_RETURN_IF_ERROR(
          state.order.touch(number, operand.base, operand.bytes,
                            operand.access != toy::Access::read, false, what));
    return {};
  }

  void serve() {
    for (;;) {
      {
        std::unique_lock lock(state.mutex);
        state.changed.wait(lock, [&] { return stopping || !commands.empty(); });
        if (commands.empty())
          return;
      }
      runOne();
    }
  }

  void dawdle() {
    if (state.options.delays && random.below(4) == 0)
      std::this_thread::sleep_for(microseconds(random.below(100)));
  }

  /// The device's error, or that the stream is being destroyed.
  Status givenUp() {
    std::lock_guard lock(state.mutex);
    if (!state.sticky)
      return state.sticky;
    if (stopping)
      return cancelled("the stream was destroyed before this ran");
    return {};
  }

  void runOne() {
    Command command;
    {
      std::lock_guard lock(state.mutex);
      command = std::move(commands.front());
      commands.pop_front();
    }
    if (state.options.serial) {
      std::unique_lock lock(state.mutex);
      state.changed.wait(lock, [&] { return state.turn == command.ticket; });
    }
    dawdle();
    Status status = givenUp();
    size_t awaits = 0;
    if (command.segment)
      for (const ToyOp &op : command.segment->ops)
        runOp(*command.segment, op, command.targets, awaits, status);
    if (command.listener)
      delayCompletion(status);
    dawdle();
    if (status)
      if (Status sticky = state.status(); !sticky)
        status = sticky;
    {
      std::lock_guard lock(state.mutex);
      state.order.heard(number, command.record);
    }
    if (command.listener) {
      insideListener = true;
      command.listener->completed(command.token, status);
      insideListener = false;
    }
    std::lock_guard lock(state.mutex);
    ++finished;
    ++state.turn;
    state.changed.notify_all();
  }

  void delayCompletion(Status &status) {
    if (state.strikes(ToyFault::Kind::slow))
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
    if (!state.strikes(ToyFault::Kind::lost))
      return;
    std::unique_lock lock(state.mutex);
    state.changed.wait(lock, [&] { return stopping || !state.sticky; });
    if (status)
      status = !state.sticky ? state.sticky
                             : cancelled("its completion was lost, as "
                                         "ACTNET_TOY asks");
  }

  /// Runs one record; after a failure only signals still count, so that others
  /// are not held for ever.
  void runOp(const ToySegment &segment, const ToyOp &op,
             const std::vector<uint64_t> &targets, size_t &awaits,
             Status &status) {
    if (auto *signal = std::get_if<SignalRecord>(&op.record))
      return reach(*static_cast<ToyEvent *>(signal->event), !status);
    if (auto *await = std::get_if<AwaitRecord>(&op.record))
      return runAwait(*static_cast<ToyEvent *>(await->event), targets[awaits++],
                      status);
    if (!status)
      return;
    dawdle();
    status = givenUpByDevice();
    if (!status)
      return;
    if (auto *launch = std::get_if<LaunchRecord>(&op.record))
      status = runLaunch(*segment.executable, op, *launch);
    else if (auto *copy = std::get_if<CopyRecord>(&op.record))
      status = runCopy(*copy);
    else
      status = runFill(std::get<FillRecord>(op.record));
    if (!status)
      state.breakDown(status);
  }

  Status givenUpByDevice() { return state.status(); }

  void reach(ToyEvent &event, bool isCancelled) {
    std::lock_guard lock(state.mutex);
    ++event.done;
    if (isCancelled)
      event.cancelledTarget = event.done;
    state.changed.notify_all();
  }

  void runAwait(ToyEvent &event, uint64_t target, Status &status) {
    if (!status)
      return;
    std::unique_lock lock(state.mutex);
    state.changed.wait(lock, [&] {
      return event.done >= target || stopping || !state.sticky;
    });
    if (!state.sticky)
      status = state.sticky;
    else if (event.done < target)
      status = cancelled("the stream was destroyed before this ran");
    else if (target && event.cancelledTarget == target)
      status = cancelled("the work it waits for was cancelled");
  }

  Status runLaunch(const ToyExecutable &executable, const ToyOp &op,
                   const LaunchRecord &record) {
    const ToyExecutable::Kernel &kernel = executable.kernel(record.kernel);
    if (state.strikes(ToyFault::Kind::launch))
      return internalError("kernel '" + std::string(kernel.entry.name) +
                           "' failed, as ACTNET_TOY asks");
    toy::Launch launch;
    launch.entry = kernel.entry;
    launch.tiles = record.tiles;
    launch.threads = kernel.threads;
    launch.sharedBytes = kernel.sharedBytes;
    launch.arguments = op.arguments;
    launch.operands = op.bounds;
    return state.engine.run(launch);
  }

  Status runCopy(const CopyRecord &copy) {
    if (copy.bytes == 0)
      return {};
    if (state.strikes(ToyFault::Kind::copy))
      return internalError("a copy of " + std::to_string(copy.bytes) +
                           " bytes failed, as ACTNET_TOY asks");
    switch (copy.kind) {
    case CopyKind::up:
      ACTNET_RETURN_IF_ERROR(
          state.engine.noteWritten(copy.dst, copy.bytes).addContext("copy up"));
      break;
    case CopyKind::down:
      ACTNET_RETURN_IF_ERROR(state.engine.checkReadable(copy.src, copy.bytes));
      break;
    case CopyKind::within:
      ACTNET_RETURN_IF_ERROR(
          state.engine.noteCopied(copy.dst, copy.src, copy.bytes));
      break;
    }
    std::memcpy(copy.dst, copy.src, copy.bytes);
    return {};
  }

  Status runFill(const FillRecord &fill) {
    if (fill.bytes == 0)
      return {};
    ACTNET_RETURN_IF_ERROR(
        state.engine.noteWritten(fill.dst, fill.bytes).addContext("fill"));
    auto *at = static_cast<std::byte *>(fill.dst);
    for (uint64_t i = 0; i < fill.bytes; i += fill.patternBytes)
      std::memcpy(at + i, &fill.pattern, fill.patternBytes);
    return {};
  }

  ToyState &state;
  uint64_t number;
  toy::Random random;
  // Under the device's lock.
  std::deque<Command> commands;
  uint64_t submitted = 0, finished = 0;
  bool stopping = false;
  std::unique_ptr<HostThread> thread;
};

} // namespace

Expected<std::unique_ptr<DeviceStream>> createToyStream(ToyState &state) {
  uint64_t number;
  {
    std::lock_guard lock(state.mutex);
    number = ++state.streams;
  }
  auto stream = std::make_unique<ToyStream>(state, number);
  ACTNET_RETURN_IF_ERROR(stream->start());
  return Expected<std::unique_ptr<DeviceStream>>(std::move(stream));
}

} // namespace actnet::rt
