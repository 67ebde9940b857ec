// RUN: actnet-opt %s | FileCheck %s
// RUN: actnet-opt %s | actnet-opt | FileCheck %s
// RUN: actnet-opt %s --mlir-print-op-generic | actnet-opt | FileCheck %s

// CHECK-LABEL: @unary
func.func @unary(%x: tensor<?x4xf32, #graph.dims<N, 4>>, %i: tensor<4xi32>, %b: tensor<4xi1>) {
  // CHECK: graph.abs %{{.*}} : tensor<?x4xf32, #graph.dims<N, 4>>
  %0 = graph.abs %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.neg %{{.*}} : tensor<4xi32>
  %1 = graph.neg %i : tensor<4xi32>
  // CHECK: graph.exp %
  %2 = graph.exp %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.log %
  %3 = graph.log %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.sqrt %
  %4 = graph.sqrt %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.rsqrt %
  %5 = graph.rsqrt %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.reciprocal %
  %6 = graph.reciprocal %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.tanh %
  %7 = graph.tanh %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.sigmoid %
  %8 = graph.sigmoid %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.erf %
  %9 = graph.erf %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.sin %
  %10 = graph.sin %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.cos %
  %11 = graph.cos %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.floor %
  %12 = graph.floor %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.ceil %
  %13 = graph.ceil %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.round %
  %14 = graph.round %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.sign %
  %15 = graph.sign %x : tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.not %{{.*}} : tensor<4xi1>
  %16 = graph.not %b : tensor<4xi1>
  // CHECK: graph.cast %{{.*}} : tensor<4xi32> to tensor<4xf32>
  %17 = graph.cast %i : tensor<4xi32> to tensor<4xf32>
  // CHECK: graph.clamp %{{.*}} {hi = 0x7FF0000000000000 : f64, lo = 0.000000e+00 : f64}
  %18 = graph.clamp %x {lo = 0.0, hi = 0x7FF0000000000000 : f64} : tensor<?x4xf32, #graph.dims<N, 4>>
  return
}

// CHECK-LABEL: @binary
func.func @binary(%a: tensor<?x1xf32, #graph.dims<N, 1>>, %b: tensor<4xf32>, %i: tensor<4xi32>) -> tensor<?x4xf32, #graph.dims<N, 4>> {
  // CHECK: %[[ADD:.*]] = graph.add %{{.*}}, %{{.*}} : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  %0 = graph.add %a, %b : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  // CHECK: graph.sub %[[ADD]], %{{.*}} : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<4xf32>
  %1 = graph.sub %0, %b : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<4xf32>
  // CHECK: graph.mul %
  %2 = graph.mul %a, %b : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  // CHECK: graph.div %
  %3 = graph.div %a, %b : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  // CHECK: graph.pow %
  %4 = graph.pow %a, %b : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  // CHECK: graph.mod %
  %5 = graph.mod %a, %b : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  // CHECK: graph.max %
  %6 = graph.max %a, %b : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  // CHECK: graph.min %
  %7 = graph.min %a, %b : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  // CHECK: graph.and %{{.*}} : tensor<4xi32>, tensor<4xi32>
  %8 = graph.and %i, %i : tensor<4xi32>, tensor<4xi32>
  // CHECK: graph.or %
  %9 = graph.or %i, %i : tensor<4xi32>, tensor<4xi32>
  // CHECK: graph.xor %
  %10 = graph.xor %i, %i : tensor<4xi32>, tensor<4xi32>
  // CHECK: %[[LT:.*]] = graph.compare lt %{{.*}}, %{{.*}} : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  %11 = graph.compare lt %a, %b : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  // CHECK: graph.select %[[LT]], %{{.*}}, %{{.*}} : tensor<?x4xi1, #graph.dims<N, 4>>, tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  %12 = graph.select %11, %a, %b : tensor<?x4xi1, #graph.dims<N, 4>>, tensor<?x1xf32, #graph.dims<N, 1>>, tensor<4xf32>
  return %12 : tensor<?x4xf32, #graph.dims<N, 4>>
}
