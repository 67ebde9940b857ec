//===- Images.h - the tests' kernels, compiled for the toy device ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_TEST_UNIT_RUNTIME_DEVICE_TOY_IMAGES_H
#define ACTNET_TEST_UNIT_RUNTIME_DEVICE_TOY_IMAGES_H

#include "actnet/Runtime/Device/ToyEngine.h"

#include <cstring>
#include <utility>
#include <vector>

namespace actnet::rt::toy::testing {

/// The bytes of Kernels.cu's image.
std::span<const std::byte> imageBytes();
/// The image, loaded once.
const Image &image();

/// An engine with memory and one launch at a time.
class Bench {
public:
  explicit Bench(uint64_t seed = 1, unsigned threads = 1)
      : engine({seed, threads}) {}

  /// An operand of n values, with values or never written.
  template <typename T> T *in(const std::vector<T> &values) {
    T *at = out<T>(values.size(), Access::read);
    std::memcpy(static_cast<void *>(at), values.data(),
                values.size() * sizeof(T));
    engine.noteWritten(at, values.size() * sizeof(T)).ignore();
    return at;
  }
  template <typename T> T *inout(const std::vector<T> &values) {
    T *at = in(values);
    operands.back().access = Access::readWrite;
    return at;
  }
  template <typename T> T *out(size_t n, Access access = Access::write) {
    auto memory = engine.allocate(n * sizeof(T));
    auto *at = static_cast<T *>(*memory);
    operands.push_back({at, n * sizeof(T), access, false});
    return at;
  }

  Status run(std::string_view kernel, int64_t tiles, unsigned threads,
             std::vector<int64_t> dims = {}, uint32_t sharedBytes = 0) {
    auto entry = image().find(kernel);
    if (!entry)
      return entry.takeStatus();
    std::vector<const void *> pointers;
    for (const OperandBounds &operand : operands)
      pointers.push_back(operand.base);
    std::vector<void *> arguments;
    for (const void *&pointer : pointers)
      arguments.push_back(&pointer);
    for (int64_t &dim : dims)
      arguments.push_back(&dim);
    return engine.run(
        {*entry, tiles, threads, sharedBytes, arguments, operands});
  }

  Engine engine;
  std::vector<OperandBounds> operands;
};

} // namespace actnet::rt::toy::testing

#endif // ACTNET_TEST_UNIT_RUNTIME_DEVICE_TOY_IMAGES_H
