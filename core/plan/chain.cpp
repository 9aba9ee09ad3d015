#include "core/kernels/dispatch.h"
#include "core/plan/plan.h"

#include <algorithm>
#include <limits>

// A chain of elementwise operators as one step. It walks its shape in tiles of 256 elements at most: each node's
// function runs over the tile before the next tile begins, so that values between nodes stay in L1 and each operand is
// read, each result written once. An operand that repeats (broadcasting) is first spread over the tile; where it is a
// row that repeats over a stretch, as a value a channel does on blocks of channels, tiles end where stretches do, so
// that the spread row serves all tiles of its stretch. Reductions add each tile to the sums of their piece; a second
// stage adds up the pieces, in order.
namespace hemp {
namespace {

constexpr int64_t tile_elements = 256;
constexpr int64_t tiles_ahead   = 2;  // that memory is asked for; 1 comes late, 4 push each other out
constexpr size_t  most_operands = 7;  // of a node
/// With a line between slots: at a multiple of 4 KiB they would share the sets of L1.
constexpr size_t slot_bytes = tile_elements * sizeof(float) + 64;

/// Walks a shape's elements in order while an operand (or a reduction's result) repeats along some axes.
class Walk {
 public:
    Walk(const Shape& whole, const Shape& part) {
        auto dense = dense_strides(part);
        int  added = whole.rank() - part.rank();
        for (int axis = 0; axis < whole.rank(); ++axis) {
            bool    repeats = axis < added || part[axis - added] == 1;
            int64_t stride  = repeats ? 0 : dense[static_cast<size_t>(axis - added)];
            if (whole[axis] == 1) {
                continue;
            }
            if (!axes_.empty() && axes_.back().stride == stride * whole[axis]) {
                axes_.back() = {axes_.back().length * whole[axis], stride};
            } else {
                axes_.push_back({whole[axis], stride});
            }
        }
        if (axes_.empty()) {
            axes_.push_back({1, 0});
        }
    }

    bool everywhere_equal() const { return axes_.size() == 1 && axes_[0].stride == 0; }

    /// The length of rows of the part that repeat one after another, 0 if none do.
    int64_t row() const { return repeats_rows() ? axes_.back().length : 0; }

    /// Elements after which another row repeats, 0 if none do.
    int64_t stretch() const { return repeats_rows() ? row() * axes_[axes_.size() - 2].length : 0; }

    /// The element of the part at a place.
    int64_t element_at(int64_t place) const {
        int64_t element = 0;
        for (size_t axis = axes_.size(); axis-- > 0;) {
            element += place % axes_[axis].length * axes_[axis].stride;
            place /= axes_[axis].length;
        }
        return element;
    }

    /// Calls visit(place in the tile, element of the part, count, stride 0 or more) for each run of [begin, begin +
    /// count).
    template <class Visit>
    void runs(int64_t begin, int64_t count, const Visit& visit) const {
        const Axis& inner = axes_.back();
        int64_t     done  = 0;
        while (done < count) {
            int64_t rest   = begin + done;
            int64_t within = rest % inner.length;
            rest /= inner.length;
            int64_t element = within * inner.stride;
            for (size_t axis = axes_.size() - 1; axis-- > 0;) {
                element += rest % axes_[axis].length * axes_[axis].stride;
                rest /= axes_[axis].length;
            }
            int64_t length = std::min(count - done, inner.length - within);
            visit(done, element, length, inner.stride);
            done += length;
        }
    }

 private:
    struct Axis {
        int64_t length, stride;
    };

    bool repeats_rows() const {
        return axes_.size() >= 2 && axes_.back().stride == 1 && axes_[axes_.size() - 2].stride == 0;
    }

