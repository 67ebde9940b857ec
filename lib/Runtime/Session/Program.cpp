//===- Program.cpp - an open package, described for callers ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/Program.h"
#include "actnet/Runtime/Session/HostTensor.h"
#include "actnet/Runtime/Session/LoadedProgram.h"

#include <algorithm>

using namespace actnet;
using namespace actnet::rt;

static_assert(int(ACTNET_F32) == int(pkg::DType::F32) &&
                  int(ACTNET_BF16) == int(pkg::DType::BF16) &&
                  int(ACTNET_I64) == int(pkg::DType::I64) &&
                  int(ACTNET_U64) == int(pkg::DType::U64) &&
                  int(ACTNET_BOOL) == int(pkg::DType::Bool),
              "the C API numbers element types as the schema does");

Expected<std::unique_ptr<Program>> Program::openFile(const std::string &path) {
  ACTNET_ASSIGN_OR_RETURN(pkg::Reader reader, pkg::Reader::openFile(path));
  return create(std::move(reader));
}

Expected<std::unique_ptr<Program>>
Program::openMemory(std::span<const std::byte> bytes) {
  ACTNET_ASSIGN_OR_RETURN(
      pkg::Reader reader,
      pkg::Reader::openMemory(bytes, "the package in memory"));
  return create(std::move(reader));
}

Expected<std::unique_ptr<Program>> Program::create(pkg::Reader reader) {
  std::unique_ptr<Program> program(new Program(std::move(reader)));
  program->shared = std::make_shared<LoadedPrograms>();
  if (program->package.plans().empty())
    return dataLoss(program->package.name() + ": expected a plan, found none");
  const pkg::Interface &interface = program->interface();
  for (const auto &plan : program->package.plans())
    for (uint32_t f = 0; f < interface.functions.size(); ++f)
      if (!pkg::Reader::findFunction(*plan, f))
        return dataLoss(program->package.name() + ": the plan for " +
                        plan->target + " lacks '" +
                        interface.functions[f]->name + "'");

  std::vector<pkg::Range> dims = pkg::dimRanges(interface);
  std::vector<pkg::Range> ranges = pkg::exprRanges(interface.exprs, dims);
  std::vector<std::string> names;
  for (const auto &dim : interface.dims)
    names.push_back(dim->name);
  for (const auto &function : interface.functions) {
    FunctionDesc desc;
    desc.function = function.get();
    for (const auto &tensor : function->inputs)
      desc.inputs.push_back(program->describe(*tensor, ranges, names));
    for (const auto &tensor : function->outputs)
      desc.outputs.push_back(program->describe(*tensor, ranges, names));
    program->functionList.push_back(std::move(desc));
  }

  actnet_program_info &info = program->programInfo;
  if (const pkg::Plan *host = program->findPlan("host")) {
    for (const auto &image : host->images)
      program->isaPointers.push_back(image->isa.c_str());
    info.kernels = int32_t(host->kernels.size());
  }
  if (const pkg::Plan *cuda = program->findPlan("cuda")) {
    for (const auto &image : cuda->images)
      program->gpuIsaPointers.push_back(image->isa.c_str());
    info.gpu_kernels = int32_t(cuda->kernels.size());
  }
  program->libc = oldestLibc();
  info.model = interface.model.c_str();
  info.producer = interface.producer.c_str();
  info.schema = interface.schema_version;
  info.functions = int32_t(interface.functions.size());
  info.dims = int32_t(interface.dims.size());
  info.variants = int32_t(program->isaPointers.size());
  info.isas = program->isaPointers.data();
  info.gpu_variants = int32_t(program->gpuIsaPointers.size());
  info.gpu_isas = program->gpuIsaPointers.data();
  info.weight_bytes = program->package.weights().size();
  for (const pkg::Section &section : program->package.sections())
    info.package_bytes = std::max<uint64_t>(
        info.package_bytes, section.offset + section.bytes.size());
  info.oldest_libc = program->libc.c_str();
  return program;
}

TensorDesc Program::describe(const pkg::Tensor &tensor,
                             std::span<const pkg::Range> ranges,
                             std::span<const std::string> names) const {
  TensorDesc desc;
  desc.tensor = &tensor;
  for (pkg::ExprId id : tensor.shape) {
    std::string text = pkg::exprText(interface().exprs, id, names);
    if (text.size() > 2 && text.front() == '(' && text.back() == ')')
      text = text.substr(1, text.size() - 2);
    desc.extents.push_back(std::move(text));
    desc.lower.push_back(std::max<int64_t>(ranges[id].lower, 0));
    desc.upper.push_back(ranges[id].upper == pkg::unbounded ? -1
                                                            : ranges[id].upper);
  }
  for (const std::string &text : desc.extents)
    desc.extentPointers.push_back(text.c_str());
  return desc;
}

Status Program::evaluateShape(const TensorDesc &tensor,
                              std::span<const int64_t> dims,
                              int64_t *shape) const {
  return evaluateShape(tensor, pkg::ExprValues(interface().exprs, dims), shape);
}

Status Program::evaluateShape(const TensorDesc &tensor,
                              const pkg::ExprValues &values,
                              int64_t *shape) const {
  for (size_t axis = 0; axis < tensor.extents.size(); ++axis) {
    std::optional<int64_t> extent = values.find(tensor.tensor->shape[axis]);
    if (!extent || *extent < 0)
      return outOfRange("'" + tensor.tensor->name + "' axis " +
                        std::to_string(axis) + ": " + tensor.extents[axis] +
                        " has no value for these dims");
    shape[axis] = *extent;
  }
  return okStatus();
}
