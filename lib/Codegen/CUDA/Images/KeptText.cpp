//===- KeptText.cpp - what a compiler refused -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KeptText.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace actnet;

/// The line of a log that says most in one.
static StringRef bestLine(StringRef log) {
  StringRef first;
  for (StringRef line : llvm::split(log, '\n')) {
    if (line.contains("error"))
      return line.trim();
    if (first.empty())
      first = line.trim();
  }
  return first;
}

LogicalResult cuda::refuse(Location loc, StringRef compiler, StringRef isa,
                           const KernelCode &text, StringRef log) {
  int file = -1;
  SmallString<128> path;
  InFlightDiagnostic error = emitError(loc);
  error << compiler << " refuses kernel '" << text.symbol << "' for " << isa
        << ": " << bestLine(log);
  if (llvm::sys::fs::createTemporaryFile("actnet-" + text.symbol, "cu", file,
                                         path))
    return error;
  llvm::raw_fd_ostream out(file, /*shouldClose=*/true);
  out << text.code << "\n";
  for (StringRef line : llvm::split(log, '\n'))
    out << "// " << line << "\n";
  out.flush();
  bool isKept = !out.has_error();
  out.clear_error();
  if (isKept)
    error << "; its text and the whole log are in " << path;
  return error;
}
