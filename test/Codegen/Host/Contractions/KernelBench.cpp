//===- KernelBench.cpp - speed of contraction kernels, one thread ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// kernel-bench [FILTER] [--variant=x86-64-v3]: GFLOP/s of the layer shapes of
// the models that docs/performance.md reports; medians of many short runs.
//
// kernel-bench --file=MODEL.mlir [--size=N]: the kernels of a module at the
// kernel level (actnet-compile --emit=kernel), the dearest first; dynamic dims
// are N (1).
//
//===----------------------------------------------------------------------===//

#include "KernelRunner.h"
#include "Texts.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>

namespace {

constexpr const char *help =
    "usage: kernel-bench [FILTER] [--variant=x86-64-v3|x86-64-v4]\n"
    "       kernel-bench --file=MODEL.mlir [--size=N] [--variant=...]\n\n"
    "Measures contraction kernels on one thread: those of known models whose\n"
    "name contains FILTER, or all kernels of a module at the kernel level\n"
    "(actnet-compile --emit=kernel), its dynamic dims being N.";

int usage(const std::string &message) {
  std::fprintf(stderr, "kernel-bench: error: %s (--help lists all)\n",
               message.c_str());
  return 2;
}

double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Time of this thread alone: other work on the machine counts less.
double threadTime() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

struct Case {
  std::string label, text;
  double flops;
  std::vector<int64_t> sizes; ///< Elements of each operand.
  std::vector<int64_t> dims;
};

void measure(const Case &c, const std::string &variant) {
  double start = now();
  KernelRunner runner(c.text, variant);
  double compile = now() - start;
  if (!runner.ok()) {
    std::printf("%-40s %s\n", c.label.c_str(), runner.error().c_str());
    return;
  }
  std::vector<std::unique_ptr<Floats>> buffers;
  std::vector<void *> operands;
  for (int64_t size : c.sizes) {
    buffers.push_back(std::make_unique<Floats>(size, buffers.size()));
    operands.push_back(buffers.back()->data);
  }
  runner.run("k", operands, c.dims);
  int64_t tiles = runner.tiles("k", c.dims);
  std::vector<double> times;
  double end = now() + 0.4;
  while (now() < end || times.size() < 5) {
    double t = threadTime();
    runner.runFast("k", operands.data(), c.dims.data(), tiles);
    times.push_back(threadTime() - t);
  }
  std::sort(times.begin(), times.end());
  std::printf("%-40s %7.1f GFLOP/s median %7.1f best  %9.1f us  (compiled in "
              "%.2f s, %s)\n",
              c.label.c_str(), c.flops / times[times.size() / 2] * 1e-9,
              c.flops / times[0] * 1e-9, times[times.size() / 2] * 1e6, compile,
              runner.schedule("k").c_str());
  std::fflush(stdout);
}

/// All kernels of a module, with the time that each takes in one run of it.
int measureModule(const std::string &path, const std::string &variant,
                  int64_t size) {
  std::ifstream file(path);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  double start = now();
  KernelRunner runner(text, variant);
  if (!runner.ok()) {
    std::printf("%s\n", runner.error().c_str());
    return 1;
  }
  std::printf("compiled in %.2f s\n", now() - start);
  struct Row {
    double time;
    std::string line;
  };
  std::vector<Row> rows;
  double total = 0, flops = 0;
  for (const KernelRunner::Call &call : runner.calls(size)) {
    std::vector<std::unique_ptr<Floats>> buffers;
    std::vector<void *> operands;
    for (int64_t bytes : call.bytes) {
      buffers.push_back(
          std::make_unique<Floats>((bytes + 3) / 4, buffers.size()));
      operands.push_back(buffers.back()->data);
    }
    int64_t tiles = runner.tiles(call.name, call.dims);
    std::vector<double> times;
    double end = now() + 0.1;
    while (now() < end || times.size() < 4) {
      double t = threadTime();
      runner.runFast(call.name, operands.data(), call.dims.data(), tiles);
      times.push_back(threadTime() - t);
    }
    std::sort(times.begin(), times.end());
    double time = times[times.size() / 4] * call.count;
    total += time;
    flops += call.flops * call.count;
    char line[512];
    std::snprintf(line, sizeof line,
                  "%8.1f us = %3ld x %8.1f us %6.1f GFLOP/s %5ld tiles %s %s",
                  time * 1e6, long(call.count), time / call.count * 1e6,
                  call.flops / (time / call.count) * 1e-9, long(tiles),
                  call.name.c_str(), runner.schedule(call.name).c_str());
    rows.push_back({time, line});
  }
  std::sort(rows.begin(), rows.end(),
            [](auto &a, auto &b) { return a.time > b.time; });
  for (const Row &row : rows)
    std::printf("%s\n", row.line.c_str());
  std::printf("%.2f ms in all, %.1f GFLOP/s\n", total * 1e3,
              flops / total * 1e-9);
  return 0;
}

Case product(const std::string &label, int64_t m, int64_t n, int64_t k,
             bool bias = false, bool packed = true) {
  MatmulText t{n, k, m, packed, bias};
  std::vector<int64_t> sizes{m * k, packed ? (n + 15) / 16 * 16 * k : n * k};
  if (bias)
    sizes.push_back(n);
  sizes.push_back(m * n);
  return {label + " " + std::to_string(m) + "x" + std::to_string(n) + "x" +
              std::to_string(k),
          matmulText("k", t),
          2.0 * m * n * k,
          sizes,
          {}};
}

Case conv(const std::string &label, const ConvText &t, int64_t n = 1) {
  int64_t pixels = n * t.outH() * t.outW(),
          filter = (t.o + 15) / 16 * 16 * t.kh * t.kw * t.i;
  return {label + " " + std::to_string(t.h) + "x" + std::to_string(t.w) + "x" +
              std::to_string(t.i) + " " + std::to_string(t.kh) + "x" +
              std::to_string(t.kw) + "s" + std::to_string(t.stride) + " to " +
              std::to_string(t.o),
          convText("k", t),
          2.0 * pixels * t.o * t.i * t.kh * t.kw,
          {n * t.h * t.w * t.i, filter, t.o, pixels * t.o, pixels * t.o},
          {n}};
}

Case depthwise(const std::string &label, const DepthwiseText &t,
               int64_t n = 1) {
  int64_t pixels = n * t.outH() * t.outW();
  return {label + " " + std::to_string(t.h) + "x" + std::to_string(t.w) + "x" +
              std::to_string(t.c) + " " + std::to_string(t.k) + "x" +
              std::to_string(t.k) + "s" + std::to_string(t.stride),
          depthwiseText("k", t),
          2.0 * pixels * t.c * t.k * t.k,
          {n * t.h * t.w * t.c, t.k * t.k * t.c, t.c, pixels * t.c},
          {n}};
}

Case attention(const std::string &label, int64_t n, int64_t heads, int64_t s,
               int64_t d, bool causal) {
  AttentionText t{heads, d, d, s, s, 0, false, causal};
  int64_t size = n * s * heads * d;
  return {label + " b" + std::to_string(n) + " h" + std::to_string(heads) +
              " s" + std::to_string(s) + " d" + std::to_string(d),
          attentionText("k", t),
          4.0 * n * heads * s * s * d,
          {size, size, size, size},
          {n}};
}

} // namespace

