//===- CommandLine.h - the flags of a compiled program --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled programs and actnet-run share these flags. Written by hand: a
// program carries this code, starts in milliseconds, and answers a wrong flag
// with one line that names it.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TOOLS_RUN_COMMANDLINE_H
#define ACTNET_TOOLS_RUN_COMMANDLINE_H

#include "actnet/Runtime/Base/Status.h"

#include <optional>
#include <string>
#include <vector>

namespace actnet::run {

/// `NAME=VALUE`; the name is empty where it was left out. It may contain '='.
struct NamedValue {
  std::string name;
  std::string value;
};

/// `NAME=8` or `NAME=1..8`.
struct DimFlag {
  std::string name;
  int64_t lower = 0;
  int64_t upper = 0;
};

/// All flags, with their defaults.
struct Flags {
  std::string package; ///< only of actnet-run
  std::string function;
  std::string device = "auto";
  std::string isa;
  int threads = 0;
  int inFlight = 0;
  std::vector<NamedValue> inputs;
  std::string inputsDir;
  std::vector<DimFlag> dims;
  uint64_t seed = 0;
  std::vector<NamedValue> outputs;
  std::vector<NamedValue> expects;
  double rtol = 1e-3; ///< defaults of ONNX's own tests
  double atol = 1e-7;
  std::optional<double> benchmark; ///< seconds
  std::optional<double> warmup;    ///< seconds
  int64_t iterations = 0;
  bool noTransfers = false;
  bool step = false;
  double deadline = 0; ///< seconds; 0: the device's default
  std::string profile;
  bool info = false;
  bool verify = false;
  bool memory = false;
  bool listDevices = false;
  bool json = false;
  bool help = false;
  bool version = false;
};

/// Parses the arguments after argv[0]. With `wantsPackage` the one argument
/// that is no flag is the package; else there must be none.
/// Errors: invalidArgument, naming the flag, what was expected and what came.
Expected<Flags> parseFlags(const std::vector<std::string> &arguments,
                           bool wantsPackage);

/// Returns the text of --help for a program of this name.
std::string helpText(const std::string &program, bool wantsPackage);

} // namespace actnet::run

#endif // ACTNET_TOOLS_RUN_COMMANDLINE_H
