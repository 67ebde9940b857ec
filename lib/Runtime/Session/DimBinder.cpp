//===- DimBinder.cpp - from the shapes of inputs to the values of dims ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/DimBinder.h"
#include "actnet/Runtime/Session/HostTensor.h"

#include <algorithm>

using namespace actnet;
using namespace actnet::rt;

namespace {
std::string boundsText(const pkg::Range &range) {
  if (range.lower == range.upper)
    return std::to_string(range.lower);
  return std::to_string(std::max<int64_t>(range.lower, 0)) + ".." +
         (range.upper == pkg::unbounded ? "" : std::to_string(range.upper));
}

std::string place(const TensorDesc &input, size_t axis) {
  return "input '" + input.tensor->name + "' axis " + std::to_string(axis);
}

/// Solves expr(dim) = extent for a dim that the expression grows with: the
/// least value that reaches the extent.
int64_t solve(std::span<const pkg::ExprInst> code, pkg::ExprId id,
              std::vector<int64_t> &values, size_t dim, const pkg::Range &range,
              int64_t extent, pkg::ExprValues &scratch) {
  int64_t low = std::max<int64_t>(range.lower, 0);
  int64_t high = std::min(range.upper, int64_t(1) << 40);
  while (low < high) {
    values[dim] = low + (high - low) / 2;
    scratch.assign(code, values);
    std::optional<int64_t> found = scratch.find(id);
    if (!found || *found >= extent)
      high = values[dim];
    else
      low = values[dim] + 1;
  }
  return low;
}

/// Marks the dims that an expression reads. Operands come before what uses
/// them, so one sweep backwards sees all.
void collectDims(std::span<const pkg::ExprInst> code, pkg::ExprId id,
                 std::vector<uint8_t> &reads, std::vector<uint8_t> &needed) {
  needed.assign(size_t(id) + 1, false);
  needed[id] = true;
  for (size_t i = size_t(id) + 1; i-- > 0;) {
    const pkg::ExprInst &inst = code[i];
    if (!needed[i] || inst.op() == pkg::ExprOp::Const)
      continue;
    if (inst.op() == pkg::ExprOp::Sym) {
      reads[inst.lhs()] = true;
    } else {
      needed[inst.lhs()] = true;
      needed[inst.rhs()] = true;
    }
  }
}
/// Whether a check has the form min(expression, c) = c: a lower bound.
bool isBound(std::span<const pkg::ExprInst> code, const pkg::Check &check) {
  const pkg::ExprInst &lhs = code[check.lhs];
  return lhs.op() == pkg::ExprOp::Min &&
         (lhs.lhs() == check.rhs || lhs.rhs() == check.rhs);
}

/// Whether a check has the form expression = min(expression, c): an upper one.
bool isUpperBound(std::span<const pkg::ExprInst> code,
                  const pkg::Check &check) {
  const pkg::ExprInst &rhs = code[check.rhs];
  return rhs.op() == pkg::ExprOp::Min &&
         (rhs.lhs() == check.lhs || rhs.rhs() == check.lhs);
}

/// What helps where one of two dims is 1 and was meant to broadcast: a program
/// whose dim is a name takes it to be the other operand's.
std::string broadcastHint(const Program &program, const pkg::Check &check,
                          std::span<const int64_t> values) {
  const std::vector<pkg::ExprInst> &code = program.interface().exprs;
  const pkg::ExprInst &lhs = code[check.lhs], &rhs = code[check.rhs];
  if (lhs.op() != pkg::ExprOp::Sym || rhs.op() != pkg::ExprOp::Sym)
    return {};
  for (uint32_t dim : {lhs.lhs(), rhs.lhs()})
    if (values[dim] == 1) {
      const std::string &name = program.interface().dims[dim]->name;
      return "; if " + name + " is always 1, compile with --dim " + name + "=1";
    }
  return {};
}

/// The dims that a check reads with their values and, where one dim alone can
/// make it hold, what that dim needs: `; H = 2, at least 5 needed`.
std::string remedy(const Program &program, const pkg::Check &check,
                   std::span<const pkg::Range> dims,
                   std::vector<int64_t> values) {
  const std::vector<pkg::ExprInst> &code = program.interface().exprs;
  BindScratch scratch;
  scratch.reads.assign(dims.size(), false);
  collectDims(code, check.lhs, scratch.reads, scratch.needed);
  const std::vector<uint8_t> &reads = scratch.reads;
  std::string text;
  size_t count = 0, only = 0;
  for (size_t d = 0; d < dims.size(); ++d)
    if (reads[d]) {
      text += (count++ ? ", " : "; ") + program.interface().dims[d]->name +
              " = " + std::to_string(values[d]);
      only = d;
    }
  if (count != 1 || !isBound(code, check))
    return text;
  std::optional<int64_t> goal = pkg::ExprValues(code, values).find(check.rhs);
  int64_t now = values[only];
  if (!goal)
    return text;
  int64_t needed = solve(code, check.lhs, values, only, {now, pkg::unbounded},
                         *goal, scratch.values);
  // A remainder holds for one value and not for the next: no least one.
  auto holds = [&](int64_t value) {
    values[only] = value;
    return pkg::ExprValues(code, values).find(check.lhs) == goal;
  };
  if (needed > now && needed < INT64_MAX && holds(needed) && holds(needed + 1))
    text += ", at least " + std::to_string(needed) + " needed";
  return text;
}
} // namespace

