//===- Profile.cpp - times of records -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Profile.h"
#include "actnet/Runtime/Device/ForwardingDevice.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>

using namespace actnet;
using namespace actnet::rt;

namespace {
using KernelNames = std::map<const Executable *, std::vector<std::string>>;

std::string recordName(const KernelNames &names, const Executable *executable,
                       const Record &record) {
  if (const auto *launch = std::get_if<LaunchRecord>(&record)) {
    auto found = names.find(executable);
    if (found != names.end() && launch->kernel < found->second.size())
      return found->second[launch->kernel];
    return "launch";
  }
  if (const auto *call = std::get_if<CallRecord>(&record))
    return std::string(call->library) + " " + std::string(call->entry);
  if (const auto *copy = std::get_if<CopyRecord>(&record))
    return copy->kind == CopyKind::up     ? "upload"
           : copy->kind == CopyKind::down ? "download"
                                          : "copy";
  if (std::holds_alternative<FillRecord>(record))
    return "fill";
  return std::holds_alternative<SignalRecord>(record) ? "signal" : "await";
}

/// A segment as single records.
class ProfiledSegment : public PreparedSegment {
public:
  Status update(const Segment &segment) override {
    if (segment.records.size() != parts.size())
      return invalidArgument(
          "update: " + std::to_string(segment.records.size()) +
          " records, prepared were " + std::to_string(parts.size()));
    for (size_t i = 0; i < parts.size(); ++i)
      ACTNET_RETURN_IF_ERROR(parts[i]->update(
          Segment{segment.executable, segment.records.subspan(i, 1)}));
    return okStatus();
  }
  std::vector<std::unique_ptr<PreparedSegment>> parts;
  std::vector<std::string> names;
};

class ProfiledStream : public DeviceStream, CompletionListener {
public:
  ProfiledStream(Profile &profile, const KernelNames &names,
                 std::unique_ptr<DeviceStream> inner, unsigned number)
      : profile(profile), kernelNames(names), inner(std::move(inner)),
        number(number) {}
  // The inner stream calls the listener until it is gone.
  ~ProfiledStream() override { inner.reset(); }

  Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) override {
    auto result = std::make_unique<ProfiledSegment>();
    for (size_t i = 0; i < segment.records.size(); ++i) {
      ACTNET_ASSIGN_OR_RETURN(
          auto part,
          inner->prepare({segment.executable, segment.records.subspan(i, 1)}));
      result->parts.push_back(std::move(part));
      result->names.push_back(
          recordName(kernelNames, segment.executable, segment.records[i]));
    }
    return Expected<std::unique_ptr<PreparedSegment>>(std::move(result));
  }

  Status submit(const PreparedSegment &segment, CompletionListener *listener,
                uint64_t token) override {
    const auto &profiled = static_cast<const ProfiledSegment &>(segment);
    if (profiled.parts.empty())
      return inner->notify(listener, token);
    for (size_t i = 0; i < profiled.parts.size(); ++i) {
      bool last = i + 1 == profiled.parts.size();
      push({profiled.names[i], Profile::nowNs(), last,
            last ? listener : nullptr, token});
      Status status = inner->submit(*profiled.parts[i], this, 0);
      if (!status) {
        drop();
        return status;
      }
    }
    return okStatus();
  }

  Status submitRecord(const Executable *executable, const Record &record,
                      CompletionListener *listener, uint64_t token) override {
    push({recordName(kernelNames, executable, record), Profile::nowNs(), true,
          listener, token});
    Status status = inner->submitRecord(executable, record, this, 0);
    if (!status)
      drop();
    return status;
  }

  Status notify(CompletionListener *listener, uint64_t token) override {
    return inner->notify(listener, token);
  }
  Status synchronize(int64_t timeoutNs) override {
    return inner->synchronize(timeoutNs);
  }

private:
  struct Pending {
    std::string name;
    int64_t submittedNs;
    bool last;
    CompletionListener *listener;
    uint64_t token;
  };

