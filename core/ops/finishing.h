#pragma once
// How a convolution stores what is to be done to its sums (Finishing), and gives it to its kernel.

#include "core/kernels/finish.h"
#include "core/operator.h"

namespace hemp {

/// Appends the tensors to a node's inputs, the rest to its attributes. A node of two convolutions keeps them apart by
/// what their attributes begin with.
void add_finishing(const Finishing& finishing, Tensors& inputs, Attributes& attributes, const std::string& prefix = {});

/// The same read back, from a node with `others` inputs before.
Finishing finishing_of(const Node& node, size_t others, const std::string& prefix = {});

/// How many inputs that are.
size_t count_finishing(const Node& node, const std::string& prefix = {});

/// Where a kernel finds them.
class FinishingOperands {
 public:
    FinishingOperands() = default;  ///< nothing is done
    FinishingOperands(const Node& node, size_t others, const std::string& prefix = {});

    /// For the sums at `block` of 16 channels of an image whose results begin `floats` after the first of all.
    Finish at(const Buffers& memory, int64_t block, int64_t floats) const;

 private:
    size_t bias_ = 0, addend_ = 0;  ///< inputs; 0: none
    Clamp  clamp_;
};

/// Throws ShapeError unless bias and addend fit the convolution's result y [N, B, H, W, 16], and, without a prefix, are
/// the node's last inputs.
void expect_finishing(const Node& node, size_t others, const Shape& y, const std::string& prefix = {});

/// "direct", or "direct + bias + addend, bounded".
std::string with_finishing(std::string algorithm, const Node& node);

}  // namespace hemp
