//===- DeviceTest.cpp - options, faults on demand, downloads --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Images.h"
#include "actnet/Runtime/Device/Toy.h"

#include <gtest/gtest.h>

using namespace actnet;
using namespace actnet::rt;

namespace {

struct Counter final : CompletionListener {
  void completed(uint64_t, const Status &status) override {
    codes.push_back(status.code());
  }
  std::vector<StatusCode> codes;
};

std::unique_ptr<Device> make(std::string_view options) {
  auto parsed = parseToyOptions(options);
  EXPECT_TRUE(parsed) << parsed.status().str();
  return *createToyDevice(*parsed);
}

} // namespace

TEST(ToyDevice, OptionsAreRead) {
  auto options = parseToyOptions("seed=7,threads=2,delays=0,synchronous=1,"
                                 "serial=1,order=0,memory=4096,fault=launch@3,"
                                 "fault=lost");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->seed, 7u);
  EXPECT_EQ(options->threads, 2u);
  EXPECT_FALSE(options->delays);
  EXPECT_TRUE(options->synchronous);
  EXPECT_TRUE(options->serial);
  EXPECT_FALSE(options->order);
  EXPECT_EQ(options->memoryBytes, 4096u);
  ASSERT_EQ(options->faults.size(), 2u);
  EXPECT_EQ(options->faults[0].kind, ToyFault::Kind::launch);
  EXPECT_EQ(options->faults[0].at, 3u);
  EXPECT_EQ(options->faults[1].kind, ToyFault::Kind::lost);
  EXPECT_EQ(options->faults[1].at, 1u);
  EXPECT_TRUE(parseToyOptions(""));
}

TEST(ToyDevice, WrongOptionsAreOneClearLine) {
  for (std::string_view text :
       {"seed=", "seed=x", "seed=-1", "threads=1000", "delays=2", "speed=9",
        "fault=", "fault=fire@1", "fault=launch@0", "fault=launch@x", "seed",
        "seed=1,,threads=2", "fault=copy@99999999999999999999"}) {
    auto options = parseToyOptions(text);
    ASSERT_FALSE(options) << text;
    EXPECT_EQ(options.status().code(), StatusCode::invalidArgument);
    EXPECT_EQ(options.status().str().find("ACTNET_TOY: expected "), 0u)
        << options.status().str();
    EXPECT_EQ(options.status().str().find('\n'), std::string::npos);
  }
}

TEST(ToyDevice, AllocationsFailOnDemandAndInTime) {
  auto device = make("fault=allocation@2,memory=4096");
  auto first = DeviceMemory::allocate(*device, 100, MemoryKind::device);
  EXPECT_TRUE(first);
  auto second = DeviceMemory::allocate(*device, 100, MemoryKind::device);
  EXPECT_EQ(second.status().code(), StatusCode::resourceExhausted);
  auto third = DeviceMemory::allocate(*device, 4096 - 512, MemoryKind::device);
  EXPECT_TRUE(third);
  auto fourth = DeviceMemory::allocate(*device, 1, MemoryKind::device);
  EXPECT_EQ(fourth.status().code(), StatusCode::resourceExhausted);
}

TEST(ToyDevice, AFailedCopyBreaksTheDevice) {
  auto device = make("fault=copy@2");
  auto memory = *DeviceMemory::allocate(*device, 64, MemoryKind::device);
  auto stream = *device->createStream(StreamKind::compute);
  uint64_t value = 3;
  EXPECT_TRUE(stream->copy(CopyKind::up, memory.data(), &value, 8));
  EXPECT_TRUE(stream->synchronize());
  EXPECT_TRUE(stream->copy(CopyKind::down, &value, memory.data(), 8));
  Status status = stream->synchronize();
  EXPECT_EQ(status.str(), "a copy of 8 bytes failed, as ACTNET_TOY asks");
  EXPECT_EQ(device->status().str(), status.str());
  EXPECT_EQ(stream->fill(memory.data(), 0, 1, 8).str(), status.str());
}

