//===- CheckSchedule.cpp - is a kernel cut as it says? --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Kernel/Transforms/CheckSchedule.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/Transforms/HostAttention.h"
#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"
#include "actnet/Dialect/Kernel/Transforms/HostDepthwise.h"
#include "actnet/Dialect/Kernel/Transforms/HostNest.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::kernel;
using graph::DimExprAttr;

/// Numbers beyond this are no tile sizes; their products fit 64 bits.
static constexpr int64_t kMost = int64_t(1) << 24;

namespace {

/// A schedule and what is said about it.
class Reading {
public:
  explicit Reading(FuncOp kernel)
      : kernel(kernel), schedule(kernel.getScheduleAttr()) {}

  /// The entry, from `least` to `most`; an error, once, where it is not.
  int64_t number(StringRef name, int64_t least, int64_t most = kMost) {
    auto value = schedule.getAs<IntegerAttr>(name);
    if (!value) {
      fail() << "the schedule has no number '" << name << "'";
      return least;
    }
    return within(name, value.getInt(), least, most);
  }
  /// The entries of an array, each from 1 on.
  SmallVector<int64_t> numbers(StringRef name, size_t count) {
    auto values = schedule.getAs<DenseI64ArrayAttr>(name);
    if (!values || size_t(values.size()) != count) {
      fail() << "the schedule has no '" << name << "' of " << count
             << " numbers";
      return SmallVector<int64_t>(count, 1);
    }
    SmallVector<int64_t> found;
    for (int64_t value : values.asArrayRef())
      found.push_back(within(name, value, 1, kMost));
    return found;
  }
  int64_t within(StringRef name, int64_t value, int64_t least, int64_t most) {
    if (value >= least && value <= most)
      return value;
    fail() << "the schedule's '" << name << "' is " << value
           << ", expected a number from " << least << " to " << most;
    return least;
  }
  StringRef word(StringRef name) {
    auto value = schedule.getAs<StringAttr>(name);
    return value ? value.getValue() : StringRef();
  }
  bool has(StringRef name) { return bool(schedule.get(name)); }

  InFlightDiagnostic fail() {
    if (std::exchange(failed, true))
      return {};
    InFlightDiagnostic error = kernel.emitError();
    error << "kernel @" << kernel.getSymName() << ": ";
    return error;
  }
  bool hasFailed() const { return failed; }

  /// The kernel's tiles must be these.
  LogicalResult expectTiles(DimExprAttr expected) {
    if (!failed && kernel.getTilesAttr() != expected)
      fail() << "has " << graph::toString(kernel.getTilesAttr())
             << " tiles, its schedule cuts the results into "
             << graph::toString(expected);
    return success(!failed);
  }
  LogicalResult expectScratch(int64_t least) {
    if (!failed && int64_t(*kernel.getScratch()) < least)
      fail() << "has " << *kernel.getScratch()
             << " bytes of scratch, its schedule needs " << least;
    return success(!failed);
  }

