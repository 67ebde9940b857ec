//===- Placement.h - where each tensor of a function lies -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors that share bytes form a group: a value with its views and slices, a
// concat with its operands. Every group is bound to one root buffer; in-place
// results bind a further group to a root that is free from then on.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CONVERSION_KERNELTOACTOR_PLACEMENT_H
#define ACTNET_LIB_CONVERSION_KERNELTOACTOR_PLACEMENT_H

#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "llvm/ADT/DenseMap.h"

namespace actnet {

/// A buffer to be.
struct Root {
  actor::Region region = actor::Region::scratch;
  mlir::FlatSymbolRefAttr symbol; // weight, state
  int64_t index = 0;              // input, output
  graph::DimExprAttr size;        // bytes
  llvm::StringRef name;           // for listings
  /// Number of the dispatch that first writes it; -1 where none does.
  int64_t firstWrite = -1;
};

/// Where a tensor lies.
struct Place {
  unsigned root = 0;
  graph::DimExprAttr offset;                     // bytes from the root's start
  llvm::SmallVector<graph::DimExprAttr> dims;    // extents
  llvm::SmallVector<graph::DimExprAttr> strides; // elements
  bool inPlace = false; // took over the root from an operand
};

/// A copy that must run behind all dispatches.
struct FinalCopy {
  mlir::Value from;
  unsigned to; // root
};

/// The placement of one function.
class Placement {
public:
  explicit Placement(mlir::func::FuncOp function) : function(function) {}

  /// Places everything. Emits an error and fails where the kernel level's
  /// contract is broken. `variables` maps a variable's name to its symbol.
  mlir::LogicalResult
  run(const llvm::StringMap<mlir::FlatSymbolRefAttr> &variables);

  llvm::SmallVector<Root> roots;
  llvm::DenseMap<mlir::Value, Place> places;
  /// Concat operands that could not be placed: copied where the concat stands.
  llvm::DenseMap<mlir::Operation *,
                 llvm::SmallVector<std::pair<mlir::Value, Place>>>
      concatCopies;
  /// Copies to outputs, then those to states.
  llvm::SmallVector<FinalCopy> outputCopies, stateCopies;

  /// Bytes from the first to behind the last element of a place.
  graph::DimExprAttr spanBytes(const Place &place,
                               mlir::Type elementType) const;
  /// Whether the elements lie side by side, in row-major order.
  static bool isDense(const Place &place);

private:
  mlir::Value groupOf(mlir::Value value);
  void findGroups();
  mlir::LogicalResult
  placeArguments(const llvm::StringMap<mlir::FlatSymbolRefAttr> &variables);
  const Place &placeConcat(kernel::ConcatOp op);
  mlir::LogicalResult copyLooseParts(kernel::ConcatOp op);
  mlir::LogicalResult placeDispatch(kernel::DispatchOp op, int64_t position);
  mlir::LogicalResult placeView(kernel::ViewOp op);
  void placeSlice(kernel::SliceOp op);
  mlir::LogicalResult placeResults();
  bool takeOver(kernel::DispatchOp op, kernel::FuncOp callee, unsigned result,
                int64_t position);
  bool canBecomeState(mlir::Value value, mlir::Value variable);
  bool isWholeRoot(mlir::Value value) const;
  unsigned addRoot(Root root);
  Place densePlace(unsigned root, mlir::RankedTensorType type) const;
  mlir::LogicalResult checkStrides(kernel::DispatchOp op, mlir::Value value,
                                   llvm::ArrayRef<graph::DimExprAttr> declared,
                                   llvm::StringRef what, unsigned index);

  mlir::func::FuncOp function;
  /// Parts of a concat: operand to concat, and the axis' start in it.
  struct Part {
    kernel::ConcatOp concat;
    graph::DimExprAttr start;
  };
  llvm::DenseMap<mlir::Value, Part> parts;
  llvm::DenseMap<mlir::Value, mlir::Value> groups;
  /// Position of the last dispatch, or of the return, that reads a group.
  llvm::DenseMap<mlir::Value, int64_t> lastUse;
  llvm::DenseMap<mlir::Operation *, int64_t> positions;
  mlir::SymbolTableCollection symbols;
};

/// Emits the records of a placed function before it. Library calls share that
/// many bytes of scratch.
mlir::LogicalResult emitRecords(mlir::func::FuncOp function,
                                const Placement &placement,
                                int64_t workspaceBytes);

} // namespace actnet

#endif // ACTNET_LIB_CONVERSION_KERNELTOACTOR_PLACEMENT_H
