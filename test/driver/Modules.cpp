//===- Modules.cpp - the toy code that a module stands for ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cubin.h"
#include "StandIn.h"
#include "actnet/Package/CodeBundle.h"
#include "actnet/Package/Container.h"
#include "actnet/Package/Reader.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>

namespace actnet::rt::cuda {

namespace {

/// How many parameters a kernel has, by one of its launches; -1 if there is
/// none.
int parametersOf(const pkg::Plan &plan, uint32_t kernel) {
  int found = -1;
  std::function<void(const pkg::Block &)> walk = [&](const pkg::Block &block) {
    for (const auto &record : block.records) {
      if (const auto *launch = record->body.AsLaunch()) {
        if (launch->kernel == kernel)
          found = int(launch->operands.size() + launch->dims.size());
      } else if (const auto *call = record->body.AsCall()) {
        if (call->fallback && call->fallback->kernel == kernel)
          found = int(call->fallback->operands.size() +
                      call->fallback->dims.size());
      } else if (const auto *branch = record->body.AsBranch()) {
        for (const auto &nested : branch->blocks)
          walk(*nested);
      } else if (const auto *loop = record->body.AsLoop()) {
        walk(*loop->body);
      }
    }
  };
  for (const auto &function : plan.functions)
    walk(*function->body);
  return found;
}

struct PackageCode {
  std::string kernel;
  int parameters = -1;
  std::span<const std::byte> toy;
};

/// A module as the driver gets it. A cubin's own tables say where it ends; PTX
/// ends with its first zero, which NVRTC counts as a part of it.
std::string moduleOf(std::span<const std::byte> bytes, pkg::ImageKind kind) {
  std::string text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  return kind == pkg::ImageKind::PTX ? text.c_str() : text;
}

/// The modules of the package that the environment names, by their bytes: each
/// has the name of its kernel in it. Read once for each name.
struct PackageIndex {
  std::string path;
  std::span<const std::byte> toy;
  std::unique_ptr<pkg::Reader> reader;
  std::map<std::string, PackageCode, std::less<>> modules;

