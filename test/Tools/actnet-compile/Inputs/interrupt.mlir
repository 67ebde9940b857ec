func.func @main(%x: tensor<1x4096xf32> {graph.name = "x"}) -> (tensor<1x4096xf32> {graph.name = "y"}) {
  %w = graph.constant weight<"weights.bin", 0, 67108864> : tensor<4096x4096xf32>
  %y = graph.einsum "mk,kn->mn" %x, %w : tensor<1x4096xf32>, tensor<4096x4096xf32>
  return %y : tensor<1x4096xf32>
}
