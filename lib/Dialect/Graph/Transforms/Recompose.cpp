//===- Recompose.cpp - recognising composites -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"

#include "actnet/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace actnet::graph {
#define GEN_PASS_DEF_GRAPHRECOMPOSE
#include "actnet/Dialect/Graph/Transforms/Passes.h.inc"
} // namespace actnet::graph

using namespace mlir;
using namespace actnet::graph;

namespace {
struct GraphRecompose
    : actnet::graph::impl::GraphRecomposeBase<GraphRecompose> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateGeluPatterns(patterns);
    populateLayerNormPatterns(patterns);
    populateAttentionPatterns(patterns);
    if (failed(applyGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError("graph-recompose did not come to an end");
      signalPassFailure();
    }
  }
};
} // namespace
