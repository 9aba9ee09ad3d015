#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hemp {

/// Where something has weights, and whether each is positive: bits by place.
struct Marks {
    std::vector<uint64_t> positive, negative;
    size_t                count = 0;

    explicit Marks(size_t places) : positive((places + 63) / 64), negative(positive.size()) {}

    void add(size_t place, bool is_positive) {
        (is_positive ? positive : negative)[place / 64] |= uint64_t{1} << place % 64;
        ++count;
    }
};

/// The units in an order in which neighbours have marks in common: a path through all of them along which similarity is
/// large, by nearest neighbours from the unit with most marks on, then by turning round parts of it while that helps.
///   kinds    of marks; of each kind, those of every unit, over as many places. Marks of two units count where places
///            and signs are equal, against where only places are, by how many they have
///   units    those to put in order; of more than 2,048, which would take long, by falling number of marks
std::vector<size_t> similar_order(const std::vector<const std::vector<Marks>*>& kinds, std::vector<size_t> units);

}  // namespace hemp
