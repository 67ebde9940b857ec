//===- Conditions.cpp - dims that a node takes to be equal ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model may add tensors of M and of N elements: it works where the two are
// equal, and nothing says so before the program runs. Such a need becomes a
// check of the function, made when dims are bound, and a `graph.assume`, so
// that what follows sees one dim. What no values of the dims can satisfy stays
// an error of the model.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include <map>
#include <numeric>

using namespace mlir;

namespace actnet::onnx {

graph::DimRange Importer::rangeOf(StringRef name) const {
  auto it = ranges.find(name);
  return it == ranges.end() ? graph::DimRange{0, -1} : it->second;
}

DimExprAttr Importer::simplify(DimExprAttr expr) const {
  return graph::dimSimplify(expr,
                            [&](StringRef name) { return rangeOf(name); });
}

std::string NodeImport::hint(ArrayRef<DimExprAttr> dims) const {
  std::string first;
  for (DimExprAttr dim : dims)
    graph::dimWalkSymbols(dim, [&](StringRef name) {
      if (first.empty())
        first = name;
    });
  if (first.empty() && dims.empty() && !importer.ranges.empty())
    first = importer.argumentDim;
  return first.empty() ? first : "; --dim " + first + "=NUMBER may help";
}

std::string NodeImport::hint(Value v) const {
  if (!v)
    return {};
  // A number for a dim is of use where the value follows from dims alone.
  SetVector<Value> sources;
  sources.insert(v);
  bool hasDims = false;
  for (size_t i = 0; i < sources.size(); ++i) {
    Operation *op = sources[i].getDefiningOp();
    if (!op)
      return {};
    hasDims |= isa<graph::DimValueOp>(op);
    sources.insert(op->operand_begin(), op->operand_end());
  }
  return hasDims ? hint() : std::string();
}

/// Whether no values of the dims make the expression zero, as far as shows.
static bool isNeverZero(const Importer &importer, DimExprAttr expr) {
  auto ranges = [&](StringRef name) { return importer.rangeOf(name); };
  if (std::optional<int64_t> v = graph::constantValue(expr))
    return *v != 0;
  if (graph::dimLeast(expr, ranges).value_or(0) > 0 ||
      graph::dimMost(expr, ranges).value_or(0) < 0)
    return true;
  if (expr.getKind() != graph::DimExprKind::Add)
    return false;
  // 8 M + 3: every term but the constant is a multiple of 8.
  int64_t divisor = 0, constant = 0;
  for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i) {
    DimExprAttr term = expr.getOperand(i), last = term;
    if (term.getKind() == graph::DimExprKind::Mul)
      last = term.getOperand(term.getOperands().size() - 1);
    if (term.isConstant())
      constant = term.getValue();
    else
      divisor = std::gcd(divisor, last.isConstant() ? last.getValue() : 1);
  }
  return divisor != 0 && constant % divisor != 0;
}

/// `whole` is a min or max of which `one` is an operand: what the others are.
static DimExprAttr othersOf(DimExprAttr whole, DimExprAttr one,
                            graph::DimExprKind kind) {
  if (whole.getKind() != kind)
    return nullptr;
  DimExprAttr others;
  bool isThere = false;
  for (unsigned i = 0, e = whole.getOperands().size(); i < e; ++i) {
    DimExprAttr next = whole.getOperand(i);
    if (next == one)
      isThere = true;
    else
      others = !others                           ? next
               : kind == graph::DimExprKind::Min ? graph::dimMin(others, next)
                                                 : graph::dimMax(others, next);
  }
  return isThere ? others : nullptr;
}

/// Notes what has to hold, once.
static void note(NodeImport &n, DimExprAttr extent, DimExprAttr equal,
                 const Twine &what) {
  if (!n.importer.noted.insert({extent, equal}).second)
    return;
  n.importer.checks.push_back(n.b.getDictionaryAttr(
      {n.named("extent", extent), n.named("equal", equal),
       n.named("message",
               n.b.getStringAttr("'" + labelOf(n.node) + "' (" +
                                 printable(n.node.opType) + "): " + what))}));
}

