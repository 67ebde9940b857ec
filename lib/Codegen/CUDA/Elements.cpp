//===- Elements.cpp - walking from a tensor to its definitions ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Printer.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "llvm/ADT/TypeSwitch.h"

#include <utility>

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

void Printer::remember(Value tensor, ArrayRef<Index> at, StringRef value) {
  made.back().push_back({tensor, llvm::to_vector(at), value.str()});
}

Text Printer::element(Value tensor, ArrayRef<Index> at) {
  if (onElement)
    onElement(tensor, at);
  if (auto it = bound.find(tensor); it != bound.end())
    return ElementFn(it->second)(at);
  for (const auto &scope : made)
    for (const Made &known : scope)
      if (known.tensor == tensor && ArrayRef(known.at) == at)
        return known.value;
  Text value = definition(tensor, at);
  remember(tensor, at, value);
  return value;
}

Printer::Address Printer::addressOf(ArrayRef<graph::DimExprAttr> strides,
                                    ArrayRef<Index> at) {
  Address result{constant(0), {}};
  for (auto [stride, index] : llvm::zip(strides, at)) {
    if (auto number = graph::constantValue(stride))
      result.sum = result.sum + index * *number;
    else if (index != constant(0))
      result.others.push_back({index, stride});
  }
  return result;
}

std::optional<int64_t> Printer::stepOf(ArrayRef<graph::DimExprAttr> strides,
                                       ArrayRef<Index> at, Index variable) {
  if (!isa<AffineDimExpr>(variable))
    return 0;
  unsigned position = cast<AffineDimExpr>(variable).getPosition();
  Address address = addressOf(strides, at);
  for (auto [factor, size] : address.others)
    if (factor.isFunctionOfDim(position))
      return -1;
  Index moved = address.sum.replace(variable, variable + 1);
  auto step = dyn_cast<AffineConstantExpr>(
      simplifyAffineExpr(moved - address.sum, variables.size(), 0));
  return step ? std::optional<int64_t>(step.getValue()) : std::nullopt;
}

Text Printer::text(const Address &address) {
  Text others;
  auto tight = [](Text text) {
    return text.find(' ') == Text::npos ? text : "(" + text + ")";
  };
  for (auto [factor, size] : address.others)
    others += (others.empty() ? "" : " + ") + tight(text(factor)) + " * " +
              tight(text(size));
  Text rest = text(address.sum);
  if (others.empty())
    return rest;
  return rest == "0" ? others : others + " + " + rest;
}

Text Printer::loaded(Type element, StringRef memory) {
  if (element.isInteger(1))
    return memory.str() + " != 0";
  if (isNarrowFloat(element))
    return "toFloat(" + memory.str() + ")";
  return memory.str();
}

Text Printer::stored(Type element, StringRef value) {
  return isNarrowFloat(element)
             ? "fromFloat<" + memoryType(element) + ">(" + value.str() + ")"
             : value.str();
}

Text Printer::memoryElement(BlockArgument argument, ArrayRef<Index> at) {
  unsigned number = argument.getArgNumber();
  return load("in" + std::to_string(number),
              getElementTypeOrSelf(argument.getType()),
              addressOf(kernel.getArgStrides(number), at));
}

Text Printer::definition(Value tensor, ArrayRef<Index> at) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Type element = type.getElementType();
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    return define(computeType(element),
                  loaded(element, memoryElement(argument, at)));
  }
  Operation *op = tensor.getDefiningOp();
  return TypeSwitch<Operation *, Text>(op)
      .Case([&](linalg::GenericOp generic) {
        return this->generic(generic, cast<OpResult>(tensor).getResultNumber(),
                             at);
      })
      .Case([&](linalg::FillOp fill) {
        Attribute number;
        if (!matchPattern(fill.getInputs()[0], m_Constant(&number)))
          return fail(fill, "fills with constants only");
        return literal(element, number);
      })
      .Case([&](tensor::EmptyOp) { return zero(element); })
      .Case([&](arith::ConstantOp constant) {
        auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
        if (!splat)
          return fail(constant, "prints constants of one value only");
        return literal(element, splat.getSplatValue<Attribute>());
      })
      .Case(
          [&](tensor::ExtractSliceOp slice) { return this->slice(slice, at); })
      .Case([&](tensor::PadOp pad) { return this->pad(pad, at); })
      .Case([&](tensor::ExpandShapeOp expand) {
        return this->expand(expand, at);
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        return this->collapse(collapse, at);
      })
      .Default([&](Operation *other) {
        return fail(other, "does not print elements of '" +
                               other->getName().getStringRef() + "'");
      });
}

Texts Printer::operands(linalg::GenericOp op, ArrayRef<Index> dims,
                        unsigned count) {
  Texts values;
  for (OpOperand &operand : op->getOpOperands().take_front(count)) {
    values.emplace_back();
    if (op.getMatchingBlockArgument(&operand).use_empty())
      continue;
    Attribute number;
    if (isa<RankedTensorType>(operand.get().getType()))
      values.back() = element(operand.get(),
                              map(op.getMatchingIndexingMap(&operand), dims));
    else if (matchPattern(operand.get(), m_Constant(&number)))
      values.back() = literal(operand.get().getType(), number);
    else
      values.back() = fail(op, "takes scalars that are constant only");
  }
  return values;
}

