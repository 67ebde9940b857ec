//===- TensorFileTest.cpp - .npy and TensorProto, sound and hostile -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/TensorFile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

using namespace actnet;
using namespace actnet::rt;
using testing::HasSubstr;

namespace {
std::span<const std::byte> bytesOf(const std::string &s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}

std::string npy(const std::string &dict, const std::string &elements,
                char major = 1) {
  std::string file = "\x93NUMPY";
  file += major;
  file += '\0';
  file += char(dict.size() & 255);
  file += char(dict.size() >> 8);
  if (major > 1)
    file += std::string(2, '\0');
  return file + dict + elements;
}

template <typename T> std::string raw(std::initializer_list<T> values) {
  return {reinterpret_cast<const char *>(values.begin()),
          values.size() * sizeof(T)};
}

std::vector<double> values(const HostTensor &tensor) {
  std::vector<double> result;
  for (int64_t i = 0; i < tensor.elements(); ++i)
    result.push_back(loadAsDouble(tensor.dtype, tensor.data.get(), i));
  return result;
}

using Shape = std::vector<int64_t>;
using Values = std::vector<double>;

TEST(Npy, ReadsEveryVersionAndSpacing) {
  std::string dict =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n";
  for (char major : {1, 2, 3}) {
    auto t =
        parseNpy(bytesOf(npy(dict, raw<float>({1, 2, 3, 4, 5, 6}), major)));
    ASSERT_TRUE(t) << t.status().str();
    EXPECT_EQ(t->shape, (Shape{2, 3}));
    EXPECT_EQ(values(*t), (Values{1, 2, 3, 4, 5, 6}));
  }
  auto t = parseNpy(
      bytesOf(npy("{\"shape\":(3,),\"fortran_order\":False,\"descr\":\"<i2\"}",
                  raw<int16_t>({-1, 0, 7}))));
  ASSERT_TRUE(t) << t.status().str();
  EXPECT_EQ(values(*t), (Values{-1, 0, 7}));
}

TEST(Npy, TurnsFortranOrderIntoRows) {
  // Columns of [[1, 2, 3], [4, 5, 6]].
  auto t = parseNpy(
      bytesOf(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3)}",
                  raw<double>({1, 4, 2, 5, 3, 6}))));
  ASSERT_TRUE(t) << t.status().str();
  EXPECT_EQ(values(*t), (Values{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, SwapsBigEndianElements) {
  auto t = parseNpy(
      bytesOf(npy("{'descr': '>i4', 'fortran_order': False, 'shape': (1,)}",
                  std::string("\0\0\1\2", 4))));
  ASSERT_TRUE(t) << t.status().str();
  EXPECT_EQ(values(*t), (Values{258}));
}

TEST(Npy, MakesBooleansZeroOrOne) {
  auto t = parseNpy(
      bytesOf(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}",
                  std::string("\0\1\7", 3))));
  ASSERT_TRUE(t) << t.status().str();
  EXPECT_EQ(values(*t), (Values{0, 1, 1}));
}

TEST(Npy, EveryTypeSurvivesWritingAndReading) {
  std::string path = testing::TempDir() + "roundtrip.npy";
  for (int type = ACTNET_F32; type <= ACTNET_BOOL; ++type)
    for (Shape shape : {Shape{}, Shape{5}, Shape{2, 0}, Shape{3, 2, 2}}) {
      auto t = HostTensor::allocate(actnet_dtype(type), shape);
      ASSERT_TRUE(t);
      fillRandom(*t, 7, "x");
      ASSERT_TRUE(writeNpy(path, *t).isOk());
      auto back = readTensorFile(path);
      ASSERT_TRUE(back) << back.status().str();
      EXPECT_EQ(compare(*back, *t, 0, 0).text, "") << dtypeName(t->dtype);
    }
  std::remove(path.c_str());
}

TEST(Npy, RefusesBadHeadersInOneLine) {
  std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
  std::string two = raw<float>({1, 2});
  struct Case {
    std::string file, says;
  } cases[] = {
      {"", "NUMPY"},
      {"PK\3\4 and much more text", "NUMPY"},
      {npy(good, two, 9), "version"},
      {npy(good, two).substr(0, 30), "truncated"},
      {npy(good, ""), "needs 8 bytes, found 0"},
      {npy(good, two + "x"), "needs 8 bytes, found 9"},
      {npy("{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}", two),
       "'<c8' is not supported"},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
           two),
       "record"},
      {npy("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}", two),
       "True or False"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", two),
       "an extent"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': "
           "(99999999999999999999,)}",
           two),
       "63 bits"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': "
           "(4294967296, 4294967296, 4294967296)}",
           two),
       "too many"},
      {npy("{'descr': '<f4', 'shape': (2,)}", two), "lacks"},
      {npy("{'descr': '<f4', 'descr': '<f4'}", two), "twice"},
      {npy("{'shape': (2,", two), "expected"},
      {npy(good + "}", two), "end of the header"},
  };
  for (const Case &c : cases) {
    auto t = parseNpy(bytesOf(c.file));
    ASSERT_FALSE(t) << c.says;
    EXPECT_THAT(t.status().str(), HasSubstr(c.says));
    EXPECT_EQ(t.status().str().find('\n'), std::string::npos);
  }
}

