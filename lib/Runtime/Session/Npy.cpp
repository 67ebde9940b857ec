//===- Npy.cpp - NumPy's array files --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NEP 1: the magic, two bytes of version, the length of a header (2 bytes in
// version 1, else 4), the header as a Python dict literal, then the elements.

#include "actnet/Runtime/Session/TensorFile.h"

#include <algorithm>
#include <cstring>

using namespace actnet;
using namespace actnet::rt;

namespace {
constexpr std::string_view magic = "\x93NUMPY";
constexpr size_t maxRank = 32; // NumPy's own limit

struct Descr {
  const char *code;
  actnet_dtype dtype;
};
constexpr Descr descrs[] = {
    {"f4", ACTNET_F32}, {"f8", ACTNET_F64}, {"f2", ACTNET_F16},
    {"i1", ACTNET_I8},  {"i2", ACTNET_I16}, {"i4", ACTNET_I32},
    {"i8", ACTNET_I64}, {"u1", ACTNET_U8},  {"u2", ACTNET_U16},
    {"u4", ACTNET_U32}, {"u8", ACTNET_U64}, {"b1", ACTNET_BOOL},
    {"V2", ACTNET_BF16}};

/// Reads the one form of dict literal that NumPy writes.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : text(text) {}

  Expected<NpyLayout> parse() {
    NpyLayout header;
    bool seen[3] = {};
    if (!eat('{'))
      return bad("'{'");
    while (!eat('}')) {
      std::string_view key;
      if (!string(key) || !eat(':'))
        return bad("a key in quotes and ':'");
      int which = key == "descr"           ? 0
                  : key == "fortran_order" ? 1
                  : key == "shape"         ? 2
                                           : -1;
      if (which < 0 || seen[which])
        return dataLoss("header key '" + printable(key) + "' is " +
                        (which < 0 ? "unknown" : "there twice"));
      seen[which] = true;
      Status status = which == 0   ? descr(header)
                      : which == 1 ? order(header)
                                   : shape(header);
      if (!status)
        return status;
      if (!eat(',') && peek() != '}')
        return bad("',' or '}'");
    }
    if (!seen[0] || !seen[1] || !seen[2])
      return dataLoss("header lacks one of descr, fortran_order, shape");
    if (peek() != 0)
      return bad("the end of the header");
    return header;
  }

private:
  std::string_view text;
  size_t at = 0;

  char peek() {
    while (at < text.size() && std::strchr(" \t\r\n", text[at]) && text[at])
      ++at;
    return at < text.size() ? text[at] : 0;
  }
  bool eat(char c) {
    if (peek() != c)
      return false;
    ++at;
    return true;
  }
  bool string(std::string_view &value) {
    char quote = peek();
    if (quote != '\'' && quote != '"')
      return false;
    size_t end = text.find(quote, at + 1);
    if (end == text.npos)
      return false;
    value = text.substr(at + 1, end - at - 1);
    at = end + 1;
    return true;
  }
  static std::string printable(std::string_view s) {
    std::string out;
    for (char c : s.substr(0, 40))
      out += c >= ' ' && c < 127 ? c : '?';
    return out;
  }
  Status bad(const std::string &expected) {
    return dataLoss("header: expected " + expected + " at position " +
                    std::to_string(at) + ", found '" +
                    printable(text.substr(std::min(at, text.size()), 10)) +
                    "'");
  }

  Status descr(NpyLayout &header) {
    std::string_view code;
    if (!string(code))
      return invalidArgument(
          "expected one element type, found a record or other description");
    std::string_view type = code;
    if (!type.empty() && std::strchr("<>=|", type[0])) {
      header.swapped = type[0] == '>';
      type.remove_prefix(1);
    }
    for (const Descr &d : descrs)
      if (type == d.code) {
        header.dtype = d.dtype;
        return okStatus();
      }
    return invalidArgument("element type '" + printable(code) +
                           "' is not supported");
  }
  Status order(NpyLayout &header) {
    peek();
    for (bool value : {false, true}) {
      std::string_view word = value ? "True" : "False";
      if (text.substr(at, word.size()) == word) {
        at += word.size();
        header.fortran = value;
        return okStatus();
      }
    }
    return bad("True or False");
  }
  Status shape(NpyLayout &header) {
    if (!eat('('))
      return bad("'('");
    while (!eat(')')) {
      peek();
      int64_t value = 0;
      size_t begin = at;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text[at] - '0', &value))
          return dataLoss("an extent of the shape has more than 63 bits");
      if (at == begin)
        return bad("an extent");
      if (header.shape.size() == maxRank)
        return dataLoss("the shape has more than 32 axes");
      header.shape.push_back(value);
      if (!eat(',') && peek() != ')')
        return bad("',' or ')'");
    }
    return okStatus();
  }
};

