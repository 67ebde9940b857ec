//===- Texts.h - texts of contraction kernels -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bodies that graph-to-kernel makes, for any shape.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_CODEGEN_HOST_CONTRACTIONS_TEXTS_H
#define ACTNET_TEST_CODEGEN_HOST_CONTRACTIONS_TEXTS_H

#include <cstdint>
#include <string>

struct MatmulText {
  int64_t n, k;
  int64_t m = -1;        ///< -1: dynamic, d0.
  bool packed = true;    ///< Right operand in panels, else [k, n].
  bool bias = false;     ///< Adds a vector and clamps at zero.
  bool prologue = false; ///< Multiplies the left operand by a vector over k.
};
std::string matmulText(const std::string &name, const MatmulText &t);

struct ConvText {
  int64_t h, w, i, o, kh = 3, kw = 3, stride = 1, pad = 1, dilation = 1;
  int64_t groups = 1;
  bool bias = true; ///< Adds a vector, then a residual, and clamps at zero.
  int64_t outH() const {
    return (h + 2 * pad - dilation * (kh - 1) - 1) / stride + 1;
  }
  int64_t outW() const {
    return (w + 2 * pad - dilation * (kw - 1) - 1) / stride + 1;
  }
};
/// Batch is d0. Operands: input [N, h, w, (g,) i], filter, bias, residual.
std::string convText(const std::string &name, const ConvText &t);

struct DepthwiseText {
  int64_t h, w, c, k = 3, stride = 1, pad = 1;
  int64_t outH() const { return (h + 2 * pad - k) / stride + 1; }
  int64_t outW() const { return (w + 2 * pad - k) / stride + 1; }
};
/// Batch is d0. Operands: input [N, h, w, c], filter [k, k, c], bias [c]; the
/// result is clamped to [0, 6].
std::string depthwiseText(const std::string &name, const DepthwiseText &t);

struct AttentionText {
  int64_t heads, d, e, s = -1, t = -1; ///< -1: dynamic (s: d1, t: d2)
  int64_t kvHeads = 0;                 ///< 0: as many as heads.
  bool mask = false, causal = false;
};
/// Batch is d0. Operands: q [b, s, h, d], k [b, t, hk, d], v [b, t, hk, e],
/// mask [b, 1, 1, t] additive.
std::string attentionText(const std::string &name, const AttentionText &t);

#endif // ACTNET_TEST_CODEGEN_HOST_CONTRACTIONS_TEXTS_H
