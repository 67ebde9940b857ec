//===- ContractPlain.cpp - products and attention, element by element -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes every product and every attention, slowly: the root's element is a loop
// where it is used.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

constexpr int64_t kThreads = 256;

class PlainPrinter : public FamilyPrinter {
public:
  using FamilyPrinter::FamilyPrinter;
  LogicalResult schedule() override;

protected:
  StringRef header() const override { return "element.cuh"; }
  bool read() override {
    return kernel.getScheduleAttr().get("plain") != nullptr;
  }
  void functors() override;
  void statements() override;

private:
  graph::DimExprAttr count();
  Text product(linalg::GenericOp root, ArrayRef<Index> at);
  Text attention(kernel::AttentionOp op, ArrayRef<Index> at);
};

/// for (i64 NAME = 0; NAME < extent; ++NAME) { … } while it lives.
class Loop {
public:
  Loop(Printer &p, graph::DimExprAttr extent)
      : name(p.fresh()), block(p, "for (i64 " + name + " = 0; " + name + " < " +
                                      p.text(extent) + "; ++" + name + ") {"),
        index(p.variable(name)) {}

private:
  Text name;
  Printer::Block block;

public:
  Index index;
};

} // namespace

graph::DimExprAttr PlainPrinter::count() {
  graph::DimExprAttr sum = constant(0);
  for (unsigned i = 0; i < numResults(); ++i)
    sum = graph::dimAdd(sum, FamilyPrinter::product(kernel.getResultDims(i)));
  return sum;
}

LogicalResult PlainPrinter::schedule() {
  setSchedule(graph::dimCeilDiv(count(), constant(kThreads)), kThreads, 0,
              {{"plain", UnitAttr::get(kernel.getContext())}});
  return success();
}

Text PlainPrinter::product(linalg::GenericOp root, ArrayRef<Index> at) {
  AffineMap out = root.getMatchingIndexingMap(root.getDpsInitOperand(0));
  if (root.getNumDpsInits() != 1 || !out.isProjectedPermutation())
    return p.fail(root, "needs one output that is a permutation of parallel "
                        "dims");
  Dims extents = p.loopDims(root);
  Indices loops(extents.size());
  for (auto [i, expr] : llvm::enumerate(out.getResults()))
    loops[cast<AffineDimExpr>(expr).getPosition()] = at[i];
  Type type = getElementTypeOrSelf(root.getResult(0).getType());
  Text before = p.element(root.getDpsInits()[0], at), sum = p.fresh();
  p.line(p.computeType(type) + " " + sum + " = " + before + ";");
  SmallVector<std::unique_ptr<Loop>> nest;
  for (auto [i, index] : llvm::enumerate(loops))
    if (!index) {
      nest.push_back(std::make_unique<Loop>(p, extents[i]));
      index = nest.back()->index;
    }
  Texts operands = p.operands(root, loops, root.getNumDpsInputs());
  operands.push_back(sum);
  p.line(sum + " = " + p.body(root, loops, operands, {})[0] + ";");
  while (!nest.empty())
    nest.pop_back();
  return sum;
}

