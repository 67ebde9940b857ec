// RUN: actnet-opt %s --graph-decompose | FileCheck %s
// RUN: actnet-opt %s --graph-decompose=only=gelu | FileCheck %s --check-prefix=ONLY
// RUN: not actnet-opt %s --graph-decompose=only=gelu,conv 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: error: graph-decompose: 'conv' is no composite; there are attention, batch_norm

// CHECK-LABEL: @softmax
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>)
// CHECK-NEXT: %[[MAX:.*]] = graph.reduce max %[[X]] dims [1] keepdims
// CHECK-NEXT: %[[SHIFTED:.*]] = graph.sub %[[X]], %[[MAX]]
// CHECK-NEXT: %[[EXP:.*]] = graph.exp %[[SHIFTED]]
// CHECK-NEXT: %[[SUM:.*]] = graph.reduce sum %[[EXP]] dims [1] keepdims
// CHECK-NEXT: %[[Y:.*]] = graph.div %[[EXP]], %[[SUM]]
// CHECK-NEXT: return %[[Y]]
// ONLY-LABEL: @softmax
// ONLY: graph.softmax
func.func @softmax(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = graph.softmax %x axis 1 : tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: @gelu
// CHECK-NOT: graph.gelu
// CHECK: graph.erf
// ONLY-LABEL: @gelu
// ONLY: graph.erf
func.func @gelu(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = graph.gelu %x : tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// Two key heads serve four query heads: h splits into g and r.
// CHECK-LABEL: @attention
// CHECK: %[[Q:.*]] = graph.reshape %{{.*}} : tensor<?x4x3x8xf32, #graph.dims<N, 4, 3, 8>> to tensor<?x2x2x3x8xf32, #graph.dims<N, 2, 2, 3, 8>>
// CHECK: graph.einsum "bgrsd,bgtd->bgrst" %[[Q]]
// CHECK: %[[Y:.*]] = graph.einsum "bgrst,bgte->bgrse"
// CHECK: graph.reshape %[[Y]] : {{.*}} to tensor<?x4x3x8xf32, #graph.dims<N, 4, 3, 8>>
func.func @attention(%q: tensor<?x4x3x8xf32, #graph.dims<N, 4, 3, 8>>, %k: tensor<?x2x3x8xf32, #graph.dims<N, 2, 3, 8>>)
    -> tensor<?x4x3x8xf32, #graph.dims<N, 4, 3, 8>> {
  %0 = graph.attention %q, %k, %k {q_layout = "bhsd", k_layout = "bgtd", v_layout = "bgte", y_layout = "bhse", scale = 0.125}
    : tensor<?x4x3x8xf32, #graph.dims<N, 4, 3, 8>>, tensor<?x2x3x8xf32, #graph.dims<N, 2, 3, 8>>, tensor<?x2x3x8xf32, #graph.dims<N, 2, 3, 8>>
  return %0 : tensor<?x4x3x8xf32, #graph.dims<N, 4, 3, 8>>
}
