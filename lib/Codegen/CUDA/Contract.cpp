//===- Contract.cpp - matrix products and convolutions --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints the problem that matmul.cuh solves: indices taken apart, elements or
// addresses of both operands, and what becomes of the sums. A convolution is
// the same with more loops.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

class ContractPrinter : public FamilyPrinter {
public:
  using FamilyPrinter::FamilyPrinter;
  LogicalResult schedule() override;
  /// Whether the template takes the kernel. Prints: not with this printer.
  bool canPrint();

protected:
  StringRef header() const override { return "matmul.cuh"; }
  bool read() override;
  void functors() override;
  void statements() override;

private:
  bool analyse();
  Indices resultAt();
  Text math();
  Text element();
  int64_t resultRun();
  Index loop(unsigned number);
  Indices operandAt(const Widened &operand);
  bool isOperandRun(const Widened &operand, ArrayRef<unsigned> loops);
  void part(StringRef type, StringRef name, StringRef number,
            ArrayRef<unsigned> loops);
  void extent(StringRef name, ArrayRef<unsigned> loops);
  void operand(const Widened &which, bool isRuns, StringRef name,
               StringRef parameters);
  void result();

  Contraction c;
  MatmulCut cut = {};
  bool leftRuns = false, rightRuns = false;
  /// The part that a loop belongs to: "batch", "row", "column", "inner".
  SmallVector<StringRef> parts;
};

} // namespace

//===----------------------------------------------------------------------===//
// Reading and scheduling
//===----------------------------------------------------------------------===//

bool ContractPrinter::analyse() {
  SmallVector<linalg::GenericOp> all = roots();
  std::optional<Contraction> read;
  if (all.size() == 1)
    read = readContraction(p, all[0]);
  if (!read)
    return false;
  c = *read;
  parts.assign(c.dims.size(), "");
  for (auto [loops, name] :
       {std::pair(&c.batch, "batch"), std::pair(&c.rows, "row"),
        std::pair(&c.columns, "column"), std::pair(&c.inner, "inner")})
    for (unsigned loop : *loops)
      parts[loop] = name;
  leftRuns = isOperandRun(c.left, c.inner);
  rightRuns = isOperandRun(c.right, c.columns);
  return !p.failed();
}

bool ContractPrinter::canPrint() {
  return analyse() && resultIndices(p, c.root.getResult(0), resultAt());
}

LogicalResult ContractPrinter::schedule() {
  if (!analyse())
    return failure();
  DictionaryAttr before = kernel.getScheduleAttr();
  bool isTf32 = c.math == "f32" && before && before.get("tf32");
  auto count = [&](ArrayRef<unsigned> loops) {
    return product(c.dimsOf(loops));
  };
  cut = chooseMatmulCut(count(c.batch), count(c.rows), count(c.columns), c.math,
                        leftRuns && rightRuns);
  Builder b(kernel.getContext());
  SmallVector<std::pair<StringRef, Attribute>> own = {
      {"tile", b.getDenseI64ArrayAttr({cut.rows, cut.columns})},
      {"warps",
       b.getDenseI64ArrayAttr({cut.warpsDown, cut.warpsAcross, cut.slices})},
      {"stages", numberAttr(cut.stages)}};
  if (isTf32)
    own.push_back({"tf32", b.getUnitAttr()});
  graph::DimExprAttr tiles = graph::dimMul(
      count(c.batch),
      graph::dimMul(
          graph::dimCeilDiv(count(c.rows), constant(cut.rows)),
          graph::dimCeilDiv(count(c.columns), constant(cut.columns))));
  setSchedule(tiles, cut.threads(), cut.shared(c.math), own);
  return success();
}

bool ContractPrinter::read() {
  if (!analyse())
    return false;
  DictionaryAttr schedule = kernel.getScheduleAttr();
  auto tile = schedule.getAs<DenseI64ArrayAttr>("tile"),
       warps = schedule.getAs<DenseI64ArrayAttr>("warps");
  if (!tile || !warps || tile.size() != 2 || warps.size() != 3)
    return false;
  cut = {tile[0],  tile[1],  warps[0],
         warps[1], warps[2], FamilyPrinter::number("stages")};
  for (int64_t value : {cut.rows, cut.columns, cut.warpsDown, cut.warpsAcross,
                        cut.slices, cut.stages})
    if (value < 1)
      return false;
  return cut.threads() == FamilyPrinter::number("threads") &&
         cut.shared(c.math) == FamilyPrinter::number("shared");
}

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

Index ContractPrinter::loop(unsigned number) {
  if (graph::constantValue(c.dims[number]) == 1)
    return p.constant(0);
  return p.variable((parts[number] + ".i" + Twine(number)).str());
}

Indices ContractPrinter::resultAt() {
  Indices loops;
  for (unsigned i = 0; i < c.dims.size(); ++i)
    loops.push_back(loop(i));
  return p.map(c.root.getMatchingIndexingMap(c.root.getDpsInitOperand(0)),
               loops);
}

