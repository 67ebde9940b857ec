//===- CudaDeviceTest.cpp - device cuda when something is wrong -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the conformance suite can't ask for: every failure of a driver, planted
// in the stand-in, is one sentence, and nobody waits for ever.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Runtime/Device/CUDA/Executable.h"
#include "../unit/Runtime/Session/TestPackages.h"
#include "actnet/Package/CodeBundle.h"
#include "actnet/Runtime/Device/CUDA.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

using namespace actnet;
using namespace actnet::rt;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr int64_t longNs = int64_t(20) * 1000 * 1000 * 1000;

/// How many lines of the stand-in's log begin so.
int logged(const std::string &path, const std::string &begin) {
  std::ifstream file(path);
  int count = 0;
  for (std::string line; std::getline(file, line);)
    count += line.starts_with(begin);
  return count;
}

std::string freshLog(const char *name) {
  std::string path = testing::TempDir() + name + std::to_string(getpid());
  std::remove(path.c_str());
  return path;
}

/// Sets the stand-in's options for the devices that are made from now on.
void standIn(const std::string &options) {
  setenv("ACTNET_STANDIN", options.c_str(), 1);
}

CudaOptions options() {
  CudaOptions result;
  result.driver = ACTNET_STANDIN_LIBRARY;
  result.teardownNs = 300 * 1000 * 1000;
  return result;
}

std::unique_ptr<Device> make(const std::string &text) {
  standIn(text);
  auto device = createCudaDevice(options());
  EXPECT_TRUE(device) << device.status().str();
  return device ? *std::move(device) : nullptr;
}

std::string failure(const std::string &text, CudaOptions with = options()) {
  standIn(text);
  auto device = createCudaDevice(with);
  EXPECT_FALSE(device);
  std::string message = device.status().str();
  EXPECT_THAT(message, Not(HasSubstr("\n")));
  return message;
}

std::vector<std::byte> bundle(const std::string &module) {
  pkg::CodeBundleWriter writer;
  writer.add("scale", module);
  return writer.finish();
}

const std::vector<std::byte> &goodBundle() {
  static const std::vector<std::byte> bytes =
      bundle(test::standInModule("scale", 3));
  return bytes;
}

constexpr KernelDesc scaleDesc[] = {{"scale", 0, 64, 0, {}}};

Expected<std::unique_ptr<Executable>> load(Device &device,
                                           std::vector<CodeImage> images,
                                           std::string_view variant = {}) {
  return device.load({images, scaleDesc, variant});
}

struct Answers final : CompletionListener {
  void completed(uint64_t, const Status &status) override {
    if (status)
      ++good;
    else
      ++bad;
  }
  std::atomic<int> good{0}, bad{0};
};

/// A device that runs y = 2 x on 64 floats.
struct Scale {
  std::unique_ptr<Device> device;
  std::unique_ptr<Executable> code;
  std::unique_ptr<DeviceStream> stream;
  DeviceMemory x, y;
  std::vector<DevicePtr> operands;
  int64_t dims[1] = {64};

  explicit Scale(const std::string &text) : device(make(text)) {
    auto loaded = load(*device, {{"cubin", "sm_80", goodBundle()}});
    EXPECT_TRUE(loaded) << loaded.status().str();
    code = *std::move(loaded);
    stream = *device->createStream(StreamKind::compute);
    x = *DeviceMemory::allocate(*device, 256, MemoryKind::device);
    y = *DeviceMemory::allocate(*device, 256, MemoryKind::device);
    operands = {x.data(), y.data()};
  }
  Record record() const { return LaunchRecord{0, operands, dims, 1, {}}; }
  Status launch() {
    return stream->submitRecord(code.get(), record(), nullptr, 0);
  }
};

TEST(CudaDevice, SaysWhichDriverIsMissing) {
  CudaOptions none;
  none.driver = "libnodriver.so.1";
  std::string text = failure("", none);
  EXPECT_THAT(text, HasSubstr("there is no NVIDIA driver on this machine"));
  EXPECT_THAT(text, HasSubstr("libnodriver.so.1"));
}

