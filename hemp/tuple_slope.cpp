// The slope of the entropy.
// For one tuple, F(a) = sum over corners of (product of shares) * log2 p is linear in each member's share a, and
// dH/dw = -(1 / (total * step)) * dF/da: the terms from the change of p itself sum to zero, since probabilities always
// sum to one. Contracting F one member at a time, from the last, leaves the differences that each member's derivative
// needs; going back from the first with the products of shares sums them up: O(2^n) a tuple for all n derivatives,
// where the formula taken member by member costs n 2^n. Cost: 2^n look-ups and about 5 * 2^n operations a tuple; the
// logarithms once for each slot of the table.
#include "hemp/tuple_slope.h"

#include "core/kernels/dispatch.h"
#include "core/operator.h"

#include <cmath>

namespace hemp {
namespace {

// ---- Logarithms ----

constexpr int64_t slots_in_piece = 4096;
constexpr double  least_tuples   = 1.0 / 1024;  // a probability is at least that of so many tuples

Type infer_logs(const Node& node) {
    for (const Tensor& table : node.inputs) {
        expect(table.dtype() == DType::i64, "tuple_logs: a table is {}, but must be i64 from tuple_table",
               table.type());
    }
    return {{node.inputs[0].shape()[0]}, DType::f32};
}

Work logs_work(const Node& node) {
    TableLayout layout      = TableLayout::of(node.inputs[0]);
    bool        conditional = node.inputs.size() == 2;
    TableLayout marginal    = conditional ? TableLayout::of(node.inputs[1]) : TableLayout{};
    uint64_t    levels      = static_cast<uint64_t>(node.integer("levels"));
    double      one         = std::log2(static_cast<double>(node.integer("tuples")) * one_tuple);
    int64_t     least       = static_cast<int64_t>(least_tuples * one_tuple);
    double      log_least   = std::log2(static_cast<double>(least)) - one;

    auto log_of = [=](int64_t count) {
        return count <= least ? log_least : std::log2(static_cast<double>(count)) - one;
    };
    auto run = [=](const Buffers& buffers, int64_t piece) {
        int64_t begin = piece * slots_in_piece;
        int64_t end   = std::min(begin + slots_in_piece, layout.slots);
        for (int64_t slot = begin; slot < end; ++slot) {
            double log = log_of(layout.count(buffers.inputs[0], slot));
            if (conditional) {
                uint64_t prefix = layout.key(buffers.inputs[0], slot) / levels;
                log -= log_of(marginal.count_of(buffers.inputs[1], prefix));
            }
            buffers.out<float>()[slot] = static_cast<float>(log);
        }
    };
    Work work;
    work.stages = {{(layout.slots + slots_in_piece - 1) / slots_in_piece, run}};
    return work;
}

Cost logs_cost(const Node& node) {
    double slots = static_cast<double>(node.inputs[0].shape()[0]);
    return {.flop = 20 * slots, .bytes = static_cast<double>(node.inputs[0].type().bytes()) + 4 * slots};
}

const Operator tuple_logs_operator{.name = "tuple_logs", .infer = infer_logs, .work = logs_work, .cost = logs_cost};

// ---- Slope ----

constexpr int64_t tiles_in_piece = 8;

struct Plan {
    int64_t                                                                                   order;
    int64_t                                                                                   levels;
    Windows                                                                                   windows;
    double                                                                                    total;
    int64_t                                                                                   size;  // of w
    TableLayout                                                                               layout;
    decltype(kernel<SoftSymbols, void(const float*, const Intervals*, SoftTile*, int64_t)>()) soft_symbols;

