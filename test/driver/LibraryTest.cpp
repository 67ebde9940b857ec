//===- LibraryTest.cpp - library calls over the stand-ins -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The product of a hand-made package runs in the stand-in of cuBLASLt, or in
// the kernel beside it, with the same result: x and w hold small integers.
//
//===----------------------------------------------------------------------===//
#include "../unit/Runtime/Session/TestPackages.h"
#include "actnet/Package/CodeBundle.h"
#include "actnet/Package/LibraryCall.h"
#include "actnet/Runtime/Device/CUDA.h"
#include "actnet/Runtime/Session/Session.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::test;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// A session on the stand-ins, with their log.
class LibraryCalls : public testing::Test {
protected:
  void SetUp() override {
    path = testing::TempDir() + "library-log." + std::to_string(getpid());
    std::remove(path.c_str());
    unsetenv("ACTNET_CUBLASLT");
    standIn("");
  }
  void TearDown() override {
    session.reset();
    std::remove(path.c_str());
  }

  void standIn(const std::string &options) {
    setenv("ACTNET_STANDIN",
           ("log=" + path + (options.empty() ? "" : ",") + options).c_str(), 1);
  }
  Status open(const std::string &name, const char *device = "cuda",
              bool step = false) {
    package = std::make_unique<MemoryPackage>(name);
    program = *Program::openMemory(package->bytes());
    SessionOptions options;
    options.device = device;
    options.step = step;
    options.notice = [this](const std::string &line) {
      notices.push_back(line);
    };
    auto made = Session::create(*program, options);
    if (!made)
      return made.takeStatus();
    session = *std::move(made);
    return okStatus();
  }
  /// One job with n rows; its result is compared with a product made here.
  Status job(int64_t n) {
    std::vector<float> x(size_t(n * 8)), y(size_t(n * 16), -1);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float(int(i % 5) - 2);
    int64_t shape[] = {n, 8};
    EXPECT_TRUE(session->bindInput(0, 0, ACTNET_F32, shape, 2, x.data()));
    EXPECT_TRUE(session->bindOutput(0, 0, y.data(), y.size() * 4));
    auto job = session->submit(0, true);
    if (!job)
      return job.takeStatus();
    Status status = session->wait(*job);
    if (!status)
      return status;
    for (int64_t r = 0; r < n; ++r)
      for (int64_t c = 0; c < 16; ++c) {
        float sum = 0;
        for (int64_t k = 0; k < 8; ++k)
          sum += x[size_t(r * 8 + k)] * float((k * 16 + c) % 7 - 3);
        EXPECT_EQ(y[size_t(r * 16 + c)], 2 * sum) << r << ", " << c;
      }
    return okStatus();
  }
  /// How often a line begins with `text`, from line `from` on.
  int count(const std::string &text, size_t from = 0) const {
    std::ifstream file(path);
    int found = 0;
    size_t at = 0;
    for (std::string line; std::getline(file, line); ++at)
      found += at >= from && line.starts_with(text);
    return found;
  }
  size_t lines() const {
    std::ifstream file(path);
    return size_t(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
  }

  std::string path;
  std::unique_ptr<MemoryPackage> package;
  std::unique_ptr<Program> program;
  std::unique_ptr<Session> session;
  std::vector<std::string> notices;
};

#define ASSERT_OK(expression)                                                  \
  do {                                                                         \
    Status status = (expression);                                              \
    ASSERT_TRUE(status) << status.str();                                       \
  } while (false)

TEST_F(LibraryCalls, RunInTheLibraryAsPartOfOneGraph) {
  ASSERT_OK(open("product"));
  ASSERT_OK(job(7));
  size_t begin = lines();
  for (int i = 0; i < 5; ++i)
    ASSERT_OK(job(7));
  EXPECT_EQ(count("ran cublasLtMatmul 16x7x8 batch 1 epilogue 1", begin), 5);
  EXPECT_EQ(count("ran scale", begin), 5);
  EXPECT_EQ(count("cuGraphLaunch 2 nodes", begin), 5) << "one launch a job";
  EXPECT_EQ(count("cuLaunchKernel", begin), 0);
  EXPECT_EQ(count("cublasLt", begin), 0) << "nothing is asked between jobs";
  EXPECT_EQ(count("ran dense"), 0);
  EXPECT_THAT(notices, IsEmpty());
}

TEST_F(LibraryCalls, RunAlsoOneByOne) {
  ASSERT_OK(open("product", "cuda", /*step=*/true));
  ASSERT_OK(job(3));
  EXPECT_EQ(count("ran cublasLtMatmul 16x3x8"), 1);
  EXPECT_EQ(count("cuGraphLaunch"), 0);
}

TEST_F(LibraryCalls, ChooseTheirAlgorithmsAtLoadWhereDimsAreKnown) {
  // Without a workspace the stand-in's algorithm does not fit.
  ASSERT_OK(open("product8"));
  EXPECT_EQ(count("cublasLtMatmulAlgoGetHeuristic"), 1);
  EXPECT_EQ(notices.size(), 1u);
  session.reset();
  standIn("workspace=0");
  ASSERT_OK(open("product8"));
  EXPECT_EQ(count("cublasLtMatmulAlgoGetHeuristic"), 2);
  ASSERT_OK(job(8));
  ASSERT_OK(job(8));
  EXPECT_EQ(count("cublasLtMatmulAlgoGetHeuristic"), 2);
  EXPECT_EQ(count("ran cublasLtMatmul 16x8x8"), 2);
}

TEST_F(LibraryCalls, AskOncePerShape) {
  ASSERT_OK(open("product"));
  for (int64_t n : {3, 5, 3, 5, 16})
    ASSERT_OK(job(n));
  for (const char *shape : {"16x3x8", "16x5x8", "16x16x8"})
    EXPECT_EQ(count(std::string("cublasLtMatmulAlgoGetHeuristic ") + shape), 1);
  EXPECT_EQ(count("cublasLtCreate"), 1);
}

TEST_F(LibraryCalls, OpenTheLibraryOnlyForProgramsThatCall) {
  ASSERT_OK(open("affine"));
  EXPECT_EQ(count("cublasLt"), 0);
}

TEST_F(LibraryCalls, AreKernelsWhereTheLibraryIsNot) {
  setenv("ACTNET_CUBLASLT", "/nowhere/libcublasLt.so.13", 1);
  ASSERT_OK(open("product"));
  ASSERT_OK(job(7));
  ASSERT_OK(job(9));
  EXPECT_EQ(count("ran dense"), 2);
  EXPECT_EQ(count("cublasLt"), 0);
  ASSERT_EQ(notices.size(), 1u) << "said once";
  EXPECT_THAT(notices[0],
              HasSubstr("library calls run as kernels; cuBLASLt is not there "
                        "(/nowhere/libcublasLt.so.13"));
}

TEST_F(LibraryCalls, AreKernelsWhereTheLibraryHasNoAlgorithm) {
  standIn("heuristics=none");
  ASSERT_OK(open("product"));
  ASSERT_OK(job(7));
  EXPECT_EQ(count("ran dense"), 1);
  EXPECT_EQ(count("ran cublasLtMatmul"), 0);
  ASSERT_OK(job(9));
  ASSERT_EQ(notices.size(), 1u) << "said once";
  EXPECT_THAT(notices[0], HasSubstr("cuBLASLt has no algorithm for some "
                                    "products, which run as kernels; the first "
                                    "is 16x"));
}

TEST_F(LibraryCalls, KeepTheWorkspaceOfTheArchitecture) {
  // 8 MiB fit the slot of 16, and what an sm_90 gives, but no sm_80.
  standIn("workspace=8388608,sm=80");
  ASSERT_OK(open("product"));
  ASSERT_OK(job(4));
  EXPECT_EQ(count("ran dense"), 1);
  session.reset();
  standIn("workspace=8388608,sm=90");
  ASSERT_OK(open("product"));
  ASSERT_OK(job(4));
  EXPECT_EQ(count("ran dense"), 1);
  EXPECT_EQ(count("ran cublasLtMatmul 16x4x8"), 1);
  session.reset();
  // 24 MiB are more than the slot.
  standIn("workspace=25165824,sm=90");
  ASSERT_OK(open("product"));
  ASSERT_OK(job(4));
  EXPECT_EQ(count("ran dense"), 2);
}

TEST_F(LibraryCalls, FailTheirJobWithTheCause) {
  for (bool step : {false, true}) {
    standIn("products=none");
    ASSERT_OK(open("product", "cuda", step));
    EXPECT_THAT(job(7).str(), HasSubstr("cuBLASLt: the product 16x7x8: "
                                        "CUBLAS_STATUS_EXECUTION_FAILED"));
    session.reset();
  }
}

TEST_F(LibraryCalls, EndACaptureThatFails) {
  standIn("fault=matmul@1");
  ASSERT_OK(open("product"));
  job(7).ignore();
  // Others go on.
  ASSERT_OK(job(5));
  EXPECT_EQ(count("cuStreamBeginCapture"), count("cuStreamEndCapture"));
  EXPECT_GE(count("ran cublasLtMatmul 16x5x8"), 1);
}

TEST_F(LibraryCalls, AreKernelsOnTheHost) {
  ASSERT_OK(open("product", "host"));
  ASSERT_OK(job(7));
  EXPECT_THAT(notices, IsEmpty());
}

//===----------------------------------------------------------------------===//
// Every form of a product
//===----------------------------------------------------------------------===//

using pkg::DType;
using pkg::MatmulConfig;

/// Numbers that f16 and bf16 hold: sums of a few of them are exact in f32.
float smallInteger(std::mt19937 &random) {
  return float(int(random() % 9) - 4);
}

void put(std::vector<std::byte> &bytes, DType type, size_t at, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  uint16_t half = uint16_t(bits >> 16);
  if (type == DType::F16) {
    int exponent = value == 0 ? 0 : std::ilogb(value) + 15;
    half = uint16_t((bits >> 16 & 0x8000) | uint32_t(exponent) << 10 |
                    (value == 0 ? 0 : (bits >> 13 & 1023)));
  }
  if (type == DType::F32)
    std::memcpy(&bytes[at * 4], &bits, 4);
  else
    std::memcpy(&bytes[at * 2], &half, 2);
}

float get(const std::vector<std::byte> &bytes, DType type, size_t at) {
  uint32_t bits = 0;
  float value;
  if (type == DType::F32) {
    std::memcpy(&value, &bytes[at * 4], 4);
    return value;
  }
  std::memcpy(&bits, &bytes[at * 2], 2);
  if (type == DType::F16) {
    int exponent = int(bits >> 10 & 31);
    float size = exponent
                     ? std::ldexp(float((bits & 1023) + 1024), exponent - 25)
                     : std::ldexp(float(bits & 1023), -24);
    return bits & 0x8000 ? -size : size;
  }
  bits <<= 16;
  std::memcpy(&value, &bits, 4);
  return value;
}

/// One random product: what LibraryCall.h says of it, computed in double.
struct RandomProduct {
  std::mt19937 random;
  MatmulConfig config;
  int64_t rows, columns, inner, batch, ld[3], stride[3];
  std::vector<std::byte> a, b, bias, d;
  std::vector<double> wanted;