TEST(TensorFile, NamesTheFileInErrors) {
  auto missing = readTensorFile("/nonexistent/x.npy");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.status().str(), HasSubstr("/nonexistent/x.npy"));
  auto ending = readTensorFile("x.txt");
  ASSERT_FALSE(ending);
  EXPECT_THAT(ending.status().str(), HasSubstr(".npy or .pb"));
  auto tensor = HostTensor::allocate(ACTNET_F32, {4});
  Status full = writeNpy("/dev/full", *tensor);
  EXPECT_THAT(full.str(), HasSubstr("/dev/full: cannot be written"));
}

/// A TensorProto with raw_data, written by hand in the wire format.
std::string proto(std::initializer_list<char> dims, char type,
                  const std::string &fields) {
  std::string s;
  for (char d : dims)
    s += std::string("\x08", 1) + d;
  return s + '\x10' + type + fields;
}

TEST(TensorProto, ReadsRawAndTypedElements) {
  std::string floats = raw<float>({1, 2});
  auto t = parseTensorProto(
      bytesOf(proto({2}, 1, "\x42\x01xJ" + std::string("\x08") + floats)));
  ASSERT_TRUE(t) << t.status().str();
  EXPECT_EQ(values(*t), (Values{1, 2}));
  // Packed float_data, field 4.
  t = parseTensorProto(bytesOf(proto({1, 2}, 1, "\x22\x08" + floats)));
  ASSERT_TRUE(t) << t.status().str();
  EXPECT_EQ(t->shape, (Shape{1, 2}));
  EXPECT_EQ(values(*t), (Values{1, 2}));
  // int64_data, field 7, packed: 5 and -1.
  t = parseTensorProto(bytesOf(
      proto({2}, 7, "\x3a\x0b\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")));
  ASSERT_TRUE(t) << t.status().str();
  EXPECT_EQ(values(*t), (Values{5, -1}));
  // int32_data, field 5, not packed, for booleans.
  t = parseTensorProto(
      bytesOf(proto({2}, 9, std::string("\x28\x01\x28\x00", 4))));
  ASSERT_TRUE(t) << t.status().str();
  EXPECT_EQ(values(*t), (Values{1, 0}));
}

TEST(TensorProto, RefusesDamageInOneLine) {
  struct Case {
    std::string file, says;
  } cases[] = {
      {proto({2}, 1, "J\x04" + raw<float>({1})), "needs 8 bytes, found 4"},
      {proto({2}, 1, "J\x7f"), "damaged"},
      {proto({2}, 8, ""), "element type 8"},
      {proto({100}, 1, ""), "does not fit into a file of"},
      {proto({2}, 1, "\x22\x04" + raw<float>({1})), "expected 2, found 1"},
      {proto({1}, 1, std::string("\x70\x01", 2)), "external"},
      {"\x0b", "damaged"},
  };
  for (const Case &c : cases) {
    auto t = parseTensorProto(bytesOf(c.file));
    ASSERT_FALSE(t) << c.says;
    EXPECT_THAT(t.status().str(), HasSubstr(c.says));
  }
}

TEST(TensorFile, SurvivesMutations) {
  auto tensor = HostTensor::allocate(ACTNET_F32, {2, 3});
  fillRandom(*tensor, 1, "x");
  std::string elements(reinterpret_cast<char *>(tensor->data.get()), 24);
  std::string seeds[] = {npyHeader(*tensor) + elements,
                         proto({2, 3}, 1, "J\x18" + elements)};
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string file = seeds[round % 2];
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits)
      file[random() % std::min<size_t>(file.size(), 100)] = char(random());
    if (random() % 4 == 0)
      file.resize(random() % file.size());
    auto t =
        round % 2 ? parseTensorProto(bytesOf(file)) : parseNpy(bytesOf(file));
    if (t)
      EXPECT_LE(t->bytes, file.size() * 8);
    else
      EXPECT_FALSE(t.status().str().empty());
  }
}

