//===- Numerics.cpp - a graph function, evaluated and compiled ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Numerics.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/Evaluate.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Pipelines/Compile.h"
#include "actnet/Pipelines/InitAll.h"
#include "actnet/actnet.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <random>
#include <unistd.h>

using namespace mlir;

namespace actnet::numerics {

using graph::HostTensor;

MLIRContext &getContext() {
  static MLIRContext *context = [] {
    registerAllPasses();
    DialectRegistry registry;
    registerAllDialects(registry);
    auto *made = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
    made->loadDialect<graph::GraphDialect, func::FuncDialect>();
    return made;
  }();
  return *context;
}

std::string expandTypes(StringRef text) {
  static constexpr StringLiteral types[] = {"bf16", "f16", "f32", "f64", "i16",
                                            "i32",  "i64", "ui8", "i8",  "i1"};
  std::string out;
  while (!text.empty()) {
    bool matched = false;
    if (out.empty() ||
        !(llvm::isAlnum(out.back()) || out.back() == '_' || out.back() == '%'))
      for (StringRef type : types) {
        if (!text.starts_with(type) ||
            !text.drop_front(type.size()).starts_with("["))
          continue;
        auto [dims, rest] = text.drop_front(type.size() + 1).split(']');
        out += "tensor<";
        bool named = false;
        SmallVector<StringRef> list;
        if (!dims.empty())
          dims.split(list, ',');
        for (StringRef dim : list) {
          bool number = llvm::all_of(dim.trim(), llvm::isDigit);
          named |= !number;
          out += (number ? dim.trim().str() : "?") + "x";
        }
        out += type;
        if (named)
          out += ", #graph.dims<" + dims.str() + ">";
        out += ">";
        text = rest;
        matched = true;
        break;
      }
    if (!matched) {
      out += text.front();
      text = text.drop_front();
    }
  }
  return out;
}

/// Symbols of all argument types.
static void collectSymbols(graph::DimExprAttr expr, llvm::StringSet<> &names) {
  if (expr.isSymbol())
    names.insert(expr.getName().getValue());
  for (unsigned i = 0; i < expr.getOperands().size(); ++i)
    collectSymbols(expr.getOperand(i), names);
}

void finishFunction(ModuleOp module) {
  MLIRContext *context = module.getContext();
  auto func = *module.getOps<func::FuncOp>().begin();
  Block &block = func.getBody().front();
  if (!block.empty() && isa<func::ReturnOp>(block.back()) &&
      block.back().getNumOperands() == 0)
    block.back().erase();
  Builder b(context);
  if (block.empty() || !isa<func::ReturnOp>(block.back())) {
    SmallVector<Value> results;
    for (Operation &op : block)
      for (Value v : op.getResults())
        if (v.use_empty())
          results.push_back(v);
    OpBuilder at = OpBuilder::atBlockEnd(&block);
    func::ReturnOp::create(at, func.getLoc(), results);
    func.setFunctionType(b.getFunctionType(block.getArgumentTypes(),
                                           ValueRange(results).getTypes()));
  }
  llvm::StringSet<> names;
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    func.setArgAttr(i, graph::GraphDialect::kNameAttr,
                    b.getStringAttr("x" + Twine(i)));
    for (graph::DimExprAttr d :
         graph::getDims(cast<RankedTensorType>(func.getArgument(i).getType())))
      collectSymbols(d, names);
  }
  for (unsigned i = 0; i < func.getNumResults(); ++i)
    func.setResultAttr(i, graph::GraphDialect::kNameAttr,
                       b.getStringAttr("y" + Twine(i)));
  SmallVector<NamedAttribute> bounds;
  for (auto &entry : names)
    bounds.push_back(
        b.getNamedAttr(entry.getKey(), b.getDenseI64ArrayAttr({1, 40})));
  if (!bounds.empty())
    module->setAttr(graph::GraphDialect::kDimsAttr,
                    b.getDictionaryAttr(bounds));
}

OwningOpRef<ModuleOp> parseModule(StringRef text) {
  auto module = parseSourceString<ModuleOp>(expandTypes(text), &getContext());
  EXPECT_TRUE(module) << expandTypes(text);
  if (module)
    finishFunction(*module);
  return module;
}

