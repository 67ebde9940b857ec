// RUN: actnet-opt %s -kernel-emit-cuda -o /dev/null | FileCheck %s

// What it is made of, where it is read and written, and nothing of the host.
// CHECK: #include "map.cuh"
// CHECK-NOT: #include
// CHECK: // relu: map, a grid of (d0 * 64 + 2047) floordiv 2048 blocks of 256 threads.
// CHECK-NEXT: //   in0   float [d0, 64]
// CHECK-NEXT: //   in1   float [64]
// CHECK-NEXT: //   out0  float [d0, 64]
// CHECK-NEXT: struct relu_elements {
// Four neighbours at once: V divides the last dim. The dense operand and the
// result are at i itself: no division for them.
// CHECK: template <int V> ACTNET_DEVICE void run(i64 i) const {
// CHECK-NEXT: const i64 [[J:.*]] = i % 64;
// CHECK-NEXT: const Vector<float, V> [[VX:.*]] = load<V>(in0 + i);
// CHECK-NEXT: const Vector<float, V> [[VB:.*]] = load<V>(in1 + [[J]]);
// CHECK-NEXT: Vector<float, V> [[VY:.*]];
// CHECK-NEXT: ACTNET_UNROLL
// CHECK-NEXT: for (int k = 0; k < V; ++k) {
// CHECK-NEXT: const float [[X:.*]] = [[VX]][k];
// CHECK-NEXT: const float [[B:.*]] = [[VB]][k];
// CHECK-NEXT: const float [[S:.*]] = [[X]] + [[B]];
// CHECK-NEXT: const float [[Y:.*]] = maximum([[S]], 0.0f);
// CHECK-NEXT: [[VY]][k] = [[Y]];
// CHECK-NEXT: }
// CHECK-NEXT: store(out0 + i, [[VY]]);
// CHECK: ACTNET_KERNEL(256) relu(const float *__restrict__ in0,
// Base pointers may be views at any offset: asked when it runs.
// CHECK: mapTile<4, 2>(relu_elements{in0, in1, out0, d0}, blockIndex(), d0 * 64,
// CHECK-NEXT: areAligned<4>(in0, in1, out0));
// CHECK-NEXT: }
// CHECK-NEXT: ACTNET_ENTRY(relu)
kernel.func @relu(%x: tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}, %b: tensor<64xf32>, %d0: index)
    -> (tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}) attributes {family = #kernel.family<map>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty(%d0) : tensor<?x64xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
         iterator_types = ["parallel", "parallel"]}
         ins(%x, %b : tensor<?x64xf32>, tensor<64xf32>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%a: f32, %p: f32, %o: f32):
    %s = arith.addf %a, %p : f32
    %m = arith.maximumf %s, %c0 : f32
    linalg.yield %m : f32
  } -> tensor<?x64xf32>
  kernel.yield %y : tensor<?x64xf32>
}

// Maps are composed through the slice and the transpose; what may be the same
// memory loses __restrict__; f16 is computed as float and rounded. Eight do not
// divide six: each element has indices of its own, and the dense accesses are
// wide all the same.
// CHECK: // moved: map, a grid of 1 blocks
// CHECK-NEXT: //   in0   f16 [8, 6], strides [10, 1]
// CHECK: void run(i64 i) const {
// CHECK-NEXT: const Vector<f16, V> [[VZ:.*]] = load<V>(in1 + i);
// CHECK: for (int k = 0; k < V; ++k) {
// CHECK-NEXT: const i64 [[I:.*]] = (i + k) / 6;
// CHECK-NEXT: const i64 [[J:.*]] = (i + k) % 6;
// CHECK-NEXT: const float [[X:.*]] = toFloat(in0[[[I]] + [[J]] * 10 + 11]);
// CHECK-NEXT: const float [[Z:.*]] = toFloat([[VZ]][k]);
// CHECK-NEXT: const float [[S:.*]] = [[X]] * [[Z]];
// CHECK-NEXT: [[VY:.*]][k] = fromFloat<f16>([[S]]);
// CHECK: moved(const f16 *__restrict__ in0,
// CHECK-NEXT: const f16 *in1,
// CHECK-NEXT: f16 *out0) {
// CHECK-NEXT: mapTile<8, 1>(
// CHECK-NEXT: areAligned<8>(in1, out0));
kernel.func @moved(%x: tensor<8x6xf16> {kernel.strides = #graph.dims<10, 1>}, %z: tensor<4x6xf16>) -> tensor<4x6xf16>
    attributes {family = #kernel.family<map>, inplace = array<i64: 1, 0>} {
  %s = tensor.extract_slice %x[1, 1] [6, 4] [1, 1] : tensor<8x6xf16> to tensor<6x4xf16>
  %e = tensor.empty() : tensor<4x6xf16>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
         iterator_types = ["parallel", "parallel"]}
         ins(%s, %z : tensor<6x4xf16>, tensor<4x6xf16>) outs(%e : tensor<4x6xf16>) {
  ^bb0(%a: f16, %b: f16, %o: f16):
    %m = arith.mulf %a, %b : f16
    linalg.yield %m : f16
  } -> tensor<4x6xf16>
  kernel.yield %y : tensor<4x6xf16>
}

// A dynamic last dim: V must divide it, which is asked when it runs. Under the
// condition of the pad the load is wide where the condition is that of all V.
// CHECK: // padded: map
// CHECK: const Vector<float, V> {{.*}} = loadIf<V>([[ROW:.*]] - 1 >= 0,
// CHECK: if ([[ROW]] - 1 >= 0) {
// CHECK: areAligned<4>(in0, out0) && d0 % 4 == 0);
kernel.func @padded(%x: tensor<3x?xf32> {kernel.dims = #graph.dims<3, d0>}, %d0: index)
    -> (tensor<4x?xf32> {kernel.dims = #graph.dims<4, d0>}) attributes {family = #kernel.family<map>} {
  %c0 = arith.constant 0.0 : f32
  %p = tensor.pad %x low[1, 0] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c0 : f32
  } : tensor<3x?xf32> to tensor<4x?xf32>
  kernel.yield %p : tensor<4x?xf32>
}

// Results of several shapes are computed by blocks of their own; f64.
// CHECK: // both: map, a grid of 2 blocks
// CHECK: struct both_elements0 {
// CHECK: struct both_elements1 {
// CHECK: if (blockIndex() < 1) {
// CHECK-NEXT: mapTile<2, 1>(both_elements0{{.*}}, blockIndex(), 8,
// CHECK: else {
// CHECK-NEXT: mapTile<2, 1>(both_elements1{{.*}}, blockIndex() - (1), 4,
kernel.func @both(%x: tensor<8xf64>, %z: tensor<4xf64>) -> (tensor<8xf64>, tensor<4xf64>)
    attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<8xf64>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
         ins(%x : tensor<8xf64>) outs(%e : tensor<8xf64>) {
  ^bb0(%a: f64, %o: f64):
    %m = math.exp %a : f64
    linalg.yield %m : f64
  } -> tensor<8xf64>
  kernel.yield %y, %z : tensor<8xf64>, tensor<4xf64>
}
