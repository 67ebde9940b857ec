//===- HostScatter.h - tiles of a scatter on the host ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile owns a box of the result, (o, r, i) of `kernel.scatter`: it brings
// what data holds there, then walks through all updates in their order and
// applies those whose index is in its box.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTSCATTER_H
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTSCATTER_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include <optional>

namespace actnet::kernel {

/// `schedule = {outer = 1, rows = 0, columns = 0}`.
struct HostScatter {
  /// Extents of a box, in elements; 0: all, for rows and columns alone.
  int64_t outer = 1, rows = 0, columns = 0;

  /// Nothing where the schedule is not of this kind.
  static std::optional<HostScatter> get(FuncOp kernel);
};

/// Chooses and sets schedule, tiles and scratch (none), by shape alone.
mlir::LogicalResult scheduleHostScatter(FuncOp kernel);

} // namespace actnet::kernel

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTSCATTER_H
