#include "datasets/image_folder.h"

#include "core/file/file.h"
#include "core/file/hash.h"
#include "core/file/mapped.h"
#include "datasets/image.h"
#include "datasets/pack.h"
#include "datasets/parallel.h"
#include "datasets/resample.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

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

/// The images of a class; what is none goes to `others`.
std::vector<fs::path> images_in(const fs::path& folder, std::vector<fs::path>& others) {
    std::vector<fs::path> paths;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (!is_hidden(entry.path())) {
            (is_image_name(entry.path()) ? paths : others).push_back(entry.path());
        }
    }
    std::sort(paths.begin(), paths.end());
    if (paths.empty()) {
        fail<DataError>("{}: the class has no .jpg, .jpeg or .png image; add some or remove the folder",
                        folder.string());
    }
    return paths;
}

/// The images of a part. What a person may have overlooked is noted: files that are no images, classes that the part
/// does not have.
std::vector<Found> find_images(const fs::path& folder, const std::vector<std::string>& classes,
                               std::vector<std::string>& notes) {
    std::vector<Found>       found;
    std::vector<fs::path>    others;
    std::vector<std::string> present = folders_in(folder), missing;
    std::ranges::set_difference(classes, present, std::back_inserter(missing));
    for (const std::string& name : present) {
        auto position = std::find(classes.begin(), classes.end(), name);
        if (position == classes.end()) {
            fail<DataError>("{}: train/ has no class of that name; rename or remove the folder",
                            (folder / name).string());
        }
        for (const fs::path& path : images_in(folder / name, others)) {
            found.push_back({path, static_cast<int32_t>(position - classes.begin())});
        }
    }
    if (found.empty()) {
        fail<DataError>("{}: has no class folders; put images into {}/CLASS/", folder.string(), folder.string());
    }
    if (!missing.empty()) {
        notes.push_back(fmt::format("{}: has no images of {} of the {} classes, such as {}", folder.string(),
                                    missing.size(), classes.size(), missing.front()));
    }
    if (!others.empty()) {
        notes.push_back(fmt::format("{}: {} not named .jpg, .jpeg or .png, such as {}: left out", folder.string(),
                                    others.size() == 1 ? "1 file is" : fmt::format("{} files are", others.size()),
                                    std::ranges::min(others).string()));
    }
    return found;
}

/// Into what the images are made.
struct Target {
    int64_t channels, height, width;
    bool    fitted;  ///< cut and resampled; else each image has that size already
};

/// Images of another size than the first.
class SizesDiffer : public DataError {
 public:
    using DataError::DataError;
};

class Decoder {
 public:
    Decoder(const fs::path& folder, const std::vector<Found>& found, const LoadOptions& options)
        : folder_(folder), found_(found), options_(options), reasons_(found.size()), colour_(found.size()) {}

    Pack run() {
        inspect_first();
        try {
            decode_all();
        } catch (const SizesDiffer&) {
            if (options_.image.rank() == 0) {
                throw;
            }
            target_ = fitted_target();
            decode_all();
        }
        return result();
    }

    bool any_colour() const {
        return std::ranges::any_of(colour_, [](uint8_t colour) { return colour != 0; });
    }

 private:
    /// Images that are larger than training and evaluation need are made smaller once and for all, to what both cut
    /// their parts from. Others stay as they are as long as they have one size.
    Target fitted_target() const {
        const Shape& image = options_.image;
        return {image[0], side_before_crop(image[1]), side_before_crop(image[2]), true};
    }

    /// The first image whose header can be read says what the images are made into.
    void inspect_first() {
        for (const Found& each : found_) {
            try {
                ImageInfo info = inspect_image(read_image_file(each.path, options_.max_memory), each.path.string());
                first_         = each.path.string();
                target_        = {3, info.height, info.width, false};
                if (options_.image.rank() == 3) {
                    Target fitted    = fitted_target();
                    target_.channels = fitted.channels;
                    if (info.height > fitted.height || info.width > fitted.width) {
                        target_ = fitted;
                    }
                }
                return;
            } catch (const DataError& error) {
                if (options_.on_bad_image == OnBadImage::fail) {
                    throw;
                }
                last_resort_ = error.what();
            }
        }
        fail_without_images(last_resort_);
    }

