//===- LibraryCall.cpp - what a record says to a library ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/LibraryCall.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace actnet::pkg {

namespace {

using Matrix = MatmulConfig::Matrix;
using Activation = MatmulConfig::Activation;

std::string matrixText(const char *name, const Matrix &matrix) {
  return std::string(name) + '=' + std::to_string(matrix.operand) + ':' +
         std::string(dtypeName(matrix.dtype)) + (matrix.transposed ? ":t" : "");
}

/// Cuts the part before `separator` off a text.
std::string_view cut(std::string_view &text, char separator) {
  size_t at = text.find(separator);
  std::string_view part = text.substr(0, at);
  text = at == text.npos ? std::string_view() : text.substr(at + 1);
  return part;
}

Status unknownWord(std::string_view word) {
  return dataLoss("the config of a call has '" + std::string(word) +
                  "', which is not understood");
}

/// "0:f16:t".
Status parseMatrix(std::string_view word, std::string_view text,
                   size_t operands, Matrix &matrix) {
  if (matrix.operand != none)
    return dataLoss("the config of a call names a matrix twice: '" +
                    std::string(word) + "'");
  std::string_view number = cut(text, ':'), type = cut(text, ':');
  auto [at, error] = std::from_chars(
      number.data(), number.data() + number.size(), matrix.operand);
  auto dtype = parseDType(type);
  if (error != std::errc() || at != number.data() + number.size() || !dtype ||
      (!text.empty() && text != "t"))
    return unknownWord(word);
  if (matrix.operand >= operands)
    return dataLoss("the config of a call has '" + std::string(word) +
                    "', and the call " + std::to_string(operands) +
                    " operands");
  matrix.dtype = *dtype;
  matrix.transposed = !text.empty();
  return okStatus();
}

/// cuBLASLt's own table, as far as sums of f32 go.
bool canCombine(const MatmulConfig &config) {
  DType type = config.a.dtype, result = config.d.dtype;
  if (type != DType::F32 && type != DType::F16 && type != DType::BF16)
    return false;
  return config.b.dtype == type && (result == type || result == DType::F32) &&
         (!config.hasBias() || config.bias.dtype == result) &&
         !config.d.transposed && !config.bias.transposed;
}

/// Elements from the first to behind the last of `batch` matrices; nothing
/// where that is beyond 63 bits.
bool span(int64_t rows, int64_t columns, int64_t ld, int64_t batch,
          int64_t stride, int64_t &elements) {
  int64_t lastColumn, lastMatrix;
  return !__builtin_mul_overflow(columns - 1, ld, &lastColumn) &&
         !__builtin_mul_overflow(batch - 1, stride, &lastMatrix) &&
         !__builtin_add_overflow(lastColumn, lastMatrix, &elements) &&
         !__builtin_add_overflow(elements, rows, &elements);
}

} // namespace

std::string toText(const MatmulConfig &config) {
  std::string text = matrixText("d", config.d) + ' ' +
                     matrixText("a", config.a) + ' ' +
                     matrixText("b", config.b);
  if (config.hasBias())
    text += ' ' + matrixText("bias", config.bias);
  if (config.alpha != 1) {
    char number[32];
    auto [end, error] =
        std::to_chars(number, number + sizeof number, config.alpha);
    text += " alpha=" + std::string(number, end);
  }
  if (config.activation != Activation::none)
    text += config.activation == Activation::relu ? " relu" : " gelu";
  return text;
}

