//===- ToyEngine.h - executes kernels as a strict GPU would ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The engine of the software GPU: it maps a toy image (the kernels' CUDA C++
// text, compiled for the host with kernels/toy/device.h) and runs its kernels,
// every thread of a block a fiber, every access checked. The toy device is
// built on it, and so is the stand-in for libcuda.so.1.
//
// Addresses are host addresses, so kernels compute as compiled; what is device
// memory is what was allocated or registered here. docs/rationale/toy.md says
// what is checked and what can't be.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_DEVICE_TOYENGINE_H
#define ACTNET_RUNTIME_DEVICE_TOYENGINE_H

#include "actnet/Runtime/Base/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace actnet::rt::toy {

class Image;

/// A kernel of an image; valid as long as the image.
struct Entry {
  /// Calls the kernel once, in one thread; arguments[i] is the address of
  /// parameter i, like cuLaunchKernel's kernelParams.
  void (*function)(void *const *arguments) = nullptr;
  std::string_view name;
  const Image *image = nullptr;
};

/// A mapped toy image. Immutable: any thread may use it.
class Image {
public:
  /// Maps an ELF shared object as clang makes it with kernels/toy/flags.txt.
  /// Its imports are the checker's hooks and the functions of device.h.
  /// Errors: dataLoss with one line that says what is wrong with the image.
  static Expected<std::unique_ptr<Image>> load(std::span<const std::byte> elf);
  ~Image();

  /// The kernel of that name. Errors: notFound.
  Expected<Entry> find(std::string_view kernel) const;

  uint64_t mappedBytes() const;
  /// True if an address lies in the image (its constants).
  bool contains(uintptr_t address, uint64_t bytes) const;

private:
  Image();
  struct Parts;
  std::unique_ptr<Parts> parts;
};

/// `write`: reads only bytes that the same launch wrote.
enum class Access : uint8_t { none = 0, read = 1, write = 2, readWrite = 3 };

/// Where an operand lies and what the kernel declared to do with it.
struct OperandBounds {
  const void *base = nullptr;
  uint64_t bytes = 0;
  Access access = Access::readWrite;
  /// All bytes count as never written when the launch begins: for outputs of
  /// which nothing is kept.
  bool fresh = false;
};

struct Launch {
  Entry entry;
  /// Blocks, in [0, 2^31).
  int64_t tiles = 1;
  /// Threads a block: a multiple of 32, at most 1024.
  unsigned threads = 32;
  /// Bytes of dynamic shared memory.
  uint32_t sharedBytes = 0;
  /// The address of each parameter; read while `run` is under way.
  std::span<void *const> arguments;
  /// The ranges that the kernel may touch, in the order of its operands. Empty:
  /// any allocation, reading and writing.
  std::span<const OperandBounds> operands;
};

struct EngineOptions {
  /// Chooses the order of blocks, warps and lanes, and when copies land.
  uint64_t seed = 1;
  /// Threads that share the blocks of a launch, the caller of `run` included;
  /// 0 for as many as the process may use.
  unsigned threads = 0;
};

/// Runs kernels and knows the device's memory. All functions may be called
/// from any thread; launches may run at the same time.
class Engine {
public:
  explicit Engine(const EngineOptions &options = {});
  ~Engine();
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;

  /// Makes device memory, never written, aligned to `alignment` (a power of
  /// two), in pages of its own. Errors: resourceExhausted.
  Expected<void *> allocate(uint64_t bytes, uint64_t alignment = 4096);
  /// Errors: invalidArgument for what `allocate` did not return.
  Status deallocate(void *memory);

  /// Counts memory of somebody else as device memory; `written` says that its
  /// bytes have values. Errors: invalidArgument if it overlaps other memory.
  Status registerAllocation(const void *base, uint64_t bytes,
                            bool written = false);
  Status unregisterAllocation(const void *base);

  /// States that [to, to + bytes) was written from outside (an upload, a fill).
  /// Errors: outOfRange if it isn't inside one allocation.
  Status noteWritten(const void *to, uint64_t bytes);
  /// States that bytes were copied within the device: those never written stay
  /// so. Errors: outOfRange.
  Status noteCopied(const void *to, const void *from, uint64_t bytes);
  /// Makes bytes as if never written. Errors: outOfRange.
  Status poison(const void *at, uint64_t bytes);
  /// Checks that bytes lie in one allocation and all have values, as a download
  /// needs. Errors: outOfRange; dataLoss naming the first byte without a value.
  Status checkReadable(const void *from, uint64_t bytes) const;

  /// Runs all blocks and returns when they are done.
  /// Errors: invalidArgument for an impossible launch; internal for a kernel
  /// that does what is not allowed: the first violation found, naming kernel,
  /// block, thread, address (operand and offset, or shared array and offset)
  /// and what was expected. Memory is then as the kernel left it.
  Status run(const Launch &launch);

private:
  struct Parts;
  std::unique_ptr<Parts> parts;
};

} // namespace actnet::rt::toy

#endif // ACTNET_RUNTIME_DEVICE_TOYENGINE_H