    void decode_all() {
        auto   count = static_cast<int64_t>(found_.size());
        size_t bytes = found_.size() * image_bytes();
        if (options_.cache.empty() || bytes <= options_.max_memory) {
            check_memory(count, {target_.channels, target_.height, target_.width}, options_.max_memory,
                         folder_.string());
            pixels_ = {new uint8_t[bytes], std::default_delete<uint8_t[]>()};
        } else {
            decode_on_disk(bytes);
        }
        for_each_in_parallel(count, options_.threads, [this](int64_t i) {
            try {
                decode(static_cast<size_t>(i));
            } catch (const DataError& error) {
                // Another target takes images of all sizes, if one is known.
                bool for_target = options_.image.rank() == 3 && dynamic_cast<const SizesDiffer*>(&error) != nullptr;
                if (for_target || options_.on_bad_image == OnBadImage::fail) {
                    throw;
                }
                reasons_[static_cast<size_t>(i)] = error.what();
            }
        });
    }

    /// What is beyond the memory that is allowed lies where the cache will lie.
    void decode_on_disk(size_t bytes) {
        try {
            std::shared_ptr<std::byte> scratch = map_scratch(options_.cache, bytes);
            pixels_                            = {scratch, reinterpret_cast<uint8_t*>(scratch.get())};
        } catch (const Error& error) {
            fail<DataError>(
                "{}: the images take more than the {} bytes of memory that are allowed, and {}; or allow {} "
                "with --max-memory",
                folder_.string(), options_.max_memory, error.what(), bytes);
        }
    }

    void decode(size_t index) {
        std::string where = found_[index].path.string();
        Bytes       file  = read_image_file(found_[index].path, options_.max_memory);
        ImageInfo   info  = inspect_image(file, where);
        Image       to{pixels_.get() + index * image_bytes(), target_.channels, target_.height, target_.width};
        colour_[index]     = info.colour;
        size_t memory_each = options_.max_memory / static_cast<size_t>(std::max(options_.threads, 1));
        if (info.height == target_.height && info.width == target_.width) {
            decode_image(file, info, to, where, memory_each);
        } else if (!target_.fitted) {
            fail<SizesDiffer>("{}: the image has {} x {} pixels, but {} has {} x {}; resize them to one size", where,
                              info.height, info.width, first_, target_.height, target_.width);
        } else {
            Array whole({{target_.channels, info.height, info.width}, DType::u8});
            decode_image(file, info, view(whole), where, memory_each);
            resample(view(whole), centre_box(view(whole), target_.height, target_.width), to);
        }
    }

    Pack result() {
        std::vector<int64_t> good;
        Pack                 pack;
        for (size_t i = 0; i < found_.size(); ++i) {
            if (reasons_[i].empty()) {
                good.push_back(static_cast<int64_t>(i));
            } else {
                pack.skipped.push_back(reasons_[i]);
                colour_[i] = 0;
            }
        }
        if (good.empty()) {
            fail_without_images(pack.skipped.front());
        }
        pack.labels = Array({{static_cast<int64_t>(good.size())}, DType::i32});
        for (size_t i = 0; i < good.size(); ++i) {
            pack.labels.values<int32_t>()[i] = found_[static_cast<size_t>(good[i])].label;
        }
        pack.images = Images({static_cast<int64_t>(found_.size()), target_.channels, target_.height, target_.width},
                             std::move(pixels_));
        if (!pack.skipped.empty()) {
            pack.images = pack.images.selected(good);
        }
        return pack;
    }

    [[noreturn]] void fail_without_images(const std::string& reason) const {
        fail<DataError>("{}: none of {} images can be used, one of them because {}", folder_.string(), found_.size(),
                        reason);
    }

    size_t image_bytes() const { return static_cast<size_t>(target_.channels * target_.height * target_.width); }

    const fs::path&           folder_;
    const std::vector<Found>& found_;
    const LoadOptions&        options_;
    Target                    target_{};
    std::string               first_, last_resort_;
    std::shared_ptr<uint8_t>  pixels_;
    // For each image; threads write to different places.
    std::vector<std::string> reasons_;  ///< why it is left out; empty: it is not
    std::vector<uint8_t>     colour_;
};

/// The three channels of a grey image are equal: one of them is enough.
Images one_channel(const Images& images) {
    const Shape& from = images.shape();
    Array        grey({{from[0], 1, from[2], from[3]}, DType::u8});
    auto         plane = static_cast<size_t>(from[2] * from[3]);
    for (int64_t i = 0; i < from[0]; ++i) {
        std::memcpy(grey.values<uint8_t>().data() + static_cast<size_t>(i) * plane, images[i].pixels, plane);
    }
    return Images(std::move(grey));
}

