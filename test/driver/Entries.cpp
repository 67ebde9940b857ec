//===- Entries.cpp - the stand-in's entry points --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each is declared from the list that device cuda looks up, so that neither can
// differ from the other; ApiTest compares the list with cuda.h.
//
//===----------------------------------------------------------------------===//
#include "StandIn.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace actnet::rt::cuda;

extern "C" {
#define ACTNET_DECLARE(name, symbol, parameters)                               \
  __attribute__((visibility("default"))) Result symbol parameters;
ACTNET_CUDA_ENTRIES(ACTNET_DECLARE)
#undef ACTNET_DECLARE
/// Not ours: NVRTC asks the driver that it finds for a table of NVIDIA's own,
/// and does not look whether there is such a function.
__attribute__((visibility("default"))) Result
cuGetExportTable(const void **table, const void *id);
}

namespace {

StandIn &self() { return StandIn::get(); }

void *address(Pointer pointer) { return reinterpret_cast<void *>(pointer); }

/// Begins a call that works on the context.
#define BEGIN_DETAIL(detail)                                                   \
  if (Result refused = self().begin(__func__, true, true, detail))             \
  return refused
#define BEGIN() BEGIN_DETAIL("")
/// The same for a call that is forbidden to a thread that captures: it waits
/// for work, asks for its state, or takes or gives memory. The manual has no
/// list; where it says nothing this one is the longer.
#define BEGIN_UNSAFE_DETAIL(detail)                                            \
  if (Result refused = self().begin(__func__, true, true, detail, true))       \
  return refused
#define BEGIN_UNSAFE() BEGIN_UNSAFE_DETAIL("")

/// The most shared memory that a block may ask for: KiB per architecture ("CUDA
/// C++ Programming Guide", technical specifications per compute capability).
int mostShared(int architecture) {
  int kib = 48;
  switch (architecture / 10) {
  case 7:
    kib = architecture == 75 ? 64 : 96;
    break;
  case 8:
    kib = architecture == 80 || architecture == 87 ? 163 : 99;
    break;
  case 9:
  case 10:
  case 11:
    kib = 227;
    break;
  case 12:
    kib = 99;
    break;
  default:
    break;
  }
  return kib * 1024;
}

Result enqueueCopy(void *dst, const void *src, size_t bytes, bool toDevice,
                   bool fromDevice, Stream stream) {
  Work work;
  work.kind = Work::Kind::copy;
  work.dst = dst;
  work.src = src;
  work.bytes = bytes;
  work.toDevice = toDevice;
  work.fromDevice = fromDevice;
  return self().enqueue(stream, std::move(work));
}

Result enqueueSet(MemsetNodeParams set, Stream stream) {
  if (set.dst % set.elementSize || set.pitch % set.elementSize)
    return invalidValue;
  Work work;
  work.kind = Work::Kind::set;
  work.set = set;
  return self().enqueue(stream, std::move(work));
}

/// Checks a launch and copies its arguments, as the driver does.
Result makeKernel(const KernelNodeParams &params, Work &work) {
  auto *function = params.function;
  if (!self().isLive(function))
    return invalidHandle;
  if (!params.gridX || params.gridX > 2147483647u || params.gridY != 1 ||
      params.gridZ != 1 || !params.blockX || params.blockX > 1024 ||
      params.blockY != 1 || params.blockZ != 1 || params.extra ||
      params.sharedBytes > unsigned(function->mostShared))
    return invalidValue;
  work.kind = Work::Kind::kernel;
  work.function = function;
  work.tiles = params.gridX;
  work.threads = params.blockX;
  work.sharedBytes = params.sharedBytes;
  work.arguments.clear();
  for (unsigned i = 0; i < function->module->parameters; ++i) {
    uint64_t value;
    std::memcpy(&value, params.parameters[i], sizeof value);
    work.arguments.push_back(value);
  }
  return success;
}

Result makeCopy(const Memcpy3d &params, Work &work) {
  if (params.srcType != deviceMemory || params.dstType != deviceMemory ||
      params.height != 1 || params.depth != 1 || !params.width ||
      params.srcPitch < params.srcX + params.width ||
      params.dstPitch < params.dstX + params.width)
    return invalidValue;
  // CU_DEVICE_ATTRIBUTE_MAX_PITCH.
  if (std::max(params.srcPitch, params.dstPitch) > self().options().mostPitch)
    return invalidValue;
  work.kind = Work::Kind::copy;
  work.dst = address(params.dstDevice + params.dstX);
  work.src = address(params.srcDevice + params.srcX);
  work.bytes = params.width;
  return success;
}

Result makeSet(const MemsetNodeParams &params, Work &work) {
  unsigned size = params.elementSize;
  if ((size != 1 && size != 2 && size != 4) || params.dst % size ||
      !params.width || !params.height ||
      (params.height > 1 && params.pitch % size))
    return invalidValue;
  work.kind = Work::Kind::set;
  work.set = params;
  return success;
}

Result addNode(GraphNode *node, Graph graph, const GraphNode *after,
               size_t count, Work work) {
  if (!self().isLive(graph))
    return invalidHandle;
  auto made = std::make_unique<GraphNodeTag>();
  made->works.push_back(std::move(work));
  for (size_t i = 0; i < count; ++i) {
    auto found = std::find_if(graph->nodes.begin(), graph->nodes.end(),
                              [&](auto &n) { return n.get() == after[i]; });
    if (found == graph->nodes.end())
      return invalidValue;
    made->after.push_back(size_t(found - graph->nodes.begin()));
  }
  *node = made.get();
  graph->nodes.push_back(std::move(made));
  return success;
}

/// The node's copy in an instance, or null.
GraphNodeTag *nodeOf(GraphExec exec, GraphNode node) {
  if (!self().isLive(exec) || !self().isLive(exec->graph))
    return nullptr;
  for (size_t i = 0; i < exec->graph->nodes.size(); ++i)
    if (exec->graph->nodes[i].get() == node)
      return &exec->nodes[i];
  return nullptr;
}

} // namespace

