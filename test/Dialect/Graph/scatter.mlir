// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: actnet-opt %s --split-input-file | actnet-opt --split-input-file | FileCheck %s
// RUN: actnet-opt %s --split-input-file --canonicalize | FileCheck %s --check-prefix=FOLD

// One index an element or one a row; the result is data's type.
module attributes {graph.dims = {N = array<i64: 1, 8>, U = array<i64: 0, 64>}} {
// CHECK-LABEL: func.func @round_trip
func.func @round_trip(%data: tensor<?x9xf32, #graph.dims<N, 9>>, %i: tensor<?x4xi32, #graph.dims<N, 4>>,
                      %u: tensor<?x4xf32, #graph.dims<N, 4>>, %r: tensor<?xi64, #graph.dims<U>>,
                      %v: tensor<?x9xf32, #graph.dims<U, 9>>) -> tensor<?x9xf32, #graph.dims<N, 9>> {
  // CHECK: %[[Y:.*]] = graph.scatter {{ *}}add %{{.*}}, %{{.*}}, %{{.*}} axis 1
  %y = graph.scatter add %data, %i, %u axis 1
     : tensor<?x9xf32, #graph.dims<N, 9>>, tensor<?x4xi32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<N, 4>>
  // CHECK: graph.scatter {{ *}}set %[[Y]], %{{.*}}, %{{.*}} axis 0
  %z = graph.scatter set %y, %r, %v axis 0
     : tensor<?x9xf32, #graph.dims<N, 9>>, tensor<?xi64, #graph.dims<U>>, tensor<?x9xf32, #graph.dims<U, 9>>
  return %z : tensor<?x9xf32, #graph.dims<N, 9>>
}
}

// -----

// -1 counts from the end, 9 is left out, and the last of equal indices stays.
// FOLD-LABEL: func.func @sets
func.func @sets() -> tensor<2x3xi64> {
  // FOLD: graph.constant dense<{{\[\[}}1, 2, 11], [22, 5, 6]]> : tensor<2x3xi64>
  %data = graph.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi64>
  %indices = graph.constant dense<[[2, -1], [0, 9]]> : tensor<2x2xi64>
  %updates = graph.constant dense<[[10, 11], [22, 23]]> : tensor<2x2xi64>
  %y = graph.scatter set %data, %indices, %updates axis 1 : tensor<2x3xi64>, tensor<2x2xi64>, tensor<2x2xi64>
  return %y : tensor<2x3xi64>
}

// -----

// Rows, both for row 1; below zero by more than the dim is outside too.
// FOLD-LABEL: func.func @adds
func.func @adds() -> tensor<2x3xi64> {
  // FOLD: graph.constant dense<{{\[\[}}1, 2, 3], [104, 205, 306]]> : tensor<2x3xi64>
  %data = graph.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi64>
  %indices = graph.constant dense<[1, -3, -1]> : tensor<3xi64>
  %updates = graph.constant dense<[[40, 80, 120], [7, 7, 7], [60, 120, 180]]> : tensor<3x3xi64>
  %y = graph.scatter add %data, %indices, %updates axis 0 : tensor<2x3xi64>, tensor<3xi64>, tensor<3x3xi64>
  return %y : tensor<2x3xi64>
}

// -----

// Nothing is written.
// FOLD-LABEL: func.func @nothing
// FOLD-SAME: (%[[X:.*]]: tensor<2x3xf32>
// FOLD-NEXT: return %[[X]]
func.func @nothing(%data: tensor<2x3xf32>, %indices: tensor<0xi64>, %updates: tensor<0x3xf32>) -> tensor<2x3xf32> {
  %y = graph.scatter mul %data, %indices, %updates axis 0 : tensor<2x3xf32>, tensor<0xi64>, tensor<0x3xf32>
  return %y : tensor<2x3xf32>
}
