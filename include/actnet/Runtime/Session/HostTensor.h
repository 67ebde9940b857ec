//===- HostTensor.h - a dense tensor in ordinary memory -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the command line reads, fills, writes and compares: element type, shape
// and dense row-major bytes. Kernels never see it; they work on the arena.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_SESSION_HOSTTENSOR_H
#define ACTNET_RUNTIME_SESSION_HOSTTENSOR_H

#include "actnet/Runtime/Base/Status.h"
#include "actnet/actnet.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace actnet::rt {

/// Returns "f32", "bf16" and so on; "?" for a number that is no type.
const char *dtypeName(actnet_dtype dtype);

/// Returns the bytes of one element, 0 for a number that is no type.
size_t dtypeBytes(actnet_dtype dtype);

/// Returns whether the type holds fractions.
bool isFloat(actnet_dtype dtype);

/// Writes a shape as "[8, 3, 224, 224]"; "[]" for a scalar.
std::string shapeText(const int64_t *shape, size_t rank);

/// Gives a tensor's elements back: to the heap, or with the file that they lie
/// in.
struct FreeTensor {
  void *file = nullptr; ///< the whole mapping; null: on the heap
  size_t fileBytes = 0;
  void operator()(std::byte *data) const;
};

/// A tensor that owns its bytes; movable, not copyable.
struct HostTensor {
  actnet_dtype dtype = ACTNET_F32;
  std::vector<int64_t> shape;
  /// 64-byte aligned on the heap. A tensor from a file is read-only, and
  /// aligned as the file has it.
  std::unique_ptr<std::byte[], FreeTensor> data;
  size_t bytes = 0;

  /// Allocates, without initialising, a tensor of the given type and shape.
  /// Errors: outOfRange (a negative extent, or more than 2^62 bytes),
  /// resourceExhausted.
  static Expected<HostTensor> allocate(actnet_dtype dtype,
                                       std::vector<int64_t> shape);

  /// Number of elements.
  int64_t elements() const { return int64_t(bytes / dtypeBytes(dtype)); }
};

/// Reads element `index` as a double; i64 and u64 beyond 2^53 round.
double loadAsDouble(actnet_dtype dtype, const std::byte *data, int64_t index);

/// Writes `value` as element `index`, rounded to nearest even for the narrow
/// floats and clamped to the type's range for integers.
void storeFromDouble(actnet_dtype dtype, std::byte *data, int64_t index,
                     double value);

/// Fills the tensor with one value written as text ("3", "-0.5", "1e-3").
/// Errors: invalidArgument (not a number, or not a value of the type).
Status fillScalar(HostTensor &tensor, std::string_view text);

/// Fills the tensor from a seed and a name: element i is a function of the
/// three alone (Philox4x32-10; Salmon et al., "Parallel random numbers: as
/// easy as 1, 2, 3", SC 2011). Floats are uniform in [-1, 1) in steps of
/// 2^-23; integers and booleans are 0 or 1, which any table of tokens holds.
void fillRandom(HostTensor &tensor, uint64_t seed, std::string_view name);

/// Writes one line: shape, type, range, mean and the first values.
std::string summarize(const HostTensor &tensor);

/// What a comparison found; equal when `text` is empty.
struct Difference {
  std::string text; ///< one line: where, what was expected, what came
  double largest = 0;
};

/// Compares like numpy.allclose: |got - expected| <= atol + rtol * |expected|,
/// a NaN equals a NaN; type and shape must be the same.
Difference compare(const HostTensor &got, const HostTensor &expected,
                   double rtol, double atol);

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_HOSTTENSOR_H
