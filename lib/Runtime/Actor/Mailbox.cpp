//===- Mailbox.cpp - many writers, one reader -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Actor/Mailbox.h"

#include <bit>

namespace actnet::rt {

Mailbox::~Mailbox() {
  for (std::atomic<Node *> &chunk : chunks)
    delete[] chunk.load(std::memory_order_relaxed);
}

Mailbox::Node &Mailbox::node(uint32_t index) {
  uint32_t shifted = index + firstChunk;
  uint32_t chunk = std::bit_width(shifted) - std::bit_width(firstChunk);
  return chunks[chunk].load(
      std::memory_order_acquire)[shifted - (firstChunk << chunk)];
}

uint32_t Mailbox::takeFree() {
  uint64_t head = freeHead.load(std::memory_order_acquire);
  for (;;) {
    auto first = uint32_t(head);
    if (first == 0) {
      if (uint32_t grown = grow())
        return grown - 1;
      head = freeHead.load(std::memory_order_acquire);
      continue;
    }
    uint64_t rest = node(first - 1).next.load(std::memory_order_relaxed);
    uint64_t tag = ((head >> 32) + 1) << 32;
    if (freeHead.compare_exchange_weak(head, tag | rest,
                                       std::memory_order_acq_rel,
                                       std::memory_order_acquire))
      return first - 1;
  }
}

void Mailbox::giveFree(uint32_t index) {
  Node &freed = node(index);
  uint64_t head = freeHead.load(std::memory_order_relaxed);
  uint64_t wanted;
  do {
    freed.next.store(uint32_t(head), std::memory_order_relaxed);
    wanted = (((head >> 32) + 1) << 32) | (index + 1);
  } while (!freeHead.compare_exchange_weak(
      head, wanted, std::memory_order_acq_rel, std::memory_order_relaxed));
}

uint32_t Mailbox::grow() {
  // Returns index + 1 of a new node, or 0 if another thread grew meanwhile.
  std::lock_guard lock(growing);
  if (uint32_t(freeHead.load(std::memory_order_acquire)))
    return 0;
  uint32_t size = firstChunk << chunkCount;
  uint32_t begin = size - firstChunk;
  chunks[chunkCount++].store(new Node[size], std::memory_order_release);
  for (uint32_t i = begin + 1; i < begin + size; ++i)
    giveFree(i);
  return begin + 1;
}

void Mailbox::push(const Message &message) {
  uint32_t index = takeFree();
  Node &added = node(index);
  added.message = message;
  uint32_t head = inbox.load(std::memory_order_relaxed);
  do {
    added.next.store(head, std::memory_order_relaxed);
  } while (!inbox.compare_exchange_weak(
      head, index + 1, std::memory_order_release, std::memory_order_relaxed));
}

bool Mailbox::reserveRequest() {
  uint32_t now = unanswered.load(std::memory_order_relaxed);
  do {
    if (capacity && now >= capacity)
      return false;
  } while (!unanswered.compare_exchange_weak(
      now, now + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
  return true;
}

bool Mailbox::pop(Message &message) {
  if (ordered == 0) {
    uint32_t taken = inbox.exchange(0, std::memory_order_acquire);
    while (taken) {
      Node &current = node(taken - 1);
      uint32_t next = current.next.load(std::memory_order_relaxed);
      current.next.store(ordered, std::memory_order_relaxed);
      ordered = taken;
      taken = next;
    }
    if (ordered == 0)
      return false;
  }
  uint32_t index = ordered - 1;
  Node &oldest = node(index);
  message = oldest.message;
  ordered = oldest.next.load(std::memory_order_relaxed);
  giveFree(index);
  return true;
}

} // namespace actnet::rt
