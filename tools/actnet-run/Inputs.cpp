//===- Inputs.cpp - files, scalars and random values for inputs -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"
#include "actnet/Runtime/Session/TensorFile.h"

#include <algorithm>
#include <cctype>
#include <sys/stat.h>

using namespace actnet;
using namespace actnet::run;

namespace {
std::string joinNames(const std::vector<Argument> &arguments) {
  std::string text;
  for (const Argument &a : arguments)
    text += (text.empty() ? "'" : ", '") + std::string(a.info.name) + "'";
  return text.empty() ? "none" : text;
}

bool exists(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

Status checkDir(const std::string &path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return invalidArgument("--inputs: expected a folder, found '" + path + "'");
  return okStatus();
}

/// Finds an input's file in the folder of --inputs.
Expected<std::string> findInDir(const std::string &dir, const Argument &input,
                                size_t index) {
  std::string name = input.info.name;
  std::replace(name.begin(), name.end(), '/', '_');
  std::string numbered = "input_" + std::to_string(index);
  for (const std::string &stem : {name, numbered})
    for (const char *ending : {".npy", ".pb"})
      if (std::string path = dir + "/" + stem + ending; exists(path))
        return path;
  return notFound("--inputs: expected " + name + ".npy, " + name + ".pb, " +
                  numbered + ".npy or " + numbered + ".pb in '" + dir +
                  "', found none");
}

/// Whether an extent is a plain dim; then a file's shape gives its value.
size_t dimOfExtent(const Run &run, const char *extent) {
  for (size_t i = 0; i < run.dims.size(); ++i)
    if (std::string(run.dims[i].name) == extent)
      return i;
  return run.dims.size();
}

Status chooseDims(Run &run, const Flags &flags) {
  for (const actnet_dim_info &dim : run.dims)
    run.dimValues.push_back(std::max<int64_t>(dim.lower, 1));
  std::vector<bool> given(run.dims.size(), false);
  for (const DimFlag &flag : flags.dims) {
    size_t i = findDim(run, flag.name);
    if (i == run.dims.size()) {
      std::string names;
      for (const actnet_dim_info &dim : run.dims)
        names += (names.empty() ? "'" : ", '") + std::string(dim.name) + "'";
      return invalidArgument("--dim: expected one of the dims " +
                             (names.empty() ? "(there are none)" : names) +
                             ", found '" + flag.name + "'");
    }
    const actnet_dim_info &dim = run.dims[i];
    if (given[i])
      return invalidArgument("--dim: expected each dim once, found '" +
                             flag.name + "' again");
    given[i] = true;
    if (flag.lower < dim.lower || (dim.upper >= 0 && flag.upper > dim.upper))
      return invalidArgument("--dim: expected " + flag.name + " within " +
                             std::to_string(dim.lower) + ".." +
                             (dim.upper < 0 ? "" : std::to_string(dim.upper)) +
                             ", found " + std::to_string(flag.lower) + ".." +
                             std::to_string(flag.upper));
    run.dimValues[i] = std::max<int64_t>(flag.lower, 1);
    if (flag.lower == 0 && flag.upper == 0)
      run.dimValues[i] = 0;
  }
  return okStatus();
}

/// Reads the inputs that are files, and takes the values of dims from them.
Status readFiles(Run &run) {
  const std::vector<std::string> &sources = run.sources;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (!sources[i].starts_with('@'))
      continue;
    Argument &input = run.inputs[i];
    auto tensor = readTensor(sources[i].substr(1));
    if (!tensor)
      return std::move(tensor.addContext("--input")).takeStatus();
    input.tensor = *std::move(tensor);
    const std::vector<int64_t> &shape = input.tensor.shape;
    if (shape.size() != size_t(input.info.rank))
      continue; // binding says what is wrong with it
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      size_t dim = dimOfExtent(run, input.info.extents[axis]);
      if (dim < run.dims.size())
        run.dimValues[dim] = shape[axis];
    }
  }
  return okStatus();
}

Status fillRest(Run &run, const Flags &flags) {
  const std::vector<std::string> &sources = run.sources;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].starts_with('@'))
      continue;
    Argument &input = run.inputs[i];
    std::vector<int64_t> shape(size_t(input.info.rank));
    ACTNET_RETURN_IF_ERROR(check(
        actnet_evaluate_shape(run.program.get(), run.function, ACTNET_INPUT,
                              int32_t(i), run.dimValues.data(), shape.data())));
    ACTNET_ASSIGN_OR_RETURN(
        input.tensor,
        rt::HostTensor::allocate(input.info.dtype, std::move(shape)));
    if (sources[i] == "random") {
      rt::fillRandom(input.tensor, flags.seed, input.info.name);
      continue;
    }
    ACTNET_RETURN_IF_ERROR(rt::fillScalar(input.tensor, sources[i]));
  }
  return okStatus();
}
} // namespace

size_t run::findDim(const Run &run, const std::string &name) {
  return dimOfExtent(run, name.c_str());
}

Expected<size_t> run::findArgument(const std::vector<Argument> &arguments,
                                   const std::string &name, const char *flag) {
  if (name.empty() && arguments.size() == 1)
    return size_t(0);
  if (name.empty())
    return invalidArgument(std::string("--") + flag +
                           ": expected NAME=, since there are " +
                           joinNames(arguments));
  for (size_t i = 0; i < arguments.size(); ++i)
    if (name == arguments[i].info.name)
      return i;
  return invalidArgument(std::string("--") + flag + ": expected one of " +
                         joinNames(arguments) + ", found '" + name + "'");
}

Status run::resolveInputs(Run &run, const Flags &flags) {
  ACTNET_RETURN_IF_ERROR(chooseDims(run, flags));
  // An empty source stands for a file that the folder must hold.
  std::vector<std::string> &sources = run.sources;
  sources.assign(run.inputs.size(), flags.inputsDir.empty() ? "random" : "");
  if (!flags.inputsDir.empty())
    ACTNET_RETURN_IF_ERROR(checkDir(flags.inputsDir));
  std::vector<bool> given(run.inputs.size(), false);
  for (const NamedValue &value : flags.inputs) {
    ACTNET_ASSIGN_OR_RETURN(size_t i,
                            findArgument(run.inputs, value.name, "input"));
    std::string name = run.inputs[i].info.name;
    if (given[i])
      return invalidArgument("--input: expected each input once, found '" +
                             name + "' twice");
    given[i] = true;
    sources[i] = value.value;
    if (value.value.starts_with('@') || value.value == "random")
      continue;
    ACTNET_ASSIGN_OR_RETURN(
        rt::HostTensor one,
        rt::HostTensor::allocate(run.inputs[i].info.dtype, {}));
    Status status = rt::fillScalar(one, value.value);
    if (!status)
      return status.addContext("--input '" + name + "'");
  }
  for (size_t i = 0; i < sources.size(); ++i)
    if (sources[i].empty()) {
      ACTNET_ASSIGN_OR_RETURN(std::string path,
                              findInDir(flags.inputsDir, run.inputs[i], i));
      sources[i] = "@" + path;
    }
  return okStatus();
}

Status run::loadInputs(Run &run, const Flags &flags) {
  ACTNET_RETURN_IF_ERROR(readFiles(run));
  return fillRest(run, flags);
}