TEST(HostTensor, NarrowFloatsRoundToNearestEven) {
  struct Case {
    actnet_dtype dtype;
    double in, out;
  } cases[] = {
      {ACTNET_F16, 1.0 + 0x1p-11, 1.0},            // tie, down to even
      {ACTNET_F16, 1.0 + 0x1.8p-10, 1.0 + 0x1p-9}, // tie, up to even
      {ACTNET_F16, 65504, 65504},
      {ACTNET_F16, 65520, INFINITY},
      {ACTNET_F16, 0x1p-24, 0x1p-24},
      {ACTNET_F16, 0x1p-25, 0},
      {ACTNET_F16, 0x1.ff8p-15, 0x1.ff8p-15},
      {ACTNET_F16, 0x1.ffcp-15, 0x1p-14},
      {ACTNET_BF16, 1.0 + 0x1p-8, 1.0},
      {ACTNET_BF16, -3.0, -3.0},
      {ACTNET_BF16, 3.5e38, INFINITY},
      {ACTNET_BF16, 0x1p-133, 0x1p-133},
      {ACTNET_I8, 300, 127},
      {ACTNET_U8, -4, 0},
      {ACTNET_BOOL, 0.5, 1},
  };
  for (const Case &c : cases) {
    std::byte cell[8] = {};
    storeFromDouble(c.dtype, cell, 0, c.in);
    EXPECT_EQ(loadAsDouble(c.dtype, cell, 0), c.out)
        << dtypeName(c.dtype) << " " << c.in;
  }
}

TEST(HostTensor, ScalarsMustBeOfTheType) {
  auto t = HostTensor::allocate(ACTNET_I64, {2});
  EXPECT_TRUE(fillScalar(*t, "9007199254740993").isOk());
  int64_t exact;
  std::memcpy(&exact, t->data.get() + 8, 8);
  EXPECT_EQ(exact, 9007199254740993);
  EXPECT_FALSE(fillScalar(*t, "1.5").isOk());
  EXPECT_FALSE(fillScalar(*t, "x").isOk());
  auto u = HostTensor::allocate(ACTNET_U8, {2});
  EXPECT_TRUE(fillScalar(*u, "255").isOk());
  EXPECT_THAT(fillScalar(*u, "256").str(), HasSubstr("u8"));
  auto f = HostTensor::allocate(ACTNET_F32, {2});
  EXPECT_TRUE(fillScalar(*f, "0.1").isOk());
  EXPECT_FALSE(fillScalar(*f, "0.1x").isOk());
}

TEST(HostTensor, RandomDependsOnSeedNameAndPlaceAlone) {
  auto a = HostTensor::allocate(ACTNET_F32, {1000});
  auto b = HostTensor::allocate(ACTNET_F32, {10});
  fillRandom(*a, 3, "x");
  fillRandom(*b, 3, "x");
  EXPECT_EQ(std::memcmp(a->data.get(), b->data.get(), b->bytes), 0);
  fillRandom(*b, 4, "x");
  EXPECT_NE(std::memcmp(a->data.get(), b->data.get(), b->bytes), 0);
  fillRandom(*b, 3, "y");
  EXPECT_NE(std::memcmp(a->data.get(), b->data.get(), b->bytes), 0);
  double sum = 0;
  for (double v : values(*a)) {
    EXPECT_TRUE(v >= -1 && v < 1);
    sum += v;
  }
  EXPECT_LT(std::abs(sum / 1000), 0.1);
}

TEST(HostTensor, ComparesLikeAllclose) {
  auto make = [](std::initializer_list<float> v) {
    auto t = HostTensor::allocate(ACTNET_F32, {int64_t(v.size())});
    std::memcpy(t->data.get(), v.begin(), t->bytes);
    return std::move(*t);
  };
  HostTensor one = make({1, 2, NAN, INFINITY});
  EXPECT_EQ(compare(one, make({1.001f, 2, NAN, INFINITY}), 1e-2, 0).text, "");
  EXPECT_THAT(compare(one, make({1, 3, NAN, INFINITY}), 1e-2, 0).text,
              HasSubstr("first at [1]: expected 3, found 2"));
  EXPECT_NE(compare(one, make({1, 2, 0, INFINITY}), 1, 1).text, "");
  EXPECT_NE(compare(one, make({1, 2, NAN, 5}), 1, 1).text, "");
  EXPECT_NE(compare(make({5}), make({INFINITY}), 1, 1).text, "");
  EXPECT_THAT(compare(one, make({1}), 1, 1).text, HasSubstr("f32 [1]"));
}
} // namespace