    std::vector<Axis> axes_;
};

/// Fills the tile with one row after another, doubling what is there.
template <class T>
void spread_row(const T* row, int64_t length, int64_t count, T* tile) {
    std::copy_n(row, length, tile);
    for (int64_t filled = length; filled < count; filled *= 2) {
        std::copy_n(tile, std::min(filled, count - filled), tile + filled);
    }
}

template <class T>
void spread(const Walk& walk, int64_t row, const T* part, int64_t begin, int64_t count, T* tile) {
    if (row > 0 && walk.row() == row) {
        spread_row(part + walk.element_at(begin), row, count, tile);
        return;
    }
    walk.runs(begin, count, [&](int64_t place, int64_t element, int64_t length, int64_t stride) {
        if (stride == 0) {
            std::fill_n(tile + place, length, part[element]);
        } else if (stride == 1) {
            std::copy_n(part + element, length, tile + place);
        } else {
            for (int64_t i = 0; i < length; ++i) {
                tile[place + i] = part[element + i * stride];
            }
        }
    });
}

/// The sum of rows of 16 elements, `distance` apart. Four sums side by side: an addition waits for the one before it.
template <class V>
HEMP_INLINE Sum16<V> sum_of_rows(const float* x, int64_t rows, int64_t distance) {
    Sum16<V> sums[4];
    int64_t  row = 0;
    for (; row + 4 <= rows; row += 4) {
        for (int64_t i = 0; i < 4; ++i) {
            sums[i].add(x + (row + i) * distance);
        }
    }
    for (; row < rows; ++row) {
        sums[0].add(x + row * distance);
    }
    sums[0].join(sums[1]);
    sums[2].join(sums[3]);
    sums[0].join(sums[2]);
    return sums[0];
}

struct SumRun {
    template <class V>
    HEMP_INLINE static double run(const float* x, int64_t count) {
        Sum16<V> sum = sum_of_rows<V>(x, count / 16, 16);
        if (count % 16 > 0) {
            float rest[16] = {};
            std::memcpy(rest, x + count / 16 * 16, static_cast<size_t>(count % 16) * sizeof(float));
            sum.add(rest);
        }
        return sum.total();
    }
};
using SumFunction = double(const float*, int64_t);

/// Adds the sum of `rows` rows of `length` elements, a multiple of 16, element by element.
struct SumRows {
    template <class V>
    HEMP_INLINE static void run(const float* x, int64_t rows, int64_t length, double* sums) {
        for (int64_t first = 0; first < length; first += 16) {
            sum_of_rows<V>(x + first, rows, length).add_to(sums + first);
        }
    }
};
using SumRowsFunction = void(const float*, int64_t, int64_t, double*);

/// The larger (sign 1) or smaller (sign -1) of two; NaN stays.
double extreme(double a, double b, double sign) { return (b - a) * sign > 0 || b != b ? b : a; }

/// A place where a tile of values is found: input or output memory, or a slot of the thread's scratch.
struct Place {
    enum Kind : uint8_t { input, output, slot } kind;
    size_t index;
    size_t element_bytes;
};

struct Instruction {
    TileFunction       function;
    std::vector<Place> operands;
    Place              target;
};

struct Spread {  // an operand that repeats
    size_t input;
    size_t slot;
    size_t element_bytes;
    Walk   walk;
    bool   once;  // the same value everywhere: the slot is filled once a piece
};

struct End {  // a reduction
    Place     operand;
    size_t    output;
    Reduction reduction;
    Walk      walk;
    int64_t   size;    // of the result
    int64_t   offset;  // of its sums among all reductions' sums
};

struct Chain {
    int64_t                  size    = 0;
    int64_t                  tile    = tile_elements;  // elements of a tile
    int64_t                  row     = 0;              // the length of rows that repeat, where tiles end at
    int64_t                  stretch = 0;              // multiples of their stretch
    std::vector<Instruction> instructions;
    std::vector<Spread>      spreads;
    std::vector<End>         ends;
    size_t                   slots    = 0;
    int64_t                  sums     = 0;  // doubles a piece
    SumFunction*             sum_run  = nullptr;
    SumRowsFunction*         sum_rows = nullptr;
    // An output may lie in the memory of an input (in place). Pairs whose input is read after the output is written:
    std::vector<std::pair<size_t, size_t>> late_reads;  // instruction, input
    // Dense inputs that slots hold a repeated form of cannot be in place: their sizes differ.

