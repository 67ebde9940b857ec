//===- Texts.cpp - texts of contraction kernels ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Texts.h"

#include <sstream>
#include <vector>

namespace {

std::string num(int64_t v) { return v < 0 ? "?" : std::to_string(v); }

/// `tensor<?x64xf32>`
std::string tensor(const std::vector<int64_t> &shape) {
  std::string text = "tensor<";
  for (int64_t d : shape)
    text += num(d) + "x";
  return text + "f32>";
}

/// `kernel.dims = #graph.dims<d0, 64>` for a dynamic first dim.
std::string dims(const std::vector<int64_t> &shape,
                 const std::vector<std::string> &names = {"d0"}) {
  std::string text = "{kernel.dims = #graph.dims<";
  unsigned next = 0;
  bool dynamic = false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    dynamic |= shape[i] < 0;
    text += (i ? ", " : "") +
            (shape[i] < 0 ? names[next++] : std::to_string(shape[i]));
  }
  return dynamic ? text + ">}" : "";
}

std::string map(const std::string &loops, const std::string &results) {
  return "affine_map<(" + loops + ") -> (" + results + ")>";
}

/// result = max(x + bias[last], 0), or with a residual in between.
void epilogue(std::ostringstream &os, const std::string &x,
              const std::vector<int64_t> &shape,
              const std::vector<int64_t> &biasShape, bool residual,
              const std::string &sizes) {
  std::string loops, bias;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    loops += (i ? ", i" : "i") + std::to_string(i);
    if (i + biasShape.size() >= shape.size())
      bias += (bias.empty() ? "i" : ", i") + std::to_string(i);
  }
  os << "  %ee = tensor.empty(" << sizes << ") : " << tensor(shape) << "\n"
     << "  %y = linalg.generic {indexing_maps = [" << map(loops, loops) << ", "
     << map(loops, bias) << ", " << (residual ? map(loops, loops) + ", " : "")
     << map(loops, loops) << "], iterator_types = [";
  for (std::size_t i = 0; i < shape.size(); ++i)
    os << (i ? ", " : "") << "\"parallel\"";
  os << "]} ins(" << x << ", %bias" << (residual ? ", %res" : "") << " : "
     << tensor(shape) << ", " << tensor(biasShape)
     << (residual ? ", " + tensor(shape) : "")
     << ") outs(%ee : " << tensor(shape) << ") {\n  ^bb0(%a: f32, %b: f32, "
     << (residual ? "%r: f32, " : "")
     << "%o: f32):\n    %s0 = arith.addf %a, %b : f32\n"
     << (residual ? "    %s = arith.addf %s0, %r : f32\n"
                  : "    %s = arith.addf %s0, %zero : f32\n")
     << "    %m = arith.maximumf %s, %zero : f32\n    linalg.yield %m : f32\n  "
        "} -> "
     << tensor(shape) << "\n";
}

void multiplyAdd(std::ostringstream &os, const std::string &maps,
                 const std::string &iterators, const std::string &left,
                 const std::string &leftType, const std::string &right,
                 const std::string &rightType, const std::string &out) {
  os << "  %acc = linalg.generic {indexing_maps = [" << maps
     << "], iterator_types = [" << iterators << "]} ins(" << left << ", "
     << right << " : " << leftType << ", " << rightType
     << ") outs(%init : " << out << ") {\n  ^bb0(%a: f32, %b: f32, %o: f32):\n"
     << "    %p = arith.mulf %a, %b : f32\n    %s = arith.addf %o, %p : f32\n"
     << "    linalg.yield %s : f32\n  } -> " << out << "\n";
}

} // namespace

