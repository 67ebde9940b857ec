//===- Status.h - errors as values, for the runtime half ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime half throws nothing across its API. A call that can fail returns
// a Status, or an Expected<T> which is either a value or a Status that is not
// ok. Success costs one pointer and allocates nothing; the text of an error is
// written where the error is found, and each level on the way up may put what
// it was doing in front of it.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_BASE_STATUS_H
#define ACTNET_RUNTIME_BASE_STATUS_H

#include <cassert>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace actnet {

/// Says what kind of failure happened; the message says the rest.
enum class StatusCode : uint8_t {
  ok = 0,
  /// The caller's argument, or a file, is wrong whatever the state is.
  invalidArgument,
  /// A named thing does not exist.
  notFound,
  /// The call is right but not in this state (closed queue, torn state).
  failedPrecondition,
  /// An index, a dim or an offset lies outside its bounds.
  outOfRange,
  /// No memory, no credit, no slot; more of it would help.
  resourceExhausted,
  /// The device or the service is not there, or not now.
  unavailable,
  /// Data that was stored is damaged or truncated.
  dataLoss,
  /// The work was given up because its owner asked for it.
  cancelled,
  /// The work was not done in time.
  deadlineExceeded,
  /// An invariant of our own, or the device, broke.
  internal,
};

/// Returns the code's name as it is spelled in the enumeration.
inline const char *toString(StatusCode code) {
  switch (code) {
  case StatusCode::ok:
    return "ok";
  case StatusCode::invalidArgument:
    return "invalidArgument";
  case StatusCode::notFound:
    return "notFound";
  case StatusCode::failedPrecondition:
    return "failedPrecondition";
  case StatusCode::outOfRange:
    return "outOfRange";
  case StatusCode::resourceExhausted:
    return "resourceExhausted";
  case StatusCode::unavailable:
    return "unavailable";
  case StatusCode::dataLoss:
    return "dataLoss";
  case StatusCode::cancelled:
    return "cancelled";
  case StatusCode::deadlineExceeded:
    return "deadlineExceeded";
  case StatusCode::internal:
    return "internal";
  }
  return "unknown";
}

/// The outcome of a call: ok, or a code with a one-line message.
///
/// A value type; copying a Status that is not ok copies its message. Not
/// thread-safe by itself.
class [[nodiscard]] Status {
public:
  /// Makes success.
  Status() = default;

  /// Makes a failure; `code` must not be ok.
  Status(StatusCode code, std::string message)
      : rep(std::make_unique<Rep>(Rep{code, std::move(message)})) {
    assert(code != StatusCode::ok && "a failure needs a code");
  }

  Status(const Status &other)
      : rep(other.rep ? std::make_unique<Rep>(*other.rep) : nullptr) {}
  Status(Status &&) noexcept = default;
  Status &operator=(const Status &other) {
    if (this != &other)
      rep = other.rep ? std::make_unique<Rep>(*other.rep) : nullptr;
    return *this;
  }
  Status &operator=(Status &&) noexcept = default;

  [[nodiscard]] bool isOk() const { return !rep; }
  /// True on success, so that `if (Status s = f(); !s) return s;` reads well.
  explicit operator bool() const { return !rep; }

  StatusCode code() const { return rep ? rep->code : StatusCode::ok; }

  /// The message; empty on success. Valid as long as this Status.
  std::string_view message() const {
    return rep ? std::string_view(rep->message) : std::string_view();
  }

  /// Puts `context` and ": " in front of the message; nothing on success.
  Status &addContext(std::string_view context) & {
    if (rep)
      rep->message = std::string(context) + ": " + rep->message;
    return *this;
  }
  Status &&addContext(std::string_view context) && {
    addContext(context);
    return std::move(*this);
  }

  /// The message, or "ok".
  std::string str() const { return rep ? rep->message : std::string("ok"); }

  /// States that this failure is dropped on purpose.
  void ignore() const {}

private:
  struct Rep {
    StatusCode code;
    std::string message;
  };
  std::unique_ptr<Rep> rep;
};

