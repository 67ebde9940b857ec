//===- Runner.cpp - what a compiled program does with its flags -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"
#include "actnet/Runtime/Session/TensorFile.h"

#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>

using namespace actnet;
using namespace actnet::run;

namespace {
using Clock = std::chrono::steady_clock;

double msSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

/// One line a failure, whatever is in it.
int fail(const std::string &name, const Status &status, int code) {
  std::string line = status.str();
  for (char &c : line)
    if (c == '\n' || c == '\r')
      c = ' ';
  std::fprintf(stderr, "%s: error: %s\n", name.c_str(), line.c_str());
  return code;
}

Status openProgram(Run &run, const std::string &path) {
  actnet_program *program = nullptr;
  ACTNET_RETURN_IF_ERROR(check(actnet_open_file(path.c_str(), &program)));
  run.program.reset(program);
  ACTNET_RETURN_IF_ERROR(check(actnet_describe_program(program, &run.info)));
  for (int32_t i = 0; i < run.info.dims; ++i)
    ACTNET_RETURN_IF_ERROR(
        check(actnet_describe_dim(program, i, &run.dims.emplace_back())));
  return okStatus();
}

/// Fills in the function that the flags name and its tensors.
Status chooseFunction(Run &run, const Flags &flags) {
  actnet_program *program = run.program.get();
  std::string names;
  int32_t found = flags.function.empty() && run.info.functions > 0 ? 0 : -1;
  for (int32_t i = 0; i < run.info.functions; ++i) {
    actnet_function_info info;
    ACTNET_RETURN_IF_ERROR(check(actnet_describe_function(program, i, &info)));
    names += (names.empty() ? "'" : ", '") + std::string(info.name) + "'";
    if (flags.function == info.name)
      found = i;
  }
  if (found < 0)
    return invalidArgument("--function: expected one of " + names +
                           ", found '" + flags.function + "'");
  run.function = found;
  ACTNET_RETURN_IF_ERROR(
      check(actnet_describe_function(program, found, &run.functionInfo)));
  for (int32_t i = 0; i < run.functionInfo.inputs; ++i)
    ACTNET_RETURN_IF_ERROR(check(actnet_describe_tensor(
        program, found, ACTNET_INPUT, i, &run.inputs.emplace_back().info)));
  for (int32_t i = 0; i < run.functionInfo.outputs; ++i)
    ACTNET_RETURN_IF_ERROR(check(actnet_describe_tensor(
        program, found, ACTNET_OUTPUT, i, &run.outputs.emplace_back().info)));
  return okStatus();
}

/// Checks that the program has the code that --isa names.
Status checkIsa(const Run &run, const Flags &flags) {
  std::string names;
  // "text" asks for code that is made where the program runs.
  bool found = flags.isa.empty() || flags.isa == "text" ||
               flags.isa.starts_with("text:");
  auto look = [&](const char *const *isas, int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
      names += (names.empty() ? "'" : ", '") + std::string(isas[i]) + "'";
      found |= flags.isa == isas[i];
    }
  };
  look(run.info.isas, run.info.variants);
  look(run.info.gpu_isas, run.info.gpu_variants);
  return found ? okStatus()
               : invalidArgument("--isa: expected one of " +
                                 (names.empty() ? "none" : names) +
                                 ", which the program has code for, found '" +
                                 flags.isa + "'");
}

/// Reads the whole package, and nothing else of the file: --verify.
Status verify(const Run &run, const Flags &flags) {
  ACTNET_RETURN_IF_ERROR(check(actnet_verify(run.program.get())));
  if (flags.json)
    std::printf("{\"verified_bytes\": %" PRIu64 "}\n", run.info.package_bytes);
  else
    std::printf("all checksums match: %" PRIu64
                " bytes of the package are as written\n",
                run.info.package_bytes);
  return okStatus();
}

void printNotice(void *user, const char *line) {
  std::fprintf(stderr, "%s: note: %s\n", static_cast<const char *>(user), line);
}

