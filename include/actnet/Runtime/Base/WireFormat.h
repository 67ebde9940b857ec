//===- WireFormat.h - scanning protobuf messages in place -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX files are protobuf messages. Protobuf's own library copies every tensor
// and stops at 2 GiB, so both halves scan the bytes where they lie, mapped
// from the file. Source: the protobuf encoding reference.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_RUNTIME_BASE_WIREFORMAT_H
#define ACTNET_RUNTIME_BASE_WIREFORMAT_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace actnet {

/// A run of bytes being read. Never owns; reading never goes past `end`.
struct WireBytes {
  const char *at = nullptr;
  const char *end = nullptr;

  bool empty() const { return at == end; }
  size_t size() const { return static_cast<size_t>(end - at); }
  std::string_view text() const { return {at, size()}; }
};

/// One field of a message: its number, its wire type (0 varint, 1 eight bytes,
/// 2 length-delimited, 5 four bytes), and either the value of a varint or the
/// bytes of the others.
struct WireField {
  uint64_t number = 0;
  unsigned wire = 0;
  uint64_t value = 0;
  WireBytes bytes;

  /// The value of a signed integer field.
  int64_t asInt() const { return static_cast<int64_t>(value); }
};

/// Reads a varint of up to ten bytes; false where it is cut off or too long.
inline bool readVarint(WireBytes &in, uint64_t &value) {
  value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (in.empty())
      return false;
    auto byte = static_cast<uint8_t>(*in.at++);
    if (shift == 63 && byte > 1)
      return false;
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128)
      return true;
  }
  return false;
}

/// Reads the next field; false where the bytes are no field.
inline bool readField(WireBytes &in, WireField &field) {
  uint64_t key;
  if (!readVarint(in, key))
    return false;
  field.number = key >> 3;
  field.wire = static_cast<unsigned>(key & 7);
  uint64_t length = 0;
  switch (field.wire) {
  case 0:
    return field.number != 0 && readVarint(in, field.value);
  case 1:
    length = 8;
    break;
  case 2:
    if (!readVarint(in, length))
      return false;
    break;
  case 5:
    length = 4;
    break;
  default:
    return false;
  }
  if (field.number == 0 || length > in.size())
    return false;
  field.bytes = {in.at, in.at + length};
  in.at += length;
  return true;
}

} // namespace actnet

#endif // ACTNET_RUNTIME_BASE_WIREFORMAT_H
