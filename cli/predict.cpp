#include "cli/command.h"
#include "cli/evaluate.h"
#include "cli/input.h"
#include "cli/output.h"
#include "datasets/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace hemp {
namespace {

struct Arguments {
    std::string              file;
    std::string              model;
    std::vector<std::string> images;
    size_t                   top             = 3;
    bool                     skip_bad_images = false;
};

int predict(const Arguments& arguments, const Settings& settings) {
    Input     input = read_input(arguments.file, arguments.model, settings.file_memory());
    Evaluator evaluator(input.model, 1);
    auto      name    = [&](size_t k) { return k < input.classes.size() ? input.classes[k] : std::to_string(k); };
    Json      results = Json::array();
    for (const std::string& path : arguments.images) {
        Array image;
        try {
            image = read_image(path, input.model.image);
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
            fmt::print("{}: {}\n", path, fmt::join(texts, ", "));
        }
    }
    if (settings.json) {
        print_json(results);
    }
    return 0;
}

}  // namespace

Action add_predict(CLI::App& app) {
    auto arguments = std::make_shared<Arguments>();
    app.add_option("FILE", arguments->file, "Run folder, checkpoint, .safetensors or .hemp file")->required();
    app.add_option("IMAGE", arguments->images, "JPEG or PNG files")->required();
    app.add_option("--model", arguments->model, "Of a .safetensors file");
    app.add_option("--top", arguments->top, "Classes to show")->check(CLI::Range(1, 1000))->capture_default_str();
    app.add_flag("--skip-bad-images", arguments->skip_bad_images, "Name images that are damaged, and go on");
    return [arguments](const Settings& settings) { return predict(*arguments, settings); };
}

}  // namespace hemp
