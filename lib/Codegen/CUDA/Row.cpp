//===- Row.cpp - softmax, norms and their like ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row's passes (its reductions, then its results) are printed one after the
// other. Tensors of the whole space that two or more passes ask for, and that
// no reduction is part of, are kept on the chip; which they are is found by
// printing. Reductions along the innermost dims of their operand are rows too,
// with nothing to keep.
//
//===----------------------------------------------------------------------===//

#include "Combiners.h"
#include "FamilyPrinter.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

/// Registers of a thread for kept columns, and shared memory that every
/// architecture has, in bytes.
constexpr int64_t kRegisterBytes = 128, kSharedBytes = 96 << 10;
constexpr unsigned kMaxKept = 4;

class RowPrinter : public FamilyPrinter {
public:
  RowPrinter(kernel::FuncOp kernel)
      : FamilyPrinter(kernel),
        isReduce(kernel.getFamily() == kernel::Family::reduce) {}
  LogicalResult schedule() override;

protected:
  StringRef header() const override { return "row.cuh"; }
  bool read() override;
  void functors() override;
  void statements() override;

private:
  LogicalResult analyse();
  void run();
  void pass(function_ref<void(Index lane)> body);
  void keep();
  void reduce(linalg::GenericOp root);
  void results();
  Indices loopsOf(linalg::GenericOp root);
  void bindKept();
  /// Prints and forgets.
  Printer::Wide tryOut();
  void chooseKept();
  bool canBeKept(Value tensor);
  bool dependsOnReduction(Value tensor);
  int64_t bytesAColumn();
  Type memoryOf(Value kept);

  bool isReduce;
  /// The iteration space; results are of all of it or of its rows.
  Dims rows, columns, space;
  /// Family reduce: where the results ask for the reduction.
  std::optional<Indices> asked;
  SmallVector<SmallVector<unsigned>, 2> ofSpace{2}; ///< Results of rows, space.

  bool isShared = false;
  int64_t vector = 1, slots = 0;
  SmallVector<Value> kept;

  // While printing.
  Indices rowAt, at;       ///< Of this row; of the column at hand.
  unsigned passNumber = 0; ///< Reductions, then results.
};

} // namespace

LogicalResult RowPrinter::analyse() {
  SmallVector<linalg::GenericOp> all = roots();
  if (all.empty())
    return kernel.emitError()
           << "the CUDA code generator needs a reduction in a row kernel";
  if (isReduce) {
    rows = kernel.getResultDims(0);
    SmallVector<unsigned> places;
    columns = reducedDims(all[0], places);
    space = rows;
    llvm::append_range(space, columns);
    for (unsigned i = 0; i < numResults(); ++i) {
      if (kernel.getResultDims(i) != rows)
        return kernel.emitError()
               << "the CUDA code generator needs results of the same dims in a "
                  "kernel of family reduce";
      ofSpace[0].push_back(i);
    }
    return success(!p.failed());
  }
  space = p.loopDims(all[0]);
  unsigned rank = space.size() - all[0].getNumReductionLoops();
  rows.assign(space.begin(), space.begin() + rank);
  columns.assign(space.begin() + rank, space.end());
  for (linalg::GenericOp root : all)
    if (p.loopDims(root) != space ||
        root.getNumReductionLoops() != columns.size())
      return root.emitError() << "the CUDA code generator needs reductions "
                                 "over the same dims in a row kernel";
  for (unsigned i = 0; i < numResults(); ++i) {
    Dims dims = kernel.getResultDims(i);
    if (product(dims) == product(space) && dims == space)
      ofSpace[1].push_back(i);
    else if (product(dims) == product(rows))
      ofSpace[0].push_back(i);
    else
      return kernel.emitError()
             << "the CUDA code generator needs results of a row's or of the "
                "rows' dims in a row kernel";
  }
  return success(!p.failed());
}

//===----------------------------------------------------------------------===//
// What is kept
//===----------------------------------------------------------------------===//

bool RowPrinter::dependsOnReduction(Value tensor) {
  SmallVector<Value> work{tensor};
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    Value value = work.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op || !seen.insert(value).second)
      continue;
    if (auto generic = dyn_cast<linalg::GenericOp>(op);
        generic && generic.getNumReductionLoops())
      return true;
    llvm::append_range(work, op->getOperands());
  }
  return false;
}

