// RUN: actnet-opt %s -split-input-file -kernel-schedule-cuda | FileCheck %s
// RUN: actnet-opt %s -split-input-file -kernel-schedule-cuda=libraries=all | FileCheck %s --check-prefix=ALL
// RUN: actnet-opt %s -split-input-file -kernel-schedule-cuda=libraries=none | FileCheck %s --check-prefix=NONE
// RUN: not actnet-opt %s -split-input-file -kernel-schedule-cuda=libraries=some 2>&1 | FileCheck %s --check-prefix=SOME
// SOME: error: libraries: expected auto, all or none, found some
// NONE-NOT: library
// ALL: library = {config = {{.*}}, forced}

// The right operand lies in rows of what is summed: transposed for the library,
// whose A it is. The batch moves all three.
// CHECK-LABEL: kernel.func @right_transposed
// CHECK-SAME: library = {config = "d=2:f16 a=1:f16:t b=0:f16",
// CHECK-SAME: dims = [#graph.expr<24>, #graph.expr<16>, #graph.expr<40>, #graph.expr<d0>, #graph.expr<40>, #graph.expr<40>, #graph.expr<24>, #graph.expr<960>, #graph.expr<640>, #graph.expr<384>]}
kernel.func @right_transposed(%x: tensor<?x16x40xf16> {kernel.dims = #graph.dims<d0, 16, 40>}, %y: tensor<?x24x40xf16> {kernel.dims = #graph.dims<d0, 24, 40>}, %d0: index)
    -> (tensor<?x16x24xf16> {kernel.dims = #graph.dims<d0, 16, 24>}) attributes {family = #kernel.family<contract>} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%d0) : tensor<?x16x24xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16x24xf32>) -> tensor<?x16x24xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>],
         iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x, %y : tensor<?x16x40xf16>, tensor<?x24x40xf16>) outs(%i : tensor<?x16x24xf32>) {
  ^bb0(%a: f16, %b: f16, %s: f32):
    %aw = arith.extf %a : f16 to f32
    %bw = arith.extf %b : f16 to f32
    %m = arith.mulf %aw, %bw : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  } -> tensor<?x16x24xf32>
  %f = tensor.empty(%d0) : tensor<?x16x24xf16>
  %r = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, n)>],
         iterator_types = ["parallel", "parallel", "parallel"]} ins(%p : tensor<?x16x24xf32>) outs(%f : tensor<?x16x24xf16>) {
  ^bb0(%a: f32, %o: f16):
    %n = arith.truncf %a : f32 to f16
    linalg.yield %n : f16
  } -> tensor<?x16x24xf16>
  kernel.yield %r : tensor<?x16x24xf16>
}

// -----

// The result is written transposed: its innermost dim comes from the left
// operand, which is then the library's A. Both lie along what is summed.
// CHECK-LABEL: kernel.func @result_transposed
// CHECK-SAME: library = {config = "d=2:f32 a=0:f32:t b=1:f32:t",
// CHECK-SAME: dims = [#graph.expr<16>, #graph.expr<24>, #graph.expr<40>, #graph.expr<1>, #graph.expr<40>, #graph.expr<24>, #graph.expr<16>, #graph.expr<0>, #graph.expr<0>, #graph.expr<0>]}
kernel.func @result_transposed(%x: tensor<16x40xf32>, %y: tensor<40x24xf32>) -> tensor<24x16xf32> attributes {family = #kernel.family<contract>} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<24x16xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<24x16xf32>) -> tensor<24x16xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (n, m)>],
         iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<16x40xf32>, tensor<40x24xf32>) outs(%i : tensor<24x16xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  } -> tensor<24x16xf32>
  kernel.yield %p : tensor<24x16xf32>
}

// -----

