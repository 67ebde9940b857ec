//===- LayoutEinsum.cpp - einsums in the form that kernels take -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `batch… m… k, batch… k n -> batch… m… n` with single letters for k and n.
// Several contracted or free right letters are merged by a reshape; none
// become a dim of extent 1. A transpose of the left operand that moves free
// dims becomes one of the result: those move on.
//
//===----------------------------------------------------------------------===//

#include "Layout.h"

#include "actnet/Dialect/Graph/IR/Contract.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"

using namespace mlir;

namespace actnet {

using graph::DimExprAttr;

namespace {
/// The letters of a spec by role, in the order in which the result (batch, n)
/// or the left operand (m, k) has them.
struct Roles {
  std::string batch, m, n, k;
};
} // namespace

static std::string pick(StringRef order,
                        llvm::function_ref<bool(char)> wanted) {
  std::string letters;
  for (char c : order)
    if (wanted(c))
      letters += c;
  return letters;
}

static Roles findRoles(StringRef lhs, StringRef rhs, StringRef out) {
  auto in = [](StringRef s, char c) { return s.contains(c); };
  Roles roles;
  roles.batch = pick(out, [&](char c) { return in(lhs, c) && in(rhs, c); });
  roles.m = pick(lhs, [&](char c) { return in(out, c) && !in(rhs, c); });
  roles.n = pick(out, [&](char c) { return !in(lhs, c) && in(rhs, c); });
  roles.k = pick(lhs, [&](char c) { return in(rhs, c) && !in(out, c); });
  return roles;
}

/// Brings x to `letters`, then merges the last `merge` of them into one dim.
static Value arrange(OpBuilder &b, Location loc, Value x, StringRef from,
                     StringRef letters, size_t mergeBegin, size_t mergeCount) {
  x = createTranspose(b, loc, x, *graph::layoutPositions(from, letters));
  if (mergeCount == 1)
    return x;
  SmallVector<DimExprAttr> dims =
      graph::getDims(cast<RankedTensorType>(x.getType()));
  ArrayRef<DimExprAttr> all(dims);
  SmallVector<DimExprAttr> merged(all.take_front(mergeBegin));
  merged.push_back(
      graph::dimProduct(b.getContext(), all.slice(mergeBegin, mergeCount)));
  llvm::append_range(merged, all.drop_front(mergeBegin + mergeCount));
  return createReshape(b, loc, x, merged);
}

/// The letters of a transpose's source, of those of its result.
static std::string lettersOfSource(graph::TransposeOp transpose,
                                   StringRef letters) {
  std::string source(letters);
  for (auto [i, p] : llvm::enumerate(transpose.getPerm()))
    source[p] = letters[i];
  return source;
}

Value absorbTransposes(OpBuilder &b, graph::AttentionOp op) {
  SmallVector<Value> operands(op->getOperands());
  std::string layouts[] = {op.getQLayout().str(), op.getKLayout().str(),
                           op.getVLayout().str()};
  bool followsQ =
      op.getYLayout().drop_back() == StringRef(layouts[0]).drop_back();
  for (auto [operand, layout] : llvm::zip(operands, layouts))
    if (auto transpose = operand.getDefiningOp<graph::TransposeOp>()) {
      layout = lettersOfSource(transpose, layout);
      operand = transpose.getX();
    }
  if (layouts[0] == op.getQLayout() && layouts[1] == op.getKLayout() &&
      layouts[2] == op.getVLayout())
    return nullptr;
  // The result's rows in the order of the queries' rows.
  std::string y = op.getYLayout().str();
  if (followsQ) {
    y = layouts[0];
    std::replace(y.begin(), y.end(), 'd', 'e');
  }
  SmallVector<DimExprAttr> dims = graph::getDims(op.getType()), permuted;
  for (char c : y)
    permuted.push_back(dims[op.getYLayout().find(c)]);
  OperationState state(op.getLoc(), op->getName());
  state.addOperands(operands);
  state.propertiesAttr = op->getPropertiesAsAttribute();
  state.addTypes(graph::getTensorType(
      permuted, cast<RankedTensorType>(op.getType()).getElementType()));
  auto made = cast<graph::AttentionOp>(b.create(state));
  made.setQLayout(layouts[0]);
  made.setKLayout(layouts[1]);
  made.setVLayout(layouts[2]);
  made.setYLayout(y);
  return createTranspose(b, op.getLoc(), made.getResult(),
                         *graph::layoutPositions(y, op.getYLayout()));
}

Value expandRows(OpBuilder &b, graph::EinsumOp op) {
  auto rows = op.getLhs().getDefiningOp<graph::ReshapeOp>();
  auto transpose =
      rows ? rows.getX().getDefiningOp<graph::TransposeOp>() : nullptr;
  auto [operands, out] = op.getSpec().split("->");
  auto [lhs, rhs] = operands.split(",");
  if (!transpose || lhs.size() != 2 || rhs.size() != 2 || out.size() != 2 ||
      lhs[0] != out[0] || rhs.contains(lhs[0]) || !rhs.contains(lhs[1]) ||
      !rhs.contains(out[1]))
    return nullptr;
  SmallVector<DimExprAttr> from =
      graph::getDims(cast<RankedTensorType>(rows.getX().getType()));
  SmallVector<DimExprAttr> merged =
      graph::getDims(cast<RankedTensorType>(rows.getType()));
  // As many leading dims as make the rows; the others make the columns.
  size_t count = 0;
  DimExprAttr product = graph::dimConstant(op.getContext(), 1);
  while (count < from.size() && product != merged[0])
    product = graph::dimMul(product, from[count++]);
  if (product != merged[0] || count < 2 || count > 8 || count == from.size())
    return nullptr;
  std::string letters;
  for (char c = 'A'; letters.size() < count; ++c)
    if (!op.getSpec().contains(c))
      letters += c;
  Location loc = op.getLoc();
  SmallVector<DimExprAttr> dims(ArrayRef(from).take_front(count));
  dims.push_back(merged[1]);
  std::string spec =
      letters + lhs[1] + "," + rhs.str() + "->" + letters + out[1];
  Value x = createReshape(b, loc, rows.getX(), dims);
  Value y = graph::EinsumOp::create(b, loc, spec, x, op.getRhs());
  return createReshape(b, loc, y,
                       graph::getDims(cast<RankedTensorType>(op.getType())));
}

Value canonicalizeEinsum(OpBuilder &b, graph::EinsumOp op) {
  auto [operands, out] = op.getSpec().split("->");
  auto [asWritten, rhs] = operands.split(",");
  std::string lhs = asWritten.str();
  Value lhsValue = op.getLhs();
  if (auto transpose = lhsValue.getDefiningOp<graph::TransposeOp>()) {
    lhs = lettersOfSource(transpose, lhs);
    lhsValue = transpose.getX();
  }
  Roles roles = findRoles(lhs, rhs, out);
  std::string left = roles.batch + roles.m + roles.k;
  std::string right = roles.batch + roles.k + roles.n;
  std::string result = roles.batch + roles.m + roles.n;
  if (lhsValue == op.getLhs() && lhs == left && rhs == right && out == result &&
      roles.k.size() == 1 && roles.n.size() == 1)
    return nullptr;
  Location loc = op.getLoc();
  size_t nb = roles.batch.size();
  SmallVector<DimExprAttr> outDims =
      graph::getDims(cast<RankedTensorType>(op.getType()));
  Value x =
      arrange(b, loc, lhsValue, lhs, left, nb + roles.m.size(), roles.k.size());
  Value y = arrange(b, loc, op.getRhs(), rhs, right, nb, roles.k.size());
  // The right operand's free letters are last, behind the merged k.
  if (roles.n.size() != 1) {
    SmallVector<DimExprAttr> dims =
        graph::getDims(cast<RankedTensorType>(y.getType()));
    ArrayRef<DimExprAttr> all(dims);
    SmallVector<DimExprAttr> merged(all.take_front(nb + 1));
    merged.push_back(graph::dimProduct(b.getContext(), all.drop_front(nb + 1)));
    y = createReshape(b, loc, y, merged);
  }
  // Fresh letters for the merged dims: capitals that the spec does not use.
  auto fresh = [&](char avoid) {
    for (char c = 'A'; c <= 'Z'; ++c)
      if (c != avoid && !op.getSpec().contains(c))
        return c;
    llvm_unreachable("an einsum has fewer than 26 letters");
  };
  char k = fresh(0), n = fresh(k);
  std::string spec = roles.batch + roles.m + k + "," + roles.batch + k + n +
                     "->" + roles.batch + roles.m + n;
  Value product = graph::EinsumOp::create(b, loc, spec, x, y);
  // Back to separate free letters, then to the order of the result.
  SmallVector<DimExprAttr> dims;
  for (char c : result)
    dims.push_back(outDims[out.find(c)]);
  product = createReshape(b, loc, product, dims);
  return createTranspose(b, loc, product, *graph::layoutPositions(result, out));
}

} // namespace actnet
