//===- ImportContract.cpp - products, convolutions, pooling ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Importer.h"

using namespace mlir;

namespace actnet::onnx {

static FailureOr<Value> einsum(NodeImport &n, StringRef spec, Value a,
                               Value c) {
  return n.create<graph::EinsumOp>({a, c},
                                   n.named("spec", n.b.getStringAttr(spec)));
}

/// MatMul (13): NumPy's matmul. Leading dims of the right operand that the left
/// one has too are batch dims; a right operand of rank 2 is shared by all.
static LogicalResult matMul(NodeImport &n) {
  FailureOr<Value> lhs = n.value(0), rhs = n.value(1);
  if (failed(lhs) || failed(rhs))
    return failure();
  Value a = *lhs, c = *rhs;
  SmallVector<DimExprAttr> da = n.dims(a), dc = n.dims(c);
  if (da.empty() || dc.empty())
    return n.error() << "operands must have a rank of at least 1";
  if (n.type(a).getElementType().isInteger(1))
    return n.error() << "expected numbers, found booleans";
  bool vectorLeft = da.size() == 1, vectorRight = dc.size() == 1;
  if (vectorLeft) {
    da.insert(da.begin(), n.dim(1));
    a = n.reshape(a, da);
  }
  if (vectorRight) {
    dc.push_back(n.dim(1));
    c = n.reshape(c, dc);
  }
  // Letters: M K, K N, batch dims from Z backwards, aligned at the right.
  size_t batch = std::max(da.size(), dc.size()) - 2;
  if (batch > 20)
    return n.error() << "rank " << batch + 2 << " is too large";
  std::string left = "mk", right = "kn", out = "mn";
  for (size_t i = 0; i < batch; ++i) {
    char letter =
        static_cast<char>('z' - i); // the i-th batch dim from the right
    bool inA = i + 2 < da.size(), inC = i + 2 < dc.size();
    DimExprAttr ea = inA ? da[da.size() - 3 - i] : nullptr;
    DimExprAttr ec = inC ? dc[dc.size() - 3 - i] : nullptr;
    if (inA && inC && ea != ec) {
      // One of them is 1: that operand does without the letter.
      if (graph::constantValue(ea) == 1)
        inA = false;
      else if (graph::constantValue(ec) == 1)
        inC = false;
      else if (!n.match(ea, ec))
        return n.error() << "batch dims " << graph::toString(ea) << " and "
                         << graph::toString(ec) << " do not broadcast";
    }
    if (inA)
      left = letter + left;
    if (inC)
      right = letter + right;
    out = letter + out;
  }
  if (!n.match(da.back(), dc[dc.size() - 2]))
    return n.error() << "the contracted dims differ: "
                     << graph::toString(da.back()) << " and "
                     << graph::toString(dc[dc.size() - 2]);
  // Dims of extent 1 that a letter was taken from.
  auto strip = [&](Value v, ArrayRef<DimExprAttr> dims, size_t keep) {
    if (dims.size() == keep)
      return v;
    SmallVector<DimExprAttr> kept;
    size_t drop = dims.size() - keep;
    for (auto [i, d] : llvm::enumerate(dims))
      if (drop && graph::constantValue(d) == 1 && i + 2 < dims.size())
        --drop;
      else
        kept.push_back(d);
    return n.reshape(v, kept);
  };
  a = strip(a, da, left.size());
  c = strip(c, dc, right.size());
  FailureOr<Value> y = einsum(n, left + "," + right + "->" + out, a, c);
  if (failed(y))
    return failure();
  if (vectorLeft || vectorRight) {
    SmallVector<DimExprAttr> outDims = n.dims(*y);
    if (vectorRight)
      outDims.pop_back();
    if (vectorLeft)
      outDims.erase(outDims.end() - (vectorRight ? 1 : 2));
    y = n.reshape(*y, outDims);
  }
  n.result(0, *y);
  return success();
}

/// Gemm (13): alpha A B + beta C.
static LogicalResult gemm(NodeImport &n) {
  FailureOr<Value> a = n.value(0), c = n.value(1);
  if (failed(a) || failed(c))
    return failure();
  if (n.type(*a).getRank() != 2 || n.type(*c).getRank() != 2)
    return n.error() << "operands must have rank 2, found "
                     << n.type(*a).getRank() << " and " << n.type(*c).getRank();
  std::string spec = std::string(n.intAttr("transA", 0) ? "km" : "mk") +
                     (n.intAttr("transB", 0) ? ",nk" : ",kn") + "->mn";
  FailureOr<Value> y = einsum(n, spec, *a, *c);
  auto scale = [&](FailureOr<Value> v, double factor) -> FailureOr<Value> {
    if (failed(v) || factor == 1)
      return v;
    return n.create<graph::MulOp>(
        {*v, n.scalar(n.type(*v).getElementType(), factor)});
  };
  y = scale(y, n.floatAttr("alpha", 1));
  // C times 0 is nothing, even where it is infinite or no number.
  if (succeeded(y) && n.has(2) && n.floatAttr("beta", 1) != 0) {
    FailureOr<Value> bias = n.value(2);
    bias = scale(bias, n.floatAttr("beta", 1));
    y = succeeded(bias) ? n.create<graph::AddOp>({*y, *bias})
                        : FailureOr<Value>(failure());
  }
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

namespace {
/// Windows of Conv and the pools.
struct Window {
  SmallVector<int64_t> extents, strides, dilations, padding;
};
} // namespace

static FailureOr<StringRef> readAutoPad(NodeImport &n) {
  StringRef autoPad = n.stringAttr("auto_pad", "NOTSET");
  if (llvm::is_contained({"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"},
                         autoPad))
    return autoPad;
  n.error() << "auto_pad '" << printable(autoPad)
            << "': expected NOTSET, VALID, SAME_UPPER or SAME_LOWER";
  return failure();
}

static FailureOr<Window> readWindow(NodeImport &n,
                                    ArrayRef<DimExprAttr> inputDims,
                                    ArrayRef<int64_t> extents) {
  size_t rank = inputDims.size() - 2;
  Window w;
  w.extents.assign(extents.begin(), extents.end());
  w.strides = n.intsAttr("strides").value_or(SmallVector<int64_t>(rank, 1));
  w.dilations = n.intsAttr("dilations").value_or(SmallVector<int64_t>(rank, 1));
  SmallVector<int64_t> pads =
      n.intsAttr("pads").value_or(SmallVector<int64_t>(2 * rank, 0));
  if (w.extents.size() != rank || w.strides.size() != rank ||
      w.dilations.size() != rank || pads.size() != 2 * rank) {
    n.error() << "kernel_shape, strides, dilations and pads must have 1, 1, 1 "
                 "and 2 numbers for "
                 "each of the "
              << rank << " spatial dims";
    return failure();
  }
  for (size_t i = 0; i < rank; ++i)
    if (w.extents[i] < 1 || w.strides[i] < 1 || w.dilations[i] < 1 ||
        pads[i] < 0 || pads[rank + i] < 0 ||
        std::max({w.extents[i], w.strides[i], w.dilations[i], pads[i],
                  pads[rank + i]}) > (1 << 24)) {
      n.error() << "kernel_shape, strides, dilations or pads are out of range";
      return failure();
    }
  FailureOr<StringRef> autoPad = readAutoPad(n);
  if (failed(autoPad))
    return failure();
  w.padding.resize(2 * rank);
  for (size_t i = 0; i < rank; ++i) {
    w.padding[2 * i] = pads[i];
    w.padding[2 * i + 1] = pads[rank + i];
    if (*autoPad == "NOTSET")
      continue;
    int64_t total = 0;
    if (autoPad != "VALID") {
      std::optional<int64_t> extent = graph::constantValue(inputDims[2 + i]);
      int64_t reach = w.dilations[i] * (w.extents[i] - 1) + 1;
      if (w.strides[i] == 1) {
        total = reach - 1;
      } else if (!extent) {
        n.error() << "auto_pad " << *autoPad << " needs a static extent, found "
                  << graph::toString(inputDims[2 + i])
                  << n.hint(inputDims[2 + i]);
        return failure();
      } else {
        int64_t out = (*extent + w.strides[i] - 1) / w.strides[i];
        total =
            std::max<int64_t>(0, (out - 1) * w.strides[i] + reach - *extent);
      }
    }
    int64_t small = total / 2, large = total - small;
    w.padding[2 * i] = *autoPad == "SAME_LOWER" ? large : small;
    w.padding[2 * i + 1] = *autoPad == "SAME_LOWER" ? small : large;
  }
  return w;
}

static std::string layout(StringRef prefix, size_t rank) {
  return prefix.str() + (rank == 1 ? "w" : rank == 2 ? "hw" : "dhw");
}

/// Sets the result: y plus operand `i`, one number a channel, if there is one.
static LogicalResult addChannelBias(NodeImport &n, FailureOr<Value> y,
                                    unsigned i, int64_t rank) {
  if (succeeded(y) && n.has(i)) {
    FailureOr<Value> bias = n.value(i);
    if (failed(bias))
      return failure();
    if (n.type(*bias).getRank() != 1)
      return n.error() << "the bias must have rank 1, found "
                       << n.type(*bias).getRank();
    SmallVector<DimExprAttr> dims(rank + 1, n.dim(1));
    dims[0] = n.dims(*bias)[0];
    y = n.create<graph::AddOp>({*y, n.reshape(*bias, dims)});
  }
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

/// Conv and ConvTranspose, which differ in the op, in what is first in a filter
/// and in how `read` gets the windows from the attributes.
template <class ConvolutionOp>
static LogicalResult convolve(NodeImport &n, StringRef filterLetters,
                              FailureOr<Window> (*read)(NodeImport &,
                                                        ArrayRef<DimExprAttr>,
                                                        ArrayRef<int64_t>)) {
  FailureOr<Value> x = n.value(0), f = n.value(1);
  if (failed(x) || failed(f))
    return failure();
  int64_t rank = n.type(*x).getRank() - 2;
  if (rank < 1 || rank > 3 || n.type(*f).getRank() != rank + 2)
    return n.error() << "the input must have rank 3 to 5 and the filter the "
                        "same rank, found "
                     << n.type(*x).getRank() << " and " << n.type(*f).getRank();
  if (!n.type(*f).hasStaticShape())
    return n.error() << "the filter must have a static shape";
  ArrayRef<int64_t> extents = n.type(*f).getShape().drop_front(2);
  if (auto given = n.intsAttr("kernel_shape"))
    if (ArrayRef<int64_t>(*given) != extents)
      return n.error() << "kernel_shape is not the shape of the filter, "
                       << n.type(*f);
  FailureOr<Window> w = read(n, n.dims(*x), extents);
  if (failed(w))
    return failure();
  auto text = [&](StringRef s) { return n.b.getStringAttr(s); };
  FailureOr<Value> y = n.create<ConvolutionOp>(
      {*x, *f},
      {n.named("input_layout", text(layout("nc", rank))),
       n.named("filter_layout", text(layout(filterLetters, rank))),
       n.named("output_layout", text(layout("nc", rank))),
       n.named("strides", n.b.getDenseI64ArrayAttr(w->strides)),
       n.named("padding", n.b.getDenseI64ArrayAttr(w->padding)),
       n.named("dilations", n.b.getDenseI64ArrayAttr(w->dilations)),
       n.named("groups", n.b.getI64IntegerAttr(n.intAttr("group", 1)))});
  return addChannelBias(n, y, 2, rank);
}

static LogicalResult conv(NodeImport &n) {
  return convolve<graph::ConvOp>(n, "oi", readWindow);
}

/// Strides, dilations and padding of ConvTranspose (22), where output_padding
/// is taken off the high padding and output_shape made into a padding. Before
/// opset 11 the text of the standard puts the larger half of that at the other
/// end; that was a mistake, which no implementation followed.
static FailureOr<Window> readTransposedWindow(NodeImport &n,
                                              ArrayRef<DimExprAttr> inputDims,
                                              ArrayRef<int64_t> extents) {
  size_t rank = extents.size();
  auto ints = [&](StringRef name, size_t count, int64_t value) {
    return n.intsAttr(name).value_or(SmallVector<int64_t>(count, value));
  };
  Window w;
  w.extents.assign(extents.begin(), extents.end());
  w.strides = ints("strides", rank, 1);
  w.dilations = ints("dilations", rank, 1);
  SmallVector<int64_t> pads = ints("pads", 2 * rank, 0),
                       more = ints("output_padding", rank, 0),
                       shape = ints("output_shape", 0, 0);
  if (w.strides.size() != rank || w.dilations.size() != rank ||
      pads.size() != 2 * rank || more.size() != rank) {
    n.error() << "strides, dilations, output_padding and pads must have 1, 1, "
                 "1 and 2 numbers for each of the "
              << rank << " spatial dims";
    return failure();
  }
  // Some writers put batch and channels in front.
  if (shape.size() == rank + 2)
    shape.erase(shape.begin(), shape.begin() + 2);
  if (!shape.empty() && shape.size() != rank) {
    n.error() << "output_shape must have a number for each of the " << rank
              << " spatial dims";
    return failure();
  }
  constexpr int64_t most = 1 << 24;
  auto within = [&](ArrayRef<int64_t> values, int64_t least) {
    return llvm::all_of(values,
                        [&](int64_t v) { return v >= least && v <= most; });
  };
  if (!within(w.extents, 1) || !within(w.strides, 1) ||
      !within(w.dilations, 1) || !within(pads, 0) || !within(more, 0) ||
      !within(shape, 1)) {
    n.error() << "strides, dilations, pads, output_padding or output_shape are "
                 "out of range";
    return failure();
  }
  FailureOr<StringRef> autoPad = readAutoPad(n);
  if (failed(autoPad))
    return failure();
  for (size_t i = 0; i < rank; ++i) {
    int64_t low = pads[i], high = pads[rank + i];
    // What an extent has above (in - 1) * stride.
    int64_t reach = w.dilations[i] * (w.extents[i] - 1) + 1 + more[i];
    std::optional<int64_t> total;
    if (!shape.empty()) {
      std::optional<int64_t> in = graph::constantValue(inputDims[2 + i]);
      if (!in) {
        n.error() << "output_shape needs a static extent, found "
                  << graph::toString(inputDims[2 + i])
                  << n.hint(inputDims[2 + i]);
        return failure();
      }
      total = (*in - 1) * w.strides[i] + reach - shape[i];
    } else if (autoPad->starts_with("SAME")) {
      total = std::max<int64_t>(0, reach - w.strides[i]);
    } else if (*autoPad == "VALID") {
      low = high = 0;
    }
    if (total) {
      // Too little: zeros at the end.
      int64_t some = std::max<int64_t>(0, *total);
      low = *autoPad == "SAME_UPPER" ? some / 2 : some - some / 2;
      high = *total - low;
    }
    w.padding.append({low, high - more[i]});
  }
  return w;
}

static LogicalResult convTranspose(NodeImport &n) {
  return convolve<graph::ConvTransposeOp>(n, "io", readTransposedWindow);
}

static LogicalResult pool(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  int64_t rank = n.type(*x).getRank() - 2;
  if (rank < 1 || rank > 3)
    return n.error() << "the input must have rank 3 to 5, found " << rank + 2;
  if (n.node.outputs.size() > 1 && !n.node.outputs[1].empty())
    return n.error() << "the output Indices is not supported";
  FailureOr<Window> w =
      readWindow(n, n.dims(*x),
                 n.intsAttr("kernel_shape").value_or(SmallVector<int64_t>()));
  if (failed(w))
    return failure();
  bool isMax = n.node.opType == "MaxPool";
  SmallVector<NamedAttribute> attributes = {
      n.named("kind", graph::PoolKindAttr::get(n.b.getContext(),
                                               isMax ? graph::PoolKind::max
                                                     : graph::PoolKind::avg)),
      n.named("layout", n.b.getStringAttr(layout("nc", rank))),
      n.named("window", n.b.getDenseI64ArrayAttr(w->extents)),
      n.named("strides", n.b.getDenseI64ArrayAttr(w->strides)),
      n.named("padding", n.b.getDenseI64ArrayAttr(w->padding)),
      n.named("dilations", n.b.getDenseI64ArrayAttr(w->dilations))};
  if (n.intAttr("count_include_pad", 0))
    attributes.push_back(n.named("count_include_pad", n.b.getUnitAttr()));
  if (n.intAttr("ceil_mode", 0))
    attributes.push_back(n.named("ceil_mode", n.b.getUnitAttr()));
  FailureOr<Value> y = n.create<graph::PoolOp>(*x, attributes);
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

static LogicalResult globalPool(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  SmallVector<int64_t> dims;
  for (int64_t i = 2; i < n.type(*x).getRank(); ++i)
    dims.push_back(i);
  auto kind = n.node.opType == "GlobalMaxPool" ? graph::ReduceKind::max
                                               : graph::ReduceKind::mean;
  FailureOr<Value> y = n.create<graph::ReduceOp>(
      *x, {n.named("kind", graph::ReduceKindAttr::get(n.b.getContext(), kind)),
           n.named("dims", n.b.getDenseI64ArrayAttr(dims)),
           n.named("keepdims", n.b.getUnitAttr())});
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

/// The letters of the result where the equation leaves them out: those that
/// appear once, in alphabetical order.
static std::string implicitResult(StringRef terms) {
  std::string result;
  for (char c = 'A'; c <= 'z'; ++c)
    if (llvm::isAlpha(c) && terms.count(c) == 1)
      result += c;
  return result;
}

/// Sums over the letters that the result lacks, and puts the others in order.
static FailureOr<Value> einsumOfOne(NodeImport &n, StringRef term,
                                    StringRef result, Value x) {
  if (static_cast<size_t>(n.type(x).getRank()) != term.size()) {
    n.error() << "'" << term << "' names " << term.size()
              << " dims, the operand has rank " << n.type(x).getRank();
    return failure();
  }
  for (char c : result)
    if (!term.contains(c)) {
      n.error() << "the result's '" << StringRef(&c, 1)
                << "' is no letter of the operand";
      return failure();
    }
  SmallVector<int64_t> summed, perm;
  std::string kept;
  for (auto [i, c] : llvm::enumerate(term))
    if (result.contains(c))
      kept += c;
    else
      summed.push_back(i);
  FailureOr<Value> y = x;
  if (!summed.empty())
    y = n.create<graph::ReduceOp>(
        x, {n.named("kind", graph::ReduceKindAttr::get(n.b.getContext(),
                                                       graph::ReduceKind::sum)),
            n.named("dims", n.b.getDenseI64ArrayAttr(summed))});
  for (char c : result)
    perm.push_back(kept.find(c));
  return failed(y) || kept == result ? y : n.transpose(*y, perm);
}

/// Sums over the letters of `term` that neither `result` nor `other` has, and
/// takes them out of it.
static FailureOr<Value> sumOwnLetters(NodeImport &n, std::string &term,
                                      StringRef other, StringRef result,
                                      Value x) {
  std::string kept;
  for (char c : term)
    if (other.contains(c) || result.contains(c))
      kept += c;
  if (kept == term)
    return x;
  FailureOr<Value> y = einsumOfOne(n, term, kept, x);
  term = kept;
  return y;
}

/// Einsum (12) of one or two operands, letters only.
static LogicalResult einsumNode(NodeImport &n) {
  std::string spec;
  for (char ch : n.stringAttr("equation", ""))
    if (ch != ' ')
      spec += ch;
  auto refuse = [&](StringRef what) {
    return n.error() << "equation '" << printable(spec) << "' " << what;
  };
  if (StringRef(spec).contains('.'))
    return refuse("with '...' is not supported; name every dim");
  if (!StringRef(spec).contains("->"))
    spec += "->" + implicitResult(spec);
  auto [left, result] = StringRef(spec).split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != n.node.inputs.size())
    return refuse("names ") << terms.size() << " operands, the node has "
                            << n.node.inputs.size();
  if (terms.size() > 2)
    return refuse("has ") << terms.size()
                          << " operands; one or two are supported";
  terms.push_back(result);
  for (StringRef term : terms)
    for (char c : term) {
      if (!llvm::isAlpha(c))
        return refuse("has another character than letters");
      if (term.count(c) > 1)
        return refuse("repeats a letter within '")
               << term << "', which is not supported";
    }
  FailureOr<Value> a = n.value(0), y = failure();
  if (failed(a))
    return failure();
  if (n.node.inputs.size() == 1) {
    y = einsumOfOne(n, terms[0], result, *a);
  } else {
    FailureOr<Value> c = n.value(1);
    if (failed(c))
      return failure();
    std::string lhs = terms[0].str(), rhs = terms[1].str();
    a = sumOwnLetters(n, lhs, terms[1], result, *a);
    if (succeeded(a))
      c = sumOwnLetters(n, rhs, terms[0], result, *c);
    if (failed(a) || failed(c))
      return failure();
    y = einsum(n, lhs + "," + rhs + "->" + result.str(), *a, *c);
  }
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

void addContract(ImportTable &table) {
  table["MatMul"] = matMul;
  table["Gemm"] = gemm;
  table["Einsum"] = einsumNode;
  table["Conv"] = conv;
  table["ConvTranspose"] = convTranspose;
  table["MaxPool"] = pool;
  table["AveragePool"] = pool;
  table["GlobalAveragePool"] = globalPool;
  table["GlobalMaxPool"] = globalPool;
}

} // namespace actnet::onnx
