//===- Interrupts.cpp - a compiler that is stopped leaves nothing ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Interrupts.h"

#include "actnet/Package/Writer.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"

#include <csignal>
#include <cstring>
#include <exception>
#include <new>
#include <unistd.h>

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

/// Ends the process without asking for memory.
[[noreturn]] static void endWith(const char *reason) {
  for (const char *part : {"actnet-compile: error: ", reason, "\n"})
    (void)!write(STDERR_FILENO, part, std::strlen(part));
  llvm::sys::RunInterruptHandlers();
  _exit(1);
}

void actnet::endOnExhaustion() {
  // By malloc within LLVM, by new, and by what LLVM cannot do without, such as
  // threads; each has its own way out.
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { endWith("out of memory"); });
  std::set_new_handler([] { endWith("out of memory"); });
  // A thread that cannot be made throws, and nothing here catches.
  std::set_terminate(
      [] { endWith("out of memory, or of threads: cannot go on"); });
  llvm::install_fatal_error_handler(
      [](void *, const char *reason, bool) { endWith(reason); });
}