Pack decoded(const fs::path& folder, const std::vector<Found>& found, const LoadOptions& options) {
    Decoder decoder(folder, found, options);
    Pack    pack = decoder.run();
    if (options.image.rank() == 0 && !decoder.any_colour()) {
        const Shape& all = pack.images.shape();
        check_memory(all[0], {1, all[2], all[3]}, options.max_memory, folder.string());
        pack.images = one_channel(pack.images);
    }
    return pack;
}

/// Where the packed images of this part lie, whatever they are made of.
fs::path pack_path(const fs::path& folder, Part part, const LoadOptions& options) {
    fs::path         whole   = fs::weakly_canonical(folder);
    std::string      what    = fmt::format("{}\n{}\n{}", whole.string(), name_of(part), options.image);
    constexpr size_t longest = 64;
    return options.cache / fmt::format("{}-{}-{}.pack", whole.filename().string().substr(0, longest), name_of(part),
                                       hash_of(std::as_bytes(std::span(what))).substr(0, 16));
}

/// A hash of all that decides about the images of a pack: names, sizes and times of all files, and what is made of
/// them.
std::string pack_key(const std::vector<Found>& found, const std::vector<std::string>& classes,
                     const LoadOptions& options) {
    Hash hash;
    auto add = [&](const std::string& text) { hash.add(std::as_bytes(std::span(text.c_str(), text.size() + 1))); };
    add(to_string(options.image));
    for (const std::string& name : classes) {
        add(name);
    }
    for (const Found& each : found) {
        struct stat status {};
        ::stat(each.path.c_str(), &status);  // of a broken link: nothing
        add(each.path.filename().string());
        // The time of modification can be set back, that of the last change to the file cannot.
        int64_t numbers[] = {each.label,
                             status.st_size,
                             status.st_mtim.tv_sec,
                             status.st_mtim.tv_nsec,
                             status.st_ctim.tv_sec,
                             status.st_ctim.tv_nsec,
                             static_cast<int64_t>(status.st_ino)};
        hash.add(std::as_bytes(std::span(numbers)));
    }
    return hash.hex();
}

/// The pack in the cache, or a new one that goes there. No cache is worth a failure: what does not work is noted.
Pack cached(const fs::path& folder, Part part, const std::vector<Found>& found, const Dataset& dataset,
            const LoadOptions& options, std::vector<std::string>& notes) {
    fs::path        path = pack_path(folder, part, options);
    std::string     key  = pack_key(found, dataset.classes, options);
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) {
        std::optional<Pack> pack;
        try {
            pack = read_pack(path, key, dataset.classes.size());
        } catch (const Error& error) {
            notes.push_back(error.what());
        }
        if (pack && !pack->skipped.empty() && options.on_bad_image == OnBadImage::fail) {
            throw DataError(pack->skipped.front());
        }
        if (pack) {
            return *std::move(pack);
        }
    }
    fs::create_directories(options.cache, ignored);
    Pack pack = decoded(folder, found, options);
    try {
        write_pack(path, key, pack);
        if (static_cast<size_t>(pack.images.shape().size()) > options.max_memory) {
            // The scratch file takes that space a second time.
            if (std::optional<Pack> written = read_pack(path, key, dataset.classes.size())) {
                return *std::move(written);
            }
        }
    } catch (const Error& error) {
        notes.push_back(fmt::format("{}; the images will be decoded again next time", error.what()));
    }
    return pack;
}

}  // namespace

bool is_image_folder(const fs::path& folder) { return fs::is_directory(folder / "train"); }

Dataset load_image_folder(const fs::path& folder, Part part, const LoadOptions& options) {
    Dataset dataset;
    dataset.name    = folder.has_filename() ? folder.filename().string() : folder.parent_path().filename().string();
    dataset.classes = folders_in(folder / "train");

    std::vector<Found> found = find_images(folder / name_of(part), dataset.classes, dataset.notes);
    Pack               pack  = options.cache.empty() ? decoded(folder, found, options)
                                                     : cached(folder, part, found, dataset, options, dataset.notes);
    dataset.images           = std::move(pack.images);
    dataset.labels           = std::move(pack.labels);
    dataset.skipped          = std::move(pack.skipped);
    return dataset;
}

}  // namespace hemp