OwningOpRef<ModuleOp> makeModule(StringRef arguments, StringRef body) {
  return parseModule(
      ("func.func @main(" + arguments + ") {\n" + body + "\nreturn\n}\n")
          .str());
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static double getElement(const HostTensor &t, int64_t i) {
  const char *at = t.data + i * graph::getElementBytes(t.elementType);
  auto load = [&](auto like) {
    decltype(like) v;
    std::memcpy(&v, at, sizeof v);
    return v;
  };
  if (auto type = dyn_cast<FloatType>(t.elementType)) {
    if (type.isF32())
      return load(float());
    if (type.isF64())
      return load(double());
    APFloat value(type.getFloatSemantics(), APInt(16, load(uint16_t())));
    return value.convertToDouble();
  }
  switch (graph::getElementBytes(t.elementType)) {
  case 1:
    return t.elementType.isUnsignedInteger() ? load(uint8_t()) : load(int8_t());
  case 2:
    return load(int16_t());
  case 4:
    return load(int32_t());
  default:
    return static_cast<double>(load(int64_t()));
  }
}

static void setElement(HostTensor &t, int64_t i, double value) {
  char *at = t.mutableData() + i * graph::getElementBytes(t.elementType);
  auto store = [&](auto v) { std::memcpy(at, &v, sizeof v); };
  if (auto type = dyn_cast<FloatType>(t.elementType)) {
    if (type.isF32())
      return store(static_cast<float>(value));
    if (type.isF64())
      return store(value);
    APFloat f(value);
    bool lossy;
    f.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
    return store(static_cast<uint16_t>(f.bitcastToAPInt().getZExtValue()));
  }
  switch (graph::getElementBytes(t.elementType)) {
  case 1:
    return store(static_cast<int8_t>(value));
  case 2:
    return store(static_cast<int16_t>(value));
  case 4:
    return store(static_cast<int32_t>(value));
  default:
    return store(static_cast<int64_t>(value));
  }
}

/// Floats in [-1.5, 1.5), integers in [-4, 4], bools.
static HostTensor randomTensor(Type type, ArrayRef<int64_t> shape,
                               unsigned seed) {
  HostTensor t = HostTensor::allocate(type, shape);
  std::minstd_rand random(seed * 7919 + 17);
  for (int i = 0; i < 8; ++i)
    random();
  for (int64_t i = 0, e = t.getNumElements(); i < e; ++i) {
    unsigned r = random();
    double value = (r % 30001) / 10000.0 - 1.5;
    if (type.isInteger(1))
      value = r / 7 % 2;
    else if (type.isUnsignedInteger())
      value = r / 7 % 250 > 127 ? 127 : r / 7 % 127;
    else if (isa<IntegerType>(type))
      value = static_cast<int>(r / 7 % 9) - 4;
    setElement(t, i, value);
  }
  return t;
}

static double toleranceOf(Type type, double tolerance) {
  if (type.isF16())
    return std::max(tolerance, 2e-3);
  if (type.isBF16())
    return std::max(tolerance, 1.6e-2);
  return isa<FloatType>(type) ? tolerance : 0;
}

static void compare(const HostTensor &want, const HostTensor &got,
                    double tolerance, const std::string &what) {
  double scale = 0;
  for (int64_t i = 0, e = want.getNumElements(); i < e; ++i)
    if (double v = std::fabs(getElement(want, i)); std::isfinite(v))
      scale = std::max(scale, v);
  double allowed =
      toleranceOf(want.elementType, tolerance) * std::max(scale, 0.1);
  int64_t bad = 0;
  for (int64_t i = 0, e = want.getNumElements(); i < e; ++i) {
    double w = getElement(want, i), g = getElement(got, i);
    bool same = w == g || (std::isnan(w) && std::isnan(g)) ||
                std::fabs(w - g) <= allowed;
    if (same)
      continue;
    if (bad++ == 0)
      ADD_FAILURE() << what << ": element " << i << " is " << g << ", expected "
                    << w << " (largest " << scale << ")";
  }
  EXPECT_EQ(bad, 0) << what << ": of " << want.getNumElements() << " elements";
}

//===----------------------------------------------------------------------===//
// Compiling and running
//===----------------------------------------------------------------------===//

static actnet_dtype codeOf(Type type) {
  if (type.isF32())
    return ACTNET_F32;
  if (type.isF64())
    return ACTNET_F64;
  if (type.isF16())
    return ACTNET_F16;
  if (type.isBF16())
    return ACTNET_BF16;
  if (type.isInteger(1))
    return ACTNET_BOOL;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 8:
    return isUnsigned ? ACTNET_U8 : ACTNET_I8;
  case 16:
    return isUnsigned ? ACTNET_U16 : ACTNET_I16;
  case 32:
    return isUnsigned ? ACTNET_U32 : ACTNET_I32;
  default:
    return isUnsigned ? ACTNET_U64 : ACTNET_I64;
  }
}

namespace {
/// A package in memory, its program and a session.
struct Compiled {
  ~Compiled() {
    actnet_destroy_session(session);
    actnet_close(program);
  }
  std::unique_ptr<llvm::MemoryBuffer> bytes;
  actnet_program *program = nullptr;
  actnet_session *session = nullptr;
};
} // namespace

