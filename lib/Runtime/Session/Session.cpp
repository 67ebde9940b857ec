//===- Session.cpp - bindings and jobs of a session -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What happens at every job. Making and planning a session is in
// SessionSetup.cpp.

#include "actnet/Runtime/Session/Session.h"
#include "Profile.h"
#include "actnet/Package/Lifetimes.h"
#include "actnet/Runtime/Session/DimBinder.h"
#include "actnet/Runtime/Session/HostTensor.h"

#include <algorithm>
#include <cstring>

using namespace actnet;
using namespace actnet::rt;

static Status noSuch(const char *what, uint64_t index, size_t count) {
  return invalidArgument(std::string(what) + ": expected an index below " +
                         std::to_string(count) + ", found " +
                         std::to_string(index));
}

Status Session::bindInput(uint32_t function, uint32_t index, actnet_dtype dtype,
                          const int64_t *shape, int32_t rank,
                          const void *data) {
  if (function >= functions.size())
    return noSuch("function", function, functions.size());
  FunctionState &state = functions[function];
  if (index >= state.inputs.size())
    return noSuch("input", index, state.inputs.size());
  const TensorDesc &desc = source.functions()[function].inputs[index];
  ACTNET_RETURN_IF_ERROR(checkInput(desc, exprs, dtype, shape, rank));
  bool empty = std::find(shape, shape + rank, 0) != shape + rank;
  if (!data && !empty)
    return invalidArgument("input '" + desc.tensor->name +
                           "': expected data, found a null pointer");
  InputBinding &binding = state.inputs[index];
  if (!binding.bound ||
      !std::equal(shape, shape + rank, binding.shape.begin())) {
    binding.shape.assign(shape, shape + rank);
    binding.bound = true;
    state.current = nullptr;
  }
  binding.data = data;
  return okStatus();
}

Status Session::bindOutput(uint32_t function, uint32_t index, void *data,
                           uint64_t capacity) {
  if (function >= functions.size())
    return noSuch("function", function, functions.size());
  FunctionState &state = functions[function];
  if (index >= state.outputs.size())
    return noSuch("output", index, state.outputs.size());
  state.outputs[index] = {data, capacity};
  return okStatus();
}

Status Session::outputShape(uint32_t function, uint32_t index, int64_t *shape) {
  if (function >= functions.size())
    return noSuch("function", function, functions.size());
  const FunctionDesc &desc = source.functions()[function];
  if (index >= desc.outputs.size())
    return noSuch("output", index, desc.outputs.size());
  if (!shape && !desc.outputs[index].extents.empty())
    return invalidArgument("shape: expected a pointer, found null");
  ACTNET_ASSIGN_OR_RETURN(DimEntry * entry, bindEntry(function));
  return source.evaluateShape(desc.outputs[index], entry->values, shape);
}

/// Finds the entry for the shapes bound now.
Expected<Session::DimEntry *> Session::bindEntry(uint32_t function) {
  FunctionState &state = functions[function];
  if (state.current)
    return state.current;
  const FunctionDesc &desc = source.functions()[function];
  for (size_t i = 0; i < state.inputs.size(); ++i) {
    if (!state.inputs[i].bound)
      return invalidArgument("input '" + desc.inputs[i].tensor->name +
                             "' is not bound");
    state.shapes[i] = state.inputs[i].shape;
  }
  ACTNET_RETURN_IF_ERROR(
      bindDims(source, desc, dims, state.shapes, scratchDims, bindScratch));
  ACTNET_ASSIGN_OR_RETURN(state.current, findEntry(function, scratchDims));
  return state.current;
}

Expected<Session::DimEntry *>
Session::findEntry(uint32_t function, const std::vector<int64_t> &values) {
  FunctionState &state = functions[function];
  DimEntry *oldest = nullptr;
  for (DimEntry &entry : state.entries) {
    if (entry.number != 0 && entry.dims == values)
      return &entry;
    if (!oldest || entry.lastUse < oldest->lastUse)
      oldest = &entry;
  }
  // Takes the place of what was not used for the longest time. Jobs in flight
  // need their entries no more.
  oldest->number = 0;
  ACTNET_RETURN_IF_ERROR(fillEntry(function, *oldest, values));
  oldest->number = ++lastEntry;
  oldest->lastUse = ++clock;
  return oldest;
}

