//===- Contract.cpp - evaluating einsum, convolution, pooling -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands are brought into one canonical layout first, so the loops are
// written once, innermost over adjacent elements.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/Contract.h"
#include "Elements.h"
#include "Kernels.h"
#include "Strided.h"

#include "actnet/Dialect/Graph/IR/GraphOps.h"

using namespace mlir;
using namespace actnet::graph;
using namespace actnet::graph::eval;

/// The tensor with its dims in the order of `letters`.
static HostTensor inOrder(const HostTensor &tensor, StringRef layout,
                          StringRef letters) {
  return transposed(tensor, *layoutPositions(layout, letters));
}

/// Stores rows computed for `letters` as the result in `layout`.
static HostTensor toLayout(HostTensor canonical, StringRef letters,
                           StringRef layout) {
  return transposed(canonical, *layoutPositions(letters, layout));
}

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

template <typename Acc>
static HostTensor einsum(const Call &call, EinsumOp op) {
  EinsumSpec spec = *parseEinsumSpec(op.getSpec());
  std::string batch, m, n, k;
  for (char letter : spec.lhs) {
    bool inRhs = spec.rhs.contains(letter), inOut = spec.out.contains(letter);
    (inRhs ? (inOut ? batch : k) : m) += letter;
  }
  for (char letter : spec.rhs)
    if (!spec.lhs.contains(letter))
      n += letter;
  HostTensor lhs = inOrder(call.operands[0], spec.lhs, batch + m + k);
  HostTensor rhs = inOrder(call.operands[1], spec.rhs, batch + k + n);
  auto extentOf = [](ArrayRef<int64_t> extents) {
    int64_t product = 1;
    for (int64_t extent : extents)
      product *= extent;
    return product;
  };
  ArrayRef<int64_t> ls = lhs.shape, rs = rhs.shape;
  int64_t B = extentOf(ls.take_front(batch.size()));
  int64_t M = extentOf(ls.slice(batch.size(), m.size()));
  int64_t K = extentOf(ls.take_back(k.size()));
  int64_t N = extentOf(rs.take_back(n.size()));
  SmallVector<int64_t> shape(ls.drop_back(k.size()));
  llvm::append_range(shape, rs.take_back(n.size()));
  HostTensor result = HostTensor::allocate(call.elementType, shape);
  std::vector<Acc> sum(N), left(K), right(K * N);
  for (int64_t b = 0; b < B; ++b) {
    load(rhs, b * K * N, 1, K * N, right.data());
    for (int64_t i = 0; i < M; ++i) {
      load(lhs, (b * M + i) * K, 1, K, left.data());
      std::fill(sum.begin(), sum.end(), Acc(0));
      for (int64_t j = 0; j < K; ++j) {
        const Acc *row = right.data() + j * N;
        for (int64_t x = 0; x < N; ++x)
          sum[x] += left[j] * row[x];
      }
      store(result, (b * M + i) * N, N, sum.data());
    }
  }
  return toLayout(result, batch + m + n, spec.out);
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

namespace {
/// A windowed loop over up to three spatial dims, missing ones of extent 1.
struct Window {
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, size[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1}, low[3] = {0, 0, 0}, high[3] = {0, 0, 0};
  int64_t dilation[3] = {1, 1, 1};

  Window(ArrayRef<int64_t> inputs, ArrayRef<int64_t> outputs,
         ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides,
         ArrayRef<int64_t> padding, ArrayRef<int64_t> dilations) {
    size_t first = 3 - sizes.size();
    for (size_t i = 0; i < sizes.size(); ++i) {
      in[first + i] = inputs[i];
      out[first + i] = outputs[i];
      size[first + i] = sizes[i];
      stride[first + i] = strides[i];
      low[first + i] = padding[2 * i];
      high[first + i] = padding[2 * i + 1];
      dilation[first + i] = dilations[i];
    }
  }

  int64_t inputs() const { return in[0] * in[1] * in[2]; }
  int64_t outputs() const { return out[0] * out[1] * out[2]; }
  int64_t sizes() const { return size[0] * size[1] * size[2]; }

  /// Calls visit(output position, input position, window position) for each
  /// pair inside the input.
  template <typename Visit> void forEach(Visit visit) const {
    int64_t w[3], p[3];
    for (w[0] = 0; w[0] < size[0]; ++w[0])
      for (w[1] = 0; w[1] < size[1]; ++w[1])
        for (w[2] = 0; w[2] < size[2]; ++w[2])
          for (p[0] = 0; p[0] < out[0]; ++p[0])
            for (p[1] = 0; p[1] < out[1]; ++p[1])
              for (p[2] = 0; p[2] < out[2]; ++p[2]) {
                int64_t at[3];
                bool isInside = true;
                for (int i = 0; i < 3; ++i) {
                  at[i] = p[i] * stride[i] + w[i] * dilation[i] - low[i];
                  isInside &= at[i] >= 0 && at[i] < in[i];
                }
                if (isInside)
                  visit((p[0] * out[1] + p[1]) * out[2] + p[2],
                        (at[0] * in[1] + at[1]) * in[2] + at[2],
                        (w[0] * size[1] + w[1]) * size[2] + w[2]);
              }
  }
};
} // namespace

template <typename Acc> static HostTensor conv(const Call &call, ConvOp op) {
  StringRef spatial = spatialLetters(call.shape.size() - 2);
  std::string letters = "nc" + spatial.str();
  HostTensor x = inOrder(call.operands[0], op.getInputLayout(), letters);
  HostTensor f =
      inOrder(call.operands[1], op.getFilterLayout(), "oi" + spatial.str());
  SmallVector<int64_t> shape{x.shape[0], f.shape[0]};
  for (int64_t position : *layoutPositions(op.getOutputLayout(), letters))
    if (op.getOutputLayout()[position] != 'n' &&
        op.getOutputLayout()[position] != 'c')
      shape.push_back(call.shape[position]);
  HostTensor result = HostTensor::allocate(call.elementType, shape);
  Window window(ArrayRef(x.shape).drop_front(2), ArrayRef(shape).drop_front(2),
                ArrayRef(f.shape).drop_front(2), op.getStrides(),
                op.getPadding(), op.getDilations());
  int64_t N = shape[0], O = shape[1], I = f.shape[1], C = x.shape[1];
  int64_t perGroup = O / static_cast<int64_t>(op.getGroups());
  // The pairs are the same for all channels; walk them once.
  std::vector<std::array<int64_t, 3>> pairs;
  window.forEach([&](int64_t out, int64_t in, int64_t w) {
    pairs.push_back({out, in, w});
  });
  std::vector<Acc> image(C * window.inputs()), filter(I * window.sizes());
  std::vector<Acc> sum(window.outputs());
  for (int64_t n = 0; n < N; ++n) {
    load(x, n * C * window.inputs(), 1, image.size(), image.data());
    for (int64_t o = 0; o < O; ++o) {
      load(f, o * I * window.sizes(), 1, filter.size(), filter.data());
      std::fill(sum.begin(), sum.end(), Acc(0));
      for (int64_t i = 0; i < I; ++i) {
        const Acc *plane =
            image.data() + (o / perGroup * I + i) * window.inputs();
        const Acc *taps = filter.data() + i * window.sizes();
        for (const auto &[out, in, w] : pairs)
          sum[out] += plane[in] * taps[w];
      }
      store(result, (n * O + o) * window.outputs(), sum.size(), sum.data());
    }
  }
  return toLayout(result, letters, op.getOutputLayout());
}

template <typename Acc>
static HostTensor convTranspose(const Call &call, ConvTransposeOp op) {
  StringRef spatial = spatialLetters(call.shape.size() - 2);
  std::string letters = "nc" + spatial.str();
  HostTensor x = inOrder(call.operands[0], op.getInputLayout(), letters);
  HostTensor f =
      inOrder(call.operands[1], op.getFilterLayout(), "io" + spatial.str());
  SmallVector<int64_t> shape;
  for (int64_t position : *layoutPositions(op.getOutputLayout(), letters))
    shape.push_back(call.shape[position]);
  HostTensor result = HostTensor::allocate(call.elementType, shape);
  // A convolution's windows, from the result's side: they slide over y.
  Window window(ArrayRef(shape).drop_front(2), ArrayRef(x.shape).drop_front(2),
                ArrayRef(f.shape).drop_front(2), op.getStrides(),
                op.getPadding(), op.getDilations());
  int64_t N = shape[0], C = x.shape[1], O = f.shape[1];
  int64_t perGroup = C / static_cast<int64_t>(op.getGroups());
  std::vector<Acc> image(C * window.outputs());
  std::vector<Acc> filter(f.getNumElements()), sum(window.inputs());
  load(f, 0, 1, filter.size(), filter.data());
  for (int64_t n = 0; n < N; ++n) {
    load(x, n * C * window.outputs(), 1, image.size(), image.data());
    for (int64_t o = 0; o < shape[1]; ++o) {
      std::fill(sum.begin(), sum.end(), Acc(0));
      for (int64_t i = o / O * perGroup; i < (o / O + 1) * perGroup; ++i) {
        const Acc *plane = image.data() + i * window.outputs();
        const Acc *taps = filter.data() + (i * O + o % O) * window.sizes();
        window.forEach([&](int64_t from, int64_t to, int64_t w) {
          sum[to] += plane[from] * taps[w];
        });
      }
      store(result, (n * shape[1] + o) * window.inputs(), sum.size(),
            sum.data());
    }
  }
  return toLayout(result, letters, op.getOutputLayout());
}

/// How many window positions of each output are inside the padded input.
static std::vector<int64_t> countPadded(const Window &window) {
  Window padded = window;
  for (int i = 0; i < 3; ++i) {
    padded.in[i] += window.low[i] + window.high[i];
    padded.low[i] = 0;
  }
  std::vector<int64_t> counts(window.outputs(), 0);
  padded.forEach([&](int64_t out, int64_t, int64_t) { ++counts[out]; });
  return counts;
}

template <typename Acc> static HostTensor pool(const Call &call, PoolOp op) {
  std::string letters = "nc" + spatialLetters(call.shape.size() - 2).str();
  HostTensor x = inOrder(call.operands[0], op.getLayout(), letters);
  SmallVector<int64_t> shape;
  for (int64_t position : *layoutPositions(op.getLayout(), letters))
    shape.push_back(call.shape[position]);
  HostTensor result = HostTensor::allocate(call.elementType, shape);
  Window window(ArrayRef(x.shape).drop_front(2), ArrayRef(shape).drop_front(2),
                op.getWindow(), op.getStrides(), op.getPadding(),
                op.getDilations());
  bool isMax = op.getKind() == PoolKind::max;
  std::vector<int64_t> counts(window.outputs(), 0);
  window.forEach([&](int64_t out, int64_t, int64_t) { ++counts[out]; });
  if (op.getCountIncludePad())
    counts = countPadded(window);
  Acc lowest = std::is_floating_point_v<Acc>
                   ? -std::numeric_limits<Acc>::infinity()
                   : std::numeric_limits<Acc>::lowest();
  std::vector<Acc> image(window.inputs()), sum(window.outputs());
  for (int64_t plane = 0, e = shape[0] * shape[1]; plane < e; ++plane) {
    load(x, plane * window.inputs(), 1, image.size(), image.data());
    std::fill(sum.begin(), sum.end(), isMax ? lowest : Acc(0));
    window.forEach([&](int64_t out, int64_t in, int64_t) {
      Acc value = image[in];
      if (!isMax)
        sum[out] += value;
      else if (!(value <= sum[out]) && sum[out] == sum[out])
        sum[out] = value;
    });
    if (!isMax)
      for (size_t i = 0; i < sum.size(); ++i)
        sum[i] /= static_cast<Acc>(std::max<int64_t>(counts[i], 1));
    store(result, plane * window.outputs(), sum.size(), sum.data());
  }
  return toLayout(result, letters, op.getLayout());
}

template <typename Acc> static Result evaluateIn(const Call &call) {
  if (auto op = dyn_cast<EinsumOp>(call.op))
    return einsum<Acc>(call, op);
  if (auto op = dyn_cast<ConvOp>(call.op))
    return conv<Acc>(call, op);
  if (auto op = dyn_cast<ConvTransposeOp>(call.op))
    return convTranspose<Acc>(call, op);
  if (auto op = dyn_cast<PoolOp>(call.op))
    return pool<Acc>(call, op);
  return failure();
}

Result eval::evaluateContract(const Call &call) {
  if (!isa<EinsumOp, ConvOp, ConvTransposeOp, PoolOp>(call.op))
    return failure();
  Domain domain = domainOf(call.elementType);
  if (domain == Domain::Float)
    return evaluateIn<double>(call);
  // Products and sums wrap alike for both kinds of integers; only max differs.
  if (domain == Domain::Unsigned || !isa<PoolOp>(call.op))
    return evaluateIn<uint64_t>(call);
  return evaluateIn<int64_t>(call);
}
