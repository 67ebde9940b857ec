//===- ValidatePlan.cpp - check a clone's plan ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Text.h"
#include "Validate.h"

#include "actnet/Package/Container.h"
#include "actnet/Package/LibraryCall.h"

#include <algorithm>

namespace actnet::pkg {

namespace {

std::string number(uint64_t value) { return std::to_string(value); }

/// Checks one function of a plan.
class FunctionValidator {
public:
  FunctionValidator(const Interface &interface, const Plan &plan,
                    const FunctionPlan &function)
      : interface(interface), plan(plan), function(function),
        contract(*interface.functions[function.function]),
        signalled(function.signals, 0) {}

  Status run() {
    ACTNET_RETURN_IF_ERROR(checkBuffers());
    ACTNET_RETURN_IF_ERROR(checkBlock(*function.body, 0));
    if (function.body->records.empty() ||
        function.body->records.back()->body.type != BodyKind::Reply)
      return dataLoss("its last record is not a reply");
    return okStatus();
  }

private:
  Status checkExpr(uint32_t id, const char *what) const {
    if (id >= interface.exprs.size())
      return dataLoss(std::string(what) + " is expression " + number(id) +
                      ", which does not exist");
    return okStatus();
  }

  Status checkBuffers() {
    std::vector<unsigned> bound(contract.outputs.size());
    std::vector<unsigned> given(contract.inputs.size());
    for (size_t id = 0; id < function.buffers.size(); ++id) {
      const Buffer &buffer = *function.buffers[id];
      if (Status status = checkBuffer(buffer, uint32_t(id)); !status)
        return std::move(status.addContext("buffer " + number(id)));
      if (buffer.root == none && buffer.region == Region::Output)
        ++bound[buffer.binding];
      if (buffer.root == none && buffer.region == Region::Input)
        ++given[buffer.binding];
    }
    for (size_t i = 0; i < bound.size(); ++i)
      if (bound[i] != 1)
        return dataLoss("output '" + contract.outputs[i]->name + "' has " +
                        number(bound[i]) + " buffers instead of one");
    for (size_t i = 0; i < given.size(); ++i)
      if (given[i] > 1)
        return dataLoss("input '" + contract.inputs[i]->name +
                        "' has more than one buffer");
    return okStatus();
  }

  Status checkBuffer(const Buffer &buffer, uint32_t id) const {
    ACTNET_RETURN_IF_ERROR(checkExpr(buffer.size, "its size"));
    if (buffer.region > Region::MAX)
      return dataLoss("unknown region");
    if (buffer.alignment == 0 || buffer.alignment > pageBytes ||
        (buffer.alignment & (buffer.alignment - 1)) != 0)
      return dataLoss("alignment " + number(buffer.alignment) +
                      " is no power of two up to 4096");
    if (buffer.root != none) {
      if (buffer.root >= function.buffers.size() || buffer.root == id)
        return dataLoss("its root does not exist");
      const Buffer &root = *function.buffers[buffer.root];
      if (root.root != none)
        return dataLoss("its root is itself a view");
      if (root.region != buffer.region)
        return dataLoss("it lies in another region than its root");
      if (buffer.binding != none)
        return dataLoss("a view is not bound by itself");
      return checkExpr(buffer.offset, "its offset");
    }
    size_t count = 0;
    switch (buffer.region) {
    case Region::Weight:
      count = interface.weights.size();
      break;
    case Region::State:
      count = interface.variables.size();
      break;
    case Region::Input:
      count = contract.inputs.size();
      break;
    case Region::Output:
      count = contract.outputs.size();
      break;
    case Region::Scratch:
      if (buffer.binding != none)
        return dataLoss("a buffer in scratch is not bound");
      return okStatus();
    }
    if (buffer.binding >= count)
      return dataLoss("it is bound to " + number(buffer.binding) +
                      ", which does not exist");
    if (buffer.region == Region::Weight && buffer.alignment > weightAlignment)
      return dataLoss("a weight is aligned to 64 bytes only");
    // The state region aligns every variable alike.
    if (buffer.region == Region::State && buffer.alignment > 64)
      return dataLoss("a variable is aligned to 64 bytes only");
    if (buffer.region == Region::State &&
        std::find(contract.variables.begin(), contract.variables.end(),
                  buffer.binding) == contract.variables.end())
      return dataLoss("it is bound to a variable that the function does not "
                      "name");
    return okStatus();
  }

  Status checkBuffer(uint32_t id) const {
    if (id >= function.buffers.size())
      return dataLoss("buffer " + number(id) + " does not exist");
    return okStatus();
  }
  Status checkWritten(uint32_t id) const {
    ACTNET_RETURN_IF_ERROR(checkBuffer(id));
    if (function.buffers[id]->region == Region::Weight)
      return dataLoss("buffer " + number(id) +
                      " is a weight and cannot be written");
    return okStatus();
  }

