//===- ValidateInterface.cpp - check the interface ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Text.h"
#include "Validate.h"

#include "actnet/Package/Container.h"
#include "actnet/Package/Expr.h"

#include <set>

namespace actnet::pkg {

namespace {

/// Fails on names that are empty, double, or could not be one line.
class Names {
public:
  explicit Names(std::string what) : what(std::move(what)) {}

  Status add(const std::string &name) {
    if (name.empty())
      return dataLoss(what + " without a name");
    if (!isOneLine(name))
      return dataLoss(what + " with a control character in its name");
    if (!seen.insert(name).second)
      return dataLoss(what + " '" + name + "' exists twice");
    return okStatus();
  }

private:
  std::string what;
  std::set<std::string_view> seen;
};

class InterfaceValidator {
public:
  InterfaceValidator(const Interface &interface, uint64_t weightBytes)
      : interface(interface), weightBytes(weightBytes) {}

  Status run() {
    ACTNET_RETURN_IF_ERROR(checkDims());
    ACTNET_RETURN_IF_ERROR(verifyExprs(interface.exprs, interface.dims.size()));
    ACTNET_RETURN_IF_ERROR(checkWeights());
    ACTNET_RETURN_IF_ERROR(checkVariables());
    Names names("function");
    for (const auto &function : interface.functions) {
      ACTNET_RETURN_IF_ERROR(names.add(function->name));
      if (Status status = checkFunction(*function); !status)
        return std::move(
            status.addContext("function '" + function->name + "'"));
    }
    return okStatus();
  }

private:
  Status checkDims() {
    Names names("dim");
    for (const auto &dim : interface.dims) {
      ACTNET_RETURN_IF_ERROR(names.add(dim->name));
      if (dim->lower < 0 || dim->upper < -1 ||
          (dim->upper != -1 && dim->upper < dim->lower))
        return dataLoss("dim '" + dim->name + "' has bounds " +
                        std::to_string(dim->lower) + " to " +
                        std::to_string(dim->upper));
    }
    return okStatus();
  }

  Status checkWeights() {
    for (size_t i = 0; i < interface.weights.size(); ++i) {
      const Weight &weight = *interface.weights[i];
      std::string where =
          "weight " + std::to_string(i) + " ('" + weight.name + "'): ";
      if (dtypeBytes(weight.dtype) == 0)
        return dataLoss(where + "unknown dtype");
      for (int64_t extent : weight.shape)
        if (extent < 0)
          return dataLoss(where + "negative extent");
      uint64_t end;
      if (__builtin_add_overflow(weight.offset, weight.bytes, &end) ||
          end > weightBytes)
        return dataLoss(where + "ends at byte " +
                        std::to_string(weight.offset) + " + " +
                        std::to_string(weight.bytes) + " of a section of " +
                        std::to_string(weightBytes));
      if (weight.offset % weightAlignment != 0)
        return dataLoss(where + "is not aligned to 64 bytes");
    }
    return okStatus();
  }

  Status checkShape(const std::vector<uint32_t> &shape) const {
    for (uint32_t extent : shape)
      if (extent >= interface.exprs.size())
        return dataLoss("its shape names expression " + std::to_string(extent) +
                        ", which does not exist");
    return okStatus();
  }

  Status checkVariables() {
    Names names("variable");
    for (const auto &variable : interface.variables) {
      ACTNET_RETURN_IF_ERROR(names.add(variable->name));
      std::string where = "variable '" + variable->name + "'";
      if (dtypeBytes(variable->dtype) == 0)
        return dataLoss(where + ": unknown dtype");
      if (Status status = checkShape(variable->shape); !status)
        return std::move(status.addContext(where));
      if (variable->initial != none &&
          variable->initial >= interface.weights.size())
        return dataLoss(where + ": its initial weight does not exist");
    }
    return okStatus();
  }

  Status checkTensors(const std::vector<std::unique_ptr<Tensor>> &tensors,
                      const char *what) const {
    Names names(what);
    for (const auto &tensor : tensors) {
      ACTNET_RETURN_IF_ERROR(names.add(tensor->name));
      std::string where = std::string(what) + " '" + tensor->name + "'";
      if (dtypeBytes(tensor->dtype) == 0)
        return dataLoss(where + ": unknown dtype");
      if (Status status = checkShape(tensor->shape); !status)
        return std::move(status.addContext(where));
    }
    return okStatus();
  }

  Status checkFunction(const Function &function) const {
    ACTNET_RETURN_IF_ERROR(checkTensors(function.inputs, "input"));
    ACTNET_RETURN_IF_ERROR(checkTensors(function.outputs, "output"));
    for (uint32_t variable : function.variables)
      if (variable >= interface.variables.size())
        return dataLoss("variable " + std::to_string(variable) +
                        " does not exist");
    for (const auto &check : function.checks)
      if (check->lhs >= interface.exprs.size() ||
          check->rhs >= interface.exprs.size())
        return dataLoss("a check names an expression that does not exist");
    return okStatus();
  }

  const Interface &interface;
  uint64_t weightBytes;
};

} // namespace

Status validateInterface(const Interface &interface, uint64_t weightBytes) {
  return InterfaceValidator(interface, weightBytes).run();
}

} // namespace actnet::pkg
