//===- CudaSubjects.cpp - device cuda, as subjects of the suite -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Over the driver's stand-in, where ACTNET_CTS_DRIVER names it: a few seeds
// always, and each of the device's features switched off;
// ACTNET_CTS_CUDA_SEEDS=N runs the seeds 1 to N instead.
//
//===----------------------------------------------------------------------===//
#include "Cts.h"
#include "actnet/Package/CodeBundle.h"
#include "actnet/Runtime/Device/CUDA.h"

#include <cstdlib>

namespace actnet::rt::cts {

namespace {

/// A module that the stand-in takes for a kernel of the toy image.
std::string standInModule(const std::string &kernel, unsigned parameters) {
  unsigned sum = parameters;
  for (char c : kernel)
    sum = sum * 31 + static_cast<unsigned char>(c);
  return "actnet stand-in module: " + kernel + " " +
         std::to_string(parameters) + " " + std::to_string(sum) + "\n";
}

const std::vector<std::byte> &bundle() {
  static const std::vector<std::byte> bytes = [] {
    // Operands and dims of each, in the order of the ids.
    constexpr unsigned parameters[] = {5, 1, 3, 3, 3, 1, 2};
    pkg::CodeBundleWriter writer;
    size_t i = 0;
    for (const KernelDesc &kernel : kernelDescs())
      writer.add(kernel.symbol,
                 standInModule(std::string(kernel.symbol), parameters[i++]));
    return writer.finish();
  }();
  return bytes;
}

/// Modules of kernels that lie elsewhere: the toy image lacks them.
const std::vector<std::byte> &importingBundle() {
  static const std::vector<std::byte> bytes = [] {
    pkg::CodeBundleWriter writer;
    for (const KernelDesc &kernel : kernelDescs())
      writer.add(kernel.symbol, standInModule("elsewhere", 1));
    return writer.finish();
  }();
  return bytes;
}

constexpr Exclusion nothingIsTakenBack = {
    "workThatWaitsForADestroyedStreamIsCancelledNotHeld",
    "a driver runs what it was given; nothing can be taken back"};

Subject cudaSubject(std::string name, const std::string &standIn,
                    const CudaOptions &options) {
  Subject subject;
  subject.name = std::move(name);
  subject.make = [standIn, options] {
    setenv("ACTNET_STANDIN", standIn.c_str(), 1);
    return createCudaDevice(options);
  };
  subject.images = {{"cubin", "sm_80", bundle()},
                    {"ptx", "compute_75", bundle()},
                    {"cubin", "sm_90a", bundle()}};
  subject.importing = {"cubin", "sm_80", importingBundle()};
  subject.slowdown = 50;
  subject.exclusions = {nothingIsTakenBack};
  return subject;
}

std::vector<Subject> cudaSubjects() {
  std::vector<Subject> all;
  const char *driver = std::getenv("ACTNET_CTS_DRIVER");
  if (!driver)
    return all;
  const char *wanted = std::getenv("ACTNET_CTS_CUDA_SEEDS");
  uint64_t seeds = wanted ? std::strtoull(wanted, nullptr, 10) : 3;
  CudaOptions options;
  options.driver = driver;
  for (uint64_t seed = 1; seed <= seeds; ++seed)
    all.push_back(cudaSubject("cuda" + std::to_string(seed),
                              "seed=" + std::to_string(seed), options));
  CudaOptions plain = options;
  plain.graphs = false;
  all.push_back(cudaSubject("cudaWithoutGraphs", "sm=86", plain));
  CudaOptions one = options;
  one.oneStream = true;
  all.push_back(cudaSubject("cudaOneStream", "seed=2", one));
  CudaOptions synchronous = options;
  synchronous.synchronous = true;
  Subject subject = cudaSubject("cudaSynchronous", "seed=3", synchronous);
  subject.exclusions.push_back(
      {"theHostWaitsForEventsAndGivesUpInTime",
       "work is over before submit returns, so nobody ever waits"});
  all.push_back(std::move(subject));
  return all;
}

const SubjectAdder adder(cudaSubjects);

} // namespace

} // namespace actnet::rt::cts
