//===- InitAll.cpp - every dialect and pass by name -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Pipelines/InitAll.h"

#include "actnet/Codegen/CUDA/Passes.h"
#include "actnet/Codegen/Host/HostCodegen.h"
#include "actnet/Codegen/Host/Passes.h"
#include "actnet/Conversion/GraphToKernel/Passes.h"
#include "actnet/Conversion/KernelToActor/Passes.h"
#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Dialect/Actor/Transforms/Passes.h"
#include "actnet/Dialect/Graph/IR/GraphDialect.h"
#include "actnet/Dialect/Graph/Transforms/Passes.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "actnet/Dialect/Kernel/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/Passes.h"

void actnet::registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<graph::GraphDialect, kernel::KernelDialect,
                  actor::ActorDialect, mlir::affine::AffineDialect,
                  mlir::arith::ArithDialect, mlir::func::FuncDialect,
                  mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                  mlir::scf::SCFDialect, mlir::tensor::TensorDialect>();
  host::registerHostCodegenDialects(registry);
}

void actnet::registerAllPasses() {
  graph::registerGraphPasses();
  registerGraphToKernelPasses();
  kernel::registerKernelPasses();
  host::registerHostCodegenPasses();
  cuda::registerCUDACodegenPasses();
  registerKernelToActorPasses();
  actor::registerActorPasses();
  mlir::registerTransformsPasses();
}
