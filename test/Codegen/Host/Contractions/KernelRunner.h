//===- KernelRunner.h - compile a kernel's text and call it ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For tests and benchmarks of host contractions: text to image to function.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_CODEGEN_HOST_CONTRACTIONS_KERNELRUNNER_H
#define ACTNET_TEST_CODEGEN_HOST_CONTRACTIONS_KERNELRUNNER_H

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// One image of kernels, for this machine.
class KernelRunner {
public:
  /// Schedules and compiles all kernels of the text; `error()` says what
  /// failed. The variant `wide` is the code of x86-64-v4 with instructions of
  /// x86-64-v3: it tests the wide register tiles on machines without AVX-512.
  explicit KernelRunner(const std::string &text,
                        const std::string &variant = "x86-64-v3");
  ~KernelRunner();
  KernelRunner(const KernelRunner &) = delete;

  bool ok() const { return message.empty(); }
  const std::string &error() const { return message; }
  /// `schedule` attribute of a kernel, as text.
  std::string schedule(const std::string &name) const;
  int64_t tiles(const std::string &name,
                const std::vector<int64_t> &dims) const;

  /// Runs tiles [first, first + count) (count -1: all). Scratch is filled with
  /// NaN before, so that reads of what was not written show.
  void run(const std::string &name, std::vector<void *> operands,
           std::vector<int64_t> dims);
  /// The same without the filling: for timing.
  void runFast(const std::string &name, void *const *operands,
               const int64_t *dims, int64_t tiles);
  /// A kernel as the text's functions call it, dynamic dims of the model being
  /// `size`.
  struct Call {
    std::string name, family;
    std::vector<int64_t> dims;  ///< Of its first dispatch.
    std::vector<int64_t> bytes; ///< Of each operand and result.
    int64_t count = 0;          ///< Dispatches.
    double flops = 0;           ///< Of a contraction's root, else 0.
  };
  std::vector<Call> calls(int64_t size) const;
  /// Whether this machine can run a variant.
  static bool supports(const std::string &variant);

private:
  struct State;
  std::unique_ptr<State> state;
  std::string message;
};

/// f32 numbers in [-1, 1) from a seed, 64-byte aligned.
struct Floats {
  explicit Floats(int64_t count, uint32_t seed = 0);
  ~Floats();
  Floats(const Floats &) = delete;
  float &operator[](int64_t i) { return data[i]; }
  float operator[](int64_t i) const { return data[i]; }
  float *data;
  int64_t count;
};

#endif // ACTNET_TEST_CODEGEN_HOST_CONTRACTIONS_KERNELRUNNER_H
