//===- HostSubjects.cpp - the host device, as subjects of the suite -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cts.h"
#include "actnet/Runtime/Device/Host.h"

// The images that CMake builds from Kernels.c and Import.c.
#define IMAGE(name, path)                                                      \
  __asm__(".section .rodata\n"                                                 \
          ".globl " #name "Begin\n.globl " #name "End\n"                       \
          ".hidden " #name "Begin\n.hidden " #name "End\n"                     \
          ".balign 16\n" #name "Begin:\n.incbin \"" path "\"\n" #name          \
          "End:\n.byte 0\n.text\n");                                           \
  extern "C" const std::byte name##Begin[], name##End[]

IMAGE(ctsBaseline, ACTNET_CTS_IMAGES "/kernels-1.so");
IMAGE(ctsLevel3, ACTNET_CTS_IMAGES "/kernels-3.so");
IMAGE(ctsLevel4, ACTNET_CTS_IMAGES "/kernels-4.so");
IMAGE(ctsImport, ACTNET_CTS_IMAGES "/import.so");

namespace actnet::rt::cts {

static std::vector<Subject> hostSubjects() {
  std::vector<Subject> all;
  for (unsigned threads : {1u, 2u, 3u, 5u}) {
    Subject subject;
    subject.name = "host" + std::to_string(threads);
    subject.make = [threads] {
      HostOptions options;
      options.threads = threads;
      return createHostDevice(options);
    };
    subject.images = {
        {"elf", "x86-64", {ctsBaselineBegin, ctsBaselineEnd}},
        {"elf", "x86-64-v4", {ctsLevel4Begin, ctsLevel4End}},
        {"elf", "x86-64-v3", {ctsLevel3Begin, ctsLevel3End}},
    };
    subject.importing = {"elf", "x86-64", {ctsImportBegin, ctsImportEnd}};
    subject.exclusions = {
        {"faultsAreReported",
         "a host kernel is a plain call in the program's own address space; "
         "what it does wrong can't be told from what the program does"},
    };
    all.push_back(std::move(subject));
  }
  return all;
}

static SubjectAdder adder(hostSubjects);

} // namespace actnet::rt::cts
