#include "hemp/arithmetic_coder.h"

#include <utility>

namespace hemp {

// A settled byte can still be 0xFF followed by a carry: add one from the end until a byte takes it.
void ArithmeticEncoder::carry() {
    for (size_t i = bytes_.size(); i-- > 0;) {
        bytes_[i] = static_cast<std::byte>(static_cast<uint8_t>(bytes_[i]) + 1);
        if (bytes_[i] != std::byte{0}) {
            break;
        }
    }
    low_ &= 0xFFFFFFFF;
}

void ArithmeticEncoder::shift() {
    if (low_ >> 32) {
        carry();
    }
    bytes_.push_back(static_cast<std::byte>(low_ >> 24));
    low_ = low_ << 8 & 0xFFFFFFFF;
    range_ <<= 8;
}

std::vector<std::byte> ArithmeticEncoder::finish() {
    // Of all numbers in the last interval take the one with most zero bytes at its end.
    for (int zeros = 4; zeros >= 0; --zeros) {
        uint64_t ones   = (uint64_t{1} << (8 * zeros)) - 1;
        uint64_t number = (low_ + ones) & ~ones;
        if (number < low_ + range_) {
            low_ = number;
            break;
        }
    }
    for (int i = 0; i < 4; ++i) {
        shift();
    }
    if (low_ >> 32) {
        carry();
    }
    while (!bytes_.empty() && bytes_.back() == std::byte{0}) {
        bytes_.pop_back();
    }
    return std::move(bytes_);
}

}  // namespace hemp
