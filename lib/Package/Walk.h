//===- Walk.h - visit nested records in pre-order -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_PACKAGE_WALK_H
#define ACTNET_LIB_PACKAGE_WALK_H

#include "actnet/Package/Types.h"

namespace actnet::pkg {

/// Calls `visit(record, position)` for each record of a block and its nested
/// blocks, in pre-order.
template <typename Visit>
void walkRecords(const Block &block, Visit &&visit, uint64_t &position) {
  for (const auto &record : block.records) {
    visit(*record, position++);
    if (const Branch *branch = record->body.AsBranch()) {
      for (const auto &nested : branch->blocks)
        walkRecords(*nested, visit, position);
    } else if (const Loop *loop = record->body.AsLoop()) {
      walkRecords(*loop->body, visit, position);
    }
  }
}

template <typename Visit> void walkRecords(const Block &block, Visit &&visit) {
  uint64_t position = 0;
  walkRecords(block, visit, position);
}

} // namespace actnet::pkg

#endif // ACTNET_LIB_PACKAGE_WALK_H
