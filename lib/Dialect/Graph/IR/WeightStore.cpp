//===- WeightStore.cpp - the bytes behind #graph.weight -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/WeightStore.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace actnet::graph;

/// One file, mapped as a whole; empty files have no mapping.
struct WeightStore::Mapping {
  std::unique_ptr<llvm::sys::fs::mapped_file_region> region;
  ArrayRef<char> bytes;
};

WeightStore::WeightStore() = default;
WeightStore::~WeightStore() = default;

void WeightStore::setRoot(StringRef folder) {
  std::lock_guard<std::mutex> lock(mutex);
  root = folder.str();
}

void WeightStore::registerBuffer(StringRef key, ArrayRef<char> bytes,
                                 std::shared_ptr<void> owner) {
  std::lock_guard<std::mutex> lock(mutex);
  buffers[key] = {bytes, std::move(owner)};
}

/// Maps a file read-only; on failure says why.
static std::error_code
mapFile(StringRef path,
        std::unique_ptr<llvm::sys::fs::mapped_file_region> &region) {
  using namespace llvm::sys;
  llvm::Expected<fs::file_t> file = fs::openNativeFileForRead(path);
  if (!file)
    return llvm::errorToErrorCode(file.takeError());
  fs::file_status status;
  std::error_code error = fs::status(*file, status);
  if (!error && status.type() != fs::file_type::regular_file)
    error = std::make_error_code(std::errc::invalid_argument);
  if (!error && status.getSize() > 0)
    region = std::make_unique<fs::mapped_file_region>(
        *file, fs::mapped_file_region::readonly, status.getSize(), 0, error);
  fs::closeFile(*file);
  if (error)
    region.reset();
  return error;
}

FailureOr<ArrayRef<char>>
WeightStore::resolve(WeightAttr weight,
                     function_ref<InFlightDiagnostic()> emitError) {
  std::lock_guard<std::mutex> lock(mutex);
  ArrayRef<char> all;
  StringRef name = weight.getFile();
  if (name.starts_with("buffer:")) {
    auto it = buffers.find(name.drop_front(7));
    if (it == buffers.end())
      return emitError() << "weight names the buffer '" << name.drop_front(7)
                         << "', which is not registered";
    all = it->second.first;
  } else {
    SmallString<128> path(name);
    if (!root.empty() && llvm::sys::path::is_relative(path)) {
      path = root;
      llvm::sys::path::append(path, name);
    }
    std::unique_ptr<Mapping> &mapping = files[path];
    if (!mapping) {
      auto fresh = std::make_unique<Mapping>();
      if (std::error_code error = mapFile(path, fresh->region))
        return emitError() << "can't read weights from '" << path
                           << "': " << error.message();
      if (fresh->region)
        fresh->bytes = {fresh->region->const_data(), fresh->region->size()};
      mapping = std::move(fresh);
    }
    all = mapping->bytes;
  }
  int64_t offset = weight.getOffset(), bytes = weight.getBytes();
  int64_t size = static_cast<int64_t>(all.size());
  if (offset < 0 || bytes < 0 || offset > size || bytes > size - offset)
    return emitError() << "weight of " << bytes << " bytes at offset " << offset
                       << " lies outside '" << name << "', which has " << size
                       << " bytes";
  return all.slice(offset, bytes);
}
