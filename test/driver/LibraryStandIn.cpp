//===- LibraryStandIn.cpp - a libcublasLt.so.13 without a GPU -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The entry points that device cuda uses, on the driver's stand-in: work goes
// into its streams and captures, memory is its memory, calls are in its log.
// It is strict: descriptors must say what can be (leading dimensions, batches,
// bias as long as D has rows), an algorithm only runs the product that it was
// chosen for, with operands as aligned as was promised, and with the workspace
// that it asked for. It computes as the reference says, one sum after another.
//
//===----------------------------------------------------------------------===//
#include "StandIn.h"

#include "../../lib/Runtime/Device/CUDA/LibraryApi.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace actnet::rt::cuda::lt {

struct HandleTag {};
struct DescTag {
  int transposeA = plain, transposeB = plain;
  unsigned epilogue = epilogueDefault;
  const void *bias = nullptr;
};
struct LayoutTag {
  int type = real32;
  uint64_t rows = 0, columns = 0;
  int64_t ld = 0;
  int batch = 1;
  int64_t stride = 0;
};
struct PreferenceTag {
  uint64_t workspace = 0;
  unsigned schemes = 7;
  unsigned alignment[4] = {256, 256, 256, 256};
};

} // namespace actnet::rt::cuda::lt

using namespace actnet;
using namespace actnet::rt::cuda;
using namespace actnet::rt::cuda::lt;

extern "C" {
#define ACTNET_DECLARE(name, result, parameters)                               \
  __attribute__((visibility("default"))) result name parameters;
ACTNET_CUBLASLT_ENTRIES(ACTNET_DECLARE)
#undef ACTNET_DECLARE
}

namespace {

StandIn &driver() { return *actnetStandIn(); }

/// Notes a call; false where there is no context to work in, or for one that
/// takes or gives memory in a thread that captures.
bool begin(const char *name, const std::string &detail = "",
           bool unsafe = false) {
  return driver().begin(name, true, true, detail, unsafe) == success;
}

template <typename T> bool isLive(const T *handle) {
  return handle && driver().isLive(handle);
}

template <typename T> Code make(T **handle) {
  if (!handle)
    return statusInvalidValue;
  *handle = new T;
  std::lock_guard lock(driver().mutex);
  driver().live.insert(*handle);
  return statusSuccess;
}

template <typename T> Code destroy(T *handle) {
  {
    std::lock_guard lock(driver().mutex);
    if (!driver().live.erase(handle))
      return statusInvalidValue;
  }
  delete handle;
  return statusSuccess;
}

template <typename T> Code setTo(T &field, const void *value, size_t bytes) {
  if (!value || bytes != sizeof(T))
    return statusInvalidValue;
  std::memcpy(&field, value, bytes);
  return statusSuccess;
}

size_t bytesOf(int type) { return type == real32 ? 4 : 2; }

/// A matrix as an operation sees it.
struct Matrix {
  const std::byte *base = nullptr;
  LayoutTag layout;
  bool isTransposed = false;

  uint64_t rows() const { return isTransposed ? layout.columns : layout.rows; }
  uint64_t columns() const {
    return isTransposed ? layout.rows : layout.columns;
  }
  const std::byte *at(uint64_t i, uint64_t row, uint64_t column) const {
    if (isTransposed)
      std::swap(row, column);
    return base +
           (i * uint64_t(layout.stride) + column * uint64_t(layout.ld) + row) *
               bytesOf(layout.type);
  }
};

float widen16(uint16_t half) {
  int exponent = half >> 10 & 31, mantissa = half & 1023;
  float value = exponent == 31 ? (mantissa ? NAN : INFINITY)
                : exponent == 0
                    ? std::ldexp(float(mantissa), -24)
                    : std::ldexp(float(mantissa + 1024), exponent - 25);
  return half & 0x8000 ? -value : value;
}

uint16_t narrow16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  float size = std::fabs(value);
  if (std::isnan(value))
    return uint16_t(sign | 0x7e00);
  if (size >= 65520)
    return uint16_t(sign | 0x7c00);
  int exponent = size == 0 ? -14 : std::max(std::ilogb(size), -14);
  // nearbyint rounds to even, and a carry goes on into the exponent.
  auto mantissa = uint32_t(std::nearbyint(std::ldexp(size, 10 - exponent)));
  return uint16_t(sign | (mantissa + (uint32_t(exponent + 14) << 10)));
}

