//===- LaunchTests.cpp - code, launches, prepared segments ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cts.h"

#include <random>

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::cts;

CTS_TEST(takesTheImageThatRunsBest) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  CTS_EXPECT(executable->kernelCount() == kernelDescs().size());
  DeviceMemory memory = c.memory(64);
  for (const CodeImage &image : c.subject.images) {
    auto forced =
        c.device.load({c.subject.images, kernelDescs(), image.features});
    if (!forced) {
      // Only what this device can't run may be refused, and that is not what
      // it takes by itself.
      CTS_EXPECT(forced.status().code() == StatusCode::unavailable);
      CTS_EXPECT(executable->variant() != image.features);
      continue;
    }
    CTS_EXPECT((*forced)->variant() == image.features);
    DevicePtr operands[] = {memory.data()};
    CTS_EXPECT(stream->launch(**forced, {level, operands, {}, 1}));
    uint32_t forcedLevel = c.read<uint32_t>(*stream, memory.data(), 1)[0];
    CTS_EXPECT(stream->launch(*executable, {level, operands, {}, 1}));
    uint32_t chosen = c.read<uint32_t>(*stream, memory.data(), 1)[0];
    CTS_EXPECT(chosen >= forcedLevel && forcedLevel > 0);
  }
}

CTS_TEST(codeThatIsNotThereIsRefused) {
  KernelDesc missing[] = {{"noSuchKernel", 0}};
  auto loaded = c.device.load({c.subject.images, missing, {}});
  CTS_EXPECT(loaded.status().code() == StatusCode::notFound);
  CTS_EXPECT(loaded.status().str().find("noSuchKernel") != std::string::npos);
  loaded = c.device.load({c.subject.images, kernelDescs(), "abacus"});
  CTS_EXPECT(loaded.status().code() == StatusCode::notFound);
  loaded = c.device.load({{}, kernelDescs(), {}});
  CTS_EXPECT(loaded.status().code() == StatusCode::notFound);
  CodeImage foreign[] = {{"tape", "sm_1", c.subject.images[0].bytes}};
  loaded = c.device.load({foreign, kernelDescs(), {}});
  CTS_EXPECT(loaded.status().code() == StatusCode::notFound);
}

CTS_TEST(damagedImagesAreRefusedInOneLine) {
  const CodeImage &good = c.subject.images[0];
  auto tryLoad = [&](std::span<const std::byte> bytes) {
    CodeImage image[] = {{good.format, good.features, bytes}};
    return c.device.load({image, kernelDescs(), good.features});
  };
  CTS_REQUIRE(tryLoad(good.bytes));
  auto isOneLine = [](const Status &status) {
    return !status.message().empty() &&
           status.message().find('\n') == std::string_view::npos;
  };
  for (size_t length = 0; length < good.bytes.size();
       length += 1 + length / 16) {
    auto loaded = tryLoad(good.bytes.first(length));
    // Sections at the end of a file are not loaded and may be missing.
    if (!loaded)
      CTS_EXPECT(isOneLine(loaded.status()));
    else
      CTS_EXPECT(length > good.bytes.size() / 4);
  }
  std::mt19937_64 random(1);
  std::vector<std::byte> damaged;
  size_t head = std::min<size_t>(1024, good.bytes.size());
  unsigned refused = 0;
  for (int round = 0; round < 3000; ++round) {
    damaged.assign(good.bytes.begin(), good.bytes.end());
    for (uint64_t i = 0, n = 1 + random() % 4; i < n; ++i)
      damaged[random() % (round % 2 ? head : damaged.size())] ^=
          std::byte(1u << random() % 8);
    auto loaded = tryLoad(damaged);
    if (!loaded) {
      ++refused;
      CTS_REQUIRE(isOneLine(loaded.status()));
    }
  }
  CTS_EXPECT(refused > 300);
  CodeImage importing[] = {c.subject.importing};
  auto loaded = c.device.load({importing, kernelDescs(), {}});
  CTS_EXPECT(loaded.status().code() == StatusCode::dataLoss);
  CTS_EXPECT(loaded.status().str().find("elsewhere") != std::string::npos);
}

CTS_TEST(launchesRunEveryTileOnce) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  constexpr int64_t most = 5000;
  DeviceMemory memory = c.memory(most * 4);
  DevicePtr operands[] = {memory.data()};
  for (int64_t tiles : {int64_t(0), int64_t(1), int64_t(2), int64_t(7),
                        int64_t(16), int64_t(33), int64_t(1000), most}) {
    CTS_EXPECT(stream->fill(memory.data(), 0, 1, most * 4));
    for (int i = 0; i < 3; ++i)
      CTS_EXPECT(stream->launch(*executable, {count, operands, {}, tiles}));
    auto counts = c.read<uint32_t>(*stream, memory.data(), most);
    for (int64_t i = 0; i < most; ++i)
      CTS_REQUIRE(counts[size_t(i)] == (i < tiles ? 3u : 0u));
  }
}

