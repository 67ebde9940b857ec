// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: actnet-opt %s --split-input-file --canonicalize | FileCheck %s

// One index an element, along axis 1; -1 counts from the end and 9 is clamped.
// CHECK-LABEL: func.func @folds
func.func @folds() -> tensor<2x2xi64> {
  // CHECK: graph.constant dense<{{\[\[}}2, 3], [6, 4]]> : tensor<2x2xi64>
  %data = graph.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi64>
  %indices = graph.constant dense<[[1, -1], [9, 0]]> : tensor<2x2xi64>
  %y = graph.gather_elements %data, %indices axis 1 : tensor<2x3xi64>, tensor<2x2xi64>
  return %y : tensor<2x2xi64>
}

// -----

// The shape is that of the indices.
module attributes {graph.dims = {N = array<i64: 1, 8>}} {
// CHECK-LABEL: func.func @keeps_names
func.func @keeps_names(%data: tensor<?x3xf32, #graph.dims<N, 3>>,
                       %indices: tensor<?x7xi32, #graph.dims<N, 7>>)
    -> tensor<?x7xf32, #graph.dims<N, 7>> {
  // CHECK: graph.gather_elements %{{.*}}, %{{.*}} axis 1
  %y = graph.gather_elements %data, %indices axis 1
     : tensor<?x3xf32, #graph.dims<N, 3>>, tensor<?x7xi32, #graph.dims<N, 7>>
  return %y : tensor<?x7xf32, #graph.dims<N, 7>>
}
}
