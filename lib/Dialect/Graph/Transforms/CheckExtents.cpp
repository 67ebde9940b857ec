//===- CheckExtents.cpp - what dims must be -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/DimBounds.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace actnet::graph {
#define GEN_PASS_DEF_GRAPHCHECKEXTENTS
#include "actnet/Dialect/Graph/Transforms/Passes.h.inc"
} // namespace actnet::graph

using namespace mlir;
using namespace actnet::graph;

namespace {
/// Collects the checks of one function.
class Extents {
public:
  Extents(func::FuncOp function, DictionaryAttr bounds)
      : function(function), bounds(bounds), b(function.getContext()) {}

  void run() {
    if (auto known =
            function->getAttrOfType<ArrayAttr>(GraphDialect::kChecksAttr))
      for (Attribute entry : known) {
        checks.push_back(entry);
        auto check = dyn_cast<DictionaryAttr>(entry);
        auto least = check ? check.getAs<IntegerAttr>("least") : IntegerAttr();
        if (least)
          seen[check.get("extent")] = least.getInt();
      }
    for (Operation &op : function.getBody().front().without_terminator())
      visit(op);
    if (!checks.empty())
      function->setAttr(GraphDialect::kChecksAttr, b.getArrayAttr(checks));
  }

private:
  void visit(Operation &op) {
    if (auto conv = dyn_cast<ConvOp>(op))
      windowed(op, conv.getOutputLayout());
    else if (auto conv = dyn_cast<ConvTransposeOp>(op))
      windowed(op, conv.getOutputLayout());
    else if (auto pool = dyn_cast<PoolOp>(op))
      windowed(op, pool.getLayout());
    else if (auto slice = dyn_cast<SliceOp>(op))
      within(slice);
    else if (isa<GatherOp, GatherElementsOp>(op))
      gathered(op);
    else if (auto assume = dyn_cast<AssumeOp>(op))
      assumed(assume);
    for (Value result : op.getResults())
      for (auto [axis, dim] :
           llvm::enumerate(getDims(cast<RankedTensorType>(result.getType()))))
        require(op, dim, 0, [&, axis = axis, dim = dim] {
          return "dim " + std::to_string(axis) + " of the result, " +
                 toString(dim);
        });
  }

  void windowed(Operation &op, StringRef layout) {
    auto dims = getDims(cast<RankedTensorType>(op.getResult(0).getType()));
    for (auto [axis, dim] : llvm::enumerate(dims))
      if (layout[axis] != 'n' && layout[axis] != 'c')
        require(op, dim, 1, [&, axis = axis, dim = dim] {
          return "windows of dim " + std::to_string(axis) + ", " +
                 toString(dim);
        });
  }

  void within(SliceOp op) {
    ArrayRef<DimExprAttr> starts = op.getStarts().getDims(),
                          sizes = op.getSizes().getDims();
    auto dims = getDims(cast<RankedTensorType>(op.getX().getType()));
    for (auto [axis, dim] : llvm::enumerate(dims)) {
      if (constantValue(sizes[axis]) == 0)
        continue;
      int64_t step = op.getSteps()[axis];
      DimExprAttr one = dimConstant(op.getContext(), 1),
                  last = dimAdd(starts[axis],
                                dimMul(dimSub(sizes[axis], one),
                                       dimConstant(op.getContext(), step)));
      DimExprAttr low = step > 0 ? starts[axis] : last,
                  high = step > 0 ? last : starts[axis];
      auto name = [&, axis = axis](StringRef what, DimExprAttr e) {
        return what.str() + " of the slice of dim " + std::to_string(axis) +
               ", " + toString(e);
      };
      require(*op, low, 0, [&] { return name("the start", low); });
      DimExprAttr rest = dimSub(dimSub(dim, one), high);
      require(*op, rest, 0, [&] { return name("what is left behind", rest); });
    }
  }