bool NodeImport::match(DimExprAttr a, DimExprAttr c) {
  if (a == c)
    return true;
  DimExprAttr x = importer.simplify(a), y = importer.simplify(c);
  if (x == y)
    return true;
  if (isNeverZero(importer, importer.simplify(graph::dimSub(x, y))))
    return false;
  using graph::DimExprKind;
  for (auto [one, whole] : {std::pair(x, y), std::pair(y, x)}) {
    if (DimExprAttr most = othersOf(whole, one, DimExprKind::Min)) {
      note(*this, one, graph::dimMin(one, most),
           graph::toString(one) + " is at most " + graph::toString(most));
      std::optional<int64_t> bound = graph::constantValue(most);
      if (one.isSymbol() && bound) {
        graph::DimRange &range = importer.ranges[one.getName().getValue()];
        if (range.upper < 0 || *bound < range.upper)
          range.upper = *bound;
      }
      return true;
    }
    if (DimExprAttr least = othersOf(whole, one, DimExprKind::Max)) {
      note(*this, graph::dimMin(one, least), least,
           graph::toString(one) + " is at least " + graph::toString(least));
      return true;
    }
  }
  if (x.isConstant())
    std::swap(x, y);
  note(*this, x, y, graph::toString(x) + " equals " + graph::toString(y));
  if (std::optional<int64_t> v = graph::constantValue(y); v && x.isSymbol())
    importer.ranges[x.getName().getValue()] = {*v, *v};
  return true;
}

Value NodeImport::assume(Value x, ArrayRef<DimExprAttr> to) {
  RankedTensorType target = graph::getTensorType(to, type(x).getElementType());
  return target == x.getType()
             ? x
             : graph::AssumeOp::create(b, loc, target, x).getResult();
}

/// Whether messages and types read better with `a` than with `c`.
static bool isSimpler(DimExprAttr a, DimExprAttr c) {
  auto weight = [](DimExprAttr e) {
    return e.isConstant() ? 0 : e.isSymbol() ? 1 : graph::toString(e).size();
  };
  return weight(a) < weight(c);
}

bool NodeImport::unify(MutableArrayRef<Value> operands,
                       ArrayRef<std::pair<unsigned, int64_t>> places) {
  DimExprAttr chosen;
  for (auto [i, axis] : places)
    if (DimExprAttr d = dims(operands[i])[axis];
        !chosen || isSimpler(d, chosen))
      chosen = d;
  for (auto [i, axis] : places) {
    SmallVector<DimExprAttr> to = dims(operands[i]);
    if (!match(to[axis], chosen))
      return false;
    to[axis] = chosen;
    operands[i] = assume(operands[i], to);
  }
  return true;
}

/// Elementwise operands: dims from the right, but for those that are 1.
static void alignElementwise(NodeImport &n, MutableArrayRef<Value> operands) {
  int64_t rank = 0;
  for (Value v : operands)
    rank = std::max(rank, n.type(v).getRank());
  for (int64_t back = 1; back <= rank; ++back) {
    SmallVector<std::pair<unsigned, int64_t>> places;
    for (auto [i, v] : llvm::enumerate(operands))
      if (int64_t axis = n.type(v).getRank() - back;
          axis >= 0 && graph::constantValue(n.dims(v)[axis]) != 1)
        places.push_back({i, axis});
    if (places.size() > 1 && !n.unify(operands, places))
      return;
  }
}

/// Operands of an einsum: dims of one letter.
static void alignEinsum(NodeImport &n, MutableArrayRef<Value> operands,
                        StringRef spec) {
  SmallVector<StringRef> terms;
  spec.split("->").first.split(terms, ',');
  if (terms.size() != operands.size())
    return;
  std::map<char, SmallVector<std::pair<unsigned, int64_t>>> letters;
  for (auto [i, term] : llvm::enumerate(terms)) {
    if (static_cast<int64_t>(term.size()) != n.type(operands[i]).getRank())
      return;
    for (auto [axis, letter] : llvm::enumerate(term))
      letters[letter].push_back({i, axis});
  }
  for (auto &[letter, places] : letters)
    if (places.size() > 1 && !n.unify(operands, places))
      return;
}

