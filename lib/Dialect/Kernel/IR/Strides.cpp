//===- Strides.cpp - where the elements of a tensor lie -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Kernel/IR/Strides.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::kernel;
using graph::DimExprAttr;

Strides kernel::denseStrides(MLIRContext *context, ArrayRef<DimExprAttr> dims) {
  Strides strides(dims.size());
  DimExprAttr step = graph::dimConstant(context, 1);
  for (size_t i = dims.size(); i-- > 0; step = graph::dimMul(step, dims[i]))
    strides[i] = step;
  return strides;
}

bool kernel::sameStrides(ArrayRef<DimExprAttr> dims, ArrayRef<DimExprAttr> a,
                         ArrayRef<DimExprAttr> b) {
  if (a.size() != dims.size() || b.size() != dims.size())
    return false;
  for (size_t i = 0; i < dims.size(); ++i)
    if (a[i] != b[i] && graph::constantValue(dims[i]) != 1)
      return false;
  return true;
}

/// The shortest runs from `i` of `from` and from `j` of `to` with the same
/// number of elements: their ends.
static std::optional<std::pair<size_t, size_t>>
findRuns(MLIRContext *context, ArrayRef<DimExprAttr> from,
         ArrayRef<DimExprAttr> to, size_t i, size_t j) {
  DimExprAttr left = graph::dimConstant(context, 1);
  for (size_t iEnd = i; iEnd < from.size();) {
    left = graph::dimMul(left, from[iEnd++]);
    DimExprAttr right = graph::dimConstant(context, 1);
    for (size_t jEnd = j; jEnd < to.size();) {
      right = graph::dimMul(right, to[jEnd++]);
      if (left == right)
        return std::pair(iEnd, jEnd);
    }
  }
  return std::nullopt;
}

std::optional<Strides> kernel::reshapeStrides(MLIRContext *context,
                                              ArrayRef<DimExprAttr> from,
                                              ArrayRef<DimExprAttr> strides,
                                              ArrayRef<DimExprAttr> to) {
  // Dims of extent 1 say nothing about where elements lie.
  SmallVector<DimExprAttr> dims, steps;
  for (auto [dim, stride] : llvm::zip(from, strides))
    if (graph::constantValue(dim) != 1) {
      dims.push_back(dim);
      steps.push_back(stride);
    }
  DimExprAttr one = graph::dimConstant(context, 1);
  Strides result(to.size(), one);
  size_t i = 0, j = 0;
  while (true) {
    while (j < to.size() && graph::constantValue(to[j]) == 1)
      ++j;
    if (i == dims.size() || j == to.size())
      break;
    auto ends = findRuns(context, dims, to, i, j);
    if (!ends)
      return std::nullopt;
    auto [iEnd, jEnd] = *ends;
    // The dims of a run are one dim: each steps over the whole next one.
    for (size_t k = i; k + 1 < iEnd; ++k)
      if (steps[k] != graph::dimMul(dims[k + 1], steps[k + 1]))
        return std::nullopt;
    DimExprAttr step = steps[iEnd - 1];
    for (size_t k = jEnd; k-- > j; step = graph::dimMul(step, to[k]))
      result[k] = step;
    i = iEnd;
    j = jEnd;
  }
  if (i != dims.size() || j != to.size())
    return std::nullopt;
  return result;
}
