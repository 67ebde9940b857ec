//===- CommandLine.cpp - the flags of a compiled program ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CommandLine.h"

#include <charconv>
#include <climits>
#include <cmath>
#include <cstring>
#include <functional>

using namespace actnet;
using namespace actnet::run;

namespace {
/// Whether a flag takes a value.
enum class Takes { nothing, value, optionalValue };

/// One flag: how it is written, what --help says, and what it does. The
/// handler returns what it expected instead, or null when it was content.
struct FlagRow {
  const char *name;
  Takes takes;
  const char *value; ///< how --help writes the value
  const char *help;
  std::function<const char *(Flags &, const std::string &)> apply;
};

template <typename T>
bool parseInteger(const std::string &text, T least, T most, T &value) {
  const char *end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end && value >= least && value <= most;
}

bool parseReal(const std::string &text, double &value) {
  const char *end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end && std::isfinite(value) &&
         value >= 0;
}

/// Splits NAME=VALUE. A text that begins with '@' is a file, whatever its name
/// contains. Names may contain '=' as well: a file begins behind the first
/// "=@", any other value, which has no '=', behind the last one.
NamedValue splitNamed(const std::string &text) {
  if (text.starts_with('@'))
    return {"", text};
  size_t equal = text.find("=@");
  if (equal == text.npos)
    equal = text.rfind('=');
  if (equal == text.npos)
    return {"", text};
  return {text.substr(0, equal), text.substr(equal + 1)};
}

const char *applyFile(std::vector<NamedValue> &list, const std::string &text) {
  NamedValue value = splitNamed(text);
  if (!value.value.starts_with('@') || value.value.size() < 2)
    return "[NAME=]@FILE.npy";
  value.value.erase(0, 1);
  list.push_back(value);
  return nullptr;
}

const char *applyDim(Flags &flags, const std::string &text) {
  constexpr const char *expected = "NAME=8 or NAME=1..8";
  NamedValue value = splitNamed(text);
  DimFlag dim;
  dim.name = value.name;
  size_t dots = value.value.find("..");
  std::string lower = value.value.substr(0, dots);
  std::string upper =
      dots == std::string::npos ? lower : value.value.substr(dots + 2);
  if (dim.name.empty() ||
      !parseInteger<int64_t>(lower, 0, INT64_MAX, dim.lower) ||
      !parseInteger<int64_t>(upper, dim.lower, INT64_MAX, dim.upper))
    return expected;
  for (const DimFlag &other : flags.dims)
    if (other.name == dim.name)
      return "each dim once";
  flags.dims.push_back(dim);
  return nullptr;
}

const char *applySeconds(std::optional<double> &field, double standard,
                         const std::string &text) {
  double seconds = standard;
  if (!text.empty() && !parseReal(text, seconds))
    return "seconds, such as 3 or 0.5";
  field = seconds;
  return nullptr;
}

using Text = const std::string &;

const std::vector<FlagRow> &rows() {
  auto text = [](std::string Flags::*field, const char *expected) {
    return [=](Flags &f, Text v) -> const char * {
      if (v.empty())
        return expected;
      f.*field = v;
      return nullptr;
    };
  };
  auto set = [](bool Flags::*field) {
    return [=](Flags &f, Text) -> const char * {
      f.*field = true;
      return nullptr;
    };
  };
  auto real = [](double Flags::*field) {
    return [=](Flags &f, Text v) -> const char * {
      return parseReal(v, f.*field) ? nullptr : "a number that is not negative";
    };
  };
  static const std::vector<FlagRow> table = {
      {"function", Takes::value, "NAME", "function to run (default: the first)",
       text(&Flags::function, "a name")},
      {"device", Takes::value, "auto|host|cuda[:N]|toy",
       "where to run (default: a GPU if there is code for it)",
       [](Flags &f, Text v) -> const char * {
         int ordinal = 0;
         bool known = v == "auto" || v == "host" || v == "toy" || v == "cuda" ||
                      (v.starts_with("cuda:") &&
                       parseInteger(v.substr(5), 0, INT_MAX, ordinal));
         if (known)
           f.device = v;
         return known ? nullptr : "auto, host, cuda, cuda:N or toy";
       }},
      {"threads", Takes::value, "N", "worker threads (default: one per core)",
       [](Flags &f, Text v) -> const char * {
         return parseInteger(v, 1, 1024, f.threads) ? nullptr
                                                    : "a number from 1 to 1024";
       }},
      {"in-flight", Takes::value, "N", "ring slots for jobs (default: 2)",
       [](Flags &f, Text v) -> const char * {
         return parseInteger(v, 1, 64, f.inFlight) ? nullptr
                                                   : "a number from 1 to 64";
       }},
      {"deadline", Takes::value, "S",
       "seconds after which a job is given up (default: 300 on cuda)",
       [](Flags &f, Text v) -> const char * {
         return parseReal(v, f.deadline) && f.deadline > 0
                    ? nullptr
                    : "seconds, such as 3 or 0.5";
       }},
      {"isa", Takes::value, "NAME",
       "code variant (default: the best that fits; text: NVRTC compiles the "
       "kernels here)",
       text(&Flags::isa, "a variant, such as x86-64-v3")},
      {"input", Takes::value, "[NAME=]@x.npy|@x.pb|3|random",
       "an input's values (default: random)",
       [](Flags &f, Text v) -> const char * {
         NamedValue value = splitNamed(v);
         if (value.value.empty() || value.value == "@")
           return "[NAME=]@x.npy, @x.pb, a number or random";
         f.inputs.push_back(value);
         return nullptr;
       }},
      {"inputs", Takes::value, "DIR",
       "a folder with NAME.npy, NAME.pb or input_0.pb for each input",
       text(&Flags::inputsDir, "a folder")},
      {"dim", Takes::value, "N=8|N=1..8",
       "a dim's value, or narrower bounds to plan memory for", applyDim},
      {"seed", Takes::value, "S", "seed of random inputs (default: 0)",
       [](Flags &f, Text v) -> const char * {
         return parseInteger<uint64_t>(v, 0, UINT64_MAX, f.seed)
                    ? nullptr
                    : "a number from 0 to 2^64 - 1";
       }},
      {"output", Takes::value, "[NAME=]@y.npy", "write an output",
       [](Flags &f, Text v) -> const char * {
         if (v.ends_with(".pb"))
           return "[NAME=]@FILE.npy: a .pb file is read, not written";
         return applyFile(f.outputs, v);
       }},
      {"expect", Takes::value, "[NAME=]@ref.npy",
       "compare an output; exit code 3 if it differs",
       [](Flags &f, Text v) { return applyFile(f.expects, v); }},
      {"rtol", Takes::value, "R", "relative tolerance (default: 1e-3)",
       real(&Flags::rtol)},
      {"atol", Takes::value, "A", "absolute tolerance (default: 1e-7)",
       real(&Flags::atol)},
      {"benchmark", Takes::optionalValue, "SECONDS",
       "run again and again, report times (default: 3 s)",
       [](Flags &f, Text v) { return applySeconds(f.benchmark, 3, v); }},
      {"warmup", Takes::value, "S",
       "seconds before the benchmark (default: 0.5)",
       [](Flags &f, Text v) {
         return v.empty() ? "seconds, such as 3 or 0.5"
                          : applySeconds(f.warmup, 0, v);
       }},
      {"iterations", Takes::value, "N",
       "a benchmark of so many runs, instead of seconds",
       [](Flags &f, Text v) -> const char * {
         return parseInteger<int64_t>(v, 1, 1000000000, f.iterations)
                    ? nullptr
                    : "a number from 1 to 1000000000";
       }},
      {"no-transfers", Takes::nothing, "",
       "leave copies to and from the arena out of the benchmark",
       set(&Flags::noTransfers)},
      {"step", Takes::nothing, "", "send the records one by one",
       set(&Flags::step)},
      {"profile", Takes::value, "trace.json",
       "write the records' times as a Chrome trace",
       text(&Flags::profile, "a file")},
      {"info", Takes::nothing, "", "print what the program is, run nothing",
       set(&Flags::info)},
      {"verify", Takes::nothing, "",
       "compare the package's bytes, not the runtime's, run nothing",
       set(&Flags::verify)},
      {"memory", Takes::nothing, "",
       "list the memory: promised, observed, the driver's",
       set(&Flags::memory)},
      {"list-devices", Takes::nothing, "", "list the devices of this machine",
       set(&Flags::listDevices)},
      {"json", Takes::nothing, "", "print one JSON object on one line",
       set(&Flags::json)},
      {"help", Takes::nothing, "", "print this", set(&Flags::help)},
      {"version", Takes::nothing, "", "print the version",
       set(&Flags::version)},
  };
  return table;
}

/// Flags that may stand there more than once: one for each tensor or dim.
bool isList(const std::string &name) {
  return name == "input" || name == "output" || name == "expect" ||
         name == "dim";
}

/// Checks what flags ask of each other: none is without effect.
Status checkTogether(const Flags &flags,
                     const std::vector<const FlagRow *> &given) {
  if (flags.help)
    return okStatus();
  for (auto [mode, on] : {std::pair("version", flags.version),
                          {"list-devices", flags.listDevices},
                          {"verify", flags.verify},
                          {"info", flags.info}})
    for (const FlagRow *row : given)
      if (on && std::strcmp(row->name, mode) != 0 &&
          std::strcmp(row->name, "json") != 0)
        return invalidArgument(std::string("--") + row->name +
                               ": expected no --" + mode +
                               " beside it, since that runs nothing");
  for (const FlagRow *row : given)
    if (flags.expects.empty() && (std::strcmp(row->name, "rtol") == 0 ||
                                  std::strcmp(row->name, "atol") == 0))
      return invalidArgument(std::string("--") + row->name +
                             ": expected --expect too, since it is about a "
                             "comparison");
  if (flags.benchmark || flags.iterations > 0)
    return okStatus();
  for (auto [given, name] : {std::pair(flags.warmup.has_value(), "warmup"),
                             {flags.noTransfers, "no-transfers"}})
    if (given)
      return invalidArgument(std::string("--") + name +
                             ": expected --benchmark or --iterations too, "
                             "since it is about a benchmark");
  return okStatus();
}

Status wrong(const std::string &flag, const std::string &expected,
             const std::string &found) {
  return invalidArgument("--" + flag + ": expected " + expected + ", found '" +
                         found + "'");
}
} // namespace

