// Entropy of the counts in tables of tuples.
// The tables are operands, so that value, gradient and number of distinct tuples share them; the weights are operands
// too, since a table of integers passes no gradient on.
// Cost: a logarithm for each slot of the tables that is in use.
#include "hemp/entropy.h"

#include "core/operator.h"
#include "core/ops/transpose.h"
#include "hemp/tuple_slope.h"
#include "hemp/tuple_table.h"

#include <cmath>
#include <map>
#include <numeric>

namespace hemp {
namespace {

constexpr int64_t slots_in_piece = 4096;
// Terms of a sum of entropies, at most 64 bits, are integers of this unit: rows of a hash table lie in no fixed order.
constexpr double one_bit = 0x1p48;

// ---- Pools of tensors that share a table ----

struct Pool {
    std::vector<size_t> tensors;
    int64_t             levels = 0;
    int64_t             tuples = 0;
};

Windows windows_of(const EntropyOptions& options) {
    return {.span = options.order, .stride = options.conditional ? 1 : options.order};
}

std::vector<Pool> pools_of(const Tensors& weights, const Tensors& levels, const EntropyOptions& options) {
    std::vector<Pool>         pools;
    std::map<int64_t, size_t> pool_with_levels;
    for (size_t i = 0; i < weights.size(); ++i) {
        int64_t count = levels[i].shape().size();
        size_t  pool  = pools.size();
        if (options.pooling == Pooling::shared) {
            pool = pool_with_levels.emplace(count, pools.size()).first->second;
        }
        if (pool == pools.size()) {
            pools.emplace_back();
            pools[pool].levels = count;
        }
        pools[pool].tensors.push_back(i);
        pools[pool].tuples += windows_of(options).count(weights[i].shape().size());
    }
    return pools;
}

bool needs_marginals(const EntropyOptions& options) { return options.conditional && options.order > 1; }

void check(const Tensors& weights, const Tensors& levels, const EntropyOptions& options) {
    if (options.order < 1 || options.order > max_order) {
        fail<UsageError>("entropy: order {} asked for; give 1 to {}", options.order, max_order);
    }
    if (options.scan.first < 0 || options.scan.second < 0) {
        fail<UsageError>("entropy: axes {} and {} were to be exchanged; count them from 0", options.scan.first,
                         options.scan.second);
    }
    expect(!weights.empty() && weights.size() == levels.size(),
           "entropy: {} tensors of weights and {} of levels given; each needs its own, and there must be one",
           weights.size(), levels.size());
    for (size_t i = 0; i < weights.size(); ++i) {
        expect(weights[i].shape().size() >= options.order,
               "entropy: weights {} are {}, too few for a tuple of order {}; leave the tensor out", i,
               weights[i].type(), options.order);
    }
}

// ---- Entropy ----
// Operands: `tables` tables, as many marginal ones where "marginals" is 1, then the weights, then their levels.

struct Layout {
    size_t                      tables;
    size_t                      marginals;
    size_t                      weights;
    Windows                     windows;
    const std::vector<int64_t>& tuples;  // of each table
    const std::vector<int64_t>& pool;    // of each weight: its table
    int64_t                     total = 0;

