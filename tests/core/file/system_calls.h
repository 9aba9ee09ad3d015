#pragma once
// Rigs the world to fail: the system calls by which files are written, replaced for this thread by ones that fail.

#include <string_view>

namespace hemp {

/// While it lives, the `nth` (from 1) use of `call` ("open", "write", "fsync", "close", "rename") in this thread fails
/// with `error`; a write without an error is short instead: it takes one byte.
class FailingCall {
 public:
    FailingCall(std::string_view call, int nth, int error);
    FailingCall(const FailingCall&)            = delete;
    FailingCall& operator=(const FailingCall&) = delete;
    ~FailingCall();

    bool happened() const;
};

}  // namespace hemp
