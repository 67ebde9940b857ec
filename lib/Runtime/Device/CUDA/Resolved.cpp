//===- Resolved.cpp - records as driver calls -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Segment.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace actnet::rt::cuda {

namespace {

Pointer toPointer(const void *address) {
  return reinterpret_cast<Pointer>(address);
}

constexpr int64_t mostTiles = 2147483647;

} // namespace

Status Resolved::fill(const ContextState &context, const Executable *executable,
                      std::span<const Record> records) {
  operations.clear();
  values.clear();
  for (const Record &record : records)
    ACTNET_RETURN_IF_ERROR(add(context, executable, record));
  // Now that the values no longer move.
  parameters.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    parameters[i] = &values[i];
  return {};
}

Status Resolved::add(const ContextState &context, const Executable *executable,
                     const Record &record) {
  if (auto *launch = std::get_if<LaunchRecord>(&record))
    return addLaunch(context, executable, *launch);
  if (auto *fill = std::get_if<FillRecord>(&record))
    return addFill(*fill);
  if (auto *call = std::get_if<CallRecord>(&record))
    return addCall(context, executable, *call);
  Operation operation;
  if (auto *copy = std::get_if<CopyRecord>(&record)) {
    if (copy->bytes && (!copy->dst || !copy->src))
      return invalidArgument("copy: no address");
    operation.kind = copy->kind == CopyKind::up     ? Operation::Kind::up
                     : copy->kind == CopyKind::down ? Operation::Kind::down
                                                    : Operation::Kind::within;
    operation.dst = copy->dst;
    operation.src = copy->src;
    operation.bytes = copy->bytes;
    operation.idle = copy->bytes == 0;
    if (operation.kind == Operation::Kind::within)
      return addPieces(context, operation);
  } else {
    auto *signal = std::get_if<SignalRecord>(&record);
    operation.kind = signal ? Operation::Kind::signal : Operation::Kind::await;
    operation.event = dynamic_cast<CudaEvent *>(
        signal ? signal->event : std::get<AwaitRecord>(record).event);
    if (!operation.event || &operation.event->owner() != &context)
      return invalidArgument("signal or await: no event of this device");
  }
  operations.push_back(operation);
  return {};
}

/// A copy is a row for a graph's node, and how long a row may be is limited: to
/// 2 GiB less a byte. Longer ones are pieces of an even size and a rest. Rows
/// of one node would do too, but the driver changes only nodes of one row.
Status Resolved::addPieces(const ContextState &context, Operation copy) {
  uint64_t most = std::bit_floor(uint64_t(std::max(context.mostPitch, 1)));
  uint64_t rest = copy.bytes;
  do {
    copy.bytes = std::min(rest, most);
    operations.push_back(copy);
    copy.dst = static_cast<std::byte *>(copy.dst) + copy.bytes;
    copy.src = static_cast<const std::byte *>(copy.src) + copy.bytes;
    rest -= copy.bytes;
  } while (rest);
  return {};
}

Status Resolved::addLaunch(const ContextState &context,
                           const Executable *executable,
                           const LaunchRecord &launch) {
  auto *code = dynamic_cast<const CudaExecutable *>(executable);
  if (!code || &code->owner() != &context)
    return invalidArgument("launch: no executable of this device");
  if (launch.kernel >= code->kernelCount())
    return invalidArgument("launch: kernel " + std::to_string(launch.kernel) +
                           " of " + std::to_string(code->kernelCount()));
  const CudaExecutable::Kernel &kernel = code->kernel(launch.kernel);
  if (launch.tiles < 0 || launch.tiles > mostTiles)
    return invalidArgument("launch of '" + kernel.symbol +
                           "': " + std::to_string(launch.tiles) +
                           " tiles, possible are 0 to 2147483647");
  Operation operation;
  operation.kernel = &kernel;
  operation.tiles = unsigned(launch.tiles);
  operation.idle = launch.tiles == 0;
  operation.firstValue = values.size();
  operation.valueCount = launch.operands.size() + launch.dims.size();
  for (size_t i = 0; i < launch.operands.size(); ++i) {
    if (!launch.operands[i])
      return invalidArgument("launch: operand " + std::to_string(i) + " of '" +
                             kernel.symbol + "' has no address");
    values.push_back(toPointer(launch.operands[i]));
  }
  for (int64_t dim : launch.dims)
    values.push_back(uint64_t(dim));
  operations.push_back(operation);
  return {};
}

