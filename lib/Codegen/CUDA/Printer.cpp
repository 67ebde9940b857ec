//===- Printer.cpp - lines, indices and dims ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Printer.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

Printer::Printer(kernel::FuncOp kernel)
    : kernel(kernel), context(kernel.getContext()) {
  made.emplace_back();
  declared.emplace_back();
}

Text Printer::fail(Operation *op, const Twine &message) {
  if (!hasFailed)
    op->emitError() << "the CUDA code generator " << message;
  hasFailed = true;
  return "0";
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

void Printer::line(const Twine &text) {
  Text added = text.str();
  if (!added.empty())
    out.append(2 * depth, ' ');
  out += added;
  out += '\n';
}

Text Printer::define(StringRef type, StringRef value) {
  Text name = fresh();
  if (mayBeUnused)
    declared.back().push_back({out.size(), name});
  line("const " + type + " " + name + " = " + value + ";");
  return name;
}

Printer::Block::Block(Printer &p, const Twine &open, StringRef close)
    : p(p), close(close) {
  p.line(open);
  ++p.depth;
  p.made.emplace_back();
  p.declared.emplace_back();
}

/// Whether a text uses a name.
static bool uses(StringRef text, StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = text.find(name); at != StringRef::npos;
       at = text.find(name, at + 1)) {
    size_t end = at + name.size();
    if ((at == 0 || !isPart(text[at - 1])) &&
        (end == text.size() || !isPart(text[end])))
      return true;
  }
  return false;
}

Printer::Block::~Block() {
  // Indices and values that nothing needed go away again, the last first.
  for (const Declared &index : llvm::reverse(p.declared.back())) {
    size_t end = p.out.find('\n', index.line) + 1;
    if (!uses(StringRef(p.out).drop_front(end), index.name))
      p.out.erase(index.line, end - index.line);
  }
  p.declared.pop_back();
  p.made.pop_back();
  --p.depth;
  p.line(close);
}

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

Index Printer::variable(StringRef name) {
  auto it = llvm::find(variables, name);
  unsigned position = it - variables.begin();
  if (it == variables.end())
    variables.push_back(name.str());
  return getAffineDimExpr(position, context);
}

Indices Printer::map(AffineMap map, ArrayRef<Index> dims) {
  Indices out;
  for (AffineExpr expr : map.getResults())
    out.push_back(
        simplifyAffineExpr(expr.replaceDims(dims), variables.size(), 0));
  return out;
}

Index Printer::multiply(Index x, Index y) {
  if (isa<AffineConstantExpr>(x) || isa<AffineConstantExpr>(y))
    return simplifyAffineExpr(x * y, variables.size(), 0);
  Text name = "t" + std::to_string(nextIndex++);
  line("const i64 " + name + " = (" + text(x) + ") * (" + text(y) + ");");
  return variable(name);
}

/// An affine expression in C++; `tight` puts a sum in parentheses. Divisors are
/// positive and dividends not negative in kernel bodies, so / and % do.
static void print(Text &out, AffineExpr expr, ArrayRef<Text> names,
                  bool tight) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    out += names[dim.getPosition()];
    return;
  }
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    Text number = std::to_string(constant.getValue());
    out += tight && constant.getValue() < 0 ? "(" + number + ")" : number;
    return;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  AffineExpr lhs = binary.getLHS(), rhs = binary.getRHS();
  if (tight)
    out += '(';
  switch (binary.getKind()) {
  case AffineExprKind::Add: {
    print(out, lhs, names, false);
    auto product = dyn_cast<AffineBinaryOpExpr>(rhs);
    auto factor = product && product.getKind() == AffineExprKind::Mul
                      ? dyn_cast<AffineConstantExpr>(product.getRHS())
                      : AffineConstantExpr();
    if (auto constant = dyn_cast<AffineConstantExpr>(rhs);
        constant && constant.getValue() < 0) {
      out += " - " + std::to_string(-constant.getValue());
    } else if (factor && factor.getValue() < 0) {
      out += " - ";
      print(out, product.getLHS() * -factor.getValue(), names, true);
    } else {
      out += " + ";
      print(out, rhs, names, false);
    }
    break;
  }
  case AffineExprKind::Mul:
    print(out, lhs, names, !isa<AffineDimExpr>(lhs));
    out += " * ";
    print(out, rhs, names, true);
    break;
  case AffineExprKind::FloorDiv:
    print(out, lhs, names, true);
    out += " / ";
    print(out, rhs, names, true);
    break;
  case AffineExprKind::CeilDiv:
    out += '(';
    print(out, lhs, names, false);
    out += " + " +
           std::to_string(cast<AffineConstantExpr>(rhs).getValue() - 1) +
           ") / ";
    print(out, rhs, names, true);
    break;
  default:
    print(out, lhs, names, true);
    out += " % ";
    print(out, rhs, names, true);
    break;
  }
  if (tight)
    out += ')';
}

