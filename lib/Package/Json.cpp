//===- Json.cpp - print a package as JSON ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FlatBuffers' reflection walks the tables, so a new field of the schema is
// printed without a line here.
//
//===----------------------------------------------------------------------===//

#include "actnet/Package/Expr.h"
#include "actnet/Package/Reader.h"

#include <flatbuffers/minireflect.h>

#include <cstdio>

namespace actnet::pkg {

namespace {

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += char(c);
    } else if (c < 0x20 || c == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", unsigned(c));
      out += escaped;
    } else {
      out += char(c);
    }
  }
  return out + "\"";
}

/// FlatBuffers' own printer does not quote the names of enumerators.
class JsonVisitor final : public flatbuffers::IterationVisitor {
public:
  std::string text;

  void StartSequence() override { text += '{'; }
  void EndSequence() override { text += '}'; }
  void Field(size_t, size_t set, flatbuffers::ElementaryType, bool,
             const flatbuffers::TypeTable *, const char *name,
             const uint8_t *value) override {
    if (!value)
      return;
    if (set > 0)
      text += ',';
    text += quote(name ? name : "?") + ':';
  }
  void StartVector() override { text += '['; }
  void EndVector() override { text += ']'; }
  void Element(size_t i, flatbuffers::ElementaryType,
               const flatbuffers::TypeTable *, const uint8_t *) override {
    if (i > 0)
      text += ',';
  }
  void UType(uint8_t value, const char *name) override { named(value, name); }
  void Bool(bool value) override { text += value ? "true" : "false"; }
  void Char(int8_t value, const char *name) override { named(value, name); }
  void UChar(uint8_t value, const char *name) override { named(value, name); }
  void Short(int16_t value, const char *name) override { named(value, name); }
  void UShort(uint16_t value, const char *name) override { named(value, name); }
  void Int(int32_t value, const char *name) override { named(value, name); }
  void UInt(uint32_t value, const char *name) override { named(value, name); }
  void Long(int64_t value) override { text += std::to_string(value); }
  void ULong(uint64_t value) override { text += std::to_string(value); }
  void Float(float value) override { text += std::to_string(value); }
  void Double(double value) override { text += std::to_string(value); }
  void String(const flatbuffers::String *value) override {
    text += quote(value->string_view());
  }
  void Unknown(const uint8_t *) override { text += "null"; }

private:
  template <typename T> void named(T value, const char *name) {
    text += name ? quote(name) : std::to_string(value);
  }
};

void appendTables(std::string &out, const Section &section,
                  const flatbuffers::TypeTable *type) {
  JsonVisitor visitor;
  flatbuffers::IterateFlatBuffer(
      reinterpret_cast<const uint8_t *>(section.bytes.data()), type, &visitor);
  out += visitor.text;
}

} // namespace

std::string dumpJson(const Reader &reader) {
  std::string out =
      "{\"schema\":" + std::to_string(reader.interface().schema_version) +
      ",\"sections\":[";
  for (const Section &section : reader.sections()) {
    if (&section != reader.sections().data())
      out += ',';
    out += "{\"name\":" + quote(section.name) +
           ",\"offset\":" + std::to_string(section.offset) +
           ",\"bytes\":" + std::to_string(section.bytes.size()) + '}';
  }
  out += "],\"interface\":";
  appendTables(out, *reader.findSection(interfaceSection),
               fb::InterfaceTypeTable());

  // The same expressions for human eyes.
  std::vector<std::string> dims;
  for (const auto &dim : reader.interface().dims)
    dims.push_back(dim->name);
  out += ",\"expressions\":[";
  for (ExprId id = 0; id < reader.interface().exprs.size(); ++id)
    out +=
        (id ? "," : "") + quote(exprText(reader.interface().exprs, id, dims));
  out += "],\"plans\":[";
  bool first = true;
  for (const auto &plan : reader.plans()) {
    if (!std::exchange(first, false))
      out += ',';
    appendTables(out,
                 *reader.findSection(std::string(planPrefix) + plan->target),
                 fb::PlanTypeTable());
  }
  return out + "]}\n";
}

} // namespace actnet::pkg