    // Weights whose slopes a tile computes: all windows that touch them fit into it, and where windows do not overlap
    // a tile holds whole ones.
    int64_t tile() const { return (SoftTile::size - 2 * order) / windows.stride * windows.stride; }
    int64_t piece() const { return tiles_in_piece * tile(); }
};

Plan plan_of(const Node& node) {
    return {.order        = node.integer("order"),
            .levels       = node.inputs[2].shape()[0],
            .windows      = {node.integer("span"), node.integer("stride")},
            .total        = static_cast<double>(node.integer("total")),
            .size         = node.inputs[1].shape().size(),
            .layout       = TableLayout::of(node.inputs[3]),
            .soft_symbols = kernel<SoftSymbols, void(const float*, const Intervals*, SoftTile*, int64_t)>()};
}

Type infer_slope(const Node& node) {
    expect(node.inputs[0].type() == Type{}, "tuple_slope: dy is {}, but must be a scalar f32", node.inputs[0].type());
    expect(node.inputs[4].shape() == Shape{node.inputs[3].shape()[0]},
           "tuple_slope: logs are {}, but must be one for each slot of the table {}", node.inputs[4].type(),
           node.inputs[3].type());
    return node.inputs[1].type();
}

// The derivatives of F to the shares of the n members.
template <int n>
HEMP_INLINE void derivatives(const float* share, const float* log_of_corner, float* derivative) {
    float value[1 << n];  // of F, contracted so far
    float difference[n][1 << (n - 1)];
    std::copy(log_of_corner, log_of_corner + (1 << n), value);
    for (int member = n - 1; member >= 0; --member) {
        for (int corner = 0; corner < 1 << member; ++corner) {
            difference[member][corner] = value[corner + (1 << member)] - value[corner];
            value[corner] += share[member] * difference[member][corner];
        }
    }
    float weight[1 << n] = {1};  // of each corner of the members so far
    for (int member = 0; member < n; ++member) {
        float sum = 0;
        for (int corner = 0; corner < 1 << member; ++corner) {
            sum += weight[corner] * difference[member][corner];
            float part                     = weight[corner] * share[member];
            weight[corner + (1 << member)] = part;
            weight[corner] -= part;
        }
        derivative[member] = sum;
    }
}

// Slopes of the weights [begin, end), at most a tile: the sum over all windows that they are in.
template <int n, class Table>
void slope_tile(const Plan& plan, const Buffers& buffers, const Intervals& intervals, Table table, int64_t begin,
                int64_t end) {
    const auto   keys                 = corner_keys<n>(plan.levels);
    const float* logs                 = buffers.input<float>(4);
    int64_t      stride               = plan.windows.stride;
    int64_t      first                = std::max<int64_t>(0, begin - n + stride) / stride;
    int64_t      last                 = std::min((end + stride - 1) / stride, plan.windows.count(plan.size));
    int64_t      start                = std::min(first * stride, begin);
    float        sums[SoftTile::size] = {};
    SoftTile     tile;
    if (last > first) {
        plan.soft_symbols(buffers.input<float>(1) + start, &intervals, &tile, (last - 1) * stride + n - start);
    }
    for (int64_t window = first; window < last; ++window) {
        int64_t  at     = window * stride - start;
        uint64_t lowest = lowest_key<n>(tile.interval + at, plan.levels);
        float    log_of_corner[1 << n];
        for (size_t corner = 0; corner < keys.size(); ++corner) {
            log_of_corner[corner] = logs[table.slot(lowest + keys[corner])];
        }
        float derivative[n];
        derivatives<n>(tile.share + at, log_of_corner, derivative);
        for (int member = 0; member < n; ++member) {
            sums[at + member] += derivative[member] * tile.inverse[at + member];
        }
    }
    float scale = static_cast<float>(-buffers.input<float>(0)[0] / plan.total);
    for (int64_t i = begin; i < end; ++i) {
        buffers.out<float>()[i] = scale * sums[i - start];
    }
}

Work slope_work(const Node& node) {
    Plan plan = plan_of(node);
    auto run  = [=](const Buffers& buffers, int64_t piece) {
        Intervals intervals({buffers.input<float>(2), static_cast<size_t>(plan.levels)});
        int64_t   end = std::min((piece + 1) * plan.piece(), plan.size);
        for (int64_t begin = piece * plan.piece(); begin < end; begin += plan.tile()) {
            plan.layout.with(buffers.inputs[3], [&](auto table) {
                with_order(plan.order, [&](auto n) {
                    slope_tile<n>(plan, buffers, intervals, table, begin, std::min(begin + plan.tile(), end));
                });
            });
        }
    };
    return {.stages    = {{(plan.size + plan.piece() - 1) / plan.piece(), run}},
            .algorithm = plan.layout.dense ? "dense table" : "hash table"};
}

Cost slope_cost(const Node& node) {
    Plan   plan    = plan_of(node);
    double corners = static_cast<double>(plan.windows.count(plan.size) << plan.order);
    return {.flop  = 8 * corners,
            .bytes = 8 * static_cast<double>(plan.size) + static_cast<double>(node.inputs[4].type().bytes())};
}

const Operator tuple_slope_operator{
    .name = "tuple_slope", .infer = infer_slope, .work = slope_work, .cost = slope_cost};

}  // namespace

Tensor tuple_logs(Tensor table, Tensor marginal, int64_t tuples, int64_t levels) {
    Tensors operands{std::move(table)};
    if (marginal) {
        operands.push_back(std::move(marginal));
    }
    return node(tuple_logs_operator, std::move(operands), {{"tuples", tuples}, {"levels", levels}});
}

Tensor tuple_slope(Tensor dy, Tensor w, Tensor levels, Tensor table, Tensor logs, int64_t order, const Windows& windows,
                   int64_t total) {
    return node(tuple_slope_operator,
                {std::move(dy), std::move(w), std::move(levels), std::move(table), std::move(logs)},
                {{"order", order}, {"span", windows.span}, {"stride", windows.stride}, {"total", total}});
}

}  // namespace hemp
