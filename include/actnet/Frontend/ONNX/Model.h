//===- Model.h - an ONNX model as it lies in its file ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of onnx.proto that import needs, as views into the mapped file:
// names, attributes and weights are never copied. Field numbers are those of
// onnx.proto (IR version 10); unknown fields are skipped.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_FRONTEND_ONNX_MODEL_H
#define ACTNET_FRONTEND_ONNX_MODEL_H

#include "actnet/Runtime/Base/Status.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace actnet::onnx {

/// TensorProto: type as TensorProto.DataType. The elements are `raw` (bytes in
/// the file), one of the typed arrays, or in another file.
struct Tensor {
  std::string_view name;
  std::vector<int64_t> dims;
  int64_t type = 0;
  std::string_view raw;
  bool hasRaw = false;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<int64_t> ints; ///< int32_data, int64_data or uint64_data
  std::vector<std::string_view> strings;
  bool external = false;
  std::string_view location, offset, length;
};

struct Graph;

/// AttributeProto; only the member that `type` (AttributeProto.AttributeType)
/// names is set.
struct NodeAttribute {
  std::string_view name;
  int64_t type = 0;
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  Tensor t;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
};

struct Node {
  std::string_view name, opType, domain;
  std::vector<std::string_view> inputs, outputs;
  std::vector<NodeAttribute> attributes;
};

/// One dim of a value: a number (`value` >= 0), a name, or neither.
struct Dim {
  int64_t value = -1;
  std::string_view name;
};

/// ValueInfoProto of a tensor. `hasShape` is false where the rank is unknown,
/// `isTensor` where it is a sequence, map or optional.
struct ValueInfo {
  std::string_view name;
  int64_t type = 0;
  bool isTensor = false;
  bool hasShape = false;
  std::vector<Dim> dims;
};

struct Graph {
  std::string_view name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs, outputs;
  bool hasSparse = false;
};

struct OpsetImport {
  std::string_view domain;
  int64_t version = 0;
};

struct Model {
  int64_t irVersion = 0;
  std::string_view producer;
  std::vector<OpsetImport> opsets;
  Graph graph;
  unsigned functions = 0;
};

/// Scans a model. Views point into `bytes`, which must outlive the result.
/// Errors (dataLoss): bytes that are no protobuf message, no graph in it.
Expected<Model> parseModel(std::string_view bytes);

} // namespace actnet::onnx

#endif // ACTNET_FRONTEND_ONNX_MODEL_H
