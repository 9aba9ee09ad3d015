#pragma once
// Bytes of small files, put together by hand.

#include "core/file/file.h"

#include <initializer_list>
#include <span>
#include <string_view>

namespace hemp {

inline Bytes bytes_of(std::string_view text) {
    auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

inline Bytes bytes_of(std::initializer_list<int> values) {
    Bytes bytes;
    for (int value : values) {
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

inline Bytes operator+(Bytes first, const Bytes& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

}  // namespace hemp
