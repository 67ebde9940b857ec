//===- ShimTest.cpp - printed kernels as plain C++ ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// clang compiles the text that NVRTC gets, with shim/device.h in place of the
// GPU; results are compared with the interpreter of kernel bodies.
//
//===----------------------------------------------------------------------===//

#include "../Host/Interpreter.h"
#include "Kernels.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <random>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;

namespace {

unsigned bytesOf(Type type) {
  return std::max(1u, type.getIntOrFloatBitWidth() / 8);
}

/// One element to and from memory.
void put(Type type, char *to, double value) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    APFloat number(value);
    bool loses;
    number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &loses);
    uint64_t bits = number.bitcastToAPInt().getZExtValue();
    std::memcpy(to, &bits, bytesOf(type));
    return;
  }
  auto integer = static_cast<int64_t>(value);
  std::memcpy(to, &integer, bytesOf(type));
}

double get(Type type, const char *from) {
  uint64_t bits = 0;
  std::memcpy(&bits, from, bytesOf(type));
  if (auto floatType = dyn_cast<FloatType>(type)) {
    APFloat number(floatType.getFloatSemantics(),
                   APInt(8 * bytesOf(type), bits));
    bool loses;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
    return number.convertToDouble();
  }
  return static_cast<double>(llvm::SignExtend64(bits, 8 * bytesOf(type)));
}

int64_t evaluate(graph::DimExprAttr expr, const std::vector<int64_t> &dims) {
  return *graph::dimEvaluate(
      expr, [&](llvm::StringRef name) -> std::optional<int64_t> {
        return dims[std::stoi(name.drop_front().str())];
      });
}

Tensor empty(ArrayRef<graph::DimExprAttr> shape,
             const std::vector<int64_t> &dims) {
  Tensor tensor;
  for (graph::DimExprAttr dim : shape)
    tensor.shape.push_back(evaluate(dim, dims));
  tensor.data.resize(tensor.size());
  return tensor;
}

using Launch = void (*)(void *const *, const int64_t *, int64_t);

/// All kernels in one library; `launch_NAME` runs the tiles of one.
class Compiled {
public:
  static Compiled &get() {
    static Compiled all;
    return all;
  }
  Launch launch(llvm::StringRef name) {
    return handle ? reinterpret_cast<Launch>(
                        dlsym(handle, ("launch_" + name).str().c_str()))
                  : nullptr;
  }

private:
  Compiled() {
    llvm::SmallString<64> source, library;
    int file = -1;
    EXPECT_FALSE(
        llvm::sys::fs::createTemporaryFile("actnet-shim", "cpp", file, source));
    EXPECT_FALSE(
        llvm::sys::fs::createTemporaryFile("actnet-shim", "so", library));
    std::string text;
    for (auto kernel : cudaKernels().getOps<kernel::FuncOp>()) {
      std::string name = kernel.getSymName().str();
      auto threads = kernel.getSchedule()->getAs<IntegerAttr>("threads");
      text += cudaText(kernel) + "\nextern \"C\" void launch_" + name +
              "(void *const *pointers, const actnet::i64 *dims, "
              "actnet::i64 tiles) {\n  actnet::shim::launch(&actnet::" +
              name + ", pointers, dims, tiles, " +
              std::to_string(threads.getInt()) + ");\n}\n";
    }
    llvm::raw_fd_ostream(file, true) << text;
    std::string error;
    int status = llvm::sys::ExecuteAndWait(
        ACTNET_CLANG,
        {ACTNET_CLANG, "-std=c++20", "-O1", "-fPIC", "-shared",
         "-ffp-contract=off", "-Wall", "-Werror", "-include", ACTNET_CUDA_SHIM,
         "-I", ACTNET_KERNELS_CUDA, "-o", library, source},
        {}, {}, 0, 0, &error);
    EXPECT_EQ(status, 0) << error << text;
    if (!status)
      handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    llvm::sys::fs::remove(source);
    llvm::sys::fs::remove(library);
  }

  void *handle = nullptr;
};

using Reference =
    std::function<std::vector<Tensor>(const std::vector<Tensor> &)>;