//===----------------------------------------------------------------------===//
// Driver and devices
//===----------------------------------------------------------------------===//

Result cuInit(unsigned flags) {
  if (Result refused = self().begin(__func__, false, false))
    return refused;
  if (flags)
    return invalidValue;
  return self().options().devices ? success : noDevice;
}

Result cuDriverGetVersion(int *version) {
  *version = self().options().version;
  return success;
}

Result cuGetErrorName(Result result, const char **text) {
  switch (result) {
#define NAME(code, name)                                                       \
  case code:                                                                   \
    *text = "CUDA_ERROR_" name;                                                \
    return success;
    NAME(invalidValue, "INVALID_VALUE")
    NAME(outOfMemory, "OUT_OF_MEMORY")
    NAME(noDevice, "NO_DEVICE")
    NAME(invalidImage, "INVALID_IMAGE")
    NAME(invalidContext, "INVALID_CONTEXT")
    NAME(noBinaryForGpu, "NO_BINARY_FOR_GPU")
    NAME(unsupportedPtxVersion, "UNSUPPORTED_PTX_VERSION")
    NAME(symbolNotFound, "SHARED_OBJECT_SYMBOL_NOT_FOUND")
    NAME(invalidHandle, "INVALID_HANDLE")
    NAME(notFoundResult, "NOT_FOUND")
    NAME(illegalAddress, "ILLEGAL_ADDRESS")
    NAME(contextIsDestroyed, "CONTEXT_IS_DESTROYED")
    NAME(launchOutOfResources, "LAUNCH_OUT_OF_RESOURCES")
    NAME(notPermitted, "NOT_PERMITTED")
    NAME(captureUnsupported, "STREAM_CAPTURE_UNSUPPORTED")
    NAME(captureInvalidated, "STREAM_CAPTURE_INVALIDATED")
    NAME(captureMerge, "STREAM_CAPTURE_MERGE")
    NAME(captureIsolation, "STREAM_CAPTURE_ISOLATION")
    NAME(capturedEvent, "CAPTURED_EVENT")
    NAME(captureWrongThread, "STREAM_CAPTURE_WRONG_THREAD")
#undef NAME
  default:
    *text = nullptr;
    return invalidValue;
  }
}

