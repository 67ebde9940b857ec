//===- Verify.cpp - the contract of the actor level -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Holds every record to the kernel that it launches. Nothing here is shared
// with the pass that makes the records.

#include "Regions.h"

#include "actnet/Dialect/Actor/Transforms/Passes.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "actnet/Dialect/Kernel/IR/Strides.h"
#include "actnet/Dialect/Kernel/Transforms/CheckSchedule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace actnet::actor {
#define GEN_PASS_DEF_ACTORVERIFY
#include "actnet/Dialect/Actor/Transforms/Passes.h.inc"
} // namespace actnet::actor

using namespace mlir;
using namespace actnet;
using namespace actnet::actor;
using graph::DimExprAttr;

/// Who should have kept the contract.
static constexpr const char *kMaker =
    "; `kernel-to-actor` should have made them agree";

namespace {

/// What a kernel does with one operand, in the dims of the function.
struct Operand {
  Box box; ///< From the slot's start on.
  int64_t elementBytes = 1;
  bool isResult = false;
};

/// The kernels of a module, as records see them.
class Kernels {
public:
  explicit Kernels(ModuleOp module) : symbols(module) {}

  kernel::FuncOp lookup(FlatSymbolRefAttr name) {
    return symbols.lookup<kernel::FuncOp>(name.getValue());
  }
  func::FuncOp recipe(FlatSymbolRefAttr name) {
    return symbols.lookup<func::FuncOp>(name.getValue());
  }
  VariableOp variable(FlatSymbolRefAttr name) {
    return symbols.lookup<VariableOp>(name.getValue());
  }
  /// The operands for these dims.
  ArrayRef<Operand> operands(kernel::FuncOp kernel, ArrayAttr dims);
  /// Checks what a kernel says about itself, once.
  LogicalResult check(kernel::FuncOp kernel) {
    auto [it, isNew] = checked.try_emplace(kernel, true);
    if (isNew)
      it->second = succeeded(kernel::checkSchedule(kernel));
    return success(it->second);
  }

private:
  SymbolTable symbols;
  llvm::DenseMap<Operation *, bool> checked;
  llvm::DenseMap<std::pair<Operation *, Attribute>, SmallVector<Operand>> known;
};

/// One write: boxes of a root that hold a value from then on.
struct Written {
  Box box;
  int32_t stream = 0;
  int64_t position = 0;
};

class Checker {
public:
  Checker(ModuleOp module, FuncOp function, Kernels &kernels)
      : module(module), function(function), kernels(kernels),
        facts(module, function) {}

  LogicalResult run();

private:
  using State = llvm::DenseMap<Operation *, SmallVector<Written>>;
  using Clock = llvm::DenseMap<int32_t, int64_t>;

  LogicalResult checkBuffer(BufferOp op);
  LogicalResult checkView(ViewOp op);
  LogicalResult checkBlock(Block &block);
  LogicalResult checkRecord(Operation &op);
  LogicalResult checkLaunch(Operation *op, FlatSymbolRefAttr callee,
                            ValueRange slots, ArrayAttr dims,
                            DimExprAttr tiles);
  LogicalResult checkAliases(Operation *op, kernel::FuncOp kernel,
                             ValueRange slots, ArrayRef<Operand> operands);
  LogicalResult checkCall(CallOp op);
  LogicalResult checkCopy(CopyOp op);
  LogicalResult checkBranch(BranchOp op);
  LogicalResult checkLoop(LoopOp op);
  LogicalResult checkOutputs(ReplyOp op);

  /// "record 3, launch of @relu ('layer')", for messages.
  std::string nameOf(Operation *op) const;
  /// "buffer 5 ('a')" or "output 'y'".
  std::string nameOf(Value slot) const;
  InFlightDiagnostic error(Operation *op) {
    return op->emitError() << nameOf(op) << ": ";
  }

