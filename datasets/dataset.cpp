#include "datasets/dataset.h"

#include "datasets/cifar.h"
#include "datasets/digits.h"
#include "datasets/idx.h"
#include "datasets/image_folder.h"
#include "datasets/shuffle.h"

#include <algorithm>

namespace hemp {
namespace {

namespace fs = std::filesystem;

struct Format {
    std::string_view name;
    bool (*fits)(const fs::path& folder);
    Dataset (*load)(const fs::path& folder, Part part, const LoadOptions& options);
    std::string_view looked_for;
};

constexpr Format formats[] = {
    {"mnist", is_mnist, load_mnist, "train-images-idx3-ubyte[.gz] (mnist)"},
    {"cifar10", is_cifar10, load_cifar10, "data_batch_1.bin (cifar10)"},
    {"cifar100", is_cifar100, load_cifar100, "train.bin (cifar100)"},
    {"images", is_image_folder, load_image_folder, "train/CLASS/*.jpg, .jpeg or .png (images)"},
};

std::string all_looked_for() {
    std::string text;
    for (const Format& format : formats) {
        text += (text.empty() ? "" : ", ") + std::string(format.looked_for);
    }
    return text;
}

/// The first few names in a folder, for people.
std::string content_of(const fs::path& folder) {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    constexpr size_t shown = 5;
    std::string      text;
    for (size_t i = 0; i < std::min(names.size(), shown); ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    return names.empty() ? "nothing" : text + (names.size() > shown ? ", ..." : "");
}

const Format& format_named(const std::string& name) {
    for (const Format& format : formats) {
        if (format.name == name) {
            return format;
        }
    }
    fail<UsageError>("--format {}: no such format; choose digits, mnist, cifar10, cifar100 or images", name);
}

const Format& recognise(const fs::path& folder) {
    for (const Format& format : formats) {
        if (format.fits(folder)) {
            return format;
        }
    }
    fail<UsageError>("{}: not a known layout; looked for {}, found {}", folder.string(), all_looked_for(),
                     content_of(folder));
}

}  // namespace

std::string_view name_of(Part part) { return part == Part::train ? "train" : "test"; }

Dataset load_dataset(const std::string& source, Part part, const LoadOptions& options) {
    if (options.format == "digits" && source != "digits") {
        fail<UsageError>("{}: --format digits means the built-in ones, which lie in no folder; name them \"digits\"",
                         source);
    }
    if (source == "digits" && (options.format.empty() || options.format == "digits")) {
        return digits(part);
    }
    if (!fs::is_directory(source)) {
        fail<UsageError>("{}: no such folder; give a folder with a data set, or \"digits\" for the built-in one",
                         source);
    }
    const Format& format = options.format.empty() ? recognise(source) : format_named(options.format);
    return format.load(source, part, options);
}

Dataset subset(const Dataset& dataset, std::span<const int64_t> indices) {
    Dataset result{.name    = dataset.name,
                   .images  = dataset.images.selected(indices),
                   .labels  = Array({{static_cast<int64_t>(indices.size())}, DType::i32}),
                   .classes = dataset.classes,
                   .skipped = {}};
    for (size_t i = 0; i < indices.size(); ++i) {
        result.labels.values<int32_t>()[i] = dataset.labels.values<int32_t>()[static_cast<size_t>(indices[i])];
    }
    return result;
}

Holdout hold_out(const Dataset& dataset, uint64_t seed) {
    std::vector<int64_t> order = shuffled(dataset.size(), Random(seed, 0x686F6C64));  // the stream "hold"
    auto                 kept  = static_cast<size_t>(dataset.size() - dataset.size() / 12);
    return {subset(dataset, std::span(order).first(kept)), subset(dataset, std::span(order).subspan(kept))};
}

void check_memory(int64_t count, const Shape& image, size_t max_memory, const std::string& where) {
    auto bytes = static_cast<size_t>(image.size());
    if (bytes > 0 && static_cast<size_t>(count) > max_memory / bytes) {
        fail<DataError>("{}: {} images of {} need more than the limit of {} bytes; raise the limit (--max-memory)",
                        where, count, image, max_memory);
    }
}

}  // namespace hemp
