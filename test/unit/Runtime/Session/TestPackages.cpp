//===- TestPackages.cpp - small packages written by hand ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestPackages.h"
#include "actnet/Package/CodeBundle.h"
#include "actnet/Package/Lifetimes.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>

using namespace actnet;
using namespace actnet::pkg;

namespace {
enum KernelId : uint32_t {
  scale,
  addRow,
  add,
  addCounter,
  below100,
  touch,
  dense
};

std::string readText(const std::string &path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

/// The text of one kernel of kernels.cu: what stands before the first, and the
/// kernel.
std::string kernelText(const std::string &all, const std::string &symbol) {
  std::string begin = "ACTNET_KERNEL(64) " + symbol + "(",
              end = "ACTNET_ENTRY(" + symbol + ")\n";
  size_t from = all.find(begin), to = all.find(end);
  return all.substr(0, all.rfind("\n\n", all.find("ACTNET_KERNEL"))) + "\n\n" +
         all.substr(from, to + end.size() - from) + "\n} // namespace actnet\n";
}

/// Collects a package and writes it.
struct Builder {
  /// What there is for GPUs besides the toy image.
  enum class Gpu { code, text, old, wrong };
  Gpu gpu = Gpu::code;
  ExprPool pool;
  Interface interface;
  Plan plan;
  std::vector<std::byte> weights;

  void kernel(const char *symbol, std::vector<Access> access,
              uint64_t scratch = 0) {
    auto k = std::make_unique<Kernel>();
    k->symbol = symbol;
    k->family = "map";
    k->access = std::move(access);
    k->scratch_bytes = scratch;
    plan.kernels.push_back(std::move(k));
  }

  Builder() {
    interface.producer = "test packages";
    plan.target = "host";
    kernel("scale", {Access::Read, Access::Write});
    kernel("addRow", {Access::Read, Access::Read, Access::Write}, 256);
    kernel("add", {Access::Read, Access::Read, Access::Write});
    kernel("addCounter", {Access::Read, Access::ReadWrite});
    kernel("below100", {Access::Read, Access::Write});
    kernel("touch", {Access::Read, Access::Write});
    for (const char *isa : {"x86-64-v2", "x86-64"}) {
      auto image = std::make_unique<Image>();
      image->isa = isa;
      image->section = std::string("code.host.") + isa;
      plan.images.push_back(std::move(image));
    }
  }

  ExprId dim(const char *name, int64_t lower, int64_t upper) {
    auto d = std::make_unique<Dim>();
    d->name = name;
    d->lower = lower;
    d->upper = upper;
    interface.dims.push_back(std::move(d));
    return pool.symbol(uint32_t(interface.dims.size() - 1));
  }
  uint32_t weight(const char *name, std::vector<float> values) {
    auto w = std::make_unique<Weight>();
    w->name = name;
    w->shape = {int64_t(values.size())};
    weights.resize((weights.size() + 63) / 64 * 64);
    w->offset = weights.size();
    w->bytes = values.size() * 4;
    weights.resize(weights.size() + w->bytes);
    std::memcpy(weights.data() + w->offset, values.data(), w->bytes);
    interface.weights.push_back(std::move(w));
    return uint32_t(interface.weights.size() - 1);
  }
  ExprId c(int64_t value) { return pool.constant(value); }
  ExprId tiles(ExprId n) { return pool.ceilDiv(n, c(64)); }

  /// The kernels' texts and what they include.
  std::vector<std::byte> textBundle() const {
    CodeBundleWriter texts;
    std::string all = readText(ACTNET_TEST_KERNELS_TEXT);
    for (const auto &kernel : plan.kernels) {
      std::string text = kernelText(all, kernel->symbol);
      if (gpu == Gpu::wrong && kernel->symbol == "add")
        text.replace(text.find("x[element()]"), 1, "noSuchName");
      texts.add(kernel->symbol + ".cu", text);
    }
    texts.add("device.h", readText(ACTNET_TEST_DEVICE_HEADER));
    return texts.finish();
  }

  /// The same plan for cuda, with its images.
  Status addCudaPlan(const std::vector<std::byte> &toy, Writer &writer) {
    Plan cuda = plan;
    cuda.target = "cuda";
    cuda.images.clear();
    CodeBundleWriter modules;
    constexpr unsigned parameters[] = {3, 5, 4, 3, 2, 3, 6};
    for (size_t i = 0; i < cuda.kernels.size(); ++i) {
      Kernel &kernel = *cuda.kernels[i];
      kernel.scratch_bytes = 0;
      kernel.threads = 64;
      modules.add(kernel.symbol,
                  rt::test::standInModule(kernel.symbol, parameters[i]));
    }
    std::vector<std::byte> bundle = modules.finish(), text = textBundle();
    struct Code {
      ImageKind kind;
      const char *isa;
      std::span<const std::byte> bytes;
    };
    std::vector<Code> codes;
    if (gpu == Gpu::code)
      codes = {{ImageKind::Cubin, "sm_80", bundle},
               {ImageKind::Cubin, "sm_90a", bundle},
               {ImageKind::PTX, "compute_80", bundle}};
    if (gpu == Gpu::old)
      codes = {{ImageKind::Cubin, "sm_70", bundle}};
    if (gpu != Gpu::code)
      codes.push_back({ImageKind::CudaText, "text", text});
    codes.push_back({ImageKind::Toy, "toy", toy});
    for (const Code &from : codes) {
      auto image = std::make_unique<Image>();
      image->kind = from.kind;
      image->isa = from.isa;
      image->section = std::string("code.cuda.") + from.isa;
      ACTNET_RETURN_IF_ERROR(writer.addSection(image->section, from.bytes));
      cuda.images.push_back(std::move(image));
    }
    return writer.addPlan(cuda);
  }

  Status write(const std::vector<std::byte> &code,
               const std::vector<std::byte> &toy, Writer &writer) {
    interface.exprs = pool.code();
    ACTNET_RETURN_IF_ERROR(planAll(interface, plan));
    ACTNET_RETURN_IF_ERROR(writer.addSection(weightsSection, weights));
    for (const auto &image : plan.images)
      ACTNET_RETURN_IF_ERROR(writer.addSection(image->section, code));
    if (!toy.empty())
      ACTNET_RETURN_IF_ERROR(addCudaPlan(toy, writer));
    ACTNET_RETURN_IF_ERROR(writer.addPlan(plan));
    ACTNET_RETURN_IF_ERROR(writer.addInterface(interface));
    return writer.finish();
  }
};

/// One function under construction.
struct FunctionBuilder {
  Builder &b;
  Function &function;
  FunctionPlan &plan;
  std::vector<std::unique_ptr<Record>> *records;

  FunctionBuilder(Builder &b, const char *name)
      : b(b), function(*b.interface.functions.emplace_back(
                  std::make_unique<Function>())),
        plan(*b.plan.functions.emplace_back(std::make_unique<FunctionPlan>())) {
    function.name = name;
    plan.function = uint32_t(b.interface.functions.size() - 1);
    plan.body = std::make_unique<Block>();
    records = &plan.body->records;
  }
  uint32_t buffer(const char *name, Region region, ExprId bytes,
                  uint32_t binding = none) {
    auto buffer = std::make_unique<Buffer>();
    buffer->name = name;
    buffer->region = region;
    buffer->size = bytes;
    buffer->binding = binding;
    plan.buffers.push_back(std::move(buffer));
    return uint32_t(plan.buffers.size() - 1);
  }
  uint32_t tensor(bool input, const char *name, DType dtype,
                  std::vector<ExprId> shape) {
    ExprId bytes = b.c(int64_t(dtypeBytes(dtype)));
    for (ExprId extent : shape)
      bytes = b.pool.mul(bytes, extent);
    auto t = std::make_unique<Tensor>();
    t->name = name;
    t->dtype = dtype;
    t->shape = std::move(shape);
    auto &list = input ? function.inputs : function.outputs;
    list.push_back(std::move(t));
    return buffer(name, input ? Region::Input : Region::Output, bytes,
                  uint32_t(list.size() - 1));
  }
  uint32_t input(const char *name, DType dtype, std::vector<ExprId> shape) {
    return tensor(true, name, dtype, std::move(shape));
  }
  uint32_t output(const char *name, DType dtype, std::vector<ExprId> shape) {
    return tensor(false, name, dtype, std::move(shape));
  }
  void launch(uint32_t kernel, std::vector<uint32_t> operands,
              std::vector<ExprId> dims, ExprId tiles, uint16_t stream = 0) {
    Launch l;
    l.kernel = kernel;
    l.operands = std::move(operands);
    l.dims = std::move(dims);
    l.tiles = tiles;
    records->push_back(makeRecord(std::move(l), stream));
  }
  void copy(uint32_t src, uint32_t dst, ExprId bytes) {
    Copy c;
    c.src = src;
    c.dst = dst;
    c.bytes = bytes;
    records->push_back(makeRecord(std::move(c)));
  }
  void reply() { records->push_back(makeRecord(Reply{})); }
  /// Lets `fill` write the records of a nested block.
  std::unique_ptr<Block> block(const std::function<void()> &fill) {
    auto nested = std::make_unique<Block>();
    auto *outer = std::exchange(records, &nested->records);
    fill();
    records = outer;
    return nested;
  }
};

void affine(Builder &b, int64_t upper, uint16_t streams, bool liar = false) {
  b.interface.model = liar ? "liar" : "affine";
  ExprId n = b.dim("N", 1, upper), four = b.c(4);
  ExprId count = b.pool.mul(n, four), bytes = b.pool.mul(count, four);
  uint32_t bias = b.weight("b", {1, 2, 3, 4});
  FunctionBuilder f(b, "main");
  uint32_t x = f.input("x", DType::F32, {n, four});
  uint32_t y = f.output("y", DType::F32, {n, four});
  uint32_t t = f.buffer("t", Region::Scratch, bytes);
  uint32_t w = f.buffer("b", Region::Weight, b.c(16), bias);
  f.launch(scale, {x, t}, {count}, b.tiles(count));
  if (streams > 1) {
    f.plan.streams = 2;
    f.plan.signals = 2;
    Signal s;
    Await a;
    f.records->push_back(makeRecord(s, 0));
    f.records->push_back(makeRecord(a, 1));
  }
  f.launch(addRow, {t, w, y}, {count, four}, b.tiles(count), streams - 1);
  if (liar) {
    uint32_t small = f.buffer("small", Region::Scratch, b.c(16));
    f.launch(touch, {x, small}, {b.c(1 << 20)}, b.c(1));
  }
  f.reply();
}

void sum(Builder &b) {
  b.interface.model = "sum";
  ExprId n = b.dim("N", 1, 16);
  FunctionBuilder f(b, "main");
  uint32_t a0 = f.input("a", DType::F32, {n});
  uint32_t a1 = f.input("b", DType::F32, {n});
  uint32_t z = f.output("z", DType::F32, {n});
  f.launch(add, {a0, a1, z}, {n}, b.tiles(n));
  f.reply();
}

void solve(Builder &b) {
  b.interface.model = "solve";
  ExprId n = b.dim("N", 1, 16);
  ExprId length = b.pool.add(b.pool.mul(n, b.c(2)), b.c(1));
  FunctionBuilder f(b, "main");
  uint32_t x = f.input("x", DType::F32, {length});
  uint32_t y = f.output("y", DType::F32, {length});
  f.copy(x, y, b.pool.mul(length, b.c(4)));
  f.reply();
}

void control(Builder &b) {
  b.interface.model = "control";
  ExprId four = b.c(4), one = b.c(1), bytes = b.c(16);
  FunctionBuilder f(b, "main");
  uint32_t x = f.input("x", DType::F32, {four});
  uint32_t c = f.input("c", DType::Bool, {});
  uint32_t y = f.output("y", DType::F32, {four});
  uint32_t t = f.buffer("t", Region::Scratch, bytes);
  uint32_t counter = f.buffer("counter", Region::Scratch, b.c(8));
  uint32_t flag = f.buffer("flag", Region::Scratch, one);
  Branch branch;
  branch.condition = c;
  branch.blocks.push_back(
      f.block([&] { f.launch(scale, {x, t}, {four}, one); }));
  branch.blocks.push_back(f.block([&] { f.copy(x, t, bytes); }));
  f.records->push_back(makeRecord(std::move(branch)));
  Loop counted;
  counted.trips = b.c(3);
  counted.counter = counter;
  counted.carried = {t};
  counted.body =
      f.block([&] { f.launch(addCounter, {counter, t}, {four}, one); });
  f.records->push_back(makeRecord(std::move(counted)));
  f.launch(below100, {t, flag}, {}, one);
  Loop loop;
  loop.condition = flag;
  loop.carried = {t, flag};
  loop.body = f.block([&] {
    uint32_t twice = f.buffer("twice", Region::Scratch, bytes);
    f.launch(scale, {t, twice}, {four}, one);
    f.copy(twice, t, bytes);
    f.launch(below100, {t, flag}, {}, one);
  });
  f.records->push_back(makeRecord(std::move(loop)));
  f.copy(t, y, bytes);
  f.reply();
}

void state(Builder &b) {
  b.interface.model = "state";
  ExprId four = b.c(4), one = b.c(1), bytes = b.c(16);
  uint32_t start = b.weight("start", {10, 20, 30, 40});
  auto variable = std::make_unique<Variable>();
  variable->name = "s";
  variable->shape = {four};
  variable->initial = start;
  b.interface.variables.push_back(std::move(variable));
  {
    FunctionBuilder f(b, "step");
    f.function.variables = {0};
    uint32_t x = f.input("x", DType::F32, {four});
    uint32_t y = f.output("y", DType::F32, {four});
    uint32_t s = f.buffer("s", Region::State, bytes, 0);
    uint32_t t = f.buffer("t", Region::Scratch, bytes);
    f.launch(add, {s, x, t}, {four}, one);
    f.copy(t, s, bytes);
    f.copy(s, y, bytes);
    f.reply();
  }
  FunctionBuilder f(b, "init");
  f.function.variables = {0};
  uint32_t s = f.buffer("s", Region::State, bytes, 0);
  uint32_t w = f.buffer("start", Region::Weight, bytes, start);
  f.copy(w, s, bytes);
  f.reply();
}

/// y = 2 (x w), with the product as a call that asks for 16 MiB of workspace.
void product(Builder &b, int64_t lower, int64_t upper, uint64_t workspace) {
  b.interface.model = "product";
  constexpr int64_t inner = 8, columns = 16;
  b.kernel("dense", {Access::Read, Access::Read, Access::Write});
  ExprId n = b.dim("N", lower, upper), one = b.c(1);
  ExprId count = b.pool.mul(n, b.c(columns));
  ExprId bytes = b.pool.mul(count, b.c(4));
  std::vector<float> weights(size_t(inner * columns));
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = float(int(i % 7) - 3);
  uint32_t weight = b.weight("w", weights);
  FunctionBuilder f(b, "main");
  uint32_t x = f.input("x", DType::F32, {n, b.c(inner)});
  uint32_t y = f.output("y", DType::F32, {n, b.c(columns)});
  uint32_t w = f.buffer("w", Region::Weight, b.c(inner * columns * 4), weight);
  uint32_t t = f.buffer("t", Region::Scratch, bytes);
  Call call;
  call.library = "cublasLt";
  call.entry = "matmul";
  call.operands = {x, w, t};
  call.access = {Access::Read, Access::Read, Access::Write};
  call.config = "d=2:f32 a=1:f32 b=0:f32";
  ExprId zero = b.c(0);
  call.dims = {b.c(columns), n,    b.c(inner), one, b.c(columns), b.c(inner),
               b.c(columns), zero, zero,       zero};
  if (workspace) {
    call.workspace =
        f.buffer("workspace", Region::Scratch, b.c(int64_t(workspace)));
    f.plan.buffers.back()->alignment = 256;
  }
  call.fallback = std::make_unique<Launch>();
  call.fallback->kernel = dense;
  call.fallback->operands = call.operands;
  call.fallback->dims = {n, b.c(inner), b.c(columns)};
  call.fallback->tiles = b.tiles(count);
  f.records->push_back(makeRecord(std::move(call)));
  f.launch(scale, {t, y}, {count}, b.tiles(count));
  f.reply();
}

const std::map<std::string, std::function<void(Builder &)>> &makers() {
  static const std::map<std::string, std::function<void(Builder &)>> table = {
      {"affine", [](Builder &b) { affine(b, 64, 1); }},
      {"product", [](Builder &b) { product(b, 1, 16, 16 << 20); }},
      {"product8", [](Builder &b) { product(b, 8, 8, 0); }},
      {"unbounded", [](Builder &b) { affine(b, -1, 1); }},
      {"streams", [](Builder &b) { affine(b, 64, 2); }},
      {"liar", [](Builder &b) { affine(b, 64, 1, true); }},
      {"text",
       [](Builder &b) {
         affine(b, 64, 1);
         b.gpu = Builder::Gpu::text;
       }},
      {"old",
       [](Builder &b) {
         affine(b, 64, 1);
         b.gpu = Builder::Gpu::old;
       }},
      {"wrong",
       [](Builder &b) {
         affine(b, 64, 1);
         b.gpu = Builder::Gpu::wrong;
       }},
      {"sum", sum},
      {"growing",
       [](Builder &b) {
         state(b);
         affine(b, -1, 1);
       }},
      {"solve", solve},
      {"control", control},
      {"state", state}};
  return table;
}
} // namespace

std::vector<std::string> rt::test::packageNames() {
  std::vector<std::string> names;
  for (const auto &[name, make] : makers())
    names.push_back(name);
  return names;
}

Status rt::test::makePackage(const std::string &name,
                             const std::vector<std::byte> &code,
                             const std::vector<std::byte> &toy,
                             Writer &writer) {
  Builder builder;
  makers().at(name)(builder);
  return builder.write(code, toy, writer);
}

std::string rt::test::standInModule(const std::string &kernel,
                                    unsigned parameters) {
  unsigned sum = parameters;
  for (char c : kernel)
    sum = sum * 31 + static_cast<unsigned char>(c);
  return "actnet stand-in module: " + kernel + " " +
         std::to_string(parameters) + " " + std::to_string(sum) + "\n";
}

std::vector<std::byte> rt::test::readCode(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::byte> result(bytes.size());
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}
