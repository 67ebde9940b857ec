//===- Partition.cpp - which operations become one kernel -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The walk goes from the function's end to its beginning. The last operation
// that is in no group yet starts one; producers join as long as the rules of
// Partition.h hold. A group is emitted where its last operation stands, so a
// value may leave a group early only towards users behind that place.
//
//===----------------------------------------------------------------------===//

#include "Partition.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace actnet {

using kernel::Family;

/// Operations a kernel; larger groups gain nothing and compile slowly.
static constexpr unsigned kMaxGroupSize = 48;
/// Operand tensors a kernel.
static constexpr unsigned kMaxOperands = 24;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

Role roleOf(Operation *op, const Forms &forms) {
  if (!isa_and_nonnull<graph::GraphDialect>(op->getDialect()))
    return Role::Other;
  if (isa<graph::ConstantOp>(op) ||
      (op->getNumResults() == 1 && forms.constants.contains(op->getResult(0))))
    return Role::Constant;
  if (forms.views.contains(op))
    return Role::View;
  return TypeSwitch<Operation *, Role>(op)
      .Case<graph::ReshapeOp, graph::AssumeOp>([](auto) { return Role::View; })
      .Case<graph::BroadcastOp, graph::IotaOp, graph::DimValueOp>(
          [](auto) { return Role::Free; })
      .Case<graph::ConcatOp>([](auto) { return Role::Join; })
      .Case<graph::EinsumOp, graph::ConvOp, graph::PoolOp, graph::ReduceOp,
            graph::SoftmaxOp, graph::LogSoftmaxOp, graph::LayerNormOp,
            graph::RmsNormOp, graph::GroupNormOp, graph::AttentionOp,
            graph::ScatterOp>([](auto) { return Role::Heavy; })
      .Default([](Operation *) { return Role::Light; });
}

static Family familyOf(Operation *root) {
  return TypeSwitch<Operation *, Family>(root)
      .Case<graph::EinsumOp>([](auto) { return Family::contract; })
      .Case<graph::ConvOp>([](graph::ConvOp conv) {
        return isDepthwise(conv)   ? Family::depthwise
               : isPointwise(conv) ? Family::contract
                                   : Family::conv;
      })
      .Case<graph::PoolOp>([](auto) { return Family::pool; })
      .Case<graph::ReduceOp>([](graph::ReduceOp op) {
        return op.getKind() == graph::ReduceKind::logsumexp ? Family::row
                                                            : Family::reduce;
      })
      .Case<graph::AttentionOp>([](auto) { return Family::attention; })
      .Case<graph::ScatterOp>([](auto) { return Family::scatter; })
      .Default([](Operation *) { return Family::row; });
}

/// True where the operation's cost an element is far above a multiplication.
static bool isDear(Operation *op) {
  return isa<graph::ExpOp, graph::LogOp, graph::TanhOp, graph::SigmoidOp,
             graph::ErfOp, graph::SinOp, graph::CosOp, graph::PowOp,
             graph::GeluOp, graph::DivOp, graph::SqrtOp, graph::RsqrtOp,
             graph::ReciprocalOp>(op);
}

/// True where a producer may stand between a root and the end of its kernel.
static bool isEpilogue(Operation *op) {
  return !isa<graph::TransposeOp, graph::SliceOp, graph::PadOp, graph::GatherOp,
              graph::GatherElementsOp, graph::PackOp, graph::BroadcastOp,
              graph::IotaOp>(op);
}

/// True where the kernel of this family may compute a producer of the root
/// itself: it reads each element once, or few times.
static bool takesPrologue(Family family, Operation *producer,
                          KernelTarget target) {
  switch (family) {
  case Family::map:
    return true;
  case Family::reduce:
  case Family::row:
    return !isa<graph::PackOp>(producer);
  case Family::contract:
  case Family::conv:
    // Each element is read once for each tile of columns, and window.
    return target == KernelTarget::cuda && isEpilogue(producer) &&
           !isDear(producer);
  default:
    return false;
  }
}

