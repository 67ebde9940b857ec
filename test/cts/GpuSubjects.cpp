//===- GpuSubjects.cpp - a GPU and its driver, as subjects of the suite ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Only where ACTNET_CTS_GPU names a folder of code (utils/gpu-check.sh makes
// it): ISA.bundle for each ISA, sm_N of cubins and compute_N of PTX, and
// ISA.importing, whose modules refer to a function that nobody has. A fault
// breaks the context of the whole process, so faultsAreReported wants a process
// of its own.
//
//===----------------------------------------------------------------------===//
#include "Cts.h"
#include "actnet/Runtime/Device/CUDA.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace actnet::rt::cts {

namespace {

/// A file of code; lives as long as the process.
struct CodeFile {
  std::string isa, ending;
  std::vector<std::byte> bytes;

  CodeImage image() const {
    return {isa.starts_with("compute_") ? "ptx" : "cubin", isa, bytes};
  }
};

const std::vector<CodeFile> &codeFiles(const char *folder) {
  static const std::vector<CodeFile> files = [&] {
    std::vector<CodeFile> list;
    std::error_code error;
    for (const auto &entry :
         std::filesystem::directory_iterator(folder, error)) {
      std::ifstream file(entry.path(), std::ios::binary);
      std::string text{std::istreambuf_iterator<char>(file), {}};
      auto *begin = reinterpret_cast<const std::byte *>(text.data());
      list.push_back({entry.path().stem().string(),
                      entry.path().extension().string(),
                      {begin, begin + text.size()}});
    }
    std::sort(
        list.begin(), list.end(),
        [](const CodeFile &a, const CodeFile &b) { return a.isa < b.isa; });
    return list;
  }();
  return files;
}

std::vector<Subject> gpuSubjects() {
  std::vector<Subject> all;
  const char *folder = std::getenv("ACTNET_CTS_GPU");
  if (!folder)
    return all;
  auto add = [&](const char *name, const CudaOptions &options) -> Subject & {
    Subject subject;
    subject.name = name;
    subject.make = [options] { return createCudaDevice(options); };
    for (const CodeFile &file : codeFiles(folder)) {
      if (file.ending == ".bundle")
        subject.images.push_back(file.image());
      else if (file.ending == ".importing")
        subject.importing = file.image();
    }
    subject.exclusions = {
        {"workThatWaitsForADestroyedStreamIsCancelledNotHeld",
         "a driver runs what it was given; nothing can be taken back"}};
    return all.emplace_back(std::move(subject));
  };
  add("gpu", {});
  CudaOptions plain;
  plain.graphs = false;
  add("gpuWithoutGraphs", plain);
  CudaOptions one;
  one.oneStream = true;
  add("gpuOneStream", one);
  CudaOptions synchronous;
  synchronous.synchronous = true;
  add("gpuSynchronous", synchronous)
      .exclusions.push_back(
          {"theHostWaitsForEventsAndGivesUpInTime",
           "work is over before submit returns, so nobody ever waits"});
  return all;
}

const SubjectAdder adder(gpuSubjects);

} // namespace

} // namespace actnet::rt::cts
