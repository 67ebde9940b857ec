// RUN: actnet-compile %s --target=host:x86-64-v3 -o %t
// RUN: %t --input long=1234567 --input flag=1 | FileCheck %s
// RUN: %t --input long=-9007199254740993 --input flag=0 | FileCheck %s --check-prefix=LARGE

// Integers are printed as they are, also those that no double holds.
// CHECK: y: i64 [2], min 1234567, max 1234567, mean 1.23457e+06, first 1234567 1234567
// CHECK: z: bool [2], min 0, max 0, mean 0, first 0 0
// LARGE: y: i64 [2], min -9007199254740993, max -9007199254740993, mean -9.0072e+15, first -9007199254740993 -9007199254740993
// LARGE: z: bool [2], min 1, max 1, mean 1, first 1 1
func.func @main(%x: tensor<2xi64> {graph.name = "long"}, %c: tensor<2xi1> {graph.name = "flag"}) -> (tensor<2xi64> {graph.name = "y"}, tensor<2xi1> {graph.name = "z"}) {
  %0 = graph.max %x, %x : tensor<2xi64>, tensor<2xi64>
  %1 = graph.not %c : tensor<2xi1>
  return %0, %1 : tensor<2xi64>, tensor<2xi1>
}
