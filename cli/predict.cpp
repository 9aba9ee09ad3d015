#include "cli/command.h"
#include "cli/evaluate.h"
#include "cli/input.h"
#include "cli/output.h"
#include "core/join.h"
#include "datasets/image.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

namespace hemp {
namespace {

struct PredictArguments {
    std::string              file;
    std::string              model;
    std::vector<std::string> images;
    size_t                   top             = 3;
    bool                     skip_bad_images = false;
};

int predict(const PredictArguments& arguments, const Settings& settings) {
    Input     input = read_input(arguments.file, arguments.model, settings.file_memory());
    Evaluator evaluator(input.model, 1, true, settings.program_memory());
    auto      name    = [&](size_t k) { return k < input.classes.size() ? input.classes[k] : std::to_string(k); };
    Json      results = Json::array();
    for (const std::string& path : arguments.images) {
        Array image;
        try {
            image = read_image(path, input.model.image, settings.file_memory());
        } catch (const DataError& error) {
            if (!arguments.skip_bad_images) {
                throw;
            }
            tell(fmt::format("hemp: left out: {}\n", error.what()));
            continue;
        }
        Array batch(Type{{1, image.shape()[0], image.shape()[1], image.shape()[2]}, DType::u8});
        std::ranges::copy(image.values<uint8_t>(), batch.values<uint8_t>().begin());
        std::span<const float> p = evaluator.probabilities(batch).values<float>();
        std::vector<size_t>    order(p.size());
        std::iota(order.begin(), order.end(), size_t{0});
        std::ranges::stable_sort(order, [&](size_t a, size_t b) { return p[a] > p[b]; });
        order.resize(std::min(arguments.top, order.size()));
        std::vector<std::string> texts;
        Json                     top = Json::array();
        for (size_t k : order) {
            texts.push_back(fmt::format("{} {:.1f} %", name(k), 100 * p[k]));
            top.push_back({{"class", name(k)}, {"index", k}, {"probability", p[k]}});
        }
        results.push_back({{"image", path}, {"top", top}});
        if (!settings.json) {
            fmt::print("{}: {}\n", path, join(texts));
        }
    }
    if (settings.json) {
        print_json(results);
    }
    return 0;
}

}  // namespace

Action add_predict(Command& command) {
    auto arguments = std::make_shared<PredictArguments>();
    command.option("FILE", arguments->file, "Run folder, checkpoint, .safetensors or .hemp file").required();
    command.option("IMAGE", arguments->images, "JPEG or PNG files").required();
    command.option("--model", arguments->model, "Of a .safetensors file");
    command.option("--top", arguments->top, "Classes to show").between(1, 1000).shows_default();
    command.option("--skip-bad-images", arguments->skip_bad_images, "Name images that are damaged, and go on");
    return [arguments](const Settings& settings) { return predict(*arguments, settings); };
}

}  // namespace hemp
