//===- CUDACodegen.cpp - functors, kernels, files -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a family's template calls: a functor that holds the operands and dims
// and computes one element (map) or one row (row); then the kernel itself,
// which makes the functor and hands it to the template.
//
//===----------------------------------------------------------------------===//

#include "actnet/Codegen/CUDA/CUDACodegen.h"

#include "Printer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

/// Prints one kernel.
class KernelPrinter {
public:
  explicit KernelPrinter(kernel::FuncOp kernel)
      : kernel(kernel), p(kernel),
        isRow(kernel.getFamily() == kernel::Family::row) {}

  LogicalResult check();
  void print();
  graph::DimExprAttr tiles();
  bool failed() const { return p.failed(); }
  StringRef text() const { return p.text(); }

private:
  void comment();
  void members();
  void mapBody();
  void rowBody();
  void reduce(linalg::GenericOp root, ArrayRef<Index> rows);
  void entry();
  /// The value that a kernel yields as result i.
  Value yielded(unsigned i) {
    return kernel.getBody().front().getTerminator()->getOperand(i);
  }
  SmallVector<linalg::GenericOp> roots();
  bool mayAlias(bool isResult, unsigned i);
  Text dimsText(ArrayRef<graph::DimExprAttr> dims);

  kernel::FuncOp kernel;
  Printer p;
  bool isRow;
  /// Row kernels: the iteration space, and how many of its dims are rows.
  SmallVector<graph::DimExprAttr> space;
  unsigned rowRank = 0;
};

} // namespace

SmallVector<linalg::GenericOp> KernelPrinter::roots() {
  SmallVector<linalg::GenericOp> found;
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      found.push_back(op);
  return found;
}

LogicalResult KernelPrinter::check() {
  if (kernel.getFamily() != kernel::Family::map && !isRow)
    return kernel.emitError()
           << "the CUDA code generator prints kernels of family map and row, "
              "this one is of family "
           << kernel::stringifyFamily(kernel.getFamily());
  StringRef name = kernel.getSymName();
  if (name.empty() || llvm::isDigit(name[0]) ||
      !llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
    return kernel.emitError()
           << "the CUDA code generator needs a name that is an identifier of C";
  if (kernel.getResultTypes().empty())
    return kernel.emitError()
           << "the CUDA code generator needs a kernel that writes something";
  if (!isRow) {
    for (unsigned i = 1; i < kernel.getResultTypes().size(); ++i)
      if (kernel.getResultDims(i) != kernel.getResultDims(0))
        return kernel.emitError()
               << "the CUDA code generator needs results of the same dims in "
                  "a map kernel";
    return success();
  }
  SmallVector<linalg::GenericOp> all = roots();
  if (all.empty())
    return kernel.emitError()
           << "the CUDA code generator needs a reduction in a row kernel";
  space = p.loopDims(all[0]);
  rowRank = space.size() - all[0].getNumReductionLoops();
  for (linalg::GenericOp root : all)
    if (p.loopDims(root) != space ||
        root.getNumReductionLoops() != space.size() - rowRank)
      return root.emitError() << "the CUDA code generator needs reductions "
                                 "over the same dims in "
                                 "a row kernel";
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i) {
    SmallVector<graph::DimExprAttr> dims = kernel.getResultDims(i);
    if (dims != space && ArrayRef(dims) != ArrayRef(space).take_front(rowRank))
      return kernel.emitError()
             << "the CUDA code generator needs results of a row's or of the "
                "rows' dims in a row kernel";
  }
  return success(!failed());
}

graph::DimExprAttr KernelPrinter::tiles() {
  MLIRContext *context = kernel.getContext();
  if (isRow)
    return graph::dimProduct(context, ArrayRef(space).take_front(rowRank));
  return graph::dimCeilDiv(graph::dimProduct(context, kernel.getResultDims(0)),
                           graph::dimConstant(context, kCudaMapTile));
}

Text KernelPrinter::dimsText(ArrayRef<graph::DimExprAttr> dims) {
  return "[" +
         llvm::join(llvm::map_range(
                        dims, [](auto dim) { return graph::toString(dim); }),
                    ", ") +
         "]";
}

//===----------------------------------------------------------------------===//
// Around the body
//===----------------------------------------------------------------------===//

