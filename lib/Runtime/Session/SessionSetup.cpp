//===- SessionSetup.cpp - making and planning a session -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Profile.h"
#include "actnet/Package/Lifetimes.h"
#include "actnet/Runtime/Session/Session.h"

#include <algorithm>

using namespace actnet;
using namespace actnet::rt;

/// Whether the dims have one value each.
static bool isFixed(std::span<const pkg::Range> dims) {
  return std::all_of(dims.begin(), dims.end(), [](const pkg::Range &range) {
    return range.lower == range.upper;
  });
}

Session::Session(const Program &program, SessionOptions options)
    : source(program), options(std::move(options)) {}

Session::~Session() {
  // Jobs in flight end first: the actor goes with the queue, the streams with
  // it, and only then what they use.
  queue.reset();
  for (FunctionState &function : functions)
    function.ready.clear();
}

Expected<std::unique_ptr<Session>> Session::create(const Program &program,
                                                   SessionOptions options) {
  std::unique_ptr<Session> session(new Session(program, std::move(options)));
  ACTNET_RETURN_IF_ERROR(session->setUp());
  return session;
}

Status Session::setUp() {
  if (options.inFlight > 64)
    return invalidArgument("in-flight: expected 1 to 64, found " +
                           std::to_string(options.inFlight));
  if (options.inFlight > 0)
    slotCount = options.inFlight;
  ACTNET_RETURN_IF_ERROR(chooseDims());
  ACTNET_RETURN_IF_ERROR(openAnyDevice());
  // Plan before streams are made: a variable that fits nowhere is the user's
  // to hear about first.
  ACTNET_ASSIGN_OR_RETURN(Layout first,
                          makeLayout(source, *plan, dims, slotCount));
  ACTNET_RETURN_IF_ERROR(createStreams());
  for (const FunctionDesc &desc : source.functions()) {
    uint32_t number = uint32_t(functions.size());
    FunctionState &state = functions.emplace_back();
    state.inputs.resize(desc.inputs.size());
    state.outputs.resize(desc.outputs.size());
    state.inputPointers.resize(desc.inputs.size());
    state.outputPointers.resize(desc.outputs.size());
    state.shapes.resize(desc.inputs.size());
    for (size_t i = 0; i < desc.inputs.size(); ++i) {
      state.shapes[i].reserve(desc.inputs[i].extents.size());
      state.inputs[i].shape.reserve(desc.inputs[i].extents.size());
    }
    state.entries.resize(isFixed(dims) ? 1 : maxEntries);
    state.ready.resize(size_t(slotCount) * 2);
    for (std::vector<Ready> &kept : state.ready)
      kept.resize(keptJobs(number));
  }
  size_t mostOutputs = 0;
  for (const FunctionState &state : functions)
    mostOutputs = std::max(mostOutputs, state.outputs.size());
  slots.resize(slotCount);
  for (Slot &slot : slots)
    slot.deliveries.reserve(mostOutputs);
  ACTNET_RETURN_IF_ERROR(createArena(std::move(first)));
  ACTNET_RETURN_IF_ERROR(resetState());
  ACTNET_RETURN_IF_ERROR(chooseAlgorithms());
  prepareAhead();
  return okStatus();
}

static uint64_t countRecords(const pkg::Block &block) {
  uint64_t count = 0;
  for (const auto &record : block.records) {
    ++count;
    if (const auto *loop = record->body.AsLoop())
      count += countRecords(*loop->body);
    else if (const auto *branch = record->body.AsBranch())
      for (const auto &nested : branch->blocks)
        count += countRecords(*nested);
  }
  return count;
}

/// For how many sets of dims a slot keeps jobs ready: changing a job costs some
/// time for each record, and keeping it some memory.
size_t Session::keptJobs(uint32_t function) const {
  const pkg::FunctionPlan *body = pkg::Reader::findFunction(*plan, function);
  if (isFixed(dims) || !body)
    return 1;
  // Of a GPU, graphs that the driver keeps.
  uint64_t most = device->info().hostAddressable ? 4096 : 1024;
  uint64_t all = (countRecords(*body->body) + 1) * slotCount * 2;
  return size_t(std::clamp<uint64_t>(most / all, 1, maxEntries));
}

