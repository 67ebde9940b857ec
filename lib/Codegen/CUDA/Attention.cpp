//===- Attention.cpp - softmax(q k^T) v -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints the problem that attention.cuh solves: elements or addresses of
// queries, keys and values, the mask, and what becomes of the output. The tile
// is the largest whose shared memory every GPU since sm_80 has; few queries
// share the keys among warps.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

/// The dims of kernel.attention.
enum Dim { B, H, S, T, D, E };

constexpr int64_t kMostShared = 99 << 10;
/// Elements of a query, key or value: outputs must fit in registers.
constexpr int64_t kMostHead = 256;

struct AttentionCut {
  int64_t queryWarps, keyWarps, keys;
  int64_t threads() const { return 32 * queryWarps * keyWarps; }
};

class AttentionPrinter : public FamilyPrinter {
public:
  using FamilyPrinter::FamilyPrinter;
  LogicalResult schedule() override;
  /// Whether the template takes the kernel. Prints: not with this printer.
  bool canPrint();

protected:
  StringRef header() const override { return "attention.cuh"; }
  bool read() override;
  void functors() override;
  void statements() override;

private:
  bool analyse();
  int64_t shared(const AttentionCut &cut) const;
  AffineMap mapOf(unsigned operand) {
    return cast<AffineMapAttr>(op.getIndexingMaps()[operand]).getValue();
  }
  Indices loops();
  Indices operandAt(unsigned operand) { return p.map(mapOf(operand), loops()); }
  void operand(unsigned number, StringRef name, StringRef row, StringRef column,
               bool isRuns);
  void score();
  void result();
  int64_t resultRun();

  kernel::AttentionOp op;
  Dims dims; ///< Of the six loops.
  int64_t head = 0, width = 0;
  Text element; ///< In shared memory: "float", "f16", "bf16".
  AttentionCut cut = {};
};

} // namespace

//===----------------------------------------------------------------------===//
// Reading and scheduling
//===----------------------------------------------------------------------===//