  void gathered(Operation &op) {
    auto dims = getDims(cast<RankedTensorType>(op.getOperand(0).getType()));
    auto indices = cast<RankedTensorType>(op.getOperand(1).getType());
    int64_t axis =
        isa<GatherOp>(op)
            ? static_cast<int64_t>(cast<GatherOp>(op).getAxis())
            : static_cast<int64_t>(cast<GatherElementsOp>(op).getAxis());
    if (constantValue(dimProduct(op.getContext(), getDims(indices))) == 0)
      return;
    require(op, dims[axis], 1, [&] {
      return "dim " + std::to_string(axis) + " that is gathered from, " +
             toString(dims[axis]);
    });
  }

  void assumed(AssumeOp op) {
    for (auto [axis, pair] : llvm::enumerate(
             llvm::zip(getDims(cast<RankedTensorType>(op.getX().getType())),
                       getDims(cast<RankedTensorType>(op.getType()))))) {
      auto [is, said] = pair;
      if (is == said || isKnown(is, said))
        continue;
      Attribute check = b.getDictionaryAttr(
          {b.getNamedAttr("equal", said), b.getNamedAttr("extent", is),
           b.getNamedAttr("message",
                          b.getStringAttr(nameOf(*op) + "dim " +
                                          std::to_string(axis) + ", " +
                                          toString(is) + ", is assumed to be " +
                                          toString(said)))});
      if (!llvm::is_contained(checks, check))
        checks.push_back(check);
    }
  }

  DimRange rangeOf(StringRef name) const {
    auto range =
        bounds ? bounds.getAs<DenseI64ArrayAttr>(name) : DenseI64ArrayAttr();
    return range && range.size() == 2 ? DimRange{range[0], range[1]}
                                      : DimRange{0, -1};
  }

  /// Whether the dims' bounds make the two equal, or a check that stands
  /// already does, which names the node better.
  bool isKnown(DimExprAttr a, DimExprAttr c) const {
    auto ranges = [&](StringRef name) { return rangeOf(name); };
    if (dimSimplify(a, ranges) == dimSimplify(c, ranges))
      return true;
    return llvm::any_of(checks, [&](Attribute entry) {
      auto check = dyn_cast<DictionaryAttr>(entry);
      Attribute x = check ? check.get("extent") : Attribute(),
                y = check ? check.get("equal") : Attribute();
      return (x == a && y == c) || (x == c && y == a);
    });
  }

  static std::string nameOf(Operation &op) {
    std::string kind = op.getName().getStringRef().str();
    if (auto name = dyn_cast<NameLoc>(op.getLoc()))
      return "'" + name.getName().str() + "' (" + kind + "): ";
    return "'" + kind + "': ";
  }

  void require(Operation &op, DimExprAttr extent, int64_t least,
               llvm::function_ref<std::string()> what) {
    std::optional<int64_t> bound =
        dimLeast(extent, [&](StringRef name) { return rangeOf(name); });
    if (bound.value_or(least - 1) >= least)
      return;
    auto [known, isNew] = seen.try_emplace(extent, least);
    if (!isNew && known->second >= least)
      return;
    known->second = least;
    checks.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("extent", extent),
         b.getNamedAttr("least", b.getI64IntegerAttr(least)),
         b.getNamedAttr("message", b.getStringAttr(nameOf(op) + what()))}));
  }

  func::FuncOp function;
  DictionaryAttr bounds;
  Builder b;
  SmallVector<Attribute> checks;
  /// Least values that are checked already.
  llvm::DenseMap<Attribute, int64_t> seen;
};

struct GraphCheckExtents
    : actnet::graph::impl::GraphCheckExtentsBase<GraphCheckExtents> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto bounds =
        module->getAttrOfType<DictionaryAttr>(GraphDialect::kDimsAttr);
    for (auto function : module.getOps<func::FuncOp>())
      if (!function->hasAttr(GraphDialect::kRecipeAttr) &&
          !function.isExternal())
        Extents(function, bounds).run();
  }
};
} // namespace
