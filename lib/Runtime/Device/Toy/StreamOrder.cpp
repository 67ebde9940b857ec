//===- StreamOrder.cpp - finds streams that race with each other ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StreamOrder.h"

#include <algorithm>

namespace actnet::rt {

void StreamOrder::merge(Clock &into, const Clock &from) {
  for (auto [stream, record] : from)
    into[stream] = std::max(into[stream], record);
}

void StreamOrder::heard(const Clock &clock) {
  merge(host, clock);
  // All that is submitted from now on is ordered behind it.
  std::erase_if(touches, [&](const Touch &touch) {
    auto known = host.find(touch.stream);
    return known != host.end() && touch.record <= known->second;
  });
}

Status StreamOrder::touch(uint64_t stream, const void *at, uint64_t bytes,
                          bool isWrite, bool isExact, const std::string &what) {
  if (bytes == 0)
    return {};
  Clock &clock = clocks[stream];
  auto begin = reinterpret_cast<uintptr_t>(at);
  uintptr_t end = begin + bytes;
  for (const Touch &other : touches) {
    if (other.stream == stream || other.end <= begin || end <= other.begin ||
        !(isWrite || other.isWrite))
      continue;
    // Two kernels may fill columns of their own in one range.
    if (!isExact && !other.isExact &&
        (other.begin != begin || other.end != end))
      continue;
    auto known = clock.find(other.stream);
    if (known != clock.end() && other.record <= known->second)
      continue;
    return internalError("streams race: " + what +
                         (isWrite ? " writes " : " reads ") +
                         std::to_string(std::min(end, other.end) -
                                        std::max(begin, other.begin)) +
                         " bytes that " + other.what + " on another stream " +
                         (other.isWrite ? "writes" : "reads") +
                         ", and no event and no completion orders them");
  }
  touches.push_back(
      {stream, clock[stream], begin, end, isWrite, isExact, what});
  return {};
}

} // namespace actnet::rt
