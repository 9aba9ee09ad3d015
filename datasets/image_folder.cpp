#include "datasets/image_folder.h"

#include "core/file/file.h"
#include "datasets/image.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <numeric>
#include <optional>

namespace hemp {
namespace {

namespace fs = std::filesystem;

struct Found {
    fs::path path;
    int32_t  label;
};

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool is_image_name(const fs::path& path) {
    std::string ending = path.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
    return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

std::vector<std::string> folders_in(const fs::path& folder) {
    if (!fs::is_directory(folder)) {
        fail("{}: no such folder; images are looked for in train/CLASS/ and test/CLASS/", folder.string());
    }
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (entry.is_directory() && !is_hidden(entry.path())) {
            names.push_back(entry.path().filename().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<fs::path> images_in(const fs::path& folder) {
    std::vector<fs::path> paths;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (is_image_name(entry.path()) && !is_hidden(entry.path())) {
            paths.push_back(entry.path());
        }
    }
    std::sort(paths.begin(), paths.end());
    if (paths.empty()) {
        fail<DataError>("{}: the class has no .jpg, .jpeg or .png image; add some or remove the folder",
                        folder.string());
    }
    return paths;
}

std::vector<Found> find_images(const fs::path& folder, const std::vector<std::string>& classes) {
    std::vector<Found> found;
    for (const std::string& name : folders_in(folder)) {
        auto position = std::find(classes.begin(), classes.end(), name);
        if (position == classes.end()) {
            fail<DataError>("{}: train/ has no class of that name; rename or remove the folder",
                            (folder / name).string());
        }
        for (const fs::path& path : images_in(folder / name)) {
            found.push_back({path, static_cast<int32_t>(position - classes.begin())});
        }
    }
    if (found.empty()) {
        fail<DataError>("{}: has no class folders; put images into {}/CLASS/", folder.string(), folder.string());
    }
    return found;
}

/// Decodes image after image to three channels, all of the size of the first.
class Collector {
 public:
    Collector(const fs::path& folder, size_t most, const LoadOptions& options)
        : folder_(folder), most_(static_cast<int64_t>(most)), options_(options) {}

    void add(const Found& found, Dataset& dataset) {
        std::string where = found.path.string();
        Bytes       file  = read_file(found.path, options_.max_memory);
        ImageInfo   info  = inspect_image(file, where);
        if (size_ && (info.height != size_->height || info.width != size_->width)) {
            fail<DataError>("{}: the image has {} x {} pixels, but {} has {} x {}; resize them to one size", where,
                            info.height, info.width, first_, size_->height, size_->width);
        }
        Array image = decode_image(file, 3, where);
        if (!size_) {
            check_memory(most_, image.shape(), options_.max_memory, folder_.string());
            dataset.images = Array({{most_, 3, info.height, info.width}, DType::u8});
            dataset.labels = Array({{most_}, DType::i32});
            size_          = info;
            first_         = where;
        }
        std::memcpy(dataset.images.values<uint8_t>().data() + count_ * image.size(), image.memory(), image.bytes());
        dataset.labels.values<int32_t>()[static_cast<size_t>(count_)] = found.label;
        any_colour_ |= info.colour;
        ++count_;
    }

    int64_t count() const { return count_; }
    bool    any_colour() const { return any_colour_; }

 private:
    const fs::path&          folder_;
    int64_t                  most_;
    const LoadOptions&       options_;
    std::optional<ImageInfo> size_;
    std::string              first_;
    int64_t                  count_      = 0;
    bool                     any_colour_ = false;
};

/// The three channels of a grey image are equal: one of them is enough.
void keep_one_channel(Dataset& dataset) {
    const Shape from = dataset.images.shape();
    Array       grey({{from[0], 1, from[2], from[3]}, DType::u8});
    auto        plane = static_cast<size_t>(from[2] * from[3]);
    for (size_t i = 0; i < static_cast<size_t>(from[0]); ++i) {
        std::memcpy(grey.values<uint8_t>().data() + i * plane, dataset.images.values<uint8_t>().data() + 3 * i * plane,
                    plane);
    }
    dataset.images = std::move(grey);
}

}  // namespace

bool is_image_folder(const fs::path& folder) { return fs::is_directory(folder / "train"); }

Dataset load_image_folder(const fs::path& folder, Part part, const LoadOptions& options) {
    Dataset dataset;
    dataset.name    = folder.has_filename() ? folder.filename().string() : folder.parent_path().filename().string();
    dataset.classes = folders_in(folder / "train");

    std::vector<Found> found = find_images(folder / name_of(part), dataset.classes);
    Collector          collector(folder, found.size(), options);
    for (const Found& image : found) {
        try {
            collector.add(image, dataset);
        } catch (const DataError& error) {
            if (options.on_bad_image == OnBadImage::fail) {
                throw;
            }
            dataset.skipped.push_back(error.what());
        }
    }
    if (collector.count() == 0) {
        fail<DataError>("{}: none of {} images can be used, the first because {}", folder.string(), found.size(),
                        dataset.skipped.front());
    }
    if (!collector.any_colour()) {
        keep_one_channel(dataset);
    }
    if (collector.count() < static_cast<int64_t>(found.size())) {
        std::vector<int64_t> kept(static_cast<size_t>(collector.count()));
        std::iota(kept.begin(), kept.end(), 0);
        Dataset good = subset(dataset, kept);
        good.skipped = std::move(dataset.skipped);
        return good;
    }
    return dataset;
}

}  // namespace hemp
