//===- CommandLine.cpp - the compiler's command line ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CommandLine.h"

#include "actnet/Runtime/Device/Nvrtc.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

using namespace actnet;
using llvm::StringRef;

StringRef actnet::getHelp() {
  return R"(usage: actnet-compile INPUT [options]

Compiles a neural network into a native program.

INPUT                 a model: .onnx, or .mlir of any level (graph, kernel, actor)
-o OUT                the file to write; default: the input's name without extension,
                      with .actnet (package), .o (object); texts go to the terminal
--emit=KIND           program (default), package, object (NAME.o and NAME.h), or the
                      text of a level of one target: graph, kernel, actor, or its
                      code: llvm (host), cuda
--target=LIST         with commas between: host, host:x86-64-v3, host:x86-64-v4,
                      host:native; cuda:sm_80 and later, cuda:sm_90a; toy, a GPU in
                      software for tests. Default: host, both variants, of which the
                      program takes the best one that the machine can run
--precision=TYPE      the floats that cuda and toy compute with: f32 (default), bf16
                      or f16; inputs, outputs and variables keep their types
--libraries=WHICH     the contractions that NVIDIA's cuBLASLt may run where a GPU's
                      machine has it: auto (default: large ones), all or none
--dim NAME=LO..HI     bounds of a named dim; NAME=VALUE fixes it. With an upper bound
                      the memory is planned now and promised
--report=FILE.html    writes a page with the memory plan, the kernels and the weights
--time-report         says how long each phase took
-v                    says what was decided, and why
--list-operators      lists the ONNX operators that are supported
--help, --version
)";
}

static llvm::Error usage(const llvm::Twine &message) {
  return llvm::createStringError(message + " (--help lists all)");
}

static llvm::Expected<Emit> parseEmit(StringRef text) {
  auto kind = llvm::StringSwitch<std::optional<Emit>>(text)
                  .Case("program", Emit::program)
                  .Case("package", Emit::package)
                  .Case("object", Emit::object)
                  .Case("graph", Emit::graph)
                  .Case("kernel", Emit::kernel)
                  .Case("actor", Emit::actor)
                  .Case("cuda", Emit::cuda)
                  .Case("llvm", Emit::llvm)
                  .Default(std::nullopt);
  if (!kind)
    return llvm::createStringError(
        "--emit=" + text +
        ": expected program, package, object, graph, kernel, actor, cuda or "
        "llvm");
  return *kind;
}

