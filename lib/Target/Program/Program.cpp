//===- Program.cpp - write a package, a program or an object --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Target/Program/Program.h"

#include "Object.h"

#include "actnet/Codegen/CUDA/CudaImages.h"
#include "actnet/Codegen/CUDA/KernelHeaders.h"
#include "actnet/Codegen/Host/HostCodegen.h"
#include "actnet/Dialect/Actor/Transforms/Tables.h"
#include "actnet/Dialect/Graph/IR/Evaluate.h"
#include "actnet/Dialect/Graph/IR/GivenDims.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Graph/IR/WeightStore.h"
#include "actnet/Package/CodeBundle.h"
#include "actnet/Package/Writer.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;
using namespace actnet;

namespace {

/// Writes one module.
class ProgramWriter {
public:
  ProgramWriter(ArrayRef<ModuleOp> clones, const ProgramOptions &options)
      : clones(clones), options(options) {}

  LogicalResult run();

private:
  LogicalResult compileHost(actor::CloneTables &clone);
  LogicalResult compileCuda(actor::CloneTables &clone);
  void addImage(pkg::Plan &plan, pkg::ImageKind kind, StringRef isa,
                std::vector<std::byte> bytes);
  LogicalResult writePackage(pkg::Writer &writer);
  LogicalResult writeWeights(pkg::Writer &writer);
  LogicalResult writeAsObject();
  void giveBackNames();
  LogicalResult check(const Status &status) {
    return status ? success() : fail(status.str());
  }
  LogicalResult fail(std::string message) {
    // People know the file that they asked for.
    if (size_t at = message.find(temporary);
        !temporary.empty() && at != std::string::npos)
      message.replace(at, temporary.size(), options.output);
    return emitError(UnknownLoc::get(ModuleOp(clones[0]).getContext()))
           << message;
  }
  void step(StringRef name) {
    if (options.onStep)
      options.onStep(name);
  }

  ArrayRef<ModuleOp> clones;
  const ProgramOptions &options;
  actor::Tables tables;
  /// The sections of code, in the order of the plans' images.
  std::vector<std::pair<std::string, std::vector<std::byte>>> code;
  /// The package of an object, before it is wrapped.
  std::string temporary;
};

} // namespace

void ProgramWriter::addImage(pkg::Plan &plan, pkg::ImageKind kind,
                             StringRef isa, std::vector<std::byte> bytes) {
  auto entry = std::make_unique<pkg::Image>();
  entry->kind = kind;
  entry->isa = isa.str();
  // Of host code, what the machine must have.
  if (kind == pkg::ImageKind::HostELF)
    entry->features.push_back(isa.str());
  entry->section = std::string(pkg::codePrefix) + plan.target + "." + isa.str();
  code.emplace_back(entry->section, std::move(bytes));
  plan.images.push_back(std::move(entry));
}

LogicalResult ProgramWriter::compileHost(actor::CloneTables &clone) {
  // The runtime takes the first image that the machine can run.
  for (const std::string &name : llvm::reverse(options.variants)) {
    step("code " + name);
    FailureOr<host::HostVariant> variant =
        host::HostVariant::get(name, clone.module.getLoc());
    if (failed(variant))
      return failure();
    FailureOr<host::HostImage> image =
        host::compileHostImage(clone.module, *variant);
    if (failed(image))
      return failure();
    auto bytes = std::as_bytes(std::span(image->elf.data(), image->elf.size()));
    addImage(clone.plan, pkg::ImageKind::HostELF, name,
             {bytes.begin(), bytes.end()});
  }
  return success();
}

