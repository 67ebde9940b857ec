//===- Benchmark.cpp - many runs, timed one by one ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include <chrono>

using namespace actnet;
using namespace actnet::run;

namespace {
using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Status runOnce(Run &run, uint32_t options) {
  uint64_t job;
  ACTNET_RETURN_IF_ERROR(
      check(actnet_submit(run.session.get(), run.function, options, &job)));
  return check(actnet_wait(run.session.get(), job));
}
} // namespace

Status run::benchmark(Run &run, const Flags &flags) {
  uint32_t options = flags.noTransfers ? ACTNET_NO_TRANSFERS : 0;
  double warmup = flags.warmup.value_or(flags.iterations > 0 ? 0 : 0.5);
  for (Clock::time_point begin = Clock::now(); secondsSince(begin) < warmup;)
    ACTNET_RETURN_IF_ERROR(runOnce(run, options));
  double seconds = flags.benchmark.value_or(0);
  // Memory for the times is taken ahead, so that none is taken between runs;
  // 30 million of them would be 240 MB, so a very short model stops there.
  constexpr size_t most = 1 << 20;
  run.latencies.reserve(flags.iterations > 0
                            ? std::min<size_t>(size_t(flags.iterations), most)
                            : 4096);
  Clock::time_point begin = Clock::now();
  int64_t count = 0;
  do {
    Clock::time_point start = Clock::now();
    ACTNET_RETURN_IF_ERROR(runOnce(run, options));
    if (run.latencies.size() < most)
      run.latencies.push_back(secondsSince(start) * 1e3);
    ++count;
  } while (flags.iterations > 0 ? count < flags.iterations
                                : secondsSince(begin) < seconds);
  run.benchmarkMs = secondsSince(begin) * 1e3;
  run.benchmarkRuns = count;
  return okStatus();
}
