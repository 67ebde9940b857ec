//===- Diagnostics.h - what the compiler says on the terminal -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A mistake is one line; remarks and times are for those who ask.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TOOLS_ACTNET_COMPILE_DIAGNOSTICS_H
#define ACTNET_TOOLS_ACTNET_COMPILE_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"

#include <chrono>
#include <string>
#include <vector>

namespace actnet {

/// Prints the first error as one line on stderr, at the end, with the number of
/// the others; warnings at once. If verbose, every error at once.
class ErrorPrinter {
public:
  explicit ErrorPrinter(mlir::MLIRContext &context, bool verbose);
  ~ErrorPrinter();

  /// Whether the first error was about an option of the command line.
  bool isUsage() const { return usage; }

private:
  mlir::DiagnosticEngine &engine;
  mlir::DiagnosticEngine::HandlerID id;
  bool verbose;
  unsigned errors = 0;
  bool usage = false;
  std::string first;
};

/// Prints each optimization remark as one line on stderr.
mlir::LogicalResult enableRemarks(mlir::MLIRContext &context);

/// Measures phases, one after the other.
class PhaseTimer {
public:
  /// Ends the phase that runs and begins another.
  void begin(llvm::StringRef phase);
  /// Ends the last phase and prints a table on stderr.
  void print();

private:
  using Clock = std::chrono::steady_clock;
  void end();
  struct Entry {
    std::string name;
    double seconds;
  };
  std::vector<Entry> entries;
  Clock::time_point started;
  bool running = false;
};

} // namespace actnet

#endif // ACTNET_TOOLS_ACTNET_COMPILE_DIAGNOSTICS_H