  /// A box of a slot as one of its root.
  Box inRoot(Value slot, Box box) const;
  Box wholeOf(Value slot, DimExprAttr bytes) const {
    return inRoot(slot, Box::run(constant(0), bytes));
  }
  DimExprAttr constant(int64_t value) const {
    return graph::dimConstant(module.getContext(), value);
  }
  /// A slot that is written before the function begins.
  static bool isGiven(BufferOp root) {
    return root.getRegion() != actor::Region::scratch &&
           root.getRegion() != actor::Region::output;
  }
  LogicalResult checkHolds(Operation *op, Value slot, DimExprAttr bytes,
                           const Twine &what);
  LogicalResult read(Operation *op, Value slot, const Box &box,
                     const Twine &what);
  void write(Value slot, const Box &box, int32_t stream);
  static int32_t streamOf(Operation *op) {
    auto stream = op->getAttrOfType<IntegerAttr>("stream");
    return stream ? int32_t(stream.getInt()) : 0;
  }

  mutable ModuleOp module; // Handles: MLIR's accessors are not const.
  mutable FuncOp function;
  Kernels &kernels;
  Facts facts;
  State written;
  /// Of each stream, up to which position it sees the records of each other.
  llvm::DenseMap<int32_t, Clock> seen;
  llvm::DenseMap<Value, std::pair<int32_t, Clock>> signals;
  int64_t position = 0;
  bool hasStreams = false;
  llvm::DenseMap<Operation *, int64_t> numbers; ///< records, slots
};

} // namespace

static DimExprAttr substitute(DimExprAttr expr, ArrayAttr dims) {
  return graph::dimSubstitute(expr, [&](StringRef name) -> DimExprAttr {
    size_t i;
    if (!name.consume_front("d") || name.getAsInteger(10, i) ||
        i >= dims.size())
      return {};
    return cast<DimExprAttr>(dims[i]);
  });
}

ArrayRef<Operand> Kernels::operands(kernel::FuncOp kernel, ArrayAttr dims) {
  auto [it, isNew] = known.try_emplace({kernel, dims});
  if (!isNew)
    return it->second;
  auto add = [&](Type type, ArrayRef<DimExprAttr> extents,
                 ArrayRef<DimExprAttr> strides, bool isResult) {
    SmallVector<DimExprAttr> at, steps;
    for (auto [extent, stride] : llvm::zip(extents, strides)) {
      at.push_back(substitute(extent, dims));
      steps.push_back(substitute(stride, dims));
    }
    Operand operand;
    operand.elementBytes = graph::getElementBytes(getElementTypeOrSelf(type));
    operand.box =
        Box::elements(at, steps, operand.elementBytes, kernel.getContext());
    operand.isResult = isResult;
    it->second.push_back(std::move(operand));
  };
  for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i)
    add(kernel.getArgumentTypes()[i], kernel.getArgDims(i),
        kernel.getArgStrides(i), false);
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes()))
    add(type, kernel.getResultDims(i), kernel.getResultStrides(i), true);
  return it->second;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::string Checker::nameOf(Operation *op) const {
  std::string text = "record " + std::to_string(numbers.lookup(op)) + ", ";
  auto add = [&](StringRef verb, StringRef symbol,
                 std::optional<StringRef> layer) {
    text += (verb + " of @" + symbol).str();
    if (layer && !layer->empty())
      text += (" ('" + *layer + "')").str();
  };
  if (auto launch = dyn_cast<LaunchOp>(op))
    add("launch", launch.getCallee(), launch.getLayer());
  else if (auto call = dyn_cast<CallOp>(op);
           call && call.getFallback().has_value())
    add("call in place", *call.getFallback(), call.getLayer());
  else
    text += op->getName().stripDialect();
  return text;
}

std::string Checker::nameOf(Value slot) const {
  BufferOp root = getRoot(slot);
  std::string text;
  if (root.getSymbol())
    text = (stringifyRegion(root.getRegion()) + " @" + *root.getSymbol()).str();
  else if (root.getIndex()) {
    ArrayAttr tensors = root.getRegion() == actor::Region::input
                            ? function.getInputs()
                            : function.getOutputs();
    text = (stringifyRegion(root.getRegion()) + " '" +
            cast<TensorAttr>(tensors[*root.getIndex()]).getName() + "'")
               .str();
  } else {
    text = "buffer " + std::to_string(numbers.lookup(root));
    if (root.getName() && !root.getName()->empty())
      text += (" ('" + *root.getName() + "')").str();
  }
  if (auto view = slot.getDefiningOp<ViewOp>())
    text += " from byte " + graph::toString(view.getOffset());
  return text;
}