/// Makes all that jobs will need, so that none allocates. Where the dims are
/// not bounded, or no job can have all at their bounds, the first jobs do it.
void Session::prepareAhead() {
  if (!layout.complete)
    return;
  for (uint32_t f = 0; f < functions.size(); ++f) {
    FunctionState &state = functions[f];
    for (bool isUpper : {true, false}) {
      scratchDims.clear();
      for (const pkg::Range &range : dims)
        scratchDims.push_back(isUpper ? range.upper
                                      : std::max<int64_t>(range.lower, 1));
      bool fits = true;
      for (DimEntry &entry : state.entries)
        fits = fits && fillEntry(f, entry, scratchDims);
      for (unsigned slot = 0; fits && slot < slotCount; ++slot)
        for (bool transfers : {false, true})
          for (Ready &ready : state.ready[slot * 2 + transfers])
            fits = fits && (ready.prepared || refill(f, state.entries[0], slot,
                                                     transfers, ready));
      if (fits)
        break;
    }
  }
}

Status Session::chooseDims() {
  const pkg::Interface &interface = source.interface();
  dims = pkg::dimRanges(interface);
  for (const SessionOptions::DimBound &bound : options.dims) {
    size_t i = 0;
    while (i < dims.size() && interface.dims[i]->name != bound.name)
      ++i;
    if (i == dims.size())
      return invalidArgument("dim '" + bound.name +
                             "': the package has no dim of that name");
    if (bound.lower > bound.upper || bound.lower < dims[i].lower ||
        bound.upper > dims[i].upper)
      return invalidArgument(
          "dim '" + bound.name + "': expected bounds within " +
          std::to_string(dims[i].lower) + ".." +
          (dims[i].upper == pkg::unbounded ? ""
                                           : std::to_string(dims[i].upper)) +
          ", found " + std::to_string(bound.lower) + ".." +
          std::to_string(bound.upper));
    dims[i] = {bound.lower, bound.upper};
  }
  exprs = pkg::exprRanges(interface.exprs, dims);
  return okStatus();
}

Status Session::createStreams() {
  uint32_t signalCount = 0;
  for (const auto &function : plan->functions) {
    computeStreams = std::max<unsigned>(computeStreams, function->streams);
    signalCount = std::max(signalCount, function->signals);
  }
  for (uint32_t i = 0; i < signalCount; ++i) {
    ACTNET_ASSIGN_OR_RETURN(auto event, device->createEvent());
    signals.push_back(std::move(event));
  }
  for (unsigned i = 0; computeStreams > 1 && i < computeStreams; ++i) {
    ACTNET_ASSIGN_OR_RETURN(auto event, device->createEvent());
    barriers.push_back(std::move(event));
  }
  std::vector<StreamKind> kinds(computeStreams, StreamKind::compute);
  if (isApart()) {
    kinds.insert(kinds.end(), {StreamKind::upload, StreamKind::download});
    for (unsigned slot = 0; slot < slotCount; ++slot)
      for (auto *list : {&uploaded, &computed}) {
        ACTNET_ASSIGN_OR_RETURN(auto event, device->createEvent());
        list->push_back(std::move(event));
      }
  }
  // One more slot, for jobs of the session's own.
  ACTNET_ASSIGN_OR_RETURN(
      queue, JobQueue::create(*device, kinds, slotCount + 1,
                              unsigned(source.interface().variables.size()),
                              options.step));
  return okStatus();
}

/// Runs a job of the session's own and waits for it. One that passes its
/// deadline stays until the queue is gone.
Status Session::runOwn(const JobSpec &spec) {
  ACTNET_RETURN_IF_ERROR(queue->status());
  ACTNET_ASSIGN_OR_RETURN(
      auto job, PreparedJob::prepare(*device, queue->streams(), spec));
  ACTNET_RETURN_IF_ERROR(queue->send(*job, slotCount, deadlineNs()));
  Status status = queue->await(slotCount);
  queue->free(slotCount);
  if (!queue->status())
    lateJob = std::move(job);
  return status;
}

/// Allocates the arena of a layout; a former one gives its state to it, and
/// stays where that does not succeed. Nothing may be in flight.
Status Session::createArena(Layout next) {
  uint64_t bytes =
      std::max(next.arenaBytes(), regionAlignment) + options.slackBytes;
  ACTNET_ASSIGN_OR_RETURN(
      DeviceMemory memory,
      DeviceMemory::allocate(*device, bytes, MemoryKind::device));
  DeviceMemory image;
  if (isApart() && next.ringBytes() > 0) {
    ACTNET_ASSIGN_OR_RETURN(
        image,
        DeviceMemory::allocate(*device, next.ringBytes(), MemoryKind::staging));
  }
  if (arena.data() && layout.stateBytes > 0) {
    JobSpec spec;
    spec.stepping = options.step;
    spec.blocks.push_back(
        {JobSpec::Line{0,
                       {CopyRecord{CopyKind::within, memory.data(),
                                   arena.data(), layout.stateBytes}}}});
    Status copied = runOwn(spec);
    if (!queue->status()) {
      lateMemory = std::move(memory);
      lateStaging = std::move(image);
    }
    ACTNET_RETURN_IF_ERROR(copied.addContext("moving the variables"));
  }
  // Prepared jobs point into the old arena.
  for (FunctionState &function : functions)
    for (std::vector<Ready> &kept : function.ready)
      for (Ready &ready : kept)
        ready = Ready();
  arena = std::move(memory);
  layout = std::move(next);
  staging = std::move(image);
  return okStatus();
}

