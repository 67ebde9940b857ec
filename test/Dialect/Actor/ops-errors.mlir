// RUN: actnet-opt %s -split-input-file -verify-diagnostics

actor.func @no_reply inputs [] outputs [] { // expected-error {{C1: has no reply}}
}

// -----

actor.func @late inputs [] outputs [] {
  %a = actor.buffer scratch size <4>
  actor.reply
  actor.fill %a with 0 bytes <4> // expected-error {{C1: stands after the reply}}
}

// -----

actor.func @nested_reply inputs [] outputs [] {
  actor.loop trips <2> {
    actor.reply // expected-error {{C1: stands in a nested block}}
  }
  actor.reply
}

// -----

// expected-error@+1 {{C2: output 0 has 0 buffers, not one}}
actor.func @unbound inputs [] outputs [#actor.tensor<"y", tensor<4xf32>>] {
  actor.reply
}

// -----

actor.func @too_many inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [] {
  %a = actor.buffer input 1 size <16> // expected-error {{C2: the function has no such input}}
  actor.reply
}

// -----

actor.func @half_planned inputs [] outputs [] memory <peak = 64, bound = 64, slot = 0> {
  %a = actor.buffer scratch size <64> // expected-error {{C3: has no offset in a planned function}}
  actor.reply
}

// -----

actor.func @half_planned inputs [] outputs [] {
  // expected-error@+1 {{C3: has an offset in a function without `memory`}}
  %a = actor.buffer scratch size <64> {offset = 0 : i64}
  actor.reply
}

// -----

// expected-error@+1 {{C4: two inputs are named 'x'}}
actor.func @names inputs [#actor.tensor<"x", tensor<4xf32>>, #actor.tensor<"x", tensor<4xf32>>] outputs [] {
  actor.reply
}

// -----

// expected-error@+1 {{C1: @nowhere is no recipe with one result}}
actor.variable @v : tensor<4xf32> initial @nowhere

// -----

func.func private @w() -> tensor<8xf32> attributes {graph.recipe} {
  %0 = graph.constant dense<1.0> : tensor<8xf32>
  return %0 : tensor<8xf32>
}
// expected-error@+1 {{C1: @w gives 'tensor<8xf32>', not 'tensor<4xf32>'}}
actor.variable @v : tensor<4xf32> initial @w

// -----

actor.func @f inputs [] outputs [] {
  actor.loop trips <2> {
    %a = actor.buffer scratch size <4> // expected-error {{C1: stands in no function's own block}}
  }
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  %a = actor.buffer weight size <4> // expected-error {{C2: a buffer in weight needs a symbol and nothing else}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  %a = actor.buffer weight @nothing size <4> // expected-error {{C2: @nothing is no recipe with one result}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  // expected-error@+1 {{C3: the alignment is no power of two up to 4096}}
  %a = actor.buffer scratch size <4> {alignment = 48 : i64}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] memory <peak = 64, bound = 64, slot = 0> {
  // expected-error@+1 {{C4: the offset is no multiple of 64}}
  %a = actor.buffer scratch size <4> {offset = 32 : i64}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  %a = actor.buffer scratch size <64>
  %b = actor.view %a offset <0> size <32>
  %c = actor.view %b offset <0> size <16> // expected-error {{C1: the root is no actor.buffer}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  %a = actor.buffer scratch size <64>
  %b = actor.view %a offset <48> size <32> // expected-error {{C3: [48, +32) lies outside of the root}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  actor.launch @nothing() tiles <1> // expected-error {{C1: @nothing is no kernel.func}}
  actor.reply
}

// -----

kernel.func @copy(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf32>
}
actor.func @f inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [] {
  %x = actor.buffer input 0 size <16>
  actor.launch @copy(%x) tiles <1> // expected-error {{C2: has 1 operands, @copy has 1 tensors and 1 results}}
  actor.reply
}

// -----

kernel.func @copy(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf32>
}
actor.func @f inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [] {
  %x = actor.buffer input 0 size <16>
  actor.launch @copy(%x, %x) dims [#graph.expr<4>] tiles <1> // expected-error {{C2: has 1 dims, @copy has 0 index arguments}}
  actor.reply
}

// -----

kernel.func @copy(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf32>
}
actor.func @f inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [] {
  %x = actor.buffer input 0 size <16>
  actor.launch @copy(%x, %x) tiles <1> // expected-error {{C3: a result lies in input}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  %a = actor.buffer scratch size <64>
  %b = actor.buffer scratch size <32>
  actor.copy %a to %b bytes <64> // expected-error {{C1: copies more bytes than a slot holds}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  %a = actor.buffer scratch size <64>
  actor.fill %a with 0 bytes <64> {width = 3 : i64} // expected-error {{C1: the width is 3, not 1, 2, 4 or 8}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  %a = actor.buffer scratch size <1>
  actor.branch %a : i1 {}, {}, {} // expected-error {{C1: has 3 blocks}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  %a = actor.buffer scratch size <4>
  actor.branch %a : f32 {} // expected-error {{C2: chooses by 'f32', not by i1, i32 or i64}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  actor.loop {} // expected-error {{C1: has neither trips nor a condition}}
  actor.reply
}

// -----

actor.func @f inputs [] outputs [] {
  %a = actor.buffer scratch size <64>
  %b = actor.view %a offset <0> size <32>
  actor.loop trips <2> carried(%b) {} // expected-error {{C2: carries a view}}
  actor.reply
}
