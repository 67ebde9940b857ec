//===- HostNest.cpp - the loop nest of a host kernel ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Kernel/Transforms/HostNest.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/Transforms/Access.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::kernel;

using Groups = SmallVector<SmallVector<int64_t>>;

static Attribute groupsAttr(Builder &b, const Groups &groups) {
  SmallVector<Attribute> out;
  for (const auto &group : groups)
    out.push_back(b.getDenseI64ArrayAttr(group));
  return b.getArrayAttr(out);
}

DictionaryAttr HostNest::toAttr(MLIRContext *context) const {
  Builder b(context);
  return b.getDictionaryAttr({
      b.getNamedAttr("groups", groupsAttr(b, groups)),
      b.getNamedAttr("reduced", groupsAttr(b, reduced)),
      b.getNamedAttr("outer", b.getI64IntegerAttr(outer)),
      b.getNamedAttr("rows", b.getI64IntegerAttr(rows)),
      b.getNamedAttr("chunk", b.getI64IntegerAttr(chunk)),
      b.getNamedAttr("transpose", b.getI64IntegerAttr(transpose)),
      b.getNamedAttr("reduce_lanes", b.getBoolAttr(reduceLanes)),
  });
}

std::optional<HostNest> HostNest::get(FuncOp kernel) {
  DictionaryAttr schedule = kernel.getScheduleAttr();
  if (!schedule)
    return std::nullopt;
  HostNest nest;
  auto readGroups = [&](StringRef name, Groups &groups) {
    auto array = schedule.getAs<ArrayAttr>(name);
    if (!array)
      return false;
    for (Attribute entry : array) {
      auto group = dyn_cast<DenseI64ArrayAttr>(entry);
      if (!group || group.empty() ||
          llvm::any_of(group.asArrayRef(), [](int64_t d) { return d < 0; }))
        return false;
      groups.push_back(llvm::to_vector(group.asArrayRef()));
    }
    return true;
  };
  auto readInt = [&](StringRef name, int64_t &value) {
    auto attribute = schedule.getAs<IntegerAttr>(name);
    if (attribute)
      value = attribute.getInt();
    return bool(attribute);
  };
  auto lanes = schedule.getAs<BoolAttr>("reduce_lanes");
  if (!readGroups("groups", nest.groups) ||
      !readGroups("reduced", nest.reduced) || !readInt("outer", nest.outer) ||
      !readInt("rows", nest.rows) || !readInt("chunk", nest.chunk) ||
      !readInt("transpose", nest.transpose) || !lanes)
    return std::nullopt;
  nest.reduceLanes = lanes.getValue();
  if (nest.outer < 0 || nest.outer > static_cast<int64_t>(nest.groups.size()) ||
      nest.rows < 1 || nest.chunk < 0)
    return std::nullopt;
  return nest;
}

graph::DimExprAttr HostNest::tiles(MLIRContext *context,
                                   ArrayRef<graph::DimExprAttr> dims) const {
  auto rowCount = graph::dimConstant(context, 1);
  for (int64_t g = 0; g < outer; ++g)
    for (int64_t d : groups[g])
      rowCount = graph::dimMul(rowCount, dims[d]);
  auto count = graph::dimCeilDiv(rowCount, graph::dimConstant(context, rows));
  if (chunk) {
    auto length = graph::dimConstant(context, 1);
    for (int64_t d : groups.back())
      length = graph::dimMul(length, dims[d]);
    count = graph::dimMul(
        count, graph::dimCeilDiv(length, graph::dimConstant(context, chunk)));
  }
  return count;
}

SmallVector<RowTemporary> kernel::rowTemporaries(FuncOp kernel) {
  constexpr int64_t dear = 12, most = 1 << 20;
  SmallVector<linalg::GenericOp> generics(
      kernel.getBody().getOps<linalg::GenericOp>());
  SmallVector<linalg::GenericOp> roots;
  for (linalg::GenericOp op : generics)
    if (op.getNumReductionLoops())
      roots.push_back(op);
  if (roots.empty())
    return {};
  unsigned rank = roots[0].getNumLoops();
  unsigned rowRank = rank - roots[0].getNumReductionLoops();
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());

  SmallVector<RowTemporary> out;
  int64_t offset = 0;
  llvm::DenseSet<Value> stops;
  for (linalg::GenericOp op : generics) {
    if (op.getNumReductionLoops() || op.getNumResults() != 1 ||
        op.getNumLoops() != rank)
      continue;
    Value tensor = op.getResult(0);
    auto type = cast<RankedTensorType>(tensor.getType());
    // How dear the value is, given what is kept already.
    AccessWalk own(kernel, rank);
    own.stops = stops;
    SmallVector<SymbolicIndex> dims;
    for (unsigned d = 0; d < rank; ++d)
      dims.push_back(own.dim(d));
    own.tensor(tensor, dims);
    int64_t elements = 1;
    for (int64_t extent : type.getShape().drop_front(rowRank))
      elements = ShapedType::isDynamic(extent)
                     ? most
                     : elements * std::min(extent, most);
    unsigned bits =
        type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
    int64_t bytes = elements * std::max<int64_t>(4, bits / 8);
    if (own.cost < dear || bytes > most || bits == 1)
      continue;
    // Loops that need it at the row's own indices.
    unsigned loops = 0;
    bool aligned = true;
    auto count = [&](llvm::function_ref<void(AccessWalk &)> start) {
      AccessWalk walk(kernel, rank);
      walk.stops = stops;
      walk.stops.insert(tensor);
      // Row values were computed by loops before.
      for (linalg::GenericOp root : roots)
        walk.stops.insert(root.getResult(0));
      bool found = false;
      walk.onStop = [&](Value stop, ArrayRef<SymbolicIndex> at) {
        if (stop != tensor)
          return;
        found = true;
        aligned &= at == ArrayRef<SymbolicIndex>(dims);
      };
      start(walk);
      loops += found;
    };
    for (linalg::GenericOp root : roots)
      count([&](AccessWalk &walk) { walk.inputs(root, dims); });
    count([&](AccessWalk &walk) {
      for (Value value : yield.getValues())
        if (cast<RankedTensorType>(value.getType()).getRank() ==
            static_cast<int64_t>(rank))
          walk.tensor(value, dims);
    });
    if (loops < 2 || !aligned)
      continue;
    out.push_back({tensor, offset, bytes});
    offset += (bytes + 63) / 64 * 64;
    stops.insert(tensor);
  }
  return out;
}
