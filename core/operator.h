#pragma once
// What an operator tells the rest of the engine about itself. Nobody keeps a list of operators: a builder such as
// relu(x) refers to its descriptor, and everything else (planner, executor, printing) asks the descriptor.

#include "core/graph.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <span>

namespace hemp {

/// Memory of one step of a running program, as a kernel sees it.
struct Buffers {
    std::span<const void* const> inputs;
    std::span<void* const>       outputs;                   ///< one, but for chains, and where others go along
    std::byte*                   scratch        = nullptr;  ///< shared by all pieces, Work::scratch_bytes
    std::byte*                   thread_scratch = nullptr;  ///< of this thread alone, Work::thread_scratch_bytes

    template <class T>
    const T* input(size_t i) const {
        return static_cast<const T*>(inputs[i]);
    }
    template <class T>
    T* out(size_t i = 0) const {
        return static_cast<T*>(outputs[i]);
    }
};

/// Is told of neighbouring pixels of one block of channels, the first of them `first` floats into a result in blocks.
using Written = std::function<void(int64_t block, int64_t first, int64_t pixels)>;

/// Work that pieces do independently of each other, on any thread, in any order.
struct Stage {
    int64_t                                            pieces = 1;
    std::function<void(const Buffers&, int64_t piece)> run;
    /// Tells what a piece writes of the step's first result, block by block; all pieces together write each pixel once.
    /// Empty where no operator needs to know; of one stage at most.
    std::function<void(int64_t piece, const Written&)> written = {};
};

/// How a node is computed: stages one after another, each cut into pieces by shape alone, so that the bits of the
/// result cannot depend on the number of threads. All memory is asked for here; a kernel allocates nothing.
struct Work {
    std::vector<Stage> stages               = {};
    size_t             scratch_bytes        = 0;
    size_t             thread_scratch_bytes = 0;
    std::string        algorithm            = {};  ///< for `explain`: what was chosen
    std::string        instead              = {};  ///< why a faster algorithm was not, where there is one
};

/// Bounds that values are brought between.
struct Clamp {
    float low  = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();

    bool bounds() const { return std::isfinite(low) || std::isfinite(high); }

    /// Both one after the other.
    Clamp then(const Clamp& next) const {
        return {std::clamp(low, next.low, next.high), std::clamp(high, next.low, next.high)};
    }
};

/// How a kernel reads operands that its step computes on the way; what has a value a channel has 16 for each block.
struct Reading {
    /// min(max((x - centre) * gain + offset, low), high)
    struct Normalised {
        size_t centre;  ///< its place among the step's inputs; gain and offset follow
        Clamp  clamp;
    };
    /// The operator normalise_gradient of dy, in whose place this stands.
    struct Gradient {
        size_t x;  ///< its place; centre, gain, offset, slope and shift follow
        bool   six;
    };
    std::optional<Normalised> normalised = {};
    std::optional<Gradient>   gradient   = {};
};

/// Where a node that is computed along with another step has its operands and its result.
struct Alongside {
    size_t  others;   ///< all operands but the first stand among the step's inputs, from here on
    size_t  result;   ///< its place among the step's outputs
    Reading reading;  ///< its places are those of the step
};

/// Arithmetic and memory traffic of a node.
struct Cost {
    double flop  = 0;  ///< additions, multiplications, comparisons; a multiply-add counts 2
    double bytes = 0;  ///< each operand read once, the result written once
};

/// Computes `count` consecutive results of an elementwise operator from as many consecutive values of each operand.
using TileFunction = void (*)(const void* const* inputs, void* output, int64_t count);

/// Elementwise operators whose algebra the planner knows: a + b, a - b, a * b, (x - centre) * gain + offset, and the
/// gradient to its x.
enum class Arithmetic : uint8_t { other, sum, difference, product, normalise, normalise_gradient };

/// How a node mixes channels (axis 1): not at all, one by one, or on blocks of them, so that part of a block costs as
/// much as all of it.
enum class Mixing : uint8_t { none, channels, blocks };

/// A reduction at the end of a chain of elementwise operators.
enum class Reduction : uint8_t { none, sum, max, min };

/// A node's operands while the planner moves values into blocks of channels: [N, C, H, W] becomes [N, ceil(C / 16), H,
/// W, 16] (core/ops/channel_blocks.h), the last block filled up with any finite values.
class BlockedOperands {
 public:
    virtual bool   in_blocks(size_t i) const = 0;  ///< is operand i computed in blocks?
    virtual Tensor planes(size_t i)          = 0;  ///< as it was
    virtual Tensor blocks(size_t i)          = 0;  ///< in blocks; of an f32 operand with four axes
    virtual Tensor per_channel(size_t i)     = 0;  ///< [C, 1, 1] as [1, ceil(C / 16), 1, 1, 16], filled up with zeros