Status rt::checkInput(const TensorDesc &input,
                      std::span<const pkg::Range> exprs, actnet_dtype dtype,
                      const int64_t *shape, int32_t rank) {
  const pkg::Tensor &tensor = *input.tensor;
  if (int(dtype) != int(tensor.dtype))
    return invalidArgument("input '" + tensor.name + "': expected type " +
                           dtypeName(actnet_dtype(tensor.dtype)) + ", found " +
                           dtypeName(dtype));
  if (size_t(rank) != tensor.shape.size()) {
    std::string expected = "[";
    for (size_t i = 0; i < input.extents.size(); ++i)
      expected += (i ? ", " : "") + input.extents[i];
    return invalidArgument("input '" + tensor.name + "': expected shape " +
                           expected + "], found " +
                           shapeText(shape, size_t(std::max(rank, 0))));
  }
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    const pkg::Range &range = exprs[tensor.shape[axis]];
    if (shape[axis] >= std::max<int64_t>(range.lower, 0) &&
        shape[axis] <= range.upper)
      continue;
    std::string text = boundsText(range);
    if (input.extents[axis] != text)
      text = input.extents[axis] + " = " + text;
    return invalidArgument(place(input, axis) + ": expected " + text +
                           ", found " + std::to_string(shape[axis]));
  }
  return okStatus();
}

Status rt::bindDims(const Program &program, const FunctionDesc &function,
                    std::span<const pkg::Range> dims,
                    std::span<const std::vector<int64_t>> shapes,
                    std::vector<int64_t> &values, BindScratch &scratch) {
  const std::vector<pkg::ExprInst> &code = program.interface().exprs;
  constexpr int64_t unset = -1;
  values.assign(dims.size(), unset);
  bool allPlain = true;
  // Pass 1: extents that are a dim by themselves.
  for (size_t i = 0; i < shapes.size(); ++i) {
    const TensorDesc &input = function.inputs[i];
    for (size_t axis = 0; axis < shapes[i].size(); ++axis) {
      const pkg::ExprInst &inst = code[input.tensor->shape[axis]];
      if (inst.op() != pkg::ExprOp::Sym) {
        allPlain &= inst.op() == pkg::ExprOp::Const;
        continue;
      }
      int64_t &value = values[inst.lhs()];
      if (value != unset && value != shapes[i][axis])
        return invalidArgument(
            place(input, axis) + ": expected " + input.extents[axis] + " = " +
            std::to_string(value) + " as in an input before it, found " +
            std::to_string(shapes[i][axis]));
      value = shapes[i][axis];
    }
  }
  // Pass 2: other expressions that lack just one dim.
  for (size_t i = 0; !allPlain && i < shapes.size(); ++i) {
    const TensorDesc &input = function.inputs[i];
    for (size_t axis = 0; axis < shapes[i].size(); ++axis) {
      pkg::ExprId id = input.tensor->shape[axis];
      std::vector<uint8_t> &reads = scratch.reads;
      reads.assign(dims.size(), false);
      collectDims(code, id, reads, scratch.needed);
      size_t missing = dims.size(), count = 0;
      for (size_t d = 0; d < dims.size(); ++d)
        if (reads[d] && values[d] == unset) {
          missing = d;
          ++count;
        }
      if (count == 1)
        values[missing] = solve(code, id, values, missing, dims[missing],
                                shapes[i][axis], scratch.values);
    }
  }
  for (size_t d = 0; d < dims.size(); ++d) {
    if (values[d] == unset)
      values[d] = std::max<int64_t>(dims[d].lower, 1);
    if (values[d] < dims[d].lower || values[d] > dims[d].upper)
      return invalidArgument("dim '" + program.interface().dims[d]->name +
                             "': expected " + boundsText(dims[d]) + ", found " +
                             std::to_string(values[d]));
  }
  if (allPlain && function.function->checks.empty())
    return okStatus();
  pkg::ExprValues &all = scratch.values;
  all.assign(code, values);
  for (size_t i = 0; i < shapes.size(); ++i) {
    const TensorDesc &input = function.inputs[i];
    for (size_t axis = 0; axis < shapes[i].size(); ++axis) {
      std::optional<int64_t> extent = all.find(input.tensor->shape[axis]);
      if (!extent || *extent != shapes[i][axis])
        return invalidArgument(place(input, axis) + ": expected " +
                               input.extents[axis] + " = " +
                               (extent ? std::to_string(*extent) : "no value") +
                               ", found " + std::to_string(shapes[i][axis]));
    }
  }
  for (const auto &check : function.function->checks) {
    std::optional<int64_t> lhs = all.find(check->lhs);
    std::optional<int64_t> rhs = all.find(check->rhs);
    if (!lhs || !rhs || *lhs != *rhs)
      return invalidArgument(check->message + ": expected " +
                             (rhs ? std::to_string(*rhs) : "a value") +
                             (isBound(code, *check)        ? " or more"
                              : isUpperBound(code, *check) ? " or less"
                                                           : "") +
                             ", found " +
                             (lhs ? std::to_string(*lhs) : "none") +
                             remedy(program, *check, dims, values) +
                             broadcastHint(program, *check, values));
  }
  return okStatus();
}
