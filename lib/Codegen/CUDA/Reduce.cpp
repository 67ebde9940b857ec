//===- Reduce.cpp - reductions and windows --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One generic reduces; what the kernel yields is elementwise behind it. Where
// neighbouring results read neighbouring elements, a thread has V of them and
// several threads share their elements (reduce.cuh), or, for windows, one walks
// over all of them (window.cuh). Where the elements of one result are
// neighbours, a row of threads reduces them (row.cuh).
//
//===----------------------------------------------------------------------===//

#include "Combiners.h"
#include "FamilyPrinter.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

constexpr int64_t kThreads = 256;

/// Threads with V neighbouring results each.
class ResultsPrinter : public FamilyPrinter {
public:
  ResultsPrinter(kernel::FuncOp kernel)
      : FamilyPrinter(kernel), root(roots()[0]), combiners(combinersOf(root)),
        isWindow(kernel.getFamily() != kernel::Family::reduce) {}
  LogicalResult schedule() override;
  /// Whether the elements of one result are neighbours and those of
  /// neighbouring results are not.
  bool isAlongRows();

protected:
  StringRef header() const override {
    return isWindow ? "window.cuh" : "reduce.cuh";
  }
  bool read() override;
  void functors() override;
  void statements() override;

private:
  void results();
  void oneByOne(ArrayRef<Index> at);
  /// Opens the loops over the reduced dims.
  void loops(Indices &dims, SmallVector<std::unique_ptr<Printer::Block>> &open);
  void step(ArrayRef<Index> dims, ArrayRef<Text> accumulators);
  Printer::Wide tryOut(int64_t width);

  linalg::GenericOp root;
  std::optional<SmallVector<Combiner>> combiners;
  bool isWindow;
  int64_t vector = 1, stripes = 1;
  bool isTogether = true; ///< The results are asked for at one place.
};

/// Chooses between the two, once.
class ReduceChooser : public FamilyPrinter {
public:
  using FamilyPrinter::FamilyPrinter;
  LogicalResult schedule() override;

protected:
  StringRef header() const override { return "reduce.cuh"; }
  bool read() override { return false; }
  void functors() override {}
  void statements() override {}
};

} // namespace

void ResultsPrinter::step(ArrayRef<Index> dims, ArrayRef<Text> accumulators) {
  unsigned inputs = root.getNumDpsInputs();
  Texts operands = p.operands(root, dims, inputs);
  if (combiners) {
    SmallVector<Value> wanted;
    for (const Combiner &combiner : *combiners)
      wanted.push_back(combiner.value);
    Texts values = p.body(root, dims, operands, wanted);
    for (auto [combiner, accumulator, value] :
         llvm::zip(*combiners, accumulators, values))
      p.line(accumulator + " = " + combiner.name + "::combine(" + accumulator +
             ", " + value + ");");
    return;
  }
  operands.append(accumulators.begin(), accumulators.end());
  Texts values = p.body(root, dims, operands, {}), next;
  for (auto [i, value] : llvm::enumerate(values))
    next.push_back(p.define(
        p.computeType(getElementTypeOrSelf(root.getResult(i).getType())),
        value));
  for (auto [accumulator, value] : llvm::zip(accumulators, next))
    p.line(accumulator + " = " + value + ";");
}

void ResultsPrinter::loops(Indices &dims,
                           SmallVector<std::unique_ptr<Printer::Block>> &open) {
  SmallVector<unsigned> places;
  Dims reduced = reducedDims(root, places);
  for (auto [d, size] : llvm::zip(places, reduced)) {
    if (graph::constantValue(size) == 1) {
      dims[d] = p.constant(0);
      continue;
    }
    Text name = "r" + std::to_string(d);
    open.push_back(std::make_unique<Printer::Block>(
        p, "for (i64 " + name + " = 0; " + name + " < " + p.text(size) +
               "; ++" + name + ") {"));
    dims[d] = p.variable(name);
  }
}

