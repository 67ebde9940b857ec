// RUN: actnet-opt %s -kernel-emit-cuda -o /dev/null | FileCheck %s

// CHECK: #include "row.cuh"
// CHECK: // softmax: row, a grid of d0 blocks of 256 threads.
// CHECK: ACTNET_DEVICE void run(const Row &row, i64 r) const {
// All passes need the row: it is read once.
// CHECK-NEXT: const auto make0 = [&](i64 c) {
// CHECK: load<V>(in0 + r * d1 + c);
// CHECK: const auto kept0 = keep<float>(row, d1, make0);
// The largest of the row; where it starts from, -infinity, changes nothing.
// CHECK-NEXT: const float [[MAX:.*]] = reduceRow<Maximum, float>(row, d1, [&](i64 c, int n, float own) {
// CHECK-NEXT: = kept0.at(n, c);
// CHECK: own = Maximum::combine(own, {{.*}});
// CHECK: return own;
// CHECK-NEXT: });
// The elementwise generic is part of the sum.
// CHECK-NEXT: const float [[SUM:.*]] = reduceRow<Add, float>(row, d1, [&](i64 c, int n, float own) {
// CHECK-NEXT: = kept0.at(n, c);
// CHECK: const float [[D:.*]] = {{.*}} - [[MAX]];
// CHECK-NEXT: const float [[E:.*]] = expf([[D]]);
// CHECK-NEXT: own = Add::combine(own, [[E]]);
// CHECK: eachColumn(row, d1, [&](i64 c, int n) {
// CHECK-NOT: load<V>
// CHECK: const float [[Y:.*]] = {{.*}} / [[SUM]];
// CHECK: store(out0 + r * d1 + c, {{.*}});
// CHECK: ACTNET_KERNEL(256) softmax(
// CHECK: using Team = BlockTeam<256>;
// CHECK-NEXT: rowTile<Team, 4, 8>(softmax_row{in0, out0, d0, d1}, d0,
// CHECK-NEXT: areAligned<4>(in0, out0) && d1 % 4 == 0);
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

// Two dims are the row, counted through as one, by a warp; the initial value
// counts; a result of the rows is written once.
// CHECK: // largest: row, a grid of 1 blocks of 128 threads.
// CHECK: // Row r of [4], with columns [9, 31].
// CHECK: const i32 [[RED:.*]] = reduceRow<Maximum, i32>(row, 279, [&](i64 c, int n, i32 own) {
// CHECK: = in0[r * 279 + c];
// CHECK: const i32 [[ALL:.*]] = Maximum::combine(5, [[RED]]);
// CHECK-NEXT: once(row, [&] {
// CHECK-NEXT: out0[r] = [[ALL]];
// CHECK: using Team = WarpTeam<128>;
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

// A long row lies in shared memory, if it fits.
// CHECK: // long: row, a grid of 7 blocks of 1024 threads.
// CHECK: const auto kept0 = keepShared<float>(row, 20000, 0, make0);
kernel.func @long(%x: tensor<7x20000xf32>) -> tensor<7x20000xf32> attributes {family = #kernel.family<row>} {
  %zero = arith.constant 0.0 : f32
  %r = tensor.empty() : tensor<7xf32>
  %e = tensor.empty() : tensor<7x20000xf32>
  %f = linalg.fill ins(%zero : f32) outs(%r : tensor<7xf32>) -> tensor<7xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
         iterator_types = ["parallel", "reduction"]} ins(%x : tensor<7x20000xf32>) outs(%f : tensor<7xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %o, %a : f32
    linalg.yield %n : f32
  } -> tensor<7xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
         iterator_types = ["parallel", "parallel"]} ins(%x, %s : tensor<7x20000xf32>, tensor<7xf32>) outs(%e : tensor<7x20000xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %n = arith.divf %a, %b : f32
    linalg.yield %n : f32
  } -> tensor<7x20000xf32>
  kernel.yield %y : tensor<7x20000xf32>
}
