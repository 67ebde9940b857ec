//===- Hooks.h - the functions that toy images import ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_RUNTIME_DEVICE_TOY_HOOKS_H
#define ACTNET_LIB_RUNTIME_DEVICE_TOY_HOOKS_H

#include "../Elf.h"
#include "Block.h"

namespace actnet::rt::toy {

/// What an image may import: the calls that clang's -fsanitize=thread makes
/// and the functions of kernels/toy/device.h, each by its name there. They
/// never clash with the real sanitizer's, because nothing here has those names.
std::span<const ElfImport> imports();

} // namespace actnet::rt::toy

#endif // ACTNET_LIB_RUNTIME_DEVICE_TOY_HOOKS_H
