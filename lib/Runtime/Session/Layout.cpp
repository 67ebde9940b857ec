//===- Layout.cpp - where the regions of a session's arena lie ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/Layout.h"
#include "actnet/Package/Lifetimes.h"

#include <algorithm>

using namespace actnet;
using namespace actnet::rt;

static FunctionLayout fromPlan(const pkg::MemoryPlan &memory) {
  FunctionLayout layout;
  layout.known = true;
  layout.offsets = memory.offsets;
  layout.scratchBytes = memory.scratch_bytes;
  layout.scratchLowerBound = memory.scratch_lower_bound;
  layout.slotBytes = memory.slot_bytes;
  return layout;
}

Expected<Layout> rt::makeLayout(const Program &program, const pkg::Plan &plan,
                                std::span<const pkg::Range> dims,
                                uint64_t slots) {
  const pkg::Interface &interface = program.interface();
  // The package's own plan was made, and verified when it was opened, for the
  // bounds that it states; other bounds mean planning anew.
  std::vector<pkg::Range> own = pkg::dimRanges(interface);
  bool asPackaged =
      std::equal(dims.begin(), dims.end(), own.begin(), own.end());
  std::vector<pkg::Range> exprs = pkg::exprRanges(interface.exprs, dims);

  Layout layout;
  layout.dims.assign(dims.begin(), dims.end());
  layout.slots = slots;
  if (asPackaged && plan.state_offsets.size() == interface.variables.size()) {
    layout.stateOffsets = plan.state_offsets;
    layout.stateBytes = plan.state_bytes;
  } else {
    ACTNET_ASSIGN_OR_RETURN(pkg::StateLayout state,
                            pkg::layoutState(interface, exprs));
    layout.stateOffsets = std::move(state.offsets);
    layout.stateBytes = state.bytes;
  }
  layout.stateBytes = wholePages(layout.stateBytes);

  layout.complete = true;
  for (uint32_t f = 0; f < interface.functions.size(); ++f) {
    const pkg::FunctionPlan &function = *pkg::Reader::findFunction(plan, f);
    FunctionLayout own;
    if (asPackaged && function.memory) {
      own = fromPlan(*function.memory);
    } else {
      auto memory = pkg::planMemory(plan, function, exprs, layout.stateOffsets);
      if (memory)
        own = fromPlan(**memory);
      else if (memory.status().code() != StatusCode::failedPrecondition)
        return memory.takeStatus().addContext(
            "function '" + interface.functions[f]->name + "'");
    }
    layout.complete &= own.known;
    layout.slotBytes = std::max(layout.slotBytes, wholePages(own.slotBytes));
    if (own.scratchBytes >= layout.scratchPeak) {
      layout.scratchPeak = own.scratchBytes;
      layout.scratchLowerBound = own.scratchLowerBound;
    }
    layout.functions.push_back(std::move(own));
  }
  layout.scratchBytes = wholePages(layout.scratchPeak);
  return layout;
}
