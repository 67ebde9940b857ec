//===- NvrtcStandIn.cpp - a libnvrtc that compiles nothing ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For tests of what can be wrong with NVRTC, where there is none: it is of the
// version that ACTNET_STANDIN_NVRTC names ("14.0"; else 13.0), knows sm_80 and
// sm_90, and refuses every text.
//
//===----------------------------------------------------------------------===//
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// By the name that its caller has for it: the sanitizers compare types.
namespace actnet::rt {
struct OpaqueProgram;
}
using Program = actnet::rt::OpaqueProgram *;

namespace {
constexpr char refusal[] = "1 catastrophe\n"
                           "some.cu(3): error: the stand-in takes no text\n"
                           "1 error detected\n";
constexpr int compilationError = 6;
int program;
} // namespace

#define EXPORT extern "C" __attribute__((visibility("default"))) int

EXPORT nvrtcVersion(int *major, int *minor) {
  *major = 13;
  *minor = 0;
  if (const char *asked = std::getenv("ACTNET_STANDIN_NVRTC"))
    std::sscanf(asked, "%d.%d", major, minor);
  return 0;
}
EXPORT nvrtcGetNumSupportedArchs(int *count) {
  *count = 2;
  return 0;
}
EXPORT nvrtcGetSupportedArchs(int *list) {
  list[0] = 80;
  list[1] = 90;
  return 0;
}
EXPORT nvrtcCreateProgram(Program *made, const char *, const char *, int,
                          const char *const *, const char *const *) {
  *made = reinterpret_cast<Program>(&program);
  return 0;
}
EXPORT nvrtcCompileProgram(Program, int, const char *const *) {
  return compilationError;
}
EXPORT nvrtcGetProgramLogSize(Program, size_t *bytes) {
  *bytes = sizeof refusal;
  return 0;
}
EXPORT nvrtcGetProgramLog(Program, char *text) {
  std::memcpy(text, refusal, sizeof refusal);
  return 0;
}
EXPORT nvrtcGetCUBINSize(Program, size_t *bytes) {
  *bytes = 0;
  return 0;
}
EXPORT nvrtcGetCUBIN(Program, char *) { return compilationError; }
EXPORT nvrtcGetPTXSize(Program, size_t *bytes) {
  *bytes = 0;
  return 0;
}
EXPORT nvrtcGetPTX(Program, char *) { return compilationError; }
EXPORT nvrtcDestroyProgram(Program *made) {
  *made = nullptr;
  return 0;
}
