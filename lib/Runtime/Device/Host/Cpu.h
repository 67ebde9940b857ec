//===- Cpu.h - names of processors and variants ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_RUNTIME_DEVICE_HOST_CPU_H
#define ACTNET_LIB_RUNTIME_DEVICE_HOST_CPU_H

#include <string>
#include <string_view>

namespace actnet::rt {

/// The processor's brand string, for people.
std::string hostCpuName();

/// The psABI level (1 to 4) that a variant's name means, 0 if it is no name of
/// ours. A higher level is preferred.
int hostVariantLevel(std::string_view features);

} // namespace actnet::rt

#endif // ACTNET_LIB_RUNTIME_DEVICE_HOST_CPU_H
