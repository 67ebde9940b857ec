// RUN: actnet-opt %s -split-input-file -verify-diagnostics | actnet-opt -split-input-file | FileCheck %s

// A call with the kernel in its place, twice through the parser.
// CHECK-LABEL: actor.func @main
module attributes {graph.dims = {N = array<i64: 1, 8>}} {
  kernel.func @dense(%x: tensor<?x8xf32> {kernel.dims = #graph.dims<d0, 8>}, %w: tensor<8x4xf32>, %n: index)
      -> (tensor<?x4xf32> {kernel.dims = #graph.dims<d0, 4>}) attributes {family = #kernel.family<map>} {
    %e = tensor.empty(%n) : tensor<?x4xf32>
    kernel.yield %e : tensor<?x4xf32>
  }
  actor.func @main inputs [#actor.tensor<"x", tensor<?x8xf32, #graph.dims<N, 8>>>, #actor.tensor<"w", tensor<8x4xf32>>]
                   outputs [#actor.tensor<"y", tensor<?x4xf32, #graph.dims<N, 4>>>] {
    %x = actor.buffer input 0 size <N * 32>
    %w = actor.buffer input 1 size <128>
    %y = actor.buffer output 0 size <N * 16>
    %s = actor.buffer scratch size <4194304> {alignment = 256 : i64}
    // CHECK: actor.call "cublasLt" "matmul" ins(%{{.+}}, %{{.+}}) outs(%{{.+}}) workspace(%{{.+}}) dims [#graph.expr<4>, #graph.expr<N>,
    // CHECK-SAME: else @dense with [#graph.expr<N>] tiles <N> {config = "d=2:f32 a=1:f32 b=0:f32", layer = "fc"}
    actor.call "cublasLt" "matmul" ins(%x, %w) outs(%y) workspace(%s)
        dims [#graph.expr<4>, #graph.expr<N>, #graph.expr<8>, #graph.expr<1>, #graph.expr<4>,
              #graph.expr<8>, #graph.expr<4>, #graph.expr<0>, #graph.expr<0>, #graph.expr<0>]
        else @dense with [#graph.expr<N>] tiles <N> {config = "d=2:f32 a=1:f32 b=0:f32", layer = "fc"}
    actor.reply
  }
}

// -----

kernel.func @copy(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf32>
}
actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  %x = actor.buffer input 0 size <16>
  %y = actor.buffer output 0 size <16>
  // expected-error@+1 {{C1: @none is no kernel.func}}
  actor.call "blas" "gemm" ins(%x) outs(%y) else @none tiles <1>
  actor.reply
}

// -----

kernel.func @copy(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf32>
}
actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  %x = actor.buffer input 0 size <16>
  %y = actor.buffer output 0 size <16>
  // expected-error@+1 {{C1: has 3 operands, @copy has 1 tensors and 1 results}}
  actor.call "blas" "gemm" ins(%x, %x) outs(%y) else @copy tiles <1>
  actor.reply
}

// -----

kernel.func @copy(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf32>
}
actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  %x = actor.buffer input 0 size <16>
  %y = actor.buffer output 0 size <16>
  // expected-error@+1 {{C1: a kernel and its tiles stand together}}
  actor.call "blas" "gemm" ins(%x) outs(%y) else @copy
  actor.reply
}

// -----

actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  %x = actor.buffer input 0 size <16>
  %y = actor.buffer output 0 size <16>
  // expected-error@+1 {{C2: the workspace is no buffer in scratch}}
  actor.call "blas" "gemm" ins(%x) outs(%y) workspace(%x)
  actor.reply
}

// -----

actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  %x = actor.buffer input 0 size <16>
  %y = actor.buffer output 0 size <16>
  %s = actor.buffer scratch size <64>
  %v = actor.view %s offset <0> size <16>
  // expected-error@+1 {{C2: the workspace is an operand too}}
  actor.call "blas" "gemm" ins(%x, %v) outs(%y) workspace(%s)
  actor.reply
}

// -----

actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  %x = actor.buffer input 0 size <16>
  %y = actor.buffer output 0 size <16>
  // expected-error@+1 {{C3: an output lies in input}}
  actor.call "blas" "gemm" ins(%y) outs(%x)
  actor.reply
}

// -----

actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  %x = actor.buffer input 0 size <16>
  %y = actor.buffer output 0 size <16>
  // expected-error@+1 {{C4: the config of a call has 'algo=7', which is not understood}}
  actor.call "cublasLt" "matmul" ins(%x, %x) outs(%y) {config = "algo=7"}
  actor.reply
}

// -----

actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  %x = actor.buffer input 0 size <16>
  %y = actor.buffer output 0 size <16>
  // expected-error@+1 {{C4: a matmul of 1 numbers instead of 10}}
  actor.call "cublasLt" "matmul" ins(%x, %x) outs(%y) dims [#graph.expr<1>] {config = "d=2:f32 a=1:f32 b=0:f32"}
  actor.reply
}

// -----

actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  %x = actor.buffer input 0 size <16>
  %y = actor.buffer output 0 size <16>
  // expected-error@+1 {{C4: operand 0 of a matmul is written and not its result, or its result and not written}}
  actor.call "cublasLt" "matmul" ins(%x, %x) outs(%y)
      dims [#graph.expr<2>, #graph.expr<2>, #graph.expr<2>, #graph.expr<1>, #graph.expr<2>, #graph.expr<2>,
            #graph.expr<2>, #graph.expr<0>, #graph.expr<0>, #graph.expr<0>] {config = "d=0:f32 a=1:f32 b=2:f32"}
  actor.reply
}
