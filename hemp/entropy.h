#pragma once
// The entropy of quantized weights, soft and therefore differentiable: what training minimises.

#include "core/graph.h"

#include <cstddef>
#include <cstdint>

namespace hemp {

enum class Pooling : uint8_t {
    per_tensor,  ///< a table of probabilities for each tensor: what an adaptive coder pays
    shared,      ///< one for all tensors with equally many levels, as the authors of HEMP do
};

/// The order in which weights are read: two axes exchanged, in each tensor that has both, before it is read row by row.
/// Neighbours then are neighbours along other axes: {0, 1} transposes a linear layer, {1, 3} of a convolution's
/// [K, C, H, W] makes them neighbours in C.
struct ScanOrder {
    int first  = 0;
    int second = 0;  ///< the same axis: as stored
};

struct EntropyOptions {
    int       order       = 1;      ///< n: weights in a tuple, 1 to 8
    bool      conditional = false;  ///< of a weight given the n-1 before it, over overlapping windows
    Pooling   pooling     = Pooling::per_tensor;
    ScanOrder scan        = {};
    size_t    max_bytes   = size_t{1} << 30;  ///< refuse tables that need more
};

/// The entropy of order n of the weights' soft symbols: a weight between two levels belongs to both, linearly shared.
///   weights   each [..] f32, at least n weights
///   levels    one for each of them, [L] f32, 2 <= L <= 256, strictly increasing
///   returns   scalar f32, never negative. Joint: H_n in bits a tuple of n consecutive weights (divide by n for bits a
///             weight; up to n-1 weights at a tensor's end are in no tuple). Conditional: H_n - H_(n-1) in bits a
///             weight, both over the same overlapping windows. Averaged over all tuples of all tensors. Greatest error
///             1e-5
///   gradient  to the weights: see tuple_slope; none to the levels
///   throws    ShapeError; UsageError on an order beyond 1 to 8 or a negative axis; Error if tables need over max_bytes
///   source    Tartaglione et al., "HEMP", 2021, equations 4 to 9. Different: only the two levels around a weight
///             count, 2^n tuples instead of L^n
/// The same bits for any number of threads and any instruction set.
Tensor entropy(const Tensors& weights, const Tensors& levels, const EntropyOptions& options);

/// How many different tuples occur in the tables of an entropy: scalar i64. With more than a tenth as many as there are
/// tuples the entropy is under-sampled, and too low by itself.
Tensor distinct_tuples(const Tensor& entropy);

/// The tuples that an entropy averages over; it is at most log2 of that, whatever the weights are.
int64_t tuple_count(const Tensor& entropy);

/// The most memory that computing an entropy and its gradient needs beside weights and gradients.
size_t entropy_bytes(const Tensors& weights, const Tensors& levels, const EntropyOptions& options);

}  // namespace hemp
