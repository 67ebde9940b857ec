//===- CApi.cpp - the C face of programs and sessions ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing but translation: arguments are checked for null, a Status becomes a
// code and a text, and an exception of the standard library (no memory) ends
// here.

#include "actnet/Runtime/Session/Session.h"
#include "actnet/actnet.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <string>
#include <thread>

using namespace actnet;
using namespace actnet::rt;

struct actnet_program {
  std::unique_ptr<Program> program;
};

struct actnet_session {
  std::unique_ptr<Session> session;
  std::string device, isa;
};

namespace {
thread_local std::string errorText;

actnet_status fail(actnet_status code, std::string_view text) {
  errorText.assign(text);
  std::replace(errorText.begin(), errorText.end(), '\n', ' ');
  return code;
}

actnet_status toC(const Status &status) {
  switch (status.code()) {
  case StatusCode::ok:
    return ACTNET_OK;
  case StatusCode::invalidArgument:
  case StatusCode::outOfRange:
    return fail(ACTNET_INVALID, status.message());
  case StatusCode::notFound:
    return fail(ACTNET_NOT_FOUND, status.message());
  case StatusCode::dataLoss:
    return fail(ACTNET_CORRUPT, status.message());
  case StatusCode::unavailable:
    return fail(ACTNET_UNSUPPORTED, status.message());
  case StatusCode::resourceExhausted:
    return fail(ACTNET_NO_MEMORY, status.message());
  default:
    return fail(ACTNET_FAILED, status.message());
  }
}

/// Runs `body`, which returns a Status or a code, and lets no exception out.
template <typename Body> actnet_status guarded(Body body) {
  try {
    if constexpr (std::is_same_v<decltype(body()), Status>)
      return toC(body());
    else
      return body();
  } catch (const std::bad_alloc &) {
    return fail(ACTNET_NO_MEMORY, "out of memory");
  } catch (const std::exception &e) {
    return fail(ACTNET_FAILED, e.what());
  }
}

actnet_status null(const char *argument) {
  return fail(ACTNET_INVALID,
              std::string(argument) + ": expected a pointer, found null");
}

actnet_status badIndex(const char *what, int64_t index, size_t count) {
  std::string expected =
      count ? "expected 0 to " + std::to_string(int64_t(count) - 1)
            : "expected none, as there are none";
  return fail(ACTNET_INVALID, std::string(what) + ": " + expected + ", found " +
                                  std::to_string(index));
}

bool outside(int32_t index, size_t count) {
  return index < 0 || size_t(index) >= count;
}

/// A package error is about the file whatever code the reader gave it.
actnet_status openStatus(const Status &status) {
  actnet_status code = toC(status);
  if (status.code() == StatusCode::invalidArgument ||
      status.code() == StatusCode::failedPrecondition ||
      status.code() == StatusCode::outOfRange ||
      status.code() == StatusCode::internal)
    return ACTNET_CORRUPT;
  return code;
}

actnet_status opened(Expected<std::unique_ptr<Program>> program,
                     actnet_program **result) {
  if (!program)
    return openStatus(program.status());
  *result = new actnet_program{*std::move(program)};
  return ACTNET_OK;
}
} // namespace

const char *actnet_version(void) {
  static const std::string text = std::string(ACTNET_VERSION) + " (schema " +
                                  std::to_string(pkg::schemaVersion) +
                                  ", LLVM " ACTNET_LLVM_VERSION
                                  ", commit " ACTNET_COMMIT ")";
  return text.c_str();
}

const char *actnet_error_text(void) { return errorText.c_str(); }

actnet_status actnet_describe_device(int32_t index, actnet_device_info *info) {
  if (!info)
    return null("info");
  return guarded([&]() -> actnet_status {
    // Made once: the strings live as long as the process.
    static const Expected<std::vector<ListedDevice>> list = listDevices();
    if (!list)
      return toC(list.status());
    if (outside(index, list->size()))
      return badIndex("device", index, list->size());
    const ListedDevice &device = (*list)[size_t(index)];
    info->name = device.name.c_str();
    info->description = device.info.name.c_str();
    info->isa = device.info.variant.c_str();
    info->threads = int32_t(device.info.threads);
    return ACTNET_OK;
  });
}

actnet_status actnet_open_file(const char *path, actnet_program **program) {
  if (!path || !program)
    return null(path ? "program" : "path");
  return guarded([&] { return opened(Program::openFile(path), program); });
}

