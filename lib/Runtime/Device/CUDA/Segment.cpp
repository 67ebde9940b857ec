//===- Segment.cpp - prepared lines as graphs -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Segment.h"

#include <algorithm>

namespace actnet::rt::cuda {

namespace {

KernelNodeParams kernelParams(Resolved &resolved, const Operation &operation) {
  KernelNodeParams params{};
  params.function = operation.kernel->function;
  // A node that is switched off still needs a grid.
  params.gridX = operation.idle ? 1 : operation.tiles;
  params.gridY = params.gridZ = 1;
  params.blockX = operation.kernel->threads;
  params.blockY = params.blockZ = 1;
  params.sharedBytes = operation.kernel->sharedBytes;
  params.parameters = resolved.parametersOf(operation);
  return params;
}

Memcpy3d copyParams(const Operation &operation) {
  Memcpy3d params{};
  params.srcType = params.dstType = deviceMemory;
  params.srcDevice = reinterpret_cast<Pointer>(operation.src);
  params.dstDevice = reinterpret_cast<Pointer>(operation.dst);
  params.width = params.srcPitch = params.dstPitch = operation.bytes;
  params.srcHeight = params.dstHeight = params.height = params.depth = 1;
  return params;
}

bool inGraph(const Operation &operation) {
  return operation.kind == Operation::Kind::launch ||
         operation.kind == Operation::Kind::call ||
         operation.kind == Operation::Kind::within ||
         operation.kind == Operation::Kind::set;
}

/// Copies and fills of nothing have no addresses to make a node of.
bool canBeNode(const Operation &operation) {
  return operation.kind == Operation::Kind::launch || !operation.idle;
}

} // namespace

CudaSegment::Shape CudaSegment::shapeOf(const Record &record) {
  Shape shape{record.index(), 0, 0, 0};
  if (auto *launch = std::get_if<LaunchRecord>(&record))
    shape = {record.index(), launch->kernel, launch->operands.size(),
             launch->dims.size()};
  else if (auto *call = std::get_if<CallRecord>(&record))
    shape = {record.index(), call->fallback.kernel, call->operands.size(),
             call->fallback.dims.size()};
  else if (auto *copy = std::get_if<CopyRecord>(&record))
    shape.kernel = uint32_t(copy->kind);
  return shape;
}

Expected<std::unique_ptr<CudaSegment>>
CudaSegment::make(ContextState &context, Stream stream,
                  const Segment &segment) {
  std::unique_ptr<CudaSegment> made(new CudaSegment(context, stream));
  made->executable = segment.executable;
  ACTNET_RETURN_IF_ERROR(
      made->resolved.fill(context, segment.executable, segment.records));
  for (const Record &record : segment.records)
    made->shapes.push_back(shapeOf(record));
  made->cut();
  context.enter();
  ACTNET_RETURN_IF_ERROR(made->buildAll());
  return made;
}

CudaSegment::~CudaSegment() {
  if (context.isLost())
    return;
  context.enter();
  for (Part &part : parts)
    drop(part);
}

void CudaSegment::drop(Part &part) {
  if (part.exec)
    context.api().cuGraphExecDestroy(part.exec);
  if (part.graph)
    context.api().cuGraphDestroy(part.graph);
  part.exec = nullptr;
  part.graph = nullptr;
}

/// What the driver refuses to make or change as a graph runs as single calls
/// from now on. Error: the context's.
Status CudaSegment::runPlain(Part &part, const Status &why) {
  drop(part);
  if (context.isBroken())
    return context.status();
  context.countRefusedGraph(why);
  return {};
}

Status CudaSegment::buildAll() {
  for (Part &part : parts)
    if (!part.nodes.empty())
      if (Status built = build(part); !built)
        ACTNET_RETURN_IF_ERROR(runPlain(part, built));
  return {};
}

/// Finds the parts; those that become graphs have room for their nodes.
void CudaSegment::cut() {
  const std::vector<Operation> &list = resolved.operations;
  for (size_t begin = 0; begin < list.size();) {
    size_t end = begin;
    unsigned launches = 0;
    bool possible = true;
    while (end < list.size() && inGraph(list[end])) {
      launches += list[end].kind == Operation::Kind::launch ||
                  list[end].kind == Operation::Kind::call;
      possible &= canBeNode(list[end]);
      ++end;
    }
    Part part;
    part.hasCalls = std::any_of(
        list.begin() + ptrdiff_t(begin), list.begin() + ptrdiff_t(end),
        [](const Operation &o) { return o.kind == Operation::Kind::call; });
    if (context.options.graphs && possible && launches && end - begin > 1)
      part.nodes.resize(end - begin);
    else
      end = std::max(end, begin + 1);
    part.begin = begin;
    part.end = end;
    parts.push_back(std::move(part));
    begin = end;
  }
}

Status CudaSegment::addNode(Part &part, const Operation &operation) {
  const Api &api = context.api();
  size_t index = size_t(&operation - resolved.operations.data()) - part.begin;
  GraphNode *node = &part.nodes[index];
  const GraphNode *after = index ? &part.nodes[index - 1] : nullptr;
  size_t count = index ? 1 : 0;
  if (operation.kind == Operation::Kind::call)
    return context.library->addNode(*operation.matmul, node, part.graph, after,
                                    count);
  Result result;
  if (operation.kind == Operation::Kind::launch) {
    KernelNodeParams params = kernelParams(resolved, operation);
    result = api.cuGraphAddKernelNode(node, part.graph, after, count, &params);
  } else if (operation.kind == Operation::Kind::within) {
    Memcpy3d params = copyParams(operation);
    result = api.cuGraphAddMemcpyNode(node, part.graph, after, count, &params,
                                      context.context);
  } else {
    result = api.cuGraphAddMemsetNode(node, part.graph, after, count,
                                      &operation.set, context.context);
  }
  return context.check(result, "adding to a graph");
}

/// Builds a part's graph node by node, and has its first launch prepared.
Status CudaSegment::build(Part &part) {
  const Api &api = context.api();
  ACTNET_RETURN_IF_ERROR(
      context.check(api.cuGraphCreate(&part.graph, 0), "making a graph"));
  for (size_t i = part.begin; i < part.end; ++i)
    ACTNET_RETURN_IF_ERROR(addNode(part, resolved.operations[i]));
  ACTNET_RETURN_IF_ERROR(
      context.check(api.cuGraphInstantiate(&part.exec, part.graph, 0),
                    "making a graph runnable"));
  for (size_t i = part.begin; i < part.end; ++i)
    if (resolved.operations[i].idle)
      ACTNET_RETURN_IF_ERROR(context.check(
          api.cuGraphNodeSetEnabled(part.exec, part.nodes[i - part.begin], 0),
          "switching off a part of a graph"));
  return context.check(api.cuGraphUpload(part.exec, stream),
                       "uploading a graph");
}

Result CudaSegment::updateNode(Part &part, size_t index) {
  const Api &api = context.api();
  const Operation &operation = resolved.operations[index];
  const Operation &before = next.operations[index]; // they were swapped
  GraphNode node = part.nodes[index - part.begin];
  Result result = success;
  if (operation.idle != before.idle)
    result = api.cuGraphNodeSetEnabled(part.exec, node, !operation.idle);
  if (result != success || operation.idle)
    return result;
  if (operation.kind == Operation::Kind::launch) {
    KernelNodeParams params = kernelParams(resolved, operation);
    return api.cuGraphExecKernelNodeSetParams(part.exec, node, &params);
  }
  if (operation.kind == Operation::Kind::within) {
    Memcpy3d params = copyParams(operation);
    return api.cuGraphExecMemcpyNodeSetParams(part.exec, node, &params,
                                              context.context);
  }
  return api.cuGraphExecMemsetNodeSetParams(part.exec, node, &operation.set,
                                            context.context);
}

Status CudaSegment::update(const Segment &segment) {
  if (segment.executable != executable)
    return invalidArgument("update: another executable than prepared");
  if (segment.records.size() != shapes.size())
    return invalidArgument("update: " + std::to_string(segment.records.size()) +
                           " records, prepared were " +
                           std::to_string(shapes.size()));
  for (size_t i = 0; i < shapes.size(); ++i)
    if (!(shapeOf(segment.records[i]) == shapes[i]))
      return invalidArgument("update: record " + std::to_string(i) +
                             " is not of the form that was prepared");
  ACTNET_RETURN_IF_ERROR(
      next.fill(context, segment.executable, segment.records));
  // A fill may be more or fewer operations now; then the parts move.
  bool sameForm = std::equal(
      next.operations.begin(), next.operations.end(),
      resolved.operations.begin(), resolved.operations.end(),
      [](const Operation &a, const Operation &b) { return a.kind == b.kind; });
  std::swap(resolved, next);
  context.enter();
  if (!sameForm) {
    for (Part &part : parts)
      drop(part);
    parts.clear();
    cut();
    return buildAll();
  }
  for (Part &part : parts) {
    if (!part.exec)
      continue;
    if (part.hasCalls) {
      drop(part);
      if (Status built = build(part); !built)
        ACTNET_RETURN_IF_ERROR(runPlain(part, built));
      continue;
    }
    Result result = success;
    for (size_t i = part.begin; i < part.end && result == success; ++i)
      result = updateNode(part, i);
    if (result != success)
      ACTNET_RETURN_IF_ERROR(
          runPlain(part, context.check(result, "changing a graph")));
  }
  return {};
}

Status CudaSegment::submit(Stream stream) const {
  const Api &api = context.api();
  for (const Part &part : parts) {
    if (part.exec) {
      ACTNET_RETURN_IF_ERROR(context.check(api.cuGraphLaunch(part.exec, stream),
                                           "launching a graph"));
      continue;
    }
    for (size_t i = part.begin; i < part.end; ++i)
      ACTNET_RETURN_IF_ERROR(
          submitPlain(context, resolved, resolved.operations[i], stream));
  }
  return {};
}

} // namespace actnet::rt::cuda
