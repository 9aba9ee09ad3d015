#pragma once
// How a convolution stores what is to be done to its sums (Finishing), and gives it to its kernel.

#include "core/kernels/finish.h"
#include "core/operator.h"

namespace hemp {

/// Appends the tensors to a node's inputs, the rest to its attributes.
void add_finishing(const Finishing& finishing, Tensors& inputs, Attributes& attributes);

/// The same read back, from a node whose other inputs are `others`.
class FinishingOperands {
 public:
    FinishingOperands() = default;  ///< nothing is done
    FinishingOperands(const Node& node, size_t others);

    /// For the sums at `block` of 16 channels of an image whose results begin `floats` after the first of all.
    Finish at(const Buffers& memory, int64_t block, int64_t floats) const;

 private:
    size_t bias_ = 0, addend_ = 0;  ///< inputs; 0: none
    Finish bounds_;
};

/// Throws ShapeError unless a node's bias and addend fit its result [N, B, H, W, 16].
void expect_finishing(const Node& node, size_t others, const Shape& y);

/// "direct", or "direct + bias + addend, bounded".
std::string with_finishing(std::string algorithm, const Node& node);

}  // namespace hemp
