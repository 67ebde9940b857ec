//===- LoadedProgram.cpp - a program's code and weights on a device -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/LoadedProgram.h"
#include "actnet/Runtime/Session/Layout.h"

#include <algorithm>

using namespace actnet;
using namespace actnet::rt;

Expected<std::shared_ptr<LoadedProgram>>
LoadedProgram::load(const Program &program, const DeviceCode &code,
                    std::unique_ptr<Device> device, const std::string &isa,
                    int64_t patienceNs) {
  std::shared_ptr<LoadedProgram> made(new LoadedProgram());
  made->base = std::move(device);
  ACTNET_RETURN_IF_ERROR(made->loadCode(code, isa));
  for (const auto &weight : program.interface().weights)
    made->offsets.push_back(weight->offset);
  if (!program.reader().weights().empty())
    ACTNET_RETURN_IF_ERROR(
        made->base->info().hostAddressable
            ? made->adoptWeights(program)
            : made->uploadWeights(program, *code.plan, patienceNs));
  return made;
}

LoadedProgram::~LoadedProgram() {
  if (first && !uploaded.data())
    base->release(first).ignore();
}

Status LoadedProgram::loadCode(const DeviceCode &from, const std::string &isa) {
  std::vector<KernelDesc> kernels;
  std::vector<std::vector<OperandAccess>> access;
  for (const auto &kernel : from.plan->kernels) {
    std::vector<OperandAccess> &list = access.emplace_back();
    for (pkg::Access how : kernel->access)
      list.push_back(how == pkg::Access::Read    ? OperandAccess::read
                     : how == pkg::Access::Write ? OperandAccess::write
                                                 : OperandAccess::readWrite);
    kernels.push_back({kernel->symbol,
                       kernel->scratch_bytes,
                       kernel->threads,
                       kernel->shared_bytes,
                       {}});
  }
  // The lists no longer move.
  for (size_t i = 0; i < kernels.size(); ++i)
    kernels[i].access = access[i];
  ExecutableDesc desc;
  desc.images = from.images;
  desc.kernels = kernels;
  desc.variant = isa;
  if (!kernels.empty() || !desc.images.empty()) {
    ACTNET_ASSIGN_OR_RETURN(code, base->load(desc));
  }
  return okStatus();
}

Status LoadedProgram::adoptWeights(const Program &program) {
  std::span<const std::byte> mapped = program.reader().weights();
  ACTNET_ASSIGN_OR_RETURN(DevicePtr adopted,
                          base->adopt(mapped.data(), mapped.size()));
  first = static_cast<std::byte *>(adopted);
  bytes = mapped.size();
  return okStatus();
}

/// Makes one allocation of the weights that this clone reads, uploaded in as
/// few copies as they lie in runs.
Status LoadedProgram::uploadWeights(const Program &program,
                                    const pkg::Plan &plan, int64_t patienceNs) {
  const pkg::Interface &interface = program.interface();
  std::vector<bool> used(interface.weights.size(), false);
  for (const auto &function : plan.functions)
    for (const auto &buffer : function->buffers)
      if (buffer->region == pkg::Region::Weight && buffer->root == pkg::none)
        used[buffer->binding] = true;
  for (const auto &variable : interface.variables)
    if (variable->initial != pkg::none)
      used[variable->initial] = true;
  std::vector<uint32_t> order;
  for (uint32_t id = 0; id < used.size(); ++id)
    if (used[id])
      order.push_back(id);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return interface.weights[a]->offset < interface.weights[b]->offset;
  });
  struct Run {
    uint64_t from, to, bytes;
  };
  std::vector<Run> runs;
  uint64_t total = 0;
  for (uint32_t id : order) {
    const pkg::Weight &weight = *interface.weights[id];
    uint64_t end = weight.offset + weight.bytes;
    // What lies less than a page behind the last one is copied with it; two
    // names of the same bytes are one run as well.
    if (runs.empty() ||
        weight.offset > runs.back().from + runs.back().bytes + regionAlignment)
      runs.push_back({weight.offset / 64 * 64, total, 0});
    Run &run = runs.back();
    run.bytes = std::max(run.bytes, end - run.from);
    offsets[id] = run.to + (weight.offset - run.from);
    total = wholePages(run.to + run.bytes);
  }
  if (total > 0) {
    ACTNET_ASSIGN_OR_RETURN(
        uploaded, DeviceMemory::allocate(*base, total, MemoryKind::device));
    first = static_cast<std::byte *>(uploaded.data());
    bytes = total;
  }
  ownStacks = base->memoryStats().stackBytes;
  ACTNET_ASSIGN_OR_RETURN(auto stream, base->createStream(StreamKind::upload));
  streamStacks = base->memoryStats().stackBytes - ownStacks;
  for (const Run &run : runs)
    ACTNET_RETURN_IF_ERROR(
        stream->copy(CopyKind::up, first + run.to,
                     program.reader().weights().data() + run.from, run.bytes));
  return stream->synchronize(patienceNs).addContext("uploading the weights");
}

