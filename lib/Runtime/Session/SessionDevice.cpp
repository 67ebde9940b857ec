//===- SessionDevice.cpp - a session's device -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Profile.h"
#include "actnet/Runtime/Base/Futex.h"
#include "actnet/Runtime/Session/Session.h"

#include <algorithm>

using namespace actnet;
using namespace actnet::rt;

/// A GPU that works, and one in software, ends its jobs long before.
static constexpr double gpuDeadlineSeconds = 300;

int64_t Session::patienceNs(bool isHost) const {
  double seconds = options.deadlineSeconds;
  if (seconds == 0 && !isHost)
    seconds = gpuDeadlineSeconds;
  return seconds > 0 && seconds < 1e9 ? int64_t(seconds * 1e9) : waitForever;
}

int64_t Session::deadlineNs() const {
  int64_t patience = patienceNs(device->info().kind == "host");
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
  return openDevice(host);
}

Status Session::openDevice(const DeviceName &name) {
  // What the program lacks is said before a driver is opened.
  ACTNET_ASSIGN_OR_RETURN(DeviceCode code, findCode(source, name));
  plan = code.plan;
  bool isHost = name.kind == DeviceName::Kind::host;
  auto load = [&]() -> Expected<std::shared_ptr<LoadedProgram>> {
    ACTNET_ASSIGN_OR_RETURN(auto made,
                            makeDevice(name, {options.threads, options.isa}));
    if (options.wrap)
      made = options.wrap(std::move(made));
    if (options.profile) {
      profile = std::make_unique<Profile>();
      made = profile->wrap(std::move(made));
    }
    return LoadedProgram::load(source, code, std::move(made), options.isa,
                               patienceNs(isHost));
  };
  // The host reads weights where they are mapped, and its threads are an option
  // of the session. What is around a device sees one session.
  if (isHost || options.wrap || options.profile ||
      source.reader().weights().empty()) {
    ACTNET_ASSIGN_OR_RETURN(loaded, load());
    device = &loaded->device();
    return okStatus();
  }
  ACTNET_ASSIGN_OR_RETURN(
      loaded, source.loaded().get(name.str() + " " + options.isa, load));
  view = std::make_unique<SharedDevice>(loaded);
  device = view.get();
  return okStatus();
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
