//===- ReportPage.cpp - print a report as HTML ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ReportData.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <map>
#include <optional>
#include <utility>

using namespace actnet;
using llvm::raw_ostream;
using llvm::StringRef;

static std::string escaped(StringRef text) {
  std::string result;
  for (char c : text)
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  return result;
}

/// A value in steps of `step`, with the name of its step.
static std::string scaled(double value, double step,
                          llvm::ArrayRef<const char *> units) {
  unsigned i = 0;
  while (value >= step && i + 1 < units.size()) {
    value /= step;
    ++i;
  }
  std::string text;
  llvm::raw_string_ostream out(text);
  out << llvm::format(i == 0 || value >= 100 ? "%.0f " : "%.1f ", value)
      << units[i];
  return StringRef(text).rtrim().str();
}
/// 1536 becomes `1.5 KiB`, as --memory says it.
static std::string bytesText(double bytes) {
  return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
}
/// 1500 becomes `1.5 K`.
static std::string countText(double count) {
  return scaled(count, 1000, {"", "K", "M", "G", "T", "P"});
}

/// Whose figures they are. The plan for GPUs is toy's too.
static StringRef whoseName(StringRef target) {
  return target == "cuda" ? " on GPUs" : " on the host";
}

//===----------------------------------------------------------------------===//
// The memory plan
//===----------------------------------------------------------------------===//

namespace {

/// Maps records and bytes to the picture's coordinates.
struct Canvas {
  static constexpr double width = 1100, height = 420, left = 74, top = 12,
                          bottom = 34;
  double records, bytes;

  double x(double record) const {
    return left + record * (width - left - 8) / records;
  }
  double y(double offset) const {
    return height - bottom - offset * (height - bottom - top) / bytes;
  }
};

} // namespace

static void printAxes(const ReportData::Function &function,
                      const Canvas &canvas, raw_ostream &out) {
  for (int i = 0; i <= 4; ++i) {
    double bytes = canvas.bytes * i / 4;
    out << llvm::format("<line class=grid x1=%.1f x2=%.1f y1=%.1f y2=%.1f />",
                        Canvas::left, Canvas::width - 8, canvas.y(bytes),
                        canvas.y(bytes))
        << llvm::format("<text x=%.1f y=%.1f text-anchor=end>",
                        Canvas::left - 6, canvas.y(bytes) + 4)
        << bytesText(bytes) << "</text>\n";
  }
  uint64_t step = std::max<uint64_t>(1, function.records / 10);
  double digits = std::pow(10, std::floor(std::log10(double(step))));
  step = uint64_t(std::ceil(step / digits) * digits);
  for (uint64_t record = 0; record <= function.records; record += step)
    out << llvm::format("<text x=%.1f y=%.1f text-anchor=middle>",
                        canvas.x(record), Canvas::height - 14)
        << record << "</text>";
  out << llvm::format("<text x=%.1f y=%.1f text-anchor=end>record</text>\n",
                      Canvas::width - 8, Canvas::height - 1);
}

/// The bytes alive at each record, as a line, and the lower bound.
static void printLive(const ReportData::Function &function,
                      const Canvas &canvas, raw_ostream &out) {
  std::map<uint64_t, int64_t> changes;
  for (const ReportData::Buffer &buffer : function.buffers) {
    changes[buffer.first] += buffer.bytes;
    changes[buffer.last + 1] -= buffer.bytes;
  }
  out << "<path class=live d=\""
      << llvm::format("M%.1f %.1f", canvas.x(0), canvas.y(0));
  int64_t live = 0;
  for (auto [record, change] : changes) {
    out << llvm::format("H%.1f", canvas.x(record));
    live += change;
    out << llvm::format("V%.1f", canvas.y(live));
  }
  out << llvm::format("H%.1f", canvas.x(function.records)) << "\"/>\n";
  out << llvm::format("<line class=bound x1=%.1f x2=%.1f y1=%.1f y2=%.1f>",
                      Canvas::left, Canvas::width - 8, canvas.y(function.bound),
                      canvas.y(function.bound))
      << "<title>lower bound: " << bytesText(function.bound)
      << "</title></line>\n";
}