bool AttentionPrinter::analyse() {
  for (auto each : kernel.getBody().getOps<kernel::AttentionOp>())
    op = each;
  if (!op)
    return false;
  unsigned out = op->getNumOperands() - 1;
  if (!mapOf(out).isProjectedPermutation())
    return false;
  dims.assign(6, nullptr);
  for (unsigned i = 0; i <= out; ++i) {
    // Masks may be broadcast: their dims do not count.
    if (op.getMask() && i == 3)
      continue;
    for (auto [d, expr] : llvm::enumerate(mapOf(i).getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        if (graph::DimExprAttr &known = dims[dim.getPosition()]; !known)
          known = p.dimOf(op->getOperand(i), d);
  }
  for (graph::DimExprAttr &dim : dims)
    if (!dim)
      dim = constant(1);
  head = graph::constantValue(dims[D]).value_or(0);
  width = graph::constantValue(dims[E]).value_or(0);
  if (head < 1 || width < 1 || head > kMostHead || width > kMostHead)
    return false;
  Type types[3];
  for (unsigned i = 0; i < 3; ++i) {
    types[i] = getElementTypeOrSelf(op->getOperand(i).getType());
    if (!types[i].isF32() && !Printer::isNarrowFloat(types[i]))
      return false;
  }
  bool isOne = types[0] == types[1] && types[1] == types[2];
  element = isOne ? p.memoryType(types[0]) : "float";
  return !p.failed();
}

bool AttentionPrinter::canPrint() {
  return analyse() &&
         resultIndices(p, op.getResult(), operandAt(op->getNumOperands() - 1));
}

/// Bytes of shared memory, as AttentionShape counts them.
int64_t AttentionPrinter::shared(const AttentionCut &cut) const {
  int64_t bytes = element == "float" ? 4 : 2, run = 16 / bytes;
  int64_t warps = cut.queryWarps * cut.keyWarps;
  int64_t depth = llvm::alignTo(head, 16), columns = llvm::alignTo(width, 32);
  int64_t elements = (16 * cut.queryWarps + cut.keys) * (depth + run) +
                     cut.keys * (columns + 8) +
                     warps * 16 * (cut.keys / cut.keyWarps + run);
  return std::max(elements * bytes, warps * 16 * (columns + 4 + 2) * 4);
}

LogicalResult AttentionPrinter::schedule() {
  if (!analyse())
    return failure();
  // Few queries: warps share them. Many: each warp has its own.
  constexpr AttentionCut kFew[] = {{1, 4, 64}, {1, 2, 32}, {1, 1, 16}};
  constexpr AttentionCut kMany[] = {
      {4, 1, 64}, {4, 1, 32}, {2, 1, 32}, {2, 1, 16}};
  bool isFew = graph::constantValue(dims[S]).value_or(INT64_MAX) <= 16;
  for (const AttentionCut &candidate :
       isFew ? ArrayRef(kFew) : ArrayRef(kMany)) {
    cut = candidate;
    if (shared(cut) <= kMostShared)
      break;
  }
  graph::DimExprAttr tiles =
      graph::dimMul(graph::dimMul(dims[B], dims[H]),
                    graph::dimCeilDiv(dims[S], constant(16 * cut.queryWarps)));
  Builder b(kernel.getContext());
  setSchedule(
      tiles, cut.threads(), shared(cut),
      {{"warps", b.getDenseI64ArrayAttr({cut.queryWarps, cut.keyWarps})},
       {"keys", numberAttr(cut.keys)}});
  return success();
}

bool AttentionPrinter::read() {
  if (!analyse())
    return false;
  auto warps = kernel.getScheduleAttr().getAs<DenseI64ArrayAttr>("warps");
  if (!warps || warps.size() != 2)
    return false;
  cut = {warps[0], warps[1], number("keys")};
  return cut.queryWarps > 0 && cut.keyWarps > 0 && cut.keys > 0 &&
         cut.keys % (16 * cut.keyWarps) == 0 &&
         cut.threads() == number("threads") && shared(cut) == number("shared");
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

Indices AttentionPrinter::loops() {
  static const char *names[] = {"batch.b", "batch.h", "s", "t", "d", "e"};
  Indices all;
  for (unsigned d = 0; d < 6; ++d)
    all.push_back(graph::constantValue(dims[d]) == 1 ? p.constant(0)
                                                     : p.variable(names[d]));
  return all;
}

int64_t AttentionPrinter::resultRun() {
  for (unsigned i = 0; i < numResults(); ++i)
    if (resultElement(i).getIntOrFloatBitWidth() > 16)
      return 4;
  return 8;
}

void AttentionPrinter::operand(unsigned number, StringRef name, StringRef row,
                               StringRef column, bool isRuns) {
  p.line("static constexpr bool k" + Text(1, llvm::toUpper(name[0])) +
         name.drop_front() + "Runs = " + (isRuns ? "true;" : "false;"));
  Text parameters =
      ("(const Batch &batch, i64 " + row + ", i64 " + column + ") const {")
          .str();
  Value tensor = op->getOperand(number);
  Indices at = operandAt(number);
  if (isRuns) {
    Printer::Block block(p, "ACTNET_DEVICE const " + element + " *" + name +
                                "Run" + parameters);
    std::optional<Place> place = placeOf(p, tensor, at);
    p.line("return " +
           (place->inside.empty()
                ? place->address
                : place->inside + " ? " + place->address + " : nullptr") +
           ";");
    return;
  }
  Printer::Block block(p, "ACTNET_DEVICE " + element + " " + name + parameters);
  Text value = p.element(tensor, at);
  p.line("return fromFloat<" + element + ">(" + value + ");");
}

void AttentionPrinter::score() {
  Printer::Block block(p, "ACTNET_DEVICE float score(const Batch &batch, i64 "
                          "s, i64 t, float x) const {");
  if (!op.getMask()) {
    p.line("return x;");
    return;
  }
  Text mask = p.element(op.getMask(), operandAt(3));
  p.line(getElementTypeOrSelf(op.getMask().getType()).isInteger(1)
             ? "return " + mask + " ? x : -infinity();"
             : "return x + " + mask + ";");
}

void AttentionPrinter::result() {
  p.line("static constexpr int kResultRun = " + Twine(resultRun()) + ";");
  p.line("template <int kCount>");
  Printer::Block block(p, "ACTNET_DEVICE void result(const Batch &batch, i64 "
                          "s, i64 first, const float (&values)[kCount], int "
                          "count) const {");
  std::optional<SmallVector<Indices>> places =
      resultIndices(p, op.getResult(), operandAt(op->getNumOperands() - 1));
  if (!places) {
    p.fail(op, "needs results that are the output's elements rearranged");
    return;
  }
  unsigned position = ~0u;
  if (width > 1)
    position = cast<AffineDimExpr>(p.variable("e")).getPosition();
  SmallVector<bool> isRun(numResults(), false);
  for (unsigned i = 0; i < numResults() && width > 1; ++i) {
    const Indices &own = (*places)[i];
    isRun[i] = own.back() == p.variable("e") &&
               graph::constantValue(kernel.getResultStrides(i).back()) == 1 &&
               llvm::none_of(ArrayRef(own).drop_back(), [&](Index index) {
                 return index.isFunctionOfDim(position);
               });
    if (isRun[i])
      p.line(p.memoryType(resultElement(i)) + " run" + Twine(i) +
             "[kCount] = {};");
  }
  p.line("ACTNET_UNROLL");
  {
    Printer::Block each(p, "for (int c = 0; c < kCount; ++c) {");
    p.line("if (c >= count)");
    p.line("  continue;");
    p.line("[[maybe_unused]] const i64 e = first + c;");
    p.bind(op.getResult(), "values[c]");
    // All are computed before any is written: one may lie in an operand.
    Texts values;
    for (unsigned i = 0; i < numResults(); ++i)
      values.push_back(p.element(yielded(i), (*places)[i]));
    for (unsigned i = 0; i < numResults(); ++i) {
      if (isRun[i])
        p.line("run" + Twine(i) +
               "[c] = " + p.stored(resultElement(i), values[i]) + ";");
      else
        p.store(i, (*places)[i], values[i]);
    }
  }
  if (llvm::is_contained(isRun, true))
    p.line("const i64 e = first;");
  for (unsigned i = 0; i < numResults(); ++i)
    if (isRun[i])
      p.line("storeRun(out" + Twine(i) + " + (" +
             p.address(kernel.getResultStrides(i), (*places)[i]) + "), run" +
             Twine(i) + ", count);");
}

void AttentionPrinter::functors() {
  p.line("// Queries " + dimsText({dims[S], dims[D]}) + ", keys " +
         dimsText({dims[T], dims[D]}) + ", values " +
         dimsText({dims[T], dims[E]}) + ", batch and heads " +
         dimsText({dims[B], dims[H]}) + ".");
  Printer::Block functor(p, "struct " + named("problem") + " {", "};\n");
  members();
  p.line("struct Batch { i64 b, h; };");
  {
    Printer::Block block(p, "ACTNET_DEVICE Batch batch(i64 i) const {");
    Texts values;
    for (Index index : p.split("i", "i", 0, {dims[B], dims[H]}))
      values.push_back(p.text(index));
    p.line("return {" + llvm::join(values, ", ") + "};");
  }
  p.line("ACTNET_DEVICE i64 queries() const { return " + p.text(dims[S]) +
         "; }");
  p.line("ACTNET_DEVICE i64 keys() const { return " + p.text(dims[T]) + "; }");
  p.line("static constexpr int kHead = " + Twine(head) +
         ", kWidth = " + Twine(width) + ";");
  p.line(Text("static constexpr bool kIsCausal = ") +
         (op.getCausal() ? "true;" : "false;"));
  p.line(Text("static constexpr bool kIsGuarded = ") +
         (op.getGuarded() ? "true;" : "false;"));
  p.line("static ACTNET_DEVICE float scale() { return " +
         p.literal(Float32Type::get(kernel.getContext()),
                   FloatAttr::get(Float32Type::get(kernel.getContext()),
                                  op.getScale().convertToDouble())) +
         "; }");
  p.line("");
  Indices all = loops();
  Type type = getElementTypeOrSelf(op.getQ().getType());
  bool isPlain = p.memoryType(type) == element;
  int64_t run = element == "float" ? 4 : 8;
  auto isRuns = [&](unsigned number, Dim column) {
    return isPlain && isRun(p, op->getOperand(number), operandAt(number),
                            all[column], run, type);
  };
  operand(0, "query", "s", "d", isRuns(0, D));
  operand(1, "key", "t", "d", isRuns(1, D));
  operand(2, "value", "t", "e", isRuns(2, E));
  score();
  p.line("");
  result();
}

void AttentionPrinter::statements() {
  Text math = element == "float" ? "Plain<float>" : "Halves<" + element + ">";
  p.line("using Shape = AttentionShape<" + math + ", " + Twine(head) + ", " +
         Twine(width) + ", " + Twine(cut.queryWarps) + ", " +
         Twine(cut.keyWarps) + ", " + Twine(cut.keys) + ">;");
  p.line("static_assert(Shape::kThreads == " + Twine(cut.threads()) +
         " && Shape::kShared == " + Twine(shared(cut)) + ");");
  p.line("attentionTile<Shape>(" + functor("problem") + ");");
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeAttentionPrinter(kernel::FuncOp kernel) {
  if (!AttentionPrinter(kernel).canPrint())
    return makePlainPrinter(kernel);
  return std::make_unique<AttentionPrinter>(kernel);
}
