//===- main.cpp - classify a sheet of handwritten digits -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The network is in this program: `actnet-compile --emit=object digits.onnx`
// made digits.o and digits.h of it, and libactnet runs it. The sheet is a PNG
// of 8x8 cells, grey, where 240 is full ink; the labels say which digit is in
// which cell, row by row.
//
//   digits SHEET.png LABELS.txt [--show=3] [--predictions=FILE]
//
//===----------------------------------------------------------------------===//

#include "digits.h"

#include <actnet/actnet.h>
#include <png.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr int cell = 8;
constexpr int classes = 10;
constexpr float fullInk = 240;

[[noreturn]] void fail(const std::string &text) {
  std::fprintf(stderr, "digits: %s\n", text.c_str());
  std::exit(1);
}

void check(actnet_status status) {
  if (status != ACTNET_OK)
    fail(actnet_error_text());
}

struct Sheet {
  int rows = 0, columns = 0;
  std::vector<png_byte> pixels;

  png_byte at(int index, int y, int x) const {
    int row = index / columns * cell + y, column = index % columns * cell + x;
    return pixels[size_t(row) * columns * cell + column];
  }
};

Sheet readSheet(const char *path) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, path))
    fail(std::string(path) + ": " + image.message);
  if (image.width == 0 || image.width % cell || image.height % cell)
    fail(std::string(path) + ": " + std::to_string(image.width) + " by " +
         std::to_string(image.height) + " pixels are not whole 8x8 cells");
  image.format = PNG_FORMAT_GRAY;
  Sheet sheet;
  sheet.rows = int(image.height) / cell;
  sheet.columns = int(image.width) / cell;
  sheet.pixels.resize(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, sheet.pixels.data(), 0, nullptr))
    fail(std::string(path) + ": " + image.message);
  return sheet;
}

std::vector<int> readLabels(const char *path, const Sheet &sheet) {
  std::ifstream file(path);
  if (!file)
    fail(std::string(path) + ": cannot be read");
  std::vector<int> labels;
  for (int label; file >> label;) {
    if (label < 0 || label >= classes)
      fail(std::string(path) + ": " + std::to_string(label) + " is no digit");
    labels.push_back(label);
  }
  if (!file.eof())
    fail(std::string(path) + ": line " + std::to_string(labels.size() + 1) +
         " is no digit");
  if (labels.empty() || labels.size() > size_t(sheet.rows) * sheet.columns)
    fail(std::string(path) + ": " + std::to_string(labels.size()) +
         " labels for " + std::to_string(sheet.rows * sheet.columns) +
         " cells");
  return labels;
}

/// Returns the digit that the network sees in each of the first `count` cells.
std::vector<int> classify(actnet_session *session, const Sheet &sheet,
                          int count, int batchLimit) {
  std::vector<float> images, logits;
  std::vector<int> predictions;
  for (int begin = 0; begin < count; begin += batchLimit) {
    int batch = std::min(batchLimit, count - begin);
    images.clear();
    for (int i = begin; i < begin + batch; ++i)
      for (int y = 0; y < cell; ++y)
        for (int x = 0; x < cell; ++x)
          images.push_back(sheet.at(i, y, x) / fullInk);
    logits.assign(size_t(batch) * classes, 0);
    int64_t shape[4] = {batch, 1, cell, cell};
    check(
        actnet_bind_input(session, 0, 0, ACTNET_F32, shape, 4, images.data()));
    check(actnet_bind_output(session, 0, 0, logits.data(),
                             logits.size() * sizeof(float)));
    check(actnet_run(session, 0));
    for (int i = 0; i < batch; ++i) {
      const float *row = &logits[size_t(i) * classes];
      predictions.push_back(int(std::max_element(row, row + classes) - row));
    }
  }
  return predictions;
}

/// Prints one cell in characters, beside what was predicted and what is true.
void show(const Sheet &sheet, int index, int predicted, int label) {
  static const char ink[] = " .:-=+*#@";
  for (int y = 0; y < cell; ++y) {
    std::printf("  ");
    for (int x = 0; x < cell; ++x) {
      char c = ink[std::min<int>(sheet.at(index, y, x) / 30, 8)];
      std::printf("%c%c", c, c);
    }
    if (y == 3)
      std::printf("   image %d: predicted %d, truth %d%s", index, predicted,
                  label, predicted == label ? "" : "  <- wrong");
    std::printf("\n");
  }
  std::printf("\n");
}

} // namespace

int main(int argc, char **argv) {
  const char *sheetPath = nullptr, *labelPath = nullptr, *writePath = nullptr;
  int shown = 3;
  for (int i = 1; i < argc; ++i) {
    if (!std::strncmp(argv[i], "--show=", 7))
      shown = std::atoi(argv[i] + 7);
    else if (!std::strncmp(argv[i], "--predictions=", 14))
      writePath = argv[i] + 14;
    else if (argv[i][0] != '-' && !sheetPath)
      sheetPath = argv[i];
    else if (argv[i][0] != '-' && !labelPath)
      labelPath = argv[i];
    else
      fail(std::string("unknown argument '") + argv[i] + "'");
  }
  if (!labelPath) {
    std::fprintf(stderr, "usage: digits SHEET.png LABELS.txt [--show=3] "
                         "[--predictions=FILE]\n");
    return 2;
  }
  Sheet sheet = readSheet(sheetPath);
  std::vector<int> labels = readLabels(labelPath, sheet);
  int count = int(labels.size());

  actnet_program *program = nullptr;
  actnet_session *session = nullptr;
  check(actnet_open_memory(digits_package, digits_package_size, &program));
  check(actnet_create_session(program, nullptr, &session));
  actnet_tensor_info input;
  check(actnet_describe_tensor(program, 0, ACTNET_INPUT, 0, &input));
  int batchLimit = input.upper[0] < 0 ? 64 : int(input.upper[0]);

  std::vector<int> predictions = classify(session, sheet, count, batchLimit);

  int right = 0;
  for (int i = 0; i < count; ++i)
    right += predictions[i] == labels[i];
  // The first few, and then every one that is wrong, which says more.
  for (int i = 0; i < std::min(shown, count); ++i)
    show(sheet, i, predictions[i], labels[i]);
  if (shown > 0)
    for (int i = shown; i < count; ++i)
      if (predictions[i] != labels[i])
        show(sheet, i, predictions[i], labels[i]);

  actnet_memory_info memory;
  check(actnet_memory(session, &memory));
  std::printf("accuracy: %.1f %% (%d of %d images)\n", 100.0 * right / count,
              right, count);
  if (memory.promised >= 0)
    std::printf("memory promised: %lld bytes\n", (long long)memory.promised);
  std::printf("memory observed: %lld bytes\n", (long long)memory.observed);

  if (writePath) {
    std::ofstream out(writePath);
    for (int prediction : predictions)
      out << prediction << '\n';
    if (!out.flush())
      fail(std::string(writePath) + ": cannot be written");
  }
  actnet_destroy_session(session);
  actnet_close(program);
  return 0;
}
