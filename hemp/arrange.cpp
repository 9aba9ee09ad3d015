#include "hemp/arrange.h"

#include "core/random.h"
#include "core/run/program.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace hemp {
namespace {

bool is_matrix(const Shape& shape) { return shape.rank() >= 2; }

/// What may be hidden units by the shapes alone.
std::optional<HiddenUnits> candidate(const Parameters& parameters, size_t producer) {
    const Shape& rows = parameters[producer].variable.shape();
    if (!is_matrix(rows) || rows[0] < 2) {
        return {};
    }
    HiddenUnits units{.producer = producer, .companions = {}, .consumer = 0, .count = rows[0]};
    for (size_t i = producer + 1; i < parameters.size(); ++i) {
        const Shape& shape     = parameters[i].variable.shape();
        bool         depthwise = shape.rank() == 4 && shape[1] == 1;
        if (shape.rank() >= 1 && shape[0] == units.count && (!is_matrix(shape) || depthwise)) {
            units.companions.push_back(i);
        } else if (is_matrix(shape)) {
            units.consumer = i;
            bool fits      = (shape.size() / shape[0]) % units.count == 0;
            return fits ? std::optional(units) : std::nullopt;
        }
    }
    return {};
}

/// New unit u is old unit order[u]: of the rows, or of the blocks of columns.
template <class T>
void reorder_rows(std::span<T> values, std::span<const size_t> order) {
    std::vector<T> old(values.begin(), values.end());
    size_t         size = old.size() / order.size();
    for (size_t u = 0; u < order.size(); ++u) {
        std::copy_n(old.begin() + static_cast<std::ptrdiff_t>(order[u] * size), size,
                    values.begin() + static_cast<std::ptrdiff_t>(u * size));
    }
}

template <class T>
void reorder_columns(std::span<T> values, int64_t rows, std::span<const size_t> order) {
    size_t size = values.size() / static_cast<size_t>(rows);
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
        reorder_rows(values.subspan(row * size, size), order);
    }
}

/// Weights of a network in use, none of them like another.
void fill_at_random(const Model& model) {
    const Random random(1, 0);
    uint64_t     number = 0;
    for (const Parameter& each : model.parameters()) {
        const Shape& shape  = each.variable.shape();
        bool         weight = is_matrix(shape);
        double       spread =
            weight ? std::sqrt(2.0 * static_cast<double>(shape[0]) / static_cast<double>(shape.size())) : 0.2;
        bool one = each.role == Role::scale || each.role == Role::running_variance;
        for (float& value : value_of(each.variable).values<float>()) {
            double normal = random.normal(number++);
            value         = static_cast<float>(one ? 1 + 0.2 * std::tanh(normal) : spread * normal);
        }
    }
}

/// The symbol of zero, where the tensor has one.
std::optional<int32_t> zero_of(const QuantizedTensor& tensor) {
    if (tensor.levels.empty()) {
        return 0;
    }
    auto zero = std::ranges::find(tensor.levels, 0.0f);
    return zero == tensor.levels.end() ? std::nullopt
                                       : std::optional(static_cast<int32_t>(zero - tensor.levels.begin()));
}

/// How many symbols of each unit are not `zero`: of the rows of a matrix, or of its blocks of columns.
std::vector<int64_t> count_nonzero(const QuantizedTensor& tensor, int64_t count, bool columns) {
    std::optional<int32_t> zero = zero_of(tensor);
    std::vector<int64_t>   found(static_cast<size_t>(count));
    int64_t                size  = tensor.shape.size();
    int64_t                row   = size / tensor.shape[0];
    int64_t                block = columns ? row / count : row;
    for (int64_t i = 0; i < size; ++i) {
        int64_t unit = columns ? i % row / block : i / block;
        found[static_cast<size_t>(unit)] += !zero || tensor.symbols[static_cast<size_t>(i)] != *zero;
    }
    return found;
}

