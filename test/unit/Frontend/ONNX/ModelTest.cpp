//===- ModelTest.cpp - scanning onnx.proto messages -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Frontend/ONNX/Model.h"

#include <gtest/gtest.h>

#include <string>

using namespace actnet;
using namespace actnet::onnx;

namespace {

std::string varint(uint64_t value) {
  std::string out;
  for (; value > 127; value >>= 7)
    out += static_cast<char>((value & 127) | 128);
  return out + static_cast<char>(value);
}
std::string number(unsigned field, uint64_t value) {
  return varint(field << 3) + varint(value);
}
std::string bytes(unsigned field, const std::string &data) {
  return varint(field << 3 | 2) + varint(data.size()) + data;
}
std::string model(const std::string &graph) {
  return number(1, 8) + bytes(7, graph) + bytes(8, number(2, 17));
}

/// The one tensor of a model whose graph has this initializer.
Expected<Model> withTensor(const std::string &tensor, std::string &file) {
  file = model(bytes(5, tensor));
  return parseModel(file);
}

std::string messageOf(const std::string &file) {
  Expected<Model> parsed = parseModel(file);
  return parsed ? "" : std::string(parsed.status().message());
}

} // namespace

TEST(OnnxModel, ReadsNodesWithAttributesInPlace) {
  std::string perm =
      bytes(1, "perm") + number(8, 1) + number(8, 0) + number(20, 7);
  std::string node = bytes(1, "x") + bytes(2, "y") + bytes(3, "turn") +
                     bytes(4, "Transpose") + bytes(5, perm);
  std::string file = model(bytes(1, node));
  Expected<Model> parsed = parseModel(file);
  ASSERT_TRUE(bool(parsed));
  EXPECT_EQ(parsed->irVersion, 8);
  ASSERT_EQ(parsed->opsets.size(), 1u);
  EXPECT_EQ(parsed->opsets[0].version, 17);
  ASSERT_EQ(parsed->graph.nodes.size(), 1u);
  const Node &read = parsed->graph.nodes[0];
  EXPECT_EQ(read.opType, "Transpose");
  EXPECT_EQ(read.inputs, std::vector<std::string_view>{"x"});
  EXPECT_EQ(read.outputs, std::vector<std::string_view>{"y"});
  ASSERT_EQ(read.attributes.size(), 1u);
  EXPECT_EQ(read.attributes[0].type, 7);
  EXPECT_EQ(read.attributes[0].ints, (std::vector<int64_t>{1, 0}));
  // A view of the file, not a copy.
  EXPECT_GE(read.name.data(), file.data());
  EXPECT_LT(read.name.data(), file.data() + file.size());
}

TEST(OnnxModel, ReadsRepeatedNumbersPackedOrNot) {
  for (bool packed : {false, true}) {
    std::string dims = packed ? bytes(1, varint(2) + varint(300))
                              : number(1, 2) + number(1, 300);
    std::string file;
    Expected<Model> parsed = withTensor(dims + number(2, 1), file);
    ASSERT_TRUE(bool(parsed));
    EXPECT_EQ(parsed->graph.initializers[0].dims,
              (std::vector<int64_t>{2, 300}));
  }
}

TEST(OnnxModel, ReadsNegativeNumbersOfTenBytes) {
  std::string file;
  Expected<Model> parsed =
      withTensor(number(7, static_cast<uint64_t>(-3)), file);
  ASSERT_TRUE(bool(parsed));
  EXPECT_EQ(parsed->graph.initializers[0].ints, std::vector<int64_t>{-3});
}

TEST(OnnxModel, LeavesRawDataInTheFile) {
  std::string file;
  Expected<Model> parsed = withTensor(number(2, 1) + bytes(9, "0123"), file);
  ASSERT_TRUE(bool(parsed));
  const Tensor &tensor = parsed->graph.initializers[0];
  EXPECT_TRUE(tensor.hasRaw);
  EXPECT_EQ(tensor.raw, "0123");
  EXPECT_EQ(tensor.raw.data(), file.data() + file.find("0123"));
}

