//===- Sample.h - a small valid package for tests -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function over a dynamic dim N with a variable, two weights, a launch, a
// branch and a loop: one of everything that the reader checks.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TEST_UNIT_PACKAGE_SAMPLE_H
#define ACTNET_TEST_UNIT_PACKAGE_SAMPLE_H

#include "actnet/Package/Expr.h"
#include "actnet/Package/Lifetimes.h"
#include "actnet/Package/Writer.h"

#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace actnet::pkg::test {

/// A folder of its own, removed at the end.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "actnet-test-XXXXXX")
            .string();
    folder = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  std::string file(const std::string &name) const { return folder / name; }
  size_t entries() const {
    return size_t(std::distance(std::filesystem::directory_iterator(folder),
                                std::filesystem::directory_iterator()));
  }

private:
  std::filesystem::path folder;
};

inline std::unique_ptr<Tensor> makeTensor(const char *name, DType dtype,
                                          std::vector<uint32_t> shape) {
  auto tensor = std::make_unique<Tensor>();
  tensor->name = name;
  tensor->dtype = dtype;
  tensor->shape = std::move(shape);
  return tensor;
}

inline std::unique_ptr<Buffer> makeBuffer(const char *name, Region region,
                                          uint32_t size,
                                          uint32_t binding = none) {
  auto buffer = std::make_unique<Buffer>();
  buffer->name = name;
  buffer->region = region;
  buffer->size = size;
  buffer->binding = binding;
  return buffer;
}

inline std::unique_ptr<Buffer> makeView(const char *name, Region region,
                                        uint32_t root, uint32_t size,
                                        uint32_t offset) {
  auto buffer = makeBuffer(name, region, size);
  buffer->root = root;
  buffer->offset = offset;
  return buffer;
}

inline std::unique_ptr<Kernel> makeKernel(const char *symbol,
                                          std::vector<Access> access) {
  auto kernel = std::make_unique<Kernel>();
  kernel->symbol = symbol;
  kernel->family = "map";
  kernel->access = std::move(access);
  return kernel;
}

inline std::unique_ptr<Record>
launch(uint32_t kernel, std::vector<uint32_t> operands, uint32_t tiles = 0) {
  Launch body;
  body.kernel = kernel;
  body.operands = std::move(operands);
  body.tiles = tiles;
  return makeRecord(std::move(body));
}

/// The pieces of a package before they are written.
struct Sample {
  Interface interface;
  Plan plan;
  std::vector<std::byte> code, weightA, weightB;

