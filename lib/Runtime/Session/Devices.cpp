//===- Devices.cpp - the devices that a session can name ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/Devices.h"
#include "actnet/Runtime/Device/CUDA.h"
#include "actnet/Runtime/Device/Host.h"

#include <atomic>
#include <charconv>

using namespace actnet;
using namespace actnet::rt;

namespace {
std::atomic<DeviceMaker> toyMaker{nullptr};

std::string_view formatOf(pkg::ImageKind kind) {
  switch (kind) {
  case pkg::ImageKind::HostELF:
    return "elf";
  case pkg::ImageKind::Cubin:
    return "cubin";
  case pkg::ImageKind::PTX:
    return "ptx";
  case pkg::ImageKind::Toy:
    return "toy";
  case pkg::ImageKind::CudaText:
    return "cuda-text";
  }
  return "";
}

bool runs(DeviceName::Kind kind, pkg::ImageKind image) {
  switch (kind) {
  case DeviceName::Kind::host:
    return image == pkg::ImageKind::HostELF;
  case DeviceName::Kind::toy:
    return image == pkg::ImageKind::Toy;
  case DeviceName::Kind::cuda:
    return image == pkg::ImageKind::Cubin || image == pkg::ImageKind::PTX ||
           image == pkg::ImageKind::CudaText;
  }
  return false;
}

const char *kindName(DeviceName::Kind kind) {
  switch (kind) {
  case DeviceName::Kind::host:
    return "host";
  case DeviceName::Kind::cuda:
    return "cuda";
  case DeviceName::Kind::toy:
    return "toy";
  }
  return "";
}
} // namespace

Expected<DeviceName> DeviceName::parse(const std::string &text) {
  if (text == "host")
    return DeviceName{Kind::host, 0};
  if (text == "toy")
    return DeviceName{Kind::toy, 0};
  if (text == "cuda")
    return DeviceName{Kind::cuda, 0};
  DeviceName name{Kind::cuda, 0};
  if (text.starts_with("cuda:")) {
    const char *begin = text.data() + 5, *end = text.data() + text.size();
    auto [at, error] = std::from_chars(begin, end, name.ordinal);
    if (error == std::errc() && at == end && begin != end)
      return name;
  }
  return notFound("device: expected auto, host, cuda, cuda:N or toy, found '" +
                  text + "'");
}

std::string DeviceName::str() const {
  std::string text = kindName(kind);
  return ordinal ? text + ":" + std::to_string(ordinal) : text;
}

Expected<std::unique_ptr<Device>>
rt::makeDevice(const DeviceName &name, const DeviceSettings &settings) {
  switch (name.kind) {
  case DeviceName::Kind::host: {
    HostOptions host;
    host.threads = settings.threads;
    host.isa = settings.isa;
    return createHostDevice(host);
  }
  case DeviceName::Kind::cuda: {
    CudaOptions cuda;
    cuda.ordinal = name.ordinal;
    // A session's streams go with work in flight only when that is past its
    // deadline, or when the session could not start.
    cuda.teardownNs = int64_t(1000) * 1000 * 1000;
    return createCudaDevice(cuda);
  }
  case DeviceName::Kind::toy:
    break;
  }
  DeviceMaker make = toyMaker.load(std::memory_order_acquire);
  if (!make)
    return unavailable("device toy: the software GPU is not in this program; "
                       "programs compiled with --target=...,toy and actnet-run "
                       "have it");
  return make();
}

uint64_t rt::stackBytes(const DeviceInfo &info, unsigned streams) {
  // One thread looks after all streams of a GPU.
  if (info.kind == "cuda")
    return threadStackBytes;
  // Elsewhere each stream has a thread, unless work is done by its submitter.
  // The first stream's is one of those that share the tiles.
  uint64_t threads = info.async ? streams : 0;
  if (info.threads > 0)
    threads += info.threads - 1;
  return threads * threadStackBytes;
}

Expected<DeviceCode> rt::findCode(const Program &program,
                                  const DeviceName &name) {
  DeviceCode code;
  code.plan =
      program.findPlan(name.kind == DeviceName::Kind::host ? "host" : "cuda");
  if (code.plan)
    for (const auto &image : code.plan->images)
      if (runs(name.kind, image->kind))
        code.images.push_back({formatOf(image->kind), image->isa,
                               program.reader().image(*image)});
  // A plan without kernels (a function that only copies) needs no code.
  if (code.plan && (!code.images.empty() || code.plan->kernels.empty()))
    return code;
  std::string present;
  for (const auto &plan : program.reader().plans())
    for (const auto &image : plan->images)
      present += (present.empty() ? "" : ", ") + image->isa;
  const char *target =
      name.kind == DeviceName::Kind::cuda ? "cuda:sm_80" : kindName(name.kind);
  return notFound("device " + name.str() + ": the program has no code for it" +
                  (present.empty() ? std::string(", and no code at all")
                                   : ", only for " + present) +
                  "; compile it with --target=" + target);
}

void rt::registerToyDevice(DeviceMaker make) {
  toyMaker.store(make, std::memory_order_release);
}

Expected<std::vector<ListedDevice>> rt::listDevices() {
  std::vector<ListedDevice> list;
  ACTNET_ASSIGN_OR_RETURN(auto host, createHostDevice({}));
  list.push_back({"host", host->info()});
  // No driver, or one that is too old: then there is nothing to list.
  if (auto gpus = listCudaDevices())
    for (const DeviceInfo &info : *gpus)
      list.push_back({"cuda:" + std::to_string(list.size() - 1), info});
  if (DeviceMaker make = toyMaker.load(std::memory_order_acquire)) {
    ACTNET_ASSIGN_OR_RETURN(auto toy, make());
    list.push_back({"toy", toy->info()});
  }
  return list;
}