/// Computes what follows from these dims. Allocates nothing once the entry has
/// held others.
Status Session::fillEntry(uint32_t function, DimEntry &entry,
                          const std::vector<int64_t> &values) {
  entry.dims.assign(values.begin(), values.end());
  entry.values.assign(source.interface().exprs, values);
  const pkg::FunctionPlan &functionPlan =
      *pkg::Reader::findFunction(*plan, function);
  ACTNET_RETURN_IF_ERROR(
      pkg::checkSizes(source.interface(), functionPlan, entry.values));
  entry.outputBytes.clear();
  for (const TensorDesc &output : source.functions()[function].outputs) {
    entry.shape.assign(output.extents.size(), 0);
    ACTNET_RETURN_IF_ERROR(
        source.evaluateShape(output, entry.values, entry.shape.data()));
    uint64_t bytes = pkg::dtypeBytes(output.tensor->dtype);
    for (int64_t extent : entry.shape)
      if (__builtin_mul_overflow(bytes, uint64_t(extent), &bytes))
        return outOfRange("output '" + output.tensor->name +
                          "' is larger than any memory");
    entry.outputBytes.push_back(bytes);
  }
  return okStatus();
}

/// Puts the caller's pointers of this job into its copies.
Status Session::updateTransfers(Ready &ready, FunctionState &state,
                                const DimEntry &entry) {
  const PreparedJob::Block &steps = ready.prepared->blocks()[0];
  auto update = [&](const PreparedJob::Step &step,
                    std::vector<Record> &records) -> Status {
    Segment line{ready.resolved.spec.executable, records};
    if (step.segment)
      ACTNET_RETURN_IF_ERROR(step.segment->update(line));
    for (size_t i = 0; i < step.records.size(); ++i)
      ACTNET_RETURN_IF_ERROR(
          step.records[i]->update(Segment{line.executable, {&records[i], 1}}));
    return okStatus();
  };
  bool changed = false;
  for (size_t i = 0; i < state.inputs.size(); ++i) {
    auto &copy = std::get<CopyRecord>(ready.resolved.uploads[i]);
    // An input that nothing reads has no place to go to; one that is staged
    // comes from where it always does.
    if (isApart() || !copy.dst || copy.src == state.inputs[i].data)
      continue;
    changed = true;
    copy.src = state.inputs[i].data;
  }
  if (changed)
    ACTNET_RETURN_IF_ERROR(update(steps.front(), ready.resolved.uploads));
  changed = false;
  for (size_t i = 0; i < state.outputs.size(); ++i) {
    auto &copy = std::get<CopyRecord>(
        ready.resolved.downloads[i + ready.resolved.firstDownload]);
    uint64_t bytes = state.outputs[i].data ? entry.outputBytes[i] : 0;
    changed |= copy.bytes != bytes;
    copy.bytes = bytes;
    if (isApart())
      continue;
    changed |= copy.dst != state.outputs[i].data;
    copy.dst = state.outputs[i].data;
  }
  if (changed)
    ACTNET_RETURN_IF_ERROR(update(steps.back(), ready.resolved.downloads));
  return okStatus();
}

Expected<Session::Ready *> Session::makeReady(uint32_t function,
                                              DimEntry &entry, uint64_t slot,
                                              bool transfers) {
  std::vector<Ready> &kept = functions[function].ready[slot * 2 + transfers];
  Ready *oldest = nullptr;
  for (Ready &ready : kept) {
    if (ready.entry == entry.number) {
      ready.lastUse = ++clock;
      if (transfers)
        ACTNET_RETURN_IF_ERROR(
            updateTransfers(ready, functions[function], entry));
      return &ready;
    }
    if (!oldest || ready.lastUse < oldest->lastUse)
      oldest = &ready;
  }
  // The slot is free, so that none of its jobs is in flight.
  oldest->entry = 0;
  ACTNET_RETURN_IF_ERROR(refill(function, entry, slot, transfers, *oldest));
  oldest->entry = entry.number;
  oldest->lastUse = ++clock;
  return oldest;
}

/// Makes a job one for these dims. One that was made before takes other
/// pointers and numbers; only where a loop has another number of rounds is it
/// made anew.
Status Session::refill(uint32_t function, const DimEntry &entry, uint64_t slot,
                       bool transfers, Ready &ready) {
  FunctionState &state = functions[function];
  for (size_t i = 0; i < state.inputs.size(); ++i)
    state.inputPointers[i] = state.inputs[i].data;
  for (size_t i = 0; i < state.outputs.size(); ++i)
    state.outputPointers[i] = state.outputs[i].data;
  ResolveInput input;
  input.program = &source;
  input.plan = plan;
  input.function = function;
  input.layout = &layout;
  input.values = &entry.values;
  input.executable = loaded->executable();
  input.libraries = device->info().libraries;
  input.signals = signals;
  input.barriers = barriers;
  input.arena = static_cast<std::byte *>(arena.data());
  input.weights = loaded->weights();
  input.weightOffsets = loaded->weightOffsets();
  input.slot = slot;
  input.transfers = transfers;
  input.inputs = state.inputPointers;
  input.outputs = state.outputPointers;
  input.stepping = options.step;
  input.staging = static_cast<std::byte *>(staging.data());
  if (isApart()) {
    input.uploadStream = computeStreams;
    input.downloadStream = computeStreams + 1;
    input.uploaded = uploaded[slot].get();
    input.computed = computed[slot].get();
  }
  ACTNET_RETURN_IF_ERROR(resolveJob(input, ready.resolved));
  if (ready.prepared && !ready.prepared->update(ready.resolved.spec))
    ready.prepared.reset();
  if (!ready.prepared) {
    ACTNET_ASSIGN_OR_RETURN(
        ready.prepared,
        PreparedJob::prepare(*device, queue->streams(), ready.resolved.spec));
  }
  noteLibraries();
  return okStatus();
}

