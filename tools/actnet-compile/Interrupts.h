//===- Interrupts.h - a compiler that is stopped leaves nothing -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_TOOLS_ACTNET_COMPILE_INTERRUPTS_H
#define ACTNET_TOOLS_ACTNET_COMPILE_INTERRUPTS_H

namespace actnet {

/// Has the files that are not finished removed when the process is ended by
/// SIGINT, SIGTERM, SIGHUP or a crash, and makes the limit on the size of files
/// an error of the write. Call once, before the first file is written.
void removeFilesOnSignals();

/// Has the process end with one line and exit code 1 when there is no more
/// memory, or no more threads, and the files that are not finished removed.
void endOnExhaustion();

} // namespace actnet

#endif // ACTNET_TOOLS_ACTNET_COMPILE_INTERRUPTS_H