/// Whether the software GPU alone has code. It is never chosen by itself.
bool hasToyOnly(const Run &run) {
  return run.info.variants == 0 && run.info.gpu_variants == 1 &&
         std::string_view(run.info.gpu_isas[0]) == "toy";
}

Status createSession(Run &run, const Flags &flags, const std::string &name) {
  std::vector<actnet_dim_bound> bounds;
  for (const DimFlag &dim : flags.dims)
    bounds.push_back(
        {run.dims[findDim(run, dim.name)].name, dim.lower, dim.upper});
  actnet_options options = {};
  options.struct_size = sizeof options;
  options.device = flags.device.c_str();
  options.isa = flags.isa.empty() ? nullptr : flags.isa.c_str();
  options.threads = flags.threads;
  options.in_flight = flags.inFlight;
  options.dims = bounds.data();
  options.num_dims = int32_t(bounds.size());
  options.step = flags.step;
  options.deadline = flags.deadline;
  options.profile = !flags.profile.empty();
  options.notice = printNotice;
  options.user = const_cast<char *>(name.c_str());
  actnet_session *session = nullptr;
  actnet_status code =
      actnet_create_session(run.program.get(), &options, &session);
  if (code == ACTNET_NOT_FOUND && hasToyOnly(run) &&
      (flags.device == "auto" || flags.device == "host"))
    return notFound(std::string(actnet_error_text()) +
                    ", or run it with --device=toy");
  ACTNET_RETURN_IF_ERROR(check(code));
  run.session.reset(session);
  return okStatus();
}

Status bindAll(Run &run) {
  actnet_session *session = run.session.get();
  for (size_t i = 0; i < run.inputs.size(); ++i) {
    const rt::HostTensor &tensor = run.inputs[i].tensor;
    ACTNET_RETURN_IF_ERROR(check(actnet_bind_input(
        session, run.function, int32_t(i), tensor.dtype, tensor.shape.data(),
        int32_t(tensor.shape.size()), tensor.data.get())));
  }
  for (size_t i = 0; i < run.outputs.size(); ++i) {
    Argument &output = run.outputs[i];
    std::vector<int64_t> shape(size_t(output.info.rank));
    ACTNET_RETURN_IF_ERROR(check(
        actnet_output_shape(session, run.function, int32_t(i), shape.data())));
    ACTNET_ASSIGN_OR_RETURN(
        output.tensor,
        rt::HostTensor::allocate(output.info.dtype, std::move(shape)));
    ACTNET_RETURN_IF_ERROR(check(
        actnet_bind_output(session, run.function, int32_t(i),
                           output.tensor.data.get(), output.tensor.bytes)));
  }
  return okStatus();
}

/// Compares and writes outputs. Sets `differs` and prints a line for each
/// output that is not as expected.
Status finishOutputs(const Run &run, const Flags &flags,
                     const std::string &name, bool &differs) {
  for (const NamedValue &expect : flags.expects) {
    ACTNET_ASSIGN_OR_RETURN(size_t i,
                            findArgument(run.outputs, expect.name, "expect"));
    auto reference = readTensor(expect.value);
    if (!reference)
      return std::move(reference.addContext("--expect")).takeStatus();
    rt::Difference difference =
        rt::compare(run.outputs[i].tensor, *reference, flags.rtol, flags.atol);
    if (difference.text.empty())
      continue;
    differs = true;
    std::fprintf(stderr, "%s: output '%s' differs from %s: %s\n", name.c_str(),
                 run.outputs[i].info.name, expect.value.c_str(),
                 difference.text.c_str());
  }
  for (const NamedValue &output : flags.outputs) {
    ACTNET_ASSIGN_OR_RETURN(size_t i,
                            findArgument(run.outputs, output.name, "output"));
    Status status = rt::writeNpy(output.value, run.outputs[i].tensor);
    if (!status)
      return status.addContext("--output");
  }
  return okStatus();
}

