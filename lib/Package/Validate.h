//===- Validate.h - check the structured sections -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_PACKAGE_VALIDATE_H
#define ACTNET_LIB_PACKAGE_VALIDATE_H

#include "actnet/Package/Types.h"
#include "actnet/Runtime/Base/Status.h"

#include <functional>
#include <string_view>

namespace actnet::pkg {

/// Blocks nest at most this deep.
inline constexpr unsigned maxNesting = 32;

/// Checks all ids, names and expressions of an interface; `weightBytes` is the
/// size of the section of weights. Fails with dataLoss.
Status validateInterface(const Interface &interface, uint64_t weightBytes);

/// Checks a plan against a valid interface. `hasSection` tells whether the
/// container holds a section. Does not look at memory plans. Fails with
/// dataLoss.
Status validatePlan(const Interface &interface, const Plan &plan,
                    const std::function<bool(std::string_view)> &hasSection);

} // namespace actnet::pkg

#endif // ACTNET_LIB_PACKAGE_VALIDATE_H