namespace {

class Partitioner {
public:
  Partitioner(Block &block, KernelTarget target)
      : block(block), target(target) {}

  Partition run() {
    unsigned next = 0;
    for (Operation &op : block)
      position[&op] = next++;
    result.forms = findForms(block);
    for (Operation &op : llvm::reverse(block)) {
      Role role = roleOf(&op, result.forms);
      if (role != Role::Light && role != Role::Heavy && role != Role::Free)
        continue;
      if (taken.contains(&op))
        continue;
      // A free operation stands alone only where something needs its value.
      if (role == Role::Free && !escapes(&op))
        continue;
      grow(&op);
    }
    std::reverse(result.groups.begin(), result.groups.end());
    for (auto [i, group] : llvm::enumerate(result.groups))
      result.groupOfLast[group.ops.back()] = i;
    return std::move(result);
  }

private:
  Block &block;
  KernelTarget target;
  Partition result;
  DenseMap<Operation *, unsigned> position;
  DenseSet<Operation *> taken;

  bool escapes(Operation *op) {
    for (Operation *user : op->getUsers()) {
      Role role = roleOf(user, result.forms);
      if (role == Role::Other || role == Role::View || role == Role::Join)
        return true;
      if (!canBeComputedInside(user))
        return true;
    }
    return false;
  }

  /// Whether some kernel that computes `user` can compute its free operands.
  static bool canBeComputedInside(Operation *user) {
    return !isa<graph::EinsumOp, graph::ConvOp, graph::PoolOp,
                graph::AttentionOp, graph::ScatterOp>(user);
  }

  void grow(Operation *last) {
    Group group;
    DenseSet<Operation *> inside;
    DenseSet<Value> outputs;
    // Operations between the root and the end, whose shape is the root's.
    DenseSet<Operation *> behindRoot;
    auto add = [&](Operation *op) {
      inside.insert(op);
      group.ops.push_back(op);
      if (roleOf(op, result.forms) != Role::Free)
        taken.insert(op);
    };
    add(last);
    if (roleOf(last, result.forms) == Role::Heavy) {
      group.root = last;
      group.family = familyOf(last);
    }
    outputs.insert(last->getResult(0));
    RankedTensorType space = typeOf(last->getResult(0));
    unsigned end = position[last];

    for (size_t i = 0; i < group.ops.size() && group.ops.size() < kMaxGroupSize;
         ++i) {
      Operation *user = group.ops[i];
      for (Value operand : user->getOperands()) {
        Operation *producer = operand.getDefiningOp();
        if (!producer || inside.contains(producer) || taken.contains(producer))
          continue;
        Role role = roleOf(producer, result.forms);
        if (role == Role::Free) {
          if (canBeComputedInside(user))
            add(producer);
          continue;
        }
        if (role != Role::Light && role != Role::Heavy)
          continue;
        if (countOperands(inside) > kMaxOperands) {
          group.outside.push_back({producer, "the kernel has many operands"});
          break;
        }
        StringRef why =
            role == Role::Heavy && outputs.size() > 1
                ? StringRef("the kernel has several results already")
                : refusal(producer, role, user, group, inside, space, end);
        if (!why.empty()) {
          group.outside.push_back({producer, why});
          continue;
        }
        add(producer);
        if (role == Role::Heavy) {
          group.root = producer;
          group.family = familyOf(producer);
        }
        if (llvm::any_of(producer->getUsers(),
                         [&](Operation *u) { return !inside.contains(u); }))
          outputs.insert(producer->getResult(0));
      }
    }
    llvm::sort(group.ops, [&](Operation *a, Operation *b) {
      return position[a] < position[b];
    });
    group.outputs.push_back(last->getResult(0));
    for (Operation *op : group.ops)
      if (op != last && outputs.contains(op->getResult(0)))
        group.outputs.push_back(op->getResult(0));
    result.groups.push_back(std::move(group));
  }

