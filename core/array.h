#pragma once

#include "core/error.h"
#include "core/shape.h"

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace hemp {

/// Element types: f32 in all arithmetic; i32 and u8 for labels, symbols, images; i64 for counts.
enum class DType : uint8_t { f32, i32, u8, i64 };

std::string_view name_of(DType dtype);
size_t           bytes_of(DType dtype);

template <class T>
constexpr DType dtype_of = [] {
    if constexpr (std::is_same_v<T, float>)
        return DType::f32;
    else if constexpr (std::is_same_v<T, int32_t>)
        return DType::i32;
    else if constexpr (std::is_same_v<T, uint8_t>)
        return DType::u8;
    else {
        static_assert(std::is_same_v<T, int64_t>, "no element type of hemp");
        return DType::i64;
    }
}();

/// What is known of a tensor before it has a value.
struct Type {
    Shape shape;
    DType dtype = DType::f32;

    size_t bytes() const { return static_cast<size_t>(shape.size()) * bytes_of(dtype); }
    bool   operator==(const Type&) const = default;
};

/// "f32 [100, 10]"
std::string to_string(const Type& type);

/// Values in memory: dense, row-major, 64-byte aligned, owned. Copying copies the values.
class Array {
 public:
    static constexpr size_t alignment = 64;

    Array() = default;
    explicit Array(Type type);  ///< zeros
    /// Whatever the memory held before: for who writes every value. Zeros would take as long as reading a file does.
    static Array unset(Type type);
    /// f32 values that `fill` writes over zeros when they are first asked for: the first weights of a network cost
    /// nothing where a file replaces them, or where only their shapes are wanted.
    Array(Type type, std::function<void(std::span<float>)> fill);
    explicit Array(float scalar) : Array(Type{}) { values<float>()[0] = scalar; }
    template <class T>
    Array(Shape shape, const std::vector<T>& values) : Array(Type{shape, dtype_of<T>}) {
        expect(static_cast<int64_t>(values.size()) == shape.size(), "array: {} values given for shape {}, which has {}",
               values.size(), shape, shape.size());
        if (!values.empty()) {
            std::memcpy(memory_.get(), values.data(), bytes());
        }
    }
    Array(const Array& other);
    Array(Array&&) noexcept = default;
    Array& operator=(Array other) noexcept {
        type_   = other.type_;
        memory_ = std::move(other.memory_);
        fill_   = std::move(other.fill_);
        return *this;
    }

    const Type&  type() const { return type_; }
    const Shape& shape() const { return type_.shape; }
    DType        dtype() const { return type_.dtype; }
    int64_t      size() const { return type_.shape.size(); }
    size_t       bytes() const { return memory_ || fill_ ? type_.bytes() : 0; }

    /// False as long as nobody has asked for values that `fill` is to write.
    bool is_made() const { return memory_ != nullptr; }

    void* memory() {
        make();
        return memory_.get();
    }
    const void* memory() const {
        make();
        return memory_.get();
    }

    /// The values; throws ShapeError when T is not the element type.
    template <class T>
    std::span<T> values() {
        check_dtype(dtype_of<T>);
        return {static_cast<T*>(memory()), static_cast<size_t>(size())};
    }
    template <class T>
    std::span<const T> values() const {
        check_dtype(dtype_of<T>);
        return {static_cast<const T*>(memory()), static_cast<size_t>(size())};
    }

 private:
    struct Release {
        void operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t{alignment}); }
    };

    void check_dtype(DType wanted) const;
    void make() const {
        if (fill_) {
            fill();
        }
    }
    void fill() const;

    Type                                          type_{.shape = {0}};
    mutable std::unique_ptr<std::byte[], Release> memory_;
    mutable std::function<void(std::span<float>)> fill_;  ///< until the values are asked for
};

}  // namespace hemp

template <>
struct fmt::formatter<hemp::Type> {
    constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
    auto           format(const hemp::Type& type, fmt::format_context& context) const {
                  return fmt::format_to(context.out(), "{}", to_string(type));
    }
};