TEST(CudaDevice, RefusesAnOldDriver) {
  EXPECT_THAT(failure("version=12040"),
              HasSubstr("the NVIDIA driver is too old: it supports CUDA 12.4, "
                        "this program needs CUDA 13.0 (driver 580 or newer)"));
}

TEST(CudaDevice, SaysThatThereIsNoDevice) {
  EXPECT_THAT(failure("devices=0"), HasSubstr("shows no GPU"));
  CudaOptions third = options();
  third.ordinal = 3;
  EXPECT_THAT(failure("devices=2", third),
              HasSubstr("there is no device 3, the driver shows 2"));
}

TEST(CudaDevice, ListsWhatTheDriverShows) {
  standIn("devices=2,sm=90");
  auto list = listCudaDevices(ACTNET_STANDIN_LIBRARY);
  ASSERT_TRUE(list) << list.status().str();
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[1].name, "stand-in 1");
  EXPECT_EQ((*list)[1].variant, "sm_90");
  EXPECT_EQ((*list)[1].kind, "cuda");
}

TEST(CudaDevice, TakesTheBestImage) {
  using cuda::fitness;
  // On sm_86: its own, then the nearest lower minor, then PTX.
  EXPECT_GT(fitness("cubin", "sm_86", 8, 6), fitness("cubin", "sm_80", 8, 6));
  EXPECT_GT(fitness("cubin", "sm_80", 8, 6),
            fitness("ptx", "compute_80", 8, 6));
  EXPECT_GT(fitness("ptx", "compute_80", 8, 6),
            fitness("ptx", "compute_75", 8, 6));
  EXPECT_GT(fitness("cubin", "sm_90a", 9, 0), fitness("cubin", "sm_90", 9, 0));
  // Never a higher minor, another major, a suffixed one of another device.
  EXPECT_EQ(fitness("cubin", "sm_89", 8, 6), 0u);
  EXPECT_EQ(fitness("cubin", "sm_75", 8, 0), 0u);
  EXPECT_EQ(fitness("cubin", "sm_100a", 10, 3), 0u);
  EXPECT_EQ(fitness("ptx", "compute_90", 8, 6), 0u);
  EXPECT_EQ(fitness("ptx", "compute_90a", 10, 0), 0u);
  EXPECT_GT(fitness("ptx", "compute_90", 10, 0), 0u);
  EXPECT_GT(fitness("cubin", "sm_100", 10, 3), 0u);
  EXPECT_EQ(fitness("elf", "x86-64", 8, 0), 0u);
  EXPECT_EQ(fitness("cubin", "sm_9x0", 9, 0), 0u);
}

TEST(CudaDevice, SaysWhichArchitectureIsWrong) {
  auto device = make("sm=80");
  std::vector<CodeImage> images = {{"cubin", "sm_86", goodBundle()},
                                   {"cubin", "sm_90a", goodBundle()},
                                   {"ptx", "compute_86", goodBundle()}};
  auto loaded = load(*device, images);
  EXPECT_EQ(loaded.status().code(), StatusCode::notFound);
  EXPECT_EQ(loaded.status().str(),
            "cuda: this GPU is sm_80, which runs none of the program's code: "
            "there is code for sm_86, sm_90a, compute_86; compile it with "
            "--target=cuda:sm_80");
  loaded = load(*device, images, "sm_90a");
  EXPECT_EQ(loaded.status().code(), StatusCode::unavailable);
  loaded = load(*device, images, "sm_61");
  EXPECT_EQ(loaded.status().code(), StatusCode::notFound);
}

// What the compiler would refuse is no advice, and NVRTC is not asked.
TEST(CudaDevice, SaysThatAGpuIsTooOld) {
  for (const char *architecture : {"75", "70"}) {
    auto device = make("sm=" + std::string(architecture));
    std::vector<CodeImage> images = {{"cubin", "sm_80", goodBundle()},
                                     {"cuda-text", "text", goodBundle()}};
    for (std::string_view variant : {"", "text", "sm_80"})
      EXPECT_EQ(load(*device, images, variant).status().str(),
                "cuda: this GPU is sm_" + std::string(architecture) +
                    "; actnet's kernels need sm_80 or later");
    // Code that fits runs all the same.
    images.push_back({"cubin", "sm_70", goodBundle()});
    EXPECT_TRUE(load(*device, images));
  }
}