Text Printer::generic(linalg::GenericOp op, unsigned result,
                      ArrayRef<Index> at) {
  AffineMap own = op.getMatchingIndexingMap(op.getDpsInitOperand(result));
  if (op.getNumReductionLoops() || !own.isPermutation())
    return fail(op, "expected an elementwise generic here");
  Indices dims(op.getNumLoops());
  for (auto [i, expr] : llvm::enumerate(own.getResults()))
    dims[cast<AffineDimExpr>(expr).getPosition()] = at[i];
  bool before =
      std::exchange(mayBeUnused, mayBeUnused || op.getNumResults() > 1);
  Texts results = body(op, dims, operands(op, dims, op->getNumOperands()), {});
  mayBeUnused = before;
  for (auto [i, value] : llvm::enumerate(results))
    if (i != result)
      remember(op.getResult(i),
               map(op.getMatchingIndexingMap(op.getDpsInitOperand(i)), dims),
               value);
  return results[result];
}

Text Printer::slice(tensor::ExtractSliceOp op, ArrayRef<Index> at) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Indices source;
  unsigned next = 0;
  for (auto [d, offset, stride] :
       llvm::enumerate(op.getMixedOffsets(), op.getMixedStrides())) {
    auto step = getConstantIntValue(stride);
    if (!step)
      return fail(op, "prints slices of constant steps only");
    Index index = dropped[d] ? constant(0) : at[next++];
    auto start = getConstantIntValue(offset);
    source.push_back(index * *step + (start ? constant(*start)
                                            : indexValue(cast<Value>(offset))));
  }
  return element(op.getSource(), source);
}

Text Printer::pad(tensor::PadOp op, ArrayRef<Index> at) {
  Type type = op.getResultType().getElementType();
  Attribute number;
  Value filler = op.getConstantPaddingValue();
  if (!filler || !matchPattern(filler, m_Constant(&number)))
    return fail(op, "pads with constants only");
  Indices source;
  Text inside;
  Indices checked;
  auto lows = op.getMixedLowPad(), highs = op.getMixedHighPad();
  for (unsigned d = 0; d < lows.size(); ++d) {
    auto low = getConstantIntValue(lows[d]),
         high = getConstantIntValue(highs[d]);
    if (low == 0 && high == 0) {
      source.push_back(at[d]);
      continue;
    }
    source.push_back(at[d] -
                     (low ? constant(*low) : indexValue(cast<Value>(lows[d]))));
    Index where = source.back();
    if (std::optional<Index> first = firstOfLanes(where);
        first && low == 0 && isMultiple(dimOf(op.getSource(), d)))
      where = *first;
    Text index = text(where);
    checked.push_back(where);
    if (low != 0)
      inside += (inside.empty() ? "" : " && ") + index + " >= 0";
    if (high != 0)
      inside += (inside.empty() ? "" : " && ") + index + " < " +
                text(dimOf(op.getSource(), d));
  }
  if (inside.empty())
    return element(op.getSource(), source);
  // Nothing is read outside: what the element is made of is printed inside.
  Text name = fresh();
  line(computeType(type) + " " + name + " = " + literal(type, number) + ";");
  Block block(*this, "if (" + inside + ") {");
  Condition condition(*this, inside, checked);
  line(name + " = " + element(op.getSource(), source) + ";");
  return name;
}

Text Printer::expand(tensor::ExpandShapeOp op, ArrayRef<Index> at) {
  Indices source;
  for (ArrayRef<int64_t> group : op.getReassociationIndices()) {
    Index sum = at[group[0]];
    for (int64_t d : group.drop_front())
      sum = multiply(sum, index(dimOf(op.getResult(), d))) + at[d];
    source.push_back(sum);
  }
  return element(op.getSrc(), source);
}

Text Printer::collapse(tensor::CollapseShapeOp op, ArrayRef<Index> at) {
  Indices source;
  for (auto [i, group] : llvm::enumerate(op.getReassociationIndices())) {
    Indices parts(group.size());
    Index rest = at[i];
    for (unsigned k = group.size(); k-- > 1;) {
      graph::DimExprAttr size = dimOf(op.getSrc(), group[k]);
      if (auto number = graph::constantValue(size)) {
        parts[k] = *number == 1 ? constant(0) : rest % *number;
        rest = rest.floorDiv(*number);
        continue;
      }
      auto make = [&](StringRef sign) {
        Text name = "t" + std::to_string(nextIndex++);
        line("const i64 " + name + " = (" + text(rest) + ") " + sign + " (" +
             text(size) + ");");
        return variable(name);
      };
      parts[k] = make("%");
      rest = make("/");
    }
    parts[0] = rest;
    source.append(parts.begin(), parts.end());
  }
  return element(op.getSrc(), source);
}

Index Printer::indexValue(Value value) { return index(dimValue(value)); }
