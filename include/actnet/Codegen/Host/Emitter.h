//===- Emitter.h - elements of a kernel's tensors as code -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel body says what each element of a tensor is. The emitter writes the
// code of an element, or of a vector of elements along one dim: it walks from
// the tensor to its definitions, maps the indices on the way, and ends at
// loads of operands. Families write the loops around it and bind the tensors
// that they compute themselves (accumulators) with `bind`.
//
// Element values: f16, bf16 are computed as f32, i1 as i1, all others as they
// are. A value is scalar where all lanes have the same, else a vector of
// `lanes()` elements. All integers that count or address are i64; there is no
// `index` type in emitted code.
//
// Errors: an op that cannot be emitted gets a diagnostic, `failed()` becomes
// true, and emission goes on with zeros, so that callers check once at the end.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CODEGEN_HOST_EMITTER_H
#define ACTNET_CODEGEN_HOST_EMITTER_H

#include "actnet/Codegen/Host/HostCodegen.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"

#include <functional>
#include <optional>

namespace actnet::host {

/// An index into one dim of a tensor, for each lane: `base + offset + l * lane`
/// in lane l, or, where it is no such sequence, the lanes of `vec`.
struct Index {
  mlir::Value base;   ///< i64; null: 0.
  int64_t offset = 0; ///< Constant part.
  int64_t lane = 0;   ///< Step from lane to lane.
  mlir::Value vec;    ///< vector<lanes x i64>; the other fields are then 0.

  Index() = default;
  explicit Index(int64_t offset) : offset(offset) {}
  explicit Index(mlir::Value base, int64_t offset = 0, int64_t lane = 0)
      : base(base), offset(offset), lane(lane) {}
  bool isUniform() const { return !vec && lane == 0; }
  bool isConstant() const { return !vec && !base && lane == 0; }
  bool operator==(const Index &) const = default;
};

using Values = llvm::SmallVector<mlir::Value>;
/// What a bound tensor is at these indices.
using ElementFn = std::function<mlir::Value(llvm::ArrayRef<Index>)>;

class Emitter {
public:
  Emitter(kernel::FuncOp kernel, const HostVariant &variant);

  mlir::OpBuilder b;
  mlir::Location loc;
  kernel::FuncOp kernel;
  const HostVariant &variant;

  //===--------------------------------------------------------------------===//
  // The function
  //===--------------------------------------------------------------------===//

  /// Makes `NAME` and `NAME.body` in `module` and points `b` into the body.
  void begin(mlir::ModuleOp module);
  /// Ends the body; fails if anything could not be emitted.
  mlir::LogicalResult end();

  /// Pointer of tensor argument i.
  mlir::Value argPointer(unsigned i);
  /// Pointer of result i.
  mlir::Value resultPointer(unsigned i);
  /// This thread's scratch (64-byte aligned) and the tile's number (i64).
  mlir::Value scratch, tile;
  /// i64 value of an expression of d0, d1 …, computed once, in the entry block.
  mlir::Value dim(graph::DimExprAttr expr);
  /// Extent of dim d of a tensor of the kernel, static or i64 value.
  mlir::OpFoldResult extent(mlir::Value tensor, unsigned d);
  /// As `extent`, always a value.
  mlir::Value extentValue(mlir::Value tensor, unsigned d);
  /// The tensor that the kernel yields as result i.
  mlir::Value yielded(unsigned i);

  //===--------------------------------------------------------------------===//
  // Scalars and vectors
  //===--------------------------------------------------------------------===//

  mlir::Value cst(int64_t value); ///< i64
  mlir::Value cstInt(mlir::Type type, int64_t value);
  mlir::Value cstFloat(mlir::Type type, double value); ///< scalar or vector
  /// Zero of a scalar or vector type.
  mlir::Value zero(mlir::Type type);
  /// The constant value of an i64 that is one.
  static std::optional<int64_t> constantOf(mlir::Value value);