  DimExprAttr constant(int64_t value) {
    return graph::dimConstant(kernel.getContext(), value);
  }
  DimExprAttr product(ArrayRef<DimExprAttr> dims) {
    return graph::dimProduct(kernel.getContext(), dims);
  }
  DimExprAttr blocks(DimExprAttr extent, int64_t size) {
    return graph::dimCeilDiv(extent, constant(size));
  }

private:
  FuncOp kernel;
  DictionaryAttr schedule;
  bool failed = false;
};

using Dims = SmallVector<DimExprAttr>;

/// The dims of a root's parallel loops, by loop; null for the others. Nothing
/// where its result is no rearrangement of the kernel's.
std::optional<Dims> loopDims(FuncOp kernel, linalg::GenericOp root) {
  AffineMap out = root.getMatchingIndexingMap(root.getDpsInitOperand(0));
  auto maps = rearrangements(kernel, root.getResult(0));
  if (!maps || !out.isProjectedPermutation())
    return std::nullopt;
  Dims result = dimsThroughResults(kernel, root.getResult(0), *maps);
  Dims loops(root.getNumLoops());
  for (auto [i, expr] : llvm::enumerate(out.getResults()))
    loops[cast<AffineDimExpr>(expr).getPosition()] = result[i];
  for (auto [i, extent] : llvm::enumerate(root.getStaticLoopRanges()))
    if (!loops[i] && !ShapedType::isDynamic(extent))
      loops[i] = graph::dimConstant(kernel.getContext(), extent);
  return loops;
}

/// The same for (b, h, s) of an attention.
std::optional<std::array<DimExprAttr, 3>> attentionDims(FuncOp kernel) {
  AttentionOp op;
  for (Operation &inner : kernel.getBody().front())
    if (auto found = dyn_cast<AttentionOp>(inner))
      op = found;
  if (!op)
    return std::nullopt;
  auto map = cast<AffineMapAttr>(op.getIndexingMaps().getValue().back());
  auto maps = rearrangements(kernel, op.getResult());
  if (!maps || !map.getValue().isProjectedPermutation())
    return std::nullopt;
  Dims result = dimsThroughResults(kernel, op.getResult(), *maps);
  DimExprAttr one = graph::dimConstant(kernel.getContext(), 1);
  std::array<DimExprAttr, 3> dims = {one, one, one};
  for (auto [i, expr] : llvm::enumerate(map.getValue().getResults()))
    if (unsigned d = cast<AffineDimExpr>(expr).getPosition(); d < 3)
      dims[d] = result[i];
  for (DimExprAttr dim : dims)
    if (!dim)
      return std::nullopt;
  return dims;
}

/// The largest result of a row kernel: the whole space, or its rows.
Dims rowSpace(FuncOp kernel) {
  Dims space;
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
    if (Dims dims = kernel.getResultDims(i); dims.size() >= space.size())
      space = std::move(dims);
  return space;
}

linalg::GenericOp firstRoot(FuncOp kernel) {
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      return op;
  return {};
}

} // namespace

//===----------------------------------------------------------------------===//
// Host
//===----------------------------------------------------------------------===//

/// A tile a row of the results, or one where they differ in shape.
static LogicalResult checkPlain(FuncOp kernel, Reading &reading) {
  Dims dims = kernel.getResultDims(0);
  bool isSame = true;
  for (unsigned i = 1; i < kernel.getResultTypes().size(); ++i)
    isSame &= kernel.getResultDims(i) == dims;
  return reading.expectTiles(
      isSame && !dims.empty()
          ? reading.product(ArrayRef<DimExprAttr>(dims).drop_back())
          : reading.constant(1));
}

static LogicalResult checkContraction(FuncOp kernel, Reading &reading) {
  std::optional<HostContraction> c = readHostContraction(kernel);
  if (!c)
    return reading.fail() << "has a schedule of tiles, but no form that is "
                             "tiled: expected {plain}";
  HostContractionSchedule s;
  s.mb = reading.number("mb", 1);
  s.nb = reading.number("nb", 1);
  s.kc = reading.number("kc", 1);
  s.tp = reading.number("tp", 1);
  if (reading.hasFailed())
    return failure();
  if (s.kc * s.tp > kMost)
    return reading.fail() << "the schedule's 'kc' times 'tp' is " << s.kc * s.tp
                          << ", expected at most " << kMost;
  auto loops = loopDims(kernel, c->root);
  auto count = [&](ArrayRef<unsigned> numbers) {
    DimExprAttr size = reading.constant(1);
    for (unsigned number : numbers)
      size = graph::dimMul(size, (*loops)[number]);
    return size;
  };
  DimExprAttr columns =
      c->column >= 0 ? (*loops)[c->column] : reading.constant(1);
  int64_t scratch = 0;
  for (auto [rows, panels] : {std::pair(6, 1), std::pair(12, 2)})
    scratch =
        std::max(scratch, HostContractionScratch(*c, s, rows, panels).bytes);
  return success(
      succeeded(reading.expectTiles(graph::dimMul(
          graph::dimMul(count(c->outer), reading.blocks(count(c->rows), s.mb)),
          reading.blocks(reading.blocks(columns, 16), s.nb)))) &&
      succeeded(reading.expectScratch(scratch)));
}