    explicit Layout(const Node& node) : tuples(node.integers("tuples")), pool(node.integers("pool")) {
        tables    = tuples.size();
        marginals = node.integer("marginals") != 0 ? tables : 0;
        weights   = pool.size();
        windows   = {node.integer("span"), node.integer("stride")};
        for (int64_t count : tuples) {
            total += count;
        }
    }
};

Type infer(const Node&) { return {}; }

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Node&    entropy = y.node();
    const Tensors& in      = entropy.inputs;
    Layout         layout(entropy);
    size_t         first = layout.tables + layout.marginals;  // of the weights
    Tensors        logs(layout.tables);
    Tensors        result(in.size());
    for (size_t i = 0; i < layout.weights; ++i) {
        size_t        pool   = static_cast<size_t>(layout.pool[i]);
        const Tensor& levels = in[first + layout.weights + i];
        if (!logs[pool]) {
            Tensor marginal = layout.marginals > 0 ? in[layout.tables + pool] : Tensor{};
            logs[pool]      = tuple_logs(in[pool], marginal, layout.tuples[pool], levels.shape()[0]);
        }
        result[first + i] = tuple_slope(dy, in[first + i], levels, in[pool], logs[pool], entropy.integer("order"),
                                        layout.windows, layout.total);
    }
    return result;
}

// A part of a table that one piece goes through.
struct Part {
    size_t      table;
    TableLayout layout;
    int64_t     begin;
    int64_t     end;
};

std::vector<Part> parts_of(const Tensors& operands, size_t tables) {
    std::vector<Part> parts;
    for (size_t i = 0; i < tables; ++i) {
        TableLayout layout = TableLayout::of(operands[i]);
        for (int64_t begin = 0; begin < layout.slots; begin += slots_in_piece) {
            parts.push_back({i, layout, begin, std::min(begin + slots_in_piece, layout.slots)});
        }
    }
    return parts;
}

int64_t sum_of_terms(const Part& part, const void* table, double tuples) {
    double  scale = 1 / (tuples * one_tuple);
    int64_t sum   = 0;
    for (int64_t slot = part.begin; slot < part.end; ++slot) {
        int64_t count = part.layout.count(table, slot);
        if (count > 0) {
            double p = static_cast<double>(count) * scale;
            sum -= std::llrint(p * std::log2(p) * one_bit);
        }
    }
    return sum;
}

Work work(const Node& node) {
    Layout               layout(node);
    size_t               tables = layout.tables;
    std::vector<int64_t> tuples = layout.tuples;
    double               total  = static_cast<double>(layout.total);
    std::vector<Part>    parts  = parts_of(node.inputs, tables + layout.marginals);

    auto sum_part = [=](const Buffers& buffers, int64_t piece) {
        const Part& part = parts[static_cast<size_t>(piece)];
        reinterpret_cast<int64_t*>(buffers.scratch)[piece] =
            sum_of_terms(part, buffers.inputs[part.table], static_cast<double>(tuples[part.table % tables]));
    };
    auto average = [=](const Buffers& buffers, int64_t) {
        const int64_t*       sums = reinterpret_cast<const int64_t*>(buffers.scratch);
        std::vector<int64_t> of_table(tables);  // less those of its marginal
        for (size_t i = 0; i < parts.size(); ++i) {
            of_table[parts[i].table % tables] += parts[i].table < tables ? sums[i] : -sums[i];
        }
        double bits = 0;
        for (size_t i = 0; i < tables; ++i) {
            bits += static_cast<double>(of_table[i]) / one_bit * static_cast<double>(tuples[i]);
        }
        buffers.out<float>()[0] = static_cast<float>(std::max(bits / total, 0.0));
    };
    Work work;
    work.stages        = {{static_cast<int64_t>(parts.size()), sum_part}, {1, average}};
    work.scratch_bytes = parts.size() * sizeof(int64_t);
    return work;
}

Cost cost(const Node& node) {
    Layout layout(node);
    Cost   cost;
    for (size_t i = 0; i < layout.tables + layout.marginals; ++i) {
        cost.flop += 20 * static_cast<double>(node.inputs[i].shape()[0]);
        cost.bytes += static_cast<double>(node.inputs[i].type().bytes());
    }
    return cost;
}

const Operator entropy_operator{.name = "entropy", .infer = infer, .gradient = gradient, .work = work, .cost = cost};

// ---- Distinct tuples ----

Type infer_distinct(const Node&) { return {Shape{}, DType::i64}; }

Work distinct_work(const Node& node) {
    std::vector<Part> parts = parts_of(node.inputs, node.inputs.size());
    auto              run   = [=](const Buffers& buffers, int64_t) {
        int64_t distinct = 0;
        for (const Part& part : parts) {
            for (int64_t slot = part.begin; slot < part.end; ++slot) {
                distinct += part.layout.count(buffers.inputs[part.table], slot) > 0;
            }
        }
        buffers.out<int64_t>()[0] = distinct;
    };
    Work work;
    work.stages = {{1, run}};
    return work;
}

const Operator distinct_operator{.name = "distinct_tuples", .infer = infer_distinct, .work = distinct_work};

Tensors in_scan_order(Tensors weights, const ScanOrder& scan) {
    for (Tensor& w : weights) {
        if (scan.first != scan.second && std::max(scan.first, scan.second) < w.shape().rank()) {
            std::vector<int> axes(static_cast<size_t>(w.shape().rank()));
            std::iota(axes.begin(), axes.end(), 0);
            std::swap(axes[static_cast<size_t>(scan.first)], axes[static_cast<size_t>(scan.second)]);
            w = transpose(w, std::move(axes));
        }
    }
    return weights;
}

void check_is_entropy(std::string_view who, const Tensor& entropy) {
    expect(entropy.node().op == &entropy_operator, "{}: {} is no entropy", who, entropy.node().op->name);
}

}  // namespace