/// The values of the dims for which something is wrong; nothing where there are
/// no dims.
static std::string describe(const std::string &where) {
  return where == " " ? std::string() : " where " + where;
}

//===----------------------------------------------------------------------===//
// Buffers and views
//===----------------------------------------------------------------------===//

LogicalResult Checker::checkBuffer(BufferOp op) {
  RankedTensorType type;
  if (op.getIndex()) {
    ArrayAttr tensors = op.getRegion() == actor::Region::input
                            ? function.getInputs()
                            : function.getOutputs();
    type = cast<TensorAttr>(tensors[*op.getIndex()]).getType();
  } else if (op.getRegion() == actor::Region::weight) {
    type = cast<RankedTensorType>(
        kernels.recipe(op.getSymbolAttr()).getResultTypes()[0]);
  } else if (op.getRegion() == actor::Region::state) {
    type =
        cast<RankedTensorType>(kernels.variable(op.getSymbolAttr()).getType());
  } else {
    return success();
  }
  SmallVector<DimExprAttr> dims = graph::getDims(type);
  DimExprAttr bytes =
      graph::dimMul(graph::dimProduct(module.getContext(), dims),
                    constant(graph::getElementBytes(type.getElementType())));
  if (std::string where = facts.isOther(op.getSize(), bytes); !where.empty())
    return op.emitError() << nameOf(op.getSlot()) << " is " << type << " of "
                          << graph::toString(bytes) << " bytes, its buffer has "
                          << graph::toString(op.getSize()) << describe(where)
                          << kMaker;
  return success();
}

LogicalResult Checker::checkView(ViewOp op) {
  auto root = op.getRoot().getDefiningOp<BufferOp>();
  // From the first to behind the last element: nothing where there is none.
  std::string where = facts.isBelow(op.getOffset(), constant(0));
  if (where.empty() &&
      !facts.proves(root.getSize(),
                    graph::dimAdd(op.getOffset(), op.getSize())))
    where = facts.disproves([&](Facts::Evaluate value) {
      auto whole = value(root.getSize()), offset = value(op.getOffset()),
           size = value(op.getSize());
      return !whole || !offset || !size || *size <= 0 ||
             *offset + *size <= *whole;
    });
  if (where.empty())
    return success();
  return op.emitError() << "view of " << nameOf(op.getRoot()) << ": "
                        << graph::toString(op.getSize()) << " bytes from byte "
                        << graph::toString(op.getOffset())
                        << " on do not lie in the root's "
                        << graph::toString(root.getSize()) << " bytes"
                        << describe(where);
}

//===----------------------------------------------------------------------===//
// Reads and writes
//===----------------------------------------------------------------------===//

Box Checker::inRoot(Value slot, Box box) const {
  if (auto view = slot.getDefiningOp<ViewOp>())
    box.offset = graph::dimAdd(box.offset, view.getOffset());
  return box;
}

LogicalResult Checker::checkHolds(Operation *op, Value slot, DimExprAttr bytes,
                                  const Twine &what) {
  std::string where = facts.isBelow(getSlotSize(slot), bytes);
  if (where.empty())
    return success();
  return error(op) << what << " takes " << graph::toString(bytes) << " bytes, "
                   << nameOf(slot) << " has "
                   << graph::toString(getSlotSize(slot)) << describe(where)
                   << kMaker;
}