    std::vector<Place>  dense;   // inputs that are read element by element
    std::vector<size_t> shares;  // elements of a later tile that have been asked for before each instruction

    int64_t tile_at(int64_t begin, int64_t last) const {
        int64_t count = std::min(tile, last - begin);
        return stretch == 0 ? count : std::min(count, stretch - begin % stretch);
    }

    void run_tiles(const Buffers& memory, int64_t first, int64_t last, double* totals) const;
    void prefetch(const Buffers& memory, int64_t begin, int64_t last, size_t instruction) const;
};

/// Asks for a share of what a tile reads soon, so that memory is at work while the instructions are.
void Chain::prefetch(const Buffers& memory, int64_t begin, int64_t last, size_t instruction) const {
    constexpr size_t line = 64;
    int64_t          next = begin + tiles_ahead * tile;
    if (next + tile > last) {
        return;
    }
    for (const Place& place : dense) {
        const std::byte* from = memory.input<std::byte>(place.index) + static_cast<size_t>(next) * place.element_bytes;
        size_t           end  = shares[instruction + 1] * place.element_bytes;
        for (size_t byte = shares[instruction] * place.element_bytes; byte < end; byte += line) {
            __builtin_prefetch(from + byte, 0, 2);
        }
    }
}

void Chain::run_tiles(const Buffers& memory, int64_t first, int64_t last, double* totals) const {
    std::byte* scratch = memory.thread_scratch;
    auto       slot    = [&](size_t index) { return scratch + index * slot_bytes; };
    // Results that would overwrite what a later instruction still reads wait in a slot until the tile is done; who
    // reads them meanwhile reads the slot.
    std::vector<std::byte*> waiting(memory.outputs.size());
    for (const auto& [instruction, input] : late_reads) {
        size_t output = instructions[instruction].target.index;
        if (memory.outputs[output] == memory.inputs[input]) {
            waiting[output] = slot(slots + instruction);
        }
    }
    auto in_memory = [&](const Place& place, int64_t begin) {
        return static_cast<std::byte*>(memory.outputs[place.index]) + static_cast<size_t>(begin) * place.element_bytes;
    };
    auto locate = [&](const Place& place, int64_t begin) -> std::byte* {
        switch (place.kind) {
            case Place::input:
                return const_cast<std::byte*>(memory.input<std::byte>(place.index)) +
                       static_cast<size_t>(begin) * place.element_bytes;
            case Place::output: return waiting[place.index] != nullptr ? waiting[place.index] : in_memory(place, begin);
            case Place::slot: break;
        }
        return slot(place.index);
    };
    auto fill = [&](bool once, int64_t begin, int64_t count) {
        for (const Spread& s : spreads) {
            if (s.once != once) {
                continue;
            }
            if (s.element_bytes == 4) {
                spread(s.walk, row, memory.input<uint32_t>(s.input), begin, count,
                       reinterpret_cast<uint32_t*>(slot(s.slot)));
            } else {
                spread(s.walk, row, memory.input<uint8_t>(s.input), begin, count,
                       reinterpret_cast<uint8_t*>(slot(s.slot)));
            }
        }
    };
    fill(true, 0, std::min(tile, size));
    std::vector<int64_t> ended(ends.size());  // of each reduction of rows, the element of the stretch
    int64_t              stretch_end = first;
    for (int64_t begin = first, count = 0; begin < last; begin += count) {
        count = tile_at(begin, last);
        if (stretch > 0 && begin == stretch_end) {
            stretch_end = (begin / stretch + 1) * stretch;
            fill(false, begin, tile);
            for (size_t i = 0; i < ends.size(); ++i) {
                ended[i] = ends[i].walk.element_at(begin);
            }
        } else if (stretch == 0) {
            fill(false, begin, count);
        }
        for (size_t i = 0; i < instructions.size(); ++i) {
            const Instruction& instruction = instructions[i];
            prefetch(memory, begin, last, i);
            const void* operands[most_operands];
            for (size_t k = 0; k < instruction.operands.size(); ++k) {
                operands[k] = locate(instruction.operands[k], begin);
            }
            instruction.function(operands, locate(instruction.target, begin), count);
        }
        for (size_t i = 0; i < ends.size(); ++i) {
            const End&   end    = ends[i];
            const float* values = reinterpret_cast<const float*>(locate(end.operand, begin));
            double*      sums   = totals + end.offset;
            double       sign   = end.reduction == Reduction::min ? -1 : 1;
            if (end.reduction == Reduction::sum && stretch > 0 && row % 16 == 0) {
                sum_rows(values, count / row, row, sums + ended[i]);
                continue;
            }
            end.walk.runs(begin, count, [&](int64_t place, int64_t element, int64_t length, int64_t stride) {
                const float* x = values + place;
                if (end.reduction == Reduction::sum && stride == 0) {
                    sums[element] += sum_run(x, length);
                } else if (end.reduction == Reduction::sum) {
                    for (int64_t j = 0; j < length; ++j) {
                        sums[element + j * stride] += static_cast<double>(x[j]);
                    }
                } else {
                    for (int64_t j = 0; j < length; ++j) {
                        double& top = sums[element + j * stride];
                        top         = extreme(top, static_cast<double>(x[j]), sign);
                    }
                }
            });
        }
        for (const Instruction& instruction : instructions) {
            const Place& target = instruction.target;
            if (target.kind == Place::output && waiting[target.index] != nullptr) {
                std::memcpy(in_memory(target, begin), waiting[target.index],
                            static_cast<size_t>(count) * target.element_bytes);
            }
        }
    }
}

/// The result's shape with reduced axes kept as 1, so that it can be walked beside the input.
Shape kept_shape(const Node& node) {
    const Shape&         x = node.inputs[0].shape();
    std::vector<int64_t> lengths(x.begin(), x.end());
    for (int64_t axis : node.integers("axes")) {
        lengths[static_cast<size_t>(axis)] = 1;
    }
    return Shape(lengths);
}

/// Turns a group into instructions, and gives each value between them a slot that is free again after its last reader.
class ChainBuilder {
 public:
    explicit ChainBuilder(const Group& group) : group_(group) {
        const Tensor& first = group.nodes[0];
        walked_             = first.node().op->tile != nullptr ? first.shape() : first.node().inputs[0].shape();
        chain_.size         = walked_.size();
        chain_.sum_run      = kernel<SumRun, SumFunction>();
        chain_.sum_rows     = kernel<SumRows, SumRowsFunction>();
        for (size_t i = 0; i < group.nodes.size(); ++i) {
            for (const Tensor& input : group.nodes[i].node().inputs) {
                last_reader_[input] = i;
            }
        }
    }

