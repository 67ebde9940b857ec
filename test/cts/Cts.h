//===- Cts.h - the device conformance suite -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Suite x device: every test is run on every registered device and sees only
// include/actnet/Runtime/Device/Device.h. A device may exclude a test only for
// what is physically impossible on it, with the reason; an excluded test runs
// all the same, and it is an error if it passes.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TEST_CTS_CTS_H
#define ACTNET_TEST_CTS_CTS_H

#include "actnet/Runtime/Device/Device.h"

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace actnet::rt::cts {

/// Ids of the suite's kernels, in the order of `kernelDescs`.
enum Kernel : uint32_t { add, count, useScratch, apply, step, level, stray };
/// Scratch bytes that useScratch is declared with.
inline constexpr uint64_t scratchBytes = 5000;
std::span<const KernelDesc> kernelDescs();

struct Exclusion {
  const char *test;
  const char *reason;
};

/// A device as the suite sees it.
struct Subject {
  std::string name;
  std::function<Expected<std::unique_ptr<Device>>()> make;
  /// The suite's kernels for this device, all variants.
  std::vector<CodeImage> images;
  /// An image that must be refused because it imports something.
  CodeImage importing;
  std::vector<Exclusion> exclusions;
  /// By how much less work still takes long enough, where each step is dear.
  int64_t slowdown = 1;
};

/// One run of one test: a device and what went wrong.
class Context {
public:
  Context(const Subject &subject, Device &device)
      : subject(subject), device(device) {}

  const Subject &subject;
  Device &device;

  void expect(bool holds, const char *what, const char *file, int line);
  const std::vector<std::string> &failures() const { return list; }

  // Short ways; a failure is noted and the result is null or empty.
  std::unique_ptr<DeviceStream> stream(StreamKind kind = StreamKind::compute);
  std::unique_ptr<Event> event();
  std::unique_ptr<Executable> load(std::string_view variant = {});
  /// Zeroed memory.
  DeviceMemory memory(uint64_t bytes, MemoryKind kind = MemoryKind::device);
  /// So many steps of work as take about as long on every subject.
  int64_t some(int64_t steps) const {
    return steps > subject.slowdown ? steps / subject.slowdown : 1;
  }
  /// Copies up or down and waits.
  void up(DeviceStream &stream, DevicePtr to, const void *from, uint64_t bytes);
  void down(DeviceStream &stream, void *to, DevicePtr from, uint64_t bytes);
  template <typename T>
  std::vector<T> read(DeviceStream &stream, DevicePtr from, size_t count) {
    std::vector<T> values(count);
    down(stream, values.data(), from, count * sizeof(T));
    return values;
  }

private:
  std::vector<std::string> list;
};

/// Notes every completion, in order.
class Completions final : public CompletionListener {
public:
  void completed(uint64_t token, const Status &status) override {
    std::lock_guard lock(mutex);
    tokens.push_back(token);
    codes.push_back(status.code());
  }
  std::vector<uint64_t> seen() const {
    std::lock_guard lock(mutex);
    return tokens;
  }
  std::vector<StatusCode> seenCodes() const {
    std::lock_guard lock(mutex);
    return codes;
  }

private:
  mutable std::mutex mutex;
  std::vector<uint64_t> tokens;
  std::vector<StatusCode> codes;
};

using TestFunction = void (*)(Context &);
struct Test {
  const char *name;
  TestFunction run;
};
/// All tests, filled as the program starts.
std::vector<Test> &tests();
struct TestAdder {
  TestAdder(const char *name, TestFunction run) {
    tests().push_back({name, run});
  }
};

/// What makes the subjects of one kind of device, filled as the program
/// starts.
using SubjectMaker = std::vector<Subject> (*)();
std::vector<SubjectMaker> &subjectMakers();
struct SubjectAdder {
  explicit SubjectAdder(SubjectMaker make) { subjectMakers().push_back(make); }
};

} // namespace actnet::rt::cts

/// Defines a test of the suite; `c` is its Context.
#define CTS_TEST(name)                                                         \
  static void name##Test(::actnet::rt::cts::Context &c);                       \
  static ::actnet::rt::cts::TestAdder name##Adder(#name, name##Test);          \
  static void name##Test(::actnet::rt::cts::Context &c)

/// Notes a failure and goes on.
#define CTS_EXPECT(...)                                                        \
  c.expect(bool(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)

/// Notes a failure and ends the test.
#define CTS_REQUIRE(...)                                                       \
  do {                                                                         \
    bool actnetHolds = bool(__VA_ARGS__);                                      \
    c.expect(actnetHolds, #__VA_ARGS__, __FILE__, __LINE__);                   \
    if (!actnetHolds)                                                          \
      return;                                                                  \
  } while (false)

#endif // ACTNET_TEST_CTS_CTS_H
