//===- Runner.h - what a compiled program does with its flags -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_TOOLS_RUN_RUNNER_H
#define ACTNET_TOOLS_RUN_RUNNER_H

#include "CommandLine.h"
#include "actnet/Runtime/Session/HostTensor.h"
#include "actnet/actnet.h"

#include <memory>
#include <string>
#include <vector>

namespace actnet::run {

/// The exit codes of a compiled program.
enum ExitCode { exitDone = 0, exitFailed = 1, exitUsage = 2, exitDiffers = 3 };

/// Runs `arguments` (those after argv[0]) and prints what they ask for; the
/// package is the file `self`, or the flags' where that is empty. Errors are
/// one line on stderr, after `name`. Returns the exit code.
int runMain(const std::string &name, const std::string &self,
            const std::vector<std::string> &arguments);

struct CloseProgram {
  void operator()(actnet_program *p) const { actnet_close(p); }
};
struct CloseSession {
  void operator()(actnet_session *s) const { actnet_destroy_session(s); }
};
using ProgramPtr = std::unique_ptr<actnet_program, CloseProgram>;
using SessionPtr = std::unique_ptr<actnet_session, CloseSession>;

/// Turns the C API's answer into a Status with its text.
Status check(actnet_status status);

/// A tensor of the chosen function and what is bound to it.
struct Argument {
  actnet_tensor_info info = {};
  rt::HostTensor tensor;
};

/// One run of the program: the function, its tensors, and the figures for
/// --json.
struct Run {
  ProgramPtr program;
  SessionPtr session;
  actnet_program_info info = {};
  int32_t function = 0;
  actnet_function_info functionInfo = {};
  std::vector<actnet_dim_info> dims;
  std::vector<int64_t> dimValues; ///< for tensors whose shape nothing fixes
  std::vector<Argument> inputs, outputs;
  /// Per input: "@FILE", "random" or a number.
  std::vector<std::string> sources;
  double loadMs = 0;
  double startMs = 0;
  std::vector<double> latencies; ///< of the benchmark, ms
  double benchmarkMs = 0;
  int64_t benchmarkRuns = 0;
};

/// Looks `name` up among the tensors of one side; an empty name means the only
/// one. Errors: invalidArgument, with the names there are.
Expected<size_t> findArgument(const std::vector<Argument> &arguments,
                              const std::string &name, const char *flag);

/// The number of a dim, by its name, which is that of the model's file; the
/// number of dims where there is none.
size_t findDim(const Run &run, const std::string &name);

/// Checks --dim, --input and --inputs against the package and decides where
/// each input comes from. Errors are the user's: exit code 2.
Status resolveInputs(Run &run, const Flags &flags);

/// Checks that no file is written that is read, nor one file twice: by file,
/// not by name; and that none to write is a pipe with a name, which would wait
/// for a reader. `package` is the program's own file. Errors are the user's.
Status checkFiles(const Run &run, const Flags &flags,
                  const std::string &package);

/// Reads a tensor's file as rt::readTensorFile does, but never waits: a pipe is
/// an error (invalidArgument), like all that is no regular file.
Expected<rt::HostTensor> readTensor(const std::string &path);

/// Reads or fills the inputs.
Status loadInputs(Run &run, const Flags &flags);

/// Runs and times the benchmark of the flags.
Status benchmark(Run &run, const Flags &flags);

/// Prints the package: --info.
void printInfo(const Run &run, const Flags &flags);
/// Prints the version: --version.
void printVersion(const Flags &flags);
/// Prints the devices: --list-devices.
void printDevices(const Flags &flags);
/// Prints outputs, times and memory, as text or as one JSON object.
Status printResults(const Run &run, const Flags &flags);

} // namespace actnet::run

#endif // ACTNET_TOOLS_RUN_RUNNER_H
