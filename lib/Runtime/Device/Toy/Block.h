//===- Block.h - one block of a launch, its threads and what they share ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block runs on one OS thread. Its threads are started and resumed in an
// order that the seed chooses, and run until they wait or end; lanes of a warp
// are in no lockstep. A thread that has not begun needs no stack, and one that
// ends leaves its stack to the next, so kernels without barriers never switch.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_TOY_BLOCK_H
#define ACTNET_LIB_RUNTIME_DEVICE_TOY_BLOCK_H

#include "Fiber.h"
#include "Shadow.h"

#include <string>

namespace actnet::rt::toy {

inline constexpr unsigned mostThreads = 1024, warpSize = 32;
/// What a block of the largest GPUs may have.
inline constexpr uint64_t mostSharedBytes = 227 << 10;

/// A small generator; state never 0.
struct Random {
  uint64_t state = 1;
  /// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift
  /// generators, scrambled", 2016.
  uint32_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return uint32_t(state * 0x2545f4914f6cdd1dull >> 32);
  }
  uint32_t below(uint32_t bound) {
    return uint32_t(uint64_t(next()) * bound >> 32);
  }
};
/// Spreads a few numbers over 64 bits, never 0.
uint64_t mix(uint64_t a, uint64_t b, uint64_t c);

/// What a launch is to its blocks; shared by the OS threads, constant but for
/// the violation.
struct Running {
  const Launch *launch = nullptr;
  RegionTable table;
  uint64_t seed = 1;
  std::atomic<bool> failed{false};
  /// The first violation; written by whoever set `failed`.
  std::string message;
};

/// An instruction of which all lanes of a warp, or all threads of a block,
/// must take part.
enum class Collective : uint8_t {
  none,
  barrier,
  warpBarrier,
  shuffle,
  vote,
  mma,
  loadMatrix,
};
const char *toString(Collective kind);

/// An asynchronous copy under way.
struct AsyncCopy {
  void *to;
  const void *from;
  int valid;
  unsigned group;
  bool landed;
};

struct GpuThread {
  enum class State : uint8_t { ready, waiting, exited };
  State state = State::ready;
  Collective waitsIn = Collective::none;
  const char *file = nullptr;
  int line = 0;
  Fiber *fiber = nullptr;
  std::vector<AsyncCopy> copies;
  unsigned copyGroup = 0;
  // What a lane brings to a collective, and takes from it.
  uint64_t bits = 0, result = 0;
  float *d = nullptr;
  const uint32_t *a = nullptr, *b = nullptr;
  uint32_t *r = nullptr;
  const void *row = nullptr;
  int argument = 0;
};

struct Warp {
  unsigned arrived = 0;
  /// The block's time when the warp last synchronised.
  uint64_t lastSync = 0;
};

/// The memory that blocks of one OS thread share, one block after the other.
struct SharedSpace {
  static constexpr uint64_t capacity = 512 << 10;
  SharedSpace();
  explicit operator bool() const { return memory && states && words && small; }
  Pages memory, states, words, small;
};

class Block {
public:
  Block() = default;

  /// Runs block `index` to its end, or to a violation. False if the system has
  /// no memory for it.
  bool run(Running &launch, int64_t index);

  // Called by the hooks, on the fiber of the current thread.
  /// Checks an access of 1, 2, 4, 8 or 16 bytes by the instruction at `caller`.
  template <bool isWrite>
  void access(uintptr_t at, uint64_t size, const void *caller);
  /// The same for 4, 8 or 16 bytes; in Fast.h.
  template <unsigned size, bool isWrite>
  void fast(uintptr_t at, const void *caller);
  /// Checks any range.
  void checkRange(uintptr_t at, uint64_t size, bool isWrite,
                  bool isAtomic = false);
  void *shared(const void *place, uint64_t bytes, const char *name);
  void *dynamicShared();
  void waitForBlock(const char *file, int line);
  void waitForWarpBarrier(const char *file, int line);
  uint64_t shuffle(uint64_t bits, int by, int kind, const char *file, int line);
  uint32_t ballot(bool value, const char *file, int line);
  void multiplyMatrices(float *d, const uint32_t *a, const uint32_t *b,
                        int kind, const char *file, int line);
  void loadMatrix(uint32_t *r, const void *row, bool transposed,
                  const char *file, int line);
  /// Waits until all lanes of the warp are here; the last to come runs
  /// `complete(lanes)`.
  template <typename Complete>
  void waitForWarp(Collective kind, const char *file, int line,
                   Complete complete);
  void copyAsync(void *to, const void *from, int valid);
  void commitCopies();
  void waitCopies(int groups);
  /// Keeps a violation by the current thread, if it is the launch's first.
  void note(const std::string &what);
  /// Notes a violation by the current thread and leaves the block for good.
  /// What stands on the stack then is never destroyed, so `text()` makes the
  /// message, and no caller may hold memory.
  template <typename Text> [[noreturn]] void violate(const Text &text) {
    note(text());
    leave();
  }
  /// "4 bytes at offset 16 of operand 2", for messages.
  std::string describe(uintptr_t at, uint64_t size) const;