LogicalResult Checker::read(Operation *op, Value slot, const Box &box,
                            const Twine &what) {
  BufferOp root = getRoot(slot);
  if (isGiven(root))
    return success();
  SmallVector<Written> &all = written[root];
  SmallVector<Box> boxes;
  const Clock &clock = seen[streamOf(op)];
  for (const Written &one : all) {
    auto other = clock.find(one.stream);
    if (one.stream == streamOf(op) ||
        (other != clock.end() && one.position <= other->second) ||
        isa<ReplyOp>(op)) {
      if (one.box == box)
        return success();
      boxes.push_back(one.box);
    }
  }
  if (!boxes.empty()) {
    joinBoxes(boxes);
    // On one stream, what is joined stays so.
    if (!hasStreams) {
      all.clear();
      for (const Box &joined : boxes)
        all.push_back({joined, 0, position});
    }
    std::string where = findUncovered(box, boxes, facts);
    if (where.empty())
      return success();
    return error(op) << what << " reads " << graph::toString(box.span())
                     << " bytes of " << nameOf(slot)
                     << ", of which no record before it has written all"
                     << describe(where);
  }
  // A box without bytes is read by nobody.
  std::string where = findUncovered(box, {}, facts);
  if (where.empty())
    return success();
  return error(op) << what << " reads " << nameOf(slot)
                   << ", which no record before it has written";
}

void Checker::write(Value slot, const Box &box, int32_t stream) {
  BufferOp root = getRoot(slot);
  if (isGiven(root))
    return;
  SmallVector<Written> &all = written[root];
  if (llvm::none_of(all, [&](const Written &one) {
        return one.stream == stream && one.box == box;
      }))
    all.push_back({box, stream, position});
}

//===----------------------------------------------------------------------===//
// Launches and calls
//===----------------------------------------------------------------------===//

/// Whether a kernel may write the result over the operand.
static bool isPair(kernel::FuncOp kernel, unsigned operand, unsigned result) {
  ArrayRef<int64_t> pairs = kernel.getInplace().value_or(ArrayRef<int64_t>());
  for (size_t i = 0; i + 1 < pairs.size(); i += 2)
    if (pairs[i] == int64_t(operand) && pairs[i + 1] == int64_t(result))
      return true;
  return false;
}

static std::string nameOfOperand(kernel::FuncOp kernel, unsigned i) {
  unsigned inputs = kernel.getNumOperandTensors();
  return i < inputs ? "operand " + std::to_string(i)
                    : "result " + std::to_string(i - inputs);
}

LogicalResult Checker::checkAliases(Operation *op, kernel::FuncOp kernel,
                                    ValueRange slots,
                                    ArrayRef<Operand> operands) {
  unsigned inputs = kernel.getNumOperandTensors();
  for (unsigned r = inputs; r < operands.size(); ++r)
    for (unsigned i = 0; i < r; ++i) {
      if (getRoot(slots[i]) != getRoot(slots[r]))
        continue;
      Box result = inRoot(slots[r], operands[r].box),
          other = inRoot(slots[i], operands[i].box);
      if (i < inputs && isPair(kernel, i, r - inputs)) {
        // Element by element over the operand, or quite apart from it.
        bool isSame =
            result == other ||
            (result.offset == other.offset && result.isRun() && other.isRun() &&
             facts.isOther(result.span(), other.span()).empty());
        if (isSame)
          continue;
      }
      if (std::string where = findOverlap(result, other, facts); !where.empty())
        return error(op) << nameOfOperand(kernel, r) << " in "
                         << nameOf(slots[r]) << " overlaps "
                         << nameOfOperand(kernel, i) << " in "
                         << nameOf(slots[i]) << describe(where)
                         << ", and is no pair of the kernel's `inplace`"
                         << kMaker;
    }
  return success();
}