void empty_row(QuantizedTensor& tensor, size_t unit, int64_t count) {
    if (std::optional<int32_t> zero = zero_of(tensor)) {
        auto size = tensor.shape.size() / count;
        std::fill_n(tensor.symbols.begin() + static_cast<std::ptrdiff_t>(unit) * size, size, *zero);
    }
}

}  // namespace

std::vector<HiddenUnits> hidden_units(const Model& model) {
    constexpr int64_t images = 2;
    constexpr double  near   = 1e-4;  // rounding in other orders; other networks differ by the size of the logits
    Model             copy   = build_model(model.source, 1);
    Shape             shape{images, model.image[0], model.image[1], model.image[2]};
    Pass              pass;
    Tensor            pixels  = input("images", shape, DType::u8);
    Program           program = compile({copy(pixels, pass)});
    const Random      random(2, 0);
    Array             noise(Type{shape, DType::u8});
    for (uint64_t i = 0; uint8_t & pixel : noise.values<uint8_t>()) {
        pixel = static_cast<uint8_t>(random.below(256, i++));
    }
    auto logits = [&] {
        program.run({{pixels, noise}});
        std::span<const float> values = program.output(0).values<float>();
        return std::vector<double>(values.begin(), values.end());
    };
    fill_at_random(copy);
    const std::vector<double> expected = logits();
    double                    largest  = 0;
    for (double value : expected) {
        largest = std::max(largest, std::abs(value));
    }
    std::vector<HiddenUnits> found;
    for (size_t i = 0; i < copy.parameters().size(); ++i) {
        std::optional<HiddenUnits> units = candidate(copy.parameters(), i);
        if (!units) {
            continue;
        }
        std::vector<size_t> order(static_cast<size_t>(units->count));  // each unit moves
        std::iota(order.begin(), order.end(), size_t{0});
        std::rotate(order.begin(), order.begin() + 1, order.end());
        auto values   = [&](size_t k) { return value_of(copy.parameters()[k].variable).values<float>(); };
        auto exchange = [&] {
            reorder_rows(values(units->producer), order);
            for (size_t k : units->companions) {
                reorder_rows(values(k), order);
            }
            reorder_columns(values(units->consumer), copy.parameters()[units->consumer].variable.shape()[0], order);
        };
        exchange();
        if (std::ranges::equal(logits(), expected,
                               [&](double now, double before) { return std::abs(now - before) <= near * largest; })) {
            found.push_back(*units);
        }
        std::rotate(order.begin(), order.end() - 2, order.end());  // and back
        exchange();
    }
    return found;
}

HempFile arranged(const HempFile& file, const std::vector<HiddenUnits>& units) {
    HempFile result = file;
    for (auto each = units.rbegin(); each != units.rend(); ++each) {  // emptied readers leave more units unread
        QuantizedTensor&     producer = result.tensors[each->producer];
        QuantizedTensor&     consumer = result.tensors[each->consumer];
        std::vector<int64_t> readers  = count_nonzero(consumer, each->count, true);
        for (size_t u = 0; u < readers.size(); ++u) {
            if (readers[u] == 0) {
                empty_row(producer, u, each->count);
                for (size_t k : each->companions) {
                    empty_row(result.tensors[k], u, each->count);
                }
            }
        }
        std::vector<int64_t> weights = count_nonzero(producer, each->count, false);
        std::vector<size_t>  order(readers.size());
        std::iota(order.begin(), order.end(), size_t{0});
        std::ranges::stable_sort(order, [&](size_t a, size_t b) {
            return weights[a] != weights[b] ? weights[a] > weights[b] : readers[a] > readers[b];
        });
        reorder_rows(std::span(producer.symbols), order);
        reorder_columns(std::span(consumer.symbols), consumer.shape[0], order);
        for (size_t k : each->companions) {
            reorder_rows(std::span(result.tensors[k].symbols), order);
        }
    }
    for (QuantizedTensor& tensor : result.tensors) {
        tensor = canonical(std::move(tensor));
    }
    return result;
}

}  // namespace hemp
