//===- OrderTests.cpp - streams, events, completions, teardown ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cts.h"

#include <random>

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::cts;

namespace {

constexpr int64_t longNs = int64_t(20) * 1000 * 1000 * 1000;

/// Work long enough that what comes after is submitted while it runs.
Status slowWork(const Context &c, DeviceStream &stream,
                const Executable &executable, DevicePtr word,
                int64_t times = 3000000) {
  DevicePtr operands[] = {word};
  int64_t dims[] = {0, c.some(times)};
  return stream.launch(executable, {apply, operands, dims, 1});
}

Status multiplyAdd(DeviceStream &stream, const Executable &executable,
                   DevicePtr word, int64_t factor, int64_t term) {
  DevicePtr operands[] = {word};
  int64_t dims[] = {factor, term};
  return stream.launch(executable, {step, operands, dims, 1});
}

} // namespace

CTS_TEST(oneStreamRunsInOrder) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  DeviceMemory memory = c.memory(64);
  uint64_t wanted = 0;
  for (int64_t i = 0; i < 500; ++i) {
    CTS_EXPECT(multiplyAdd(*stream, *executable, memory.data(), 3, i));
    wanted = wanted * 3 + uint64_t(i);
  }
  CTS_EXPECT(c.read<uint64_t>(*stream, memory.data(), 1)[0] == wanted);
}

CTS_TEST(completionsComeOnceInOrderAfterTheirWork) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  DeviceMemory memory = c.memory(64);
  Completions completions;
  std::vector<uint64_t> wanted;
  for (uint64_t i = 0; i < 200; ++i) {
    wanted.push_back(i * 1000003);
    if (i % 3 == 0)
      CTS_EXPECT(stream->notify(&completions, wanted.back()));
    else
      CTS_EXPECT(stream->submitRecord(nullptr,
                                      FillRecord{memory.data(), i, 8, 8},
                                      &completions, wanted.back()));
  }
  CTS_EXPECT(stream->synchronize());
  CTS_EXPECT(completions.seen() == wanted);
  for (StatusCode code : completions.seenCodes())
    CTS_EXPECT(code == StatusCode::ok);
}

CTS_TEST(anEventNeverRecordedIsComplete) {
  auto stream = c.stream();
  auto event = c.event();
  CTS_REQUIRE(stream && event);
  CTS_EXPECT(event->query());
  CTS_EXPECT(event->wait(0));
  CTS_EXPECT(stream->await(*event));
  CTS_EXPECT(stream->synchronize(longNs));
}

CTS_TEST(aSignalBeforeTheWaitCounts) {
  auto a = c.stream(), b = c.stream();
  auto event = c.event();
  CTS_REQUIRE(a && b && event);
  CTS_EXPECT(a->signal(*event));
  CTS_EXPECT(a->synchronize());
  CTS_EXPECT(event->query());
  CTS_EXPECT(b->await(*event));
  CTS_EXPECT(b->synchronize(longNs));
}

CTS_TEST(aWaitHoldsUntilTheSignal) {
  auto executable = c.load();
  auto a = c.stream(), b = c.stream();
  auto event = c.event();
  CTS_REQUIRE(executable && a && b && event);
  DeviceMemory memory = c.memory(4096);
  for (uint64_t round = 1; round <= 20; ++round) {
    CTS_EXPECT(slowWork(c, *a, *executable, memory.data(), 100000));
    CTS_EXPECT(a->signal(*event));
    CTS_EXPECT(b->await(*event));
    auto *copy = static_cast<char *>(memory.data()) + 64;
    CTS_EXPECT(b->copy(CopyKind::within, copy, memory.data(), 8));
    CTS_EXPECT(c.read<uint64_t>(*b, copy, 1)[0] ==
               round * uint64_t(c.some(100000)));
    CTS_EXPECT(event->query());
  }
}

CTS_TEST(theHostWaitsForEventsAndGivesUpInTime) {
  auto executable = c.load();
  auto stream = c.stream();
  auto event = c.event();
  CTS_REQUIRE(executable && stream && event);
  DeviceMemory memory = c.memory(64);
  // A busy machine may keep the host away for longer than the work takes.
  bool gaveUp = false;
  for (int64_t times = 40000000; !gaveUp && times < 500000000; times *= 2) {
    CTS_EXPECT(slowWork(c, *stream, *executable, memory.data(), times));
    CTS_EXPECT(stream->signal(*event));
    Status early = event->wait(1000);
    Status idle = stream->synchronize(1000);
    for (const Status &status : {early, idle})
      CTS_EXPECT(status || status.code() == StatusCode::deadlineExceeded);
    gaveUp = !early && !idle;
    CTS_EXPECT(event->wait(longNs));
    CTS_EXPECT(event->query());
    CTS_EXPECT(stream->synchronize(longNs));
  }
  CTS_EXPECT(gaveUp);
}

