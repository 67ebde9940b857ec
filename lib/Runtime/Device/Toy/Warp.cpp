//===- Warp.cpp - what the lanes of a warp do together; async copies ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last lane to arrive does the work of all, on what the others brought.
// Fragment layouts: PTX ISA 8.x, "Warp Level Matrix Instructions"
// (mma.m16n8k16, mma.m16n8k8, ldmatrix). Products are summed in double and
// rounded once, which lies within what the hardware may do.
//
//===----------------------------------------------------------------------===//
#include "Hooks.h"

#include <cstring>

namespace actnet::rt::toy {

namespace {

uintptr_t addressOf(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

float floatOfBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

float floatOfHalf(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16, rest = half & 0x7fff;
  if (rest >= 0x7c00)
    return floatOfBits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
  if (rest >= 0x400)
    return floatOfBits(sign | ((rest << 13) + 0x38000000));
  float magnitude = float(rest) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

/// Element `i` of a register of two halves.
float halfAt(uint32_t reg, unsigned i, int kind) {
  auto bits = uint16_t(reg >> (16 * i));
  return kind == 0 ? floatOfHalf(bits) : floatOfBits(uint32_t(bits) << 16);
}

constexpr unsigned mostDepth = 16;
struct Tiles {
  float a[16][mostDepth];
  float b[mostDepth][8];
};

/// Puts the fragments of f16 or bf16 together.
void gatherHalves(const GpuThread *lanes, int kind, Tiles &tiles) {
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    const uint32_t *a = lanes[lane].a, *b = lanes[lane].b;
    for (unsigned i = 0; i < 2; ++i) {
      unsigned k = 2 * t + i;
      tiles.a[g][k] = halfAt(a[0], i, kind);
      tiles.a[g + 8][k] = halfAt(a[1], i, kind);
      tiles.a[g][k + 8] = halfAt(a[2], i, kind);
      tiles.a[g + 8][k + 8] = halfAt(a[3], i, kind);
      tiles.b[k][g] = halfAt(b[0], i, kind);
      tiles.b[k + 8][g] = halfAt(b[1], i, kind);
    }
  }
}

/// The same for tf32, whose low 13 bits the hardware ignores.
void gatherTf32(const GpuThread *lanes, Tiles &tiles) {
  auto value = [](uint32_t bits) { return floatOfBits(bits & 0xffffe000); };
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    const uint32_t *a = lanes[lane].a, *b = lanes[lane].b;
    tiles.a[g][t] = value(a[0]);
    tiles.a[g + 8][t] = value(a[1]);
    tiles.a[g][t + 4] = value(a[2]);
    tiles.a[g + 8][t + 4] = value(a[3]);
    tiles.b[t][g] = value(b[0]);
    tiles.b[t + 4][g] = value(b[1]);
  }
}

void multiply(GpuThread *lanes, int kind) {
  Tiles tiles;
  if (kind == 2)
    gatherTf32(lanes, tiles);
  else
    gatherHalves(lanes, kind, tiles);
  unsigned depth = kind == 2 ? 8 : 16;
  double sums[16][8] = {};
  for (unsigned m = 0; m < 16; ++m)
    for (unsigned k = 0; k < depth; ++k)
      for (unsigned n = 0; n < 8; ++n)
        sums[m][n] += double(tiles.a[m][k]) * double(tiles.b[k][n]);
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    float *d = lanes[lane].d;
    d[0] = float(double(d[0]) + sums[g][2 * t]);
    d[1] = float(double(d[1]) + sums[g][2 * t + 1]);
    d[2] = float(double(d[2]) + sums[g + 8][2 * t]);
    d[3] = float(double(d[3]) + sums[g + 8][2 * t + 1]);
  }
}

/// Rows were checked as each lane arrived; lane l of matrix i gets elements
/// 2 (l % 4) and the next of row l / 4, or of that column.
void loadMatrices(GpuThread *lanes) {
  bool transposed = lanes[0].argument;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned g = lane / 4, t = lane % 4;
      uint32_t value = 0;
      for (unsigned e = 0; e < 2; ++e) {
        unsigned row = transposed ? 2 * t + e : g;
        unsigned column = transposed ? g : 2 * t + e;
        uint16_t half;
        std::memcpy(&half,
                    static_cast<const std::byte *>(lanes[8 * i + row].row) +
                        2 * column,
                    2);
        value |= uint32_t(half) << (16 * e);
      }
      lanes[lane].r[i] = value;
    }
}

} // namespace

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