float load(const std::byte *at, int type) {
  if (type == real32) {
    float value;
    std::memcpy(&value, at, 4);
    return value;
  }
  uint16_t half;
  std::memcpy(&half, at, 2);
  if (type == real16)
    return widen16(half);
  uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

void store(std::byte *at, int type, float value) {
  if (type == real32) {
    std::memcpy(at, &value, 4);
    return;
  }
  uint16_t half = narrow16(value);
  if (type == bfloat16) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    half = std::isnan(value)
               ? 0x7fc0
               : uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
  std::memcpy(at, &half, 2);
}

/// One product, with all that it needs.
struct Product {
  Matrix a, b, d;
  float alpha = 1;
  unsigned epilogue = epilogueDefault;
  const std::byte *bias = nullptr;

  std::string text() const {
    return std::to_string(d.rows()) + "x" + std::to_string(d.columns()) + "x" +
           std::to_string(a.columns()) + " batch " +
           std::to_string(d.layout.batch) + " epilogue " +
           std::to_string(epilogue);
  }
  float finish(float sum) const {
    if (epilogue & epilogueRelu)
      return std::max(sum, 0.0f);
    if (epilogue & epilogueGelu)
      return 0.5f * sum *
             (1 + std::tanh(0.79788456f * (sum + 0.044715f * sum * sum * sum)));
    return sum;
  }
  actnet::Status check(const Matrix &matrix, bool isWritten) const {
    for (int i = 0; i < matrix.layout.batch; ++i)
      for (uint64_t c = 0; c < matrix.layout.columns; ++c) {
        const std::byte *at = matrix.isTransposed
                                  ? matrix.at(uint64_t(i), c, 0)
                                  : matrix.at(uint64_t(i), 0, c);
        size_t bytes = matrix.layout.rows * bytesOf(matrix.layout.type);
        actnet::Status status =
            isWritten ? driver().written(at, bytes) : driver().read(at, bytes);
        if (!status)
          return status;
      }
    return okStatus();
  }
  Result run() const {
    actnet::Status status = check(a, false);
    if (status)
      status = check(b, false);
    if (status && bias)
      status = driver().read(bias, d.rows() * bytesOf(d.layout.type));
    if (status)
      status = check(d, true);
    if (!status) {
      std::fprintf(stderr, "stand-in library: %s\n", status.str().c_str());
      return illegalAddress;
    }
    std::vector<float> row(a.columns());
    for (int i = 0; i < d.layout.batch; ++i)
      for (uint64_t r = 0; r < d.rows(); ++r) {
        for (uint64_t k = 0; k < row.size(); ++k)
          row[k] = load(a.at(uint64_t(i), r, k), a.layout.type);
        for (uint64_t c = 0; c < d.columns(); ++c) {
          float sum = 0;
          for (uint64_t k = 0; k < row.size(); ++k)
            sum += row[k] * load(b.at(uint64_t(i), k, c), b.layout.type);
          sum *= alpha;
          if (bias)
            sum += load(bias + r * bytesOf(d.layout.type), d.layout.type);
          store(const_cast<std::byte *>(d.at(uint64_t(i), r, c)), d.layout.type,
                finish(sum));
        }
      }
    return success;
  }
};

bool isPossible(const LayoutTag &layout) {
  bool isKnown =
      layout.type == real32 || layout.type == real16 || layout.type == bfloat16;
  return isKnown && layout.rows && layout.columns && layout.batch >= 1 &&
         layout.ld >= int64_t(layout.rows) && layout.stride >= 0;
}

/// Puts a product together, or says why it is none.
Code describe(Desc desc, Layout a, Layout b, Layout c, Layout d,
              Product &product) {
  if (!isLive(desc) || !isLive(a) || !isLive(b) || !isLive(c) || !isLive(d))
    return statusInvalidValue;
  product.a = {nullptr, *a, desc->transposeA == transposed};
  product.b = {nullptr, *b, desc->transposeB == transposed};
  product.d = {nullptr, *d, false};
  product.epilogue = desc->epilogue;
  product.bias = static_cast<const std::byte *>(desc->bias);
  bool hasBias = desc->epilogue & epilogueBias;
  if (!isPossible(*a) || !isPossible(*b) || !isPossible(*d) ||
      product.a.rows() != product.d.rows() ||
      product.b.columns() != product.d.columns() ||
      product.a.columns() != product.b.rows() || a->batch != d->batch ||
      b->batch != d->batch || hasBias != (desc->bias != nullptr))
    return statusInvalidValue;
  if (a->type != b->type || (d->type != a->type && d->type != real32))
    return statusNotSupported;
  return statusSuccess;
}

uintptr_t alignmentOf(const void *address) {
  auto value = reinterpret_cast<uintptr_t>(address);
  return value & -value;
}

/// What an algorithm was chosen for: the same words stand in it.
void fingerprint(const Product &product, const PreferenceTag &preference,
                 uint64_t workspace, Algo &algo) {
  algo = {};
  for (const Matrix *m : {&product.a, &product.b, &product.d})
    for (uint64_t part :
         {uint64_t(m->layout.type), m->layout.rows, m->layout.columns,
          uint64_t(m->layout.ld), uint64_t(m->layout.batch),
          uint64_t(m->layout.stride), uint64_t(m->isTransposed),
          uint64_t(product.epilogue)})
      algo.data[0] = (algo.data[0] ^ part) * 0x100000001b3;
  algo.data[1] = workspace;
  for (unsigned i = 0; i < 4; ++i)
    algo.data[2 + i] = preference.alignment[i];
  algo.data[6] = alignmentOf(product.bias);
}

} // namespace