Result cuGetErrorString(Result result, const char **text) {
  *text = result == illegalAddress ? "an illegal memory access was encountered"
                                   : "as the stand-in says";
  return success;
}

Result cuGetExportTable(const void **table, const void *) {
  *table = nullptr;
  return notFoundResult;
}

Result cuDeviceGetCount(int *count) {
  *count = self().options().devices;
  return success;
}

Result cuDeviceGet(DeviceId *device, int ordinal) {
  if (ordinal < 0 || ordinal >= self().options().devices)
    return invalidDevice;
  *device = ordinal;
  return success;
}

Result cuDeviceGetName(char *name, int length, DeviceId device) {
  std::snprintf(name, size_t(length), "stand-in %d", device);
  return success;
}

Result cuDeviceGetAttribute(int *value, int attribute, DeviceId) {
  int architecture = self().options().architecture;
  switch (attribute) {
  case attributeComputeMajor:
    *value = architecture / 10;
    return success;
  case attributeComputeMinor:
    *value = architecture % 10;
    return success;
  case attributeSharedOptin:
    *value = mostShared(architecture);
    return success;
  case attributeMaxPitch:
    *value = int(self().options().mostPitch);
    return success;
  default:
    return invalidValue;
  }
}

Result cuDeviceTotalMem_v2(size_t *bytes, DeviceId) {
  *bytes = self().options().memoryBytes;
  return success;
}

Result cuDevicePrimaryCtxRetain(Context *context, DeviceId) {
  if (Result refused = self().begin(__func__, false, false))
    return refused;
  Result result = self().retain();
  if (result == success)
    *context = self().primary();
  return result;
}

Result cuDevicePrimaryCtxRelease_v2(DeviceId) {
  if (Result refused = self().begin(__func__, false, false))
    return refused;
  self().release();
  return success;
}

