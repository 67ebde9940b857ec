//===- Program.h - an open package, described for callers -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A Program is a Reader with the answers to the describe functions of the C
// API laid out ahead, so that those only hand out pointers. Immutable, but for
// what its sessions share.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_SESSION_PROGRAM_H
#define ACTNET_RUNTIME_SESSION_PROGRAM_H

#include "actnet/Package/Expr.h"
#include "actnet/Package/Reader.h"
#include "actnet/actnet.h"

#include <memory>
#include <string>
#include <vector>

namespace actnet::rt {

class LoadedPrograms;

/// A tensor of a function, as actnet_tensor_info points into it.
struct TensorDesc {
  const pkg::Tensor *tensor = nullptr;
  std::vector<std::string> extents;
  std::vector<const char *> extentPointers;
  std::vector<int64_t> lower, upper; ///< upper is -1 where unbounded
};

/// A function of the interface.
struct FunctionDesc {
  const pkg::Function *function = nullptr;
  std::vector<TensorDesc> inputs, outputs;
};

/// An open package. Any thread may read it.
class Program {
public:
  /// Opens a package file, or a program with a package at its end.
  /// Errors: those of pkg::Reader::openFile, and dataLoss if it has no plan,
  /// or one that lacks a function.
  static Expected<std::unique_ptr<Program>> openFile(const std::string &path);

  /// Reads a package in memory that outlives the program.
  static Expected<std::unique_ptr<Program>>
  openMemory(std::span<const std::byte> bytes);

  const pkg::Reader &reader() const { return package; }
  const pkg::Interface &interface() const { return package.interface(); }
  /// The clone for a target ("host", "cuda"), or null.
  const pkg::Plan *findPlan(std::string_view target) const {
    return package.findPlan(target);
  }
  const std::vector<FunctionDesc> &functions() const { return functionList; }
  const actnet_program_info &info() const { return programInfo; }

  /// Evaluates the shape of a tensor for a value of every dim.
  /// Errors: outOfRange when an extent has no value or is negative.
  Status evaluateShape(const TensorDesc &tensor, const pkg::ExprValues &values,
                       int64_t *shape) const;
  Status evaluateShape(const TensorDesc &tensor, std::span<const int64_t> dims,
                       int64_t *shape) const;

  /// What the sessions of this program share on each device.
  LoadedPrograms &loaded() const { return *shared; }

private:
  explicit Program(pkg::Reader reader) : package(std::move(reader)) {}
  static Expected<std::unique_ptr<Program>> create(pkg::Reader reader);
  TensorDesc describe(const pkg::Tensor &tensor,
                      std::span<const pkg::Range> ranges,
                      std::span<const std::string> names) const;

  pkg::Reader package;
  std::vector<FunctionDesc> functionList;
  std::vector<const char *> isaPointers, gpuIsaPointers;
  std::string libc;
  actnet_program_info programInfo = {};
  std::shared_ptr<LoadedPrograms> shared;
};

/// Returns the newest glibc version that the object holding this function asks
/// its loader for, such as "2.34"; "" if it asks for none.
std::string oldestLibc();

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_PROGRAM_H
