//===- ToySegment.cpp - records checked and resolved for the toy device ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ToyDevice.h"

namespace actnet::rt {

namespace {

std::string number(uint64_t value) { return std::to_string(value); }

Status checkLaunch(const ToyState &state, const ToyExecutable *executable,
                   const LaunchRecord &launch) {
  if (!executable || &executable->owner() != &state)
    return invalidArgument("launch: no executable of this toy device");
  if (launch.kernel >= executable->kernelCount())
    return invalidArgument("launch: kernel " + number(launch.kernel) + " of " +
                           number(executable->kernelCount()));
  if (launch.tiles < 0 || launch.tiles > INT32_MAX)
    return invalidArgument("launch: " + std::to_string(launch.tiles) +
                           " tiles");
  const auto &kernel = executable->kernel(launch.kernel);
  if (!kernel.access.empty() && kernel.access.size() != launch.operands.size())
    return invalidArgument("launch: " + number(launch.operands.size()) +
                           " operands for kernel '" +
                           std::string(kernel.entry.name) + "', which has " +
                           number(kernel.access.size()));
  if (!launch.sizes.empty() && launch.sizes.size() != launch.operands.size())
    return invalidArgument("launch: " + number(launch.sizes.size()) +
                           " sizes of " + number(launch.operands.size()) +
                           " operands");
  for (size_t i = 0; i < launch.operands.size(); ++i)
    if (!launch.operands[i])
      return invalidArgument("launch: operand " + number(i) + " of kernel " +
                             number(launch.kernel) + " has no address");
  return {};
}

Status checkFill(const FillRecord &fill) {
  if (fill.patternBytes != 1 && fill.patternBytes != 2 &&
      fill.patternBytes != 4 && fill.patternBytes != 8)
    return invalidArgument("fill: a pattern of " + number(fill.patternBytes) +
                           " bytes, possible are 1, 2, 4 and 8");
  if (fill.bytes % fill.patternBytes)
    return invalidArgument("fill: " + number(fill.bytes) +
                           " bytes are no multiple of the pattern's " +
                           number(fill.patternBytes));
  if (fill.bytes && !fill.dst)
    return invalidArgument("fill: no address");
  return {};
}

Status checkEvent(const ToyState &state, const Event *event) {
  auto *toyEvent = dynamic_cast<const ToyEvent *>(event);
  if (!toyEvent || &toyEvent->state != &state)
    return invalidArgument("signal or await: no event of this toy device");
  return {};
}

Status check(const ToyState &state, const ToyExecutable *executable,
             const Record &record) {
  if (auto *launch = std::get_if<LaunchRecord>(&record))
    return checkLaunch(state, executable, *launch);
  if (auto *copy = std::get_if<CopyRecord>(&record))
    return copy->bytes && (!copy->dst || !copy->src)
               ? invalidArgument("copy: no address")
               : Status();
  if (auto *fill = std::get_if<FillRecord>(&record))
    return checkFill(*fill);
  if (std::holds_alternative<CallRecord>(record))
    return invalidArgument("call: device toy has no libraries");
  if (auto *signal = std::get_if<SignalRecord>(&record))
    return checkEvent(state, signal->event);
  return checkEvent(state, std::get<AwaitRecord>(record).event);
}

toy::Access accessOf(OperandAccess access) {
  switch (access) {
  case OperandAccess::read:
    return toy::Access::read;
  case OperandAccess::write:
    return toy::Access::write;
  case OperandAccess::readWrite:
    break;
  }
  return toy::Access::readWrite;
}

/// Copies a record and all it points to; assigns into what is there, so that an
/// update of the same shape allocates nothing.
void resolve(const ToyExecutable *executable, const Record &record, ToyOp &op) {
  op.record = record;
  auto *launch = std::get_if<LaunchRecord>(&op.record);
  if (!launch)
    return;
  op.operands.assign(launch->operands.begin(), launch->operands.end());
  op.dims.assign(launch->dims.begin(), launch->dims.end());
  op.sizes.assign(launch->sizes.begin(), launch->sizes.end());
  launch->operands = op.operands;
  launch->dims = op.dims;
  launch->sizes = op.sizes;
  op.arguments.clear();
  for (DevicePtr &operand : op.operands)
    op.arguments.push_back(&operand);
  for (int64_t &dim : op.dims)
    op.arguments.push_back(&dim);
  op.bounds.clear();
  const auto &access = executable->kernel(launch->kernel).access;
  for (size_t i = 0; i < op.sizes.size(); ++i)
    op.bounds.push_back(
        {op.operands[i], op.sizes[i],
         access.empty() ? toy::Access::readWrite : accessOf(access[i]), false});
}

} // namespace

Expected<std::unique_ptr<ToySegment>> ToySegment::make(ToyState &state,
                                                       const Segment &segment) {
  std::unique_ptr<ToySegment> result(new ToySegment(state));
  auto *executable = dynamic_cast<const ToyExecutable *>(segment.executable);
  for (size_t i = 0; i < segment.records.size(); ++i)
    ACTNET_RETURN_IF_ERROR(check(state, executable, segment.records[i])
                               .addContext("record " + number(i)));
  result->executable = executable;
  result->ops.resize(segment.records.size());
  result->fillIn(segment);
  return Expected<std::unique_ptr<ToySegment>>(std::move(result));
}

void ToySegment::fillIn(const Segment &segment) {
  for (size_t i = 0; i < ops.size(); ++i)
    resolve(executable, segment.records[i], ops[i]);
}

Status ToySegment::update(const Segment &segment) {
  if (segment.records.size() != ops.size())
    return invalidArgument("update: " + number(segment.records.size()) +
                           " records, prepared were " + number(ops.size()));
  if (segment.executable != executable)
    return invalidArgument("update: another executable");
  for (size_t i = 0; i < ops.size(); ++i) {
    const Record &record = segment.records[i];
    bool same = record.index() == ops[i].record.index();
    if (auto *launch = std::get_if<LaunchRecord>(&record); launch && same) {
      auto &old = std::get<LaunchRecord>(ops[i].record);
      same = launch->kernel == old.kernel &&
             launch->operands.size() == old.operands.size() &&
             launch->dims.size() == old.dims.size();
    }
    if (!same)
      return invalidArgument("update: record " + number(i) +
                             " is not of the kind that was prepared");
    ACTNET_RETURN_IF_ERROR(
        check(state, executable, record).addContext("record " + number(i)));
  }
  fillIn(segment);
  return {};
}

} // namespace actnet::rt