Code cublasLtCreate(Handle *handle) {
  return begin(__func__, "", true) ? make(handle) : statusNotInitialized;
}
Code cublasLtDestroy(Handle handle) {
  return begin(__func__, "", true) ? destroy(handle) : statusNotInitialized;
}
const char *cublasLtGetStatusName(Code status) {
  switch (status) {
  case statusSuccess:
    return "CUBLAS_STATUS_SUCCESS";
  case statusNotInitialized:
    return "CUBLAS_STATUS_NOT_INITIALIZED";
  case statusInvalidValue:
    return "CUBLAS_STATUS_INVALID_VALUE";
  case statusExecutionFailed:
    return "CUBLAS_STATUS_EXECUTION_FAILED";
  case statusNotSupported:
    return "CUBLAS_STATUS_NOT_SUPPORTED";
  default:
    return "CUBLAS_STATUS_?";
  }
}
size_t cublasLtGetVersion() { return 130000; }

Code cublasLtMatmulDescCreate(Desc *desc, int compute, int scale) {
  begin(__func__);
  if (compute != computeReal32 || scale != real32)
    return statusNotSupported;
  return make(desc);
}
Code cublasLtMatmulDescDestroy(Desc desc) {
  begin(__func__);
  return destroy(desc);
}
Code cublasLtMatmulDescSetAttribute(Desc desc, int attribute, const void *value,
                                    size_t bytes) {
  if (!isLive(desc))
    return statusInvalidValue;
  switch (attribute) {
  case descTransposeA:
    return setTo(desc->transposeA, value, bytes);
  case descTransposeB:
    return setTo(desc->transposeB, value, bytes);
  case descEpilogue:
    return setTo(desc->epilogue, value, bytes);
  case descBiasPointer:
    return setTo(desc->bias, value, bytes);
  default:
    return statusInvalidValue;
  }
}

Code cublasLtMatrixLayoutCreate(Layout *layout, int type, uint64_t rows,
                                uint64_t columns, int64_t ld) {
  begin(__func__);
  if (Code status = make(layout))
    return status;
  (*layout)->type = type;
  (*layout)->rows = rows;
  (*layout)->columns = columns;
  (*layout)->ld = ld;
  return statusSuccess;
}
Code cublasLtMatrixLayoutDestroy(Layout layout) {
  begin(__func__);
  return destroy(layout);
}
Code cublasLtMatrixLayoutSetAttribute(Layout layout, int attribute,
                                      const void *value, size_t bytes) {
  if (!isLive(layout))
    return statusInvalidValue;
  switch (attribute) {
  case layoutBatchCount:
    return setTo(layout->batch, value, bytes);
  case layoutBatchStride:
    return setTo(layout->stride, value, bytes);
  default:
    return statusInvalidValue;
  }
}

