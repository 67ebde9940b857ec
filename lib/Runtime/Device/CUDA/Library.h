//===- Library.h - library calls on a GPU ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cuBLASLt is opened when the first record asks for it, and asked for an
// algorithm when a record is resolved: by types, shape and alignment, under the
// workspace that the record brings, never by timing. The first that fits is
// taken. Sums that are cut into parts must be added up in the workspace, in a
// step of their own: no scheme whose bits depend on who comes first.
//
// Where the library is missing or has no algorithm the kernel runs, and the
// note says so.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_LIBRARY_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_LIBRARY_H

#include "Driver.h"
#include "LibraryApi.h"

#include <map>
#include <memory>
#include <vector>

namespace actnet::rt::cuda {

class Library;

/// A product that is ready to run; belongs to one operation.
class Matmul {
public:
  ~Matmul();
  /// Submits it. Errors: what the library says, and which call it was.
  Status run(Stream stream) const;

private:
  friend class Library;
  explicit Matmul(Library &library) : library(library) {}

  Library &library;
  lt::Desc desc = nullptr;
  lt::Layout layoutA = nullptr, layoutB = nullptr, layoutD = nullptr;
  lt::Algo algo{};
  float alpha = 1;
  const void *a = nullptr, *b = nullptr;
  void *d = nullptr, *workspace = nullptr;
  size_t workspaceBytes = 0;
  std::string shape; ///< for errors
};

/// The library in one context. Any thread.
class Library {
public:
  explicit Library(ContextState &context) : context(context) {}
  /// In the context, before that goes.
  ~Library();

  /// Makes a call ready; null where its kernel has to run. Errors:
  /// invalidArgument (a record that no compiler writes), what the library says
  /// where it fails otherwise than by having no algorithm.
  Expected<std::shared_ptr<Matmul>> matmul(const CallRecord &call);

  /// Adds a product to a graph, behind other nodes, as a child graph that it is
  /// captured into.
  Status addNode(const Matmul &matmul, GraphNode *node, Graph graph,
                 const GraphNode *after, size_t count);

  /// See Device::libraryNote.
  std::string note() const;

private:
  friend class Matmul;
  /// Everything that the choice of an algorithm may depend on.
  using Key = std::vector<int64_t>;
  struct Choice {
    bool found = false;
    lt::Algo algo{};
    size_t workspaceBytes = 0;
  };
  bool open();
  Status check(lt::Code status, const char *what) const;
  Expected<Choice> choose(const Matmul &matmul, const Key &key,
                          std::span<const uint32_t, 3> alignments,
                          uint64_t workspaceBytes);

  ContextState &context;
  mutable std::mutex mutex;
  const lt::Api *api = nullptr;
  lt::Handle handle = nullptr;
  bool tried = false;
  std::string whyNot; ///< empty while it works
  std::map<Key, Choice> choices;
  std::string withoutAlgorithm; ///< the first shape for which there was none
  std::mutex capturing;
  Stream captureStream = nullptr;
};

} // namespace actnet::rt::cuda

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_LIBRARY_H
