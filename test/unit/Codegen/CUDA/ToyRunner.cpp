//===- ToyRunner.cpp - printed kernels on the software GPU ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ToyRunner.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;
using namespace actnet::rt;

static unsigned bytesOf(Type type) {
  return std::max(1u, type.getIntOrFloatBitWidth() / 8);
}

/// One element to and from memory.
static void put(Type type, char *to, double value) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    APFloat number(value);
    bool loses;
    number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &loses);
    uint64_t bits = number.bitcastToAPInt().getZExtValue();
    std::memcpy(to, &bits, bytesOf(type));
    return;
  }
  auto integer = static_cast<int64_t>(value);
  std::memcpy(to, &integer, bytesOf(type));
}

static double get(Type type, const char *from) {
  uint64_t bits = 0;
  std::memcpy(&bits, from, bytesOf(type));
  if (auto floatType = dyn_cast<FloatType>(type)) {
    APFloat number(floatType.getFloatSemantics(),
                   APInt(8 * bytesOf(type), bits));
    bool loses;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
    return number.convertToDouble();
  }
  return static_cast<double>(llvm::SignExtend64(bits, 8 * bytesOf(type)));
}

static int64_t evaluate(graph::DimExprAttr expr,
                        const std::vector<int64_t> &dims) {
  return *graph::dimEvaluate(
      expr, [&](llvm::StringRef name) -> std::optional<int64_t> {
        return dims[std::stoi(name.drop_front().str())];
      });
}

std::string actnet::testing::cudaText(kernel::FuncOp kernel) {
  FailureOr<std::string> text = cuda::emitCuda(kernel);
  EXPECT_TRUE(succeeded(text)) << kernel.getSymName().str();
  return succeeded(text) ? *text : std::string();
}

ToyKernels::ToyKernels(ModuleOp module) : module(module) {
  llvm::SmallString<64> source, library, log;
  int file = -1;
  if (llvm::sys::fs::createTemporaryFile("actnet-toy", "cu", file, source) ||
      llvm::sys::fs::createTemporaryFile("actnet-toy", "so", library) ||
      llvm::sys::fs::createTemporaryFile("actnet-toy", "log", log)) {
    error = "no temporary file";
    return;
  }
  {
    llvm::raw_fd_ostream stream(file, true);
    for (auto kernel : module.getOps<kernel::FuncOp>()) {
      if (failed(cuda::scheduleCuda(kernel))) {
        error = "cannot schedule " + kernel.getSymName().str();
        return;
      }
      stream << cudaText(kernel) << "\n";
    }
  }
  auto flags = llvm::MemoryBuffer::getFile(ACTNET_KERNELS_TOY "/flags.txt");
  if (!flags) {
    error = "no " ACTNET_KERNELS_TOY "/flags.txt";
    return;
  }
  SmallVector<StringRef> arguments{ACTNET_CLANG};
  (*flags)->getBuffer().split(arguments, '\n', -1, false);
  arguments.append({"-Wall", "-Werror", "-include",
                    ACTNET_KERNELS_TOY "/device.h", "-I", ACTNET_KERNELS_CUDA,
                    "-x", "c++", source, "-o", library});
  std::string message;
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(log),
                                          StringRef(log)};
  if (llvm::sys::ExecuteAndWait(ACTNET_CLANG, arguments, {}, redirects, 0, 0,
                                &message)) {
    auto said = llvm::MemoryBuffer::getFile(log);
    error = "clang refuses " + source.str().str() + ": " + message +
            (said ? (*said)->getBuffer().str() : std::string());
    return;
  }
  auto elf = llvm::MemoryBuffer::getFile(library);
  if (!elf) {
    error = "no image";
    return;
  }
  auto loaded = toy::Image::load(
      {reinterpret_cast<const std::byte *>((*elf)->getBufferStart()),
       (*elf)->getBufferSize()});
  if (!loaded)
    error = loaded.status().str();
  else
    image = std::move(*loaded);
  for (StringRef path : {source, library, log})
    llvm::sys::fs::remove(path);
}

namespace {

/// A tensor in the engine's memory.
struct Placed {
  Type type;
  std::vector<int64_t> shape, strides;
  char *base = nullptr;
  int64_t bytes = 0;

  int64_t place(int64_t number) const {
    int64_t at = 0;
    for (size_t d = shape.size(); d-- > 0;) {
      at += number % shape[d] * strides[d];
      number /= shape[d];
    }
    return at * bytesOf(type);
  }
};

Placed shapeOf(Type type, ArrayRef<graph::DimExprAttr> dims,
               ArrayRef<graph::DimExprAttr> strides,
               const std::vector<int64_t> &values) {
  Placed placed{getElementTypeOrSelf(type), {}, {}};
  int64_t last = 0;
  bool isEmpty = false;
  for (auto [dim, stride] : llvm::zip(dims, strides)) {
    placed.shape.push_back(evaluate(dim, values));
    placed.strides.push_back(evaluate(stride, values));
    last += (placed.shape.back() - 1) * placed.strides.back();
    isEmpty |= placed.shape.back() == 0;
  }
  placed.bytes = isEmpty ? 0 : (last + 1) * bytesOf(placed.type);
  return placed;
}

} // namespace