std::string matmulText(const std::string &name, const MatmulText &t) {
  std::ostringstream os;
  int64_t panels = (t.n + 15) / 16;
  std::string left = tensor({t.m, t.k}), out = tensor({t.m, t.n});
  std::string right = t.packed ? tensor({panels, t.k, 16}) : tensor({t.k, t.n});
  std::string size = t.m < 0 ? "%d0" : "";
  os << "kernel.func @" << name << "(%x: " << left << dims({t.m, t.k})
     << ", %w: " << right;
  if (t.bias)
    os << ", %bias: " << tensor({t.n});
  if (t.prologue)
    os << ", %scale: " << tensor({t.k});
  os << (t.m < 0 ? ", %d0: index" : "") << ") -> (" << out << dims({t.m, t.n})
     << ") attributes {family = #kernel.family<contract>} {\n"
     << "  %zero = arith.constant 0.0 : f32\n"
     << "  %e = tensor.empty(" << size << ") : " << out << "\n"
     << "  %init = linalg.fill ins(%zero : f32) outs(%e : " << out << ") -> "
     << out << "\n";
  std::string x = "%x";
  if (t.prologue) {
    os << "  %pe = tensor.empty(" << size << ") : " << left << "\n"
       << "  %px = linalg.generic {indexing_maps = [" << map("m, k", "m, k")
       << ", " << map("m, k", "k") << ", " << map("m, k", "m, k")
       << "], iterator_types = [\"parallel\", \"parallel\"]} ins(%x, %scale : "
       << left << ", " << tensor({t.k}) << ") outs(%pe : " << left
       << ") {\n  ^bb0(%a: f32, %b: f32, %o: f32):\n"
       << "    %p = arith.mulf %a, %b : f32\n    linalg.yield %p : f32\n  } -> "
       << left << "\n";
    x = "%px";
  }
  std::string loops = "m, n, k";
  multiplyAdd(os,
              map(loops, "m, k") + ", " +
                  map(loops, t.packed ? "n floordiv 16, k, n mod 16" : "k, n") +
                  ", " + map(loops, "m, n"),
              "\"parallel\", \"parallel\", \"reduction\"", x, left, "%w", right,
              out);
  if (t.bias)
    epilogue(os, "%acc", {t.m, t.n}, {t.n}, false, size);
  os << "  kernel.yield " << (t.bias ? "%y" : "%acc") << " : " << out
     << "\n}\n";
  return os.str();
}

std::string convText(const std::string &name, const ConvText &t) {
  std::ostringstream os;
  bool g = t.groups > 1;
  auto shape = [&](int64_t h, int64_t w, int64_t c) {
    return g ? std::vector<int64_t>{-1, h, w, t.groups, c}
             : std::vector<int64_t>{-1, h, w, c};
  };
  int64_t panels = (t.o + 15) / 16;
  std::vector<int64_t> in = shape(t.h, t.w, t.i),
                       out = shape(t.outH(), t.outW(), t.o);
  std::vector<int64_t> padded = shape(t.h + 2 * t.pad, t.w + 2 * t.pad, t.i);
  std::vector<int64_t> filter{panels, t.kh, t.kw, t.i, 16}, bias{t.o};
  if (g) {
    filter.insert(filter.begin(), t.groups);
    bias.insert(bias.begin(), t.groups);
  }
  os << "kernel.func @" << name << "(%x: " << tensor(in) << dims(in)
     << ", %w: " << tensor(filter);
  if (t.bias)
    os << ", %bias: " << tensor(bias) << ", %res: " << tensor(out) << dims(out);
  os << ", %d0: index) -> (" << tensor(out) << dims(out)
     << ") attributes {family = #kernel.family<conv>} {\n"
     << "  %zero = arith.constant 0.0 : f32\n"
     << "  %e = tensor.empty(%d0) : " << tensor(out) << "\n"
     << "  %init = linalg.fill ins(%zero : f32) outs(%e : " << tensor(out)
     << ") -> " << tensor(out) << "\n";
  std::string x = "%x", xType = tensor(in);
  if (t.pad) {
    std::string p = std::to_string(t.pad), rest = g ? ", 0, 0]" : ", 0]";
    std::string edge = "[0, " + p + ", " + p + rest;
    os << "  %px = tensor.pad %x low" << edge << " high" << edge
       << " {\n  ^bb0(";
    for (std::size_t i = 0; i < in.size(); ++i)
      os << (i ? ", " : "") << "%i" << i << ": index";
    os << "):\n    tensor.yield %zero : f32\n  } : " << tensor(in) << " to "
       << tensor(padded) << "\n";
    x = "%px";
    xType = tensor(padded);
  }
  std::string loops = g ? "n, y, x, g, o, a, b, i" : "n, y, x, o, a, b, i";
  std::string s = " * " + std::to_string(t.stride),
              d = " * " + std::to_string(t.dilation);
  std::string at = "n, y" + s + " + a" + d + ", x" + s + " + b" + d +
                   (g ? ", g" : "") + ", i";
  std::string parallel =
      "\"parallel\", \"parallel\", \"parallel\", \"parallel\", ";
  multiplyAdd(os,
              map(loops, at) + ", " +
                  map(loops, std::string(g ? "g, " : "") +
                                 "o floordiv 16, a, b, i, o mod 16") +
                  ", " + map(loops, g ? "n, y, x, g, o" : "n, y, x, o"),
              parallel + (g ? "\"parallel\", " : "") +
                  "\"reduction\", \"reduction\", \"reduction\"",
              x, xType, "%w", tensor(filter), tensor(out));
  if (t.bias)
    epilogue(os, "%acc", out, bias, true, "%d0");
  os << "  kernel.yield " << (t.bias ? "%y" : "%acc") << " : " << tensor(out)
     << "\n}\n";
  return os.str();
}