  Status checkOperands(const std::vector<uint32_t> &operands,
                       const std::vector<Access> &access) const {
    if (operands.size() != access.size())
      return dataLoss(number(operands.size()) + " operands instead of " +
                      number(access.size()));
    for (size_t i = 0; i < operands.size(); ++i)
      ACTNET_RETURN_IF_ERROR(access[i] == Access::Read
                                 ? checkBuffer(operands[i])
                                 : checkWritten(operands[i]));
    return okStatus();
  }

  Status checkBlock(const Block &block, unsigned depth) {
    if (depth > maxNesting)
      return dataLoss("blocks nest deeper than " + number(maxNesting));
    std::vector<uint32_t> here;
    for (const auto &record : block.records) {
      uint64_t at = position++;
      if (Status status = checkRecord(*record, depth, here); !status) {
        // Only the innermost record is worth naming.
        if (!named)
          status.addContext("record " + number(at));
        named = true;
        return status;
      }
    }
    // A signal inside a block may not have been reached outside of it.
    for (uint32_t signal : here)
      signalled[signal] = 0;
    return okStatus();
  }

  Status checkRecord(const Record &record, unsigned depth,
                     std::vector<uint32_t> &here) {
    if (replied)
      return dataLoss("stands behind the reply");
    if (record.stream >= function.streams)
      return dataLoss("stream " + number(record.stream) + " of " +
                      number(function.streams));
    if (record.body.type == BodyKind::NONE ||
        record.body.type > BodyKind::MAX || !record.body.value)
      return dataLoss("is of an unknown kind");
    switch (record.body.type) {
    case BodyKind::Launch:
      return checkLaunch(*record.body.AsLaunch());
    case BodyKind::Copy: {
      const Copy &copy = *record.body.AsCopy();
      ACTNET_RETURN_IF_ERROR(checkBuffer(copy.src));
      ACTNET_RETURN_IF_ERROR(checkWritten(copy.dst));
      return checkExpr(copy.bytes, "its size");
    }
    case BodyKind::Fill: {
      const Fill &fill = *record.body.AsFill();
      ACTNET_RETURN_IF_ERROR(checkWritten(fill.dst));
      if (fill.width != 1 && fill.width != 2 && fill.width != 4 &&
          fill.width != 8)
        return dataLoss("fills with " + number(fill.width) + " bytes");
      return checkExpr(fill.bytes, "its size");
    }
    case BodyKind::Call: {
      const Call &call = *record.body.AsCall();
      if (!isOneLine(call.library) || !isOneLine(call.entry))
        return dataLoss("calls something whose name is not one line");
      ACTNET_RETURN_IF_ERROR(checkAccess(call.access));
      ACTNET_RETURN_IF_ERROR(checkOperands(call.operands, call.access));
      for (uint32_t dim : call.dims)
        ACTNET_RETURN_IF_ERROR(checkExpr(dim, "a dim"));
      return checkCallParts(call);
    }
    case BodyKind::Signal: {
      uint32_t signal = record.body.AsSignal()->signal;
      if (signal >= function.signals)
        return dataLoss("signal " + number(signal) + " does not exist");
      if (signalled[signal])
        return dataLoss("signal " + number(signal) + " is given twice");
      signalled[signal] = 1;
      here.push_back(signal);
      return okStatus();
    }
    case BodyKind::Await: {
      uint32_t signal = record.body.AsAwait()->signal;
      if (signal >= function.signals || !signalled[signal])
        return dataLoss("awaits signal " + number(signal) +
                        ", which is not given before");
      return okStatus();
    }
    case BodyKind::Branch:
      return checkBranch(*record.body.AsBranch(), depth);
    case BodyKind::Loop:
      return checkLoop(*record.body.AsLoop(), depth);
    case BodyKind::Reply:
      if (depth != 0)
        return dataLoss("a reply inside a nested block");
      replied = true;
      return okStatus();
    case BodyKind::NONE:
      break;
    }
    return dataLoss("is of an unknown kind");
  }

  Status checkAccess(const std::vector<Access> &access) const {
    for (Access how : access)
      if (how > Access::MAX)
        return dataLoss("unknown access");
    return okStatus();
  }

  /// What a call has besides its operands.
  Status checkCallParts(const Call &call) const {
    ACTNET_RETURN_IF_ERROR(checkCall(call));
    if (call.workspace != none) {
      ACTNET_RETURN_IF_ERROR(checkBuffer(call.workspace));
      const Buffer &workspace = *function.buffers[call.workspace];
      if (workspace.region != Region::Scratch || workspace.root != none)
        return dataLoss("the workspace of a call is no buffer in scratch");
      for (uint32_t id : call.operands)
        if (id == call.workspace ||
            function.buffers[id]->root == call.workspace)
          return dataLoss("the workspace of a call is one of its operands");
    }
    if (!call.fallback)
      return okStatus();
    ACTNET_RETURN_IF_ERROR(checkLaunch(*call.fallback));
    if (call.fallback->operands != call.operands ||
        plan.kernels[call.fallback->kernel]->access != call.access)
      return dataLoss("the kernel in the place of a call has other operands");
    return okStatus();
  }

