//===- Files.cpp - nothing that is read is written ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"
#include "actnet/Runtime/Session/TensorFile.h"

#include <climits>
#include <cstdlib>
#include <memory>
#include <sys/stat.h>

using namespace actnet;
using namespace actnet::run;

namespace {
/// The file that a path leads to, whether it is there or not: where it is not,
/// its real folder and its name.
std::string resolve(const std::string &path) {
  struct Free {
    void operator()(char *text) const { std::free(text); }
  };
  using Text = std::unique_ptr<char, Free>;
  if (Text real{realpath(path.c_str(), nullptr)})
    return real.get();
  size_t slash = path.rfind('/');
  std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  Text real{realpath(folder.c_str(), nullptr)};
  return (real ? real.get() : folder) + ("/" + path.substr(slash + 1));
}

/// Devices and pipes may be written as often as one likes.
bool isSameFile(const std::string &a, const std::string &b) {
  struct stat first, second;
  if (stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0)
    return S_ISREG(first.st_mode) && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
  return resolve(a) == resolve(b);
}

/// Opening a pipe by its name waits for its other end, perhaps for ever. One
/// that came with the program, such as /dev/stdout, has no name to resolve.
bool isNamedPipe(const std::string &path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || !S_ISFIFO(info.st_mode))
    return false;
  char *real = realpath(path.c_str(), nullptr);
  std::free(real);
  return real != nullptr;
}

struct File {
  std::string what, path;
};
} // namespace

Expected<rt::HostTensor> run::readTensor(const std::string &path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return invalidArgument(path + ": expected a regular file");
  return rt::readTensorFile(path);
}

Status run::checkFiles(const Run &run, const Flags &flags,
                       const std::string &package) {
  std::vector<File> read{{"the program", package}}, written;
  for (size_t i = 0; i < run.sources.size(); ++i)
    if (run.sources[i].starts_with('@'))
      read.push_back(
          {std::string("the file of input '") + run.inputs[i].info.name + "'",
           run.sources[i].substr(1)});
  for (const NamedValue &expect : flags.expects)
    read.push_back({"the file of --expect", expect.value});
  for (const NamedValue &output : flags.outputs)
    written.push_back({"--output", output.value});
  if (!flags.profile.empty())
    written.push_back({"--profile", flags.profile});
  for (size_t i = 0; i < written.size(); ++i) {
    const File &to = written[i];
    if (isNamedPipe(to.path))
      return invalidArgument(to.what + ": expected a regular file, found '" +
                             to.path + "', which is a pipe");
    for (const File &from : read)
      if (isSameFile(to.path, from.path))
        return invalidArgument(to.what +
                               ": expected a file that is not read, "
                               "found '" +
                               to.path + "', which is " + from.what);
    for (size_t k = 0; k < i; ++k)
      if (isSameFile(to.path, written[k].path))
        return invalidArgument(
            to.what + ": expected a file of its own, found '" + to.path +
            "', which " + written[k].what + " names too");
  }
  return okStatus();
}
