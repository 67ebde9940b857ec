//===- MemoryTests.cpp - allocation, copies, fills ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cts.h"

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::cts;

CTS_TEST(allocationsAreAlignedAndCounted) {
  uint64_t alignment = c.device.info().alignment;
  CTS_REQUIRE(alignment >= 64 && (alignment & (alignment - 1)) == 0);
  MemoryStats before = c.device.memoryStats();
  {
    DeviceMemory memory = c.memory(10000);
    DeviceMemory staging = c.memory(1, MemoryKind::staging);
    CTS_REQUIRE(memory.data() && staging.data());
    CTS_EXPECT(reinterpret_cast<uintptr_t>(memory.data()) % alignment == 0);
    uint64_t rounded = (10000 + alignment - 1) / alignment * alignment;
    MemoryStats during = c.device.memoryStats();
    CTS_EXPECT(during.deviceBytes == before.deviceBytes + rounded);
    CTS_EXPECT(during.stagingBytes > before.stagingBytes);
    CTS_EXPECT(during.allocations >= before.allocations + 2);
    CTS_EXPECT(during.peakBytes >= during.total());
  }
  MemoryStats after = c.device.memoryStats();
  CTS_EXPECT(after.deviceBytes == before.deviceBytes);
  CTS_EXPECT(after.stagingBytes == before.stagingBytes);
}

CTS_TEST(impossibleAllocationsAreRefused) {
  auto none = c.device.allocate(0, MemoryKind::device);
  CTS_EXPECT(none.status().code() == StatusCode::invalidArgument);
  for (uint64_t bytes : {uint64_t(1) << 46, uint64_t(1) << 60, ~uint64_t(0)}) {
    auto huge = c.device.allocate(bytes, MemoryKind::device);
    CTS_EXPECT(huge.status().code() == StatusCode::resourceExhausted);
  }
  int here = 0;
  CTS_EXPECT(c.device.deallocate(&here).code() == StatusCode::invalidArgument);
  DeviceMemory memory = c.memory(4096);
  DevicePtr address = memory.data();
  memory.reset();
  CTS_EXPECT(c.device.deallocate(address).code() ==
             StatusCode::invalidArgument);
}

CTS_TEST(adoptedMemoryIsReadInPlaceOrRefused) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  std::vector<float> weights(1000, 2.5f);
  auto adopted = c.device.adopt(weights.data(), weights.size() * 4);
  if (!c.device.info().hostAddressable) {
    CTS_EXPECT(adopted.status().code() == StatusCode::unavailable);
    return;
  }
  CTS_REQUIRE(adopted);
  CTS_EXPECT(c.device.memoryStats().adoptedBytes == 4000);
  DeviceMemory sum = c.memory(4000);
  DevicePtr operands[] = {*adopted, *adopted, sum.data()};
  int64_t dims[] = {1000, 100};
  CTS_EXPECT(stream->launch(*executable, {add, operands, dims, 10}));
  for (float value : c.read<float>(*stream, sum.data(), 1000))
    CTS_REQUIRE(value == 5.0f);
  CTS_EXPECT(c.device.release(*adopted));
  CTS_EXPECT(!c.device.release(*adopted));
  CTS_EXPECT(c.device.memoryStats().adoptedBytes == 0);
}

CTS_TEST(touchedBytesGrowWithUse) {
  constexpr uint64_t bytes = 1 << 20;
  DeviceMemory memory = c.memory(bytes);
  auto stream = c.stream();
  auto before = c.device.touchedBytes(memory.data(), bytes);
  CTS_REQUIRE(before);
  CTS_EXPECT(*before <= bytes);
  CTS_EXPECT(stream->fill(memory.data(), 1, 1, bytes / 2));
  CTS_EXPECT(stream->synchronize());
  auto half = c.device.touchedBytes(memory.data(), bytes);
  CTS_REQUIRE(half);
  CTS_EXPECT(*half >= bytes / 2 && *half >= *before && *half <= bytes);
}