TEST(CudaDevice, TakesTheTextThatIsAskedFor) {
  auto device = make("");
  std::vector<CodeImage> images = {{"cubin", "sm_80", goodBundle()},
                                   {"cuda-text", "text", goodBundle()}};
  setenv("ACTNET_NVRTC", "/nowhere/libnvrtc.so.13", 1);
  EXPECT_THAT(load(*device, images, "text").status().str(),
              HasSubstr("the program's text cannot be compiled here: "
                        "ACTNET_NVRTC: /nowhere"));
  unsetenv("ACTNET_NVRTC");
  images.pop_back();
  EXPECT_EQ(load(*device, images, "text").status().str(),
            "cuda: no code for text; there is code for sm_80");
}

TEST(CudaDevice, RefusesDamagedCode) {
  auto device = make("");
  std::string good = test::standInModule("scale", 3);
  std::string damaged = good;
  damaged[damaged.size() - 3] ^= 1;
  auto bytes = bundle(damaged);
  auto loaded = load(*device, {{"cubin", "sm_80", bytes}});
  EXPECT_EQ(loaded.status().code(), StatusCode::dataLoss);
  EXPECT_EQ(loaded.status().str(),
            "cuda: sm_80: kernel 'scale': the code is damaged: "
            "CUDA_ERROR_INVALID_IMAGE (as the stand-in says): the checksum "
            "differs");
  // An ELF whose tables lie outside of it is not given to the driver.
  std::string elf(200, '\0');
  elf.replace(0, 4, "\177ELF");
  elf[40] = 100; // the section table's place, with entries of
  elf[58] = 64;  // 64 bytes, of which there are
  elf[60] = 3;
  bytes = bundle(elf);
  loaded = load(*device, {{"cubin", "sm_80", bytes}});
  EXPECT_THAT(loaded.status().str(), HasSubstr("lies outside of it"));
  auto cut = std::span(goodBundle()).first(goodBundle().size() / 2);
  loaded = load(*device, {{"cubin", "sm_80", cut}});
  EXPECT_EQ(loaded.status().code(), StatusCode::dataLoss);
}

TEST(CudaDevice, AsksForSharedMemoryAndSaysWhenThereIsNotEnough) {
  auto device = make("");
  CodeImage images[] = {{"cubin", "sm_80", goodBundle()}};
  KernelDesc large[] = {{"scale", 0, 64, 160 * 1024, {}}};
  EXPECT_TRUE(device->load({images, large, {}}));
  large[0].sharedBytes = 200 * 1024;
  auto loaded = device->load({images, large, {}});
  EXPECT_EQ(loaded.status().code(), StatusCode::unavailable);
  EXPECT_THAT(loaded.status().str(),
              HasSubstr("kernel 'scale': needs 204800 bytes of shared memory, "
                        "this GPU has 166912"));
  KernelDesc odd[] = {{"scale", 0, 33, 0, {}}};
  EXPECT_FALSE(device->load({images, odd, {}}));
}

// The 48 KiB that come unasked are those of a kernel with no shared memory of
// its own, and how much it has only the driver knows.
TEST(CudaDevice, AsksForAllSharedMemoryThatALaunchNeeds) {
  std::string log = freshLog("shared-log.");
  auto device = make("log=" + log);
  CodeImage images[] = {{"cubin", "sm_80", goodBundle()}};
  for (unsigned bytes : {0u, 48u * 1024}) {
    KernelDesc kernel[] = {{"scale", 0, 64, bytes, {}}};
    EXPECT_TRUE(device->load({images, kernel, {}}));
    EXPECT_EQ(logged(log, "cuFuncSetAttribute"), bytes != 0) << bytes;
  }
  std::remove(log.c_str());
}

TEST(CudaDevice, KnowsHowMuchSharedMemoryAnArchitectureHas) {
  CodeImage images[] = {{"ptx", "compute_80", goodBundle()}};
  for (auto [architecture, kib] : {std::pair(80, 163),
                                   {86, 99},
                                   {89, 99},
                                   {90, 227},
                                   {100, 227},
                                   {120, 99}}) {
    auto device = make("sm=" + std::to_string(architecture));
    KernelDesc most[] = {{"scale", 0, 64, unsigned(kib) * 1024, {}}};
    EXPECT_TRUE(device->load({images, most, {}})) << architecture;
    ++most[0].sharedBytes;
    EXPECT_THAT(device->load({images, most, {}}).status().str(),
                HasSubstr("this GPU has " + std::to_string(kib * 1024)));
  }
}