  explicit RandomProduct(uint32_t seed) : random(seed) {
    constexpr DType types[][2] = {{DType::F32, DType::F32},
                                  {DType::F16, DType::F16},
                                  {DType::F16, DType::F32},
                                  {DType::BF16, DType::BF16},
                                  {DType::BF16, DType::F32}};
    auto [from, to] = types[random() % 5];
    auto upTo = [&](int64_t most) {
      return int64_t(random() % uint32_t(most)) + 1;
    };
    rows = upTo(20), columns = upTo(20), inner = upTo(12), batch = upTo(3);
    config.a = {0, from, random() % 2 == 0};
    config.b = {1, from, random() % 2 == 0};
    config.d = {3, to, false};
    if (random() % 2)
      config.bias = {2, to, false};
    config.activation = MatmulConfig::Activation(random() % 3);
    config.alpha = random() % 2 ? 1 : 0.5f;
    int64_t down[] = {config.a.transposed ? inner : rows,
                      config.b.transposed ? columns : inner, rows};
    int64_t across[] = {config.a.transposed ? rows : inner,
                        config.b.transposed ? inner : columns, columns};
    for (unsigned i = 0; i < 3; ++i) {
      ld[i] = down[i] + int64_t(random() % 3);
      stride[i] = i < 2 && random() % 4 == 0
                      ? 0
                      : ld[i] * across[i] + int64_t(random() % 5);
    }
    fill(a, from, size_t(stride[0] * batch + ld[0] * across[0]));
    fill(b, from, size_t(stride[1] * batch + ld[1] * across[1]));
    fill(bias, to, size_t(rows));
    fill(d, to, size_t(stride[2] * batch));
    for (int64_t i = 0; i < batch; ++i)
      for (int64_t c = 0; c < columns; ++c)
        for (int64_t r = 0; r < rows; ++r)
          wanted.push_back(element(i, r, c));
  }
  void fill(std::vector<std::byte> &bytes, DType type, size_t count) {
    bytes.resize(count * pkg::dtypeBytes(type));
    for (size_t i = 0; i < count; ++i)
      put(bytes, type, i, smallInteger(random));
  }
  double element(int64_t i, int64_t r, int64_t c) const {
    double sum = 0;
    for (int64_t k = 0; k < inner; ++k) {
      int64_t atA = config.a.transposed ? r * ld[0] + k : k * ld[0] + r;
      int64_t atB = config.b.transposed ? k * ld[1] + c : c * ld[1] + k;
      sum += double(get(a, config.a.dtype, size_t(i * stride[0] + atA))) *
             double(get(b, config.b.dtype, size_t(i * stride[1] + atB)));
    }
    sum *= double(config.alpha);
    if (config.hasBias())
      sum += double(get(bias, config.bias.dtype, size_t(r)));
    if (config.activation == MatmulConfig::Activation::relu)
      return std::max(sum, 0.0);
    if (config.activation == MatmulConfig::Activation::gelu)
      return sum / 2 *
             (1 + std::tanh(std::sqrt(2 / M_PI) *
                            (sum + 0.044715 * sum * sum * sum)));
    return sum;
  }
};

TEST_F(LibraryCalls, ComputeEveryFormAsItIsDescribed) {
  CudaOptions options;
  options.driver = "libcuda.so.1";
  auto device = createCudaDevice(options);
  ASSERT_TRUE(device) << device.status().str();
  // Has other operands than a product: it would fail if it ran.
  pkg::CodeBundleWriter modules;
  modules.add("scale", standInModule("scale", 3));
  std::vector<std::byte> bundle = modules.finish();
  const CodeImage image{"cubin", "sm_80", bundle};
  const KernelDesc kernel{"scale", 0, 64, 0, {}};
  auto code = (*device)->load({{&image, 1}, {&kernel, 1}, {}});
  ASSERT_TRUE(code) << code.status().str();
  auto stream = *(*device)->createStream(StreamKind::compute);
  auto workspace = *DeviceMemory::allocate(**device, 4096, MemoryKind::device);
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    RandomProduct p(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + toText(p.config));
    std::vector<DeviceMemory> memory;
    std::vector<DevicePtr> operands;
    std::vector<uint64_t> sizes;
    for (auto *bytes : {&p.a, &p.b, &p.bias, &p.d}) {
      memory.push_back(
          *DeviceMemory::allocate(**device, bytes->size(), MemoryKind::device));
      operands.push_back(memory.back().data());
      sizes.push_back(bytes->size());
      ASSERT_OK(stream->copy(CopyKind::up, operands.back(), bytes->data(),
                             bytes->size()));
    }
    int64_t dims[] = {p.rows,      p.columns,  p.inner, p.batch,
                      p.ld[0],     p.ld[1],    p.ld[2], p.stride[0],
                      p.stride[1], p.stride[2]};
    std::string config = toText(p.config);
    CallRecord call;
    call.library = "cublasLt";
    call.entry = "matmul";
    call.config = config;
    call.operands = operands;
    call.sizes = sizes;
    call.dims = dims;
    call.workspace = workspace.data();
    call.workspaceBytes = workspace.size();
    call.fallback = {0, operands, {}, 1, {}};
    ASSERT_OK(stream->submitRecord(code->get(), call, nullptr, 0));
    std::vector<std::byte> before = p.d;
    ASSERT_OK(
        stream->copy(CopyKind::down, p.d.data(), operands[3], p.d.size()));
    ASSERT_OK(stream->synchronize());
    double allowed = p.config.d.dtype == DType::F32   ? 1e-6
                     : p.config.d.dtype == DType::F16 ? 1e-3
                                                      : 8e-3;
    size_t at = 0;
    for (int64_t i = 0; i < p.batch; ++i)
      for (int64_t c = 0; c < p.columns; ++c)
        for (int64_t r = 0; r < p.rows; ++r, ++at) {
          auto place = size_t(i * p.stride[2] + c * p.ld[2] + r);
          ASSERT_NEAR(get(p.d, p.config.d.dtype, place), p.wanted[at],
                      allowed * (1 + std::fabs(p.wanted[at])));
          size_t width = pkg::dtypeBytes(p.config.d.dtype);
          std::memcpy(&before[place * width], &p.d[place * width], width);
        }
    EXPECT_EQ(before, p.d) << "wrote between the columns";
  }
  EXPECT_EQ(count("ran cublasLtMatmul"), 200);
}

} // namespace
