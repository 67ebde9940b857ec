//===- ApiTest.cpp - our declarations of the driver against cuda.h --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiling it is the test: every function that device cuda calls and the
// stand-in defines has, in cuda.h, this symbol and parameters of these sizes
// and kinds, and every structure and number is the same. cuda.h renames a
// function to its newest version by macros, so it stands first: `name` below is
// what the header makes of it.
//
//===----------------------------------------------------------------------===//
#include <cuda.h>

#include "../../lib/Runtime/Device/CUDA/DriverApi.h"
#include "SameSignature.h"

#include <cstring>
#include <gtest/gtest.h>

namespace ours = actnet::rt::cuda;

namespace {

using actnet::testing::Same;

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)
#define CHECK_ENTRY(name, symbol, parameters)                                  \
  static_assert(Same<decltype(ours::Api::name), decltype(&::symbol)>::value,   \
                #symbol " has other parameters in cuda.h");
ACTNET_CUDA_ENTRIES(CHECK_ENTRY)

#define CHECK_FIELD(own, field, header, theirs)                                \
  static_assert(offsetof(ours::own, field) == offsetof(header, theirs) &&      \
                    sizeof(ours::own::field) == sizeof(header::theirs),        \
                #header "." #theirs " lies elsewhere");
CHECK_FIELD(KernelNodeParams, function, CUDA_KERNEL_NODE_PARAMS, func)
CHECK_FIELD(KernelNodeParams, gridX, CUDA_KERNEL_NODE_PARAMS, gridDimX)
CHECK_FIELD(KernelNodeParams, gridY, CUDA_KERNEL_NODE_PARAMS, gridDimY)
CHECK_FIELD(KernelNodeParams, gridZ, CUDA_KERNEL_NODE_PARAMS, gridDimZ)
CHECK_FIELD(KernelNodeParams, blockX, CUDA_KERNEL_NODE_PARAMS, blockDimX)
CHECK_FIELD(KernelNodeParams, blockY, CUDA_KERNEL_NODE_PARAMS, blockDimY)
CHECK_FIELD(KernelNodeParams, blockZ, CUDA_KERNEL_NODE_PARAMS, blockDimZ)
CHECK_FIELD(KernelNodeParams, sharedBytes, CUDA_KERNEL_NODE_PARAMS,
            sharedMemBytes)
CHECK_FIELD(KernelNodeParams, parameters, CUDA_KERNEL_NODE_PARAMS, kernelParams)
CHECK_FIELD(KernelNodeParams, extra, CUDA_KERNEL_NODE_PARAMS, extra)
CHECK_FIELD(KernelNodeParams, kernel, CUDA_KERNEL_NODE_PARAMS, kern)
CHECK_FIELD(KernelNodeParams, context, CUDA_KERNEL_NODE_PARAMS, ctx)
static_assert(sizeof(ours::KernelNodeParams) ==
              sizeof(CUDA_KERNEL_NODE_PARAMS));

CHECK_FIELD(Memcpy3d, srcX, CUDA_MEMCPY3D, srcXInBytes)
CHECK_FIELD(Memcpy3d, srcLod, CUDA_MEMCPY3D, srcLOD)
CHECK_FIELD(Memcpy3d, srcType, CUDA_MEMCPY3D, srcMemoryType)
CHECK_FIELD(Memcpy3d, srcHost, CUDA_MEMCPY3D, srcHost)
CHECK_FIELD(Memcpy3d, srcDevice, CUDA_MEMCPY3D, srcDevice)
CHECK_FIELD(Memcpy3d, srcArray, CUDA_MEMCPY3D, srcArray)
CHECK_FIELD(Memcpy3d, reserved0, CUDA_MEMCPY3D, reserved0)
CHECK_FIELD(Memcpy3d, srcPitch, CUDA_MEMCPY3D, srcPitch)
CHECK_FIELD(Memcpy3d, srcHeight, CUDA_MEMCPY3D, srcHeight)
CHECK_FIELD(Memcpy3d, dstX, CUDA_MEMCPY3D, dstXInBytes)
CHECK_FIELD(Memcpy3d, dstLod, CUDA_MEMCPY3D, dstLOD)
CHECK_FIELD(Memcpy3d, dstType, CUDA_MEMCPY3D, dstMemoryType)
CHECK_FIELD(Memcpy3d, dstHost, CUDA_MEMCPY3D, dstHost)
CHECK_FIELD(Memcpy3d, dstDevice, CUDA_MEMCPY3D, dstDevice)
CHECK_FIELD(Memcpy3d, dstArray, CUDA_MEMCPY3D, dstArray)
CHECK_FIELD(Memcpy3d, reserved1, CUDA_MEMCPY3D, reserved1)
CHECK_FIELD(Memcpy3d, dstPitch, CUDA_MEMCPY3D, dstPitch)
CHECK_FIELD(Memcpy3d, dstHeight, CUDA_MEMCPY3D, dstHeight)
CHECK_FIELD(Memcpy3d, width, CUDA_MEMCPY3D, WidthInBytes)
CHECK_FIELD(Memcpy3d, height, CUDA_MEMCPY3D, Height)
CHECK_FIELD(Memcpy3d, depth, CUDA_MEMCPY3D, Depth)
static_assert(sizeof(ours::Memcpy3d) == sizeof(CUDA_MEMCPY3D));

CHECK_FIELD(MemsetNodeParams, dst, CUDA_MEMSET_NODE_PARAMS, dst)
CHECK_FIELD(MemsetNodeParams, pitch, CUDA_MEMSET_NODE_PARAMS, pitch)
CHECK_FIELD(MemsetNodeParams, value, CUDA_MEMSET_NODE_PARAMS, value)
CHECK_FIELD(MemsetNodeParams, elementSize, CUDA_MEMSET_NODE_PARAMS, elementSize)
CHECK_FIELD(MemsetNodeParams, width, CUDA_MEMSET_NODE_PARAMS, width)
CHECK_FIELD(MemsetNodeParams, height, CUDA_MEMSET_NODE_PARAMS, height)
static_assert(sizeof(ours::MemsetNodeParams) ==
              sizeof(CUDA_MEMSET_NODE_PARAMS));

#define CHECK_NUMBER(own, theirs)                                              \
  static_assert(int(ours::own) == int(theirs), #theirs " is another number");
CHECK_NUMBER(success, CUDA_SUCCESS)
CHECK_NUMBER(invalidValue, CUDA_ERROR_INVALID_VALUE)
CHECK_NUMBER(outOfMemory, CUDA_ERROR_OUT_OF_MEMORY)
CHECK_NUMBER(deinitialized, CUDA_ERROR_DEINITIALIZED)
CHECK_NUMBER(stubLibrary, CUDA_ERROR_STUB_LIBRARY)
CHECK_NUMBER(noDevice, CUDA_ERROR_NO_DEVICE)
CHECK_NUMBER(invalidDevice, CUDA_ERROR_INVALID_DEVICE)
CHECK_NUMBER(invalidImage, CUDA_ERROR_INVALID_IMAGE)
CHECK_NUMBER(invalidContext, CUDA_ERROR_INVALID_CONTEXT)
CHECK_NUMBER(noBinaryForGpu, CUDA_ERROR_NO_BINARY_FOR_GPU)
CHECK_NUMBER(eccUncorrectable, CUDA_ERROR_ECC_UNCORRECTABLE)
CHECK_NUMBER(invalidPtx, CUDA_ERROR_INVALID_PTX)
CHECK_NUMBER(nvlinkUncorrectable, CUDA_ERROR_NVLINK_UNCORRECTABLE)
CHECK_NUMBER(jitCompilerNotFound, CUDA_ERROR_JIT_COMPILER_NOT_FOUND)
CHECK_NUMBER(unsupportedPtxVersion, CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
CHECK_NUMBER(contained, CUDA_ERROR_CONTAINED)
CHECK_NUMBER(invalidSource, CUDA_ERROR_INVALID_SOURCE)
CHECK_NUMBER(symbolNotFound, CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND)
CHECK_NUMBER(invalidHandle, CUDA_ERROR_INVALID_HANDLE)
CHECK_NUMBER(illegalState, CUDA_ERROR_ILLEGAL_STATE)
CHECK_NUMBER(captureUnsupported, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
CHECK_NUMBER(captureInvalidated, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)
CHECK_NUMBER(captureMerge, CUDA_ERROR_STREAM_CAPTURE_MERGE)
CHECK_NUMBER(captureIsolation, CUDA_ERROR_STREAM_CAPTURE_ISOLATION)
CHECK_NUMBER(capturedEvent, CUDA_ERROR_CAPTURED_EVENT)
CHECK_NUMBER(captureWrongThread, CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD)
CHECK_NUMBER(captureThreadLocal, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
CHECK_NUMBER(notFoundResult, CUDA_ERROR_NOT_FOUND)
CHECK_NUMBER(notReady, CUDA_ERROR_NOT_READY)
CHECK_NUMBER(illegalAddress, CUDA_ERROR_ILLEGAL_ADDRESS)
CHECK_NUMBER(launchOutOfResources, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES)
CHECK_NUMBER(launchTimeout, CUDA_ERROR_LAUNCH_TIMEOUT)
CHECK_NUMBER(contextIsDestroyed, CUDA_ERROR_CONTEXT_IS_DESTROYED)
CHECK_NUMBER(deviceAssert, CUDA_ERROR_ASSERT)
CHECK_NUMBER(hardwareStackError, CUDA_ERROR_HARDWARE_STACK_ERROR)
CHECK_NUMBER(illegalInstruction, CUDA_ERROR_ILLEGAL_INSTRUCTION)
CHECK_NUMBER(misalignedAddress, CUDA_ERROR_MISALIGNED_ADDRESS)
CHECK_NUMBER(invalidAddressSpace, CUDA_ERROR_INVALID_ADDRESS_SPACE)
CHECK_NUMBER(invalidPc, CUDA_ERROR_INVALID_PC)
CHECK_NUMBER(launchFailed, CUDA_ERROR_LAUNCH_FAILED)
CHECK_NUMBER(notPermitted, CUDA_ERROR_NOT_PERMITTED)
CHECK_NUMBER(systemDriverMismatch, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH)
CHECK_NUMBER(unknownError, CUDA_ERROR_UNKNOWN)
CHECK_NUMBER(attributeMaxPitch, CU_DEVICE_ATTRIBUTE_MAX_PITCH)
CHECK_NUMBER(attributeComputeMajor,
             CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
CHECK_NUMBER(attributeComputeMinor,
             CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
CHECK_NUMBER(attributeSharedOptin,
             CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)
CHECK_NUMBER(functionMaxDynamicShared,
             CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
CHECK_NUMBER(jitErrorLog, CU_JIT_ERROR_LOG_BUFFER)
CHECK_NUMBER(jitErrorLogBytes, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
CHECK_NUMBER(streamNonBlocking, CU_STREAM_NON_BLOCKING)
CHECK_NUMBER(eventDisableTiming, CU_EVENT_DISABLE_TIMING)
CHECK_NUMBER(hostMemory, CU_MEMORYTYPE_HOST)
CHECK_NUMBER(deviceMemory, CU_MEMORYTYPE_DEVICE)

TEST(DriverApi, TakesTheVersionsThatTheHeaderMeans) {
#define CHECK_SYMBOL(name, symbol, parameters)                                 \
  EXPECT_STREQ(TEXT(name), #symbol) << "in cuda.h";
  ACTNET_CUDA_ENTRIES(CHECK_SYMBOL)
}

} // namespace