  // i64 arithmetic, folded where constant; floor and mod take positive
  // divisors and non-negative dividends (unsigned division).
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return add(x, cst(y)); }
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y) { return mul(x, cst(y)); }
  mlir::Value floorDiv(mlir::Value x, mlir::Value y);
  mlir::Value floorDiv(mlir::Value x, int64_t y) { return floorDiv(x, cst(y)); }
  mlir::Value ceilDiv(mlir::Value x, mlir::Value y);
  mlir::Value mod(mlir::Value x, mlir::Value y);
  mlir::Value mod(mlir::Value x, int64_t y) { return mod(x, cst(y)); }
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  /// i1: x < y, signed.
  mlir::Value less(mlir::Value x, mlir::Value y);
  /// Signed division and remainder towards minus infinity, any dividend.
  mlir::Value floorDivSigned(mlir::Value x, mlir::Value y);

  mlir::VectorType vec(mlir::Type element, unsigned width);
  /// A vector of `lanes()` (or `width`) equal lanes; vectors stay.
  mlir::Value broadcast(mlir::Value value, unsigned width = 0);
  /// x * y + z on f32 or f64, fused where the variant can.
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  /// 0, 1, 2 … as vector<width x i64>.
  mlir::Value iota(unsigned width);
  /// Lane l < count: vector<width x i1>.
  mlir::Value maskOf(mlir::Value count, unsigned width);
  mlir::Value shuffle(mlir::Value x, mlir::Value y,
                      llvm::ArrayRef<int64_t> lanes);
  mlir::Value extractLane(mlir::Value vector, int64_t lane);
  mlir::Value insertLane(mlir::Value vector, mlir::Value scalar, int64_t lane);

  //===--------------------------------------------------------------------===//
  // Memory: raw, in elements of the type as it lies in memory
  //===--------------------------------------------------------------------===//

  /// How an element of this type lies in memory (i1: i8, bf16: i16).
  static mlir::Type memoryType(mlir::Type element);
  /// How it is computed with (f16, bf16: f32).
  static mlir::Type computeType(mlir::Type element);
  /// pointer + index elements (+ offset elements).
  mlir::Value address(mlir::Value pointer, mlir::Type element,
                      mlir::Value index, int64_t offset = 0);
  /// Loads one element (width 0) or a vector, converted to its compute type.
  /// A mask keeps lanes that are off from touching memory; they are 0.
  mlir::Value load(mlir::Type element, mlir::Value address, unsigned width = 0,
                   mlir::Value mask = {});
  /// Stores a scalar or vector of the compute type.
  void storeRaw(mlir::Type element, mlir::Value value, mlir::Value address,
                mlir::Value mask = {});
  /// Hints that the cache line at the address will be read.
  void prefetch(mlir::Value address, unsigned locality = 3);

  //===--------------------------------------------------------------------===//
  // Control
  //===--------------------------------------------------------------------===//

  using LoopFn = llvm::function_ref<Values(mlir::Value, mlir::ValueRange)>;
  /// for (iv = lo; iv < hi; iv += step) carried = body(iv, carried).
  Values loop(mlir::Value lo, mlir::Value hi, int64_t step,
              mlir::ValueRange carried, LoopFn body);
  /// The same without carried values; a loop of one turn is no loop.
  void loop(mlir::Value lo, mlir::Value hi, int64_t step,
            llvm::function_ref<void(mlir::Value)> body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise = nullptr);
  /// Values from one of two branches.
  Values select(mlir::Value condition, mlir::TypeRange types,
                llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);

  //===--------------------------------------------------------------------===//
  // Elements
  //===--------------------------------------------------------------------===//

  /// Number of lanes of vectors that `element` makes (1: scalars only), the
  /// mask of lanes that are on, and how many (i64); null: all.
  unsigned lanes() const { return laneState.width; }
  mlir::Value mask() const { return laneState.mask; }
  mlir::Value activeLanes() const { return laneState.count; }

  /// Sets the lanes while it lives; elements made outside are not reused.
  class LaneScope {
  public:
    /// `count`: lanes that are on, from lane 0; null: all.
    LaneScope(Emitter &e, unsigned width, mlir::Value count = {});
    ~LaneScope();

  private:
    Emitter &e;
    unsigned width;
    mlir::Value mask, count;
    bool anyLanes;
    std::size_t barrier;
  };

  /// Forgets, when it dies, the elements made while it lived: for code in a
  /// block that does not dominate what follows. `loop` and `ifThen` have one.
  class BlockScope {
  public:
    explicit BlockScope(Emitter &e) : e(e) { e.caches.emplace_back(); }
    ~BlockScope() { e.caches.pop_back(); }

  private:
    Emitter &e;
  };

  /// The value of a tensor of the kernel body at these indices.
  mlir::Value element(mlir::Value tensor, llvm::ArrayRef<Index> at);
  /// The same, computed from the definition even where the tensor is bound.
  mlir::Value definition(mlir::Value tensor, llvm::ArrayRef<Index> at);
  /// From now on `tensor` is what `fn` says; a null function unbinds. Elements
  /// made before are forgotten.
  void bind(mlir::Value tensor, ElementFn fn);
  /// Writes element(s) of result i; lanes that are off stay.
  void store(unsigned result, llvm::ArrayRef<Index> at, mlir::Value value);
  /// store(i, at, element(yielded(i), at)) for all results.
  void storeResults(llvm::ArrayRef<Index> at);
  /// Emits a generic's body for given input and output elements (compute
  /// types); `at` are its iteration indices, for linalg.index. One value a
  /// result.
  Values body(mlir::linalg::GenericOp op, llvm::ArrayRef<Index> at,
              mlir::ValueRange inputs, mlir::ValueRange outputs);
  /// Emits a block of scalars, the region of an op of the kernel dialect, for
  /// given arguments; null for those that it does not use.
  Values body(mlir::Block &block, mlir::ValueRange arguments);
  /// Emits one op of a scalar body for given operands.
  mlir::Value apply(mlir::Operation &op, mlir::ValueRange operands);
  /// Address of an element of a tensor argument, or of a result (lane 0).
  mlir::Value argAddress(unsigned i, llvm::ArrayRef<Index> at);
  mlir::Value resultAddress(unsigned i, llvm::ArrayRef<Index> at);
  /// Element strides: constants where static.
  llvm::ArrayRef<mlir::Value> argStrides(unsigned i);
  llvm::ArrayRef<mlir::Value> resultStrides(unsigned i);

  /// The indices that an affine map makes of these dims.
  llvm::SmallVector<Index> map(mlir::AffineMap map, llvm::ArrayRef<Index> dims);
  Index add(const Index &x, const Index &y);
  Index mul(const Index &x, int64_t y);
  /// i64 of a uniform index (of lane 0 of any other sequence).
  mlir::Value scalar(const Index &index);
  /// vector<lanes x i64> of any index.
  mlir::Value vector(const Index &index);
  /// The i64 value of an index-typed value of the kernel, outside generics.
  mlir::Value indexValue(mlir::Value value);

  /// A compute-type value (f32, scalar or vector) rounded to the precision of
  /// f16 or bf16; any other element type: the value.
  mlir::Value round(mlir::Type element, mlir::Value value);

  /// Reports an error at an op and marks the emission as failed.
  mlir::Value fail(mlir::Operation *op, const llvm::Twine &message,
                   mlir::Type type);
  bool failed() const { return hasFailed; }

