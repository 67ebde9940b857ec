//===- FamilyPrinter.cpp - what the text of all families has --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FamilyPrinter.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

Attribute FamilyPrinter::numberAttr(int64_t value) {
  return IntegerAttr::get(IntegerType::get(kernel.getContext(), 64), value);
}

Attribute FamilyPrinter::flagAttr(bool value) {
  return BoolAttr::get(kernel.getContext(), value);
}

Attribute FamilyPrinter::wordAttr(StringRef value) {
  return StringAttr::get(kernel.getContext(), value);
}

int64_t FamilyPrinter::number(StringRef name) {
  DictionaryAttr schedule = kernel.getScheduleAttr();
  auto value = schedule ? schedule.getAs<IntegerAttr>(name) : IntegerAttr();
  return value ? value.getInt() : 0;
}

StringRef FamilyPrinter::word(StringRef name) {
  DictionaryAttr schedule = kernel.getScheduleAttr();
  auto value = schedule ? schedule.getAs<StringAttr>(name) : StringAttr();
  return value ? value.getValue() : StringRef();
}

void FamilyPrinter::setSchedule(graph::DimExprAttr tiles, int64_t threads,
                                int64_t shared,
                                ArrayRef<std::pair<StringRef, Attribute>> own) {
  MLIRContext *context = kernel.getContext();
  NamedAttrList entries;
  entries.set("threads", numberAttr(threads));
  entries.set("shared", numberAttr(shared));
  for (auto [name, value] : own)
    entries.set(name, value);
  kernel.setScheduleAttr(entries.getDictionary(context));
  kernel.setTilesAttr(tiles);
  kernel.setScratch(0);
}

