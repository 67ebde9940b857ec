//===- Generate.cpp - kernels by chance -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Generate.h"

#include <algorithm>
#include <random>

using namespace actnet::testing;

namespace {

using Strings = std::vector<std::string>;

std::string join(const Strings &parts, const std::string &between = ", ") {
  std::string all;
  for (size_t i = 0; i < parts.size(); ++i)
    all += (i ? between : "") + parts[i];
  return all;
}

class Generator {
public:
  Generator(const std::string &family, unsigned seed) : random(seed * 7919) {
    made.name = family + std::to_string(seed);
  }

  /// A number in [0, count).
  int below(int count) {
    return static_cast<int>(random() % static_cast<unsigned>(count));
  }
  bool chance(int in) { return below(in) == 0; }
  template <class T> T one(std::vector<T> of) {
    return of[below(static_cast<int>(of.size()))];
  }

  /// A dim of a tensor: a number, or dN.
  struct Dim {
    int64_t size = 0;
    int symbol = -1;
    std::string inType() const {
      return symbol >= 0 ? "?" : std::to_string(size);
    }
    std::string text() const {
      return symbol >= 0 ? "d" + std::to_string(symbol) : std::to_string(size);
    }
  };
  using Dims = std::vector<Dim>;

  Dim number(int64_t size) { return {size, -1}; }
  /// A dim that is dynamic one time in three; then `sizes` are tried.
  Dim any(std::vector<int64_t> sizes) {
    if (symbols < 2 && chance(3)) {
      std::shuffle(sizes.begin(), sizes.end(), random);
      if (made.dims.empty())
        made.dims.assign(4, {});
      for (size_t run = 0; run < made.dims.size(); ++run)
        made.dims[run].push_back(sizes[run % sizes.size()]);
      return {0, symbols++};
    }
    return number(one(sizes));
  }

  std::string tensor(const Dims &dims, const std::string &type) {
    std::string text = "tensor<";
    for (const Dim &dim : dims)
      text += dim.inType() + "x";
    return text + type + ">";
  }
  /// With its dims, where some are dynamic.
  std::string described(const Dims &dims, const std::string &type) {
    Strings all;
    bool isDynamic = false;
    for (const Dim &dim : dims) {
      all.push_back(dim.text());
      isDynamic |= dim.symbol >= 0;
    }
    return tensor(dims, type) +
           (isDynamic ? " {kernel.dims = #graph.dims<" + join(all) + ">}" : "");
  }
  std::string empty(const Dims &dims, const std::string &type) {
    Strings sizes;
    for (const Dim &dim : dims)
      if (dim.symbol >= 0)
        sizes.push_back("%d" + std::to_string(dim.symbol));
    std::string name = value();
    line(name + " = tensor.empty(" + join(sizes) + ") : " + tensor(dims, type));
    return name;
  }
  std::string value() { return "%v" + std::to_string(next++); }
  void line(const std::string &text) { body += "  " + text + "\n"; }
  std::string operand(const Dims &dims, const std::string &type) {
    std::string name = "%a" + std::to_string(arguments.size());
    arguments.push_back(name + ": " + described(dims, type));
    return name;
  }

  static bool isFloat(const std::string &type) {
    return type[0] == 'f' || type[0] == 'b';
  }
  static bool isNarrow(const std::string &type) {
    return type == "f16" || type == "bf16";
  }
  std::string constant(const std::string &type, const std::string &number) {
    std::string name = value();
    line(name + " = arith.constant " + number +
         (number == "false" || number == "true" ? "" : " : " + type));
    return name;
  }
  std::string zero(const std::string &type) {
    return constant(type, type == "i1" ? "false" : isFloat(type) ? "0.0" : "0");
  }
  /// An elementwise op of a type on two values.
  std::string op(const std::string &type) {
    if (type == "i1")
      return one<std::string>({"arith.andi", "arith.ori"});
    if (isFloat(type))
      return one<std::string>(
          {"arith.addf", "arith.mulf", "arith.maximumf", "arith.subf"});
    return one<std::string>(
        {"arith.addi", "arith.maxsi", "arith.minsi", "arith.subi"});
  }

