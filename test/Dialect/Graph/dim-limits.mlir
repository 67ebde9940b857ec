// RUN: actnet-opt %s --split-input-file --verify-diagnostics

// Parentheses within 128 others.
func.func private @deep(tensor<?xf32, #graph.dims<
// expected-error @+1 {{a dim expression nests more than 128 deep}}
  ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((N))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))>>)

// -----

// Eleven sums of two: 2048 terms.
func.func private @terms(tensor<?xf32, #graph.dims<
// expected-error @+1 {{a dim expression has more than 1024 terms or 64 factors}}
  (A+1)*(B+1)*(C+1)*(D+1)*(E+1)*(F+1)*(G+1)*(H+1)*(I+1)*(J+1)*(K+1)>>)

// -----

// N^64 still is one.
func.func private @factors(tensor<?xf32, #graph.dims<
// expected-error @+1 {{a dim expression has more than 1024 terms or 64 factors}}
  N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N*N>>)
