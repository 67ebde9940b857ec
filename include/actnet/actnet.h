//===- actnet.h - run compiled networks from C ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one interface between a program and a compiled network: open a package,
// see what it holds, create a session, bind inputs and outputs, run. Compiled
// programs, actnet-run and examples/embed use nothing else. It is plain C99,
// links as -lactnet, and needs libc, libm and the loader only.
//
// A first look, without the error checks:
//
//   actnet_program *program;
//   actnet_session *session;
//   actnet_open_file("model.actnet", &program);
//   actnet_create_session(program, NULL, &session);
//   int64_t shape[4] = {1, 1, 8, 8};
//   actnet_bind_input(session, 0, 0, ACTNET_F32, shape, 4, pixels);
//   actnet_bind_output(session, 0, 0, scores, sizeof scores);
//   actnet_run(session, 0);
//   actnet_destroy_session(session);
//   actnet_close(program);
//
// A model compiled with --emit=object is an object NAME.o and a header NAME.h
// that declares
//
//   extern const unsigned char NAME_package[];
//   extern const size_t NAME_package_size;
//
// which go to actnet_open_memory.
//
// Errors. A function that can fail returns an actnet_status. Anything but
// ACTNET_OK leaves its results untouched, and actnet_error_text() then gives
// one line that names the argument, what was expected and what came. No
// function aborts, throws or prints.
//
// Threads. A program is immutable once open: any thread may describe it or
// create sessions from it at any time. A session is used by one thread at a
// time; different sessions run at the same time. The error text belongs to the
// calling thread.
//
// Ownership. Every pointer inside a struct that a describe function fills
// belongs to the program and lives until actnet_close. Bound buffers belong to
// the caller: see actnet_bind_input and actnet_bind_output.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_ACTNET_H
#define ACTNET_ACTNET_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ACTNET_API __attribute__((visibility("default")))
#else
#define ACTNET_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// What became of a call.
typedef enum actnet_status {
  ACTNET_OK = 0,
  ACTNET_INVALID = 1,     ///< an argument is wrong: shape, type, name, index
  ACTNET_NOT_FOUND = 2,   ///< the file, device or name does not exist
  ACTNET_CORRUPT = 3,     ///< the package is damaged, truncated or too new
  ACTNET_UNSUPPORTED = 4, ///< no code for this machine or device
  ACTNET_NO_MEMORY = 5,   ///< the arena or a map could not be allocated
  ACTNET_FAILED = 6,      ///< a job failed, or an earlier one tore its state
  ACTNET_BUSY = 7         ///< every slot of the ring is in flight; wait first
} actnet_status;

/// Element types, in memory as the name says, little endian; a bool is a byte
/// of 0 or 1. The numbers are those of the package.
typedef enum actnet_dtype {
  ACTNET_F32 = 0,
  ACTNET_F64 = 1,
  ACTNET_F16 = 2,
  ACTNET_BF16 = 3,
  ACTNET_I8 = 4,
  ACTNET_I16 = 5,
  ACTNET_I32 = 6,
  ACTNET_I64 = 7,
  ACTNET_U8 = 8,
  ACTNET_U16 = 9,
  ACTNET_U32 = 10,
  ACTNET_U64 = 11,
  ACTNET_BOOL = 12
} actnet_dtype;

/// Which side of a function a tensor is on.
typedef enum actnet_side { ACTNET_INPUT = 0, ACTNET_OUTPUT = 1 } actnet_side;

/// An open package.
typedef struct actnet_program actnet_program;

/// One queue with its arena: state, ring and scratch.
typedef struct actnet_session actnet_session;

