//===- Lanes.cpp - accesses of several elements at once -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether an access can be wide is told from its address alone: the lane counts
// once in it, and the rest is a multiple of V. What only a launch knows (base
// pointers, dynamic strides) is collected in `wide` for the kernel to ask.
//
//===----------------------------------------------------------------------===//

#include "Printer.h"

#include <numeric>

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

Printer::Lanes::Lanes(Printer &p, unsigned width, bool always)
    : lane(p.constant(0)), p(p) {
  if (width == 1 && !always)
    return;
  LaneState state;
  state.width = width;
  state.numKnown = p.variables.size();
  state.begin = p.out.size();
  state.depth = p.depth;
  lane = state.lane = p.variable("k");
  // The loop's own variable is none of those before it.
  p.laneState = state;
  p.line("ACTNET_UNROLL");
  block.emplace(p, "for (int k = 0; k < V; ++k) {");
}

Printer::Lanes::~Lanes() {
  if (!block)
    return;
  block.reset();
  Texts after = p.laneState->after;
  p.laneState.reset();
  for (const Text &text : after)
    p.line(text);
}

void Printer::lineBeforeLanes(const Twine &text) {
  Text added(2 * laneState->depth, ' ');
  added += text.str() + "\n";
  out.insert(laneState->begin, added);
  for (auto &scope : declared)
    for (Declared &index : scope)
      if (index.line >= laneState->begin)
        index.line += added.size();
  laneState->begin += added.size();
}

void Printer::setMultiple(Index variable, int64_t of) {
  if (isa<AffineDimExpr>(variable))
    multiples[variable] = of;
}

bool Printer::dependsOnLane(Index index) {
  return laneState && index.isFunctionOfDim(
                          cast<AffineDimExpr>(laneState->lane).getPosition());
}

bool Printer::dependsOnLane(const Address &address) {
  return laneState && (!isKnownBeforeLanes(canonical(address.sum)) ||
                       llvm::any_of(address.others, [&](auto &other) {
                         return !isKnownBeforeLanes(canonical(other.first));
                       }));
}

bool Printer::isKnownBeforeLanes(Index index) {
  bool isKnown = true;
  index.walk([&](Index part) {
    auto dim = dyn_cast<AffineDimExpr>(part);
    if (!dim ||
        (dim.getPosition() < laneState->numKnown && dim != laneState->lane &&
         !llvm::is_contained(laneState->inside, part)))
      return;
    // Index arguments are members of the functor.
    StringRef name = variables[dim.getPosition()];
    unsigned number;
    isKnown &= dim != laneState->lane && name.consume_front("d") &&
               !name.getAsInteger(10, number);
  });
  return isKnown;
}

int64_t Printer::divisor(Index index) {
  if (auto constant = dyn_cast<AffineConstantExpr>(index))
    return std::abs(constant.getValue());
  if (auto it = multiples.find(index); it != multiples.end())
    return it->second;
  auto binary = dyn_cast<AffineBinaryOpExpr>(index);
  if (!binary)
    return 1;
  int64_t lhs = divisor(binary.getLHS()), rhs = divisor(binary.getRHS());
  switch (binary.getKind()) {
  case AffineExprKind::Add:
  case AffineExprKind::Mod:
    return std::gcd(lhs, rhs);
  case AffineExprKind::Mul:
    return lhs * rhs;
  default:
    return 1;
  }
}

std::optional<Printer::Address> Printer::wideAddress(Address address) {
  if (!laneState)
    return std::nullopt;
  Index first = simplifyAffineExpr(canonical(address.sum) - laneState->lane,
                                   variables.size(), 0);
  if (dependsOnLane(first) || !isKnownBeforeLanes(first) ||
      divisor(first) % laneState->width)
    return std::nullopt;
  for (auto [factor, size] : address.others)
    if (dependsOnLane(factor) || !isKnownBeforeLanes(factor))
      return std::nullopt;
  for (const auto &[text, on] : conditions)
    for (Index index : on)
      if (dependsOnLane(canonical(index)) || !isKnownBeforeLanes(index))
        return std::nullopt;
  for (auto [factor, size] : address.others)
    if (divisor(factor) % laneState->width)
      wide.multiples.insert(size);
  address.sum = first;
  return address;
}

std::optional<Index> Printer::firstOfLanes(Index index) {
  if (!laneState)
    return std::nullopt;
  Index first = simplifyAffineExpr(canonical(index) - laneState->lane,
                                   variables.size(), 0);
  if (dependsOnLane(first) || !isKnownBeforeLanes(first) ||
      divisor(first) % laneState->width)
    return std::nullopt;
  return first;
}

bool Printer::isMultiple(graph::DimExprAttr dim) {
  if (auto number = graph::constantValue(dim))
    return *number % laneState->width == 0;
  if (laneState->width > 1)
    wide.multiples.insert(dim);
  return true;
}

void Printer::needWide(StringRef pointer, Type element) {
  if (!llvm::is_contained(wide.pointers, pointer))
    wide.pointers.push_back(pointer.str());
  wide.bytes =
      std::max(wide.bytes, std::max(1u, element.getIntOrFloatBitWidth() / 8));
}

Text Printer::load(StringRef pointer, Type element, const Address &address) {
  std::optional<Address> first = wideAddress(address);
  if (!first) {
    wide.narrow += dependsOnLane(address);
    return pointer.str() + "[" + text(address) + "]";
  }
  needWide(pointer, element);
  Text at = pointer.str() + " + " + text(*first), condition;
  for (const auto &[inside, on] : conditions)
    condition += (condition.empty() ? "" : " && ") + inside;
  return vectorElement(
      (condition.empty() ? "load<V>(" : "loadIf<V>(" + condition + ", ") + at +
          ")",
      memoryType(element));
}

Text Printer::vectorElement(StringRef expression, StringRef type) {
  for (const auto &[known, name] : laneState->loads)
    if (known == expression)
      return name + "[k]";
  Text name = "x" + std::to_string(nextLoad++);
  lineBeforeLanes("const Vector<" + type + ", V> " + name + " = " + expression +
                  ";");
  laneState->loads.push_back({expression.str(), name});
  return name + "[k]";
}

void Printer::store(unsigned result, ArrayRef<Index> at, StringRef value) {
  Type element = getElementTypeOrSelf(kernel.getResultTypes()[result]);
  Text pointer = "out" + std::to_string(result);
  Address where = addressOf(kernel.getResultStrides(result), at);
  std::optional<Address> first = wideAddress(where);
  if (!first) {
    wide.narrow += dependsOnLane(where);
    line(pointer + "[" + text(where) + "] = " + stored(element, value) + ";");
    return;
  }
  needWide(pointer, element);
  Text name = "y" + std::to_string(nextStore++);
  lineBeforeLanes("Vector<" + memoryType(element) + ", V> " + name + ";");
  line(name + "[k] = " + stored(element, value) + ";");
  laneState->after.push_back("store(" + pointer + " + " + text(*first) + ", " +
                             name + ");");
}
