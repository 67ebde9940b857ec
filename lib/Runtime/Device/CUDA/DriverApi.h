//===- DriverApi.h - what we use of the CUDA driver -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver's functions, declared by ourselves, because the toolkit's header
// is not where programs are built. A test compares every one of them with
// cuda.h where that is there (test/driver/ApiTest.cpp). Meanings and errors
// stand in NVIDIA's "CUDA Driver API" reference, version 13.0.
//
// Functions are found by the name of the version that has this signature;
// version 12.4 of the driver was the last to add one of them.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_DRIVERAPI_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_DRIVERAPI_H

#include <cstddef>
#include <cstdint>

namespace actnet::rt::cuda {

using Result = int;                 // CUresult
using DeviceId = int;               // CUdevice
using Pointer = unsigned long long; // CUdeviceptr
using Context = struct ContextTag *;
using Module = struct ModuleTag *;
using Function = struct FunctionTag *;
using Stream = struct StreamTag *;
using EventHandle = struct EventTag *;
using Graph = struct GraphTag *;
using GraphNode = struct GraphNodeTag *;
using GraphExec = struct GraphExecTag *;
using HostFunction = void (*)(void *);

/// The results that are told apart.
enum : Result {
  success = 0,
  invalidValue = 1,
  outOfMemory = 2,
  deinitialized = 4,
  stubLibrary = 34,
  noDevice = 100,
  invalidDevice = 101,
  invalidImage = 200,
  invalidContext = 201,
  noBinaryForGpu = 209,
  eccUncorrectable = 214,
  invalidPtx = 218,
  nvlinkUncorrectable = 220,
  jitCompilerNotFound = 221,
  unsupportedPtxVersion = 222,
  contained = 226,
  invalidSource = 300,
  symbolNotFound = 302,
  invalidHandle = 400,
  illegalState = 401,
  notFoundResult = 500,
  notReady = 600,
  illegalAddress = 700,
  launchOutOfResources = 701,
  launchTimeout = 702,
  contextIsDestroyed = 709,
  deviceAssert = 710,
  hardwareStackError = 714,
  illegalInstruction = 715,
  misalignedAddress = 716,
  invalidAddressSpace = 717,
  invalidPc = 718,
  launchFailed = 719,
  notPermitted = 800,
  systemDriverMismatch = 803,
  captureUnsupported = 900,
  captureInvalidated = 901,
  captureMerge = 902,
  captureIsolation = 905,
  capturedEvent = 907,
  captureWrongThread = 908,
  unknownError = 999,
};

/// CUdevice_attribute, CUfunction_attribute, CUjit_option and flags.
enum : int {
  attributeMaxPitch = 11,
  attributeComputeMajor = 75,
  attributeComputeMinor = 76,
  attributeSharedOptin = 97,
  functionMaxDynamicShared = 8,
  jitErrorLog = 5,
  jitErrorLogBytes = 6,
};
enum : unsigned { streamNonBlocking = 1, eventDisableTiming = 2 };
enum MemoryType : unsigned { hostMemory = 1, deviceMemory = 2 };
enum CaptureMode : unsigned { captureThreadLocal = 1 };

/// CUDA_KERNEL_NODE_PARAMS_v2.
struct KernelNodeParams {
  Function function;
  unsigned gridX, gridY, gridZ;
  unsigned blockX, blockY, blockZ;
  unsigned sharedBytes;
  void **parameters;
  void **extra;
  void *kernel;
  Context context;
};

/// CUDA_MEMCPY3D_v2; one row of it is a plain copy.
struct Memcpy3d {
  size_t srcX, srcY, srcZ, srcLod;
  MemoryType srcType;
  const void *srcHost;
  Pointer srcDevice;
  void *srcArray;
  void *reserved0;
  size_t srcPitch, srcHeight;
  size_t dstX, dstY, dstZ, dstLod;
  MemoryType dstType;
  void *dstHost;
  Pointer dstDevice;
  void *dstArray;
  void *reserved1;
  size_t dstPitch, dstHeight;
  size_t width, height, depth;
};

/// CUDA_MEMSET_NODE_PARAMS_v1.
struct MemsetNodeParams {
  Pointer dst;
  size_t pitch;
  unsigned value;
  unsigned elementSize;
  size_t width;
  size_t height;
};

// Every entry point: X(name in cuda.h, exported symbol, parameters).
#define ACTNET_CUDA_ENTRIES(X)                                                 \
  X(cuInit, cuInit, (unsigned flags))                                          \
  X(cuDriverGetVersion, cuDriverGetVersion, (int *version))                    \
  X(cuGetErrorName, cuGetErrorName, (Result result, const char **text))        \
  X(cuGetErrorString, cuGetErrorString, (Result result, const char **text))    \
  X(cuDeviceGetCount, cuDeviceGetCount, (int *count))                          \
  X(cuDeviceGet, cuDeviceGet, (DeviceId * device, int ordinal))                \
  X(cuDeviceGetName, cuDeviceGetName,                                          \
    (char *name, int length, DeviceId device))                                 \
  X(cuDeviceGetAttribute, cuDeviceGetAttribute,                                \
    (int *value, int attribute, DeviceId device))                              \
  X(cuDeviceTotalMem, cuDeviceTotalMem_v2, (size_t *bytes, DeviceId device))   \
  X(cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain,                        \
    (Context * context, DeviceId device))                                      \
  X(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2,                   \
    (DeviceId device))                                                         \
  X(cuCtxSetCurrent, cuCtxSetCurrent, (Context context))                       \
  X(cuMemGetInfo, cuMemGetInfo_v2, (size_t *free, size_t *total))              \
  X(cuMemAlloc, cuMemAlloc_v2, (Pointer * pointer, size_t bytes))              \
  X(cuMemFree, cuMemFree_v2, (Pointer pointer))                                \
  X(cuMemHostAlloc, cuMemHostAlloc,                                            \
    (void **pointer, size_t bytes, unsigned flags))                            \
  X(cuMemFreeHost, cuMemFreeHost, (void *pointer))                             \
  X(cuMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2,                                   \
    (Pointer dst, const void *src, size_t bytes, Stream stream))               \
  X(cuMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2,                                   \
    (void *dst, Pointer src, size_t bytes, Stream stream))                     \
  X(cuMemcpyDtoDAsync, cuMemcpyDtoDAsync_v2,                                   \
    (Pointer dst, Pointer src, size_t bytes, Stream stream))                   \
  X(cuMemsetD8Async, cuMemsetD8Async,                                          \
    (Pointer dst, unsigned char value, size_t count, Stream stream))           \
  X(cuMemsetD16Async, cuMemsetD16Async,                                        \
    (Pointer dst, unsigned short value, size_t count, Stream stream))          \
  X(cuMemsetD32Async, cuMemsetD32Async,                                        \
    (Pointer dst, unsigned value, size_t count, Stream stream))                \
  X(cuMemsetD2D8Async, cuMemsetD2D8Async,                                      \
    (Pointer dst, size_t pitch, unsigned char value, size_t width,             \
     size_t height, Stream stream))                                            \
  X(cuMemsetD2D32Async, cuMemsetD2D32Async,                                    \
    (Pointer dst, size_t pitch, unsigned value, size_t width, size_t height,   \
     Stream stream))                                                           \
  X(cuStreamCreate, cuStreamCreate, (Stream * stream, unsigned flags))         \
  X(cuStreamDestroy, cuStreamDestroy_v2, (Stream stream))                      \
  X(cuStreamSynchronize, cuStreamSynchronize, (Stream stream))                 \
  X(cuStreamWaitEvent, cuStreamWaitEvent,                                      \
    (Stream stream, EventHandle event, unsigned flags))                        \
  X(cuEventCreate, cuEventCreate, (EventHandle * event, unsigned flags))       \
  X(cuEventDestroy, cuEventDestroy_v2, (EventHandle event))                    \
  X(cuEventRecord, cuEventRecord, (EventHandle event, Stream stream))          \
  X(cuEventQuery, cuEventQuery, (EventHandle event))                           \
  X(cuLaunchKernel, cuLaunchKernel,                                            \
    (Function function, unsigned gridX, unsigned gridY, unsigned gridZ,        \
     unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,  \
     Stream stream, void **parameters, void **extra))                          \
  X(cuLaunchHostFunc, cuLaunchHostFunc,                                        \
    (Stream stream, HostFunction function, void *user))                        \
  X(cuModuleLoadDataEx, cuModuleLoadDataEx,                                    \
    (Module * module, const void *image, unsigned count, int *options,         \
     void **values))                                                           \
  X(cuModuleUnload, cuModuleUnload, (Module module))                           \
  X(cuModuleGetFunction, cuModuleGetFunction,                                  \
    (Function * function, Module module, const char *name))                    \
  X(cuFuncSetAttribute, cuFuncSetAttribute,                                    \
    (Function function, int attribute, int value))                             \
  X(cuFuncLoad, cuFuncLoad, (Function function))                               \
  X(cuGraphCreate, cuGraphCreate, (Graph * graph, unsigned flags))             \
  X(cuGraphDestroy, cuGraphDestroy, (Graph graph))                             \
  X(cuGraphAddKernelNode, cuGraphAddKernelNode_v2,                             \
    (GraphNode * node, Graph graph, const GraphNode *after, size_t count,      \
     const KernelNodeParams *params))                                          \
  X(cuGraphAddMemcpyNode, cuGraphAddMemcpyNode,                                \
    (GraphNode * node, Graph graph, const GraphNode *after, size_t count,      \
     const Memcpy3d *params, Context context))                                 \
  X(cuGraphAddMemsetNode, cuGraphAddMemsetNode,                                \
    (GraphNode * node, Graph graph, const GraphNode *after, size_t count,      \
     const MemsetNodeParams *params, Context context))                         \
  X(cuGraphInstantiate, cuGraphInstantiateWithFlags,                           \
    (GraphExec * exec, Graph graph, unsigned long long flags))                 \
  X(cuGraphExecDestroy, cuGraphExecDestroy, (GraphExec exec))                  \
  X(cuGraphExecKernelNodeSetParams, cuGraphExecKernelNodeSetParams_v2,         \
    (GraphExec exec, GraphNode node, const KernelNodeParams *params))          \
  X(cuGraphExecMemcpyNodeSetParams, cuGraphExecMemcpyNodeSetParams,            \
    (GraphExec exec, GraphNode node, const Memcpy3d *params, Context context)) \
  X(cuGraphExecMemsetNodeSetParams, cuGraphExecMemsetNodeSetParams,            \
    (GraphExec exec, GraphNode node, const MemsetNodeParams *params,           \
     Context context))                                                         \
  X(cuGraphNodeSetEnabled, cuGraphNodeSetEnabled,                              \
    (GraphExec exec, GraphNode node, unsigned enabled))                        \
  X(cuStreamBeginCapture, cuStreamBeginCapture_v2,                             \
    (Stream stream, CaptureMode mode))                                         \
  X(cuStreamEndCapture, cuStreamEndCapture, (Stream stream, Graph * graph))    \
  X(cuGraphAddChildGraphNode, cuGraphAddChildGraphNode,                        \
    (GraphNode * node, Graph graph, const GraphNode *after, size_t count,      \
     Graph child))                                                             \
  X(cuGraphUpload, cuGraphUpload, (GraphExec exec, Stream stream))             \
  X(cuGraphLaunch, cuGraphLaunch, (GraphExec exec, Stream stream))

/// The functions, found in the driver.
struct Api {
#define ACTNET_CUDA_MEMBER(name, symbol, parameters)                           \
  Result(*name) parameters = nullptr;
  ACTNET_CUDA_ENTRIES(ACTNET_CUDA_MEMBER)
#undef ACTNET_CUDA_MEMBER
};

} // namespace actnet::rt::cuda

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_DRIVERAPI_H
