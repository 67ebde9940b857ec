//===- StatusTest.cpp - errors as values ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Base/Status.h"

#include <gtest/gtest.h>

using namespace actnet;

namespace {

Expected<std::unique_ptr<int>> half(int number) {
  if (number % 2)
    return invalidArgument(std::to_string(number) + " is odd");
  return std::make_unique<int>(number / 2);
}

Expected<int> quarter(int number) {
  ACTNET_ASSIGN_OR_RETURN(auto first, half(number));
  ACTNET_ASSIGN_OR_RETURN(auto second, half(*first));
  return *second;
}

Status needsQuarter(int number) {
  ACTNET_RETURN_IF_ERROR(quarter(number).takeStatus().addContext("quarter"));
  return {};
}

TEST(Status, isOkWithoutAMessage) {
  Status status;
  EXPECT_TRUE(status.isOk());
  EXPECT_TRUE(bool(status));
  EXPECT_EQ(status.code(), StatusCode::ok);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.addContext("unused").message(), "");
}

TEST(Status, carriesCodeAndContextAndCopies) {
  Status status = notFound("no 'w'").addContext("weights").addContext("x.pkg");
  Status copy = status;
  status = Status();
  EXPECT_TRUE(status.isOk());
  EXPECT_EQ(copy.code(), StatusCode::notFound);
  EXPECT_EQ(copy.message(), "x.pkg: weights: no 'w'");
}

TEST(Expected, holdsAValueOrTheReason) {
  Expected<int> good = quarter(12);
  ASSERT_TRUE(good.isOk());
  EXPECT_EQ(*good, 3);
  Expected<int> bad = quarter(6);
  ASSERT_FALSE(bad.isOk());
  EXPECT_EQ(bad.status().code(), StatusCode::invalidArgument);
  EXPECT_EQ(bad.status().message(), "3 is odd");
  EXPECT_EQ(needsQuarter(5).message(), "quarter: 5 is odd");
  EXPECT_TRUE(needsQuarter(8).isOk());
}

TEST(Status, namesEveryCodeDifferently) {
  for (int a = 0; a <= int(StatusCode::internal); ++a)
    for (int b = 0; b < a; ++b)
      EXPECT_STRNE(toString(StatusCode(a)), toString(StatusCode(b)));
}

} // namespace