std::string ToyKernels::check(llvm::StringRef name, const ToyRun &run,
                              const Reference &reference) {
  if (!image)
    return error;
  auto kernel = module.lookupSymbol<kernel::FuncOp>(name);
  if (!kernel)
    return "no such kernel";
  auto entry = image->find(name.str());
  if (!entry)
    return entry.status().str();

  toy::Engine engine({run.seed, 1});
  std::mt19937 random(run.seed);
  std::uniform_real_distribution<double> any(run.lo, run.hi);
  std::string problem;
  auto place = [&](Placed &placed) {
    int64_t offset = run.isUnaligned ? bytesOf(placed.type) : 0;
    auto memory = engine.allocate(placed.bytes + offset + 1);
    if (!memory)
      problem = memory.status().str();
    else
      placed.base = static_cast<char *>(*memory) + offset;
  };
  std::vector<Placed> all;
  std::vector<Tensor> operands;
  unsigned inputs = kernel.getNumOperandTensors();
  for (unsigned i = 0; i < inputs; ++i) {
    Placed placed = shapeOf(kernel.getArgumentTypes()[i], kernel.getArgDims(i),
                            kernel.getArgStrides(i), run.dims);
    place(placed);
    if (!problem.empty())
      return problem;
    Tensor tensor{placed.shape, {}};
    tensor.data.resize(tensor.size());
    for (int64_t e = 0; e < tensor.size(); ++e) {
      double value = any(random);
      if (isa<IntegerType>(placed.type))
        value = placed.type.isInteger(1) ? value > 0 : std::round(value);
      char *to = placed.base + placed.place(e);
      put(placed.type, to, value);
      tensor.data[e] = get(placed.type, to);
      if (placed.bytes)
        if (auto status = engine.noteWritten(to, bytesOf(placed.type)); !status)
          return status.str();
    }
    operands.push_back(tensor);
    all.push_back(placed);
  }
  std::vector<toy::Access> access(inputs, toy::Access::read);
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i) {
    Placed placed = shapeOf(kernel.getResultTypes()[i], kernel.getResultDims(i),
                            kernel.getResultStrides(i), run.dims);
    auto pairs = kernel.getInplace();
    bool isInPlace = false;
    for (unsigned k = 0; pairs && k + 1 < pairs->size(); k += 2)
      if ((*pairs)[k + 1] == i && !isInPlace) {
        isInPlace = true;
        placed.base = all[(*pairs)[k]].base;
        access[(*pairs)[k]] = toy::Access::readWrite;
      }
    if (!isInPlace)
      place(placed);
    if (!problem.empty())
      return problem;
    access.push_back(isInPlace ? toy::Access::readWrite : toy::Access::write);
    all.push_back(placed);
  }

  std::vector<void *> pointers;
  std::vector<toy::OperandBounds> bounds;
  for (auto [placed, kind] : llvm::zip(all, access)) {
    pointers.push_back(placed.base);
    bounds.push_back({placed.base, static_cast<uint64_t>(placed.bytes), kind,
                      kind == toy::Access::write});
  }
  std::vector<int64_t> dims = run.dims;
  std::vector<void *> arguments;
  for (void *&pointer : pointers)
    arguments.push_back(&pointer);
  for (int64_t &dim : dims)
    arguments.push_back(&dim);
  toy::Launch launch;
  launch.entry = *entry;
  launch.tiles = evaluate(*kernel.getTiles(), run.dims);
  DictionaryAttr schedule = kernel.getScheduleAttr();
  launch.threads = schedule.getAs<IntegerAttr>("threads").getInt();
  launch.sharedBytes = schedule.getAs<IntegerAttr>("shared").getInt();
  launch.arguments = arguments;
  launch.operands = bounds;

  std::vector<Tensor> want =
      reference ? reference(operands) : interpret(kernel, operands, run.dims);
  if (auto status = engine.run(launch); !status)
    return status.str();
  for (auto [i, tensor] : llvm::enumerate(want)) {
    const Placed &placed = all[inputs + i];
    for (int64_t e = 0; e < tensor.size(); ++e) {
      const char *from = placed.base + placed.place(e);
      if (auto status = engine.checkReadable(from, bytesOf(placed.type));
          !status)
        return "result " + std::to_string(i) + " element " + std::to_string(e) +
               ": " + status.str();
      double have = get(placed.type, from), wanted = tensor.data[e];
      bool isSame = placed.type.isInteger(1)
                        ? (have != 0) == (wanted != 0)
                        : std::abs(have - wanted) <=
                                  run.tolerance * (1 + std::abs(wanted)) ||
                              have == wanted ||
                              (std::isnan(have) && std::isnan(wanted));
      if (!isSame)
        return "result " + std::to_string(i) + " element " + std::to_string(e) +
               " is " + std::to_string(have) + ", expected " +
               std::to_string(wanted);
    }
  }
  return "";
}
