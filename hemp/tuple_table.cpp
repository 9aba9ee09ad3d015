// Soft counts of tuples.
// Cost: 2^n additions a tuple, scattered over the table. While the table is small against them, each piece of the
// weights fills one of its own and a second stage adds these up; else one piece fills the result. Rows of a hash table
// are claimed and added to atomically by all pieces at once: integer sums come out the same in any order.
#include "hemp/tuple_table.h"

#include "core/kernels/dispatch.h"
#include "core/operator.h"

namespace hemp {
namespace {

constexpr int64_t most_pieces            = 16;
constexpr int64_t least_tuples_in_piece  = 1024;
constexpr int64_t slots_in_piece         = 8192;
constexpr int64_t least_corners_per_cell = 4;  // of a piece's own table, or clearing and adding it up costs more

struct Plan {
    int64_t                                                                                   order;
    int64_t                                                                                   levels;
    Windows                                                                                   windows;
    std::vector<int64_t>                                                                      sizes;  // of the tensors
    int64_t                                                                                   tuples = 0;
    TableLayout                                                                               layout;
    int64_t                                                                                   pieces;
    decltype(kernel<SoftSymbols, void(const float*, const Intervals*, SoftTile*, int64_t)>()) soft_symbols;
};

int64_t pieces_of(const TableLayout& layout, int64_t order, int64_t tuples) {
    int64_t pieces = std::clamp<int64_t>(tuples / least_tuples_in_piece, 1, most_pieces);
    if (layout.dense) {
        pieces = std::clamp<int64_t>((tuples << order) / layout.slots / least_corners_per_cell, 1, pieces);
    }
    return pieces;
}

Plan plan_of(const Node& node) {
    Plan plan{.order        = node.integer("order"),
              .levels       = node.inputs.back().shape()[0],
              .windows      = {node.integer("span"), node.integer("stride")},
              .sizes        = {},
              .layout       = {},
              .pieces       = 1,
              .soft_symbols = kernel<SoftSymbols, void(const float*, const Intervals*, SoftTile*, int64_t)>()};
    for (size_t i = 0; i < node.inputs.size() / 2; ++i) {
        plan.sizes.push_back(node.inputs[i].shape().size());
        plan.tuples += plan.windows.count(plan.sizes.back());
    }
    plan.layout = TableLayout::of(plan.levels, plan.order, plan.tuples);
    plan.pieces = pieces_of(plan.layout, plan.order, plan.tuples);
    return plan;
}

Type infer(const Node& node) {
    int64_t order = node.integer("order");
    expect(order >= 1 && order <= max_order, "tuple_table: order {} asked for; give 1 to {}", order, max_order);
    size_t tensors = node.inputs.size() / 2;
    expect(tensors >= 1 && node.inputs.size() == 2 * tensors,
           "tuple_table: {} operands given; it needs weights and as many tensors of levels", node.inputs.size());
    int64_t span = node.integer("span");
    for (size_t i = 0; i < tensors; ++i) {
        const Tensor& weights = node.inputs[i];
        const Tensor& levels  = node.inputs[tensors + i];
        expect(weights.dtype() == DType::f32, "tuple_table: weights {} are {}, but must be f32", i, weights.type());
        expect(weights.shape().size() >= span, "tuple_table: weights {} are {}, too few for a window of {}", i,
               weights.type(), span);
        expect(levels.dtype() == DType::f32 && levels.shape().rank() == 1 && levels.shape()[0] >= 2 &&
                   levels.shape()[0] <= Thresholds::most + 1,
               "tuple_table: levels {} are {}, but must be f32 of one axis with 2 to {} levels", i, levels.type(),
               Thresholds::most + 1);
        expect(levels.shape() == node.inputs[tensors].shape(),
               "tuple_table: levels {} are {} and levels 0 are {}; tensors that share a table have equally many", i,
               levels.type(), node.inputs[tensors].type());
    }
    Plan plan = plan_of(node);
    expect(plan.tuples < int64_t{1} << 30, "tuple_table: {} tuples; counts of 2^30 and more do not fit", plan.tuples);
    return plan.layout.type();
}

// Adds the tuples [begin, end) of one tensor.
template <int n, class Table>
void add_tuples(const Plan& plan, const float* weights, const Intervals& intervals, Table table, int64_t begin,
                int64_t end) {
    const auto keys    = corner_keys<n>(plan.levels);
    int64_t    stride  = plan.windows.stride;
    int64_t    in_tile = (SoftTile::size - n) / stride + 1;
    SoftTile   tile;
    for (int64_t first = begin; first < end; first += in_tile) {
        int64_t count = std::min(in_tile, end - first);
        plan.soft_symbols(weights + first * stride, &intervals, &tile, (count - 1) * stride + n);
        for (int64_t tuple = 0; tuple < count; ++tuple) {
            uint32_t counts[1 << n];
            split_tuple<n>(tile.share + tuple * stride, counts);
            uint64_t lowest = lowest_key<n>(tile.interval + tuple * stride, plan.levels);
            for (size_t corner = 0; corner < keys.size(); ++corner) {
                table.add(lowest + keys[corner], counts[corner]);
            }
        }
    }
}

// Adds one piece of the tuples of all tensors, counted through from the first tensor to the last.
template <int n, class Table>
void add_piece(const Plan& plan, const Buffers& buffers, int64_t piece, Table table) {
    int64_t begin = plan.tuples * piece / plan.pieces;
    int64_t end   = plan.tuples * (piece + 1) / plan.pieces;
    int64_t first = 0;  // of the tensor
    for (size_t i = 0; i < plan.sizes.size(); ++i) {
        int64_t count = plan.windows.count(plan.sizes[i]);
        int64_t from  = std::max(begin, first);
        int64_t to    = std::min(end, first + count);
        if (from < to) {
            const float* levels = buffers.input<float>(plan.sizes.size() + i);
            Intervals    intervals({levels, static_cast<size_t>(plan.levels)});
            add_tuples<n>(plan, buffers.input<float>(i), intervals, table, from - first, to - first);
        }
        first += count;
    }
}

Work dense_work(const Plan& plan) {
    bool own_tables = plan.pieces > 1;
    auto fill       = [=](const Buffers& buffers, int64_t piece) {
        int64_t* table = own_tables ? reinterpret_cast<int64_t*>(buffers.scratch) + piece * plan.layout.slots
                                          : buffers.out<int64_t>();
        std::fill(table, table + plan.layout.slots, 0);
        with_order(plan.order, [&](auto n) { add_piece<n>(plan, buffers, piece, DenseTable{table}); });
    };
    auto add_up = [=](const Buffers& buffers, int64_t piece) {
        const int64_t* tables = reinterpret_cast<const int64_t*>(buffers.scratch);
        int64_t        begin  = piece * slots_in_piece;
        int64_t        end    = std::min(begin + slots_in_piece, plan.layout.slots);
        std::copy(tables + begin, tables + end, buffers.out<int64_t>() + begin);
        for (int64_t other = 1; other < plan.pieces; ++other) {
            for (int64_t cell = begin; cell < end; ++cell) {
                buffers.out<int64_t>()[cell] += tables[other * plan.layout.slots + cell];
            }
        }
    };
    Work work{.stages = {{plan.pieces, fill}}, .algorithm = "dense table"};
    if (own_tables) {
        work.stages.push_back({(plan.layout.slots + slots_in_piece - 1) / slots_in_piece, add_up});
    }
    return work;
}

Work hash_work(const Plan& plan) {
    auto clear = [=](const Buffers& buffers, int64_t piece) {
        int64_t begin = piece * slots_in_piece;
        int64_t end   = std::min(begin + slots_in_piece, plan.layout.slots);
        std::fill(buffers.out<int64_t>() + 2 * begin, buffers.out<int64_t>() + 2 * end, 0);
    };
    auto fill = [=](const Buffers& buffers, int64_t piece) {
        HashTable table{buffers.out<int64_t>(), plan.layout.slots - 1};
        with_order(plan.order, [&](auto n) { add_piece<n>(plan, buffers, piece, table); });
    };
    return {.stages    = {{(plan.layout.slots + slots_in_piece - 1) / slots_in_piece, clear}, {plan.pieces, fill}},
            .algorithm = "hash table: a cell for every possible tuple would take more memory"};
}

Work work(const Node& node) {
    Plan plan          = plan_of(node);
    Work work          = plan.layout.dense ? dense_work(plan) : hash_work(plan);
    work.scratch_bytes = tuple_table_scratch_bytes(plan.layout, plan.order, plan.tuples);
    return work;
}

Cost cost(const Node& node) {
    Plan   plan    = plan_of(node);
    double weights = 0;
    for (int64_t size : plan.sizes) {
        weights += static_cast<double>(size);
    }
    double corners = static_cast<double>(plan.tuples << plan.order);
    return {.flop = 4 * corners, .bytes = 4 * weights + static_cast<double>(plan.layout.bytes())};
}

const Operator tuple_table_operator{.name = "tuple_table", .infer = infer, .work = work, .cost = cost};

}  // namespace

Tensor tuple_table(Tensors weights, Tensors levels, int64_t order, const Windows& windows) {
    Tensors operands = std::move(weights);
    operands.insert(operands.end(), levels.begin(), levels.end());
    return node(tuple_table_operator, std::move(operands),
                {{"order", order}, {"span", windows.span}, {"stride", windows.stride}});
}

size_t tuple_table_scratch_bytes(const TableLayout& layout, int64_t order, int64_t tuples) {
    int64_t pieces = pieces_of(layout, order, tuples);
    return layout.dense && pieces > 1 ? static_cast<size_t>(pieces) * layout.bytes() : 0;
}

}  // namespace hemp