Index Printer::canonical(Index index) {
  index = simplifyAffineExpr(index, variables.size(), 0);
  // The indices of a row-major number together are the number again: what was
  // divided need not be multiplied.
  for (auto [combined, number] : numbers) {
    Index rest = simplifyAffineExpr(index - combined, variables.size(), 0);
    auto remains = [&](unsigned d) {
      return combined.isFunctionOfDim(d) && rest.isFunctionOfDim(d);
    };
    if (!isa<AffineConstantExpr>(combined) &&
        llvm::none_of(llvm::seq<unsigned>(0, variables.size()), remains))
      index = simplifyAffineExpr(rest + number, variables.size(), 0);
  }
  return index;
}

Text Printer::text(Index index) {
  Text result;
  print(result, canonical(index), variables, false);
  return result;
}

Indices Printer::split(Index number, StringRef prefix, unsigned first,
                       ArrayRef<graph::DimExprAttr> dims) {
  Indices at;
  Index combined = constant(0);
  bool isAffine = true;
  auto tight = [](Text text) {
    return text.find(' ') == Text::npos ? text : "(" + text + ")";
  };
  for (unsigned d = 0; d < dims.size(); ++d) {
    if (graph::constantValue(dims[d]) == 1) {
      at.push_back(constant(0));
      continue;
    }
    graph::DimExprAttr inner =
        graph::dimProduct(context, dims.drop_front(d + 1));
    graph::DimExprAttr outer = graph::dimProduct(context, dims.take_front(d));
    Text value = text(number), size = text(inner), own = text(dims[d]);
    bool isNumber = true;
    if (size != "1") {
      value = tight(value) + " / " + tight(size);
      isNumber = false;
    }
    if (graph::constantValue(outer) != 1) {
      value = (isNumber ? tight(value) : value) + " % " + tight(own);
      isNumber = false;
    }
    if (isNumber) {
      at.push_back(number);
    } else {
      Text name = prefix.str() + std::to_string(first + d);
      declared.back().push_back({out.size(), name});
      line("const i64 " + name + " = " + value + ";");
      at.push_back(variable(name));
      if (laneState)
        laneState->inside.push_back(at.back());
    }
    if (auto stride = graph::constantValue(inner))
      combined = combined + at.back() * *stride;
    else
      isAffine = false;
  }
  if (isAffine && combined != number)
    numbers.push_back(
        {simplifyAffineExpr(combined, variables.size(), 0), number});
  return at;
}

//===----------------------------------------------------------------------===//
// Dims
//===----------------------------------------------------------------------===//

Text Printer::text(graph::DimExprAttr expr) {
  using graph::DimExprKind;
  unsigned count = expr.getOperands().size();
  auto operand = [&](unsigned i) { return text(expr.getOperand(i)); };
  auto tight = [&](unsigned i) {
    graph::DimExprAttr inner = expr.getOperand(i);
    return inner.isConstant() || inner.isSymbol() ? text(inner)
                                                  : "(" + text(inner) + ")";
  };
  auto call = [&](StringRef name) {
    Text result = operand(0);
    for (unsigned i = 1; i < count; ++i)
      result = name.str() + "(" + result + ", " + operand(i) + ")";
    return result;
  };
  switch (expr.getKind()) {
  case DimExprKind::Constant:
    return std::to_string(expr.getValue());
  case DimExprKind::Symbol:
    return expr.getName().getValue().str();
  case DimExprKind::Add: {
    Text result = operand(0);
    for (unsigned i = 1; i < count; ++i) {
      Text next = operand(i);
      result += next[0] == '-' ? " - " + next.substr(1) : " + " + next;
    }
    return result;
  }
  case DimExprKind::Mul: {
    Text result = tight(0);
    for (unsigned i = 1; i < count; ++i)
      result += " * " + tight(i);
    return result;
  }
  case DimExprKind::FloorDiv:
    return "divideFloor<i64>(" + operand(0) + ", " + operand(1) + ")";
  case DimExprKind::CeilDiv:
    return "divideCeil<i64>(" + operand(0) + ", " + operand(1) + ")";
  case DimExprKind::Mod:
    return operand(0) + " - divideFloor<i64>(" + operand(0) + ", " +
           operand(1) + ") * " + tight(1);
  case DimExprKind::Min:
    return call("minimum<i64>");
  case DimExprKind::Max:
    return call("maximum<i64>");
  }
  return "0";
}

