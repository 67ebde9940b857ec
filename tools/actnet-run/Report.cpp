//===- Report.cpp - what a program prints about itself and its runs -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <numeric>

using namespace actnet;
using namespace actnet::run;

namespace {
std::string quoted(const std::string &text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", c);
      out += code;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// A count that is -1 while it is unknown.
std::string orNull(int64_t value) {
  return value < 0 ? "null" : std::to_string(value);
}

std::string bytesText(int64_t bytes) {
  if (bytes < 0)
    return "unknown before the first run";
  char text[60];
  if (bytes >= 1 << 20)
    std::snprintf(text, sizeof text, "%" PRId64 " (%.1f MiB)", bytes,
                  double(bytes) / (1 << 20));
  else
    std::snprintf(text, sizeof text, "%" PRId64, bytes);
  return text;
}

struct Latency {
  double median = 0, mean = 0, min = 0, max = 0, p90 = 0, p99 = 0;
};

Latency summarizeLatency(const Run &run) {
  std::vector<double> sorted = run.latencies;
  std::sort(sorted.begin(), sorted.end());
  size_t n = sorted.size();
  // Nearest rank, so that every figure is one that was measured.
  auto rank = [&](double p) {
    return sorted[std::min(n - 1, size_t(std::ceil(p * double(n))) - 1)];
  };
  Latency l;
  l.median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  l.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / double(n);
  l.min = sorted.front();
  l.max = sorted.back();
  l.p90 = rank(0.90);
  l.p99 = rank(0.99);
  return l;
}

std::string shapeOf(const actnet_tensor_info &info) {
  std::string text = "[";
  for (int32_t i = 0; i < info.rank; ++i)
    text += (i ? ", " : "") + std::string(info.extents[i]);
  return text + "]";
}

std::string dimText(const actnet_dim_info &dim) {
  return std::string(dim.name) + " = " + std::to_string(dim.lower) + ".." +
         (dim.upper < 0 ? "" : std::to_string(dim.upper));
}

/// A GPU's threads are not ours to count.
std::string threadsText(int32_t threads) {
  return threads > 0 ? ", " + std::to_string(threads) + " threads" : "";
}

struct MemoryRow {
  const char *name, *key;
  int64_t bytes;
};

std::vector<MemoryRow> memoryRows(const actnet_memory_info &m) {
  return {{"weights", "weights_bytes", m.weights},
          {"state", "state_bytes", m.state},
          {"ring", "ring_bytes", m.ring},
          {"scratch", "scratch_bytes", m.scratch},
          {"thread scratch", "thread_scratch_bytes", m.thread_scratch},
          {"stacks", "stacks_bytes", m.stacks},
          {"staging", "staging_bytes", m.staging}};
}

void printJson(const Run &run, const Flags &flags,
               const actnet_memory_info &memory, const char *device,
               const char *isa, int32_t threads) {
  std::string out = "{";
  if (!run.latencies.empty()) {
    Latency l = summarizeLatency(run);
    out += "\"latency_ms\": {\"median\": " + number(l.median) +
           ", \"mean\": " + number(l.mean) + ", \"min\": " + number(l.min) +
           ", \"max\": " + number(l.max) + ", \"p90\": " + number(l.p90) +
           ", \"p99\": " + number(l.p99) +
           ", \"runs\": " + std::to_string(run.benchmarkRuns) +
           "}, \"throughput_per_s\": " +
           number(double(run.benchmarkRuns) / run.benchmarkMs * 1e3) + ", ";
  }
  out += "\"memory\": {\"promised_bytes\": " + orNull(memory.promised) +
         ", \"observed_bytes\": " + orNull(memory.observed) +
         ", \"peak_bytes\": " + orNull(memory.scratch_peak) +
         ", \"lower_bound_bytes\": " + orNull(memory.scratch_bound);
  if (flags.memory) {
    for (const MemoryRow &row : memoryRows(memory))
      out += ", \"" + std::string(row.key) + "\": " + orNull(row.bytes);
    out += ", \"driver_bytes\": " + orNull(memory.driver) +
           ", \"driver_grown_bytes\": " + orNull(memory.driver_grown);
  }
  out += "}, \"load_ms\": " + number(run.loadMs) +
         ", \"start_ms\": " + number(run.startMs) +
         ", \"device\": " + quoted(device) + ", \"isa\": " + quoted(isa) +
         ", \"threads\": " + std::to_string(threads) + ", \"outputs\": [";
  for (size_t i = 0; i < run.outputs.size(); ++i) {
    const Argument &o = run.outputs[i];
    out += std::string(i ? ", " : "") + "{\"name\": " + quoted(o.info.name) +
           ", \"type\": " + quoted(rt::dtypeName(o.info.dtype)) +
           ", \"shape\": " +
           rt::shapeText(o.tensor.shape.data(), o.tensor.shape.size()) + "}";
  }
  std::printf("%s]}\n", out.c_str());
}

void printTensors(const Run &run, int32_t function, actnet_side side,
                  int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    actnet_tensor_info info;
    if (actnet_describe_tensor(run.program.get(), function, side, i, &info))
      continue;
    std::printf("    %s '%s': %s %s\n", side ? "output" : "input", info.name,
                rt::dtypeName(info.dtype), shapeOf(info).c_str());
  }
}

std::string tensorsJson(const Run &run, int32_t function, actnet_side side,
                        int32_t count) {
  std::string out = "[";
  for (int32_t i = 0; i < count; ++i) {
    actnet_tensor_info info;
    if (actnet_describe_tensor(run.program.get(), function, side, i, &info))
      continue;
    out += std::string(i ? ", " : "") + "{\"name\": " + quoted(info.name) +
           ", \"type\": " + quoted(rt::dtypeName(info.dtype)) +
           ", \"shape\": [";
    for (int32_t axis = 0; axis < info.rank; ++axis)
      out += (axis ? ", " : "") + (info.lower[axis] == info.upper[axis]
                                       ? std::to_string(info.upper[axis])
                                       : quoted(info.extents[axis]));
    out += "]}";
  }
  return out + "]";
}

void printInfoJson(const Run &run) {
  const actnet_program_info &info = run.info;
  std::string out =
      "{\"model\": " + quoted(info.model) +
      ", \"producer\": " + quoted(info.producer) +
      ", \"schema\": " + std::to_string(info.schema) +
      ", \"oldest_glibc\": " + quoted(info.oldest_libc) +
      ", \"kernels\": " + std::to_string(info.kernels) +
      ", \"weight_bytes\": " + std::to_string(info.weight_bytes) +
      ", \"package_bytes\": " + std::to_string(info.package_bytes) +
      ", \"variants\": [";
  for (int32_t i = 0; i < info.variants; ++i)
    out += (i ? ", " : "") + quoted(info.isas[i]);
  out += "], \"gpu_kernels\": " + std::to_string(info.gpu_kernels) +
         ", \"gpu_variants\": [";
  for (int32_t i = 0; i < info.gpu_variants; ++i)
    out += (i ? ", " : "") + quoted(info.gpu_isas[i]);
  out += "], \"dims\": [";
  for (size_t i = 0; i < run.dims.size(); ++i)
    out += std::string(i ? ", " : "") +
           "{\"name\": " + quoted(run.dims[i].name) +
           ", \"lower\": " + std::to_string(run.dims[i].lower) +
           ", \"upper\": " + orNull(run.dims[i].upper) + "}";
  out += "], \"functions\": [";
  for (int32_t f = 0; f < info.functions; ++f) {
    actnet_function_info function;
    if (actnet_describe_function(run.program.get(), f, &function))
      continue;
    out +=
        std::string(f ? ", " : "") + "{\"name\": " + quoted(function.name) +
        ", \"inputs\": " + tensorsJson(run, f, ACTNET_INPUT, function.inputs) +
        ", \"outputs\": " +
        tensorsJson(run, f, ACTNET_OUTPUT, function.outputs) + "}";
  }
  std::printf("%s]}\n", out.c_str());
}
} // namespace