CTS_TEST(launchesPassOperandsAndDims) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  for (int64_t n : {1, 63, 1000, 100001}) {
    auto bytes = uint64_t(n) * 4;
    DeviceMemory a = c.memory(bytes), b = c.memory(bytes),
                 sum = c.memory(bytes);
    std::vector<float> x(size_t(n), 0), y(size_t(n), 0);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = float(i) * 0.5f;
      y[i] = 1.0f / float(i + 1);
    }
    c.up(*stream, a.data(), x.data(), bytes);
    c.up(*stream, b.data(), y.data(), bytes);
    DevicePtr operands[] = {a.data(), b.data(), sum.data()};
    int64_t dims[] = {n, 100};
    uint64_t sizes[] = {bytes, bytes, bytes};
    CTS_EXPECT(stream->launch(*executable,
                              {add, operands, dims, (n + 99) / 100, sizes}));
    auto got = c.read<float>(*stream, sum.data(), size_t(n));
    for (size_t i = 0; i < x.size(); ++i)
      CTS_REQUIRE(got[i] == x[i] + y[i]);
  }
}

CTS_TEST(relocatedTablesPointToTheirFunctions) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  DeviceMemory memory = c.memory(64);
  DevicePtr operands[] = {memory.data()};
  int64_t increment[] = {0, 5}, twice[] = {1, 3};
  CTS_EXPECT(stream->launch(*executable, {apply, operands, increment, 1}));
  CTS_EXPECT(stream->launch(*executable, {apply, operands, twice, 1}));
  CTS_EXPECT(c.read<int64_t>(*stream, memory.data(), 1)[0] == 40);
}

CTS_TEST(scratchBelongsToOneTileAtATime) {
  auto executable = c.load();
  auto streamA = c.stream(), streamB = c.stream();
  CTS_REQUIRE(executable && streamA && streamB);
  DeviceMemory a = c.memory(4096), b = c.memory(4096);
  DevicePtr inA[] = {a.data()}, inB[] = {b.data()};
  int64_t dims[] = {int64_t(scratchBytes), 3};
  CTS_EXPECT(streamA->fill(a.data(), 0xff, 1, 4096));
  CTS_EXPECT(streamB->fill(b.data(), 0xff, 1, 4096));
  int64_t tiles = c.some(200);
  for (int i = 0; i < 5; ++i) {
    CTS_EXPECT(streamA->launch(*executable, {useScratch, inA, dims, tiles}));
    CTS_EXPECT(streamB->launch(*executable, {useScratch, inB, dims, tiles}));
  }
  for (uint32_t changed : c.read<uint32_t>(*streamA, a.data(), size_t(tiles)))
    CTS_REQUIRE(changed == 0);
  for (uint32_t changed : c.read<uint32_t>(*streamB, b.data(), size_t(tiles)))
    CTS_REQUIRE(changed == 0);
}

CTS_TEST(preparedSegmentsRunAgainWithoutAllocating) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  DeviceMemory memory = c.memory(4096);
  DevicePtr operands[] = {memory.data()};
  int64_t dims[] = {3, 1};
  std::vector<Record> records = {
      FillRecord{memory.data(), 1, 8, 8},
      LaunchRecord{step, operands, dims, 1},
      LaunchRecord{step, operands, dims, 1},
      CopyRecord{CopyKind::within, static_cast<char *>(memory.data()) + 64,
                 memory.data(), 8},
      LaunchRecord{step, operands, dims, 1},
  };
  auto segment = stream->prepare({executable.get(), records});
  CTS_REQUIRE(segment);
  records.clear();
  dims[0] = 99; // prepared segments own what they need
  CTS_EXPECT(stream->submit(**segment, nullptr, 0));
  CTS_EXPECT(stream->synchronize());
  MemoryStats before = c.device.memoryStats();
  Completions completions;
  for (uint64_t i = 0; i < 300; ++i)
    CTS_EXPECT(stream->submit(**segment, &completions, i));
  CTS_EXPECT(stream->synchronize());
  CTS_EXPECT(c.device.memoryStats().allocations == before.allocations);
  CTS_EXPECT(completions.seen().size() == 300);
  auto words = c.read<uint64_t>(*stream, memory.data(), 9);
  CTS_EXPECT(words[0] == 40 && words[8] == 13);
}

/// z = x y by a library, or x + y by the kernel in its place: for 2 and 2, and
/// for 3 and 1.5, both are the same.
struct Product {
  DevicePtr operands[3], workspace;
  uint64_t sizes[3] = {4, 4, 4};
  // One row, column and summand, one element apart.
  int64_t dims[10] = {1, 1, 1, 1, 1, 1, 1, 0, 0, 0};
  int64_t kernelDims[2] = {1, 100};

