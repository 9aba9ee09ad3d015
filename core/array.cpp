#include "core/array.h"

#include "core/huge_pages.h"

#include <algorithm>
#include <new>
#include <utility>

namespace hemp {
namespace {

std::byte* allocated(size_t bytes) {
    auto* memory = new (std::align_val_t{Array::alignment}) std::byte[std::max<size_t>(bytes, 1)];
    prefer_huge_pages(memory, bytes);
    return memory;
}

}  // namespace

std::string_view name_of(DType dtype) {
    switch (dtype) {
        case DType::f32: return "f32";
        case DType::i32: return "i32";
        case DType::u8: return "u8";
        case DType::i64: return "i64";
    }
    return "?";
}

size_t bytes_of(DType dtype) {
    switch (dtype) {
        case DType::f32:
        case DType::i32: return 4;
        case DType::u8: return 1;
        case DType::i64: return 8;
    }
    return 0;
}

std::string to_string(const Type& type) { return std::string(name_of(type.dtype)) + " " + to_string(type.shape); }

Array::Array(Type type) : type_(type), memory_(allocated(type.bytes())) { std::memset(memory_.get(), 0, type.bytes()); }

Array Array::unset(Type type) {
    Array result;
    result.type_ = type;
    result.memory_.reset(allocated(type.bytes()));
    return result;
}

Array::Array(Type type, std::function<void(std::span<float>)> fill) : type_(type), fill_(std::move(fill)) {
    check_dtype(DType::f32);
}

Array::Array(const Array& other) : type_(other.type_), fill_(other.fill_) {
    if (other.memory_) {
        memory_.reset(allocated(type_.bytes()));
        std::memcpy(memory_.get(), other.memory_.get(), type_.bytes());
    }
}

void Array::fill() const {
    std::function<void(std::span<float>)> fill = std::exchange(fill_, nullptr);

    Array made(type_);
    fill(made.values<float>());
    memory_ = std::move(made.memory_);
}

void Array::check_dtype(DType wanted) const {
    expect(type_.dtype == wanted, "array: its elements are {}, but {} was asked for", name_of(type_.dtype),
           name_of(wanted));
}

}  // namespace hemp