CTS_TEST(oneSignalReleasesManyStreams) {
  auto executable = c.load();
  auto source = c.stream();
  auto event = c.event();
  CTS_REQUIRE(executable && source && event);
  DeviceMemory memory = c.memory(4096);
  std::vector<std::unique_ptr<DeviceStream>> sinks;
  CTS_EXPECT(slowWork(c, *source, *executable, memory.data()));
  CTS_EXPECT(source->signal(*event));
  for (int i = 0; i < 4; ++i) {
    sinks.push_back(c.stream());
    auto *copy = static_cast<char *>(memory.data()) + 64 * (i + 1);
    CTS_EXPECT(sinks.back()->await(*event));
    CTS_EXPECT(sinks.back()->copy(CopyKind::within, copy, memory.data(), 8));
  }
  for (int i = 0; i < 4; ++i) {
    auto *copy = static_cast<char *>(memory.data()) + 64 * (i + 1);
    CTS_EXPECT(c.read<uint64_t>(*sinks[size_t(i)], copy, 1)[0] ==
               uint64_t(c.some(3000000)));
  }
}

CTS_TEST(dependenciesChainAcrossStreams) {
  auto executable = c.load();
  CTS_REQUIRE(executable);
  std::vector<std::unique_ptr<DeviceStream>> streams;
  std::vector<std::unique_ptr<Event>> events;
  for (int i = 0; i < 3; ++i) {
    streams.push_back(c.stream());
    events.push_back(c.event());
  }
  DeviceMemory memory = c.memory(64);
  uint64_t wanted = 0;
  DevicePtr operands[] = {memory.data()};
  std::vector<std::unique_ptr<PreparedSegment>> segments;
  // Hand over hand: each link is a prepared segment that awaits the last one.
  for (int64_t i = 0; i < 300; ++i) {
    auto at = size_t(i % 3), before = size_t((i + 2) % 3);
    int64_t dims[] = {5, i};
    Record records[] = {AwaitRecord{events[before].get()},
                        LaunchRecord{step, operands, dims, 1},
                        SignalRecord{events[at].get()}};
    segments.push_back(*streams[at]->prepare({executable.get(), records}));
    CTS_EXPECT(streams[at]->submit(*segments.back(), nullptr, 0));
    wanted = wanted * 5 + uint64_t(i);
  }
  for (auto &stream : streams)
    CTS_EXPECT(stream->synchronize(longNs));
  CTS_EXPECT(c.read<uint64_t>(*streams[0], memory.data(), 1)[0] == wanted);
}

CTS_TEST(faultsAreReported) {
  CTS_EXPECT(c.device.info().reportsFaults);
  CTS_EXPECT(c.device.status());
  if (!c.device.info().reportsFaults)
    return; // the fault would be the program's own
  auto executable = c.load();
  auto stream = c.stream(), other = c.stream();
  CTS_REQUIRE(executable && stream && other);
  DeviceMemory memory = c.memory(64);
  Completions completions;
  DevicePtr operands[] = {memory.data()};
  int64_t dims[] = {1 << 20};
  CTS_EXPECT(stream->notify(&completions, 1));
  CTS_EXPECT(stream->synchronize());
  Record wrong = LaunchRecord{stray, operands, dims, 1};
  CTS_EXPECT(stream->submitRecord(executable.get(), wrong, &completions, 2));
  // Whether these are taken or refused depends on who is faster.
  uint64_t taken = 2;
  for (uint64_t i = 3; i < 6; ++i)
    taken += stream->notify(&completions, i).isOk();
  CTS_EXPECT(!stream->synchronize(longNs));
  Status broken = c.device.status();
  CTS_EXPECT(!broken && !broken.message().empty());
  CTS_EXPECT(stream->notify(&completions, 9).code() == broken.code());
  CTS_EXPECT(other->fill(memory.data(), 1, 1, 8).code() == broken.code());
  CTS_EXPECT(other->synchronize(longNs).code() == broken.code());
  std::vector<StatusCode> codes = completions.seenCodes();
  CTS_REQUIRE(codes.size() == taken);
  CTS_EXPECT(codes[0] == StatusCode::ok);
  for (size_t i = 1; i < codes.size(); ++i)
    CTS_EXPECT(codes[i] == broken.code());
}

