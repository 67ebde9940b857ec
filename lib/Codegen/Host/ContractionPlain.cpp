//===- ContractionPlain.cpp - the loop nest that fits every root ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What contract, conv and depthwise kernels become where the fast code does
// not apply (integers, f64, unusual maps), and the helpers of both.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "Nest.h"

#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"

using namespace mlir;

namespace actnet::host {

ModuleOp targetModule(Emitter &e) {
  return e.b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
}

Value zeroBytes(Emitter &e, int64_t bytes) {
  ModuleOp module = targetModule(e);
  MLIRContext *context = module.getContext();
  auto global = module.lookupSymbol<LLVM::GlobalOp>("actnet.zeros");
  auto arrayOf = [&](int64_t size) {
    return LLVM::LLVMArrayType::get(IntegerType::get(context, 8), size);
  };
  if (!global) {
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    global = LLVM::GlobalOp::create(
        b, e.loc, arrayOf(bytes), /*isConstant=*/true, LLVM::Linkage::Internal,
        "actnet.zeros", LLVM::ZeroAttr::get(context), /*alignment=*/64);
  } else if (int64_t(cast<LLVM::LLVMArrayType>(global.getGlobalType())
                         .getNumElements()) < bytes) {
    global.setGlobalType(arrayOf(bytes));
  }
  return LLVM::AddressOfOp::create(
      e.b, e.loc, LLVM::LLVMPointerType::get(context), global.getSymName());
}

Values delinearize(Emitter &e, Value linear, ArrayRef<Value> extents) {
  Values parts(extents.size());
  for (unsigned i = extents.size(); i-- > 0;) {
    if (i == 0) {
      parts[0] = linear;
      break;
    }
    parts[i] = e.mod(linear, extents[i]);
    linear = e.floorDiv(linear, extents[i]);
  }
  return parts;
}

Value productOf(Emitter &e, ArrayRef<Value> values) {
  Value product = e.cst(1);
  for (Value v : values)
    product = e.mul(product, v);
  return product;
}

void emitPlainRoot(Emitter &e) {
  linalg::GenericOp root = kernel::findRoot(e.kernel);
  Values extents = loopExtents(e, root);
  AffineMap out = root.getMatchingIndexingMap(root.getDpsInitOperand(0));
  if (root.getNumDpsInits() != 1 || !out.isProjectedPermutation()) {
    e.fail(root,
           "the host needs one output that is a permutation of parallel dims",
           e.b.getI64Type());
    return;
  }
  SmallVector<unsigned> reduced;
  root.getReductionDims(reduced);

  // An element of the root: loops over the reduced dims.
  e.bind(root.getResult(0), [&](ArrayRef<Index> at) -> Value {
    SmallVector<Index> dims(extents.size());
    for (auto [i, expr] : llvm::enumerate(out.getResults()))
      dims[cast<AffineDimExpr>(expr).getPosition()] = at[i];
    Value init = e.element(root.getDpsInits()[0], at);
    std::function<Value(unsigned, Value)> nest = [&](unsigned level,
                                                     Value acc) -> Value {
      if (level == reduced.size()) {
        Values inputs;
        for (OpOperand *input : root.getDpsInputOperands())
          inputs.push_back(e.element(
              input->get(), e.map(root.getMatchingIndexingMap(input), dims)));
        return e.body(root, dims, inputs, ValueRange(acc))[0];
      }
      return e.loop(e.cst(0), extents[reduced[level]], 1, ValueRange(acc),
                    [&](Value iv, ValueRange carried) {
                      dims[reduced[level]] = Index(iv);
                      return Values{nest(level + 1, carried[0])};
                    })[0];
    };
    return nest(0, init);
  });
  emitPlainResults(e);
}

void emitPlainResults(Emitter &e) {
  // Tiles are rows of the results, or everything.
  unsigned numResults = e.kernel.getResultTypes().size();
  bool same = true;
  for (unsigned i = 1; i < numResults; ++i)
    same &= e.kernel.getResultDims(i) == e.kernel.getResultDims(0);
  for (unsigned i = 0; i < (same ? 1 : numResults); ++i) {
    SmallVector<Value> sizes;
    for (graph::DimExprAttr expr : e.kernel.getResultDims(i))
      sizes.push_back(e.dim(expr));
    Value last = sizes.empty() ? e.cst(1) : sizes.back();
    Value count = same ? last : productOf(e, sizes);
    Value first = same ? e.mul(e.tile, last) : e.cst(0);
    e.loop(e.cst(0), count, 1, [&](Value n) {
      SmallVector<Index> at;
      for (Value part : delinearize(e, e.add(first, n), sizes))
        at.push_back(Index(part));
      if (same)
        e.storeResults(at);
      else
        e.store(i, at, e.element(e.yielded(i), at));
    });
  }
}

} // namespace actnet::host