void KernelPrinter::comment() {
  p.line("// " + kernel.getSymName() + ": " +
         kernel::stringifyFamily(kernel.getFamily()) + ", a grid of " +
         graph::toString(tiles()) + " blocks of " + Twine(kCudaThreads) +
         " threads.");
  if (auto named = dyn_cast<NameLoc>(kernel.getLoc()))
    p.line("// Computes " + Twine(named.getName().getValue()) + ".");
  auto tensor = [&](StringRef name, Type type,
                    ArrayRef<graph::DimExprAttr> dims,
                    ArrayRef<graph::DimExprAttr> strides) {
    // Strides only where they are not those of the dims.
    graph::DimExprAttr dense = graph::dimConstant(kernel.getContext(), 1);
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
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
    tensor("out" + std::to_string(i), kernel.getResultTypes()[i],
           kernel.getResultDims(i), kernel.getResultStrides(i));
}

bool KernelPrinter::mayAlias(bool isResult, unsigned i) {
  auto pairs = kernel.getInplace();
  for (unsigned k = 0; pairs && k + 1 < pairs->size(); k += 2)
    if ((*pairs)[k + isResult] == i)
      return true;
  return false;
}

void KernelPrinter::members() {
  for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i)
    p.line("const " +
           p.memoryType(getElementTypeOrSelf(kernel.getArgumentTypes()[i])) +
           " *in" + Twine(i) + ";");
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
    p.line(p.memoryType(getElementTypeOrSelf(kernel.getResultTypes()[i])) +
           " *out" + Twine(i) + ";");
  for (unsigned i = kernel.getNumOperandTensors();
       i < kernel.getArgumentTypes().size(); ++i)
    p.line("i64 d" + Twine(i - kernel.getNumOperandTensors()) + ";");
  p.line("");
}

void KernelPrinter::entry() {
  SmallVector<Text> parameters, names;
  auto pointer = [&](StringRef base, bool isResult, unsigned i, Type type) {
    names.push_back(base.str() + std::to_string(i));
    parameters.push_back(
        (isResult ? "" : "const ") + p.memoryType(getElementTypeOrSelf(type)) +
        (mayAlias(isResult, i) ? " *" : " *__restrict__ ") + names.back());
  };
  for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i)
    pointer("in", false, i, kernel.getArgumentTypes()[i]);
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
    pointer("out", true, i, kernel.getResultTypes()[i]);
  for (unsigned i = kernel.getNumOperandTensors();
       i < kernel.getArgumentTypes().size(); ++i) {
    names.push_back("d" + std::to_string(i - kernel.getNumOperandTensors()));
    parameters.push_back("i64 " + names.back());
  }
  if (kernel.getInplace() && !kernel.getInplace()->empty())
    p.line("// Those without __restrict__ may be the same memory, element by "
           "element.");
  Text functor = (kernel.getSymName() + (isRow ? "_row" : "_element")).str() +
                 "{" + llvm::join(names, ", ") + "}";
  Printer::Block block(
      p, Text("ACTNET_KERNEL(") + (isRow ? "kRowThreads) " : "kMapThreads) ") +
             kernel.getSymName() + "(" +
             llvm::join(parameters, parameters.size() > 2 ? ",\n    " : ", ") +
             ") {");
  if (isRow) {
    p.line("rowTile(" + functor + ");");
    return;
  }
  p.line(
      "mapTile(" + functor + ", " +
      p.text(graph::dimProduct(kernel.getContext(), kernel.getResultDims(0))) +
      ");");
}

//===----------------------------------------------------------------------===//
// Families
//===----------------------------------------------------------------------===//

void KernelPrinter::mapBody() {
  p.line("// Element i of the results.");
  Printer::Block block(p, "ACTNET_DEVICE void operator()(i64 i) const {");
  Indices at = p.split("i", "i", 0, kernel.getResultDims(0));
  // All are computed before any is written: a result may lie in an operand.
  Texts values;
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
    values.push_back(p.element(yielded(i), at));
  for (auto [i, value] : llvm::enumerate(values))
    p.store(i, at, value);
}

/// The name in scalar.h of what an op combines, or nothing.
static StringRef combinerName(Operation *op) {
  return TypeSwitch<Operation *, StringRef>(op)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return "Add"; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return "Multiply"; })
      .Case<arith::MaximumFOp, arith::MaxSIOp>([](auto) { return "Maximum"; })
      .Case<arith::MinimumFOp, arith::MinSIOp>([](auto) { return "Minimum"; })
      .Case([](arith::AndIOp) { return "And"; })
      .Case([](arith::OrIOp) { return "Or"; })
      .Case([](arith::XOrIOp) { return "Xor"; })
      .Default([](Operation *) { return ""; });
}