TEST(CudaDevice, CountsNoCodeOfALoadThatFails) {
  auto device = make("fault=load@2");
  std::string scale = test::standInModule("scale", 3);
  pkg::CodeBundleWriter writer;
  writer.add("scale", scale);
  writer.add("add", test::standInModule("add", 4));
  auto bytes = writer.finish();
  std::vector<CodeImage> images = {{"cubin", "sm_80", bytes}};
  KernelDesc both[] = {{"scale", 0, 64, 0, {}}, {"add", 0, 64, 0, {}}};
  uint64_t before = device->memoryStats().codeBytes;
  EXPECT_EQ(before, 0u);
  EXPECT_FALSE(device->load({images, both, {}}));
  EXPECT_EQ(device->memoryStats().codeBytes, 0u);
  auto loaded = load(*device, images);
  ASSERT_TRUE(loaded) << loaded.status().str();
  EXPECT_EQ(device->memoryStats().codeBytes, scale.size());
  EXPECT_LT(device->memoryStats().peakBytes, uint64_t(1) << 32);
}

TEST(CudaDevice, SaysHowMuchMemoryThereIs) {
  auto device = make("memory=1000000");
  auto memory = device->allocate(2000000, MemoryKind::device);
  EXPECT_EQ(memory.status().code(), StatusCode::resourceExhausted);
  EXPECT_EQ(memory.status().str(),
            "cuda: out of memory: 2000000 bytes of the GPU asked for, 1000000 "
            "of 1000000 are free");
  // That is no reason to give up.
  EXPECT_TRUE(DeviceMemory::allocate(*device, 1000, MemoryKind::device));
}

TEST(CudaDevice, AStickyErrorFailsEverythingWithItsCause) {
  Scale s("fault=sticky@2");
  Answers answers;
  auto other = *s.device->createStream(StreamKind::compute);
  ASSERT_TRUE(s.launch());
  ASSERT_TRUE(s.stream->synchronize(longNs));
  ASSERT_TRUE(s.launch());
  for (int i = 0; i < 5; ++i) {
    // Some may hear of it at once.
    if (!s.stream->notify(&answers, 0))
      ++answers.bad;
    if (!other->notify(&answers, 0))
      ++answers.bad;
  }
  Status broken = s.stream->synchronize(longNs);
  EXPECT_EQ(broken.code(), StatusCode::internal);
  EXPECT_THAT(broken.str(),
              HasSubstr("the GPU failed: CUDA_ERROR_ILLEGAL_ADDRESS (an "
                        "illegal memory access was encountered)"));
  EXPECT_FALSE(s.device->status());
  EXPECT_FALSE(s.launch());
  EXPECT_FALSE(s.device->allocate(64, MemoryKind::device));
  EXPECT_FALSE(s.device->createStream(StreamKind::compute));
  s.stream.reset();
  other.reset();
  EXPECT_GE(answers.bad, 5);
  EXPECT_EQ(answers.good + answers.bad, 10);
}

TEST(CudaDevice, ARefusedLaunchFailsAloneAndTheDeviceGoesOn) {
  Scale s("fault=launch@1");
  Status refused = s.launch();
  EXPECT_EQ(refused.code(), StatusCode::internal);
  EXPECT_THAT(refused.str(), HasSubstr("scale: CUDA_ERROR_LAUNCH_OUT_OF"));
  EXPECT_TRUE(s.launch());
  EXPECT_TRUE(s.stream->synchronize(longNs));
}

