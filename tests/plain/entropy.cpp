// The entropy of soft symbols. A weight w between the levels c[k] and c[k+1] is symbol k+1 with the probability
// (w - c[k]) / (c[k+1] - c[k]), its share, and symbol k with the rest; a tuple of n weights stands for 2^n tuples of
// symbols, its corners.
//
// A table is not laid out here as the fast operators do (a cell for every possible tuple, or hashed rows in no defined
// order): it is a list of rows, the n symbols of a tuple and then its number, sorted by symbols. So tables, and the
// logarithms that belong to their rows, can be compared by what comes of them only: entropy, slopes, distinct tuples.
#include "tests/plain/plain.h"

#include <algorithm>
#include <cmath>

namespace hemp::plain {
namespace {

using Tuple  = std::vector<int64_t>;
using Tuples = std::map<Tuple, double>;

Values values_of(const Tuples& tuples, int64_t order) {
    Values rows({static_cast<int64_t>(tuples.size()), order + 1});
    rows.at.clear();
    for (const auto& [tuple, number] : tuples) {
        rows.at.insert(rows.at.end(), tuple.begin(), tuple.end());
        rows.at.push_back(number);
    }
    return rows;
}

Tuples tuples_of(const Values& rows) {
    Tuples tuples;
    for (auto row = rows.at.begin(); row != rows.at.end(); row += rows.shape[1]) {
        auto number                = row + (rows.shape[1] - 1);
        tuples[Tuple(row, number)] = *number;
    }
    return tuples;
}

struct Soft {
    int64_t lower;  ///< the symbol below, of two
    double  share;  ///< probability of the symbol above
    double  slope;  ///< of the share: 0 at the highest level and outside, and at a level that of the interval above it
};

Soft soft_symbol(double w, const Values& levels) {
    int64_t last = levels.shape.size() - 1;
    if (!(w >= levels[0])) {  // NaN too
        return {0, 0, 0};
    }
    if (w >= levels[last]) {
        return {last - 1, 1, 0};
    }
    int64_t k = 0;
    while (w >= levels[k + 1]) {
        ++k;
    }
    double step = levels[k + 1] - levels[k];
    return {k, (w - levels[k]) / step, 1 / step};
}

/// The first n weights of each window.
std::vector<std::vector<Soft>> soft_tuples(const Node& node, const Values& w, const Values& levels) {
    std::vector<std::vector<Soft>> tuples;
    for (int64_t first = 0; first + node.integer("span") <= w.shape.size(); first += node.integer("stride")) {
        tuples.emplace_back();
        for (int64_t i = 0; i < node.integer("order"); ++i) {
            tuples.back().push_back(soft_symbol(w[first + i], levels));
        }
    }
    return tuples;
}

/// Bit i of `corner` says which of its two symbols member i is.
bool is_upper(size_t corner, size_t member) { return (corner >> member & 1) != 0; }

Tuple symbols_at(size_t corner, const std::vector<Soft>& members) {
    Tuple tuple;
    for (size_t i = 0; i < members.size(); ++i) {
        tuple.push_back(members[i].lower + (is_upper(corner, i) ? 1 : 0));
    }
    return tuple;
}

/// The product of what the members, all or all but one, give to a corner.
double probability_of(size_t corner, const std::vector<Soft>& members, size_t except) {
    double product = 1;
    for (size_t i = 0; i < members.size(); ++i) {
        if (i != except) {
            product *= is_upper(corner, i) ? members[i].share : 1 - members[i].share;
        }
    }
    return product;
}

/// Corners of probability 0 have rows too: slopes need their logarithm.
Values tuple_table(const Node& node, const Operands& in) {
    Tuples counts;
    size_t tensors = in.size() / 2;
    for (size_t t = 0; t < tensors; ++t) {
        for (const std::vector<Soft>& members : soft_tuples(node, in[t], in[tensors + t])) {
            for (size_t corner = 0; corner < size_t{1} << members.size(); ++corner) {
                counts[symbols_at(corner, members)] += probability_of(corner, members, members.size());
            }
        }
    }
    return values_of(counts, node.integer("order"));
}

/// log2 of p, given the table of the first n-1 members less that of theirs; p counts as 1/1024 of a tuple at least.
Values tuple_logs(const Node& node, const Operands& in) {
    double tuples = static_cast<double>(node.integer("tuples"));
    auto   log_of = [&](double count) { return std::log2(std::max(count, 1.0 / 1024) / tuples); };
    Tuples logs   = tuples_of(in[0]);
    Tuples prefix = in.size() == 2 ? tuples_of(in[1]) : Tuples{};
    for (auto& [tuple, number] : logs) {
        number = log_of(number);
        if (!prefix.empty()) {
            number -= log_of(prefix.at(Tuple(tuple.begin(), tuple.end() - 1)));
        }
    }
    return values_of(logs, in[0].shape[1] - 1);
}

/// dH/dw[i] = 1 / (total * step) * sum over corners of the others of q * (log2 p(.., k, ..) - log2 p(.., k+1, ..)),
/// summed over the windows that w[i] is in.
Values tuple_slope(const Node& node, const Operands& in) {
    const Values &dy = in[0], &w = in[1], &levels = in[2];
    Tuples        logs  = tuples_of(in[4]);
    double        total = static_cast<double>(node.integer("total"));
    Values        slopes(node.type.shape);
    int64_t       first = 0;
    for (const std::vector<Soft>& members : soft_tuples(node, w, levels)) {
        for (size_t i = 0; i < members.size(); ++i) {
            double sum = 0;
            for (size_t corner = 0; corner < size_t{1} << members.size(); ++corner) {
                double q = probability_of(corner, members, i);
                sum += (is_upper(corner, i) ? -q : q) * logs.at(symbols_at(corner, members));
            }
            slopes[first + static_cast<int64_t>(i)] += dy[0] * sum * members[i].slope / total;
        }
        first += node.integer("stride");
    }
    return slopes;
}

double bits_of(const Values& table, double tuples) {
    double bits = 0;
    for (const auto& [tuple, count] : tuples_of(table)) {
        bits -= count > 0 ? count / tuples * std::log2(count / tuples) : 0;
    }
    return bits;
}

/// The mean of the tables' entropies, each less that of its first n-1 members where marginals follow, by their tuples.
Values entropy(const Node& node, const Operands& in) {
    const std::vector<int64_t>& tuples = node.integers("tuples");
    double                      bits = 0, total = 0;
    for (size_t i = 0; i < tuples.size(); ++i) {
        double count = static_cast<double>(tuples[i]);
        double here  = bits_of(in[i], count);
        if (node.integer("marginals") != 0) {
            here -= bits_of(in[tuples.size() + i], count);
        }
        bits += count * here;
        total += count;
    }
    return Values(Shape{}, bits / total);
}

Values distinct_tuples(const Node&, const Operands& in) {
    Values distinct(Shape{});
    for (const Values& table : in) {
        for (const auto& [tuple, count] : tuples_of(table)) {
            distinct[0] += count > 0 ? 1 : 0;
        }
    }
    return distinct;
}

}  // namespace

void add_entropy(Table& table) {
    table["tuple_table"]     = tuple_table;
    table["tuple_logs"]      = tuple_logs;
    table["tuple_slope"]     = tuple_slope;
    table["entropy"]         = entropy;
    table["distinct_tuples"] = distinct_tuples;
}

}  // namespace hemp::plain
