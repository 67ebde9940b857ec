//===- Text.h - names that fit into one line ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of a package end up in errors, which are one line each. Names by which
// things are found are refused if they hold control characters; names that are
// only shown have them replaced, since models may call their tensors anything.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_PACKAGE_TEXT_H
#define ACTNET_LIB_PACKAGE_TEXT_H

#include "actnet/Package/Types.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace actnet::pkg {

inline bool isControl(unsigned char c) { return c < 0x20 || c == 0x7F; }

inline bool isOneLine(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return isControl(c); });
}

inline void makeOneLine(std::string &text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return isControl(c); }, '?');
}

/// Makes all that is only shown one line.
inline void makeOneLine(Interface &interface) {
  makeOneLine(interface.producer);
  makeOneLine(interface.model);
  for (auto &weight : interface.weights)
    makeOneLine(weight->name);
  for (auto &function : interface.functions)
    for (auto &check : function->checks)
      makeOneLine(check->message);
}
inline void makeOneLine(Plan &plan) {
  for (auto &kernel : plan.kernels) {
    makeOneLine(kernel->family);
    makeOneLine(kernel->report);
  }
  for (auto &function : plan.functions)
    for (auto &buffer : function->buffers)
      makeOneLine(buffer->name);
}

} // namespace actnet::pkg

#endif // ACTNET_LIB_PACKAGE_TEXT_H
