//===- Emitter.cpp - functions, scalars and control -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/Host/Emitter.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

Emitter::Emitter(kernel::FuncOp kernel, const HostVariant &variant)
    : b(kernel.getContext()), loc(UnknownLoc::get(kernel.getContext())),
      kernel(kernel), variant(variant) {
  caches.emplace_back();
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

void Emitter::begin(ModuleOp target) {
  module = target;
  MLIRContext *context = kernel.getContext();
  Type ptr = LLVM::LLVMPointerType::get(context), i64 = b.getI64Type();
  Type none = LLVM::LLVMVoidType::get(context);
  unsigned numArgs = kernel.getNumOperandTensors();
  unsigned numResults = kernel.getResultTypes().size();
  unsigned numDims = kernel.getArgumentTypes().size() - numArgs;

  // The body takes each pointer as an argument of its own, because only
  // arguments can say that they alias nothing.
  SmallVector<Type> types(numArgs + numResults, ptr);
  types.append(numDims, i64);
  types.append({ptr, i64});
  b.setInsertionPointToEnd(module.getBody());
  std::string name = kernel.getSymName().str();
  bodyFunc = LLVM::LLVMFuncOp::create(b, loc, name + ".body",
                                      LLVM::LLVMFunctionType::get(none, types));
  bodyFunc.setLinkage(LLVM::Linkage::Internal);
  llvm::SmallDenseSet<int64_t> shared;
  if (auto pairs = kernel.getInplace())
    for (unsigned i = 0; i + 1 < pairs->size(); i += 2) {
      shared.insert((*pairs)[i]);
      shared.insert(numArgs + (*pairs)[i + 1]);
    }
  for (unsigned i = 0; i < numArgs + numResults; ++i)
    if (!shared.contains(i))
      bodyFunc.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                          b.getUnitAttr());
  bodyFunc.setArgAttr(numArgs + numResults + numDims,
                      LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());

  auto outer = LLVM::LLVMFuncOp::create(
      b, loc, name, LLVM::LLVMFunctionType::get(none, {ptr, ptr, ptr, i64}));
  outer.setVisibility_(LLVM::Visibility::Protected);
  Block *entry = outer.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  Values arguments;
  for (unsigned i = 0; i < numArgs + numResults; ++i)
    arguments.push_back(LLVM::LoadOp::create(
        b, loc, ptr, address(entry->getArgument(0), i64, cst(i))));
  for (unsigned i = 0; i < numDims; ++i)
    arguments.push_back(LLVM::LoadOp::create(
        b, loc, i64, address(entry->getArgument(1), i64, cst(i))));
  arguments.push_back(entry->getArgument(2));
  arguments.push_back(entry->getArgument(3));
  LLVM::CallOp::create(b, loc, bodyFunc, arguments);
  LLVM::ReturnOp::create(b, loc, ValueRange());

  entry = bodyFunc.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  scratch = entry->getArgument(numArgs + numResults + numDims);
  tile = entry->getArgument(numArgs + numResults + numDims + 1);
  entryMark = LLVM::UndefOp::create(b, loc, i64);

  auto values = [&](ArrayRef<graph::DimExprAttr> exprs) {
    Values out;
    for (graph::DimExprAttr expr : exprs)
      out.push_back(dim(expr));
    return out;
  };
  for (unsigned i = 0; i < numArgs; ++i)
    argStrideValues.push_back(values(kernel.getArgStrides(i)));
  for (unsigned i = 0; i < numResults; ++i)
    resultStrideValues.push_back(values(kernel.getResultStrides(i)));
}

LogicalResult Emitter::end() {
  LLVM::ReturnOp::create(b, loc, ValueRange());
  return success(!hasFailed);
}

Value Emitter::argPointer(unsigned i) { return bodyFunc.getArgument(i); }

Value Emitter::resultPointer(unsigned i) {
  return bodyFunc.getArgument(kernel.getNumOperandTensors() + i);
}