  void push(Pending pending) {
    std::lock_guard lock(mutex);
    queue.push_back(std::move(pending));
  }
  void drop() {
    std::lock_guard lock(mutex);
    queue.pop_back();
  }

  void completed(uint64_t, const Status &status) override {
    int64_t now = Profile::nowNs();
    Pending done;
    {
      std::lock_guard lock(mutex);
      done = std::move(queue.front());
      queue.pop_front();
    }
    profile.add(std::move(done.name), number,
                std::max(done.submittedNs, lastNs), now);
    lastNs = now;
    // A segment answers once, with the first failure among its records.
    if (!status && segmentStatus)
      segmentStatus = status;
    if (!done.last)
      return;
    Status answer = std::exchange(segmentStatus, Status());
    if (done.listener)
      done.listener->completed(done.token, answer);
  }

  Profile &profile;
  const KernelNames &kernelNames;
  std::unique_ptr<DeviceStream> inner;
  unsigned number;
  std::mutex mutex;
  std::deque<Pending> queue; // submitted, not yet done
  int64_t lastNs = 0;        // of the completing thread, as is the next
  Status segmentStatus;
};

class ProfiledDevice final : public ForwardingDevice {
public:
  ProfiledDevice(Profile &profile, std::unique_ptr<Device> inner)
      : ForwardingDevice(std::move(inner)), profile(profile) {}

  Expected<std::unique_ptr<DeviceStream>>
  createStream(StreamKind kind) override {
    ACTNET_ASSIGN_OR_RETURN(auto stream, inner->createStream(kind));
    return Expected<std::unique_ptr<DeviceStream>>(
        std::make_unique<ProfiledStream>(profile, names, std::move(stream),
                                         streams++));
  }
  Expected<std::unique_ptr<Executable>>
  load(const ExecutableDesc &desc) override {
    ACTNET_ASSIGN_OR_RETURN(auto executable, inner->load(desc));
    for (const KernelDesc &kernel : desc.kernels)
      names[executable.get()].emplace_back(kernel.symbol);
    return Expected<std::unique_ptr<Executable>>(std::move(executable));
  }

private:
  Profile &profile;
  KernelNames names;
  std::atomic<unsigned> streams{0};
};
} // namespace

std::unique_ptr<Device> Profile::wrap(std::unique_ptr<Device> device) {
  return std::make_unique<ProfiledDevice>(*this, std::move(device));
}

void Profile::add(std::string name, unsigned stream, int64_t beginNs,
                  int64_t endNs) {
  std::lock_guard lock(mutex);
  entries.push_back({std::move(name), stream, beginNs, endNs});
}

int64_t Profile::nowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Status Profile::write(const std::string &path) const {
  std::FILE *file = std::fopen(path.c_str(), "w");
  if (!file)
    return unavailable(path + ": cannot be created: " + std::strerror(errno));
  std::lock_guard lock(mutex);
  int64_t origin = entries.empty() ? 0 : entries.front().beginNs;
  std::fputs("[\n", file);
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry &e = entries[i];
    std::string name;
    for (char c : e.name)
      name +=
          c == '"' || c == '\\' || static_cast<unsigned char>(c) < 32 ? '_' : c;
    std::fprintf(file,
                 "{\"name\": \"%s\", \"ph\": \"X\", \"pid\": 0, \"tid\": %u, "
                 "\"ts\": %.3f, \"dur\": %.3f}%s\n",
                 name.c_str(), e.stream, double(e.beginNs - origin) / 1e3,
                 double(e.endNs - e.beginNs) / 1e3,
                 i + 1 < entries.size() ? "," : "");
  }
  std::fputs("]\n", file);
  bool bad = std::ferror(file) != 0;
  bad |= std::fclose(file) != 0;
  if (bad)
    return unavailable(path + ": cannot be written: " + std::strerror(errno));
  return okStatus();
}
