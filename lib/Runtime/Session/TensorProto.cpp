//===- TensorProto.cpp - ONNX tensors in their wire format ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fields as onnx.proto numbers them: dims 1, data_type 2, segment 3, the typed
// arrays 4, 5, 7, 10 and 11, raw_data 9, data_location 14. Others are skipped.

#include "actnet/Runtime/Base/WireFormat.h"
#include "actnet/Runtime/Session/TensorFile.h"

#include <cstring>

using namespace actnet;
using namespace actnet::rt;

namespace {
Expected<actnet_dtype> fromOnnx(uint64_t type) {
  constexpr int none = -1;
  // In the order of TensorProto.DataType, from UNDEFINED to BFLOAT16.
  constexpr int table[] = {
      none,       ACTNET_F32, ACTNET_U8, ACTNET_I8,   ACTNET_U16, ACTNET_I16,
      ACTNET_I32, ACTNET_I64, none,      ACTNET_BOOL, ACTNET_F16, ACTNET_F64,
      ACTNET_U32, ACTNET_U64, none,      none,        ACTNET_BF16};
  if (type >= std::size(table) || table[type] == none)
    return invalidArgument("ONNX element type " + std::to_string(type) +
                           " is not supported");
  return actnet_dtype(table[type]);
}

/// Which typed array holds a type's elements when there is no raw_data.
uint64_t typedField(actnet_dtype dtype) {
  switch (dtype) {
  case ACTNET_F32:
    return 4;
  case ACTNET_I64:
    return 7;
  case ACTNET_F64:
    return 10;
  case ACTNET_U32:
  case ACTNET_U64:
    return 11;
  default:
    return 5;
  }
}

/// Takes the elements of one occurrence of a typed array, packed or not.
bool readTyped(HostTensor &tensor, const WireField &field, int64_t &count) {
  size_t size = dtypeBytes(tensor.dtype);
  int64_t room = tensor.elements();
  auto put = [&](const void *value) {
    if (count == room)
      return false;
    // The host is little endian, so the low bytes are the narrow value.
    std::memcpy(tensor.data.get() + size_t(count++) * size, value, size);
    return true;
  };
  bool fixed = field.number == 4 || field.number == 10;
  if (field.wire == 0)
    return !fixed && put(&field.value);
  if (fixed) {
    unsigned single = field.number == 4 ? 5 : 1;
    if (field.wire != 2 && field.wire != single)
      return false;
    if (field.bytes.size() % size != 0)
      return false;
    for (const char *p = field.bytes.at; p != field.bytes.end; p += size)
      if (!put(p))
        return false;
    return true;
  }
  if (field.wire != 2)
    return false;
  WireBytes in = field.bytes;
  while (!in.empty()) {
    uint64_t value;
    if (!readVarint(in, value) || !put(&value))
      return false;
  }
  return true;
}
} // namespace

Expected<HostTensor> rt::parseTensorProto(std::span<const std::byte> file) {
  std::vector<int64_t> shape;
  uint64_t type = 0;
  WireBytes raw;
  bool hasRaw = false;
  const auto *start = reinterpret_cast<const char *>(file.data());
  const WireBytes all{start, start + file.size()};
  WireBytes in = all;
  WireField field;
  // The type and shape may stand behind the elements: two passes.
  while (!in.empty()) {
    if (!readField(in, field))
      return dataLoss("expected an ONNX TensorProto, found a damaged field at "
                      "byte " +
                      std::to_string(in.at - start));
    if (field.number == 1 && field.wire == 0) {
      shape.push_back(int64_t(field.value));
    } else if (field.number == 1 && field.wire == 2) {
      while (!field.bytes.empty()) {
        uint64_t extent;
        if (!readVarint(field.bytes, extent))
          return dataLoss("expected an ONNX TensorProto, found damaged dims");
        shape.push_back(int64_t(extent));
      }
    } else if (field.number == 2 && field.wire == 0) {
      type = field.value;
    } else if (field.number == 9 && field.wire == 2) {
      raw = field.bytes;
      hasRaw = true;
    } else if (field.number == 3 || (field.number == 14 && field.value == 1)) {
      return invalidArgument("a tensor with segments or external data is not "
                             "supported");
    }
    if (shape.size() > 32)
      return dataLoss("the shape has more than 32 axes");
  }
  ACTNET_ASSIGN_OR_RETURN(actnet_dtype dtype, fromOnnx(type));
  // Every element takes at least a byte of the file, so a shape that claims
  // more is refused before memory is taken for it.
  uint64_t claimed = 1;
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0)
      return dataLoss("shape " + shapeText(shape.data(), shape.size()) +
                      " has a negative extent");
    empty |= extent == 0;
    if (__builtin_mul_overflow(claimed, uint64_t(extent), &claimed))
      claimed = UINT64_MAX;
  }
  if (!empty && claimed > file.size())
    return dataLoss("shape " + shapeText(shape.data(), shape.size()) +
                    " does not fit into a file of " +
                    std::to_string(file.size()) + " bytes");
  ACTNET_ASSIGN_OR_RETURN(HostTensor tensor,
                          HostTensor::allocate(dtype, std::move(shape)));
  if (hasRaw) {
    if (raw.size() != tensor.bytes)
      return dataLoss("raw_data needs " + std::to_string(tensor.bytes) +
                      " bytes, found " + std::to_string(raw.size()));
    if (tensor.bytes > 0)
      std::memcpy(tensor.data.get(), raw.at, tensor.bytes);
    return tensor;
  }
  int64_t count = 0;
  in = all;
  while (!in.empty() && readField(in, field))
    if (field.number == typedField(dtype) && !readTyped(tensor, field, count))
      return dataLoss("elements of type " + std::string(dtypeName(dtype)) +
                      ": expected " + std::to_string(tensor.elements()) +
                      ", found more or damaged ones");
  if (count != tensor.elements())
    return dataLoss("elements of type " + std::string(dtypeName(dtype)) +
                    ": expected " + std::to_string(tensor.elements()) +
                    ", found " + std::to_string(count));
  return tensor;
}