    Chain build() {
        // Spread operands are needed from the start of a tile: they get their slots first and keep them.
        for (const Tensor& tensor : group_.nodes) {
            for (const Tensor& input : tensor.node().inputs) {
                add_operand(input);
            }
        }
        chain_.slots = next_slot_;
        for (size_t i = 0; i < group_.nodes.size(); ++i) {
            add_node(i);
        }
        choose_tiles();
        size_t shares = std::max<size_t>(chain_.instructions.size(), 1);
        for (size_t i = 0; i <= shares; ++i) {
            chain_.shares.push_back(static_cast<size_t>(chain_.tile) * i / shares);
        }
        for (size_t i = 0; i < chain_.instructions.size(); ++i) {
            if (chain_.instructions[i].target.kind != Place::output) {
                continue;
            }
            std::set<size_t> read_later;
            for (size_t later = i + 1; later < chain_.instructions.size(); ++later) {
                for (const Place& operand : chain_.instructions[later].operands) {
                    if (operand.kind == Place::input) {
                        read_later.insert(operand.index);
                    }
                }
            }
            for (const End& end : chain_.ends) {
                if (end.operand.kind == Place::input) {
                    read_later.insert(end.operand.index);
                }
            }
            for (size_t input : read_later) {
                chain_.late_reads.emplace_back(i, input);
            }
        }
        return std::move(chain_);
    }

