//===- LibraryProduct.cpp - kernels as cuBLASLt's products ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The library's matrices lie in columns, ours in rows: what it calls D is the
// transposed result, and its A the operand that the result's innermost dim
// comes from. Loops of one kind (rows, columns, summed ones, batch) must be one
// loop for every matrix that has them: a step of the outer as long as all of
// the inner.
//
//===----------------------------------------------------------------------===//

#include "Library.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;
using graph::DimExprAttr;

namespace {

/// By how many elements a matrix moves with each loop.
using Strides = SmallVector<DimExprAttr>;

class ProductReader {
public:
  explicit ProductReader(kernel::FuncOp kernel) : kernel(kernel), p(kernel) {}

  DictionaryAttr run();

private:
  /// Loops of a kind as one.
  struct Group {
    SmallVector<unsigned> loops; ///< without those of extent 1
    DimExprAttr extent;
  };

  bool read();
  std::optional<Strides> stridesOf(ArrayRef<DimExprAttr> strides,
                                   ArrayRef<Index> at);
  std::optional<Strides> operandStrides(const Widened &which);
  Group group(ArrayRef<unsigned> loops);
  std::optional<DimExprAttr> collapse(const Group &group,
                                      const Strides &strides);
  bool isUnit(DimExprAttr stride) const {
    return graph::constantValue(stride) == 1;
  }
  DimExprAttr constant(int64_t value) {
    return graph::dimConstant(kernel.getContext(), value);
  }
  std::optional<pkg::MatmulConfig::Matrix> matrix(unsigned operand, Type type);
  bool addEpilogue(const Group &rows);

  kernel::FuncOp kernel;
  Printer p;
  Contraction c;
  Indices variables; ///< of the loops; 0 where the extent is 1
  Indices resultAt;
  llvm::DenseMap<Operation *, Indices> loopsOf;
  Strides left, right, result;
  pkg::MatmulConfig config;
};

} // namespace

bool ProductReader::read() {
  if (kernel.getResultTypes().size() != 1)
    return false;
  linalg::GenericOp root;
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops()) {
      if (root)
        return false;
      root = op;
    }
  // Sums begin with zero.
  auto fill = root ? root.getDpsInits()[0].getDefiningOp<linalg::FillOp>()
                   : linalg::FillOp();
  if (!fill || !matchPattern(fill.getInputs()[0], m_AnyZeroFloat()))
    return false;
  std::optional<Contraction> product = readContraction(p, root);
  if (!product || (product->math != "f32" && product->math != "f16" &&
                   product->math != "bf16"))
    return false;
  c = *product;
  for (auto [i, dim] : llvm::enumerate(c.dims))
    variables.push_back(graph::constantValue(dim) == 1
                            ? p.constant(0)
                            : p.variable("loop" + std::to_string(i)));
  Indices at =
      p.map(root.getMatchingIndexingMap(root.getDpsInitOperand(0)), variables);
  auto places = resultIndices(p, root.getResult(0), at, &loopsOf);
  if (!places || p.failed())
    return false;
  resultAt = (*places)[0];
  auto l = operandStrides(c.left), r = operandStrides(c.right),
       d = stridesOf(kernel.getResultStrides(0), resultAt);
  if (!l || !r || !d)
    return false;
  left = *l;
  right = *r;
  result = *d;
  return true;
}

/// Strides per loop of what is read or written at these indices; nothing where
/// an index is no loop, or a multiple of one.
std::optional<Strides> ProductReader::stridesOf(ArrayRef<DimExprAttr> strides,
                                                ArrayRef<Index> at) {
  Strides found(c.dims.size(), constant(0));
  for (auto [index, stride] : llvm::zip(at, strides)) {
    Index simple = simplifyAffineExpr(index, 64, 0);
    int64_t factor = 1;
    if (auto product = dyn_cast<AffineBinaryOpExpr>(simple);
        product && product.getKind() == AffineExprKind::Mul)
      if (auto times = dyn_cast<AffineConstantExpr>(product.getRHS())) {
        factor = times.getValue();
        simple = product.getLHS();
      }
    if (simple == p.constant(0))
      continue;
    auto loop = llvm::find(variables, simple);
    if (loop == variables.end() || factor < 1)
      return std::nullopt;
    DimExprAttr &sum = found[loop - variables.begin()];
    sum = graph::dimAdd(sum, graph::dimMul(stride, constant(factor)));
  }
  return found;
}

