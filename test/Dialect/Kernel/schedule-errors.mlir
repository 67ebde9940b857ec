// RUN: actnet-opt %s -split-input-file -verify-diagnostics

// A loop that is none of the kernel's.

#in = affine_map<(i, j) -> (i, j)>
#out = affine_map<(i, j) -> (i)>
// expected-error@+1 {{schedule: reduced names loop 7, which is none of 1}}
kernel.func @sum(%x: tensor<4x8xf32>) -> tensor<4xf32>
    attributes {family = #kernel.family<reduce>, tiles = #graph.expr<1>, scratch = 0 : i64,
                schedule = {groups = [array<i64: 0>], reduced = [array<i64: 7>], outer = 1, rows = 4,
                            chunk = 0, transpose = -1, reduce_lanes = false}} {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#in, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  kernel.yield %y : tensor<4xf32>
}

// -----

// expected-error@+1 {{schedule: groups names loop 9223372036854775807, which is none of 0, 1}}
kernel.func @copy(%x: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {family = #kernel.family<map>,
                schedule = {groups = [array<i64: 0, 9223372036854775807>], reduced = []}} {
  kernel.yield %x : tensor<4x8xf32>
}

// -----

// expected-error@+1 {{schedule: groups names loop 1 twice}}
kernel.func @copy(%x: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {family = #kernel.family<map>,
                schedule = {groups = [array<i64: 0, 1>, array<i64: 1>], reduced = []}} {
  kernel.yield %x : tensor<4x8xf32>
}

// -----

// expected-error@+1 {{schedule: loops 1 and 0 of a group of groups are not in ascending order}}
kernel.func @copy(%x: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {family = #kernel.family<map>, schedule = {groups = [array<i64: 1, 0>], reduced = []}} {
  kernel.yield %x : tensor<4x8xf32>
}

// -----

// Only a loop of one iteration may be left out.

// expected-error@+1 {{schedule: groups leaves out loop 2}}
kernel.func @copy(%x: tensor<4x1x8xf32>) -> tensor<4x1x8xf32>
    attributes {family = #kernel.family<map>, schedule = {groups = [array<i64: 0>], reduced = []}} {
  kernel.yield %x : tensor<4x1x8xf32>
}

// -----

// expected-error@+1 {{schedule: reduced names loop 1, which is none of this kernel's: there are none}}
kernel.func @copy(%x: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {family = #kernel.family<map>, schedule = {groups = [array<i64: 0, 1>], reduced = [array<i64: 1>]}} {
  kernel.yield %x : tensor<4x8xf32>
}

// -----

// expected-error@+1 {{schedule: groups holds "rows", expected a list of loops such as array<i64: 0, 1>}}
kernel.func @copy(%x: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {family = #kernel.family<map>, schedule = {groups = ["rows"], reduced = []}} {
  kernel.yield %x : tensor<4x8xf32>
}

// -----

// expected-error@+1 {{schedule: transpose is 1 of 1 groups}}
kernel.func @copy(%x: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {family = #kernel.family<map>, schedule = {groups = [array<i64: 0, 1>], reduced = [], transpose = 1}} {
  kernel.yield %x : tensor<4x8xf32>
}

// -----

// expected-error@+1 {{schedule: rows is -3 : i64, expected a number from 0 to 16777216}}
kernel.func @copy(%x: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {family = #kernel.family<map>, schedule = {rows = -3}} {
  kernel.yield %x : tensor<4x8xf32>
}

// -----

// expected-error@+1 {{schedule: the product of its sizes is more than 2^40: no tile is that large}}
kernel.func @copy(%x: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {family = #kernel.family<map>, schedule = {kc = 16777216, mb = 16777216}} {
  kernel.yield %x : tensor<4x8xf32>
}
