// RUN: split-file %s %t
// RUN: sh %t/run.sh %t | FileCheck %s

// One correct function, and what becomes of it with one thing changed: each
// mistake gets one line that names record, kernel, buffer, what was expected and
// what was found.

//--- good.mlir
module attributes {graph.dims = {N = array<i64: 1, 8>}} {
  actor.variable @v : tensor<16xf32>
  actor.func @main inputs [#actor.tensor<"x", tensor<?x16xf32, #graph.dims<N, 16>>>] outputs [#actor.tensor<"y", tensor<?x32xf32, #graph.dims<N, 32>>>] {
    %x = actor.buffer input 0 size <N * 64>
    %y = actor.buffer output 0 size <N * 128>
    %v = actor.buffer state @v size <64>
    %s = actor.buffer scratch size <N * 64> {name = "s"}
    %t = actor.buffer scratch size <N * 64> {name = "t"}
    %a = actor.view %y offset <0> size <N * 128 - 64>
    %b = actor.view %y offset <64> size <N * 128 - 64>
    actor.launch @relu(%x, %s) dims [#graph.expr<N>] tiles <N ceildiv 4> {layer = "r"}
    actor.launch @relu(%s, %t) dims [#graph.expr<N>] tiles <N ceildiv 4>
    actor.launch @part(%s, %a) dims [#graph.expr<N>] tiles <N ceildiv 4> {layer = "left"}
    actor.launch @part(%t, %b) dims [#graph.expr<N>] tiles <N ceildiv 4> {layer = "right"}
    actor.reply
  }
  kernel.func @relu(%x: tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>}, %d0: index) -> (tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>}) attributes {family = #kernel.family<map>, tiles = #graph.expr<d0 ceildiv 4>, scratch = 0 : i64, schedule = {chunk = 0 : i64, groups = [array<i64: 0>, array<i64: 1>], outer = 1 : i64, reduce_lanes = false, reduced = [], rows = 4 : i64, transpose = -1 : i64}} {
    %e = tensor.empty(%d0) : tensor<?x16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %a : f32
      linalg.yield %s : f32
    } -> tensor<?x16xf32>
    kernel.yield %y : tensor<?x16xf32>
  }
  kernel.func @part(%x: tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>}, %d0: index) -> (tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>, kernel.strides = #graph.dims<32, 1>}) attributes {family = #kernel.family<map>, tiles = #graph.expr<d0 ceildiv 4>, scratch = 0 : i64, schedule = {chunk = 0 : i64, groups = [array<i64: 0>, array<i64: 1>], outer = 1 : i64, reduce_lanes = false, reduced = [], rows = 4 : i64, transpose = -1 : i64}} {
    %e = tensor.empty(%d0) : tensor<?x16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<?x16xf32>
    kernel.yield %y : tensor<?x16xf32>
  }
}

//--- run.sh
cd "$1" || exit 1
# try NAME SED: what the verifier says of the changed text.
try() {
  sed "$2" good.mlir > bad.mlir
  echo "== $1"
  if [ "$1" != good ] && cmp -s good.mlir bad.mlir; then echo "unchanged"; fi
  actnet-opt --actor-verify bad.mlir 2>&1 >/dev/null | grep -o 'error: .*' | uniq
  echo "exit"
}

# CHECK: == good
# CHECK-NEXT: exit
try good 's/$//'

# CHECK: == small scratch
# CHECK-NEXT: record 0, launch of @relu ('r'): result 0 takes N * 64 bytes, buffer 3 ('s') has N * 32 where N = 1; `kernel-to-actor` should have made them agree
# CHECK-NEXT: exit
try "small scratch" 's/%s = actor.buffer scratch size <N \* 64>/%s = actor.buffer scratch size <N * 32>/'

# CHECK: == large dims
# CHECK-NEXT: record 0, launch of @relu ('r'): has (N + 3) floordiv 4 tiles, the kernel cuts into (N * 2 + 3) floordiv 4 where N = 8
# CHECK-NEXT: exit
try "large dims" '/"r"/s/dims \[#graph.expr<N>\]/dims [#graph.expr<N * 2>]/'

# CHECK: == large dims and tiles
# CHECK-NEXT: record 0, launch of @relu ('r'): operand 0 takes N * 128 bytes, input 'x' has N * 64 where N = 1
# CHECK-NEXT: exit
try "large dims and tiles" '/"r"/s/dims \[#graph.expr<N>\] tiles <N ceildiv 4>/dims [#graph.expr<N * 2>] tiles <(N * 2) ceildiv 4>/'

