//===- main.cpp - a network written in C++, compiled and run --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds a perceptron of two layers over batches of 1 to 64 rows, compiles it
// in memory, runs it through the C API and compares the result with plain
// loops. Ends with 0 where they agree.
//
//===----------------------------------------------------------------------===//

#include "actnet/Graph.h"
#include "actnet/actnet.h"

#include <cmath>
#include <cstdio>

using namespace actnet;

static constexpr int64_t inputs = 20, hidden = 33, classes = 10;

/// Numbers in [-1, 1) that look random and are the same every time.
static std::vector<float> makeNumbers(size_t count, unsigned seed) {
  std::vector<float> numbers(count);
  for (float &x : numbers) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<float>(seed >> 8) / (1u << 23) - 1;
  }
  return numbers;
}

static std::span<const std::byte> bytesOf(const std::vector<float> &numbers) {
  return std::as_bytes(std::span(numbers));
}

struct Parameters {
  std::vector<float> w1 = makeNumbers(inputs * hidden, 1);
  std::vector<float> b1 = makeNumbers(hidden, 2);
  std::vector<float> w2 = makeNumbers(hidden * classes, 3);
};

/// softmax(relu(x w1 + b1) w2), one row after the other.
static std::vector<float> computeByHand(const Parameters &p,
                                        const std::vector<float> &x) {
  std::vector<float> y;
  for (size_t row = 0; row < x.size() / inputs; ++row) {
    double h[hidden], z[classes], sum = 0;
    for (int64_t j = 0; j < hidden; ++j) {
      h[j] = p.b1[j];
      for (int64_t k = 0; k < inputs; ++k)
        h[j] += x[row * inputs + k] * p.w1[k * hidden + j];
      h[j] = std::fmax(h[j], 0);
    }
    for (int64_t j = 0; j < classes; ++j) {
      z[j] = 0;
      for (int64_t k = 0; k < hidden; ++k)
        z[j] += h[k] * p.w2[k * classes + j];
      sum += std::exp(z[j]);
    }
    for (double v : z)
      y.push_back(static_cast<float>(std::exp(v) / sum));
  }
  return y;
}

static int fail(std::string_view what) {
  std::fprintf(stderr, "error: %.*s\n", static_cast<int>(what.size()),
               what.data());
  return 1;
}

int main() {
  Parameters p;
  Graph graph("mlp");
  Dim n = graph.dim("N", 1, 64);
  Function f = graph.function("main");
  Value x = f.input("x", DType::f32, {n, inputs});
  Value w1 = f.constant(DType::f32, {inputs, hidden}, bytesOf(p.w1));
  Value b1 = f.constant(DType::f32, {hidden}, bytesOf(p.b1));
  Value w2 = f.constant(DType::f32, {hidden, classes}, bytesOf(p.w2));
  Value h = relu(matmul(x, w1) + b1);
  f.output("y", softmax(matmul(h, w2), -1));

  Expected<PackageBytes> package = graph.compile();
  if (!package)
    return fail(package.status().message());
  std::printf("compiled: %zu bytes\n", package->size());

  actnet_program *program = nullptr;
  actnet_session *session = nullptr;
  if (actnet_open_memory(package->data(), package->size(), &program) ||
      actnet_create_session(program, nullptr, &session))
    return fail(actnet_error_text());
  int result = 0;
  for (int64_t batch : {1, 3, 64}) {
    std::vector<float> in = makeNumbers(batch * inputs, 4),
                       out(batch * classes);
    int64_t shape[] = {batch, inputs};
    if (actnet_bind_input(session, 0, 0, ACTNET_F32, shape, 2, in.data()) ||
        actnet_bind_output(session, 0, 0, out.data(),
                           out.size() * sizeof(float)) ||
        actnet_run(session, 0))
      return fail(actnet_error_text());
    std::vector<float> expected = computeByHand(p, in);
    float difference = 0;
    for (size_t i = 0; i < out.size(); ++i)
      difference = std::fmax(difference, std::fabs(out[i] - expected[i]));
    std::printf("N = %2lld: largest difference from plain loops %.1e\n",
                static_cast<long long>(batch), difference);
    if (!(difference < 1e-5f))
      result = 1;
  }
  actnet_destroy_session(session);
  actnet_close(program);
  return result ? fail("the results differ") : 0;
}