/// What a package holds.
typedef struct actnet_program_info {
  const char *model;           ///< name of the model
  const char *producer;        ///< compiler and version that wrote the package
  uint32_t schema;             ///< version of the package's format
  int32_t functions;           ///< number of functions
  int32_t dims;                ///< number of named dims
  int32_t kernels;             ///< distinct kernels of the host's plan
  int32_t variants;            ///< number of host code variants
  const char *const *isas;     ///< their feature lists, best first, [variants]
  uint64_t weight_bytes;       ///< bytes of weights, mapped and never copied
  uint64_t package_bytes;      ///< bytes of the whole package
  const char *oldest_libc;     ///< oldest glibc that this build of actnet needs
  int32_t gpu_kernels;         ///< distinct kernels of the plan for GPUs
  int32_t gpu_variants;        ///< number of images for GPUs
  const char *const *gpu_isas; ///< such as sm_90, compute_90; [gpu_variants]
} actnet_program_info;

/// One function of a package.
typedef struct actnet_function_info {
  const char *name;
  int32_t inputs;
  int32_t outputs;
} actnet_function_info;

/// One input or output of a function.
typedef struct actnet_tensor_info {
  const char *name;
  actnet_dtype dtype;
  int32_t rank;
  const char *const *extents; ///< each axis as text: "3", "N", "2*N+1"; [rank]
  const int64_t *lower;       ///< smallest extent of each axis; [rank]
  const int64_t *upper;       ///< largest extent, -1 when unbounded; [rank]
} actnet_tensor_info;

/// One named dim.
typedef struct actnet_dim_info {
  const char *name;
  int64_t lower; ///< smallest value
  int64_t upper; ///< largest value, -1 when unbounded
} actnet_dim_info;

/// Narrows a named dim for one session.
typedef struct actnet_dim_bound {
  const char *name;
  int64_t lower; ///< at least the package's lower bound
  int64_t upper; ///< at least lower, at most the package's upper bound
} actnet_dim_bound;

/// One device that a session can name.
typedef struct actnet_device_info {
  const char *name;        ///< "host", what `device` of the options takes
  const char *description; ///< model of the processor
  const char *isa;         ///< widest variant that it can run
  int32_t threads;         ///< threads that `threads = 0` means; GPUs: 0
} actnet_device_info;

/// How a session runs. All zero is the default; NULL for the whole is too.
typedef struct actnet_options {
  size_t struct_size; ///< 0, or sizeof(actnet_options)
  /// "host", "cuda", "cuda:1", "toy"; NULL or "auto": the first GPU if the
  /// program has code that it can run, else the host.
  const char *device;
  const char *isa;              ///< NULL for the widest this machine runs
  int32_t threads;              ///< 0: one for each core this process may use
  int32_t in_flight;            ///< ring slots D, 1 to 64; 0: 2
  const actnet_dim_bound *dims; ///< narrower bounds, copied; [num_dims]
  int32_t num_dims;
  int32_t step;    ///< nonzero: send each record as a message
  int32_t profile; ///< nonzero: keep times for actnet_write_profile
  /// Receives notices, one line each without its newline, in the thread that
  /// uses the session; NULL: they are dropped. Example: a plan had to be made
  /// at first use because a dim has no upper bound.
  void (*notice)(void *user, const char *line);
  void *user;
  /// Seconds after which a job is given up and the session with it. 0: the
  /// default, which is 300 on cuda and none elsewhere; negative: none.
  double deadline;
} actnet_options;

/// The memory of a session, in bytes. -1: not known before the first run,
/// because a dim is unbounded.
typedef struct actnet_memory_info {
  int64_t weights;        ///< host: mapped and shared; else uploaded
  int64_t state;          ///< variables
  int64_t ring;           ///< D slots of all inputs and outputs
  int64_t scratch;        ///< values between kernels, as planned
  int64_t thread_scratch; ///< kernels' own scratch, all threads together
  int64_t stacks;         ///< stacks of the worker threads
  int64_t staging;        ///< host memory for what is read back and moved
  int64_t promised;       ///< the sum of all above
  int64_t observed;       ///< allocated and touched so far, measured
  int64_t scratch_peak;   ///< largest offset + size of the scratch plan
  int64_t scratch_bound;  ///< lower bound of any plan: most live bytes
  /// Memory of a GPU that is in use and that this program did not allocate: its
  /// driver's context, code, graphs and streams, and other processes; in no sum
  /// above. -1 on the host, and where the driver does not say.
  int64_t driver;
  int64_t driver_grown; ///< the part that came since the device was opened
} actnet_memory_info;

