// RUN: actnet-opt %s -split-input-file -kernel-emit-host -verify-diagnostics

// expected-error@+1 {{has no schedule: run kernel-schedule-host first}}
kernel.func @unscheduled(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{has no schedule of family map}}
kernel.func @foreign(%x: tensor<4xf32>) -> tensor<4xf32>
    attributes {family = #kernel.family<map>, schedule = {mb = 3 : i64}, tiles = #graph.expr<1>} {
  kernel.yield %x : tensor<4xf32>
}
