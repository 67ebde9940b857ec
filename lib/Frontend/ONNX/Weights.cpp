//===- Weights.cpp - tensors of the file as constants ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Up to 4 KiB become dense elements, which folding looks into. Larger ones are
// references into the model's file or its external data, which has to lie in
// the model's folder.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "actnet/Dialect/Graph/IR/WeightStore.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <charconv>
#include <cstring>

using namespace mlir;

namespace actnet::onnx {

/// Bytes up to which a tensor is a value of the compiler.
static constexpr int64_t kSmallBytes = 4096;
/// Elements up to which an integer tensor takes part in shape arithmetic.
static constexpr int64_t kShapeElements = 64;

/// The bytes of a typed array (float_data, int32_data …), in the layout of
/// raw_data; nothing where the count does not fit.
static std::optional<std::string> pack(const Tensor &tensor, Type type,
                                       int64_t count) {
  std::string bytes;
  auto append = [&](auto v) {
    bytes.append(reinterpret_cast<const char *>(&v), sizeof(v));
  };
  if (type.isF32()) {
    for (float v : tensor.floats)
      append(v);
  } else if (type.isF64()) {
    for (double v : tensor.doubles)
      append(v);
  } else {
    // Narrow types, floats included, are held as integers of their bits.
    int64_t size = graph::getElementBytes(type);
    for (int64_t v : tensor.ints)
      bytes.append(reinterpret_cast<const char *>(&v), size);
  }
  if (static_cast<int64_t>(bytes.size()) !=
      count * graph::getElementBytes(type))
    return std::nullopt;
  return bytes;
}

/// The number of elements; nothing for negative dims or an overflow.
static std::optional<int64_t> countElements(ArrayRef<int64_t> dims) {
  int64_t count = 1;
  for (int64_t d : dims)
    if (d < 0 || __builtin_mul_overflow(count, d, &count))
      return std::nullopt;
  return count;
}

static bool parseNumber(std::string_view text, int64_t &value) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

/// Dense elements from little-endian bytes, one byte a bool.
static DenseElementsAttr dense(RankedTensorType type, StringRef bytes) {
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> bits;
    for (char c : bytes)
      bits.push_back(c != 0);
    return DenseElementsAttr::get(type, bits);
  }
  return DenseElementsAttr::getFromRawBuffer(
      type, ArrayRef<char>(bytes.data(), bytes.size()));
}

FailureOr<Attribute> Importer::weight(const Tensor &tensor,
                                      RankedTensorType type, Location loc) {
  int64_t count = type.getNumElements();
  int64_t bytes = count * graph::getElementBytes(type.getElementType());
  auto fail = [&]() {
    return emitError(loc) << "tensor '" << printable(tensor.name) << "': ";
  };
  if (tensor.external) {
    StringRef location = tensor.location;
    int64_t offset = 0, length = bytes;
    if ((!tensor.offset.empty() && !parseNumber(tensor.offset, offset)) ||
        (!tensor.length.empty() && !parseNumber(tensor.length, length))) {
      fail() << "offset '" << printable(tensor.offset) << "' or length '"
             << printable(tensor.length)
             << "' of its external data is no number";
      return failure();
    }
    if (length != bytes) {
      fail() << "its external data has " << length << " bytes, its type needs "
             << bytes;
      return failure();
    }
    SmallString<128> file(folder), realFile, realFolder;
    std::string shown = printable(location);
    bool outside = location.empty() || location.contains('\0') ||
                   llvm::sys::path::is_absolute(location);
    for (StringRef part : llvm::make_range(llvm::sys::path::begin(location),
                                           llvm::sys::path::end(location)))
      outside |= part == "..";
    llvm::sys::path::append(file, location);
    if (!outside) {
      if (std::error_code error = llvm::sys::fs::real_path(file, realFile)) {
        fail() << "cannot read its external data '" << shown
               << "': " << error.message();
        return failure();
      }
      outside = llvm::sys::fs::real_path(folder, realFolder) ||
                !StringRef(realFile).starts_with((realFolder + "/").str());
    }
    if (outside) {
      fail() << "its external data '" << shown
             << "' lies outside the model's folder";
      return failure();
    }
    if (!llvm::sys::fs::is_regular_file(file)) {
      fail() << "its external data '" << shown << "' is no file";
      return failure();
    }
    uint64_t size = 0;
    if (llvm::sys::fs::file_size(file, size) ||
        offset > static_cast<int64_t>(size) ||
        length > static_cast<int64_t>(size) - offset) {
      fail() << "external data '" << shown << "' has " << size << " bytes; "
             << length << " bytes from byte " << offset << " on are needed";
      return failure();
    }
    return Attribute(graph::WeightAttr::get(&context, file, offset, bytes));
  }
  if (tensor.hasRaw) {
    if (static_cast<int64_t>(tensor.raw.size()) != bytes) {
      fail() << "it has " << tensor.raw.size()
             << " bytes of data, its type needs " << bytes;
      return failure();
    }
    if (bytes <= kSmallBytes)
      return Attribute(dense(type, StringRef(tensor.raw)));
    return Attribute(graph::WeightAttr::get(
        &context, path, tensor.raw.data() - mapped.data(), bytes));
  }
  std::optional<std::string> packed =
      pack(tensor, type.getElementType(), count);
  if (!packed) {
    fail() << "its data does not have the " << count
           << " elements of its shape";
    return failure();
  }
  if (bytes <= kSmallBytes)
    return Attribute(dense(type, *packed));
  // Not one run of bytes in the file: the store keeps the decoded copy.
  std::string key = "onnx:" + path + ":" + std::to_string(buffers++);
  auto owner = std::make_shared<std::string>(std::move(*packed));
  context.getLoadedDialect<graph::GraphDialect>()
      ->getWeightStore()
      .registerBuffer(key, ArrayRef<char>(owner->data(), owner->size()), owner);
  return Attribute(graph::WeightAttr::get(&context, "buffer:" + key, 0, bytes));
}

