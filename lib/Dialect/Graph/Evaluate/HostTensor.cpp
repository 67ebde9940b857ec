//===- HostTensor.cpp - tensors in host memory ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"

#include "actnet/Dialect/Graph/IR/WeightStore.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace actnet::graph;

int64_t HostTensor::getNumElements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

int64_t HostTensor::getNumBytes() const {
  return getNumElements() * getElementBytes(elementType);
}

HostTensor HostTensor::allocate(Type elementType, ArrayRef<int64_t> shape) {
  HostTensor tensor;
  tensor.elementType = elementType;
  tensor.shape.assign(shape.begin(), shape.end());
  constexpr size_t alignment = 64;
  size_t bytes = std::max<size_t>(tensor.getNumBytes(), 1);
  void *memory = std::aligned_alloc(alignment, (bytes + alignment - 1) /
                                                   alignment * alignment);
  if (!memory)
    llvm::report_bad_alloc_error("out of memory while evaluating a tensor");
  tensor.data = static_cast<const char *>(memory);
  tensor.owner = std::shared_ptr<void>(memory, std::free);
  return tensor;
}

HostTensor HostTensor::borrow(Type elementType, ArrayRef<int64_t> shape,
                              const char *data, std::shared_ptr<void> owner) {
  HostTensor tensor;
  tensor.elementType = elementType;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.data = data;
  tensor.owner = std::move(owner);
  return tensor;
}

FailureOr<HostTensor>
actnet::graph::evaluateConstant(Attribute value, RankedTensorType type,
                                function_ref<InFlightDiagnostic()> emitError) {
  Type element = type.getElementType();
  if (auto weight = dyn_cast<WeightAttr>(value)) {
    auto *dialect = type.getContext()->getLoadedDialect<GraphDialect>();
    auto bytes = dialect->getWeightStore().resolve(weight, emitError);
    if (failed(bytes))
      return failure();
    HostTensor tensor =
        HostTensor::borrow(element, type.getShape(), bytes->data());
    if (tensor.getNumBytes() != weight.getBytes())
      return emitError() << "weight has " << weight.getBytes() << " bytes, "
                         << type << " needs " << tensor.getNumBytes();
    return tensor;
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense || !type.hasStaticShape())
    return emitError() << "expected dense elements or a weight, found "
                       << value;
  // Dense i1 elements are not bytes, and splats store one element.
  if (element.isInteger(1)) {
    HostTensor tensor = HostTensor::allocate(element, type.getShape());
    char *out = tensor.mutableData();
    for (bool bit : dense.getValues<bool>())
      *out++ = bit;
    return tensor;
  }
  if (!dense.isSplat())
    return HostTensor::borrow(element, type.getShape(),
                              dense.getRawData().data());
  HostTensor tensor = HostTensor::allocate(element, type.getShape());
  int64_t bytes = getElementBytes(element);
  for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i)
    std::memcpy(tensor.mutableData() + i * bytes, dense.getRawData().data(),
                bytes);
  return tensor;
}

DenseElementsAttr actnet::graph::toDenseElements(const HostTensor &tensor) {
  auto type = RankedTensorType::get(tensor.shape, tensor.elementType);
  if (tensor.elementType.isInteger(1)) {
    SmallVector<bool> bits;
    for (char byte : tensor.getBytes())
      bits.push_back(byte != 0);
    return DenseElementsAttr::get(type, bits);
  }
  return DenseElementsAttr::getFromRawBuffer(type, tensor.getBytes());
}

eval::Domain eval::domainOf(Type elementType) {
  if (isa<FloatType>(elementType))
    return Domain::Float;
  return elementType.isUnsignedInteger(64) ? Domain::Unsigned : Domain::Signed;
}

std::vector<double> eval::toDoubles(const HostTensor &tensor) {
  std::vector<double> values(tensor.getNumElements());
  load(tensor, 0, 1, values.size(), values.data());
  return values;
}

HostTensor eval::fromDoubles(Type elementType, ArrayRef<int64_t> shape,
                             ArrayRef<double> values) {
  HostTensor tensor = HostTensor::allocate(elementType, shape);
  store(tensor, 0, values.size(), values.data());
  return tensor;
}