int main(int argc, char **argv) {
  std::string filter, path, variant = "x86-64-v3";
  int64_t size = 1;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::puts(help);
      return 0;
    }
    if (argument.starts_with("--variant="))
      variant = argument.substr(10);
    else if (argument.starts_with("--file="))
      path = argument.substr(7);
    else if (argument.starts_with("--size="))
      size = std::atoll(argument.c_str() + 7);
    else if (argument.starts_with("-") || !filter.empty())
      return usage("unexpected argument '" + argument + "'");
    else
      filter = argument;
  }
  if (variant != "x86-64-v3" && variant != "x86-64-v4" && variant != "wide")
    return usage("--variant=" + variant + ": expected x86-64-v3 or x86-64-v4");
  if (size < 1)
    return usage("--size: expected a number, at least 1");
  if (!path.empty())
    return measureModule(path, variant, size);
  std::vector<Case> cases = {
      product("product", 256, 256, 256),
      product("product", 512, 512, 512),
      product("product", 1024, 1024, 1024),
      product("product", 2048, 2048, 2048),
      product("unpacked", 512, 512, 512, false, false),
      product("resnet 1x1", 3136, 64, 64, true),
      product("resnet 1x1", 3136, 256, 64, true),
      product("resnet 1x1", 3136, 64, 256, true),
      product("resnet 1x1", 784, 512, 128, true),
      product("resnet 1x1", 784, 128, 512, true),
      product("resnet 1x1", 196, 1024, 256, true),
      product("resnet 1x1", 196, 256, 1024, true),
      product("resnet 1x1", 49, 2048, 512, true),
      product("resnet 1x1", 49, 512, 2048, true),
      product("resnet head", 1, 1000, 2048, true),
      conv("resnet", {.h = 56, .w = 56, .i = 64, .o = 64}),
      conv("resnet", {.h = 28, .w = 28, .i = 128, .o = 128}),
      conv("resnet", {.h = 14, .w = 14, .i = 256, .o = 256}),
      conv("resnet", {.h = 7, .w = 7, .i = 512, .o = 512}),
      conv("resnet", {.h = 56, .w = 56, .i = 128, .o = 128, .stride = 2}),
      conv("resnet stem", {.h = 230,
                           .w = 230,
                           .i = 3,
                           .o = 64,
                           .kh = 7,
                           .kw = 7,
                           .stride = 2,
                           .pad = 0}),
      conv("mobilenet stem",
           {.h = 226, .w = 226, .i = 3, .o = 32, .stride = 2, .pad = 0}),
      product("mobilenet 1x1", 12544, 16, 32, true),
      product("mobilenet 1x1", 12544, 96, 16, true),
      product("mobilenet 1x1", 3136, 24, 96, true),
      product("mobilenet 1x1", 3136, 144, 24, true),
      product("mobilenet 1x1", 196, 384, 64, true),
      product("mobilenet 1x1", 49, 960, 160, true),
      product("mobilenet 1x1", 49, 160, 960, true),
      depthwise("mobilenet", {.h = 112, .w = 112, .c = 32}),
      depthwise("mobilenet", {.h = 112, .w = 112, .c = 96, .stride = 2}),
      depthwise("mobilenet", {.h = 56, .w = 56, .c = 144}),
      depthwise("mobilenet", {.h = 14, .w = 14, .c = 384}),
      depthwise("mobilenet", {.h = 7, .w = 7, .c = 960}),
      depthwise("efficientnet", {.h = 28, .w = 28, .c = 240, .k = 5, .pad = 2}),
      product("bert", 128, 768, 768, true),
      product("bert", 128, 3072, 768, true),
      product("bert", 128, 768, 3072, true),
      product("bert b8", 1024, 768, 768, true),
      product("bert b8", 1024, 3072, 768, true),
      product("bert b8", 1024, 768, 3072, true),
      product("decode", 1, 3072, 768, true),
      attention("bert", 1, 12, 128, 64, false),
      attention("vit", 1, 12, 197, 64, false),
      attention("gpt2", 1, 12, 128, 64, true),
      attention("long", 1, 12, 1024, 64, true),
  };
  for (const Case &c : cases)
    if (c.label.find(filter) != std::string::npos)
      measure(c, variant);
  return 0;
}
