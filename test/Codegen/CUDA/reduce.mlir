// RUN: actnet-opt %s -kernel-emit-cuda -o /dev/null | FileCheck %s

// Neighbouring results read neighbouring elements: V results a thread, and
// stripes of the elements, because there are few results.
// CHECK: #include "reduce.cuh"
// CHECK: // columns: reduce
// CHECK: ACTNET_DEVICE void run(const Stripe &stripe, i64 i) const {
// CHECK: float total0[V];
// CHECK: total0[k] = Add::identity<float>();
// CHECK: eachElement(stripe, 1000, [&](i64 r) {
// CHECK-NEXT: const Vector<float, V> [[X:.*]] = load<V>(in0 + i + r * 64);
// CHECK: total0[k] = Add::combine(total0[k], {{.*}});
// CHECK: combineStripes<Add>(stripe, total0);
// CHECK-NEXT: if (!stripe.writes())
// CHECK-NEXT: return;
// The epilogue.
// CHECK: / 1000.0f;
// CHECK: store(out0 + i, {{.*}});
// CHECK: reduceTile<4, 32, 8>(columns_results{in0, out0}, 64,
kernel.func @columns(%x: tensor<1000x64xf32>) -> tensor<64xf32> attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0.0 : f32
  %n = arith.constant 1000.0 : f32
  %e = tensor.empty() : tensor<64xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(j, i) -> (i, j)>, affine_map<(j, i) -> (j)>],
         iterator_types = ["parallel", "reduction"]} ins(%x : tensor<1000x64xf32>) outs(%f : tensor<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(j) -> (j)>, affine_map<(j) -> (j)>], iterator_types = ["parallel"]}
         ins(%y : tensor<64xf32>) outs(%e : tensor<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.divf %a, %n : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  kernel.yield %z : tensor<64xf32>
}

// The elements of one result are neighbours: a row.
// CHECK: #include "row.cuh"
// CHECK: // along: reduce
// CHECK: reduceRow<Maximum, float>(row, 800, [&](i64 c, int n, float own) {
// CHECK-NEXT: = load<V>(in0 + r * 800 + c);
// CHECK: rowTile<Team, 8, {{[0-9]+}}>(along_row
kernel.func @along(%x: tensor<30x800xf16>) -> tensor<30xf16> attributes {family = #kernel.family<reduce>} {
  %low = arith.constant 0xFC00 : f16
  %e = tensor.empty() : tensor<30xf16>
  %f = linalg.fill ins(%low : f16) outs(%e : tensor<30xf16>) -> tensor<30xf16>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
         iterator_types = ["parallel", "reduction"]} ins(%x : tensor<30x800xf16>) outs(%f : tensor<30xf16>) {
  ^bb0(%a: f16, %o: f16):
    %s = arith.maximumf %o, %a : f16
    linalg.yield %s : f16
  } -> tensor<30xf16>
  kernel.yield %y : tensor<30xf16>
}

// Two results that depend on each other: one element after the other.
// CHECK: // argmax: reduce
// CHECK: float total0[V];
// CHECK-NEXT: i64 total1[V];
// CHECK: for (i64 r1 = 0; r1 < 9; ++r1) {
// CHECK: const bool [[C:.*]] = {{.*}} > total0[k];
// CHECK: [[C]] ? {{.*}} : total0[k];
// CHECK: [[C]] ? {{.*}} : total1[k];
kernel.func @argmax(%x: tensor<?x9xf32> {kernel.dims = #graph.dims<d0, 9>}, %d0: index)
    -> (tensor<?xi64> {kernel.dims = #graph.dims<d0>}, tensor<?xf32> {kernel.dims = #graph.dims<d0>})
    attributes {family = #kernel.family<reduce>} {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i64
  %e = tensor.empty(%d0) : tensor<?xf32>
  %f = linalg.fill ins(%low : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %g = tensor.empty(%d0) : tensor<?xi64>
  %h = linalg.fill ins(%zero : i64) outs(%g : tensor<?xi64>) -> tensor<?xi64>
  %y:2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x9xf32>) outs(%f, %h : tensor<?xf32>, tensor<?xi64>) {
  ^bb0(%a: f32, %m: f32, %n: i64):
    %j = linalg.index 1 : index
    %k = arith.index_cast %j : index to i64
    %c = arith.cmpf ogt, %a, %m : f32
    %v = arith.select %c, %a, %m : f32
    %w = arith.select %c, %k, %n : i64
    linalg.yield %v, %w : f32, i64
  } -> (tensor<?xf32>, tensor<?xi64>)
  kernel.yield %y#1, %y#0 : tensor<?xi64>, tensor<?xf32>
}