/// A call of the library, or the kernel in its place.
Status Resolved::addCall(const ContextState &context,
                         const Executable *executable, const CallRecord &call) {
  if (!std::ranges::equal(call.operands, call.fallback.operands))
    return invalidArgument("call: the kernel in its place has other operands");
  if (context.library) {
    ACTNET_ASSIGN_OR_RETURN(std::shared_ptr<Matmul> matmul,
                            context.library->matmul(call));
    if (matmul) {
      Operation operation;
      operation.kind = Operation::Kind::call;
      operation.matmul = std::move(matmul);
      operations.push_back(std::move(operation));
      return {};
    }
  }
  return addLaunch(context, executable, call.fallback);
}

/// The driver repeats 1, 2 and 4 bytes. A pattern of 8 is two columns of 4 with
/// a gap of 4, and what isn't aligned to its size is columns of single bytes.
Status Resolved::addFill(const FillRecord &fill) {
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
  uint64_t count = fill.bytes / fill.patternBytes;
  auto address = uint64_t(toPointer(fill.dst));
  unsigned size = fill.patternBytes;
  auto low = unsigned(fill.pattern), high = unsigned(fill.pattern >> 32);
  if (size == 8 && low == high && address % 4 == 0) {
    size = 4;
    count *= 2;
  }
  unsigned element = size == 8 ? 4 : size;
  if (address % element)
    element = 1;
  for (unsigned at = 0; at < size; at += element) {
    Operation operation;
    operation.kind = Operation::Kind::set;
    operation.idle = fill.bytes == 0;
    auto value = unsigned(fill.pattern >> (8 * at));
    if (element < 4)
      value &= (1u << (8 * element)) - 1;
    bool columns = element != size;
    operation.set = {
        address + at, columns ? size : 0,          value,
        element,      columns ? 1 : size_t(count), columns ? size_t(count) : 1};
    operations.push_back(operation);
  }
  return {};
}

static Result submit(const Api &api, Resolved &resolved,
                     const Operation &operation, Stream stream) {
  switch (operation.kind) {
  case Operation::Kind::launch:
    return api.cuLaunchKernel(operation.kernel->function, operation.tiles, 1, 1,
                              operation.kernel->threads, 1, 1,
                              operation.kernel->sharedBytes, stream,
                              resolved.parametersOf(operation), nullptr);
  case Operation::Kind::up:
    return api.cuMemcpyHtoDAsync(toPointer(operation.dst), operation.src,
                                 operation.bytes, stream);
  case Operation::Kind::down:
    return api.cuMemcpyDtoHAsync(operation.dst, toPointer(operation.src),
                                 operation.bytes, stream);
  case Operation::Kind::within:
    return api.cuMemcpyDtoDAsync(toPointer(operation.dst),
                                 toPointer(operation.src), operation.bytes,
                                 stream);
  case Operation::Kind::signal:
    return api.cuEventRecord(operation.event->handle(), stream);
  case Operation::Kind::await:
    return api.cuStreamWaitEvent(stream, operation.event->handle(), 0);
  case Operation::Kind::set:
  case Operation::Kind::call:
    break;
  }
  const MemsetNodeParams &set = operation.set;
  if (set.pitch && set.elementSize == 4)
    return api.cuMemsetD2D32Async(set.dst, set.pitch, set.value, set.width,
                                  set.height, stream);
  if (set.pitch)
    return api.cuMemsetD2D8Async(set.dst, set.pitch,
                                 static_cast<unsigned char>(set.value),
                                 set.width, set.height, stream);
  switch (set.elementSize) {
  case 1:
    return api.cuMemsetD8Async(set.dst, static_cast<unsigned char>(set.value),
                               set.width, stream);
  case 2:
    return api.cuMemsetD16Async(set.dst, static_cast<unsigned short>(set.value),
                                set.width, stream);
  default:
    return api.cuMemsetD32Async(set.dst, set.value, set.width, stream);
  }
}

Status submitPlain(ContextState &context, Resolved &resolved,
                   const Operation &operation, Stream stream) {
  if (operation.idle)
    return {};
  if (operation.matmul)
    return operation.matmul->run(stream);
  return context.check(submit(context.api(), resolved, operation, stream),
                       operation.kernel ? operation.kernel->symbol.c_str()
                                        : "submitting to a stream");
}

} // namespace actnet::rt::cuda
