//===- Regions.cpp - which bytes of a buffer a record touches -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Regions.h"

#include "llvm/ADT/DenseMap.h"

#include <random>

using namespace mlir;
using namespace actnet;
using namespace actnet::actor;
using graph::DimExprAttr;

/// Runs of bytes beyond which two boxes are not compared byte by byte.
static constexpr int64_t kMostRuns = 100000;

//===----------------------------------------------------------------------===//
// Facts
//===----------------------------------------------------------------------===//

static std::optional<int64_t> evaluateAt(DimExprAttr expr,
                                         const llvm::StringMap<int64_t> &at) {
  return graph::dimEvaluate(
      expr, [&](StringRef name) -> std::optional<int64_t> {
        auto it = at.find(name);
        return it == at.end() ? std::nullopt : std::optional(it->second);
      });
}

namespace {
/// An entry of `graph.checks`; members are null where it lacks them. Tables.cpp
/// reads the entries too, on its own: what makes a program and what verifies it
/// share no code.
struct Check {
  explicit Check(Attribute attribute) {
    auto entry = dyn_cast<DictionaryAttr>(attribute);
    if (!entry)
      return;
    extent = entry.getAs<DimExprAttr>("extent");
    equal = entry.getAs<DimExprAttr>("equal");
    least = entry.getAs<IntegerAttr>("least");
  }
  DimExprAttr extent, equal;
  IntegerAttr least;
};
} // namespace

Facts::Facts(ModuleOp module, FuncOp function) {
  auto declared =
      module->getAttrOfType<DictionaryAttr>(graph::GraphDialect::kDimsAttr);
  SmallVector<StringRef> names;
  for (NamedAttribute entry :
       declared ? declared.getValue() : ArrayRef<NamedAttribute>()) {
    auto range = dyn_cast<DenseI64ArrayAttr>(entry.getValue());
    if (!range || range.size() != 2)
      continue;
    bounds[entry.getName()] = {range[0], range[1] < 0 ? INT64_MAX : range[1]};
    names.push_back(entry.getName());
  }
  auto checks =
      function->getAttrOfType<ArrayAttr>(graph::GraphDialect::kChecksAttr);
  // The ends of all ranges, and values between them, the same every time.
  std::minstd_rand random(1);
  constexpr int kPoints = 14;
  for (int i = 0; i < kPoints; ++i) {
    Point point;
    for (StringRef name : names) {
      auto [lower, upper] = bounds[name];
      int64_t most = std::min(upper, std::max<int64_t>(lower, 0) + 1000);
      int64_t some = lower + int64_t(random() % uint64_t(most - lower + 1));
      point[name] = i == 0   ? std::min(std::max<int64_t>(lower, 1), most)
                    : i == 1 ? std::min(lower + 1, most)
                    : i == 2 ? lower
                    : i == 3 ? most
                             : some;
    }
    // A dim that a check ties to others has but one value.
    for (Attribute attribute :
         checks ? checks.getValue() : ArrayRef<Attribute>()) {
      Check check(attribute);
      if (!check.extent || !check.equal)
        continue;
      bool isFirst = check.extent.isSymbol();
      DimExprAttr symbol = isFirst ? check.extent : check.equal,
                  other = isFirst ? check.equal : check.extent;
      if (symbol.isSymbol())
        if (auto value = evaluateAt(other, point))
          point[symbol.getName().getValue()] = *value;
    }
    if (isAllowed(point, checks))
      points.push_back(std::move(point));
    if (names.empty())
      break;
  }
}

bool Facts::isAllowed(const Point &point, ArrayAttr checks) const {
  for (const auto &entry : point) {
    auto [lower, upper] = bounds.lookup(entry.getKey());
    if (entry.getValue() < lower || entry.getValue() > upper)
      return false;
  }
  for (Attribute attribute :
       checks ? checks.getValue() : ArrayRef<Attribute>()) {
    Check check(attribute);
    auto value = check.extent ? evaluateAt(check.extent, point) : std::nullopt;
    if (!value || (check.least && *value < check.least.getInt()) ||
        (check.equal && evaluateAt(check.equal, point) != value))
      return false;
  }
  return true;
}

bool Facts::proves(DimExprAttr a, DimExprAttr b) const {
  if (a == b)
    return true;
  auto left = graph::constantValue(a), right = graph::constantValue(b);
  if (left && right)
    return *left >= *right;
  auto least =
      graph::dimLowerBound(graph::dimSub(a, b), [&](StringRef name) -> int64_t {
        auto it = bounds.find(name);
        return it == bounds.end() ? 0 : it->second.first;
      });
  return least && *least >= 0;
}