/// Returns "0.1.0 (schema 1, LLVM 22.1.8, commit abcdef0)": version of this
/// library, newest package format that it reads, the LLVM that its build found
/// for the compiler, commit it was built from. Any thread.
ACTNET_API const char *actnet_version(void);

/// Returns the text of the last error in this thread, one line without its
/// newline, "" if there was none. Valid until the thread's next failing call.
ACTNET_API const char *actnet_error_text(void);

/// Returns the i-th device of this machine, counted from 0.
/// Errors: INVALID when there are not that many.
ACTNET_API actnet_status actnet_describe_device(int32_t index,
                                                actnet_device_info *info);

/// Opens a package, or a program that has one at its end. The file is mapped
/// and must not change while the program is open. Everything but the weights is
/// compared with its checksum; they are not read before they are used, and
/// damage to them goes unseen unless actnet_verify is called.
/// Errors: NOT_FOUND (cannot be opened), CORRUPT (not a package, truncated,
/// damaged, newer format), NO_MEMORY.
ACTNET_API actnet_status actnet_open_file(const char *path,
                                          actnet_program **program);

/// Opens a package in memory, such as NAME_package of an emitted object. The
/// bytes are not copied and must live, unchanged, until actnet_close; their
/// address must be a multiple of 64 (4096 saves a copy of the code).
/// Errors: INVALID (null, misaligned), CORRUPT as above.
ACTNET_API actnet_status actnet_open_memory(const void *data, size_t size,
                                            actnet_program **program);

/// Closes a program; NULL is allowed. Its sessions must be destroyed first.
ACTNET_API void actnet_close(actnet_program *program);

/// Compares the weights with their checksum, which opening does not: it reads
/// all of them, a second for each few GB in memory, more from a disk. Bytes
/// between sections must be zero. With what opening compared that is every byte
/// of the package; the code of a program in front of it is not compared.
/// Errors: INVALID (null), CORRUPT (something is damaged). Any thread.
ACTNET_API actnet_status actnet_verify(const actnet_program *program);

/// Describes the package as a whole. Any thread. Errors: INVALID (null).
ACTNET_API actnet_status actnet_describe_program(const actnet_program *program,
                                                 actnet_program_info *info);

/// Describes a function, counted from 0. Any thread.
/// Errors: INVALID when there are not that many.
ACTNET_API actnet_status actnet_describe_function(const actnet_program *program,
                                                  int32_t function,
                                                  actnet_function_info *info);

/// Describes an input or output of a function, counted from 0. Any thread.
/// Errors: INVALID when there are not that many.
ACTNET_API actnet_status actnet_describe_tensor(const actnet_program *program,
                                                int32_t function,
                                                actnet_side side, int32_t index,
                                                actnet_tensor_info *info);

/// Describes a named dim, counted from 0. Any thread.
/// Errors: INVALID when there are not that many.
ACTNET_API actnet_status actnet_describe_dim(const actnet_program *program,
                                             int32_t index,
                                             actnet_dim_info *info);

/// Fills `shape`, [rank], with the extents that an input or output has when
/// the named dims have the values `dims`, [number of dims, in their order].
/// Any thread. Errors: INVALID (index, an extent without a value).
ACTNET_API actnet_status actnet_evaluate_shape(const actnet_program *program,
                                               int32_t function,
                                               actnet_side side, int32_t index,
                                               const int64_t *dims,
                                               int64_t *shape);

/// Creates a session: chooses device and code variant, makes the worker
/// threads, and allocates the arena for the bounds of the dims. With all dims
/// bounded, nothing is allocated after that, whatever values they take. The
/// program must outlive it.
/// Errors: INVALID (an option), NOT_FOUND (device), UNSUPPORTED (no code for
/// this machine), NO_MEMORY, CORRUPT (a plan that the verifier refuses).
ACTNET_API actnet_status actnet_create_session(const actnet_program *program,
                                               const actnet_options *options,
                                               actnet_session **session);

