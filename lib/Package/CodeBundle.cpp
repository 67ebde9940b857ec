//===- CodeBundle.cpp - many modules of code in one section ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/CodeBundle.h"

#include "Text.h"

#include <algorithm>
#include <cstring>

namespace actnet::pkg {

namespace {

constexpr char magic[8] = {'a', 'c', 't', 'n', 'e', 't', 'B', 1};
constexpr uint64_t dataAlignment = 16;

struct Head {
  char magic[8];
  uint32_t count;
  uint32_t reserved;
};
static_assert(sizeof(Head) == 16);

struct Place {
  uint64_t name, nameBytes;
  uint64_t data, bytes;
};
static_assert(sizeof(Place) == 32);

uint64_t alignUp(uint64_t offset) {
  return (offset + dataAlignment - 1) / dataAlignment * dataAlignment;
}

} // namespace

Expected<CodeBundle> CodeBundle::parse(std::span<const std::byte> bytes) {
  Head head;
  if (bytes.size() < sizeof(head))
    return dataLoss("the bundle of code is cut off");
  std::memcpy(&head, bytes.data(), sizeof(head));
  if (std::memcmp(head.magic, magic, sizeof(magic)) != 0 || head.reserved != 0)
    return dataLoss("this is no bundle of code");
  if (head.count > (bytes.size() - sizeof(head)) / sizeof(Place))
    return dataLoss("the bundle of code is cut off");
  auto slice = [&](uint64_t offset, uint64_t size) {
    return offset <= bytes.size() && size <= bytes.size() - offset;
  };
  CodeBundle bundle;
  bundle.all.reserve(head.count);
  for (uint32_t i = 0; i < head.count; ++i) {
    Place place;
    std::memcpy(&place, bytes.data() + sizeof(head) + i * sizeof(place),
                sizeof(place));
    if (!slice(place.name, place.nameBytes) || !slice(place.data, place.bytes))
      return dataLoss("entry " + std::to_string(i) +
                      " of the bundle of code lies outside of it");
    std::string_view name(reinterpret_cast<const char *>(bytes.data()) +
                              place.name,
                          place.nameBytes);
    if (name.empty() || !isOneLine(name))
      return dataLoss("entry " + std::to_string(i) +
                      " of the bundle of code has a name that is empty or not "
                      "one line");
    bundle.all.push_back({name, bytes.subspan(place.data, place.bytes)});
    bundle.byName.push_back(i);
  }
  auto nameOf = [&](uint32_t i) { return bundle.all[i].name; };
  std::ranges::sort(bundle.byName, {}, nameOf);
  auto twice = std::ranges::adjacent_find(bundle.byName, {}, nameOf);
  if (twice != bundle.byName.end())
    return dataLoss("'" + std::string(nameOf(*twice)) +
                    "' stands twice in the bundle of code");
  return bundle;
}

const CodeBundle::Entry *CodeBundle::find(std::string_view name) const {
  auto nameOf = [&](uint32_t i) { return all[i].name; };
  auto found = std::ranges::lower_bound(byName, name, {}, nameOf);
  return found != byName.end() && nameOf(*found) == name ? &all[*found]
                                                         : nullptr;
}

void CodeBundleWriter::add(std::string_view name,
                           std::span<const std::byte> bytes) {
  entries.push_back({std::string(name), {bytes.begin(), bytes.end()}});
}

void CodeBundleWriter::add(std::string_view name, std::string_view text) {
  add(name, std::as_bytes(std::span(text.data(), text.size())));
}

std::vector<std::byte> CodeBundleWriter::finish() const {
  std::vector<Place> places;
  uint64_t end = sizeof(Head) + entries.size() * sizeof(Place);
  for (const Entry &entry : entries) {
    places.push_back({end, entry.name.size(), 0, entry.bytes.size()});
    end += entry.name.size();
  }
  for (Place &place : places) {
    place.data = alignUp(end);
    end = place.data + place.bytes;
  }
  std::vector<std::byte> bytes(end);
  Head head = {};
  std::memcpy(head.magic, magic, sizeof(magic));
  head.count = uint32_t(entries.size());
  std::memcpy(bytes.data(), &head, sizeof(head));
  for (size_t i = 0; i < entries.size(); ++i) {
    std::memcpy(bytes.data() + sizeof(head) + i * sizeof(Place), &places[i],
                sizeof(Place));
    std::ranges::copy(std::as_bytes(std::span(entries[i].name)),
                      bytes.begin() + ptrdiff_t(places[i].name));
    std::ranges::copy(entries[i].bytes,
                      bytes.begin() + ptrdiff_t(places[i].data));
  }
  return bytes;
}

} // namespace actnet::pkg