Index Printer::index(graph::DimExprAttr expr) {
  using graph::DimExprKind;
  if (auto value = graph::constantValue(expr))
    return constant(*value);
  if (expr.isSymbol())
    return variable(expr.getName().getValue());
  unsigned count = expr.getOperands().size();
  if (expr.getKind() == DimExprKind::Add) {
    Index sum = constant(0);
    for (unsigned i = 0; i < count; ++i)
      sum = sum + index(expr.getOperand(i));
    return sum;
  }
  if (expr.getKind() == DimExprKind::Mul && count == 2)
    if (auto factor = graph::constantValue(expr.getOperand(1)))
      return index(expr.getOperand(0)) * *factor;
  Text name = "t" + std::to_string(nextIndex++);
  line("const i64 " + name + " = " + text(expr) + ";");
  return variable(name);
}

graph::DimExprAttr Printer::dimValue(Value value) {
  IntegerAttr number;
  if (matchPattern(value, m_Constant(&number)))
    return graph::dimConstant(context, number.getInt());
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == &kernel.getBody().front())
    return graph::dimSymbol(
        context, "d" + std::to_string(argument.getArgNumber() -
                                      kernel.getNumOperandTensors()));
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned i) { return dimValue(op->getOperand(i)); };
  if (auto dim = llvm::dyn_cast_if_present<tensor::DimOp>(op))
    if (auto d = dim.getConstantIndex())
      return dimOf(dim.getSource(), *d);
  if (isa_and_present<arith::AddIOp>(op))
    return graph::dimAdd(operand(0), operand(1));
  if (isa_and_present<arith::SubIOp>(op))
    return graph::dimSub(operand(0), operand(1));
  if (isa_and_present<arith::MulIOp>(op))
    return graph::dimMul(operand(0), operand(1));
  if (isa_and_present<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(op))
    return graph::dimFloorDiv(operand(0), operand(1));
  if (isa_and_present<arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
    return graph::dimCeilDiv(operand(0), operand(1));
  if (isa_and_present<arith::RemSIOp, arith::RemUIOp>(op))
    return graph::dimMod(operand(0), operand(1));
  if (isa_and_present<arith::MinSIOp, arith::MinUIOp>(op))
    return graph::dimMin(operand(0), operand(1));
  if (isa_and_present<arith::MaxSIOp, arith::MaxUIOp>(op))
    return graph::dimMax(operand(0), operand(1));
  fail(op ? op : kernel.getOperation(), "cannot tell what dim this value is");
  return graph::dimConstant(context, 1);
}

graph::DimExprAttr Printer::dimOf(Value tensor, unsigned d) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(d))
    return graph::dimConstant(context, type.getDimSize(d));
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return kernel.getArgDims(argument.getArgNumber())[d];
  auto sizeOf = [&](OpFoldResult size) {
    if (auto number = getConstantIntValue(size))
      return graph::dimConstant(context, *number);
    return dimValue(cast<Value>(size));
  };
  Operation *op = tensor.getDefiningOp();
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return sizeOf(empty.getMixedSizes()[d]);
  if (auto style = dyn_cast<DestinationStyleOpInterface>(op))
    return dimOf(style.getTiedOpOperand(cast<OpResult>(tensor))->get(), d);
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return graph::dimAdd(dimOf(pad.getSource(), d),
                         graph::dimAdd(sizeOf(pad.getMixedLowPad()[d]),
                                       sizeOf(pad.getMixedHighPad()[d])));
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (unsigned s = 0, next = 0; s < dropped.size(); ++s)
      if (!dropped[s] && next++ == d)
        return sizeOf(slice.getMixedSizes()[s]);
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return sizeOf(expand.getMixedOutputShape()[d]);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    graph::DimExprAttr product = graph::dimConstant(context, 1);
    // By value: the groups live no longer than the loop's head.
    ReassociationIndices group = collapse.getReassociationIndices()[d];
    for (int64_t s : group)
      product = graph::dimMul(product, dimOf(collapse.getSrc(), s));
    return product;
  }
  fail(op, "cannot tell the dims of this tensor");
  return graph::dimConstant(context, 1);
}

SmallVector<graph::DimExprAttr> Printer::loopDims(linalg::GenericOp op) {
  SmallVector<graph::DimExprAttr> dims(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    for (auto [d, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        if (graph::DimExprAttr &known = dims[dim.getPosition()]; !known)
          known = dimOf(operand.get(), d);
  }
  for (graph::DimExprAttr &dim : dims)
    if (!dim) {
      fail(op, "cannot tell the extent of a loop");
      dim = graph::dimConstant(context, 1);
    }
  return dims;
}
