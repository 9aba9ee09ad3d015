#include "cli/data.h"

#include "cli/output.h"
#include "core/run/team.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

namespace fs = std::filesystem;

namespace hemp {
namespace {

/// As the XDG base directory specification has it; empty where there is no home.
fs::path default_cache() {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    if (cache != nullptr && fs::path(cache).is_absolute()) {
        return fs::path(cache) / "hemp";
    }
    const char* home = std::getenv("HOME");
    return home != nullptr && fs::path(home).is_absolute() ? fs::path(home) / ".cache" / "hemp" : fs::path();
}

void tell_what_is_missing(const Dataset& dataset, const std::string& where) {
    for (const std::string& note : dataset.notes) {
        tell(fmt::format("hemp: {}\n", note));
    }
    constexpr size_t most = 10;
    for (size_t i = 0; i < std::min(dataset.skipped.size(), most); ++i) {
        tell(fmt::format("hemp: left out: {}\n", dataset.skipped[i]));
    }
    if (!dataset.skipped.empty()) {
        tell(fmt::format("hemp: {}: {} of {} images left out\n", where, grouped(dataset.skipped.size()),
                         grouped(dataset.skipped.size() + static_cast<size_t>(dataset.size()))));
    }
}

}  // namespace

void add_data_options(Command& command, DataOptions& options) {
    command.option("--format", options.format,
                   "Of the data, where it is not recognised: mnist, cifar10, cifar100 or images");
    command.option("--skip-bad-images", options.skip_bad_images, "Name and count images that are damaged, and go on");
}

Dataset load_for(const Model& model, const std::string& source, Part part, const DataOptions& options,
                 const Settings& settings) {
    LoadOptions load{.format       = options.format,
                     .max_memory   = settings.file_memory(),
                     .on_bad_image = options.skip_bad_images ? OnBadImage::skip : OnBadImage::fail,
                     .image        = model.image,
                     .threads      = default_threads()};
    if (!settings.no_cache) {
        load.cache = settings.cache.empty() ? default_cache() : fs::path(settings.cache);
    }
    Dataset dataset = load_dataset(source, part, load);
    tell_what_is_missing(dataset, fmt::format("{}, {} part", source, name_of(part)));
    return dataset;
}

}  // namespace hemp
