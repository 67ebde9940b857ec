//===- Recipes.cpp - recipes that make the same weight --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Recipes.h"

#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using namespace actnet::actor;

/// Depends on operations, attributes and result types, not on names.
static uint64_t hashOf(func::FuncOp recipe) {
  llvm::hash_code hash(0);
  recipe.getBody().walk([&](Operation *op) {
    hash =
        llvm::hash_combine(hash, OperationEquivalence::computeHash(
                                     op, OperationEquivalence::ignoreHashValue,
                                     OperationEquivalence::ignoreHashValue,
                                     OperationEquivalence::IgnoreLocations));
  });
  return hash;
}

std::pair<uint32_t, bool> RecipeSet::insert(func::FuncOp recipe) {
  if (auto found = known.find(recipe); found != known.end())
    return {found->second, false};
  auto &candidates = byHash[hashOf(recipe)];
  for (uint32_t id : candidates)
    if (list[id].getFunctionType() == recipe.getFunctionType() &&
        OperationEquivalence::isRegionEquivalentTo(
            &list[id].getBody(), &recipe.getBody(),
            OperationEquivalence::IgnoreLocations)) {
      known[recipe] = id;
      return {id, false};
    }
  uint32_t id = list.size();
  list.push_back(recipe);
  known[recipe] = id;
  candidates.push_back(id);
  return {id, true};
}
