//===- CApiTest.cpp - the C API's codes, texts and null checks ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestPackages.h"
#include "actnet/actnet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

using namespace actnet::rt::test;
using testing::HasSubstr;

namespace {
struct Open {
  MemoryPackage package;
  actnet_program *program = nullptr;
  actnet_session *session = nullptr;
  explicit Open(const char *name, const actnet_options *options = nullptr)
      : package(name) {
    EXPECT_EQ(actnet_open_memory(package.bytes().data(), package.bytes().size(),
                                 &program),
              ACTNET_OK)
        << actnet_error_text();
    EXPECT_EQ(actnet_create_session(program, options, &session), ACTNET_OK)
        << actnet_error_text();
  }
  ~Open() {
    actnet_destroy_session(session);
    actnet_close(program);
  }
};

TEST(CApi, DescribesAndRuns) {
  Open o("affine");
  actnet_program_info info;
  ASSERT_EQ(actnet_describe_program(o.program, &info), ACTNET_OK);
  EXPECT_STREQ(info.model, "affine");
  EXPECT_EQ(info.functions, 1);
  EXPECT_EQ(info.dims, 1);
  EXPECT_EQ(info.variants, 2);
  EXPECT_STREQ(info.isas[0], "x86-64-v2");
  actnet_tensor_info tensor;
  ASSERT_EQ(actnet_describe_tensor(o.program, 0, ACTNET_INPUT, 0, &tensor),
            ACTNET_OK);
  EXPECT_STREQ(tensor.name, "x");
  EXPECT_EQ(tensor.dtype, ACTNET_F32);
  ASSERT_EQ(tensor.rank, 2);
  EXPECT_STREQ(tensor.extents[0], "N");
  EXPECT_STREQ(tensor.extents[1], "4");
  EXPECT_EQ(tensor.lower[0], 1);
  EXPECT_EQ(tensor.upper[0], 64);
  actnet_dim_info dim;
  ASSERT_EQ(actnet_describe_dim(o.program, 0, &dim), ACTNET_OK);
  EXPECT_STREQ(dim.name, "N");
  int64_t five = 5, shape[2] = {0, 0};
  ASSERT_EQ(actnet_evaluate_shape(o.program, 0, ACTNET_OUTPUT, 0, &five, shape),
            ACTNET_OK);
  EXPECT_EQ(shape[0], 5);

  float x[8] = {0, 1, 2, 3, 4, 5, 6, 7}, y[8];
  shape[0] = 2;
  ASSERT_EQ(actnet_bind_input(o.session, 0, 0, ACTNET_F32, shape, 2, x),
            ACTNET_OK);
  ASSERT_EQ(actnet_bind_output(o.session, 0, 0, y, sizeof y), ACTNET_OK);
  ASSERT_EQ(actnet_output_shape(o.session, 0, 0, shape), ACTNET_OK);
  EXPECT_EQ(shape[0], 2);
  ASSERT_EQ(actnet_run(o.session, 0), ACTNET_OK) << actnet_error_text();
  EXPECT_EQ(y[7], 18);
  const char *device, *isa;
  int32_t threads;
  ASSERT_EQ(actnet_chosen(o.session, &device, &isa, &threads), ACTNET_OK);
  EXPECT_STREQ(device, "host");
  EXPECT_GE(threads, 1);
  actnet_memory_info memory;
  ASSERT_EQ(actnet_memory(o.session, &memory), ACTNET_OK);
  EXPECT_LE(memory.observed, memory.promised);
}

TEST(CApi, AnswersBusyAndKeepsTheJobs) {
  actnet_options options = {};
  options.in_flight = 1;
  Open o("affine", &options);
  float x[4] = {1, 2, 3, 4};
  int64_t shape[2] = {1, 4};
  ASSERT_EQ(actnet_bind_input(o.session, 0, 0, ACTNET_F32, shape, 2, x),
            ACTNET_OK);
  uint64_t job, other = 77;
  ASSERT_EQ(actnet_submit(o.session, 0, 0, &job), ACTNET_OK);
  EXPECT_EQ(actnet_submit(o.session, 0, 0, &other), ACTNET_BUSY);
  EXPECT_EQ(other, 77u) << "a failure leaves its results untouched";
  EXPECT_EQ(actnet_reset_state(o.session), ACTNET_BUSY);
  EXPECT_EQ(actnet_wait(o.session, job), ACTNET_OK);
  EXPECT_EQ(actnet_wait(o.session, job), ACTNET_INVALID);
  EXPECT_EQ(actnet_submit(o.session, 0, 1u << 5, &job), ACTNET_INVALID);
}

TEST(CApi, RunsWithoutTransfersOnWhatTheSlotHolds) {
  Open o("affine");
  float x[4] = {1, 2, 3, 4}, y[4] = {};
  int64_t shape[2] = {1, 4};
  actnet_bind_input(o.session, 0, 0, ACTNET_F32, shape, 2, x);
  actnet_bind_output(o.session, 0, 0, y, sizeof y);
  ASSERT_EQ(actnet_run(o.session, 0), ACTNET_OK);
  EXPECT_EQ(y[0], 3);
  y[0] = -1;
  uint64_t job;
  ASSERT_EQ(actnet_submit(o.session, 0, ACTNET_NO_TRANSFERS, &job), ACTNET_OK);
  ASSERT_EQ(actnet_wait(o.session, job), ACTNET_OK);
  EXPECT_EQ(y[0], -1);
}

TEST(CApi, RefusesNullsAndIndices) {
  Open o("affine");
  actnet_program *program = nullptr;
  actnet_session *session = nullptr;
  EXPECT_EQ(actnet_open_file(nullptr, &program), ACTNET_INVALID);
  EXPECT_EQ(actnet_open_file("x", nullptr), ACTNET_INVALID);
  EXPECT_EQ(actnet_open_memory(nullptr, 0, &program), ACTNET_INVALID);
  EXPECT_EQ(actnet_open_memory(o.package.bytes().data() + 1, 100, &program),
            ACTNET_INVALID);
  EXPECT_THAT(actnet_error_text(), HasSubstr("multiple of 64"));
  EXPECT_EQ(actnet_create_session(nullptr, nullptr, &session), ACTNET_INVALID);
  actnet_function_info function;
  EXPECT_EQ(actnet_describe_function(o.program, 1, &function), ACTNET_INVALID);
  EXPECT_EQ(actnet_describe_function(o.program, -1, &function), ACTNET_INVALID);
  actnet_tensor_info tensor;
  EXPECT_EQ(actnet_describe_tensor(o.program, 0, ACTNET_OUTPUT, 1, &tensor),
            ACTNET_INVALID);
  actnet_dim_info dim;
  EXPECT_EQ(actnet_describe_dim(o.program, 1, &dim), ACTNET_INVALID);
  actnet_device_info device;
  EXPECT_EQ(actnet_describe_device(0, &device), ACTNET_OK);
  EXPECT_EQ(actnet_describe_device(1, &device), ACTNET_INVALID);
  EXPECT_EQ(actnet_bind_input(o.session, 0, -1, ACTNET_F32, nullptr, 0, &dim),
            ACTNET_INVALID);
  EXPECT_EQ(actnet_run(o.session, 7), ACTNET_INVALID);
  EXPECT_EQ(actnet_run(nullptr, 0), ACTNET_INVALID);
  actnet_options options = {};
  options.struct_size = 3;
  EXPECT_EQ(actnet_create_session(o.program, &options, &session),
            ACTNET_INVALID);
  EXPECT_EQ(session, nullptr);
  actnet_close(nullptr);
  actnet_destroy_session(nullptr);
}

// Each argument of each function that a caller can get wrong.
TEST(CApi, RefusesWrongOptions) {
  Open o("affine");
  actnet_session *session = nullptr;
  auto refuses = [&](const actnet_options &options, const char *text) {
    EXPECT_EQ(actnet_create_session(o.program, &options, &session),
              ACTNET_INVALID);
    EXPECT_THAT(actnet_error_text(), HasSubstr(text));
    EXPECT_EQ(session, nullptr);
  };
  actnet_options options = {};
  options.num_dims = 2;
  refuses(options, "options.dims: expected 2 dims, found null");
  actnet_dim_bound unnamed[1] = {{nullptr, 1, 2}};
  options.dims = unnamed;
  options.num_dims = 1;
  refuses(options, "options.dims[0].name: expected a pointer, found null");
  actnet_dim_bound twice[2] = {{"N", 1, 2}, {"N", 1, 3}};
  options.dims = twice;
  options.num_dims = 2;
  refuses(options, "options.dims[1].name: expected each dim once, found 'N'");
  for (actnet_dim_bound bad :
       {actnet_dim_bound{"M", 1, 2}, {"N", 3, 2}, {"N", -1, 2}, {"N", 1, 65}}) {
    options.dims = &bad;
    options.num_dims = 1;
    refuses(options, bad.name);
  }
  options = {};
  options.num_dims = -1;
  refuses(options, "options.num_dims: expected 0 or more, found -1");
  options = {};
  options.threads = -3;
  refuses(options, "options.threads: expected 0 or more, found -3");
  options = {};
  options.in_flight = 65;
  refuses(options, "65");
  options = {};
  options.struct_size = 8;
  refuses(options, "options.struct_size");
  options = {};
  options.deadline = __builtin_nan("");
  refuses(options, "options.deadline");
}

TEST(CApi, NamesIndicesAsTheyWereGiven) {
  Open o("affine");
  float x[4] = {};
  int64_t shape[2] = {1, 4};
  uint64_t job;
  auto refused = [](actnet_status status, const char *text) {
    EXPECT_EQ(status, ACTNET_INVALID);
    EXPECT_STREQ(actnet_error_text(), text);
  };
  const char *function = "function: expected 0 to 0, found -1";
  refused(actnet_bind_input(o.session, -1, 0, ACTNET_F32, shape, 2, x),
          function);
  refused(actnet_bind_output(o.session, -1, 0, x, sizeof x), function);
  refused(actnet_output_shape(o.session, -1, 0, shape), function);
  refused(actnet_submit(o.session, -1, 0, &job), function);
  refused(actnet_run(o.session, -1), function);
  refused(actnet_bind_input(o.session, 0, -2, ACTNET_F32, shape, 2, x),
          "input: expected 0 to 0, found -2");
  refused(actnet_bind_output(o.session, 0, 1, x, sizeof x),
          "output: expected 0 to 0, found 1");
  refused(actnet_output_shape(o.session, 0, -7, shape),
          "output: expected 0 to 0, found -7");
  actnet_tensor_info tensor;
  refused(actnet_describe_tensor(o.program, 0, actnet_side(7), 0, &tensor),
          "side: expected ACTNET_INPUT or ACTNET_OUTPUT, found 7");
  refused(actnet_evaluate_shape(o.program, 0, actnet_side(2), 0, shape, shape),
          "side: expected ACTNET_INPUT or ACTNET_OUTPUT, found 2");
}

TEST(CApi, RefusesNullsEverywhere) {
  Open o("affine");
  int64_t shape[2] = {1, 4};
  float x[4] = {};
  uint64_t job;
  actnet_program_info program;
  actnet_function_info function;
  actnet_tensor_info tensor;
  actnet_dim_info dim;
  actnet_memory_info memory;
  for (actnet_status status :
       {actnet_describe_device(0, nullptr),
        actnet_describe_program(nullptr, &program),
        actnet_describe_program(o.program, nullptr),
        actnet_describe_function(nullptr, 0, &function),
        actnet_describe_function(o.program, 0, nullptr),
        actnet_describe_tensor(nullptr, 0, ACTNET_INPUT, 0, &tensor),
        actnet_describe_tensor(o.program, 0, ACTNET_INPUT, 0, nullptr),
        actnet_describe_dim(nullptr, 0, &dim),
        actnet_describe_dim(o.program, 0, nullptr),
        actnet_evaluate_shape(nullptr, 0, ACTNET_INPUT, 0, shape, shape),
        actnet_evaluate_shape(o.program, 0, ACTNET_INPUT, 0, nullptr, shape),
        actnet_evaluate_shape(o.program, 0, ACTNET_INPUT, 0, shape, nullptr),
        actnet_open_memory(x, 0, nullptr),
        actnet_create_session(o.program, nullptr, nullptr),
        actnet_bind_input(nullptr, 0, 0, ACTNET_F32, shape, 2, x),
        actnet_bind_input(o.session, 0, 0, ACTNET_F32, nullptr, 2, x),
        actnet_bind_input(o.session, 0, 0, ACTNET_F32, shape, 2, nullptr),
        actnet_bind_input(o.session, 0, 0, ACTNET_F32, shape, -1, x),
        actnet_bind_input(o.session, 0, 0, actnet_dtype(99), shape, 2, x),
        actnet_bind_output(nullptr, 0, 0, x, sizeof x),
        actnet_output_shape(nullptr, 0, 0, shape),
        actnet_output_shape(o.session, 0, 0, nullptr),
        actnet_submit(nullptr, 0, 0, &job),
        actnet_submit(o.session, 0, 0, nullptr),
        actnet_submit(o.session, 0, 64, &job),
        actnet_wait(nullptr, 1),
        actnet_run(nullptr, 0),
        actnet_reset_state(nullptr),
        actnet_memory(nullptr, &memory),
        actnet_memory(o.session, nullptr),
        actnet_chosen(nullptr, nullptr, nullptr, nullptr),
        actnet_write_profile(nullptr, "x"),
        actnet_write_profile(o.session, nullptr)})
    EXPECT_EQ(status, ACTNET_INVALID);
  EXPECT_EQ(actnet_describe_device(-1, nullptr), ACTNET_INVALID);
}

TEST(CApi, RefusesFilesThatAreNoPackage) {
  actnet_program *program = nullptr;
  EXPECT_EQ(actnet_open_file("/nonexistent/a.actnet", &program),
            ACTNET_NOT_FOUND);
  EXPECT_THAT(actnet_error_text(), HasSubstr("/nonexistent/a.actnet"));
  MemoryPackage package("affine");
  std::string path = testing::TempDir() + "broken.actnet";
  for (size_t size : {size_t(0), size_t(7), size_t(100), size_t(4096),
                      package.bytes().size() - 1}) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(package.bytes().data()),
               std::streamsize(size));
    EXPECT_EQ(actnet_open_file(path.c_str(), &program), ACTNET_CORRUPT) << size;
    EXPECT_THAT(actnet_error_text(), HasSubstr("broken.actnet"));
  }
  EXPECT_EQ(program, nullptr);
  std::remove(path.c_str());
}

TEST(CApi, NamesItsVersion) {
  EXPECT_THAT(actnet_version(), HasSubstr("schema 1"));
  EXPECT_THAT(actnet_version(), HasSubstr("commit"));
}
} // namespace
