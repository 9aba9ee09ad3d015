#include "hemp/hidden_units.h"

#include "core/random.h"

#include <algorithm>
#include <array>
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
    HiddenUnits units{.producer = producer, .companions = {}, .shifts = {}, .consumer = 0, .count = rows[0]};
    for (size_t i = producer + 1; i < parameters.size(); ++i) {
        const Shape& shape     = parameters[i].variable.shape();
        bool         depthwise = shape.rank() == 4 && shape[1] == 1;
        if (shape.rank() >= 1 && shape[0] == units.count && (!is_matrix(shape) || depthwise)) {
            units.companions.push_back(i);
            Role role = parameters[i].role;
            if (role == Role::bias || role == Role::shift || role == Role::running_mean) {
                units.shifts.push_back(i);
            }
        } else if (is_matrix(shape)) {
            units.consumer = i;
            bool fits      = (shape.size() / shape[0]) % units.count == 0;
            return fits ? std::optional(units) : std::nullopt;
        }
    }
    return {};
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

}  // namespace

std::vector<HiddenUnits> hidden_units(const Model& model, size_t max_memory) {
    constexpr int64_t images = 2;
    constexpr double  near   = 1e-4;  // rounding in other orders; other networks differ by the size of the logits
    constexpr double  least  = 1e-6;  // that a change of one per cent makes, where it is seen at all
    Model             copy   = build_model(model.source, 1);
    Shape             shape{images, model.image[0], model.image[1], model.image[2]};
    Pass              pass;
    Tensor            pixels  = input("images", shape, DType::u8);
    Program           program = compile({copy(pixels, pass)}, {}, {.max_memory = max_memory});
    const Random      random(2, 0);
    Array             noise(Type{shape, DType::u8});
    // The second image is the first one's negative: a unit that one of them silences may answer to the other.
    std::span<uint8_t> first = noise.values<uint8_t>().first(noise.values<uint8_t>().size() / images);
    for (uint64_t i = 0; uint8_t & pixel : first) {
        pixel = static_cast<uint8_t>(random.below(256, i++));
    }
    std::ranges::transform(first, noise.values<uint8_t>().last(first.size()).begin(),
                           [](uint8_t pixel) { return static_cast<uint8_t>(255 - pixel); });
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
    auto distance = [&] {
        std::vector<double> now    = logits();
        double              result = 0;
        for (size_t i = 0; i < now.size(); ++i) {
            result = std::max(result, std::abs(now[i] - expected[i]));
        }
        return result;
    };
    auto values = [&](size_t k) { return value_of(copy.parameters()[k].variable).values<float>(); };

    std::vector<HiddenUnits> found;
    for (size_t i = 0; i < copy.parameters().size(); ++i) {
        std::optional<HiddenUnits> units = candidate(copy.parameters(), i);
        if (!units) {
            continue;
        }
        std::vector<size_t> order(static_cast<size_t>(units->count));  // each unit moves
        std::iota(order.begin(), order.end(), size_t{0});
        std::rotate(order.begin(), order.begin() + 1, order.end());
        int64_t rows     = copy.parameters()[units->consumer].variable.shape()[0];
        auto    exchange = [&] {
            reorder_rows(values(units->producer), order);
            for (size_t k : units->companions) {
                reorder_rows(values(k), order);
            }
            reorder_columns(values(units->consumer), rows, order);
        };
        exchange();
        bool are_units = distance() <= near * largest;
        std::rotate(order.begin(), order.end() - 2, order.end());  // and back
        exchange();
        // Behind a layer that says nothing, that nothing changes says nothing either.
        std::vector<float> weights(values(units->producer).begin(), values(units->producer).end());
        std::ranges::transform(weights, values(units->producer).begin(), [](float weight) { return 1.01f * weight; });
        bool matter = distance() > least * largest;
        std::ranges::copy(weights, values(units->producer).begin());
        if (!are_units || !matter) {
            continue;
        }
        // Silence all of them, and see whether it matters how they are read.
        std::vector<size_t> touched{units->producer, units->consumer};
        touched.insert(touched.end(), units->shifts.begin(), units->shifts.end());
        std::vector<std::vector<float>> kept;
        for (size_t k : touched) {
            kept.emplace_back(values(k).begin(), values(k).end());
            if (k != units->consumer) {
                std::ranges::fill(values(k), 0.0f);
            }
        }
        const std::vector<float>& readers  = kept[1];
        std::vector<double>       silenced = logits();
        units->silent                      = std::ranges::all_of(std::array{-8.0f, 8.0f}, [&](float factor) {
            std::ranges::transform(readers, values(units->consumer).begin(),
                                                        [&](float value) { return factor * value; });
            return logits() == silenced;
        });
        for (size_t k = 0; k < touched.size(); ++k) {
            std::ranges::copy(kept[k], values(touched[k]).begin());
        }
        found.push_back(*units);
    }
    return found;
}

std::vector<Standing> standing_of(const std::vector<HiddenUnits>& units, const std::vector<std::vector<size_t>>& orders,
                                  size_t tensors) {
    std::vector<Standing> standing(tensors);
    for (size_t i = 0; i < units.size(); ++i) {
        for (size_t k : units[i].companions) {
            standing[k].rows = orders[i];
        }
        standing[units[i].producer].rows    = orders[i];
        standing[units[i].consumer].columns = orders[i];
    }
    return standing;
}

}  // namespace hemp
