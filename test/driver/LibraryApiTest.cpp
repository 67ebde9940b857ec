//===- LibraryApiTest.cpp - our declarations against cublasLt.h -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiling it is the test: every function of cuBLASLt that device cuda calls
// and the stand-in defines has parameters of these sizes and kinds, and every
// structure and number is the same. Only where the header is: the library is
// half a gigabyte, and the tests' set-up does not fetch it.
//
//===----------------------------------------------------------------------===//
#include <cublasLt.h>

#include "../../lib/Runtime/Device/CUDA/LibraryApi.h"
#include "SameSignature.h"

#include <gtest/gtest.h>

namespace ours = actnet::rt::cuda::lt;

namespace {

using actnet::testing::Same;

#define CHECK_ENTRY(name, result, parameters)                                  \
  static_assert(Same<decltype(ours::Api::name), decltype(&::name)>::value,     \
                #name " has other parameters in cublasLt.h");
ACTNET_CUBLASLT_ENTRIES(CHECK_ENTRY)

static_assert(sizeof(ours::Algo) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(ours::HeuristicResult) ==
              sizeof(cublasLtMatmulHeuristicResult_t));
#define CHECK_FIELD(field, theirs)                                             \
  static_assert(offsetof(ours::HeuristicResult, field) ==                      \
                offsetof(cublasLtMatmulHeuristicResult_t, theirs));
CHECK_FIELD(algo, algo)
CHECK_FIELD(workspaceBytes, workspaceSize)
CHECK_FIELD(state, state)
CHECK_FIELD(waves, wavesCount)

#define CHECK_NUMBER(own, theirs)                                              \
  static_assert(long(ours::own) == long(theirs), #theirs " is another "        \
                                                         "number");
CHECK_NUMBER(statusSuccess, CUBLAS_STATUS_SUCCESS)
CHECK_NUMBER(statusNotInitialized, CUBLAS_STATUS_NOT_INITIALIZED)
CHECK_NUMBER(statusInvalidValue, CUBLAS_STATUS_INVALID_VALUE)
CHECK_NUMBER(statusExecutionFailed, CUBLAS_STATUS_EXECUTION_FAILED)
CHECK_NUMBER(statusNotSupported, CUBLAS_STATUS_NOT_SUPPORTED)
CHECK_NUMBER(real32, CUDA_R_32F)
CHECK_NUMBER(real16, CUDA_R_16F)
CHECK_NUMBER(bfloat16, CUDA_R_16BF)
CHECK_NUMBER(computeReal32, CUBLAS_COMPUTE_32F)
CHECK_NUMBER(plain, CUBLAS_OP_N)
CHECK_NUMBER(transposed, CUBLAS_OP_T)
CHECK_NUMBER(descTransposeA, CUBLASLT_MATMUL_DESC_TRANSA)
CHECK_NUMBER(descTransposeB, CUBLASLT_MATMUL_DESC_TRANSB)
CHECK_NUMBER(descEpilogue, CUBLASLT_MATMUL_DESC_EPILOGUE)
CHECK_NUMBER(descBiasPointer, CUBLASLT_MATMUL_DESC_BIAS_POINTER)
CHECK_NUMBER(epilogueDefault, CUBLASLT_EPILOGUE_DEFAULT)
CHECK_NUMBER(epilogueRelu, CUBLASLT_EPILOGUE_RELU)
CHECK_NUMBER(epilogueBias, CUBLASLT_EPILOGUE_BIAS)
CHECK_NUMBER(epilogueGelu, CUBLASLT_EPILOGUE_GELU)
static_assert((ours::epilogueRelu | ours::epilogueBias) ==
              unsigned(CUBLASLT_EPILOGUE_RELU_BIAS));
static_assert((ours::epilogueGelu | ours::epilogueBias) ==
              unsigned(CUBLASLT_EPILOGUE_GELU_BIAS));
CHECK_NUMBER(layoutBatchCount, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT)
CHECK_NUMBER(layoutBatchStride, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET)
CHECK_NUMBER(preferMaxWorkspace, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
CHECK_NUMBER(preferReductionSchemes, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK)
CHECK_NUMBER(preferAlignmentA, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)
CHECK_NUMBER(preferAlignmentB, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES)
CHECK_NUMBER(preferAlignmentC, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES)
CHECK_NUMBER(preferAlignmentD, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES)
CHECK_NUMBER(reductionInWorkspace, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE)

TEST(LibraryApi, DeclarationsAreThoseOfTheHeader) {
  SUCCEED() << "or this file would not have compiled";
}

} // namespace