static LogicalResult checkAttention(FuncOp kernel, Reading &reading) {
  std::optional<HostAttention> a = readHostAttention(kernel);
  auto dims = attentionDims(kernel);
  if (!a || !dims)
    return reading.fail() << "has a schedule of tiles, but no form that is "
                             "tiled: expected {plain}";
  HostAttentionSchedule s;
  s.sb = reading.number("sb", 1);
  s.tb = reading.number("tb", 16);
  if (s.tb % 16)
    return reading.fail() << "the schedule's 'tb' is " << s.tb
                          << ", expected a multiple of 16";
  if (reading.hasFailed())
    return failure();
  int64_t scratch = 0;
  for (int64_t rows : {6, 12})
    scratch = std::max(scratch, HostAttentionScratch(*a, s, rows).bytes);
  auto [b, h, rows] = *dims;
  return success(succeeded(reading.expectTiles(graph::dimMul(
                     graph::dimMul(b, h), reading.blocks(rows, s.sb)))) &&
                 succeeded(reading.expectScratch(scratch)));
}

static LogicalResult checkDepthwise(FuncOp kernel, Reading &reading) {
  std::optional<HostDepthwise> d = readHostDepthwise(kernel);
  if (!d)
    return reading.fail() << "has a schedule of tiles, but no form that is "
                             "tiled: expected {plain}";
  int64_t rows = reading.number("rows", 1);
  auto loops = loopDims(kernel, d->root);
  return reading.expectTiles(
      graph::dimMul((*loops)[d->n], reading.blocks((*loops)[d->y], rows)));
}

static LogicalResult checkScatter(FuncOp kernel, Reading &reading) {
  int64_t sizes[] = {reading.number("outer", 1), reading.number("rows", 0),
                     reading.number("columns", 0)};
  Dims dims = kernel.getResultDims(0);
  DimExprAttr tiles = reading.constant(1);
  for (auto [dim, size] : llvm::zip(dims, sizes))
    if (size)
      tiles = graph::dimMul(tiles, reading.blocks(dim, size));
  return reading.expectTiles(tiles);
}

/// Each dim from `first` to `end` stands in one group; those of extent 1 need
/// not.
static LogicalResult checkGroups(Reading &reading, StringRef name,
                                 ArrayRef<SmallVector<int64_t>> groups,
                                 const llvm::SmallBitVector &wanted,
                                 const llvm::SmallBitVector &needed) {
  llvm::SmallBitVector found(wanted.size());
  for (const SmallVector<int64_t> &group : groups)
    for (int64_t d : group) {
      if (d >= int64_t(wanted.size()) || !wanted[d] || found[d])
        return reading.fail()
               << "the schedule's '" << name << "' names dim " << d
               << ", which is none of those or stands there already";
      found.set(d);
    }
  for (unsigned d : needed.set_bits())
    if (!found[d])
      return reading.fail() << "the schedule's '" << name << "' leaves out dim "
                            << d << ", whose extent is not 1";
  return success();
}