void run::printInfo(const Run &run, const Flags &flags) {
  if (flags.json)
    return printInfoJson(run);
  const actnet_program_info &info = run.info;
  std::printf("model '%s'\n", info.model);
  std::printf("  made by %s, schema %u\n", info.producer, info.schema);
  std::printf("  needs glibc %s or newer\n", info.oldest_libc);
  auto printCode = [](const char *what, int32_t count, const char *const *isas,
                      int32_t kernels) {
    if (count == 0)
      return;
    std::printf("  %s code:", what);
    for (int32_t i = 0; i < count; ++i)
      std::printf(" %s", isas[i]);
    std::printf(", %d kernels\n", kernels);
  };
  printCode("host", info.variants, info.isas, info.kernels);
  printCode("GPU", info.gpu_variants, info.gpu_isas, info.gpu_kernels);
  std::printf("  package: %s bytes, weights: %s bytes\n",
              bytesText(int64_t(info.package_bytes)).c_str(),
              bytesText(int64_t(info.weight_bytes)).c_str());
  for (const actnet_dim_info &dim : run.dims)
    std::printf("  dim %s\n", dimText(dim).c_str());
  for (int32_t f = 0; f < info.functions; ++f) {
    actnet_function_info function;
    if (actnet_describe_function(run.program.get(), f, &function))
      continue;
    std::printf("  function '%s'\n", function.name);
    printTensors(run, f, ACTNET_INPUT, function.inputs);
    printTensors(run, f, ACTNET_OUTPUT, function.outputs);
  }
}

