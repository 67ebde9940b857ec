//===- Printer.h - elements of a kernel's tensors as CUDA text ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel body says what each element of a tensor is. The printer walks from
// the tensor to its definitions, composes the indexing maps on the way, and
// ends at loads of operands: what remains is straight-line scalar code, one
// named constant an op. Families print the functor around it and bind the
// values that they compute themselves (reductions).
//
// An index is an affine expression whose dims are 64-bit variables of the
// text: composing maps is then substitution, and simplification is MLIR's.
// What is not affine becomes a variable of its own.
//
// Values are expressions in C++: a name or a literal. f16 and bf16 are computed
// as float, and rounded where a kernel writes them and where a cast says so:
// what fuses loses no bits on the way.
//
// `Lanes` is a loop over V neighbouring elements. Loads in it that run along
// the lanes, from addresses that are multiples of V elements, stand before the
// loop as one access, and stores behind it; all others stay one element wide.
//
// Errors: the first op that cannot be printed gets a diagnostic, `failed()`
// becomes true, and printing goes on with "0", so that callers check once.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_CUDA_PRINTER_H
#define ACTNET_LIB_CODEGEN_CUDA_PRINTER_H

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

#include <functional>
#include <optional>
#include <string>

namespace actnet::cuda {

using Index = mlir::AffineExpr;
using Indices = llvm::SmallVector<mlir::AffineExpr>;
using Text = std::string;
using Texts = llvm::SmallVector<std::string>;

class Printer {
public:
  explicit Printer(kernel::FuncOp kernel);

  kernel::FuncOp kernel;
  mlir::MLIRContext *context;

  //===--------------------------------------------------------------------===//
  // Lines (Printer.cpp)
  //===--------------------------------------------------------------------===//

  /// Appends a line at the current depth.
  void line(const llvm::Twine &text);
  /// A name that was not used before.
  Text fresh() { return "v" + std::to_string(nextValue++); }
  /// Declares a constant of the given type and gives its name.
  Text define(llvm::StringRef type, llvm::StringRef value);
  /// What was printed so far.
  llvm::StringRef text() const { return out; }

  /// `open` … `close`, one deeper. Elements that are made inside are forgotten
  /// when it dies.
  class Block {
  public:
    Block(Printer &p, const llvm::Twine &open, llvm::StringRef close = "}");
    ~Block();

  private:
    Printer &p;
    Text close;
  };

  //===--------------------------------------------------------------------===//
  // Lanes (Lanes.cpp)
  //===--------------------------------------------------------------------===//

  /// for (k = 0; k < V; ++k) { … } while it lives; V is a template parameter
  /// of the text, at most `width`. A width of 1 prints no loop unless `always`.
  class Lanes {
  public:
    Lanes(Printer &p, unsigned width, bool always = false);
    ~Lanes();
    /// k, or 0 where there is no loop.
    Index lane;

  private:
    Printer &p;
    std::optional<Block> block;
  };

  /// What wide accesses need, collected from all `Lanes`.
  struct Wide {
    Texts pointers;                                ///< To be aligned.
    llvm::SetVector<graph::DimExprAttr> multiples; ///< Of V.
    unsigned bytes = 0;                            ///< The largest element.
    unsigned narrow = 0; ///< Accesses along the lanes that are not wide.
  };
  Wide wide;

  /// Element k of what `expression` gives, which stands before the loop.
  Text vectorElement(llvm::StringRef expression, llvm::StringRef type);
  bool isInLanes() const { return laneState.has_value(); }
  bool isConditional() const { return !conditions.empty(); }

  /// Says that a variable is a multiple of so many.
  void setMultiple(Index variable, int64_t of);
  /// While it lives, what is printed runs only if `condition` holds, which
  /// depends on `on`.
  class Condition {
  public:
    Condition(Printer &p, llvm::StringRef text, llvm::ArrayRef<Index> on)
        : p(p) {
      p.conditions.push_back({text.str(), llvm::to_vector(on)});
    }
    ~Condition() { p.conditions.pop_back(); }

  private:
    Printer &p;
  };

  //===--------------------------------------------------------------------===//
  // Indices and dims (Printer.cpp)
  //===--------------------------------------------------------------------===//