static LogicalResult checkNest(FuncOp kernel, Reading &reading) {
  for (auto [name, least] : {std::pair("outer", 0), {"rows", 1}, {"chunk", 0}})
    reading.number(name, least, int64_t(1) << 40);
  reading.number("transpose", -1);
  if (reading.hasFailed())
    return failure();
  std::optional<HostNest> nest = HostNest::get(kernel);
  if (!nest || nest->transpose >= int64_t(nest->groups.size()))
    return reading.fail() << "has no schedule of the family "
                          << stringifyFamily(kernel.getFamily());
  Dims sizes = kernel.getResultDims(0);
  linalg::GenericOp root = firstRoot(kernel);
  bool isRow = kernel.getFamily() == Family::row;
  unsigned rank = sizes.size();
  if (isRow) {
    sizes = rowSpace(kernel);
    rank = root.getNumLoops() - root.getNumReductionLoops();
    if (sizes.size() < rank)
      return reading.fail() << "has results of fewer dims than rows";
    sizes.truncate(rank);
  }
  llvm::SmallBitVector all(rank, true), needed(rank);
  for (unsigned d = 0; d < rank; ++d)
    needed[d] = graph::constantValue(sizes[d]) != 1;
  if (failed(checkGroups(reading, "groups", nest->groups, all, needed)))
    return failure();
  if (root) {
    // Numbers of the root's loops.
    llvm::SmallBitVector reduced(root.getNumLoops()),
        moving(root.getNumLoops());
    SmallVector<int64_t, 4> ranges = root.getStaticLoopRanges();
    for (auto [loop, kind] : llvm::enumerate(root.getIteratorTypesArray())) {
      reduced[loop] = kind == utils::IteratorType::reduction;
      moving[loop] = reduced[loop] && ranges[loop] != 1;
    }
    if (failed(checkGroups(reading, "reduced", nest->reduced, reduced, moving)))
      return failure();
  }
  auto length = [&](ArrayRef<int64_t> group) {
    DimExprAttr count = reading.constant(1);
    for (int64_t d : group)
      count = graph::dimMul(count, sizes[d]);
    return count;
  };
  DimExprAttr rows = reading.constant(1);
  for (int64_t g = 0; g < nest->outer; ++g)
    rows = graph::dimMul(rows, length(nest->groups[g]));
  DimExprAttr tiles = reading.blocks(rows, nest->rows);
  if (nest->chunk) {
    if (nest->outer >= int64_t(nest->groups.size()))
      return reading.fail() << "the schedule has chunks of a group that is "
                               "cut into rows";
    tiles = graph::dimMul(
        tiles, reading.blocks(length(nest->groups.back()), nest->chunk));
  }
  int64_t scratch = 0;
  if (isRow)
    for (const RowTemporary &temporary : rowTemporaries(kernel))
      scratch = std::max(scratch, temporary.offset + temporary.bytes);
  return success(succeeded(reading.expectTiles(tiles)) &&
                 succeeded(reading.expectScratch(scratch)));
}

static LogicalResult checkGiven(FuncOp kernel) {
  if (!kernel.getSchedule() || !kernel.getTiles() || !kernel.getScratch())
    return kernel.emitError("kernel @")
           << kernel.getSymName()
           << ": has no schedule: kernel-schedule-host or -cuda should have "
              "set "
              "schedule, tiles and scratch";
  if (int64_t(*kernel.getScratch()) < 0)
    return kernel.emitError("kernel @")
           << kernel.getSymName() << ": has " << *kernel.getScratch()
           << " bytes of scratch";
  return success();
}

LogicalResult kernel::checkHostSchedule(FuncOp kernel) {
  if (failed(checkGiven(kernel)))
    return failure();
  Reading reading(kernel);
  bool isPlain = reading.has("plain");
  switch (kernel.getFamily()) {
  case Family::contract:
  case Family::conv:
    return isPlain ? checkPlain(kernel, reading)
                   : checkContraction(kernel, reading);
  case Family::attention:
    return isPlain ? checkPlain(kernel, reading)
                   : checkAttention(kernel, reading);
  case Family::depthwise:
    return isPlain ? checkPlain(kernel, reading)
                   : checkDepthwise(kernel, reading);
  case Family::scatter:
    return checkScatter(kernel, reading);
  default:
    return checkNest(kernel, reading);
  }
}

//===----------------------------------------------------------------------===//
// CUDA
//===----------------------------------------------------------------------===//

