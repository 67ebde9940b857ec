// Which contractions become calls of cuBLASLt, what they say, and why.

// RUN: actnet-compile %s --target=cuda:sm_80 --emit=actor -o %t.mlir
// RUN: FileCheck %s --check-prefix=AUTO < %t.mlir
// RUN: actnet-opt %t.mlir | FileCheck %s --check-prefix=AUTO
// RUN: actnet-compile %s --target=cuda:sm_80,cuda:sm_90a --emit=actor | FileCheck %s --check-prefix=HOPPER
// RUN: actnet-compile %s --target=cuda:sm_80 --emit=actor --precision=bf16 | FileCheck %s --check-prefix=BF16
// RUN: actnet-compile %s --target=cuda:sm_80 --emit=actor --libraries=all | FileCheck %s --check-prefix=ALL
// RUN: actnet-compile %s --target=cuda:sm_80 --emit=actor --libraries=none | FileCheck %s --check-prefix=NONE
// RUN: actnet-compile %s --target=toy --emit=actor | FileCheck %s --check-prefix=NONE
// RUN: actnet-compile %s --target=cuda:sm_80 --emit=actor -v -o %t.mlir 2>&1 | FileCheck %s --check-prefix=WHY
// RUN: not actnet-compile %s --target=cuda:sm_80 --libraries=some 2>&1 | FileCheck %s --check-prefix=SOME
// RUN: not actnet-compile %s --libraries=all --target=host -o %t.no 2>&1 | FileCheck %s --check-prefix=HOST
// RUN: actnet-compile %s --target=host --emit=actor | FileCheck %s --check-prefix=NONE

// SOME: error: --libraries=some: expected auto, all or none
// HOST: error: --libraries=all: is for cuda, which --target does not name
// NONE-NOT: actor.call
// HOPPER: actor.buffer scratch size <33554432> {alignment = 256 : i64, name = "cublasLt workspace"

// The slot of the workspace, and one call after the other in it.
// AUTO: %[[S:.+]] = actor.buffer scratch size <4194304> {alignment = 256 : i64, name = "cublasLt workspace"

// Rows of a batch run on from one to the next: one product with N * 128 columns
// for the library. The bias and gelu are its epilogue.
// AUTO: actor.call "cublasLt" "matmul" ins(%{{.+}}, %{{.+}}, %{{.+}}) outs(%{{.+}}) workspace(%[[S]])
// AUTO-SAME: dims [#graph.expr<512>, #graph.expr<N * 128>, #graph.expr<256>, #graph.expr<1>, #graph.expr<512>, #graph.expr<256>, #graph.expr<512>, #graph.expr<0>, #graph.expr<0>, #graph.expr<0>]
// AUTO-SAME: else @contract_gelu_{{.}} with [#graph.expr<N>] tiles <{{.*}}> {config = "d=3:f32 a=1:f32 b=0:f32 bias=2:f32 gelu", layer = "dense"}
// WHY-DAG: dense (@contract_gelu_{{.}}): called as a product of cuBLASLt, (N * 128) x (512) over 256, batch 1, d=3:f32 a=1:f32 b=0:f32 bias=2:f32 gelu; the kernel runs where the library can't
// A bias of bf16 for a result of f32 is none of the library's.
// BF16: {{actor.launch.*layer = "dense"}}
// BF16: config = "d=2:f32 a=1:bf16 b=0:bf16 alpha=0.125", layer = "scores"

// A batch, and a factor.
// AUTO: config = "d=2:f32 a=1:f32 b=0:f32 alpha=0.125", layer = "scores"
// WHY-DAG: scores (@{{.*}}): called as a product of cuBLASLt, (128) x (128) over 256, batch N,

// AUTO: config = "d=3:f32 a=1:f32 b=0:f32 bias=2:f32 relu", layer = "relu"