actnet_status actnet_open_memory(const void *data, size_t size,
                                 actnet_program **program) {
  if (!data || !program)
    return null(data ? "program" : "data");
  if (reinterpret_cast<uintptr_t>(data) % 64 != 0)
    return fail(ACTNET_INVALID,
                "data: expected an address that is a multiple of 64");
  return guarded([&] {
    return opened(
        Program::openMemory({static_cast<const std::byte *>(data), size}),
        program);
  });
}

void actnet_close(actnet_program *program) { delete program; }

actnet_status actnet_verify(const actnet_program *program) {
  if (!program)
    return null("program");
  return guarded([&] { return program->program->reader().verifyWeights(); });
}

actnet_status actnet_describe_program(const actnet_program *program,
                                      actnet_program_info *info) {
  if (!program || !info)
    return null(program ? "info" : "program");
  *info = program->program->info();
  return ACTNET_OK;
}

actnet_status actnet_describe_function(const actnet_program *program,
                                       int32_t function,
                                       actnet_function_info *info) {
  if (!program || !info)
    return null(program ? "info" : "program");
  const auto &functions = program->program->functions();
  if (outside(function, functions.size()))
    return badIndex("function", function, functions.size());
  const FunctionDesc &desc = functions[size_t(function)];
  info->name = desc.function->name.c_str();
  info->inputs = int32_t(desc.inputs.size());
  info->outputs = int32_t(desc.outputs.size());
  return ACTNET_OK;
}

/// What a caller in C put there, which may be none of the enumerators: C++ may
/// not even read that as the enumeration.
template <typename Enum> static int32_t number(const Enum &given) {
  static_assert(sizeof(Enum) == sizeof(int32_t));
  int32_t value;
  std::memcpy(&value, &given, sizeof value);
  return value;
}

/// Finds a tensor by side and index, or says what is wrong.
static const TensorDesc *findTensor(const actnet_program *program,
                                    int32_t function, int32_t side,
                                    int32_t index) {
  const auto &functions = program->program->functions();
  if (side != ACTNET_INPUT && side != ACTNET_OUTPUT) {
    fail(ACTNET_INVALID,
         "side: expected ACTNET_INPUT or ACTNET_OUTPUT, found " +
             std::to_string(side));
    return nullptr;
  }
  if (outside(function, functions.size())) {
    badIndex("function", function, functions.size());
    return nullptr;
  }
  const FunctionDesc &desc = functions[size_t(function)];
  const auto &list = side == ACTNET_INPUT ? desc.inputs : desc.outputs;
  if (outside(index, list.size())) {
    badIndex(side == ACTNET_INPUT ? "input" : "output", index, list.size());
    return nullptr;
  }
  return &list[size_t(index)];
}

actnet_status actnet_describe_tensor(const actnet_program *program,
                                     int32_t function, actnet_side side,
                                     int32_t index, actnet_tensor_info *info) {
  if (!program || !info)
    return null(program ? "info" : "program");
  const TensorDesc *desc = findTensor(program, function, number(side), index);
  if (!desc)
    return ACTNET_INVALID;
  info->name = desc->tensor->name.c_str();
  info->dtype = actnet_dtype(desc->tensor->dtype);
  info->rank = int32_t(desc->extents.size());
  info->extents = desc->extentPointers.data();
  info->lower = desc->lower.data();
  info->upper = desc->upper.data();
  return ACTNET_OK;
}

actnet_status actnet_describe_dim(const actnet_program *program, int32_t index,
                                  actnet_dim_info *info) {
  if (!program || !info)
    return null(program ? "info" : "program");
  const auto &dims = program->program->interface().dims;
  if (outside(index, dims.size()))
    return badIndex("dim", index, dims.size());
  const pkg::Dim &dim = *dims[size_t(index)];
  info->name = dim.name.c_str();
  info->lower = dim.lower;
  info->upper = dim.upper;
  return ACTNET_OK;
}

actnet_status actnet_evaluate_shape(const actnet_program *program,
                                    int32_t function, actnet_side side,
                                    int32_t index, const int64_t *dims,
                                    int64_t *shape) {
  if (!program)
    return null("program");
  const TensorDesc *desc = findTensor(program, function, number(side), index);
  if (!desc)
    return ACTNET_INVALID;
  size_t count = program->program->interface().dims.size();
  if ((!dims && count > 0) || (!shape && !desc->extents.empty()))
    return null(shape ? "dims" : "shape");
  return guarded([&] {
    return program->program->evaluateShape(*desc, {dims, count}, shape);
  });
}