TEST(OnnxModel, ReadsPlacesOfExternalData) {
  std::string file;
  Expected<Model> parsed = withTensor(
      bytes(13, bytes(1, "location") + bytes(2, "w.bin")) +
          bytes(13, bytes(1, "offset") + bytes(2, "4096")) + number(14, 1),
      file);
  ASSERT_TRUE(bool(parsed));
  const Tensor &tensor = parsed->graph.initializers[0];
  EXPECT_TRUE(tensor.external);
  EXPECT_EQ(tensor.location, "w.bin");
  EXPECT_EQ(tensor.offset, "4096");
  EXPECT_EQ(tensor.length, "");
}

TEST(OnnxModel, TellsNumbersNamesAndUnknownDimsApart) {
  std::string shape =
      bytes(1, number(1, 4)) + bytes(1, bytes(2, "N")) + bytes(1, "");
  std::string value =
      bytes(1, "x") + bytes(2, bytes(1, number(1, 1) + bytes(2, shape)));
  std::string file = model(bytes(11, value));
  Expected<Model> parsed = parseModel(file);
  ASSERT_TRUE(bool(parsed));
  const ValueInfo &info = parsed->graph.inputs[0];
  EXPECT_TRUE(info.isTensor);
  EXPECT_TRUE(info.hasShape);
  ASSERT_EQ(info.dims.size(), 3u);
  EXPECT_EQ(info.dims[0].value, 4);
  EXPECT_EQ(info.dims[1].name, "N");
  EXPECT_EQ(info.dims[2].value, -1);
  EXPECT_EQ(info.dims[2].name, "");
}

TEST(OnnxModel, SkipsFieldsItDoesNotKnow) {
  std::string file = model("") + number(900, 5) + bytes(901, "later") +
                     varint(902 << 3 | 5) + "1234" + varint(903 << 3 | 1) +
                     "12345678";
  EXPECT_TRUE(bool(parseModel(file)));
}

TEST(OnnxModel, NamesTheByteOfTheDamage) {
  // A field that claims more bytes than there are.
  EXPECT_EQ(messageOf(number(1, 8) + varint(7 << 3 | 2) + varint(100) + "abc"),
            "not an ONNX model, or a damaged one: no readable field at byte 2 "
            "of 7");
  // A group, which protobuf has long dropped; field 0; a varint without end.
  EXPECT_NE(messageOf(varint(1 << 3 | 3)), "");
  EXPECT_NE(messageOf(std::string("\0\0", 2)), "");
  EXPECT_NE(messageOf(std::string(11, '\xff')), "");
  // A length where a number must stand, and the other way round.
  EXPECT_NE(messageOf(bytes(1, "8") + bytes(7, "")), "");
  EXPECT_NE(messageOf(number(7, 1)), "");
  // Floats that are no multiple of four bytes.
  EXPECT_NE(messageOf(model(bytes(5, bytes(4, "123")))), "");
}

TEST(OnnxModel, EveryTruncationIsAnErrorOrAShorterModel) {
  std::string tensor =
      number(1, 1) + number(2, 1) + bytes(8, "w") + bytes(9, "1234");
  std::string file =
      model(bytes(1, bytes(1, "x") + bytes(4, "Relu")) + bytes(5, tensor));
  size_t errors = 0;
  for (size_t size = 0; size < file.size(); ++size) {
    // A copy of its own, so that a sanitizer sees reading past the end.
    std::string cut = file.substr(0, size);
    cut.shrink_to_fit();
    errors += !parseModel(cut);
  }
  // Whole fields may be cut off at the end: after the graph, and after it all.
  EXPECT_EQ(errors, file.size() - 1);
}

TEST(OnnxModel, WithoutAGraphIsNoModel) {
  EXPECT_EQ(messageOf(""), "not an ONNX model: it holds no graph");
  EXPECT_EQ(messageOf(number(1, 8)), "not an ONNX model: it holds no graph");
}