std::optional<Strides> ProductReader::operandStrides(const Widened &which) {
  auto argument = dyn_cast<BlockArgument>(c.operand(which));
  if (!argument || argument.getOwner() != &kernel.getBody().front())
    return std::nullopt;
  Indices at = p.map(
      c.root.getMatchingIndexingMap(c.root.getDpsInputOperand(which.argument)),
      variables);
  return stridesOf(kernel.getArgStrides(argument.getArgNumber()), at);
}

ProductReader::Group ProductReader::group(ArrayRef<unsigned> loops) {
  Group made;
  made.extent = constant(1);
  for (unsigned loop : loops)
    if (variables[loop] != p.constant(0)) {
      made.loops.push_back(loop);
      made.extent = graph::dimMul(made.extent, c.dims[loop]);
    }
  return made;
}

/// The stride of a group as one loop; 0 for an empty one, and where none of its
/// loops moves the matrix.
std::optional<DimExprAttr> ProductReader::collapse(const Group &group,
                                                   const Strides &strides) {
  if (group.loops.empty())
    return constant(0);
  for (size_t i = 0; i + 1 < group.loops.size(); ++i) {
    unsigned outer = group.loops[i], inner = group.loops[i + 1];
    if (strides[outer] != graph::dimMul(strides[inner], c.dims[inner]))
      return std::nullopt;
  }
  return strides[group.loops.back()];
}

std::optional<pkg::MatmulConfig::Matrix> ProductReader::matrix(unsigned operand,
                                                               Type type) {
  pkg::MatmulConfig::Matrix made;
  made.operand = operand;
  Type element = getElementTypeOrSelf(type);
  if (element.isF32())
    made.dtype = pkg::DType::F32;
  else if (element.isF16())
    made.dtype = pkg::DType::F16;
  else if (element.isBF16())
    made.dtype = pkg::DType::BF16;
  else
    return std::nullopt;
  return made;
}

/// The bias has an element for each of the library's rows, side by side.
bool ProductReader::addEpilogue(const Group &rows) {
  std::optional<Epilogue> epilogue =
      readEpilogue(p, c.root.getResult(0), loopsOf);
  if (!epilogue)
    return false;
  config.alpha = float(epilogue->alpha);
  config.activation = epilogue->activation;
  if (!epilogue->bias)
    return true;
  unsigned number = epilogue->bias.getArgNumber();
  auto bias = matrix(number, epilogue->bias.getType());
  auto strides = stridesOf(kernel.getArgStrides(number), epilogue->biasAt);
  if (!bias || bias->dtype != config.d.dtype || !strides)
    return false;
  config.bias = *bias;
  for (auto [loop, stride] : llvm::enumerate(*strides))
    if (!llvm::is_contained(rows.loops, loop) &&
        graph::constantValue(stride) != 0)
      return false;
  auto step = collapse(rows, *strides);
  return step && isUnit(*step);
}

