//===- Stream.h - ordered work on a GPU -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_STREAM_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_STREAM_H

#include "Checker.h"
#include "Segment.h"

namespace actnet::rt::cuda {

class CudaStream final : public DeviceStream {
public:
  static Expected<std::unique_ptr<DeviceStream>> create(ContextState &context,
                                                        Checker &checker);
  ~CudaStream() override;

  Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) override;
  Status submit(const PreparedSegment &segment, CompletionListener *listener,
                uint64_t token) override;
  Status submitRecord(const Executable *executable, const Record &record,
                      CompletionListener *listener, uint64_t token) override;
  Status notify(CompletionListener *listener, uint64_t token) override;
  Status synchronize(int64_t timeoutNs) override;

  /// Answers what is complete, or everything once the context is broken; true
  /// if there was something. The checker's thread only.
  bool check();

private:
  struct Pending {
    EventHandle event = nullptr;
    CompletionListener *listener = nullptr;
    uint64_t token = 0;
  };
  CudaStream(ContextState &context, Checker &checker)
      : context(context), checker(checker) {}
  Status finishSubmission(CompletionListener *listener, uint64_t token,
                          bool always, bool took);
  Status takeEvent(EventHandle &event);
  void giveEventBack(EventHandle event);
  Status waitHere(EventHandle event);
  void push(const Pending &pending);
  Status waitFor(uint64_t count, int64_t deadlineNs);
  void answer(const Pending &done, const Status &status);

  ContextState &context;
  Checker &checker;
  Stream stream = nullptr;
  /// Host functions have a stream of their own, so that they hold up nothing.
  Stream wakeStream = nullptr;

  std::mutex submitting; ///< order of the driver calls
  std::mutex mutex;      ///< the ring and the free events
  std::vector<Pending> ring;
  uint64_t first = 0, last = 0; ///< positions; never reset
  std::vector<EventHandle> freeEvents;

  std::atomic<uint64_t> finished{0};
  std::atomic<uint32_t> finishedWord{0};
  std::atomic<uint32_t> waiters{0};
};

} // namespace actnet::rt::cuda

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_STREAM_H