TEST(CudaDevice, FindsWhatIsDoneWithoutBeingWoken) {
  Scale s("fault=wake@1");
  Answers answers;
  ASSERT_TRUE(s.stream->submitRecord(s.code.get(), s.record(), &answers, 0));
  for (int i = 0; i < 2000 && !answers.good; ++i) {
    timespec pause{0, 1000 * 1000};
    nanosleep(&pause, nullptr);
  }
  EXPECT_EQ(answers.good, 1);
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

TEST(CudaDevice, UpdatesGraphsAsIfTheyWereNew) {
  Scale s("");
  std::vector<float> ones(64, 1.0f), got(64);
  auto doubled = [&](std::vector<Record> records) {
    auto segment = *s.stream->prepare({s.code.get(), records});
    return segment;
  };
  DevicePtr back[] = {s.y.data(), s.x.data()};
  int64_t half[] = {32};
  Record fill = FillRecord{s.x.data(), 0x3f800000, 4, 256};
  // x = 1; y = 2 x; x = 2 y over half of it.
  auto segment =
      doubled({fill, s.record(), LaunchRecord{0, back, half, 1, {}}});
  auto run = [&] {
    EXPECT_TRUE(s.stream->submit(*segment, nullptr, 0));
    EXPECT_TRUE(s.stream->copy(CopyKind::down, got.data(), s.x.data(), 256));
    EXPECT_TRUE(s.stream->synchronize(longNs));
  };
  run();
  EXPECT_EQ(got[0], 4);
  EXPECT_EQ(got[63], 1);
  // No tiles: the node is switched off, and on again.
  int64_t all[] = {64};
  std::vector<Record> records = {fill, s.record(),
                                 LaunchRecord{0, back, all, 0, {}}};
  EXPECT_TRUE(segment->update({s.code.get(), records}));
  run();
  EXPECT_EQ(got[0], 1);
  records.back() = LaunchRecord{0, back, all, 1, {}};
  EXPECT_TRUE(segment->update({s.code.get(), records}));
  run();
  EXPECT_EQ(got[63], 4);
  // Another number of operations: a pattern of eight bytes takes two.
  records.front() = FillRecord{s.x.data(), 0x400000003f800000, 8, 256};
  EXPECT_TRUE(segment->update({s.code.get(), records}));
  run();
  EXPECT_EQ(got[0], 4);
  EXPECT_EQ(got[1], 8);
}

TEST(CudaDevice, AnUpdateOfAnotherFormIsAGraphAgain) {
  std::string log = freshLog("update-log.");
  Scale s("log=" + log);
  Record fill = FillRecord{s.x.data(), 0x3f800000, 4, 256};
  std::vector<Record> records = {fill, s.record()};
  auto segment = *s.stream->prepare({s.code.get(), records});
  records.front() = FillRecord{s.x.data(), 0x400000003f800000, 8, 256};
  ASSERT_TRUE(segment->update({s.code.get(), records}));
  ASSERT_TRUE(s.stream->submit(*segment, nullptr, 0));
  ASSERT_TRUE(s.stream->synchronize(longNs));
  EXPECT_EQ(logged(log, "cuGraphUpload"), 2);
  EXPECT_EQ(logged(log, "cuGraphLaunch 3 nodes"), 1);
  EXPECT_EQ(logged(log, "cuLaunchKernel"), 0);
  std::remove(log.c_str());
}

// Nodes of copies have a limit, which no test has the memory to reach.
TEST(CudaDevice, CutsCopiesThatAreTooLongForANode) {
  std::string log = freshLog("pitch-log.");
  Scale s("pitch=100,log=" + log);
  std::vector<float> from(64), got(64);
  for (size_t i = 0; i < from.size(); ++i)
    from[i] = float(i);
  auto z = *DeviceMemory::allocate(*s.device, 256, MemoryKind::device);
  ASSERT_TRUE(s.stream->copy(CopyKind::up, s.x.data(), from.data(), 256));
  std::vector<Record> records = {
      s.record(), CopyRecord{CopyKind::within, z.data(), s.y.data(), 256}};
  auto segment = *s.stream->prepare({s.code.get(), records});
  auto run = [&] {
    EXPECT_TRUE(s.stream->submit(*segment, nullptr, 0));
    EXPECT_TRUE(s.stream->copy(CopyKind::down, got.data(), z.data(), 256));
    EXPECT_TRUE(s.stream->synchronize(longNs));
  };
  run();
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i], 2 * float(i));
  EXPECT_EQ(logged(log, "cuGraphLaunch 5 nodes"), 1) << "pieces of 64 bytes";
  // Less: other pieces, and a rest.
  ASSERT_TRUE(s.stream->fill(z.data(), 0, 4, 256));
  records.back() = CopyRecord{CopyKind::within, z.data(), s.y.data(), 132};
  ASSERT_TRUE(segment->update({s.code.get(), records}));
  run();
  EXPECT_EQ(got[32], 64);
  EXPECT_EQ(got[33], 0);
  EXPECT_EQ(logged(log, "cuGraphLaunch 4 nodes"), 1);
  // The same number of pieces: nodes are changed.
  records.back() = CopyRecord{CopyKind::within, z.data(), s.y.data(), 136};
  ASSERT_TRUE(segment->update({s.code.get(), records}));
  run();
  EXPECT_EQ(got[33], 66);
  EXPECT_EQ(got[34], 0);
  EXPECT_EQ(logged(log, "cuGraphLaunch 4 nodes"), 2);
  EXPECT_EQ(logged(log, "cuGraphUpload"), 2);
  std::remove(log.c_str());
}