Result cuCtxSetCurrent(Context context) {
  if (Result refused = self().begin(__func__, false, false))
    return refused;
  return self().setCurrent(context);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Result cuMemGetInfo_v2(size_t *free, size_t *total) {
  BEGIN();
  self().memoryInfo(free, total);
  return success;
}

Result cuMemAlloc_v2(Pointer *pointer, size_t bytes) {
  BEGIN_UNSAFE_DETAIL(std::to_string(bytes));
  return self().allocate(pointer, bytes);
}

Result cuMemFree_v2(Pointer pointer) {
  BEGIN_UNSAFE();
  return self().freeMemory(pointer);
}

Result cuMemHostAlloc(void **pointer, size_t bytes, unsigned) {
  BEGIN_UNSAFE_DETAIL(std::to_string(bytes));
  return self().allocateHost(pointer, bytes);
}

Result cuMemFreeHost(void *pointer) {
  BEGIN_UNSAFE();
  return self().freeHost(pointer);
}

Result cuMemcpyHtoDAsync_v2(Pointer dst, const void *src, size_t bytes,
                            Stream stream) {
  BEGIN_DETAIL(std::to_string(bytes));
  return enqueueCopy(address(dst), src, bytes, true, false, stream);
}

Result cuMemcpyDtoHAsync_v2(void *dst, Pointer src, size_t bytes,
                            Stream stream) {
  BEGIN_DETAIL(std::to_string(bytes));
  return enqueueCopy(dst, address(src), bytes, false, true, stream);
}

Result cuMemcpyDtoDAsync_v2(Pointer dst, Pointer src, size_t bytes,
                            Stream stream) {
  BEGIN_DETAIL(std::to_string(bytes));
  return enqueueCopy(address(dst), address(src), bytes, true, true, stream);
}

Result cuMemsetD8Async(Pointer dst, unsigned char value, size_t count,
                       Stream stream) {
  BEGIN_DETAIL(std::to_string(count));
  return enqueueSet({dst, 0, value, 1, count, 1}, stream);
}

Result cuMemsetD16Async(Pointer dst, unsigned short value, size_t count,
                        Stream stream) {
  BEGIN_DETAIL(std::to_string(count));
  return enqueueSet({dst, 0, value, 2, count, 1}, stream);
}

Result cuMemsetD32Async(Pointer dst, unsigned value, size_t count,
                        Stream stream) {
  BEGIN_DETAIL(std::to_string(count));
  return enqueueSet({dst, 0, value, 4, count, 1}, stream);
}

Result cuMemsetD2D8Async(Pointer dst, size_t pitch, unsigned char value,
                         size_t width, size_t height, Stream stream) {
  BEGIN();
  return enqueueSet({dst, pitch, value, 1, width, height}, stream);
}

Result cuMemsetD2D32Async(Pointer dst, size_t pitch, unsigned value,
                          size_t width, size_t height, Stream stream) {
  BEGIN();
  return enqueueSet({dst, pitch, value, 4, width, height}, stream);
}

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

Result cuStreamCreate(Stream *stream, unsigned flags) {
  BEGIN();
  // A stream that waits for the default one would order what must not be.
  if (flags != streamNonBlocking)
    return invalidValue;
  std::lock_guard lock(self().mutex);
  *stream = new StreamTag;
  self().live.insert(*stream);
  self().streams.push_back(*stream);
  return success;
}

Result cuStreamDestroy_v2(Stream stream) {
  BEGIN_UNSAFE();
  std::unique_lock lock(self().mutex);
  if (!self().live.erase(stream))
    return invalidHandle;
  self().changed.wait(lock, [&] {
    return self().broken != success ||
           (stream->queue.empty() && !stream->running);
  });
  std::erase(self().streams, stream);
  if (!stream->running)
    delete stream;
  return success;
}

Result cuStreamSynchronize(Stream stream) {
  BEGIN_UNSAFE();
  return self().synchronize(stream);
}

Result cuStreamWaitEvent(Stream stream, EventHandle event, unsigned) {
  BEGIN();
  return self().mark(Work::Kind::wait, stream, event);
}

Result cuEventCreate(EventHandle *event, unsigned flags) {
  BEGIN();
  if (flags != eventDisableTiming)
    return invalidValue;
  auto made = std::make_shared<EventTag>();
  *event = made.get();
  std::lock_guard lock(self().mutex);
  self().events[*event] = std::move(made);
  return success;
}

Result cuEventDestroy_v2(EventHandle event) {
  BEGIN();
  std::lock_guard lock(self().mutex);
  return self().events.erase(event) ? success : invalidHandle;
}

Result cuEventRecord(EventHandle event, Stream stream) {
  BEGIN();
  return self().mark(Work::Kind::record, stream, event);
}

Result cuEventQuery(EventHandle event) {
  BEGIN_UNSAFE();
  return self().query(event);
}

//===----------------------------------------------------------------------===//
// Code and launches
//===----------------------------------------------------------------------===//

Result cuModuleLoadDataEx(Module *module, const void *image, unsigned count,
                          int *options, void **values) {
  BEGIN_UNSAFE();
  if (self().strikes("load"))
    return invalidImage;
  if (self().strikes("newer"))
    return unsupportedPtxVersion;
  std::string log;
  Result result =
      self().loadModule(module, static_cast<const char *>(image), log);
  for (unsigned i = 0; i + 1 < count; ++i)
    if (options[i] == jitErrorLog && options[i + 1] == jitErrorLogBytes)
      std::snprintf(static_cast<char *>(values[i]),
                    reinterpret_cast<size_t>(values[i + 1]), "%s", log.c_str());
  return result;
}

Result cuModuleUnload(Module module) {
  BEGIN_UNSAFE();
  std::lock_guard lock(self().mutex);
  if (!self().live.erase(module))
    return invalidHandle;
  self().live.erase(module->function.get());
  self().own(-int64_t(module->bytes));
  delete module;
  return success;
}

Result cuModuleGetFunction(Function *function, Module module,
                           const char *name) {
  BEGIN_DETAIL(name);
  if (!self().isLive(module))
    return invalidHandle;
  if (module->entry.name != name)
    return notFoundResult;
  *function = module->function.get();
  return success;
}

Result cuFuncSetAttribute(Function function, int attribute, int value) {
  BEGIN();
  if (!self().isLive(function))
    return invalidHandle;
  int most = mostShared(self().options().architecture) -
             int(function->module->sharedBytes);
  if (attribute != functionMaxDynamicShared || value < 0 || value > most)
    return invalidValue;
  function->mostShared = value;
  return success;
}

Result cuFuncLoad(Function function) {
  BEGIN_UNSAFE();
  return self().isLive(function) ? success : invalidHandle;
}

Result cuLaunchKernel(Function function, unsigned gridX, unsigned gridY,
                      unsigned gridZ, unsigned blockX, unsigned blockY,
                      unsigned blockZ, unsigned sharedBytes, Stream stream,
                      void **parameters, void **extra) {
  BEGIN();
  if (self().strikes("launch"))
    return launchOutOfResources;
  Work work;
  if (Result result =
          makeKernel({function, gridX, gridY, gridZ, blockX, blockY, blockZ,
                      sharedBytes, parameters, extra, nullptr, nullptr},
                     work))
    return result;
  return self().enqueue(stream, std::move(work));
}

Result cuLaunchHostFunc(Stream stream, HostFunction function, void *user) {
  BEGIN();
  if (!function)
    return invalidValue;
  Work work;
  work.kind = Work::Kind::host;
  work.call = function;
  work.user = user;
  return self().enqueue(stream, std::move(work));
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

Result cuGraphCreate(Graph *graph, unsigned flags) {
  BEGIN();
  if (flags)
    return invalidValue;
  *graph = new GraphTag;
  std::lock_guard lock(self().mutex);
  self().live.insert(*graph);
  return success;
}

Result cuGraphDestroy(Graph graph) {
  BEGIN();
  std::lock_guard lock(self().mutex);
  if (!self().live.erase(graph))
    return invalidHandle;
  delete graph;
  return success;
}

Result cuGraphAddKernelNode_v2(GraphNode *node, Graph graph,
                               const GraphNode *after, size_t count,
                               const KernelNodeParams *params) {
  BEGIN();
  Work work;
  if (Result result = makeKernel(*params, work))
    return result;
  return addNode(node, graph, after, count, std::move(work));
}

Result cuGraphAddMemcpyNode(GraphNode *node, Graph graph,
                            const GraphNode *after, size_t count,
                            const Memcpy3d *params, Context) {
  BEGIN();
  Work work;
  if (Result result = makeCopy(*params, work))
    return result;
  return addNode(node, graph, after, count, std::move(work));
}

Result cuGraphAddMemsetNode(GraphNode *node, Graph graph,
                            const GraphNode *after, size_t count,
                            const MemsetNodeParams *params, Context) {
  BEGIN();
  Work work;
  if (Result result = makeSet(*params, work))
    return result;
  return addNode(node, graph, after, count, std::move(work));
}

Result cuGraphInstantiateWithFlags(GraphExec *exec, Graph graph,
                                   unsigned long long flags) {
  BEGIN_UNSAFE_DETAIL(std::to_string(graph ? graph->nodes.size() : 0) +
                      " nodes");
  if (!self().isLive(graph))
    return invalidHandle;
  if (flags)
    return invalidValue;
  if (self().strikes("graph") || !self().options().hasGraphs)
    return outOfMemory;
  auto *made = new GraphExecTag;
  made->graph = graph;
  for (const auto &node : graph->nodes)
    made->nodes.push_back(*node);
  self().own(1024 * int64_t(made->nodes.size()));
  *exec = made;
  std::lock_guard lock(self().mutex);
  self().live.insert(made);
  return success;
}

Result cuGraphExecDestroy(GraphExec exec) {
  BEGIN_UNSAFE();
  std::lock_guard lock(self().mutex);
  if (!self().live.erase(exec))
    return invalidHandle;
  self().own(-1024 * int64_t(exec->nodes.size()));
  delete exec;
  return success;
}

/// Changes one node of an instance; its kind stays.
template <typename Make>
static Result changeNode(GraphExec exec, GraphNode node, Make make) {
  GraphNodeTag *own = nodeOf(exec, node);
  if (!own)
    return invalidHandle;
  if (self().strikes("change"))
    return invalidValue;
  Work work;
  if (Result result = make(work))
    return result;
  if (own->works.size() != 1 || work.kind != own->works[0].kind)
    return invalidValue;
  own->works[0] = std::move(work);
  return success;
}

Result cuGraphExecKernelNodeSetParams_v2(GraphExec exec, GraphNode node,
                                         const KernelNodeParams *params) {
  BEGIN();
  return changeNode(exec, node,
                    [&](Work &work) { return makeKernel(*params, work); });
}

Result cuGraphExecMemcpyNodeSetParams(GraphExec exec, GraphNode node,
                                      const Memcpy3d *params, Context) {
  BEGIN();
  return changeNode(exec, node,
                    [&](Work &work) { return makeCopy(*params, work); });
}

Result cuGraphExecMemsetNodeSetParams(GraphExec exec, GraphNode node,
                                      const MemsetNodeParams *params, Context) {
  BEGIN();
  return changeNode(exec, node,
                    [&](Work &work) { return makeSet(*params, work); });
}

Result cuGraphNodeSetEnabled(GraphExec exec, GraphNode node, unsigned enabled) {
  BEGIN();
  GraphNodeTag *own = nodeOf(exec, node);
  if (!own)
    return invalidHandle;
  own->enabled = enabled != 0;
  return success;
}

Result cuGraphAddChildGraphNode(GraphNode *node, Graph graph,
                                const GraphNode *after, size_t count,
                                Graph child) {
  BEGIN();
  if (!self().isLive(child))
    return invalidHandle;
  if (Result result = addNode(node, graph, after, count, Work()))
    return result;
  // What stands in it now: a child is copied. Captured nodes are a line.
  (*node)->works.clear();
  for (const auto &inner : child->nodes)
    (*node)->works.insert((*node)->works.end(), inner->works.begin(),
                          inner->works.end());
  return success;
}

Result cuStreamBeginCapture_v2(Stream stream, CaptureMode mode) {
  BEGIN();
  if (mode != captureThreadLocal)
    return invalidValue;
  return self().beginCapture(stream);
}

Result cuStreamEndCapture(Stream stream, Graph *graph) {
  BEGIN();
  return self().endCapture(stream, graph);
}

Result cuGraphUpload(GraphExec exec, Stream stream) {
  BEGIN_UNSAFE();
  return self().isLive(exec) && self().isLive(stream) ? success : invalidHandle;
}

Result cuGraphLaunch(GraphExec exec, Stream stream) {
  BEGIN_DETAIL(std::to_string(exec ? exec->nodes.size() : 0) + " nodes");
  if (!self().isLive(exec))
    return invalidHandle;
  if (self().strikes("launch"))
    return launchOutOfResources;
  // Any order that the edges allow, by the seed.
  std::vector<Work> works;
  std::vector<bool> taken(exec->nodes.size(), false);
  std::vector<size_t> ready;
  for (size_t count = 0; count < exec->nodes.size(); ++count) {
    ready.clear();
    for (size_t i = 0; i < exec->nodes.size(); ++i) {
      const auto &after = exec->nodes[i].after;
      if (!taken[i] && std::all_of(after.begin(), after.end(),
                                   [&](size_t a) { return taken[a]; }))
        ready.push_back(i);
    }
    size_t next = ready[self().random(ready.size())];
    taken[next] = true;
    if (exec->nodes[next].enabled)
      works.insert(works.end(), exec->nodes[next].works.begin(),
                   exec->nodes[next].works.end());
  }
  return self().enqueueAll(stream, std::move(works));
}
