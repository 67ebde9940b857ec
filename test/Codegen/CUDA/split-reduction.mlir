// RUN: actnet-opt %s -kernel-split-reduction -split-input-file | FileCheck %s
// Both halves can be scheduled and printed.
// RUN: actnet-opt %s -split-input-file -o /dev/null \
// RUN:   -pass-pipeline='builtin.module(kernel-split-reduction,kernel.func(kernel-schedule-cuda),kernel-emit-cuda)' | FileCheck %s --check-prefix=TEXT

// A sum of 120000 floats for each of a batch. It is a dynamic dim, so it counts
// as one result: 512 blocks want slices of 2048 at least, and 2400 is the next
// number that divides 120000, by 50. What stands behind the sum stays with the
// second kernel, which takes the divisor; the first takes the operand alone.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: tensor<?x3x40000xf16, {{.*}}>, %[[B:.*]]: tensor<?xf32, {{.*}}>
// CHECK: %[[P:.*]] = kernel.dispatch @mean_slices(%[[X]]) dims [#graph.expr<N>] {layer = "mean"}
// CHECK-SAME: -> tensor<50x?xf32, #graph.dims<50, N>>
// CHECK: %[[Y:.*]] = kernel.dispatch @mean_join(%[[B]], %[[P]]) dims [#graph.expr<N>] {layer = "mean"}
// CHECK-SAME: -> tensor<?xf32, #graph.dims<N>>
// CHECK: return %[[Y]]
func.func @main(%x: tensor<?x3x40000xf16, #graph.dims<N, 3, 40000>>, %b: tensor<?xf32, #graph.dims<N>>)
    -> tensor<?xf32, #graph.dims<N>> {
  %y = kernel.dispatch @mean(%x, %b) dims [#graph.expr<N>] {layer = "mean"}
     : (tensor<?x3x40000xf16, #graph.dims<N, 3, 40000>>, tensor<?xf32, #graph.dims<N>>) -> tensor<?xf32, #graph.dims<N>>
  return %y : tensor<?xf32, #graph.dims<N>>
}

// The first: f16 becomes f32 in front, sums begin at 0, whatever the whole
// begins at.
// CHECK-LABEL: kernel.func @mean_slices(
// CHECK-SAME:    tensor<?x3x40000xf16> {{[^,]*, 3, 40000>}}}, %{{.*}}: index) -> (tensor<50x?xf32> {kernel.dims = #graph.dims<50, d0>})
// CHECK-NOT: inplace
// CHECK: arith.extf
// CHECK: tensor.collapse_shape {{.*}} {{\[}}[0], [1, 2]] : tensor<?x3x40000xf32> into tensor<?x120000xf32>
// CHECK-NOT: tensor.pad
// CHECK: tensor.expand_shape {{.*}} {{\[}}[0], [1, 2]] {{.*}} : tensor<?x120000xf32> into tensor<?x50x2400xf32>
// CHECK: linalg.fill ins(%[[ZERO:.*]] : f32)
// CHECK: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: arith.addf
// CHECK-NOT: arith.divf
// CHECK: yield

// The second may write over the divisor, as the whole might.
// CHECK-LABEL: kernel.func @mean_join(
// CHECK-SAME:    tensor<?xf32> {kernel.dims = #graph.dims<d0>}, %{{.*}}: tensor<50x?xf32> {kernel.dims = #graph.dims<50, d0>}, %{{.*}}: index)
// CHECK-SAME:    inplace = array<i64: 0, 0>
// CHECK: arith.constant 1.500000e+00
// CHECK: iterator_types = ["reduction", "parallel"]
// CHECK: arith.addf
// CHECK: arith.divf
// CHECK-NOT: kernel.func @mean(

// Sixteen bytes at once.
// TEXT: const Vector<f16, V> x0 = load<V>(in0 + i0 * 2400 + i1 * 120000 + c);
// TEXT: ACTNET_KERNEL(128) mean_slices(const f16 *__restrict__ in0,
// TEXT: ACTNET_KERNEL({{[0-9]+}}) mean_join(
kernel.func @mean(%x: tensor<?x3x40000xf16> {kernel.dims = #graph.dims<d0, 3, 40000>},
                  %b: tensor<?xf32> {kernel.dims = #graph.dims<d0>}, %d0: index)
    -> (tensor<?xf32> {kernel.dims = #graph.dims<d0>})
    attributes {family = #kernel.family<reduce>, inplace = array<i64: 1, 0>} {
  %c = arith.constant 1.5 : f32
  %e = tensor.empty(%d0) : tensor<?xf32>
  %f = linalg.fill ins(%c : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i)>],
         iterator_types = ["parallel", "reduction", "reduction"]} ins(%x : tensor<?x3x40000xf16>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f16, %o: f32):
    %w = arith.extf %a : f16 to f32
    %s = arith.addf %o, %w : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(j) -> (j)>, affine_map<(j) -> (j)>, affine_map<(j) -> (j)>], iterator_types = ["parallel"]}
         ins(%y, %b : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %n: f32, %o: f32):
    %s = arith.divf %a, %n : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  kernel.yield %z : tensor<?xf32>
}

// -----

// A dynamic dim is reduced: slices of 8192, as many as it takes, the last one
// padded with what changes nothing, which is the largest integer for a minimum.
// CHECK-LABEL: func.func @main(
// CHECK: kernel.dispatch @low_slices(%{{.*}}) dims [#graph.expr<N>]
// CHECK-SAME: -> tensor<?x12xi32, #graph.dims<(N + 8191) floordiv 8192, 12>>
// CHECK: kernel.dispatch @low_join(
// CHECK-LABEL: kernel.func @low_slices(
// CHECK-SAME: #graph.dims<(d0 + 8191) floordiv 8192, 12>
// CHECK: arith.constant 2147483647 : i32
// CHECK: tensor.pad {{.*}} low[0, 0] high[0, %
// TEXT: ACTNET_KERNEL({{[0-9]+}}) low_slices(
module attributes {graph.dims = {N = array<i64: 1, 100000>}} {
func.func @main(%x: tensor<?x12xi32, #graph.dims<N, 12>>) -> tensor<12xi32> {
  %y = kernel.dispatch @low(%x) dims [#graph.expr<N>] : (tensor<?x12xi32, #graph.dims<N, 12>>) -> tensor<12xi32>
  return %y : tensor<12xi32>
}
kernel.func @low(%x: tensor<?x12xi32> {kernel.dims = #graph.dims<d0, 12>}, %d0: index) -> tensor<12xi32>
    attributes {family = #kernel.family<reduce>} {
  %c = arith.constant 2147483647 : i32
  %e = tensor.empty() : tensor<12xi32>
  %f = linalg.fill ins(%c : i32) outs(%e : tensor<12xi32>) -> tensor<12xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
         iterator_types = ["reduction", "parallel"]} ins(%x : tensor<?x12xi32>) outs(%f : tensor<12xi32>) {
  ^bb0(%a: i32, %o: i32):
    %s = arith.minsi %o, %a : i32
    linalg.yield %s : i32
  } -> tensor<12xi32>
  kernel.yield %y : tensor<12xi32>
}
}

// -----

// The same with at most 30000: one block in good time.
// CHECK-LABEL: func.func @main(
// CHECK: kernel.dispatch @low(
// CHECK-NOT: _slices
// TEXT: ACTNET_KERNEL({{[0-9]+}}) low(
module attributes {graph.dims = {N = array<i64: 1, 30000>}} {
func.func @main(%x: tensor<?x12xi32, #graph.dims<N, 12>>) -> tensor<12xi32> {
  %y = kernel.dispatch @low(%x) dims [#graph.expr<N>] : (tensor<?x12xi32, #graph.dims<N, 12>>) -> tensor<12xi32>
  return %y : tensor<12xi32>
}
kernel.func @low(%x: tensor<?x12xi32> {kernel.dims = #graph.dims<d0, 12>}, %d0: index) -> tensor<12xi32>
    attributes {family = #kernel.family<reduce>} {
  %c = arith.constant 2147483647 : i32
  %e = tensor.empty() : tensor<12xi32>
  %f = linalg.fill ins(%c : i32) outs(%e : tensor<12xi32>) -> tensor<12xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
         iterator_types = ["reduction", "parallel"]} ins(%x : tensor<?x12xi32>) outs(%f : tensor<12xi32>) {
  ^bb0(%a: i32, %o: i32):
    %s = arith.minsi %o, %a : i32
    linalg.yield %s : i32
  } -> tensor<12xi32>
  kernel.yield %y : tensor<12xi32>
}
}

// -----

// Many results: there are blocks enough. A body that is no associative op: it
// has an order.
// CHECK-LABEL: kernel.func @many(
// CHECK-LABEL: kernel.func @ordered(
// CHECK-NOT: _slices
// TEXT: ACTNET_KERNEL({{[0-9]+}}) many(
kernel.func @many(%x: tensor<2000x40000xf32>) -> tensor<2000xf32> attributes {family = #kernel.family<reduce>} {
  %c = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2000xf32>
  %f = linalg.fill ins(%c : f32) outs(%e : tensor<2000xf32>) -> tensor<2000xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
         iterator_types = ["parallel", "reduction"]} ins(%x : tensor<2000x40000xf32>) outs(%f : tensor<2000xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<2000xf32>
  kernel.yield %y : tensor<2000xf32>
}
kernel.func @ordered(%x: tensor<40000xf32>) -> tensor<f32> attributes {family = #kernel.family<reduce>} {
  %c = arith.constant 0.0 : f32
  %h = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%c : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>],
         iterator_types = ["reduction"]} ins(%x : tensor<40000xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %o, %h : f32
    %s = arith.addf %m, %a : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  kernel.yield %y : tensor<f32>
}
