// RUN: actnet-opt %s --kernel-to-actor | FileCheck %s

// Views and slices move no bytes; concat operands lie in the concat.

module {
  kernel.func @neg64(%x: tensor<64xf32>) -> (tensor<64xf32>)
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<64xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
           iterator_types = ["parallel"]} ins(%x : tensor<64xf32>) outs(%e : tensor<64xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<64xf32>
    kernel.yield %y : tensor<64xf32>
  }
  kernel.func @neg8x8(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>)
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<8x8xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<8x8xf32>
    kernel.yield %y : tensor<8x8xf32>
  }
  kernel.func @neg4x8(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>)
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<4x8xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<4x8xf32>
    kernel.yield %y : tensor<4x8xf32>
  }

  kernel.func @part(%x: tensor<4x8xf32> {kernel.strides = #graph.dims<16, 1>}) -> (tensor<4x8xf32> {kernel.strides = #graph.dims<16, 1>})
      attributes {family = #kernel.family<map>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<4x8xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<4x8xf32>
    kernel.yield %y : tensor<4x8xf32>
  }

  kernel.func @part_out(%x: tensor<4x8xf32>) -> (tensor<4x8xf32> {kernel.strides = #graph.dims<16, 1>})
      attributes {family = #kernel.family<map>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<4x8xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<4x8xf32>
    kernel.yield %y : tensor<4x8xf32>
  }
  kernel.func @neg4x16(%x: tensor<4x16xf32>) -> (tensor<4x16xf32>)
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<4x16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x16xf32>) outs(%e : tensor<4x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<4x16xf32>
    kernel.yield %y : tensor<4x16xf32>
  }

  kernel.func @inner_out(%x: tensor<4x4xf32>) -> (tensor<4x4xf32> {kernel.strides = #graph.dims<16, 1>})
      attributes {family = #kernel.family<map>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<4x4xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<4x4xf32>
    kernel.yield %y : tensor<4x4xf32>
  }

  // A view of a result is the result: in place through it.
  // CHECK-LABEL: actor.func @view
  // CHECK: %[[X:.+]] = actor.buffer input 0 size <256>
  // CHECK: %[[Y:.+]] = actor.buffer output 0 size <256>
  // CHECK: %[[V:.+]] = actor.view %[[Y]] offset <0> size <256>
  // CHECK: actor.launch @neg64(%[[X]], %[[Y]])
  // CHECK: actor.launch @neg8x8(%[[Y]], %[[V]])
  func.func @view(%x: tensor<64xf32>) -> tensor<64xf32> {
    %0 = kernel.dispatch @neg64(%x) : (tensor<64xf32>) -> tensor<64xf32>
    %1 = kernel.view %0 : tensor<64xf32> to tensor<8x8xf32>
    %2 = kernel.dispatch @neg8x8(%1) : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %3 = kernel.view %2 : tensor<8x8xf32> to tensor<64xf32>
    return %3 : tensor<64xf32>
  }

  // Rows 4 to 7 of eight are contiguous: bytes 128 to 255.
  // CHECK-LABEL: actor.func @rows
  // CHECK: %[[X:.+]] = actor.buffer input 0 size <256>
  // CHECK: %[[V:.+]] = actor.view %[[X]] offset <128> size <128>
  // CHECK: actor.launch @neg4x8(%[[V]],
  func.func @rows(%x: tensor<8x8xf32>) -> tensor<4x8xf32> {
    %0 = kernel.slice %x starts <4, 0> : tensor<8x8xf32> to tensor<4x8xf32>
    %1 = kernel.dispatch @neg4x8(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    return %1 : tensor<4x8xf32>
  }

  // Columns 8 to 15 of sixteen: from byte 32 on, rows 64 bytes apart, so the
  // last of them ends at 32 + 3 * 64 + 32 = 256.
  // CHECK-LABEL: actor.func @columns
  // CHECK: %[[V:.+]] = actor.view %{{.+}} offset <32> size <224>
  // CHECK: actor.launch @part(%[[V]], %[[W:.+]])
  func.func @columns(%x: tensor<4x16xf32>) -> tensor<4x16xf32> {
    %0 = kernel.slice %x starts <0, 8> : tensor<4x16xf32> to tensor<4x8xf32>
    %1 = kernel.dispatch @part(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %2 = kernel.dispatch @part(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %3 = kernel.concat %1, %2 axis 1 : tensor<4x8xf32>, tensor<4x8xf32> to tensor<4x16xf32>
    return %3 : tensor<4x16xf32>
  }

  // A concat in a concat: columns 0-3 and 4-7 of the inner are those of the outer.
  // CHECK-LABEL: actor.func @nested
  // CHECK: %[[X:.+]] = actor.buffer input 0
  // CHECK: %[[X2:.+]] = actor.buffer input 1
  // CHECK: %[[Y:.+]] = actor.buffer output 0 size <256>
  // CHECK-DAG: %[[A:.+]] = actor.view %[[Y]] offset <0> size <208>
  // CHECK-DAG: %[[B:.+]] = actor.view %[[Y]] offset <16> size <208>
  // CHECK-DAG: %[[I:.+]] = actor.view %[[Y]] offset <0> size <224>
  // CHECK-DAG: %[[C:.+]] = actor.view %[[Y]] offset <32> size <224>
  // CHECK: actor.launch @inner_out(%[[X]], %[[A]])
  // CHECK-NEXT: actor.launch @inner_out(%[[X]], %[[B]])
  // CHECK-NEXT: actor.launch @part(%[[I]], %[[C]])
  // CHECK-NEXT: actor.reply
  func.func @nested(%x: tensor<4x4xf32>, %unused: tensor<4x8xf32>) -> tensor<4x16xf32> {
    %0 = kernel.dispatch @inner_out(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %1 = kernel.dispatch @inner_out(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %2 = kernel.concat %0, %1 axis 1 : tensor<4x4xf32>, tensor<4x4xf32> to tensor<4x8xf32>
    %3 = kernel.dispatch @part(%2) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %4 = kernel.concat %2, %3 axis 1 : tensor<4x8xf32>, tensor<4x8xf32> to tensor<4x16xf32>
    return %4 : tensor<4x16xf32>
  }

  // An input among the operands is copied to its part, which is contiguous.
  // CHECK-LABEL: actor.func @loose
  // CHECK: %[[X:.+]] = actor.buffer input 0
  // CHECK: %[[Y:.+]] = actor.buffer output 0 size <256>
  // CHECK: %[[A:.+]] = actor.view %[[Y]] offset <0> size <128>
  // CHECK: %[[B:.+]] = actor.view %[[Y]] offset <128> size <128>
  // CHECK: actor.launch @neg4x8(%[[X]], %[[A]])
  // CHECK-NEXT: actor.copy %[[X]] to %[[B]] bytes <128>
  func.func @loose(%x: tensor<4x8xf32>) -> tensor<8x8xf32> {
    %0 = kernel.dispatch @neg4x8(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %1 = kernel.concat %0, %x axis 0 : tensor<4x8xf32>, tensor<4x8xf32> to tensor<8x8xf32>
    return %1 : tensor<8x8xf32>
  }
}
