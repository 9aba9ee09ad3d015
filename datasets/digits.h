#pragma once
// Handwritten-looking digits drawn by a program: real work for a classifier with no data at hand.

#include "datasets/dataset.h"

namespace hemp {

constexpr int64_t train_digits = 6000;
constexpr int64_t test_digits  = 1000;

/// Digits 0 to 9 in turn, u8 [count, 1, 28, 28], bright on dark. Image i depends on (seed, part, i) alone, and its
/// bytes are the same on every machine: all arithmetic is in integers.
Dataset digits(Part part, int64_t count, uint64_t seed = 0);

/// The default number of digits: 6,000 to train on, 1,000 to test.
Dataset digits(Part part);

}  // namespace hemp