CTS_TEST(aDestroyedStreamAnswersEverythingOnce) {
  auto executable = c.load();
  CTS_REQUIRE(executable);
  DeviceMemory memory = c.memory(64);
  for (int round = 0; round < 20; ++round) {
    Completions completions;
    auto stream = c.stream();
    for (uint64_t i = 0; i < 50; ++i) {
      CTS_EXPECT(slowWork(c, *stream, *executable, memory.data(), 20000));
      CTS_EXPECT(stream->notify(&completions, i));
    }
    stream.reset();
    std::vector<uint64_t> tokens = completions.seen();
    std::vector<StatusCode> codes = completions.seenCodes();
    CTS_REQUIRE(tokens.size() == 50);
    for (uint64_t i = 0; i < 50; ++i) {
      CTS_EXPECT(tokens[i] == i);
      CTS_EXPECT(codes[i] == StatusCode::ok ||
                 codes[i] == StatusCode::cancelled);
      // Once cancelled, nothing later ran.
      if (i && codes[i - 1] == StatusCode::cancelled)
        CTS_EXPECT(codes[i] == StatusCode::cancelled);
    }
  }
}

CTS_TEST(workThatWaitsForADestroyedStreamIsCancelledNotHeld) {
  auto executable = c.load();
  auto event = c.event();
  auto waiting = c.stream();
  CTS_REQUIRE(executable && event && waiting);
  DeviceMemory memory = c.memory(4096);
  auto dying = c.stream();
  Completions completions;
  for (int i = 0; i < 50; ++i)
    CTS_EXPECT(slowWork(c, *dying, *executable, memory.data(), 2000000));
  CTS_EXPECT(dying->signal(*event));
  auto *other = static_cast<char *>(memory.data()) + 64;
  Record records[] = {AwaitRecord{event.get()}, FillRecord{other, 7, 8, 8}};
  auto segment = waiting->prepare({nullptr, records});
  CTS_REQUIRE(segment);
  CTS_EXPECT(waiting->submit(**segment, &completions, 1));
  dying.reset();
  CTS_EXPECT(waiting->synchronize(longNs));
  CTS_REQUIRE(completions.seenCodes().size() == 1);
  CTS_EXPECT(completions.seenCodes()[0] == StatusCode::cancelled);
  CTS_EXPECT(c.read<uint64_t>(*waiting, other, 1)[0] == 0);
  CTS_EXPECT(waiting->fill(other, 8, 8, 8));
  CTS_EXPECT(c.read<uint64_t>(*waiting, other, 1)[0] == 8);
}

CTS_TEST(aStreamThatWaitsCanBeDestroyed) {
  auto executable = c.load();
  auto event = c.event();
  auto busy = c.stream();
  CTS_REQUIRE(executable && event && busy);
  DeviceMemory memory = c.memory(64);
  Completions completions;
  CTS_EXPECT(slowWork(c, *busy, *executable, memory.data(), 60000000));
  CTS_EXPECT(busy->signal(*event));
  auto waiting = c.stream();
  CTS_EXPECT(waiting->submitRecord(nullptr, AwaitRecord{event.get()},
                                   &completions, 1));
  waiting.reset();
  CTS_EXPECT(completions.seen().size() == 1);
  CTS_EXPECT(busy->synchronize(longNs));
}

CTS_TEST(manyStreamsUnderStressAgreeWithOneAfterTheOther) {
  auto executable = c.load();
  CTS_REQUIRE(executable);
  constexpr size_t streamCount = 3, words = 4;
  std::mt19937_64 random(7);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::unique_ptr<DeviceStream>> streams;
    for (size_t i = 0; i < streamCount; ++i)
      streams.push_back(c.stream());
    // The last use of each word, as an event of its own to await.
    std::vector<std::unique_ptr<Event>> events;
    std::vector<Event *> lastUse(words, nullptr);
    DeviceMemory memory = c.memory(64 * words);
    std::vector<uint64_t> model(words, 0);
    Completions completions;
    for (uint64_t i = 0; i < 200; ++i) {
      size_t word = random() % words, from = random() % words;
      DeviceStream &stream = *streams[random() % streamCount];
      for (size_t used : {word, from})
        if (lastUse[used])
          CTS_EXPECT(stream.await(*lastUse[used]));
      auto *at = static_cast<char *>(memory.data()) + 64 * word;
      auto *source = static_cast<char *>(memory.data()) + 64 * from;
      if (word != from) {
        CTS_EXPECT(stream.copy(CopyKind::within, at, source, 8));
        model[word] = model[from];
      }
      CTS_EXPECT(multiplyAdd(stream, *executable, at, 7, int64_t(i)));
      model[word] = model[word] * 7 + i;
      events.push_back(c.event());
      CTS_EXPECT(stream.signal(*events.back()));
      CTS_EXPECT(stream.notify(&completions, i));
      lastUse[word] = lastUse[from] = events.back().get();
    }
    for (auto &stream : streams)
      CTS_EXPECT(stream->synchronize(longNs));
    CTS_EXPECT(completions.seen().size() == 200);
    for (size_t word = 0; word < words; ++word)
      CTS_EXPECT(
          c.read<uint64_t>(*streams[0],
                           static_cast<char *>(memory.data()) + 64 * word,
                           1)[0] == model[word]);
  }
}
