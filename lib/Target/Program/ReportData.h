//===- ReportData.h - what a report shows ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Figures apart from their looks: Report.cpp gathers them, ReportPage.cpp
// prints them.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_TARGET_PROGRAM_REPORTDATA_H
#define ACTNET_LIB_TARGET_PROGRAM_REPORTDATA_H

#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <string>
#include <vector>

namespace actnet {

struct ReportData {
  struct Buffer {
    std::string name;
    uint64_t first, last; // records
    uint64_t offset, bytes;
  };
  struct Function {
    std::string name;
    uint64_t records = 0;
    uint64_t peak = 0, bound = 0, slot = 0;
    std::vector<Buffer> buffers; // roots in scratch
    std::vector<std::string> recordNames;
  };
  struct Kernel {
    std::string symbol, family;
    uint64_t launches = 0;
    double flops = 0, bytes = 0; // of all launches
    std::string layers;          // sources, the first few
  };
  struct Weight {
    std::string name, type;
    uint64_t bytes;
  };
  struct Clone {
    std::string target; // host, cuda
    uint64_t stateBytes = 0;
    double flops = 0;
    std::vector<Function> functions;
    std::vector<Kernel> kernels; // dearest first
  };
  std::string model, producer;
  std::string dims; // such as "N = 64 (1..64)"
  uint64_t weightBytes = 0;
  std::vector<Clone> clones;
  std::vector<Weight> weights; // largest first, of all clones
};

/// Prints the page.
void printReport(const ReportData &data, llvm::raw_ostream &out);

} // namespace actnet

#endif // ACTNET_LIB_TARGET_PROGRAM_REPORTDATA_H
