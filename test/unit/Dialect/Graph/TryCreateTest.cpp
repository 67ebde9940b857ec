//===- TryCreateTest.cpp - creating ops that may be wrong -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace actnet::graph;
using namespace mlir;

namespace {

class TryCreateTest : public ::testing::Test {
protected:
  TryCreateTest() : builder(&context), location(UnknownLoc::get(&context)) {
    context.loadDialect<GraphDialect>();
    module = ModuleOp::create(location);
    builder.setInsertionPointToStart(module->getBody());
  }

  Value constant(ArrayRef<int64_t> shape) {
    auto type = RankedTensorType::get(shape, builder.getF32Type());
    return ConstantOp::create(builder, location, type,
                              DenseElementsAttr::get(type, 1.0f));
  }

  /// Runs `action` and returns the diagnostics that it emits.
  std::string errorsOf(llvm::function_ref<void()> action) {
    std::string text;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      text += diagnostic.str() + "\n";
      return success();
    });
    action();
    return text;
  }

  size_t countOps() {
    return std::distance(module->getBody()->begin(), module->getBody()->end());
  }

  MLIRContext context;
  OpBuilder builder;
  Location location;
  OwningOpRef<ModuleOp> module;
};

TEST_F(TryCreateTest, InfersTheResult) {
  auto add =
      tryCreate<AddOp>(builder, location, {constant({4, 1}), constant({8})});
  ASSERT_TRUE(succeeded(add));
  EXPECT_EQ(add->getType().getShape(), (ArrayRef<int64_t>{4, 8}));
}

TEST_F(TryCreateTest, ReportsAndLeavesNothing) {
  Value a = constant({4}), b = constant({5});
  size_t before = countOps();
  std::string errors = errorsOf([&] {
    EXPECT_TRUE(failed(tryCreate<AddOp>(builder, location, {a, b})));
  });
  EXPECT_EQ(
      errors,
      "'graph.add' op C2: shapes [4] and [5] don't broadcast: 4 against 5\n");
  EXPECT_EQ(countOps(), before);
}

TEST_F(TryCreateTest, ReportsMissingAttributesAndOperands) {
  Value a = constant({4});
  EXPECT_EQ(
      errorsOf([&] { (void)tryCreate<TransposeOp>(builder, location, {a}); }),
      "'graph.transpose' op requires attribute 'perm'\n");
  EXPECT_EQ(errorsOf([&] { (void)tryCreate<AddOp>(builder, location, {a}); }),
            "'graph.add' op expects 2 operands, found 1\n");
  EXPECT_EQ(errorsOf([&] {
              (void)tryCreate<TransposeOp>(
                  builder, location, {a},
                  {builder.getNamedAttr("perm", builder.getStringAttr("x"))});
            }),
            "'graph.transpose' op Invalid attribute `perm` in property "
            "conversion: \"x\"\n");
}

TEST_F(TryCreateTest, CompletesSegmentsOfOptionalOperands) {
  Value x = constant({2, 4}), scale = constant({4});
  auto norm = tryCreate<LayerNormOp>(
      builder, location, {x, scale},
      {builder.getNamedAttr("axis", builder.getI64IntegerAttr(1)),
       builder.getNamedAttr("epsilon", builder.getF64FloatAttr(1e-5))});
  ASSERT_TRUE(succeeded(norm));
  EXPECT_EQ(norm->getScale(), scale);
  EXPECT_FALSE(norm->getBias());
}

TEST_F(TryCreateTest, VerifiesTypedOps) {
  Value x = constant({2, 4});
  auto good = RankedTensorType::get({8}, builder.getF32Type());
  auto bad = RankedTensorType::get({9}, builder.getF32Type());
  EXPECT_TRUE(
      succeeded(tryCreateTyped<ReshapeOp>(builder, location, good, {x})));
  EXPECT_EQ(
      errorsOf([&] {
        (void)tryCreateTyped<ReshapeOp>(builder, location, bad, {x});
      }),
      "'graph.reshape' op C2: the operand has 8 elements, the result 9\n");
}

} // namespace
