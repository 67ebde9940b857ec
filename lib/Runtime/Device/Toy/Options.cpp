//===- Options.cpp - reads ACTNET_TOY -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Device/Toy.h"

#include <charconv>
#include <cstdlib>

namespace actnet::rt {

namespace {

constexpr std::pair<std::string_view, ToyFault::Kind> faultNames[] = {
    {"allocation", ToyFault::Kind::allocation},
    {"launch", ToyFault::Kind::launch},
    {"copy", ToyFault::Kind::copy},
    {"lost", ToyFault::Kind::lost},
    {"slow", ToyFault::Kind::slow},
};

Status wrong(std::string_view word, std::string_view expected) {
  return invalidArgument("ACTNET_TOY: expected " + std::string(expected) +
                         ", found '" + std::string(word) + "'");
}

bool readNumber(std::string_view text, uint64_t &value) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() &&
         !text.empty();
}

Status readFault(std::string_view word, std::string_view value,
                 ToyOptions &options) {
  size_t at = value.find('@');
  ToyFault fault{ToyFault::Kind::launch, 1};
  bool known = false;
  for (auto [name, kind] : faultNames)
    if (value.substr(0, at) == name) {
      fault.kind = kind;
      known = true;
    }
  if (!known || (at != value.npos &&
                 (!readNumber(value.substr(at + 1), fault.at) || !fault.at)))
    return wrong(word, "fault=allocation, launch, copy, lost or slow, then @N "
                       "with N from 1");
  options.faults.push_back(fault);
  return {};
}

Status readWord(std::string_view word, ToyOptions &options) {
  size_t equals = word.find('=');
  std::string_view key = word.substr(0, equals);
  std::string_view value =
      equals == word.npos ? std::string_view() : word.substr(equals + 1);
  if (key == "fault")
    return readFault(word, value, options);
  uint64_t number = 0;
  bool isNumber = readNumber(value, number);
  if (key == "seed")
    return isNumber ? (options.seed = number, Status())
                    : wrong(word, "seed=N, a number");
  if (key == "threads")
    return isNumber && number <= 256
               ? (options.threads = unsigned(number), Status())
               : wrong(word, "threads=N with N from 0 to 256");
  if (key == "memory")
    return isNumber ? (options.memoryBytes = number, Status())
                    : wrong(word, "memory=N, a number of bytes");
  bool *flag = key == "delays"        ? &options.delays
               : key == "synchronous" ? &options.synchronous
               : key == "serial"      ? &options.serial
               : key == "order"       ? &options.order
                                      : nullptr;
  if (!flag)
    return wrong(word,
                 "seed=, threads=, delays=, synchronous=, serial=, order=, "
                 "memory= or fault=");
  if (!isNumber || number > 1)
    return wrong(word, std::string(key) + "=0 or " + std::string(key) + "=1");
  *flag = number;
  return {};
}

} // namespace

Expected<ToyOptions> parseToyOptions(std::string_view text) {
  ToyOptions options;
  while (!text.empty()) {
    size_t comma = text.find(',');
    ACTNET_RETURN_IF_ERROR(readWord(text.substr(0, comma), options));
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
  }
  return options;
}

Expected<std::unique_ptr<Device>> createToyDeviceFromEnvironment() {
  const char *text = std::getenv("ACTNET_TOY");
  ACTNET_ASSIGN_OR_RETURN(ToyOptions options,
                          parseToyOptions(text ? text : ""));
  return createToyDevice(options);
}

} // namespace actnet::rt
