//===- Scatter.cpp - writes at indices ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FamilyPrinter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

constexpr int64_t kThreads = 256;
/// Lanes along columns, and matrices of a block, where their number is not
/// known.
constexpr int64_t kUsualX = 32, kUsualZ = 4;
/// Rows of a thread: each block reads all indices, so it should hold many.
constexpr int64_t kRows = 32;

class ScatterPrinter : public FamilyPrinter {
public:
  explicit ScatterPrinter(kernel::FuncOp kernel)
      : FamilyPrinter(kernel),
        op(cast<kernel::ScatterOp>(kernel.getBody().front().front())) {}
  LogicalResult schedule() override;

protected:
  StringRef header() const override { return "scatter.cuh"; }
  bool read() override {
    return number("x") > 0 && number("y") > 0 && number("z") > 0 &&
           number("rows") > 0;
  }
  void functors() override;
  void statements() override;

private:
  unsigned argument(Value operand) {
    return cast<BlockArgument>(operand).getArgNumber();
  }
  /// Element of an operand as it lies in memory.
  Text memory(Value operand, ArrayRef<Index> at) {
    return p.memoryElement(cast<BlockArgument>(operand), at);
  }
  Text result(ArrayRef<Index> at) {
    return "out0[" + p.address(kernel.getResultStrides(0), at) + "]";
  }
  Indices variables(ArrayRef<StringRef> names) {
    Indices at;
    for (StringRef name : names)
      at.push_back(p.variable(name));
    return at;
  }

  kernel::ScatterOp op;
};

} // namespace

LogicalResult ScatterPrinter::schedule() {
  Dims dims = kernel.getResultDims(0);
  // The next power of two from what there is, or from what is usual.
  auto power = [&](unsigned d, int64_t usual, int64_t most) {
    auto extent = graph::constantValue(dims[d]);
    int64_t wanted = std::max<int64_t>(1, extent.value_or(usual));
    return std::min<int64_t>(most, llvm::PowerOf2Ceil(wanted));
  };
  int64_t x = power(2, kUsualX, kThreads);
  int64_t z = power(0, kUsualZ, kThreads / x);
  int64_t y = power(1, kThreads, kThreads / x / z);
  // At least a warp.
  y = std::max<int64_t>(y, 32 / (x * z));
  int64_t rows = y * kRows;
  graph::DimExprAttr tiles =
      graph::dimMul(graph::dimCeilDiv(dims[0], constant(z)),
                    graph::dimMul(graph::dimCeilDiv(dims[1], constant(rows)),
                                  graph::dimCeilDiv(dims[2], constant(x))));
  setSchedule(tiles, x * y * z, 0,
              {{"x", numberAttr(x)},
               {"y", numberAttr(y)},
               {"z", numberAttr(z)},
               {"rows", numberAttr(rows)}});
  return success();
}

void ScatterPrinter::functors() {
  Type element = resultElement(0);
  bool isRows =
      cast<RankedTensorType>(op.getIndices().getType()).getRank() == 1;
  Printer::Block functor(p, "struct " + named("scatter") + " {", "};\n");
  members();
  {
    Printer::Block block(p, "ACTNET_DEVICE bool isInPlace() const {");
    p.line(kernel.getInplace() && !kernel.getInplace()->empty()
               ? "return out0 == in" + std::to_string(argument(op.getData())) +
                     ";"
               : Text("return false;"));
  }
  {
    Printer::Block block(
        p, "ACTNET_DEVICE void copy(i64 o, i64 r, i64 i) const {");
    Indices at = variables({"o", "r", "i"});
    p.line(result(at) + " = " + memory(op.getData(), at) + ";");
  }
  {
    Printer::Block block(p,
                         "ACTNET_DEVICE i64 row(i64 o, i64 u, i64 i) const {");
    p.line("return " +
           memory(op.getIndices(),
                  isRows ? variables({"u"}) : variables({"o", "u", "i"})) +
           ";");
  }
  Printer::Block block(
      p, "ACTNET_DEVICE void update(i64 o, i64 r, i64 i, i64 u) const {");
  Indices to = variables({"o", "r", "i"}), from = variables({"o", "u", "i"});
  Block &combiner = op.getCombiner().front();
  Texts values(2);
  if (!combiner.getArgument(0).use_empty())
    values[0] = p.define(p.computeType(element), p.loaded(element, result(to)));
  if (!combiner.getArgument(1).use_empty())
    values[1] = p.define(p.computeType(element),
                         p.loaded(element, memory(op.getUpdates(), from)));
  Texts made = p.body(combiner, values);
  p.line(result(to) + " = " + p.stored(element, made[0]) + ";");
}

void ScatterPrinter::statements() {
  Dims dims = kernel.getResultDims(0),
       updates = kernel.getArgDims(argument(op.getUpdates()));
  p.line("scatterTile<" + Twine(number("x")) + ", " + Twine(number("y")) +
         ", " + Twine(number("z")) + ">(");
  p.line("    " + functor("scatter") + ",");
  p.line("    ScatterSizes{" + p.text(dims[0]) + ", " + p.text(dims[1]) + ", " +
         p.text(dims[2]) + ", " + p.text(updates[1]) + ", " +
         Twine(number("rows")) + "});");
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeScatterPrinter(kernel::FuncOp kernel) {
  return std::make_unique<ScatterPrinter>(kernel);
}
