//===- Row.cpp - softmax, norms and their like ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FamilyPrinter.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

constexpr int64_t kThreads = 256;

class RowPrinter : public FamilyPrinter {
public:
  using FamilyPrinter::FamilyPrinter;
  LogicalResult schedule() override;

protected:
  StringRef header() const override { return "row.cuh"; }
  bool read() override { return succeeded(analyse()); }
  void functors() override;
  void statements() override;

private:
  LogicalResult analyse();
  void reduce(linalg::GenericOp root, ArrayRef<Index> rows);

  /// The iteration space, and how many of its dims are rows.
  SmallVector<graph::DimExprAttr> space;
  unsigned rowRank = 0;
};

} // namespace

LogicalResult RowPrinter::analyse() {
  SmallVector<linalg::GenericOp> all = roots();
  if (all.empty())
    return kernel.emitError()
           << "the CUDA code generator needs a reduction in a row kernel";
  space = p.loopDims(all[0]);
  rowRank = space.size() - all[0].getNumReductionLoops();
  for (linalg::GenericOp root : all)
    if (p.loopDims(root) != space ||
        root.getNumReductionLoops() != space.size() - rowRank)
      return root.emitError() << "the CUDA code generator needs reductions "
                                 "over the same dims in "
                                 "a row kernel";
  for (unsigned i = 0; i < numResults(); ++i) {
    SmallVector<graph::DimExprAttr> dims = kernel.getResultDims(i);
    if (dims != space && ArrayRef(dims) != ArrayRef(space).take_front(rowRank))
      return kernel.emitError()
             << "the CUDA code generator needs results of a row's or of the "
                "rows' dims in a row kernel";
  }
  return success(!p.failed());
}

LogicalResult RowPrinter::schedule() {
  if (failed(analyse()))
    return failure();
  setSchedule(product(ArrayRef(space).take_front(rowRank)), kThreads, 0, {});
  return success();
}

/// The name in scalar.h of what an op combines, or nothing.
static StringRef combinerName(Operation *op) {
  return TypeSwitch<Operation *, StringRef>(op)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return "Add"; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return "Multiply"; })
      .Case<arith::MaximumFOp, arith::MaxSIOp>([](auto) { return "Maximum"; })
      .Case<arith::MinimumFOp, arith::MinSIOp>([](auto) { return "Minimum"; })
      .Case([](arith::AndIOp) { return "And"; })
      .Case([](arith::OrIOp) { return "Or"; })
      .Case([](arith::XOrIOp) { return "Xor"; })
      .Default([](Operation *) { return ""; });
}

/// The value that changes nothing when it is combined.
static Attribute identity(StringRef combiner, Type type) {
  bool isLargest = combiner == "Minimum";
  if (auto floatType = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &semantics = floatType.getFloatSemantics();
    if (isLargest || combiner == "Maximum")
      return FloatAttr::get(type, APFloat::getInf(semantics, !isLargest));
    return FloatAttr::get(type, combiner == "Multiply" ? 1.0 : 0.0);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  if (isLargest || combiner == "Maximum")
    return IntegerAttr::get(type, isLargest ? APInt::getSignedMaxValue(width)
                                            : APInt::getSignedMinValue(width));
  if (combiner == "And")
    return IntegerAttr::get(type, APInt::getAllOnes(width));
  return IntegerAttr::get(type, APInt(width, combiner == "Multiply"));
}

void RowPrinter::reduce(linalg::GenericOp root, ArrayRef<Index> rows) {
  Block *body = root.getBody();
  ArrayRef<graph::DimExprAttr> columns = ArrayRef(space).drop_front(rowRank);
  Text count = p.text(product(columns));
  Texts totals;
  for (unsigned i = 0; i < root.getNumDpsInits(); ++i) {
    // result = combine(result, element), and the result is used for that only.
    Value result = root.getRegionOutputArgs()[i];
    Operation *combine = body->getTerminator()->getOperand(i).getDefiningOp();
    StringRef name;
    if (combine && combine->getBlock() == body && result.hasOneUse() &&
        *result.user_begin() == combine)
      name = combinerName(combine);
    if (name.empty()) {
      p.fail(root,
             "reduces rows by add, mul, maximum, minimum, and, or, xor only");
      return;
    }
    Value reduced =
        combine->getOperand(combine->getOperand(0) == result ? 1 : 0);
    Type type = result.getType();
    Text compute = p.computeType(type), total = p.fresh();
    {
      Printer::Block loop(p,
                          "const " + compute + " " + total +
                              " = block.reduce<" + name + ">(" + count +
                              ", [&](i64 c) -> " + compute + " {",
                          "});");
      Indices at(rows);
      at.append(p.split("c", "i", rowRank, columns));
      Texts operands = p.operands(root, at, root.getNumDpsInputs());
      p.line("return " + p.body(root, at, operands, reduced)[0] + ";");
    }
    // What the result was before: nothing new in most cases.
    Indices first(rows);
    first.resize(space.size(), p.constant(0));
    OpOperand *init = root.getDpsInitOperand(i);
    Text before =
        p.element(init->get(), p.map(root.getMatchingIndexingMap(init), first));
    if (before != p.literal(type, identity(name, type)))
      total = p.define(compute,
                       name.str() + "::combine(" + before + ", " + total + ")");
    if (Printer::isNarrowFloat(type))
      total = p.define(compute,
                       "rounded<" + p.memoryType(type) + ">(" + total + ")");
    totals.push_back(total);
  }
  for (auto [i, total] : llvm::enumerate(totals))
    p.bind(root.getResult(i), total);
}

void RowPrinter::functors() {
  Printer::Block functor(p, "struct " + named("row") + " {", "};\n");
  members();
  ArrayRef<graph::DimExprAttr> all(space), columns = all.drop_front(rowRank);
  p.line("// Row r of " + dimsText(all.take_front(rowRank)) +
         ", with columns " + dimsText(columns) + ".");
  Printer::Block block(
      p, "ACTNET_DEVICE void operator()(RowBlock &block, i64 r) const {");
  Indices rows = p.split("r", "i", 0, all.take_front(rowRank));
  for (linalg::GenericOp root : roots())
    reduce(root, rows);

  SmallVector<unsigned> ofRow, ofColumn;
  for (unsigned i = 0; i < numResults(); ++i)
    (kernel.getResultDims(i) == space ? ofColumn : ofRow).push_back(i);
  auto store = [&](ArrayRef<unsigned> results, ArrayRef<Index> at) {
    Texts values;
    for (unsigned i : results)
      values.push_back(p.element(yielded(i), at));
    for (auto [i, value] : llvm::zip(results, values))
      p.store(i, at, value);
  };
  if (!ofColumn.empty()) {
    Text count = p.text(product(columns));
    Printer::Block loop(p, "block.each(" + count + ", [&](i64 c) {", "});");
    Indices at(rows);
    at.append(p.split("c", "i", rowRank, columns));
    store(ofColumn, at);
  }
  if (!ofRow.empty()) {
    Printer::Block once(p, "block.once([&] {", "});");
    store(ofRow, rows);
  }
}

void RowPrinter::statements() { p.line("rowTile(" + functor("row") + ");"); }

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeRowPrinter(kernel::FuncOp kernel) {
  return std::make_unique<RowPrinter>(kernel);
}
