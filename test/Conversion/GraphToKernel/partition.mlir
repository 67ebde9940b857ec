// RUN: actnet-opt %s --split-input-file --graph-to-kernel | FileCheck %s

// Bias, activation and residual are the product's epilogue: one kernel.
// CHECK-LABEL: func.func @epilogue
// CHECK-SAME:    (%[[X:.*]]: tensor<?x8xf32, {{.*}}>, %[[B:.*]]: tensor<16xf32>, %[[R:.*]]: tensor<?x16xf32,
// CHECK-NEXT:    %[[W:.*]] = kernel.weight
// CHECK-NEXT:    %[[Y:.*]] = kernel.dispatch @contract_add_0(%[[X]], %[[B]], %[[R]], %[[W]])
// CHECK-NEXT:    return %[[Y]]
// The dim N is an index argument, named d0 in the body.
// CHECK:       kernel.func @contract_add_0(
// CHECK-SAME:    kernel.dims = #graph.dims<d0, 8>
// CHECK-SAME:    %{{.*}}: index) ->
// CHECK-SAME:    family = #kernel.family<contract>
// CHECK:         arith.mulf
// CHECK:         math.erf
// CHECK-NOT:   kernel.func
func.func @epilogue(%x: tensor<?x8xf32, #graph.dims<N, 8>>, %b: tensor<16xf32>, %r: tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>> {
  %w = graph.constant dense<0.5> : tensor<8x16xf32>
  %0 = graph.einsum "mk,kn->mn" %x, %w : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<8x16xf32>
  %1 = graph.add %0, %b : tensor<?x16xf32, #graph.dims<N, 16>>, tensor<16xf32>
  %2 = graph.gelu %1 : tensor<?x16xf32, #graph.dims<N, 16>>
  %3 = graph.add %2, %r : tensor<?x16xf32, #graph.dims<N, 16>>, tensor<?x16xf32, #graph.dims<N, 16>>
  return %3 : tensor<?x16xf32, #graph.dims<N, 16>>
}

// -----

