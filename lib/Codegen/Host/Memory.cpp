//===- Memory.cpp - loads and stores of elements --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How element types lie in memory and how they get from and to the types that
// code computes with. Nothing outside the operands is ever touched: masked
// lanes of types without masked instructions become branches in LLVM.
//
//===----------------------------------------------------------------------===//

#include "actnet/Codegen/Host/Emitter.h"

using namespace mlir;
using namespace actnet::host;

Type Emitter::memoryType(Type element) {
  MLIRContext *context = element.getContext();
  if (element.isInteger(1))
    return IntegerType::get(context, 8);
  if (element.isBF16())
    return IntegerType::get(context, 16);
  if (element.isIndex())
    return IntegerType::get(context, 64);
  return element;
}

Type Emitter::computeType(Type element) {
  if (element.isF16() || element.isBF16())
    return Float32Type::get(element.getContext());
  if (element.isIndex())
    return IntegerType::get(element.getContext(), 64);
  return element;
}

static Type like(Type shape, Type element) {
  if (auto type = dyn_cast<VectorType>(shape))
    return VectorType::get(type.getShape(), element);
  return element;
}

Value Emitter::address(Value pointer, Type element, Value index,
                       int64_t offset) {
  Type memory = memoryType(element);
  Type ptr = LLVM::LLVMPointerType::get(b.getContext());
  auto inbounds = LLVM::GEPNoWrapFlags::inbounds;
  if (index) {
    if (auto constant = constantOf(index))
      offset += *constant;
    else
      pointer = LLVM::GEPOp::create(b, loc, ptr, memory, pointer,
                                    ArrayRef<LLVM::GEPArg>{index}, inbounds);
  }
  if (offset == 0)
    return pointer;
  // A constant of its own becomes the displacement of the instruction.
  if (!llvm::isInt<31>(offset))
    return LLVM::GEPOp::create(b, loc, ptr, memory, pointer,
                               ArrayRef<LLVM::GEPArg>{cst(offset)}, inbounds);
  return LLVM::GEPOp::create(
      b, loc, ptr, memory, pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)}, inbounds);
}

static unsigned bytesOf(Type memory) {
  return memory.getIntOrFloatBitWidth() / 8;
}

Value Emitter::load(Type element, Value from, unsigned width, Value mask) {
  Type memory = memoryType(element);
  Type type = width ? Type(vec(memory, width)) : memory;
  Value raw;
  if (mask)
    raw = LLVM::MaskedLoadOp::create(b, loc, type, from, mask, zero(type),
                                     bytesOf(memory));
  else
    raw = LLVM::LoadOp::create(b, loc, type, from, bytesOf(memory));
  if (element.isInteger(1))
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, raw,
                                 zero(type));
  if (element.isF16())
    return arith::ExtFOp::create(b, loc, like(type, b.getF32Type()), raw);
  if (element.isBF16()) {
    Type wide = like(type, b.getI32Type());
    Value bits = arith::ExtUIOp::create(b, loc, wide, raw);
    bits = arith::ShLIOp::create(b, loc, bits, cstInt(wide, 16));
    return arith::BitcastOp::create(b, loc, like(type, b.getF32Type()), bits);
  }
  return raw;
}

void Emitter::storeRaw(Type element, Value value, Value to, Value mask) {
  Type memory = memoryType(element);
  Type type = like(value.getType(), memory);
  if (element.isInteger(1)) {
    value = arith::ExtUIOp::create(b, loc, type, value);
  } else if (element.isF16()) {
    value = arith::TruncFOp::create(b, loc, type, value);
  } else if (element.isBF16()) {
    // The value is rounded already: its low bits are zero.
    Type wide = like(type, b.getI32Type());
    Value bits = arith::BitcastOp::create(b, loc, wide, value);
    bits = arith::ShRUIOp::create(b, loc, bits, cstInt(wide, 16));
    value = arith::TruncIOp::create(b, loc, type, bits);
  }
  if (mask)
    LLVM::MaskedStoreOp::create(b, loc, value, to, mask, bytesOf(memory));
  else
    LLVM::StoreOp::create(b, loc, value, to, bytesOf(memory));
}

void Emitter::prefetch(Value at, unsigned locality) {
  LLVM::Prefetch::create(b, loc, at, /*rw=*/0, locality, /*cache=*/1);
}
