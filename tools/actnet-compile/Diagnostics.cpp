//===- Diagnostics.cpp - what the compiler says on the terminal -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Diagnostics.h"
#include "actnet/Dialect/Graph/IR/Messages.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <sys/resource.h>

using namespace mlir;
using namespace actnet;

/// `file:line:column: `, `file: name: ` or `name: `, or nothing.
static std::string locationText(Location location) {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (auto file = location->findInstanceOf<FileLineColLoc>()) {
    out << file.getFilename().getValue();
    if (file.getLine())
      out << ":" << file.getLine() << ":" << file.getColumn();
    out << ": ";
  } else if (auto name = location->findInstanceOf<NameLoc>()) {
    // A node of a model stands in its file.
    if (auto file = name.getChildLoc()->findInstanceOf<NameLoc>())
      out << file.getName().getValue() << ": ";
    out << name.getName().getValue() << ": ";
  }
  return text;
}

/// A message is one line, whatever its writer thought.
static std::string oneLine(StringRef text) {
  std::string line;
  for (char c : text.rtrim())
    line += c == '\n' ? ' ' : c;
  return line;
}

ErrorPrinter::ErrorPrinter(MLIRContext &context, bool verbose)
    : engine(context.getDiagEngine()), verbose(verbose) {
  id = engine.registerHandler([this](Diagnostic &diagnostic) {
    bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
    std::string text = oneLine(diagnostic.str());
    // What the phases say of an option begins with it.
    usage |= isError && errors == 0 && StringRef(text).starts_with("-");
    if (isError && errors++ > 0 && !this->verbose)
      return success();
    if (!isError && diagnostic.getSeverity() != DiagnosticSeverity::Warning &&
        !this->verbose)
      return success();
    std::string line =
        std::string("actnet-compile: ") +
        (isError ? "error: "
         : diagnostic.getSeverity() == DiagnosticSeverity::Warning
             ? "warning: "
             : "remark: ") +
        locationText(diagnostic.getLocation()) +
        // At a node of a model, for those who know the model.
        (isa<NameLoc>(diagnostic.getLocation()) ? graph::withoutOp(text).str()
                                                : text);
    // Of the notes only those that add words: where an op stands is no help.
    for (Diagnostic &note : diagnostic.getNotes())
      if (!StringRef(note.str()).starts_with("see current operation"))
        line += "; " + oneLine(note.str());
    if (isError && !this->verbose)
      first = std::move(line);
    else
      llvm::errs() << line << "\n";
    return success();
  });
}

ErrorPrinter::~ErrorPrinter() {
  engine.eraseHandler(id);
  if (first.empty())
    return;
  llvm::errs() << first;
  if (errors > 1)
    llvm::errs() << " (and " << errors - 1 << " more error"
                 << (errors > 2 ? "s" : "") << ", which -v shows)";
  llvm::errs() << "\n";
}

namespace {
struct RemarkPrinter : remark::detail::MLIRRemarkStreamerBase {
  void streamOptimizationRemark(const remark::detail::Remark &entry) override {
    std::string text;
    for (const auto &argument : entry.getArgs())
      text += argument.val;
    llvm::errs() << "actnet-compile: " << entry.getCategoryName() << ": "
                 << locationText(entry.getLocation()) << oneLine(text) << "\n";
  }
};
} // namespace

LogicalResult actnet::enableRemarks(MLIRContext &context) {
  remark::RemarkCategories all;
  all.all = all.passed = all.missed = all.analysis = all.failed = ".*";
  return remark::enableOptimizationRemarks(
      context, std::make_unique<RemarkPrinter>(),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), all);
}

void PhaseTimer::end() {
  if (running)
    entries.back().seconds =
        std::chrono::duration<double>(Clock::now() - started).count();
  running = false;
}

void PhaseTimer::begin(StringRef phase) {
  end();
  entries.push_back({phase.str(), 0});
  started = Clock::now();
  running = true;
}

void PhaseTimer::print() {
  end();
  double total = 0;
  for (const Entry &entry : entries)
    total += entry.seconds;
  for (const Entry &entry : entries)
    llvm::errs() << llvm::format("%10.3f s %5.1f %%  %s\n", entry.seconds,
                                 total > 0 ? 100 * entry.seconds / total : 0.0,
                                 entry.name.c_str());
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  llvm::errs() << llvm::format(
      "%10.3f s 100.0 %%  total; at most %ld MB of memory\n", total,
      usage.ru_maxrss / 1024);
}