  Generated finish(const std::string &family,
                   const std::vector<std::pair<Dims, std::string>> &results,
                   const Strings &values) {
    for (int d = 0; d < symbols; ++d)
      arguments.push_back("%d" + std::to_string(d) + ": index");
    Strings types, plain;
    for (const auto &[dims, type] : results) {
      types.push_back(described(dims, type));
      plain.push_back(tensor(dims, type));
    }
    made.text = "kernel.func @" + made.name + "(" + join(arguments) +
                ")\n    -> (" + join(types) +
                ") attributes {family = #kernel.family<" + family + ">} {\n" +
                body + "  kernel.yield " + join(values) + " : " + join(plain) +
                "\n}\n";
    if (made.dims.empty())
      made.dims.push_back({});
    return made;
  }

  static std::string iterators(size_t parallel, size_t reduction) {
    Strings all(parallel, "\"parallel\"");
    all.insert(all.end(), reduction, "\"reduction\"");
    return "[" + join(all) + "]";
  }
  static std::string map(size_t loops, const Strings &results) {
    Strings all;
    for (size_t i = 0; i < loops; ++i)
      all.push_back("i" + std::to_string(i));
    return "affine_map<(" + join(all) + ") -> (" + join(results) + ")>";
  }
  static Strings loopNames(size_t count) {
    Strings all;
    for (size_t i = 0; i < count; ++i)
      all.push_back("i" + std::to_string(i));
    return all;
  }

  std::mt19937 random;
  Generated made;
  Strings arguments;
  std::string body;
  int symbols = 0, next = 0;
};

/// How well a type can agree with the interpreter, which computes in double.
double toleranceOf(const std::string &type) {
  return type == "bf16"  ? 4e-2
         : type == "f16" ? 5e-3
         : type == "f64" ? 1e-12
                         : 2e-5;
}

const Strings kTypes = {"f32", "f32", "f32", "f16", "bf16", "f64",
                        "i8",  "i16", "i32", "i64", "i1"};
/// Around the borders of vectors, warps, blocks and tiles.
const std::vector<int64_t> kSizes = {1,  2,  3,  4,  5,  7,  8,  9,  15,
                                     16, 17, 31, 32, 33, 63, 64, 65, 100};

} // namespace

