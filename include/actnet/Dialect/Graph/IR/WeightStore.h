//===- WeightStore.h - the bytes behind #graph.weight ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model's weights are never values of the compiler: the IR names a file,
// an offset and a length, and this store maps the file, once, read-only, when
// somebody needs the bytes. The dialect owns one store for each context.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_WEIGHTSTORE_H
#define ACTNET_DIALECT_GRAPH_IR_WEIGHTSTORE_H

#include "actnet/Dialect/Graph/IR/GraphDialect.h"

#include "llvm/ADT/StringMap.h"

#include <mutex>

namespace actnet::graph {

/// Resolves weights to mapped or registered memory. All functions may be
/// called from any thread.
class WeightStore {
public:
  WeightStore();
  ~WeightStore();
  WeightStore(const WeightStore &) = delete;
  WeightStore &operator=(const WeightStore &) = delete;

  /// The folder that relative file names start from; the working directory
  /// where never set.
  void setRoot(llvm::StringRef folder);

  /// Makes `#graph.weight<"buffer:KEY", …>` stand for `bytes`, which stay valid
  /// as long as `owner` is held (or, without one, as long as the store is
  /// used). Registering a key again replaces it.
  void registerBuffer(llvm::StringRef key, llvm::ArrayRef<char> bytes,
                      std::shared_ptr<void> owner = {});

  /// The bytes of a weight, valid as long as the store lives. Errors, one
  /// diagnostic each through `emitError`: unknown buffer, unreadable file,
  /// negative offset or length, range outside the file or buffer.
  mlir::FailureOr<llvm::ArrayRef<char>>
  resolve(WeightAttr weight,
          llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

private:
  struct Mapping;

  std::mutex mutex;
  std::string root;
  llvm::StringMap<std::unique_ptr<Mapping>> files;
  llvm::StringMap<std::pair<llvm::ArrayRef<char>, std::shared_ptr<void>>>
      buffers;
};

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_WEIGHTSTORE_H