// Heads lie between rows: each is a matrix of a batch, some distance apart, and
// the weights are the same for all.
// CHECK-LABEL: kernel.func @heads
// CHECK-SAME: library = {config = "d=2:f32 a=1:f32 b=0:f32",
// CHECK-SAME: dims = [#graph.expr<32>, #graph.expr<12>, #graph.expr<8>, #graph.expr<4>, #graph.expr<32>, #graph.expr<32>, #graph.expr<32>, #graph.expr<0>, #graph.expr<8>, #graph.expr<384>]}
kernel.func @heads(%x: tensor<12x4x8xf32>, %w: tensor<8x32xf32>) -> tensor<4x12x32xf32> attributes {family = #kernel.family<contract>} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x12x32xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<4x12x32xf32>) -> tensor<4x12x32xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(h, s, n, k) -> (s, h, k)>, affine_map<(h, s, n, k) -> (k, n)>, affine_map<(h, s, n, k) -> (h, s, n)>],
         iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x, %w : tensor<12x4x8xf32>, tensor<8x32xf32>) outs(%i : tensor<4x12x32xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  } -> tensor<4x12x32xf32>
  kernel.yield %p : tensor<4x12x32xf32>
}

// -----

// What the library could not run whole: integers, f64, two types, sums that do
// not begin with zero, a second result, another epilogue.
// CHECK-LABEL: kernel.func @integers
// CHECK-NOT: library
kernel.func @integers(%x: tensor<16x40xi32>, %y: tensor<40x24xi32>) -> tensor<16x24xi32> attributes {family = #kernel.family<contract>} {
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<16x24xi32>
  %i = linalg.fill ins(%zero : i32) outs(%e : tensor<16x24xi32>) -> tensor<16x24xi32>
  %p = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
         iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<16x40xi32>, tensor<40x24xi32>) outs(%i : tensor<16x24xi32>) {
  ^bb0(%a: i32, %b: i32, %s: i32):
    %m = arith.muli %a, %b : i32
    %t = arith.addi %s, %m : i32
    linalg.yield %t : i32
  } -> tensor<16x24xi32>
  kernel.yield %p : tensor<16x24xi32>
}

// CHECK-LABEL: kernel.func @begins_with_one
// CHECK-NOT: library
kernel.func @begins_with_one(%x: tensor<16x40xf32>, %y: tensor<40x24xf32>) -> tensor<16x24xf32> attributes {family = #kernel.family<contract>} {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<16x24xf32>
  %i = linalg.fill ins(%one : f32) outs(%e : tensor<16x24xf32>) -> tensor<16x24xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
         iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<16x40xf32>, tensor<40x24xf32>) outs(%i : tensor<16x24xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  } -> tensor<16x24xf32>
  kernel.yield %p : tensor<16x24xf32>
}

// A bias along the other dim, and one that is multiplied instead.
// CHECK-LABEL: kernel.func @bias_of_rows
// CHECK-NOT: library
kernel.func @bias_of_rows(%x: tensor<16x40xf32>, %y: tensor<40x24xf32>, %b: tensor<16xf32>) -> tensor<16x24xf32> attributes {family = #kernel.family<contract>} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x24xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<16x24xf32>) -> tensor<16x24xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
         iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<16x40xf32>, tensor<40x24xf32>) outs(%i : tensor<16x24xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %m = arith.mulf %a, %c : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  } -> tensor<16x24xf32>
  %f = tensor.empty() : tensor<16x24xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>, affine_map<(m, n) -> (m, n)>],
         iterator_types = ["parallel", "parallel"]} ins(%p, %b : tensor<16x24xf32>, tensor<16xf32>) outs(%f : tensor<16x24xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %n = arith.addf %a, %c : f32
    linalg.yield %n : f32
  } -> tensor<16x24xf32>
  kernel.yield %r : tensor<16x24xf32>
}

// CHECK-LABEL: kernel.func @scaled_columns
// CHECK-NOT: library
kernel.func @scaled_columns(%x: tensor<16x40xf32>, %y: tensor<40x24xf32>, %b: tensor<24xf32>) -> tensor<16x24xf32> attributes {family = #kernel.family<contract>} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x24xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<16x24xf32>) -> tensor<16x24xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
         iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<16x40xf32>, tensor<40x24xf32>) outs(%i : tensor<16x24xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %m = arith.mulf %a, %c : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  } -> tensor<16x24xf32>
  %f = tensor.empty() : tensor<16x24xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>],
         iterator_types = ["parallel", "parallel"]} ins(%p, %b : tensor<16x24xf32>, tensor<24xf32>) outs(%f : tensor<16x24xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %n = arith.mulf %a, %c : f32
    linalg.yield %n : f32
  } -> tensor<16x24xf32>
  kernel.yield %r : tensor<16x24xf32>
}