  unsigned countOperands(const DenseSet<Operation *> &inside) {
    DenseSet<Value> operands;
    for (Operation *op : inside)
      for (Value v : op->getOperands())
        if (!v.getDefiningOp() || !inside.contains(v.getDefiningOp()))
          operands.insert(v);
    return operands.size();
  }

  /// Whether `user` and all inside users of it between it and the end are
  /// elementwise of the kernel's own shape: `user`'s operand can be the root.
  bool onlyEpilogueBehind(Operation *op, const DenseSet<Operation *> &inside,
                          RankedTensorType space) {
    SmallVector<Operation *> work{op};
    DenseSet<Operation *> seen;
    while (!work.empty()) {
      Operation *current = work.pop_back_val();
      if (!seen.insert(current).second)
        continue;
      if (!isEpilogue(current) ||
          roleOf(current, result.forms) != Role::Light ||
          !llvm::equal(graph::getDims(typeOf(current->getResult(0))),
                       graph::getDims(space)))
        return false;
      for (Operation *next : current->getUsers())
        if (inside.contains(next))
          work.push_back(next);
    }
    return true;
  }

  /// Whether the operation lies behind the group's root.
  bool isBehindRoot(Operation *op, const Group &group,
                    const DenseSet<Operation *> &inside) {
    if (!group.root)
      return false;
    SmallVector<Operation *> work{group.root};
    DenseSet<Operation *> seen;
    while (!work.empty()) {
      Operation *current = work.pop_back_val();
      if (current == op)
        return true;
      if (!seen.insert(current).second)
        continue;
      for (Operation *next : current->getUsers())
        if (inside.contains(next))
          work.push_back(next);
    }
    return false;
  }

  /// Why a producer has to stay outside of a group; nothing if it joins.
  StringRef refusal(Operation *producer, Role role, Operation *user,
                    const Group &group, const DenseSet<Operation *> &inside,
                    RankedTensorType space, unsigned end) {
    Value value = producer->getResult(0);
    RankedTensorType type = typeOf(value);
    bool sameSpace = llvm::equal(graph::getDims(type), graph::getDims(space));
    // Users elsewhere must come later, and can only be given a whole tensor of
    // the kernel's own shape.
    for (Operation *other : producer->getUsers())
      if (!inside.contains(other)) {
        if (position[other] <= end)
          return "another kernel reads it before this one runs";
        if (!sameSpace || role == Role::Heavy ||
            group.family == Family::contract || group.family == Family::conv ||
            group.family == Family::depthwise ||
            group.family == Family::attention || group.family == Family::pool ||
            group.family == Family::reduce)
          return "another kernel reads it too, and this one has no second "
                 "result of that shape";
        if (isa<graph::GatherOp, graph::GatherElementsOp, graph::TransposeOp,
                graph::PackOp>(producer))
          return "another kernel reads it too, and it only moves elements";
      } else if (isNeededAgain(other, inside)) {
        return "other kernels compute a free operation on it too";
      }
    if (role == Role::Heavy) {
      if (group.root)
        return "a kernel has one heavy operation, and this one has another";
      if (!sameSpace)
        return "its shape is not the kernel's";
      if (isa<graph::ScatterOp>(producer))
        return "a scatter's elements are done only when all updates are";
      // A grouped convolution's result has a dim more: no epilogue fits it.
      if (auto conv = dyn_cast<graph::ConvOp>(producer))
        if (conv.getGroups() > 1 && !isDepthwise(conv))
          return "a grouped convolution has no epilogue";
      // Everything that is inside already must stand behind the new root or
      // beside it.
      for (Operation *other : producer->getUsers())
        if (inside.contains(other) && !onlyEpilogueBehind(other, inside, space))
          return "what stands behind it is not elementwise of its shape";
      // What is inside already was taken under the rules of a map.
      return allPlain(inside) ? "" : "a gather or a pad stands beside it";
    }
    if (isa<graph::PackOp>(producer))
      return "packing is a kernel of its own";
    // Computing a dear value again for each broadcast is not free; in front of
    // a root, what it reads is the space.
    bool inFront = group.root &&
                   (user == group.root || !isBehindRoot(user, group, inside));
    RankedTensorType around =
        inFront ? typeOf(group.root->getOperand(0)) : space;
    if (isDear(producer) &&
        !llvm::equal(graph::getDims(type), graph::getDims(around)) &&
        elementsBelow(type, around))
      return "it is dear, and would be computed again for each broadcast";
    if (!group.root)
      return "";
    if (!inFront) // another operand of the epilogue: elementwise only
      return !isEpilogue(producer) ? "an epilogue is elementwise"
             : isDear(producer)    ? "it is dear, and no part of the chain"
                                   : "";
    if (!takesPrologue(group.family, producer, target))
      return "this family reads its operands from memory";
    if (tooWideForRoot(group.root, producer))
      return "it would be computed again for each row";
    bool isContraction =
        group.family == Family::contract || group.family == Family::conv;
    return isContraction && isEpilogueOfAnother(producer)
               ? "the kernel before it computes it once"
               : "";
  }

