//===- KernelRunner.cpp - compile a kernel's text and call it -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelRunner.h"

#include "actnet/Codegen/Host/HostCodegen.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Kernel/Transforms/HostAttention.h"
#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"
#include "actnet/Dialect/Kernel/Transforms/HostNest.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <random>
#include <unistd.h>

using namespace mlir;
using namespace actnet;

using KernelFn = void (*)(void *const *, const int64_t *, void *, int64_t);

struct KernelRunner::State {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  void *handle = nullptr;
  void *scratch = nullptr;
  int64_t scratchBytes = 0;

  kernel::FuncOp find(const std::string &name) {
    return module->lookupSymbol<kernel::FuncOp>(name);
  }
};

KernelRunner::KernelRunner(const std::string &text, const std::string &variant)
    : state(new State) {
  DialectRegistry registry;
  host::registerHostCodegenDialects(registry);
  registry.insert<graph::GraphDialect, kernel::KernelDialect>();
  state->context.appendDialectRegistry(registry);
  state->context.loadAllAvailableDialects();
  state->context.disableMultithreading();
  ScopedDiagnosticHandler handler(&state->context, [&](Diagnostic &diagnostic) {
    llvm::raw_string_ostream(message)
        << diagnostic.getLocation() << ": " << diagnostic << "\n";
    return success();
  });
  state->module = parseSourceString<ModuleOp>(text, &state->context);
  if (!state->module) {
    message += "cannot parse";
    return;
  }
  for (auto kernel : state->module->getOps<kernel::FuncOp>()) {
    LogicalResult scheduled = kernel::scheduleHost(kernel);
    if (failed(scheduled)) {
      message += "cannot schedule";
      return;
    }
    state->scratchBytes =
        std::max<int64_t>(state->scratchBytes, kernel.getScratch().value_or(0));
  }
  bool wide = variant == "wide";
  auto level = host::HostVariant::get(wide ? "x86-64-v3" : variant,
                                      state->module->getLoc());
  if (wide && succeeded(level)) {
    level->vectorBits = 512;
    level->vectorRegisters = 32;
  }
  if (failed(level))
    return;
  auto image = host::compileHostImage(*state->module, *level);
  if (failed(image)) {
    message += "cannot compile";
    return;
  }
  char path[] = "/tmp/actnet-kernel-XXXXXX";
  int file = mkstemp(path);
  if (file < 0 || write(file, image->elf.data(), image->elf.size()) !=
                      ssize_t(image->elf.size()))
    message += "cannot write the image";
  close(file);
  if (const char *keep = std::getenv("ACTNET_KEEP_IMAGE"))
    (void)!std::system((std::string("cp ") + path + " " + keep).c_str());
  if (message.empty()) {
    state->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!state->handle)
      message = dlerror();
  }
  unlink(path);
  state->scratch =
      std::aligned_alloc(64, (state->scratchBytes + 127) / 64 * 64);
}

KernelRunner::~KernelRunner() {
  if (state->handle)
    dlclose(state->handle);
  std::free(state->scratch);
}

std::string KernelRunner::schedule(const std::string &name) const {
  std::string text;
  llvm::raw_string_ostream os(text);
  kernel::FuncOp kernel = state->find(name);
  os << kernel.getScheduleAttr() << " tiles " << kernel.getTilesAttr()
     << " scratch " << kernel.getScratch().value_or(0);
  return text;
}

int64_t KernelRunner::tiles(const std::string &name,
                            const std::vector<int64_t> &dims) const {
  return graph::dimEvaluate(*state->find(name).getTiles(),
                            [&](StringRef symbol) -> std::optional<int64_t> {
                              unsigned number;
                              if (!symbol.consume_front("d") ||
                                  symbol.getAsInteger(10, number))
                                return std::nullopt;
                              return dims[number];
                            })
      .value_or(-1);
}

