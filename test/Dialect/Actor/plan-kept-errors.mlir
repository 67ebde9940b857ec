// RUN: actnet-opt %s --actor-plan -split-input-file -verify-diagnostics

// s1 was moved by hand onto s0, which is read behind it.
// expected-error@+1 {{the verifier refuses the plan: memory plan: buffer 1 ('s0') (scratch, bytes 0 to 64) overlaps buffer 2 ('s1') (bytes 0 to 64), and record 1 writes the one while the other is needed}}
actor.func @overlap inputs [] outputs [#actor.tensor<"y", tensor<16xf32>>]
    memory <peak = 128, bound = 128, slot = 64> {
  %y = actor.buffer output 0 size <64> {offset = 0 : i64}
  %s0 = actor.buffer scratch size <64> {name = "s0", offset = 0 : i64}
  %s1 = actor.buffer scratch size <64> {name = "s1", offset = 0 : i64}
  actor.fill %s0 with 0 bytes <64>
  actor.fill %s1 with 0 bytes <64>
  actor.copy %s0 to %y bytes <64>
  actor.reply
}

// -----

// In another round, h is still what the last one left.
// expected-error@+1 {{'h') (scratch, bytes 0 to 64) overlaps buffer 2 ('t') (bytes 0 to 64)}}
actor.func @round inputs [] outputs [#actor.tensor<"y", tensor<16xf32>>]
    memory <peak = 64, bound = 64, slot = 64> {
  %y = actor.buffer output 0 size <64> {offset = 0 : i64}
  %h = actor.buffer scratch size <64> {name = "h", offset = 0 : i64}
  %t = actor.buffer scratch size <64> {name = "t", offset = 0 : i64}
  actor.fill %h with 0 bytes <64>
  actor.loop trips <2> {
    actor.copy %h to %y bytes <64>
    actor.fill %t with 0 bytes <64>
  }
  actor.reply
}

// -----

// expected-error@+1 {{buffer 0 ('s') at 64 with 64 bytes ends beyond the 64 bytes of scratch}}
actor.func @peak inputs [] outputs [] memory <peak = 64, bound = 64, slot = 0> {
  %s = actor.buffer scratch size <64> {name = "s", offset = 64 : i64}
  actor.fill %s with 0 bytes <64>
  actor.reply
}

// -----

// expected-error@+1 {{buffer 0 (ring, bytes 0 to 64) overlaps buffer 1 (bytes 0 to 64)}}
actor.func @ring inputs [#actor.tensor<"x", tensor<16xf32>>] outputs [#actor.tensor<"y", tensor<16xf32>>]
    memory <peak = 0, bound = 0, slot = 128> {
  %x = actor.buffer input 0 size <64> {offset = 0 : i64}
  %y = actor.buffer output 0 size <64> {offset = 0 : i64}
  actor.copy %x to %y bytes <64>
  actor.reply
}

// -----

// expected-error@+1 {{its lower bound is 0, but 64 bytes are needed at once}}
actor.func @bound inputs [] outputs [] memory <peak = 64, bound = 0, slot = 0> {
  %s = actor.buffer scratch size <64> {offset = 0 : i64}
  actor.fill %s with 0 bytes <64>
  actor.reply
}

// -----

module attributes {actor.state_bytes = 128 : i64} {
  actor.variable @a : tensor<16xf32> offset 64
  // expected-error@+1 {{variable 'a' lies at 64 of the state, whose one layout has it at 0}}
  actor.func @state inputs [] outputs [] memory <peak = 0, bound = 0, slot = 0> {
    %a = actor.buffer state @a size <64>
    actor.fill %a with 0 bytes <64>
    actor.reply
  }
}