std::string depthwiseText(const std::string &name, const DepthwiseText &t) {
  std::ostringstream os;
  std::vector<int64_t> in{-1, t.h, t.w, t.c}, out{-1, t.outH(), t.outW(), t.c};
  std::vector<int64_t> padded{-1, t.h + 2 * t.pad, t.w + 2 * t.pad, t.c},
      filter{t.k, t.k, t.c};
  os << "kernel.func @" << name << "(%x: " << tensor(in) << dims(in)
     << ", %w: " << tensor(filter) << ", %bias: " << tensor({t.c})
     << ", %d0: index) -> (" << tensor(out) << dims(out)
     << ") attributes {family = #kernel.family<depthwise>} {\n"
     << "  %zero = arith.constant 0.0 : f32\n"
     << "  %e = tensor.empty(%d0) : " << tensor(out) << "\n"
     << "  %init = linalg.fill ins(%zero : f32) outs(%e : " << tensor(out)
     << ") -> " << tensor(out) << "\n";
  std::string x = "%x", xType = tensor(in);
  if (t.pad) {
    std::string p = std::to_string(t.pad),
                edge = "[0, " + p + ", " + p + ", 0]";
    os << "  %px = tensor.pad %x low" << edge << " high" << edge
       << " {\n  ^bb0(%i0: index, %i1: index, %i2: index, %i3: index):\n"
       << "    tensor.yield %zero : f32\n  } : " << tensor(in) << " to "
       << tensor(padded) << "\n";
    x = "%px";
    xType = tensor(padded);
  }
  std::string s = " * " + std::to_string(t.stride), loops = "n, y, x, c, a, b";
  multiplyAdd(
      os,
      map(loops, "n, y" + s + " + a, x" + s + " + b, c") + ", " +
          map(loops, "a, b, c") + ", " + map(loops, "n, y, x, c"),
      "\"parallel\", \"parallel\", \"parallel\", \"parallel\", \"reduction\", "
      "\"reduction\"",
      x, xType, "%w", tensor(filter), tensor(out));
  epilogue(os, "%acc", out, {t.c}, false, "%d0");
  os << "  kernel.yield %y : " << tensor(out) << "\n}\n";
  return os.str();
}

std::string attentionText(const std::string &name, const AttentionText &t) {
  std::ostringstream os;
  int64_t kv = t.kvHeads ? t.kvHeads : t.heads, group = t.heads / kv;
  std::string sName = t.s < 0 ? "d1" : "",
              tName = t.t < 0 ? (t.s < 0 ? "d2" : "d1") : "";
  std::vector<int64_t> q{-1, t.s, t.heads, t.d}, k{-1, t.t, kv, t.d},
      v{-1, t.t, kv, t.e}, mask{-1, 1, 1, t.t}, out{-1, t.s, t.heads, t.e};
  auto names = [&](const std::string &second) {
    return std::vector<std::string>{"d0", second};
  };
  os << "kernel.func @" << name << "(%q: " << tensor(q) << dims(q, names(sName))
     << ", %k: " << tensor(k) << dims(k, names(tName)) << ", %v: " << tensor(v)
     << dims(v, names(tName));
  if (t.mask)
    os << ", %mask: " << tensor(mask) << dims(mask, names(tName));
  os << ", %d0: index" << (t.s < 0 ? ", %d1: index" : "")
     << (t.t < 0 ? (t.s < 0 ? ", %d2: index" : ", %d1: index") : "") << ") -> ("
     << tensor(out) << dims(out, names(sName))
     << ") attributes {family = #kernel.family<attention>} {\n"
     << "  %e = tensor.empty(%d0" << (t.s < 0 ? ", %d1" : "")
     << ") : " << tensor(out) << "\n";
  std::string loops = "b, h, s, t, d, e";
  std::string head = group > 1 ? "h floordiv " + std::to_string(group) : "h";
  os << "  %y = kernel.attention ins(%q, %k, %v" << (t.mask ? ", %mask" : "")
     << ") outs(%e) {indexing_maps = [" << map(loops, "b, s, h, d") << ", "
     << map(loops, "b, t, " + head + ", d") << ", "
     << map(loops, "b, t, " + head + ", e") << ", "
     << (t.mask ? map(loops, "b, 0, 0, t") + ", " : "")
     << map(loops, "b, s, h, e") << "], scale = 0.125 : f64"
     << (t.causal ? ", causal" : "") << "} : " << tensor(q) << ", " << tensor(k)
     << ", " << tensor(v) << (t.mask ? ", " + tensor(mask) : "") << ", "
     << tensor(out) << " -> " << tensor(out)
     << "\n  kernel.yield %y : " << tensor(out) << "\n}\n";
  return os.str();
}
