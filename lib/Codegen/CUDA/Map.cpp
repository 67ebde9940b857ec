//===- Map.cpp - elementwise kernels --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// V elements in a row are computed by one thread. Their indices are either
// those of the first with the last one counted on ("inner": V divides the last
// dim), or taken from each one's own number ("flat"): which of the two lets
// more accesses be wide is found by printing both.
//
//===----------------------------------------------------------------------===//

#include "FamilyPrinter.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

constexpr int64_t kThreads = 256;

class MapPrinter : public FamilyPrinter {
public:
  using FamilyPrinter::FamilyPrinter;
  LogicalResult schedule() override;

protected:
  StringRef header() const override { return "map.cuh"; }
  bool read() override;
  void functors() override;
  void statements() override;

private:
  /// Results of one shape.
  struct Group {
    SmallVector<unsigned> results;
    Dims dims;
    int64_t vector = 1, perThread = 1;
    bool isInner = false;
    Printer::Wide wide;
  };
  SmallVector<Group> findGroups();
  LogicalResult choose(Group &group);
  Printer::Wide tryOut(const Group &group, int64_t vector, bool isInner);
  void elements(Group &group);
  graph::DimExprAttr tilesOf(const Group &group) {
    return graph::dimCeilDiv(
        product(group.dims),
        constant(kThreads * group.perThread * group.vector));
  }
  Text part(unsigned g) {
    return groups.size() > 1 ? "elements" + std::to_string(g) : "elements";
  }

  SmallVector<Group> groups;
};

} // namespace

SmallVector<MapPrinter::Group> MapPrinter::findGroups() {
  SmallVector<Group> found;
  for (unsigned i = 0; i < numResults(); ++i) {
    Dims dims = kernel.getResultDims(i);
    auto it = llvm::find_if(
        found, [&](const Group &group) { return group.dims == dims; });
    if (it == found.end()) {
      found.emplace_back();
      found.back().results = {i};
      found.back().dims = dims;
      continue;
    }
    it->results.push_back(i);
  }
  return found;
}

void MapPrinter::elements(Group &group) {
  unsigned width = group.vector;
  p.wide = {};
  p.line(width > 1 ? "// Elements i to i + V - 1 of the results."
                   : "// Element i of the results.");
  Printer::Block block(p, "template <int V> ACTNET_DEVICE void run(i64 i) "
                          "const {");
  p.setMultiple(p.variable("i"), width);
  Indices at;
  if (group.isInner || width == 1)
    at = p.split("i", "i", 0, group.dims);
  unsigned last = lastDim(group.dims);
  if (group.isInner)
    p.setMultiple(at[last], width);
  {
    Printer::Lanes lanes(p, width);
    if (group.isInner)
      at[last] = at[last] + lanes.lane;
    else if (width > 1)
      at = p.split(p.variable("i") + lanes.lane, "i", 0, group.dims);
    // All are computed before any is written: a result may lie in an operand.
    Texts values;
    for (unsigned i : group.results)
      values.push_back(p.element(yielded(i), at));
    for (auto [i, value] : llvm::zip(group.results, values))
      p.store(i, at, value);
  }
  group.wide = p.wide;
}

Printer::Wide MapPrinter::tryOut(const Group &group, int64_t vector,
                                 bool isInner) {
  Printer before = p;
  Group tried = group;
  tried.vector = vector;
  tried.isInner = isInner;
  elements(tried);
  bool failed = p.failed();
  p = before;
  if (failed)
    p.setFailed();
  return tried.wide;
}

