//===- Composite.cpp - evaluating the composites --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From their definitions, in double, and not through graph-decompose, so that
// the two can be compared.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Kernels.h"
#include "Strided.h"

#include "actnet/Dialect/Graph/IR/Contract.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace actnet::graph;
using namespace actnet::graph::eval;

static int64_t product(ArrayRef<int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

static HostTensor softmax(const Call &call, int64_t axis, bool isLog) {
  std::vector<double> x = toDoubles(call.operands[0]);
  ArrayRef<int64_t> shape = call.shape;
  int64_t outer = product(shape.take_front(axis)), extent = shape[axis];
  int64_t inner = product(shape.drop_front(axis + 1));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      double *row = x.data() + o * extent * inner + i;
      double most = row[0], sum = 0;
      for (int64_t k = 1; k < extent; ++k)
        most = std::max(most, row[k * inner]);
      for (int64_t k = 0; k < extent; ++k)
        sum += std::exp(row[k * inner] - most);
      for (int64_t k = 0; k < extent; ++k) {
        double shifted = row[k * inner] - most;
        row[k * inner] =
            isLog ? shifted - std::log(sum) : std::exp(shifted) / sum;
      }
    }
  return fromDoubles(call.elementType, shape, x);
}

/// An operand as doubles in the shape `target`.
static std::vector<double> broadcastTo(const HostTensor &tensor,
                                       ArrayRef<int64_t> target) {
  std::vector<double> values(product(target));
  SmallVector<SmallVector<int64_t>> strides{
      stridesOf(target), broadcastStrides(tensor.shape, target)};
  StridedLoop loop(target, strides);
  loop.forEachRow([&](ArrayRef<int64_t> at, int64_t count) {
    load(tensor, at[1], loop.innerStride(1), count, values.data() + at[0]);
  });
  return values;
}

/// layer_norm and rms_norm: rows of the dims from `axis` on.
static HostTensor rowNorm(const Call &call, int64_t axis, double epsilon,
                          bool subtractsMean, const HostTensor *scale,
                          const HostTensor *bias) {
  std::vector<double> x = toDoubles(call.operands[0]);
  ArrayRef<int64_t> rowShape = ArrayRef(call.shape).drop_front(axis);
  int64_t count = product(rowShape),
          rows = product(ArrayRef(call.shape).take_front(axis));
  std::vector<double> scales(count, 1), biases(count, 0);
  if (scale)
    scales = broadcastTo(*scale, rowShape);
  if (bias)
    biases = broadcastTo(*bias, rowShape);
  for (int64_t r = 0; r < rows; ++r) {
    double *row = x.data() + r * count;
    double mean = 0, square = 0;
    if (subtractsMean)
      mean =
          std::accumulate(row, row + count, 0.0) / static_cast<double>(count);
    for (int64_t i = 0; i < count; ++i)
      square += (row[i] - mean) * (row[i] - mean);
    double factor =
        1 / std::sqrt(square / static_cast<double>(count) + epsilon);
    for (int64_t i = 0; i < count; ++i)
      row[i] = (row[i] - mean) * factor * scales[i] + biases[i];
  }
  return fromDoubles(call.elementType, call.shape, x);
}

static HostTensor batchNorm(const Call &call, BatchNormOp op) {
  std::vector<double> x = toDoubles(call.operands[0]);
  std::vector<double> parameters[4];
  for (int i = 0; i < 4; ++i)
    parameters[i] = toDoubles(call.operands[1 + i]);
  int64_t axis = op.getAxis(), channels = call.shape[axis];
  int64_t inner = product(ArrayRef(call.shape).drop_front(axis + 1));
  double epsilon = op.getEpsilon().convertToDouble();
  for (size_t i = 0; i < x.size(); ++i) {
    int64_t c = static_cast<int64_t>(i) / inner % channels;
    x[i] = (x[i] - parameters[2][c]) / std::sqrt(parameters[3][c] + epsilon) *
               parameters[0][c] +
           parameters[1][c];
  }
  return fromDoubles(call.elementType, call.shape, x);
}

static HostTensor groupNorm(const Call &call, GroupNormOp op) {
  std::vector<double> x = toDoubles(call.operands[0]);
  std::vector<double> scale = toDoubles(call.operands[1]),
                      bias = toDoubles(call.operands[2]);
  int64_t channels = call.shape[1], groups = op.getGroups();
  int64_t inner = product(ArrayRef(call.shape).drop_front(2));
  int64_t count = channels / groups * inner;
  double epsilon = op.getEpsilon().convertToDouble();
  for (int64_t g = 0, e = call.shape[0] * groups; g < e; ++g) {
    double *row = x.data() + g * count;
    double mean =
        std::accumulate(row, row + count, 0.0) / static_cast<double>(count);
    double square = 0;
    for (int64_t i = 0; i < count; ++i)
      square += (row[i] - mean) * (row[i] - mean);
    double factor =
        1 / std::sqrt(square / static_cast<double>(count) + epsilon);
    for (int64_t i = 0; i < count; ++i) {
      int64_t c = (g * count + i) / inner % channels;
      row[i] = (row[i] - mean) * factor * scale[c] + bias[c];
    }
  }
  return fromDoubles(call.elementType, call.shape, x);
}