Tensor entropy(const Tensors& weights, const Tensors& levels, const EntropyOptions& options) {
    size_t bytes = entropy_bytes(weights, levels, options);
    if (bytes > options.max_bytes) {
        fail(
            "entropy: order {} needs {:.1f} MiB for its tables, more than the limit of {:.1f} MiB; lower the order or "
            "the number of levels, or raise the limit",
            options.order, static_cast<double>(bytes) * 0x1p-20, static_cast<double>(options.max_bytes) * 0x1p-20);
    }
    Tensors              scanned = in_scan_order(weights, options.scan);
    Windows              windows = windows_of(options);
    Tensors              tables;
    Tensors              marginals;
    std::vector<int64_t> tuples;
    std::vector<int64_t> pool_of_tensor(weights.size());
    for (const Pool& pool : pools_of(weights, levels, options)) {
        Tensors pool_weights;
        Tensors pool_levels;
        for (size_t tensor : pool.tensors) {
            pool_weights.push_back(scanned[tensor]);
            pool_levels.push_back(levels[tensor]);
            pool_of_tensor[tensor] = static_cast<int64_t>(tables.size());
        }
        tables.push_back(tuple_table(pool_weights, pool_levels, options.order, windows));
        tuples.push_back(pool.tuples);
        if (needs_marginals(options)) {
            marginals.push_back(tuple_table(pool_weights, pool_levels, options.order - 1, windows));
        }
    }
    Tensors operands = std::move(tables);
    for (const Tensors* more : {&std::as_const(marginals), &std::as_const(scanned), &levels}) {
        operands.insert(operands.end(), more->begin(), more->end());
    }
    return node(entropy_operator, std::move(operands),
                {{"order", int64_t{options.order}},
                 {"span", windows.span},
                 {"stride", windows.stride},
                 {"marginals", int64_t{needs_marginals(options)}},
                 {"tuples", std::move(tuples)},
                 {"pool", std::move(pool_of_tensor)}});
}

Tensor distinct_tuples(const Tensor& entropy) {
    check_is_entropy("distinct_tuples", entropy);
    auto first = entropy.node().inputs.begin();
    return node(distinct_operator, Tensors(first, first + static_cast<std::ptrdiff_t>(Layout(entropy.node()).tables)));
}

int64_t tuple_count(const Tensor& entropy) {
    check_is_entropy("tuple_count", entropy);
    return Layout(entropy.node()).total;
}

size_t entropy_bytes(const Tensors& weights, const Tensors& levels, const EntropyOptions& options) {
    check(weights, levels, options);
    size_t kept    = 0;  // tables and logarithms of all pools
    size_t scratch = 0;  // of the pool that needs most
    for (const Pool& pool : pools_of(weights, levels, options)) {
        TableLayout table = TableLayout::of(pool.levels, options.order, pool.tuples);
        kept += table.bytes() + static_cast<size_t>(table.slots) * sizeof(float);
        scratch = std::max(scratch, tuple_table_scratch_bytes(table, options.order, pool.tuples));
        if (needs_marginals(options)) {
            TableLayout marginal = TableLayout::of(pool.levels, options.order - 1, pool.tuples);
            kept += marginal.bytes();
            scratch = std::max(scratch, tuple_table_scratch_bytes(marginal, options.order - 1, pool.tuples));
        }
    }
    return kept + scratch;
}

}  // namespace hemp