DictionaryAttr ProductReader::run() {
  if (!read())
    return {};
  Group rows = group(c.rows), columns = group(c.columns),
        inner = group(c.inner), batch = group(c.batch);
  // What does not run on from one row to the next is a batch with one matrix on
  // the other side.
  for (Group *outer : {&rows, &columns}) {
    const Strides &own = outer == &rows ? left : right;
    while (outer->loops.size() > 1 &&
           (!collapse(*outer, own) || !collapse(*outer, result))) {
      batch.loops.push_back(outer->loops.front());
      batch.extent = graph::dimMul(batch.extent, c.dims[outer->loops.front()]);
      *outer = group(ArrayRef(outer->loops).drop_front());
    }
  }
  if (rows.loops.empty() || columns.loops.empty() || inner.loops.empty())
    return {};
  // The library's rows are what lies side by side in the result.
  bool isFlipped = isUnit(*collapse(columns, result));
  if (!isFlipped && !isUnit(*collapse(rows, result)))
    return {};
  const Group &down = isFlipped ? columns : rows;
  const Group &across = isFlipped ? rows : columns;
  const Strides &a = isFlipped ? right : left;
  const Strides &b = isFlipped ? left : right;
  const Widened &operandA = isFlipped ? c.right : c.left;
  const Widened &operandB = isFlipped ? c.left : c.right;

  auto argument = [&](const Widened &which) {
    return cast<BlockArgument>(c.operand(which));
  };
  auto matrixA = matrix(argument(operandA).getArgNumber(),
                        argument(operandA).getType()),
       matrixB = matrix(argument(operandB).getArgNumber(),
                        argument(operandB).getType()),
       matrixD =
           matrix(kernel.getNumOperandTensors(), kernel.getResultTypes()[0]);
  if (!matrixA || !matrixB || !matrixD || matrixA->dtype != matrixB->dtype ||
      (matrixD->dtype != matrixA->dtype && matrixD->dtype != pkg::DType::F32))
    return {};
  config.a = *matrixA;
  config.b = *matrixB;
  config.d = *matrixD;

  // `first` and `second`: the strides of the dims that a plain matrix has down
  // and across. Gives the leading dimension.
  auto lead = [&](pkg::MatmulConfig::Matrix &matrix,
                  std::optional<DimExprAttr> first,
                  std::optional<DimExprAttr> second) -> DimExprAttr {
    if (!first || !second)
      return {};
    matrix.transposed = !isUnit(*first);
    if (matrix.transposed && !isUnit(*second))
      return {};
    return matrix.transposed ? *first : *second;
  };
  DimExprAttr ldA = lead(config.a, collapse(down, a), collapse(inner, a)),
              ldB = lead(config.b, collapse(inner, b), collapse(across, b));
  auto ldD = collapse(across, result);
  auto strideA = collapse(batch, a), strideB = collapse(batch, b),
       strideD = collapse(batch, result);
  if (!ldA || !ldB || !ldD || !strideA || !strideB || !strideD ||
      !addEpilogue(down))
    return {};
  // Columns that overlap are none of the library's.
  auto overlaps = [](DimExprAttr ld, DimExprAttr column) {
    auto distance = graph::constantValue(ld),
         length = graph::constantValue(column);
    return distance && (*distance == 0 || (length && *distance < *length));
  };
  if (overlaps(ldA, config.a.transposed ? inner.extent : down.extent) ||
      overlaps(ldB, config.b.transposed ? across.extent : inner.extent) ||
      overlaps(*ldD, down.extent))
    return {};

  Builder builder(kernel.getContext());
  SmallVector<Attribute> dims = {
      down.extent, across.extent, inner.extent, batch.extent, ldA,
      ldB,         *ldD,          *strideA,     *strideB,     *strideD};
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("config",
                            builder.getStringAttr(pkg::toText(config))),
       builder.getNamedAttr("dims", builder.getArrayAttr(dims))});
}

DictionaryAttr cuda::describeProduct(kernel::FuncOp kernel) {
  bool isProduct = kernel.getFamily() == kernel::Family::contract ||
                   kernel.getFamily() == kernel::Family::conv;
  // Sums of tf32 are another program's.
  DictionaryAttr schedule = kernel.getScheduleAttr();
  if (!isProduct || (schedule && schedule.get("tf32")))
    return {};
  return ProductReader(kernel).run();
}