std::vector<KernelRunner::Call> KernelRunner::calls(int64_t size) const {
  std::vector<Call> all;
  std::map<std::string, unsigned> known;
  state->module->walk([&](kernel::DispatchOp dispatch) {
    std::string name = dispatch.getCallee().str();
    auto [it, isNew] = known.try_emplace(name, all.size());
    if (isNew) {
      Call call;
      call.name = name;
      kernel::FuncOp kernel = state->find(name);
      call.family = kernel::stringifyFamily(kernel.getFamily()).str();
      auto constant = [&](StringRef) { return std::optional<int64_t>(size); };
      for (Attribute dim : dispatch.getDims())
        call.dims.push_back(
            graph::dimEvaluate(cast<graph::DimExprAttr>(dim), constant)
                .value_or(1));
      auto own = [&](StringRef symbol) -> std::optional<int64_t> {
        unsigned number;
        if (!symbol.consume_front("d") || symbol.getAsInteger(10, number))
          return std::nullopt;
        return call.dims[number];
      };
      auto bytes = [&](Type type, ArrayRef<graph::DimExprAttr> dims,
                       ArrayRef<graph::DimExprAttr> strides) {
        int64_t last = 1;
        for (auto [dim, stride] : llvm::zip(dims, strides))
          last += (graph::dimEvaluate(dim, own).value_or(1) - 1) *
                  graph::dimEvaluate(stride, own).value_or(1);
        Type element = cast<RankedTensorType>(type).getElementType();
        return last *
               int64_t(llvm::divideCeil(element.getIntOrFloatBitWidth(), 8));
      };
      for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i)
        call.bytes.push_back(bytes(kernel.getArgumentTypes()[i],
                                   kernel.getArgDims(i),
                                   kernel.getArgStrides(i)));
      for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
        call.bytes.push_back(bytes(kernel.getResultTypes()[i],
                                   kernel.getResultDims(i),
                                   kernel.getResultStrides(i)));
      auto known = [&](int64_t extent) {
        return double(ShapedType::isDynamic(extent)
                          ? (call.dims.empty() ? 1 : call.dims[0])
                          : extent);
      };
      bool contraction = call.family == "contract" || call.family == "conv" ||
                         call.family == "depthwise";
      if (contraction) {
        call.flops = 2;
        for (int64_t extent : kernel::findRoot(kernel).getStaticLoopRanges())
          call.flops *= known(extent);
      } else if (auto attention = kernel::readHostAttention(kernel)) {
        call.flops =
            2 * (known(attention->extents[4]) + known(attention->extents[5]));
        for (int d = 0; d < 4; ++d)
          call.flops *= known(attention->extents[d]);
      }
      all.push_back(call);
    }
    ++all[it->second].count;
  });
  return all;
}

void KernelRunner::run(const std::string &name, std::vector<void *> operands,
                       std::vector<int64_t> dims) {
  int64_t count = tiles(name, dims);
  auto kernel = reinterpret_cast<KernelFn>(dlsym(state->handle, name.c_str()));
  // Backwards and with torn scratch: tiles depend on nothing but the operands.
  for (int64_t tile = count; tile-- > 0;) {
    std::memset(state->scratch, 0xff, state->scratchBytes);
    kernel(operands.data(), dims.data(), state->scratch, tile);
  }
}

void KernelRunner::runFast(const std::string &name, void *const *operands,
                           const int64_t *dims, int64_t tiles) {
  auto kernel = reinterpret_cast<KernelFn>(dlsym(state->handle, name.c_str()));
  for (int64_t tile = 0; tile < tiles; ++tile)
    kernel(operands, dims, state->scratch, tile);
}

bool KernelRunner::supports(const std::string &variant) {
  __builtin_cpu_init();
  if (variant == "x86-64-v4")
    return __builtin_cpu_supports("x86-64-v4");
  return __builtin_cpu_supports("x86-64-v3"); // "wide" too
}

Floats::Floats(int64_t count, uint32_t seed) : count(count) {
  data =
      static_cast<float *>(std::aligned_alloc(64, (count * 4 + 127) / 64 * 64));
  std::minstd_rand engine(seed * 7919 + 1);
  for (int64_t i = 0; i < count; ++i)
    data[i] =
        static_cast<float>(static_cast<int>(engine() % 2001) - 1000) / 1000.f;
}
Floats::~Floats() { std::free(data); }
