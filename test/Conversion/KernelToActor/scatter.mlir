// RUN: actnet-opt %s --pass-pipeline="builtin.module(graph-layout,graph-to-kernel,kernel.func(kernel-schedule-host),kernel-to-actor)" | FileCheck %s

// A variable's rows are written where they are: what is read and what is written
// is the state itself, and no record copies it.
module attributes {graph.dims = {}} {
// CHECK-LABEL: actor.func @step
// CHECK: %[[AT:.*]] = actor.buffer input 0
// CHECK: %[[ROW:.*]] = actor.buffer input 1
// CHECK: %[[CACHE:.*]] = actor.buffer state @cache
// CHECK-NEXT: actor.launch @scatter_0(%[[CACHE]], %[[AT]], %[[ROW]], %[[CACHE]])
// CHECK-NEXT: actor.reply
func.func @step(%cache: tensor<100x8xf32> {graph.name = "cache", graph.variable = "cache"},
                %at: tensor<1xi64> {graph.name = "at"}, %row: tensor<1x8xf32> {graph.name = "row"})
    -> (tensor<100x8xf32> {graph.name = "next", graph.tied = 0 : i64}) {
  %y = graph.scatter set %cache, %at, %row axis 0 : tensor<100x8xf32>, tensor<1xi64>, tensor<1x8xf32>
  return %y : tensor<100x8xf32>
}
}
