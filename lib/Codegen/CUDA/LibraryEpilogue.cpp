//===- LibraryEpilogue.cpp - what becomes of a product --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The elementwise generics behind a product are read as one expression. Values
// of their bodies are followed through operands to where they are computed;
// widening changes no value, and rounding is looked through at the end only,
// where the library rounds as well.
//
//===----------------------------------------------------------------------===//

#include "Library.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

using Activation = pkg::MatmulConfig::Activation;

namespace {

class EpilogueReader {
public:
  EpilogueReader(Printer &p, Value root,
                 const llvm::DenseMap<Operation *, Indices> &loops)
      : p(p), root(root), loops(loops) {}

  std::optional<Epilogue> run() {
    Value result = p.kernel.getBody().front().getTerminator()->getOperand(0);
    // The product itself, or the yield of the last generic.
    if (result == root)
      return epilogue;
    auto last = result.getDefiningOp<linalg::GenericOp>();
    if (!last || !loops.contains(last))
      return std::nullopt;
    Value value = origin(last.getBody()->getTerminator()->getOperand(
        cast<OpResult>(result).getResultNumber()));
    while (auto narrowed = value.getDefiningOp<arith::TruncFOp>())
      value = origin(narrowed.getIn());
    if (Value inner = relu(value)) {
      epilogue.activation = Activation::relu;
      value = inner;
    } else if (Value inner = gelu(value)) {
      epilogue.activation = Activation::gelu;
      value = inner;
    }
    if (auto sum = value.getDefiningOp<arith::AddFOp>()) {
      for (unsigned i = 0; i < 2 && !epilogue.bias; ++i)
        if (readBias(origin(sum->getOperand(i))))
          value = origin(sum->getOperand(1 - i));
      if (!epilogue.bias)
        return std::nullopt;
    }
    if (auto product = value.getDefiningOp<arith::MulFOp>())
      for (unsigned i = 0; i < 2; ++i)
        if (auto factor = constant(product->getOperand(i))) {
          epilogue.alpha = *factor;
          value = origin(product->getOperand(1 - i));
          break;
        }
    return isRoot(value) ? std::optional(epilogue) : std::nullopt;
  }

private:
  /// The tensor that an argument of a generic's body is an element of.
  static Value tensorOf(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    auto generic = argument ? dyn_cast_or_null<linalg::GenericOp>(
                                  argument.getOwner()->getParentOp())
                            : linalg::GenericOp();
    return generic && argument.getArgNumber() < generic.getInputs().size()
               ? generic.getInputs()[argument.getArgNumber()]
               : Value();
  }

  /// Where a value is computed: through operands, and widenings.
  Value origin(Value value) const {
    for (;;) {
      if (auto widened = value.getDefiningOp<arith::ExtFOp>()) {
        value = widened.getIn();
        continue;
      }
      Value tensor = tensorOf(value);
      auto generic =
          tensor ? tensor.getDefiningOp<linalg::GenericOp>() : nullptr;
      if (!generic || tensor == root || !loops.contains(generic))
        return value;
      value = generic.getBody()->getTerminator()->getOperand(
          cast<OpResult>(tensor).getResultNumber());
    }
  }

  bool isRoot(Value value) const { return tensorOf(value) == root; }
  bool same(Value x, Value y) const { return origin(x) == origin(y); }

  std::optional<double> constant(Value value) const {
    FloatAttr number;
    if (matchPattern(origin(value), m_Constant(&number)))
      return number.getValueAsDouble();
    return std::nullopt;
  }
  /// As near as a constant is in f16 or bf16.
  bool isNear(Value value, double wanted) const {
    auto number = constant(value);
    return number && std::fabs(*number - wanted) <= wanted / 256;
  }
  bool isZero(Value value) const { return constant(value) == 0.0; }

  /// One operand of a commutative operation, where `matches` the other one.
  template <typename Op>
  Value other(Value value, llvm::function_ref<bool(Value)> matches) const {
    auto op = origin(value).template getDefiningOp<Op>();
    for (unsigned i = 0; op && i < 2; ++i)
      if (matches(op->getOperand(i)))
        return origin(op->getOperand(1 - i));
    return {};
  }
  template <typename Op> Value times(Value value, double constant) const {
    return other<Op>(value, [&](Value v) { return isNear(v, constant); });
  }

  Value relu(Value value) const {
    auto zero = [&](Value v) { return isZero(v); };
    if (Value x = other<arith::MaximumFOp>(value, zero))
      return x;
    return other<arith::MaxNumFOp>(value, zero);
  }

  /// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
  Value gelu(Value value) const {
    Value x;
    Value rest = other<arith::MulFOp>(value, [&](Value v) {
      Value half = times<arith::MulFOp>(v, 0.5);
      // The other factor is (1 + tanh), never a half of something.
      if (half)
        x = half;
      return half != nullptr;
    });
    if (!rest)
      return {};
    Value tangent = times<arith::AddFOp>(rest, 1);
    auto tanh = tangent ? tangent.getDefiningOp<math::TanhOp>() : nullptr;
    Value sum = tanh ? times<arith::MulFOp>(tanh.getOperand(),
                                            std::sqrt(2 / 3.14159265358979))
                     : Value();
    Value cubic =
        sum ? other<arith::AddFOp>(sum, [&](Value v) { return same(v, x); })
            : Value();
    Value cube = cubic ? times<arith::MulFOp>(cubic, 0.044715) : Value();
    Value square =
        cube ? other<arith::MulFOp>(cube, [&](Value v) { return same(v, x); })
             : Value();
    Value again =
        square
            ? other<arith::MulFOp>(square, [&](Value v) { return same(v, x); })
            : Value();
    return again && again == x ? x : Value();
  }

  bool readBias(Value value) {
    auto operand = dyn_cast_or_null<BlockArgument>(tensorOf(value));
    if (!operand || operand.getOwner() != &p.kernel.getBody().front())
      return false;
    auto argument = cast<BlockArgument>(value);
    auto generic = cast<linalg::GenericOp>(argument.getOwner()->getParentOp());
    auto known = loops.find(generic);
    if (known == loops.end())
      return false;
    epilogue.bias = operand;
    epilogue.biasAt =
        p.map(generic.getMatchingIndexingMap(
                  generic.getDpsInputOperand(argument.getArgNumber())),
              known->second);
    return true;
  }

  Printer &p;
  Value root;
  const llvm::DenseMap<Operation *, Indices> &loops;
  Epilogue epilogue;
};

} // namespace

std::optional<Epilogue>
cuda::readEpilogue(Printer &p, Value root,
                   const llvm::DenseMap<Operation *, Indices> &loops) {
  return EpilogueReader(p, root, loops).run();
}
