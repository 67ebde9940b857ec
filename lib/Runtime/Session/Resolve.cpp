//===- Resolve.cpp - from a function's plan to a job ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/Resolve.h"

#include <algorithm>
#include <utility>

using namespace actnet;
using namespace actnet::rt;

namespace {
constexpr uint64_t maxRecords = uint64_t(1) << 20;
constexpr unsigned maxDepth = 1000;

class Resolver {
public:
  Resolver(const ResolveInput &input, ResolvedJob &job)
      : in(input), plan(*input.plan),
        function(*pkg::Reader::findFunction(plan, input.function)),
        layout(input.layout->functions[input.function]), job(job) {}

  Status run();

private:
  Status block(const pkg::Block &records, uint32_t at, unsigned depth);
  Status record(const pkg::Record &record, uint32_t at, unsigned depth);
  Expected<LaunchRecord> launch(const pkg::Launch &launch);
  Expected<Record> call(const pkg::Call &call);
  Status loop(const pkg::Loop &loop, uint32_t stream, uint32_t at,
              unsigned depth);
  Status transfers(bool up);
  Expected<uint64_t> tensorBytes(const pkg::Tensor &tensor) const;
  Status barrier(uint32_t at, bool opens);
  void resources();

  Expected<int64_t> value(pkg::ExprId id) const {
    std::optional<int64_t> found = in.values->find(id);
    if (!found)
      return outOfRange("expression " + std::to_string(id) +
                        " has no value for these dims");
    return *found;
  }
  std::byte *root(const pkg::Buffer &buffer, uint32_t id) const;
  Expected<std::byte *> address(uint32_t id) const;

  // What the job held before is written over, so that its storage stays.
  uint32_t newBlock() {
    job.stepCounts.push_back(0);
    if (job.spec.blocks.size() < job.stepCounts.size())
      job.spec.blocks.emplace_back();
    return uint32_t(job.stepCounts.size() - 1);
  }
  std::vector<Record> &newLine(uint32_t stream, uint32_t at) {
    JobSpec::Block &steps = job.spec.blocks[at];
    size_t i = job.stepCounts[at]++;
    if (i == steps.size())
      steps.emplace_back(JobSpec::Line{stream, {}});
    else if (!std::holds_alternative<JobSpec::Line>(steps[i]))
      steps[i] = JobSpec::Line{stream, {}};
    auto &line = std::get<JobSpec::Line>(steps[i]);
    line.stream = stream;
    line.records.clear();
    return line.records;
  }
  template <typename Kind> void addStep(const Kind &step, uint32_t at) {
    JobSpec::Block &steps = job.spec.blocks[at];
    size_t i = job.stepCounts[at]++;
    if (i == steps.size())
      steps.emplace_back(step);
    else
      steps[i] = step;
  }
  template <typename T>
  static std::vector<T> &newList(std::deque<std::vector<T>> &lists,
                                 size_t &count) {
    if (count == lists.size())
      lists.emplace_back();
    std::vector<T> &list = lists[count++];
    list.clear();
    return list;
  }
  void finish();
  Status add(Record record, uint32_t stream, uint32_t at) {
    if (++records > maxRecords)
      return outOfRange("more than 2^20 records after loops are written out");
    JobSpec::Block &steps = job.spec.blocks[at];
    size_t count = job.stepCounts[at];
    auto *line =
        count == 0 ? nullptr : std::get_if<JobSpec::Line>(&steps[count - 1]);
    if (line && line->stream == stream)
      line->records.push_back(record);
    else
      newLine(stream, at).push_back(record);
    return okStatus();
  }