static void printPlan(const ReportData::Function &function, raw_ostream &out) {
  out << "<h3>@" << escaped(function.name) << "</h3>\n<p>" << function.records
      << " records, " << function.buffers.size() << " scratch buffers; peak <b>"
      << bytesText(function.peak) << "</b>, lower bound <b>"
      << bytesText(function.bound) << "</b>";
  if (function.bound > 0)
    out << llvm::format(" (%.2f %% above)",
                        100.0 * (double(function.peak) / function.bound - 1));
  out << "; inputs and outputs take " << bytesText(function.slot)
      << " in each ring slot.</p>\n";
  if (function.buffers.empty()) {
    out << "<p>No value lives between two kernels: there is nothing to "
           "plan.</p>\n";
    return;
  }
  Canvas canvas{double(function.records), double(function.peak)};
  out << "<div class=wide><svg viewBox=\"0 0 1100 420\" role=img "
         "aria-label=\"memory plan\">\n";
  printAxes(function, canvas, out);
  // Golden-ratio steps keep neighbours apart in colour.
  double hue = 0;
  for (const ReportData::Buffer &buffer : function.buffers) {
    hue = std::fmod(hue + 137.508, 360);
    double x = canvas.x(buffer.first),
           y = canvas.y(buffer.offset + buffer.bytes);
    out << llvm::format("<rect x=%.2f y=%.2f width=%.2f height=%.2f ", x, y,
                        canvas.x(buffer.last + 1) - x,
                        canvas.y(buffer.offset) - y)
        << llvm::format("fill=\"hsl(%.0f 55%% 62%%)\"><title>", hue)
        << escaped(buffer.name.empty() ? "buffer" : buffer.name) << "\n"
        << bytesText(buffer.bytes) << " at " << bytesText(buffer.offset)
        << "\nfrom record " << buffer.first;
    if (buffer.first < function.recordNames.size())
      out << " (" << escaped(function.recordNames[buffer.first]) << ")";
    out << " to " << buffer.last << "</title></rect>\n";
  }
  printLive(function, canvas, out);
  out << "</svg></div>\n<p class=key>Each block is a buffer: from the record "
         "that "
         "writes it first to "
         "the one that reads it last, at its place in the arena. Black line: "
         "bytes alive. Dashed: "
         "lower bound. Point at a block for its name.</p>\n";
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// A cell with a bar behind the figure. `column` is its heading, which narrow
/// screens show in each cell.
static void printBar(StringRef column, double share, StringRef text,
                     raw_ostream &out) {
  out << "<td class=bar data-is=\"" << column << "\">"
      << llvm::format("<svg viewBox=\"0 0 100 10\" "
                      "preserveAspectRatio=none>"
                      "<rect width=%.1f height=10 /></svg><span>",
                      100 * share)
      << text << "</span></td>";
}

static void printKernels(const ReportData::Clone &data, StringRef whose,
                         raw_ostream &out) {
  double mostFlops = 1, mostBytes = 1;
  for (const ReportData::Kernel &kernel : data.kernels) {
    mostFlops = std::max(mostFlops, kernel.flops);
    mostBytes = std::max(mostBytes, kernel.bytes);
  }
  constexpr size_t shown = 200;
  out << "<h2>Kernels" << whose << "</h2>\n<p>" << data.kernels.size()
      << (data.kernels.size() == 1 ? " kernel" : " kernels, dearest first")
      << "; figures of all launches of one job.</p>\n"
         "<table><tr><th>kernel<th>family<th>launches<th>operations<th>bytes "
         "read and written<th>operations a byte<th>computes</tr>\n";
  for (const ReportData::Kernel &kernel :
       llvm::ArrayRef(data.kernels).take_front(shown)) {
    out << "<tr><td><code>" << escaped(kernel.symbol)
        << "</code><td data-is=family>" << kernel.family
        << "<td class=n data-is=launches>" << kernel.launches;
    printBar("operations", kernel.flops / mostFlops, countText(kernel.flops),
             out);
    printBar("bytes", kernel.bytes / mostBytes, bytesText(kernel.bytes), out);
    out << "<td class=n data-is=\"operations a byte\">"
        << (kernel.bytes > 0
                ? llvm::formatv("{0:F1}", kernel.flops / kernel.bytes).str()
                : "")
        << "<td class=src data-is=computes>" << escaped(kernel.layers)
        << "</tr>\n";
  }
  out << "</table>\n";
  if (data.kernels.size() > shown)
    out << "<p>" << data.kernels.size() - shown << " more are not shown.</p>\n";
}

static void printWeights(const ReportData &data, raw_ostream &out) {
  constexpr size_t shown = 40;
  out << "<h2>Weights</h2>\n<p>" << data.weights.size()
      << (data.weights.size() == 1 ? " tensor, " : " tensors, ")
      << bytesText(data.weightBytes)
      << (data.weights.size() > 1 ? "; the largest first" : "") << ".</p>\n";
  if (data.weights.empty())
    return;
  out << "<table><tr><th>weight<th>as stored<th>bytes</tr>\n";
  for (const ReportData::Weight &weight :
       llvm::ArrayRef(data.weights).take_front(shown)) {
    out << "<tr><td class=src>" << escaped(weight.name)
        << "<td data-is=\"as stored\"><code>" << weight.type << "</code>";
    printBar("bytes",
             double(weight.bytes) /
                 std::max<uint64_t>(1, data.weights.front().bytes),
             bytesText(weight.bytes), out);
    out << "</tr>\n";
  }
  out << "</table>\n";
  if (data.weights.size() > shown)
    out << "<p>" << data.weights.size() - shown
        << " smaller ones are not shown.</p>\n";
}

/// The cards of a clone; with `weights`, those of the program before them.
static void printFacts(const ReportData::Clone &clone, StringRef whose,
                       std::optional<uint64_t> weights, raw_ostream &out) {
  uint64_t launches = 0;
  for (const ReportData::Kernel &kernel : clone.kernels)
    launches += kernel.launches;
  uint64_t peak = 0;
  for (const ReportData::Function &function : clone.functions)
    peak = std::max(peak, function.peak);
  auto fact = [&](const std::string &value, StringRef what) {
    out << "<div><b>" << value << "</b>" << what << whose << "</div>\n";
  };
  out << "<div class=facts>\n";
  if (weights)
    out << "<div><b>" << bytesText(*weights) << "</b>weights</div>\n";
  fact(bytesText(peak), "scratch");
  if (clone.stateBytes)
    fact(bytesText(clone.stateBytes), "state");
  fact(std::to_string(launches), "launches");
  fact(std::to_string(clone.kernels.size()), "kernels");
  fact(countText(clone.flops), "operations");
  out << "</div>\n";
}

static constexpr StringRef style = R"(
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1140px;
       padding: 0 1em; color: #1c2026; background: #fff }
h1 { font-size: 1.6em; margin-bottom: .2em } h2 { margin-top: 2em }
.facts { display: flex; flex-wrap: wrap; gap: 1em; margin: 1em 0 }
.facts div { background: #f1f3f6; border-radius: 8px; padding: .6em 1em }
.facts b { display: block; font-size: 1.25em }
.wide { overflow-x: auto }
svg[role] { display: block; box-sizing: border-box; width: 100%; min-width: 880px; background: #fafbfc; border: 1px solid #d9dee5; border-radius: 8px }
svg text { font-size: 12px; fill: #59626e } .grid { stroke: #dfe4ea }
svg[role] rect { stroke: #fff; stroke-width: .4 } svg[role] rect:hover { fill: #223 }
.live { fill: none; stroke: #111; stroke-width: 1.3 }
.bound { stroke: #c0392b; stroke-width: 1.5; stroke-dasharray: 7 4 }
.key { color: #59626e; font-size: .9em }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600 }
th, td { padding: .25em .7em .25em 0; border-bottom: 1px solid #e6e9ee; vertical-align: top }
.n { text-align: right; padding-right: 1.6em }
.src { font-size: .85em; overflow-wrap: anywhere; min-width: 14em }
code { font-size: .88em; white-space: nowrap }
.bar { position: relative; min-width: 110px }
.bar svg { position: absolute; left: 0; top: 3px; width: 92%; height: 1.35em }
.bar rect { fill: #c9dcf4 } .bar span { position: relative; padding-left: .4em }
@media (max-width: 900px) {
  /* A row of a table becomes a block: its name, and its figures two by two. */
  th { display: none } table, tbody { display: block }
  tr { display: grid; grid-template-columns: 1fr 1fr; column-gap: 1em;
       padding: .5em 0; border-bottom: 1px solid #e6e9ee }
  td { border: 0; padding: .1em 0; min-width: 0; text-align: left }
  td:first-child, td.src { grid-column: 1 / -1; overflow-wrap: anywhere }
  td:first-child code { white-space: normal; font-weight: 600 }
  td[data-is]::before { content: attr(data-is) ": "; color: #59626e;
                        position: relative; z-index: 1; font-size: .85em }
  .n { text-align: left; padding-right: 0 }
  td[data-is=computes]:empty { display: none }
  .bar svg { height: 1.5em; top: 1px }
}
)";

void actnet::printReport(const ReportData &data, raw_ostream &out) {
  out << "<!doctype html>\n<html lang=en><meta charset=utf-8>\n"
         "<meta name=viewport content=\"width=device-width\">\n<title>"
      << escaped(data.model) << " - actnet report</title>\n<style>" << style
      << "</style>\n<h1>" << escaped(data.model) << "</h1>\n<p>Compiled by "
      << escaped(data.producer) << ".";
  if (!data.dims.empty())
    out << " All figures are for " << escaped(data.dims) << ".";
  out << "</p>\n";
  std::optional<uint64_t> weights = data.weightBytes;
  for (const ReportData::Clone &clone : data.clones) {
    // Whose figures they are matters only where there are others.
    StringRef whose = data.clones.size() > 1 ? whoseName(clone.target) : "";
    printFacts(clone, whose, std::exchange(weights, std::nullopt), out);
    out << "<h2>Memory over time" << whose << "</h2>\n";
    for (const ReportData::Function &function : clone.functions)
      printPlan(function, out);
    printKernels(clone, whose, out);
  }
  printWeights(data, out);
  out << "</html>\n";
}
