// RUN: actnet-opt %s --split-input-file --pass-pipeline="builtin.module(kernel.func(kernel-widen{type=bf16}))" | FileCheck %s
// RUN: actnet-opt %s --split-input-file --pass-pipeline="builtin.module(kernel.func(kernel-widen))" | FileCheck %s --check-prefix=SAME
// RUN: not actnet-opt %s --split-input-file --pass-pipeline="builtin.module(kernel.func(kernel-widen{type=i8}))" 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: kernel-widen: expected type f32, bf16 or f16, found 'i8'

#id = affine_map<(i) -> (i)>

// Read once as f32, rounded once where the result is written; the tensor in
// between is f32, and the constant too.
// CHECK-LABEL: kernel.func @chain
// CHECK-SAME:    tensor<64xbf16>
// CHECK:         tensor.empty() : tensor<64xf32>
// CHECK:         ^bb0(%[[A:.*]]: bf16, %{{.*}}: f32):
// CHECK-NEXT:      %[[X:.*]] = arith.extf %[[A]] : bf16 to f32
// CHECK-NEXT:      %[[M:.*]] = arith.mulf %[[X]], %[[X]] : f32
// CHECK-NEXT:      linalg.yield %[[M]] : f32
// CHECK:         tensor.empty() : tensor<64xbf16>
// CHECK:         ^bb0(%[[B:.*]]: f32, %{{.*}}: bf16):
// CHECK:           %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:           %[[S:.*]] = arith.addf %[[B]], %[[ONE]] : f32
// CHECK-NEXT:      %[[R:.*]] = arith.truncf %[[S]] : f32 to bf16
// CHECK-NEXT:      linalg.yield %[[R]] : bf16
// SAME-LABEL: kernel.func @chain
// SAME-NOT:     f32
// SAME:         {{^ *}}yield %{{.*}} : tensor<64xbf16>
kernel.func @chain(%x: tensor<64xbf16>) -> tensor<64xbf16> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<64xbf16>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<64xbf16>) outs(%e : tensor<64xbf16>) {
  ^bb0(%a: bf16, %o: bf16):
    %m = arith.mulf %a, %a : bf16
    linalg.yield %m : bf16
  } -> tensor<64xbf16>
  %f = tensor.empty() : tensor<64xbf16>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%0 : tensor<64xbf16>) outs(%f : tensor<64xbf16>) {
  ^bb0(%a: bf16, %o: bf16):
    %one = arith.constant 1.0 : bf16
    %m = arith.addf %a, %one : bf16
    linalg.yield %m : bf16
  } -> tensor<64xbf16>
  kernel.yield %1 : tensor<64xbf16>
}

// -----

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
#mn = affine_map<(m, n) -> (m, n)>

// What tensor cores multiply stays narrow, whoever makes it; the sum is not
// rounded on its way to the result.
// CHECK-LABEL: kernel.func @contract
// CHECK:         arith.truncf %{{.*}} : f32 to bf16
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<4x8xbf16>, tensor<8x2xbf16>) outs(%{{.*}} : tensor<4x2xf32>)
// CHECK:         ^bb0(%[[S:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT:      linalg.yield %[[S]] : f32
// CHECK:         ^bb0(%[[T:.*]]: f32, %{{.*}}: bf16):
// CHECK-NEXT:      %[[E:.*]] = math.exp %[[T]] : f32
// CHECK-NEXT:      arith.truncf %[[E]] : f32 to bf16
kernel.func @contract(%x: tensor<4x8xf32>, %w: tensor<8x2xbf16>) -> tensor<4x2xbf16> attributes {family = #kernel.family<contract>} {
  %e = tensor.empty() : tensor<4x8xbf16>
  %0 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xbf16>) {
  ^bb0(%a: f32, %o: bf16):
    %c = arith.truncf %a : f32 to bf16
    linalg.yield %c : bf16
  } -> tensor<4x8xbf16>
  %zero = arith.constant 0.0 : f32
  %f = tensor.empty() : tensor<4x2xf32>
  %g = linalg.fill ins(%zero : f32) outs(%f : tensor<4x2xf32>) -> tensor<4x2xf32>
  %1 = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%0, %w : tensor<4x8xbf16>, tensor<8x2xbf16>) outs(%g : tensor<4x2xf32>) {
  ^bb0(%a: bf16, %b: bf16, %o: f32):
    %p = arith.extf %a : bf16 to f32
    %q = arith.extf %b : bf16 to f32
    %r = arith.mulf %p, %q : f32
    %s = arith.addf %o, %r : f32
    linalg.yield %s : f32
  } -> tensor<4x2xf32>
  %h = tensor.empty() : tensor<4x2xbf16>
  %2 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%1 : tensor<4x2xf32>) outs(%h : tensor<4x2xbf16>) {
  ^bb0(%a: f32, %o: bf16):
    %c = arith.truncf %a : f32 to bf16
    linalg.yield %c : bf16
  } -> tensor<4x2xbf16>
  %i = tensor.empty() : tensor<4x2xbf16>
  %3 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%2 : tensor<4x2xbf16>) outs(%i : tensor<4x2xbf16>) {
  ^bb0(%a: bf16, %o: bf16):
    %c = math.exp %a : bf16
    linalg.yield %c : bf16
  } -> tensor<4x2xbf16>
  kernel.yield %3 : tensor<4x2xbf16>
}

// -----

// A gather has the type of what it reads.
// CHECK-LABEL: kernel.func @gather
// CHECK:         %[[V:.*]] = tensor.extract %{{.*}} : tensor<8xf32>
// CHECK-NEXT:    arith.truncf %[[V]] : f32 to bf16
kernel.func @gather(%x: tensor<8xf32>, %i: tensor<4xi64>) -> tensor<4xbf16> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<8xbf16>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%e : tensor<8xbf16>) {
  ^bb0(%a: f32, %o: bf16):
    %c = arith.truncf %a : f32 to bf16
    linalg.yield %c : bf16
  } -> tensor<8xbf16>
  %f = tensor.empty() : tensor<4xbf16>
  %1 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%i : tensor<4xi64>) outs(%f : tensor<4xbf16>) {
  ^bb0(%k: i64, %o: bf16):
    %n = arith.index_cast %k : i64 to index
    %v = tensor.extract %0[%n] : tensor<8xbf16>
    linalg.yield %v : bf16
  } -> tensor<4xbf16>
  kernel.yield %1 : tensor<4xbf16>
}