FailureOr<Value> Importer::constant(const Tensor &tensor, Location loc) {
  Type element = elementType(tensor.type);
  if (!element) {
    emitError(loc) << "tensor '" << printable(tensor.name) << "': element type "
                   << dataTypeName(tensor.type) << " is not supported";
    return failure();
  }
  std::optional<int64_t> count = countElements(tensor.dims);
  if (!count || *count > (int64_t(1) << 48)) {
    emitError(loc) << "tensor '" << printable(tensor.name)
                   << "': its shape is not valid";
    return failure();
  }
  auto type = RankedTensorType::get(tensor.dims, element);
  FailureOr<Attribute> value = weight(tensor, type, loc);
  if (failed(value))
    return failure();
  // Constants stand at the function's beginning, where every node sees them.
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(b.getInsertionBlock());
  // The report calls a weight what the model calls it.
  if (!tensor.name.empty())
    loc = NameLoc::get(StringAttr::get(&context, printable(tensor.name)),
                       fileLoc());
  return Value(graph::ConstantOp::create(b, loc, type, *value));
}

std::optional<ShapeValue> Importer::shapeOf(const Tensor &tensor) {
  std::optional<int64_t> count = countElements(tensor.dims);
  if ((tensor.type != 7 && tensor.type != 6) || tensor.dims.size() > 1 ||
      !count || *count > kShapeElements || tensor.external)
    return std::nullopt;
  std::string bytes;
  Type element = elementType(tensor.type);
  int64_t size = graph::getElementBytes(element);
  if (tensor.hasRaw) {
    bytes = tensor.raw;
  } else if (std::optional<std::string> packed =
                 pack(tensor, element, *count)) {
    bytes = *packed;
  }
  if (static_cast<int64_t>(bytes.size()) != *count * size)
    return std::nullopt;
  ShapeValue shape;
  shape.narrow = tensor.type == 6;
  shape.scalar = tensor.dims.empty();
  for (int64_t i = 0; i < *count; ++i) {
    int64_t wide = 0;
    int32_t narrow = 0;
    if (size == 8)
      std::memcpy(&wide, bytes.data() + i * 8, 8);
    else {
      std::memcpy(&narrow, bytes.data() + i * 4, 4);
      wide = narrow;
    }
    shape.elements.push_back(graph::dimConstant(&context, wide));
  }
  return shape;
}

} // namespace actnet::onnx
