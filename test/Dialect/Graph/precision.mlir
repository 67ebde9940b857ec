// RUN: actnet-opt %s --split-input-file --graph-precision=type=bf16 | FileCheck %s
// RUN: actnet-opt %s --split-input-file --graph-precision=type=f16 | FileCheck %s --check-prefix=F16
// RUN: actnet-opt %s --split-input-file --graph-precision | FileCheck %s --check-prefix=SAME
// RUN: not actnet-opt %s --split-input-file --graph-precision=type=f64 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: graph-precision: expected type f32, bf16 or f16, found 'f64'

// Inputs are cast at entry, outputs at exit; the interface stays.
// CHECK-LABEL: func @interface
// CHECK-SAME:    (%[[X:.*]]: tensor<?x8xf32, #graph.dims<N, 8>>) -> tensor<?x2xf32, #graph.dims<N, 2>>
// CHECK:         %[[X16:.*]] = graph.cast %[[X]] : {{.*}} to tensor<?x8xbf16, #graph.dims<N, 8>>
// CHECK:         %[[Y:.*]] = graph.einsum "mk,kn->mn" %[[X16]], %{{.*}} : tensor<?x8xbf16, #graph.dims<N, 8>>, tensor<8x2xbf16>
// CHECK:         %[[Z:.*]] = graph.exp %[[Y]]
// CHECK:         %[[R:.*]] = graph.cast %[[Z]] : {{.*}} to tensor<?x2xf32, #graph.dims<N, 2>>
// CHECK-NEXT:    return %[[R]]
// SAME-LABEL: func @interface
// SAME-NOT:     graph.cast
// SAME:         return
func.func @interface(%x: tensor<?x8xf32, #graph.dims<N, 8>>) -> tensor<?x2xf32, #graph.dims<N, 2>> {
  %w = graph.constant dense<0.5> : tensor<8x2xf32>
  %0 = graph.einsum "mk,kn->mn" %x, %w : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<8x2xf32>
  %1 = graph.exp %0 : tensor<?x2xf32, #graph.dims<N, 2>>
  return %1 : tensor<?x2xf32, #graph.dims<N, 2>>
}

// -----

// What constants alone make is computed in f32 and rounded once.
// CHECK-LABEL: func @folded
// CHECK:         %[[P:.*]] = graph.mul %{{.*}}, %{{.*}} : tensor<2xf32>
// CHECK:         graph.cast %[[P]] : tensor<2xf32> to tensor<2xbf16>
// CHECK:         graph.add {{.*}}bf16
func.func @folded(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %a = graph.constant dense<[1.0, 3.0]> : tensor<2xf32>
  %b = graph.constant dense<[2.0, 5.0]> : tensor<2xf32>
  %c = graph.mul %a, %b : tensor<2xf32>, tensor<2xf32>
  %0 = graph.add %x, %c : tensor<4x2xf32>, tensor<2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// f16 ends at 65504, bf16 holds what f32 does; integers are left alone.
// F16-LABEL: func @mask
// F16:         graph.constant dense<-6.550400e+04> : tensor<f16>
// F16:         graph.compare lt %{{.*}}, %{{.*}} : tensor<4xi64>
// F16:         graph.select
// CHECK-LABEL: func @mask
// CHECK:         graph.constant dense<-3.38{{.*}}e+38> : tensor<bf16>
func.func @mask(%x: tensor<4xf32>, %i: tensor<4xi64>, %j: tensor<4xi64>) -> tensor<4xf32> {
  %low = graph.constant dense<-3.40282347E+38> : tensor<f32>
  %m = graph.compare lt %i, %j : tensor<4xi64>, tensor<4xi64>
  %0 = graph.select %m, %x, %low : tensor<4xi1>, tensor<4xf32>, tensor<f32>
  return %0 : tensor<4xf32>
}

// -----

// Positions and what is computed from them stay f32 until they meet data.
// CHECK-LABEL: func @positions
// CHECK:         %[[I:.*]] = graph.iota
// CHECK:         %[[P:.*]] = graph.cast %[[I]] : {{.*}} to tensor<?xf32
// CHECK:         %[[M:.*]] = graph.mul %[[P]], %{{.*}}xf32
// CHECK:         %[[S:.*]] = graph.sin %[[M]] : tensor<?xf32
// CHECK:         %[[N:.*]] = graph.cast %[[S]] : {{.*}} to tensor<?xbf16
// CHECK:         graph.add %{{.*}}, %[[N]] : tensor<?xbf16
func.func @positions(%x: tensor<?xf32, #graph.dims<S>>) -> tensor<?xf32, #graph.dims<S>> {
  %f = graph.constant dense<0.01> : tensor<f32>
  %i = graph.iota axis 0 {start = 0.0, step = 1.0} : tensor<?xi64, #graph.dims<S>>
  %p = graph.cast %i : tensor<?xi64, #graph.dims<S>> to tensor<?xf32, #graph.dims<S>>
  %m = graph.mul %p, %f : tensor<?xf32, #graph.dims<S>>, tensor<f32>
  %s = graph.sin %m : tensor<?xf32, #graph.dims<S>>
  %0 = graph.add %x, %s : tensor<?xf32, #graph.dims<S>>, tensor<?xf32, #graph.dims<S>>
  return %0 : tensor<?xf32, #graph.dims<S>>
}