void NodeImport::align(StringRef op, MutableArrayRef<Value> operands,
                       ArrayRef<NamedAttribute> attributes) {
  auto find = [&](StringRef name) -> Attribute {
    for (NamedAttribute a : attributes)
      if (a.getName() == name)
        return a.getValue();
    return {};
  };
  static constexpr StringRef elementwise[] = {
      "graph.add", "graph.sub",     "graph.mul",   "graph.div", "graph.pow",
      "graph.mod", "graph.max",     "graph.min",   "graph.and", "graph.or",
      "graph.xor", "graph.compare", "graph.select"};
  if (llvm::is_contained(elementwise, op))
    return alignElementwise(*this, operands);
  if (op == "graph.einsum")
    return alignEinsum(*this, operands,
                       cast<StringAttr>(find("spec")).getValue());
  if (op == "graph.concat") {
    int64_t axis = cast<IntegerAttr>(find("axis")).getInt(),
            rank = type(operands[0]).getRank();
    for (Value v : operands)
      if (type(v).getRank() != rank)
        return;
    for (int64_t i = 0; i < rank; ++i) {
      SmallVector<std::pair<unsigned, int64_t>> places;
      for (unsigned k = 0; k < operands.size() && i != axis; ++k)
        places.push_back({k, i});
      if (i != axis && !unify(operands, places))
        return;
    }
  }
}

namespace {
/// An expression with its divisions taken to leave no rest.
struct Ratio {
  DimExprAttr numerator, denominator;
};
} // namespace

static Ratio
exactly(DimExprAttr expr,
        SmallVectorImpl<std::pair<DimExprAttr, DimExprAttr>> &divisions) {
  MLIRContext *context = expr.getContext();
  DimExprAttr one = graph::dimConstant(context, 1);
  using graph::DimExprKind;
  switch (expr.getKind()) {
  case DimExprKind::Add:
  case DimExprKind::Mul: {
    Ratio all = exactly(expr.getOperand(0), divisions);
    for (unsigned i = 1, e = expr.getOperands().size(); i < e; ++i) {
      Ratio next = exactly(expr.getOperand(i), divisions);
      if (expr.getKind() == DimExprKind::Mul)
        all.numerator = graph::dimMul(all.numerator, next.numerator);
      else
        all.numerator =
            graph::dimAdd(graph::dimMul(all.numerator, next.denominator),
                          graph::dimMul(next.numerator, all.denominator));
      all.denominator = graph::dimMul(all.denominator, next.denominator);
    }
    return all;
  }
  case DimExprKind::FloorDiv: {
    std::pair<DimExprAttr, DimExprAttr> division{expr.getOperand(0),
                                                 expr.getOperand(1)};
    Ratio a = exactly(division.first, divisions),
          c = exactly(division.second, divisions);
    if (!llvm::is_contained(divisions, division))
      divisions.push_back(division);
    return {graph::dimMul(a.numerator, c.denominator),
            graph::dimMul(a.denominator, c.numerator)};
  }
  default:
    return {expr, one};
  }
}

bool NodeImport::matchCount(DimExprAttr a, DimExprAttr c) {
  DimExprAttr x = importer.simplify(a), y = importer.simplify(c);
  if (x == y)
    return true;
  SmallVector<std::pair<DimExprAttr, DimExprAttr>> divisions;
  Ratio p = exactly(x, divisions), q = exactly(y, divisions);
  if (divisions.empty() || graph::dimMul(p.numerator, q.denominator) !=
                               graph::dimMul(q.numerator, p.denominator))
    return match(x, y);
  for (auto [whole, part] : divisions) {
    DimExprAttr rest = importer.simplify(graph::dimMod(whole, part));
    if (isNeverZero(importer, rest))
      return false;
    if (graph::constantValue(rest) != 0)
      note(*this, rest, dim(0),
           graph::toString(whole) + " divides by " + graph::toString(part) +
               " without a rest");
  }
  return true;
}

} // namespace actnet::onnx
