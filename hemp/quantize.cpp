// Quantization with the straight-through gradient.
// Q is a step function: its true gradient to w is zero almost everywhere and trains nothing, hence dy itself. To the
// levels it is a true gradient: Q(w) is the level, so a level moves all of its weights alike.
// Cost: one pass over memory while the levels fit a chain of compares (16), a binary search a weight beyond.
#include "hemp/quantize.h"

#include "core/kernels/dispatch.h"
#include "core/operator.h"
#include "hemp/thresholds.h"

namespace hemp {
namespace {

constexpr int64_t piece_size = 16384;
constexpr int64_t tile_size  = 1024;

int64_t pieces_of(int64_t size) { return (size + piece_size - 1) / piece_size; }

void check_operands(std::string_view who, const Tensor& w, const Tensor& levels) {
    expect(w.dtype() == DType::f32, "{}: w is {}, but must be f32", who, w.type());
    expect(levels.dtype() == DType::f32 && levels.shape().rank() == 1 && levels.shape()[0] >= 2 &&
               levels.shape()[0] <= Thresholds::most + 1,
           "{}: levels are {}, but must be f32 of one axis with 2 to {} levels", who, levels.type(),
           Thresholds::most + 1);
}

std::span<const float> levels_in(const void* memory, int64_t count) {
    return {static_cast<const float*>(memory), static_cast<size_t>(count)};
}

// ---- Gradient to the levels ----

Type infer_gradient(const Node& node) {
    const Tensor& dy = node.inputs[0];
    const Tensor& w  = node.inputs[1];
    check_operands("quantize_levels_gradient", w, node.inputs[2]);
    expect(dy.type() == w.type(), "quantize_levels_gradient: dy is {} and w is {}, which must be equal", dy.type(),
           w.type());
    return node.inputs[2].type();
}

struct LevelSums {
    template <class V>
    HEMP_INLINE static void run(const float* dy, const float* w, const Thresholds* thresholds, double* sums,
                                int64_t size) {
        std::fill(sums, sums + thresholds->count + 1, 0.0);
        for (int64_t begin = 0; begin < size; begin += tile_size) {
            add_tile<V>(dy + begin, w + begin, *thresholds, sums, std::min(tile_size, size - begin));
        }
    }

 private:
    template <class V>
    HEMP_INLINE static void add_tile(const float* dy, const float* w, const Thresholds& thresholds, double* sums,
                                     int64_t size) {
        int32_t symbol[tile_size];
        CountBelow::run<V>(w, &thresholds, symbol, size);
        int64_t whole = 0;
        if (thresholds.count < most_levels_in_chain) {
            whole = size / 16 * 16;
            for (int level = 0; level <= thresholds.count; ++level) {
                sums[level] += sum_of_level<V>(dy, symbol, level, whole);
            }
        }
        for (int64_t i = whole; i < size; ++i) {
            sums[symbol[i]] += dy[i];
        }
    }

