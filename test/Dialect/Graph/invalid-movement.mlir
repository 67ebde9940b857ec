// RUN: actnet-opt %s --split-input-file --verify-diagnostics

func.func @reshape_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.reshape' op C1: expected one element type, found 'f32' and 'i32'}}
  %0 = graph.reshape %x : tensor<4xf32> to tensor<4xi32>
  return
}

// -----

func.func @reshape_c2(%x: tensor<?x8xf32, #graph.dims<N, 8>>) {
  // expected-error @+1 {{'graph.reshape' op C2: the operand has N * 8 elements, the result N * 9}}
  %0 = graph.reshape %x : tensor<?x8xf32, #graph.dims<N, 8>> to tensor<?xf32, #graph.dims<N * 9>>
  return
}

// -----

func.func @reshape_no_name(%x: tensor<?x8xf32, #graph.dims<N, 8>>) {
  // expected-error @+1 {{'graph.reshape' op has a result with a dynamic dim without a name}}
  %0 = graph.reshape %x : tensor<?x8xf32, #graph.dims<N, 8>> to tensor<?xf32>
  return
}

// -----

func.func @transpose_c1(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{'graph.transpose' op C1: expected a permutation of 2 dims, found [0, 0]}}
  %0 = graph.transpose %x [0, 0] : tensor<4x8xf32>
  return
}

// -----

func.func @broadcast_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.broadcast' op C1: expected one element type}}
  %0 = graph.broadcast %x : tensor<4xf32> to tensor<2x4xi32>
  return
}

// -----

func.func @broadcast_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.broadcast' op C2: dim 0 of the operand is 4, expected 1 or 8}}
  %0 = graph.broadcast %x : tensor<4xf32> to tensor<2x8xf32>
  return
}

// -----

func.func @broadcast_c2_rank(%x: tensor<2x4xf32>) {
  // expected-error @+1 {{'graph.broadcast' op C2: the operand's rank 2 is above the result's, which is 1}}
  %0 = graph.broadcast %x : tensor<2x4xf32> to tensor<4xf32>
  return
}

// -----

func.func @slice_c1(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{'graph.slice' op C1: expected 2 starts, sizes and steps, found 1, 2 and 2}}
  %0 = graph.slice %x starts <0> sizes <1, 1> steps [1, 1] : tensor<4x8xf32>
  return
}

// -----

func.func @slice_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.slice' op C2: step of dim 0 is zero}}
  %0 = graph.slice %x starts <0> sizes <1> steps [0] : tensor<4xf32>
  return
}

// -----

func.func @slice_c3(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.slice' op C3: the part from 2 to 4 lies outside dim 0, which is 4}}
  %0 = graph.slice %x starts <2> sizes <3> steps [1] : tensor<4xf32>
  return
}

// -----

func.func @pad_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.pad' op C1: padding of dim 0 is negative}}
  %0 = graph.pad %x low [-1] high [0] {mode = #graph<pad_mode constant>, value = 0.0} : tensor<4xf32>
  return
}

// -----

func.func @pad_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.pad' op C2: reflect can't add 4 to dim 0, which is 4}}
  %0 = graph.pad %x low [4] high [0] {mode = #graph<pad_mode reflect>, value = 0.0} : tensor<4xf32>
  return
}

// -----

func.func @concat_c1() {
  // expected-error @+2 {{'graph.concat' op failed to infer returned types}}
  // expected-error @+1 {{'graph.concat' op C1: expected at least one operand}}
  %0 = "graph.concat"() {axis = 0 : i64} : () -> tensor<4xf32>
  return
}

// -----

func.func @concat_c2(%a: tensor<4x8xf32>, %b: tensor<5x8xf32>) {
  // expected-error @+1 {{'graph.concat' op C2: expected the same dims but for axis 1, found [4, 8] and [5, 8]}}
  %0 = graph.concat %a, %b axis 1 : tensor<4x8xf32>, tensor<5x8xf32>
  return
}

// -----

func.func @gather_c1(%x: tensor<4x8xf32>, %i: tensor<2xf32>) {
  // expected-error @+1 {{'graph.gather' op C1: expected indices of i32 or i64, found f32}}
  %0 = graph.gather %x, %i axis 0 : tensor<4x8xf32>, tensor<2xf32>
  return
}

// -----

func.func @gather_c2(%x: tensor<4x8xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{'graph.gather' op C2: axis 2 is outside the rank, which is 2}}
  %0 = graph.gather %x, %i axis 2 : tensor<4x8xf32>, tensor<2xi64>
  return
}

// -----

func.func @iota_c1() {
  // expected-error @+1 {{'graph.iota' op C1: axis 1 is outside the rank, which is 1}}
  %0 = graph.iota axis 1 {start = 0.0, step = 1.0} : tensor<4xi64>
  return
}

// -----

func.func @iota_c2() {
  // expected-error @+1 {{'graph.iota' op C2: expected a number, found i1}}
  %0 = graph.iota axis 0 {start = 0.0, step = 1.0} : tensor<4xi1>
  return
}

// -----

func.func @pack_c1(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{'graph.pack' op C1: axis -1 is outside the rank, which is 2}}
  %0 = graph.pack %x axis -1 tile 4 : tensor<4x8xf32>
  return
}

// -----

func.func @pack_c2(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{'graph.pack' op C2: expected a positive tile, found 0}}
  %0 = graph.pack %x axis 0 tile 0 : tensor<4x8xf32>
  return
}

// -----

func.func @assume_c1(%x: tensor<?x4xf32, #graph.dims<M, 4>>) {
  // expected-error @+1 {{'graph.assume' op C1: expected one element type and rank, found}}
  %0 = graph.assume %x : tensor<?x4xf32, #graph.dims<M, 4>> to tensor<?xf32, #graph.dims<N>>
  return
}

// -----

func.func @assume_c2(%x: tensor<?x4xf32, #graph.dims<M, 4>>) {
  // expected-error @+1 {{'graph.assume' op C2: dim 1 is 4 and can never be 5}}
  %0 = graph.assume %x : tensor<?x4xf32, #graph.dims<M, 4>> to tensor<?x5xf32, #graph.dims<N, 5>>
  return
}