static HostTensor gelu(const Call &call, bool isTanh) {
  std::vector<double> x = toDoubles(call.operands[0]);
  const double pi = 3.14159265358979323846;
  for (double &v : x)
    v = isTanh ? v / 2 *
                     (1 +
                      std::tanh(std::sqrt(2 / pi) * (v + 0.044715 * v * v * v)))
               : v / 2 * (1 + std::erf(v / std::sqrt(2.0)));
  return fromDoubles(call.elementType, call.shape, x);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// The tensor in the order of `letters`, with extent 1 for those it lacks.
static HostTensor inOrder(const HostTensor &tensor, StringRef layout,
                          StringRef letters) {
  std::string present;
  for (char letter : letters)
    if (layout.contains(letter))
      present += letter;
  HostTensor result = transposed(tensor, *layoutPositions(layout, present));
  SmallVector<int64_t> shape;
  for (char letter : letters)
    shape.push_back(layout.contains(letter) ? tensor.shape[layout.find(letter)]
                                            : 1);
  result.shape = shape;
  return result;
}

static HostTensor attention(const Call &call, AttentionOp op) {
  HostTensor qt = inOrder(call.operands[0], op.getQLayout(), "bhsd");
  HostTensor kt = inOrder(call.operands[1], op.getKLayout(), "bgtd");
  HostTensor vt = inOrder(call.operands[2], op.getVLayout(), "bgte");
  int64_t B = qt.shape[0], H = qt.shape[1], S = qt.shape[2], D = qt.shape[3];
  int64_t G = kt.shape[1], T = kt.shape[2], E = vt.shape[3];
  std::vector<double> q = toDoubles(qt), k = toDoubles(kt), v = toDoubles(vt),
                      mask;
  bool isChoice = false;
  if (op.getMask()) {
    // The mask lacks the dims that the layouts lack.
    HostTensor m = call.operands[3];
    bool hasBatch = op.getQLayout().contains('b'),
         hasHeads = op.getQLayout().contains('h');
    size_t rank = 2 + hasBatch + hasHeads;
    SmallVector<int64_t> shape(rank - m.shape.size(), 1);
    llvm::append_range(shape, m.shape);
    if (!hasHeads)
      shape.insert(shape.begin() + hasBatch, 1);
    if (!hasBatch)
      shape.insert(shape.begin(), 1);
    m.shape = shape;
    isChoice = m.elementType.isInteger(1);
    mask = broadcastTo(m, {B, H, S, T});
  }
  const double infinity = std::numeric_limits<double>::infinity();
  double scale = op.getScale().convertToDouble();
  HostTensor result = HostTensor::allocate(call.elementType, {B, H, S, E});
  std::vector<double> scores(T), out(E);
  for (int64_t b = 0; b < B; ++b)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t s = 0; s < S; ++s) {
        int64_t group = b * G + h / (H / G), row = (b * H + h) * S + s;
        double most = -infinity, sum = 0;
        for (int64_t t = 0; t < T; ++t) {
          double score = 0;
          for (int64_t d = 0; d < D; ++d)
            score += q[row * D + d] * k[(group * T + t) * D + d];
          score *= scale;
          if (!mask.empty() && isChoice)
            score = mask[row * T + t] != 0 ? score : -infinity;
          else if (!mask.empty())
            score += mask[row * T + t];
          if (op.getCausal() && t > s + T - S)
            score = -infinity;
          scores[t] = score;
          most = std::max(most, score);
        }
        std::fill(out.begin(), out.end(), 0.0);
        for (int64_t t = 0; t < T; ++t) {
          double weight = std::exp(scores[t] - most);
          sum += weight;
          for (int64_t e = 0; e < E; ++e)
            out[e] += weight * v[(group * T + t) * E + e];
        }
        // Of no key, and of a softmax that is no number where guarded: 0.
        bool isZero = T == 0 || (op.getGuarded() && !(sum > 0));
        for (double &value : out)
          value = isZero ? 0 : value / sum;
        store(result, row * E, E, out.data());
      }
  std::string letters;
  SmallVector<int64_t> shape;
  for (auto [letter, extent] : llvm::zip(StringRef("bhse"), result.shape))
    if (op.getYLayout().contains(letter)) {
      letters += letter;
      shape.push_back(extent);
    }
  result.shape = shape;
  return transposed(result, *layoutPositions(letters, op.getYLayout()));
}

Result eval::evaluateComposite(const Call &call) {
  auto optional = [&](Value value) -> const HostTensor * {
    for (auto [operand, tensor] :
         llvm::zip(call.op->getOperands(), call.operands))
      if (value && operand == value)
        return &tensor;
    return nullptr;
  };
  return TypeSwitch<Operation *, Result>(call.op)
      .Case<SoftmaxOp>(
          [&](SoftmaxOp op) { return softmax(call, op.getAxis(), false); })
      .Case<LogSoftmaxOp>(
          [&](LogSoftmaxOp op) { return softmax(call, op.getAxis(), true); })
      .Case<LayerNormOp>([&](LayerNormOp op) {
        return rowNorm(call, op.getAxis(), op.getEpsilon().convertToDouble(),
                       true, optional(op.getScale()), optional(op.getBias()));
      })
      .Case<RmsNormOp>([&](RmsNormOp op) {
        return rowNorm(call, op.getAxis(), op.getEpsilon().convertToDouble(),
                       false, optional(op.getScale()), nullptr);
      })
      .Case<BatchNormOp>([&](BatchNormOp op) { return batchNorm(call, op); })
      .Case<GroupNormOp>([&](GroupNormOp op) { return groupNorm(call, op); })
      .Case<GeluOp>(
          [&](GeluOp op) { return gelu(call, op.getTanhApproximation()); })
      .Case<AttentionOp>([&](AttentionOp op) { return attention(call, op); })
      .Default([](Operation *) { return failure(); });
}
