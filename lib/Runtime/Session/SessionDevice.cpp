//===- SessionDevice.cpp - a session's device, code and weights -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Profile.h"
#include "actnet/Runtime/Base/Futex.h"
#include "actnet/Runtime/Session/Session.h"

#include <algorithm>

using namespace actnet;
using namespace actnet::rt;

/// A GPU that works, and one in software, ends its jobs long before.
static constexpr double gpuDeadlineSeconds = 300;

int64_t Session::patienceNs() const {
  double seconds = options.deadlineSeconds;
  if (seconds == 0 && device->info().kind != "host")
    seconds = gpuDeadlineSeconds;
  return seconds > 0 && seconds < 1e9 ? int64_t(seconds * 1e9) : waitForever;
}

int64_t Session::deadlineNs() const {
  int64_t patience = patienceNs();
  return patience == waitForever ? INT64_MAX : deadlineAfter(patience);
}

/// Takes the device that the options name; "auto" is a GPU if the program has
/// code that it can run, else the host.
Status Session::openAnyDevice() {
  if (options.device != "auto") {
    ACTNET_ASSIGN_OR_RETURN(DeviceName name, DeviceName::parse(options.device));
    return openDevice(name);
  }
  DeviceName gpu{DeviceName::Kind::cuda, 0}, host;
  bool hasHost = findCode(source, host).isOk();
  auto forGpu = findCode(source, gpu);
  // Without kernels nothing speaks for a GPU.
  if (!forGpu || (hasHost && forGpu->images.empty()))
    return openDevice(host);
  Status status = openDevice(gpu);
  if (status || !hasHost ||
      (status.code() != StatusCode::notFound &&
       status.code() != StatusCode::unavailable))
    return status;
  // Who has a GPU wants to know why it is not used; who has none knows.
  if (status.code() == StatusCode::unavailable && options.notice)
    options.notice("running on the host; " + status.str());
  executable.reset();
  device.reset();
  return openDevice(host);
}

Status Session::openDevice(const DeviceName &name) {
  // What the program lacks is said before a driver is opened.
  ACTNET_ASSIGN_OR_RETURN(DeviceCode code, findCode(source, name));
  ACTNET_ASSIGN_OR_RETURN(device,
                          makeDevice(name, {options.threads, options.isa}));
  if (options.wrap)
    device = options.wrap(std::move(device));
  if (options.profile) {
    profile = std::make_unique<Profile>();
    device = profile->wrap(std::move(device));
  }
  plan = code.plan;
  return loadCode(code);
}

Status Session::loadCode(const DeviceCode &code) {
  std::vector<KernelDesc> kernels;
  std::vector<std::vector<OperandAccess>> access;
  for (const auto &kernel : plan->kernels) {
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
  desc.images = code.images;
  desc.kernels = kernels;
  desc.variant = options.isa;
  if (!kernels.empty() || !desc.images.empty()) {
    ACTNET_ASSIGN_OR_RETURN(executable, device->load(desc));
  }
  return okStatus();
}

/// Makes the weights readable by kernels: in place, or as one allocation of
/// those that this clone reads, uploaded in as few copies as they lie in runs.
Status Session::placeWeights() {
  const pkg::Interface &interface = source.interface();
  std::span<const std::byte> bytes = source.reader().weights();
  for (const auto &weight : interface.weights)
    weightOffsets.push_back(weight->offset);
  if (bytes.empty())
    return okStatus();
  if (!isApart()) {
    ACTNET_ASSIGN_OR_RETURN(DevicePtr adopted,
                            device->adopt(bytes.data(), bytes.size()));
    weights = static_cast<std::byte *>(adopted);
    return okStatus();
  }
  std::vector<bool> used(interface.weights.size(), false);
  for (const auto &function : plan->functions)
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
    weightOffsets[id] = run.to + (weight.offset - run.from);
    total = wholePages(run.to + run.bytes);
  }
  if (total == 0)
    return okStatus();
  ACTNET_ASSIGN_OR_RETURN(
      uploadedWeights,
      DeviceMemory::allocate(*device, total, MemoryKind::device));
  weights = static_cast<std::byte *>(uploadedWeights.data());
  ACTNET_ASSIGN_OR_RETURN(auto stream,
                          device->createStream(StreamKind::upload));
  for (const Run &run : runs)
    ACTNET_RETURN_IF_ERROR(stream->copy(CopyKind::up, weights + run.to,
                                        bytes.data() + run.from, run.bytes));
  return stream->synchronize(patienceNs()).addContext("uploading the weights");
}

static bool hasCalls(const pkg::Block &block) {
  return std::any_of(
      block.records.begin(), block.records.end(), [](const auto &record) {
        if (const auto *loop = record->body.AsLoop())
          return hasCalls(*loop->body);
        if (const auto *branch = record->body.AsBranch())
          return std::any_of(
              branch->blocks.begin(), branch->blocks.end(),
              [](const auto &nested) { return hasCalls(*nested); });
        return record->body.AsCall() != nullptr;
      });
}

/// Where a job's dims are known, libraries choose their algorithms at load: the
/// first job finds them chosen. Otherwise they choose when the dims are known.
Status Session::chooseAlgorithms() {
  if (!device->info().libraries)
    return okStatus();
  std::vector<int64_t> values;
  for (const pkg::Range &range : dims) {
    if (range.lower != range.upper)
      return okStatus();
    values.push_back(range.lower);
  }
  for (uint32_t f = 0; f < functions.size(); ++f) {
    const pkg::FunctionPlan *functionPlan = pkg::Reader::findFunction(*plan, f);
    if (!functionPlan || !hasCalls(*functionPlan->body) ||
        !layout.functions[f].known)
      continue;
    ACTNET_ASSIGN_OR_RETURN(DimEntry * entry, findEntry(f, values));
    ACTNET_ASSIGN_OR_RETURN([[maybe_unused]] Ready * ready,
                            makeReady(f, *entry, 0, /*transfers=*/false));
  }
  return okStatus();
}

/// Says once, and again when it is another, what libraries do not run.
void Session::noteLibraries() {
  std::string note = device->libraryNote();
  if (note.empty() || note == libraryNote)
    return;
  libraryNote = note;
  if (options.notice)
    options.notice(note);
}
