//===- ToyImage.cpp - kernels for the software GPU ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each kernel's text becomes an object of its own, in parallel and cached, with
// the headers of kernels/cuda and the software GPU's device.h; the objects
// become one shared object. Its imports are resolved when it is loaded.
//
//===----------------------------------------------------------------------===//

#include "KeptText.h"

#include "actnet/Codegen/CUDA/KernelHeaders.h"
#include "actnet/Runtime/Device/CodeCache.h"

#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Threading.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

/// Compiles and links in a temporary folder.
class ToyCompiler {
public:
  explicit ToyCompiler(ModuleOp module) : module(module), symbols(module) {}
  ~ToyCompiler() {
    if (!folder.empty())
      llvm::sys::fs::remove_directories(folder);
  }

  FailureOr<std::string> run(ArrayRef<KernelCode> texts);

private:
  LogicalResult prepare();
  LogicalResult compile(const KernelCode &text, StringRef object);
  LogicalResult write(StringRef path, StringRef content);
  std::optional<std::string> read(StringRef path);
  /// Runs clang; its messages are in `log`.
  bool execute(ArrayRef<std::string> arguments, StringRef log);
  InFlightDiagnostic error() {
    return emitError(UnknownLoc::get(module.getContext()));
  }

  ModuleOp module;
  SymbolTable symbols;
  rt::CodeCache cache = rt::CodeCache::fromEnvironment();
  std::string clang, folder;
  std::vector<std::string> flags;
  /// Headers, flags and the compiler's version, as part of each key.
  std::string common;
};

} // namespace

static std::string findClang() {
  if (auto asked = llvm::sys::Process::GetEnv("ACTNET_CLANG");
      asked && !asked->empty())
    return *asked;
  const SmallVector<StringRef> searches[] = {{}, {"/usr/lib/llvm-22/bin"}};
  for (ArrayRef<StringRef> paths : searches)
    for (StringRef name : {"clang++-22", "clang++"})
      // Only version 22 is known to show every access.
      if (auto path = llvm::sys::findProgramByName(name, paths);
          path && (!paths.empty() || name == "clang++-22"))
        return *path;
  return {};
}

LogicalResult ToyCompiler::write(StringRef path, StringRef content) {
  std::error_code code;
  llvm::raw_fd_ostream out(path, code);
  if (!code) {
    out << content;
    out.close();
    code = out.error();
    out.clear_error();
  }
  if (!code)
    return success();
  return error() << "cannot write '" << path << "': " << code.message();
}

std::optional<std::string> ToyCompiler::read(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return std::nullopt;
  return (*buffer)->getBuffer().str();
}

bool ToyCompiler::execute(ArrayRef<std::string> arguments, StringRef log) {
  SmallVector<StringRef> line{clang};
  llvm::append_range(line, arguments);
  std::optional<StringRef> redirects[] = {StringRef(""), log, log};
  return llvm::sys::ExecuteAndWait(clang, line, std::nullopt, redirects) == 0;
}

LogicalResult ToyCompiler::prepare() {
  clang = findClang();
  if (clang.empty())
    return error() << "no clang++-22 on PATH, which compiles for toy (Debian "
                      "package clang-22); ACTNET_CLANG names another";
  SmallString<128> path;
  if (std::error_code code =
          llvm::sys::fs::createUniqueDirectory("actnet-toy", path))
    return error() << "cannot make the temporary folder '" << path
                   << "' (TMPDIR names where): " << code.message();
  folder = path.str().str();
  std::vector<std::string_view> parts;
  auto add = [&](const KernelHeader &file) {
    parts.emplace_back(file.name);
    parts.emplace_back(file.text);
    return write(folder + "/" + file.name.str(), file.text);
  };
  for (const KernelHeader &header : kernelHeaders())
    if (header.name != "device.h" && failed(add(header)))
      return failure();
  for (const KernelHeader &file : toyFiles()) {
    if (failed(add(file)))
      return failure();
    if (file.name == "flags.txt")
      for (StringRef flag : llvm::split(file.text.trim(), '\n'))
        flags.push_back(flag.trim().str());
  }
  std::string log = folder + "/version.txt";
  std::optional<std::string> version;
  if (execute({"--version"}, log))
    version = read(log);
  if (!version)
    return error() << "cannot run '" << clang << "', which compiles for toy";
  parts.push_back(*version);
  common = rt::CodeCache::key(parts);
  return success();
}

LogicalResult ToyCompiler::compile(const KernelCode &text, StringRef object) {
  std::string key = rt::CodeCache::key({"toy", common, text.code});
  if (auto known = cache.lookup(key))
    return write(object, *known);
  std::string source = folder + "/" + text.symbol + ".cu",
              log = source + ".txt";
  if (failed(write(source, text.code)))
    return failure();
  std::vector<std::string> arguments(flags);
  for (const char *more : {"-c", "-Wno-unused-command-line-argument", "-I"})
    arguments.push_back(more);
  arguments.insert(arguments.end(),
                   {folder, "-x", "c++", source, "-o", object.str()});
  if (!execute(arguments, log))
    return refuse(symbols.lookup(text.symbol)->getLoc(), "clang", "toy", text,
                  read(log).value_or("no message"));
  if (auto made = read(object))
    cache.store(key, *made);
  return success();
}

FailureOr<std::string> ToyCompiler::run(ArrayRef<KernelCode> texts) {
  if (failed(prepare()))
    return failure();
  std::vector<std::string> objects;
  for (const KernelCode &text : texts)
    objects.push_back(folder + "/" + text.symbol + ".o");
  if (failed(failableParallelForEachN(
          module.getContext(), 0, texts.size(),
          [&](size_t i) { return compile(texts[i], objects[i]); })))
    return failure();
  std::string output = folder + "/image.so", log = folder + "/link.txt";
  std::vector<std::string> arguments(flags);
  llvm::append_range(arguments, objects);
  arguments.insert(arguments.end(), {"-o", output});
  if (!execute(arguments, log))
    return error()
           << "clang cannot link the kernels for toy: "
           << StringRef(read(log).value_or("no message")).split('\n').first;
  std::optional<std::string> image = read(output);
  if (!image)
    return error() << "cannot read '" << output << "'";
  return std::move(*image);
}

FailureOr<std::string> cuda::compileToyImage(ModuleOp module,
                                             ArrayRef<KernelCode> texts) {
  return ToyCompiler(module).run(texts);
}
