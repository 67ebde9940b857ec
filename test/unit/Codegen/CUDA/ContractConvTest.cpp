//===- ContractConvTest.cpp - convolutions on the software GPU ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random windows, strides, dilations, paddings and groups, compared with the
// interpreter of kernel bodies. Filters come with output channels last, or
// packed by 16.
//
//===----------------------------------------------------------------------===//

#include "ContractRunner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;

namespace {

struct Window {
  int64_t size, stride, dilation, low, high, in;
  int64_t padded() const { return in + low + high; }
  int64_t out() const {
    return (padded() - (size - 1) * dilation - 1) / stride + 1;
  }
};

struct Convolution {
  std::string type;
  Window y, x;
  int64_t groups, inner, outer; ///< Channels of a group.
  bool isPacked, isStrided;
};

std::string shape(std::initializer_list<int64_t> sizes) {
  std::string text = "?";
  for (int64_t size : sizes)
    text += "x" + std::to_string(size);
  return text;
}

/// Input [d0, H, W, C], bias and residual: max(conv + bias, 0) + residual.
std::string convText(const std::string &name, const Convolution &c) {
  auto number = [](int64_t value) { return std::to_string(value); };
  std::string t = c.type, acc = "f32";
  bool isGrouped = c.groups > 1;
  int64_t channels = c.groups * c.inner;
  auto tensor = [](const std::string &shape, const std::string &type) {
    return "tensor<" + shape + "x" + type + ">";
  };
  std::string in = tensor(shape({c.y.in, c.x.in, channels}), t),
              padded = tensor(shape({c.y.padded(), c.x.padded(), channels}), t);
  std::string g = isGrouped ? number(c.groups) + "x" : "";
  std::string window =
      number(c.y.size) + "x" + number(c.x.size) + "x" + number(c.inner) + "x";
  std::string filter =
      "tensor<" + g +
      (c.isPacked ? number((c.outer + 15) / 16) + "x" + window + "16"
                  : window + number(c.outer)) +
      "x" + t + ">";
  std::string o = isGrouped ? shape({c.y.out(), c.x.out(), c.groups, c.outer})
                            : shape({c.y.out(), c.x.out(), c.outer});
  std::string sums = tensor(o, acc), out = tensor(o, t);
  std::string outDims = "d0, " + number(c.y.out()) + ", " + number(c.x.out()) +
                        ", " + (isGrouped ? number(c.groups) + ", " : "") +
                        number(c.outer);
  std::string bias =
      "tensor<" + (isGrouped ? g : "") + number(c.outer) + "x" + t + ">";
  std::string strides;
  if (c.isStrided) {
    int64_t row = 3 + 2 * c.groups * c.outer;
    strides = ", kernel.strides = #graph.dims<" +
              number(c.y.out() * c.x.out() * row) + ", " +
              number(c.x.out() * row) + ", " + number(row) + ", " +
              (isGrouped ? number(c.outer) + ", " : "") + "1>";
  }
  std::string loops =
      isGrouped ? "n, y, x, g, o, v, w, i" : "n, y, x, o, v, w, i";
  std::string own = isGrouped ? "n, y, x, g, o" : "n, y, x, o";
  auto at = [&](const Window &w, const char *outer, const char *inner) {
    return std::string(outer) + " * " + number(w.stride) + " + " + inner +
           " * " + number(w.dilation);
  };
  std::string inMap =
      "(n, " + at(c.y, "y", "v") + ", " + at(c.x, "x", "w") +
      (isGrouped ? ", g * " + number(c.inner) + " + i)" : ", i)");
  std::string gMap = isGrouped ? "g, " : "";
  std::string filterMap = c.isPacked
                              ? "(" + gMap + "o floordiv 16, v, w, i, o mod 16)"
                              : "(" + gMap + "v, w, i, o)";
  std::string outMap = "affine_map<(" + loops + ") -> (" + own + ")>";
  std::string same = "affine_map<(" + own + ") -> (" + own + ")>";
  std::string iterators, all;
  for (int i = 0; i < (isGrouped ? 5 : 4); ++i)
    all += std::string(i ? ", " : "") + "\"parallel\"";
  iterators = all + ", \"reduction\", \"reduction\", \"reduction\"";
  bool isNarrow = t != "f32";
  std::string text =
      "kernel.func @" + name + "(%x: " + in +
      " {kernel.dims = #graph.dims<d0, " + number(c.y.in) + ", " +
      number(c.x.in) + ", " + number(channels) + ">}, %w: " + filter +
      ", %b: " + bias + ", %r: " + out + " {kernel.dims = #graph.dims<" +
      outDims + ">}, %d0: index) -> (" + out + " {kernel.dims = #graph.dims<" +
      outDims + ">" + strides +
      "}) attributes {family = #kernel.family<conv>} {\n%z = arith.constant "
      "0.0 : f32\n%zt = arith.constant 0.0 : " +
      t + "\n";
  text += "%p = tensor.pad %x low[0, " + number(c.y.low) + ", " +
          number(c.x.low) + ", 0] high[0, " + number(c.y.high) + ", " +
          number(c.x.high) +
          ", 0] {\n^bb0(%a0: index, %a1: index, %a2: index, %a3: "
          "index):\ntensor.yield %zt : " +
          t + "\n} : " + in + " to " + padded + "\n";
  text += "%e = tensor.empty(%d0) : " + sums +
          "\n%f = linalg.fill ins(%z : f32) outs(%e : " + sums + ") -> " +
          sums + "\n%y = linalg.generic {indexing_maps = [affine_map<(" +
          loops + ") -> " + inMap + ">, affine_map<(" + loops + ") -> " +
          filterMap + ">, " + outMap + "], iterator_types = [" + iterators +
          "]} ins(%p, %w : " + padded + ", " + filter + ") outs(%f : " + sums +
          ") {\n^bb0(%u: " + t + ", %v: " + t + ", %s: f32):\n";
  if (isNarrow)
    text += "%ue = arith.extf %u : " + t +
            " to f32\n%ve = arith.extf %v : " + t + " to f32\n";
  text += std::string("%m = arith.mulf ") + (isNarrow ? "%ue, %ve" : "%u, %v") +
          " : f32\n%q = arith.addf %s, %m : f32\nlinalg.yield %q : f32\n} -> " +
          sums + "\n%o = tensor.empty(%d0) : " + out +
          "\n%k = linalg.generic {indexing_maps = [" + same + ", affine_map<(" +
          own + ") -> (" + gMap + "o)>, " + same + ", " + same +
          "], iterator_types = [" + all + "]} ins(%y, %b, %r : " + sums + ", " +
          bias + ", " + out + ") outs(%o : " + out +
          ") {\n^bb0(%h: f32, %i: " + t + ", %j: " + t + ", %l: " + t + "):\n";
  text +=
      isNarrow ? "%c = arith.truncf %h : f32 to " + t + "\n" : std::string();
  text += std::string("%t0 = arith.addf ") + (isNarrow ? "%c" : "%h") +
          ", %i : " + t + "\n%t1 = arith.maximumf %t0, %zt : " + t +
          "\n%t2 = arith.addf %t1, %j : " + t + "\nlinalg.yield %t2 : " + t +
          "\n} -> " + out + "\nkernel.yield %k : " + out + "\n}\n";
  return text;
}

/// An operand of a kernel, and the same for the interpreter.
Memory randomOperand(std::mt19937 &random, kernel::FuncOp kernel, unsigned i,
                     const std::vector<int64_t> &dims,
                     std::vector<Tensor> &tensors) {
  std::uniform_real_distribution<double> any(-1, 1);
  Tensor tensor;
  for (graph::DimExprAttr dim : kernel.getArgDims(i))
    tensor.shape.push_back(evaluateDim(dim, dims));
  tensor.data.resize(tensor.size());
  for (double &value : tensor.data)
    value = any(random);
  Memory memory = Memory::of(getElementTypeOrSelf(kernel.getArgumentTypes()[i]),
                             tensor.data);
  tensor.data = memory.values();
  tensors.push_back(tensor);
  return memory;
}

} // namespace

