// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: actnet-opt %s --split-input-file --verify-diagnostics

func.func @c1(%data: tensor<2x3xf32>, %indices: tensor<2x3xi8>) {
  // expected-error @+1 {{C1: expected indices of i32 or i64, found i8}}
  %y = graph.gather_elements %data, %indices axis 1 : tensor<2x3xf32>, tensor<2x3xi8>
  return
}

// -----

func.func @c2(%data: tensor<2x3xf32>, %indices: tensor<2x3xi64>) {
  // expected-error @+1 {{C2: axis 2 is outside the rank, which is 2}}
  %y = graph.gather_elements %data, %indices axis 2 : tensor<2x3xf32>, tensor<2x3xi64>
  return
}

// -----

func.func @c3_rank(%data: tensor<2x3xf32>, %indices: tensor<3xi64>) {
  // expected-error @+1 {{C3: indices of dims [3] don't lie within data of dims [2, 3]}}
  %y = graph.gather_elements %data, %indices axis 1 : tensor<2x3xf32>, tensor<3xi64>
  return
}

// -----

func.func @c3_extent(%data: tensor<2x3xf32>, %indices: tensor<4x3xi64>) {
  // expected-error @+1 {{C3: indices of dims [4, 3] don't lie within data of dims [2, 3]}}
  %y = graph.gather_elements %data, %indices axis 1 : tensor<2x3xf32>, tensor<4x3xi64>
  return
}
