// A planned function is verified and kept, an unplanned one beside it planned.

// RUN: actnet-opt %s --actor-plan | FileCheck %s
// RUN: actnet-opt %s --actor-plan --actor-plan | FileCheck %s
// RUN: actnet-opt %s --actor-plan=replan | FileCheck %s --check-prefix=NEW

// The same through the compiler, down to what the package promises.
// RUN: actnet-compile %s --emit=actor | FileCheck %s
// RUN: actnet-compile %s --emit=package -o %t.actnet
// RUN: actnet-run %t.actnet --function=by_hand --json | FileCheck %s --check-prefix=RAN
// RUN: actnet-compile %s --emit=actor -v 2>&1 >/dev/null | FileCheck %s --check-prefix=WHY

// No planner leaves a gap, starts at 256, or states a peak that it does not need.
// CHECK-LABEL: actor.func @by_hand
// CHECK-SAME: memory <peak = 1024, bound = 128, slot = 192>
// CHECK: actor.buffer input 0 {{.*}}offset = 128 : i64
// CHECK: actor.buffer output 0 {{.*}}offset = 0 : i64
// CHECK: name = "s0", offset = 256 : i64
// CHECK: name = "s1", offset = 512 : i64
// CHECK: name = "s2", offset = 256 : i64
// NEW-LABEL: actor.func @by_hand
// NEW-SAME: memory <peak = 128, bound = 128, slot = 128>
// RAN: "peak_bytes": 1024
// WHY: @by_hand: the plan that was handed in is kept, scratch of 1024 bytes

// CHECK-LABEL: actor.func @unplanned
// CHECK-SAME: memory <peak = 64, bound = 64, slot = 64>
// CHECK: actor.buffer scratch size <64> {offset = 0 : i64}

module {
  actor.func @by_hand inputs [#actor.tensor<"x", tensor<16xf32>>] outputs [#actor.tensor<"y", tensor<16xf32>>]
      memory <peak = 1024, bound = 128, slot = 192> {
    %x = actor.buffer input 0 size <64> {offset = 128 : i64}
    %y = actor.buffer output 0 size <64> {offset = 0 : i64}
    %s0 = actor.buffer scratch size <64> {name = "s0", offset = 256 : i64}
    %s1 = actor.buffer scratch size <64> {name = "s1", offset = 512 : i64}
    %s2 = actor.buffer scratch size <64> {name = "s2", offset = 256 : i64}
    actor.copy %x to %s0 bytes <64>
    actor.copy %s0 to %s1 bytes <64>
    actor.copy %s1 to %s2 bytes <64>
    actor.copy %s2 to %y bytes <64>
    actor.reply
  }

  actor.func @unplanned inputs [] outputs [#actor.tensor<"y", tensor<16xf32>>] {
    %y = actor.buffer output 0 size <64>
    %s = actor.buffer scratch size <64>
    actor.fill %s with 0 bytes <64>
    actor.copy %s to %y bytes <64>
    actor.reply
  }
}