Generated actnet::testing::generateMap(unsigned seed) {
  Generator g("map", seed);
  using Dim = Generator::Dim;
  size_t rank = 1 + g.below(3);
  // Both dims long enough for tiles of a transpose.
  bool isTurned = rank > 1 && g.chance(3);
  Generator::Dims space;
  for (size_t d = 0; d < rank; ++d)
    space.push_back(g.any(
        d + 1 < rank ? isTurned ? std::vector<int64_t>{15, 16, 17, 31, 33, 65}
                                : std::vector<int64_t>{1, 2, 3, 5, 8, 9}
        : rank == 1
            ? std::vector<int64_t>{1, 255, 256, 1023, 1024, 1025, 2049, 4097}
            : kSizes));
  std::string type = g.one(kTypes);
  g.made.tolerance = toleranceOf(type);
  Strings loops = Generator::loopNames(rank), maps, ins, inTypes, names;
  int count = 1 + g.below(3);
  for (int i = 0; i < count; ++i) {
    Generator::Dims dims;
    Strings results;
    std::string name, all;
    int form = isTurned && i == 0 ? 2 : g.below(6);
    if (form == 0) { // Leading dims left out.
      size_t from = g.below(static_cast<int>(rank));
      dims.assign(space.begin() + from, space.end());
      results.assign(loops.begin() + from, loops.end());
    } else if (form == 1) { // The last dim is one.
      dims = space;
      results = loops;
      dims.back() = g.number(1);
      results.back() = "0";
    } else if (form == 2 && rank > 1) { // Two dims exchanged.
      size_t x = g.below(static_cast<int>(isTurned ? rank - 1 : rank)),
             y = rank - 1;
      dims = space;
      results = loops;
      std::swap(dims[x], dims[y]);
      std::swap(results[x], results[y]);
    } else {
      dims = space;
      results = loops;
    }
    bool isSlice = form == 3 && std::all_of(dims.begin(), dims.end(),
                                            [](Dim d) { return d.symbol < 0; });
    bool isPadded =
        form == 4 && std::all_of(dims.begin(), dims.end(), [](Dim d) {
          return d.symbol < 0 && d.size > 2;
        });
    if (isSlice || isPadded) {
      Generator::Dims whole = dims;
      Strings lows, highs, sizes, steps;
      for (Dim &d : whole) {
        int low = g.below(isPadded ? 2 : 5), high = g.below(2);
        lows.push_back(std::to_string(low));
        highs.push_back(std::to_string(high));
        sizes.push_back(std::to_string(d.size));
        steps.push_back("1");
        d.size += (isPadded ? -1 : 1) * (low + high);
      }
      std::string from = g.operand(whole, type);
      name = g.value();
      if (isSlice) {
        g.line(name + " = tensor.extract_slice " + from + "[" + join(lows) +
               "] [" + join(sizes) + "] [" + join(steps) +
               "] : " + g.tensor(whole, type) + " to " + g.tensor(dims, type));
      } else {
        std::string filler = g.zero(type);
        Strings indices;
        for (size_t d = 0; d < dims.size(); ++d)
          indices.push_back("%p" + std::to_string(g.next++) + ": index");
        g.line(name + " = tensor.pad " + from + " low[" + join(lows) +
               "] high[" + join(highs) + "] {\n  ^bb0(" + join(indices) +
               "):\n    tensor.yield " + filler + " : " + type + "\n  } : " +
               g.tensor(whole, type) + " to " + g.tensor(dims, type));
      }
    } else {
      name = g.operand(dims, type);
    }
    ins.push_back(name);
    inTypes.push_back(g.tensor(dims, type));
    maps.push_back(Generator::map(rank, results));
    names.push_back("%x" + std::to_string(i) + ": " + type);
  }
  // One result, or a second one of another type.
  bool hasTwo = g.chance(3);
  Strings results{type};
  if (hasTwo)
    results.push_back("i1");
  Strings outs, outTypes;
  for (const std::string &result : results) {
    outs.push_back(g.empty(space, result));
    outTypes.push_back(g.tensor(space, result));
    maps.push_back(Generator::map(rank, loops));
    names.push_back("%o" + std::to_string(g.next++) + ": " + result);
  }
  std::string text, last = "%x0";
  for (int i = 0; i < 3; ++i) {
    std::string other = "%x" + std::to_string(g.below(count)),
                name = "%s" + std::to_string(i);
    text += "    " + name + " = " + g.op(type) + " " + last + ", " + other +
            " : " + type + "\n";
    last = name;
  }
  Strings yields{last};
  if (hasTwo) {
    text += (Generator::isFloat(type) ? "    %c = arith.cmpf oge, %x0, %s0 : "
                                      : "    %c = arith.cmpi eq, %x0, %s0 : ") +
            type + "\n";
    yields.push_back("%c");
  }
  std::string value = g.value();
  std::string outList =
      outTypes.size() > 1 ? "(" + join(outTypes) + ")" : outTypes[0];
  g.line(value + (hasTwo ? ":2" : "") + " = linalg.generic {indexing_maps = [" +
         join(maps) + "], iterator_types = " + Generator::iterators(rank, 0) +
         "}\n      ins(" + join(ins) + " : " + join(inTypes) + ") outs(" +
         join(outs) + " : " + join(outTypes) + ") {\n  ^bb0(" + join(names) +
         "):\n" + text + "    linalg.yield " + join(yields) + " : " +
         join(results) + "\n  } -> " + outList);
  // A small range, so that products of narrow integers do not overflow.
  if (!Generator::isFloat(type))
    g.made.lo = -9, g.made.hi = 9;
  std::vector<std::pair<Generator::Dims, std::string>> kinds;
  Strings values;
  for (size_t i = 0; i < results.size(); ++i) {
    kinds.push_back({space, results[i]});
    values.push_back(hasTwo ? value + "#" + std::to_string(i) : value);
  }
  return g.finish("map", kinds, values);
}