LogicalResult ProgramWriter::compileCuda(actor::CloneTables &clone) {
  step("code cuda");
  FailureOr<std::vector<cuda::KernelCode>> texts =
      cuda::printKernels(clone.module);
  if (failed(texts))
    return failure();
  if (!options.architectures.empty()) {
    FailureOr<std::vector<cuda::CudaImage>> images =
        cuda::compileCudaImages(clone.module, *texts, options.architectures);
    if (failed(images))
      return failure();
    for (const cuda::CudaImage &image : *images) {
      pkg::CodeBundleWriter bundle;
      for (const cuda::KernelCode &kernel : image.kernels)
        bundle.add(kernel.symbol, kernel.code);
      bool isPtx = StringRef(image.isa).starts_with("compute_");
      addImage(clone.plan, isPtx ? pkg::ImageKind::PTX : pkg::ImageKind::Cubin,
               image.isa, bundle.finish());
    }
    // The texts, for GPUs that this program has no code for yet.
    pkg::CodeBundleWriter bundle;
    for (const cuda::KernelCode &kernel : *texts)
      bundle.add(kernel.symbol + ".cu", kernel.code);
    for (const cuda::KernelHeader &header : cuda::kernelHeaders())
      bundle.add(std::string_view(header.name), std::string_view(header.text));
    addImage(clone.plan, pkg::ImageKind::CudaText, "text", bundle.finish());
  }
  // A function that only copies has no kernels, and needs no code.
  if (!options.toy || texts->empty())
    return success();
  step("code toy");
  FailureOr<std::string> image = cuda::compileToyImage(clone.module, *texts);
  if (failed(image))
    return failure();
  auto bytes = std::as_bytes(std::span(image->data(), image->size()));
  addImage(clone.plan, pkg::ImageKind::Toy, "toy",
           {bytes.begin(), bytes.end()});
  return success();
}

/// Gives the pages of mapped weights back once they are written: a model larger
/// than memory still compiles, and the figure of memory used means something.
static void releasePages(func::FuncOp recipe) {
  recipe.walk([](graph::ConstantOp constant) {
    auto weight = dyn_cast<graph::WeightAttr>(constant.getValue());
    // Registered buffers are somebody's memory, which cannot be read again.
    if (!weight || weight.getFile().starts_with("buffer:"))
      return;
    auto *dialect = cast<graph::GraphDialect>(constant->getDialect());
    FailureOr<ArrayRef<char>> bytes = dialect->getWeightStore().resolve(
        weight, [&] { return constant.emitError(); });
    static const uintptr_t page = sysconf(_SC_PAGESIZE);
    if (failed(bytes) || bytes->size() < page)
      return;
    // Whole pages only; a neighbour that lost a page would read it again.
    uintptr_t begin =
        llvm::alignTo(reinterpret_cast<uintptr_t>(bytes->data()), page);
    uintptr_t end = reinterpret_cast<uintptr_t>(bytes->end()) / page * page;
    if (begin < end)
      madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
  });
}

LogicalResult ProgramWriter::writeWeights(pkg::Writer &writer) {
  if (failed(check(writer.beginSection(pkg::weightsSection))))
    return failure();
  for (auto [recipe, weight] :
       llvm::zip(tables.recipes, tables.interface.weights)) {
    auto made = graph::evaluateFunction(recipe);
    if (failed(made))
      return failure();
    const graph::HostTensor &tensor = made->front();
    if (uint64_t(tensor.getNumBytes()) != weight->bytes)
      return recipe.emitError("made ")
             << tensor.getNumBytes() << " bytes, not " << weight->bytes;
    Expected<uint64_t> offset = writer.align(pkg::weightAlignment);
    if (!offset)
      return check(offset.takeStatus());
    if (*offset != weight->offset)
      return recipe.emitError("is written at ")
             << *offset << ", not " << weight->offset;
    if (failed(check(writer.write(tensor.data, weight->bytes))))
      return failure();
    releasePages(recipe);
  }
  return check(writer.endSection());
}