/// Checks what can be known wrong before anything runs.
Status checkNames(const Run &run, const Flags &flags) {
  std::vector<bool> given(run.outputs.size(), false);
  for (const NamedValue &v : flags.outputs) {
    ACTNET_ASSIGN_OR_RETURN(size_t i,
                            findArgument(run.outputs, v.name, "output"));
    if (given[i])
      return invalidArgument("--output: expected each output once, found '" +
                             std::string(run.outputs[i].info.name) + "' twice");
    given[i] = true;
  }
  for (const NamedValue &v : flags.expects)
    if (auto i = findArgument(run.outputs, v.name, "expect"); !i)
      return i.takeStatus();
  return okStatus();
}

/// Everything between a command line that is right and the exit code.
Status execute(Run &run, const Flags &flags, const std::string &name,
               Clock::time_point begin, bool &differs) {
  ACTNET_RETURN_IF_ERROR(loadInputs(run, flags));
  Clock::time_point load = Clock::now();
  ACTNET_RETURN_IF_ERROR(createSession(run, flags, name));
  run.loadMs += msSince(load);
  ACTNET_RETURN_IF_ERROR(bindAll(run));
  ACTNET_RETURN_IF_ERROR(check(actnet_run(run.session.get(), run.function)));
  run.startMs = msSince(begin);
  if (flags.benchmark || flags.iterations > 0)
    ACTNET_RETURN_IF_ERROR(benchmark(run, flags));
  ACTNET_RETURN_IF_ERROR(finishOutputs(run, flags, name, differs));
  if (!flags.profile.empty())
    ACTNET_RETURN_IF_ERROR(
        check(actnet_write_profile(run.session.get(), flags.profile.c_str())));
  return printResults(run, flags);
}
} // namespace

Status run::check(actnet_status status) {
  switch (status) {
  case ACTNET_OK:
    return okStatus();
  case ACTNET_INVALID:
    return invalidArgument(actnet_error_text());
  default:
    return failedPrecondition(actnet_error_text());
  }
}

static int runFlags(const std::string &name, const std::string &self,
                    const std::vector<std::string> &arguments) {
  Clock::time_point begin = Clock::now();
  auto parsed = parseFlags(arguments, self.empty());
  if (!parsed)
    return fail(name, parsed.status(), exitUsage);
  const Flags &flags = *parsed;
  if (flags.help) {
    std::fputs(helpText(name, self.empty()).c_str(), stdout);
    return exitDone;
  }
  if (flags.version) {
    printVersion(flags);
    return exitDone;
  }
  if (flags.listDevices) {
    printDevices(flags);
    return exitDone;
  }
  if (self.empty() && flags.package.empty())
    return fail(name, invalidArgument("expected a package, found none"),
                exitUsage);

  Run run;
  Status status = openProgram(run, self.empty() ? flags.package : self);
  if (!status)
    return fail(name, status, exitFailed);
  run.loadMs = msSince(begin);
  if (flags.verify) {
    status = verify(run, flags);
    return status ? exitDone : fail(name, status, exitFailed);
  }
  if (flags.info) {
    printInfo(run, flags);
    return exitDone;
  }
  // What does not suit this package is a matter of usage.
  status = chooseFunction(run, flags);
  if (status)
    status = checkIsa(run, flags);
  if (status)
    status = checkNames(run, flags);
  if (status)
    status = resolveInputs(run, flags);
  if (status)
    status = checkFiles(run, flags, self.empty() ? flags.package : self);
  if (!status)
    return fail(name, status, exitUsage);

  bool differs = false;
  status = execute(run, flags, name, begin, differs);
  if (!status)
    return fail(name, status, exitFailed);
  return differs ? exitDiffers : exitDone;
}

int run::runMain(const std::string &name, const std::string &self,
                 const std::vector<std::string> &arguments) {
  // A file that may not grow further is an error of the write that meets it.
  std::signal(SIGXFSZ, SIG_IGN);
  int code = runFlags(name, self, arguments);
  bool written = std::fflush(stdout) == 0 && !std::ferror(stdout);
  if (!written && code == exitDone)
    return fail(name, unavailable("standard output: cannot be written"),
                exitFailed);
  return code;
}