LogicalResult Checker::checkLaunch(Operation *op, FlatSymbolRefAttr callee,
                                   ValueRange slots, ArrayAttr dims,
                                   DimExprAttr tiles) {
  kernel::FuncOp kernel = kernels.lookup(callee);
  if (failed(kernels.check(kernel)))
    return failure();
  DimExprAttr expected = substitute(kernel.getTilesAttr(), dims);
  if (std::string where = facts.isOther(tiles, expected); !where.empty())
    return error(op) << "has " << graph::toString(tiles)
                     << " tiles, the kernel cuts into "
                     << graph::toString(expected) << describe(where) << kMaker;
  ArrayRef<Operand> operands = kernels.operands(kernel, dims);
  for (auto [i, operand, slot] : llvm::enumerate(operands, slots)) {
    std::string what = nameOfOperand(kernel, i);
    if (failed(checkHolds(op, slot, operand.box.span(), what)))
      return failure();
    DimExprAttr bytes = constant(operand.elementBytes);
    DimExprAttr offset = constant(0);
    if (auto view = slot.getDefiningOp<ViewOp>())
      offset = view.getOffset();
    std::string where =
        facts.isOther(graph::dimMod(offset, bytes), constant(0));
    if (where.empty() &&
        getRoot(slot).getAlignment() % uint64_t(operand.elementBytes))
      where = " ";
    if (!where.empty())
      return error(op) << what << " has elements of " << operand.elementBytes
                       << " bytes, " << nameOf(slot)
                       << " begins at no multiple of that" << describe(where)
                       << kMaker;
  }
  if (failed(checkAliases(op, kernel, slots, operands)))
    return failure();
  for (auto [i, operand, slot] : llvm::enumerate(operands, slots))
    if (!operand.isResult && failed(read(op, slot, inRoot(slot, operand.box),
                                         nameOfOperand(kernel, i))))
      return failure();
  for (auto [operand, slot] : llvm::zip(operands, slots))
    if (operand.isResult)
      write(slot, inRoot(slot, operand.box), streamOf(op));
  return success();
}

LogicalResult Checker::checkCall(CallOp op) {
  if (FlatSymbolRefAttr kernel = op.getFallbackAttr()) {
    SmallVector<Value> slots(op.getInputs());
    llvm::append_range(slots, op.getOutputs());
    return checkLaunch(op, kernel, slots, op.getFallbackDimsAttr(),
                       op.getTilesAttr());
  }
  // Nothing is known but which slots it reads and writes.
  for (auto [i, slot] : llvm::enumerate(op.getInputs()))
    if (failed(read(op, slot, wholeOf(slot, getSlotSize(slot)),
                    "operand " + Twine(i))))
      return failure();
  for (Value slot : op.getOutputs())
    write(slot, wholeOf(slot, getSlotSize(slot)), streamOf(op));
  return success();
}