Text PlainPrinter::attention(kernel::AttentionOp op, ArrayRef<Index> at) {
  enum { S = 2, T = 3, D = 4 };
  unsigned last = op->getNumOperands() - 1;
  auto mapOf = [&](unsigned i) {
    return cast<AffineMapAttr>(op.getIndexingMaps()[i]).getValue();
  };
  if (!mapOf(last).isProjectedPermutation())
    return p.fail(op, "needs an output map that is a permutation");
  Dims extents(6, constant(1));
  // Masks may be broadcast: their dims do not count.
  for (unsigned i = 0; i <= last; ++i)
    if (!(op.getMask() && i == 3))
      for (auto [d, expr] : llvm::enumerate(mapOf(i).getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          extents[dim.getPosition()] = p.dimOf(op->getOperand(i), d);
  Indices loops(6, p.constant(0));
  for (auto [i, expr] : llvm::enumerate(mapOf(last).getResults()))
    loops[cast<AffineDimExpr>(expr).getPosition()] = at[i];
  auto element = [&](unsigned i) {
    return p.element(op->getOperand(i), p.map(mapOf(i), loops));
  };
  bool isDouble = getElementTypeOrSelf(op.getResult().getType()).isF64();
  Text type = isDouble ? "double" : "float", exp = isDouble ? "exp" : "expf";
  Type real = isDouble ? Type(Float64Type::get(kernel.getContext()))
                       : Type(Float32Type::get(kernel.getContext()));
  Text scale =
      p.literal(real, FloatAttr::get(real, op.getScale().convertToDouble()));

  auto hide = [&](const Twine &condition, const Twine &score) {
    p.line("if (" + condition + ")");
    p.line("  " + score + " = -infinity();");
  };
  // The score of the key that loops[T] is.
  auto score = [&]() -> Text {
    Text sum = p.fresh();
    p.line(type + " " + sum + " = 0;");
    {
      Loop loop(p, extents[D]);
      loops[D] = loop.index;
      Text q = element(0), k = element(1);
      p.line(sum + " += " + type + "(" + q + ") * " + type + "(" + k + ");");
    }
    loops[D] = p.constant(0);
    p.line(sum + " *= " + scale + ";");
    if (op.getMask()) {
      Text mask = element(3);
      if (getElementTypeOrSelf(op.getMask().getType()).isInteger(1))
        hide("!" + mask, sum);
      else
        p.line(sum + " += " + mask + ";");
    }
    if (op.getCausal())
      hide(p.text(loops[T]) + " > " + p.text(loops[S]) + " + (" +
               p.text(extents[T]) + ") - (" + p.text(extents[S]) + ")",
           sum);
    return sum;
  };
  Text largest = p.fresh(), total = p.fresh(), result = p.fresh();
  p.line(type + " " + largest + " = -infinity();");
  {
    Loop loop(p, extents[T]);
    loops[T] = loop.index;
    Text x = score();
    p.line(largest + " = maximum(" + largest + ", " + x + ");");
  }
  p.line(type + " " + total + " = 0, " + result + " = 0;");
  {
    Loop loop(p, extents[T]);
    loops[T] = loop.index;
    Text x = score(), v = element(2), weight = p.fresh();
    p.line("const " + type + " " + weight + " = " + exp + "(" + x + " - " +
           largest + ");");
    p.line(total + " += " + weight + ";");
    p.line(result + " += " + weight + " * " + type + "(" + v + ");");
  }
  // Of no key, and of a softmax that is no number where guarded: 0.
  Text zero =
      op.getGuarded() ? total + " > 0" : "(" + p.text(extents[T]) + ") > 0";
  Text value =
      "(" + zero + " ? " + result + " / " + total + " : " + type + "(0))";
  Type own = getElementTypeOrSelf(op.getResult().getType());
  if (Printer::isNarrowFloat(own))
    value = "rounded<" + p.memoryType(own) + ">(" + value + ")";
  return p.define(type, value);
}

void PlainPrinter::functors() {
  for (linalg::GenericOp root : roots())
    p.bind(root.getResult(0),
           [this, root](ArrayRef<Index> at) { return product(root, at); });
  for (auto op : kernel.getBody().getOps<kernel::AttentionOp>())
    p.bind(op.getResult(),
           [this, op](ArrayRef<Index> at) { return attention(op, at); });
  Printer::Block functor(p, "struct " + named("element") + " {", "};\n");
  members();
  p.line("// Element i, counted through all results; none behind the last.");
  Printer::Block block(p, "ACTNET_DEVICE void operator()(i64 i) const {");
  for (unsigned r = 0; r < numResults(); ++r) {
    Dims dims = kernel.getResultDims(r);
    Text size = p.text(FamilyPrinter::product(dims));
    {
      Printer::Block own(p, "if (i < " + size + ") {");
      Indices at = p.split("i", "i", 0, dims);
      p.store(r, at, p.element(yielded(r), at));
      p.line("return;");
    }
    if (r + 1 < numResults())
      p.line("i -= " + size + ";");
  }
}

void PlainPrinter::statements() {
  p.line("elementTile(" + functor("element") + ");");
}

std::unique_ptr<FamilyPrinter> cuda::makePlainPrinter(kernel::FuncOp kernel) {
  return std::make_unique<PlainPrinter>(kernel);
}
