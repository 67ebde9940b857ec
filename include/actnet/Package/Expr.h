//===- Expr.h - dim expressions as bytecode -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pool is a straight line of instructions; instruction i computes expression
// i from earlier ones. So equal subexpressions are stored and evaluated once,
// cycles cannot be written down, and all sizes of a program follow from its
// dims in one pass. Arithmetic is 64-bit and checked: an expression that
// overflows, divides by what is not positive, or reads such an expression has
// no value. Evaluation is safe on any bytes whatever.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_PACKAGE_EXPR_H
#define ACTNET_PACKAGE_EXPR_H

#include "actnet/Package/Types.h"
#include "actnet/Runtime/Base/Status.h"

#include <limits>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace actnet::pkg {

/// Index of an expression in its pool.
using ExprId = uint32_t;

/// Builds a pool. Equal expressions get equal ids; constants fold, unless the
/// folding overflows. Operands must be ids that this pool gave out.
class ExprPool {
public:
  ExprId constant(int64_t value);
  /// The value of the dim with that index in Interface::dims.
  ExprId symbol(uint32_t dim);
  ExprId add(ExprId lhs, ExprId rhs);
  ExprId mul(ExprId lhs, ExprId rhs);
  /// Rounds towards minus infinity; rhs must turn out positive.
  ExprId floorDiv(ExprId lhs, ExprId rhs);
  /// Rounds towards plus infinity; rhs must turn out positive.
  ExprId ceilDiv(ExprId lhs, ExprId rhs);
  /// lhs - floorDiv(lhs, rhs) * rhs.
  ExprId mod(ExprId lhs, ExprId rhs);
  ExprId min(ExprId lhs, ExprId rhs);
  ExprId max(ExprId lhs, ExprId rhs);
  /// The same by opcode; `op` must be one of the binary ones.
  ExprId binary(ExprOp op, ExprId lhs, ExprId rhs);

  /// The value, if `id` is a constant.
  std::optional<int64_t> asConstant(ExprId id) const;

  const std::vector<ExprInst> &code() const { return insts; }
  size_t size() const { return insts.size(); }

private:
  struct Key {
    int64_t value;
    uint32_t lhs, rhs;
    ExprOp op;
    bool operator==(const Key &) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key &key) const;
  };
  ExprId intern(Key key);

  std::vector<ExprInst> insts;
  std::unordered_map<Key, ExprId, KeyHash> ids;
};

/// Checks opcodes, operands and dims of a pool. Fails with dataLoss.
Status verifyExprs(std::span<const ExprInst> code, size_t numDims);

/// Writes an expression as text, such as `(N * 3072)`. `dims` are the names;
/// ids out of range print as `?`.
std::string exprText(std::span<const ExprInst> code, ExprId id,
                     std::span<const std::string> dims);

/// All values of a pool at one choice of dims.
class ExprValues {
public:
  ExprValues() = default;
  /// Evaluates the whole pool: O(instructions). Dims that are missing have no
  /// value.
  ExprValues(std::span<const ExprInst> code, std::span<const int64_t> dims) {
    assign(code, dims);
  }

  /// The same for other dims. Allocates nothing once it has held as many
  /// expressions.
  void assign(std::span<const ExprInst> code, std::span<const int64_t> dims);

  /// The value, or nothing if the id is out of range or has none.
  std::optional<int64_t> find(ExprId id) const {
    if (id >= values.size() || !known[id])
      return std::nullopt;
    return values[id];
  }
  /// The value; outOfRange if there is none.
  Expected<int64_t> get(ExprId id) const;
  size_t size() const { return values.size(); }

private:
  std::vector<int64_t> values;
  std::vector<uint8_t> known;
};

/// Smallest and largest value, both included. `upper == unbounded` and
/// `lower == -unbounded` mean no bound.
struct Range {
  int64_t lower = 0;
  int64_t upper = 0;
  bool operator==(const Range &) const = default;
};
inline constexpr int64_t unbounded = std::numeric_limits<int64_t>::max();

/// Bounds of every expression for dims within `dims`: interval arithmetic, so
/// never too narrow. An expression that cannot be bounded is
/// [-unbounded, unbounded].
std::vector<Range> exprRanges(std::span<const ExprInst> code,
                              std::span<const Range> dims);

/// The bounds of an interface's dims (upper -1 becomes `unbounded`).
std::vector<Range> dimRanges(const Interface &interface);

} // namespace actnet::pkg

#endif // ACTNET_PACKAGE_EXPR_H