Expected<MatmulConfig> parseMatmulConfig(std::string_view text,
                                         size_t operands) {
  MatmulConfig config;
  bool hasAlpha = false;
  while (!text.empty()) {
    std::string_view word = cut(text, ' '), value = word;
    std::string_view name = cut(value, '=');
    if (word == "relu" || word == "gelu") {
      if (config.activation != Activation::none)
        return dataLoss("the config of a call has two activations");
      config.activation = word == "relu" ? Activation::relu : Activation::gelu;
    } else if (name == "alpha" && !hasAlpha) {
      auto [at, error] = std::from_chars(
          value.data(), value.data() + value.size(), config.alpha);
      if (error != std::errc() || at != value.data() + value.size() ||
          !std::isfinite(config.alpha))
        return unknownWord(word);
      hasAlpha = true;
    } else {
      Matrix *matrix = name == "a"      ? &config.a
                       : name == "b"    ? &config.b
                       : name == "d"    ? &config.d
                       : name == "bias" ? &config.bias
                                        : nullptr;
      if (!matrix)
        return unknownWord(word);
      ACTNET_RETURN_IF_ERROR(parseMatrix(word, value, operands, *matrix));
    }
  }
  for (auto [matrix, name] :
       {std::pair(&config.a, "a"), std::pair(&config.b, "b"),
        std::pair(&config.d, "d")})
    if (matrix->operand == none)
      return dataLoss(std::string("the config of a call lacks matrix ") + name);
  if (!canCombine(config))
    return dataLoss("the config of a call combines types or transposes that "
                    "the library does not: '" +
                    toText(config) + "'");
  return config;
}

Status checkMatmul(const MatmulConfig &config, std::span<const int64_t> dims,
                   std::span<const uint64_t> bytes) {
  if (dims.size() != matmulDims)
    return outOfRange("a matmul of " + std::to_string(dims.size()) +
                      " numbers instead of " + std::to_string(matmulDims));
  if (std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d < 0; }))
    return outOfRange("a matmul with a negative number");
  auto dim = [&](MatmulDim which) { return dims[size_t(which)]; };
  int64_t rows = dim(MatmulDim::rows), columns = dim(MatmulDim::columns),
          inner = dim(MatmulDim::inner), batch = dim(MatmulDim::batch);
  if (!rows || !columns || !inner || !batch)
    return okStatus(); // the library is not asked
  auto check = [&](const Matrix &matrix, const char *name, int64_t down,
                   int64_t across, int64_t ld, int64_t stride) -> Status {
    if (matrix.transposed)
      std::swap(down, across);
    int64_t elements;
    uint64_t room = bytes[matrix.operand] / dtypeBytes(matrix.dtype);
    if (ld < down || !span(down, across, ld, batch, stride, elements) ||
        uint64_t(elements) > room)
      return outOfRange(std::string("matrix ") + name + " of a matmul, " +
                        std::to_string(down) + " by " + std::to_string(across) +
                        " with columns " + std::to_string(ld) +
                        " apart, does not fit its operand of " +
                        std::to_string(room) + " elements");
    return okStatus();
  };
  ACTNET_RETURN_IF_ERROR(check(config.a, "A", rows, inner, dim(MatmulDim::ldA),
                               dim(MatmulDim::strideA)));
  ACTNET_RETURN_IF_ERROR(check(config.b, "B", inner, columns,
                               dim(MatmulDim::ldB), dim(MatmulDim::strideB)));
  ACTNET_RETURN_IF_ERROR(check(config.d, "D", rows, columns,
                               dim(MatmulDim::ldD), dim(MatmulDim::strideD)));
  if (config.hasBias())
    ACTNET_RETURN_IF_ERROR(check(config.bias, "bias", rows, 1, rows, 0));
  // Matrices of D that overlap would depend on who comes last: one lies behind
  // the other, or its columns between those of the other.
  int64_t ld = dim(MatmulDim::ldD), stride = dim(MatmulDim::strideD);
  if (batch > 1 && stride < (columns - 1) * ld + rows &&
      (stride < rows || ld < (batch - 1) * stride + rows))
    return outOfRange("the results of a matmul overlap");
  return okStatus();
}

Status checkCall(const Call &call) {
  if (call.library != cublasLtLibrary || call.entry != matmulEntry)
    return okStatus();
  ACTNET_ASSIGN_OR_RETURN(MatmulConfig config,
                          parseMatmulConfig(call.config, call.operands.size()));
  if (call.dims.size() != matmulDims)
    return dataLoss("a matmul of " + std::to_string(call.dims.size()) +
                    " numbers instead of " + std::to_string(matmulDims));
  for (size_t i = 0; i < call.access.size(); ++i)
    if ((call.access[i] == Access::Write) != (i == config.d.operand))
      return dataLoss("operand " + std::to_string(i) +
                      " of a matmul is written and not its result, or its "
                      "result and not written");
  return okStatus();
}

} // namespace actnet::pkg