ArrayRef<Value> Emitter::argStrides(unsigned i) { return argStrideValues[i]; }
ArrayRef<Value> Emitter::resultStrides(unsigned i) {
  return resultStrideValues[i];
}

Value Emitter::yielded(unsigned i) {
  return cast<kernel::YieldOp>(kernel.getBody().front().getTerminator())
      .getValues()[i];
}

Value Emitter::dim(graph::DimExprAttr expr) {
  if (std::optional<int64_t> value = graph::constantValue(expr))
    return cst(*value);
  Value &known = dimValues[expr];
  if (!known) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(entryMark);
    Value made = dimValue(expr);
    dimValues[expr] = made;
    return made;
  }
  return known;
}

Value Emitter::dimValue(graph::DimExprAttr expr) {
  using graph::DimExprKind;
  auto operand = [&](unsigned i) { return dim(expr.getOperand(i)); };
  auto fold = [&](function_ref<Value(Value, Value)> combine) {
    Value value = operand(0);
    for (unsigned i = 1; i < expr.getOperands().size(); ++i)
      value = combine(value, operand(i));
    return value;
  };
  switch (expr.getKind()) {
  case DimExprKind::Constant:
    return cst(expr.getValue());
  case DimExprKind::Symbol: {
    unsigned number = 0;
    StringRef name = expr.getName().getValue();
    unsigned first =
        kernel.getNumOperandTensors() + kernel.getResultTypes().size();
    unsigned numDims =
        kernel.getArgumentTypes().size() - kernel.getNumOperandTensors();
    if (!name.consume_front("d") || name.getAsInteger(10, number) ||
        number >= numDims)
      return fail(kernel, "unknown dim in an expression", b.getI64Type());
    return bodyFunc.getArgument(first + number);
  }
  case DimExprKind::Add:
    return fold([&](Value x, Value y) { return add(x, y); });
  case DimExprKind::Mul:
    return fold([&](Value x, Value y) { return mul(x, y); });
  case DimExprKind::FloorDiv:
    return floorDivSigned(operand(0), operand(1));
  case DimExprKind::CeilDiv:
    return sub(cst(0), floorDivSigned(sub(cst(0), operand(0)), operand(1)));
  case DimExprKind::Mod:
    return sub(operand(0),
               mul(floorDivSigned(operand(0), operand(1)), operand(1)));
  case DimExprKind::Min:
    return fold([&](Value x, Value y) { return min(x, y); });
  case DimExprKind::Max:
    return fold([&](Value x, Value y) { return max(x, y); });
  }
  return cst(0);
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value Emitter::cst(int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
}

Value Emitter::cstInt(Type type, int64_t value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr scalar = b.getIntegerAttr(element, value);
  if (auto vectorType = dyn_cast<VectorType>(type))
    scalar = SplatElementsAttr::get(vectorType, scalar);
  return arith::ConstantOp::create(b, loc, scalar);
}

Value Emitter::cstFloat(Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr scalar = b.getFloatAttr(element, value);
  if (auto vectorType = dyn_cast<VectorType>(type))
    scalar = SplatElementsAttr::get(vectorType, scalar);
  return arith::ConstantOp::create(b, loc, scalar);
}

Value Emitter::zero(Type type) {
  return arith::ConstantOp::create(b, loc,
                                   cast<TypedAttr>(b.getZeroAttr(type)));
}

std::optional<int64_t> Emitter::constantOf(Value value) {
  if (auto op = value.getDefiningOp<arith::ConstantOp>())
    if (auto attribute = dyn_cast<IntegerAttr>(op.getValue()))
      return attribute.getInt();
  return std::nullopt;
}

Value Emitter::add(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return cst(*cx + *cy);
  if (cx == 0)
    return y;
  if (cy == 0)
    return x;
  return arith::AddIOp::create(b, loc, x, y);
}

Value Emitter::sub(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return cst(*cx - *cy);
  if (cy == 0)
    return x;
  return arith::SubIOp::create(b, loc, x, y);
}

Value Emitter::mul(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return cst(*cx * *cy);
  if (cx == 1)
    return y;
  if (cy == 1)
    return x;
  if (cx == 0 || cy == 0)
    return cst(0);
  return arith::MulIOp::create(b, loc, x, y);
}

Value Emitter::floorDiv(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy && *cy > 0)
    return cst(*cx / *cy);
  if (cy == 1)
    return x;
  return arith::DivUIOp::create(b, loc, x, y);
}

