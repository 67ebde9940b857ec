//===- ContractRunner.cpp - printed kernels on the software GPU -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ContractRunner.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Codegen/CUDA/CudaImages.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "mlir/Parser/Parser.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/MathExtras.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;
namespace toy = actnet::rt::toy;

static size_t bytesOf(Type type) {
  return std::max(1u, type.getIntOrFloatBitWidth() / 8);
}

Memory Memory::of(Type type, const std::vector<double> &values) {
  Memory memory{type, {}, 0};
  memory.bytes.resize(values.size() * bytesOf(type));
  char *to = memory.bytes.data();
  for (double value : values) {
    uint64_t bits = static_cast<uint64_t>(
        static_cast<int64_t>(isa<FloatType>(type) ? 0 : value));
    if (auto floatType = dyn_cast<FloatType>(type)) {
      APFloat number(value);
      bool loses;
      number.convert(floatType.getFloatSemantics(),
                     APFloat::rmNearestTiesToEven, &loses);
      bits = number.bitcastToAPInt().getZExtValue();
    }
    std::memcpy(to, &bits, bytesOf(type));
    to += bytesOf(type);
  }
  return memory;
}

std::vector<double> Memory::values() const {
  std::vector<double> all;
  size_t step = bytesOf(type);
  for (size_t at = 0; at < bytes.size(); at += step) {
    uint64_t bits = 0;
    std::memcpy(&bits, bytes.data() + at, step);
    if (auto floatType = dyn_cast<FloatType>(type)) {
      APFloat number(floatType.getFloatSemantics(), APInt(8 * step, bits));
      bool loses;
      number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                     &loses);
      all.push_back(number.convertToDouble());
    } else {
      all.push_back(static_cast<double>(llvm::SignExtend64(bits, 8 * step)));
    }
  }
  return all;
}

int64_t testing::evaluateDim(graph::DimExprAttr expr,
                             const std::vector<int64_t> &dims) {
  return *graph::dimEvaluate(
      expr, [&](llvm::StringRef name) -> std::optional<int64_t> {
        return dims[std::stoi(name.drop_front().str())];
      });
}

int testing::numCases(int few) {
  const char *asked = std::getenv("ACTNET_CUDA_CASES");
  return asked && *asked ? std::atoi(asked) : few;
}

ToyRunner::ToyRunner(ModuleOp module, uint64_t seed) {
  auto texts = cuda::printKernels(module);
  if (failed(texts)) {
    error = "a kernel was not printed";
    return;
  }
  auto compiled = cuda::compileToyImage(module, *texts);
  if (failed(compiled)) {
    error = "the kernels do not compile for toy";
    return;
  }
  elf = *compiled;
  auto loaded = toy::Image::load(std::as_bytes(std::span(elf)));
  if (!loaded) {
    error = loaded.status().message();
    return;
  }
  image = std::move(*loaded);
  toy::EngineOptions options;
  options.seed = seed;
  engine = std::make_unique<toy::Engine>(options);
}

ToyKernels::ToyKernels(llvm::StringRef text)
    : module(parseSourceString<ModuleOp>(text, &compiler.context)) {
  if (!module) {
    error = "the text does not parse";
    return;
  }
  for (auto kernel : module->getOps<kernel::FuncOp>())
    if (failed(cuda::scheduleCuda(kernel))) {
      error = "no schedule for " + kernel.getSymName().str();
      return;
    }
  runner.emplace(*module);
  error = runner->error;
}

std::string ToyRunner::run(kernel::FuncOp kernel,
                           const std::vector<Memory> &operands,
                           std::vector<Memory> &results,
                           const std::vector<int64_t> &dims, bool isDense) {
  auto entry = image->find(kernel.getSymName().str());
  if (!entry)
    return std::string(entry.status().message());
  std::vector<void *> bases, places;
  std::vector<toy::OperandBounds> bounds;
  auto place = [&](const Memory &memory, toy::Access access) {
    auto made = engine->allocate(memory.bytes.size() + memory.skew + 1);
    if (!made)
      return false;
    bases.push_back(*made);
    places.push_back(static_cast<char *>(*made) + memory.skew);
    bounds.push_back({places.back(), memory.bytes.size(), access,
                      access == toy::Access::write});
    if (access == toy::Access::read) {
      std::memcpy(places.back(), memory.bytes.data(), memory.bytes.size());
      return engine->noteWritten(places.back(), memory.bytes.size()).isOk();
    }
    return true;
  };
  bool isPlaced = true;
  for (const Memory &operand : operands)
    isPlaced &= place(operand, toy::Access::read);
  for (const Memory &result : results)
    isPlaced &= place(result, toy::Access::write);
  if (!isPlaced)
    return "no memory";
  std::vector<void *> arguments;
  for (void *&each : places)
    arguments.push_back(&each);
  std::vector<int64_t> numbers(dims);
  for (int64_t &number : numbers)
    arguments.push_back(&number);
  DictionaryAttr schedule = kernel.getScheduleAttr();
  toy::Launch launch;
  launch.entry = *entry;
  launch.tiles = evaluateDim(*kernel.getTiles(), dims);
  launch.threads = schedule.getAs<IntegerAttr>("threads").getInt();
  launch.sharedBytes = schedule.getAs<IntegerAttr>("shared").getInt();
  launch.arguments = arguments;
  launch.operands = bounds;
  Status status = launch.tiles ? engine->run(launch) : Status();
  std::string message(status.message());
  for (size_t i = 0; i < results.size(); ++i) {
    void *from = places[operands.size() + i];
    Memory &result = results[i];
    std::memcpy(result.bytes.data(), from, result.bytes.size());
    Status written = engine->checkReadable(from, result.bytes.size());
    if (message.empty() && isDense)
      message = written.message();
  }
  for (void *base : bases)
    if (Status freed = engine->deallocate(base);
        !freed.isOk() && message.empty())
      message = freed.message();
  return message;
}
