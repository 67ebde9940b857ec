// RUN: actnet-opt %s -kernel-emit-cuda -o /dev/null | FileCheck %s

// 64 columns and four matrices of any number; each thread has 32 rows.
// CHECK: #include "scatter.cuh"
// CHECK: // rows: scatter, a grid of {{.*}} blocks of 256 threads.
// CHECK: struct rows_scatter {
// CHECK: ACTNET_DEVICE bool isInPlace() const {
// CHECK-NEXT: return out0 == in2;
// CHECK: ACTNET_DEVICE void copy(i64 o, i64 r, i64 i) const {
// CHECK-NEXT: out0[o * 19200 + r * 64 + i] = in2[o * 19200 + r * 64 + i];
// CHECK: ACTNET_DEVICE i64 row(i64 o, i64 u, i64 i) const {
// CHECK-NEXT: return in0[u];
// CHECK: ACTNET_DEVICE void update(i64 o, i64 r, i64 i, i64 u) const {
// CHECK-NEXT: const float [[OLD:.*]] = toFloat(out0[o * 19200 + r * 64 + i]);
// CHECK-NEXT: const float [[NEW:.*]] = toFloat(in1[o * 320 + i + u * 64]);
// CHECK-NEXT: const float [[SUM:.*]] = [[OLD]] + [[NEW]];
// CHECK-NEXT: out0[o * 19200 + r * 64 + i] = fromFloat<f16>([[SUM]]);
// Data may be the result's own memory; indices and updates may not.
// CHECK: ACTNET_KERNEL(256) rows(const i64 *__restrict__ in0,
// CHECK-NEXT: const f16 *__restrict__ in1,
// CHECK-NEXT: const f16 *in2,
// CHECK: scatterTile<64, 1, 4>(
// CHECK-NEXT: rows_scatter{in0, in1, in2, out0, d0},
// CHECK-NEXT: ScatterSizes{d0, 300, 64, 5, 32});
kernel.func @rows(%i: tensor<5xi64>, %u: tensor<?x5x64xf16> {kernel.dims = #graph.dims<d0, 5, 64>},
                  %x: tensor<?x300x64xf16> {kernel.dims = #graph.dims<d0, 300, 64>}, %d0: index)
    -> (tensor<?x300x64xf16> {kernel.dims = #graph.dims<d0, 300, 64>})
    attributes {family = #kernel.family<scatter>, inplace = array<i64: 2, 0>} {
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: f16, %new: f16):
    %s = arith.addf %old, %new : f16
    kernel.yield %s : f16
  } : tensor<5xi64>, tensor<?x5x64xf16>, tensor<?x300x64xf16>
  kernel.yield %y : tensor<?x300x64xf16>
}

// One index an element, one column: the threads share the rows.
// CHECK: // elements: scatter
// CHECK: ACTNET_DEVICE i64 row(i64 o, i64 u, i64 i) const {
// CHECK-NEXT: return in0[o * 7 + {{(i \+ )?}}u
// CHECK: ACTNET_DEVICE void update(i64 o, i64 r, i64 i, i64 u) const {
// CHECK-NEXT: const i8 [[NEW:.*]] = in1[o * 7 + {{(i \+ )?}}u
// CHECK-NEXT: out0[o * 9 + r
// CHECK: scatterTile<1, 16, 2>(
kernel.func @elements(%i: tensor<2x7x1xi32>, %u: tensor<2x7x1xi8>, %x: tensor<2x9x1xi8>)
    -> tensor<2x9x1xi8> attributes {family = #kernel.family<scatter>} {
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: i8, %new: i8):
    kernel.yield %new : i8
  } : tensor<2x7x1xi32>, tensor<2x7x1xi8>, tensor<2x9x1xi8>
  kernel.yield %y : tensor<2x9x1xi8>
}
