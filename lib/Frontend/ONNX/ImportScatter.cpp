//===- ImportScatter.cpp - scatters, and gathers at positions -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Positions of several coordinates become row numbers: the dims they go
// through are seen as one. An index outside its dim is undefined in ONNX: here
// a gather takes the nearest element there is, a scatter leaves the update out.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

using namespace mlir;

namespace actnet::onnx {

namespace {

/// Arithmetic on tensors of i64; a failure is reported where it happens, and
/// what follows from it is null.
class Numbers {
public:
  explicit Numbers(NodeImport &n) : n(n) {}

  template <typename OpTy>
  Value make(ValueRange operands, ArrayRef<NamedAttribute> attributes = {}) {
    if (llvm::is_contained(operands, Value()))
      return nullptr;
    FailureOr<Value> y = n.create<OpTy>(operands, attributes);
    return succeeded(y) ? *y : nullptr;
  }
  Value scalar(int64_t value) {
    auto type = RankedTensorType::get({}, n.b.getI64Type());
    return graph::ConstantOp::create(n.b, n.loc, type,
                                     DenseElementsAttr::get(type, value));
  }
  Value scalar(DimExprAttr dim) {
    if (std::optional<int64_t> value = graph::constantValue(dim))
      return scalar(*value);
    return graph::DimValueOp::create(
        n.b, n.loc, RankedTensorType::get({}, n.b.getI64Type()),
        graph::DimsAttr::get(n.b.getContext(), dim));
  }
  Value compare(graph::ComparePredicate predicate, Value a, Value b) {
    return make<graph::CompareOp>(
        {a, b}, n.named("predicate", graph::ComparePredicateAttr::get(
                                         n.b.getContext(), predicate)));
  }
  Value wide(Value x) {
    Type i64 = n.b.getI64Type();
    if (!x || n.type(x).getElementType() == i64)
      return x;
    return graph::CastOp::create(n.b, n.loc,
                                 graph::getTensorType(n.dims(x), i64), x);
  }
  /// Counts along `axis`, in steps of a dim.
  Value count(ArrayRef<DimExprAttr> dims, int64_t axis, DimExprAttr step) {
    Value i = graph::IotaOp::create(
        n.b, n.loc, graph::getTensorType(dims, n.b.getI64Type()),
        n.b.getI64IntegerAttr(axis), n.b.getF64FloatAttr(0),
        n.b.getF64FloatAttr(1));
    return make<graph::MulOp>({i, scalar(step)});
  }
  /// Below zero from the end of a dim.
  Value fromStart(Value index, DimExprAttr extent) {
    Value isBelow =
        compare(graph::ComparePredicate::lt, index, scalar(int64_t(0)));
    Value moved = make<graph::AddOp>({index, scalar(extent)});
    return make<graph::SelectOp>({isBelow, moved, index});
  }
  /// Whether 0 <= index < extent.
  Value isInside(Value index, DimExprAttr extent) {
    return make<graph::AndOp>(
        {compare(graph::ComparePredicate::ge, index, scalar(int64_t(0))),
         compare(graph::ComparePredicate::lt, index, scalar(extent))});
  }
  /// The index, or one that no dim has.
  Value orNone(Value isValid, Value index) {
    return make<graph::SelectOp>({isValid, index, scalar(INT64_MIN)});
  }
  /// Column j of positions [count, k]: [count, 1]. What is computed of it keeps
  /// that form, so that one kernel does.
  Value coordinate(Value positions, int64_t j) {
    SmallVector<DimExprAttr> starts{n.dim(0), n.dim(j)},
        sizes{n.dims(positions)[0], n.dim(1)};
    MLIRContext *context = n.b.getContext();
    return make<graph::SliceOp>(
        positions, {n.named("starts", graph::DimsAttr::get(context, starts)),
                    n.named("sizes", graph::DimsAttr::get(context, sizes)),
                    n.named("steps", n.b.getDenseI64ArrayAttr({1, 1}))});
  }
  DimExprAttr product(ArrayRef<DimExprAttr> dims) {
    return graph::dimProduct(n.b.getContext(), dims);
  }