 protected:
    ~BlockedOperands() = default;
};

/// What is done to a convolution's sums as they are written: y = min(max(sums + bias + addend, low), high).
struct Finishing {
    Tensor bias;    ///< one value a channel, in the form that broadcasts over y; or none
    Tensor addend;  ///< of y's shape; or none
    Clamp  clamp = {};

    bool empty() const { return !bias && !addend && !clamp.bounds(); }
};

struct Operator {
    std::string_view name;

    /// The type of the result. Throws ShapeError that names operand, sizes and the usual cause.
    Type (*infer)(const Node& node) = nullptr;

    /// The gradient to each input, built from other operators; an empty tensor where there is none. `y` is the result,
    /// `dy` the gradient to it. A null pointer: the operator has no gradient (its result is no smooth function).
    Tensors (*gradient)(const Tensor& y, const Tensor& dy) = nullptr;

    /// An elementwise operator gives a function for tiles (chosen for this CPU), and is fused with its neighbours.
    TileFunction (*tile)(const Node& node) = nullptr;

    /// Every other operator says how its work is cut.
    Work (*work)(const Node& node) = nullptr;

    /// The same with operand `normalised_operand` read through a `normalise` whose result is in blocks of channels, and
    /// clamps behind it, or operand 0 through a `normalise_gradient`; the planner puts these into one step.
    Work (*work_reading)(const Node& node, const Reading& reading) = nullptr;
    std::optional<size_t> normalised_operand                       = {};
    bool (*reads_gradient)(const Node& node)                       = nullptr;

    /// The work of another step with the node's own added behind each piece, while what that has written
    /// (Stage::written) or read is in the cache. Operand 0 is the first result of that step; or, where `beside` allows
    /// it, its first operand.
    Work (*work_along)(const Node& node, Work work, const Alongside& place) = nullptr;
    bool (*beside)(const Node& node, const Node& other)                     = nullptr;

    /// The bounds, for an operator that clamps its input 0 between fixed numbers; nothing for any other node.
    std::optional<Clamp> (*clamp)(const Node& node) = nullptr;

    /// The same node computed on blocks of channels, with its result in blocks if that has four axes; an empty tensor
    /// where that cannot be or does not pay. Elementwise operators and reductions need not say: the planner knows.
    Tensor (*on_blocks)(const Node& node, BlockedOperands& operands) = nullptr;

    /// The node with each channel of its result (axis 1) multiplied by a factor, one a channel, by changing an operand.
    Tensor (*scaled)(const Node& node, const Tensor& factors) = nullptr;

    /// The node on fewer channels (axis 1), of an operator whose result has operand 0's, one by one or each as several
    /// neighbours: operand 0 has some of them, all others the rows (axis 0) of these. An empty tensor where channels
    /// are mixed. Elementwise operators need not say.
    Tensor (*on_channels)(const Node& node, const Tensors& operands) = nullptr;

    /// Whether the result's channels are sums of those of operand 0 with the weights operand 1, [to, from, ..].
    Mixing (*mixing)(const Node& node) = nullptr;

    /// The node with its weights in the order in which its kernel reads them, and its result finished as it is written;
    /// an empty tensor where that cannot be or does not pay.
    Tensor (*finished)(const Node& node, const Finishing& finishing) = nullptr;

    /// The node with the one that computes its operand 0 made a part of it, so that the operand is never written as a
    /// whole; an empty tensor where that cannot be or does not pay.
    Tensor (*joined)(const Node& node) = nullptr;

    /// Finite operands give a finite result, so that an elementwise operator may run on what fills up a block.
    bool keeps_finite = false;

    /// What the planner may join into one operator with its neighbours.
    Arithmetic arithmetic = Arithmetic::other;

    /// Inputs whose memory the result may take when nobody reads them later.
    std::vector<size_t> in_place = {};

    /// The result has the values of input 0 in the same order (reshape): no work, no memory.
    bool alias = false;

    /// The result is input 0 repeated (expand): elementwise readers, which broadcast, may read input 0 instead.
    bool repeats = false;

    /// Ends a chain of elementwise operators: the planner may compute the input on the fly.
    Reduction reduction = Reduction::none;

    Cost (*cost)(const Node& node) = nullptr;  ///< null: one operation for each element of the result
};

}  // namespace hemp
