//===- Strided.cpp - walking and copying strided tensors ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Strided.h"

#include <cstring>

using namespace mlir;
using namespace actnet::graph;
using namespace actnet::graph::eval;

SmallVector<int64_t> eval::stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

SmallVector<int64_t> eval::broadcastStrides(ArrayRef<int64_t> shape,
                                            ArrayRef<int64_t> target) {
  SmallVector<int64_t> own = stridesOf(shape), strides(target.size(), 0);
  size_t offset = target.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i)
    strides[offset + i] = shape[i] == 1 ? 0 : own[i];
  return strides;
}

StridedLoop::StridedLoop(ArrayRef<int64_t> fullShape,
                         ArrayRef<SmallVector<int64_t>> fullStrides)
    : strides(fullStrides.size()) {
  for (size_t dim = 0; dim < fullShape.size(); ++dim) {
    int64_t extent = fullShape[dim];
    if (extent == 1)
      continue;
    bool joins = !shape.empty();
    for (size_t list = 0; joins && list < strides.size(); ++list)
      joins = strides[list].back() == fullStrides[list][dim] * extent;
    if (joins)
      shape.back() *= extent;
    else
      shape.push_back(extent);
    for (size_t list = 0; list < strides.size(); ++list) {
      if (joins)
        strides[list].back() = fullStrides[list][dim];
      else
        strides[list].push_back(fullStrides[list][dim]);
    }
  }
  if (shape.empty()) {
    shape.push_back(1);
    for (SmallVector<int64_t> &list : strides)
      list.push_back(1);
  }
}

void StridedLoop::forEachRow(
    function_ref<void(ArrayRef<int64_t>, int64_t)> row) const {
  if (llvm::is_contained(shape, 0))
    return;
  SmallVector<int64_t> index(shape.size(), 0), offsets(strides.size(), 0);
  while (true) {
    row(offsets, shape.back());
    // Count up the outer dims, innermost first.
    size_t dim = shape.size() - 1;
    while (dim > 0) {
      --dim;
      for (size_t list = 0; list < strides.size(); ++list)
        offsets[list] += strides[list][dim];
      if (++index[dim] < shape[dim])
        break;
      index[dim] = 0;
      for (size_t list = 0; list < strides.size(); ++list)
        offsets[list] -= strides[list][dim] * shape[dim];
      if (dim == 0)
        return;
    }
    if (shape.size() == 1)
      return;
  }
}

template <typename T>
static void copyTyped(const StridedLoop &loop, char *to, const char *from) {
  T *out = reinterpret_cast<T *>(to);
  ArrayRef<int64_t> shape = loop.getShape();
  int64_t outStep = loop.innerStride(0), inStep = loop.innerStride(1);
  size_t rank = shape.size();
  // Another dim than the innermost that one side walks in steps of 1?
  size_t other = rank;
  for (size_t dim = 0; dim + 1 < rank; ++dim)
    if (loop.getStrides(1)[dim] == 1 || loop.getStrides(0)[dim] == 1)
      other = dim;
  if (outStep == 1 && inStep == 1)
    other = rank;
  if (other == rank) {
    loop.forEachRow([&](ArrayRef<int64_t> offsets, int64_t count) {
      T *rowOut = out + offsets[0];
      // Weights in a file need not be aligned: memcpy, never a typed load.
      const char *rowIn = from + offsets[1] * int64_t(sizeof(T));
      if (outStep == 1 && inStep == 1) {
        std::memcpy(rowOut, rowIn, count * sizeof(T));
        return;
      }
      for (int64_t i = 0; i < count; ++i)
        std::memcpy(&rowOut[i * outStep],
                    rowIn + i * inStep * int64_t(sizeof(T)), sizeof(T));
    });
    return;
  }
  // Blocks of the plane (other, innermost); the loop walks the other dims.
  SmallVector<int64_t> outer(shape.begin(), shape.end());
  outer[other] = outer[rank - 1] = 1;
  SmallVector<SmallVector<int64_t>> lists{
      SmallVector<int64_t>(loop.getStrides(0)),
      SmallVector<int64_t>(loop.getStrides(1))};
  int64_t outOther = lists[0][other], inOther = lists[1][other];
  int64_t rows = shape[other], columns = shape[rank - 1];
  constexpr int64_t block = 32;
  StridedLoop planes(outer, lists);
  planes.forEachRow([&](ArrayRef<int64_t> offsets, int64_t count) {
    for (int64_t k = 0; k < count; ++k) {
      T *planeOut = out + offsets[0] + k * planes.innerStride(0);
      const char *planeIn =
          from + (offsets[1] + k * planes.innerStride(1)) * int64_t(sizeof(T));
      for (int64_t r0 = 0; r0 < rows; r0 += block)
        for (int64_t c0 = 0; c0 < columns; c0 += block)
          for (int64_t r = r0, re = std::min(rows, r0 + block); r < re; ++r)
            for (int64_t c = c0, ce = std::min(columns, c0 + block); c < ce;
                 ++c)
              std::memcpy(&planeOut[r * outOther + c * outStep],
                          planeIn +
                              (r * inOther + c * inStep) * int64_t(sizeof(T)),
                          sizeof(T));
    }
  });
}

void eval::copyStrided(ArrayRef<int64_t> shape, char *to,
                       ArrayRef<int64_t> toStrides, const char *from,
                       ArrayRef<int64_t> fromStrides, int64_t elementBytes) {
  StridedLoop loop(shape, {SmallVector<int64_t>(toStrides),
                           SmallVector<int64_t>(fromStrides)});
  if (llvm::is_contained(loop.getShape(), 0))
    return;
  switch (elementBytes) {
  case 1:
    return copyTyped<uint8_t>(loop, to, from);
  case 2:
    return copyTyped<uint16_t>(loop, to, from);
  case 4:
    return copyTyped<uint32_t>(loop, to, from);
  default:
    return copyTyped<uint64_t>(loop, to, from);
  }
}

HostTensor eval::transposed(const HostTensor &tensor, ArrayRef<int64_t> perm) {
  SmallVector<int64_t> own = stridesOf(tensor.shape), shape, strides;
  int64_t previous = -1;
  bool keepsOrder = true;
  for (int64_t dim : perm) {
    shape.push_back(tensor.shape[dim]);
    strides.push_back(own[dim]);
    if (tensor.shape[dim] == 1)
      continue;
    keepsOrder &= dim > previous;
    previous = dim;
  }
  if (keepsOrder)
    return HostTensor::borrow(tensor.elementType, shape, tensor.data,
                              tensor.owner);
  HostTensor result = HostTensor::allocate(tensor.elementType, shape);
  copyStrided(shape, result.mutableData(), stridesOf(shape), tensor.data,
              strides, getElementBytes(tensor.elementType));
  return result;
}
