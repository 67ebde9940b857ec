//===- HostDepthwise.h - depthwise convolutions on the host ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the host reads a kernel of the family depthwise: loops (n, y, x, c, a, b)
// over a channels-last image, each channel by itself.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTDEPTHWISE_H
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTDEPTHWISE_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include <optional>

namespace actnet::kernel {

struct HostDepthwise {
  mutable mlir::linalg::GenericOp
      root;                       ///< A handle: MLIR's accessors are not const.
  unsigned image = 0, filter = 1; ///< Which inputs they are.
  unsigned n = 0, y = 0, x = 0, c = 0, a = 0, b = 0; ///< Loop numbers.
  llvm::SmallVector<int64_t> extents; ///< Of each loop; a, b, c are static.
  int64_t strideY = 1, strideX = 1, dilationY = 1, dilationX = 1;
  int64_t padY = 0, padX = 0; ///< Low padding.
  /// The image is an f32 argument, perhaps behind a pad with zeros; else its
  /// elements are computed where they are needed, and `pad` is null.
  bool inPlace = false;
  mutable mlir::tensor::PadOp pad;
  bool zeroInit = false;
  llvm::SmallVector<mlir::AffineMap> resultMaps;
};

/// Reads the root of a kernel; nothing where the fast code does not apply.
std::optional<HostDepthwise> readHostDepthwise(FuncOp kernel);

} // namespace actnet::kernel

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTDEPTHWISE_H