/// Rewrites column-major elements, read in file order, to row-major.
void fromFortran(const HostTensor &tensor, const std::byte *source) {
  size_t rank = tensor.shape.size(), size = dtypeBytes(tensor.dtype);
  std::vector<int64_t> at(rank, 0);
  std::vector<int64_t> stride(rank, 1);
  for (size_t i = rank; i-- > 1;)
    stride[i - 1] = stride[i] * tensor.shape[i];
  int64_t count = tensor.elements(), to = 0;
  for (int64_t from = 0; from < count; ++from) {
    std::memcpy(tensor.data.get() + size_t(to) * size,
                source + size_t(from) * size, size);
    for (size_t i = 0; i < rank; ++i) {
      to += stride[i];
      if (++at[i] < tensor.shape[i])
        break;
      to -= at[i] * stride[i];
      at[i] = 0;
    }
  }
}
} // namespace

bool NpyLayout::isPlain() const {
  // Booleans are made 0 or 1, and so need memory of their own.
  return dtype != ACTNET_BOOL && !(fortran && shape.size() > 1) &&
         !(swapped && dtypeBytes(dtype) > 1);
}

Expected<NpyLayout> rt::parseNpyHeader(std::span<const std::byte> file) {
  auto at = [&](size_t i) { return size_t(std::to_integer<uint8_t>(file[i])); };
  if (file.size() < 10 || std::memcmp(file.data(), magic.data(), 6) != 0)
    return dataLoss(
        "expected an .npy file, found no '\\x93NUMPY' at its start");
  size_t major = at(6), begin = 10, length = at(8) | at(9) << 8;
  if (major < 1 || major > 3)
    return invalidArgument("expected .npy version 1, 2 or 3, found " +
                           std::to_string(major));
  if (major > 1) {
    if (file.size() < 12)
      return dataLoss("truncated in its header");
    length |= at(10) << 16 | at(11) << 24;
    begin = 12;
  }
  if (length > file.size() - begin)
    return dataLoss("truncated: its header should have " +
                    std::to_string(length) + " bytes, found " +
                    std::to_string(file.size() - begin));
  const auto *text = reinterpret_cast<const char *>(file.data());
  ACTNET_ASSIGN_OR_RETURN(
      NpyLayout header,
      HeaderParser(std::string_view(text + begin, length)).parse());
  // The file must hold the elements before memory is taken for them.
  header.offset = begin + length;
  size_t rest = file.size() - header.offset;
  size_t need = dtypeBytes(header.dtype);
  for (int64_t extent : header.shape)
    if (__builtin_mul_overflow(need, size_t(extent), &need))
      need = SIZE_MAX;
  if (std::find(header.shape.begin(), header.shape.end(), 0) !=
      header.shape.end())
    need = 0;
  if (need != rest)
    return dataLoss("shape " +
                    shapeText(header.shape.data(), header.shape.size()) +
                    " of " + dtypeName(header.dtype) + " needs " +
                    (need == SIZE_MAX ? "too many" : std::to_string(need)) +
                    " bytes, found " + std::to_string(rest));
  header.bytes = need;
  return header;
}

Expected<HostTensor> rt::parseNpy(std::span<const std::byte> file) {
  ACTNET_ASSIGN_OR_RETURN(NpyLayout header, parseNpyHeader(file));
  ACTNET_ASSIGN_OR_RETURN(HostTensor tensor,
                          HostTensor::allocate(header.dtype, header.shape));
  const std::byte *source = file.data() + header.offset;
  size_t size = dtypeBytes(header.dtype);
  if (header.fortran && tensor.shape.size() > 1 && header.bytes > 0)
    fromFortran(tensor, source);
  else if (header.bytes > 0)
    std::memcpy(tensor.data.get(), source, header.bytes);
  if (header.swapped && size > 1)
    for (size_t i = 0; i < header.bytes; i += size)
      std::reverse(tensor.data.get() + i, tensor.data.get() + i + size);
  if (tensor.dtype == ACTNET_BOOL)
    for (size_t i = 0; i < header.bytes; ++i)
      tensor.data[i] = std::byte(tensor.data[i] != std::byte(0));
  return tensor;
}

std::string rt::npyHeader(const HostTensor &tensor) {
  std::string code;
  for (const Descr &d : descrs)
    if (d.dtype == tensor.dtype)
      code = (dtypeBytes(d.dtype) == 1 ? "|" : "<") + std::string(d.code);
  std::string shape;
  for (int64_t extent : tensor.shape)
    shape += std::to_string(extent) + ", ";
  if (tensor.shape.size() > 1)
    shape.resize(shape.size() - 2);
  else if (tensor.shape.size() == 1)
    shape.resize(shape.size() - 1);
  std::string dict = "{'descr': '" + code +
                     "', 'fortran_order': False, 'shape': (" + shape + "), }";
  size_t total = (10 + dict.size() + 1 + 63) / 64 * 64;
  dict.resize(total - 11, ' ');
  dict += '\n';
  std::string header(magic);
  header += '\x01';
  header += '\0';
  header += char(dict.size() & 255);
  header += char(dict.size() >> 8);
  return header + dict;
}