# CHECK: == tiles
# CHECK-NEXT: record 0, launch of @relu ('r'): has 1 tiles, the kernel cuts into (N + 3) floordiv 4 where N = 8
# CHECK-NEXT: exit
try tiles '/"r"/s/tiles <N ceildiv 4>/tiles <1>/'

# CHECK: == alias
# CHECK-NEXT: record 1, launch of @relu: result 0 in buffer 3 ('s') overlaps operand 0 in buffer 3 ('s') where N = 1, and is no pair of the kernel's `inplace`
# CHECK-NEXT: exit
try alias 's/@relu(%s, %t)/@relu(%s, %s)/'

# CHECK: == never written
# CHECK-NEXT: record 0, launch of @relu: operand 0 reads buffer 3 ('s'), which no record before it has written
# CHECK-NEXT: exit
try "never written" '/"r"/d'

# CHECK: == wrong order
# CHECK-NEXT: record 0, launch of @relu ('r'): operand 0 reads buffer 4 ('t'), which no record before it has written
# CHECK-NEXT: exit
try "wrong order" 's/@relu(%x, %s)/@relu(%t, %s)/'

# CHECK: == half an output
# CHECK-NEXT: record 3, reply: the sender reads N * 128 bytes of output 'y', of which no record before it has written all where N = 1
# CHECK-NEXT: exit
try "half an output" '/"right"/d'

# CHECK: == the same half
# CHECK-NEXT: record 4, reply: the sender reads N * 128 bytes of output 'y', of which no record before it has written all where N = 1
# CHECK-NEXT: exit
try "the same half" 's/@part(%t, %b)/@part(%t, %a)/'

# CHECK: == no output
# CHECK-NEXT: record 2, reply: the sender reads output 'y', which no record before it has written
# CHECK-NEXT: exit
try "no output" '/@part(%[st]/d'

# CHECK: == unaligned view
# CHECK-NEXT: record 3, launch of @part ('right'): result 0 has elements of 4 bytes, output 'y' from byte 63 begins at no multiple of that
# CHECK-NEXT: exit
try "unaligned view" 's/offset <64>/offset <63>/'

# CHECK: == view outside
# CHECK-NEXT: view of output 'y': N * 128 - 64 bytes from byte 128 on do not lie in the root's N * 128 bytes where N = 1
# CHECK-NEXT: exit
try "view outside" 's/offset <64>/offset <128>/'

# CHECK: == view before
# CHECK-NEXT: view of output 'y': N * 128 - 64 bytes from byte N - 60 on do not lie in the root's N * 128 bytes where N = 1
# CHECK-NEXT: exit
try "view before" 's/offset <64>/offset <N - 60>/'

# CHECK: == small input
# CHECK-NEXT: input 'x' is 'tensor<?x16xf32, #graph.dims<N, 16>>' of N * 64 bytes, its buffer has N * 60 where N = 1
# CHECK-NEXT: exit
try "small input" 's/input 0 size <N \* 64>/input 0 size <N * 60>/'

# CHECK: == large output
# CHECK-NEXT: output 'y' is 'tensor<?x32xf32, #graph.dims<N, 32>>' of N * 128 bytes, its buffer has N * 132 where N = 1
# CHECK-NEXT: exit
try "large output" 's/output 0 size <N \* 128>/output 0 size <N * 132>/'

# CHECK: == small variable
# CHECK-NEXT: state @v is 'tensor<16xf32>' of 64 bytes, its buffer has 60
# CHECK-NEXT: exit
try "small variable" 's/@v size <64>/@v size <60>/'

# CHECK: == schedule and tiles
# CHECK-NEXT: kernel @relu: has (d0 + 3) floordiv 4 tiles, its schedule cuts the results into (d0 + 1) floordiv 2
# CHECK-NEXT: exit
try "schedule and tiles" 's/rows = 4/rows = 2/'

# CHECK: == no rows
# CHECK-NEXT: {{.*}}rows{{.*}} is 0, expected a number from 1 to
# CHECK-NEXT: exit
try "no rows" 's/rows = 4/rows = 0/'

# CHECK: == a dim left out
# CHECK-NEXT: {{.*}}groups{{.*}} leaves out {{dim|loop}} 1
# CHECK-NEXT: exit
try "a dim left out" 's/array<i64: 0>, array<i64: 1>/array<i64: 0>/'

# CHECK: == no schedule
# CHECK-NEXT: kernel @relu: has no schedule: kernel-schedule-host or -cuda should have set schedule, tiles and scratch
# CHECK-NEXT: exit
try "no schedule" 's/scratch = 0 : i64, //'