Expected<Flags> run::parseFlags(const std::vector<std::string> &arguments,
                                bool wantsPackage) {
  Flags flags;
  std::vector<const FlagRow *> given;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &argument = arguments[i];
    if (!argument.starts_with("-") || argument == "-") {
      if (!wantsPackage)
        return invalidArgument("expected flags only, found '" + argument +
                               "'; --help lists them");
      if (!flags.package.empty())
        return invalidArgument("expected one package, found '" + flags.package +
                               "' and '" + argument + "'");
      flags.package = argument;
      continue;
    }
    size_t equal = argument.find('=');
    std::string name = argument.substr(0, equal);
    const FlagRow *row = nullptr;
    for (const FlagRow &r : rows())
      if (name == std::string("--") + r.name ||
          (name == "-h" && r.name == std::string("help")))
        row = &r;
    if (!row)
      return invalidArgument("unknown flag '" + name + "'; --help lists them");
    std::string value;
    if (equal != std::string::npos) {
      value = argument.substr(equal + 1);
      if (row->takes == Takes::nothing)
        return wrong(row->name, "no value", value);
      if (value.empty())
        return wrong(row->name, row->value, value);
    } else if (row->takes == Takes::value) {
      if (i + 1 == arguments.size())
        return invalidArgument(std::string("--") + row->name + ": expected " +
                               row->value + ", found the end of the line");
      value = arguments[++i];
      // The next flag is no value; one that looks like it goes behind '='.
      if (value.starts_with("--"))
        return wrong(row->name, row->value, value);
    }
    if (row->takes != Takes::nothing && !isList(row->name))
      for (const FlagRow *other : given)
        if (other == row)
          return invalidArgument(std::string("--") + row->name +
                                 ": expected once, found a second time");
    given.push_back(row);
    if (const char *expected = row->apply(flags, value))
      return wrong(row->name, expected, value);
  }
  ACTNET_RETURN_IF_ERROR(checkTogether(flags, given));
  return flags;
}

std::string run::helpText(const std::string &program, bool wantsPackage) {
  std::string text = "usage: " + program + (wantsPackage ? " PACKAGE" : "") +
                     " [flags]\n\nRuns a compiled network. An input that is "
                     "not given is random, a dim that is\nnot given is its "
                     "lower bound, or 1. NAME may be left out where there is "
                     "only\none. Exit codes: 0 done, 1 failed, 2 usage, 3 "
                     "--expect differs.\n\n";
  for (const FlagRow &row : rows()) {
    std::string left = std::string("  --") + row.name;
    if (row.takes == Takes::value)
      left += std::string("=") + row.value;
    else if (row.takes == Takes::optionalValue)
      left += std::string("[=") + row.value + "]";
    if (left.size() < 30)
      left.resize(30, ' ');
    else
      left += "\n" + std::string(30, ' ');
    text += left + row.help + "\n";
  }
  return text;
}
