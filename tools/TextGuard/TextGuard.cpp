//===- TextGuard.cpp - what the parser of MLIR takes on trust -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TextGuard.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace actnet;
using llvm::StringRef;

namespace {

/// Words, strings and single characters, without comments.
class Lexer {
public:
  explicit Lexer(StringRef text) : text(text) {}

  /// The next token; empty at the end. A string has its quotes.
  StringRef next() {
    while (at < text.size()) {
      if (llvm::isSpace(text[at]))
        ++at;
      else if (text.substr(at).starts_with("//"))
        at = std::min(text.find('\n', at), text.size());
      else
        break;
    }
    size_t begin = at;
    if (at == text.size())
      return {};
    if (text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"' && text[at] != '\n'; ++at)
        if (text[at] == '\\')
          ++at;
      at = std::min(at + 1, text.size());
    } else if (isWord(text[at])) {
      while (at < text.size() && isWord(text[at]))
        ++at;
    } else {
      ++at;
    }
    return text.slice(begin, at);
  }

  size_t position() const { return at; }

private:
  static bool isWord(char c) {
    return llvm::isAlnum(c) || c == '_' || c == '.' || c == '$' || c == '#' ||
           c == '%' || c == '@' || c == '!';
  }
  StringRef text;
  size_t at = 0;
};

/// What is open at a place of the text. A `<` may also be a comparison, so it
/// is closed with what it stands in, and nothing relies on its `>`.
class Nesting {
public:
  /// Whether `token` opens one level too many.
  bool isTooDeep(StringRef token, StringRef before) {
    if (token.size() != 1)
      return false;
    char c = token.front();
    if (c == '-' && ++minuses > kDeepestText)
      return true;
    if (c != '-')
      minuses = 0;
    if (c == '(' || c == '[' || c == '{' || c == '<')
      open.push_back(c);
    else if (c == '>' && before != "-" && !open.empty() && open.back() == '<')
      open.pop_back();
    else if (c == ')' || c == ']' || c == '}') {
      while (!open.empty() && open.back() == '<')
        open.pop_back();
      if (!open.empty())
        open.pop_back();
    }
    return open.size() > kDeepestText;
  }

private:
  llvm::SmallVector<char> open;
  size_t minuses = 0; // the parser calls itself for each of `- - -d0`
};

} // namespace

std::optional<TextFault> actnet::findTextFault(StringRef text) {
  Lexer lexer(text);
  Nesting nesting;
  // Whether each open brace is that of properties, `<{`, or follows a
  // parenthesis: then operations stand in their generic form, which is safe.
  llvm::SmallVector<bool> generic;
  StringRef before, token;
  auto faultAt = [&](size_t place, const llvm::Twine &message) {
    StringRef front = text.take_front(place);
    return TextFault{unsigned(front.count('\n') + 1),
                     unsigned(place - (front.rfind('\n') + 1) + 1),
                     message.str()};
  };
  while (!(token = lexer.next()).empty()) {
    if (nesting.isTooDeep(token, before))
      return faultAt(lexer.position() - 1, "nested deeper than " +
                                               llvm::Twine(kDeepestText) +
                                               " levels at '" + token + "'");
    if (token == "{")
      generic.push_back(before == "<" || before == ")");
    else if (token == "}" && !generic.empty())
      generic.pop_back();
    if (token != "iterator_types" || (!generic.empty() && generic.back())) {
      before = token;
      continue;
    }
    size_t place = lexer.position();
    auto fault = [&](StringRef found) {
      return faultAt(place, "iterator_types: expected a list of strings such "
                            "as [\"parallel\"], found '" +
                                found + "'");
    };
    if ((before = lexer.next()) != "=")
      continue;
    place = lexer.position();
    if ((token = lexer.next()) != "[")
      return fault(token);
    for (before = token; before != "]"; before = token) {
      place = lexer.position();
      token = lexer.next();
      bool isString = token.size() > 1 && token.starts_with("\"");
      bool fits = before == "["   ? isString || token == "]"
                  : before == "," ? isString
                                  : token == "," || token == "]";
      if (!fits)
        return fault(token);
    }
  }
  return std::nullopt;
}