  Sample() {
    ExprPool pool;
    uint32_t one = pool.constant(1);
    uint32_t n = pool.symbol(0);
    uint32_t bytes = pool.mul(n, pool.constant(64)); // N x 16 f32
    uint32_t half = pool.mul(n, pool.constant(32));
    uint32_t sixteen = pool.constant(16);
    uint32_t weightBytes = pool.constant(64);
    uint32_t flagBytes = pool.constant(1);
    interface.producer = "sample";
    interface.model = "model \"quoted\"";
    interface.exprs = pool.code();
    auto dim = std::make_unique<Dim>();
    dim->name = "N";
    dim->lower = 1;
    dim->upper = 8;
    interface.dims.push_back(std::move(dim));

    weightA.assign(64, std::byte{1});
    weightB.assign(100, std::byte{2});
    for (auto [name, size, offset] :
         {std::tuple("w.a", 64, 0), std::tuple("w.b", 100, 64)}) {
      auto weight = std::make_unique<Weight>();
      weight->name = name;
      weight->dtype = DType::U8;
      weight->shape = {size};
      weight->bytes = uint64_t(size);
      weight->offset = uint64_t(offset);
      interface.weights.push_back(std::move(weight));
    }
    auto variable = std::make_unique<Variable>();
    variable->name = "state";
    variable->dtype = DType::F32;
    variable->shape = {sixteen};
    variable->initial = 0;
    interface.variables.push_back(std::move(variable));

    auto function = std::make_unique<Function>();
    function->name = "main";
    function->inputs.push_back(makeTensor("x", DType::F32, {n, sixteen}));
    function->outputs.push_back(makeTensor("y", DType::F32, {n, sixteen}));
    function->variables = {0};
    interface.functions.push_back(std::move(function));

    code.assign(5000, std::byte{0x90});
    plan.target = "host";
    auto image = std::make_unique<Image>();
    image->isa = "x86-64-v3";
    image->features = {"avx2", "fma"};
    image->section = "code.host.x86-64-v3";
    plan.images.push_back(std::move(image));
    plan.kernels.push_back(
        makeKernel("k0", {Access::Read, Access::Read, Access::Write}));
    plan.kernels.push_back(makeKernel("k1", {Access::Read, Access::Write}));
    plan.kernels.push_back(makeKernel("k2", {Access::ReadWrite}));

    auto planned = std::make_unique<FunctionPlan>();
    planned->signals = 1;
    auto &buffers = planned->buffers;
    buffers.push_back(makeBuffer("x", Region::Input, bytes, 0));          // 0
    buffers.push_back(makeBuffer("y", Region::Output, bytes, 0));         // 1
    buffers.push_back(makeBuffer("w", Region::Weight, weightBytes, 0));   // 2
    buffers.push_back(makeBuffer("s", Region::State, weightBytes, 0));    // 3
    buffers.push_back(makeBuffer("t0", Region::Scratch, bytes));          // 4
    buffers.push_back(makeBuffer("t1", Region::Scratch, bytes));          // 5
    buffers.push_back(makeView("t1.hi", Region::Scratch, 5, half, half)); // 6
    buffers.push_back(makeBuffer("flag", Region::Scratch, flagBytes));    // 7
    buffers.push_back(makeBuffer("t2", Region::Scratch, half));           // 8

    planned->body = std::make_unique<Block>();
    auto &records = planned->body->records;
    records.push_back(launch(0, {0, 2, 4}, n));
    records.push_back(makeRecord(Signal{}));
    records.push_back(makeRecord(Await{}));
    Fill fill;
    fill.dst = 7;
    fill.pattern = 1;
    fill.bytes = flagBytes;
    records.push_back(makeRecord(std::move(fill)));
    Branch branch;
    branch.condition = 7;
    for (int i = 0; i < 2; ++i) {
      auto block = std::make_unique<Block>();
      block->records.push_back(launch(1, {4, 5}, n));
      branch.blocks.push_back(std::move(block));
    }
    records.push_back(makeRecord(std::move(branch)));
    Loop loop;
    loop.trips = sixteen;
    loop.carried = {5};
    loop.body = std::make_unique<Block>();
    loop.body->records.push_back(launch(1, {6, 8}, one));
    loop.body->records.push_back(launch(2, {6}, one));
    loop.body->records.push_back(launch(2, {3}, one));
    records.push_back(makeRecord(std::move(loop)));
    Copy copy;
    copy.src = 5;
    copy.dst = 1;
    copy.bytes = bytes;
    records.push_back(makeRecord(std::move(copy)));
    records.push_back(makeRecord(Reply{}));
    plan.functions.push_back(std::move(planned));
  }

  FunctionPlan &function() { return *plan.functions[0]; }

  Status write(Writer &writer) {
    ACTNET_RETURN_IF_ERROR(writer.beginSection(weightsSection));
    for (auto *weight : {&weightA, &weightB}) {
      ACTNET_ASSIGN_OR_RETURN([[maybe_unused]] uint64_t at, writer.align());
      ACTNET_RETURN_IF_ERROR(writer.write(*weight));
    }
    ACTNET_RETURN_IF_ERROR(writer.endSection());
    ACTNET_RETURN_IF_ERROR(writer.addSection("code.host.x86-64-v3", code));
    ACTNET_RETURN_IF_ERROR(writer.addPlan(plan));
    ACTNET_RETURN_IF_ERROR(writer.addInterface(interface));
    return writer.finish();
  }

  /// The package in memory; empty on failure.
  std::vector<std::byte> bytes() {
    Writer writer = Writer::toMemory();
    return write(writer) ? writer.takeBytes() : std::vector<std::byte>();
  }
};

} // namespace actnet::pkg::test

#endif // ACTNET_TEST_UNIT_PACKAGE_SAMPLE_H
