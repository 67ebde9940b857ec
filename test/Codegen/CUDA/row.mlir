// RUN: actnet-opt %s -kernel-emit-cuda -o /dev/null | FileCheck %s

// CHECK: #include "row.cuh"
// CHECK: // softmax: row, a grid of d0 blocks of 256 threads.
// CHECK: void operator()(RowBlock &block, i64 r) const {
// The largest of the row; where it starts from, -infinity, changes nothing.
// CHECK-NEXT: const float [[MAX:.*]] = block.reduce<Maximum>(d1, [&](i64 c) -> float {
// CHECK-NEXT: const float [[X:.*]] = in0[r * d1 + c];
// CHECK-NEXT: return [[X]];
// CHECK-NEXT: });
// The elementwise generic is part of the sum.
// CHECK-NEXT: const float [[SUM:.*]] = block.reduce<Add>(d1, [&](i64 c) -> float {
// CHECK-NEXT: const float [[X:.*]] = in0[r * d1 + c];
// CHECK-NEXT: const float [[D:.*]] = [[X]] - [[MAX]];
// CHECK-NEXT: const float [[E:.*]] = expf([[D]]);
// CHECK-NEXT: return [[E]];
// CHECK-NEXT: });
// CHECK-NEXT: block.each(d1, [&](i64 c) {
// CHECK: const float [[Y:.*]] = {{.*}} / [[SUM]];
// CHECK-NEXT: out0[r * d1 + c] = [[Y]];
// CHECK: ACTNET_KERNEL(256) softmax(
// CHECK: rowTile(softmax_row{in0, out0, d0, d1});
kernel.func @softmax(%x: tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>}, %d0: index, %d1: index)
    -> (tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>}) attributes {family = #kernel.family<row>} {
  %lowest = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %r = tensor.empty(%d0) : tensor<?xf32>
  %e = tensor.empty(%d0, %d1) : tensor<?x?xf32>
  %f = linalg.fill ins(%lowest : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %g = linalg.fill ins(%zero : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %m = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
         iterator_types = ["parallel", "reduction"]} ins(%x : tensor<?x?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.maximumf %o, %a : f32
    linalg.yield %n : f32
  } -> tensor<?xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
         iterator_types = ["parallel", "parallel"]} ins(%x, %m : tensor<?x?xf32>, tensor<?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %n = math.exp %d : f32
    linalg.yield %n : f32
  } -> tensor<?x?xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
         iterator_types = ["parallel", "reduction"]} ins(%p : tensor<?x?xf32>) outs(%g : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %o, %a : f32
    linalg.yield %n : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
         iterator_types = ["parallel", "parallel"]} ins(%p, %s : tensor<?x?xf32>, tensor<?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %n = arith.divf %a, %b : f32
    linalg.yield %n : f32
  } -> tensor<?x?xf32>
  kernel.yield %y : tensor<?x?xf32>
}

// Two dims are the row, counted through as one; the initial value counts; a
// result of the rows is written once.
// CHECK: // largest: row, a grid of 4 blocks
// CHECK: // Row r of [4], with columns [9, 31].
// CHECK: const i32 [[RED:.*]] = block.reduce<Maximum>(279, [&](i64 c) -> i32 {
// CHECK-NEXT: = in0[r * 279 + c];
// CHECK: const i32 [[ALL:.*]] = Maximum::combine(5, [[RED]]);
// CHECK-NEXT: block.once([&] {
// CHECK-NEXT: out0[r] = [[ALL]];
kernel.func @largest(%x: tensor<4x9x31xi32>) -> tensor<4xi32> attributes {family = #kernel.family<row>} {
  %floor = arith.constant 5 : i32
  %e = tensor.empty() : tensor<4xi32>
  %f = linalg.fill ins(%floor : i32) outs(%e : tensor<4xi32>) -> tensor<4xi32>
  %m = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i)>],
         iterator_types = ["parallel", "reduction", "reduction"]} ins(%x : tensor<4x9x31xi32>) outs(%f : tensor<4xi32>) {
  ^bb0(%a: i32, %o: i32):
    %n = arith.maxsi %o, %a : i32
    linalg.yield %n : i32
  } -> tensor<4xi32>
  kernel.yield %m : tensor<4xi32>
}
