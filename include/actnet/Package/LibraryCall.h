//===- LibraryCall.h - what a record says to a library --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call record names a library and an entry of it, and describes the work in a
// line of text (`config`) and a list of numbers (`dims`). The compiler writes
// both and the runtime reads them; what they mean stands here.
//
// There is one library, "cublasLt", with one entry, "matmul":
//
//   D[i] = f(alpha * op(A[i]) op(B[i]) + bias)   for i in [0, batch)
//
// with matrices as cuBLASLt sees them: columns lie behind one another, `ld`
// elements apart, and elements of a column side by side. D is rows x columns;
// A is rows x inner, or transposed inner x rows; B is inner x columns, or
// transposed columns x inner; bias has one element per row. A product of
// row-major matrices is this one with its operands exchanged.
//
//   d=3:f32 a=1:f16 b=0:f16:t bias=2:f32 alpha=0.125 relu
//
// says of each matrix which operand of the call it is, its element type, and
// `t` where it is transposed; then the epilogue. Sums are of f32. gelu is the
// one with tanh.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_PACKAGE_LIBRARYCALL_H
#define ACTNET_PACKAGE_LIBRARYCALL_H

#include "actnet/Package/Types.h"
#include "actnet/Runtime/Base/Status.h"

#include <span>
#include <string>
#include <string_view>

namespace actnet::pkg {

inline constexpr std::string_view cublasLtLibrary = "cublasLt";
inline constexpr std::string_view matmulEntry = "matmul";

/// Bytes that a workspace must be aligned to.
inline constexpr uint32_t workspaceAlignment = 256;

/// Bytes of workspace that cuBLASLt is given on a GPU of a compute capability:
/// what NVIDIA recommends, 32 MiB from Hopper on and 4 MiB before.
constexpr uint64_t workspaceCap(int major) {
  return uint64_t(major >= 9 ? 32 : 4) << 20;
}

/// The numbers of a matmul, in the order in which `dims` has them; leading
/// dimensions and strides from one matrix of the batch to the next in elements.
enum class MatmulDim : uint8_t {
  rows,
  columns,
  inner,
  batch,
  ldA,
  ldB,
  ldD,
  strideA,
  strideB,
  strideD,
};
inline constexpr size_t matmulDims = 10;

/// The config of a matmul.
struct MatmulConfig {
  enum class Activation : uint8_t { none, relu, gelu };
  struct Matrix {
    uint32_t operand = none; ///< index in the call's operands
    DType dtype = DType::F32;
    bool transposed = false; ///< A and B only
    bool operator==(const Matrix &) const = default;
  };
  Matrix a, b, d, bias; ///< no bias: its operand is `none`
  float alpha = 1;
  Activation activation = Activation::none;

  bool hasBias() const { return bias.operand != none; }
  bool operator==(const MatmulConfig &) const = default;
};

/// Returns the config as text.
std::string toText(const MatmulConfig &config);

/// Reads a config of a call with so many operands. Errors, dataLoss: a word
/// that is not understood, a matrix that is missing, named twice, or no
/// operand; types that the library does not combine (A and B alike; D like
/// them, or f32; bias like D).
Expected<MatmulConfig> parseMatmulConfig(std::string_view text,
                                         size_t operands);

/// Checks the numbers of a matmul against the bytes of the call's operands:
/// none is negative, a column is no longer than the distance to the next, and
/// every element lies inside. Errors: outOfRange.
Status checkMatmul(const MatmulConfig &config, std::span<const int64_t> dims,
                   std::span<const uint64_t> bytes);

/// Checks the text and the counts of a call of a library that is known here,
/// and that it reads and writes what its access says; others pass. Errors:
/// dataLoss.
Status checkCall(const Call &call);

} // namespace actnet::pkg

#endif // ACTNET_PACKAGE_LIBRARYCALL_H
