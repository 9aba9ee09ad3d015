#pragma once
// Errors speak to the person: where it happened, what was found and expected, what to do.

#include <fmt/core.h>

#include <stdexcept>
#include <string>

namespace hemp {

/// Any failure that is not the caller's typing mistake; the program ends with exit code 1.
class Error : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// Flags or arguments that contradict each other or name nothing known; exit code 2.
class UsageError : public Error {
 public:
    using Error::Error;
};

/// Outside data that is damaged or of an unsupported version; exit code 3.
class DataError : public Error {
 public:
    using Error::Error;
};

/// Operands whose shapes or types an operator cannot take.
class ShapeError : public Error {
 public:
    using Error::Error;
};

/// Throws `Failure` with a formatted message of the form "WHERE: WHAT; WHAT TO DO".
template <class Failure = Error, class... Arguments>
[[noreturn]] void fail(fmt::format_string<Arguments...> message, Arguments&&... arguments) {
    throw Failure(fmt::format(message, std::forward<Arguments>(arguments)...));
}

/// Throws ShapeError with the formatted message unless `condition` holds.
template <class... Arguments>
void expect(bool condition, fmt::format_string<Arguments...> message, Arguments&&... arguments) {
    if (!condition) {
        fail<ShapeError>(message, std::forward<Arguments>(arguments)...);
    }
}

}  // namespace hemp