/// What is wrong with a session's options; ok where nothing is.
static actnet_status checkOptions(const actnet_options &options) {
  auto range = [](const char *what, int64_t found, const char *expected) {
    return fail(ACTNET_INVALID, std::string("options.") + what + ": expected " +
                                    expected + ", found " +
                                    std::to_string(found));
  };
  if (options.struct_size != 0 && options.struct_size != sizeof(actnet_options))
    return range("struct_size", int64_t(options.struct_size),
                 std::to_string(sizeof(actnet_options)).c_str());
  if (options.threads < 0)
    return range("threads", options.threads, "0 or more");
  if (options.in_flight < 0)
    return range("in_flight", options.in_flight, "0 or more");
  if (options.num_dims < 0)
    return range("num_dims", options.num_dims, "0 or more");
  if (options.num_dims > 0 && !options.dims)
    return fail(ACTNET_INVALID, "options.dims: expected " +
                                    std::to_string(options.num_dims) +
                                    " dims, found null");
  for (int32_t i = 0; i < options.num_dims; ++i) {
    const char *name = options.dims[i].name;
    std::string what = "options.dims[" + std::to_string(i) + "].name: ";
    if (!name)
      return fail(ACTNET_INVALID, what + "expected a pointer, found null");
    for (int32_t k = 0; k < i; ++k)
      if (std::string_view(name) == options.dims[k].name)
        return fail(ACTNET_INVALID, what + "expected each dim once, found '" +
                                        name + "' again");
  }
  if (std::isnan(options.deadline))
    return fail(ACTNET_INVALID,
                "options.deadline: expected seconds, found NaN");
  return ACTNET_OK;
}

/// Whether a session has this function, and on `side` a tensor of this index;
/// says what is wrong where it has not. What is handed on is unsigned.
static bool hasTensor(const actnet_session *session, int32_t function,
                      actnet_side side, int32_t index) {
  const auto &functions = session->session->program().functions();
  if (outside(function, functions.size())) {
    badIndex("function", function, functions.size());
    return false;
  }
  const FunctionDesc &desc = functions[size_t(function)];
  size_t count =
      side == ACTNET_INPUT ? desc.inputs.size() : desc.outputs.size();
  if (!outside(index, count))
    return true;
  badIndex(side == ACTNET_INPUT ? "input" : "output", index, count);
  return false;
}

actnet_status actnet_create_session(const actnet_program *program,
                                    const actnet_options *options,
                                    actnet_session **session) {
  if (!program || !session)
    return null(program ? "session" : "program");
  if (actnet_status bad = options ? checkOptions(*options) : ACTNET_OK)
    return bad;
  return guarded([&]() -> Status {
    SessionOptions chosen;
    if (options) {
      chosen.device = options->device ? options->device : "auto";
      chosen.isa = options->isa ? options->isa : "";
      chosen.threads = unsigned(options->threads);
      chosen.inFlight = unsigned(options->in_flight);
      for (int32_t i = 0; i < options->num_dims; ++i)
        chosen.dims.push_back({options->dims[i].name, options->dims[i].lower,
                               options->dims[i].upper});
      chosen.step = options->step != 0;
      chosen.profile = options->profile != 0;
      chosen.deadlineSeconds = options->deadline;
      if (options->notice)
        chosen.notice = [call = options->notice,
                         user = options->user](const std::string &line) {
          call(user, line.c_str());
        };
    }
    ACTNET_ASSIGN_OR_RETURN(
        auto made, Session::create(*program->program, std::move(chosen)));
    auto result = std::make_unique<actnet_session>();
    result->session = std::move(made);
    result->device = result->session->deviceInfo().kind;
    result->isa = result->session->variant();
    *session = result.release();
    return okStatus();
  });
}

void actnet_destroy_session(actnet_session *session) { delete session; }