/// The widest level that this machine runs.
static llvm::Expected<std::string> nativeVariant() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto has = [&](std::initializer_list<StringRef> names) {
    return llvm::all_of(names,
                        [&](StringRef name) { return features.lookup(name); });
  };
  if (has({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return "x86-64-v4";
  if (has({"avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}))
    return "x86-64-v3";
  return llvm::createStringError(
      "--target=host:native: this machine has no AVX2 and FMA, which "
      "x86-64-v3 needs");
}

/// The oldest architecture that the kernels run on: it copies to shared memory
/// in the background and multiplies bf16.
static constexpr unsigned kOldestArchitecture = 80;

/// sm_ and a number, with a letter where the code runs on that GPU alone (a) or
/// on its family (f). Which of them NVRTC knows is seen when it is opened.
static llvm::Error checkArchitecture(StringRef name) {
  StringRef digits = name;
  unsigned number = 0;
  bool bad = !digits.consume_front("sm_");
  char suffix = 0;
  if (digits.ends_with("a") || digits.ends_with("f")) {
    suffix = digits.back();
    digits = digits.drop_back();
  }
  if (bad || digits.size() > 3 || digits.getAsInteger(10, number))
    return llvm::createStringError(
        "--target=cuda:" + name +
        ": expected an architecture such as cuda:sm_80 or cuda:sm_90a");
  if (number < kOldestArchitecture)
    return llvm::createStringError("--target=cuda:" + name +
                                   ": the kernels need sm_80 or later");
  if (!rt::Nvrtc::hasSuffix(int(number), suffix))
    return llvm::createStringError(
        "--target=cuda:" + name + ": there is no such architecture: " +
        (suffix == 'a' ? "a is for sm_90 and later, as in sm_90a"
                       : "f is for sm_100 and later, as in sm_100f"));
  return llvm::Error::success();
}

static llvm::Error parseTarget(StringRef entry, CompileOptions &options) {
  auto add = [](std::vector<std::string> &list, std::string name) {
    if (!llvm::is_contained(list, name))
      list.push_back(std::move(name));
  };
  if (entry == "host") {
    add(options.variants, "x86-64-v3");
    add(options.variants, "x86-64-v4");
  } else if (entry == "host:native") {
    llvm::Expected<std::string> native = nativeVariant();
    if (!native)
      return native.takeError();
    add(options.variants, *native);
  } else if (entry == "host:x86-64-v3" || entry == "host:x86-64-v4") {
    add(options.variants, entry.drop_front(5).str());
  } else if (entry == "cuda") {
    return llvm::createStringError(
        "--target=cuda: an architecture is missing, such as cuda:sm_80");
  } else if (entry.starts_with("cuda:")) {
    StringRef name = entry.drop_front(5);
    if (llvm::Error error = checkArchitecture(name))
      return error;
    add(options.architectures, name.str());
  } else if (entry == "toy") {
    options.toy = true;
  } else {
    return llvm::createStringError(
        "--target=" + entry +
        ": expected host, host:native, host:x86-64-v3, host:x86-64-v4, "
        "cuda:sm_80 (or a later one) or toy");
  }
  return llvm::Error::success();
}

static llvm::Error parseTargets(StringRef text, CompileOptions &options) {
  options.variants.clear();
  options.architectures.clear();
  options.toy = false;
  llvm::SmallVector<StringRef> entries;
  text.split(entries, ',');
  for (StringRef entry : entries) {
    if (entry.empty())
      return llvm::createStringError(
          "--target=" + text +
          ": expected a target on both sides of each comma");
    if (llvm::Error error = parseTarget(entry, options))
      return error;
  }
  llvm::sort(options.variants);
  return llvm::Error::success();
}

static llvm::Expected<DimBounds> parseDim(StringRef text) {
  DimBounds dim;
  // Names may contain '=', bounds do not.
  auto [name, range] = text.rsplit('=');
  auto [lower, upper] = range.split("..");
  if (upper.empty() && !range.contains(".."))
    upper = lower;
  dim.name = name.str();
  auto fail = [&](const llvm::Twine &what) {
    return llvm::createStringError("--dim " + text + ": " + what);
  };
  // Signed, so that -1 is named for what it is.
  if (name.empty() || lower.getAsInteger(10, dim.lower) ||
      (!upper.empty() && upper.getAsInteger(10, dim.upper)))
    return fail("expected NAME=LOWER..UPPER, such as N=1..64");
  if (dim.lower < 0 || (!upper.empty() && dim.upper < 0))
    return fail("bounds are not negative");
  if (!upper.empty() && dim.upper < dim.lower)
    return fail("the lower bound is above the upper one");
  return dim;
}

/// Fills in an output that was not named.
static llvm::Error completeOutput(CommandLine &line) {
  std::string &output = line.compile.output;
  Emit emit = line.compile.emit;
  bool isText =
      emit != Emit::program && emit != Emit::package && emit != Emit::object;
  if (output == "-" && !isText)
    return llvm::createStringError("-o -: only texts can go to the terminal");
  if (emit == Emit::object && !output.empty() &&
      !StringRef(output).ends_with(".o"))
    return llvm::createStringError("-o " + output +
                                   ": an object's name ends with .o");
  if (line.compile.precision != "f32" && line.compile.architectures.empty() &&
      !line.compile.toy && emit != Emit::cuda)
    return llvm::createStringError("--precision=" + line.compile.precision +
                                   ": is for cuda and toy, which --target does "
                                   "not name");
  if (line.compile.libraries != "auto" && line.compile.architectures.empty() &&
      !line.compile.toy && emit != Emit::cuda)
    return llvm::createStringError("--libraries=" + line.compile.libraries +
                                   ": is for cuda, which --target does not "
                                   "name");
  if (!line.compile.report.empty() && isText)
    return llvm::createStringError(
        "--report: needs --emit=program, package or object");
  if (!output.empty())
    return llvm::Error::success();
  output = llvm::sys::path::stem(line.input).str();
  if (isText)
    output = "-";
  else if (emit == Emit::package)
    output += ".actnet";
  else if (emit == Emit::object)
    output += ".o";
  if (output.empty() || output == line.input)
    return llvm::createStringError(
        "-o is missing: no name for the output follows from '" + line.input +
        "'");
  return llvm::Error::success();
}

llvm::Expected<CommandLine>
actnet::parseCommandLine(llvm::ArrayRef<const char *> arguments) {
  CommandLine line;
  llvm::SmallVector<StringRef> seen;
  for (size_t i = 0; i < arguments.size(); ++i) {
    StringRef argument = arguments[i];
    auto [flag, value] = argument.split('=');
    bool hasValue = argument.contains('=');
    // The value stands behind the equals sign, or is the next argument.
    auto take = [&]() -> llvm::Error {
      if (!hasValue) {
        if (i + 1 == arguments.size())
          return usage(flag + ": a value is missing");
        value = arguments[++i];
        // The next option is no value; `-` is the terminal.
        if (value.size() > 1 && value.starts_with("-"))
          return usage(flag + ": expected a value, found '" + value + "'");
      }
      // All but --dim are given once.
      if (llvm::is_contained(seen, flag))
        return usage(flag + ": is given twice");
      if (flag != "--dim")
        seen.push_back(flag);
      return value.empty() ? usage(flag + ": a value is missing")
                           : llvm::Error::success();
    };
    bool isSwitch = flag == "--time-report" || flag == "-v" ||
                    flag == "--help" || flag == "-h" ||
                    flag == "--list-operators" || flag == "--version";
    if (isSwitch && hasValue)
      return usage(flag + " takes no value");
    if (argument == "-o") {
      if (llvm::Error error = take())
        return std::move(error);
      line.compile.output = value.str();
    } else if (flag == "--emit") {
      if (llvm::Error error = take())
        return std::move(error);
      llvm::Expected<Emit> emit = parseEmit(value);
      if (!emit)
        return emit.takeError();
      line.compile.emit = *emit;
    } else if (flag == "--target") {
      if (llvm::Error error = take())
        return std::move(error);
      if (llvm::Error error = parseTargets(value, line.compile))
        return std::move(error);
    } else if (flag == "--precision") {
      if (llvm::Error error = take())
        return std::move(error);
      if (value != "f32" && value != "bf16" && value != "f16")
        return llvm::createStringError("--precision=" + value +
                                       ": expected f32, bf16 or f16");
      line.compile.precision = value.str();
    } else if (flag == "--libraries") {
      if (llvm::Error error = take())
        return std::move(error);
      if (value != "auto" && value != "all" && value != "none")
        return llvm::createStringError("--libraries=" + value +
                                       ": expected auto, all or none");
      line.compile.libraries = value.str();
    } else if (flag == "--dim") {
      if (llvm::Error error = take())
        return std::move(error);
      llvm::Expected<DimBounds> dim = parseDim(value);
      if (!dim)
        return dim.takeError();
      for (const DimBounds &other : line.compile.dims)
        if (other.name == dim->name)
          return llvm::createStringError("--dim " + value + ": the dim '" +
                                         dim->name + "' is bounded twice");
      line.compile.dims.push_back(std::move(*dim));
    } else if (flag == "--report") {
      if (llvm::Error error = take())
        return std::move(error);
      line.compile.report = value.str();
    } else if (flag == "--time-report") {
      line.timeReport = true;
    } else if (flag == "-v") {
      line.verbose = true;
    } else if (flag == "--help" || flag == "-h") {
      line.help = true;
    } else if (flag == "--list-operators") {
      line.listOperators = true;
    } else if (flag == "--version") {
      line.version = true;
    } else if (argument.starts_with("-")) {
      return usage("unknown option '" + argument + "'");
    } else if (!line.input.empty()) {
      return usage("two inputs: '" + line.input + "' and '" + argument + "'");
    } else {
      line.input = argument.str();
    }
  }
  if (line.help || line.version || line.listOperators)
    return line;
  if (line.input.empty())
    return usage("no input");
  if (line.compile.emit == Emit::cuda && llvm::is_contained(seen, "--target") &&
      line.compile.architectures.empty() && !line.compile.toy)
    return llvm::createStringError("--emit=cuda: shows code for GPUs, which "
                                   "--target does not name");
  if (llvm::Error error = completeOutput(line))
    return std::move(error);
  return line;
}