    // One level at a time in registers: adding to a sum in memory would wait for the addition before.
    template <class V>
    HEMP_INLINE static double sum_of_level(const float* dy, const int32_t* symbol, int32_t level, int64_t size) {
        Sum16<V> sum;
        for (int64_t i = 0; i < size; i += 16) {
            float of_level[16];
            for (int part = 0; part < 16; part += V::width) {
                typename V::Int mine = V::load(symbol + i + part) == level;  // all bits of those that are
                typename V::Int bits = V::load(reinterpret_cast<const int32_t*>(dy + i + part));
                V::store(reinterpret_cast<int32_t*>(of_level + part), mine & bits);
            }
            sum.add(of_level);
        }
        return sum.total();
    }
};

Work gradient_work(const Node& node) {
    int64_t size   = node.inputs[1].shape().size();
    int64_t levels = node.inputs[2].shape()[0];
    int64_t pieces = pieces_of(size);
    auto    sums   = kernel<LevelSums, void(const float*, const float*, const Thresholds*, double*, int64_t)>();

    auto sum_piece = [=](const Buffers& buffers, int64_t piece) {
        Thresholds thresholds = Thresholds::between(levels_in(buffers.inputs[2], levels));
        int64_t    begin      = piece * piece_size;
        double*    partial    = reinterpret_cast<double*>(buffers.scratch) + piece * levels;
        sums(buffers.input<float>(0) + begin, buffers.input<float>(1) + begin, &thresholds, partial,
             std::min(piece_size, size - begin));
    };
    auto combine = [=](const Buffers& buffers, int64_t) {
        const double* partial = reinterpret_cast<const double*>(buffers.scratch);
        for (int64_t level = 0; level < levels; ++level) {
            double sum = 0;
            for (int64_t piece = 0; piece < pieces; ++piece) {
                sum += partial[piece * levels + level];
            }
            buffers.out<float>()[level] = static_cast<float>(sum);
        }
    };
    Work work;
    work.stages        = {{pieces, sum_piece}, {1, combine}};
    work.scratch_bytes = static_cast<size_t>(pieces * levels) * sizeof(double);
    work.algorithm     = levels <= most_levels_in_chain ? "masked sums, one level at a time" : "binary search";
    return work;
}

Cost gradient_cost(const Node& node) {
    double size   = static_cast<double>(node.inputs[1].shape().size());
    double levels = static_cast<double>(node.inputs[2].shape()[0]);
    return {.flop = size * (2 * levels), .bytes = 8 * size};
}

const Operator levels_gradient_operator{
    .name = "quantize_levels_gradient", .infer = infer_gradient, .work = gradient_work, .cost = gradient_cost};

// ---- Quantization ----

Type infer(const Node& node) {
    check_operands("quantize", node.inputs[0], node.inputs[1]);
    return node.inputs[0].type();
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensors& in = y.node().inputs;
    return {dy, node(levels_gradient_operator, {dy, in[0], in[1]})};
}

struct Quantize {
    template <class V>
    HEMP_INLINE static void run(const float* w, const float* levels, const Thresholds* thresholds, float* y,
                                int64_t size) {
        int64_t i = 0;
        if (thresholds->count < most_levels_in_chain) {
            for (; i + V::width <= size; i += V::width) {
                auto x       = V::load(w + i);
                auto nearest = V::all(levels[0]);
                for (int j = 0; j < thresholds->count; ++j) {
                    nearest = x > thresholds->values[j] ? V::all(levels[j + 1]) : nearest;
                }
                V::store(y + i, x == x ? nearest : x);
            }
        }
        for (; i < size; i += tile_size) {
            int32_t symbol[tile_size];
            int64_t count = std::min(tile_size, size - i);
            CountBelow::run<V>(w + i, thresholds, symbol, count);
            for (int64_t j = 0; j < count; ++j) {
                float x  = w[i + j];
                y[i + j] = x == x ? levels[symbol[j]] : x;
            }
        }
    }
};

Work work(const Node& node) {
    int64_t size   = node.inputs[0].shape().size();
    int64_t levels = node.inputs[1].shape()[0];
    auto    run    = kernel<Quantize, void(const float*, const float*, const Thresholds*, float*, int64_t)>();

    auto piece_of_weights = [=](const Buffers& buffers, int64_t piece) {
        Thresholds thresholds = Thresholds::between(levels_in(buffers.inputs[1], levels));
        int64_t    begin      = piece * piece_size;
        run(buffers.input<float>(0) + begin, buffers.input<float>(1), &thresholds, buffers.out<float>() + begin,
            std::min(piece_size, size - begin));
    };
    Work work;
    work.stages    = {{pieces_of(size), piece_of_weights}};
    work.algorithm = levels <= most_levels_in_chain ? "chain of compares" : "binary search";
    return work;
}

Cost cost(const Node& node) {
    double size   = static_cast<double>(node.inputs[0].shape().size());
    double levels = static_cast<double>(node.inputs[1].shape()[0]);
    return {.flop = size * std::min(2 * levels, 16.0), .bytes = 8 * size};
}

const Operator quantize_operator{
    .name = "quantize", .infer = infer, .gradient = gradient, .work = work, .in_place = {0}, .cost = cost};

}  // namespace

Tensor quantize(Tensor w, Tensor levels) { return node(quantize_operator, {std::move(w), std::move(levels)}); }

}  // namespace hemp
