//===- LibraryApi.h - what we use of cuBLASLt -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cuBLASLt's functions, declared by ourselves, because its header is not where
// programs are built. A test compares every one of them with cublasLt.h where
// that is there (test/driver/LibraryApiTest.cpp). Meanings and errors stand in
// NVIDIA's "cuBLAS" reference, version 13.0, chapter "Using the cuBLASLt API".
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_LIBRARYAPI_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_LIBRARYAPI_H

#include "DriverApi.h"

namespace actnet::rt::cuda::lt {

using Code = int; // cublasStatus_t
using Handle = struct HandleTag *;
using Desc = struct DescTag *;
using Layout = struct LayoutTag *;
using Preference = struct PreferenceTag *;

/// cublasLtMatmulAlgo_t: bytes that the library understands; may be copied.
struct Algo {
  uint64_t data[8];
};

/// cublasLtMatmulHeuristicResult_t.
struct HeuristicResult {
  Algo algo;
  size_t workspaceBytes;
  Code state;
  float waves;
  int reserved[4];
};

enum : Code {
  statusSuccess = 0,
  statusNotInitialized = 1,
  statusInvalidValue = 7,
  statusExecutionFailed = 13,
  statusNotSupported = 15,
};

/// cudaDataType, cublasComputeType_t, cublasOperation_t.
enum : int { real32 = 0, real16 = 2, bfloat16 = 14 };
enum : int { computeReal32 = 68 };
enum : int { plain = 0, transposed = 1 };

/// cublasLtMatmulDescAttributes_t.
enum : int {
  descTransposeA = 3,
  descTransposeB = 4,
  descEpilogue = 7,
  descBiasPointer = 8,
};
/// cublasLtEpilogue_t; relu and gelu may be added to bias.
enum : unsigned {
  epilogueDefault = 1,
  epilogueRelu = 2,
  epilogueBias = 4,
  epilogueGelu = 32,
};
/// cublasLtMatrixLayoutAttribute_t.
enum : int { layoutBatchCount = 5, layoutBatchStride = 6 };
/// cublasLtMatmulPreferenceAttributes_t.
enum : int {
  preferMaxWorkspace = 1,
  preferReductionSchemes = 3,
  preferAlignmentA = 5,
  preferAlignmentB = 6,
  preferAlignmentC = 7,
  preferAlignmentD = 8,
};
/// cublasLtReductionScheme_t: parts of a sum in the workspace, in f32, added up
/// in a step of its own.
enum : unsigned { reductionInWorkspace = 2 };

// Every entry point: X(name, result, parameters).
#define ACTNET_CUBLASLT_ENTRIES(X)                                             \
  X(cublasLtCreate, Code, (Handle * handle))                                   \
  X(cublasLtDestroy, Code, (Handle handle))                                    \
  X(cublasLtGetStatusName, const char *, (Code status))                        \
  X(cublasLtGetVersion, size_t, ())                                            \
  X(cublasLtMatmulDescCreate, Code, (Desc * desc, int compute, int scale))     \
  X(cublasLtMatmulDescDestroy, Code, (Desc desc))                              \
  X(cublasLtMatmulDescSetAttribute, Code,                                      \
    (Desc desc, int attribute, const void *value, size_t bytes))               \
  X(cublasLtMatrixLayoutCreate, Code,                                          \
    (Layout * layout, int type, uint64_t rows, uint64_t columns, int64_t ld))  \
  X(cublasLtMatrixLayoutDestroy, Code, (Layout layout))                        \
  X(cublasLtMatrixLayoutSetAttribute, Code,                                    \
    (Layout layout, int attribute, const void *value, size_t bytes))           \
  X(cublasLtMatmulPreferenceCreate, Code, (Preference * preference))           \
  X(cublasLtMatmulPreferenceDestroy, Code, (Preference preference))            \
  X(cublasLtMatmulPreferenceSetAttribute, Code,                                \
    (Preference preference, int attribute, const void *value, size_t bytes))   \
  X(cublasLtMatmulAlgoGetHeuristic, Code,                                      \
    (Handle handle, Desc desc, Layout a, Layout b, Layout c, Layout d,         \
     Preference preference, int wanted, HeuristicResult *results, int *found)) \
  X(cublasLtMatmul, Code,                                                      \
    (Handle handle, Desc desc, const void *alpha, const void *a,               \
     Layout layoutA, const void *b, Layout layoutB, const void *beta,          \
     const void *c, Layout layoutC, void *d, Layout layoutD, const Algo *algo, \
     void *workspace, size_t workspaceBytes, Stream stream))

/// The functions, found in the library.
struct Api {
#define ACTNET_CUBLASLT_MEMBER(name, result, parameters)                       \
  result(*name) parameters = nullptr;
  ACTNET_CUBLASLT_ENTRIES(ACTNET_CUBLASLT_MEMBER)
#undef ACTNET_CUBLASLT_MEMBER
};

} // namespace actnet::rt::cuda::lt

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_LIBRARYAPI_H
