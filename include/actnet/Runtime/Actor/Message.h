//===- Message.h - what actors say to each other --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A message fits a cache line, is copied by value, and carries ids and offsets
// but never a pointer, so that one day it may cross a wire.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_ACTOR_MESSAGE_H
#define ACTNET_RUNTIME_ACTOR_MESSAGE_H

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace actnet::rt {

/// Names an actor of one system; 0 is nobody. Never used again.
using ActorId = uint32_t;
inline constexpr ActorId nobody = 0;

/// What a message means. Each protocol has a range of its own.
using MessageKind = uint32_t;

/// Sent by the system to whoever was answered `busy`: ask again.
inline constexpr MessageKind creditMessage = 1;

struct Message {
  ActorId from = nobody;
  MessageKind kind = 0;
  /// Chosen by the sender of a request, repeated in the reply.
  uint64_t request = 0;
  unsigned char payload[48] = {};

  /// Makes a message whose payload is `value`.
  template <typename T>
  static Message make(MessageKind kind, uint64_t request, const T &value) {
    static_assert(std::is_trivially_copyable_v<T> &&
                      sizeof(T) <= sizeof(payload),
                  "payloads are plain and small");
    Message message;
    message.kind = kind;
    message.request = request;
    std::memcpy(message.payload, &value, sizeof(T));
    return message;
  }
  static Message make(MessageKind kind, uint64_t request = 0) {
    Message message;
    message.kind = kind;
    message.request = request;
    return message;
  }

  /// The payload as a T, which it must be.
  template <typename T> T as() const {
    static_assert(std::is_trivially_copyable_v<T> &&
                      sizeof(T) <= sizeof(payload),
                  "payloads are plain and small");
    T value;
    std::memcpy(&value, payload, sizeof(T));
    return value;
  }
};
static_assert(sizeof(Message) == 64, "a message is a cache line");

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_ACTOR_MESSAGE_H
