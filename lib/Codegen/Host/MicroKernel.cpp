//===- MicroKernel.cpp - the register-tiled inner product of host code ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function per size of register tile, and one that goes through any number
// of rows with them.
//
//===----------------------------------------------------------------------===//

#include "MicroKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace actnet::host {

MicroTile microTile(int64_t lanes) {
  if (lanes >= 16)
    return {12, 2, 16};
  return {6, 1, 8};
}

namespace {

/// Numbers of rows that have a function of their own; the others use the next
/// larger one. Few, because each costs compile time in every image.
SmallVector<int64_t> rowSizes(const MicroTile &tile) {
  if (tile.rows == 12)
    return {1, 2, 4, 8, 12};
  return {1, 2, 4, 6};
}

/// Chains of dependent multiply-adds that hide the latency of one: four cycles
/// at two a cycle.
constexpr int64_t kChains = 8;

constexpr unsigned kPrefetchLocality = 2; // to L2

class Body {
public:
  Body(OpBuilder &builder, Location loc, const MicroTile &tile, int64_t rows,
       int64_t panels)
      : b(builder), loc(loc), tile(tile), rows(rows), panels(panels),
        registers(panels * kPanelColumns / tile.lanes) {
    vectorType = VectorType::get({tile.lanes}, b.getF32Type());
    // Few rows have too few accumulators to keep both multipliers busy: then
    // each of `phases` consecutive k has accumulators of its own.
    phases = std::max<int64_t>(1, kChains / (rows * registers));
    unroll = std::max<int64_t>(4, phases);
  }

  /// Arguments: table, leftOffset, taps, length, right, rightNext, result,
  /// stride, accumulate.
  void emit(ValueRange args) {
    Value result = args[6], stride = args[7];
    SmallVector<Value> init = load(result, stride, args[8]);
    Value zero = i64(0), one = i64(1);
    Value taps = args[2], length = args[3];
    SmallVector<Value> state = init;
    state.push_back(args[4]); // the right operand moves on through all taps
    auto loop = scf::ForOp::create(
        b, loc, zero, taps, one, state,
        [&](OpBuilder &, Location, Value tap, ValueRange carried) {
          SmallVector<Value> rowPointers;
          Value base = gep(ptr(), args[0], mul(tap, i64(tile.rows)));
          for (int64_t r = 0; r < rows; ++r) {
            Value entry = r ? gep(ptr(), base, i64(r)) : base;
            Value row = LLVM::LoadOp::create(b, loc, ptr(), entry);
            rowPointers.push_back(gep(b.getF32Type(), row, args[1]));
          }
          Value rest = arith::RemUIOp::create(b, loc, length, i64(unroll));
          Value whole = arith::SubIOp::create(b, loc, length, rest);
          ValueRange out =
              run(zero, whole, unroll, rowPointers, args[5], carried);
          out = run(whole, length, 1, rowPointers, args[5], out);
          scf::YieldOp::create(b, loc, out);
        });
    store(result, stride, loop.getResults());
  }

private:
  Type ptr() { return LLVM::LLVMPointerType::get(b.getContext()); }
  Value i64(int64_t v) { return arith::ConstantIntOp::create(b, loc, v, 64); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value gep(Type type, Value base, Value offset) {
    return LLVM::GEPOp::create(b, loc, ptr(), type, base,
                               ArrayRef<LLVM::GEPArg>{offset});
  }
  int64_t count() const { return phases * rows * registers; }

  ValueRange run(Value from, Value to, int64_t step,
                 ArrayRef<Value> rowPointers, Value next, ValueRange carried) {
    auto loop = scf::ForOp::create(
        b, loc, from, to, i64(step), carried,
        [&](OpBuilder &, Location, Value k, ValueRange in) {
          SmallVector<Value> acc(in.begin(), in.end());
          Value right = acc.back();
          for (int64_t u = 0; u < step; ++u) {
            SmallVector<Value> columns;
            for (int64_t p = 0; p < panels; ++p) {
              Value panel = p ? gep(b.getF32Type(), right, next) : right;
              for (int64_t v = 0; v < kPanelColumns; v += tile.lanes) {
                Value at =
                    gep(b.getF32Type(), panel, i64(u * kPanelColumns + v));
                columns.push_back(
                    LLVM::LoadOp::create(b, loc, vectorType, at, 4));
              }
            }
            Value kHere =
                u ? arith::AddIOp::create(b, loc, k, i64(u)).getResult() : k;
            for (int64_t r = 0; r < rows; ++r) {
              Value at = gep(b.getF32Type(), rowPointers[r], kHere);
              Value scalar =
                  LLVM::LoadOp::create(b, loc, b.getF32Type(), at, 4);
              Value left =
                  vector::BroadcastOp::create(b, loc, vectorType, scalar);
              for (int64_t c = 0; c < registers; ++c) {
                Value &a = acc[((u % phases) * rows + r) * registers + c];
                a = vector::FMAOp::create(b, loc, left, columns[c], a);
              }
            }
          }
          acc.back() = gep(b.getF32Type(), right, i64(step * kPanelColumns));
          scf::YieldOp::create(b, loc, acc);
        });
    return loop.getResults();
  }

  Value element(Value result, Value stride, int64_t r, int64_t c) {
    Value row = r ? gep(b.getF32Type(), result, mul(stride, i64(r))) : result;
    return c ? gep(b.getF32Type(), row, i64(c * tile.lanes)) : row;
  }

  SmallVector<Value> load(Value result, Value stride, Value accumulate) {
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(vectorType));
    SmallVector<Type> types(rows * registers, vectorType);
    auto choice =
        scf::IfOp::create(b, loc, types, accumulate, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    SmallVector<Value> loaded;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < registers; ++c)
        loaded.push_back(LLVM::LoadOp::create(
            b, loc, vectorType, element(result, stride, r, c), 4));
    scf::YieldOp::create(b, loc, loaded);
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, loc, SmallVector<Value>(rows * registers, zero));
    SmallVector<Value> acc(choice.getResults());
    acc.resize(count(), zero);
    return acc;
  }

