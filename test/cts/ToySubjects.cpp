//===- ToySubjects.cpp - the software GPU, as subjects of the suite -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A few seeds always; ACTNET_CTS_SEEDS=N runs the seeds 1 to N instead.
//
//===----------------------------------------------------------------------===//
#include "Cts.h"
#include "actnet/Runtime/Device/Toy.h"

#include <cstdlib>

#define IMAGE(name, path)                                                      \
  __asm__(".section .rodata\n"                                                 \
          ".globl " #name "Begin\n.globl " #name "End\n"                       \
          ".hidden " #name "Begin\n.hidden " #name "End\n"                     \
          ".balign 16\n" #name "Begin:\n.incbin \"" path "\"\n" #name          \
          "End:\n.byte 0\n.text\n");                                           \
  extern "C" const std::byte name##Begin[], name##End[]

IMAGE(ctsToy, ACTNET_CTS_IMAGES "/toy.so");
IMAGE(ctsToyImport, ACTNET_CTS_IMAGES "/toy-import.so");

namespace actnet::rt::cts {

static Subject toySubject(std::string name, const ToyOptions &options) {
  Subject subject;
  subject.name = std::move(name);
  subject.make = [options] { return createToyDevice(options); };
  subject.images = {{"toy", "toy", {ctsToyBegin, ctsToyEnd}}};
  subject.importing = {"toy", "toy", {ctsToyImportBegin, ctsToyImportEnd}};
  subject.slowdown = 50;
  return subject;
}

static std::vector<Subject> toySubjects() {
  std::vector<Subject> all;
  const char *wanted = std::getenv("ACTNET_CTS_SEEDS");
  uint64_t seeds = wanted ? std::strtoull(wanted, nullptr, 10) : 3;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    ToyOptions options;
    options.seed = seed;
    options.threads = unsigned(1 + seed % 3);
    all.push_back(toySubject("toy" + std::to_string(seed), options));
  }
  ToyOptions prompt;
  prompt.delays = false;
  all.push_back(toySubject("toyPrompt", prompt));
  ToyOptions serial;
  serial.serial = true;
  all.push_back(toySubject("toySerial", serial));
  ToyOptions synchronous;
  synchronous.synchronous = true;
  Subject subject = toySubject("toySynchronous", synchronous);
  subject.exclusions = {
      {"theHostWaitsForEventsAndGivesUpInTime",
       "work is over before submit returns, so nobody ever waits"},
      {"workThatWaitsForADestroyedStreamIsCancelledNotHeld",
       "work is over before submit returns, so none is left to cancel"},
  };
  all.push_back(std::move(subject));
  return all;
}

static SubjectAdder adder(toySubjects);

} // namespace actnet::rt::cts