Generated actnet::testing::generateReduce(unsigned seed) {
  Generator g("reduce", seed);
  size_t rank = 1 + g.below(4);
  std::vector<bool> isReduced(rank);
  size_t reductions = 0;
  for (size_t d = 0; d < rank; ++d)
    reductions += isReduced[d] = g.chance(2);
  if (!reductions) {
    isReduced[rank - 1] = true;
    reductions = 1;
  }
  Generator::Dims from, to;
  for (size_t d = 0; d < rank; ++d) {
    from.push_back(g.any(
        rank < 3 ? std::vector<int64_t>{1, 2, 16, 31, 32, 33, 64, 100, 257, 300}
                 : std::vector<int64_t>{1, 2, 3, 4, 7, 8, 16, 17}));
    if (!isReduced[d])
      to.push_back(from.back());
  }
  std::string type = g.one(kTypes);
  // Narrow floats are summed up as float.
  std::string sumType = Generator::isNarrow(type) ? "f32" : type;
  bool isFloat = Generator::isFloat(type);
  std::string kind = type == "i1" ? g.one<std::string>({"ori", "andi"})
                     : isFloat
                         ? g.one<std::string>({"addf", "maximumf", "minimumf"})
                         : g.one<std::string>({"addi", "maxsi", "minsi"});
  std::string first =
      kind == "ori"    ? "false"
      : kind == "andi" ? "true"
      : kind == "maximumf"
          ? (sumType == "f64" ? "0xFFF0000000000000" : "0xFF800000")
      : kind == "minimumf"
          ? (sumType == "f64" ? "0x7FF0000000000000" : "0x7F800000")
      : kind == "maxsi" ? "-100"
      : kind == "minsi" ? "100"
      : kind == "addf"  ? g.one<std::string>({"0.0", "1.5"})
                        : "0";
  std::string x = g.operand(from, type), init = g.constant(sumType, first),
              out = g.empty(to, sumType), filled = g.value(), y = g.value();
  std::string outType = g.tensor(to, sumType);
  g.line(filled + " = linalg.fill ins(" + init + " : " + sumType + ") outs(" +
         out + " : " + outType + ") -> " + outType);
  Strings loops = Generator::loopNames(rank), kept, iterators;
  for (size_t d = 0; d < rank; ++d) {
    if (!isReduced[d])
      kept.push_back(loops[d]);
    iterators.push_back(isReduced[d] ? "\"reduction\"" : "\"parallel\"");
  }
  std::string element = "%e";
  std::string text;
  if (sumType != type) {
    text += "    %w = arith.extf %e : " + type + " to " + sumType + "\n";
    element = "%w";
  }
  if (isFloat && g.chance(2)) {
    text += "    %q = arith.mulf " + element + ", " + element + " : " +
            sumType + "\n";
    element = "%q";
  }
  text += "    %s = arith." + kind + " %o, " + element + " : " + sumType + "\n";
  g.line(y + " = linalg.generic {indexing_maps = [" +
         Generator::map(rank, loops) + ", " + Generator::map(rank, kept) +
         "], iterator_types = [" + join(iterators) + "]}\n      ins(" + x +
         " : " + g.tensor(from, type) + ") outs(" + filled + " : " + outType +
         ") {\n  ^bb0(%e: " + type + ", %o: " + sumType + "):\n" + text +
         "    linalg.yield %s : " + sumType + "\n  } -> " + outType);
  if (isFloat && g.chance(2)) {
    // An epilogue with an operand.
    std::string b = g.operand(to, sumType), z = g.value();
    Strings own = Generator::loopNames(to.size());
    std::string same = Generator::map(to.size(), own);
    g.line(z + " = linalg.generic {indexing_maps = [" + same + ", " + same +
           ", " + same + "], iterator_types = " +
           Generator::iterators(to.size(), 0) + "}\n      ins(" + y + ", " + b +
           " : " + outType + ", " + outType + ") outs(" + out + " : " +
           outType + ") {\n  ^bb0(%e: " + sumType + ", %f: " + sumType +
           ", %o: " + sumType + "):\n    %s = arith.addf %e, %f : " + sumType +
           "\n    linalg.yield %s : " + sumType + "\n  } -> " + outType);
    y = z;
  }
  g.made.tolerance = 4 * toleranceOf(sumType);
  if (type == "f64")
    g.made.tolerance = 1e-11;
  if (!isFloat)
    g.made.lo = kind == "addi" ? -0.6 : -9,
    g.made.hi = kind == "addi" ? 0.6 : 9;
  return g.finish("reduce", {{to, sumType}}, {y});
}

