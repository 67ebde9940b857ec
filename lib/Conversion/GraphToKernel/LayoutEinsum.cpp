//===- LayoutEinsum.cpp - einsums in the form that kernels take -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `batch… m… k, batch… k n -> batch… m… n` with single letters for k and n.
// Several contracted or free right letters are merged by a reshape; none
// become a dim of extent 1.
//
//===----------------------------------------------------------------------===//

#include "Layout.h"

#include "actnet/Dialect/Graph/IR/Contract.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"

using namespace mlir;

namespace actnet {

using graph::DimExprAttr;

namespace {
/// The letters of a spec by role, in the order in which the result (batch, m,
/// n) or the left operand (k) has them.
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
  roles.m = pick(out, [&](char c) { return in(lhs, c) && !in(rhs, c); });
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

Value canonicalizeEinsum(OpBuilder &b, graph::EinsumOp op) {
  auto [operands, out] = op.getSpec().split("->");
  auto [lhs, rhs] = operands.split(",");
  Roles roles = findRoles(lhs, rhs, out);
  std::string left = roles.batch + roles.m + roles.k;
  std::string right = roles.batch + roles.k + roles.n;
  std::string result = roles.batch + roles.m + roles.n;
  if (lhs == left && rhs == right && out == result && roles.k.size() == 1 &&
      roles.n.size() == 1)
    return nullptr;
  Location loc = op.getLoc();
  size_t nb = roles.batch.size();
  SmallVector<DimExprAttr> outDims =
      graph::getDims(cast<RankedTensorType>(op.getType()));
  Value x = arrange(b, loc, op.getLhs(), lhs, left, nb + roles.m.size(),
                    roles.k.size());
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