bool RowPrinter::canBeKept(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getRank() != static_cast<int64_t>(space.size()) ||
      isa_and_present<tensor::EmptyOp, linalg::FillOp, arith::ConstantOp>(
          tensor.getDefiningOp()))
    return false;
  for (auto [d, size] : llvm::enumerate(space))
    if (p.dimOf(tensor, d) != size)
      return false;
  return !dependsOnReduction(tensor);
}

Type RowPrinter::memoryOf(Value tensor) {
  Type element = getElementTypeOrSelf(tensor.getType());
  // What is computed is kept as it is computed with.
  return Printer::isNarrowFloat(element) && !isa<BlockArgument>(tensor)
             ? Type(Float32Type::get(kernel.getContext()))
             : element;
}

int64_t RowPrinter::bytesAColumn() {
  int64_t bytes = 0;
  for (Value tensor : kept)
    bytes += std::max(1u, memoryOf(tensor).getIntOrFloatBitWidth() / 8);
  return bytes;
}

void RowPrinter::chooseKept() {
  kept.clear();
  if (isReduce)
    return;
  while (kept.size() < kMaxKept) {
    // Which passes ask for which tensor at their own column.
    llvm::MapVector<Value, llvm::SmallSet<unsigned, 8>> asking;
    Printer before = p;
    p.onElement = [&](Value tensor, ArrayRef<Index> where) {
      if (p.isInLanes() && where == ArrayRef(at))
        asking[tensor].insert(passNumber);
    };
    run();
    bool failed = p.failed();
    p = before;
    if (failed) {
      p.setFailed();
      return;
    }
    Value last;
    for (auto &[tensor, passes] : asking) {
      if (passes.size() < 2 || llvm::is_contained(kept, tensor) ||
          !canBeKept(tensor))
        continue;
      auto isLater = [](Value x, Value y) {
        Operation *a = x.getDefiningOp(), *b = y.getDefiningOp();
        return a && (!b || b->isBeforeInBlock(a));
      };
      if (!last || isLater(tensor, last))
        last = tensor;
    }
    if (!last)
      return;
    kept.push_back(last);
  }
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

/// The V columns from c on.
void RowPrinter::pass(function_ref<void(Index lane)> body) {
  Index column = p.variable("c");
  p.setMultiple(column, vector);
  Printer::Lanes lanes(p, vector, true);
  at = rowAt;
  at.append(p.split(vector > 1 ? column + lanes.lane : column, "i", rows.size(),
                    columns));
  body(lanes.lane);
}

void RowPrinter::keep() {
  Text count = p.text(product(columns));
  int64_t offset = 0;
  for (auto [i, tensor] : llvm::enumerate(kept)) {
    auto argument = dyn_cast<BlockArgument>(tensor);
    Type element = getElementTypeOrSelf(tensor.getType());
    Text type = argument ? p.memoryType(element) : p.computeType(element);
    Text number = std::to_string(i);
    {
      Printer::Block make(
          p, "const auto make" + Twine(number) + " = [&](i64 c) {", "};");
      p.line("Vector<" + type + ", V> made;");
      pass([&](Index) {
        Text value =
            argument ? p.memoryElement(argument, at) : p.definition(tensor, at);
        p.line("made[k] = " + value + ";");
      });
      p.line("return made;");
    }
    p.line("const auto kept" + number + " = " +
           (isShared ? "keepShared<" + type + ">(row, " + count + ", " +
                           std::to_string(offset)
                     : "keep<" + type + ">(row, " + count) +
           ", make" + number + ");");
    if (isShared) {
      auto columnCount = graph::constantValue(product(columns));
      int64_t bytes =
          std::max(1u, memoryOf(tensor).getIntOrFloatBitWidth() / 8);
      offset += (columnCount.value_or(0) * bytes + 15) / 16 * 16;
    }
  }
}

void RowPrinter::bindKept() {
  for (auto [i, tensor] : llvm::enumerate(kept))
    p.bind(tensor,
           [this, i = i, tensor = tensor](ArrayRef<Index> where) -> Text {
             if (!p.isInLanes() || where != ArrayRef(at))
               return p.definition(tensor, where);
             auto argument = dyn_cast<BlockArgument>(tensor);
             Type element = getElementTypeOrSelf(tensor.getType());
             Text value = p.vectorElement(
                 "kept" + std::to_string(i) + ".at(n, c)",
                 argument ? p.memoryType(element) : p.computeType(element));
             return p.define(p.computeType(element),
                             argument ? p.loaded(element, value) : value);
           });
}

Indices RowPrinter::loopsOf(linalg::GenericOp root) {
  if (!isReduce)
    return at;
  Indices dims = *asked;
  unsigned next = rows.size();
  for (Index &index : dims)
    if (!index)
      index = at[next++];
  return dims;
}

void RowPrinter::reduce(linalg::GenericOp root) {
  Indices zeros(rowAt);
  zeros.resize(space.size(), p.constant(0));
  at = zeros;
  Indices first = loopsOf(root);
  auto before = [&](OpOperand &init) {
    return p.element(init.get(),
                     p.map(root.getMatchingIndexingMap(&init), first));
  };
  Texts totals;
  std::optional<SmallVector<Combiner>> combiners = combinersOf(root);
  Text count = p.text(product(columns));
  if (!combiners) {
    // Any body: every thread runs through all of it.
    for (OpOperand &init : root.getDpsInitsMutable()) {
      Text value = before(init);
      totals.push_back(p.fresh());
      p.line(p.computeType(getElementTypeOrSelf(init.get().getType())) + " " +
             totals.back() + " = " + value + ";");
    }
    Printer::Block loop(p, "for (i64 c = 0; c < " + count + "; ++c) {");
    at = rowAt;
    at.append(p.split("c", "i", rows.size(), columns));
    Indices dims = loopsOf(root);
    Texts operands = p.operands(root, dims, root.getNumDpsInputs());
    operands.append(totals);
    Texts values = p.body(root, dims, operands, {}), next;
    for (auto [i, value] : llvm::enumerate(values))
      next.push_back(p.define(
          p.computeType(getElementTypeOrSelf(root.getResult(i).getType())),
          value));
    for (auto [total, value] : llvm::zip(totals, next))
      p.line(total + " = " + value + ";");
  } else {
    for (auto [i, combiner] : llvm::enumerate(*combiners)) {
      Type type = getElementTypeOrSelf(root.getResult(i).getType());
      Text compute = p.computeType(type), total = p.fresh();
      {
        Printer::Block step(p,
                            "const " + compute + " " + total + " = reduceRow<" +
                                combiner.name + ", " + compute + ">(row, " +
                                count + ", [&](i64 c, int n, " + compute +
                                " own) {",
                            "});");
        pass([&](Index) {
          Indices dims = loopsOf(root);
          Texts operands = p.operands(root, dims, root.getNumDpsInputs());
          Text value = p.body(root, dims, operands, combiner.value)[0];
          p.line("own = " + combiner.name + "::combine(own, " + value + ");");
        });
        p.line("return own;");
      }
      // What the result was before: nothing new in most cases.
      Text init = before(*root.getDpsInitOperand(i));
      if (init != p.literal(type, identityOf(combiner.name, type)))
        total = p.define(compute, combiner.name.str() + "::combine(" + init +
                                      ", " + total + ")");
      totals.push_back(total);
    }
  }
  for (auto [i, total] : llvm::enumerate(totals)) {
    Text value = total;
    Indices own =
        p.map(root.getMatchingIndexingMap(root.getDpsInitOperand(i)), first);
    p.bind(root.getResult(i),
           [this, root, own, value](ArrayRef<Index> where) -> Text {
             for (auto [have, want] : llvm::zip(where, own))
               if (p.canonical(have) != p.canonical(want))
                 return p.fail(root, "needs the reduction of another row here");
             return value;
           });
  }
}

void RowPrinter::results() {
  Text count = p.text(product(columns));
  if (!ofSpace[1].empty()) {
    Printer::Block block(
        p, "eachColumn(row, " + count + ", [&](i64 c, int n) {", "});");
    pass([&](Index) {
      // All are computed before any is written: a result may lie in an operand.
      Texts values;
      for (unsigned i : ofSpace[1])
        values.push_back(p.element(yielded(i), at));
      for (auto [i, value] : llvm::zip(ofSpace[1], values))
        p.store(i, at, value);
    });
  }
  if (!ofSpace[0].empty()) {
    Printer::Block block(p, "once(row, [&] {", "});");
    SmallVector<Indices> places;
    Texts values;
    for (unsigned i : ofSpace[0]) {
      Dims dims = kernel.getResultDims(i);
      places.push_back(
          dims == rows ? rowAt
                       : p.split("r", "j" + std::to_string(i) + "_", 0, dims));
      values.push_back(p.element(yielded(i), places.back()));
    }
    for (auto [i, place, value] : llvm::zip(ofSpace[0], places, values))
      p.store(i, place, value);
  }
}

void RowPrinter::run() {
  p.wide = {};
  p.line("// Row r of " + dimsText(rows) + ", with columns " +
         dimsText(columns) + ".");
  Printer::Block block(p, "template <int V, class Row>\n" + Text(2, ' ') +
                              "ACTNET_DEVICE void run(const Row &row, i64 r) "
                              "const {");
  rowAt = p.split("r", "i", 0, rows);
  if (isReduce) {
    asked = askedAt(roots()[0], rowAt);
    if (!asked) {
      p.fail(roots()[0], "needs a reduction that is used at one place");
      return;
    }
  }
  passNumber = ~0u;
  if (!kept.empty()) {
    keep();
    bindKept();
  }
  passNumber = 0;
  for (linalg::GenericOp root : roots()) {
    reduce(root);
    ++passNumber;
  }
  results();
}

Printer::Wide RowPrinter::tryOut() {
  Printer before = p;
  run();
  Printer::Wide wide = p.wide;
  bool failed = p.failed();
  p = before;
  if (failed)
    p.setFailed();
  return wide;
}

//===----------------------------------------------------------------------===//
// Schedule and text
//===----------------------------------------------------------------------===//

LogicalResult RowPrinter::schedule() {
  if (failed(analyse()))
    return failure();
  vector = 1;
  tryOut();
  if (p.failed())
    return failure();
  chooseKept();
  auto count = graph::constantValue(product(columns));
  for (int64_t width : {8, 4, 2, 1}) {
    vector = width;
    if (count && *count % width)
      continue;
    if (width == 1)
      break;
    Printer::Wide wide = tryOut();
    if (p.failed())
      return failure();
    if (!wide.pointers.empty() && wide.bytes * width <= 16)
      break;
  }

  // The fewest threads that hold a row in registers; shared memory for longer
  // rows, and for still longer ones what there is room for.
  int64_t bytes = bytesAColumn();
  int64_t each = std::max<int64_t>(
      vector, kRegisterBytes / (bytes ? bytes : 4) / vector * vector);
  int64_t threads = 0, shared = 0;
  bool isWarp = false;
  if (!count) {
    threads = 256;
    slots = each / vector;
  } else {
    for (int64_t size : {32, 128, 256, 512})
      if (*count <= size * each) {
        threads = size;
        break;
      }
    isWarp = threads == 32;
    if (threads) {
      slots = (*count + threads * vector - 1) / (threads * vector);
    } else {
      threads = 512;
      slots = each / vector;
      int64_t needed = 0;
      for (Value tensor : kept)
        needed +=
            (*count *
                 std::max(1u, memoryOf(tensor).getIntOrFloatBitWidth() / 8) +
             15) /
            16 * 16;
      if (!kept.empty() && needed <= kSharedBytes) {
        isShared = true;
        threads = 1024;
        slots = 0;
        shared = needed;
      }
    }
  }
  if (kept.empty())
    slots = std::min<int64_t>(slots, 4);
  if (isWarp)
    threads = 128;
  int64_t rowsABlock = isWarp ? threads / 32 : 1;
  setSchedule(graph::dimCeilDiv(product(rows), constant(rowsABlock)), threads,
              shared,
              {{"kind", wordAttr("row")},
               {"team", wordAttr(isWarp ? "warp" : "block")},
               {"vector", numberAttr(vector)},
               {"slots", numberAttr(slots)}});
  return success();
}

bool RowPrinter::read() {
  vector = number("vector");
  slots = number("slots");
  isShared = number("shared") > 0;
  if (vector < 1 || failed(analyse()))
    return false;
  int64_t width = std::exchange(vector, 1);
  bool shared = std::exchange(isShared, false);
  chooseKept();
  vector = width;
  isShared = shared;
  return true;
}

void RowPrinter::functors() {
  Printer::Block functor(p, "struct " + named("row") + " {", "};\n");
  members();
  run();
}

void RowPrinter::statements() {
  SmallVector<graph::DimExprAttr> multiples;
  graph::DimExprAttr count = product(columns);
  if (vector > 1 && !graph::constantValue(count))
    multiples.push_back(count);
  p.line("using Team = " +
         Twine(word("team") == "warp" ? "WarpTeam<" : "BlockTeam<") +
         Twine(number("threads")) + ">;");
  p.line("rowTile<Team, " + Twine(vector) + ", " + Twine(slots) + ">(" +
         functor("row") + ", " + p.text(product(rows)) + ",\n" + Text(6, ' ') +
         isWide(p.wide, vector, multiples) + ");");
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeRowPrinter(kernel::FuncOp kernel) {
  return std::make_unique<RowPrinter>(kernel);
}
