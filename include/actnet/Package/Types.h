//===- Types.h - plain C++ names for the schema's tables ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The schema (package.fbs) is the contract; flatc turns each of its tables into
// a plain struct with vectors and unique_ptrs. Both halves build and read those
// structs under the names below, and never touch a FlatBuffer builder.
//
// A record: `auto r = std::make_unique<Record>(); r->body.Set(launch);` and
// `if (const Launch *l = r->body.AsLaunch())`.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_PACKAGE_TYPES_H
#define ACTNET_PACKAGE_TYPES_H

#include "actnet/Package/package_generated.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace actnet::pkg {

using fb::Access;
using fb::DType;
using fb::ExprInst;
using fb::ExprOp;
using fb::ImageKind;
using fb::Region;
using BodyKind = fb::Body;

using Block = fb::BlockT;
using Branch = fb::BranchT;
using Buffer = fb::BufferT;
using Call = fb::CallT;
using Check = fb::CheckT;
using Copy = fb::CopyT;
using Dim = fb::DimT;
using Fill = fb::FillT;
using Function = fb::FunctionT;
using FunctionPlan = fb::FunctionPlanT;
using Image = fb::ImageT;
using Interface = fb::InterfaceT;
using Kernel = fb::KernelT;
using Launch = fb::LaunchT;
using Loop = fb::LoopT;
using MemoryPlan = fb::MemoryPlanT;
using Plan = fb::PlanT;
using Record = fb::RecordT;
using Reply = fb::ReplyT;
using Signal = fb::SignalT;
using Await = fb::AwaitT;
using Tensor = fb::TensorT;
using Variable = fb::VariableT;
using Weight = fb::WeightT;

/// The id that names nothing.
inline constexpr uint32_t none = 0xFFFFFFFFu;

/// The version of the schema that this build writes. Older ones are read,
/// newer ones refused.
inline constexpr uint32_t schemaVersion = 1;

/// Returns the bytes of one element; 0 for a code that is no dtype.
uint64_t dtypeBytes(DType dtype);

/// Returns the name as users write it: f32, bf16, bool; "?" if unknown.
std::string_view dtypeName(DType dtype);

/// Returns the dtype of such a name, or nothing.
std::optional<DType> parseDType(std::string_view name);

/// Makes a record that does `body` (a Launch, Copy, …) on `stream`.
template <typename T>
std::unique_ptr<Record> makeRecord(T body, uint16_t stream = 0) {
  auto record = std::make_unique<Record>();
  record->body.Set(std::move(body));
  record->stream = stream;
  return record;
}

} // namespace actnet::pkg

#endif // ACTNET_PACKAGE_TYPES_H