Generated actnet::testing::generateRow(unsigned seed) {
  Generator g("row", seed);
  size_t rowRank = g.below(3);
  Generator::Dims space, rows;
  for (size_t d = 0; d < rowRank; ++d)
    rows.push_back(g.any({1, 2, 3, 4, 5, 9}));
  space = rows;
  size_t columnRank = 1 + g.chance(4);
  if (columnRank == 2) {
    space.push_back(g.number(g.one<int64_t>({1, 3, 8})));
    space.push_back(g.any({1, 2, 31, 32, 33}));
  } else {
    // Above 16384, shared memory.
    space.push_back(g.chance(12)
                        ? g.number(g.one<int64_t>({16383, 16385, 17000}))
                        : g.any({1, 2, 8, 31, 32, 33, 127, 128, 129, 255, 256,
                                 257, 768, 1000, 1023, 1025, 4097}));
  }
  std::string type = g.one<std::string>({"f32", "f32", "f16", "bf16", "f64"});
  std::string wide = Generator::isNarrow(type) ? "f32" : type;
  bool isSoftmax = g.chance(2), hasRowResult = g.chance(3);
  size_t rank = space.size();
  Strings loops = Generator::loopNames(rank),
          own(loops.begin(), loops.begin() + rowRank),
          columns(loops.begin() + rowRank, loops.end());
  std::string all = Generator::map(rank, loops),
              row = Generator::map(rank, own),
              scale = Generator::map(rank, columns);
  Generator::Dims columnDims(space.begin() + rowRank, space.end());
  std::string x = g.operand(space, type), bias;
  std::string spaceType = g.tensor(space, type),
              wideSpace = g.tensor(space, wide), rowType = g.tensor(rows, wide);
  std::string parallel = Generator::iterators(rank, 0),
              reducing = Generator::iterators(rowRank, rank - rowRank);
  auto generic = [&](const std::string &maps, const std::string &iterators,
                     const Strings &ins, const Strings &inTypes,
                     const std::string &out, const std::string &outType,
                     const std::string &arguments, const std::string &text,
                     const std::string &result) {
    std::string y = g.value();
    g.line(y + " = linalg.generic {indexing_maps = [" + maps +
           "], iterator_types = " + iterators + "}\n      ins(" + join(ins) +
           " : " + join(inTypes) + ") outs(" + out + " : " + outType +
           ") {\n  ^bb0(" + arguments + "):\n" + text + "    linalg.yield " +
           result + "\n  } -> " + outType);
    return y;
  };
  auto filled = [&](const std::string &number) {
    std::string c = g.constant(wide, number), e = g.empty(rows, wide),
                f = g.value();
    g.line(f + " = linalg.fill ins(" + c + " : " + wide + ") outs(" + e +
           " : " + rowType + ") -> " + rowType);
    return f;
  };
  // In front of all: wide, and plus another operand.
  if (type != wide || g.chance(2)) {
    std::string e = g.empty(space, wide);
    std::string convert =
        type == wide
            ? "    %w = arith.addf %e, %e : " + wide + "\n"
            : "    %w = arith.extf %e : " + type + " to " + wide + "\n";
    x = generic(all + ", " + all, parallel, {x}, {spaceType}, e, wideSpace,
                "%e: " + type + ", %o: " + wide, convert, "%w : " + wide);
  }
  std::string max = wide == "f64" ? "0xFFF0000000000000" : "0xFF800000";
  std::string first;
  if (isSoftmax)
    first = generic(all + ", " + row, reducing, {x}, {wideSpace}, filled(max),
                    rowType, "%e: " + wide + ", %o: " + wide,
                    "    %s = arith.maximumf %o, %e : " + wide + "\n",
                    "%s : " + wide);
  else
    first =
        generic(all + ", " + row, reducing, {x}, {wideSpace}, filled("0.0"),
                rowType, "%e: " + wide + ", %o: " + wide,
                "    %s = arith.addf %o, %e : " + wide + "\n", "%s : " + wide);
  std::string shifted =
      generic(all + ", " + row + ", " + all, parallel, {x, first},
              {wideSpace, rowType}, g.empty(space, wide), wideSpace,
              "%e: " + wide + ", %m: " + wide + ", %o: " + wide,
              isSoftmax ? "    %t = arith.subf %e, %m : " + wide +
                              "\n    %s = math.exp %t : " + wide + "\n"
                        : "    %t = arith.subf %e, %m : " + wide +
                              "\n    %s = arith.mulf %t, %t : " + wide + "\n",
              "%s : " + wide);
  std::string second =
      generic(all + ", " + row, reducing, {shifted}, {wideSpace}, filled("1.0"),
              rowType, "%e: " + wide + ", %o: " + wide,
              "    %s = arith.addf %o, %e : " + wide + "\n", "%s : " + wide);
  std::string weight = g.operand(columnDims, wide);
  std::string narrow = type == wide ? ""
                                    : "    %n = arith.truncf %u : " + wide +
                                          " to " + type + "\n";
  std::string y = generic(
      all + ", " + row + ", " + scale + ", " + all, parallel,
      {shifted, second, weight},
      {wideSpace, rowType, g.tensor(columnDims, wide)}, g.empty(space, type),
      spaceType,
      "%e: " + wide + ", %m: " + wide + ", %w: " + wide + ", %o: " + type,
      "    %t = arith.divf %e, %m : " + wide +
          "\n    %u = arith.mulf %t, %w : " + wide + "\n" + narrow,
      (narrow.empty() ? "%u : " : "%n : ") + type);
  g.made.tolerance = toleranceOf(type) * 2;
  std::vector<std::pair<Generator::Dims, std::string>> kinds{{space, type}};
  Strings values{y};
  if (hasRowResult) {
    kinds.push_back({rows, wide});
    values.push_back(second);
    g.made.tolerance = std::max(g.made.tolerance, 1e-4);
  }
  return g.finish("row", kinds, values);
}