Code cublasLtMatmulPreferenceCreate(Preference *preference) {
  begin(__func__);
  return make(preference);
}
Code cublasLtMatmulPreferenceDestroy(Preference preference) {
  begin(__func__);
  return destroy(preference);
}
Code cublasLtMatmulPreferenceSetAttribute(Preference preference, int attribute,
                                          const void *value, size_t bytes) {
  if (!isLive(preference))
    return statusInvalidValue;
  switch (attribute) {
  case preferMaxWorkspace:
    return setTo(preference->workspace, value, bytes);
  case preferReductionSchemes:
    return setTo(preference->schemes, value, bytes);
  case preferAlignmentA:
  case preferAlignmentB:
  case preferAlignmentC:
  case preferAlignmentD:
    return setTo(preference->alignment[attribute - preferAlignmentA], value,
                 bytes);
  default:
    return statusInvalidValue;
  }
}

Code cublasLtMatmulAlgoGetHeuristic(Handle handle, Desc desc, Layout a,
                                    Layout b, Layout c, Layout d,
                                    Preference preference, int wanted,
                                    HeuristicResult *results, int *found) {
  Product product;
  Code status = describe(desc, a, b, c, d, product);
  std::string text = status ? "" : product.text();
  if (!begin(__func__, text))
    return statusNotInitialized;
  if (!isLive(handle) || !isLive(preference) || wanted < 1 || !results ||
      !found || (status && status != statusNotSupported))
    return statusInvalidValue;
  *found = 0;
  // Sums whose bits depend on who comes first must not be asked for.
  if (preference->schemes & ~unsigned(reductionInWorkspace))
    return statusInvalidValue;
  uint64_t workspace = driver().options().workspaceBytes;
  if (status || !driver().options().hasHeuristics ||
      driver().strikes("heuristic") || workspace > preference->workspace)
    return statusNotSupported;
  results[0] = {};
  fingerprint(product, *preference, workspace, results[0].algo);
  results[0].workspaceBytes = workspace;
  results[0].state = statusSuccess;
  *found = 1;
  return statusSuccess;
}

Code cublasLtMatmul(Handle handle, Desc desc, const void *alpha, const void *a,
                    Layout layoutA, const void *b, Layout layoutB,
                    const void *beta, const void *c, Layout layoutC, void *d,
                    Layout layoutD, const Algo *algo, void *workspace,
                    size_t workspaceBytes, Stream stream) {
  Product product;
  Code status = describe(desc, layoutA, layoutB, layoutC, layoutD, product);
  std::string text = status ? "" : product.text();
  if (!begin(__func__, text))
    return statusNotInitialized;
  if (status || !isLive(handle) || !algo || !a || !b || !c || !d || !alpha ||
      !beta)
    return statusInvalidValue;
  float factor, zero;
  std::memcpy(&factor, alpha, sizeof factor);
  std::memcpy(&zero, beta, sizeof zero);
  PreferenceTag promised;
  for (unsigned i = 0; i < 4; ++i)
    promised.alignment[i] = unsigned(algo->data[2 + i]);
  // The bias may be aligned better than promised.
  Algo own;
  fingerprint(product, promised, algo->data[1], own);
  if (zero != 0 || own.data[0] != algo->data[0] ||
      alignmentOf(product.bias) < algo->data[6] ||
      alignmentOf(a) < algo->data[2] || alignmentOf(b) < algo->data[3] ||
      alignmentOf(d) < algo->data[5] || workspaceBytes < algo->data[1] ||
      (algo->data[1] && alignmentOf(workspace) < 256))
    return statusInvalidValue;
  if (driver().strikes("matmul") || !driver().options().hasProducts)
    return statusExecutionFailed;
  product.a.base = static_cast<const std::byte *>(a);
  product.b.base = static_cast<const std::byte *>(b);
  product.d.base = static_cast<const std::byte *>(d);
  product.alpha = factor;
  Work work;
  work.kind = Work::Kind::library;
  work.name = "cublasLtMatmul " + text;
  work.library = [product, workspace, bytes = algo->data[1]] {
    // Whatever lies in the workspace is lost.
    if (bytes) {
      if (auto status = driver().written(workspace, bytes); !status) {
        std::fprintf(stderr, "stand-in library: %s\n", status.str().c_str());
        return Result(illegalAddress);
      }
      std::memset(workspace, 0xee, bytes);
    }
    return product.run();
  };
  return driver().enqueue(stream, std::move(work)) == success
             ? statusSuccess
             : statusInvalidValue;
}
