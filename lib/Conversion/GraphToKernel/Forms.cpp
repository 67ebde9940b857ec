//===- Forms.cpp - values that need no kernel of their own ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Forms.h"

#include "Partition.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

using namespace mlir;
using namespace actnet;
using graph::DimExprAttr;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

//===----------------------------------------------------------------------===//
// Prefixes
//===----------------------------------------------------------------------===//

void actnet::shareConcatPrefixes(Block &block) {
  // Concats by their first operand and axis, with the operands they had.
  struct Known {
    graph::ConcatOp op;
    SmallVector<Value> inputs;
  };
  DenseMap<std::pair<Value, uint64_t>, SmallVector<Known>> known;
  for (auto op : block.getOps<graph::ConcatOp>()) {
    SmallVector<Value> inputs(op.getInputs());
    if (inputs.size() < 2)
      continue;
    auto &others = known[{inputs[0], op.getAxis()}];
    Known *longest = nullptr;
    for (Known &other : others)
      if (other.inputs.size() < inputs.size() &&
          (!longest || longest->inputs.size() < other.inputs.size()) &&
          ArrayRef(inputs).take_front(other.inputs.size()) ==
              ArrayRef(other.inputs))
        longest = &other;
    if (longest) {
      SmallVector<Value> nested{longest->op.getY()};
      llvm::append_range(nested,
                         ArrayRef(inputs).drop_front(longest->inputs.size()));
      op.getInputsMutable().assign(nested);
    }
    others.push_back({op, std::move(inputs)});
  }
}

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

namespace {

class FormFinder {
public:
  explicit FormFinder(Block &block) : block(block) {}

  Forms run() {
    findConstants();
    // Outer concats are settled before the concats they hold.
    for (Operation &op : llvm::reverse(block))
      if (auto concat = dyn_cast<graph::ConcatOp>(op))
        settleParts(concat);
    for (Operation &op : block)
      if (auto slice = dyn_cast<graph::SliceOp>(op))
        settleSlice(slice);
    return std::move(forms);
  }

private:
  Block &block;
  Forms forms;

  void findConstants() {
    for (Operation &op : block) {
      bool constant = isa<graph::ConstantOp>(op);
      if (!constant && op.getNumOperands() > 0 && op.getNumResults() == 1 &&
          isa<graph::GraphDialect>(op.getDialect()))
        constant = llvm::all_of(op.getOperands(), [&](Value v) {
          return forms.constants.contains(v);
        });
      // A weight has a fixed size: what broadcasts over a named dim is none.
      if (constant && typeOf(op.getResult(0)).hasStaticShape())
        forms.constants.insert(op.getResult(0));
    }
  }

  /// Strides of a value that is no constant.
  kernel::Strides stridesOf(Value v) {
    if (ArrayRef<DimExprAttr> known = forms.stridesOf(v); !known.empty())
      return kernel::Strides(known);
    return kernel::denseStrides(v.getContext(), graph::getDims(typeOf(v)));
  }

  /// Whether all kernels that read `v` can read it with these strides, and
  /// whether one of them would need a kernel before it otherwise.
  struct Readers {
    bool allCan = true, oneMust = false;
  };
  Readers readersOf(Value v, ArrayRef<DimExprAttr> strides,
                    Operation *except = nullptr) {
    Readers readers;
    for (OpOperand &use : v.getUses()) {
      Operation *user = use.getOwner();
      if (user == except)
        continue;
      if (auto reshape = dyn_cast<graph::ReshapeOp>(user)) {
        auto seen =
            kernel::reshapeStrides(v.getContext(), graph::getDims(typeOf(v)),
                                   strides, graph::getDims(typeOf(reshape)));
        if (!seen)
          return {false, false};
        Readers behind = readersOf(reshape.getY(), *seen);
        readers.allCan &= behind.allCan;
        readers.oneMust |= behind.oneMust;
        continue;
      }
      // The left operand of a contraction, what a window slides over, and
      // whatever elementwise kernels, reductions and rows read.
      bool isHeavy = isa<graph::AttentionOp, graph::EinsumOp, graph::ConvOp,
                         graph::PoolOp>(user);
      bool isFirst = use.getOperandNumber() == 0;
      if (!isa_and_nonnull<graph::GraphDialect>(user->getDialect()) ||
          isa<graph::AssumeOp, graph::ConcatOp, graph::PackOp,
              graph::ScatterOp>(user) ||
          (isHeavy && !isFirst && !isa<graph::AttentionOp>(user)))
        return {false, false};
      readers.oneMust |= isHeavy;
    }
    return readers;
  }

  /// Marks the reshapes of a value that is not dense.
  void spread(Value v) {
    for (Operation *user : v.getUsers())
      if (auto reshape = dyn_cast<graph::ReshapeOp>(user)) {
        forms.views.insert(reshape);
        forms.strides[reshape.getY()] = *kernel::reshapeStrides(
            v.getContext(), graph::getDims(typeOf(v)), stridesOf(v),
            graph::getDims(typeOf(reshape)));
        spread(reshape.getY());
      }
  }

  /// A grouped convolution's kernel writes a tensor of one dim more.
  static bool isGrouped(Operation *op) {
    auto conv = dyn_cast<graph::ConvOp>(op);
    return conv && conv.getGroups() > 1 && !isDepthwise(conv);
  }

  /// An operand of a concat lies in it from the start if its other readers can
  /// do with the concat's strides.
  void settleParts(graph::ConcatOp concat) {
    if (concat.getInputs().size() < 2 ||
        forms.constants.contains(concat.getY()))
      return;
    kernel::Strides strides = stridesOf(concat.getY());
    for (Value input : concat.getInputs()) {
      Operation *producer = input.getDefiningOp();
      if (!producer || forms.constants.contains(input) ||
          forms.strides.contains(input) ||
          isa<graph::AssumeOp, graph::ReshapeOp, graph::ScatterOp,
              graph::SliceOp>(producer) ||
          isGrouped(producer) || llvm::count(concat.getInputs(), input) > 1 ||
          !readersOf(input, strides, concat).allCan)
        continue;
      forms.strides[input] = strides;
      forms.partOf[input] = concat;
      spread(input);
    }
  }

  void settleSlice(graph::SliceOp slice) {
    Value x = slice.getX(), y = slice.getY();
    if (forms.constants.contains(x) || typeOf(y).getRank() == 0 ||
        llvm::any_of(slice.getSteps(), [](int64_t s) { return s != 1; }))
      return;
    kernel::Strides strides = stridesOf(x);
    Readers readers = readersOf(y, strides);
    if (!readers.allCan || !readers.oneMust)
      return;
    forms.views.insert(slice);
    forms.strides[y] = strides;
    spread(y);
  }
};

} // namespace

Forms actnet::findForms(Block &block) { return FormFinder(block).run(); }
