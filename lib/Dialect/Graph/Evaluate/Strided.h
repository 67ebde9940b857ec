//===- Strided.h - walking and copying strided tensors --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_LIB_DIALECT_GRAPH_EVALUATE_STRIDED_H
#define ACTNET_LIB_DIALECT_GRAPH_EVALUATE_STRIDED_H

#include "actnet/Dialect/Graph/IR/Evaluate.h"

namespace actnet::graph::eval {

/// Row-major strides in elements.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);

/// Strides with which a tensor of `shape` is read as one of `target`: 0 where
/// it is broadcast, aligned at the right.
llvm::SmallVector<int64_t> broadcastStrides(llvm::ArrayRef<int64_t> shape,
                                            llvm::ArrayRef<int64_t> target);

/// A nest of loops over `shape` that carries one offset for each list of
/// strides. Adjacent dims that every list can walk as one are joined, and dims
/// of extent 1 dropped.
class StridedLoop {
public:
  StridedLoop(llvm::ArrayRef<int64_t> shape,
              llvm::ArrayRef<llvm::SmallVector<int64_t>> strides);

  /// Calls `row(offsets, count)` for each row: `count` elements along the
  /// innermost dim, whose strides are `innerStride(i)`. Never for an empty
  /// shape.
  void forEachRow(
      llvm::function_ref<void(llvm::ArrayRef<int64_t>, int64_t)> row) const;
  int64_t innerStride(unsigned list) const { return strides[list].back(); }

  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  llvm::ArrayRef<int64_t> getStrides(unsigned list) const {
    return strides[list];
  }

private:
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<llvm::SmallVector<int64_t>> strides;
};

/// Copies `shape` elements of `elementBytes` bytes between two strided places;
/// strides in elements. Where rows of one side are columns of the other it
/// copies in blocks that stay in the cache.
void copyStrided(llvm::ArrayRef<int64_t> shape, char *to,
                 llvm::ArrayRef<int64_t> toStrides, const char *from,
                 llvm::ArrayRef<int64_t> fromStrides, int64_t elementBytes);

/// The tensor with dim i taken from dim `perm[i]`; shares the bytes where the
/// order in memory stays.
HostTensor transposed(const HostTensor &tensor, llvm::ArrayRef<int64_t> perm);

} // namespace actnet::graph::eval

#endif // ACTNET_LIB_DIALECT_GRAPH_EVALUATE_STRIDED_H
