//===- ValidateCode.cpp - check the code of a plan ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Validate.h"

#include "actnet/Package/CodeBundle.h"

namespace actnet::pkg {

namespace {

/// Threads of a block and shared memory that no GPU goes beyond.
constexpr uint32_t warpThreads = 32, maxThreads = 1024;
constexpr uint32_t maxSharedBytes = 227 * 1024;

Status checkCudaKernel(const Kernel &kernel) {
  std::string where = "kernel '" + kernel.symbol + "': ";
  if (kernel.threads == 0 || kernel.threads % warpThreads != 0 ||
      kernel.threads > maxThreads)
    return dataLoss(where + std::to_string(kernel.threads) +
                    " threads a block; a multiple of 32 up to 1024 is needed");
  if (kernel.shared_bytes > maxSharedBytes)
    return dataLoss(where + std::to_string(kernel.shared_bytes) +
                    " bytes of shared memory; no GPU has more than " +
                    std::to_string(maxSharedBytes) + " for a block");
  return okStatus();
}

Status checkBundle(const Plan &plan, const Image &image,
                   std::span<const std::byte> bytes) {
  ACTNET_ASSIGN_OR_RETURN(CodeBundle bundle, CodeBundle::parse(bytes));
  const char *suffix = image.kind == ImageKind::CudaText ? ".cu" : "";
  for (const auto &kernel : plan.kernels)
    if (!bundle.find(kernel->symbol + suffix))
      return dataLoss("kernel '" + kernel->symbol + "' is missing");
  return okStatus();
}

} // namespace

Status
validateCode(const Plan &plan,
             const std::function<std::span<const std::byte>(std::string_view)>
                 &sectionBytes) {
  bool isCuda = plan.target == "cuda";
  for (const auto &image : plan.images) {
    bool isHostCode = image->kind == ImageKind::HostELF;
    if ((isCuda && isHostCode) || (plan.target == "host" && !isHostCode))
      return dataLoss("the code for " + image->isa + " is not for " +
                      plan.target);
    if (isHostCode || image->kind == ImageKind::Toy)
      continue;
    if (Status status = checkBundle(plan, *image, sectionBytes(image->section));
        !status)
      return std::move(status.addContext("the code for " + image->isa));
  }
  if (isCuda)
    for (const auto &kernel : plan.kernels)
      ACTNET_RETURN_IF_ERROR(checkCudaKernel(*kernel));
  return okStatus();
}

} // namespace actnet::pkg