LogicalResult Checker::checkCopy(CopyOp op) {
  if (failed(checkHolds(op, op.getSrc(), op.getBytes(), "the source")) ||
      failed(checkHolds(op, op.getDst(), op.getBytes(), "the destination")))
    return failure();
  Box from = wholeOf(op.getSrc(), op.getBytes()),
      to = wholeOf(op.getDst(), op.getBytes());
  if (getRoot(op.getSrc()) == getRoot(op.getDst()))
    if (std::string where = findOverlap(from, to, facts); !where.empty())
      return error(op) << "the destination in " << nameOf(op.getDst())
                       << " overlaps the source in " << nameOf(op.getSrc())
                       << describe(where);
  if (failed(read(op, op.getSrc(), from, "the source")))
    return failure();
  write(op.getDst(), to, streamOf(op));
  return success();
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

LogicalResult Checker::checkBranch(BranchOp op) {
  int64_t bytes =
      std::max<int64_t>(1, op.getType().getIntOrFloatBitWidth() / 8);
  Value condition = op.getCondition();
  if (failed(checkHolds(op, condition, constant(bytes), "the condition")) ||
      failed(read(op, condition, wholeOf(condition, constant(bytes)),
                  "the condition")))
    return failure();
  // What every block has written is written; where none may run, what was.
  State before = written;
  std::optional<State> after;
  if (op.getType().isInteger(1) && op.getBlocks().size() < 2)
    after = before;
  for (mlir::Region &block : op.getBlocks()) {
    written = before;
    if (failed(checkBlock(block.front())))
      return failure();
    if (!after) {
      after = written;
      continue;
    }
    for (auto &[root, boxes] : *after)
      llvm::erase_if(boxes, [&](const Written &one) {
        SmallVector<Box> others;
        for (const Written &other : written[root])
          others.push_back(other.box);
        joinBoxes(others);
        return !findUncovered(one.box, others, facts).empty();
      });
  }
  written = std::move(*after);
  return success();
}

LogicalResult Checker::checkLoop(LoopOp op) {
  if (Value condition = op.getCondition())
    if (failed(read(op, condition, wholeOf(condition, constant(1)),
                    "the condition")))
      return failure();
  State before = written;
  if (Value counter = op.getCounter()) {
    if (failed(checkHolds(op, counter, constant(8), "the counter")))
      return failure();
    write(counter, wholeOf(counter, constant(8)), streamOf(op));
  }
  if (failed(checkBlock(op.getBody().front())))
    return failure();
  // It may run no round.
  bool runs = !op.getCondition() && op.getTripsAttr() &&
              facts.proves(op.getTripsAttr(), constant(1));
  if (!runs)
    written = std::move(before);
  return success();
}

LogicalResult Checker::checkOutputs(ReplyOp op) {
  for (auto buffer : function.getOps<BufferOp>())
    if (buffer.getRegion() == actor::Region::output)
      if (failed(read(op, buffer.getSlot(),
                      Box::run(constant(0), buffer.getSize()), "the sender")))
        return failure();
  return success();
}

LogicalResult Checker::checkRecord(Operation &op) {
  ++position;
  if (auto launch = dyn_cast<LaunchOp>(op))
    return checkLaunch(&op, launch.getCalleeAttr(), launch.getOperands(),
                       launch.getDimsAttr(), launch.getTilesAttr());
  if (auto call = dyn_cast<CallOp>(op))
    return checkCall(call);
  if (auto copy = dyn_cast<CopyOp>(op))
    return checkCopy(copy);
  if (auto fill = dyn_cast<FillOp>(op)) {
    if (failed(checkHolds(fill, fill.getDst(), fill.getBytes(), "the fill")))
      return failure();
    write(fill.getDst(), wholeOf(fill.getDst(), fill.getBytes()),
          streamOf(fill));
    return success();
  }
  if (auto signal = dyn_cast<SignalOp>(op)) {
    int32_t stream = streamOf(signal);
    Clock clock = seen[stream];
    clock[stream] = position;
    signals[signal.getSignal()] = {stream, std::move(clock)};
    return success();
  }
  if (auto await = dyn_cast<AwaitOp>(op)) {
    Clock &clock = seen[streamOf(await)];
    auto signal = signals.find(await.getSignal());
    if (signal != signals.end())
      for (auto [stream, at] : signal->second.second)
        clock[stream] = std::max(clock.lookup(stream), at);
    return success();
  }
  if (auto branch = dyn_cast<BranchOp>(op))
    return checkBranch(branch);
  if (auto loop = dyn_cast<LoopOp>(op))
    return checkLoop(loop);
  if (auto reply = dyn_cast<ReplyOp>(op))
    return checkOutputs(reply);
  return success();
}

LogicalResult Checker::checkBlock(Block &block) {
  for (Operation &op : block) {
    if (isa<BufferOp, ViewOp>(op))
      continue;
    if (failed(checkRecord(op)))
      return failure();
  }
  return success();
}

LogicalResult Checker::run() {
  int64_t slots = 0, records = 0;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<FuncOp>(op))
      return;
    numbers[op] = isa<BufferOp, ViewOp>(op) ? slots++ : records++;
    hasStreams |= streamOf(op) != 0;
  });
  for (Operation &op : function.getBody().front()) {
    if (auto buffer = dyn_cast<BufferOp>(op))
      if (failed(checkBuffer(buffer)))
        return failure();
    if (auto view = dyn_cast<ViewOp>(op))
      if (failed(checkView(view)))
        return failure();
  }
  return checkBlock(function.getBody().front());
}

namespace {
struct ActorVerify : actnet::actor::impl::ActorVerifyBase<ActorVerify> {
  void runOnOperation() override {
    Kernels kernels(getOperation());
    for (auto function : getOperation().getOps<FuncOp>())
      if (failed(Checker(getOperation(), function, kernels).run()))
        return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
