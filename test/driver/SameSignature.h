//===- SameSignature.h - functions declared alike ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For tests that compare our declarations of a library with its header.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TEST_DRIVER_SAMESIGNATURE_H
#define ACTNET_TEST_DRIVER_SAMESIGNATURE_H

#include <type_traits>

namespace actnet::testing {

template <typename A, typename B> constexpr bool sameKind() {
  return sizeof(A) == sizeof(B) &&
         std::is_pointer_v<A> == std::is_pointer_v<B> &&
         (std::is_pointer_v<A> || std::is_integral_v<A> || std::is_enum_v<A>) &&
         (std::is_pointer_v<B> || std::is_integral_v<B> || std::is_enum_v<B>);
}

/// True where all parameters and the result are of one size and kind.
template <typename Ours, typename Theirs> struct Same : std::false_type {};
template <typename R, typename... A, typename S, typename... B>
struct Same<R (*)(A...), S (*)(B...)> {
  static constexpr bool value = [] {
    if constexpr (sizeof...(A) == sizeof...(B))
      return sameKind<R, S>() && (sameKind<A, B>() && ...);
    else
      return false;
  }();
};

} // namespace actnet::testing

#endif // ACTNET_TEST_DRIVER_SAMESIGNATURE_H