  Record record(std::string_view library = "cublasLt") {
    CallRecord call;
    call.library = library;
    call.entry = "matmul";
    call.config = "d=2:f32 a=0:f32 b=1:f32";
    call.operands = operands;
    call.sizes = sizes;
    call.dims = dims;
    call.workspace = workspace;
    call.workspaceBytes = 4096;
    call.fallback = {add, operands, kernelDims, 1, sizes};
    return call;
  }
};

CTS_TEST(libraryCallsRunOrAreRefused) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  DeviceMemory memory = c.memory(1024), scratch = c.memory(4096);
  auto *base = static_cast<std::byte *>(memory.data());
  const float values[] = {2, 2, 3, 1.5f};
  for (size_t i = 0; i < 4; ++i)
    c.up(*stream, base + 64 * i, &values[i], 4);
  Product first{{base, base + 64, base + 256}, scratch.data()};
  Product second{{base + 128, base + 192, base + 320}, scratch.data()};
  auto result = [&](size_t at) {
    return c.read<float>(*stream, base + at, 1)[0];
  };
  if (!c.device.info().libraries) {
    CTS_EXPECT(stream->prepare({executable.get(), {{first.record()}}})
                   .status()
                   .code() == StatusCode::invalidArgument);
    CTS_EXPECT(
        stream->submitRecord(executable.get(), first.record(), nullptr, 0)
            .code() == StatusCode::invalidArgument);
    return;
  }
  // By itself, also where nobody knows the library.
  for (const char *library : {"cublasLt", "no such library"}) {
    CTS_EXPECT(stream->fill(base + 256, 0, 1, 4));
    CTS_EXPECT(stream->submitRecord(executable.get(), first.record(library),
                                    nullptr, 0));
    CTS_EXPECT(result(256) == 4);
  }
  // Between other work, again and with other operands.
  auto line = [&](Product &product) {
    auto *to = static_cast<std::byte *>(product.operands[2]);
    return std::vector<Record>{FillRecord{to, 0, 1, 4}, product.record(),
                               CopyRecord{CopyKind::within, to + 256, to, 4}};
  };
  auto segment = stream->prepare({executable.get(), line(first)});
  CTS_REQUIRE(segment);
  for (int i = 0; i < 2; ++i) {
    CTS_EXPECT(stream->submit(**segment, nullptr, 0));
    CTS_EXPECT(result(512) == 4);
  }
  CTS_EXPECT((*segment)->update({executable.get(), line(second)}));
  CTS_EXPECT(stream->submit(**segment, nullptr, 0));
  CTS_EXPECT(result(576) == 4.5f);
  // What is no product, and what does not lie in its operands.
  Product wrong = first;
  wrong.dims[0] = 2;
  CTS_EXPECT((*segment)->update({executable.get(), line(wrong)}).code() ==
             StatusCode::invalidArgument);
  wrong = first;
  wrong.operands[1] = nullptr;
  CTS_EXPECT((*segment)->update({executable.get(), line(wrong)}).code() ==
             StatusCode::invalidArgument);
  CTS_EXPECT(stream->submit(**segment, nullptr, 0));
  CTS_EXPECT(result(576) == 4.5f);
}

CTS_TEST(updatesTakeEffectOrChangeNothing) {
  auto executable = c.load();
  auto stream = c.stream();
  CTS_REQUIRE(executable && stream);
  DeviceMemory a = c.memory(64), b = c.memory(64);
  DevicePtr inA[] = {a.data()}, inB[] = {b.data()}, bad[] = {nullptr};
  int64_t one[] = {1, 1}, ten[] = {1, 10};
  std::vector<Record> first = {LaunchRecord{step, inA, one, 1}};
  auto segment = stream->prepare({executable.get(), first});
  CTS_REQUIRE(segment);
  auto run = [&] {
    CTS_EXPECT(stream->submit(**segment, nullptr, 0));
    CTS_EXPECT(stream->synchronize());
  };
  run();
  std::vector<std::vector<Record>> wrong = {
      {},
      {LaunchRecord{count, inB, one, 1}},
      {LaunchRecord{step, inB, {}, 1}},
      {LaunchRecord{step, bad, one, 1}},
      {FillRecord{b.data(), 1, 1, 8}},
      {LaunchRecord{step, inB, one, 1}, LaunchRecord{step, inB, one, 1}},
  };
  for (const std::vector<Record> &records : wrong)
    CTS_EXPECT((*segment)->update({executable.get(), records}).code() ==
               StatusCode::invalidArgument);
  run();
  std::vector<Record> second = {LaunchRecord{step, inB, ten, 1}};
  CTS_EXPECT((*segment)->update({executable.get(), second}));
  run();
  CTS_EXPECT(c.read<uint64_t>(*stream, a.data(), 1)[0] == 2);
  CTS_EXPECT(c.read<uint64_t>(*stream, b.data(), 1)[0] == 10);
}