/// Waits for all jobs in flight and frees the session; NULL is allowed.
ACTNET_API void actnet_destroy_session(actnet_session *session);

/// Binds a dense, row-major tensor as an input of the jobs submitted from now
/// on. `data` holds the product of `shape` elements, at any alignment, and is
/// read until the wait for each such job returns; the caller keeps it. `shape`
/// is copied. A named dim that appears in several inputs must have one value
/// in all of them when the job is submitted.
/// Errors: INVALID (index, type, rank, an extent that the package or a
/// narrowed dim does not allow).
ACTNET_API actnet_status actnet_bind_input(actnet_session *session,
                                           int32_t function, int32_t index,
                                           actnet_dtype dtype,
                                           const int64_t *shape, int32_t rank,
                                           const void *data);

/// Binds a buffer of `capacity` bytes for an output of the jobs submitted from
/// now on; it is written, dense and row-major, before the wait for each such
/// job returns. The caller keeps it, and binds another before submitting the
/// next job if it wants both results. NULL drops the output, as does never
/// binding it. Errors: INVALID (index).
ACTNET_API actnet_status actnet_bind_output(actnet_session *session,
                                            int32_t function, int32_t index,
                                            void *data, size_t capacity);

/// Fills `shape`, [rank], with the extents that an output has for the inputs
/// bound now, so that the caller can size its buffer.
/// Errors: INVALID (index; an input that fixes a dim is not bound, or two
/// inputs disagree on one).
ACTNET_API actnet_status actnet_output_shape(actnet_session *session,
                                             int32_t function, int32_t index,
                                             int64_t *shape);

/// Runs a function on the bound inputs and returns when its outputs are
/// written: actnet_submit and actnet_wait in one.
ACTNET_API actnet_status actnet_run(actnet_session *session, int32_t function);

/// Flags of actnet_submit.
enum {
  /// Neither uploads the inputs nor downloads the outputs: works on what the
  /// ring slot holds from the last job in it. For measuring kernels alone.
  ACTNET_NO_TRANSFERS = 1
};

/// Starts a job on the bound inputs, in order after the earlier ones, and
/// returns its number in `job`. At most `in_flight` jobs are open at a time.
/// Errors: INVALID (an input is not bound, inputs disagree on a dim, an
/// output's buffer is too small), BUSY (no free slot), FAILED (the queue is
/// closed), NO_MEMORY (a new plan for a larger unbounded dim does not fit).
ACTNET_API actnet_status actnet_submit(actnet_session *session,
                                       int32_t function, uint32_t flags,
                                       uint64_t *job);

/// Waits until a job has ended and frees its slot. Every submitted job needs
/// exactly one wait; jobs end in the order in which they were submitted.
/// Errors: INVALID (no such job, or waited for already), FAILED (the job or
/// one that it depends on failed; its outputs are undefined).
ACTNET_API actnet_status actnet_wait(actnet_session *session, uint64_t job);

/// Sets all variables back to their initial values, which also repairs state
/// that a failed job has torn. Errors: BUSY (jobs are in flight), FAILED.
ACTNET_API actnet_status actnet_reset_state(actnet_session *session);

/// Reports promised and observed memory. `observed` is counted, not planned.
ACTNET_API actnet_status actnet_memory(const actnet_session *session,
                                       actnet_memory_info *info);

/// Returns what the session chose: "host" and the feature list of the variant
/// it runs. Pointers live as long as the session. Each may be NULL.
ACTNET_API actnet_status actnet_chosen(const actnet_session *session,
                                       const char **device, const char **isa,
                                       int32_t *threads);

/// Writes the times of all records so far as a Chrome trace (JSON; open it in
/// a browser's trace viewer). Errors: INVALID (the session was not created
/// with `profile`), FAILED (the file cannot be written).
ACTNET_API actnet_status actnet_write_profile(const actnet_session *session,
                                              const char *path);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // ACTNET_ACTNET_H
