#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hemp {

/// The weights that something has, by rising place, and whether each is positive.
struct Mark {
    int64_t place;
    bool    positive;
};
using Marks = std::vector<Mark>;

/// The units in an order in which neighbours have marks in common: a path through all of them along which similarity is
/// large, by nearest neighbours from the unit with most marks on, then by turning round parts of it while that helps.
///   kinds    of marks; of each kind, those of every unit. Marks of two units count where places and signs are equal,
///            against where only places are, by how many they have
///   units    those to put in order; of more than 2,048, which would take long, by falling number of marks
std::vector<size_t> similar_order(const std::vector<const std::vector<Marks>*>& kinds, std::vector<size_t> units);

}  // namespace hemp