/// Compiles for what this machine runs. Returns the first error.
static std::string compile(ModuleOp module, Compiled &out) {
  SmallString<128> path;
  if (llvm::sys::fs::createTemporaryFile("actnet-numerics", "actnet", path))
    return "no temporary file";
  CompileOptions options;
  options.emit = Emit::package;
  options.output = path.str().str();
  options.model = "numerics";
  options.variants = {"x86-64-v3"};
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
    options.variants.push_back("x86-64-v4");
  std::string error;
  ScopedDiagnosticHandler handler(
      module.getContext(), [&](Diagnostic &diagnostic) {
        if (error.empty() &&
            diagnostic.getSeverity() == DiagnosticSeverity::Error)
          error = diagnostic.str();
        return success();
      });
  if (failed(compileModule(module, options))) {
    llvm::sys::fs::remove(path);
    return error.empty() ? "failed without an error" : error;
  }
  // Page-aligned, as the C API asks for.
  auto file = llvm::MemoryBuffer::getFile(path, false, false);
  llvm::sys::fs::remove(path);
  if (!file)
    return "the package cannot be read";
  auto aligned = llvm::WritableMemoryBuffer::getNewUninitMemBuffer(
      (*file)->getBufferSize(), "", llvm::Align(4096));
  std::memcpy(aligned->getBufferStart(), (*file)->getBufferStart(),
              (*file)->getBufferSize());
  out.bytes = std::move(aligned);
  actnet_options session = {};
  session.threads = 2;
  if (actnet_open_memory(out.bytes->getBufferStart(),
                         out.bytes->getBufferSize(), &out.program) ||
      actnet_create_session(out.program, &session, &out.session))
    return actnet_error_text();
  return "";
}

std::string compileError(ModuleOp module) {
  Compiled compiled;
  return compile(module, compiled);
}

void check(ModuleOp module, const std::vector<Dims> &runs, double tolerance) {
  auto func = *module.getOps<func::FuncOp>().begin();
  SmallVector<RankedTensorType> inputTypes, outputTypes;
  for (Type type : func.getArgumentTypes())
    inputTypes.push_back(cast<RankedTensorType>(type));
  for (Type type : func.getResultTypes())
    outputTypes.push_back(cast<RankedTensorType>(type));

  std::vector<SmallVector<HostTensor>> inputs, wanted;
  for (const Dims &dims : runs) {
    SmallVector<HostTensor> tensors;
    for (auto [i, type] : llvm::enumerate(inputTypes)) {
      SmallVector<int64_t> shape;
      for (graph::DimExprAttr d : graph::getDims(type)) {
        std::optional<int64_t> extent = graph::constantValue(d);
        if (!extent && d.isSymbol())
          extent = dims.at(d.getName().getValue().str());
        ASSERT_TRUE(extent) << "inputs have numbers and names as dims";
        shape.push_back(*extent);
      }
      tensors.push_back(randomTensor(type.getElementType(), shape, i));
    }
    auto results = graph::evaluateFunction(func, tensors);
    ASSERT_TRUE(succeeded(results))
        << "the reference evaluator refuses the function";
    inputs.push_back(std::move(tensors));
    wanted.push_back(std::move(*results));
  }

  std::string text;
  llvm::raw_string_ostream(text) << module;
  Compiled compiled;
  std::string error = compile(module, compiled);
  ASSERT_EQ(error, "") << text;
  for (size_t run = 0; run < runs.size(); ++run) {
    std::string what;
    for (auto &[name, value] : runs[run])
      what += name + "=" + std::to_string(value) + " ";
    for (auto [i, t] : llvm::enumerate(inputs[run]))
      ASSERT_EQ(actnet_bind_input(compiled.session, 0, i, codeOf(t.elementType),
                                  t.shape.data(), t.shape.size(), t.data),
                ACTNET_OK)
          << actnet_error_text();
    SmallVector<HostTensor> outputs;
    for (auto [i, want] : llvm::enumerate(wanted[run])) {
      SmallVector<int64_t> shape(want.shape.size());
      ASSERT_EQ(actnet_output_shape(compiled.session, 0, i, shape.data()),
                ACTNET_OK)
          << actnet_error_text();
      ASSERT_EQ(ArrayRef<int64_t>(shape), ArrayRef<int64_t>(want.shape))
          << what << text;
      outputs.push_back(HostTensor::allocate(want.elementType, shape));
      // What the program does not write is no number.
      std::memset(outputs.back().mutableData(), 0xff,
                  outputs.back().getNumBytes());
      ASSERT_EQ(actnet_bind_output(compiled.session, 0, i,
                                   outputs.back().mutableData(),
                                   outputs.back().getNumBytes()),
                ACTNET_OK)
          << actnet_error_text();
    }
    ASSERT_EQ(actnet_run(compiled.session, 0), ACTNET_OK)
        << actnet_error_text() << text;
    for (auto [i, want, got] : llvm::enumerate(wanted[run], outputs))
      compare(want, got, tolerance, what + "y" + std::to_string(i));
  }
  if (::testing::Test::HasFailure())
    llvm::errs() << text;
}

} // namespace actnet::numerics
