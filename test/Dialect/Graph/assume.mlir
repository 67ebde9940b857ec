// RUN: actnet-opt %s | actnet-opt | FileCheck %s --check-prefix=TRIP
// RUN: actnet-opt %s --graph-check-extents | FileCheck %s --check-prefix=CHECKS
// RUN: actnet-opt %s --graph-check-extents --graph-check-extents | FileCheck %s --check-prefix=CHECKS
// RUN: actnet-opt %s --canonicalize | FileCheck %s --check-prefix=FOLD

module attributes {graph.dims = {M = array<i64: 1, 64>, N = array<i64: 1, 64>}} {
  // One check for each dim that gets another name; what is said twice is
  // checked once.
  // TRIP-LABEL: func.func @rename
  // TRIP: graph.assume %{{.*}} : tensor<?x8xf32, #graph.dims<M, 8>> to tensor<?x8xf32, #graph.dims<N, 8>>
  // CHECKS-LABEL: func.func @rename
  // CHECKS-SAME: graph.checks = [{equal = #graph.expr<N>, extent = #graph.expr<M>,
  // CHECKS-SAME: message = "'graph.assume': dim 0, M, is assumed to be N"}]
  // FOLD-LABEL: func.func @rename
  // FOLD: %[[A:.*]] = graph.assume
  // FOLD: graph.add %[[A]]
  func.func @rename(%x: tensor<?x8xf32, #graph.dims<M, 8>>, %y: tensor<?x8xf32, #graph.dims<N, 8>>)
      -> tensor<?x8xf32, #graph.dims<N, 8>> {
    %0 = graph.assume %x : tensor<?x8xf32, #graph.dims<M, 8>> to tensor<?x8xf32, #graph.dims<N, 8>>
    %1 = graph.assume %x : tensor<?x8xf32, #graph.dims<M, 8>> to tensor<?x8xf32, #graph.dims<N, 8>>
    %2 = graph.add %0, %y : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<?x8xf32, #graph.dims<N, 8>>
    %3 = graph.add %2, %1 : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<?x8xf32, #graph.dims<N, 8>>
    return %3 : tensor<?x8xf32, #graph.dims<N, 8>>
  }

  // A dim may be said to be a number or an expression.
  // CHECKS-LABEL: func.func @number
  // CHECKS-SAME: {equal = #graph.expr<4>, extent = #graph.expr<M>
  func.func @number(%x: tensor<?xf32, #graph.dims<M>>) -> tensor<4xf32> {
    %0 = graph.assume %x : tensor<?xf32, #graph.dims<M>> to tensor<4xf32>
    return %0 : tensor<4xf32>
  }

  // Nothing is assumed where the dims are the same.
  // CHECKS-LABEL: func.func @nothing(
  // CHECKS-NOT: graph.checks
  // FOLD-LABEL: func.func @nothing(
  // FOLD-NOT: graph.assume
  // FOLD: return
  func.func @nothing(%x: tensor<?x8xf32, #graph.dims<N, 8>>) -> tensor<?x8xf32, #graph.dims<N, 8>> {
    %0 = graph.assume %x : tensor<?x8xf32, #graph.dims<N, 8>> to tensor<?x8xf32, #graph.dims<N, 8>>
    return %0 : tensor<?x8xf32, #graph.dims<N, 8>>
  }
}