std::string Facts::disproves(function_ref<bool(Evaluate)> holds) const {
  for (const Point &point : points) {
    auto evaluate = [&](DimExprAttr expr) { return evaluateAt(expr, point); };
    if (holds(evaluate))
      continue;
    SmallVector<StringRef> names(point.keys());
    llvm::sort(names);
    std::string text;
    for (StringRef name : names)
      text += (text.empty() ? "" : ", ") + name.str() + " = " +
              std::to_string(point.lookup(name));
    return text.empty() ? " " : text;
  }
  return {};
}

std::string Facts::isBelow(DimExprAttr a, DimExprAttr b) const {
  if (proves(a, b))
    return {};
  if (a.isConstant() && b.isConstant())
    return " ";
  return disproves([&](Evaluate value) {
    auto left = value(a), right = value(b);
    return !left || !right || *left >= *right;
  });
}

std::string Facts::isOther(DimExprAttr a, DimExprAttr b) const {
  if (a == b)
    return {};
  if (a.isConstant() && b.isConstant())
    return " ";
  return disproves([&](Evaluate value) {
    auto left = value(a), right = value(b);
    return !left || !right || *left == *right;
  });
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

/// Leaves out dims of extent 1, and makes one dim of those that run as one.
static void simplify(Box &box) {
  SmallVector<DimExprAttr> dims, strides;
  for (auto [i, dim, stride] : llvm::enumerate(box.dims, box.strides)) {
    if (graph::constantValue(dim) == 1 && i + 1 < box.dims.size())
      continue;
    if (!dims.empty() && strides.back() == graph::dimMul(dim, stride)) {
      dims.back() = graph::dimMul(dims.back(), dim);
      strides.back() = stride;
      continue;
    }
    dims.push_back(dim);
    strides.push_back(stride);
  }
  box.dims = std::move(dims);
  box.strides = std::move(strides);
}

Box Box::run(DimExprAttr offset, DimExprAttr size) {
  return {offset, {size}, {graph::dimConstant(size.getContext(), 1)}};
}

Box Box::elements(ArrayRef<DimExprAttr> dims, ArrayRef<DimExprAttr> strides,
                  int64_t elementBytes, MLIRContext *context) {
  DimExprAttr bytes = graph::dimConstant(context, elementBytes);
  Box box;
  box.offset = graph::dimConstant(context, 0);
  for (auto [dim, stride] : llvm::zip(dims, strides)) {
    box.dims.push_back(dim);
    box.strides.push_back(graph::dimMul(stride, bytes));
  }
  box.dims.push_back(bytes);
  box.strides.push_back(graph::dimConstant(context, 1));
  simplify(box);
  return box;
}

DimExprAttr Box::span() const {
  if (isRun())
    return dims[0];
  DimExprAttr one = graph::dimConstant(offset.getContext(), 1), bytes = one;
  for (auto [dim, stride] : llvm::zip(dims, strides))
    bytes =
        graph::dimAdd(bytes, graph::dimMul(graph::dimSub(dim, one), stride));
  return bytes;
}

static DimExprAttr endOf(const Box &box) {
  return graph::dimAdd(box.offset, box.span());
}

void actor::joinBoxes(SmallVectorImpl<Box> &boxes) {
  bool changed = true;
  while (changed && boxes.size() > 1) {
    changed = false;
    llvm::DenseMap<Attribute, SmallVector<size_t, 2>> starts;
    for (auto [i, box] : llvm::enumerate(boxes))
      starts[box.offset].push_back(i);
    SmallVector<bool> gone(boxes.size());
    for (size_t i = 0; i < boxes.size(); ++i) {
      for (unsigned d = 0; !gone[i] && d < boxes[i].dims.size(); ++d) {
        bool found = true;
        while (found) {
          found = false;
          Box &box = boxes[i];
          DimExprAttr next = graph::dimAdd(
              box.offset, graph::dimMul(box.dims[d], box.strides[d]));
          auto it = starts.find(next);
          if (it == starts.end())
            break;
          for (size_t j : it->second) {
            const Box &other = boxes[j];
            if (gone[j] || j == i || other.strides != box.strides ||
                !llvm::all_of(llvm::seq<unsigned>(0, box.dims.size()),
                              [&](unsigned k) {
                                return k == d || other.dims[k] == box.dims[k];
                              }))
              continue;
            box.dims[d] = graph::dimAdd(box.dims[d], other.dims[d]);
            gone[j] = found = changed = true;
            break;
          }
        }
      }
    }
    SmallVector<Box> kept;
    for (auto [i, box] : llvm::enumerate(boxes))
      if (!gone[i]) {
        simplify(box);
        kept.push_back(std::move(box));
      }
    boxes.assign(kept.begin(), kept.end());
  }
}

/// The number of steps of dim d that lead from `from` to `to`; null where they
/// lie otherwise.
static DimExprAttr stepsBetween(const Box &from, const Box &to, unsigned d) {
  DimExprAttr distance = graph::dimSub(to.offset, from.offset);
  DimExprAttr steps = graph::dimFloorDiv(distance, from.strides[d]);
  return graph::dimMul(steps, from.strides[d]) == distance ? steps
                                                           : DimExprAttr();
}

static bool provesInside(const Box &box, const Box &whole, const Facts &facts) {
  if (whole.isRun())
    return facts.proves(box.offset, whole.offset) &&
           facts.proves(endOf(whole), endOf(box));
  if (box.strides != whole.strides)
    return false;
  DimExprAttr zero = graph::dimConstant(box.offset.getContext(), 0);
  for (unsigned d = 0; d < box.dims.size(); ++d) {
    DimExprAttr start = stepsBetween(whole, box, d);
    if (!start || !facts.proves(start, zero))
      continue;
    bool fits = true;
    for (unsigned k = 0; k < box.dims.size(); ++k)
      fits &=
          facts.proves(whole.dims[k], k == d ? graph::dimAdd(start, box.dims[k])
                                             : box.dims[k]);
    if (fits)
      return true;
  }
  return false;
}

/// Whether b lies behind a in the same row of some dim.
static bool provesBehind(const Box &a, const Box &b, const Facts &facts) {
  if (facts.proves(b.offset, endOf(a)))
    return true;
  if (a.strides != b.strides)
    return false;
  for (unsigned d = 1; d < a.dims.size(); ++d) {
    DimExprAttr start = stepsBetween(a, b, d);
    if (start && facts.proves(start, a.dims[d]) &&
        facts.proves(
            a.strides[d - 1],
            graph::dimMul(graph::dimAdd(start, b.dims[d]), a.strides[d])))
      return true;
  }
  return false;
}

/// Adds the runs of bytes [first, second) of a box for some values of the dims;
/// false where there are too many, or one has no value.
static bool runsOf(const Box &box, Facts::Evaluate value,
                   std::vector<std::pair<int64_t, int64_t>> &runs) {
  auto offset = value(box.offset);
  if (!offset)
    return false;
  SmallVector<int64_t> dims, strides;
  int64_t count = 1;
  for (auto [dim, stride] : llvm::zip(box.dims, box.strides)) {
    auto extent = value(dim), step = value(stride);
    if (!extent || !step)
      return false;
    if (*extent <= 0)
      return true;
    dims.push_back(*extent);
    strides.push_back(*step);
    if (dims.size() < box.dims.size() &&
        __builtin_mul_overflow(count, *extent, &count))
      return false;
  }
  if (count > kMostRuns)
    return false;
  SmallVector<int64_t> at(dims.size() - 1, 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t begin = *offset;
    for (size_t d = 0; d < at.size(); ++d)
      begin += at[d] * strides[d];
    runs.emplace_back(begin, begin + dims.back());
    for (size_t d = at.size(); d-- > 0;) {
      if (++at[d] < dims[d])
        break;
      at[d] = 0;
    }
  }
  return true;
}

/// Sorts runs and joins those that touch.
static void joinRuns(std::vector<std::pair<int64_t, int64_t>> &runs) {
  llvm::sort(runs);
  size_t last = 0;
  for (size_t i = 1; i < runs.size(); ++i) {
    if (runs[i].first <= runs[last].second)
      runs[last].second = std::max(runs[last].second, runs[i].second);
    else
      runs[++last] = runs[i];
  }
  if (!runs.empty())
    runs.resize(last + 1);
}

std::string actor::findUncovered(const Box &box, ArrayRef<Box> boxes,
                                 const Facts &facts) {
  for (const Box &whole : boxes)
    if (box == whole || provesInside(box, whole, facts))
      return {};
  return facts.disproves([&](Facts::Evaluate value) {
    std::vector<std::pair<int64_t, int64_t>> wanted, found;
    if (!runsOf(box, value, wanted))
      return true;
    for (const Box &other : boxes)
      if (!runsOf(other, value, found))
        return true;
    joinRuns(found);
    return llvm::all_of(wanted, [&](auto run) {
      auto it = llvm::upper_bound(
          found, run, [](auto a, auto b) { return a.first < b.first; });
      return it != found.begin() && std::prev(it)->second >= run.second;
    });
  });
}

std::string actor::findOverlap(const Box &a, const Box &b, const Facts &facts) {
  if (provesBehind(a, b, facts) || provesBehind(b, a, facts))
    return {};
  return facts.disproves([&](Facts::Evaluate value) {
    std::vector<std::pair<int64_t, int64_t>> left, right;
    if (!runsOf(a, value, left) || !runsOf(b, value, right))
      return true;
    joinRuns(left);
    joinRuns(right);
    for (size_t i = 0, j = 0; i < left.size() && j < right.size();) {
      if (left[i].first < right[j].second && right[j].first < left[i].second)
        return false;
      left[i].second <= right[j].second ? ++i : ++j;
    }
    return true;
  });
}
