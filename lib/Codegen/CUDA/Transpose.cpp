//===- Transpose.cpp - elementwise kernels that turn an operand -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A map whose result runs along one dim and one of its operands along another,
// both long: that operand goes through shared memory. What else the body does
// is printed as in any map.
//
//===----------------------------------------------------------------------===//

#include "FamilyPrinter.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

constexpr int64_t kThreads = 256, kTile = 32;
/// Below, half of a tile and more would be empty.
constexpr int64_t kLeast = 16;

class TransposePrinter : public FamilyPrinter {
public:
  using FamilyPrinter::FamilyPrinter;
  /// Finds an operand that is worth it.
  bool find();
  LogicalResult schedule() override;

protected:
  StringRef header() const override { return "transpose.cuh"; }
  bool read() override { return find(); }
  void functors() override;
  void statements() override;

private:
  Indices begin();
  bool isLong(unsigned d) {
    auto size = graph::constantValue(space[d]);
    return !size || *size >= kLeast;
  }
  void write(ArrayRef<Index> at);

  Dims space, outer;
  /// Dims along which the operand and the results run.
  unsigned along = 0, across = 0;
  BlockArgument operand;
  Indices place; ///< Of the operand.
};

} // namespace

/// Splits o; indices of the results.
Indices TransposePrinter::begin() {
  Indices rest = p.split("o", "i", 0, outer), at;
  unsigned next = 0;
  for (unsigned d = 0; d < space.size(); ++d)
    at.push_back(d == along    ? p.variable("a")
                 : d == across ? p.variable("c")
                               : rest[next++]);
  return at;
}

void TransposePrinter::write(ArrayRef<Index> at) {
  // All are computed before any is written: a result may lie in an operand.
  Texts values;
  for (unsigned i = 0; i < numResults(); ++i)
    values.push_back(p.element(yielded(i), at));
  for (auto [i, value] : llvm::enumerate(values))
    p.store(i, at, value);
}

bool TransposePrinter::find() {
  space = kernel.getResultDims(0);
  for (unsigned i = 1; i < numResults(); ++i)
    if (kernel.getResultDims(i) != space)
      return false;
  across = lastDim(space);
  if (space.size() < 2 || !isLong(across))
    return false;
  for (along = across; along-- > 0;) {
    if (!isLong(along))
      continue;
    outer.clear();
    for (unsigned d = 0; d < space.size(); ++d)
      if (d != along && d != across)
        outer.push_back(space[d]);
    Printer before = p;
    llvm::DenseMap<Value, Indices> places;
    llvm::DenseSet<Value> several;
    p.onElement = [&](Value tensor, ArrayRef<Index> at) {
      if (!isa<BlockArgument>(tensor))
        return;
      auto [it, isNew] = places.try_emplace(tensor, llvm::to_vector(at));
      if (p.isConditional() || (!isNew && ArrayRef(it->second) != at))
        several.insert(tensor);
    };
    Index a, c;
    {
      Printer::Block block(p, "{");
      Indices at = begin();
      a = at[along];
      c = at[across];
      write(at);
    }
    for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i) {
      BlockArgument argument = kernel.getBody().getArgument(i);
      auto it = places.find(argument);
      if (it == places.end() || several.contains(argument))
        continue;
      auto byA = p.stepOf(kernel.getArgStrides(i), it->second, a),
           byC = p.stepOf(kernel.getArgStrides(i), it->second, c);
      if (byA != 1 || !byC || *byC == 0 || *byC == 1)
        continue;
      operand = argument;
      place = it->second;
      break;
    }
    bool failed = p.failed();
    p = before;
    if (failed)
      p.setFailed();
    if (operand || failed)
      return !failed;
  }
  return false;
}

LogicalResult TransposePrinter::schedule() {
  graph::DimExprAttr tile = constant(kTile);
  setSchedule(
      graph::dimMul(product(outer),
                    graph::dimMul(graph::dimCeilDiv(space[along], tile),
                                  graph::dimCeilDiv(space[across], tile))),
      kThreads, 0,
      {{"kind", wordAttr("transpose")},
       {"operand", numberAttr(operand.getArgNumber())}});
  return success();
}

void TransposePrinter::functors() {
  Type element = getElementTypeOrSelf(operand.getType());
  Text type = p.memoryType(element);
  Printer::Block functor(p, "struct " + named("tile") + " {", "};\n");
  members();
  p.line("// The element of in" + Twine(operand.getArgNumber()) +
         " for result (o, a, c).");
  {
    Printer::Block load(p, "ACTNET_DEVICE " + type +
                               " load(i64 o, i64 a, i64 c) const {");
    (void)begin();
    p.line("return " + p.memoryElement(operand, place) + ";");
  }
  Printer::Block block(p, "ACTNET_DEVICE void write(i64 o, i64 a, i64 c, " +
                              type + " x) const {");
  Indices at = begin();
  p.bind(operand, [&](ArrayRef<Index>) -> Text {
    return p.define(p.computeType(element), p.loaded(element, "x"));
  });
  write(at);
}

void TransposePrinter::statements() {
  p.line("transposeTile<" +
         p.memoryType(getElementTypeOrSelf(operand.getType())) + ">(" +
         functor("tile") + ", " + p.text(space[along]) + ", " +
         p.text(space[across]) + ");");
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeTransposePrinter(kernel::FuncOp kernel) {
  auto printer = std::make_unique<TransposePrinter>(kernel);
  DictionaryAttr schedule = kernel.getScheduleAttr();
  if (schedule && schedule.get("threads"))
    return schedule.get("kind") ? std::move(printer) : nullptr;
  return printer->find() ? std::move(printer) : nullptr;
}
