//===- Families.cpp - the forms of kernel bodies --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One walk over the body sorts its ops into free ones, elementwise generics
// and roots; then each family says how many roots it takes and of which kind.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace actnet::kernel;

namespace {

bool isFree(Operation &op) {
  return isa<tensor::EmptyOp, linalg::FillOp, tensor::ExtractSliceOp,
             tensor::PadOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::SplatOp, tensor::DimOp, arith::ConstantOp, YieldOp>(op) ||
         llvm::all_of(op.getResultTypes(),
                      [](Type type) { return !isa<ShapedType>(type); });
}

bool isElementwise(linalg::GenericOp op) {
  return op.getNumReductionLoops() == 0 &&
         op.getNumParallelLoops() == op.getNumLoops();
}

/// Multiplies the inputs and adds to the output, casts in between allowed.
bool isMultiplyAdd(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return false;
  auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
  Operation *sum = yield.getValues()[0].getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum))
    return false;
  return llvm::any_of(sum->getOperands(), [](Value operand) {
    Operation *product = operand.getDefiningOp();
    while (isa_and_nonnull<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp,
                           arith::TruncFOp>(product))
      product = product->getOperand(0).getDefiningOp();
    return isa_and_nonnull<arith::MulFOp, arith::MulIOp>(product);
  });
}

/// Two operations: the scatter of three arguments, and the yield of its result.
LogicalResult verifyScatter(FuncOp kernel, ArrayRef<ScatterOp> scatters) {
  Block &block = kernel.getBody().front();
  bool holds =
      scatters.size() == 1 && block.getOperations().size() == 2 &&
      block.back().getOperands() == ValueRange(scatters[0]->getResults());
  if (holds)
    for (Value operand : scatters[0]->getOperands())
      holds &= isa<BlockArgument>(operand);
  return holds ? success()
               : kernel.emitOpError(
                     "family scatter takes one kernel.scatter of the kernel's "
                     "operands, whose result is the kernel's");
}

} // namespace

namespace actnet::kernel {

LogicalResult verifyFamily(FuncOp kernel) {
  Family family = kernel.getFamily();
  SmallVector<linalg::GenericOp> roots;
  SmallVector<AttentionOp> attentions;
  SmallVector<ScatterOp> scatters;
  for (Operation &op : kernel.getBody().front()) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      if (!isElementwise(generic)) {
        roots.push_back(generic);
      } else {
        for (OpOperand &init : generic.getDpsInitsMutable())
          if (!generic.getMatchingIndexingMap(&init).isPermutation())
            return generic.emitOpError(
                "an elementwise generic of a kernel writes each element "
                "once: its output map must be a permutation");
      }
      continue;
    }
    if (auto attention = dyn_cast<AttentionOp>(op)) {
      attentions.push_back(attention);
      continue;
    }
    if (auto scatter = dyn_cast<ScatterOp>(op)) {
      scatters.push_back(scatter);
      continue;
    }
    if (!isFree(op))
      return op.emitOpError()
             << "has no place in the body of a kernel of family "
             << stringifyFamily(family);
  }
  auto wrong = [&](StringRef expected) -> LogicalResult {
    return kernel.emitOpError()
           << "family " << stringifyFamily(family) << " takes " << expected
           << ", found " << roots.size() << " generics with reductions and "
           << attentions.size() << " attentions";
  };
  if (family == Family::scatter)
    return verifyScatter(kernel, scatters);
  if (!scatters.empty())
    return scatters[0].emitOpError()
           << "has no place in the body of a kernel of family "
           << stringifyFamily(family);
  if (family == Family::attention)
    return attentions.size() == 1 && roots.empty()
               ? success()
               : wrong("one kernel.attention");
  if (!attentions.empty())
    return wrong("no attention");
  switch (family) {
  case Family::map:
    return roots.empty() ? success() : wrong("elementwise generics only");
  case Family::row: {
    // All reductions run over the same number of trailing dims.
    std::optional<unsigned> reduced;
    for (linalg::GenericOp root : roots) {
      SmallVector<utils::IteratorType> iterators = root.getIteratorTypesArray();
      unsigned count = root.getNumReductionLoops();
      for (unsigned i = 0; i < iterators.size(); ++i)
        if ((iterators[i] == utils::IteratorType::reduction) !=
            (i >= iterators.size() - count))
          return root.emitOpError("a row kernel reduces over trailing dims");
      if (reduced && *reduced != count)
        return root.emitOpError() << "reduces over " << count
                                  << " dims, another over " << *reduced;
      reduced = count;
    }
    return roots.empty() ? wrong("at least one generic with reductions")
                         : success();
  }
  case Family::contract:
  case Family::conv:
  case Family::depthwise:
    if (roots.size() != 1)
      return wrong("one generic with reductions");
    return isMultiplyAdd(roots[0])
               ? success()
               : roots[0].emitOpError(
                     "must multiply its two inputs and add to its output");
  case Family::reduce:
  case Family::pool:
    return roots.size() == 1 ? success() : wrong("one generic with reductions");
  case Family::attention:
  case Family::scatter:
    break;
  }
  return success();
}

} // namespace actnet::kernel
