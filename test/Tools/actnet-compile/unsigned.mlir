// Unsigned integers: kernels hold signless ones, their operations know the sign.
//
// RUN: actnet-compile %s --emit=package -o %t.actnet
// RUN: actnet-run %t.actnet --input x=200 --input y=3 | FileCheck %s
// CHECK: div: u8 [20], min 66, max 66
// CHECK: mod: u8 [20], min 2, max 2
// CHECK: max: u8 [20], min 200, max 200
// CHECK: wraps: u8 [20], min 88, max 88
// CHECK: less: bool [20], min 0, max 0
// CHECK: float: f32 [20], min 200, max 200
// CHECK: wide: i32 [20], min 200, max 200
// CHECK: clamped: u8 [20], min 150, max 150
// CHECK: most: u8 [], min 200, max 200
// CHECK: least: u8 [], min 200, max 200
// CHECK: pow: u8 [20], min 27, max 27
// CHECK: padded: u8 [22], min 200, max 255

module {
  func.func @main(%x: tensor<20xui8> {graph.name = "x"}, %y: tensor<20xui8> {graph.name = "y"})
      -> (tensor<20xui8> {graph.name = "div"}, tensor<20xui8> {graph.name = "mod"},
          tensor<20xui8> {graph.name = "max"}, tensor<20xui8> {graph.name = "wraps"},
          tensor<20xi1> {graph.name = "less"}, tensor<20xf32> {graph.name = "float"},
          tensor<20xi32> {graph.name = "wide"}, tensor<20xui8> {graph.name = "clamped"},
          tensor<ui8> {graph.name = "most"}, tensor<ui8> {graph.name = "least"},
          tensor<20xui8> {graph.name = "pow"}, tensor<22xui8> {graph.name = "padded"}) {
    %div = graph.div %x, %y : tensor<20xui8>, tensor<20xui8>
    %mod = graph.mod %x, %y : tensor<20xui8>, tensor<20xui8>
    %max = graph.max %x, %y : tensor<20xui8>, tensor<20xui8>
    %wraps = graph.mul %x, %y : tensor<20xui8>, tensor<20xui8>
    %less = graph.compare lt %x, %y : tensor<20xui8>, tensor<20xui8>
    %float = graph.cast %x : tensor<20xui8> to tensor<20xf32>
    %wide = graph.cast %x : tensor<20xui8> to tensor<20xi32>
    %clamped = graph.clamp %x {lo = 10.0, hi = 150.0} : tensor<20xui8>
    %most = graph.reduce max %x dims [0] : tensor<20xui8>
    %least = graph.reduce min %x dims [0] : tensor<20xui8>
    %pow = graph.pow %y, %y : tensor<20xui8>, tensor<20xui8>
    %padded = graph.pad %x low [1] high [1] {mode = #graph<pad_mode constant>, value = 255.0} : tensor<20xui8>
    return %div, %mod, %max, %wraps, %less, %float, %wide, %clamped, %most, %least, %pow, %padded
      : tensor<20xui8>, tensor<20xui8>, tensor<20xui8>, tensor<20xui8>, tensor<20xi1>, tensor<20xf32>,
        tensor<20xi32>, tensor<20xui8>, tensor<ui8>, tensor<ui8>, tensor<20xui8>, tensor<22xui8>
  }
}