private:
  friend class BodyEmitter;
  struct LaneState {
    unsigned width = 1;
    mlir::Value mask, count;
    bool anyLanes = false; ///< The mask may hold any lanes, not only the first.
  };
  struct CacheEntry {
    mlir::Value tensor;
    llvm::SmallVector<Index> at;
    mlir::Value value;
  };
  using Cache = std::vector<CacheEntry>;

  mlir::Value find(mlir::Value tensor, llvm::ArrayRef<Index> at);
  void remember(mlir::Value tensor, llvm::ArrayRef<Index> at,
                mlir::Value value);
  mlir::Value generic(mlir::linalg::GenericOp op, unsigned result,
                      llvm::ArrayRef<Index> at);
  mlir::Value pad(mlir::tensor::PadOp op, llvm::ArrayRef<Index> at);
  mlir::Value slice(mlir::tensor::ExtractSliceOp op, llvm::ArrayRef<Index> at);
  mlir::Value constant(mlir::arith::ConstantOp op, llvm::ArrayRef<Index> at);
  mlir::Value loadAt(mlir::Value pointer, mlir::Type element,
                     llvm::ArrayRef<mlir::Value> strides,
                     llvm::ArrayRef<Index> at);
  mlir::Value gatherLanes(mlir::Value pointer, mlir::Type element,
                          llvm::function_ref<mlir::Value(unsigned)> offset);
  Index affine(mlir::AffineExpr expr, llvm::ArrayRef<Index> dims);
  Index linear(llvm::ArrayRef<mlir::Value> strides, llvm::ArrayRef<Index> at,
               mlir::Value &laneStride);
  mlir::Value dimValue(graph::DimExprAttr expr);
  mlir::Value indexOp(mlir::Value value);

  mlir::ModuleOp module;
  mlir::LLVM::LLVMFuncOp bodyFunc;
  mlir::Operation *entryMark = nullptr;
  LaneState laneState;
  std::vector<Cache> caches;
  std::size_t cacheBarrier = 0;
  llvm::MapVector<mlir::Value, ElementFn> bound;
  llvm::DenseMap<mlir::Attribute, mlir::Value> dimValues;
  llvm::DenseMap<mlir::Value, mlir::Value> indexValues;
  std::vector<Values> argStrideValues, resultStrideValues;
  llvm::DenseMap<mlir::Attribute, mlir::LLVM::GlobalOp> globals;
  bool hasFailed = false;
};

/// Transposes width vectors of width lanes in registers.
Values transpose(Emitter &e, mlir::ValueRange rows);

/// Emits a math op on scalars or vectors (Math.cpp): `name` as in the math
/// dialect (`math.exp`), operands of one type. Null where it is unknown.
mlir::Value emitMath(Emitter &e, llvm::StringRef name,
                     mlir::ValueRange operands);

/// How a family emits a kernel's code, between `begin` and `end`.
void emitMap(Emitter &e);
void emitReduce(Emitter &e);
void emitRow(Emitter &e);
void emitContract(Emitter &e);
void emitConv(Emitter &e);
void emitDepthwise(Emitter &e);
void emitAttention(Emitter &e);
void emitScatter(Emitter &e);

} // namespace actnet::host

#endif // ACTNET_CODEGEN_HOST_EMITTER_H
