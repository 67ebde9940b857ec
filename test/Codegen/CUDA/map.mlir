// RUN: actnet-opt %s -kernel-emit-cuda -o /dev/null | FileCheck %s

// What it is made of, where it is read and written, and nothing of the host.
// CHECK: #include "map.cuh"
// CHECK-NOT: #include
// CHECK: // relu: map, a grid of (d0 * 64 + 1023) floordiv 1024 blocks of 256 threads.
// CHECK-NEXT: //   in0  float [d0, 64]
// CHECK-NEXT: //   in1  float [64]
// CHECK-NEXT: //   out0 float [d0, 64]
// CHECK-NEXT: struct relu_element {
// The dense operand and the result are at i itself: no division for them.
// CHECK: void operator()(i64 i) const {
// CHECK-NEXT: const i64 [[J:.*]] = i % 64;
// CHECK-NEXT: const float [[X:.*]] = in0[i];
// CHECK-NEXT: const float [[B:.*]] = in1[[[J]]];
// CHECK-NEXT: const float [[S:.*]] = [[X]] + [[B]];
// CHECK-NEXT: const float [[Y:.*]] = maximum([[S]], 0.0f);
// CHECK-NEXT: out0[i] = [[Y]];
// CHECK: ACTNET_KERNEL(256) relu(const float *__restrict__ in0,
// CHECK: mapTile(relu_element{in0, in1, out0, d0}, d0 * 64);
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
// memory loses __restrict__; f16 is computed as float and rounded.
// CHECK: // moved: map, a grid of 1 blocks
// CHECK-NEXT: //   in0  f16 [8, 6], strides [10, 1]
// CHECK: void operator()(i64 i) const {
// CHECK-NEXT: const i64 [[I:.*]] = i / 6;
// CHECK-NEXT: const i64 [[J:.*]] = i % 6;
// CHECK-NEXT: const float [[X:.*]] = toFloat(in0[[[I]] + [[J]] * 10 + 11]);
// CHECK-NEXT: const float [[Z:.*]] = toFloat(in1[i]);
// CHECK-NEXT: const float [[S:.*]] = rounded<f16>([[X]] * [[Z]]);
// CHECK-NEXT: out0[i] = fromFloat<f16>([[S]]);
// CHECK: moved(const f16 *__restrict__ in0,
// CHECK-NEXT: const f16 *in1,
// CHECK-NEXT: f16 *out0) {
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
