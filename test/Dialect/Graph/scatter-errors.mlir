// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: actnet-opt %s --split-input-file --verify-diagnostics

func.func @c1(%data: tensor<2x3xf32>, %indices: tensor<2x3xi8>, %updates: tensor<2x3xf32>) {
  // expected-error @+1 {{C1: expected indices of i32 or i64, found i8}}
  %y = graph.scatter set %data, %indices, %updates axis 1 : tensor<2x3xf32>, tensor<2x3xi8>, tensor<2x3xf32>
  return
}

// -----

func.func @c2(%data: tensor<2x3xf32>, %indices: tensor<2x3xi64>, %updates: tensor<2x3xf32>) {
  // expected-error @+1 {{C2: axis 2 is outside the rank, which is 2}}
  %y = graph.scatter set %data, %indices, %updates axis 2 : tensor<2x3xf32>, tensor<2x3xi64>, tensor<2x3xf32>
  return
}

// -----

func.func @c3_type(%data: tensor<2x3xf32>, %indices: tensor<2x3xi64>, %updates: tensor<2x3xf16>) {
  // expected-error @+1 {{C3: expected one element type, found f32 and f16}}
  %y = graph.scatter set %data, %indices, %updates axis 1 : tensor<2x3xf32>, tensor<2x3xi64>, tensor<2x3xf16>
  return
}

// -----

func.func @c3_rank(%data: tensor<2x3xf32>, %indices: tensor<3xi64>, %updates: tensor<3xf32>) {
  // expected-error @+1 {{C3: expected updates of the dims of data but for axis 1, found [2, 3] and [3]}}
  %y = graph.scatter set %data, %indices, %updates axis 1 : tensor<2x3xf32>, tensor<3xi64>, tensor<3xf32>
  return
}

// -----

func.func @c3_dims(%data: tensor<2x3xf32>, %indices: tensor<1x3xi64>, %updates: tensor<1x3xf32>) {
  // expected-error @+1 {{C3: expected updates of the dims of data but for axis 1, found [2, 3] and [1, 3]}}
  %y = graph.scatter set %data, %indices, %updates axis 1 : tensor<2x3xf32>, tensor<1x3xi64>, tensor<1x3xf32>
  return
}

// -----

func.func @c4(%data: tensor<2x3xf32>, %indices: tensor<2xi64>, %updates: tensor<2x4xf32>) {
  // expected-error @+1 {{C4: expected indices of the dims of updates, [2, 4], or of their dim 1, found [2]}}
  %y = graph.scatter set %data, %indices, %updates axis 1 : tensor<2x3xf32>, tensor<2xi64>, tensor<2x4xf32>
  return
}

// -----

func.func @c5(%data: tensor<2x3xi1>, %indices: tensor<2x3xi64>, %updates: tensor<2x3xi1>) {
  // expected-error @+1 {{C5: max expects numbers, found i1}}
  %y = graph.scatter max %data, %indices, %updates axis 1 : tensor<2x3xi1>, tensor<2x3xi64>, tensor<2x3xi1>
  return
}