  NodeImport &n;
};

/// Operands of ScatterND and GatherND, taken apart.
struct Positions {
  Value data, indices;
  SmallVector<DimExprAttr> dataDims, indexDims;
  int64_t depth = 0;                   ///< Coordinates of a position.
  ArrayRef<DimExprAttr> through, rest; ///< Dims of data behind the batch's.
  Value flat;                          ///< [positions, depth], i64.
};

} // namespace

static LogicalResult finish(NodeImport &n, FailureOr<Value> y) {
  if (failed(y) || !*y)
    return failure();
  n.result(0, *y);
  return success();
}

/// Reads the operands; `batch`: dims that both share.
static LogicalResult read(NodeImport &n, int64_t batch, Positions &p) {
  FailureOr<Value> data = n.value(0), indices = n.value(1);
  if (failed(data) || failed(indices))
    return failure();
  p.data = *data;
  p.indices = *indices;
  p.dataDims = n.dims(p.data);
  p.indexDims = n.dims(p.indices);
  Type type = n.type(p.indices).getElementType();
  if (!type.isSignlessInteger(64) && !type.isSignlessInteger(32))
    return n.error() << "expected indices of int32 or int64, found " << type;
  int64_t rank = p.dataDims.size(), indexRank = p.indexDims.size();
  if (rank < 1 || indexRank < 1 || batch < 0 ||
      batch >= std::min(rank, indexRank))
    return n.error() << "expected data and indices of a rank above "
                     << std::max<int64_t>(batch, 0) << ", found ranks " << rank
                     << " and " << indexRank;
  for (int64_t d = 0; d < batch; ++d)
    if (p.dataDims[d] != p.indexDims[d])
      return n.error() << "batch dim " << d << " is "
                       << graph::toString(p.dataDims[d]) << " in data and "
                       << graph::toString(p.indexDims[d]) << " in indices";
  std::optional<int64_t> depth = graph::constantValue(p.indexDims.back());
  if (!depth || *depth < 1 || *depth > rank - batch)
    return n.error() << "the last dim of indices must be a number from 1 to "
                     << rank - batch << ", found "
                     << graph::toString(p.indexDims.back());
  p.depth = *depth;
  ArrayRef<DimExprAttr> dims = ArrayRef(p.dataDims).drop_front(batch);
  p.through = dims.take_front(p.depth);
  p.rest = dims.drop_front(p.depth);
  Numbers x(n);
  p.flat =
      x.wide(n.reshape(p.indices, {x.product(ArrayRef(p.indexDims).drop_back()),
                                   p.indexDims.back()}));
  return success();
}

/// GatherND (13).
static LogicalResult gatherND(NodeImport &n) {
  int64_t batch = n.intAttr("batch_dims", 0);
  Positions p;
  if (failed(read(n, batch, p)))
    return failure();
  Numbers x(n);
  DimExprAttr batches = x.product(ArrayRef(p.dataDims).take_front(batch)),
              count = x.product(ArrayRef(p.indexDims).drop_back()),
              inBatch = x.product(
                  ArrayRef(p.indexDims).drop_front(batch).drop_back()),
              rows = x.product(p.through), width = x.product(p.rest);
  Value row;
  if (p.depth == 1 && batch == 0) {
    // The gather itself counts from the end and clamps.
    row = x.coordinate(p.flat, 0);
  } else {
    DimExprAttr step = rows;
    for (int64_t j = 0; j < p.depth; ++j) {
      step = x.product(p.through.drop_front(j + 1));
      Value i = x.fromStart(x.coordinate(p.flat, j), p.through[j]);
      i = x.make<graph::MaxOp>({i, x.scalar(int64_t(0))});
      i = x.make<graph::MinOp>(
          {i, x.scalar(graph::dimSub(p.through[j], n.dim(1)))});
      i = x.make<graph::MulOp>({i, x.scalar(step)});
      row = row ? x.make<graph::AddOp>({row, i}) : i;
    }
    if (row && batch > 0)
      row = x.make<graph::AddOp>({n.reshape(row, {batches, inBatch}),
                                  x.count({batches, inBatch}, 0, rows)});
  }
  if (!row)
    return failure();
  Value table = n.reshape(p.data, {graph::dimMul(batches, rows), width});
  Value y = x.make<graph::GatherOp>({table, n.reshape(row, {count})},
                                    n.named("axis", n.b.getI64IntegerAttr(0)));
  if (!y)
    return failure();
  SmallVector<DimExprAttr> dims(ArrayRef(p.indexDims).drop_back());
  llvm::append_range(dims, p.rest);
  return finish(n, n.reshape(y, dims));
}

/// The attribute `reduction`; an error where it is none of the five.
static FailureOr<graph::ScatterKind> reduction(NodeImport &n) {
  StringRef name = n.stringAttr("reduction", "none");
  if (name == "none")
    return graph::ScatterKind::set;
  auto kind = graph::symbolizeScatterKind(name);
  if (!kind || *kind == graph::ScatterKind::set) {
    n.error() << "reduction '" << printable(name)
              << "': expected none, add, mul, min or max";
    return failure();
  }
  return *kind;
}

static Value scatterTo(Numbers &x, graph::ScatterKind kind, Value data,
                       Value indices, Value updates, int64_t axis) {
  NodeImport &n = x.n;
  return x.make<graph::ScatterOp>(
      {data, indices, updates},
      {n.named("kind", graph::ScatterKindAttr::get(n.b.getContext(), kind)),
       n.named("axis", n.b.getI64IntegerAttr(axis))});
}

/// ScatterND (18).
static LogicalResult scatterND(NodeImport &n) {
  Positions p;
  FailureOr<graph::ScatterKind> kind = reduction(n);
  FailureOr<Value> updates = n.value(2);
  if (failed(kind) || failed(updates) || failed(read(n, 0, p)))
    return failure();
  SmallVector<DimExprAttr> expected(ArrayRef(p.indexDims).drop_back());
  llvm::append_range(expected, p.rest);
  if (n.dims(*updates) != expected)
    return n.error() << "expected updates of the dims of indices but the last, "
                        "and of data behind its first "
                     << p.depth << ", found " << n.type(*updates);
  Numbers x(n);
  DimExprAttr count = x.product(ArrayRef(p.indexDims).drop_back()),
              rows = x.product(p.through), width = x.product(p.rest);
  Value row, isValid;
  if (p.depth == 1) {
    row = x.coordinate(p.flat, 0);
  } else {
    for (int64_t j = 0; j < p.depth; ++j) {
      Value i = x.fromStart(x.coordinate(p.flat, j), p.through[j]);
      Value inside = x.isInside(i, p.through[j]);
      i = x.make<graph::MulOp>(
          {i, x.scalar(x.product(p.through.drop_front(j + 1)))});
      row = row ? x.make<graph::AddOp>({row, i}) : i;
      isValid = isValid ? x.make<graph::AndOp>({isValid, inside}) : inside;
    }
    row = x.orNone(isValid, row);
  }
  if (!row)
    return failure();
  Value y = scatterTo(x, *kind, n.reshape(p.data, {rows, width}),
                      n.reshape(row, {count}),
                      n.reshape(*updates, {count, width}), 0);
  return finish(n, y ? n.reshape(y, p.dataDims) : y);
}

/// ScatterElements (18), Scatter (9).
static LogicalResult scatterElements(NodeImport &n) {
  FailureOr<Value> data = n.value(0), indices = n.value(1),
                   updates = n.value(2);
  FailureOr<graph::ScatterKind> kind = reduction(n);
  if (failed(data) || failed(indices) || failed(updates) || failed(kind))
    return failure();
  SmallVector<DimExprAttr> to = n.dims(*data), at = n.dims(*indices);
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", 0), to.size());
  if (failed(axis))
    return failure();
  if (at != n.dims(*updates) || at.size() != to.size())
    return n.error() << "expected indices and updates of one shape, and of the "
                        "rank of data, found "
                     << n.type(*indices) << ", " << n.type(*updates) << " and "
                     << n.type(*data);
  // Where there are fewer columns of updates than of data, the others get an
  // index that no dim has.
  SmallVector<int64_t> low(to.size(), 0), high(low);
  for (size_t d = 0; d < to.size(); ++d) {
    if (static_cast<int64_t>(d) == *axis || to[d] == at[d])
      continue;
    auto whole = graph::constantValue(to[d]),
         part = graph::constantValue(at[d]);
    if (!whole || !part || *part > *whole)
      return n.error() << "dim " << d << " of indices, "
                       << graph::toString(at[d]) << ", does not lie within "
                       << graph::toString(to[d]) << " of data";
    high[d] = *whole - *part;
  }
  Numbers x(n);
  auto padded = [&](Value v, double value) -> Value {
    if (llvm::all_of(high, [](int64_t h) { return h == 0; }))
      return v;
    return x.make<graph::PadOp>(
        v, {n.named("low", n.b.getDenseI64ArrayAttr(low)),
            n.named("high", n.b.getDenseI64ArrayAttr(high)),
            n.named("mode", graph::PadModeAttr::get(n.b.getContext(),
                                                    graph::PadMode::constant)),
            n.named("value", n.b.getF64FloatAttr(value))});
  };
  bool isWide = n.type(*indices).getElementType().isInteger(64);
  return finish(n, scatterTo(x, *kind, *data,
                             padded(*indices, isWide ? double(INT64_MIN)
                                                     : double(INT32_MIN)),
                             padded(*updates, 0), *axis));
}

/// TensorScatter (24): rows of a cache, each batch from its own position on.
static LogicalResult tensorScatter(NodeImport &n) {
  FailureOr<Value> cache = n.value(0), update = n.value(1);
  if (failed(cache) || failed(update))
    return failure();
  SmallVector<DimExprAttr> to = n.dims(*cache), from = n.dims(*update);
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", -2), to.size());
  if (failed(axis))
    return failure();
  StringRef mode = n.stringAttr("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return n.error() << "mode '" << printable(mode)
                     << "': expected linear or circular";
  bool fits = to.size() == from.size() && *axis > 0;
  for (size_t d = 0; fits && d < to.size(); ++d)
    fits = static_cast<int64_t>(d) == *axis || to[d] == from[d];
  if (!fits)
    return n.error() << "expected an update of the dims of the cache but for a "
                        "dim behind the first, found "
                     << n.type(*update) << " and " << n.type(*cache);
  Numbers x(n);
  ArrayRef<DimExprAttr> dims = to;
  DimExprAttr outer = x.product(dims.take_front(*axis)),
              inner = x.product(dims.drop_front(*axis + 1)), extent = to[*axis],
              count = from[*axis];
  // Row numbers [outer, count]: those of a batch begin at its position.
  Value position = x.count({outer, count}, 1, n.dim(1));
  if (n.has(2)) {
    FailureOr<Value> begin = n.value(2);
    if (failed(begin))
      return failure();
    if (n.dims(*begin) != ArrayRef(to[0]))
      return n.error() << "expected one write index a batch, found "
                       << n.type(*begin);
    DimExprAttr inBatch = x.product(dims.slice(1, *axis - 1));
    Value first = n.reshape(x.wide(*begin), {to[0], n.dim(1)});
    first = graph::BroadcastOp::create(
        n.b, n.loc, graph::getTensorType({to[0], inBatch}, n.b.getI64Type()),
        first);
    position =
        x.make<graph::AddOp>({position, n.reshape(first, {outer, n.dim(1)})});
  }
  if (mode == "circular")
    position = x.make<graph::ModOp>({position, x.scalar(extent)});
  Value row =
      x.make<graph::AddOp>({position, x.count({outer, count}, 0, extent)});
  row = x.orNone(x.isInside(position, extent), row);
  if (!row)
    return failure();
  Value y =
      scatterTo(x, graph::ScatterKind::set,
                n.reshape(*cache, {graph::dimMul(outer, extent), inner}),
                n.reshape(row, {graph::dimMul(outer, count)}),
                n.reshape(*update, {graph::dimMul(outer, count), inner}), 0);
  return finish(n, y ? n.reshape(y, to) : y);
}

void addScatter(ImportTable &table) {
  table["GatherND"] = gatherND;
  table["Scatter"] = scatterElements;
  table["ScatterElements"] = scatterElements;
  table["ScatterND"] = scatterND;
  table["TensorScatter"] = tensorScatter;
}

} // namespace actnet::onnx