/// Copies the job's inputs into the ring's image, and notes where its outputs
/// go from there. Allocates nothing once the slot has held as many outputs.
void Session::stageInputs(const Ready &ready, const FunctionState &state,
                          Slot &slot) {
  for (size_t i = 0; i < state.inputs.size(); ++i) {
    const auto &copy = std::get<CopyRecord>(ready.resolved.uploads[i]);
    if (copy.bytes)
      std::memcpy(const_cast<void *>(copy.src), state.inputs[i].data,
                  copy.bytes);
  }
  for (size_t i = 0; i < state.outputs.size(); ++i) {
    const auto &copy = std::get<CopyRecord>(
        ready.resolved.downloads[i + ready.resolved.firstDownload]);
    if (copy.bytes)
      slot.deliveries.push_back(CopyRecord{
          CopyKind::down, state.outputs[i].data, copy.dst, copy.bytes});
  }
}

/// Copies the staged outputs of a job that has ended to its caller.
void Session::deliver(Slot &slot, const Status &outcome) {
  for (const CopyRecord &copy : slot.deliveries)
    if (outcome)
      std::memcpy(copy.dst, copy.src, copy.bytes);
  slot.deliveries.clear();
}

Expected<uint64_t> Session::submit(uint32_t function, bool transfers) {
  if (function >= functions.size())
    return noSuch("function", function, functions.size());
  // What was given up may still run, on what the next job would change.
  ACTNET_RETURN_IF_ERROR(queue->status());
  FunctionState &state = functions[function];
  ACTNET_ASSIGN_OR_RETURN(DimEntry * entry, bindEntry(function));
  for (size_t i = 0; transfers && i < state.outputs.size(); ++i)
    if (state.outputs[i].data &&
        state.outputs[i].capacity < entry->outputBytes[i])
      return invalidArgument(
          "output '" + source.functions()[function].outputs[i].tensor->name +
          "': expected a buffer of " + std::to_string(entry->outputBytes[i]) +
          " bytes, found " + std::to_string(state.outputs[i].capacity));
  // The lowest free slot: a caller with one job at a time touches one only.
  unsigned slot = 0;
  while (slot < slots.size() && slots[slot].job != 0)
    ++slot;
  if (slot == slots.size())
    return resourceExhausted("all " + std::to_string(slots.size()) +
                             " slots are in flight; wait for a job first");
  if (!layout.functions[function].known ||
      !std::equal(entry->dims.begin(), entry->dims.end(), layout.dims.begin(),
                  [](int64_t v, const pkg::Range &r) { return v <= r.upper; }))
    ACTNET_RETURN_IF_ERROR(ensurePlanned(function, entry->dims));
  ACTNET_ASSIGN_OR_RETURN(Ready * ready,
                          makeReady(function, *entry, slot, transfers));
  slots[slot].deliveries.clear();
  if (transfers && isApart())
    stageInputs(*ready, state, slots[slot]);
  ACTNET_RETURN_IF_ERROR(queue->send(*ready->prepared, slot, deadlineNs()));
  slots[slot].job = ++lastJob;
  entry->lastUse = ++clock;
  return lastJob;
}

bool Session::isInFlight(uint64_t job) const {
  return job != 0 && std::any_of(slots.begin(), slots.end(),
                                 [&](const Slot &s) { return s.job == job; });
}

bool Session::anySlotTaken() const {
  return std::any_of(slots.begin(), slots.end(),
                     [](const Slot &s) { return s.job != 0; });
}

bool Session::allSlotsTaken() const {
  return std::all_of(slots.begin(), slots.end(),
                     [](const Slot &s) { return s.job != 0; });
}

Status Session::wait(uint64_t job) {
  for (unsigned i = 0; i < slots.size(); ++i) {
    Slot &slot = slots[i];
    if (job == 0 || slot.job != job)
      continue;
    Status status = queue->await(i);
    deliver(slot, status);
    queue->free(i);
    slot.job = 0;
    // What a stream says of a job names it already.
    std::string name = "job " + std::to_string(job);
    return status.message().starts_with(name + " ") ? status
                                                    : status.addContext(name);
  }
  return invalidArgument("job: expected one that is in flight, found " +
                         std::to_string(job));
}

Status Session::writeProfile(const std::string &path) const {
  if (!profile)
    return invalidArgument("the session was not created with `profile`, there "
                           "is nothing to write");
  return profile->write(path);
}
