// RUN: actnet-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{argument 0 speaks of the dim '?', but there are 0 index arguments, d0, d1 …}}
kernel.func @f(%x: tensor<?x4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<4xf32>
  kernel.yield %e : tensor<4xf32>
}

// -----

// expected-error@+1 {{argument 0: dim 1 of 'tensor<4x5xf32>' is not 6}}
kernel.func @f(%x: tensor<4x5xf32> {kernel.dims = #graph.dims<4, 6>}) -> tensor<4x5xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4x5xf32>
}

// -----

// expected-error@+1 {{argument 0 speaks of the dim 'd1', but there are 1 index arguments, d0, d1 …}}
kernel.func @f(%x: tensor<?xf32> {kernel.dims = #graph.dims<d1>}, %d0: index) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<4xf32>
  kernel.yield %e : tensor<4xf32>
}

// -----

// expected-error@+1 {{argument 0 is 'index'; ranked tensors come first, then dims as index}}
kernel.func @f(%d0: index, %x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf32>
}

// -----

kernel.func @f(%x: tensor<4xf32>) -> tensor<5xf32> attributes {family = #kernel.family<map>} {
  // expected-error@+1 {{types differ from the kernel's results}}
  kernel.yield %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{inplace pair [1, 0] is out of range}}
kernel.func @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>, inplace = array<i64: 1, 0>} {
  kernel.yield %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{family reduce takes one generic with reductions, found 0 generics with reductions and 0 attentions}}
kernel.func @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<reduce>} {
  kernel.yield %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{family map takes elementwise generics only, found 1 generics with reductions and 0 attentions}}
kernel.func @f(%x: tensor<4xf32>) -> tensor<f32> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<f32>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  kernel.yield %y : tensor<f32>
}

// -----

kernel.func @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  // expected-error@+1 {{has no place in the body of a kernel of family map}}
  %y = tensor.insert_slice %x into %x[0] [4] [1] : tensor<4xf32> into tensor<4xf32>
  kernel.yield %y : tensor<4xf32>
}

// -----

kernel.func @k(%x: tensor<?xf32> {kernel.dims = #graph.dims<d0 * 2>}, %d0: index) -> (tensor<?xf32> {kernel.dims = #graph.dims<d0 * 2>}) attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<?xf32>
}
func.func @main(%x: tensor<?xf32, #graph.dims<N>>) -> tensor<?xf32, #graph.dims<N>> {
  // expected-error@+1 {{operand 0: dim 0 is N, the kernel takes N * 2}}
  %y = kernel.dispatch @k(%x) dims [#graph.expr<N>] : (tensor<?xf32, #graph.dims<N>>) -> tensor<?xf32, #graph.dims<N>>
  return %y : tensor<?xf32, #graph.dims<N>>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{there is no kernel @k}}
  %y = kernel.dispatch @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<5xf32> {
  // expected-error@+1 {{a view keeps the number of elements: 4 is not 5}}
  %y = kernel.view %x : tensor<4xf32> to tensor<5xf32>
  return %y : tensor<5xf32>
}