TEST(ToyDevice, ALostCompletionIsAnsweredOnlyByDestruction) {
  auto device = make("fault=lost@2");
  Counter counter;
  auto stream = *device->createStream(StreamKind::compute);
  for (uint64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(stream->notify(&counter, i));
  EXPECT_EQ(stream->synchronize(50 * 1000 * 1000).code(),
            StatusCode::deadlineExceeded);
  stream.reset();
  EXPECT_EQ(counter.codes,
            std::vector<StatusCode>({StatusCode::ok, StatusCode::cancelled,
                                     StatusCode::cancelled}));
  EXPECT_TRUE(device->status());
}

TEST(ToyDevice, ASlowCompletionComes) {
  auto device = make("fault=slow");
  Counter counter;
  auto stream = *device->createStream(StreamKind::compute);
  EXPECT_TRUE(stream->notify(&counter, 0));
  EXPECT_EQ(stream->synchronize(1000).code(), StatusCode::deadlineExceeded);
  EXPECT_TRUE(stream->synchronize());
  EXPECT_EQ(counter.codes.size(), 1u);
}

TEST(ToyDevice, OnlyWhatWasWrittenIsDownloaded) {
  auto device = make("");
  auto memory = *DeviceMemory::allocate(*device, 64, MemoryKind::device);
  auto stream = *device->createStream(StreamKind::download);
  char bytes[64];
  EXPECT_TRUE(stream->fill(memory.data(), 1, 1, 40));
  EXPECT_TRUE(stream->copy(CopyKind::down, bytes, memory.data(), 40));
  EXPECT_TRUE(stream->synchronize());
  EXPECT_TRUE(stream->copy(CopyKind::down, bytes, memory.data(), 48));
  EXPECT_EQ(stream->synchronize().str(),
            "copy down: byte 40 of 48 bytes was never written (offset 40 of an "
            "allocation of 512 bytes)");
}

TEST(ToyDevice, CopiesStayInsideDeviceMemory) {
  char bytes[1024] = {};
  for (int which : {0, 1, 2}) {
    auto device = make("");
    auto memory = *DeviceMemory::allocate(*device, 64, MemoryKind::device);
    auto stream = *device->createStream(StreamKind::upload);
    Status taken =
        which == 0   ? stream->copy(CopyKind::up, memory.data(), bytes, 1024)
        : which == 1 ? stream->copy(CopyKind::up, bytes, bytes + 8, 8)
                     : stream->fill(memory.data(), 0, 1, 1024);
    EXPECT_TRUE(taken);
    EXPECT_EQ(stream->synchronize().code(), StatusCode::outOfRange);
  }
}

TEST(ToyDevice, ListenersMustNotSubmit) {
  struct Again final : CompletionListener {
    void completed(uint64_t, const Status &) override {
      seen = stream->notify(nullptr, 0);
    }
    DeviceStream *stream = nullptr;
    Status seen;
  } again;
  auto device = make("");
  auto stream = *device->createStream(StreamKind::compute);
  again.stream = stream.get();
  EXPECT_TRUE(stream->notify(&again, 0));
  EXPECT_TRUE(stream->synchronize());
  EXPECT_EQ(again.seen.code(), StatusCode::failedPrecondition);
}

TEST(ToyDevice, StreamsThatAreOrderedDoNotRace) {
  // 1: an event orders them. 2: the host does. 3: both only read.
  for (int how : {1, 2, 3}) {
    auto device = make("");
    auto memory = *DeviceMemory::allocate(*device, 64, MemoryKind::device);
    auto *other = static_cast<char *>(memory.data()) + 32;
    auto a = *device->createStream(StreamKind::compute);
    auto b = *device->createStream(StreamKind::download);
    auto event = *device->createEvent();
    uint64_t value = 0;
    EXPECT_TRUE(a->fill(memory.data(), 7, 8, 64));
    if (how == 3) {
      EXPECT_TRUE(a->synchronize());
      uint64_t mine = 0;
      EXPECT_TRUE(a->copy(CopyKind::down, &mine, memory.data(), 8));
      EXPECT_TRUE(b->copy(CopyKind::down, &value, memory.data(), 8));
      EXPECT_TRUE(a->synchronize());
      EXPECT_TRUE(b->synchronize());
      continue;
    }
    if (how == 1) {
      EXPECT_TRUE(a->signal(*event));
      EXPECT_TRUE(b->await(*event));
    }
    // Work that the stream is still at when the other is asked.
    EXPECT_TRUE(a->fill(other, 8, 8, 32));
    if (how == 2)
      EXPECT_TRUE(a->synchronize());
    Status taken = b->copy(CopyKind::down, &value, memory.data(), 8);
    EXPECT_TRUE(taken) << taken.str();
    EXPECT_TRUE(b->synchronize());
    EXPECT_EQ(value, 7u);
  }
}

TEST(ToyDevice, StreamsThatRaceAreSeenWhileTheFirstIsHeldUp) {
  auto device = make("fault=lost");
  Counter counter; // hears of it when its stream goes
  auto memory = *DeviceMemory::allocate(*device, 64, MemoryKind::device);
  auto a = *device->createStream(StreamKind::compute);
  auto b = *device->createStream(StreamKind::upload);
  EXPECT_TRUE(a->notify(&counter, 0)); // is lost: nothing behind it runs
  EXPECT_TRUE(a->fill(memory.data(), 7, 8, 64));
  uint64_t value = 0;
  Status taken = b->copy(CopyKind::up, memory.data(), &value, 8);
  EXPECT_EQ(taken.str(), "streams race: a copy writes 8 bytes that a fill on "
                         "another stream writes, and no event and no "
                         "completion orders them");
  EXPECT_EQ(device->status().str(), taken.str());
}
