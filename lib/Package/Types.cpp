//===- Types.cpp - names and sizes of dtypes ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/Types.h"

#include <array>

namespace actnet::pkg {

namespace {
struct DTypeInfo {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array<DTypeInfo, 13> infos = {{{"f32", 4},
                                              {"f64", 8},
                                              {"f16", 2},
                                              {"bf16", 2},
                                              {"i8", 1},
                                              {"i16", 2},
                                              {"i32", 4},
                                              {"i64", 8},
                                              {"u8", 1},
                                              {"u16", 2},
                                              {"u32", 4},
                                              {"u64", 8},
                                              {"bool", 1}}};
static_assert(size_t(DType::MAX) + 1 == infos.size());
} // namespace

uint64_t dtypeBytes(DType dtype) {
  return size_t(dtype) < infos.size() ? infos[size_t(dtype)].bytes : 0;
}

std::string_view dtypeName(DType dtype) {
  return size_t(dtype) < infos.size() ? infos[size_t(dtype)].name : "?";
}

std::optional<DType> parseDType(std::string_view name) {
  for (size_t i = 0; i < infos.size(); ++i)
    if (infos[i].name == name)
      return DType(i);
  return std::nullopt;
}

} // namespace actnet::pkg
