//===- Regions.h - which bytes of a buffer a record touches ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel's operand is a box of bytes in a buffer: extents and strides, in
// terms of the dims. The verifier of the records asks whether one box lies in
// others, and whether two are apart. What the forms of the expressions do not
// show is computed for some values of the dims: an error there is an error;
// none is taken for a proof. Shares no code with what places the buffers.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_DIALECT_ACTOR_TRANSFORMS_REGIONS_H
#define ACTNET_LIB_DIALECT_ACTOR_TRANSFORMS_REGIONS_H

#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace actnet::actor {

/// What is known about the dims of one function: their bounds, and the checks
/// that a job has passed before it runs.
class Facts {
public:
  Facts(mlir::ModuleOp module, FuncOp function);

  /// Whether the form of the expressions shows a >= b for all dims.
  bool proves(graph::DimExprAttr a, graph::DimExprAttr b) const;
  /// Values of the dims for which `holds` returns false, as "N = 3, M = 4" or
  /// " "; empty where there are none. `holds` gets a function that evaluates
  /// expressions, and says true where one has no value.
  using Evaluate =
      llvm::function_ref<std::optional<int64_t>(graph::DimExprAttr)>;
  std::string disproves(llvm::function_ref<bool(Evaluate)> holds) const;
  /// As `disproves` for a >= b, where that is not shown.
  std::string isBelow(graph::DimExprAttr a, graph::DimExprAttr b) const;
  /// As `disproves` for a == b, where that is not shown.
  std::string isOther(graph::DimExprAttr a, graph::DimExprAttr b) const;

private:
  using Point = llvm::StringMap<int64_t>;
  bool isAllowed(const Point &point, mlir::ArrayAttr checks) const;

  llvm::StringMap<std::pair<int64_t, int64_t>> bounds;
  llvm::SmallVector<Point> points;
};

/// Bytes of a root; outermost dims first, the last one a run of bytes.
struct Box {
  graph::DimExprAttr offset;
  llvm::SmallVector<graph::DimExprAttr> dims, strides; // bytes

  /// A run of bytes.
  static Box run(graph::DimExprAttr offset, graph::DimExprAttr size);
  /// Elements of these dims and strides (in elements) from the first byte on.
  static Box elements(llvm::ArrayRef<graph::DimExprAttr> dims,
                      llvm::ArrayRef<graph::DimExprAttr> strides,
                      int64_t elementBytes, mlir::MLIRContext *context);
  /// Bytes from the first to behind the last one.
  graph::DimExprAttr span() const;
  bool isRun() const { return dims.size() == 1; }
  bool operator==(const Box &other) const = default;
};

/// Joins boxes that lie side by side, as far as their forms show it.
void joinBoxes(llvm::SmallVectorImpl<Box> &boxes);

/// Values of the dims for which a byte of `box` is in none of `boxes`, as
/// Facts::disproves gives them.
std::string findUncovered(const Box &box, llvm::ArrayRef<Box> boxes,
                          const Facts &facts);
/// Values of the dims for which two boxes share a byte.
std::string findOverlap(const Box &a, const Box &b, const Facts &facts);

} // namespace actnet::actor

#endif // ACTNET_LIB_DIALECT_ACTOR_TRANSFORMS_REGIONS_H