  Index constant(int64_t value) {
    return mlir::getAffineConstantExpr(value, context);
  }
  /// The variable of this name.
  Index variable(llvm::StringRef name);
  Indices map(mlir::AffineMap map, llvm::ArrayRef<Index> dims);
  /// An index with row-major numbers in place of what they were split into.
  Index canonical(Index index);
  /// x * y and the like where that is not affine: a variable of its own.
  Index multiply(Index x, Index y);
  /// An expression of dims as an index.
  Index index(graph::DimExprAttr expr);
  Text text(Index index);
  Text text(graph::DimExprAttr expr);
  /// Splits the number of an element, counted in row-major order over `dims`,
  /// into an index per dim; prints the variables `prefix`0, `prefix`1 ….
  Indices split(Index number, llvm::StringRef prefix, unsigned first,
                llvm::ArrayRef<graph::DimExprAttr> dims);
  Indices split(llvm::StringRef number, llvm::StringRef prefix, unsigned first,
                llvm::ArrayRef<graph::DimExprAttr> dims) {
    return split(variable(number), prefix, first, dims);
  }
  /// Dim d of a tensor of the body; `fail`s where it cannot be told.
  graph::DimExprAttr dimOf(mlir::Value tensor, unsigned d);
  llvm::SmallVector<graph::DimExprAttr> loopDims(mlir::linalg::GenericOp op);

  //===--------------------------------------------------------------------===//
  // Elements (Elements.cpp)
  //===--------------------------------------------------------------------===//

  /// The value of a tensor of the body at these indices.
  Text element(mlir::Value tensor, llvm::ArrayRef<Index> at);
  /// From now on all elements of `tensor` are this value, or what `fn` says.
  void bind(mlir::Value tensor, llvm::StringRef value) {
    bound[tensor] = [text = value.str()](llvm::ArrayRef<Index>) {
      return text;
    };
  }
  void unbind(mlir::Value tensor) { bound.erase(tensor); }
  /// The value of a tensor from its definition, even where it is bound.
  Text definition(mlir::Value tensor, llvm::ArrayRef<Index> at);
  /// An operand's element as it lies in memory.
  Text memoryElement(mlir::BlockArgument argument, llvm::ArrayRef<Index> at);
  /// Called with every element that is asked for.
  std::function<void(mlir::Value, llvm::ArrayRef<Index>)> onElement;
  using ElementFn = std::function<Text(llvm::ArrayRef<Index>)>;
  void bind(mlir::Value tensor, ElementFn fn) { bound[tensor] = std::move(fn); }
  /// What an element of this type is computed as, from how it lies in memory.
  Text loaded(mlir::Type element, llvm::StringRef memory);
  /// And back.
  Text stored(mlir::Type element, llvm::StringRef value);
  /// The place of an element, counted in elements from the first.
  Text address(llvm::ArrayRef<graph::DimExprAttr> strides,
               llvm::ArrayRef<Index> at) {
    return text(addressOf(strides, at));
  }
  /// By how many elements the place moves when a variable grows by one; -1
  /// where that is a dynamic stride, nothing where it depends.
  std::optional<int64_t> stepOf(llvm::ArrayRef<graph::DimExprAttr> strides,
                                llvm::ArrayRef<Index> at, Index variable);
  /// Writes one element of result i.
  void store(unsigned result, llvm::ArrayRef<Index> at, llvm::StringRef value);
  /// Elements of a generic's first `count` operands at its iteration indices;
  /// empty where the body does not use them.
  Texts operands(mlir::linalg::GenericOp op, llvm::ArrayRef<Index> dims,
                 unsigned count);
  /// The affine value of an index-typed value outside generics.
  Index indexValue(mlir::Value value);

  //===--------------------------------------------------------------------===//
  // Scalars (Body.cpp)
  //===--------------------------------------------------------------------===//

  /// Prints a generic's body for given operands and gives what it yields; or,
  /// for a reduction, without the ops that use accumulators, the values
  /// `wanted`.
  Texts body(mlir::linalg::GenericOp op, llvm::ArrayRef<Index> dims,
             llvm::ArrayRef<Text> operands, mlir::ValueRange wanted);
  /// Prints a block of scalars, the region of an op of the kernel dialect, for
  /// given arguments (empty: not used), and gives what it yields.
  Texts body(mlir::Block &block, llvm::ArrayRef<Text> arguments);
  Text literal(mlir::Type type, mlir::Attribute number);
  Text zero(mlir::Type type);

