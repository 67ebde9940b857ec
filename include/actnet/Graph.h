//===- Graph.h - networks as C++: the graph API ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds a model function by function, without any type of the compiler's own
// in sight, and compiles it to a package, in memory or on disk, that the C API
// (actnet.h) opens and runs.
//
//   actnet::Graph graph("mlp");
//   actnet::Dim n = graph.dim("N", 1, 64);
//   actnet::Function f = graph.function("main");
//   actnet::Value x = f.input("x", actnet::DType::f32, {n, 784});
//   actnet::Value w = f.constant(actnet::DType::f32, {784, 10}, bytes);
//   f.output("y", actnet::softmax(actnet::matmul(x, w), -1));
//   actnet::Expected<actnet::PackageBytes> package = graph.compile();
//
// Errors do not throw and do not abort: the first one (a shape that does not
// fit, a value of another function) is kept, with the place of the call, every
// later operation gives an invalid value, and `status()`, `compile()` and
// `print()` return it. One thread at a time per Graph.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_GRAPH_H
#define ACTNET_GRAPH_H

#include "actnet/Runtime/Base/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What is declared here is what libactnet-graph.so shows.
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

namespace actnet {

/// Element types. `boolean` is one byte an element in memory.
enum class DType { f32, f64, f16, bf16, i8, i16, i32, i64, boolean };

namespace detail {
struct GraphState;
struct DimNode;
} // namespace detail

/// An extent: a number, a named dim of a graph, or an expression of such. One
/// that nests more than 128 deep or has more than 4096 parts is an error of the
/// call that uses it.
class Dim {
public:
  /// A static extent, at least 0.
  Dim(int64_t value);
  Dim(int value) : Dim(static_cast<int64_t>(value)) {}

  friend Dim operator+(const Dim &a, const Dim &b);
  friend Dim operator-(const Dim &a, const Dim &b);
  friend Dim operator*(const Dim &a, const Dim &b);
  /// a / b rounded down; b must be positive when it is evaluated.
  friend Dim floorDiv(const Dim &a, const Dim &b);

private:
  friend struct detail::GraphState;
  friend class Graph;
  explicit Dim(std::shared_ptr<const detail::DimNode> node)
      : node(std::move(node)) {}
  std::shared_ptr<const detail::DimNode> node;
};

/// A tensor inside a function. Cheap to copy; valid as long as its Graph.
class Value {
public:
  Value() = default;
  /// False for a default-made value and for the result of a failed operation.
  explicit operator bool() const { return handle != nullptr; }
  /// The rank; 0 for an invalid value.
  size_t rank() const;
  /// The extent of dim i as text ("N", "768"); empty for an invalid one.
  std::string dim(size_t i) const;

private:
  friend struct detail::GraphState;
  Value(detail::GraphState *state, void *handle)
      : state(state), handle(handle) {}
  detail::GraphState *state = nullptr;
  void *handle = nullptr;
};

using Where = std::source_location;

/// A function of a model under construction. Cheap to copy; valid as long as
/// its Graph.
class Function {
public:
  /// Adds an argument.
  Value input(std::string_view name, DType type, std::vector<Dim> shape,
              Where where = Where::current());
  /// Adds a variable (a parameter that training writes, a cache): an argument
  /// that keeps its value between jobs, starting from zeros.
  Value variable(std::string_view name, DType type, std::vector<Dim> shape,
                 Where where = Where::current());
  /// Makes `next` the variable's value after the job; same type as `current`,
  /// which `variable` returned.
  void update(Value current, Value next, Where where = Where::current());
  /// A constant from bytes, row-major, little-endian; copied.
  Value constant(DType type, std::vector<int64_t> shape,
                 std::span<const std::byte> data,
                 Where where = Where::current());
  /// A scalar constant.
  Value scalar(DType type, double value, Where where = Where::current());
  /// Adds a result.
  void output(std::string_view name, Value value,
              Where where = Where::current());

private:
  friend class Graph;
  Function(detail::GraphState *state, size_t index)
      : state(state), index(index) {}
  detail::GraphState *state;
  size_t index;
};

namespace detail {
/// Gives memory on page borders.
template <typename T> struct PageAllocator {
  using value_type = T;
  PageAllocator() = default;
  template <typename U> PageAllocator(const PageAllocator<U> &) {}
  T *allocate(size_t count) {
    return static_cast<T *>(
        ::operator new(count * sizeof(T), std::align_val_t(4096)));
  }
  void deallocate(T *data, size_t) {
    ::operator delete(data, std::align_val_t(4096));
  }
  friend bool operator==(PageAllocator, PageAllocator) { return true; }
};
} // namespace detail

/// A package in memory, at an address that actnet_open_memory takes as it is.
using PackageBytes = std::vector<std::byte, detail::PageAllocator<std::byte>>;

/// What `Graph::compile` is asked for.
struct GraphCompileOptions {
  /// Host code variants, at least one; the program takes the best that runs.
  std::vector<std::string> variants = {"x86-64-v3", "x86-64-v4"};
};

/// A model under construction. One that was moved from answers every call with
/// an error; its functions and values belong to the new one.
class Graph {
public:
  explicit Graph(std::string_view name);
  ~Graph();
  Graph(Graph &&) noexcept;
  Graph &operator=(Graph &&) noexcept;

  /// A named dim with inclusive bounds; without an upper bound memory is
  /// planned when the dim is first known.
  Dim dim(std::string_view name, int64_t lower = 1,
          std::optional<int64_t> upper = std::nullopt,
          Where where = Where::current());

  /// Adds a function; it is open until the next one is added or the graph is
  /// printed or compiled; from then on it takes nothing more.
  Function function(std::string_view name, Where where = Where::current());

  /// The first error so far.
  Status status() const;