  Status read(const std::string &file) {
    path = file;
    modules.clear();
    ACTNET_ASSIGN_OR_RETURN(pkg::Reader opened, pkg::Reader::openFile(file));
    reader = std::make_unique<pkg::Reader>(std::move(opened));
    const pkg::Plan *plan = reader->findPlan("cuda");
    if (!plan)
      return notFound(file + " has no plan for cuda");
    toy = {};
    for (const auto &image : plan->images)
      if (image->kind == pkg::ImageKind::Toy)
        toy = reader->image(*image);
    if (toy.empty())
      return notFound(file + " has no toy image");
    for (const auto &image : plan->images) {
      if (image->kind != pkg::ImageKind::Cubin &&
          image->kind != pkg::ImageKind::PTX)
        continue;
      ACTNET_ASSIGN_OR_RETURN(auto bundle,
                              pkg::CodeBundle::parse(reader->image(*image)));
      for (const pkg::CodeBundle::Entry &entry : bundle.entries()) {
        PackageCode code{std::string(entry.name), -1, toy};
        for (uint32_t id = 0; id < plan->kernels.size(); ++id)
          if (plan->kernels[id]->symbol == entry.name)
            code.parameters = parametersOf(*plan, id);
        modules[moduleOf(entry.bytes, image->kind)] = std::move(code);
      }
    }
    return {};
  }
};

std::vector<std::byte> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::byte> result(bytes.size());
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

} // namespace

Expected<const toy::Image *> StandIn::image(std::span<const std::byte> bytes) {
  std::vector<std::byte> key(bytes.begin(), bytes.end());
  auto found = images.find(key);
  if (found == images.end()) {
    ACTNET_ASSIGN_OR_RETURN(auto loaded, toy::Image::load(bytes));
    found = images.emplace(std::move(key), std::move(loaded)).first;
  }
  return static_cast<const toy::Image *>(found->second.get());
}

/// Looks at a cubin that no package holds: whether a driver would take it, and
/// which kernel it has.
Result StandIn::findMade(const std::string &code, std::string &kernel,
                         unsigned &parameters, std::string &log) const {
  auto cubin = Cubin::read(code);
  if (!cubin) {
    log = cubin.status().str();
    return invalidImage;
  }
  unsigned own = unsigned(chosen.architecture);
  if (cubin->architecture / 10 != own / 10 || cubin->architecture > own) {
    log = "it is for sm_" + std::to_string(cubin->architecture);
    return noBinaryForGpu;
  }
  // A module of ours has one kernel, whose parameters have 8 bytes each.
  if (cubin->kernels.size() != 1) {
    log = std::to_string(cubin->kernels.size()) + " kernels, expected one";
    return invalidImage;
  }
  kernel = cubin->kernels[0].name;
  parameters = cubin->kernels[0].parameterBytes / 8;
  return success;
}

Result StandIn::findCode(const std::string &code, ModuleTag &module,
                         std::string &log) {
  std::string kernel;
  std::vector<std::byte> own;
  std::span<const std::byte> toy;
  char name[200];
  unsigned parameters, sum;
  constexpr const char *format = "actnet stand-in module: %199s %u %u\n";
  if (std::sscanf(code.c_str(), format, name, &parameters, &sum) == 3) {
    // Anything but the very text is damaged.
    char again[300];
    std::snprintf(again, sizeof again, "actnet stand-in module: %s %u %u\n",
                  name, parameters, sum);
    unsigned wanted = parameters;
    for (const char *c = name; *c; ++c)
      wanted = wanted * 31 + static_cast<unsigned char>(*c);
    if (code != again || sum != wanted) {
      log = "the checksum differs";
      return invalidImage;
    }
    const char *path = std::getenv("ACTNET_STANDIN_IMAGE");
    own = readFile(path ? path : "");
    toy = own;
    kernel = name;
  } else {
    static PackageIndex index;
    const char *path = std::getenv("ACTNET_STANDIN_PACKAGE");
    const char *imagePath = std::getenv("ACTNET_STANDIN_IMAGE");
    bool made = chosen.made && code.starts_with("\177ELF");
    if (!path && !(made && imagePath)) {
      log = "no module of the stand-in";
      return invalidImage;
    }
    if (path && index.path != path)
      if (Status status = index.read(path); !status) {
        log = status.str();
        return invalidImage;
      }
    const PackageCode *found = nullptr;
    if (auto known = index.modules.find(code);
        path && known != index.modules.end())
      found = &known->second;
    if (found && found->parameters >= 0) {
      kernel = found->kernel;
      parameters = unsigned(found->parameters);
      toy = found->toy;
    } else if (made) {
      if (Result result = findMade(code, kernel, parameters, log))
        return result;
      if (!path)
        own = readFile(imagePath);
      toy = path ? index.toy : own;
    } else {
      log = "not of the package " + index.path;
      return invalidImage;
    }
  }
  auto loaded = image(toy);
  if (!loaded) {
    log = loaded.status().str();
    return invalidImage;
  }
  auto entry = (*loaded)->find(kernel);
  if (!entry) {
    log = entry.status().str();
    return symbolNotFound;
  }
  if (auto cubin = Cubin::read(code))
    for (const Cubin::Kernel &each : cubin->kernels)
      if (each.name == kernel)
        module.sharedBytes = each.sharedBytes;
  module.entry = *entry;
  module.parameters = parameters;
  return success;
}

Result StandIn::loadModule(Module *module, const char *text, std::string &log) {
  // A cubin has zeros in it: its own header says how long it is.
  size_t bytes = std::strlen(text);
  if (std::string_view(text, bytes).starts_with("\177ELF"))
    bytes = Cubin::sizeOf(text);
  auto made = std::make_unique<ModuleTag>();
  std::lock_guard lock(mutex);
  Result result = findCode(std::string(text, bytes), *made, log);
  if (result != success)
    return result;
  made->bytes = bytes;
  own(int64_t(bytes));
  made->function = std::make_unique<FunctionTag>();
  made->function->module = made.get();
  made->function->mostShared -= int(made->sharedBytes);
  live.insert(made.get());
  live.insert(made->function.get());
  *module = made.release();
  return success;
}

} // namespace actnet::rt::cuda
