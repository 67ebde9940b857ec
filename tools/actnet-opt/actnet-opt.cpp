//===- actnet-opt.cpp - every pass by name --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Dialect/Graph/IR/GraphDialect.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<actnet::graph::GraphDialect, actnet::kernel::KernelDialect,
                  actnet::actor::ActorDialect, mlir::affine::AffineDialect,
                  mlir::scf::SCFDialect>();
  mlir::registerTransformsPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "actnet optimizer driver\n", registry));
}