// A graph that the driver does not make, or does not change.
TEST(CudaDevice, RunsAsSingleCallsWhatIsNoGraph) {
  for (std::string fault : {"graph", "change"}) {
    std::string log = freshLog("refused-log.");
    Scale s("fault=" + fault + "@1,log=" + log);
    std::vector<float> got(64);
    Record fill = FillRecord{s.x.data(), 0x3f800000, 4, 256};
    std::vector<Record> records = {fill, s.record()};
    auto prepared = s.stream->prepare({s.code.get(), records});
    ASSERT_TRUE(prepared) << prepared.status().str();
    auto segment = *std::move(prepared);
    if (fault == "change") {
      EXPECT_EQ(s.device->memoryStats().refusedGraphs, 0u);
      EXPECT_EQ(s.device->libraryNote(), "");
      records.front() = FillRecord{s.x.data(), 0x40000000, 4, 256};
      ASSERT_TRUE(segment->update({s.code.get(), records}));
    }
    EXPECT_TRUE(s.stream->submit(*segment, nullptr, 0));
    EXPECT_TRUE(s.stream->copy(CopyKind::down, got.data(), s.y.data(), 256));
    EXPECT_TRUE(s.stream->synchronize(longNs));
    EXPECT_EQ(got[63], fault == "change" ? 4 : 2);
    EXPECT_EQ(logged(log, "cuGraphLaunch"), 0);
    EXPECT_EQ(logged(log, "cuLaunchKernel"), 1);
    EXPECT_EQ(s.device->memoryStats().refusedGraphs, 1u);
    EXPECT_THAT(s.device->libraryNote(),
                HasSubstr("some graphs run as single calls, because the driver "
                          "refuses them; the first: cuda: "));
    // Others are graphs.
    auto other = *s.stream->prepare({s.code.get(), records});
    EXPECT_TRUE(s.stream->submit(*other, nullptr, 0));
    EXPECT_TRUE(s.stream->synchronize(longNs));
    EXPECT_EQ(logged(log, "cuGraphLaunch 2 nodes"), 1);
    EXPECT_EQ(s.device->memoryStats().refusedGraphs, 1u);
    std::remove(log.c_str());
  }
}

//===----------------------------------------------------------------------===//
// Contexts and memory
//===----------------------------------------------------------------------===//

// A new context has the address of the old one; a thread that knew the old one
// must not take it for that.
TEST(CudaDevice, AContextThatComesAgainIsEnteredAgain) {
  std::atomic<int> step{0};
  auto reach = [&](int now) {
    step = now;
    step.notify_all();
  };
  auto waitFor = [&](int wanted) {
    for (int now; (now = step) < wanted;)
      step.wait(now);
  };
  auto device = make("");
  auto allocates = [&] {
    auto memory = DeviceMemory::allocate(*device, 64, MemoryKind::device);
    return memory.status().str();
  };
  std::string first, second;
  std::thread other([&] {
    first = allocates();
    reach(1);
    waitFor(2);
    second = allocates();
  });
  waitFor(1);
  device.reset();
  device = make("");
  reach(2);
  other.join();
  EXPECT_EQ(first, "ok");
  EXPECT_EQ(second, "ok");
  EXPECT_EQ(allocates(), "ok");
  EXPECT_EQ(device->status().str(), "ok");
}

