//===- SimulatedSystem.cpp - actors from a seed, in virtual time ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Actor/SimulatedSystem.h"

#include <algorithm>

namespace actnet::rt {

SimulatedSource::~SimulatedSource() = default;

uint64_t SimulatedSystem::random() {
  // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
  // generators, 2014): any seed is good.
  uint64_t z = (randomState += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

Expected<ActorId> SimulatedSystem::spawn(std::unique_ptr<Actor> actor,
                                         uint32_t capacity) {
  auto id = ActorId(cells.size() + 1);
  attach(*actor, *this, id);
  Cell cell;
  cell.actor = std::move(actor);
  cell.capacity = capacity;
  cells.push_back(std::move(cell));
  return id;
}

Sent SimulatedSystem::send(ActorId to, const Message &message,
                           Delivery delivery, bool) {
  if (to == nobody || to > cells.size())
    return Sent::gone;
  Cell &cell = cells[to - 1];
  if (delivery == Delivery::request) {
    if (cell.capacity && cell.unanswered >= cell.capacity) {
      if (std::find(cell.waiters.begin(), cell.waiters.end(), message.from) ==
          cell.waiters.end())
        cell.waiters.push_back(message.from);
      return Sent::busy;
    }
    ++cell.unanswered;
  }
  cell.messages.push_back(message);
  return Sent::yes;
}

void SimulatedSystem::sendAt(int64_t timeNs, ActorId to,
                             const Message &message) {
  timers.push_back({timeNs, to, message});
}

void SimulatedSystem::answered(ActorId to) {
  if (to == nobody || to > cells.size())
    return;
  --cells[to - 1].unanswered;
  std::vector<ActorId> told;
  told.swap(cells[to - 1].waiters);
  Message credit = Message::make(creditMessage);
  credit.from = to;
  for (ActorId waiter : told)
    send(waiter, credit, Delivery::always);
}

void SimulatedSystem::fireTimers() {
  // In the order set; equal times keep it.
  for (size_t i = 0; i < timers.size();) {
    if (timers[i].timeNs > clock) {
      ++i;
      continue;
    }
    Timer due = timers[i];
    timers.erase(timers.begin() + ptrdiff_t(i));
    send(due.to, due.message, Delivery::always);
  }
}

bool SimulatedSystem::step() {
  size_t readyActors = 0, readySources = 0;
  for (const Cell &cell : cells)
    readyActors += !cell.messages.empty();
  for (const SimulatedSource *source : sources)
    readySources += source->ready();
  size_t choices = readyActors + readySources;
  if (choices == 0) {
    if (timers.empty())
      return false;
    clock =
        std::max(clock, std::min_element(timers.begin(), timers.end(),
                                         [](const Timer &a, const Timer &b) {
                                           return a.timeNs < b.timeNs;
                                         })
                            ->timeNs);
    fireTimers();
    return true;
  }
  clock += int64_t(random() % 1000);
  fireTimers();
  uint64_t choice = random() % choices;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].messages.empty() || choice-- != 0)
      continue;
    Message message = cells[i].messages.front();
    cells[i].messages.pop_front();
    Actor &actor = *cells[i].actor;
    if (quitted(actor))
      actor.handleLate(message);
    else
      actor.handle(message);
    return true;
  }
  for (SimulatedSource *source : sources) {
    if (!source->ready() || choice-- != 0)
      continue;
    source->step(random());
    return true;
  }
  return true;
}

bool SimulatedSystem::run(uint64_t limit) {
  for (uint64_t i = 0; i < limit; ++i)
    if (!step())
      return true;
  return false;
}

} // namespace actnet::rt
