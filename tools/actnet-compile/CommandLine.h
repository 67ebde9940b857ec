//===- CommandLine.h - the compiler's command line ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A parser of our own: LLVM's would let its libraries' flags in.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TOOLS_ACTNET_COMPILE_COMMANDLINE_H
#define ACTNET_TOOLS_ACTNET_COMPILE_COMMANDLINE_H

#include "actnet/Pipelines/Compile.h"

#include "llvm/Support/Error.h"

namespace actnet {

struct CommandLine {
  std::string input;
  CompileOptions compile;
  bool timeReport = false;
  bool verbose = false;
  bool help = false;
  bool version = false;
  bool listOperators = false;
};

/// Reads the command line; an error is one line that names the argument.
llvm::Expected<CommandLine>
parseCommandLine(llvm::ArrayRef<const char *> arguments);

/// The text of --help.
llvm::StringRef getHelp();

} // namespace actnet

#endif // ACTNET_TOOLS_ACTNET_COMPILE_COMMANDLINE_H
