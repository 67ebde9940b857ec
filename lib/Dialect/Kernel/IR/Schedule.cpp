//===- Schedule.cpp - what a schedule may say of its kernel ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text of the kernel level can be edited, and code generators index by what a
// schedule holds: loops must exist, once each, and sizes must multiply within
// 64 bits. Whether a schedule is a good one is not asked here.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::kernel;

namespace {

/// The largest value of one entry, and of the product of all: elements or
/// bytes that no tile comes near.
constexpr int64_t kMostOfOne = 1 << 24, kMostOfAll = int64_t(1) << 40;

/// A loop that a schedule may name, with its extent where that is known.
struct Loop {
  int64_t number;
  std::optional<int64_t> extent;
};

/// Holds the groups of `name` to these loops: each once, in ascending order
/// within a group, and none left out but those of one iteration.
LogicalResult verifyGroups(FuncOp kernel, ArrayAttr groups, StringRef name,
                           ArrayRef<Loop> loops) {
  llvm::SmallSet<int64_t, 8> seen;
  for (Attribute entry : groups) {
    auto group = dyn_cast<DenseI64ArrayAttr>(entry);
    if (!group || group.empty())
      return kernel.emitOpError()
             << "schedule: " << name << " holds " << entry
             << ", expected a list of loops such as array<i64: 0, 1>";
    int64_t last = -1;
    for (int64_t number : group.asArrayRef()) {
      if (!llvm::any_of(loops,
                        [&](const Loop &l) { return l.number == number; })) {
        InFlightDiagnostic error = kernel.emitOpError()
                                   << "schedule: " << name << " names loop "
                                   << number << ", which is none of ";
        if (loops.empty())
          return error << "this kernel's: there are none";
        llvm::interleaveComma(loops, error,
                              [&](const Loop &l) { error << l.number; });
        return error;
      }
      if (!seen.insert(number).second)
        return kernel.emitOpError()
               << "schedule: " << name << " names loop " << number << " twice";
      if (number < last)
        return kernel.emitOpError()
               << "schedule: loops " << last << " and " << number
               << " of a group of " << name << " are not in ascending order";
      last = number;
    }
  }
  for (const Loop &loop : loops)
    if (loop.extent != 1 && !seen.contains(loop.number))
      return kernel.emitOpError()
             << "schedule: " << name << " leaves out loop " << loop.number;
  return success();
}

std::optional<int64_t> known(int64_t extent) {
  return ShapedType::isDynamic(extent) ? std::nullopt : std::optional(extent);
}

/// The schedule of map, reduce, pool and row on the host.
LogicalResult verifyNest(FuncOp kernel, DictionaryAttr schedule) {
  auto groups = schedule.getAs<ArrayAttr>("groups"),
       reduced = schedule.getAs<ArrayAttr>("reduced");
  auto results = kernel.getResultTypes();
  if (!groups || !reduced || results.empty())
    return success();
  SmallVector<linalg::GenericOp> roots;
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      roots.push_back(op);
  SmallVector<Loop> outer, inner;
  switch (kernel.getFamily()) {
  case Family::reduce:
  case Family::pool: {
    SmallVector<int64_t, 4> ranges = roots[0].getStaticLoopRanges();
    for (auto [i, type] : llvm::enumerate(roots[0].getIteratorTypesArray()))
      if (type == utils::IteratorType::reduction)
        inner.push_back({static_cast<int64_t>(i), known(ranges[i])});
    [[fallthrough]];
  }
  case Family::map: {
    auto shape = cast<RankedTensorType>(results[0]).getShape();
    for (auto [i, extent] : llvm::enumerate(shape))
      outer.push_back({static_cast<int64_t>(i), known(extent)});
    break;
  }
  case Family::row: {
    SmallVector<int64_t, 4> ranges = roots[0].getStaticLoopRanges();
    int64_t rows = ranges.size() - roots[0].getNumReductionLoops();
    for (auto [i, extent] : llvm::enumerate(ranges))
      (static_cast<int64_t>(i) < rows ? outer : inner)
          .push_back({static_cast<int64_t>(i), known(extent)});
    break;
  }
  default:
    return success();
  }
  if (failed(verifyGroups(kernel, groups, "groups", outer)) ||
      failed(verifyGroups(kernel, reduced, "reduced", inner)))
    return failure();
  auto within = [&](StringRef name, int64_t most) -> LogicalResult {
    auto value = schedule.getAs<IntegerAttr>(name);
    if (value && value.getInt() > most)
      return kernel.emitOpError()
             << "schedule: " << name << " is " << value.getInt() << " of "
             << groups.size() << " groups";
    return success();
  };
  int64_t count = groups.size();
  return success(succeeded(within("outer", count)) &&
                 succeeded(within("transpose", count - 1)));
}

} // namespace

LogicalResult kernel::verifySchedule(FuncOp kernel) {
  DictionaryAttr schedule = kernel.getScheduleAttr();
  if (!schedule)
    return success();
  int64_t product = 1;
  for (NamedAttribute entry : schedule) {
    auto value = dyn_cast<IntegerAttr>(entry.getValue());
    if (!value || isa<BoolAttr>(entry.getValue()))
      continue;
    // Nothing but the group of a transposition has a value for "none".
    int64_t least = entry.getName() == "transpose" ? -1 : 0;
    if (!value.getType().isInteger(64) || value.getInt() < least ||
        value.getInt() > kMostOfOne)
      return kernel.emitOpError()
             << "schedule: " << entry.getName().getValue() << " is " << value
             << ", expected a number from " << least << " to " << kMostOfOne;
    if (llvm::MulOverflow(product, std::max<int64_t>(1, value.getInt()),
                          product) ||
        product > kMostOfAll)
      return kernel.emitOpError("schedule: the product of its sizes is more "
                                "than 2^40: no tile is that large");
  }
  return verifyNest(kernel, schedule);
}
