//===- CheckSizes.cpp - what depends on the dims of a job -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/Lifetimes.h"

#include "Walk.h"
#include "actnet/Package/LibraryCall.h"

#include <algorithm>

namespace actnet::pkg {

namespace {

class SizeChecker {
public:
  SizeChecker(const Interface &interface, const FunctionPlan &function,
              const ExprValues &values)
      : interface(interface), function(function), values(values) {}

  Status run() {
    for (uint32_t id = 0; id < function.buffers.size(); ++id)
      ACTNET_RETURN_IF_ERROR(checkBuffer(id));
    Status status;
    walkRecords(*function.body, [&](const Record &record, uint64_t position) {
      if (status)
        status = checkRecord(record).addContext("record " +
                                                std::to_string(position));
    });
    return status;
  }

private:
  std::string text(uint32_t id) const {
    const std::string &name = function.buffers[id]->name;
    return "buffer " + std::to_string(id) +
           (name.empty() ? "" : " ('" + name + "')");
  }

  Expected<uint64_t> count(ExprId expr, const char *what) const {
    std::optional<int64_t> value = values.find(expr);
    if (!value)
      return outOfRange(std::string(what) + " has no 64-bit value");
    if (*value < 0)
      return outOfRange(std::string(what) + " is " + std::to_string(*value));
    return uint64_t(*value);
  }

  Expected<uint64_t> variableBytes(const Variable &variable) const {
    uint64_t bytes = dtypeBytes(variable.dtype);
    for (uint32_t extent : variable.shape) {
      ACTNET_ASSIGN_OR_RETURN(uint64_t n, count(extent, "a variable's extent"));
      if (__builtin_mul_overflow(bytes, n, &bytes))
        return outOfRange("a variable's size does not fit 64 bits");
    }
    return bytes;
  }

  Status checkBuffer(uint32_t id) const {
    const Buffer &buffer = *function.buffers[id];
    // From the first to behind the last element: without elements less than 0.
    if (std::optional<int64_t> span = values.find(buffer.size);
        buffer.root != none && span && *span <= 0)
      return okStatus();
    Expected<uint64_t> size = count(buffer.size, "its size");
    if (!size)
      return size.takeStatus().addContext(text(id));
    uint64_t room = *size;
    if (buffer.root != none) {
      Expected<uint64_t> offset = count(buffer.offset, "its offset");
      Expected<uint64_t> root =
          count(function.buffers[buffer.root]->size, "its root's size");
      if (!offset || !root)
        return (offset ? root : offset).takeStatus().addContext(text(id));
      uint64_t end;
      if (__builtin_add_overflow(*offset, *size, &end) || end > *root)
        return outOfRange(text(id) + ": the view of bytes " +
                          std::to_string(*offset) + " and " +
                          std::to_string(*size) +
                          " more reaches beyond its root's " +
                          std::to_string(*root) + " bytes");
    } else if (buffer.region == Region::Weight) {
      room = interface.weights[buffer.binding]->bytes;
    } else if (buffer.region == Region::State) {
      Expected<uint64_t> bytes =
          variableBytes(*interface.variables[buffer.binding]);
      if (!bytes)
        return bytes.takeStatus().addContext(text(id));
      room = *bytes;
    }
    if (*size > room)
      return outOfRange(text(id) + ": needs " + std::to_string(*size) +
                        " bytes of something that has " + std::to_string(room));
    return okStatus();
  }

  Status checkBytes(uint32_t bytes, uint32_t buffer) const {
    ACTNET_ASSIGN_OR_RETURN(uint64_t moved, count(bytes, "its bytes"));
    ACTNET_ASSIGN_OR_RETURN(uint64_t room,
                            count(function.buffers[buffer]->size, "a size"));
    if (moved > room)
      return outOfRange("moves " + std::to_string(moved) + " bytes of " +
                        text(buffer) + ", which has " + std::to_string(room));
    return okStatus();
  }

  Status checkLaunch(const Launch &launch) const {
    ACTNET_ASSIGN_OR_RETURN([[maybe_unused]] uint64_t tiles,
                            count(launch.tiles, "its number of tiles"));
    for (uint32_t dim : launch.dims)
      if (!values.find(dim))
        return outOfRange("a dim has no 64-bit value");
    return okStatus();
  }

  Status checkLibraryCall(const Call &call) const {
    std::vector<int64_t> dims;
    for (uint32_t dim : call.dims) {
      std::optional<int64_t> value = values.find(dim);
      if (!value)
        return outOfRange("a dim has no 64-bit value");
      dims.push_back(*value);
    }
    if (call.fallback)
      ACTNET_RETURN_IF_ERROR(checkLaunch(*call.fallback));
    if (call.library != cublasLtLibrary || call.entry != matmulEntry)
      return okStatus();
    // A view without elements has less than no bytes.
    std::vector<uint64_t> bytes;
    for (uint32_t id : call.operands) {
      std::optional<int64_t> size = values.find(function.buffers[id]->size);
      bytes.push_back(uint64_t(std::max<int64_t>(size.value_or(0), 0)));
    }
    ACTNET_ASSIGN_OR_RETURN(
        MatmulConfig config,
        parseMatmulConfig(call.config, call.operands.size()));
    return checkMatmul(config, dims, bytes);
  }

  Status checkRecord(const Record &record) const {
    if (const Launch *launch = record.body.AsLaunch()) {
      return checkLaunch(*launch);
    } else if (const Call *call = record.body.AsCall()) {
      return checkLibraryCall(*call);
    } else if (const Copy *copy = record.body.AsCopy()) {
      ACTNET_RETURN_IF_ERROR(checkBytes(copy->bytes, copy->src));
      ACTNET_RETURN_IF_ERROR(checkBytes(copy->bytes, copy->dst));
    } else if (const Fill *fill = record.body.AsFill()) {
      ACTNET_RETURN_IF_ERROR(checkBytes(fill->bytes, fill->dst));
    } else if (const Loop *loop = record.body.AsLoop()) {
      if (loop->trips != none) {
        ACTNET_ASSIGN_OR_RETURN([[maybe_unused]] uint64_t trips,
                                count(loop->trips, "its number of rounds"));
      }
    }
    return okStatus();
  }

  const Interface &interface;
  const FunctionPlan &function;
  const ExprValues &values;
};

} // namespace

Status checkSizes(const Interface &interface, const FunctionPlan &function,
                  const ExprValues &values) {
  return SizeChecker(interface, function, values).run();
}

} // namespace actnet::pkg
