//===- TGraph.h - what is ready, and what it costs to bring back ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A graph of operations over buffers while it runs. It answers two questions:
// which operations have all their operands, and what it would cost to have a
// buffer again if its memory were taken now, by running operations anew or by
// reading a copy that was kept elsewhere.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_MEMORY_TGRAPH_H
#define ACTNET_MEMORY_TGRAPH_H

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace actnet::mem {

/// Single-threaded. Costs have one unit of the caller's choice, say
/// nanoseconds; sums saturate.
class TGraph {
public:
  using BufferId = uint32_t;
  using OpId = uint32_t;

  /// Adds a buffer that is not there. An input has no operation that makes it.
  BufferId addBuffer();
  /// Adds an operation that makes `results` of `operands`, at `cost` a run. A
  /// result has one maker, and operands are made by operations added before.
  /// Returns nothing if either is not so, or a buffer does not exist.
  std::optional<OpId> addOp(std::span<const BufferId> operands,
                            std::span<const BufferId> results, uint64_t cost);

  /// A copy of the buffer is kept elsewhere, and can be read back at `cost`.
  void setCopyCost(BufferId buffer, uint64_t cost) {
    buffers[buffer].copyCost = cost;
  }

  /// The buffer is there: an input has arrived, or a copy was read back.
  void markPresent(BufferId buffer);
  /// The buffer's memory was taken. Operations that wait for it are no longer
  /// ready; those that have run need not run again.
  void drop(BufferId buffer);
  /// The operation has run: its results are there. It never becomes ready
  /// again.
  void finish(OpId op);
  bool isPresent(BufferId buffer) const { return buffers[buffer].present; }

  /// True if all operands are there and it has not run.
  bool isReady(OpId op) const {
    return ops[op].missing == 0 && !ops[op].finished;
  }
  /// Appends to `out` the operations that became ready since the last call and
  /// still are, in the order they were added to the graph.
  void takeReady(std::vector<OpId> &out);

  /// What it costs to have the buffer: 0 if it is there, else the cheaper of
  /// reading its copy and running its maker, for which absent operands are
  /// brought back first. Operations that several need count once. Nothing if it
  /// cannot be brought back.
  std::optional<uint64_t> restoreCost(BufferId buffer) const;

  /// One step of bringing a buffer back.
  struct Step {
    enum Kind : uint8_t { run, copy } kind;
    /// The operation to run, or the buffer whose copy to read.
    uint32_t id;
    bool operator==(const Step &) const = default;
  };
  /// The steps behind restoreCost, in an order in which they can be taken.
  /// Nothing if the buffer cannot be brought back.
  std::optional<std::vector<Step>> restoreSteps(BufferId buffer) const;

private:
  static constexpr uint64_t never = std::numeric_limits<uint64_t>::max();
  struct Buffer {
    bool present = false;
    std::optional<OpId> maker;
    uint64_t copyCost = never;
    std::vector<OpId> users;
  };
  struct Op {
    std::vector<BufferId> operands, results;
    uint64_t cost = 0;
    uint32_t missing = 0; // operands that are not there
    bool finished = false;
  };

  void becomeReady(OpId op);
  /// The cheapest way to each absent buffer that `buffer` needs, counting
  /// shared operations as often as they are needed: the choice between copying
  /// and running. In `costs`, by buffer.
  void choose(BufferId buffer, std::vector<uint64_t> &costs) const;

  std::vector<Buffer> buffers;
  std::vector<Op> ops;
  std::vector<OpId> pending; // became ready, not yet taken
};

} // namespace actnet::mem

#endif // ACTNET_MEMORY_TGRAPH_H