CTS_TEST(copiesMoveExactlyTheirBytes) {
  auto stream = c.stream();
  DeviceMemory a = c.memory(5000), b = c.memory(5000);
  std::vector<uint8_t> from(5000);
  for (size_t i = 0; i < from.size(); ++i)
    from[i] = uint8_t(i * 7 + 1);
  for (uint64_t bytes : {0, 1, 3, 64, 1000, 4097}) {
    for (uint64_t offset : {0, 1, 63, 500}) {
      CTS_EXPECT(stream->fill(a.data(), 0xee, 1, 5000));
      CTS_EXPECT(stream->fill(b.data(), 0xdd, 1, 5000));
      auto *at = static_cast<uint8_t *>(a.data()) + offset;
      auto *to = static_cast<uint8_t *>(b.data()) + 2 * offset / 3;
      CTS_EXPECT(stream->copy(CopyKind::up, at, from.data(), bytes));
      CTS_EXPECT(stream->copy(CopyKind::within, to, at, bytes));
      std::vector<uint8_t> got = c.read<uint8_t>(*stream, b.data(), 5000);
      for (uint64_t i = 0; i < 5000; ++i) {
        uint64_t begin = 2 * offset / 3;
        bool copied = i >= begin && i < begin + bytes;
        CTS_REQUIRE(got[i] == (copied ? from[i - begin] : 0xdd));
      }
    }
  }
}

CTS_TEST(fillsRepeatTheirPattern) {
  auto stream = c.stream();
  DeviceMemory memory = c.memory(4096);
  uint64_t pattern = 0x1122334455667788;
  for (uint32_t size : {1u, 2u, 4u, 8u}) {
    for (uint64_t bytes : {uint64_t(0), uint64_t(size), uint64_t(24 * size)}) {
      CTS_EXPECT(stream->fill(memory.data(), 0, 1, 4096));
      CTS_EXPECT(stream->fill(memory.data(), pattern, size, bytes));
      std::vector<uint8_t> got = c.read<uint8_t>(*stream, memory.data(), 4096);
      for (uint64_t i = 0; i < 4096; ++i) {
        auto wanted = uint8_t(pattern >> (8 * (i % size)));
        CTS_REQUIRE(got[i] == (i < bytes ? wanted : 0));
      }
    }
  }
}

CTS_TEST(wrongRecordsAreRefusedAndLeaveTheStreamUsable) {
  auto stream = c.stream();
  auto executable = c.load();
  CTS_REQUIRE(stream && executable);
  DeviceMemory memory = c.memory(4096);
  DevicePtr good[] = {memory.data()}, bad[] = {nullptr};
  std::vector<Record> wrong = {
      FillRecord{memory.data(), 1, 3, 12},
      FillRecord{memory.data(), 1, 4, 10},
      FillRecord{nullptr, 1, 1, 8},
      CopyRecord{CopyKind::up, nullptr, good, 8},
      CopyRecord{CopyKind::down, good, nullptr, 8},
      LaunchRecord{99, good, {}, 1},
      LaunchRecord{count, good, {}, -1},
      LaunchRecord{count, bad, {}, 1},
      SignalRecord{nullptr},
      AwaitRecord{nullptr},
  };
  for (const Record &record : wrong) {
    auto prepared = stream->prepare({executable.get(), {&record, 1}});
    CTS_EXPECT(prepared.status().code() == StatusCode::invalidArgument);
    Status alone = stream->submitRecord(executable.get(), record, nullptr, 0);
    CTS_EXPECT(alone.code() == StatusCode::invalidArgument);
  }
  Record launch = LaunchRecord{count, good, {}, 1};
  CTS_EXPECT(!stream->prepare({nullptr, {&launch, 1}}));
  CTS_EXPECT(stream->launch(*executable, {count, good, {}, 3}));
  CTS_EXPECT(c.read<uint32_t>(*stream, memory.data(), 4) ==
             std::vector<uint32_t>({1, 1, 1, 0}));
}
