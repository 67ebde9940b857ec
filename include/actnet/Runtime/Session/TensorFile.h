//===- TensorFile.h - read and write tensors as files ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NumPy's .npy (versions 1 to 3; NEP 1) and the TensorProto of ONNX (.pb), as
// far as dense tensors of the package's element types go. Headers are taken as
// hostile: every length is checked against the file before it is used.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_SESSION_TENSORFILE_H
#define ACTNET_RUNTIME_SESSION_TENSORFILE_H

#include "actnet/Runtime/Session/HostTensor.h"

#include <span>

namespace actnet::rt {

/// Reads a tensor from `path`: `.npy` or `.pb`, told apart by the ending.
/// Fortran order and big-endian elements are converted; the 2-byte void type
/// that NumPy writes for bfloat16 reads as bf16. Elements of an .npy file that
/// need no conversion stay in the mapped file, which must not shrink meanwhile.
/// Errors, all naming the file: notFound (cannot be opened),
/// invalidArgument (unknown ending or unsupported content), dataLoss (damaged
/// or truncated).
Expected<HostTensor> readTensorFile(const std::string &path);

/// Writes a tensor as .npy version 1, C order; a temporary file beside `path`
/// takes its place at the end, so nothing is left half-written.
/// Errors: unavailable (cannot be created or written), naming the file.
Status writeNpy(const std::string &path, const HostTensor &tensor);

/// How the elements lie in an .npy file.
struct NpyLayout {
  actnet_dtype dtype = ACTNET_F32;
  bool swapped = false; ///< big endian
  bool fortran = false;
  std::vector<int64_t> shape;
  size_t offset = 0; ///< of the elements
  size_t bytes = 0;

  /// Whether the elements are usable as they lie there.
  bool isPlain() const;
};

/// Reads and checks the header. Errors as above, without the file's name.
Expected<NpyLayout> parseNpyHeader(std::span<const std::byte> file);

/// Parses the bytes of an .npy file into memory of its own. Errors as above,
/// without the file's name.
Expected<HostTensor> parseNpy(std::span<const std::byte> file);

/// Makes what stands before the elements in version 1 of .npy, padded so that
/// they start at a multiple of 64 bytes.
std::string npyHeader(const HostTensor &tensor);

/// Parses the bytes of a TensorProto (onnx.proto). External data, strings,
/// complex numbers and types below one byte are refused. Errors as above.
Expected<HostTensor> parseTensorProto(std::span<const std::byte> file);

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_TENSORFILE_H
