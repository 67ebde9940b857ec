//===- Validate.h - check the structured sections -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_PACKAGE_VALIDATE_H
#define ACTNET_LIB_PACKAGE_VALIDATE_H

#include "actnet/Package/Types.h"
#include "actnet/Runtime/Base/Status.h"

#include <functional>
#include <span>
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

/// Checks the images of a valid plan: that their kinds suit its target, that
/// bundles are whole and hold each of its kernels, and what a kernel of cuda
/// asks for. `sectionBytes` gives the bytes of a section that is there. Fails
/// with dataLoss.
Status
validateCode(const Plan &plan,
             const std::function<std::span<const std::byte>(std::string_view)>
                 &sectionBytes);

} // namespace actnet::pkg

#endif // ACTNET_LIB_PACKAGE_VALIDATE_H