LogicalResult ProgramWriter::writePackage(pkg::Writer &writer) {
  step("weights");
  if (failed(check(writer.addInterface(tables.interface))))
    return failure();
  for (const actor::CloneTables &clone : tables.clones)
    if (failed(check(writer.addPlan(clone.plan))))
      return failure();
  for (const auto &[section, bytes] : code)
    if (failed(check(writer.addSection(section, bytes))))
      return failure();
  if (!tables.recipes.empty() && failed(writeWeights(writer)))
    return failure();
  return check(writer.finish());
}

LogicalResult ProgramWriter::writeAsObject() {
  llvm::SmallString<128> path;
  if (std::error_code error = llvm::sys::fs::getPotentiallyUniqueFileName(
          options.output + ".%%%%%%", path))
    return fail("cannot write '" + options.output + "': " + error.message());
  temporary = path.str();
  // The object's own temporary file installs the handlers anyway.
  llvm::sys::RemoveFileOnSignal(temporary);
  Expected<pkg::Writer> writer = pkg::Writer::toFile(temporary);
  if (!writer)
    return check(writer.takeStatus());
  if (failed(writePackage(*writer)))
    return failure();
  llvm::SmallString<128> header(options.output);
  llvm::sys::path::replace_extension(header, ".h");
  llvm::Error error = writeObject(temporary, objectSymbol(options.output),
                                  options.output, header);
  llvm::sys::fs::remove(temporary);
  llvm::sys::DontRemoveFileOnSignal(temporary);
  return error ? fail(llvm::toString(std::move(error))) : success();
}

/// A program calls its dims what the model's file calls them, which need be no
/// identifiers, so that none is mistaken for another; but it prints names, and
/// one with control characters stays as the compiler has it. So does one that
/// another dim has, which only a text by hand can say.
void ProgramWriter::giveBackNames() {
  ModuleOp module = clones[0];
  auto given = module->getAttrOfType<DictionaryAttr>(graph::kGivenDimsAttr);
  if (!given)
    return;
  llvm::StringSet<> taken;
  for (const auto &dim : tables.interface.dims)
    taken.insert(dim->name);
  for (auto &dim : tables.interface.dims) {
    auto name = given.getAs<StringAttr>(dim->name);
    bool isText = name && !name.empty() &&
                  llvm::none_of(name.getValue(), [](unsigned char c) {
                    return c < ' ' || c == 127;
                  });
    if (isText && taken.insert(name.getValue()).second)
      dim->name = name.str();
  }
}

LogicalResult ProgramWriter::run() {
  FailureOr<actor::Tables> built = actor::buildTables(clones);
  if (failed(built))
    return failure();
  tables = std::move(*built);
  giveBackNames();
  if (!options.model.empty())
    tables.interface.model = options.model;
  if (!options.producer.empty())
    tables.interface.producer = options.producer;
  for (actor::CloneTables &clone : tables.clones)
    if (failed(clone.plan.target == "host" ? compileHost(clone)
                                           : compileCuda(clone)))
      return failure();
  switch (options.form) {
  case PackageForm::object:
    return writeAsObject();
  case PackageForm::memory: {
    pkg::Writer writer = pkg::Writer::toMemory();
    if (failed(writePackage(writer)))
      return failure();
    *options.memory = writer.takeBytes();
    return success();
  }
  case PackageForm::program:
  case PackageForm::package:
    break;
  }
  Expected<pkg::Writer> writer =
      options.form == PackageForm::program
          ? pkg::Writer::toProgram(options.output, options.runner)
          : pkg::Writer::toFile(options.output);
  if (!writer)
    return check(writer.takeStatus());
  return writePackage(*writer);
}

LogicalResult actnet::writeProgram(ArrayRef<ModuleOp> clones,
                                   const ProgramOptions &options) {
  return ProgramWriter(clones, options).run();
}

std::string actnet::objectSymbol(StringRef path) {
  std::string name = llvm::sys::path::stem(path).str();
  for (char &c : name)
    if (!llvm::isAlnum(c) && c != '_')
      c = '_';
  if (name.empty() || llvm::isDigit(name[0]))
    name.insert(0, "_");
  return name;
}