  const ResolveInput &in;
  const pkg::Plan &plan;
  const pkg::FunctionPlan &function;
  const FunctionLayout &layout;
  ResolvedJob &job;
  uint64_t records = 0;
  size_t operandCount = 0, dimCount = 0, sizeCount = 0;
};

std::byte *Resolver::root(const pkg::Buffer &buffer, uint32_t id) const {
  const Layout &all = *in.layout;
  switch (buffer.region) {
  case pkg::Region::Weight:
    return in.weights + in.weightOffsets[buffer.binding];
  case pkg::Region::State:
    return in.arena + all.stateOffsets[buffer.binding];
  case pkg::Region::Input:
  case pkg::Region::Output:
    return in.arena + all.ringOffset(in.slot) + layout.offsets[id];
  case pkg::Region::Scratch:
    return in.arena + all.scratchOffset() + layout.offsets[id];
  }
  return nullptr;
}

Expected<std::byte *> Resolver::address(uint32_t id) const {
  const pkg::Buffer &buffer = *function.buffers[id];
  if (buffer.root == pkg::none)
    return root(buffer, id);
  ACTNET_ASSIGN_OR_RETURN(int64_t offset, value(buffer.offset));
  return root(*function.buffers[buffer.root], buffer.root) + offset;
}

Expected<LaunchRecord> Resolver::launch(const pkg::Launch &launch) {
  std::vector<DevicePtr> &operands = newList(job.operandLists, operandCount);
  std::vector<int64_t> &dims = newList(job.dimLists, dimCount);
  std::vector<uint64_t> &sizes = newList(job.sizeLists, sizeCount);
  operands.reserve(launch.operands.size());
  sizes.reserve(launch.operands.size());
  dims.reserve(launch.dims.size());
  for (uint32_t id : launch.operands) {
    ACTNET_ASSIGN_OR_RETURN(int64_t bytes, value(function.buffers[id]->size));
    // A view without elements lies nowhere.
    bool isEmpty = function.buffers[id]->root != pkg::none && bytes <= 0;
    ACTNET_ASSIGN_OR_RETURN(std::byte * pointer,
                            address(isEmpty ? function.buffers[id]->root : id));
    bytes = std::max<int64_t>(bytes, 0);
    operands.push_back(pointer);
    sizes.push_back(uint64_t(bytes));
  }
  for (pkg::ExprId id : launch.dims) {
    ACTNET_ASSIGN_OR_RETURN(int64_t dim, value(id));
    dims.push_back(dim);
  }
  LaunchRecord record;
  record.kernel = launch.kernel;
  record.operands = operands;
  record.dims = dims;
  record.sizes = sizes;
  ACTNET_ASSIGN_OR_RETURN(record.tiles, value(launch.tiles));
  return record;
}

/// A library call, or the kernel in its place where the device takes none.
Expected<Record> Resolver::call(const pkg::Call &call) {
  if (!call.fallback)
    return failedPrecondition("library '" + call.library +
                              "' is called and no kernel stands in its place, "
                              "which is not supported");
  ACTNET_ASSIGN_OR_RETURN(LaunchRecord fallback, launch(*call.fallback));
  if (!in.libraries)
    return Record(fallback);
  CallRecord record;
  record.library = call.library;
  record.entry = call.entry;
  record.config = call.config;
  record.operands = fallback.operands;
  record.sizes = fallback.sizes;
  record.fallback = fallback;
  std::vector<int64_t> &dims = newList(job.dimLists, dimCount);
  for (pkg::ExprId id : call.dims) {
    ACTNET_ASSIGN_OR_RETURN(int64_t dim, value(id));
    dims.push_back(dim);
  }
  record.dims = dims;
  if (call.workspace != pkg::none) {
    const pkg::Buffer &workspace = *function.buffers[call.workspace];
    ACTNET_ASSIGN_OR_RETURN(int64_t bytes, value(workspace.size));
    ACTNET_ASSIGN_OR_RETURN(record.workspace, address(call.workspace));
    record.workspaceBytes = uint64_t(std::max<int64_t>(bytes, 0));
  }
  return Record(record);
}

Status Resolver::loop(const pkg::Loop &loop, uint32_t stream, uint32_t at,
                      unsigned depth) {
  std::byte *condition = nullptr, *counter = nullptr;
  if (loop.condition != pkg::none) {
    ACTNET_ASSIGN_OR_RETURN(condition, address(loop.condition));
  }
  if (loop.counter != pkg::none) {
    ACTNET_ASSIGN_OR_RETURN(counter, address(loop.counter));
  }
  if (loop.trips == pkg::none) {
    if (counter || !condition)
      return failedPrecondition(
          counter ? "a loop with a counter and no limit is not supported yet"
                  : "a loop has neither a limit nor a condition");
    uint32_t body = newBlock();
    addStep(JobSpec::Loop{stream, condition, body}, at);
    return block(*loop.body, body, depth + 1);
  }
  // A known number of rounds is written out: the counter then is a constant of
  // each round, and without a condition nothing is ever read back.
  ACTNET_ASSIGN_OR_RETURN(int64_t trips, value(loop.trips));
  for (int64_t round = 0; round < trips; ++round) {
    if (condition) {
      if (++depth > maxDepth)
        return outOfRange("a loop with a condition and more than " +
                          std::to_string(maxDepth) +
                          " rounds is not supported yet");
      uint32_t body = newBlock();
      addStep(JobSpec::Branch{stream, condition, body, JobSpec::noBlock}, at);
      at = body;
    }
    if (counter)
      ACTNET_RETURN_IF_ERROR(
          add(FillRecord{counter, uint64_t(round), 8, 8}, stream, at));
    ACTNET_RETURN_IF_ERROR(block(*loop.body, at, depth));
    if (++records > maxRecords)
      return outOfRange("more than 2^20 records after loops are written out");
  }
  return okStatus();
}

Status Resolver::record(const pkg::Record &record, uint32_t at,
                        unsigned depth) {
  uint32_t stream = record.stream;
  switch (record.body.type) {
  case pkg::BodyKind::Launch: {
    ACTNET_ASSIGN_OR_RETURN(LaunchRecord resolved,
                            launch(*record.body.AsLaunch()));
    return add(resolved, stream, at);
  }
  case pkg::BodyKind::Copy: {
    const pkg::Copy &copy = *record.body.AsCopy();
    ACTNET_ASSIGN_OR_RETURN(std::byte * src, address(copy.src));
    ACTNET_ASSIGN_OR_RETURN(std::byte * dst, address(copy.dst));
    ACTNET_ASSIGN_OR_RETURN(int64_t bytes, value(copy.bytes));
    return add(CopyRecord{CopyKind::within, dst, src, uint64_t(bytes)}, stream,
               at);
  }
  case pkg::BodyKind::Fill: {
    const pkg::Fill &fill = *record.body.AsFill();
    ACTNET_ASSIGN_OR_RETURN(std::byte * dst, address(fill.dst));
    ACTNET_ASSIGN_OR_RETURN(int64_t bytes, value(fill.bytes));
    return add(FillRecord{dst, fill.pattern, fill.width, uint64_t(bytes)},
               stream, at);
  }
  case pkg::BodyKind::Signal:
    return add(SignalRecord{in.signals[record.body.AsSignal()->signal].get()},
               stream, at);
  case pkg::BodyKind::Await:
    return add(AwaitRecord{in.signals[record.body.AsAwait()->signal].get()},
               stream, at);
  case pkg::BodyKind::Branch: {
    const pkg::Branch &branch = *record.body.AsBranch();
    if (branch.type != pkg::DType::Bool || branch.blocks.size() > 2)
      return failedPrecondition("a branch on an integer is not supported yet");
    ACTNET_ASSIGN_OR_RETURN(std::byte * condition, address(branch.condition));
    JobSpec::Branch step{stream, condition, JobSpec::noBlock, JobSpec::noBlock};
    if (!branch.blocks.empty())
      step.then = newBlock();
    if (branch.blocks.size() > 1)
      step.otherwise = newBlock();
    addStep(step, at);
    if (!branch.blocks.empty())
      ACTNET_RETURN_IF_ERROR(block(*branch.blocks[0], step.then, depth + 1));
    if (branch.blocks.size() > 1)
      ACTNET_RETURN_IF_ERROR(
          block(*branch.blocks[1], step.otherwise, depth + 1));
    return okStatus();
  }
  case pkg::BodyKind::Loop:
    return loop(*record.body.AsLoop(), stream, at, depth);
  case pkg::BodyKind::Call: {
    ACTNET_ASSIGN_OR_RETURN(Record resolved, call(*record.body.AsCall()));
    return add(resolved, stream, at);
  }
  case pkg::BodyKind::Reply:
  case pkg::BodyKind::NONE:
    // The sender is answered when the whole job is done.
    return okStatus();
  }
  return okStatus();
}

Status Resolver::block(const pkg::Block &records, uint32_t at, unsigned depth) {
  if (depth > maxDepth)
    return outOfRange("blocks nest deeper than " + std::to_string(maxDepth));
  for (const auto &r : records.records)
    ACTNET_RETURN_IF_ERROR(record(*r, at, depth));
  return okStatus();
}

/// Bytes of an input or output as the caller sees it.
Expected<uint64_t> Resolver::tensorBytes(const pkg::Tensor &tensor) const {
  uint64_t bytes = pkg::dtypeBytes(tensor.dtype);
  for (pkg::ExprId id : tensor.shape) {
    ACTNET_ASSIGN_OR_RETURN(int64_t extent, value(id));
    if (extent < 0 || __builtin_mul_overflow(bytes, uint64_t(extent), &bytes))
      return outOfRange("'" + tensor.name + "' has no size for these dims");
  }
  return bytes;
}

/// Makes one copy per input or output, in the interface's order.
Status Resolver::transfers(bool up) {
  const pkg::Function &interface =
      *in.program->interface().functions[in.function];
  const auto &tensors = up ? interface.inputs : interface.outputs;
  std::vector<Record> &list = up ? job.uploads : job.downloads;
  list.assign(tensors.size(), CopyRecord{up ? CopyKind::up : CopyKind::down,
                                         nullptr, nullptr, 0});
  std::vector<uint8_t> &placed = job.placed;
  placed.assign(tensors.size(), 0);
  pkg::Region region = up ? pkg::Region::Input : pkg::Region::Output;
  for (uint32_t id = 0; id < function.buffers.size(); ++id) {
    const pkg::Buffer &buffer = *function.buffers[id];
    uint32_t index = buffer.binding;
    if (buffer.region != region || index >= list.size() || placed[index])
      continue;
    placed[index] = true;
    ACTNET_ASSIGN_OR_RETURN(uint64_t bytes, tensorBytes(*tensors[index]));
    ACTNET_ASSIGN_OR_RETURN(int64_t room, value(buffer.size));
    if (uint64_t(room) < bytes)
      return dataLoss("'" + tensors[index]->name + "' needs " +
                      std::to_string(bytes) + " bytes, its buffer has " +
                      std::to_string(room));
    ACTNET_ASSIGN_OR_RETURN(std::byte * place, address(id));
    auto &copy = std::get<CopyRecord>(list[index]);
    copy.src = up ? in.inputs[index] : place;
    copy.dst = up ? place : in.outputs[index];
    copy.bytes = copy.src && copy.dst ? bytes : 0;
    if (in.staging) {
      std::byte *staged =
          in.staging + (place - (in.arena + in.layout->ringOffset(0)));
      if (up)
        copy.src = staged;
      else
        copy.dst = staged;
    }
  }
  // An input that nothing reads may have no buffer; an output must.
  for (size_t i = 0; !up && i < tensors.size(); ++i)
    if (!placed[i])
      return dataLoss("output '" + tensors[i]->name +
                      "' has no buffer in the plan");
  return okStatus();
}

/// Says which variables the job reads and which it overwrites: one that it
/// only ever writes as a whole is repaired by the job, all others must be
/// sound.
void Resolver::resources() {
  struct Use {
    bool reads = false, writes = false;
  };
  std::vector<Use> uses(in.program->interface().variables.size());
  auto use = [&](uint32_t id, pkg::Access access) {
    const pkg::Buffer &buffer = *function.buffers[id];
    const pkg::Buffer &root =
        buffer.root == pkg::none ? buffer : *function.buffers[buffer.root];
    if (root.region != pkg::Region::State)
      return;
    Use &u = uses[root.binding];
    bool part = buffer.size != root.size;
    u.reads |= access != pkg::Access::Write || part;
    u.writes |= access != pkg::Access::Read;
  };
  auto walk = [&](auto &self, const pkg::Block &block) -> void {
    for (const auto &record : block.records) {
      if (const auto *launch = record->body.AsLaunch()) {
        const auto &access = plan.kernels[launch->kernel]->access;
        for (size_t i = 0; i < launch->operands.size(); ++i)
          use(launch->operands[i],
              i < access.size() ? access[i] : pkg::Access::ReadWrite);
      } else if (const auto *call = record->body.AsCall()) {
        for (size_t i = 0; i < call->operands.size(); ++i)
          use(call->operands[i], call->access[i]);
      } else if (const auto *copy = record->body.AsCopy()) {
        use(copy->src, pkg::Access::Read);
        // How much a copy or fill covers is known per job only.
        use(copy->dst, pkg::Access::ReadWrite);
      } else if (const auto *fill = record->body.AsFill()) {
        use(fill->dst, pkg::Access::ReadWrite);
      } else if (const auto *branch = record->body.AsBranch()) {
        use(branch->condition, pkg::Access::Read);
        for (const auto &nested : branch->blocks)
          self(self, *nested);
      } else if (const auto *loop = record->body.AsLoop()) {
        if (loop->condition != pkg::none)
          use(loop->condition, pkg::Access::Read);
        if (loop->counter != pkg::none)
          use(loop->counter, pkg::Access::ReadWrite);
        self(self, *loop->body);
      }
    }
  };
  walk(walk, *function.body);
  for (uint32_t v = 0; v < uses.size(); ++v) {
    if (uses[v].reads)
      job.spec.reads.push_back(v);
    if (uses[v].writes)
      job.spec.writes.push_back(v);
  }
}

/// Streams are ordered by events alone. Stream 0 carries the transfers, or
/// waits for them, and the jobs share scratch: the other streams begin after
/// its upload, and it ends after them.
Status Resolver::barrier(uint32_t at, bool opens) {
  Event *first = function.streams > 1 ? in.barriers[0].get() : nullptr;
  if (first && opens)
    ACTNET_RETURN_IF_ERROR(add(SignalRecord{first}, 0, at));
  for (uint32_t s = 1; s < function.streams; ++s) {
    if (opens) {
      ACTNET_RETURN_IF_ERROR(add(AwaitRecord{first}, s, at));
      continue;
    }
    Event *done = in.barriers[s].get();
    ACTNET_RETURN_IF_ERROR(add(SignalRecord{done}, s, at));
    ACTNET_RETURN_IF_ERROR(add(AwaitRecord{done}, 0, at));
  }
  return okStatus();
}

/// Drops what was there before and is no more.
void Resolver::finish() {
  job.spec.blocks.resize(job.stepCounts.size());
  for (size_t b = 0; b < job.stepCounts.size(); ++b)
    job.spec.blocks[b].resize(job.stepCounts[b]);
}

Status Resolver::run() {
  job.spec.executable = in.executable;
  job.spec.stepping = in.stepping;
  job.stepCounts.clear();
  job.firstDownload = 0;
  uint32_t start = newBlock();
  ACTNET_RETURN_IF_ERROR(transfers(true));
  ACTNET_RETURN_IF_ERROR(transfers(false));
  bool apart = in.staging != nullptr;
  bool up = in.transfers && !job.uploads.empty();
  bool down = in.transfers && !job.downloads.empty();
  if (apart && up)
    job.uploads.push_back(SignalRecord{in.uploaded});
  if (apart && down) {
    job.downloads.insert(job.downloads.begin(), AwaitRecord{in.computed});
    job.firstDownload = 1;
  }
  // Lines of their own, also beside others of the same stream: their pointers
  // change with every job, those of the rest never.
  if (up)
    newLine(in.uploadStream, start)
        .assign(job.uploads.begin(), job.uploads.end());
  newLine(0, start);
  if (apart && up)
    ACTNET_RETURN_IF_ERROR(add(AwaitRecord{in.uploaded}, 0, start));
  ACTNET_RETURN_IF_ERROR(barrier(start, true));
  ACTNET_RETURN_IF_ERROR(block(*function.body, start, 0));
  ACTNET_RETURN_IF_ERROR(barrier(start, false));
  if (apart && down)
    ACTNET_RETURN_IF_ERROR(add(SignalRecord{in.computed}, 0, start));
  if (down)
    newLine(in.downloadStream, start)
        .assign(job.downloads.begin(), job.downloads.end());
  finish();
  // Which variables are read and written depends on no dim.
  if (!std::exchange(job.hasResources, true))
    resources();
  return okStatus();
}
} // namespace

Status rt::resolveJob(const ResolveInput &input, ResolvedJob &job) {
  Status resolved = Resolver(input, job).run();
  if (resolved)
    return resolved;
  return std::move(resolved).addContext(
      "function '" +
      input.program->interface().functions[input.function]->name + "'");
}
