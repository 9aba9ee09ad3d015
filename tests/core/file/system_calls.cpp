#include "tests/core/file/system_calls.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

namespace hemp {
namespace {

constexpr int short_write = 0;

thread_local std::string_view failing_call;
thread_local int              failing_error;
thread_local int              uses_left;  // until the one that fails; 0 once it has

/// Is it this use that fails? Then errno is set.
bool fails(std::string_view call) {
    if (call != failing_call || uses_left == 0 || --uses_left > 0) {
        return false;
    }
    errno = failing_error;
    return true;
}

}  // namespace

FailingCall::FailingCall(std::string_view call, int nth, int error) {
    failing_call  = call;
    failing_error = error;
    uses_left     = nth;
}

FailingCall::~FailingCall() { failing_call = {}; }

bool FailingCall::happened() const { return uses_left == 0; }

}  // namespace hemp

// The linker takes these before the C library's.
extern "C" {

int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return hemp::fails("open") ? -1 : static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
    if (hemp::fails("write")) {
        if (errno != hemp::short_write) {
            return -1;
        }
        size = 1;
    }
    return syscall(SYS_write, descriptor, bytes, size);
}

int fsync(int descriptor) { return hemp::fails("fsync") ? -1 : static_cast<int>(syscall(SYS_fsync, descriptor)); }

int close(int descriptor) {
    int result = static_cast<int>(syscall(SYS_close, descriptor));  // a failing close frees the number all the same
    return hemp::fails("close") ? -1 : result;
}

int rename(const char* from, const char* to) noexcept {
    return hemp::fails("rename") ? -1 : static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

}  // extern "C"