  void store(Value result, Value stride, ValueRange acc) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < registers; ++c) {
        Value sum = acc[r * registers + c];
        for (int64_t p = 1; p < phases; ++p)
          sum = arith::AddFOp::create(b, loc, sum,
                                      acc[(p * rows + r) * registers + c]);
        LLVM::StoreOp::create(b, loc, sum, element(result, stride, r, c), 4);
      }
  }

  OpBuilder &b;
  Location loc;
  MicroTile tile;
  int64_t rows, panels, registers, phases = 1, unroll = 4;
  VectorType vectorType;
};

SmallVector<Type> kernelArguments(OpBuilder &b) {
  Type ptr = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type();
  return {ptr, i64, i64, i64, ptr, i64, ptr, i64, b.getI1Type()};
}

LLVM::LLVMFuncOp declare(ModuleOp module, StringRef name,
                         ArrayRef<Type> arguments) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), arguments);
  auto func = LLVM::LLVMFuncOp::create(b, module.getLoc(), name, type,
                                       LLVM::Linkage::Internal);
  func.addEntryBlock(b);
  return func;
}

/// The function for exactly `rows` rows.
LLVM::LLVMFuncOp getKernel(ModuleOp module, const MicroTile &tile, int64_t rows,
                           int64_t panels) {
  std::string name =
      ("actnet.micro." + Twine(rows) + "x" + Twine(panels)).str();
  if (auto func = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return func;
  OpBuilder b(module.getContext());
  LLVM::LLVMFuncOp func = declare(module, name, kernelArguments(b));
  // The full tile has one caller, the driver's loop, and becomes part of it.
  func.setNoInline(rows != tile.rows);
  func.setAlwaysInline(rows == tile.rows);
  b.setInsertionPointToStart(&func.front());
  Body(b, func.getLoc(), tile, rows, panels).emit(func.getArguments());
  LLVM::ReturnOp::create(b, func.getLoc(), ValueRange{});
  return func;
}

/// The function that goes through all rows, group by group, and calls the
/// smallest kernel that covers what is left at the end.
LLVM::LLVMFuncOp getDriver(ModuleOp module, const MicroTile &tile,
                           int64_t panels) {
  std::string name = ("actnet.micro.x" + Twine(panels)).str();
  if (auto func = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return func;
  OpBuilder b(module.getContext());
  Type ptr = LLVM::LLVMPointerType::get(b.getContext()), i64 = b.getI64Type();
  SmallVector<Type> arguments{i64, i64, ptr, i64};
  llvm::append_range(arguments, kernelArguments(b));
  LLVM::LLVMFuncOp func = declare(module, name, arguments);
  // One copy of the code for all kernels of the image.
  func.setNoInline(true);
  Location loc = func.getLoc();
  b.setInsertionPointToStart(&func.front());
  LLVM::ReturnOp end = LLVM::ReturnOp::create(b, loc, ValueRange{});
  b.setInsertionPoint(end);
  Value rows = func.getArgument(0), tableTaps = func.getArgument(1);
  Value ahead = func.getArgument(2), aheadLines = func.getArgument(3);
  SmallVector<Value> args(llvm::drop_begin(func.getArguments(), 4));
  auto constant = [&](int64_t v) -> Value {
    return arith::ConstantIntOp::create(b, loc, v, 64);
  };
  auto gep = [&](Type type, Value base, Value offset) -> Value {
    return LLVM::GEPOp::create(b, loc, ptr, type, base,
                               ArrayRef<LLVM::GEPArg>{offset});
  };
  Value size = constant(tile.rows);
  Value tableStep = arith::MulIOp::create(b, loc, tableTaps, size);
  Value resultStep = arith::MulIOp::create(b, loc, args[7], size);
  // A last group of more rows than the next smaller tile has is a whole one.
  SmallVector<int64_t> sizes = rowSizes(tile);
  sizes.pop_back();
  Value rest = arith::RemUIOp::create(b, loc, rows, size);
  Value whole = arith::SubIOp::create(b, loc, rows, rest);
  Value large = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, rest,
                                      constant(sizes.back()));
  whole = arith::SelectOp::create(
      b, loc, large, arith::AddIOp::create(b, loc, whole, size), whole);
  rest = arith::SelectOp::create(b, loc, large, constant(0), rest);
  auto groups = scf::ForOp::create(
      b, loc, constant(0), whole, size, ValueRange{args[0], args[6], ahead},
      [&](OpBuilder &, Location, Value, ValueRange at) {
        auto lines = scf::ForOp::create(
            b, loc, constant(0), aheadLines, constant(1), at[2],
            [&](OpBuilder &, Location, Value, ValueRange line) {
              LLVM::Prefetch::create(b, loc, line[0], /*rw=*/0,
                                     kPrefetchLocality, /*cache=*/1);
              Value next =
                  gep(b.getF32Type(), line[0], constant(kPanelColumns));
              scf::YieldOp::create(b, loc, next);
            });
        SmallVector<Value> call(args);
        call[0] = at[0];
        call[6] = at[1];
        LLVM::CallOp::create(b, loc, getKernel(module, tile, tile.rows, panels),
                             call);
        scf::YieldOp::create(b, loc,
                             ValueRange{gep(ptr, at[0], tableStep),
                                        gep(b.getF32Type(), at[1], resultStep),
                                        lines.getResult(0)});
      });
  args[0] = groups.getResult(0);
  args[6] = groups.getResult(1);
  Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest,
                                     constant(0));
  auto tail = scf::IfOp::create(b, loc, some, /*withElseRegion=*/false);
  b.setInsertionPoint(tail.thenBlock()->getTerminator());
  for (auto [i, each] : llvm::enumerate(sizes)) {
    LLVM::LLVMFuncOp kernel = getKernel(module, tile, each, panels);
    if (i + 1 == sizes.size()) {
      LLVM::CallOp::create(b, loc, kernel, args);
      break;
    }
    Value covers = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle,
                                         rest, constant(each));
    auto choice = scf::IfOp::create(b, loc, covers, /*withElseRegion=*/true);
    b.setInsertionPoint(choice.thenBlock()->getTerminator());
    LLVM::CallOp::create(b, loc, kernel, args);
    b.setInsertionPoint(choice.elseBlock()->getTerminator());
  }
  return func;
}

} // namespace

void emitMicroKernel(OpBuilder &b, Location loc, ModuleOp module,
                     const MicroTile &tile, int64_t panels,
                     const MicroCall &call) {
  LLVM::LLVMFuncOp func = getDriver(module, tile, panels);
  LLVM::CallOp::create(b, loc, func,
                       ValueRange{call.rows, call.tableTaps, call.ahead,
                                  call.aheadLines, call.table, call.leftOffset,
                                  call.taps, call.length, call.right,
                                  call.rightNext, call.result, call.stride,
                                  call.accumulate});
}

} // namespace actnet::host
