#include "datasets/image.h"

#include "core/file/file.h"
#include "datasets/image_size.h"
#include "datasets/jpeg.h"
#include "datasets/resample.h"

#include <malloc.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

/// What the decoder may still allocate, and an allocation that keeps to it. The memory is zero, for stb_image 2.27
/// reads Huffman and quantization tables that the file does not define; all-zero ones are harmless.
thread_local size_t budget    = 0;
thread_local bool   overdrawn = false;

void release(void* memory) {
    budget += malloc_usable_size(memory);
    std::free(memory);
}

void* allocate(size_t size) {
    overdrawn |= size > budget;
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
#define STBI_NO_FAILURE_STRINGS  // one of them holds bytes of the file, in memory that all threads share
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

constexpr size_t max_file = size_t{1} << 28;

/// What an honest file may need to be decoded; a false length in a small file cannot ask for more.
size_t memory_for(const ImageInfo& info, size_t file_bytes, size_t max_memory) {
    constexpr size_t bytes_a_pixel = 32;  // interlaced PNG of four channels with 16 bits, the greediest kind
    auto             pixels        = static_cast<size_t>(info.height * info.width);
    return std::min({max_memory, most_image_memory, (1 << 20) + 4 * file_bytes + bytes_a_pixel * pixels});
}

constexpr std::string_view begin_of_png("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16);

bool is_png(std::span<const std::byte> file) {
    return file.size() >= begin_of_png.size() + 8 &&
           std::memcmp(file.data(), begin_of_png.data(), begin_of_png.size()) == 0;
}

/// Four bytes of a PNG.
uint32_t number_at(std::span<const std::byte> file, size_t at) {
    uint32_t number = 0;
    for (std::byte byte : file.subspan(at, 4)) {
        number = number << 8 | std::to_integer<uint32_t>(byte);
    }
    return number;
}

/// stb reads the chunks of a PNG (length, kind, data, checksum of both) without looking at the checksums.
void check_chunks_of_png(std::span<const std::byte> file, const std::string& where) {
    constexpr size_t around = 12;
    for (size_t at = 8; file.size() - at >= around && number_at(file, at) <= file.size() - at - around;) {
        size_t      length = number_at(file, at);
        const auto* kind   = reinterpret_cast<const Bytef*>(file.data()) + at + 4;
        if (crc32(0, kind, static_cast<uInt>(length + 4)) != number_at(file, at + 8 + length)) {
            fail<DataError>(
                "{}: byte {}: a chunk has another checksum than its content, so the image is damaged; get the "
                "file again or remove it",
                where, at);
        }
        if (std::memcmp(kind, "IEND", 4) == 0) {
            return;
        }
        at += around + length;
    }
    fail<DataError>("{}: the image ends too early; get the file again or remove it", where);
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
    if (is_png(file)) {  // before stb, which calls an image that is too large one of an unknown type
        check_image_size(number_at(file, begin_of_png.size() + 4), number_at(file, begin_of_png.size()), where);
    }
    if (!stbi_info_from_memory(bytes_for_stb(file), static_cast<int>(file.size()), &width, &height, &channels)) {
        fail<DataError>("{}: no JPEG or PNG image that can be read; convert or remove it", where);
    }
    check_image_size(height, width, where);
    return {height, width, channels >= 3};
}

void decode_image(std::span<const std::byte> file, const ImageInfo& info, Image to, const std::string& where,
                  size_t max_memory) {
    int      width  = 0;
    int      height = 0;
    int      found  = 0;
    stbi_uc* pixels = nullptr;
    if (is_png(file)) {
        check_chunks_of_png(file, where);
    }
    budget    = memory_for(info, file.size(), max_memory);
    overdrawn = false;
    pixels    = stbi_load_from_memory(bytes_for_stb(file), static_cast<int>(file.size()), &width, &height, &found,
                                      static_cast<int>(to.channels));
    std::unique_ptr<stbi_uc, void (*)(void*)> owner(pixels, stbi_image_free);
    if (pixels == nullptr && overdrawn && max_memory < memory_for(info, file.size(), most_image_memory)) {
        fail<DataError>(
            "{}: to decode {} x {} pixels takes more than the {} bytes of memory that are allowed; use a smaller "
            "image, "
            "or allow more with --max-memory",
            where, info.height, info.width, max_memory);
    }
    if (pixels == nullptr) {
        fail<DataError>("{}: the image is damaged; get the file again or remove it", where);
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

Array decode_image(std::span<const std::byte> file, int channels, const std::string& where, size_t max_memory) {
    ImageInfo info = inspect_image(file, where);
    Array     image({{channels, info.height, info.width}, DType::u8});
    decode_image(file, info, view(image), where, max_memory);
    return image;
}

Bytes read_image_file(const std::filesystem::path& path, size_t max_bytes) {
    std::error_code error;
    bool            is_there = std::filesystem::exists(std::filesystem::symlink_status(path, error));
    if (is_there && !std::filesystem::is_regular_file(path, error)) {
        fail<DataError>("{}: is no file with an image (perhaps a folder, a pipe or a broken link); remove it",
                        path.string());
    }
    return read_file(path, max_bytes, wrong_file);
}

Array read_image(const std::filesystem::path& path, const Shape& shape, size_t max_memory) {
    const Array image =
        decode_image(read_image_file(path, max_file), static_cast<int>(shape[0]), path.string(), max_memory);
    Array      result({shape, DType::u8});
    ConstImage whole = view(image);
    resample(whole, evaluation_box(whole, shape[1], shape[2]), view(result));
    return result;
}

}  // namespace hemp