/// Numbers of a dictionary that count something: at least 1, but for those of
/// which there may be none.
static void checkPositive(Reading &reading, DictionaryAttr entries) {
  for (NamedAttribute entry : entries) {
    StringRef name = entry.getName();
    bool mayBeZero = name == "shared" || name == "operand" || name == "slots";
    int64_t least = mayBeZero ? 0 : 1;
    if (auto value = dyn_cast<IntegerAttr>(entry.getValue());
        value && !isa<BoolAttr>(entry.getValue()))
      reading.within(name, value.getInt(), least, kMost);
    if (auto values = dyn_cast<DenseI64ArrayAttr>(entry.getValue()))
      for (int64_t value : values.asArrayRef())
        reading.within(name, value, least, kMost);
    if (auto values = dyn_cast<ArrayAttr>(entry.getValue());
        name == "cuts" && values)
      for (Attribute cut : values)
        if (auto nested = dyn_cast<DictionaryAttr>(cut))
          checkPositive(reading, nested);
  }
}

/// (batch, rows, columns) of a product's parallel loops, by which operands use
/// them.
static std::optional<std::array<DimExprAttr, 3>> productDims(FuncOp kernel,
                                                             Reading &reading) {
  linalg::GenericOp root = firstRoot(kernel);
  if (!root || root.getNumDpsInputs() != 2 || root.getNumDpsInits() != 1)
    return std::nullopt;
  auto loops = loopDims(kernel, root);
  if (!loops)
    return std::nullopt;
  DimExprAttr one = reading.constant(1);
  std::array<DimExprAttr, 3> dims = {one, one, one};
  auto uses = [&](unsigned input, unsigned loop) {
    return llvm::any_of(
        root.getMatchingIndexingMap(root.getDpsInputOperand(input))
            .getResults(),
        [&](AffineExpr expr) { return expr.isFunctionOfDim(loop); });
  };
  for (auto [loop, kind] : llvm::enumerate(root.getIteratorTypesArray())) {
    if (kind == utils::IteratorType::reduction)
      continue;
    bool left = uses(0, loop), right = uses(1, loop);
    if (!(*loops)[loop])
      return std::nullopt;
    DimExprAttr &part = dims[left == right ? 0 : left ? 1 : 2];
    part = graph::dimMul(part, (*loops)[loop]);
  }
  return dims;
}