Value Emitter::ceilDiv(Value x, Value y) {
  return floorDiv(add(x, sub(y, cst(1))), y);
}

Value Emitter::mod(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy && *cy > 0)
    return cst(*cx % *cy);
  if (cy == 1)
    return cst(0);
  return arith::RemUIOp::create(b, loc, x, y);
}

Value Emitter::floorDivSigned(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cy == 1)
    return x;
  if (cx && *cx >= 0)
    return floorDiv(x, y);
  // x / y rounds to zero: one less where the remainder is negative.
  Value quotient = arith::DivSIOp::create(b, loc, x, y);
  Value rest = sub(x, mul(quotient, y));
  Value negative = less(rest, cst(0));
  Value one = arith::ExtUIOp::create(b, loc, b.getI64Type(), negative);
  return sub(quotient, one);
}

Value Emitter::min(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return cst(std::min(*cx, *cy));
  return arith::MinSIOp::create(b, loc, x, y);
}

Value Emitter::max(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return cst(std::max(*cx, *cy));
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value Emitter::less(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

VectorType Emitter::vec(Type element, unsigned width) {
  return VectorType::get(width, element);
}

Value Emitter::broadcast(Value value, unsigned width) {
  if (isa<VectorType>(value.getType()))
    return value;
  if (width == 0)
    width = lanes();
  if (width == 1 && lanes() == 1)
    return value;
  if (auto constant = value.getDefiningOp<arith::ConstantOp>())
    return arith::ConstantOp::create(
        b, loc,
        SplatElementsAttr::get(vec(value.getType(), width),
                               constant.getValue()));
  return vector::BroadcastOp::create(b, loc, vec(value.getType(), width),
                                     value);
}

Value Emitter::fma(Value x, Value y, Value z) {
  for (Value operand : {x, y, z})
    if (auto type = dyn_cast<VectorType>(operand.getType())) {
      unsigned width = type.getNumElements();
      x = broadcast(x, width), y = broadcast(y, width), z = broadcast(z, width);
      break;
    }
  if (variant.fma)
    return LLVM::FMAOp::create(b, loc, x, y, z);
  return arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, x, y), z);
}

Value Emitter::iota(unsigned width) {
  SmallVector<int64_t> numbers;
  for (unsigned i = 0; i < width; ++i)
    numbers.push_back(i);
  return arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(vec(b.getI64Type(), width),
                             ArrayRef<int64_t>(numbers)));
}

Value Emitter::maskOf(Value count, unsigned width) {
  // 32-bit lanes: one compare for f32 on AVX2 instead of two.
  Type i32 = b.getI32Type();
  SmallVector<int32_t> numbers;
  for (unsigned i = 0; i < width; ++i)
    numbers.push_back(i);
  Value lanesOf = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(vec(i32, width), ArrayRef<int32_t>(numbers)));
  Value narrow = arith::TruncIOp::create(b, loc, i32, count);
  Value all = vector::BroadcastOp::create(b, loc, vec(i32, width), narrow);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, lanesOf, all);
}

Value Emitter::shuffle(Value x, Value y, ArrayRef<int64_t> order) {
  return vector::ShuffleOp::create(b, loc, x, y, order);
}

Value Emitter::extractLane(Value vector, int64_t lane) {
  return vector::ExtractOp::create(b, loc, vector, lane);
}

Value Emitter::insertLane(Value vector, Value scalar, int64_t lane) {
  return vector::InsertOp::create(b, loc, scalar, vector, lane);
}