 private:
    static size_t index_in(const Tensors& tensors, const Tensor& tensor) {
        return static_cast<size_t>(std::find(tensors.begin(), tensors.end(), tensor) - tensors.begin());
    }

    /// Divides stretches that all repeating rows share into equal tiles. Shorter ones would make tiles too small.
    void choose_tiles() {
        std::set<std::pair<int64_t, int64_t>> rows;
        for (const Spread& s : chain_.spreads) {
            if (!s.once) {
                rows.insert({s.walk.row(), s.walk.stretch()});
            }
        }
        for (const End& end : chain_.ends) {
            rows.insert({end.walk.row(), end.walk.stretch()});
        }
        if (rows.size() != 1 || rows.begin()->second < tile_elements || tile_elements % rows.begin()->first != 0) {
            return;
        }
        auto [row, stretch] = *rows.begin();
        int64_t tiles       = (stretch + tile_elements - 1) / tile_elements;
        chain_.tile         = (stretch / row + tiles - 1) / tiles * row;
        chain_.row          = row;
        chain_.stretch      = stretch;
    }

    void add_operand(const Tensor& operand) {
        bool inside = index_in(group_.nodes, operand) < group_.nodes.size();
        if (inside || places_.contains(operand)) {
            return;
        }
        size_t input = index_in(group_.inputs, storage_of(operand));
        size_t bytes = bytes_of(operand.dtype());
        Walk   walk(walked_, operand.shape());
        if (operand.shape().size() == walked_.size()) {
            places_[operand] = {Place::input, input, bytes};
            chain_.dense.push_back(places_[operand]);
        } else {
            places_[operand] = {Place::slot, next_slot_, bytes};
            chain_.spreads.push_back({input, next_slot_++, bytes, walk, walk.everywhere_equal()});
        }
    }

    void add_node(size_t i) {
        const Tensor&      tensor = group_.nodes[i];
        const Node&        node   = tensor.node();
        std::vector<Place> operands;
        expect(node.inputs.size() <= most_operands, "chain: {} has {} operands, more than {}", node.op->name,
               node.inputs.size(), most_operands);
        for (const Tensor& input : node.inputs) {
            operands.push_back(places_.at(input));
        }
        size_t output = index_in(group_.outputs, tensor);
        if (node.op->reduction != Reduction::none) {
            int64_t size = tensor.shape().size();
            chain_.ends.push_back(
                {operands[0], output, node.op->reduction, Walk(walked_, kept_shape(node)), size, chain_.sums});
            chain_.sums += size;
            return;
        }
        Place target{Place::output, output, bytes_of(tensor.dtype())};
        bool  feeds_end = false;
        for (const Tensor& other : group_.nodes) {
            feeds_end =
                feeds_end || (other.node().op->reduction != Reduction::none && other.node().inputs[0] == tensor);
        }
        if (output == group_.outputs.size()) {
            target = {Place::slot, take_slot(), target.element_bytes};
        }
        places_[tensor] = target;
        chain_.instructions.push_back({node.op->tile(node), operands, target});
        for (const Tensor& input : node.inputs) {
            release(input, i);
        }
        if (feeds_end && target.kind == Place::slot) {
            kept_.insert(target.index);
        }
    }

    size_t take_slot() {
        if (free_.empty()) {
            chain_.slots = std::max(chain_.slots, next_slot_ + 1);
            return next_slot_++;
        }
        size_t slot = free_.back();
        free_.pop_back();
        return slot;
    }

    /// Frees the slot of a value computed in this chain when its last reader is node `i`.
    void release(const Tensor& value, size_t i) {
        const Place& place  = places_.at(value);
        bool         inside = index_in(group_.nodes, value) < group_.nodes.size();
        if (inside && place.kind == Place::slot && last_reader_[value] == i && !kept_.contains(place.index) &&
            std::find(free_.begin(), free_.end(), place.index) == free_.end()) {
            free_.push_back(place.index);
        }
    }