void run::printVersion(const Flags &flags) {
  if (flags.json)
    std::printf("{\"version\": %s}\n", quoted(actnet_version()).c_str());
  else
    std::printf("actnet %s\n", actnet_version());
}

void run::printDevices(const Flags &flags) {
  actnet_device_info info;
  std::string json;
  for (int32_t i = 0; actnet_describe_device(i, &info) == ACTNET_OK; ++i) {
    if (flags.json)
      json += std::string(i ? ", " : "") + "{\"name\": " + quoted(info.name) +
              ", \"description\": " + quoted(info.description) +
              ", \"isa\": " + quoted(info.isa) +
              ", \"threads\": " + std::to_string(info.threads) + "}";
    else
      std::printf("%s: %s, %s%s\n", info.name, info.description, info.isa,
                  threadsText(info.threads).c_str());
  }
  if (flags.json)
    std::printf("{\"devices\": [%s]}\n", json.c_str());
}

Status run::printResults(const Run &run, const Flags &flags) {
  const actnet_session *session = run.session.get();
  actnet_memory_info memory;
  ACTNET_RETURN_IF_ERROR(check(actnet_memory(session, &memory)));
  const char *device, *isa;
  int32_t threads;
  ACTNET_RETURN_IF_ERROR(
      check(actnet_chosen(session, &device, &isa, &threads)));
  if (flags.json) {
    printJson(run, flags, memory, device, isa, threads);
    return okStatus();
  }
  // A tensor that goes to a file is not summed up as well.
  std::vector<bool> written(run.outputs.size(), false);
  for (const NamedValue &output : flags.outputs)
    if (auto i = findArgument(run.outputs, output.name, "output"))
      written[*i] = true;
  for (size_t i = 0; i < run.outputs.size(); ++i)
    if (!written[i])
      std::printf("%s: %s\n", run.outputs[i].info.name,
                  rt::summarize(run.outputs[i].tensor).c_str());
  if (!run.latencies.empty()) {
    Latency l = summarizeLatency(run);
    std::printf(
        "latency ms: median %s, mean %s, min %s, max %s, p90 %s, p99 "
        "%s, %" PRId64 " runs on %s %s%s; %s runs/s\n",
        number(l.median).c_str(), number(l.mean).c_str(), number(l.min).c_str(),
        number(l.max).c_str(), number(l.p90).c_str(), number(l.p99).c_str(),
        run.benchmarkRuns, device, isa, threadsText(threads).c_str(),
        number(double(run.benchmarkRuns) / run.benchmarkMs * 1e3).c_str());
  }
  if (flags.memory) {
    for (const MemoryRow &row : memoryRows(memory))
      std::printf("%-16s %s bytes\n", row.name, bytesText(row.bytes).c_str());
    std::printf("%-16s %s bytes\n", "promised",
                bytesText(memory.promised).c_str());
    std::printf("%-16s %s bytes\n", "observed",
                bytesText(memory.observed).c_str());
    std::printf("scratch plan: peak %s, lower bound %s bytes\n",
                bytesText(memory.scratch_peak).c_str(),
                bytesText(memory.scratch_bound).c_str());
    // On the host no driver owns anything.
    if (memory.driver >= 0)
      std::printf("%-16s %s bytes, of them %s since the device was opened\n",
                  "driver", bytesText(memory.driver).c_str(),
                  bytesText(memory.driver_grown).c_str());
  }
  return okStatus();
}
