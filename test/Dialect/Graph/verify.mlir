// RUN: actnet-opt %s --graph-verify --split-input-file --verify-diagnostics

module attributes {graph.dims = {N = array<i64: 1, 64>, S = array<i64: 1, -1>}} {
  func.func @good(%x: tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "x"},
                  %v: tensor<4xf32> {graph.variable = "v"})
      -> (tensor<?x4xf32, #graph.dims<N, 4>>, tensor<4xf32> {graph.tied = 1 : i64}) {
    %0 = graph.add %x, %v : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<4xf32>
    return %0, %v : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<4xf32>
  }
  func.func private @recipe() -> tensor<4xf32> attributes {graph.recipe} {
    %0 = graph.constant dense<1.0> : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

// expected-error @+1 {{dim 'N': expected array<i64: lower, upper> with 0 <= lower <= upper, or an upper bound of -1, found array<i64: 4, 2>}}
module attributes {graph.dims = {N = array<i64: 4, 2>}} {}

// -----

module {
  // expected-error @+1 {{dim 'N' is not listed in the module's graph.dims}}
  func.func @unknown(%x: tensor<?xf32, #graph.dims<N>>) { return }
}

// -----

module attributes {graph.dims = {N = array<i64: 1, 64>}} {
  // expected-error @+1 {{dim 'N' is bound by no argument of 'unbound'}}
  func.func @unbound(%x: tensor<?xf32, #graph.dims<N * 2>>) { return }
}

// -----

module {
  // expected-error @+1 {{has a dynamic dim without a name: 'tensor<?xf32>'}}
  func.func @no_name(%x: tensor<?xf32>) { return }
}

// -----

module {
  // expected-error @+1 {{expected a ranked tensor on the graph level, found 'memref<4xf32>'}}
  func.func @no_tensor(%x: memref<4xf32>) { return }
}

// -----

module {
  func.func @other_op(%x: tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{is not allowed on the graph level: expected graph operations and func.return}}
    %0 = func.call @other_op(%x) : (tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

module {
  // expected-error @+1 {{result 0 is tied to argument 0, which is no argument with graph.variable}}
  func.func @tied(%x: tensor<4xf32>) -> (tensor<4xf32> {graph.tied = 0 : i64}) { return %x : tensor<4xf32> }
}

// -----

module {
  // expected-error @+1 {{result 0 of 'tensor<2xf32>' is tied to a variable of 'tensor<4xf32>'}}
  func.func @tied_type(%x: tensor<4xf32> {graph.variable = "v"}, %y: tensor<2xf32>) -> (tensor<2xf32> {graph.tied = 0 : i64}) {
    return %y : tensor<2xf32>
  }
}

// -----

module {
  // expected-error @+1 {{a graph.recipe is private and takes no arguments}}
  func.func @recipe() -> tensor<4xf32> attributes {graph.recipe} {
    %0 = graph.constant dense<1.0> : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

module {
  // expected-error @+1 {{has no body}}
  func.func private @external(tensor<4xf32>)
}