actnet_status actnet_bind_input(actnet_session *session, int32_t function,
                                int32_t index, actnet_dtype dtype,
                                const int64_t *shape, int32_t rank,
                                const void *data) {
  if (!session || (!shape && rank > 0))
    return null(session ? "shape" : "session");
  if (rank < 0 || rank > 1024)
    return fail(ACTNET_INVALID,
                "rank: expected 0 to 1024, found " + std::to_string(rank));
  if (!hasTensor(session, function, ACTNET_INPUT, index))
    return ACTNET_INVALID;
  int32_t type = number(dtype);
  if (type < ACTNET_F32 || type > ACTNET_BOOL)
    return fail(ACTNET_INVALID, "dtype: expected ACTNET_F32 to ACTNET_BOOL, "
                                "found " +
                                    std::to_string(type));
  return guarded([&] {
    return session->session->bindInput(uint32_t(function), uint32_t(index),
                                       actnet_dtype(type), shape, rank, data);
  });
}

actnet_status actnet_bind_output(actnet_session *session, int32_t function,
                                 int32_t index, void *data, size_t capacity) {
  if (!session)
    return null("session");
  if (!hasTensor(session, function, ACTNET_OUTPUT, index))
    return ACTNET_INVALID;
  return guarded([&] {
    return session->session->bindOutput(uint32_t(function), uint32_t(index),
                                        data, capacity);
  });
}

actnet_status actnet_output_shape(actnet_session *session, int32_t function,
                                  int32_t index, int64_t *shape) {
  if (!session)
    return null("session");
  if (!hasTensor(session, function, ACTNET_OUTPUT, index))
    return ACTNET_INVALID;
  return guarded([&] {
    return session->session->outputShape(uint32_t(function), uint32_t(index),
                                         shape);
  });
}

actnet_status actnet_submit(actnet_session *session, int32_t function,
                            uint32_t flags, uint64_t *job) {
  if (!session || !job)
    return null(session ? "job" : "session");
  if (flags & ~uint32_t(ACTNET_NO_TRANSFERS))
    return fail(ACTNET_INVALID,
                "flags: expected 0 or ACTNET_NO_TRANSFERS, found " +
                    std::to_string(flags));
  if (size_t count = session->session->program().functions().size();
      outside(function, count))
    return badIndex("function", function, count);
  return guarded([&]() -> actnet_status {
    if (session->session->allSlotsTaken())
      return fail(ACTNET_BUSY,
                  "every slot of the ring is in flight; wait for a job first");
    auto number = session->session->submit(uint32_t(function),
                                           !(flags & ACTNET_NO_TRANSFERS));
    if (!number)
      return toC(number.status());
    *job = *number;
    return ACTNET_OK;
  });
}

/// A job's failure is one whatever its cause: only the number can be invalid.
static actnet_status waitStatus(Session &session, uint64_t job) {
  if (!session.isInFlight(job))
    return fail(ACTNET_INVALID, "job: expected one that is in flight, found " +
                                    std::to_string(job));
  Status status = session.wait(job);
  return status ? ACTNET_OK : fail(ACTNET_FAILED, status.message());
}

actnet_status actnet_wait(actnet_session *session, uint64_t job) {
  if (!session)
    return null("session");
  return guarded([&] { return waitStatus(*session->session, job); });
}

actnet_status actnet_run(actnet_session *session, int32_t function) {
  uint64_t job;
  actnet_status status = actnet_submit(session, function, 0, &job);
  return status == ACTNET_OK ? actnet_wait(session, job) : status;
}

actnet_status actnet_reset_state(actnet_session *session) {
  if (!session)
    return null("session");
  return guarded([&]() -> actnet_status {
    if (session->session->anySlotTaken())
      return fail(ACTNET_BUSY, "jobs are in flight; wait for them first");
    return toC(session->session->resetState());
  });
}

actnet_status actnet_memory(const actnet_session *session,
                            actnet_memory_info *info) {
  if (!session || !info)
    return null(session ? "info" : "session");
  return guarded([&] {
    *info = session->session->memory();
    return ACTNET_OK;
  });
}

actnet_status actnet_chosen(const actnet_session *session, const char **device,
                            const char **isa, int32_t *threads) {
  if (!session)
    return null("session");
  if (device)
    *device = session->device.c_str();
  if (isa)
    *isa = session->isa.c_str();
  if (threads)
    *threads = int32_t(session->session->deviceInfo().threads);
  return ACTNET_OK;
}

actnet_status actnet_write_profile(const actnet_session *session,
                                   const char *path) {
  if (!session || !path)
    return null(session ? "path" : "session");
  return guarded([&] { return session->session->writeProfile(path); });
}
