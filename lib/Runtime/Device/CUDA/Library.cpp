//===- Library.cpp - library calls on a GPU -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Library.h"
#include "actnet/Package/LibraryCall.h"
#include "actnet/Runtime/Device/Device.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>

namespace actnet::rt::cuda {

namespace {

using pkg::MatmulConfig;
using pkg::MatmulDim;

constexpr const char *fileName = "libcublasLt.so.13";
/// Choices that are kept; a program has far fewer products and sets of dims.
constexpr size_t mostChoices = 4096;
/// Algorithms that are asked for: the first that fits is taken.
constexpr int wantedAlgorithms = 8;
/// Every buffer lies at a multiple of this in every slot of the ring; more
/// would let an algorithm depend on the slot.
constexpr uint64_t mostAlignment = 64;

/// The library, once per file for the process's life.
Expected<const lt::Api *> openFile(const std::string &file) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<lt::Api>> opened;
  std::lock_guard lock(mutex);
  std::unique_ptr<lt::Api> &api = opened[file];
  if (api)
    return static_cast<const lt::Api *>(api.get());
  // Never closed: it has exit handlers of its own.
  void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = dlerror();
    return notFound(why ? why : file);
  }
  auto made = std::make_unique<lt::Api>();
#define ACTNET_CUBLASLT_FIND(name, result, parameters)                         \
  made->name =                                                                 \
      reinterpret_cast<decltype(lt::Api::name)>(dlsym(handle, #name));         \
  if (!made->name)                                                             \
    return unavailable(file + " lacks " #name);
  ACTNET_CUBLASLT_ENTRIES(ACTNET_CUBLASLT_FIND)
#undef ACTNET_CUBLASLT_FIND
  api = std::move(made);
  return static_cast<const lt::Api *>(api.get());
}

/// Where a toolkit puts it without telling the loader.
std::vector<std::string> toolkitFiles() {
  std::vector<std::string> files;
  const char *home = std::getenv("CUDA_HOME");
  const char *path = std::getenv("CUDA_PATH");
  for (const char *root : {home, path, "/usr/local/cuda"})
    for (const char *folder : {"/lib64/", "/lib/"})
      if (root && *root)
        files.push_back(std::string(root) + folder + fileName);
  return files;
}

int typeOf(pkg::DType dtype) {
  return dtype == pkg::DType::F16    ? lt::real16
         : dtype == pkg::DType::BF16 ? lt::bfloat16
                                     : lt::real32;
}

unsigned epilogueOf(const MatmulConfig &config) {
  unsigned epilogue = 0;
  if (config.activation == MatmulConfig::Activation::relu)
    epilogue |= lt::epilogueRelu;
  if (config.activation == MatmulConfig::Activation::gelu)
    epilogue |= lt::epilogueGelu;
  if (config.hasBias())
    epilogue |= lt::epilogueBias;
  return epilogue ? epilogue : unsigned(lt::epilogueDefault);
}

uint32_t alignmentOf(const void *address) {
  auto value = reinterpret_cast<uintptr_t>(address);
  return uint32_t(std::min<uint64_t>(value & -value, mostAlignment));
}

/// "512x1024x256".
std::string shapeText(std::span<const int64_t> dims) {
  std::string text;
  for (MatmulDim which :
       {MatmulDim::rows, MatmulDim::columns, MatmulDim::inner})
    text += (text.empty() ? "" : "x") + std::to_string(dims[size_t(which)]);
  int64_t batch = dims[size_t(MatmulDim::batch)];
  return batch == 1 ? text : std::to_string(batch) + " of " + text;
}

} // namespace

//===----------------------------------------------------------------------===//
// The library
//===----------------------------------------------------------------------===//

Library::~Library() {
  if (context.isLost())
    return;
  context.enter();
  if (captureStream)
    context.api().cuStreamDestroy(captureStream);
  if (handle)
    api->cublasLtDestroy(handle);
}

/// Opens it at the first call; false where there is none. Under the lock.
bool Library::open() {
  if (std::exchange(tried, true))
    return handle != nullptr;
  const char *named = std::getenv("ACTNET_CUBLASLT");
  bool isNamed = named && *named;
  Expected<const lt::Api *> found = openFile(isNamed ? named : fileName);
  std::string first = found ? "" : found.status().str();
  for (const std::string &file : toolkitFiles())
    if (!found && !isNamed)
      found = openFile(file);
  if (!found) {
    whyNot = "cuBLASLt is not there (" + first + ")";
    return false;
  }
  context.enter();
  lt::Code status = (*found)->cublasLtCreate(&handle);
  if (status != lt::statusSuccess) {
    handle = nullptr;
    whyNot = std::string("cuBLASLt does not start (") +
             (*found)->cublasLtGetStatusName(status) + ")";
    return false;
  }
  api = *found;
  return true;
}

Status Library::check(lt::Code status, const char *what) const {
  if (status == lt::statusSuccess)
    return {};
  const char *name = api->cublasLtGetStatusName(status);
  return internalError("cuBLASLt: " + std::string(what) + ": " +
                       (name ? name : "status " + std::to_string(status)));
}

std::string Library::note() const {
  std::lock_guard lock(mutex);
  if (!whyNot.empty())
    return "library calls run as kernels; " + whyNot;
  if (!withoutAlgorithm.empty())
    return "cuBLASLt has no algorithm for some products, which run as kernels; "
           "the first is " +
           withoutAlgorithm;
  return {};
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Expected<std::shared_ptr<Matmul>> Library::matmul(const CallRecord &call) {
  std::shared_ptr<Matmul> none;
  if (call.library != pkg::cublasLtLibrary || call.entry != pkg::matmulEntry)
    return none;
  auto parsed = pkg::parseMatmulConfig(call.config, call.operands.size());
  if (!parsed)
    return invalidArgument(parsed.status().str());
  const MatmulConfig &config = *parsed;
  if (call.sizes.size() != call.operands.size())
    return invalidArgument("call: operands without sizes");
  if (Status status = pkg::checkMatmul(config, call.dims, call.sizes); !status)
    return invalidArgument(status.str());
  for (MatmulDim which : {MatmulDim::rows, MatmulDim::columns, MatmulDim::inner,
                          MatmulDim::batch}) {
    int64_t extent = call.dims[size_t(which)];
    if (extent < 1 || extent > INT32_MAX)
      return none; // nothing to do, or beyond what the library counts
  }
  for (DevicePtr operand : call.operands)
    if (!operand)
      return invalidArgument("call: an operand has no address");

  std::lock_guard lock(mutex);
  if (!open())
    return none;
  auto made = std::shared_ptr<Matmul>(new Matmul(*this));
  auto dim = [&](MatmulDim which) { return call.dims[size_t(which)]; };
  made->a = call.operands[config.a.operand];
  made->b = call.operands[config.b.operand];
  made->d = call.operands[config.d.operand];
  made->alpha = config.alpha;
  made->shape = shapeText(call.dims);
  if (alignmentOf(call.workspace) == mostAlignment &&
      reinterpret_cast<uintptr_t>(call.workspace) % pkg::workspaceAlignment ==
          0) {
    made->workspace = call.workspace;
    made->workspaceBytes = std::min<uint64_t>(call.workspaceBytes,
                                              pkg::workspaceCap(context.major));
  }

  ACTNET_RETURN_IF_ERROR(check(
      api->cublasLtMatmulDescCreate(&made->desc, lt::computeReal32, lt::real32),
      "describing a product"));
  auto set = [&](int attribute, auto value) {
    return check(api->cublasLtMatmulDescSetAttribute(made->desc, attribute,
                                                     &value, sizeof value),
                 "describing a product");
  };
  auto operation = [](const MatmulConfig::Matrix &matrix) {
    return int32_t(matrix.transposed ? lt::transposed : lt::plain);
  };
  ACTNET_RETURN_IF_ERROR(set(lt::descTransposeA, operation(config.a)));
  ACTNET_RETURN_IF_ERROR(set(lt::descTransposeB, operation(config.b)));
  ACTNET_RETURN_IF_ERROR(set(lt::descEpilogue, uint32_t(epilogueOf(config))));
  const void *bias =
      config.hasBias() ? call.operands[config.bias.operand] : nullptr;
  auto layout = [&](lt::Layout &to, const MatmulConfig::Matrix &matrix,
                    MatmulDim down, MatmulDim across, MatmulDim ld,
                    MatmulDim stride) -> Status {
    if (matrix.transposed)
      std::swap(down, across);
    ACTNET_RETURN_IF_ERROR(
        check(api->cublasLtMatrixLayoutCreate(&to, typeOf(matrix.dtype),
                                              uint64_t(dim(down)),
                                              uint64_t(dim(across)), dim(ld)),
              "describing a matrix"));
    auto batch = int32_t(dim(MatmulDim::batch));
    int64_t offset = dim(stride);
    ACTNET_RETURN_IF_ERROR(
        check(api->cublasLtMatrixLayoutSetAttribute(to, lt::layoutBatchCount,
                                                    &batch, sizeof batch),
              "describing a matrix"));
    return check(api->cublasLtMatrixLayoutSetAttribute(
                     to, lt::layoutBatchStride, &offset, sizeof offset),
                 "describing a matrix");
  };
  ACTNET_RETURN_IF_ERROR(layout(made->layoutA, config.a, MatmulDim::rows,
                                MatmulDim::inner, MatmulDim::ldA,
                                MatmulDim::strideA));
  ACTNET_RETURN_IF_ERROR(layout(made->layoutB, config.b, MatmulDim::inner,
                                MatmulDim::columns, MatmulDim::ldB,
                                MatmulDim::strideB));
  ACTNET_RETURN_IF_ERROR(layout(made->layoutD, config.d, MatmulDim::rows,
                                MatmulDim::columns, MatmulDim::ldD,
                                MatmulDim::strideD));

  // The library looks at the address of the bias to see how it is aligned.
  uint32_t biasAlignment = bias ? alignmentOf(bias) : 0;
  if (bias)
    ACTNET_RETURN_IF_ERROR(
        set(lt::descBiasPointer,
            reinterpret_cast<const void *>(uintptr_t(biasAlignment))));
  const uint32_t alignments[] = {alignmentOf(made->a), alignmentOf(made->b),
                                 alignmentOf(made->d)};
  Key key(call.dims.begin(), call.dims.end());
  for (int64_t part :
       {int64_t(typeOf(config.a.dtype)), int64_t(typeOf(config.d.dtype)),
        int64_t(config.a.transposed), int64_t(config.b.transposed),
        int64_t(epilogueOf(config)), int64_t(biasAlignment),
        int64_t(alignments[0]), int64_t(alignments[1]), int64_t(alignments[2]),
        int64_t(made->workspaceBytes)})
    key.push_back(part);
  ACTNET_ASSIGN_OR_RETURN(Choice choice,
                          choose(*made, key, alignments, made->workspaceBytes));
  if (!choice.found)
    return none;
  made->algo = choice.algo;
  made->workspaceBytes = choice.workspaceBytes;
  if (bias)
    ACTNET_RETURN_IF_ERROR(set(lt::descBiasPointer, bias));
  return made;
}

/// The library's choice for a shape, asked for once. Under the lock.
Expected<Library::Choice>
Library::choose(const Matmul &matmul, const Key &key,
                std::span<const uint32_t, 3> alignments,
                uint64_t workspaceBytes) {
  if (auto known = choices.find(key); known != choices.end())
    return known->second;
  lt::Preference preference = nullptr;
  ACTNET_RETURN_IF_ERROR(check(api->cublasLtMatmulPreferenceCreate(&preference),
                               "describing what an algorithm may do"));
  auto set = [&](int attribute, auto value) {
    return check(api->cublasLtMatmulPreferenceSetAttribute(
                     preference, attribute, &value, sizeof value),
                 "describing what an algorithm may do");
  };
  Status status = set(lt::preferMaxWorkspace, workspaceBytes);
  if (status)
    status =
        set(lt::preferReductionSchemes, uint32_t(lt::reductionInWorkspace));
  if (status)
    status = set(lt::preferAlignmentA, alignments[0]);
  if (status)
    status = set(lt::preferAlignmentB, alignments[1]);
  if (status)
    status = set(lt::preferAlignmentC, alignments[2]);
  if (status)
    status = set(lt::preferAlignmentD, alignments[2]);
  Choice choice;
  if (status) {
    context.enter();
    lt::HeuristicResult results[wantedAlgorithms] = {};
    int found = 0;
    lt::Code answer = api->cublasLtMatmulAlgoGetHeuristic(
        handle, matmul.desc, matmul.layoutA, matmul.layoutB, matmul.layoutD,
        matmul.layoutD, preference, wantedAlgorithms, results, &found);
    if (answer != lt::statusSuccess && answer != lt::statusNotSupported)
      status =
          check(answer, ("choosing an algorithm for " + matmul.shape).c_str());
    else if (answer == lt::statusSuccess)
      for (int i = 0; i < found && !choice.found; ++i)
        if (results[i].state == lt::statusSuccess &&
            results[i].workspaceBytes <= workspaceBytes)
          choice = {true, results[i].algo, results[i].workspaceBytes};
  }
  api->cublasLtMatmulPreferenceDestroy(preference);
  ACTNET_RETURN_IF_ERROR(std::move(status));
  // Ready products keep their own; what is asked again gets the same answer.
  if (choices.size() == mostChoices)
    choices.clear();
  choices.emplace(key, choice);
  if (!choice.found && withoutAlgorithm.empty())
    withoutAlgorithm = matmul.shape;
  return choice;
}

Status Library::addNode(const Matmul &matmul, GraphNode *node, Graph graph,
                        const GraphNode *after, size_t count) {
  std::lock_guard lock(capturing);
  const Api &driver = context.api();
  context.enter();
  // A stream of its own: others submit to theirs meanwhile.
  if (!captureStream)
    ACTNET_RETURN_IF_ERROR(
        context.check(driver.cuStreamCreate(&captureStream, streamNonBlocking),
                      "making a stream"));
  ACTNET_RETURN_IF_ERROR(context.check(
      driver.cuStreamBeginCapture(captureStream, captureThreadLocal),
      "capturing a library call"));
  Status status = matmul.run(captureStream);
  Graph child = nullptr;
  Result result = driver.cuStreamEndCapture(captureStream, &child);
  if (status)
    status = context.check(result, "capturing a library call");
  if (status)
    status = context.check(
        driver.cuGraphAddChildGraphNode(node, graph, after, count, child),
        "adding a library call to a graph");
  if (child)
    driver.cuGraphDestroy(child);
  return status;
}

Matmul::~Matmul() {
  const lt::Api &api = *library.api;
  for (lt::Layout layout : {layoutA, layoutB, layoutD})
    if (layout)
      api.cublasLtMatrixLayoutDestroy(layout);
  if (desc)
    api.cublasLtMatmulDescDestroy(desc);
}

Status Matmul::run(Stream stream) const {
  const float beta = 0;
  // C is not read; the library wants it described and named all the same.
  return library.check(
      library.api->cublasLtMatmul(library.handle, desc, &alpha, a, layoutA, b,
                                  layoutB, &beta, d, layoutD, d, layoutD, &algo,
                                  workspace, workspaceBytes, stream),
      ("the product " + shape).c_str());
}

} // namespace actnet::rt::cuda