/// What the tiles may be; empty where no attribute tells.
static SmallVector<DimExprAttr> cudaTiles(FuncOp kernel, Reading &reading) {
  int64_t threads = reading.number("threads", 32);
  Dims space = kernel.getResultDims(0);
  if (reading.has("plain")) {
    DimExprAttr count = reading.constant(0);
    for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
      count = graph::dimAdd(count, reading.product(kernel.getResultDims(i)));
    return {reading.blocks(count, threads)};
  }
  if (reading.has("cuts")) {
    auto cuts = kernel.getScheduleAttr().getAs<ArrayAttr>("cuts");
    SmallVector<Dims> shapes;
    for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
      if (Dims dims = kernel.getResultDims(i);
          !llvm::is_contained(shapes, dims))
        shapes.push_back(dims);
    if (!cuts || cuts.size() != shapes.size()) {
      reading.fail() << "has results of " << shapes.size()
                     << " shapes, its schedule does not have as many cuts";
      return {};
    }
    DimExprAttr tiles = reading.constant(0);
    for (auto [cut, dims] : llvm::zip(cuts, shapes)) {
      auto entries = dyn_cast<DictionaryAttr>(cut);
      auto vector =
               entries ? entries.getAs<IntegerAttr>("vector") : IntegerAttr(),
           each = entries ? entries.getAs<IntegerAttr>("per_thread")
                          : IntegerAttr();
      if (!vector || !each) {
        reading.fail() << "a cut of the schedule has no 'vector' or no "
                          "'per_thread'";
        return {};
      }
      tiles = graph::dimAdd(
          tiles, reading.blocks(reading.product(dims),
                                threads * each.getInt() * vector.getInt()));
    }
    return {tiles};
  }
  StringRef kind = reading.word("kind");
  if (kind == "columns" || kind == "window") {
    int64_t stripes = reading.number("stripes", 1),
            vector = reading.number("vector", 1);
    reading.within("stripes", stripes, 1, threads);
    return {reading.blocks(reading.product(space), threads / stripes * vector)};
  }
  if (kind == "row") {
    int64_t rowsABlock = reading.word("team") == "warp" ? threads / 32 : 1;
    if (kernel.getFamily() == Family::row) {
      linalg::GenericOp root = firstRoot(kernel);
      unsigned rank = root.getNumLoops() - root.getNumReductionLoops();
      space = rowSpace(kernel);
      space.truncate(std::min<size_t>(rank, space.size()));
    }
    return {reading.blocks(reading.product(space), rowsABlock)};
  }
  if (kind == "transpose") {
    // Two dims, the last one that is not 1 among them, are cut into squares.
    unsigned last = 0;
    for (auto [d, dim] : llvm::enumerate(space))
      if (graph::constantValue(dim) != 1)
        last = d;
    SmallVector<DimExprAttr> either;
    for (unsigned other = 0; other < last; ++other) {
      DimExprAttr tiles = reading.constant(1);
      for (auto [d, dim] : llvm::enumerate(space))
        tiles = graph::dimMul(
            tiles, d == last || d == other ? reading.blocks(dim, 32) : dim);
      either.push_back(tiles);
    }
    return either;
  }
  if (kernel.getFamily() == Family::scatter) {
    int64_t x = reading.number("x", 1), rows = reading.number("rows", 1),
            z = reading.number("z", 1);
    return {graph::dimMul(reading.blocks(space[0], z),
                          graph::dimMul(reading.blocks(space[1], rows),
                                        reading.blocks(space[2], x)))};
  }
  if (reading.has("tile")) {
    SmallVector<int64_t> tile = reading.numbers("tile", 2);
    auto dims = productDims(kernel, reading);
    if (!dims)
      return {};
    auto [batch, m, n] = *dims;
    SmallVector<DimExprAttr> either;
    // Which operand is the left one is the code generator's affair.
    for (auto [rows, columns] : {std::pair(m, n), std::pair(n, m)})
      either.push_back(graph::dimMul(
          batch, graph::dimMul(reading.blocks(rows, tile[0]),
                               reading.blocks(columns, tile[1]))));
    return either;
  }
  if (kernel.getFamily() == Family::attention) {
    SmallVector<int64_t> warps = reading.numbers("warps", 2);
    auto dims = attentionDims(kernel);
    if (!dims)
      return {};
    auto [b, h, rows] = *dims;
    return {graph::dimMul(graph::dimMul(b, h),
                          reading.blocks(rows, 16 * warps[0]))};
  }
  return {};
}

LogicalResult kernel::checkCudaSchedule(FuncOp kernel) {
  if (failed(checkGiven(kernel)))
    return failure();
  // A block's threads, and its shared memory on the largest GPUs.
  constexpr int64_t kThreads = 1024, kShared = 227 << 10;
  Reading reading(kernel);
  int64_t threads = reading.number("threads", 32, kThreads);
  reading.number("shared", 0, kShared);
  if (threads % 32)
    return reading.fail() << "the schedule's 'threads' is " << threads
                          << ", expected a multiple of 32";
  checkPositive(reading, kernel.getScheduleAttr());
  if (reading.hasFailed())
    return failure();
  SmallVector<DimExprAttr> either = cudaTiles(kernel, reading);
  if (reading.hasFailed())
    return failure();
  if (either.empty() || llvm::is_contained(either, kernel.getTilesAttr()))
    return success();
  return reading.expectTiles(either[0]);
}

LogicalResult kernel::checkSchedule(FuncOp kernel) {
  auto module = kernel->getParentOfType<ModuleOp>();
  auto target = module->getAttrOfType<StringAttr>(KernelDialect::kTargetAttr);
  return target && target.getValue() == "cuda" ? checkCudaSchedule(kernel)
                                               : checkHostSchedule(kernel);
}