  /// Whether the kernel of a heavy operation before it can compute this light
  /// one, once, where a contraction would compute it for each tile.
  bool isEpilogueOfAnother(Operation *op) {
    RankedTensorType space = typeOf(op->getResult(0));
    llvm::SetVector<Operation *> behind;
    behind.insert(op);
    // Again when one joins: its operands may have had it as a user elsewhere.
    for (size_t before = 0; before != behind.size();) {
      before = behind.size();
      for (size_t i = 0; i < behind.size() && i < kMaxGroupSize; ++i)
        for (Value operand : behind[i]->getOperands()) {
          Operation *producer = operand.getDefiningOp();
          if (!producer || taken.contains(producer) ||
              !llvm::all_of(
                  operand.getUsers(),
                  [&](Operation *user) { return behind.contains(user); }) ||
              !llvm::equal(graph::getDims(typeOf(operand)),
                           graph::getDims(space)))
            continue;
          Role role = roleOf(producer, result.forms);
          if (role == Role::Heavy)
            return true;
          if (role == Role::Light && isEpilogue(producer))
            behind.insert(producer);
        }
    }
    return false;
  }

  /// Whether other kernels compute this free operation too: they read what it
  /// reads, and may run before this one.
  bool isNeededAgain(Operation *op, const DenseSet<Operation *> &inside) {
    if (roleOf(op, result.forms) != Role::Free)
      return false;
    return llvm::any_of(op->getUsers(), [&](Operation *user) {
      return !inside.contains(user) || isNeededAgain(user, inside);
    });
  }

  /// Gathers and pads in front of a root's epilogue are left to kernels of
  /// their own.
  static bool allPlain(const DenseSet<Operation *> &inside) {
    return llvm::all_of(inside, [](Operation *op) {
      return isEpilogue(op) || isa<graph::BroadcastOp, graph::IotaOp>(op);
    });
  }

  /// A norm's scale must not be recomputed for each row.
  static bool tooWideForRoot(Operation *root, Operation *producer) {
    return producer->getResult(0) != root->getOperand(0) &&
           llvm::is_contained(root->getOperands(), producer->getResult(0));
  }

  static bool elementsBelow(RankedTensorType small, RankedTensorType large) {
    if (small.hasStaticShape() && large.hasStaticShape())
      return small.getNumElements() < large.getNumElements();
    MLIRContext *context = small.getContext();
    return graph::dimProduct(context, graph::getDims(small)) !=
           graph::dimProduct(context, graph::getDims(large));
  }
};

} // namespace

Partition partition(Block &block, KernelTarget target) {
  return Partitioner(block, target).run();
}

} // namespace actnet