SmallVector<linalg::GenericOp> FamilyPrinter::roots() {
  SmallVector<linalg::GenericOp> found;
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      found.push_back(op);
  return found;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

Text FamilyPrinter::dimsText(ArrayRef<graph::DimExprAttr> dims) {
  return "[" +
         llvm::join(llvm::map_range(
                        dims, [](auto dim) { return graph::toString(dim); }),
                    ", ") +
         "]";
}

Text FamilyPrinter::named(StringRef part) {
  return (kernel.getSymName() + "_" + part).str();
}

SmallVector<Text> FamilyPrinter::names() {
  SmallVector<Text> all;
  unsigned tensors = kernel.getNumOperandTensors();
  for (unsigned i = 0; i < tensors; ++i)
    all.push_back("in" + std::to_string(i));
  for (unsigned i = 0; i < numResults(); ++i)
    all.push_back("out" + std::to_string(i));
  for (unsigned i = tensors; i < kernel.getArgumentTypes().size(); ++i)
    all.push_back("d" + std::to_string(i - tensors));
  return all;
}

Text FamilyPrinter::functor(StringRef part) {
  return named(part) + "{" + llvm::join(names(), ", ") + "}";
}

unsigned FamilyPrinter::lastDim(ArrayRef<graph::DimExprAttr> dims) {
  for (unsigned d = dims.size(); d-- > 0;)
    if (graph::constantValue(dims[d]) != 1)
      return d;
  return 0;
}

std::optional<Indices> FamilyPrinter::askedAt(linalg::GenericOp root,
                                              ArrayRef<Index> at) {
  Printer before = p;
  std::optional<Indices> asked;
  bool isOne = true;
  for (OpResult result : root->getResults())
    p.bind(result, [&, result](ArrayRef<Index> where) -> Text {
      Indices dims(root.getNumLoops());
      AffineMap map = root.getMatchingIndexingMap(
          root.getDpsInitOperand(result.getResultNumber()));
      for (auto [i, expr] : llvm::enumerate(map.getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          dims[dim.getPosition()] = where[i];
      isOne &= !p.isConditional() && (!asked || *asked == dims);
      asked = dims;
      return "0";
    });
  for (unsigned i = 0; i < numResults(); ++i)
    (void)p.element(yielded(i), at);
  bool failed = p.failed();
  p = before;
  if (failed)
    p.setFailed();
  return isOne ? asked : std::nullopt;
}

Dims FamilyPrinter::reducedDims(linalg::GenericOp root,
                                SmallVector<unsigned> &loops) {
  Dims all = p.loopDims(root), reduced;
  for (auto [d, iterator] : llvm::enumerate(root.getIteratorTypesArray()))
    if (iterator == utils::IteratorType::reduction) {
      loops.push_back(d);
      reduced.push_back(all[d]);
    }
  return reduced;
}

Text FamilyPrinter::isWide(const Printer::Wide &wide, int64_t vector,
                           ArrayRef<graph::DimExprAttr> multiples) {
  if (vector == 1 || wide.pointers.empty())
    return "false";
  llvm::SetVector<graph::DimExprAttr> all(wide.multiples);
  all.insert(multiples.begin(), multiples.end());
  Text size = std::to_string(vector);
  Text condition =
      "areAligned<" + size + ">(" + llvm::join(wide.pointers, ", ") + ")";
  for (graph::DimExprAttr dim : all) {
    // A multiple of another that is asked for.
    bool isImplied = false;
    for (unsigned i = 0; dim.getKind() == graph::DimExprKind::Mul &&
                         i < dim.getOperands().size();
         ++i)
      isImplied |= all.contains(dim.getOperand(i));
    if (isImplied)
      continue;
    Text value = p.text(dim);
    condition += " && " +
                 (value.find(' ') == Text::npos ? value : "(" + value + ")") +
                 " % " + size + " == 0";
  }
  return condition;
}

/// Names no node: equal kernels have equal text, whichever model they are of.
void FamilyPrinter::comment() {
  p.line("// " + kernel.getSymName() + ": " +
         kernel::stringifyFamily(kernel.getFamily()) + ", a grid of " +
         graph::toString(*kernel.getTiles()) + " blocks of " +
         Twine(number("threads")) + " threads.");
  auto tensor = [&](StringRef name, Type type,
                    ArrayRef<graph::DimExprAttr> dims,
                    ArrayRef<graph::DimExprAttr> strides) {
    // Strides only where they are not those of the dims.
    graph::DimExprAttr dense = constant(1);
    bool isDense = true;
    for (unsigned d = dims.size(); d-- > 0;) {
      isDense &= strides[d] == dense;
      dense = graph::dimMul(dense, dims[d]);
    }
    p.line("//   " + name + Text(6 - std::min<size_t>(5, name.size()), ' ') +
           p.memoryType(getElementTypeOrSelf(type)) + " " + dimsText(dims) +
           (isDense ? Text() : ", strides " + dimsText(strides)));
  };
  for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i)
    tensor("in" + std::to_string(i), kernel.getArgumentTypes()[i],
           kernel.getArgDims(i), kernel.getArgStrides(i));
  for (unsigned i = 0; i < numResults(); ++i)
    tensor("out" + std::to_string(i), kernel.getResultTypes()[i],
           kernel.getResultDims(i), kernel.getResultStrides(i));
}

bool FamilyPrinter::mayAlias(bool isResult, unsigned i) {
  auto pairs = kernel.getInplace();
  for (unsigned k = 0; pairs && k + 1 < pairs->size(); k += 2)
    if ((*pairs)[k + isResult] == i)
      return true;
  return false;
}

void FamilyPrinter::members() {
  for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i)
    p.line("const " +
           p.memoryType(getElementTypeOrSelf(kernel.getArgumentTypes()[i])) +
           " *in" + Twine(i) + ";");
  for (unsigned i = 0; i < numResults(); ++i)
    p.line(p.memoryType(resultElement(i)) + " *out" + Twine(i) + ";");
  for (unsigned i = kernel.getNumOperandTensors();
       i < kernel.getArgumentTypes().size(); ++i)
    p.line("i64 d" + Twine(i - kernel.getNumOperandTensors()) + ";");
  p.line("");
}

void FamilyPrinter::entry() {
  SmallVector<Text> parameters;
  auto pointer = [&](StringRef base, bool isResult, unsigned i, Type type) {
    parameters.push_back((isResult ? "" : "const ") +
                         p.memoryType(getElementTypeOrSelf(type)) +
                         (mayAlias(isResult, i) ? " *" : " *__restrict__ ") +
                         base.str() + std::to_string(i));
  };
  unsigned tensors = kernel.getNumOperandTensors();
  for (unsigned i = 0; i < tensors; ++i)
    pointer("in", false, i, kernel.getArgumentTypes()[i]);
  for (unsigned i = 0; i < numResults(); ++i)
    pointer("out", true, i, kernel.getResultTypes()[i]);
  for (unsigned i = tensors; i < kernel.getArgumentTypes().size(); ++i)
    parameters.push_back("i64 d" + std::to_string(i - tensors));
  if (kernel.getInplace() && !kernel.getInplace()->empty())
    p.line("// Those without __restrict__ may be the same memory, element by "
           "element.");
  {
    Printer::Block block(
        p,
        "ACTNET_KERNEL(" + Twine(number("threads")) + ") " +
            kernel.getSymName() + "(" +
            llvm::join(parameters, parameters.size() > 2 ? ",\n    " : ", ") +
            ") {");
    statements();
  }
  p.line("ACTNET_ENTRY(" + kernel.getSymName() + ")");
}

FailureOr<std::string> FamilyPrinter::emit() {
  if (!kernel.getSchedule() || !kernel.getTiles() || !number("threads") ||
      !read())
    return kernel.emitError() << "the CUDA code generator needs a schedule of "
                                 "its own: run kernel-schedule-cuda before";
  p.line("#include \"" + header() + "\"\n");
  p.line("namespace actnet {\n");
  comment();
  functors();
  entry();
  p.line("\n} // namespace actnet");
  if (p.failed())
    return failure();
  return p.text().str();
}