Expected<std::shared_ptr<LoadedProgram>>
LoadedPrograms::get(const std::string &key, const Loader &load) {
  Place *place = nullptr;
  {
    std::lock_guard lock(mutex);
    place = &places[key];
  }
  // Devices are apart from each other: only who wants this one waits.
  std::lock_guard lock(place->mutex);
  std::shared_ptr<LoadedProgram> found = place->loaded.lock();
  if (found && found->device().status())
    return found;
  ACTNET_ASSIGN_OR_RETURN(found, load());
  place->loaded = found;
  return found;
}

//===----------------------------------------------------------------------===//
// One session's view
//===----------------------------------------------------------------------===//

SharedDevice::SharedDevice(std::shared_ptr<LoadedProgram> program)
    : ForwardingDevice({program, &program->device()}),
      loaded(std::move(program)) {
  counted.deviceBytes = loaded->weightBytes();
}

Expected<DevicePtr> SharedDevice::allocate(uint64_t bytes, MemoryKind kind) {
  ACTNET_ASSIGN_OR_RETURN(DevicePtr memory, inner->allocate(bytes, kind));
  uint64_t unit = inner->info().alignment;
  Block block{(bytes + unit - 1) / unit * unit, kind};
  std::lock_guard lock(mutex);
  blocks[memory] = block;
  (kind == MemoryKind::device ? counted.deviceBytes : counted.stagingBytes) +=
      block.bytes;
  counted.peakBytes = std::max(counted.peakBytes, counted.total());
  ++counted.allocations;
  return memory;
}

Status SharedDevice::deallocate(DevicePtr memory) {
  {
    std::lock_guard lock(mutex);
    auto found = blocks.find(memory);
    if (found != blocks.end()) {
      (found->second.kind == MemoryKind::device ? counted.deviceBytes
                                                : counted.stagingBytes) -=
          found->second.bytes;
      blocks.erase(found);
    }
  }
  return inner->deallocate(memory);
}

Expected<std::unique_ptr<DeviceStream>>
SharedDevice::createStream(StreamKind kind) {
  ACTNET_ASSIGN_OR_RETURN(auto stream, inner->createStream(kind));
  ++streams;
  return Expected<std::unique_ptr<DeviceStream>>(std::move(stream));
}

MemoryStats SharedDevice::memoryStats() const {
  MemoryStats own = inner->memoryStats();
  std::lock_guard lock(mutex);
  own.deviceBytes = counted.deviceBytes;
  own.stagingBytes = counted.stagingBytes;
  own.allocations = counted.allocations;
  own.stackBytes =
      loaded->ownStackBytes() + streams * loaded->streamStackBytes();
  own.peakBytes = std::max(counted.peakBytes, own.total());
  return own;
}
