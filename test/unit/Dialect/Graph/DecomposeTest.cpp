//===- DecomposeTest.cpp - passes keep what a function computes -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluates functions before and after passes on the same random inputs.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/Evaluate.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "gtest/gtest.h"

#include <random>

using namespace actnet::graph;
using namespace mlir;

namespace {

class PassesKeepValues : public ::testing::Test {
protected:
  PassesKeepValues() { context.loadDialect<GraphDialect, func::FuncDialect>(); }

  HostTensor random(RankedTensorType type, int64_t dynamic) {
    SmallVector<int64_t> shape;
    for (int64_t extent : type.getShape())
      shape.push_back(ShapedType::isDynamic(extent) ? dynamic : extent);
    HostTensor tensor = HostTensor::allocate(type.getElementType(), shape);
    std::uniform_real_distribution<float> distribution(0.1f, 2.0f);
    for (int64_t i = 0; i < tensor.getNumElements(); ++i) {
      if (type.getElementType().isInteger(1))
        tensor.mutableData()[i] = i % 3 != 1;
      else
        reinterpret_cast<float *>(tensor.mutableData())[i] =
            distribution(generator) - 1.0f * (i % 2);
    }
    return tensor;
  }

  /// Runs `addPasses` on the text, after which no op called `gone` is left, and
  /// compares what the function gives before and after.
  void check(StringRef text, StringRef gone,
             llvm::function_ref<void(OpPassManager &)> addPasses) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module);
    func::FuncOp function = *module->getOps<func::FuncOp>().begin();
    SmallVector<HostTensor> inputs;
    for (Type type : function.getArgumentTypes())
      inputs.push_back(random(cast<RankedTensorType>(type), 3));
    auto before = evaluateFunction(function, inputs);
    ASSERT_TRUE(succeeded(before));
    PassManager manager(&context, ModuleOp::getOperationName());
    addPasses(manager);
    ASSERT_TRUE(succeeded(manager.run(*module)));
    function.walk(
        [&](Operation *op) { EXPECT_NE(op->getName().getStringRef(), gone); });
    auto after = evaluateFunction(function, inputs);
    ASSERT_TRUE(succeeded(after));
    ASSERT_EQ(before->front().shape, after->front().shape);
    const float *a = before->front().as<float>(),
                *b = after->front().as<float>();
    for (int64_t i = 0, e = before->front().getNumElements(); i < e; ++i)
      ASSERT_NEAR(a[i], b[i], 2e-5f * std::max(1.0f, std::fabs(a[i])))
          << "element " << i;
  }

  void decomposes(StringRef name, StringRef text) {
    check(text, "graph." + name.str(), [](OpPassManager &manager) {
      manager.addPass(createGraphDecompose());
    });
  }

  MLIRContext context;
  std::mt19937 generator{7};
};

TEST_F(PassesKeepValues, DecomposeSoftmax) {
  decomposes("softmax",
             R"(func.func @f(%x: tensor<2x5x3xf32>) -> tensor<2x5x3xf32> {
    %y = graph.softmax %x axis 1 : tensor<2x5x3xf32>
    return %y : tensor<2x5x3xf32> })");
  decomposes("log_softmax",
             R"(func.func @f(%x: tensor<2x5xf32>) -> tensor<2x5xf32> {
    %y = graph.log_softmax %x axis 1 : tensor<2x5xf32>
    return %y : tensor<2x5xf32> })");
}

TEST_F(PassesKeepValues, DecomposeRowNorms) {
  decomposes(
      "layer_norm",
      R"(func.func @f(%x: tensor<2x3x4xf32>, %s: tensor<3x4xf32>, %b: tensor<4xf32>) -> tensor<2x3x4xf32> {
    %y = graph.layer_norm %x scale %s bias %b axis 1 epsilon 1.0e-3 : tensor<2x3x4xf32>, tensor<3x4xf32>, tensor<4xf32>
    return %y : tensor<2x3x4xf32> })");
  decomposes(
      "rms_norm",
      R"(func.func @f(%x: tensor<2x4xf32>, %s: tensor<4xf32>) -> tensor<2x4xf32> {
    %y = graph.rms_norm %x scale %s axis 1 epsilon 1.0e-3 : tensor<2x4xf32>, tensor<4xf32>
    return %y : tensor<2x4xf32> })");
}