// The residual sum is computed by the norm's kernel and is its second result,
// because a later kernel reads it.
// CHECK-LABEL: func.func @severalOutputs
// CHECK-SAME:    (%[[X:.*]]: tensor<4x8xf32>, %[[Y:.*]]: tensor<4x8xf32>)
// CHECK-NEXT:    %[[N:.*]]:2 = kernel.dispatch @row{{.*}}(%[[X]], %[[Y]])
// CHECK-NEXT:    %[[S:.*]] = kernel.dispatch @row{{.*}}(%[[N]]#0, %[[N]]#1)
// CHECK-NEXT:    return %[[S]]
func.func @severalOutputs(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = graph.add %x, %y : tensor<4x8xf32>, tensor<4x8xf32>
  %1 = graph.layer_norm %0 axis 1 epsilon 1.0e-5 : tensor<4x8xf32>
  %2 = graph.softmax %1 axis 1 : tensor<4x8xf32>
  %3 = graph.add %2, %0 : tensor<4x8xf32>, tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// -----

// A value that an earlier kernel needs is not computed by a later one, though
// all its direct users (a broadcast, which every kernel repeats) are there.
// CHECK-LABEL: func.func @sharedBroadcast
// CHECK-SAME:    (%[[X:.*]]: tensor<4x1xf32>, %[[Y:.*]]: tensor<4x5xf32>)
// CHECK-NEXT:    %[[E:.*]] = kernel.dispatch @map{{.*}}(%[[X]])
// CHECK-NEXT:    %[[S:.*]] = kernel.dispatch @row{{.*}}(%[[E]])
// CHECK-NEXT:    %[[T:.*]] = kernel.dispatch @row{{.*}}(%[[E]], %[[S]], %[[Y]])
// CHECK-NEXT:    return %[[T]]
func.func @sharedBroadcast(%x: tensor<4x1xf32>, %y: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %e = graph.neg %x : tensor<4x1xf32>
  %b = graph.broadcast %e : tensor<4x1xf32> to tensor<4x5xf32>
  %0 = graph.softmax %b axis 1 : tensor<4x5xf32>
  %1 = graph.mul %0, %y : tensor<4x5xf32>, tensor<4x5xf32>
  %2 = graph.softmax %1 axis 1 : tensor<4x5xf32>
  %3 = graph.add %2, %b : tensor<4x5xf32>, tensor<4x5xf32>
  return %3 : tensor<4x5xf32>
}

// -----

// Two dear operations are two kernels; what is cheap between them goes with
// one of them. Nothing is computed twice.
// CHECK-LABEL: func.func @dearOnce
// CHECK-COUNT-2: kernel.dispatch
// CHECK-NOT:     kernel.dispatch
// CHECK:         return
// CHECK:       kernel.func
// CHECK-COUNT-1: math.tanh
// CHECK-NOT:     math.tanh
func.func @dearOnce(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = graph.tanh %x : tensor<4x8xf32>
  %1 = graph.softmax %0 axis 1 : tensor<4x8xf32>
  %2 = graph.layer_norm %1 axis 1 epsilon 1.0e-5 : tensor<4x8xf32>
  %3 = graph.mul %2, %0 : tensor<4x8xf32>, tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// -----

// An exponential of one column is not computed again for each of 64 columns.
// CHECK-LABEL: func.func @dearBroadcast
// CHECK-NEXT:    %[[E:.*]] = kernel.dispatch {{.*}} -> tensor<4x1xf32>
// CHECK-NEXT:    kernel.dispatch @{{.*}}(%{{.*}}, %[[E]])
func.func @dearBroadcast(%x: tensor<4x64xf32>, %y: tensor<4x1xf32>) -> tensor<4x64xf32> {
  %0 = graph.exp %y : tensor<4x1xf32>
  %1 = graph.mul %x, %0 : tensor<4x64xf32>, tensor<4x1xf32>
  return %1 : tensor<4x64xf32>
}

// -----

// A result of a map may be written over an operand of its dims and element
// size; not over one that is read transposed or broadcast.
// CHECK-LABEL: func.func @inplace
// CHECK:       kernel.func @map_add_0({{.*}}inplace = array<i64: 0, 0, 1, 0>}
// CHECK:       kernel.func @map_add_1({{.*}}inplace = array<i64: 1, 0>}
// CHECK:       kernel.func @map_add_2({{.*}}inplace = array<i64: 0, 0>}
func.func @inplace(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>, %z: tensor<4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %0 = graph.add %x, %y : tensor<4x4xf32>, tensor<4x4xf32>
  %t = graph.transpose %y [1, 0] : tensor<4x4xf32>
  %1 = graph.add %x, %t : tensor<4x4xf32>, tensor<4x4xf32>
  %2 = graph.add %x, %z : tensor<4x4xf32>, tensor<4xf32>
  return %0, %1, %2 : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// Equal kernels are one function, whatever their dims are called.
// CHECK-LABEL: func.func @equalKernels
// CHECK-NEXT:    kernel.dispatch @[[F:[a-z_0-9]+]](%{{.*}}) dims [#graph.expr<N>]
// CHECK-NEXT:    kernel.dispatch @[[F]](%{{.*}}) dims [#graph.expr<M>]
// CHECK:       kernel.func @[[F]](
// CHECK-NOT:   kernel.func
func.func @equalKernels(%x: tensor<?x4xf32, #graph.dims<N, 4>>, %y: tensor<?x4xf32, #graph.dims<M, 4>>) -> (tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<M, 4>>) {
  %0 = graph.tanh %x : tensor<?x4xf32, #graph.dims<N, 4>>
  %1 = graph.tanh %y : tensor<?x4xf32, #graph.dims<M, 4>>
  return %0, %1 : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<M, 4>>
}

// -----

// Extents that are expressions are arguments too: 2 * N rows of the result.
// CHECK-LABEL: func.func @expressions
// CHECK:         kernel.dispatch @{{.*}}(%{{.*}}) dims [#graph.expr<N * 2>]
func.func @expressions(%x: tensor<?x4xf32, #graph.dims<N, 4>>) -> tensor<?x2xf32, #graph.dims<N * 2, 2>> {
  %0 = graph.reshape %x : tensor<?x4xf32, #graph.dims<N, 4>> to tensor<?x2xf32, #graph.dims<N * 2, 2>>
  %1 = graph.tanh %0 : tensor<?x2xf32, #graph.dims<N * 2, 2>>
  return %1 : tensor<?x2xf32, #graph.dims<N * 2, 2>>
}
