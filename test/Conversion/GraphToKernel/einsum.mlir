// RUN: actnet-opt %s --split-input-file --graph-layout | FileCheck %s

// The form that kernels take: batch… m… k, batch… k n -> batch… m… n.

// CHECK-LABEL: func @canonical
// CHECK-NEXT:    graph.einsum "bsk,bkn->bsn"
// CHECK-NEXT:    return
func.func @canonical(%x: tensor<2x3x4xf32>, %y: tensor<2x4x5xf32>) -> tensor<2x3x5xf32> {
  %0 = graph.einsum "bsk,bkn->bsn" %x, %y : tensor<2x3x4xf32>, tensor<2x4x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// -----

// A transposed right operand is transposed before; so is the result after.
// CHECK-LABEL: func @transposed
// CHECK-SAME:    (%[[X:.*]]: tensor<?x4xf32, {{.*}}>, %[[Y:.*]]: tensor<5x4xf32>)
// CHECK-NEXT:    %[[T:.*]] = graph.transpose %[[Y]] [1, 0]
// CHECK-NEXT:    %[[P:.*]] = graph.einsum "[[M:.]][[K:.]],[[K]][[N:.]]->[[M]][[N]]" %[[X]], %[[T]]
// CHECK-NEXT:    %[[U:.*]] = graph.transpose %[[P]] [1, 0]
// CHECK-NEXT:    return %[[U]] : tensor<5x?xf32, #graph.dims<5, N>>
func.func @transposed(%x: tensor<?x4xf32, #graph.dims<N, 4>>, %y: tensor<5x4xf32>) -> tensor<5x?xf32, #graph.dims<5, N>> {
  %0 = graph.einsum "mk,nk->nm" %x, %y : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<5x4xf32>
  return %0 : tensor<5x?xf32, #graph.dims<5, N>>
}

// -----

// Several contracted letters become one: 3 * 4 = 12. The right operand's are
// brought into the left one's order first.
// CHECK-LABEL: func @merged
// CHECK-SAME:    (%[[X:.*]]: tensor<2x3x4xf32>, %[[Y:.*]]: tensor<4x3x5xf32>)
// CHECK-DAG:     %[[A:.*]] = graph.reshape %[[X]] : tensor<2x3x4xf32> to tensor<2x12xf32>
// CHECK-DAG:     %[[T:.*]] = graph.transpose %[[Y]] [1, 0, 2]
// CHECK-DAG:     %[[B:.*]] = graph.reshape %[[T]] : tensor<3x4x5xf32> to tensor<12x5xf32>
// CHECK:         graph.einsum "{{.*}}" %[[A]], %[[B]] : tensor<2x12xf32>, tensor<12x5xf32>
func.func @merged(%x: tensor<2x3x4xf32>, %y: tensor<4x3x5xf32>) -> tensor<2x5xf32> {
  %0 = graph.einsum "mkl,lkn->mn" %x, %y : tensor<2x3x4xf32>, tensor<4x3x5xf32>
  return %0 : tensor<2x5xf32>
}

// -----

// No free letter on the right, none contracted: dims of 1.
// CHECK-LABEL: func @missing
// CHECK:         graph.einsum "{{.*}}" {{.*}} : tensor<3x4xf32>, tensor<4x1xf32>
// CHECK:         graph.reshape {{.*}} : tensor<3x1xf32> to tensor<3xf32>
// CHECK:         graph.einsum "{{.*}}" {{.*}} : tensor<3x1xf32>, tensor<1x4xf32>
func.func @missing(%x: tensor<3x4xf32>, %y: tensor<4xf32>, %z: tensor<3xf32>) -> (tensor<3xf32>, tensor<3x4xf32>) {
  %0 = graph.einsum "mk,k->m" %x, %y : tensor<3x4xf32>, tensor<4xf32>
  %1 = graph.einsum "m,n->mn" %z, %y : tensor<3xf32>, tensor<4xf32>
  return %0, %1 : tensor<3xf32>, tensor<3x4xf32>
}

// -----

// Attention's scores: heads become a batch dim in front.
// CHECK-LABEL: func @heads
// CHECK-SAME:    (%[[Q:.*]]: tensor<?x7x2x8xf32, {{.*}}>, %[[K:.*]]: tensor<?x7x2x8xf32, {{.*}}>)
// CHECK-DAG:     %[[A:.*]] = graph.transpose %[[Q]] [0, 2, 1, 3]
// CHECK-DAG:     %[[B:.*]] = graph.transpose %[[K]] [0, 2, 3, 1]
// CHECK:         %[[P:.*]] = graph.einsum "bhs{{.}},bh{{.}}{{.}}->bhs{{.}}" %[[A]], %[[B]]
// CHECK-NEXT:    return %[[P]]
func.func @heads(%q: tensor<?x7x2x8xf32, #graph.dims<N, 7, 2, 8>>, %k: tensor<?x7x2x8xf32, #graph.dims<N, 7, 2, 8>>) -> tensor<?x2x7x7xf32, #graph.dims<N, 2, 7, 7>> {
  %0 = graph.einsum "bshd,bthd->bhst" %q, %k : tensor<?x7x2x8xf32, #graph.dims<N, 7, 2, 8>>, tensor<?x7x2x8xf32, #graph.dims<N, 7, 2, 8>>
  return %0 : tensor<?x2x7x7xf32, #graph.dims<N, 2, 7, 7>>
}
