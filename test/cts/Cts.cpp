//===- Cts.cpp - runs every test on every device --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cts.h"

#include <gtest/gtest.h>

namespace actnet::rt::cts {

std::span<const KernelDesc> kernelDescs() {
  static constexpr OperandAccess sum[] = {
      OperandAccess::read, OperandAccess::read, OperandAccess::write};
  static constexpr OperandAccess update[] = {OperandAccess::readWrite};
  static constexpr OperandAccess result[] = {OperandAccess::write};
  // Threads of a block where tiles are blocks.
  constexpr uint32_t warp = 32;
  static const KernelDesc descs[] = {
      {"add", 0, warp, 0, sum},
      {"count", 0, warp, 0, update},
      {"useScratch", scratchBytes, warp, 0, result},
      {"apply", 0, warp, 0, update},
      {"step", 0, warp, 0, update},
      {"level", 0, warp, 0, result},
      {"stray", 0, warp, 0, update}};
  return descs;
}

std::vector<Test> &tests() {
  static std::vector<Test> all;
  return all;
}

std::vector<SubjectMaker> &subjectMakers() {
  static std::vector<SubjectMaker> all;
  return all;
}

void Context::expect(bool holds, const char *what, const char *file, int line) {
  if (!holds)
    list.push_back(std::string(file) + ":" + std::to_string(line) +
                   ": does not hold: " + what);
}

std::unique_ptr<DeviceStream> Context::stream(StreamKind kind) {
  auto made = device.createStream(kind);
  expect(made.isOk(), "createStream", __FILE__, __LINE__);
  return made ? *std::move(made) : nullptr;
}

std::unique_ptr<Event> Context::event() {
  auto made = device.createEvent();
  expect(made.isOk(), "createEvent", __FILE__, __LINE__);
  return made ? *std::move(made) : nullptr;
}

std::unique_ptr<Executable> Context::load(std::string_view variant) {
  auto loaded = device.load({subject.images, kernelDescs(), variant});
  expect(loaded.isOk(), loaded.status().str().c_str(), __FILE__, __LINE__);
  return loaded ? *std::move(loaded) : nullptr;
}

DeviceMemory Context::memory(uint64_t bytes, MemoryKind kind) {
  auto made = DeviceMemory::allocate(device, bytes, kind);
  expect(made.isOk(), "allocate", __FILE__, __LINE__);
  if (!made)
    return {};
  if (kind == MemoryKind::device) {
    auto filler = stream();
    expect(filler && filler->fill(made->data(), 0, 1, bytes) &&
               filler->synchronize(),
           "fill", __FILE__, __LINE__);
  }
  return *std::move(made);
}

void Context::up(DeviceStream &stream, DevicePtr to, const void *from,
                 uint64_t bytes) {
  expect(stream.copy(CopyKind::up, to, from, bytes).isOk(), "copy up", __FILE__,
         __LINE__);
  expect(stream.synchronize().isOk(), "synchronize", __FILE__, __LINE__);
}

void Context::down(DeviceStream &stream, void *to, DevicePtr from,
                   uint64_t bytes) {
  expect(stream.copy(CopyKind::down, to, from, bytes).isOk(), "copy down",
         __FILE__, __LINE__);
  expect(stream.synchronize().isOk(), "synchronize", __FILE__, __LINE__);
}

namespace {

class SubjectTest : public testing::Test {
public:
  SubjectTest(const Subject &subject, const cts::Test &test)
      : subject(subject), test(test) {}

  void TestBody() override {
    const Exclusion *excluded = nullptr;
    for (const Exclusion &exclusion : subject.exclusions)
      if (std::string_view(exclusion.test) == test.name)
        excluded = &exclusion;
    auto device = subject.make();
    ASSERT_TRUE(device) << device.status().str();
    Context context(subject, **device);
    test.run(context);
    if (!excluded) {
      for (const std::string &failure : context.failures())
        ADD_FAILURE() << failure;
    } else if (context.failures().empty()) {
      ADD_FAILURE() << "passes, but is excluded because " << excluded->reason;
    } else {
      GTEST_SKIP() << "not possible: " << excluded->reason;
    }
  }

private:
  const Subject &subject;
  const cts::Test &test;
};

} // namespace

} // namespace actnet::rt::cts

int main(int argc, char **argv) {
  using namespace actnet::rt::cts;
  testing::InitGoogleTest(&argc, argv);
  static std::vector<Subject> all;
  for (SubjectMaker make : subjectMakers())
    for (Subject &subject : make())
      all.push_back(std::move(subject));
  bool known = true;
  for (const Subject &subject : all) {
    for (const actnet::rt::cts::Test &test : tests())
      testing::RegisterTest(
          subject.name.c_str(), test.name, nullptr, nullptr, __FILE__, __LINE__,
          [&subject, &test]() -> testing::Test * {
            return new actnet::rt::cts::SubjectTest(subject, test);
          });
    for (const Exclusion &exclusion : subject.exclusions) {
      bool found = false;
      for (const actnet::rt::cts::Test &test : tests())
        found |= std::string_view(exclusion.test) == test.name;
      if (!found || !exclusion.reason || !*exclusion.reason) {
        std::fprintf(stderr,
                     "%s excludes '%s', which is no test or has no reason\n",
                     subject.name.c_str(), exclusion.test);
        known = false;
      }
    }
  }
  return RUN_ALL_TESTS() || !known;
}
