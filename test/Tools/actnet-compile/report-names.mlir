// RUN: actnet-compile %s --target=host:x86-64-v3 --report=%t.html -o %t
// RUN: FileCheck %s < %t.html

// One kernel, launched twice for one node: its name, once.
// CHECK: <h2>Kernels</h2>
// CHECK-NEXT: <p>1 kernel; figures of all launches
// CHECK: <td class=n data-is=launches>2
// CHECK: data-is=computes>my_concat</tr>
func.func @main(%x: tensor<2x4xf32> {graph.name = "x"}) -> (tensor<2x8xf32> {graph.name = "y"}) {
  %0 = graph.concat %x, %x axis 1 : tensor<2x4xf32>, tensor<2x4xf32> loc("my_concat")
  return %0 : tensor<2x8xf32>
}
