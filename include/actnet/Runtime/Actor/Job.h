//===- Job.h - a planned job: blocks of lines, branches and loops ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the session makes of a package's plan once dims, arena and executable
// are known: every pointer, dim and tile resolved. A JobSpec describes it, a
// PreparedJob is the same made ready for the streams of one queue. Between the
// straight lines of a job the queue's actor may read back one byte and choose
// what comes next; that is what branches and loops are.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_ACTOR_JOB_H
#define ACTNET_RUNTIME_ACTOR_JOB_H

#include "actnet/Runtime/Device/Device.h"

#include <variant>
#include <vector>

namespace actnet::rt {

/// A job, described. The pointers in records, and the operand and dim lists
/// they span, must live until `prepare` or `update` returns.
struct JobSpec {
  /// Straight-line records for one of the queue's streams. Records of two
  /// lines on different streams are ordered by signal and await records only.
  struct Line {
    uint32_t stream = 0;
    std::vector<Record> records;
  };
  /// Reads the byte at `condition` in the order of `stream`; runs block `then`
  /// if it isn't 0, else block `otherwise`.
  struct Branch {
    uint32_t stream = 0;
    DevicePtr condition = nullptr;
    uint32_t then = noBlock;
    uint32_t otherwise = noBlock;
  };
  /// Reads the byte at `condition`; as long as it isn't 0 runs block `body` and
  /// reads it again.
  struct Loop {
    uint32_t stream = 0;
    DevicePtr condition = nullptr;
    uint32_t body = noBlock;
  };
  using Step = std::variant<Line, Branch, Loop>;
  using Block = std::vector<Step>;

  static constexpr uint32_t noBlock = ~uint32_t(0);

  const Executable *executable = nullptr;
  /// Block 0 is where the job begins. A block is used by one branch or loop.
  std::vector<Block> blocks;
  /// Resources (variables, signals) of the queue, by number. `writes` are
  /// overwritten wholly, or signalled; what is updated in place or in part is
  /// in `reads` as well. A job fails if one that it reads is torn.
  std::vector<uint32_t> reads;
  std::vector<uint32_t> writes;
  /// Prepares every record by itself too, for `--step`.
  bool stepping = false;
};

/// A job made ready for the streams of one queue. Immutable while in flight.
class PreparedJob {
public:
  enum class StepKind : uint8_t { line, branch, loop };
  struct Step {
    StepKind kind = StepKind::line;
    uint32_t stream = 0;
    /// line: what `submit` takes; empty lines have none.
    std::unique_ptr<PreparedSegment> segment;
    /// branch and loop: the copy of the condition into `cell`.
    std::unique_ptr<PreparedSegment> readBack;
    const uint8_t *cell = nullptr;
    /// Blocks; noBlock does nothing. A loop's body is `then`.
    uint32_t then = JobSpec::noBlock;
    uint32_t otherwise = JobSpec::noBlock;
    /// With `stepping`, the records of the line one by one.
    std::vector<std::unique_ptr<PreparedSegment>> records;
  };
  using Block = std::vector<Step>;

  /// Checks the spec and prepares its lines. `streams` are the queue's, in
  /// order; they and `device` must outlive the result.
  /// Errors: invalidArgument (no block, a stream, block or record that doesn't
  /// exist or is used twice), and those of DeviceStream::prepare.
  static Expected<std::unique_ptr<PreparedJob>>
  prepare(Device &device, std::span<DeviceStream *const> streams,
          const JobSpec &spec);

  /// Takes new pointers, dims and tiles for the same steps (other dims,
  /// another ring slot) without allocating; it must not be in flight.
  /// Errors: invalidArgument; then the job must not be run before an `update`
  /// that succeeds.
  Status update(const JobSpec &spec);

  const std::vector<Block> &blocks() const { return blockList; }
  std::span<const uint32_t> reads() const { return readList; }
  std::span<const uint32_t> writes() const { return writeList; }
  /// Blocks that can be open at once; at least 1.
  uint32_t depth() const { return nesting; }
  /// Records in all lines of all blocks.
  uint64_t recordCount() const { return records; }

private:
  PreparedJob() = default;

  std::vector<Block> blockList;
  std::vector<uint32_t> readList;
  std::vector<uint32_t> writeList;
  DeviceMemory cells;
  uint32_t nesting = 1;
  uint64_t records = 0;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_ACTOR_JOB_H