TEST_F(PassesKeepValues, DecomposeChannelNorms) {
  // No variance below zero: exp.
  decomposes(
      "batch_norm",
      R"(func.func @f(%x: tensor<2x4x3xf32>, %s: tensor<4xf32>, %v: tensor<4xf32>) -> tensor<2x4x3xf32> {
    %e = graph.exp %v : tensor<4xf32>
    %y = graph.batch_norm %x, %s, %v, %s, %e axis 1 epsilon 1.0e-3 : tensor<2x4x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
    return %y : tensor<2x4x3xf32> })");
  decomposes(
      "group_norm",
      R"(func.func @f(%x: tensor<?x6x4x5xf32, #graph.dims<N, 6, 4, 5>>, %s: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<?x6x4x5xf32, #graph.dims<N, 6, 4, 5>> {
    %y = graph.group_norm %x, %s, %b groups 3 epsilon 1.0e-3 : tensor<?x6x4x5xf32, #graph.dims<N, 6, 4, 5>>, tensor<6xf32>, tensor<6xf32>
    return %y : tensor<?x6x4x5xf32, #graph.dims<N, 6, 4, 5>> })");
}

TEST_F(PassesKeepValues, DecomposeGelu) {
  decomposes("gelu", R"(func.func @f(%x: tensor<32xf32>) -> tensor<32xf32> {
    %y = graph.gelu %x : tensor<32xf32>
    return %y : tensor<32xf32> })");
  decomposes("gelu", R"(func.func @f(%x: tensor<32xf32>) -> tensor<32xf32> {
    %y = graph.gelu %x tanh : tensor<32xf32>
    return %y : tensor<32xf32> })");
}

TEST_F(PassesKeepValues, DecomposeAttention) {
  decomposes(
      "attention",
      R"(func.func @f(%q: tensor<?x5x4x8xf32, #graph.dims<N, 5, 4, 8>>, %k: tensor<?x2x7x8xf32, #graph.dims<N, 2, 7, 8>>,
      %v: tensor<7x?x2x6xf32, #graph.dims<7, N, 2, 6>>, %m: tensor<4x1x7xf32>) -> tensor<?x4x5x6xf32, #graph.dims<N, 4, 5, 6>> {
    %y = graph.attention %q, %k, %v mask %m {q_layout = "bshd", k_layout = "bgtd", v_layout = "tbge", y_layout = "bhse", scale = 0.3, causal}
      : tensor<?x5x4x8xf32, #graph.dims<N, 5, 4, 8>>, tensor<?x2x7x8xf32, #graph.dims<N, 2, 7, 8>>, tensor<7x?x2x6xf32, #graph.dims<7, N, 2, 6>>, tensor<4x1x7xf32>
    return %y : tensor<?x4x5x6xf32, #graph.dims<N, 4, 5, 6>> })");
  decomposes(
      "attention",
      R"(func.func @f(%q: tensor<5x8xf32>, %k: tensor<7x8xf32>, %m: tensor<5x7xi1>) -> tensor<8x5xf32> {
    %y = graph.attention %q, %k, %k mask %m {q_layout = "sd", k_layout = "td", v_layout = "te", y_layout = "es", scale = 0.3}
      : tensor<5x8xf32>, tensor<7x8xf32>, tensor<7x8xf32>, tensor<5x7xi1>
    return %y : tensor<8x5xf32> })");
}

TEST_F(PassesKeepValues, RecomposeAttention) {
  check(
      R"(func.func @f(%q: tensor<2x5x3x4xf32>, %v: tensor<2x5x3x4xf32>) -> tensor<5x2x3x4xf32> {
    %half = graph.constant dense<0.7> : tensor<f32>
    %zero = graph.constant dense<0.0> : tensor<f32>
    %0 = graph.transpose %q [0, 2, 1, 3] : tensor<2x5x3x4xf32>
    %1 = graph.mul %0, %half : tensor<2x3x5x4xf32>, tensor<f32>
    %2 = graph.reshape %0 : tensor<2x3x5x4xf32> to tensor<6x5x4xf32>
    %3 = graph.transpose %2 [0, 2, 1] : tensor<6x5x4xf32>
    %4 = graph.reshape %3 : tensor<6x4x5xf32> to tensor<2x3x4x5xf32>
    %5 = graph.einsum "yzmk,yzkn->yzmn" %1, %4 : tensor<2x3x5x4xf32>, tensor<2x3x4x5xf32>
    %6 = graph.softmax %5 axis 3 : tensor<2x3x5x5xf32>
    %7 = graph.compare ne %6, %6 : tensor<2x3x5x5xf32>, tensor<2x3x5x5xf32>
    %8 = graph.select %7, %zero, %6 : tensor<2x3x5x5xi1>, tensor<f32>, tensor<2x3x5x5xf32>
    %9 = graph.transpose %v [0, 2, 1, 3] : tensor<2x5x3x4xf32>
    %10 = graph.einsum "yzmk,yzkn->yzmn" %8, %9 : tensor<2x3x5x5xf32>, tensor<2x3x5x4xf32>
    %11 = graph.transpose %10 [2, 0, 1, 3] : tensor<2x3x5x4xf32>
    return %11 : tensor<5x2x3x4xf32> })",
      "graph.softmax", [](OpPassManager &manager) {
        manager.addPass(createGraphSimplify());
        manager.addPass(createGraphRecompose());
        manager.addPass(createGraphSimplify());
      });
}

