//===- Placement.cpp - where each tensor of a function lies ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Placement.h"

#include "actnet/Dialect/Kernel/IR/Strides.h"

using namespace mlir;
using namespace actnet;
using graph::DimExprAttr;

//===----------------------------------------------------------------------===//
// Shapes of places
//===----------------------------------------------------------------------===//

bool Placement::isDense(const Place &place) {
  if (place.dims.empty())
    return true;
  return kernel::sameStrides(
      place.dims, place.strides,
      kernel::denseStrides(place.offset.getContext(), place.dims));
}

DimExprAttr Placement::spanBytes(const Place &place, Type elementType) const {
  MLIRContext *context = elementType.getContext();
  DimExprAttr bytes =
      graph::dimConstant(context, graph::getElementBytes(elementType));
  DimExprAttr one = graph::dimConstant(context, 1),
              last = graph::dimConstant(context, 0);
  if (isDense(place))
    return graph::dimMul(graph::dimProduct(context, place.dims), bytes);
  for (auto [dim, stride] : llvm::zip(place.dims, place.strides))
    last = graph::dimAdd(last, graph::dimMul(graph::dimSub(dim, one), stride));
  return graph::dimMul(graph::dimAdd(last, one), bytes);
}

Place Placement::densePlace(unsigned root, RankedTensorType type) const {
  Place place;
  place.root = root;
  place.offset = graph::dimConstant(type.getContext(), 0);
  place.dims = graph::getDims(type);
  place.strides = kernel::denseStrides(type.getContext(), place.dims);
  return place;
}

unsigned Placement::addRoot(Root root) {
  roots.push_back(root);
  return roots.size() - 1;
}

bool Placement::isWholeRoot(Value value) const {
  const Place &place = places.at(value);
  return graph::constantValue(place.offset) == 0 && isDense(place) &&
         spanBytes(place, getElementTypeOrSelf(value.getType())) ==
             roots[place.root].size;
}

//===----------------------------------------------------------------------===//
// Groups and their last uses
//===----------------------------------------------------------------------===//

Value Placement::groupOf(Value value) {
  if (Value known = groups.lookup(value))
    return known;
  Value group = value;
  if (auto part = parts.find(value); part != parts.end())
    group = groupOf(part->second.concat.getY());
  else if (auto view = value.getDefiningOp<kernel::ViewOp>())
    group = groupOf(view.getX());
  else if (auto slice = value.getDefiningOp<kernel::SliceOp>())
    group = groupOf(slice.getX());
  groups[value] = group;
  return group;
}

void Placement::findGroups() {
  Block &block = function.getBody().front();
  // Outer concats come last and take inner ones as parts, so go backwards.
  for (Operation &op : llvm::reverse(block)) {
    auto concat = dyn_cast<kernel::ConcatOp>(op);
    if (!concat)
      continue;
    DimExprAttr start = graph::dimConstant(op.getContext(), 0);
    for (Value input : concat.getInputs()) {
      bool placeable = isa_and_nonnull<kernel::DispatchOp, kernel::ConcatOp>(
          input.getDefiningOp());
      if (placeable)
        parts.try_emplace(input,
                          Part{concat, start}); // the outermost user wins
      auto type = cast<RankedTensorType>(input.getType());
      start = graph::dimAdd(start, graph::getDims(type)[concat.getAxis()]);
    }
  }
  int64_t position = 0;
  for (Operation &op : block) {
    positions[&op] = position;
    // Views and slices read nothing themselves; a loose part is copied where
    // its concat stands.
    if (isa<kernel::DispatchOp, kernel::ConcatOp>(op) ||
        op.hasTrait<OpTrait::IsTerminator>())
      for (Value operand : op.getOperands())
        lastUse[groupOf(operand)] = position;
    ++position;
  }
}

//===----------------------------------------------------------------------===//
// Arguments, views and concats
//===----------------------------------------------------------------------===//

LogicalResult
Placement::placeArguments(const llvm::StringMap<FlatSymbolRefAttr> &variables) {
  int64_t inputs = 0;
  for (BlockArgument argument : function.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      return function.emitError("argument ")
             << argument.getArgNumber() << " is no ranked tensor";
    Root root;
    auto variable = function.getArgAttrOfType<StringAttr>(
        argument.getArgNumber(), graph::GraphDialect::kVariableAttr);
    if (variable) {
      root.region = actor::Region::state;
      root.symbol = variables.at(variable.getValue());
      root.name = variable.getValue();
    } else {
      root.region = actor::Region::input;
      root.index = inputs++;
    }
    Place place = densePlace(0, type);
    root.size = spanBytes(place, type.getElementType());
    place.root = addRoot(root);
    places[argument] = place;
  }
  return success();
}