LogicalResult MapPrinter::choose(Group &group) {
  auto last = group.dims.empty()
                  ? std::optional<int64_t>(1)
                  : graph::constantValue(group.dims[lastDim(group.dims)]);
  // Sixteen bytes of the largest element that a wide access moves.
  for (int64_t vector : {16, 8, 4, 2, 1}) {
    group.vector = vector;
    group.isInner = false;
    if (vector == 1)
      break;
    Printer::Wide flat = tryOut(group, vector, false);
    if (p.failed())
      return failure();
    Printer::Wide best = flat;
    // A dim that V may not divide: only if it lets more be wide.
    if (!last || *last % vector == 0) {
      Printer::Wide inner = tryOut(group, vector, true);
      if (last ? inner.narrow <= flat.narrow : inner.narrow < flat.narrow) {
        group.isInner = true;
        best = inner;
      }
    }
    bool writes = llvm::any_of(best.pointers, [](const Text &pointer) {
      return StringRef(pointer).starts_with("out");
    });
    if (writes && best.bytes * vector <= 16)
      break;
  }
  if (group.vector == 1) {
    tryOut(group, 1, false);
    if (p.failed())
      return failure();
  }
  // Few elements: as many blocks as there can be. Many: more under way at once.
  auto count = graph::constantValue(product(group.dims));
  group.perThread = count && *count < (1 << 18)   ? 1
                    : count && *count < (1 << 22) ? 2
                                                  : 4;
  if (!count)
    group.perThread = 2;
  return success();
}

LogicalResult MapPrinter::schedule() {
  groups = findGroups();
  if (groups.size() > 1 && kernel.getInplace() && !kernel.getInplace()->empty())
    return kernel.emitError()
           << "the CUDA code generator needs results of the same dims in a map "
              "kernel that writes over its operands";
  graph::DimExprAttr tiles = constant(0);
  SmallVector<Attribute> cuts;
  for (Group &group : groups) {
    if (failed(choose(group)))
      return failure();
    tiles = graph::dimAdd(tiles, tilesOf(group));
    cuts.push_back(DictionaryAttr::get(
        kernel.getContext(), {named("inner", flagAttr(group.isInner)),
                              named("per_thread", numberAttr(group.perThread)),
                              named("vector", numberAttr(group.vector))}));
  }
  setSchedule(tiles, kThreads, 0,
              {{"cuts", ArrayAttr::get(kernel.getContext(), cuts)}});
  return success();
}

bool MapPrinter::read() {
  groups = findGroups();
  auto cuts = kernel.getScheduleAttr().getAs<ArrayAttr>("cuts");
  if (!cuts || cuts.size() != groups.size())
    return false;
  for (auto [group, cut] : llvm::zip(groups, cuts)) {
    auto entries = dyn_cast<DictionaryAttr>(cut);
    auto number = [&](StringRef name) {
      auto value = entries ? entries.getAs<IntegerAttr>(name) : IntegerAttr();
      return value ? value.getInt() : 0;
    };
    auto inner = entries ? entries.getAs<BoolAttr>("inner") : BoolAttr();
    group.vector = number("vector");
    group.perThread = number("per_thread");
    group.isInner = inner && inner.getValue();
    if (group.vector < 1 || group.perThread < 1)
      return false;
  }
  return true;
}

void MapPrinter::functors() {
  for (auto [g, group] : llvm::enumerate(groups)) {
    Printer::Block functor(p, "struct " + named(part(g)) + " {", "};\n");
    members();
    elements(group);
  }
}

void MapPrinter::statements() {
  graph::DimExprAttr before = constant(0);
  for (auto [g, group] : llvm::enumerate(groups)) {
    graph::DimExprAttr next = graph::dimAdd(before, tilesOf(group));
    std::optional<Printer::Block> branch;
    if (groups.size() > 1)
      branch.emplace(p, (g ? "else " : "") +
                            (g + 1 < groups.size()
                                 ? "if (blockIndex() < " + p.text(next) + ") {"
                                 : Text("{")));
    Text tile = "blockIndex()";
    if (g)
      tile += " - (" + p.text(before) + ")";
    SmallVector<graph::DimExprAttr> multiples;
    if (graph::DimExprAttr last;
        group.isInner &&
        !graph::constantValue(last = group.dims[lastDim(group.dims)]))
      multiples.push_back(last);
    p.line("mapTile<" + Twine(group.vector) + ", " + Twine(group.perThread) +
           ">(" + functor(part(g)) + ", " + tile + ", " +
           p.text(product(group.dims)) + ",\n" + Text(6, ' ') +
           isWide(group.wide, group.vector, multiples) + ");");
    before = next;
  }
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeMapPrinter(kernel::FuncOp kernel) {
  if (auto transpose = makeTransposePrinter(kernel))
    return transpose;
  return std::make_unique<MapPrinter>(kernel);
}
