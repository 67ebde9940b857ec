// One program for the host and for toy, and the text of its kernels. Compiling
// for toy needs clang and no GPU.

// RUN: rm -rf %t && mkdir %t
// RUN: actnet-compile %s --emit=cuda | FileCheck %s --check-prefix=TEXT
// TEXT:      //===- contract_0: contract, launched 1 time, {{[0-9]+}} threads a block, {{[0-9]+}} bytes of shared memory
// TEXT-NEXT: // computes dense
// TEXT-NEXT: //   from in0 x, in1 a weight
// TEXT-NEXT: #include "matmul.cuh"
// TEXT:      ACTNET_KERNEL({{[0-9]+}}) contract_0(
// TEXT:      ACTNET_ENTRY(contract_0)
// TEXT:      //===- row_1: row, launched 2 times
// TEXT:      ACTNET_ENTRY(row_1)
// TEXT-NOT:  ACTNET_KERNEL

// The same text from the text of the kernel level, which says whose it is.
// RUN: actnet-compile %s --emit=kernel --target=cuda:sm_80 -o %t/kernel.mlir
// RUN: FileCheck %s --check-prefix=KERNEL < %t/kernel.mlir
// KERNEL: kernel.target = "cuda"
// KERNEL: kernel.func @contract_0({{.*}}schedule = {{{.*}}threads = {{[0-9]+}} : i64
// RUN: actnet-compile %t/kernel.mlir --emit=cuda -o %t/again.cu
// RUN: FileCheck %s --check-prefix=TEXT < %t/again.cu
// RUN: not actnet-compile %t/kernel.mlir --target=host -o %t/no 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: error: the module is on the kernel level already, with kernels for cuda: --target must name cuda:ARCHITECTURE or toy, and not host
// RUN: not actnet-compile %s --emit=actor --target=host,toy 2>&1 | FileCheck %s --check-prefix=ONE
// ONE: error: --emit=actor: the text of a level is that of one target, and --target names host and toy: name one of them
// RUN: not actnet-compile %s --emit=llvm --target=toy 2>&1 | FileCheck %s --check-prefix=LLVM
// LLVM: error: --emit=llvm shows code for the host, which --target does not name

// RUN: env ACTNET_CACHE=%t/cache actnet-compile %s --target=host,toy -o %t/model
// RUN: %t/model --dim N=3 --input x=2 | FileCheck %s --check-prefix=RESULT
// RUN: %t/model --dim N=3 --input x=2 --device=toy | FileCheck %s --check-prefix=RESULT
// RESULT: y: f32 [3, 4], min 0.25, max 0.25

// From the cache, and in f16.
// RUN: env ACTNET_CACHE=%t/cache actnet-compile %s --target=toy --emit=package -o %t/model.actnet
// RUN: actnet-run %t/model.actnet --dim N=3 --input x=2 --device=toy | FileCheck %s --check-prefix=RESULT
// RUN: env ACTNET_CACHE=off actnet-compile %s --target=toy --precision=f16 --emit=package -o %t/f16.actnet
// RUN: actnet-run %t/f16.actnet --dim N=3 --input x=2 --device=toy | FileCheck %s --check-prefix=RESULT
// RUN: not actnet-run %t/model.actnet --device=host 2>&1 | FileCheck %s --check-prefix=HOST
// HOST: error: {{.*}}host

module attributes {graph.dims = {N = array<i64: 1, 8>}} {
  func.func @main(%x: tensor<?x8xf32, #graph.dims<N, 8>> {graph.name = "x"}) -> (tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "y"}) {
    %w = graph.constant dense<0.5> : tensor<8x4xf32>
    %0 = graph.einsum "mk,kn->mn" %x, %w : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<8x4xf32> loc("dense")
    %2 = graph.softmax %0 axis 1 : tensor<?x4xf32, #graph.dims<N, 4>>
    %3 = graph.softmax %2 axis 1 : tensor<?x4xf32, #graph.dims<N, 4>>
    return %3 : tensor<?x4xf32, #graph.dims<N, 4>>
  }
}