LogicalResult Placement::placeView(kernel::ViewOp op) {
  Place place = places.at(op.getX());
  SmallVector<DimExprAttr> dims = graph::getDims(op.getY().getType());
  // Dims that are assumed to be others say nothing of strides but of dense
  // ones.
  std::optional<kernel::Strides> strides;
  if (!op.getAssumed())
    strides = kernel::reshapeStrides(op.getContext(), place.dims, place.strides,
                                     dims);
  else if (isDense(place))
    strides = kernel::denseStrides(op.getContext(), dims);
  if (!strides)
    return op.emitError(
        "views a tensor whose elements no strides put into these dims; "
        "`graph-to-kernel` should have put a kernel here");
  place.dims = std::move(dims);
  place.strides = std::move(*strides);
  place.inPlace = false;
  places[op.getY()] = place;
  return success();
}

void Placement::placeSlice(kernel::SliceOp op) {
  Place place = places.at(op.getX());
  int64_t bytes = graph::getElementBytes(op.getX().getType().getElementType());
  for (auto [start, stride] :
       llvm::zip(op.getStarts().getDims(), place.strides)) {
    DimExprAttr skip = graph::dimMul(start, stride);
    place.offset = graph::dimAdd(
        place.offset,
        graph::dimMul(skip, graph::dimConstant(op.getContext(), bytes)));
  }
  place.dims = graph::getDims(op.getY().getType());
  place.inPlace = false;
  places[op.getY()] = place;
}

/// The place of a part: the concat's strides, further along its axis.
static Place partPlace(const Place &whole, RankedTensorType type, int64_t axis,
                       DimExprAttr start) {
  Place place = whole;
  place.dims = graph::getDims(type);
  DimExprAttr bytes = graph::dimConstant(
      type.getContext(), graph::getElementBytes(type.getElementType()));
  place.offset = graph::dimAdd(
      whole.offset,
      graph::dimMul(graph::dimMul(start, whole.strides[axis]), bytes));
  return place;
}

const Place &Placement::placeConcat(kernel::ConcatOp op) {
  auto known = places.find(op.getY());
  if (known != places.end())
    return known->second;
  auto type = cast<RankedTensorType>(op.getY().getType());
  Place place;
  if (auto part = parts.find(op.getY()); part != parts.end()) {
    kernel::ConcatOp outer = part->second.concat;
    place = partPlace(placeConcat(outer), type, outer.getAxis(),
                      part->second.start);
  } else {
    place = densePlace(0, type);
    Root root;
    root.size = spanBytes(place, type.getElementType());
    root.name = "concat";
    place.root = addRoot(root);
  }
  return places[op.getY()] = place;
}

