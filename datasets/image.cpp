#include "datasets/image.h"

#include "core/file/file.h"
#include "datasets/image_size.h"
#include "datasets/jpeg.h"
#include "datasets/resample.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

/// What the decoder may still allocate, and an allocation that keeps to it. The memory is zero, for stb_image 2.27
/// reads Huffman and quantization tables that the file does not define; all-zero ones are harmless.
thread_local size_t budget = 0;

void release(void* memory) {
    budget += malloc_usable_size(memory);
    std::free(memory);
}

void* allocate(size_t size) {
    void* memory = size <= budget ? std::calloc(1, size) : nullptr;
    budget -= std::min(budget, malloc_usable_size(memory));
    return memory;
}

void* reallocate(void* old, size_t old_size, size_t size) {
    void* memory = allocate(size);
    if (memory != nullptr && old != nullptr) {
        std::memcpy(memory, old, std::min(old_size, size));
        release(old);
    }
    return memory;
}

}  // namespace

#define STBI_MALLOC(size) allocate(size)
#define STBI_FREE(memory) release(memory)
#define STBI_REALLOC_SIZED(memory, old_size, size) reallocate(memory, old_size, size)
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS hemp::max_image_side
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wpedantic"
#ifdef __clang__
// It copies no bytes from or to null, which is harmless.
#pragma clang attribute push(__attribute__((no_sanitize("nonnull-attribute"))), apply_to = function)
#include <stb/stb_image.h>
#pragma clang attribute pop
#else
#include <stb/stb_image.h>
#endif
#pragma GCC diagnostic pop

namespace hemp {
namespace {

constexpr size_t max_file   = size_t{1} << 28;
constexpr size_t max_memory = size_t{1} << 30;

/// What an honest file may need to be decoded; a false length in a small file cannot ask for more.
size_t memory_for(const ImageInfo& info, size_t file_bytes) {
    constexpr size_t bytes_a_pixel = 32;  // interlaced PNG of four channels with 16 bits, the greediest kind
    auto             pixels        = static_cast<size_t>(info.height * info.width);
    return std::min(max_memory, (1 << 20) + 4 * file_bytes + bytes_a_pixel * pixels);
}

/// Before stb, which calls an image that is too large one of an unknown type.
void check_size_of_png(std::span<const std::byte> file, const std::string& where) {
    constexpr std::string_view begin("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16);
    if (file.size() < begin.size() + 8 || std::memcmp(file.data(), begin.data(), begin.size()) != 0) {
        return;
    }
    auto length_at = [&](size_t at) {
        int64_t length = 0;
        for (size_t i = at; i < at + 4; ++i) {
            length = length << 8 | std::to_integer<int64_t>(file[i]);
        }
        return length;
    };
    check_image_size(length_at(begin.size() + 4), length_at(begin.size()), where);
}

const stbi_uc* bytes_for_stb(std::span<const std::byte> file) { return reinterpret_cast<const stbi_uc*>(file.data()); }

}  // namespace

ImageInfo inspect_image(std::span<const std::byte> file, const std::string& where) {
    int width    = 0;
    int height   = 0;
    int channels = 0;
    budget       = 1 << 20;
    if (file.size() > max_file) {
        fail<DataError>("{}: has {} bytes, at most {} are allowed; use a smaller image", where, file.size(), max_file);
    }
    if (is_jpeg(file)) {
        check_jpeg(file, where);
    }
    check_size_of_png(file, where);
    if (!stbi_info_from_memory(bytes_for_stb(file), static_cast<int>(file.size()), &width, &height, &channels)) {
        fail<DataError>("{}: no JPEG or PNG image that can be read ({}); convert or remove it", where,
                        stbi_failure_reason());
    }
    check_image_size(height, width, where);
    return {height, width, channels >= 3};
}

void decode_image(std::span<const std::byte> file, const ImageInfo& info, Image to, const std::string& where) {
    int      width  = 0;
    int      height = 0;
    int      found  = 0;
    stbi_uc* pixels = nullptr;
    budget          = memory_for(info, file.size());
    pixels          = stbi_load_from_memory(bytes_for_stb(file), static_cast<int>(file.size()), &width, &height, &found,
                                            static_cast<int>(to.channels));
    std::unique_ptr<stbi_uc, void (*)(void*)> owner(pixels, stbi_image_free);
    if (pixels == nullptr) {
        fail<DataError>("{}: the image is damaged ({}); get the file again or remove it", where, stbi_failure_reason());
    }
    expect(width == to.width && height == to.height, "{}: the image has {} x {} pixels, not the {} x {} of its header",
           where, height, width, to.height, to.width);
    auto plane  = static_cast<size_t>(width) * static_cast<size_t>(height);
    auto stride = static_cast<size_t>(to.channels);
    for (size_t channel = 0; channel < stride; ++channel) {
        for (size_t i = 0; i < plane; ++i) {
            to.pixels[channel * plane + i] = pixels[i * stride + channel];
        }
    }
}

Array decode_image(std::span<const std::byte> file, int channels, const std::string& where) {
    ImageInfo info = inspect_image(file, where);
    Array     image({{channels, info.height, info.width}, DType::u8});
    decode_image(file, info, view(image), where);
    return image;
}

Array read_image(const std::filesystem::path& path, const Shape& shape) {
    const Array image = decode_image(read_file(path, max_file), static_cast<int>(shape[0]), path.string());
    Array       result({shape, DType::u8});
    ConstImage  whole = view(image);
    resample(whole, evaluation_box(whole, shape[1], shape[2]), view(result));
    return result;
}

}  // namespace hemp
