//===- KeptText.cpp - what a compiler refused -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KeptText.h"

#include "actnet/Runtime/Device/Nvrtc.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace actnet;

LogicalResult cuda::refuse(Location loc, StringRef compiler, StringRef isa,
                           const KernelCode &text, StringRef log) {
  int file = -1;
  SmallString<128> path;
  InFlightDiagnostic error = emitError(loc);
  error << compiler << " refuses kernel '" << text.symbol << "' for " << isa
        << ": " << StringRef(rt::Nvrtc::bestLine(log));
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