LogicalResult Placement::copyLooseParts(kernel::ConcatOp op) {
  Place whole = placeConcat(op);
  DimExprAttr start = graph::dimConstant(op.getContext(), 0);
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    auto type = cast<RankedTensorType>(input.getType());
    DimExprAttr begin = start;
    start = graph::dimAdd(start, graph::getDims(type)[op.getAxis()]);
    auto part = parts.find(input);
    if (part != parts.end() && part->second.concat == op &&
        part->second.start == begin)
      continue;
    Place place = partPlace(whole, type, op.getAxis(), begin);
    if (!isDense(place) || !isDense(places.at(input)))
      return op.emitError("operand ")
             << i
             << " is no dispatch's result, or is a part of another concat, and "
                "cannot be "
             << "copied in one piece; `graph-to-kernel` should have put a "
                "kernel here";
    if (roots[whole.root].firstWrite < 0)
      roots[whole.root].firstWrite = positions.at(op);
    concatCopies[op].push_back({input, place});
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Dispatches
//===----------------------------------------------------------------------===//

bool Placement::takeOver(kernel::DispatchOp op, kernel::FuncOp callee,
                         unsigned result, int64_t position) {
  std::optional<ArrayRef<int64_t>> pairs = callee.getInplace();
  if (!pairs)
    return false;
  auto type = cast<RankedTensorType>(op.getResult(result).getType());
  for (size_t i = 0; i + 1 < pairs->size(); i += 2) {
    if ((*pairs)[i + 1] != int64_t(result) ||
        uint64_t((*pairs)[i]) >= op.getOperands().size())
      continue;
    unsigned index = (*pairs)[i];
    Value operand = op.getOperands()[index];
    Place place = places.at(operand);
    Root &root = roots[place.root];
    if (root.region != actor::Region::scratch ||
        lastUse.at(groupOf(operand)) != position || !isWholeRoot(operand))
      continue;
    Place taken = densePlace(place.root, type);
    if (spanBytes(taken, type.getElementType()) != root.size)
      continue;
    // Another operand or result in the same bytes would be overwritten early.
    bool shared =
        llvm::any_of(llvm::enumerate(op.getOperands()), [&](auto other) {
          return other.index() != index &&
                 places.at(other.value()).root == place.root;
        });
    for (Value earlier : op.getResults().take_front(result))
      shared |= places.at(earlier).root == place.root;
    if (shared)
      continue;
    taken.inPlace = true;
    places[op.getResult(result)] = taken;
    return true;
  }
  return false;
}

LogicalResult Placement::checkStrides(kernel::DispatchOp op, Value value,
                                      ArrayRef<DimExprAttr> declared,
                                      StringRef what, unsigned index) {
  SmallVector<DimExprAttr> strides;
  for (DimExprAttr stride : declared)
    strides.push_back(
        graph::dimSubstitute(stride, [&](StringRef name) -> DimExprAttr {
          size_t i;
          if (!name.consume_front("d") || name.getAsInteger(10, i) ||
              i >= op.getDims().size())
            return {};
          return cast<DimExprAttr>(op.getDims()[i]);
        }));
  const Place &place = places.at(value);
  if (kernel::sameStrides(place.dims, place.strides, strides))
    return success();
  InFlightDiagnostic error = op.emitError();
  error << what << " " << index << " lies with strides (";
  llvm::interleaveComma(place.strides, error,
                        [&](DimExprAttr e) { error << graph::toString(e); });
  error << "), but " << op.getCalleeAttr() << " is made for (";
  llvm::interleaveComma(strides, error,
                        [&](DimExprAttr e) { error << graph::toString(e); });
  return error << "); `graph-to-kernel` should have made them agree";
}

LogicalResult Placement::placeDispatch(kernel::DispatchOp op,
                                       int64_t position) {
  auto callee =
      symbols.lookupNearestSymbolFrom<kernel::FuncOp>(op, op.getCalleeAttr());
  if (!callee)
    return op.emitError() << op.getCalleeAttr() << " is no kernel.func";
  for (auto [i, operand] : llvm::enumerate(op.getOperands()))
    if (failed(
            checkStrides(op, operand, callee.getArgStrides(i), "operand", i)))
      return failure();
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    auto type = cast<RankedTensorType>(result.getType());
    if (auto part = parts.find(result); part != parts.end()) {
      kernel::ConcatOp concat = part->second.concat;
      places[result] = partPlace(placeConcat(concat), type, concat.getAxis(),
                                 part->second.start);
    } else if (!takeOver(op, callee, i, position)) {
      Place place = densePlace(0, type);
      Root root;
      root.size = spanBytes(place, type.getElementType());
      root.name = op.getLayer().value_or(op.getCallee());
      place.root = addRoot(root);
      places[result] = place;
    }
    Root &root = roots[places.at(result).root];
    if (root.firstWrite < 0)
      root.firstWrite = position;
    if (failed(
            checkStrides(op, result, callee.getResultStrides(i), "result", i)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Whether the value's scratch root can be the variable's state: nothing reads
/// the old value once the first new byte is written.
bool Placement::canBecomeState(Value value, Value variable) {
  const Root &root = roots[places.at(value).root];
  if (root.region != actor::Region::scratch || root.firstWrite < 0 ||
      !isWholeRoot(value) || root.size != roots[places.at(variable).root].size)
    return false;
  auto use = lastUse.find(variable);
  if (use == lastUse.end() || use->second < root.firstWrite)
    return true;
  if (use->second > root.firstWrite)
    return false;
  // The dispatch that reads the old value last writes the new one first: only
  // where its kernel may work in place.
  for (auto [op, position] : positions) {
    auto dispatch = dyn_cast<kernel::DispatchOp>(op);
    if (position != root.firstWrite || !dispatch)
      continue;
    auto callee = symbols.lookupNearestSymbolFrom<kernel::FuncOp>(
        dispatch, dispatch.getCalleeAttr());
    ArrayRef<int64_t> pairs = callee.getInplace().value_or(ArrayRef<int64_t>());
    bool allowed = false;
    for (auto [i, operand] : llvm::enumerate(dispatch.getOperands())) {
      if (places.at(operand).root != places.at(variable).root)
        continue;
      if (allowed || !isWholeRoot(operand))
        return false; // read twice, or in part
      for (size_t p = 0; p + 1 < pairs.size(); p += 2)
        if (pairs[p] == int64_t(i) &&
            places.at(dispatch.getResult(pairs[p + 1])).root ==
                places.at(value).root)
          allowed = true;
      if (!allowed)
        return false;
    }
    return allowed;
  }
  return false;
}

LogicalResult Placement::placeResults() {
  auto terminator =
      cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (auto [i, value] : llvm::enumerate(terminator.getOperands()))
    if (!isDense(places.at(value)))
      return function.emitError("result ")
             << i
             << " is not dense; `graph-to-kernel` should have put a kernel "
                "here";

  // States first: they are the harder to please.
  for (auto [i, value] : llvm::enumerate(terminator.getOperands())) {
    auto tied = function.getResultAttrOfType<IntegerAttr>(
        i, graph::GraphDialect::kTiedAttr);
    if (!tied)
      continue;
    if (tied.getInt() < 0 || tied.getInt() >= function.getNumArguments() ||
        roots[places.at(function.getArgument(tied.getInt())).root].region !=
            actor::Region::state)
      return function.emitError("result ") << i << " is tied to no variable";
    Value variable = function.getArgument(tied.getInt());
    unsigned state = places.at(variable).root;
    if (value == variable)
      continue;
    if (!canBecomeState(value, variable)) {
      stateCopies.push_back({value, state});
      continue;
    }
    unsigned old = places.at(value).root;
    for (auto &entry : places)
      if (entry.second.root == old)
        entry.second.root = state;
    for (auto &entry : concatCopies)
      for (auto &copy : entry.second)
        if (copy.second.root == old)
          copy.second.root = state;
    roots[state].firstWrite = roots[old].firstWrite;
    roots[old].size = {}; // gone
  }
  int64_t outputs = 0;
  for (auto [i, value] : llvm::enumerate(terminator.getOperands())) {
    if (function.getResultAttr(i, graph::GraphDialect::kTiedAttr))
      continue;
    Root &root = roots[places.at(value).root];
    if (root.region == actor::Region::scratch && isWholeRoot(value)) {
      root.region = actor::Region::output;
      root.index = outputs++;
      continue;
    }
    Root output;
    output.region = actor::Region::output;
    output.index = outputs++;
    output.size =
        spanBytes(places.at(value), getElementTypeOrSelf(value.getType()));
    outputCopies.push_back({value, addRoot(output)});
  }
  return success();
}

LogicalResult
Placement::run(const llvm::StringMap<FlatSymbolRefAttr> &variables) {
  findGroups();
  if (failed(placeArguments(variables)))
    return failure();
  llvm::DenseMap<Attribute, unsigned> weights;
  for (Operation &op : function.getBody().front().without_terminator()) {
    LogicalResult placed = success();
    if (auto weight = dyn_cast<kernel::WeightOp>(op)) {
      auto type = cast<RankedTensorType>(weight.getResult().getType());
      auto [known, isNew] =
          weights.try_emplace(weight.getRecipeAttr(), roots.size());
      Place place = densePlace(known->second, type);
      if (isNew) {
        Root root;
        root.region = actor::Region::weight;
        root.symbol = weight.getRecipeAttr();
        root.size = spanBytes(place, type.getElementType());
        addRoot(root);
      }
      places[weight.getResult()] = place;
    } else if (auto dispatch = dyn_cast<kernel::DispatchOp>(op)) {
      placed = placeDispatch(dispatch, positions.at(&op));
    } else if (auto view = dyn_cast<kernel::ViewOp>(op)) {
      placed = placeView(view);
    } else if (auto slice = dyn_cast<kernel::SliceOp>(op)) {
      placeSlice(slice);
    } else if (auto concat = dyn_cast<kernel::ConcatOp>(op)) {
      placed = copyLooseParts(concat);
    } else {
      return op.emitError(
          "is no operation of the kernel level; `graph-to-kernel` should have "
          "turned it into a kernel");
    }
    if (failed(placed))
      return failure();
  }
  return placeResults();
}
