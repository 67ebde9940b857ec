//===- main.cpp - a kernel of one's own on the software GPU ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   example-kernel-family IMAGE
//
// Runs the kernel `runningSquares` of a toy image over random rows, with
// lengths around the family's borders and several orders of threads, and
// compares with sums in double. Prints one line; exits with 1 at the first
// violation or wrong sum.
//
//===----------------------------------------------------------------------===//

#include "actnet/Runtime/Device/ToyEngine.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

using namespace actnet;
using namespace actnet::rt;

static constexpr unsigned threads = 256;

/// Runs `rows` rows under one order of threads; gives the largest error
/// relative to the row's sum.
static Expected<double> check(const toy::Image &image, int64_t rows,
                              int64_t columns, uint64_t seed) {
  toy::EngineOptions options;
  options.seed = seed;
  toy::Engine engine(options);
  uint64_t bytes = uint64_t(rows * columns) * sizeof(float);
  ACTNET_ASSIGN_OR_RETURN(void *in, engine.allocate(bytes));
  ACTNET_ASSIGN_OR_RETURN(void *out, engine.allocate(bytes));

  std::mt19937 random(static_cast<unsigned>(seed));
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  std::vector<float> x(size_t(rows * columns)), y(x.size());
  for (float &value : x)
    value = uniform(random);
  std::memcpy(in, x.data(), bytes);
  ACTNET_RETURN_IF_ERROR(engine.noteWritten(in, bytes));

  toy::Launch launch;
  ACTNET_ASSIGN_OR_RETURN(launch.entry, image.find("runningSquares"));
  launch.tiles = rows;
  launch.threads = threads;
  void *arguments[] = {&in, &out, &columns};
  toy::OperandBounds operands[] = {{in, bytes, toy::Access::read, false},
                                   {out, bytes, toy::Access::write, true}};
  launch.arguments = arguments;
  launch.operands = operands;
  ACTNET_RETURN_IF_ERROR(engine.run(launch));
  // All of the result must have been written.
  ACTNET_RETURN_IF_ERROR(engine.checkReadable(out, bytes));
  std::memcpy(y.data(), out, bytes);

  double worst = 0;
  for (int64_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (int64_t c = 0; c < columns; ++c) {
      double value = x[size_t(row * columns + c)];
      sum += value * value;
      double error = std::abs(y[size_t(row * columns + c)] - sum);
      worst = std::fmax(worst, error / std::fmax(sum, 1e-3));
    }
  }
  return worst;
}

static Status run(const char *path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return notFound(std::string("cannot read '") + path + "'");
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  ACTNET_ASSIGN_OR_RETURN(auto image, toy::Image::load(std::as_bytes(
                                          std::span<const char>(bytes))));
  double worst = 0;
  int launches = 0;
  for (int64_t columns : {1, 31, 32, 33, 255, 256, 257, 511, 512, 513, 1000})
    for (uint64_t seed = 1; seed <= 4; ++seed, ++launches) {
      ACTNET_ASSIGN_OR_RETURN(double error, check(*image, 3, columns, seed));
      worst = std::fmax(worst, error);
      if (!(error < 1e-5))
        return dataLoss("rows of " + std::to_string(columns) +
                        " columns differ by " + std::to_string(error));
    }
  std::printf("%d launches, no violation, largest error %.1e\n", launches,
              worst);
  return okStatus();
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: example-kernel-family IMAGE\n");
    return 2;
  }
  if (Status status = run(argv[1]); !status) {
    std::fprintf(stderr, "example-kernel-family: error: %s\n",
                 status.str().c_str());
    return 1;
  }
  return 0;
}