/// Everything right where it is asked for.
void ResultsPrinter::oneByOne(ArrayRef<Index> at) {
  for (OpResult result : root->getResults())
    p.bind(result, [&, result](ArrayRef<Index> where) -> Text {
      Indices dims(root.getNumLoops(), p.constant(0));
      AffineMap map = root.getMatchingIndexingMap(
          root.getDpsInitOperand(result.getResultNumber()));
      for (auto [i, expr] : llvm::enumerate(map.getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          dims[dim.getPosition()] = where[i];
      Texts accumulators;
      for (OpOperand &init : root.getDpsInitsMutable()) {
        Text before = p.element(
            init.get(), p.map(root.getMatchingIndexingMap(&init), dims));
        accumulators.push_back(p.fresh());
        p.line(p.computeType(getElementTypeOrSelf(init.get().getType())) + " " +
               accumulators.back() + " = " + before + ";");
      }
      {
        SmallVector<std::unique_ptr<Printer::Block>> open;
        loops(dims, open);
        step(dims, accumulators);
        while (!open.empty())
          open.pop_back();
      }
      return Text(accumulators[result.getResultNumber()]);
    });
  Texts values;
  for (unsigned i = 0; i < numResults(); ++i)
    values.push_back(p.element(yielded(i), at));
  for (auto [i, value] : llvm::enumerate(values))
    p.store(i, at, value);
}

void ResultsPrinter::results() {
  Dims space = kernel.getResultDims(0);
  unsigned last = lastDim(space);
  p.wide = {};
  p.line(vector > 1 ? "// Results i to i + V - 1." : "// Result i.");
  Printer::Block block(
      p, isWindow ? "template <int V> ACTNET_DEVICE void run(i64 i) const {"
                  : "template <int V, class Stripe>\n" + Text(2, ' ') +
                        "ACTNET_DEVICE void run(const Stripe &stripe, i64 i) "
                        "const {");
  p.setMultiple(p.variable("i"), vector);
  Indices at = p.split("i", "i", 0, space);
  if (vector > 1 && !at.empty())
    p.setMultiple(at[last], vector);
  auto along = [&](Index lane) {
    Indices lanes(at);
    if (vector > 1 && !at.empty())
      lanes[last] = lanes[last] + lane;
    return lanes;
  };

  // Where the epilogue asks for the reduction.
  std::optional<Indices> asked;
  {
    Printer before = p;
    {
      Printer::Lanes lanes(p, vector, true);
      asked = askedAt(root, along(lanes.lane));
    }
    bool failed = p.failed();
    p = before;
    if (failed)
      p.setFailed();
  }
  isTogether = asked.has_value();
  if (!asked) {
    if (!isWindow)
      p.line("if (!stripe.writes())\n" + Text(6, ' ') + "return;");
    oneByOne(at);
    return;
  }
  for (Index &index : *asked)
    if (!index)
      index = p.constant(0);

  Texts accumulators, elements, types;
  for (unsigned n = 0; n < root.getNumResults(); ++n) {
    types.push_back(
        p.computeType(getElementTypeOrSelf(root.getResult(n).getType())));
    accumulators.push_back("total" + std::to_string(n));
    elements.push_back(accumulators.back() + "[k]");
    p.line(types.back() + " " + accumulators.back() + "[V];");
  }
  {
    Printer::Lanes lanes(p, vector, true);
    for (unsigned n = 0; n < root.getNumResults(); ++n) {
      OpOperand *init = root.getDpsInitOperand(n);
      Text first =
          combiners
              ? (*combiners)[n].name.str() + "::identity<" + types[n] + ">()"
              : p.element(init->get(),
                          p.map(root.getMatchingIndexingMap(init), *asked));
      p.line(elements[n] + " = " + first + ";");
    }
  }
  {
    SmallVector<std::unique_ptr<Printer::Block>> open;
    Indices dims(*asked);
    if (isWindow || !combiners) {
      if (!isWindow)
        open.push_back(
            std::make_unique<Printer::Block>(p, "if (stripe.isInside) {"));
      loops(dims, open);
    } else {
      SmallVector<unsigned> places;
      Dims reduced = reducedDims(root, places);
      open.push_back(std::make_unique<Printer::Block>(
          p,
          "eachElement(stripe, " + p.text(product(reduced)) + ", [&](i64 r) {",
          "});"));
      for (auto [d, index] : llvm::zip(places, p.split("r", "r", 0, reduced)))
        dims[d] = index;
    }
    {
      Printer::Lanes lanes(p, vector, true);
      step(dims, elements);
    }
    while (!open.empty())
      open.pop_back();
  }
  if (!isWindow) {
    if (combiners && stripes > 1)
      for (auto [combiner, accumulator] : llvm::zip(*combiners, accumulators))
        p.line("combineStripes<" + combiner.name + ">(stripe, " + accumulator +
               ");");
    p.line("if (!stripe.writes())\n" + Text(6, ' ') + "return;");
  }
  Printer::Lanes lanes(p, vector, true);
  Indices here = along(lanes.lane);
  for (unsigned n = 0; n < root.getNumResults(); ++n) {
    OpOperand *init = root.getDpsInitOperand(n);
    Type type = getElementTypeOrSelf(init->get().getType());
    Text total = elements[n];
    if (combiners) {
      // What the result was before: nothing new in most cases.
      StringRef name = (*combiners)[n].name;
      Text before = p.element(init->get(),
                              p.map(root.getMatchingIndexingMap(init), *asked));
      if (before != p.literal(type, identityOf(name, type)))
        total = p.define(types[n], name.str() + "::combine(" + before + ", " +
                                       total + ")");
    }
    p.bind(root.getResult(n), total);
  }
  Texts values;
  for (unsigned i = 0; i < numResults(); ++i)
    values.push_back(p.element(yielded(i), here));
  for (auto [i, value] : llvm::enumerate(values))
    p.store(i, here, value);
}

Printer::Wide ResultsPrinter::tryOut(int64_t width) {
  Printer before = p;
  vector = width;
  results();
  Printer::Wide wide = p.wide;
  bool failed = p.failed();
  p = before;
  if (failed)
    p.setFailed();
  return wide;
}

bool ResultsPrinter::isAlongRows() {
  SmallVector<unsigned> places;
  Dims reduced = reducedDims(root, places);
  Dims space = kernel.getResultDims(0);
  if (!combiners || p.failed() || !askedAt(root, p.split("i", "i", 0, space)))
    return false;
  // Few elements: a thread by itself.
  auto count = graph::constantValue(product(reduced));
  if (count && *count < 16)
    return false;
  Printer::Wide lanes = tryOut(2);
  bool reads = llvm::any_of(lanes.pointers, [](const Text &pointer) {
    return StringRef(pointer).starts_with("in");
  });
  return !reads || lanes.narrow > 0;
}

LogicalResult ResultsPrinter::schedule() {
  Dims space = kernel.getResultDims(0);
  for (unsigned i = 1; i < numResults(); ++i)
    if (kernel.getResultDims(i) != space)
      return kernel.emitError()
             << "the CUDA code generator needs results of the same dims in a "
                "kernel of family "
             << kernel::stringifyFamily(kernel.getFamily());
  SmallVector<unsigned> places;
  auto count = graph::constantValue(product(reducedDims(root, places)));
  if (p.failed())
    return failure();
  auto last = space.empty() ? std::optional<int64_t>(1)
                            : graph::constantValue(space[lastDim(space)]);
  int64_t chosen = 1;
  for (int64_t width : {8, 4, 2}) {
    if (last && *last % width)
      continue;
    Printer::Wide wide = tryOut(width);
    if (p.failed())
      return failure();
    if (isTogether && !wide.pointers.empty() && wide.narrow == 0 &&
        wide.bytes * width <= 16) {
      chosen = width;
      break;
    }
  }
  tryOut(1);
  if (p.failed())
    return failure();
  vector = chosen;
  // As many stripes as keep the GPU busy.
  if (!isWindow && combiners && isTogether && (!count || *count >= 32)) {
    auto results = graph::constantValue(product(space));
    int64_t vectors = last ? std::max<int64_t>(1, *last / vector) : 32;
    if (!results || *results / vector < (1 << 16))
      stripes = vectors < 16 || (results && *results / vector < 4096 && count &&
                                 *count >= 1024)
                    ? 32
                    : 8;
  }
  int64_t width = kThreads / stripes;
  setSchedule(graph::dimCeilDiv(product(space), constant(width * vector)),
              kThreads, 0,
              {{"kind", wordAttr(isWindow ? "window" : "columns")},
               {"vector", numberAttr(vector)},
               {"stripes", numberAttr(stripes)}});
  return success();
}

bool ResultsPrinter::read() {
  vector = number("vector");
  stripes = number("stripes");
  return vector > 0 && stripes > 0;
}

void ResultsPrinter::functors() {
  Printer::Block functor(p, "struct " + named("results") + " {", "};\n");
  members();
  results();
}

void ResultsPrinter::statements() {
  Dims space = kernel.getResultDims(0);
  SmallVector<graph::DimExprAttr> multiples;
  if (vector > 1 && !graph::constantValue(space[lastDim(space)]))
    multiples.push_back(space[lastDim(space)]);
  Text wide = isWide(p.wide, vector, multiples),
       arguments = functor("results") + ", " + p.text(product(space)) + ",\n" +
                   Text(6, ' ') + wide + ");";
  if (isWindow)
    p.line("windowTile<" + Twine(vector) + ">(" + arguments);
  else
    p.line("reduceTile<" + Twine(vector) + ", " + Twine(kThreads / stripes) +
           ", " + Twine(stripes) + ">(" + arguments);
}

LogicalResult ReduceChooser::schedule() {
  ResultsPrinter results(kernel);
  if (ResultsPrinter(kernel).isAlongRows())
    return makeRowPrinter(kernel)->schedule();
  return results.schedule();
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeReducePrinter(kernel::FuncOp kernel) {
  DictionaryAttr schedule = kernel.getScheduleAttr();
  auto kind = schedule ? schedule.getAs<StringAttr>("kind") : StringAttr();
  if (!kind)
    return std::make_unique<ReduceChooser>(kernel);
  if (kind == "row")
    return makeRowPrinter(kernel);
  return std::make_unique<ResultsPrinter>(kernel);
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeWindowPrinter(kernel::FuncOp kernel) {
  return std::make_unique<ResultsPrinter>(kernel);
}