TEST(Contract, ConvolutionsAgreeWithTheInterpreter) {
  std::mt19937 random(20);
  auto from = [&](std::initializer_list<int64_t> values) {
    return values.begin()[random() % values.size()];
  };
  auto window = [&] {
    Window w = {from({1, 2, 3, 3}), from({1, 1, 2}), from({1, 1, 2}),
                from({0, 1, 2}),    from({0, 1}),    from({7, 8, 9})};
    return w;
  };
  std::vector<Convolution> cases;
  std::string text;
  int count = numCases(8);
  for (int i = 0; i < count; ++i) {
    Convolution c = {i % 3 == 2   ? "bf16"
                     : i % 3 == 1 ? "f16"
                                  : "f32",
                     window(),
                     window(),
                     from({1, 1, 1, 3}),
                     from({1, 3, 8, 16, 20}),
                     from({5, 8, 16, 33}),
                     random() % 2 == 0,
                     random() % 4 == 0};
    cases.push_back(c);
    text += convText("conv_" + std::to_string(i), c);
  }
  ToyKernels kernels(text);
  ASSERT_EQ(kernels.error, "");
  int number = 0;
  for (auto kernel : kernels.module->getOps<kernel::FuncOp>()) {
    const Convolution &c = cases[number++];
    std::vector<int64_t> dims{1 + int64_t(random() % 2)};
    std::vector<Tensor> tensors;
    std::vector<Memory> operands;
    for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i)
      operands.push_back(randomOperand(random, kernel, i, dims, tensors));
    std::vector<Tensor> want = interpret(kernel, tensors, dims);
    // What the strides leave out is written by others.
    SmallVector<graph::DimExprAttr> strides = kernel.getResultStrides(0);
    int64_t size = want[0].shape[0] * evaluateDim(strides[0], dims);
    std::vector<Memory> results{
        Memory::of(operands[0].type, std::vector<double>(size))};
    ASSERT_EQ(
        kernels.runner->run(kernel, operands, results, dims, !c.isStrided), "")
        << kernel.getSymName().str();
    std::vector<double> have = results[0].values();
    int64_t depth = c.inner * c.y.size * c.x.size;
    double bound = (c.type == "f32"   ? 0x1p-24 * depth
                    : c.type == "f16" ? 0x1p-10
                                      : 0x1p-7) *
                   (depth + 4);
    for (int64_t e = 0; e < want[0].size(); ++e) {
      int64_t rest = e, at = 0;
      for (unsigned d = strides.size(); d-- > 0; rest /= want[0].shape[d])
        at += rest % want[0].shape[d] * evaluateDim(strides[d], dims);
      ASSERT_NEAR(have[at], want[0].data[e], bound)
          << kernel.getSymName().str() << " element " << e;
    }
  }
}