  Running *launch = nullptr;
  int64_t index = 0;
  GpuThread *thread = nullptr;
  unsigned threadIndex = 0;
  std::vector<GpuThread> threads;
  std::vector<Warp> warps;

private:
  struct Conflict {
    Stamp other;
    bool otherWrites;
  };
  bool ordered(Stamp s) const;
  bool covers(Stamp reads) const;
  Stamp join(Stamp s) const;
  enum class Kind : uint8_t { read, write, atomic };
  /// Compares an access with what a cell holds, and keeps it there.
  template <Kind kind> bool meet(Cell &cell, Conflict &conflict, bool keep);
  template <Kind kind>
  void track(const Region &region, uintptr_t at, uint64_t size);
  [[noreturn]] void race(const Conflict &conflict, Kind kind, uintptr_t at,
                         uint64_t size);
  [[noreturn]] void withoutValue(const Region &region, uintptr_t at,
                                 uint64_t size);
  const Region *find(uintptr_t at) const;
  bool isPrivateOrConstant(uintptr_t at, uint64_t size, bool isWrite) const;
  bool wroteIt(const Region &region, uintptr_t at, uint64_t size) const;
  /// Checks a piece of 1, 2, 4, 8 or 16 bytes that lies in a region, aligned to
  /// its size or, above that, to 4.
  template <Kind kind>
  void checkPiece(const Region &region, uintptr_t at, uint64_t size);
  template <Kind kind> void checkPieces(uintptr_t at, uint64_t size);
  const Region &addShared(const void *place, uint64_t bytes, const char *name);
  bool isShared(uintptr_t at) const;
  void setStates(uintptr_t at, uint64_t size, uint8_t state);
  void land(AsyncCopy &copy);
  [[noreturn]] void leave();

  static void fiberMain(void *self);
  void suspend();
  void release(unsigned begin, unsigned end);
  /// Goes on with the next thread, or home when there is none.
  void next(bool ends);
  void become(unsigned number);
  void tick();
  void checkSite(const GpuThread &other);
  void explainStall();
  void refreshStamp();

  FiberPool fibers;
  SharedSpace space;
  Random random;
  /// Threads to run, a ring of `mostThreads`.
  std::vector<uint16_t> ready;
  unsigned readyBegin = 0, readyCount = 0;
  unsigned arrived = 0, exited = 0;
  unsigned barrierFirst = 0;
  uint64_t time = 1, lastSync = 0, turns = 0;
  unsigned flying = 0;
  bool abandoned = false;
  Stamp stamp = 0;
  uint64_t warpSync = 0;
  Fiber *current = nullptr;

  std::vector<Region> sharedRegions;
  uint64_t sharedUsed = 0;
  /// A shared array was touched by less than 4 bytes.
  uint8_t sharedSmall = 0;
  /// The region that an instruction touched last, by its address.
  const Region *hints[64] = {};
};

/// The block that runs on this thread.
extern constinit thread_local Block *currentBlock;

template <typename Complete>
void Block::waitForWarp(Collective kind, const char *file, int line,
                        Complete complete) {
  unsigned number = threadIndex / warpSize, first = number * warpSize;
  thread->waitsIn = kind;
  thread->file = file;
  thread->line = line;
  if (warps[number].arrived)
    for (unsigned t = first; t < first + warpSize; ++t)
      if (threads[t].state == GpuThread::State::waiting &&
          threads[t].waitsIn != Collective::barrier) {
        checkSite(threads[t]);
        break;
      }
  if (++warps[number].arrived < warpSize)
    return suspend();
  warps[number].arrived = 0;
  thread->waitsIn = Collective::none;
  complete(&threads[first]);
  release(first, first + warpSize);
}

} // namespace actnet::rt::toy

#endif // ACTNET_LIB_RUNTIME_DEVICE_TOY_BLOCK_H