Values actnet::host::transpose(Emitter &e, ValueRange rows) {
  // log2(n) stages; stage s exchanges, between rows i and i + s, the lanes
  // whose bit s differs.
  Values v(rows.begin(), rows.end());
  int64_t n = v.size();
  for (int64_t s = 1; s < n; s *= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < n; ++lane) {
      low.push_back(lane & s ? n + lane - s : lane);
      high.push_back(lane & s ? n + lane : lane + s);
    }
    for (int64_t i = 0; i < n; ++i) {
      if (i & s)
        continue;
      Value a = v[i], c = v[i + s];
      v[i] = e.shuffle(a, c, low);
      v[i + s] = e.shuffle(a, c, high);
    }
  }
  return v;
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

Values Emitter::loop(Value lo, Value hi, int64_t step, ValueRange carried,
                     LoopFn body) {
  auto cl = constantOf(lo), ch = constantOf(hi);
  if (cl && ch && *cl >= *ch)
    return Values(carried.begin(), carried.end());
  if (cl && ch && *ch - *cl <= step)
    return body(lo, carried);
  auto forOp = scf::ForOp::create(b, loc, lo, hi, cst(step), carried);
  {
    OpBuilder::InsertionGuard guard(b);
    BlockScope scope(*this);
    Block *block = forOp.getBody();
    // Without carried values the builder has made the terminator.
    if (!block->empty() && block->back().hasTrait<OpTrait::IsTerminator>())
      b.setInsertionPoint(&block->back());
    else
      b.setInsertionPointToEnd(block);
    Values results = body(forOp.getInductionVar(), forOp.getRegionIterArgs());
    if (!carried.empty())
      scf::YieldOp::create(b, loc, results);
  }
  return Values(forOp.getResults().begin(), forOp.getResults().end());
}

void Emitter::loop(Value lo, Value hi, int64_t step,
                   function_ref<void(Value)> body) {
  loop(lo, hi, step, ValueRange(), [&](Value iv, ValueRange) {
    body(iv);
    return Values();
  });
}

void Emitter::ifThen(Value condition, function_ref<void()> then,
                     function_ref<void()> otherwise) {
  auto ifOp =
      scf::IfOp::create(b, loc, condition, /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(ifOp.thenBlock()->getTerminator());
  {
    BlockScope scope(*this);
    then();
  }
  if (otherwise) {
    b.setInsertionPoint(ifOp.elseBlock()->getTerminator());
    BlockScope scope(*this);
    otherwise();
  }
}

Values Emitter::select(Value condition, TypeRange types,
                       function_ref<Values()> then,
                       function_ref<Values()> otherwise) {
  auto ifOp = scf::IfOp::create(b, loc, types, condition, /*addThenBlock=*/true,
                                /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(b);
  for (auto [block, fn] :
       {std::pair(ifOp.thenBlock(), then), {ifOp.elseBlock(), otherwise}}) {
    b.setInsertionPointToEnd(block);
    BlockScope scope(*this);
    scf::YieldOp::create(b, loc, fn());
  }
  return Values(ifOp.getResults().begin(), ifOp.getResults().end());
}

Emitter::LaneScope::LaneScope(Emitter &e, unsigned width, Value count)
    : e(e), width(e.laneState.width), mask(e.laneState.mask),
      count(e.laneState.count), anyLanes(e.laneState.anyLanes),
      barrier(e.cacheBarrier) {
  e.laneState.width = width;
  e.laneState.count = count;
  e.laneState.anyLanes = false;
  e.laneState.mask = count ? e.maskOf(count, width) : Value();
  e.cacheBarrier = e.caches.size();
  e.caches.emplace_back();
}

Emitter::LaneScope::~LaneScope() {
  e.caches.pop_back();
  e.laneState.width = width;
  e.laneState.mask = mask;
  e.laneState.count = count;
  e.laneState.anyLanes = anyLanes;
  e.cacheBarrier = barrier;
}

Value Emitter::fail(Operation *op, const Twine &message, Type type) {
  // One error a kernel is enough.
  if (!hasFailed)
    op->emitError(message);
  hasFailed = true;
  return zero(type);
}