Generated actnet::testing::generateWindow(unsigned seed) {
  Generator g("window", seed);
  bool isDepthwise = g.chance(2);
  int64_t kernel[2], stride[2], dilation[2], low[2], high[2], in[2], out[2];
  for (int i = 0; i < 2; ++i) {
    kernel[i] = 1 + g.below(4);
    stride[i] = 1 + g.below(3);
    dilation[i] = 1 + g.below(2);
    low[i] = g.below(3);
    high[i] = g.below(3);
    out[i] = 1 + g.below(7);
    // What the windows cover, less the padding, at least one.
    int64_t covered =
        (out[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1;
    in[i] = covered - low[i] - high[i];
    if (in[i] < 1) {
      in[i] = covered;
      low[i] = high[i] = 0;
    }
  }
  std::string type =
      isDepthwise
          ? g.one<std::string>({"f32", "f32", "f64", "i32"})
          : g.one<std::string>({"f32", "f16", "bf16", "f64", "i8", "i32"});
  bool isFloat = Generator::isFloat(type),
       isMax = !isDepthwise &&
               (g.chance(2) || Generator::isNarrow(type) || type == "i8");
  Generator::Dim n = g.any({1, 2, 3}),
                 c = g.any({1, 2, 3, 4, 8, 12, 31, 32, 33, 64});
  Generator::Dims inDims{n, g.number(in[0]), g.number(in[1]), c},
      padded{n, g.number(in[0] + low[0] + high[0]),
             g.number(in[1] + low[1] + high[1]), c},
      outDims{n, g.number(out[0]), g.number(out[1]), c},
      window{g.number(kernel[0]), g.number(kernel[1])};
  std::string x = g.operand(inDims, type);
  std::string first = isMax ? (isFloat ? (type == "f64"   ? "0xFFF0000000000000"
                                          : type == "f16" ? "0xFC00"
                                          : type == "bf16" ? "0xFF80"
                                                           : "0xFF800000")
                                       : "-100")
                            : (isFloat ? "0.0" : "0");
  std::string filler = g.constant(type, first), p = g.value();
  auto text = [](int64_t v) { return std::to_string(v); };
  g.line(p + " = tensor.pad " + x + " low[0, " + text(low[0]) + ", " +
         text(low[1]) + ", 0] high[0, " + text(high[0]) + ", " + text(high[1]) +
         ", 0] {\n  ^bb0(%p0: index, %p1: index, %p2: index, %p3: index):\n"
         "    tensor.yield " +
         filler + " : " + type + "\n  } : " + g.tensor(inDims, type) + " to " +
         g.tensor(padded, type));
  std::string filter;
  Generator::Dims filterDims = window;
  if (isDepthwise) {
    filterDims.push_back(c);
    filter = g.operand(filterDims, type);
  } else {
    filter = g.empty(window, type);
  }
  std::string e = g.empty(outDims, type), f = g.value(), y = g.value();
  std::string outType = g.tensor(outDims, type);
  g.line(f + " = linalg.fill ins(" + filler + " : " + type + ") outs(" + e +
         " : " + outType + ") -> " + outType);
  std::string add = isFloat ? "arith.addf" : "arith.addi",
              product = isFloat ? "arith.mulf" : "arith.muli",
              max = isFloat ? "arith.maximumf" : "arith.maxsi", body;
  if (isDepthwise)
    body = "    %m = " + product + " %a, %b : " + type + "\n    %s = " + add +
           " %o, %m : " + type + "\n";
  else
    body = "    %s = " + (isMax ? max : add) + " %o, %a : " + type + "\n";
  g.line(
      y + " = linalg.generic {indexing_maps = [" +
      Generator::map(
          6,
          {"i0", "i1 * " + text(stride[0]) + " + i4 * " + text(dilation[0]),
           "i2 * " + text(stride[1]) + " + i5 * " + text(dilation[1]), "i3"}) +
      ", " +
      Generator::map(6, isDepthwise ? Strings{"i4", "i5", "i3"}
                                    : Strings{"i4", "i5"}) +
      ", " + Generator::map(6, {"i0", "i1", "i2", "i3"}) +
      "], iterator_types = " + Generator::iterators(4, 2) + "}\n      ins(" +
      p + ", " + filter + " : " + g.tensor(padded, type) + ", " +
      g.tensor(filterDims, type) + ") outs(" + f + " : " + outType +
      ") {\n  ^bb0(%a: " + type + ", %b: " + type + ", %o: " + type + "):\n" +
      body + "    linalg.yield %s : " + type + "\n  } -> " + outType);
  g.made.tolerance = toleranceOf(type);
  if (type == "f64")
    g.made.tolerance = 1e-11;
  if (!isFloat)
    g.made.lo = -9, g.made.hi = 9;
  return g.finish(isDepthwise ? "depthwise" : "pool", {{outDims, type}}, {y});
}

Generated actnet::testing::generateScatter(unsigned seed) {
  Generator g("scatter", seed);
  // Most rows are beyond what a thread has; indices are around both ends.
  std::vector<int64_t> rows =
      g.one<std::vector<int64_t>>({{1, 2, 3, 5}, {31, 33, 70, 100}});
  Generator::Dim outer = g.any({1, 2, 3, 5}), inner = g.any(kSizes),
                 extent = g.any(rows);
  std::string type = g.one(kTypes);
  // Sums that lie in 16 bits are rounded at each update: few of them.
  bool isNarrow = Generator::isNarrow(type);
  Generator::Dim count = g.any(isNarrow ? std::vector<int64_t>{1, 2, 5}
                                        : std::vector<int64_t>{1, 2, 5, 40});
  bool isFloat = Generator::isFloat(type), isRows = g.chance(2);
  g.made.tolerance = toleranceOf(type);
  g.made.hi = 1.3 * static_cast<double>(rows.back());
  g.made.lo = -g.made.hi;
  // Sums and products of many numbers as large as an index leave the types.
  Strings kinds{"", isFloat ? "maximumf" : "maxsi",
                isFloat ? "minimumf" : "minsi"};
  bool isSmall = rows.back() < 9;
  if (type == "f32" || type == "f64" || type == "i32" || type == "i64" ||
      (type == "bf16" && isSmall))
    kinds.insert(kinds.end(),
                 {isFloat ? "addf" : "addi", isFloat ? "addf" : "addi"});
  if (type == "f64" && isSmall)
    kinds.push_back("mulf");
  if (type == "i1")
    kinds = {"", "andi", "ori"};
  std::string kind = g.one(kinds);
  if (isNarrow && kind == "addf")
    g.made.tolerance += 5 * 6 * g.made.hi * 0x1p-9;
  Generator::Dims data{outer, extent, inner}, updates{outer, count, inner},
      indices = isRows ? Generator::Dims{count} : updates;
  std::string index = g.one<std::string>({"i32", "i64"});
  std::string i = g.operand(indices, index), u = g.operand(updates, type),
              x = g.operand(data, type), y = g.value();
  std::string yielded = "%n", text;
  if (!kind.empty()) {
    text = "    %s = arith." + kind + " %o, %n : " + type + "\n";
    yielded = "%s";
  }
  g.line(y + " = kernel.scatter ins(" + i + ", " + u + ") outs(" + x +
         ") {\n  ^bb0(%o: " + type + ", %n: " + type + "):\n" + text +
         "    kernel.yield " + yielded + " : " + type +
         "\n  } : " + g.tensor(indices, index) + ", " +
         g.tensor(updates, type) + ", " + g.tensor(data, type));
  Generated made = g.finish("scatter", {{data, type}}, {y});
  // Every other one may work on its operand's memory.
  if (g.chance(2)) {
    std::string plain = "family = #kernel.family<scatter>";
    made.text.replace(made.text.find(plain), plain.size(),
                      plain + ", inplace = array<i64: 2, 0>");
  }
  return made;
}