/// The value that changes nothing when it is combined.
static Attribute identity(StringRef combiner, Type type) {
  bool isLargest = combiner == "Minimum";
  if (auto floatType = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &semantics = floatType.getFloatSemantics();
    if (isLargest || combiner == "Maximum")
      return FloatAttr::get(type, APFloat::getInf(semantics, !isLargest));
    return FloatAttr::get(type, combiner == "Multiply" ? 1.0 : 0.0);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  if (isLargest || combiner == "Maximum")
    return IntegerAttr::get(type, isLargest ? APInt::getSignedMaxValue(width)
                                            : APInt::getSignedMinValue(width));
  if (combiner == "And")
    return IntegerAttr::get(type, APInt::getAllOnes(width));
  return IntegerAttr::get(type, APInt(width, combiner == "Multiply"));
}

void KernelPrinter::reduce(linalg::GenericOp root, ArrayRef<Index> rows) {
  Block *body = root.getBody();
  ArrayRef<graph::DimExprAttr> columns = ArrayRef(space).drop_front(rowRank);
  Text count = p.text(graph::dimProduct(kernel.getContext(), columns));
  Texts totals;
  for (unsigned i = 0; i < root.getNumDpsInits(); ++i) {
    // result = combine(result, element), and the result is used for that only.
    Value result = root.getRegionOutputArgs()[i];
    Operation *combine = body->getTerminator()->getOperand(i).getDefiningOp();
    StringRef name;
    if (combine && combine->getBlock() == body && result.hasOneUse() &&
        *result.user_begin() == combine)
      name = combinerName(combine);
    if (name.empty()) {
      p.fail(root,
             "reduces rows by add, mul, maximum, minimum, and, or, xor only");
      return;
    }
    Value reduced =
        combine->getOperand(combine->getOperand(0) == result ? 1 : 0);
    Type type = result.getType();
    Text compute = p.computeType(type), total = p.fresh();
    {
      Printer::Block loop(p,
                          "const " + compute + " " + total +
                              " = block.reduce<" + name + ">(" + count +
                              ", [&](i64 c) -> " + compute + " {",
                          "});");
      Indices at(rows);
      at.append(p.split("c", "i", rowRank, columns));
      Texts operands = p.operands(root, at, root.getNumDpsInputs());
      p.line("return " + p.body(root, at, operands, reduced)[0] + ";");
    }
    // What the result was before: nothing new in most cases.
    Indices first(rows);
    first.resize(space.size(), p.constant(0));
    OpOperand *init = root.getDpsInitOperand(i);
    Text before =
        p.element(init->get(), p.map(root.getMatchingIndexingMap(init), first));
    if (before != p.literal(type, identity(name, type)))
      total = p.define(compute,
                       name.str() + "::combine(" + before + ", " + total + ")");
    if (Printer::isNarrowFloat(type))
      total = p.define(compute,
                       "rounded<" + p.memoryType(type) + ">(" + total + ")");
    totals.push_back(total);
  }
  for (auto [i, total] : llvm::enumerate(totals))
    p.bind(root.getResult(i), total);
}

void KernelPrinter::rowBody() {
  ArrayRef<graph::DimExprAttr> all(space), columns = all.drop_front(rowRank);
  p.line("// Row r of " + dimsText(all.take_front(rowRank)) +
         ", with columns " + dimsText(columns) + ".");
  Printer::Block block(
      p, "ACTNET_DEVICE void operator()(RowBlock &block, i64 r) const {");
  Indices rows = p.split("r", "i", 0, all.take_front(rowRank));
  for (linalg::GenericOp root : roots())
    reduce(root, rows);

  SmallVector<unsigned> ofRow, ofColumn;
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
    (kernel.getResultDims(i) == space ? ofColumn : ofRow).push_back(i);
  auto store = [&](ArrayRef<unsigned> results, ArrayRef<Index> at) {
    Texts values;
    for (unsigned i : results)
      values.push_back(p.element(yielded(i), at));
    for (auto [i, value] : llvm::zip(results, values))
      p.store(i, at, value);
  };
  if (!ofColumn.empty()) {
    Text count = p.text(graph::dimProduct(kernel.getContext(), columns));
    Printer::Block loop(p, "block.each(" + count + ", [&](i64 c) {", "});");
    Indices at(rows);
    at.append(p.split("c", "i", rowRank, columns));
    store(ofColumn, at);
  }
  if (!ofRow.empty()) {
    Printer::Block once(p, "block.once([&] {", "});");
    store(ofRow, rows);
  }
}

void KernelPrinter::print() {
  p.line(Text("#include \"") + (isRow ? "row" : "map") + ".cuh\"\n");
  p.line("namespace actnet {\n");
  comment();
  {
    Printer::Block functor(p,
                           "struct " + kernel.getSymName() +
                               (isRow ? "_row" : "_element") + " {",
                           "};\n");
    members();
    isRow ? rowBody() : mapBody();
  }
  entry();
  p.line("\n} // namespace actnet");
}

FailureOr<std::string> actnet::cuda::emitCuda(kernel::FuncOp kernel) {
  KernelPrinter printer(kernel);
  if (failed(printer.check()))
    return failure();
  printer.print();
  if (printer.failed())
    return failure();
  return printer.text().str();
}

FailureOr<graph::DimExprAttr> actnet::cuda::cudaTiles(kernel::FuncOp kernel) {
  KernelPrinter printer(kernel);
  if (failed(printer.check()))
    return failure();
  return printer.tiles();
}