// Devices of one GPU share its context: threads go between them for nothing.
TEST(CudaDevice, DevicesOfOneContextAreEnteredOnce) {
  std::string log = freshLog("enter-log.");
  auto one = make("log=" + log);
  auto two = make("log=" + log);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(DeviceMemory::allocate(*one, 64, MemoryKind::device));
    EXPECT_TRUE(DeviceMemory::allocate(*two, 64, MemoryKind::device));
  }
  // This thread, and the checkers of both.
  EXPECT_LE(logged(log, "cuCtxSetCurrent"), 3);
  std::remove(log.c_str());
}

TEST(CudaDevice, TellsTheDriversMemoryFromOurs) {
  Scale s("context=1000000");
  auto code = int64_t(test::standInModule("scale", 3).size());
  MemoryStats stats = s.device->memoryStats();
  EXPECT_EQ(stats.driverBytes, 1000000 + code);
  EXPECT_EQ(stats.driverGrownBytes, code);
  // What we allocate is not the driver's; a graph of two nodes is.
  auto more = *DeviceMemory::allocate(*s.device, 1 << 20, MemoryKind::device);
  std::vector<Record> records = {FillRecord{s.x.data(), 0, 4, 256}, s.record()};
  auto segment = *s.stream->prepare({s.code.get(), records});
  stats = s.device->memoryStats();
  EXPECT_EQ(stats.driverBytes, 1000000 + code + 2048);
  EXPECT_EQ(stats.driverGrownBytes, code + 2048);
  segment.reset();
  s.code.reset();
  EXPECT_EQ(s.device->memoryStats().driverGrownBytes, 0);
}

TEST(CudaDevice, ABrokenDriverSaysNothingOfItsMemory) {
  Scale s("fault=sticky@1");
  ASSERT_TRUE(s.launch());
  EXPECT_FALSE(s.stream->synchronize(longNs));
  EXPECT_EQ(s.device->memoryStats().driverBytes, -1);
  EXPECT_EQ(s.device->memoryStats().driverGrownBytes, -1);
}

// What is freed too early shows under the address sanitizer.
TEST(CudaDevice, AHostFunctionMayComeAfterTheDeviceIsGone) {
  std::string log = freshLog("late-log.");
  {
    // The host function waits behind a long graph when that breaks.
    Scale s("late=1,fault=sticky@400,log=" + log);
    Answers answers;
    std::vector<Record> records(400, s.record());
    auto segment = *s.stream->prepare({s.code.get(), records});
    ASSERT_TRUE(s.stream->submit(*segment, &answers, 0));
    EXPECT_FALSE(s.stream->synchronize(longNs));
  }
  EXPECT_GE(logged(log, "ran a late host function"), 1);
  std::remove(log.c_str());
}

TEST(CudaDevice, FillsWhatIsNotAligned) {
  Scale s("");
  std::vector<uint8_t> got(256);
  auto *at = static_cast<char *>(s.x.data()) + 3;
  EXPECT_TRUE(s.stream->fill(at, 0x44332211, 4, 20));
  EXPECT_TRUE(s.stream->copy(CopyKind::down, got.data(), s.x.data(), 256));
  EXPECT_TRUE(s.stream->synchronize(longNs));
  EXPECT_EQ(got[2], 0);
  EXPECT_EQ(got[3], 0x11);
  EXPECT_EQ(got[22], 0x44);
  EXPECT_EQ(got[23], 0);
}

// The last one: a driver whose GPU hangs is of no use to this process.
TEST(CudaDevice, GivesWorkUpThatNeverEnds) {
  Scale s("fault=lost@1");
  Answers answers;
  ASSERT_TRUE(s.stream->submitRecord(s.code.get(), s.record(), &answers, 0));
  EXPECT_EQ(s.stream->synchronize(10 * 1000 * 1000).code(),
            StatusCode::deadlineExceeded);
  s.stream.reset();
  EXPECT_EQ(answers.bad, 1);
  EXPECT_THAT(s.device->status().str(), HasSubstr("the GPU is given up"));
}

} // namespace