/// Runs a kernel with random operands in [lo, hi] and compares with a
/// reference, the interpreter if none is given.
void check(llvm::StringRef name, ArrayRef<std::vector<int64_t>> sizes,
           double lo, double hi, double tolerance,
           const Reference &reference = {}) {
  ASSERT_TRUE(cudaKernels());
  auto kernel = cudaKernels().lookupSymbol<kernel::FuncOp>(name);
  ASSERT_TRUE(kernel);
  Launch launch = Compiled::get().launch(name);
  ASSERT_TRUE(launch);
  for (const std::vector<int64_t> &dims : sizes) {
    std::mt19937 random(7 + (dims.empty() ? 0 : dims[0]));
    std::uniform_real_distribution<double> any(lo, hi);
    std::vector<Tensor> operands;
    std::vector<std::vector<char>> memory;
    for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i) {
      Type type = getElementTypeOrSelf(kernel.getArgumentTypes()[i]);
      Tensor tensor = empty(kernel.getArgDims(i), dims);
      memory.emplace_back(tensor.size() * bytesOf(type));
      for (int64_t e = 0; e < tensor.size(); ++e) {
        char *place = memory.back().data() + e * bytesOf(type);
        double value = any(random);
        if (isa<IntegerType>(type))
          value = type.isInteger(1) ? value > 0 : std::floor(value);
        put(type, place, value);
        tensor.data[e] = get(type, place);
      }
      operands.push_back(tensor);
    }
    std::vector<Tensor> want =
        reference ? reference(operands) : interpret(kernel, operands, dims);
    for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
      memory.emplace_back(
          empty(kernel.getResultDims(i), dims).size() *
              bytesOf(getElementTypeOrSelf(kernel.getResultTypes()[i])),
          char(0xcd));
    std::vector<void *> pointers;
    for (auto &bytes : memory)
      pointers.push_back(bytes.data());
    launch(pointers.data(), dims.data(), evaluate(*kernel.getTiles(), dims));
    for (auto [i, tensor] : llvm::enumerate(want)) {
      Type type = getElementTypeOrSelf(kernel.getResultTypes()[i]);
      for (int64_t e = 0; e < tensor.size(); ++e) {
        double have =
            get(type, memory[operands.size() + i].data() + e * bytesOf(type));
        if (type.isInteger(1))
          EXPECT_EQ(have != 0, tensor.data[e] != 0)
              << name.str() << " result " << i << " element " << e;
        else
          EXPECT_NEAR(have, tensor.data[e],
                      tolerance * (1 + std::abs(tensor.data[e])))
              << name.str() << " result " << i << " element " << e;
      }
    }
  }
}

} // namespace

TEST(Shim, Maps) {
  check("scale_relu", {{1}, {20}, {21}, {100}}, -2, 2, 1e-6);
  check("gelu_half", {{}}, -4, 4, 2e-3);
  check("pad_choose", {{1}, {85}, {86}, {300}}, -3, 3, 1e-2);
  check("reshaped", {{1, 1}, {3, 70}}, -2, 2, 1e-6);
}

TEST(Shim, Integers) {
  // x / 0 is x and leaves 0; comparisons without a sign; a gather is clamped.
  auto reference = [](const std::vector<Tensor> &operands) {
    std::vector<Tensor> results(3, operands[0]);
    bool hasZero = false, hasCarry = false;
    for (int64_t e = 0; e < operands[0].size(); ++e) {
      auto a = static_cast<int32_t>(operands[0].data[e]);
      auto b = static_cast<int32_t>(operands[1].data[e]);
      hasZero |= b == 0;
      int32_t quotient = b ? std::floor(double(a) / b) : a;
      int32_t sum = quotient * 8 + (b ? a % b : 0);
      bool less = static_cast<uint32_t>(a) < static_cast<uint32_t>(b);
      hasCarry |= less;
      results[0].data[e] = sum + less;
      results[1].data[e] = static_cast<int8_t>(sum);
      results[2].data[e] =
          operands[2].data[std::clamp(a < 0 ? a + 7 : a, 0, 6)];
    }
    EXPECT_TRUE(hasZero && hasCarry);
    return results;
  };
  check("integers", {{}}, -9, 9, 0, reference);
}

TEST(Shim, Rows) {
  check("softmax", {{1}, {3}}, -20, 20, 1e-6);
  check("layer_norm", {{1, 2}, {2, 31}, {3, 256}, {2, 257}, {2, 1000}}, -2, 2,
        2e-3);
  check("ranges", {{}}, -1000, 1000, 0);
}
