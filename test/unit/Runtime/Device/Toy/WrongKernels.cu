//===- WrongKernels.cu - what the software GPU must notice, and must not --===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "device.h"

namespace actnet {

struct Wide {
  u32 v[10];
};

// One access of the form `form` to element `index` (in units of 4 bytes) of
// `from`, `to` or a shared array of 64 words, by one thread.
ACTNET_KERNEL(32)
forms(const u32 *__restrict__ from, u32 *to, i64 form, i64 index) {
  ACTNET_SHARED(u32, tile, 64);
  u32 *words = tile;
  const bool mine = threadIndex() == 0;
  const u8 *source = reinterpret_cast<const u8 *>(from + index);
  u8 *target = reinterpret_cast<u8 *>(to + index);
  u64 kept = 0;
  if (mine) {
    // Reads.
    if (form == 0)
      kept = source[0];
    if (form == 1)
      kept = *reinterpret_cast<const u16 *>(source);
    if (form == 2)
      kept = *reinterpret_cast<const u32 *>(source);
    if (form == 3)
      kept = *reinterpret_cast<const u64 *>(source);
    if (form == 4)
      kept = loadVector<Bytes8>(source).v[1];
    if (form == 5)
      kept = loadVector<Bytes16>(source).v[3];
    if (form == 6) {
      Wide wide = *reinterpret_cast<const Wide *>(source);
      for (u32 v : wide.v)
        kept += v;
    }
    if (form == 7) {
      u8 copy[24];
      __builtin_memcpy(copy, source, 24);
      for (u8 v : copy)
        kept += v;
    }
    if (form == 8)
      kept = *reinterpret_cast<const volatile u32 *>(source);
    if (form == 9) {
      copyAsync16(tile, source, 16);
      commitCopies();
      waitCopies<0>();
    }
    // Writes.
    if (form == 20)
      target[0] = 1;
    if (form == 21)
      *reinterpret_cast<u16 *>(target) = 1;
    if (form == 22)
      *reinterpret_cast<u32 *>(target) = 1;
    if (form == 23)
      *reinterpret_cast<u64 *>(target) = 1;
    if (form == 24)
      storeVector(target, Bytes8{{1, 2}});
    if (form == 25)
      storeVector(target, Bytes16{{1, 2, 3, 4}});
    if (form == 26)
      *reinterpret_cast<Wide *>(target) = Wide{{1, 2, 3}};
    if (form == 27)
      __builtin_memset(target, 7, 24);
    if (form == 28)
      for (int i = 0; i < 40; ++i)
        target[i] = 0;
    if (form == 29)
      *reinterpret_cast<volatile u32 *>(target) = 1;
    // Both.
    if (form == 40)
      atomicAdd(reinterpret_cast<u32 *>(target), 1u);
    if (form == 41)
      atomicMax(reinterpret_cast<i64 *>(target), i64(5));
    if (form == 42)
      atomicOr(reinterpret_cast<u64 *>(target), u64(8));
    if (form == 43)
      __atomic_fetch_add(reinterpret_cast<u32 *>(target), 1u, __ATOMIC_RELAXED);
    if (form == 44)
      *reinterpret_cast<u32 *>(target) += 1;
    if (form == 45)
      atomicMin(reinterpret_cast<i32 *>(target), 3);
    // Shared memory.
    if (form == 60)
      words[index] = 1;
    if (form == 61)
      storeVector(tile + index, Bytes16{{1, 2, 3, 4}});
    if (form == 62)
      kept = words[index];
    if (form == 63)
      copyAsync16(tile + index, from, 16);
    if (form == 64)
      atomicAdd(tile + index, 1u);
  }
  if (form == 65) {
    u32 fragment[4];
    loadMatrix4(fragment, tile + index);
    kept = fragment[0];
  }
  if (mine && kept == 0x123456789)
    to[0] = 1;
}
ACTNET_ENTRY(forms)

// Two threads, or two blocks, in all kinds of orders; `form` says which.
ACTNET_KERNEL(64) orders(u32 *data, i64 form) {
  ACTNET_SHARED(u32, tile, 64);
  const int t = threadIndex();
  const i64 b = blockIndex();
  u32 kept = 0;
  tile[t] = 0;
  barrier();
  switch (form) {
  case 0: // right: a barrier between
    tile[t] = 1;
    barrier();
    kept = tile[63 - t];
    break;
  case 1: // no barrier
    tile[t] = 1;
    kept = tile[63 - t];
    break;
  case 2: // a shuffle orders nothing
    tile[t] = 1;
    kept = shuffleXor(u32(t), 1);
    kept += tile[t ^ 1];
    break;
  case 3: // warpBarrier orders the warp
    tile[t] = 1;
    warpBarrier();
    kept = tile[t ^ 1];
    break;
  case 4: // and not others
    tile[t] = 1;
    warpBarrier();
    kept = tile[63 - t];
    break;
  case 5: // write after read
    tile[t] = 1;
    barrier();
    kept = tile[63 - t];
    tile[t] = 2;
    break;
  case 6: // right
    tile[t] = 1;
    barrier();
    kept = tile[63 - t];
    barrier();
    tile[t] = kept;
    break;
  case 7: // two blocks write one word
    if (t == 0)
      data[0] = 1;
    break;
  case 8: // one block reads what another writes
    if (t == 0)
      data[b] = data[1 - b];
    break;
  case 9: // atomics don't race with each other
    atomicAdd(data, 1u);
    break;
  case 10: // but with a read
    if (b == 0)
      atomicAdd(data, 1u);
    else
      kept = data[0];
    break;
  case 11: // neighbouring bytes are not one another
    reinterpret_cast<u8 *>(data)[64 * b + t] = 1;
    break;
  case 12: // a byte of a word that another thread writes
    if (t == 0)
      data[b] = 1;
    if (t == 40)
      reinterpret_cast<u8 *>(data + b)[1] = 1;
    break;
  case 13: // the same, the byte first for most orders
    if (t == 40)
      data[b] = 1;
    if (t == 0)
      reinterpret_cast<u8 *>(data + b)[1] = 1;
    break;
  case 14: // all read, one writes
    kept = data[b];
    if (t == 3)
      data[b] = 1;
    break;
  case 15: // all read, one writes behind a barrier
    kept = data[b];
    barrier();
    if (t == 3)
      data[b] = 1;
    break;
  case 16: // in place
    data[64 * b + t] += 1;
    break;
  case 17: // a vote and mma order nothing either
    tile[t] = 1;
    kept = anyInWarp(t == 5);
    kept += tile[t ^ 2];
    break;
  case 18: // halves of one word
    reinterpret_cast<u16 *>(data)[64 * b + t] = 1;
    barrier();
    kept = reinterpret_cast<u16 *>(data)[64 * b + 63 - t];
    break;
  case 19: { // locals and constants belong to nobody else
    static constexpr u32 table[] = {3, 1, 4, 1, 5, 9, 2, 6};
    u32 own[8];
    for (int i = 0; i < 8; ++i)
      own[i] = table[(i + t) % 8];
    barrier();
    for (int i = 0; i < 8; ++i)
      kept += own[(i * t) % 8];
    break;
  }
  }
  if (kept == 0x12345678)
    data[0] = kept;
}
ACTNET_ENTRY(orders)

// Waiting where not everybody comes.
ACTNET_KERNEL(64) meetings(u32 *data, i64 form) {
  const int t = threadIndex();
  u32 kept = 0;
  switch (form) {
  case 0:
    if (t == 7)
      return;
    barrier();
    break;
  case 1:
    if (t < 32)
      barrier();
    else
      barrier();
    break;
  case 2:
    if (t % 32 != 5)
      kept = shuffleXor(u32(t), 1);
    break;
  case 3:
    if (t % 32 < 16)
      warpBarrier();
    break;
  case 4: // right: a warp by itself
    if (t < 32)
      kept = shuffle(u32(t), 3);
    barrier();
    break;
  case 5:
    if (t % 2)
      kept = shuffleXor(u32(t), 1);
    else
      kept = ballot(true);
    break;
  case 6:
    if (t == 0)
      barrier();
    else
      warpBarrier();
    break;
  }
  if (kept == 0x12345678)
    data[0] = kept;
}
ACTNET_ENTRY(meetings)

// Asynchronous copies of 16 bytes a thread; result: what thread 63 - t copied.
ACTNET_KERNEL(64)
copies(const u32 *__restrict__ from, u32 *__restrict__ to, i64 form) {
  ACTNET_SHARED(u32, tile, 256);
  const int t = threadIndex();
  copyAsync16(tile + 4 * t, from + 4 * t, form == 7 ? 4 : 16);
  commitCopies();
  if (form == 1) { // read before the wait
    to[t] = tile[4 * t];
    waitCopies<0>();
    return;
  }
  if (form == 2) // written while it is under way
    tile[4 * t] = 1;
  if (form == 3) { // the wait lets this group pass
    waitCopies<1>();
    barrier();
  } else if (form == 4) { // a second group may stay, the first is there
    copyAsync16(tile + 4 * t, from + 4 * t, 16);
    commitCopies();
    waitCopies<1>();
    barrier();
  } else {
    waitCopies<0>();
    if (form != 5) // each thread waits for its own only
      barrier();
  }
  to[t] = tile[4 * (63 - t) + (form == 7)];
}
ACTNET_ENTRY(copies)

ACTNET_KERNEL(32) dynamic(u32 *to, i64 words) {
  u32 *tile = dynamicShared<u32>();
  for (i64 i = threadIndex(); i < words; i += 32)
    tile[i] = u32(i);
  barrier();
  if (threadIndex() == 0)
    to[0] = tile[words - 1];
}
ACTNET_ENTRY(dynamic)

// The order in which the threads come.
ACTNET_KERNEL(64) tickets(u32 *__restrict__ next, u32 *__restrict__ ticket) {
  ticket[64 * blockIndex() + threadIndex()] = atomicAdd(next, 1u);
}
ACTNET_ENTRY(tickets)

// An array in registers: its elements are written and read at `index`.
ACTNET_KERNEL(32) registers(u32 *to, i64 index) {
  struct {
    u32 rows[3][4];
  } own = {};
  own.rows[index / 8][index % 8] = 7;
  if (threadIndex() == 0)
    for (int row = 0; row < 3; ++row)
      for (u32 v : own.rows[row])
        to[0] += v;
}
ACTNET_ENTRY(registers)

} // namespace actnet