inline Status okStatus() { return {}; }

inline Status invalidArgument(std::string message) {
  return {StatusCode::invalidArgument, std::move(message)};
}
inline Status notFound(std::string message) {
  return {StatusCode::notFound, std::move(message)};
}
inline Status failedPrecondition(std::string message) {
  return {StatusCode::failedPrecondition, std::move(message)};
}
inline Status outOfRange(std::string message) {
  return {StatusCode::outOfRange, std::move(message)};
}
inline Status resourceExhausted(std::string message) {
  return {StatusCode::resourceExhausted, std::move(message)};
}
inline Status unavailable(std::string message) {
  return {StatusCode::unavailable, std::move(message)};
}
inline Status dataLoss(std::string message) {
  return {StatusCode::dataLoss, std::move(message)};
}
inline Status cancelled(std::string message) {
  return {StatusCode::cancelled, std::move(message)};
}
inline Status deadlineExceeded(std::string message) {
  return {StatusCode::deadlineExceeded, std::move(message)};
}
inline Status internalError(std::string message) {
  return {StatusCode::internal, std::move(message)};
}

/// A T, or the Status that says why there is none.
///
/// T may be move-only but not a reference. Dereferencing an Expected that
/// holds no value is a programming error (asserted).
template <typename T> class [[nodiscard]] Expected {
  static_assert(!std::is_reference_v<T>, "Expected holds values");

public:
  using value_type = T;

  /// Makes a failure; `status` must not be ok.
  Expected(Status status) : failure(std::move(status)) {
    assert(!failure.isOk() && "an Expected without a value needs a failure");
  }
  template <typename U = T, typename = std::enable_if_t<
                                std::is_constructible_v<T, U &&> &&
                                !std::is_same_v<std::decay_t<U>, Expected> &&
                                !std::is_same_v<std::decay_t<U>, Status>>>
  Expected(U &&v) : held(std::in_place, std::forward<U>(v)) {}

  [[nodiscard]] bool isOk() const { return held.has_value(); }
  explicit operator bool() const { return held.has_value(); }

  /// The failure; ok if there is a value.
  const Status &status() const & { return failure; }
  Status takeStatus() { return std::move(failure); }

  Expected &addContext(std::string_view context) & {
    failure.addContext(context);
    return *this;
  }
  Expected &&addContext(std::string_view context) && {
    failure.addContext(context);
    return std::move(*this);
  }

  T &operator*() & {
    assert(held && "no value");
    return *held;
  }
  const T &operator*() const & {
    assert(held && "no value");
    return *held;
  }
  T &&operator*() && {
    assert(held && "no value");
    return std::move(*held);
  }
  T *operator->() {
    assert(held && "no value");
    return &*held;
  }
  const T *operator->() const {
    assert(held && "no value");
    return &*held;
  }

private:
  std::optional<T> held;
  Status failure;
};

} // namespace actnet

/// Returns from the calling function if `expr` (a Status) is not ok.
#define ACTNET_RETURN_IF_ERROR(expr)                                           \
  do {                                                                         \
    if (::actnet::Status actnetStatus = (expr); !actnetStatus)                 \
      return actnetStatus;                                                     \
  } while (false)

#define ACTNET_CONCAT_IMPL(a, b) a##b
#define ACTNET_CONCAT(a, b) ACTNET_CONCAT_IMPL(a, b)

/// Evaluates `expr` (an Expected), returns its Status on failure, and else
/// moves the value into `lhs`, which may declare a variable.
#define ACTNET_ASSIGN_OR_RETURN(lhs, expr)                                     \
  auto ACTNET_CONCAT(actnetExpected, __LINE__) = (expr);                       \
  if (!ACTNET_CONCAT(actnetExpected, __LINE__))                                \
    return ACTNET_CONCAT(actnetExpected, __LINE__).takeStatus();               \
  lhs = *std::move(ACTNET_CONCAT(actnetExpected, __LINE__))

#endif // ACTNET_RUNTIME_BASE_STATUS_H