    const Group&             group_;
    Shape                    walked_;
    Chain                    chain_;
    std::map<Tensor, Place>  places_;
    std::map<Tensor, size_t> last_reader_;
    std::vector<size_t>      free_;
    std::set<size_t>         kept_;  // slots read by a reduction, at the end of the tile
    size_t                   next_slot_ = 0;
};

}  // namespace

Work chain_work(const Group& group) {
    Chain   chain  = ChainBuilder(group).build();
    int64_t tiles  = (chain.size + tile_elements - 1) / tile_elements;
    int64_t pieces = std::clamp<int64_t>(tiles / 4, 1, 32);
    if (chain.sums > 0) {
        pieces = std::clamp<int64_t>(chain.size / (4 * chain.sums) + 1, 1, std::min<int64_t>(pieces, 16));
    }
    size_t             scratch        = static_cast<size_t>(pieces * chain.sums) * sizeof(double);
    size_t             thread_scratch = (chain.slots + chain.instructions.size()) * slot_bytes;
    Stage              walk{pieces, [chain, tiles, pieces](const Buffers& memory, int64_t piece) {
                   double* totals = reinterpret_cast<double*>(memory.scratch) + piece * chain.sums;
                   for (const End& end : chain.ends) {
                       double nothing = end.reduction == Reduction::sum ? 0
                                                     : end.reduction == Reduction::max ? -std::numeric_limits<double>::infinity()
                                                                                       : std::numeric_limits<double>::infinity();
                       std::fill_n(totals + end.offset, end.size, nothing);
                   }
                   chain.run_tiles(memory, tiles * piece / pieces * tile_elements,
                                                std::min(tiles * (piece + 1) / pieces * tile_elements, chain.size), totals);
               }};
    std::vector<Stage> stages{walk};
    if (!chain.ends.empty()) {
        int64_t blocks = std::clamp<int64_t>(chain.sums / 1024, 1, 16);
        stages.push_back(
            {blocks, [ends = chain.ends, sums = chain.sums, pieces, blocks](const Buffers& memory, int64_t block) {
                 const double* totals = reinterpret_cast<const double*>(memory.scratch);
                 for (const End& end : ends) {
                     double sign = end.reduction == Reduction::min ? -1 : 1;
                     for (int64_t i = end.size * block / blocks; i < end.size * (block + 1) / blocks; ++i) {
                         double total = totals[end.offset + i];
                         for (int64_t piece = 1; piece < pieces; ++piece) {
                             double part = totals[piece * sums + end.offset + i];
                             total       = end.reduction == Reduction::sum ? total + part : extreme(total, part, sign);
                         }
                         memory.out<float>(end.output)[i] = static_cast<float>(total);
                     }
                 }
             }});
    }
    return {.stages = std::move(stages), .scratch_bytes = scratch, .thread_scratch_bytes = thread_scratch};
}

Work work_of(const Group& group) {
    if (group.is_chain()) {
        return chain_work(group);
    }
    const Node& node = group.last();
    Work        work = group.nodes.size() == 1 ? node.op->work(node) : node.op->work_reading(node, reading_of(group));
    for (size_t i = 0; i < group.along.size(); ++i) {
        const Group& along = group.along[i];
        Alongside    place{.others = along.others, .result = 1 + i, .reading = reading_of(along, along.others)};
        work = along.last().op->work_along(along.last(), std::move(work), place);
    }
    return work;
}

Cost cost_of(const Group& group) {
    Cost total;
    for (const Group& along : group.along) {
        total.flop += cost_of(along).flop;
    }
    for (const Tensor& tensor : group.nodes) {
        const Node& node = tensor.node();
        if (node.op->cost != nullptr) {
            total.flop += node.op->cost(node).flop;
        } else {
            const Shape& walked = node.op->reduction != Reduction::none ? node.inputs[0].shape() : tensor.shape();
            total.flop += static_cast<double>(walked.size());
        }
    }
    std::set<Tensor> values(group.inputs.begin(), group.inputs.end());
    values.insert(group.outputs.begin(), group.outputs.end());
    for (const Tensor& value : values) {
        total.bytes += static_cast<double>(value.type().bytes());
    }
    return total;
}

}  // namespace hemp