  /// The types of the text: in memory ("u8" for bool) and computed with.
  Text memoryType(mlir::Type type);
  Text computeType(mlir::Type type);
  static bool isNarrowFloat(mlir::Type type) {
    return type.isF16() || type.isBF16();
  }

  /// Reports the first error.
  Text fail(mlir::Operation *op, const llvm::Twine &message);
  bool failed() const { return hasFailed; }
  void setFailed() { hasFailed = true; }

private:
  friend class BodyPrinter;
  struct Made {
    mlir::Value tensor;
    Indices at;
    Text value;
  };
  Text generic(mlir::linalg::GenericOp op, unsigned result,
               llvm::ArrayRef<Index> at);
  Text pad(mlir::tensor::PadOp op, llvm::ArrayRef<Index> at);
  Text slice(mlir::tensor::ExtractSliceOp op, llvm::ArrayRef<Index> at);
  Text expand(mlir::tensor::ExpandShapeOp op, llvm::ArrayRef<Index> at);
  Text collapse(mlir::tensor::CollapseShapeOp op, llvm::ArrayRef<Index> at);

  /// sum + each factor times its size.
  struct Address {
    Index sum;
    llvm::SmallVector<std::pair<Index, graph::DimExprAttr>> others;
  };
  Address addressOf(llvm::ArrayRef<graph::DimExprAttr> strides,
                    llvm::ArrayRef<Index> at);
  Text text(const Address &address);
  /// Where an address runs along the lanes and can be wide: that of lane 0.
  std::optional<Address> wideAddress(Address address);
  bool isKnownBeforeLanes(Index index);
  bool dependsOnLane(Index index);
  bool dependsOnLane(const Address &address);
  int64_t divisor(Index index);
  void needWide(llvm::StringRef pointer, mlir::Type element);
  /// Where an index runs along the lanes from a multiple of V on: that of lane
  /// 0, which is below a multiple of V only together with all others.
  std::optional<Index> firstOfLanes(Index index);
  /// Whether a dim is a multiple of V, or the launch is asked for that.
  bool isMultiple(graph::DimExprAttr dim);
  /// An element as it lies in memory.
  Text load(llvm::StringRef pointer, mlir::Type element,
            const Address &address);
  /// Inserts a line before the loop of the lanes.
  void lineBeforeLanes(const llvm::Twine &text);
  graph::DimExprAttr dimValue(mlir::Value value);
  void remember(mlir::Value tensor, llvm::ArrayRef<Index> at,
                llvm::StringRef value);

  /// A variable's line in `out`; it goes if nothing uses it.
  struct Declared {
    size_t line;
    Text name;
  };

  Text out;
  unsigned depth = 0, nextValue = 0, nextIndex = 0;
  Texts variables; ///< Names of the affine dims.
  std::vector<std::vector<Made>> made;
  std::vector<std::vector<Declared>> declared;
  /// Values belong to one of several results: not each is asked for.
  bool mayBeUnused = false;
  struct LaneState {
    unsigned width = 1;
    Index lane;
    size_t numKnown = 0; ///< Variables that are declared before the loop …
    llvm::SmallVector<Index> inside; ///< … but for those of the same name.
    size_t begin = 0;                ///< Where the loop begins in `out`.
    unsigned depth = 0;
    llvm::SmallVector<std::pair<Text, Text>> loads; ///< (address, name)
    Texts after;
  };
  std::optional<LaneState> laneState;
  llvm::SmallVector<std::pair<Text, Indices>> conditions;
  llvm::DenseMap<Index, int64_t> multiples;
  unsigned nextLoad = 0, nextStore = 0;

  llvm::DenseMap<mlir::Value, ElementFn> bound;
  /// Row-major numbers of elements: (indices combined, the number's variable).
  llvm::SmallVector<std::pair<Index, Index>> numbers;
  bool hasFailed = false;
};

} // namespace actnet::cuda

#endif // ACTNET_LIB_CODEGEN_CUDA_PRINTER_H