void Block::waitForWarpBarrier(const char *file, int line) {
  waitForWarp(Collective::warpBarrier, file, line, [this](GpuThread *) {
    tick();
    warps[threadIndex / warpSize].lastSync = time;
    refreshStamp();
  });
}

uint64_t Block::shuffle(uint64_t bits, int by, int kind, const char *file,
                        int line) {
  thread->bits = bits;
  thread->argument = by;
  waitForWarp(Collective::shuffle, file, line, [kind](GpuThread *lanes) {
    for (unsigned lane = 0; lane < warpSize; ++lane) {
      auto by = unsigned(lanes[lane].argument);
      unsigned from = kind == 0   ? by % warpSize
                      : kind == 1 ? (lane ^ by) % warpSize
                                  : lane + by;
      lanes[lane].result = lanes[from < warpSize ? from : lane].bits;
    }
  });
  return thread->result;
}

uint32_t Block::ballot(bool value, const char *file, int line) {
  thread->bits = value;
  waitForWarp(Collective::vote, file, line, [](GpuThread *lanes) {
    uint32_t all = 0;
    for (unsigned lane = 0; lane < warpSize; ++lane)
      all |= uint32_t(lanes[lane].bits) << lane;
    for (unsigned lane = 0; lane < warpSize; ++lane)
      lanes[lane].result = all;
  });
  return uint32_t(thread->result);
}

void Block::multiplyMatrices(float *d, const uint32_t *a, const uint32_t *b,
                             int kind, const char *file, int line) {
  thread->d = d;
  thread->a = a;
  thread->b = b;
  waitForWarp(Collective::mma, file, line,
              [kind](GpuThread *lanes) { multiply(lanes, kind); });
}

void Block::loadMatrix(uint32_t *r, const void *row, bool transposed,
                       const char *file, int line) {
  if (addressOf(row) % 16)
    violate([&] {
      return "loadMatrix4 of " + describe(addressOf(row), 16) +
             ", which is not 16-byte aligned";
    });
  if (!isShared(addressOf(row)))
    violate([&] {
      return "loadMatrix4 of " + describe(addressOf(row), 16) +
             ", which is not shared memory";
    });
  checkRange(addressOf(row), 16, false);
  thread->r = r;
  thread->row = row;
  thread->argument = transposed;
  waitForWarp(Collective::loadMatrix, file, line, loadMatrices);
}

//===----------------------------------------------------------------------===//
// Asynchronous copies
//===----------------------------------------------------------------------===//

void Block::copyAsync(void *to, const void *from, int valid) {
  uintptr_t target = addressOf(to), source = addressOf(from);
  if (valid < 0 || valid > 16)
    violate([&] {
      return "copyAsync16 with " + std::to_string(valid) + " valid bytes";
    });
  if (target % 16 || !isShared(target))
    violate([&] {
      return "copyAsync16 to " + describe(target, 16) +
             ", which is no 16-byte aligned shared memory";
    });
  if (source % 16 || isShared(source))
    violate([&] {
      return "copyAsync16 from " + describe(source, 16) +
             ", which is no 16-byte aligned global memory";
    });
  checkRange(source, uint64_t(valid), false);
  checkRange(target, 16, true);
  setStates(target, 16, inFlight);
  thread->copies.push_back({to, from, valid, thread->copyGroup, false});
  ++flying;
  if (random.below(3) == 0)
    land(thread->copies.back());
}

void Block::land(AsyncCopy &copy) {
  if (copy.landed)
    return;
  std::byte bytes[16] = {};
  std::memcpy(bytes, copy.from, size_t(copy.valid));
  std::memcpy(copy.to, bytes, 16);
  copy.landed = true;
}

void Block::commitCopies() {
  ++thread->copyGroup;
  for (AsyncCopy &copy : thread->copies)
    if (random.below(3) == 0)
      land(copy);
}

void Block::waitCopies(int groups) {
  // Of the groups so far all but the last `groups` must be there; copies that
  // belong to no group yet are not waited for.
  size_t kept = 0;
  for (AsyncCopy &copy : thread->copies) {
    if (int64_t(copy.group) + groups >= int64_t(thread->copyGroup)) {
      thread->copies[kept++] = copy;
      continue;
    }
    // The source must have kept its bytes, and the bytes arrive now: as if
    // this thread wrote them here.
    checkRange(addressOf(copy.from), uint64_t(copy.valid), false);
    land(copy);
    --flying;
    setStates(addressOf(copy.to), 16, neverWritten);
    checkRange(addressOf(copy.to), 16, true);
  }
  thread->copies.resize(kept);
}

} // namespace actnet::rt::toy
