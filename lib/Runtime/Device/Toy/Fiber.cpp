//===- Fiber.cpp - stacks that take turns on one thread -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Fiber.h"

#include <new>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ACTNET_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define ACTNET_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ACTNET_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define ACTNET_TSAN 1
#endif

#ifdef ACTNET_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef ACTNET_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#ifndef __x86_64__
#error "fibers are written for x86-64"
#endif

// actnetToySwitch(void **save, void *to): pushes what a call keeps, exchanges
// the stack pointers, pops what the other stack pushed. A new stack begins in
// actnetToyStart, which finds body and context in r12 and r13.
__asm__(".text\n"
        ".p2align 4\n"
        ".hidden actnetToySwitch\n"
        ".globl actnetToySwitch\n"
        ".type actnetToySwitch, @function\n"
        "actnetToySwitch:\n"
        "  pushq %rbp\n"
        "  pushq %rbx\n"
        "  pushq %r12\n"
        "  pushq %r13\n"
        "  pushq %r14\n"
        "  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n"
        "  popq %r14\n"
        "  popq %r13\n"
        "  popq %r12\n"
        "  popq %rbx\n"
        "  popq %rbp\n"
        "  ret\n"
        ".size actnetToySwitch, .-actnetToySwitch\n"
        ".p2align 4\n"
        ".hidden actnetToyStart\n"
        ".globl actnetToyStart\n"
        ".type actnetToyStart, @function\n"
        "actnetToyStart:\n"
        "  movq %r13, %rdi\n"
        "  callq *%r12\n"
        "  ud2\n"
        ".size actnetToyStart, .-actnetToyStart\n");

extern "C" {
void actnetToySwitch(void **save, void *to);
void actnetToyStart();
}

namespace actnet::rt::toy {

namespace {
/// Address space; memory is taken by the page as it is touched. The lowest page
/// can't be touched, so that a kernel with larger locals stops there and not in
/// the stack below.
constexpr size_t stackSize = size_t(256) << 10, guardSize = 4096;

/// First on every new stack.
struct Start {
  void (*body)(void *);
  void *context;
  Fiber *self;
};

void runBody(void *raw) {
  auto *start = static_cast<Start *>(raw);
#ifdef ACTNET_ASAN
  __sanitizer_finish_switch_fiber(start->self->fakeStack, nullptr, nullptr);
  start->self->fakeStack = nullptr;
#endif
  start->body(start->context);
}
} // namespace

void FiberPool::enter() {
#ifdef ACTNET_TSAN
  own.sanitizerFiber = __tsan_get_current_fiber();
#endif
#ifdef ACTNET_ASAN
  pthread_attr_t attributes;
  void *low = nullptr;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &own.stackBytes);
  pthread_attr_destroy(&attributes);
  own.stack = static_cast<std::byte *>(low);
#endif
}

FiberPool::~FiberPool() {
  for (auto &fiber : all) {
#ifdef ACTNET_TSAN
    __tsan_destroy_fiber(fiber->sanitizerFiber);
#endif
#ifdef ACTNET_ASAN
    __asan_unpoison_memory_region(fiber->stack, fiber->stackBytes);
#endif
    munmap(fiber->stack - guardSize, stackSize);
  }
}

Fiber *FiberPool::take(void (*body)(void *), void *context) {
  if (idle.empty()) {
    void *memory =
        mmap(nullptr, stackSize, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
      return nullptr;
    mprotect(memory, guardSize, PROT_NONE);
    all.push_back(std::make_unique<Fiber>());
    all.back()->stack = static_cast<std::byte *>(memory) + guardSize;
    all.back()->stackBytes = stackSize - guardSize;
    idle.push_back(all.back().get());
  }
  Fiber *fiber = idle.back();
  idle.pop_back();
  prepare(*fiber, body, context);
  return fiber;
}

void FiberPool::prepare(Fiber &fiber, void (*body)(void *), void *context) {
#ifdef ACTNET_ASAN
  // Whoever was abandoned on this stack left its red zones behind.
  __asan_unpoison_memory_region(fiber.stack, fiber.stackBytes);
#endif
#ifdef ACTNET_TSAN
  // What ran here never returned, so its calls would pile up in the sanitizer.
  if (fiber.sanitizerFiber)
    __tsan_destroy_fiber(fiber.sanitizerFiber);
  fiber.sanitizerFiber = __tsan_create_fiber(0);
#endif
  std::byte *top = fiber.stack + fiber.stackBytes - sizeof(Start) - 64;
  top -= reinterpret_cast<uintptr_t>(top) % 16;
  auto *start = new (top + 16) Start{body, context, &fiber};
  // As a switch left it: r15, r14, r13, r12, rbx, rbp, where to return to. At
  // actnetToyStart the stack pointer is a multiple of 16.
  auto *slots = reinterpret_cast<void **>(top) - 7;
  slots[0] = slots[1] = nullptr;
  slots[2] = start;
  slots[3] = reinterpret_cast<void *>(&runBody);
  slots[4] = slots[5] = nullptr;
  slots[6] = reinterpret_cast<void *>(&actnetToyStart);
  fiber.stackPointer = slots;
}

void FiberPool::change(Fiber &from, Fiber &to) {
#ifdef ACTNET_ASAN
  __sanitizer_start_switch_fiber(&from.fakeStack, to.stack, to.stackBytes);
#endif
#ifdef ACTNET_TSAN
  __tsan_switch_to_fiber(to.sanitizerFiber, 0);
#endif
  actnetToySwitch(&from.stackPointer, to.stackPointer);
#ifdef ACTNET_ASAN
  __sanitizer_finish_switch_fiber(from.fakeStack, nullptr, nullptr);
#endif
}

} // namespace actnet::rt::toy
