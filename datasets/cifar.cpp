#include "datasets/cifar.h"

#include "core/file/file.h"

#include <algorithm>
#include <cstring>
#include <sstream>

namespace hemp {
namespace {

namespace fs = std::filesystem;

constexpr size_t image_bytes = 3 * 32 * 32;

struct Variant {
    const char* name;
    size_t      classes;
    size_t      label_bytes;  // the last one is the label
    const char* class_names;

    size_t record() const { return label_bytes + image_bytes; }
};

constexpr Variant cifar10{"cifar10", 10, 1, "batches.meta.txt"};
constexpr Variant cifar100{"cifar100", 100, 2, "fine_label_names.txt"};

const Variant& variant_of(Cifar kind) { return kind == Cifar::ten ? cifar10 : cifar100; }

std::vector<std::string> class_names(const fs::path& folder, const Variant& variant) {
    std::vector<std::string> names;
    fs::path                 path = folder / variant.class_names;
    if (!fs::exists(path)) {
        for (size_t i = 0; i < variant.classes; ++i) {
            names.push_back(std::to_string(i));
        }
        return names;
    }
    Bytes              bytes = read_file(path, 1 << 16, wrong_file);
    std::istringstream text(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    for (std::string name; text >> name;) {
        names.push_back(name);
    }
    if (names.size() != variant.classes) {
        fail<DataError>("{}: has {} names, expected {}; correct or remove it", path.string(), names.size(),
                        variant.classes);
    }
    return names;
}

Dataset load(const fs::path& folder, const std::vector<fs::path>& paths, Cifar kind, const LoadOptions& options) {
    const Variant&          variant = variant_of(kind);
    std::vector<CifarBatch> batches;
    int64_t                 count = 0;
    for (const fs::path& path : paths) {
        Bytes file = read_file(path, options.max_memory);
        count += static_cast<int64_t>(file.size() / variant.record());
        check_memory(count, {3, 32, 32}, options.max_memory, folder.string());
        batches.push_back(parse_cifar(file, kind, path.string()));
    }
    Array    images({{count, 3, 32, 32}, DType::u8});
    Array    labels({{count}, DType::i32});
    uint8_t* pixels = images.values<uint8_t>().data();
    int32_t* label  = labels.values<int32_t>().data();
    for (const CifarBatch& batch : batches) {
        pixels = std::ranges::copy(batch.images.values<uint8_t>(), pixels).out;
        label  = std::ranges::copy(batch.labels.values<int32_t>(), label).out;
    }
    return {.name    = variant.name,
            .images  = Images(std::move(images)),
            .labels  = std::move(labels),
            .classes = class_names(folder, variant),
            .skipped = {}};
}

std::vector<fs::path> training_batches(const fs::path& folder) {
    std::vector<fs::path> paths;
    for (int i = 1; i <= 5; ++i) {
        fs::path path = folder / fmt::format("data_batch_{}.bin", i);
        if (fs::exists(path)) {
            paths.push_back(path);
        }
    }
    return paths;
}

}  // namespace

CifarBatch parse_cifar(std::span<const std::byte> bytes, Cifar kind, const std::string& where) {
    const Variant& variant = variant_of(kind);
    const size_t   record  = variant.record();
    if (bytes.empty() || bytes.size() % record != 0) {
        fail<DataError>("{}: has {} bytes, which is no multiple of {} (a record of {}); get the file again", where,
                        bytes.size(), record, variant.name);
    }
    auto       count = static_cast<int64_t>(bytes.size() / record);
    CifarBatch batch{Array({{count, 3, 32, 32}, DType::u8}), Array({{count}, DType::i32})};
    for (size_t image = 0; image < bytes.size() / record; ++image) {
        size_t label_at = image * record + variant.label_bytes - 1;
        auto   label    = std::to_integer<size_t>(bytes[label_at]);
        if (label >= variant.classes) {
            fail<DataError>("{}: the label at byte {} is {}, expected 0 to {}; get the file again", where, label_at,
                            label, variant.classes - 1);
        }
        batch.labels.values<int32_t>()[image] = static_cast<int32_t>(label);
        std::memcpy(batch.images.values<uint8_t>().data() + image * image_bytes, bytes.data() + label_at + 1,
                    image_bytes);
    }
    return batch;
}

bool is_cifar10(const fs::path& folder) { return !training_batches(folder).empty(); }

bool is_cifar100(const fs::path& folder) { return fs::exists(folder / "train.bin"); }

Dataset load_cifar10(const fs::path& folder, Part part, const LoadOptions& options) {
    if (part == Part::test) {
        return load(folder, {folder / "test_batch.bin"}, Cifar::ten, options);
    }
    std::vector<fs::path> paths = training_batches(folder);
    if (paths.empty()) {
        fail("{}: none of data_batch_1.bin to data_batch_5.bin is there; put them into the folder", folder.string());
    }
    return load(folder, paths, Cifar::ten, options);
}

Dataset load_cifar100(const fs::path& folder, Part part, const LoadOptions& options) {
    return load(folder, {folder / (part == Part::train ? "train.bin" : "test.bin")}, Cifar::hundred, options);
}

}  // namespace hemp