Indices ContractPrinter::operandAt(const Widened &which) {
  Indices loops;
  for (unsigned i = 0; i < c.dims.size(); ++i)
    loops.push_back(loop(i));
  return p.map(
      c.root.getMatchingIndexingMap(c.root.getDpsInputOperand(which.argument)),
      loops);
}

/// Whether 16 bytes of an operand along the last of some loops lie together.
bool ContractPrinter::isOperandRun(const Widened &which,
                                   ArrayRef<unsigned> loops) {
  int64_t count = 16 / c.elementBytes();
  SmallVector<unsigned> moving;
  for (unsigned number : loops)
    if (graph::constantValue(c.dims[number]) != 1)
      moving.push_back(number);
  if (moving.empty())
    return false;
  // A run must not go on in the next row of several loops.
  auto last = graph::constantValue(c.dims[moving.back()]);
  if (moving.size() > 1 && (!last || *last % count != 0))
    return false;
  // Widened elements are not those that lie there.
  Type type = getElementTypeOrSelf(c.operand(which).getType());
  if (type.getIntOrFloatBitWidth() != 8 * c.elementBytes())
    return false;
  return isRun(p, c.operand(which), operandAt(which), loop(moving.back()),
               count, type);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

Text ContractPrinter::math() {
  if (kernel.getScheduleAttr().get("tf32"))
    return "Tf32";
  return llvm::StringSwitch<Text>(c.math)
      .Case("f64", "Plain<double>")
      .Case("f32", "Plain<float>")
      .Case("f16", "Halves<f16>")
      .Case("bf16", "Halves<bf16>")
      .Case("i32", "Plain<i32>")
      .Default("Plain<i64>");
}

Text ContractPrinter::element() {
  return c.math == "f32" ? "float" : c.math == "f64" ? "double" : c.math.str();
}

int64_t ContractPrinter::resultRun() {
  unsigned widest = 8;
  for (unsigned i = 0; i < numResults(); ++i)
    widest = std::max(widest, resultElement(i).getIntOrFloatBitWidth());
  return widest <= 16 ? 8 : 4;
}

/// A struct of loops and the function that takes a number apart.
void ContractPrinter::part(StringRef type, StringRef name, StringRef number,
                           ArrayRef<unsigned> loops) {
  Texts fields;
  for (unsigned loop : loops)
    fields.push_back("i" + std::to_string(loop));
  p.line("struct " + type + " {" +
         (fields.empty() ? "" : " i64 " + llvm::join(fields, ", ") + "; ") +
         "};");
  Printer::Block block(p, "ACTNET_DEVICE " + type + " " + name + "(i64 " +
                              number + ") const {");
  Texts values;
  for (Index index : p.split(number, "i", 0, c.dimsOf(loops)))
    values.push_back(p.text(index));
  p.line("return {" + llvm::join(values, ", ") + "};");
}

void ContractPrinter::extent(StringRef name, ArrayRef<unsigned> loops) {
  p.line("ACTNET_DEVICE i64 " + name + "() const { return " +
         p.text(product(c.dimsOf(loops))) + "; }");
}

void ContractPrinter::operand(const Widened &which, bool isRuns, StringRef name,
                              StringRef parameters) {
  p.line("static constexpr bool k" + Text(1, llvm::toUpper(name[0])) +
         name.drop_front() + "Runs = " + (isRuns ? "true;" : "false;"));
  Indices at = operandAt(which);
  if (isRuns) {
    Printer::Block block(p, "ACTNET_DEVICE const " + element() + " *" + name +
                                "Run(" + parameters + ") const {");
    std::optional<Place> place = placeOf(p, c.operand(which), at);
    p.line("return " +
           (place->inside.empty()
                ? place->address
                : place->inside + " ? " + place->address + " : nullptr") +
           ";");
    return;
  }
  Printer::Block block(p, "ACTNET_DEVICE " + element() + " " + name + "(" +
                              parameters + ") const {");
  Text value = p.element(c.operand(which), at);
  Type type = getElementTypeOrSelf(c.operand(which).getType());
  if (c.math == "f16" || c.math == "bf16")
    value = "fromFloat<" + element() + ">(" + value + ")";
  else if (which.isUnsigned)
    value = element() + "(asUnsigned(" + value + "))";
  else if (type.isInteger(1))
    value = element() + "(-i32(" + value + "))";
  else if (isa<IntegerType>(type))
    value = element() + "(" + value + ")";
  p.line("return " + value + ";");
}

void ContractPrinter::result() {
  p.line("static constexpr int kResultRun = " + Twine(resultRun()) + ";");
  p.line("template <class Sum, int kCount>");
  Printer::Block block(
      p, "ACTNET_DEVICE void result(const Batch &batch, const Row &row, i64 n, "
         "const Sum (&sum)[kCount], int count) const {");
  Indices at = resultAt();
  std::optional<SmallVector<Indices>> places =
      resultIndices(p, c.root.getResult(0), at);
  if (!places) {
    p.fail(c.root, "needs results that are the product's elements rearranged");
    return;
  }
  // Results whose columns lie side by side are written in runs.
  SmallVector<unsigned> moving;
  for (unsigned number : c.columns)
    if (graph::constantValue(c.dims[number]) != 1)
      moving.push_back(number);
  SmallVector<bool> isRun(numResults(), false);
  for (unsigned i = 0; i < numResults() && !moving.empty(); ++i) {
    Index variable = loop(moving.back());
    unsigned position = cast<AffineDimExpr>(variable).getPosition();
    const Indices &own = (*places)[i];
    auto last = graph::constantValue(c.dims[moving.back()]);
    isRun[i] = own.back() == variable &&
               graph::constantValue(kernel.getResultStrides(i).back()) == 1 &&
               (moving.size() == 1 || (last && *last % resultRun() == 0)) &&
               llvm::none_of(ArrayRef(own).drop_back(), [&](Index index) {
                 return index.isFunctionOfDim(position);
               });
  }
  for (unsigned i = 0; i < numResults(); ++i)
    if (isRun[i])
      p.line(p.memoryType(resultElement(i)) + " run" + Twine(i) +
             "[kCount] = {};");
  p.line("ACTNET_UNROLL");
  {
    Printer::Block each(p, "for (int c = 0; c < kCount; ++c) {");
    p.line("if (c >= count)");
    p.line("  continue;");
    p.line("[[maybe_unused]] const Column column = this->column(n + c);");
    Type type = getElementTypeOrSelf(c.root.getResult(0).getType());
    Text sum = "sum[c]";
    if (isa<IntegerType>(type))
      sum = p.define(p.computeType(type), p.computeType(type) + "(sum[c])");
    // What the result was before: zero in most cases.
    Text before = p.element(c.root.getDpsInits()[0], at);
    if (before != p.zero(type))
      sum = p.define(p.computeType(type), "add(" + before + ", " + sum + ")");
    p.bind(c.root.getResult(0), sum);
    // All are computed before any is written: one may lie in an operand.
    Texts values;
    for (unsigned i = 0; i < numResults(); ++i)
      values.push_back(p.element(yielded(i), (*places)[i]));
    for (unsigned i = 0; i < numResults(); ++i) {
      Type element = resultElement(i);
      if (!isRun[i])
        p.store(i, (*places)[i], values[i]);
      else
        p.line("run" + Twine(i) + "[c] = " + p.stored(element, values[i]) +
               ";");
    }
  }
  if (llvm::is_contained(isRun, true))
    p.line("[[maybe_unused]] const Column column = this->column(n);");
  for (unsigned i = 0; i < numResults(); ++i)
    if (isRun[i])
      p.line("storeRun(out" + Twine(i) + " + (" +
             p.address(kernel.getResultStrides(i), (*places)[i]) + "), run" +
             Twine(i) + ", count);");
}

void ContractPrinter::functors() {
  auto dims = [&](ArrayRef<unsigned> loops) {
    return dimsText(c.dimsOf(loops));
  };
  p.line("// Rows " + dims(c.rows) + ", columns " + dims(c.columns) +
         ", inner " + dims(c.inner) +
         (c.batch.empty() ? Text() : ", batch " + dims(c.batch)) + ".");
  Printer::Block functor(p, "struct " + named("problem") + " {", "};\n");
  members();
  part("Batch", "batch", "b", c.batch);
  part("Row", "row", "m", c.rows);
  part("Column", "column", "n", c.columns);
  part("Inner", "inner", "k", c.inner);
  extent("rows", c.rows);
  extent("columns", c.columns);
  extent("depth", c.inner);
  p.line("");
  operand(c.left, leftRuns, "left",
          "const Batch &batch, const Row &row, const Inner &inner");
  p.line("");
  operand(c.right, rightRuns, "right",
          "const Batch &batch, const Inner &inner, const Column &column");
  p.line("");
  result();
}

void ContractPrinter::statements() {
  p.line("using Shape = MatmulShape<" + math() + ", " + Twine(cut.rows) + ", " +
         Twine(cut.columns) + ", " + Twine(cut.warpsDown) + ", " +
         Twine(cut.warpsAcross) + ", " + Twine(cut.slices) + ", " +
         Twine(cut.stages) + ">;");
  p.line("static_assert(Shape::kThreads == " + Twine(cut.threads()) +
         " && Shape::kShared == " + Twine(cut.shared(c.math)) + ");");
  p.line("matmulTile<Shape>(" + functor("problem") + ");");
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeContractPrinter(kernel::FuncOp kernel) {
  if (!ContractPrinter(kernel).canPrint())
    return makePlainPrinter(kernel);
  return std::make_unique<ContractPrinter>(kernel);
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeConvPrinter(kernel::FuncOp kernel) {
  return makeContractPrinter(kernel);
}
