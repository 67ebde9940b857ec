// RUN: actnet-opt %s --split-input-file --graph-layout=target=cuda --graph-to-kernel=target=cuda | FileCheck %s
// RUN: not actnet-opt %s --split-input-file --graph-layout=target=tpu 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: tpu

// A right operand is read as it stands: [K, N].
// CHECK:       module attributes {kernel.target = "cuda"}
// CHECK-LABEL: func @matmul
// CHECK-SAME:    (%[[X:.*]]: tensor<?x40xf32, {{.*}}>, %[[W:.*]]: tensor<40x24xf32>)
// CHECK:         kernel.dispatch @contract_0(%[[X]], %[[W]]) dims [#graph.expr<N>]
// CHECK:       kernel.func @contract_0({{.*}}: tensor<?x40xf32>{{.*}}: tensor<40x24xf32>
// CHECK:         linalg.generic {indexing_maps = [{{.*}}], iterator_types = ["parallel", "parallel", "reduction"]}
func.func @matmul(%x: tensor<?x40xf32, #graph.dims<N, 40>>, %w: tensor<40x24xf32>) -> tensor<?x24xf32, #graph.dims<N, 24>> {
  %0 = graph.einsum "mk,kn->mn" %x, %w : tensor<?x40xf32, #graph.dims<N, 40>>, tensor<40x24xf32>
  return %0 : tensor<?x24xf32, #graph.dims<N, 24>>
}

// -----

// A filter is (kh, kw, i, o), and few channels are padded inside the kernel.
// CHECK-LABEL: func @conv
// CHECK-NOT:     graph.pad
// CHECK:         %[[F:.*]] = kernel.dispatch {{.*}} -> tensor<3x3x3x8xf32>
// CHECK:         kernel.dispatch @conv{{.*}}(%{{.*}}, %[[F]])
// CHECK:       kernel.func @conv
// CHECK:         tensor.pad
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]
func.func @conv(%x: tensor<1x10x10x3xf32>, %f: tensor<8x3x3x3xf32>) -> tensor<1x10x10x8xf32> {
  %0 = graph.conv %x, %f {input_layout = "nhwc", filter_layout = "oihw", output_layout = "nhwc",
      strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
      : tensor<1x10x10x3xf32>, tensor<8x3x3x3xf32>
  return %0 : tensor<1x10x10x8xf32>
}

// -----

// With groups: (g, kh, kw, i, o).
// CHECK-LABEL: func @grouped
// CHECK:         %[[F:.*]] = kernel.dispatch {{.*}} -> tensor<2x3x3x4x6xf32>
// CHECK:         kernel.dispatch @conv{{.*}}(%{{.*}}, %[[F]])
func.func @grouped(%x: tensor<1x10x10x8xf32>, %f: tensor<12x4x3x3xf32>) -> tensor<1x8x8x12xf32> {
  %0 = graph.conv %x, %f {input_layout = "nhwc", filter_layout = "oihw", output_layout = "nhwc",
      strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64}
      : tensor<1x10x10x8xf32>, tensor<12x4x3x3xf32>
  return %0 : tensor<1x8x8x12xf32>
}