  /// The graph level as text.
  Expected<std::string> print();

  /// Compiles to a package in memory, for actnet_open_memory.
  Expected<PackageBytes> compile(const GraphCompileOptions &options = {});
  /// Compiles to a package file, whole or not at all.
  Status compileToFile(std::string_view path,
                       const GraphCompileOptions &options = {});

private:
  std::unique_ptr<detail::GraphState> state;
};

//===----------------------------------------------------------------------===//
// Operations. Shapes broadcast as in NumPy; axes below zero count from the end.
//===----------------------------------------------------------------------===//

Value add(Value a, Value b, Where where = Where::current());
Value sub(Value a, Value b, Where where = Where::current());
Value mul(Value a, Value b, Where where = Where::current());
Value div(Value a, Value b, Where where = Where::current());
Value pow(Value a, Value b, Where where = Where::current());
Value maximum(Value a, Value b, Where where = Where::current());
Value minimum(Value a, Value b, Where where = Where::current());
Value neg(Value x, Where where = Where::current());
Value abs(Value x, Where where = Where::current());
Value exp(Value x, Where where = Where::current());
Value log(Value x, Where where = Where::current());
Value sqrt(Value x, Where where = Where::current());
Value tanh(Value x, Where where = Where::current());
Value sigmoid(Value x, Where where = Where::current());
Value erf(Value x, Where where = Where::current());
/// max(x, 0).
Value relu(Value x, Where where = Where::current());
/// min(max(x, lo), hi).
Value clamp(Value x, double lo, double hi, Where where = Where::current());
/// Exact, or with the tanh approximation.
Value gelu(Value x, bool tanhApproximation = false,
           Where where = Where::current());
Value cast(Value x, DType type, Where where = Where::current());
/// condition ? a : b; the condition is boolean.
Value select(Value condition, Value a, Value b, Where where = Where::current());
enum class Compare { eq, ne, lt, le, gt, ge };
Value compare(Compare predicate, Value a, Value b,
              Where where = Where::current());

enum class Reduce { sum, prod, max, min, mean };
/// Reduces the named axes; all of them where none is named.
Value reduce(Reduce kind, Value x, std::vector<int64_t> axes,
             bool keepDims = false, Where where = Where::current());

/// NumPy's matmul for ranks of 2 and more: the right operand has rank 2, or
/// the left one's rank and batch dims.
Value matmul(Value a, Value b, Where where = Where::current());
/// "mk,kn->mn": one letter a dim.
Value einsum(std::string_view spec, Value a, Value b,
             Where where = Where::current());
struct ConvOptions {
  std::vector<int64_t> strides = {1, 1};
  /// Low and high for each spatial dim: low0, high0, low1, high1.
  std::vector<int64_t> padding = {0, 0, 0, 0};
  std::vector<int64_t> dilations = {1, 1};
  int64_t groups = 1;
};
/// x [N, C, H, W], filter [O, C/groups, KH, KW].
Value conv2d(Value x, Value filter, const ConvOptions &options = {},
             Where where = Where::current());
struct PoolOptions {
  std::vector<int64_t> window = {2, 2};
  std::vector<int64_t> strides = {2, 2};
  std::vector<int64_t> padding = {0, 0, 0, 0};
};
Value maxPool2d(Value x, const PoolOptions &options = {},
                Where where = Where::current());
Value avgPool2d(Value x, const PoolOptions &options = {},
                Where where = Where::current());

Value reshape(Value x, std::vector<Dim> shape, Where where = Where::current());
Value transpose(Value x, std::vector<int64_t> perm,
                Where where = Where::current());
Value broadcastTo(Value x, std::vector<Dim> shape,
                  Where where = Where::current());
/// x[..., start : start + size, ...] along the axis.
Value slice(Value x, int64_t axis, Dim start, Dim size,
            Where where = Where::current());
Value concat(std::vector<Value> inputs, int64_t axis,
             Where where = Where::current());
/// data[..., indices, ...] along the axis; indices are i32 or i64.
Value gather(Value data, Value indices, int64_t axis,
             Where where = Where::current());

Value softmax(Value x, int64_t axis, Where where = Where::current());
Value logSoftmax(Value x, int64_t axis, Where where = Where::current());
/// Over the dims from `axis` on.
Value layerNorm(Value x, Value scale, Value bias, int64_t axis = -1,
                double epsilon = 1e-5, Where where = Where::current());
Value rmsNorm(Value x, Value scale, int64_t axis = -1, double epsilon = 1e-5,
              Where where = Where::current());
/// Channels are dim 1; all parameters [C].
Value batchNorm(Value x, Value scale, Value bias, Value mean, Value variance,
                double epsilon = 1e-5, Where where = Where::current());
Value groupNorm(Value x, Value scale, Value bias, int64_t groups,
                double epsilon = 1e-5, Where where = Where::current());
/// q [B, S, H, D], k [B, T, G, D], v [B, T, G, E] to [B, S, H, E]; the mask,
/// where given, broadcasts to [B, H, S, T].
Value attention(Value q, Value k, Value v, double scale, Value mask = {},
                bool causal = false, Where where = Where::current());

/// The right operand of an operator. An operator takes no default argument, so
/// the place of the call comes with the conversion.
struct Operand {
  Operand(Value value, Where where = Where::current())
      : value(value), where(where) {}
  Value value;
  Where where;
};
inline Value operator+(Value a, Operand b) { return add(a, b.value, b.where); }
inline Value operator-(Value a, Operand b) { return sub(a, b.value, b.where); }
inline Value operator*(Value a, Operand b) { return mul(a, b.value, b.where); }
inline Value operator/(Value a, Operand b) { return div(a, b.value, b.where); }

} // namespace actnet

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif // ACTNET_GRAPH_H
