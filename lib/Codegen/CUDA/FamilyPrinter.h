//===- FamilyPrinter.h - schedules and text of one kernel -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each family derives from this class in a file of its own: `schedule` chooses
// how the kernel is cut, by shape and type alone, and `emit` prints what was
// chosen. The text of every kernel has the same parts:
//
//   #include "FAMILY.cuh"
//   // comment: name, grid, the model's nodes, operands with their shapes
//   functors()                  what the family's template calls
//   ACTNET_KERNEL(threads) NAME(operands, dims) { statements() }
//   ACTNET_ENTRY(NAME)
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_CUDA_FAMILYPRINTER_H
#define ACTNET_LIB_CODEGEN_CUDA_FAMILYPRINTER_H

#include "Printer.h"

#include <memory>

namespace actnet::cuda {

using Dims = llvm::SmallVector<graph::DimExprAttr>;

class FamilyPrinter {
public:
  explicit FamilyPrinter(kernel::FuncOp kernel) : kernel(kernel), p(kernel) {}
  virtual ~FamilyPrinter() = default;

  /// Sets `schedule`, `tiles` and `scratch`; one diagnostic where the kernel
  /// cannot be printed.
  virtual mlir::LogicalResult schedule() = 0;
  /// The text of a scheduled kernel.
  mlir::FailureOr<std::string> emit();

protected:
  /// The family's file in kernels/cuda.
  virtual llvm::StringRef header() const = 0;
  /// Reads the schedule; false where an entry is missing.
  virtual bool read() { return true; }
  virtual void functors() = 0;
  virtual void statements() = 0;

  //===--------------------------------------------------------------------===//
  // For schedules
  //===--------------------------------------------------------------------===//

  /// Sets `tiles`, no scratch and a schedule of `threads`, `shared` (bytes) and
  /// what the family adds.
  void
  setSchedule(graph::DimExprAttr tiles, int64_t threads, int64_t shared,
              llvm::ArrayRef<std::pair<llvm::StringRef, mlir::Attribute>> own);
  mlir::NamedAttribute named(llvm::StringRef name, mlir::Attribute value) {
    return {mlir::StringAttr::get(kernel.getContext(), name), value};
  }
  mlir::Attribute numberAttr(int64_t value);
  mlir::Attribute flagAttr(bool value);
  mlir::Attribute wordAttr(llvm::StringRef value);
  /// Entries of the schedule; 0 or empty where they are missing.
  int64_t number(llvm::StringRef name);
  llvm::StringRef word(llvm::StringRef name);

  //===--------------------------------------------------------------------===//
  // For text
  //===--------------------------------------------------------------------===//

  /// "NAME_" and a part, a functor's name.
  Text named(llvm::StringRef part);
  /// Members of a functor: in0 …, out0 …, d0 ….
  void members();
  /// "NAME_part{in0, …, out0, …, d0, …}".
  Text functor(llvm::StringRef part);
  /// "[d0, 64]".
  Text dimsText(llvm::ArrayRef<graph::DimExprAttr> dims);
  /// The place of the last dim that is not 1; 0 where all are.
  static unsigned lastDim(llvm::ArrayRef<graph::DimExprAttr> dims);
  /// Where the kernel's results at `at` ask for those of `root`: its iteration
  /// indices, null for reduced loops; nothing if at several places or only
  /// under a condition.
  std::optional<Indices> askedAt(mlir::linalg::GenericOp root,
                                 llvm::ArrayRef<Index> at);
  /// Dims of the root's loops that are reduced, and their places.
  Dims reducedDims(mlir::linalg::GenericOp root,
                   llvm::SmallVector<unsigned> &loops);
  /// A condition of C++: accesses of `vector` elements are possible. Besides
  /// what they need, V must divide `multiples`.
  Text isWide(const Printer::Wide &wide, int64_t vector,
              llvm::ArrayRef<graph::DimExprAttr> multiples);
  /// The value that the kernel yields as result i.
  mlir::Value yielded(unsigned i) {
    return kernel.getBody().front().getTerminator()->getOperand(i);
  }
  unsigned numResults() { return kernel.getResultTypes().size(); }
  mlir::Type resultElement(unsigned i) {
    return mlir::getElementTypeOrSelf(kernel.getResultTypes()[i]);
  }
  /// Generics that reduce, in order.
  llvm::SmallVector<mlir::linalg::GenericOp> roots();
  graph::DimExprAttr product(llvm::ArrayRef<graph::DimExprAttr> dims) {
    return graph::dimProduct(kernel.getContext(), dims);
  }
  graph::DimExprAttr constant(int64_t value) {
    return graph::dimConstant(kernel.getContext(), value);
  }

  kernel::FuncOp kernel;
  Printer p;

private:
  void comment();
  void entry();
  bool mayAlias(bool isResult, unsigned i);
  llvm::SmallVector<Text> names();
};

/// The printers of the families (Map.cpp, Reduce.cpp …). Null, with a
/// diagnostic, where a family cannot be printed.
std::unique_ptr<FamilyPrinter> makeMapPrinter(kernel::FuncOp kernel);
/// Null, without a diagnostic, where a map kernel turns no operand.
std::unique_ptr<FamilyPrinter> makeTransposePrinter(kernel::FuncOp kernel);
std::unique_ptr<FamilyPrinter> makeReducePrinter(kernel::FuncOp kernel);
std::unique_ptr<FamilyPrinter> makeRowPrinter(kernel::FuncOp kernel);
std::unique_ptr<FamilyPrinter> makeWindowPrinter(kernel::FuncOp kernel);
std::unique_ptr<FamilyPrinter> makeContractPrinter(kernel::FuncOp kernel);
std::unique_ptr<FamilyPrinter> makeConvPrinter(kernel::FuncOp kernel);
std::unique_ptr<FamilyPrinter> makeAttentionPrinter(kernel::FuncOp kernel);
std::unique_ptr<FamilyPrinter> makeScatterPrinter(kernel::FuncOp kernel);

} // namespace actnet::cuda

#endif // ACTNET_LIB_CODEGEN_CUDA_FAMILYPRINTER_H
