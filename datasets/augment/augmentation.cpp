#include "datasets/augment/augmentation.h"

#include "core/error.h"
#include "datasets/augment/crop.h"
#include "datasets/augment/erase.h"
#include "datasets/augment/flip.h"
#include "datasets/augment/jitter.h"
#include "datasets/augment/resized_crop.h"

#include <charconv>
#include <cmath>
#include <cstring>

namespace hemp {
namespace {

/// One step as a user names it.
struct Step {
    const char* name;
    double      usual, least, most;
    bool        whole;  ///< a number of pixels
    void (*set)(Augmentation&, double value);
};

constexpr int    most_pixels = 1 << 14;
constexpr double smallest    = 1e-3;
const Step       steps[]     = {
              {"crop", 4, 1, most_pixels, true, [](Augmentation& a, double v) { a.crop = static_cast<int>(v); }},
              {"resized-crop", 0.08, smallest, 1, false, [](Augmentation& a, double v) { a.resized_crop = v; }},
              {"flip", 1, 1, 1, true, [](Augmentation& a, double) { a.flip = true; }},
              {"jitter", 0.4, smallest, 1, false, [](Augmentation& a, double v) { a.jitter = v; }},
              {"cutout", 16, 1, most_pixels, true, [](Augmentation& a, double v) { a.cutout = static_cast<int>(v); }},
              {"erase", 0.5, smallest, 1, false, [](Augmentation& a, double v) { a.erase = v; }},
};

const Step& step_named(const std::string& name) {
    std::string known;
    for (const Step& step : steps) {
        if (step.name == name) {
            return step;
        }
        known += std::string(known.empty() ? "" : ", ") + step.name;
    }
    fail<UsageError>("augmentation '{}' is not known; choose from {}, or none", name, known);
}

double value_of(const Step& step, const std::string& text) {
    double value       = 0;
    auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool is_number     = error == std::errc() && rest == text.data() + text.size();
    if (!is_number || !(value >= step.least && value <= step.most) || (step.whole && value != std::floor(value))) {
        fail<UsageError>("augmentation {}={}: the value must be {} from {} to {}; leave it out for {}", step.name, text,
                         step.whole ? "a whole number" : "a number", step.least, step.most, step.usual);
    }
    return value;
}

}  // namespace

Augmentation augmentation(const std::string& text) {
    Augmentation result;
    if (text == "none") {
        return result;
    }
    for (size_t at = 0; at < text.size();) {
        size_t      end   = std::min(text.find(',', at), text.size());
        std::string item  = text.substr(at, end - at);
        size_t      equal = item.find('=');
        const Step& step  = step_named(item.substr(0, equal));
        step.set(result, equal == std::string::npos ? step.usual : value_of(step, item.substr(equal + 1)));
        at = end + 1;
    }
    if (result.crop > 0 && result.resized_crop > 0) {
        fail<UsageError>("augmentation '{}': crop and resized-crop are two ways to do one thing; drop one of them",
                         text);
    }
    return result;
}

void augment(const Augmentation& augmentation, ConstImage from, Image to, std::span<const uint8_t> colour,
             const Place& place) {
    bool                 same_size = from.height == to.height && from.width == to.width;
    std::vector<uint8_t> fitted;
    if (augmentation.resized_crop > 0) {
        resample(from, random_box(from, to.height, to.width, augmentation.resized_crop, place), to);
    } else if (!same_size) {
        resample(from, evaluation_box(from, to.height, to.width), to);
        if (augmentation.crop > 0) {
            fitted.assign(to.pixels, to.pixels + to.size());
            from = {fitted.data(), to.channels, to.height, to.width};
        }
    } else if (augmentation.crop == 0) {
        std::memcpy(to.pixels, from.pixels, static_cast<size_t>(to.size()));
    }
    if (augmentation.crop > 0) {
        random_crop(from, to, augmentation.crop, place);
    }
    if (augmentation.flip) {
        random_flip(to, place);
    }
    if (augmentation.jitter > 0) {
        colour_jitter(to, augmentation.jitter, place);
    }
    if (augmentation.cutout > 0) {
        cutout(to, augmentation.cutout, colour, place);
    }
    if (augmentation.erase > 0) {
        random_erasing(to, augmentation.erase, colour, place);
    }
}

}  // namespace hemp
