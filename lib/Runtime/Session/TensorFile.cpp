//===- TensorFile.cpp - tensors from and to the disk ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/TensorFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace actnet;
using namespace actnet::rt;

namespace {
/// A file mapped for reading; unmapped when it goes.
struct MappedFile {
  void *data = MAP_FAILED;
  size_t size = 0;
  ~MappedFile() {
    if (data != MAP_FAILED)
      munmap(data, size);
  }
  /// Hands the mapping over to a tensor whose elements lie in it.
  HostTensor release(const NpyLayout &layout) {
    HostTensor tensor;
    tensor.dtype = layout.dtype;
    tensor.shape = layout.shape;
    tensor.bytes = layout.bytes;
    auto *begin = static_cast<std::byte *>(data);
    tensor.data = std::unique_ptr<std::byte[], FreeTensor>(
        begin + layout.offset, FreeTensor{data, size});
    data = MAP_FAILED;
    return tensor;
  }
};

bool writeAll(int fd, const void *data, size_t size) {
  const char *at = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t n = write(fd, at, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    at += n;
    size -= size_t(n);
  }
  return true;
}

std::string because() { return std::string(": ") + std::strerror(errno); }
} // namespace

Expected<HostTensor> rt::readTensorFile(const std::string &path) {
  bool npy = path.ends_with(".npy");
  if (!npy && !path.ends_with(".pb"))
    return invalidArgument(path + ": expected a file that ends in .npy or .pb");
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return notFound(path + ": cannot be opened" + because());
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return invalidArgument(path + ": expected a regular file");
  }
  MappedFile file;
  file.size = size_t(info.st_size);
  if (file.size > 0)
    file.data = mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
  std::string reason = because();
  close(fd);
  if (file.size > 0 && file.data == MAP_FAILED)
    return unavailable(path + ": cannot be mapped" + reason);
  std::span<const std::byte> bytes;
  if (file.size > 0)
    bytes = {static_cast<const std::byte *>(file.data), file.size};
  else
    return dataLoss(path + ": the file is empty");
  if (npy) {
    Expected<NpyLayout> layout = parseNpyHeader(bytes);
    if (layout && layout->isPlain() && layout->bytes > 0)
      return file.release(*layout);
  }
  Expected<HostTensor> tensor = npy ? parseNpy(bytes) : parseTensorProto(bytes);
  return std::move(tensor).addContext(path);
}

Status rt::writeNpy(const std::string &path, const HostTensor &tensor) {
  // A special file such as /dev/full or a pipe is written in place.
  struct stat info;
  bool special = stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  std::string target =
      special ? path : path + ".part" + std::to_string(getpid());
  int fd = open(target.c_str(),
                O_WRONLY | O_CLOEXEC | (special ? 0 : O_CREAT | O_TRUNC), 0666);
  if (fd < 0)
    return unavailable(path + ": cannot be created" + because());
  std::string header = npyHeader(tensor);
  bool ok = writeAll(fd, header.data(), header.size()) &&
            writeAll(fd, tensor.data.get(), tensor.bytes);
  int error = errno;
  if (close(fd) != 0 && ok) {
    ok = false;
    error = errno;
  }
  if (ok && !special && rename(target.c_str(), path.c_str()) != 0) {
    ok = false;
    error = errno;
  }
  if (ok)
    return okStatus();
  if (!special)
    unlink(target.c_str());
  errno = error;
  return unavailable(path + ": cannot be written" + because());
}