TEST_F(PassesKeepValues, FoldBatchNorm) {
  check(R"(func.func @f(%x: tensor<2x6x6x3xf32>) -> tensor<2x4x4x2xf32> {
    %f = graph.constant dense<[[[[0.5]],[[1.0]],[[-2.0]]],[[[1.5]],[[0.25]],[[3.0]]]]> : tensor<2x3x1x1xf32>
    %g = graph.broadcast %f : tensor<2x3x1x1xf32> to tensor<2x3x3x3xf32>
    %b = graph.constant dense<[0.5, -1.0]> : tensor<2xf32>
    %s = graph.constant dense<[2.0, 0.5]> : tensor<2xf32>
    %v = graph.constant dense<[4.0, 0.3]> : tensor<2xf32>
    %0 = graph.conv %x, %g {input_layout = "nhwc", filter_layout = "oihw", output_layout = "nhwc", strides = array<i64: 1, 1>,
      padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<2x6x6x3xf32>, tensor<2x3x3x3xf32>
    %1 = graph.add %0, %b : tensor<2x4x4x2xf32>, tensor<2xf32>
    %2 = graph.batch_norm %1, %s, %b, %b, %v axis 3 epsilon 1.0e-3 : tensor<2x4x4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
    return %2 : tensor<2x4x4x2xf32> })",
        "graph.batch_norm", [](OpPassManager &manager) {
          manager.addPass(createGraphFoldBatchNorm());
        });
}

TEST_F(PassesKeepValues, SimplifyQueryKeyValueSplit) {
  // The way ViT's projection is taken apart, here for the values.
  check(
      R"(func.func @f(%x: tensor<7x?x24xf32, #graph.dims<7, N, 24>>) -> tensor<?x2x7x4xf32, #graph.dims<N, 2, 7, 4>> {
    %two = graph.constant dense<2> : tensor<i64>
    %0 = graph.reshape %x : tensor<7x?x24xf32, #graph.dims<7, N, 24>> to tensor<1x7x?x3x8xf32, #graph.dims<1, 7, N, 3, 8>>
    %1 = graph.transpose %0 [3, 1, 2, 0, 4] : tensor<1x7x?x3x8xf32, #graph.dims<1, 7, N, 3, 8>>
    %2 = graph.reshape %1 : tensor<3x7x?x1x8xf32, #graph.dims<3, 7, N, 1, 8>> to tensor<3x7x?x8xf32, #graph.dims<3, 7, N, 8>>
    %3 = graph.gather %2, %two axis 0 : tensor<3x7x?x8xf32, #graph.dims<3, 7, N, 8>>, tensor<i64>
    %4 = graph.reshape %3 : tensor<7x?x8xf32, #graph.dims<7, N, 8>> to tensor<7x?x4xf32, #graph.dims<7, N * 2, 4>>
    %5 = graph.transpose %4 [1, 0, 2] : tensor<7x?x4xf32, #graph.dims<7, N * 2, 4>>
    %6 = graph.reshape %5 : tensor<?x7x4xf32, #graph.dims<N * 2, 7, 4>> to tensor<?x2x7x4xf32, #graph.dims<N, 2, 7, 4>>
    return %6 : tensor<?x2x7x4xf32, #graph.dims<N, 2, 7, 4>> })",
      "graph.gather",
      [](OpPassManager &manager) { manager.addPass(createGraphSimplify()); });
}

} // namespace