  Status checkLaunch(const Launch &launch) const {
    if (launch.kernel >= plan.kernels.size())
      return dataLoss("kernel " + number(launch.kernel) + " does not exist");
    const Kernel &kernel = *plan.kernels[launch.kernel];
    if (Status status = checkOperands(launch.operands, kernel.access); !status)
      return std::move(status.addContext("kernel '" + kernel.symbol + "'"));
    for (uint32_t dim : launch.dims)
      ACTNET_RETURN_IF_ERROR(checkExpr(dim, "a dim"));
    return checkExpr(launch.tiles, "its number of tiles");
  }

  Status checkBranch(const Branch &branch, unsigned depth) {
    ACTNET_RETURN_IF_ERROR(checkBuffer(branch.condition));
    if (branch.type > DType::MAX || branch.type == DType::F32 ||
        branch.type == DType::F64 || branch.type == DType::F16 ||
        branch.type == DType::BF16)
      return dataLoss("its condition is neither bool nor integer");
    if (branch.blocks.empty() ||
        (branch.type == DType::Bool && branch.blocks.size() > 2))
      return dataLoss("a branch with " + number(branch.blocks.size()) +
                      " blocks");
    for (const auto &block : branch.blocks)
      ACTNET_RETURN_IF_ERROR(checkBlock(*block, depth + 1));
    return okStatus();
  }

  Status checkLoop(const Loop &loop, unsigned depth) {
    if (loop.trips == none && loop.condition == none)
      return dataLoss("a loop with neither rounds nor condition");
    if (loop.trips != none)
      ACTNET_RETURN_IF_ERROR(checkExpr(loop.trips, "its number of rounds"));
    if (loop.condition != none)
      ACTNET_RETURN_IF_ERROR(checkBuffer(loop.condition));
    if (loop.counter != none)
      ACTNET_RETURN_IF_ERROR(checkWritten(loop.counter));
    for (uint32_t id : loop.carried)
      ACTNET_RETURN_IF_ERROR(checkBuffer(id));
    return checkBlock(*loop.body, depth + 1);
  }

  const Interface &interface;
  const Plan &plan;
  const FunctionPlan &function;
  const Function &contract;
  std::vector<uint8_t> signalled;
  uint64_t position = 0;
  bool replied = false;
  bool named = false;
};

Status checkKernel(const Kernel &kernel) {
  if (kernel.symbol.empty() || !isOneLine(kernel.symbol))
    return dataLoss("a kernel whose symbol is empty or not one line");
  std::string where = "kernel '" + kernel.symbol + "': ";
  for (Access how : kernel.access)
    if (how > Access::MAX)
      return dataLoss(where + "unknown access");
  // More would be a mistake, and sums over threads could overflow.
  if (kernel.scratch_bytes > uint64_t(1) << 40)
    return dataLoss(where + "more than 1 TiB of scratch for a thread");
  return okStatus();
}

} // namespace

Status validatePlan(const Interface &interface, const Plan &plan,
                    const std::function<bool(std::string_view)> &hasSection) {
  for (const auto &image : plan.images) {
    if (image->kind > ImageKind::MAX)
      return dataLoss("code of an unknown kind");
    if (!isOneLine(image->isa) ||
        !std::all_of(image->features.begin(), image->features.end(), isOneLine))
      return dataLoss("code for something whose name is not one line");
    if (!hasSection(image->section))
      return dataLoss("the code for " + image->isa + " is missing");
  }
  for (const auto &kernel : plan.kernels)
    ACTNET_RETURN_IF_ERROR(checkKernel(*kernel));
  std::vector<uint8_t> seen(interface.functions.size());
  for (const auto &function : plan.functions) {
    if (function->function >= interface.functions.size())
      return dataLoss("function " + number(function->function) +
                      " does not exist");
    const std::string &name = interface.functions[function->function]->name;
    if (std::exchange(seen[function->function], 1))
      return dataLoss("function '" + name + "' is planned twice");
    // Counts that memory is set aside for are bounded by what could use them.
    if (function->streams == 0 || function->streams > 64 ||
        function->signals > 1u << 20)
      return dataLoss("function '" + name + "': " + number(function->streams) +
                      " streams and " + number(function->signals) + " signals");
    if (Status status = FunctionValidator(interface, plan, *function).run();
        !status)
      return std::move(status.addContext("function '" + name + "'"));
  }
  for (size_t i = 0; i < seen.size(); ++i)
    if (!seen[i])
      return dataLoss("function '" + interface.functions[i]->name +
                      "' has no plan");
  return okStatus();
}

} // namespace actnet::pkg