// Too small, of which there is no doubt.
// AUTO: {{actor.launch.*layer = "small"}}
// ALL: {{actor.call.*config = "d=2:f32 a=1:f32 b=0:f32", layer = "small"}}
// WHY-DAG: small (@{{.*}}): launched, and not called as a product of cuBLASLt: as few as 1 rows, the least for the library is 64

// gelu with erf is none of the library's, whatever the size.
// AUTO: {{actor.launch.*layer = "erf"}}
// ALL: {{actor.launch.*layer = "erf"}}

module attributes {graph.dims = {N = array<i64: 1, 8>}} {
  func.func @main(%x: tensor<?x128x256xf32, #graph.dims<N, 128, 256>> {graph.name = "x"},
                  %b: tensor<512xf32> {graph.name = "b"}, %v: tensor<?x256xf32, #graph.dims<N, 256>> {graph.name = "v"})
      -> (tensor<?x128x512xf32, #graph.dims<N, 128, 512>> {graph.name = "y"},
          tensor<?x128x128xf32, #graph.dims<N, 128, 128>> {graph.name = "s"},
          tensor<?x128x512xf32, #graph.dims<N, 128, 512>> {graph.name = "r"},
          tensor<?x512xf32, #graph.dims<N, 512>> {graph.name = "z"},
          tensor<?x128x512xf32, #graph.dims<N, 128, 512>> {graph.name = "e"}) {
    %w = graph.constant dense<0.5> : tensor<256x512xf32>
    %w1 = graph.constant dense<0.25> : tensor<256x512xf32>
    %w2 = graph.constant dense<0.75> : tensor<256x512xf32>
    %eighth = graph.constant dense<[0.125]> : tensor<1xf32>
    %zero = graph.constant dense<[0.0]> : tensor<1xf32>
    %0 = graph.einsum "bmk,kn->bmn" %x, %w : tensor<?x128x256xf32, #graph.dims<N, 128, 256>>, tensor<256x512xf32> loc("dense")
    %1 = graph.add %0, %b : tensor<?x128x512xf32, #graph.dims<N, 128, 512>>, tensor<512xf32>
    %2 = graph.gelu %1 tanh : tensor<?x128x512xf32, #graph.dims<N, 128, 512>>
    %3 = graph.einsum "bmk,bnk->bmn" %x, %x : tensor<?x128x256xf32, #graph.dims<N, 128, 256>>, tensor<?x128x256xf32, #graph.dims<N, 128, 256>> loc("scores")
    %4 = graph.mul %3, %eighth : tensor<?x128x128xf32, #graph.dims<N, 128, 128>>, tensor<1xf32>
    %5 = graph.einsum "bmk,kn->bmn" %x, %w1 : tensor<?x128x256xf32, #graph.dims<N, 128, 256>>, tensor<256x512xf32> loc("relu")
    %6 = graph.add %5, %b : tensor<?x128x512xf32, #graph.dims<N, 128, 512>>, tensor<512xf32>
    %7 = graph.max %6, %zero : tensor<?x128x512xf32, #graph.dims<N, 128, 512>>, tensor<1xf32>
    %8 = graph.einsum "mk,kn->mn" %v, %w : tensor<?x256xf32, #graph.dims<N, 256>>, tensor<256x512xf32> loc("small")
    %9 = graph.einsum "bmk,kn->bmn" %x, %w2 : tensor<?x128x256xf32, #graph.dims<N, 128, 256>>, tensor<256x512xf32> loc("erf")
    %10 = graph.gelu %9 : tensor<?x128x512xf32, #graph.dims<N, 128, 512>>
    return %2, %4, %7, %8, %10 : tensor<?x128x512xf32, #graph.dims<N, 128, 512>>, tensor<?x128x128xf32, #graph.dims<N, 128, 128>>, tensor<?x128x512xf32, #graph.dims<N, 128, 512>>, tensor<?x512xf32, #graph.dims<N, 512>>, tensor<?x128x512xf32, #graph.dims<N, 128, 512>>
  }
}
