//===- Segment.h - records resolved to driver calls and graphs ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A record becomes one operation, a fill up to eight, a copy of more than 1 GiB
// one for each. What stands between
// events and transfers is a part; a part with more than one operation, and a
// launch among them, is a graph.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_SEGMENT_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_SEGMENT_H

#include "Executable.h"
#include "Library.h"

#include <vector>

namespace actnet::rt::cuda {

class CudaEvent final : public Event {
public:
  static Expected<std::unique_ptr<Event>> create(ContextState &context);
  ~CudaEvent() override;
  bool query() const override;
  Status wait(int64_t timeoutNs) override;
  EventHandle handle() const { return event; }
  const ContextState &owner() const { return context; }

private:
  explicit CudaEvent(ContextState &context) : context(context) {}
  ContextState &context;
  EventHandle event = nullptr;
};

/// One driver call.
struct Operation {
  enum class Kind : uint8_t {
    launch,
    call,
    up,
    down,
    within,
    set,
    signal,
    await
  };
  Kind kind = Kind::launch;
  /// Nothing to do: no tiles, no bytes.
  bool idle = false;
  // launch
  const CudaExecutable::Kernel *kernel = nullptr;
  unsigned tiles = 1;
  size_t firstValue = 0, valueCount = 0; ///< in Resolved::values
  // copies and fills
  void *dst = nullptr;
  const void *src = nullptr;
  uint64_t bytes = 0;
  MemsetNodeParams set{};
  // signal, await
  CudaEvent *event = nullptr;
  // call
  std::shared_ptr<const Matmul> matmul;
};

/// A line of records as operations. Its vectors keep their room when it is
/// filled again.
struct Resolved {
  std::vector<Operation> operations;
  std::vector<uint64_t> values;   ///< operands and dims of the launches
  std::vector<void *> parameters; ///< addresses of the values

  /// Checks records of a device and resolves them. Errors: invalidArgument.
  Status fill(const ContextState &context, const Executable *executable,
              std::span<const Record> records);
  void **parametersOf(const Operation &operation) {
    return parameters.data() + operation.firstValue;
  }

private:
  Status add(const ContextState &context, const Executable *executable,
             const Record &record);
  Status addLaunch(const ContextState &context, const Executable *executable,
                   const LaunchRecord &launch);
  Status addCall(const ContextState &context, const Executable *executable,
                 const CallRecord &call);
  Status addFill(const FillRecord &fill);
  Status addPieces(const ContextState &context, Operation copy);
};

/// Submits one operation as a call of its own. Errors name it.
Status submitPlain(ContextState &context, Resolved &resolved,
                   const Operation &operation, Stream stream);

class CudaSegment final : public PreparedSegment {
public:
  static Expected<std::unique_ptr<CudaSegment>>
  make(ContextState &context, Stream stream, const Segment &segment);
  ~CudaSegment() override;
  Status update(const Segment &segment) override;

  /// Everything, in order. The stream's submitter only.
  Status submit(Stream stream) const;

private:
  struct Part {
    size_t begin = 0, end = 0;
    Graph graph = nullptr;
    GraphExec exec = nullptr;
    std::vector<GraphNode> nodes;
    bool hasCalls = false; ///< captured: they are made anew, not changed
  };
  /// What must stay the same in updates, per record.
  struct Shape {
    size_t kind;
    uint32_t kernel;
    size_t operands, dims;
    bool operator==(const Shape &) const = default;
  };
  CudaSegment(ContextState &context, Stream stream)
      : context(context), stream(stream) {}
  static Shape shapeOf(const Record &record);
  void cut();
  Status build(Part &part);
  Status addNode(Part &part, const Operation &operation);
  Status buildAll();
  Status runPlain(Part &part, const Status &why);
  Result updateNode(Part &part, size_t index);
  void drop(Part &part);

  ContextState &context;
  /// Where graphs are uploaded. The default stream would wait for others.
  const Stream stream;
  const Executable *executable = nullptr;
  std::vector<Shape> shapes;
  /// Launching changes nothing in it, but the driver takes no const.
  mutable Resolved resolved;
  Resolved next;
  std::vector<Part> parts;
};

} // namespace actnet::rt::cuda

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_SEGMENT_H
