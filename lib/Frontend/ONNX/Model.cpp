//===- Model.cpp - scanning onnx.proto messages ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Frontend/ONNX/Model.h"

#include "actnet/Runtime/Base/WireFormat.h"

#include <cstring>
#include <string>

namespace actnet::onnx {

namespace {

/// Calls `take(field)` for each field; false where the bytes are damaged or
/// `take` refuses one.
template <typename Take> bool eachField(WireBytes in, Take take) {
  WireField field;
  while (!in.empty())
    if (!readField(in, field) || !take(field))
      return false;
  return true;
}

bool text(const WireField &field, std::string_view &out) {
  out = field.bytes.text();
  return field.wire == 2;
}

bool integer(const WireField &field, int64_t &out) {
  out = field.asInt();
  return field.wire == 0;
}

/// Adds a repeated integer, packed or not.
bool integers(const WireField &field, std::vector<int64_t> &out) {
  if (field.wire == 0) {
    out.push_back(field.asInt());
    return true;
  }
  if (field.wire != 2)
    return false;
  WireBytes in = field.bytes;
  while (!in.empty()) {
    uint64_t value;
    if (!readVarint(in, value))
      return false;
    out.push_back(static_cast<int64_t>(value));
  }
  return true;
}

/// Adds a repeated float or double, packed or not.
template <typename T>
bool numbers(const WireField &field, std::vector<T> &out) {
  if (field.wire == 0 || field.bytes.size() % sizeof(T) != 0)
    return false;
  size_t before = out.size(), count = field.bytes.size() / sizeof(T);
  out.resize(before + count);
  if (count)
    std::memcpy(out.data() + before, field.bytes.at, count * sizeof(T));
  return true;
}

bool parseExternal(WireBytes in, Tensor &tensor) {
  std::string_view key, value;
  if (!eachField(in, [&](const WireField &f) {
        return f.number == 1   ? text(f, key)
               : f.number == 2 ? text(f, value)
                               : true;
      }))
    return false;
  if (key == "location")
    tensor.location = value;
  else if (key == "offset")
    tensor.offset = value;
  else if (key == "length")
    tensor.length = value;
  return true;
}

bool parseTensor(WireBytes in, Tensor &tensor) {
  return eachField(in, [&](const WireField &f) {
    int64_t place;
    switch (f.number) {
    case 1:
      return integers(f, tensor.dims);
    case 2:
      return integer(f, tensor.type);
    case 4:
      return numbers(f, tensor.floats);
    case 5:
    case 7:
    case 11:
      return integers(f, tensor.ints);
    case 6:
      tensor.strings.push_back(f.bytes.text());
      return f.wire == 2;
    case 8:
      return text(f, tensor.name);
    case 9:
      tensor.hasRaw = true;
      return text(f, tensor.raw);
    case 10:
      return numbers(f, tensor.doubles);
    case 13:
      return f.wire == 2 && parseExternal(f.bytes, tensor);
    case 14:
      if (!integer(f, place))
        return false;
      tensor.external = place == 1;
      return true;
    default:
      return true;
    }
  });
}

bool parseAttribute(WireBytes in, NodeAttribute &a) {
  return eachField(in, [&](const WireField &f) {
    switch (f.number) {
    case 1:
      return text(f, a.name);
    case 2:
      if (f.wire != 5)
        return false;
      std::memcpy(&a.f, f.bytes.at, sizeof(float));
      return true;
    case 3:
      return integer(f, a.i);
    case 4:
      return text(f, a.s);
    case 5:
      return f.wire == 2 && parseTensor(f.bytes, a.t);
    case 7:
      return numbers(f, a.floats);
    case 8:
      return integers(f, a.ints);
    case 9:
      a.strings.push_back(f.bytes.text());
      return f.wire == 2;
    case 20:
      return integer(f, a.type);
    default:
      return true;
    }
  });
}

bool parseNode(WireBytes in, Node &node) {
  return eachField(in, [&](const WireField &f) {
    switch (f.number) {
    case 1:
      node.inputs.push_back(f.bytes.text());
      return f.wire == 2;
    case 2:
      node.outputs.push_back(f.bytes.text());
      return f.wire == 2;
    case 3:
      return text(f, node.name);
    case 4:
      return text(f, node.opType);
    case 5:
      return f.wire == 2 &&
             parseAttribute(f.bytes, node.attributes.emplace_back());
    case 7:
      return text(f, node.domain);
    default:
      return true;
    }
  });
}

bool parseDim(WireBytes in, Dim &dim) {
  return eachField(in, [&](const WireField &f) {
    return f.number == 1   ? integer(f, dim.value)
           : f.number == 2 ? text(f, dim.name)
                           : true;
  });
}

bool parseTensorType(WireBytes in, ValueInfo &info) {
  return eachField(in, [&](const WireField &f) {
    if (f.number == 1)
      return integer(f, info.type);
    if (f.number != 2)
      return true;
    info.hasShape = true;
    return f.wire == 2 && eachField(f.bytes, [&](const WireField &dim) {
             return dim.number != 1 ||
                    (dim.wire == 2 &&
                     parseDim(dim.bytes, info.dims.emplace_back()));
           });
  });
}

bool parseValueInfo(WireBytes in, ValueInfo &info) {
  return eachField(in, [&](const WireField &f) {
    if (f.number == 1)
      return text(f, info.name);
    if (f.number != 2)
      return true;
    return f.wire == 2 && eachField(f.bytes, [&](const WireField &type) {
             if (type.number != 1)
               return true;
             info.isTensor = true;
             return type.wire == 2 && parseTensorType(type.bytes, info);
           });
  });
}

bool parseGraph(WireBytes in, Graph &graph) {
  return eachField(in, [&](const WireField &f) {
    if (f.wire != 2)
      return f.number > 15;
    switch (f.number) {
    case 1:
      return parseNode(f.bytes, graph.nodes.emplace_back());
    case 2:
      return text(f, graph.name);
    case 5:
      return parseTensor(f.bytes, graph.initializers.emplace_back());
    case 11:
      return parseValueInfo(f.bytes, graph.inputs.emplace_back());
    case 12:
      return parseValueInfo(f.bytes, graph.outputs.emplace_back());
    case 15:
      graph.hasSparse = true;
      return true;
    default:
      return true;
    }
  });
}

bool parseOpset(WireBytes in, OpsetImport &opset) {
  return eachField(in, [&](const WireField &f) {
    return f.number == 1   ? text(f, opset.domain)
           : f.number == 2 ? integer(f, opset.version)
                           : true;
  });
}

} // namespace

Expected<Model> parseModel(std::string_view bytes) {
  Model model;
  bool hasGraph = false;
  WireBytes all{bytes.data(), bytes.data() + bytes.size()};
  WireBytes in = all;
  WireField field;
  while (!in.empty()) {
    const char *start = in.at;
    bool good = readField(in, field);
    if (good)
      switch (field.number) {
      case 1:
        good = integer(field, model.irVersion);
        break;
      case 2:
        good = text(field, model.producer);
        break;
      case 7:
        hasGraph = true;
        good = field.wire == 2 && parseGraph(field.bytes, model.graph);
        break;
      case 8:
        good = field.wire == 2 &&
               parseOpset(field.bytes, model.opsets.emplace_back());
        break;
      case 25:
        ++model.functions;
        break;
      default:
        break;
      }
    if (!good)
      return Status(
          StatusCode::dataLoss,
          "not an ONNX model, or a damaged one: no readable field at byte " +
              std::to_string(start - all.at) + " of " +
              std::to_string(all.size()));
  }
  if (!hasGraph)
    return Status(StatusCode::dataLoss, "not an ONNX model: it holds no graph");
  return model;
}

} // namespace actnet::onnx
