//===- Fiber.h - stacks that take turns on one thread ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A switch saves the six registers that the System V ABI keeps over a call and
// the stack pointer: a few nanoseconds, where ucontext makes a system call for
// the signal mask. The sanitizers of the test presets are told of each switch.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_TOY_FIBER_H
#define ACTNET_LIB_RUNTIME_DEVICE_TOY_FIBER_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace actnet::rt::toy {

/// One stack, and where it stopped. The thread's own stack is one too.
struct Fiber {
  void *stackPointer = nullptr;
  /// Lowest address and size; of the thread's own stack, once it was left.
  std::byte *stack = nullptr;
  size_t stackBytes = 0;
  /// What the sanitizers keep of a stack.
  void *fakeStack = nullptr;
  void *sanitizerFiber = nullptr;
};

/// Stacks of one thread, made as they are needed and used again.
class FiberPool {
public:
  FiberPool() = default;
  ~FiberPool();
  FiberPool(const FiberPool &) = delete;
  FiberPool &operator=(const FiberPool &) = delete;

  /// Says that the calling thread runs the fibers from now on.
  void enter();
  /// That thread's own stack.
  Fiber &home() { return own; }
  /// Takes a stack on which `body(context)` will run when it is switched to;
  /// it must never return. Null if the system has no memory.
  Fiber *take(void (*body)(void *), void *context);
  /// Gives back a stack, run to its end or abandoned; not the one in use.
  void give(Fiber *fiber) { idle.push_back(fiber); }

  /// Goes on at `to`, until somebody switches back to `from`.
  static void change(Fiber &from, Fiber &to);

private:
  void prepare(Fiber &fiber, void (*body)(void *), void *context);

  Fiber own;
  std::vector<std::unique_ptr<Fiber>> all;
  std::vector<Fiber *> idle;
};

} // namespace actnet::rt::toy

#endif // ACTNET_LIB_RUNTIME_DEVICE_TOY_FIBER_H
