//===- Interrupts.cpp - a compiler that is stopped leaves nothing ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Interrupts.h"

#include "actnet/Package/Writer.h"

#include "llvm/Support/Signals.h"

#include <csignal>

void actnet::removeFilesOnSignals() {
  // LLVM installs its handlers with the first file or function that it is
  // given. They run in whatever thread the signal finds, remove the files that
  // are registered, and let the signal take its course.
  llvm::sys::AddSignalHandler([](void *) {}, nullptr);
  pkg::Writer::watchTemporaries([](const char *path, bool exists) {
    if (exists)
      llvm::sys::RemoveFileOnSignal(path);
    else
      llvm::sys::DontRemoveFileOnSignal(path);
  });
  // A file that may not grow further is an error like a full disk: the write
  // says so, and the message names the file. After LLVM's handlers, which take
  // this signal too.
  std::signal(SIGXFSZ, SIG_IGN);
}
