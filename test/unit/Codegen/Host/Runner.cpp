//===- Runner.cpp - compiling and running kernels in tests ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/Transforms/HostNest.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/raw_ostream.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;

Compiler::Compiler() {
  DialectRegistry registry;
  host::registerHostCodegenDialects(registry);
  registry.insert<graph::GraphDialect, kernel::KernelDialect,
                  affine::AffineDialect>();
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

Kernels::Kernels(Compiler &compiler, llvm::StringRef text,
                 llvm::StringRef variantName) {
  ScopedDiagnosticHandler handler(&compiler.context,
                                  [&](Diagnostic &diagnostic) {
                                    if (error.empty())
                                      error = diagnostic.str();
                                    return success();
                                  });
  module = parseSourceString<ModuleOp>(text, &compiler.context);
  if (!module)
    return;
  for (auto op : module->getOps<kernel::FuncOp>())
    if (!op.getSchedule() && failed(kernel::scheduleHost(op)))
      return;
  auto variant = host::HostVariant::get(variantName, module->getLoc());
  if (failed(variant))
    return;
  auto made = host::compileHostImage(*module, *variant);
  if (succeeded(made))
    image = std::move(*made);
  if (!image || variantName != "x86-64-v3")
    return;
  char path[] = "/tmp/actnet-kernels-XXXXXX";
  int file = mkstemp(path);
  if (write(file, image->elf.data(), image->elf.size()) ==
      static_cast<ssize_t>(image->elf.size()))
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    error = dlerror();
  close(file);
  unlink(path);
}

Kernels::~Kernels() {
  if (handle)
    dlclose(handle);
}

kernel::FuncOp Kernels::kernel(llvm::StringRef name) {
  return module->lookupSymbol<kernel::FuncOp>(name);
}

Kernels::Function Kernels::function(llvm::StringRef name) {
  return reinterpret_cast<Function>(dlsym(handle, name.str().c_str()));
}

static int64_t evaluate(graph::DimExprAttr expr,
                        const std::vector<int64_t> &dims) {
  return *graph::dimEvaluate(
      expr, [&](llvm::StringRef name) -> std::optional<int64_t> {
        return dims[std::stoi(name.drop_front().str())];
      });
}

static std::vector<int64_t> evaluate(ArrayRef<graph::DimExprAttr> exprs,
                                     const std::vector<int64_t> &dims) {
  std::vector<int64_t> out;
  for (graph::DimExprAttr expr : exprs)
    out.push_back(evaluate(expr, dims));
  return out;
}

int64_t Kernels::tiles(llvm::StringRef name, const std::vector<int64_t> &dims) {
  return evaluate(*kernel(name).getTiles(), dims);
}

std::vector<int64_t> Kernels::shapeOfArg(llvm::StringRef name, unsigned i,
                                         const std::vector<int64_t> &dims) {
  return evaluate(kernel(name).getArgDims(i), dims);
}

namespace {

/// Bytes that end at a page without rights.
class Guarded {
public:
  explicit Guarded(size_t bytes) {
    size_t page = 4096, whole = (bytes + page - 1) / page * page;
    length = whole + page;
    base = static_cast<char *>(mmap(nullptr, length, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base + whole, page, PROT_NONE);
    data = base + whole - bytes;
  }
  Guarded(const Guarded &) = delete;
  ~Guarded() { munmap(base, length); }
  char *data = nullptr;

private:
  char *base = nullptr;
  size_t length = 0;
};

unsigned bytesOf(Type type) {
  return std::max(1u, (type.isIndex() ? 64 : type.getIntOrFloatBitWidth()) / 8);
}

void put(Type type, char *to, double value) {
  auto as = [&](auto v) { std::memcpy(to, &v, sizeof v); };
  if (type.isF32())
    return as(static_cast<float>(value));
  if (type.isF64())
    return as(value);
  if (auto narrow = dyn_cast<FloatType>(type)) {
    APFloat number(value);
    bool lost;
    number.convert(narrow.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &lost);
    return as(static_cast<uint16_t>(number.bitcastToAPInt().getZExtValue()));
  }
  auto integer = static_cast<int64_t>(value);
  std::memcpy(to, &integer, bytesOf(type));
}

double get(Type type, const char *from) {
  auto as = [&](auto v) {
    std::memcpy(&v, from, sizeof v);
    return v;
  };
  if (type.isF32())
    return as(float());
  if (type.isF64())
    return as(double());
  if (auto narrow = dyn_cast<FloatType>(type)) {
    APFloat number(narrow.getFloatSemantics(), APInt(16, as(uint16_t())));
    return number.convertToDouble();
  }
  switch (bytesOf(type)) {
  case 1:
    return as(int8_t());
  case 2:
    return as(int16_t());
  case 4:
    return as(int32_t());
  default:
    return static_cast<double>(as(int64_t()));
  }
}

struct Buffer {
  Type type;
  std::vector<int64_t> shape, strides;
  std::unique_ptr<Guarded> memory;

  Buffer(Type type, std::vector<int64_t> shape, std::vector<int64_t> strides)
      : type(type), shape(std::move(shape)), strides(std::move(strides)) {
    memory = std::make_unique<Guarded>(elements() * bytesOf(type));
    std::memset(memory->data, 0xcd, elements() * bytesOf(type));
  }
  int64_t elements() const {
    int64_t last = 0;
    for (size_t d = 0; d < shape.size(); ++d)
      last += (shape[d] - 1) * strides[d];
    return last + 1;
  }
  /// Offset of the i-th element, row-major.
  int64_t place(int64_t i) const {
    int64_t offset = 0;
    for (size_t d = shape.size(); d-- > 0; i /= shape[d])
      offset += i % shape[d] * strides[d];
    return offset;
  }
};

} // namespace

std::vector<Tensor> Kernels::run(llvm::StringRef name,
                                 const std::vector<Tensor> &operands,
                                 const std::vector<int64_t> &dims) {
  kernel::FuncOp op = kernel(name);
  std::vector<Buffer> buffers;
  for (unsigned i = 0; i < operands.size(); ++i) {
    buffers.emplace_back(getElementTypeOrSelf(op.getArgumentTypes()[i]),
                         evaluate(op.getArgDims(i), dims),
                         evaluate(op.getArgStrides(i), dims));
    Buffer &buffer = buffers.back();
    for (int64_t e = 0; e < operands[i].size(); ++e)
      put(buffer.type,
          buffer.memory->data + buffer.place(e) * bytesOf(buffer.type),
          operands[i].data[e]);
  }
  for (unsigned i = 0; i < op.getResultTypes().size(); ++i)
    buffers.emplace_back(getElementTypeOrSelf(op.getResultTypes()[i]),
                         evaluate(op.getResultDims(i), dims),
                         evaluate(op.getResultStrides(i), dims));
  std::vector<void *> pointers;
  for (Buffer &buffer : buffers)
    pointers.push_back(buffer.memory->data);
  Guarded scratch(((op.getScratch() ? *op.getScratch() : 0) + 63) / 64 * 64);
  Function code = function(name);
  for (int64_t tile = tiles(name, dims); tile-- > 0;)
    code(pointers.data(), dims.data(), scratch.data, tile);
  std::vector<Tensor> results;
  for (size_t i = operands.size(); i < buffers.size(); ++i) {
    Buffer &buffer = buffers[i];
    Tensor t{buffer.shape, {}};
    std::vector<bool> written(buffer.elements(), false);
    for (int64_t e = 0; e < t.size(); ++e) {
      written[buffer.place(e)] = true;
      t.data.push_back(
          get(buffer.type,
              buffer.memory->data + buffer.place(e) * bytesOf(buffer.type)));
    }
    // Gaps between strides belong to others.
    for (int64_t e = 0; e < buffer.elements(); ++e)
      for (unsigned byte = 0; byte < bytesOf(buffer.type) && !written[e];
           ++byte)
        if (static_cast<uint8_t>(
                buffer.memory->data[e * bytesOf(buffer.type) + byte]) != 0xcd)
          error = "wrote into a gap of result " +
                  std::to_string(i - operands.size());
    results.push_back(t);
  }
  return results;
}

std::string Kernels::check(llvm::StringRef name,
                           const std::vector<Tensor> &operands,
                           const std::vector<int64_t> &dims, double rtol,
                           double atol) {
  std::vector<Tensor> have = run(name, operands, dims),
                      want = interpret(kernel(name), operands, dims);
  if (!error.empty())
    return error;
  for (size_t r = 0; r < want.size(); ++r) {
    if (have[r].shape != want[r].shape)
      return "result " + std::to_string(r) + " has another shape";
    for (size_t i = 0; i < want[r].data.size(); ++i) {
      double x = have[r].data[i], y = want[r].data[i];
      // Bool is a byte of 0 or 1.
      if (getElementTypeOrSelf(kernel(name).getResultTypes()[r]).isInteger(1))
        y = y != 0;
      bool same = std::isnan(y) ? std::isnan(x)
                                : x == y || std::fabs(x - y) <=
                                                atol + rtol * std::fabs(y);
      if (!same) {
        std::string text;
        llvm::raw_string_ostream os(text);
        os << "result " << r << "[" << i << "] is " << x << ", expected " << y
           << " (dims";
        for (int64_t d : dims)
          os << " " << d;
        os << ")";
        return text;
      }
    }
  }
  return {};
}

std::string Kernels::checkRandom(llvm::StringRef name,
                                 const std::vector<int64_t> &dims,
                                 unsigned seed, double lo, double hi,
                                 double rtol, double atol) {
  kernel::FuncOp op = kernel(name);
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> uniform(lo, hi);
  std::vector<Tensor> operands;
  for (unsigned i = 0; i < op.getNumOperandTensors(); ++i) {
    Tensor t{evaluate(op.getArgDims(i), dims), {}};
    Type type = getElementTypeOrSelf(op.getArgumentTypes()[i]);
    for (int64_t e = 0; e < t.size(); ++e) {
      // As memory holds it, so that both sides start from the same numbers.
      char bytes[8] = {};
      double value = uniform(engine);
      put(type, bytes, type.isInteger(1) ? value > 0 : value);
      t.data.push_back(get(type, bytes));
    }
    operands.push_back(t);
  }
  return check(name, operands, dims, rtol, atol);
}
