//===- Partition.h - which operations become one kernel -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fusion as a partition of a function's operations. Rewriting pairs is
// quadratic on long chains; a partition is made in one walk.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_PARTITION_H
#define ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_PARTITION_H

#include "Forms.h"

#include "actnet/Conversion/GraphToKernel/Passes.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace actnet {

/// What an operation is to fusion.
enum class Role {
  Constant, ///< a function of constants alone: part of a recipe
  View,     ///< a reshape, or a slice read in place: no kernel
  Free,     ///< costs nothing to compute again (broadcast, iota)
  Light,    ///< one cheap computation an element
  Heavy,    ///< the root of a kernel
  Join,     ///< a concat: its operands are written side by side
  Other,    ///< not an operation of the graph dialect (return)
};

Role roleOf(mlir::Operation *op, const Forms &forms);

/// One filter a channel: the depthwise family.
bool isDepthwise(graph::ConvOp op);
/// A matrix product of pixels and channels: the contract family.
bool isPointwise(graph::ConvOp op);

/// The operations of one kernel, in program order.
struct Group {
  llvm::SmallVector<mlir::Operation *> ops;
  /// The heavy operation, if there is one.
  mlir::Operation *root = nullptr;
  /// Values used outside: one result of `ops.back()`, then others.
  llvm::SmallVector<mlir::Value> outputs;
  kernel::Family family = kernel::Family::map;
  /// Producers that could not join, and why, for people.
  llvm::SmallVector<std::pair<mlir::Operation *, llvm::StringRef>> outside;
};

/// The partition of a function: groups in an order in which they can run
/// (that of their last operations).
struct Partition {
  llvm::SmallVector<Group, 0> groups;
  /// What its values are.
  Forms forms;
  /// The group whose last operation this is.
  llvm::DenseMap<mlir::Operation *, unsigned> groupOfLast;
};

/// Partitions the operations of a block with one result each. Each operation
/// of role Light or Heavy is in at least one group; only Free ones and views
/// are in several.
///
/// A value is computed by its consumer's kernel if all its uses are there, or
/// those elsewhere come later (then it is one more output); a kernel holds at
/// most one heavy operation, with elementwise work of its own shape behind it.
///
/// A contraction's kernel computes light producers of its left operand where
/// the target reads that through a functor anyway (cuda); the host's kernels
/// read memory.
Partition partition(mlir::Block &block, KernelTarget target);

} // namespace actnet

#endif // ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_PARTITION_H