/// A bound to suggest where a dim of this value has none: the next power of
/// two, and at least 64.
static int64_t roomyBound(int64_t value) {
  int64_t bound = 64;
  while (bound < value && bound <= INT64_MAX / 2)
    bound *= 2;
  return std::max(bound, value);
}

void Session::noteUnbounded(const std::vector<int64_t> &values) {
  if (!options.notice)
    return;
  std::string found, flags;
  int unbounded = 0;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i].upper != pkg::unbounded)
      continue;
    const std::string &name = source.interface().dims[i]->name;
    found +=
        (found.empty() ? "" : ", ") + name + " = " + std::to_string(values[i]);
    // Room for more than this job; a power of two looks like a suggestion.
    flags += " --dim " + name + "=" +
             std::to_string(std::max<int64_t>(dims[i].lower, 1)) + ".." +
             std::to_string(roomyBound(values[i]));
    ++unbounded;
  }
  options.notice("memory planned now for " + found + ", and again for more: " +
                 (unbounded > 1 ? "these dims have" : "the dim has") +
                 " no upper bound; bounds such as" + flags +
                 " have it planned at load");
}

/// Plans for dims that have no upper bound, now that a job says how large they
/// are, or larger than before.
Status Session::ensurePlanned(uint32_t function,
                              const std::vector<int64_t> &values) {
  std::vector<pkg::Range> wanted = dims;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].upper != pkg::unbounded)
      continue;
    wanted[i].upper = values[i];
    // The other functions, and former jobs, keep what they had.
    if (arena.data() && layout.dims[i].upper != pkg::unbounded)
      wanted[i].upper = std::max(wanted[i].upper, layout.dims[i].upper);
  }
  ACTNET_ASSIGN_OR_RETURN(Layout next,
                          makeLayout(source, *plan, wanted, slotCount));
  if (!next.functions[function].known)
    return failedPrecondition("function '" +
                              source.interface().functions[function]->name +
                              "': a buffer has no upper bound for these dims");
  for (unsigned slot = 0; slot < slots.size(); ++slot)
    if (slots[slot].job != 0) // its own wait hears what became of it
      deliver(slots[slot], queue->await(slot));
  // What was given up may still run in the arena that would go.
  ACTNET_RETURN_IF_ERROR(queue->status());
  noteUnbounded(values);
  return createArena(std::move(next));
}

Status Session::resetState() {
  for (const Slot &slot : slots)
    if (slot.job != 0)
      return resourceExhausted("jobs are in flight; wait for them first");
  const pkg::Interface &interface = source.interface();
  if (interface.variables.empty())
    return okStatus();
  JobSpec spec;
  JobSpec::Line line;
  auto *base = static_cast<std::byte *>(arena.data());
  for (uint32_t v = 0; v < interface.variables.size(); ++v) {
    const pkg::Variable &variable = *interface.variables[v];
    std::byte *place = base + layout.stateOffsets[v];
    uint64_t bytes = pkg::dtypeBytes(variable.dtype);
    for (pkg::ExprId extent : variable.shape)
      if (__builtin_mul_overflow(bytes, uint64_t(exprs[extent].upper), &bytes))
        return outOfRange("variable '" + variable.name +
                          "' is larger than any memory");
    if (variable.initial != pkg::none) {
      const pkg::Weight &weight = *interface.weights[variable.initial];
      line.records.push_back(CopyRecord{
          CopyKind::within, place,
          loaded->weights() + loaded->weightOffsets()[variable.initial],
          std::min(bytes, weight.bytes)});
    } else {
      line.records.push_back(FillRecord{place, 0, 1, bytes});
    }
    spec.writes.push_back(v);
  }
  spec.stepping = options.step;
  spec.blocks.emplace_back().push_back(std::move(line));
  return runOwn(spec).addContext("setting the variables");
}
