//===- HostSegment.cpp - records resolved for the host --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostDevice.h"

namespace actnet::rt {

namespace {

Status checkLaunch(const Executable *executable, const LaunchRecord &launch) {
  auto *host = dynamic_cast<const HostExecutable *>(executable);
  if (!host)
    return invalidArgument("launch: no executable of the host device");
  if (launch.kernel >= host->kernelCount())
    return invalidArgument("launch: kernel " + std::to_string(launch.kernel) +
                           " of " + std::to_string(host->kernelCount()));
  if (launch.tiles < 0)
    return invalidArgument("launch: " + std::to_string(launch.tiles) +
                           " tiles");
  // What has no bytes needs no place.
  bool sized = launch.sizes.size() == launch.operands.size();
  for (size_t i = 0; i < launch.operands.size(); ++i)
    if (!launch.operands[i] && launch.tiles && !(sized && !launch.sizes[i]))
      return invalidArgument("launch: operand " + std::to_string(i) +
                             " of kernel " + std::to_string(launch.kernel) +
                             " has no address");
  return {};
}

Status checkFill(const FillRecord &fill) {
  if (fill.patternBytes != 1 && fill.patternBytes != 2 &&
      fill.patternBytes != 4 && fill.patternBytes != 8)
    return invalidArgument("fill: a pattern of " +
                           std::to_string(fill.patternBytes) +
                           " bytes, possible are 1, 2, 4 and 8");
  if (fill.bytes % fill.patternBytes)
    return invalidArgument("fill: " + std::to_string(fill.bytes) +
                           " bytes are no multiple of the pattern's " +
                           std::to_string(fill.patternBytes));
  if (fill.bytes && !fill.dst)
    return invalidArgument("fill: no address");
  return {};
}

Status checkEvent(const Event *event) {
  if (!dynamic_cast<const HostEvent *>(event))
    return invalidArgument("signal or await: no event of the host device");
  return {};
}

} // namespace

Status checkRecord(const Executable *executable, const Record &record) {
  if (auto *launch = std::get_if<LaunchRecord>(&record))
    return checkLaunch(executable, *launch);
  if (auto *copy = std::get_if<CopyRecord>(&record)) {
    if (copy->bytes && (!copy->dst || !copy->src))
      return invalidArgument("copy: no address");
    return {};
  }
  if (auto *fill = std::get_if<FillRecord>(&record))
    return checkFill(*fill);
  if (std::holds_alternative<CallRecord>(record))
    return invalidArgument("call: the host has no libraries");
  if (auto *signal = std::get_if<SignalRecord>(&record))
    return checkEvent(signal->event);
  return checkEvent(std::get<AwaitRecord>(record).event);
}

HostOp makeOp(const Record &record) {
  HostOp op;
  if (auto *copy = std::get_if<CopyRecord>(&record)) {
    op.kind = HostOp::Kind::copy;
    op.dst = copy->dst;
    op.src = copy->src;
    op.bytes = copy->bytes;
  } else if (auto *fill = std::get_if<FillRecord>(&record)) {
    op.kind = HostOp::Kind::fill;
    op.dst = fill->dst;
    op.bytes = fill->bytes;
    op.pattern = fill->pattern;
    op.patternBytes = uint8_t(fill->patternBytes);
  } else if (auto *signal = std::get_if<SignalRecord>(&record)) {
    op.kind = HostOp::Kind::signal;
    op.event = static_cast<HostEvent *>(signal->event);
  } else if (auto *await = std::get_if<AwaitRecord>(&record)) {
    op.kind = HostOp::Kind::await;
    op.event = static_cast<HostEvent *>(await->event);
  }
  return op;
}

Expected<std::unique_ptr<HostSegment>>
HostSegment::make(const Segment &segment) {
  auto result = std::make_unique<HostSegment>();
  size_t operandCount = 0, dimCount = 0;
  for (size_t i = 0; i < segment.records.size(); ++i) {
    const Record &record = segment.records[i];
    ACTNET_RETURN_IF_ERROR(checkRecord(segment.executable, record)
                               .addContext("record " + std::to_string(i)));
    if (auto *launch = std::get_if<LaunchRecord>(&record)) {
      result->launches.push_back(
          {launch->kernel, launch->operands.size(), launch->dims.size()});
      operandCount += launch->operands.size();
      dimCount += launch->dims.size();
      auto *host = static_cast<const HostExecutable *>(segment.executable);
      result->scratch =
          std::max(result->scratch, host->kernel(launch->kernel).scratchBytes);
    }
  }
  result->executable = segment.executable;
  result->list.resize(segment.records.size());
  result->operands.resize(operandCount);
  result->dims.resize(dimCount);
  result->fillIn(segment);
  return Expected<std::unique_ptr<HostSegment>>(std::move(result));
}

void HostSegment::fillIn(const Segment &segment) {
  void **operandAt = operands.data();
  int64_t *dimAt = dims.data();
  for (size_t i = 0; i < segment.records.size(); ++i) {
    const Record &record = segment.records[i];
    HostOp &op = list[i];
    auto *launch = std::get_if<LaunchRecord>(&record);
    if (!launch) {
      op = makeOp(record);
      continue;
    }
    auto *host = static_cast<const HostExecutable *>(segment.executable);
    op.kind = HostOp::Kind::launch;
    op.work.kernel = host->kernel(launch->kernel).function;
    op.work.operands = operandAt;
    op.work.dims = dimAt;
    op.work.tiles = launch->tiles;
    operandAt =
        std::copy(launch->operands.begin(), launch->operands.end(), operandAt);
    dimAt = std::copy(launch->dims.begin(), launch->dims.end(), dimAt);
  }
}

Status HostSegment::update(const Segment &segment) {
  auto differs = [](size_t i) {
    return invalidArgument("update: record " + std::to_string(i) +
                           " is not of the kind that was prepared");
  };
  if (segment.records.size() != list.size())
    return invalidArgument("update: " + std::to_string(segment.records.size()) +
                           " records, prepared were " +
                           std::to_string(list.size()));
  if (segment.executable != executable)
    return invalidArgument("update: another executable");
  size_t launchIndex = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    const Record &record = segment.records[i];
    if (record.index() != size_t(list[i].kind))
      return differs(i);
    if (auto *launch = std::get_if<LaunchRecord>(&record)) {
      const LaunchShape &shape = launches[launchIndex++];
      if (launch->kernel != shape.kernel ||
          launch->operands.size() != shape.operands ||
          launch->dims.size() != shape.dims)
        return differs(i);
    }
    ACTNET_RETURN_IF_ERROR(checkRecord(executable, record)
                               .addContext("record " + std::to_string(i)));
  }
  fillIn(segment);
  return {};
}

} // namespace actnet::rt
