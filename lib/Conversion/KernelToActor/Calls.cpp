//===- Calls.cpp - which kernels a library runs ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Calls.h"

#include "actnet/Package/LibraryCall.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace actnet;
using graph::DimExprAttr;

/// Rows, columns and summands below which a tile of the library's is mostly
/// empty.
static constexpr int64_t kLeastExtent = 64;
/// Multiplications below which a product is over before a library has begun:
/// a cube of 160.
static constexpr int64_t kLeastWork = int64_t(1) << 22;

DimExprAttr actnet::substituteDims(DimExprAttr expr, kernel::DispatchOp op) {
  return graph::dimSubstitute(expr, [&](StringRef name) -> DimExprAttr {
    size_t i;
    if (!name.consume_front("d") || name.getAsInteger(10, i) ||
        i >= op.getDims().size())
      return {};
    return cast<DimExprAttr>(op.getDims()[i]);
  });
}

/// The value at the lower bounds of the dims; a dim of 0 counts as 1, since a
/// job of nothing costs nothing. A cost, not a proof: expressions that fall
/// while a dim grows are rare.
static int64_t least(ModuleOp module, DimExprAttr expr) {
  auto bounds =
      module->getAttrOfType<DictionaryAttr>(graph::GraphDialect::kDimsAttr);
  auto value =
      graph::dimEvaluate(expr, [&](StringRef name) -> std::optional<int64_t> {
        auto range = bounds ? bounds.getAs<DenseI64ArrayAttr>(name)
                            : DenseI64ArrayAttr();
        return range && range.size() == 2 ? std::max<int64_t>(range[0], 1) : 1;
      });
  return value.value_or(0);
}

/// Why a kernel is better; empty where the call is.
static std::string whyKernel(kernel::DispatchOp op, const LibraryWork &work) {
  ModuleOp module = op->getParentOfType<ModuleOp>();
  auto extent = [&](pkg::MatmulDim which) {
    return least(module, cast<DimExprAttr>(work.dims[size_t(which)]));
  };
  int64_t product = extent(pkg::MatmulDim::batch);
  for (auto [which, name] : {std::pair(pkg::MatmulDim::rows, "columns"),
                             std::pair(pkg::MatmulDim::columns, "rows"),
                             std::pair(pkg::MatmulDim::inner, "summands")}) {
    int64_t own = extent(which);
    if (own < kLeastExtent)
      return "as few as " + std::to_string(own) + " " + name +
             ", the least for the library is " + std::to_string(kLeastExtent);
    if (__builtin_mul_overflow(product, own, &product))
      product = INT64_MAX;
  }
  if (product < kLeastWork)
    return "as few as " + std::to_string(product) +
           " multiplications, the least for the library is " +
           std::to_string(kLeastWork);
  return {};
}

/// A library's operands are no part of what it writes.
static bool sharesBuffer(kernel::DispatchOp op, const Placement &placement) {
  const Place &result = placement.places.at(op.getResult(0));
  return result.inPlace || llvm::any_of(op.getOperands(), [&](Value operand) {
           return placement.places.at(operand).root == result.root;
         });
}

std::optional<LibraryWork> actnet::chooseCall(kernel::DispatchOp op,
                                              kernel::FuncOp callee,
                                              const Placement &placement) {
  DictionaryAttr schedule = callee.getScheduleAttr();
  auto library =
      schedule ? schedule.getAs<DictionaryAttr>("library") : DictionaryAttr();
  auto config = library ? library.getAs<StringAttr>("config") : StringAttr();
  auto dims = library ? library.getAs<ArrayAttr>("dims") : ArrayAttr();
  if (!config || !dims || dims.size() != pkg::matmulDims ||
      op.getNumResults() != 1)
    return std::nullopt;
  LibraryWork work;
  work.config = config;
  for (Attribute dim : dims) {
    auto expr = dyn_cast<DimExprAttr>(dim);
    if (!expr)
      return std::nullopt;
    work.dims.push_back(substituteDims(expr, op));
  }
  std::string why = sharesBuffer(op, placement)
                        ? "its result lies in the buffer of an operand"
                    : library.get("forced") ? std::string()
                                            : whyKernel(op, work);
  auto text = [&](pkg::MatmulDim which) {
    return graph::toString(cast<DimExprAttr>(work.dims[size_t(which)]));
  };
  if (op.getContext()->getRemarkEngine())
    remark::analysis(op.getLoc(), remark::RemarkOpts::name("call").category(
                                      "kernel-to-actor"))
        << op.getLayer().value_or(op.getCallee()) << " (@" << op.getCallee()
        << "): "
        << (why.empty()
                ? "called as a product of cuBLASLt, (" +
                      text(pkg::MatmulDim::columns) + ") x (" +
                      text(pkg::MatmulDim::rows) + ") over " +
                      text(pkg::MatmulDim::inner) + ", batch " +
                      text(pkg::MatmulDim::batch) + ", " + config.str() +
                      "; the kernel runs where the library can't"
                : "launched, and not called as a product of "
                  "cuBLASLt: " +
                      why);
  return why.empty() ? std::optional(work) : std::nullopt;
}
