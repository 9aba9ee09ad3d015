#include "core/file/file.h"

#include "core/error.h"
#include "core/file/hash.h"
#include "tests/bytes.h"
#include "tests/core/file/system_calls.h"
#include "tests/folder.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

using namespace hemp;

namespace fs = std::filesystem;

namespace {

constexpr size_t no_limit = 1 << 20;

size_t files_in(const fs::path& folder) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

Bytes gzip(const Bytes& bytes) {
    TemporaryFolder folder;
    gzFile          file = gzopen((folder / "packed").c_str(), "wb");
    REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
    REQUIRE(gzclose(file) == Z_OK);
    return read_file(folder / "packed", no_limit);
}

std::string message_of(const auto& act) {
    try {
        act();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("reading a file") {
    TemporaryFolder folder;
    SUBCASE("gives the bytes that were written") {
        for (std::string_view text : {"", "a", "some bytes"}) {
            write_file_atomically(folder / "file", bytes_of(text));
            CHECK(read_file(folder / "file", no_limit) == bytes_of(text));
        }
    }
    SUBCASE("stops at the limit") {
        write_file_atomically(folder / "file", bytes_of("12345678"));
        CHECK(read_file(folder / "file", 8) == bytes_of("12345678"));
        CHECK_THROWS_AS(read_file(folder / "file", 7), DataError);
    }
    SUBCASE("that is not there says so") {
        CHECK_THROWS_WITH_AS(read_file("/no/such/file", no_limit),
                             "/no/such/file: cannot be read, open says \"No such file or directory\"; check the path",
                             Error);
    }
    SUBCASE("that is a folder says so") {
        CHECK(message_of([&] { read_file(folder.path(), no_limit); }) ==
              folder.path().string() +
                  ": cannot be read, read says \"Is a directory\"; it is a folder, name a file in it");
    }
    SUBCASE("goes on where a pipe has no size") { CHECK(read_file("/proc/self/status", no_limit).size() > 100); }
}

TEST_CASE("reading a file that may be packed by gzip") {
    TemporaryFolder folder;
    Bytes           text   = bytes_of("to be packed, to be packed, to be packed");
    Bytes           packed = gzip(text);
    auto            read   = [&](const Bytes& bytes) {
        write_file_atomically(folder / "file", bytes);
        return read_maybe_gzip(folder / "file", no_limit);
    };
    SUBCASE("unpacks what is packed and leaves the rest as it is") {
        CHECK(read(packed) == text);
        CHECK(read(text) == text);
        CHECK(read({}).empty());
    }
    SUBCASE("cut off at any byte is refused") {
        for (size_t size = 2; size < packed.size(); ++size) {
            CAPTURE(size);
            CHECK_THROWS_AS(read(Bytes(packed.begin(), packed.begin() + static_cast<ptrdiff_t>(size))), DataError);
        }
    }
    SUBCASE("with any bit after gzip's header flipped gives the same bytes or is refused") {
        int refused = 0;
        for (size_t bit = 10 * 8; bit < packed.size() * 8; ++bit) {
            CAPTURE(bit);
            Bytes damaged = packed;
            damaged[bit / 8] ^= std::byte{1} << (bit % 8);
            try {
                Bytes unpacked = read(damaged);
                CHECK(unpacked == text);
            } catch (const DataError&) {
                ++refused;
            }
        }
        CHECK(refused > static_cast<int>(packed.size() - 10) * 7);
    }
    SUBCASE("with more bytes behind the stream is refused, and the message says where") {
        CHECK(message_of([&] { read(packed + bytes_of("more")); }) ==
              (folder / "file").string() + ": 4 more bytes follow the end of the gzip stream at byte " +
                  std::to_string(packed.size()) + "; get the file again");
    }
    SUBCASE("unpacks no further than the limit") {
        write_file_atomically(folder / "bomb", gzip(Bytes(3 << 20)));
        CHECK(fs::file_size(folder / "bomb") < 4000);
        CHECK_THROWS_AS(read_maybe_gzip(folder / "bomb", 1 << 20), DataError);
        CHECK(read_maybe_gzip(folder / "bomb", 3 << 20).size() == 3 << 20);
    }
    SUBCASE("takes memory for what is unpacked and no more") {
        write_file_atomically(folder / "file", gzip(Bytes((2 << 20) + 1)));
        CHECK(read_maybe_gzip(folder / "file", 4 << 20).capacity() <= (2 << 20) + 2);
    }
    SUBCASE("that unpacks to another size than it says is refused") {
        for (uint32_t size : {0u, 1u, 39u, 41u, 1000u, ~0u}) {
            CAPTURE(size);
            Bytes wrong = packed;
            std::memcpy(wrong.data() + wrong.size() - sizeof size, &size, sizeof size);
            CHECK_THROWS_AS(read(wrong), DataError);
        }
    }
}

TEST_CASE("writing a file") {
    TemporaryFolder folder;
    fs::path        path    = folder / "file";
    Bytes           old     = bytes_of("old content");
    Bytes           content = bytes_of("new content");
    write_file_atomically(path, old);

    SUBCASE("replaces the old one") {
        write_file_atomically(path, content);
        CHECK(read_file(path, no_limit) == content);
        CHECK(files_in(folder.path()) == 1);
    }
    SUBCASE("can keep the old one under another name") {
        write_file_atomically(path, content, folder / "old");
        CHECK(read_file(path, no_limit) == content);
        CHECK(read_file(folder / "old", no_limit) == old);
        CHECK(files_in(folder.path()) == 2);
    }
    SUBCASE("can be tried before there is anything to write, and changes nothing") {
        check_writable(path);
        check_writable(folder / "new");
        CHECK(read_file(path, no_limit) == old);
        CHECK(files_in(folder.path()) == 1);
        CHECK_THROWS_AS(check_writable(folder / "none" / "x"), Error);
        CHECK_THROWS_AS(check_writable("/dev/null"), Error);
        CHECK_THROWS_AS(check_writable("/proc/x"), Error);
    }
    SUBCASE("through a symbolic link keeps the link") {
        fs::create_symlink(path, folder / "link");
        write_file_atomically(folder / "link", content);
        CHECK(fs::is_symlink(folder / "link"));
        CHECK(read_file(path, no_limit) == content);
    }
    SUBCASE("removes the temporary files of processes that are gone, and no other") {
        pid_t gone = ::fork();
        if (gone == 0) {
            ::_exit(0);
        }
        REQUIRE(::waitpid(gone, nullptr, 0) == gone);
        std::string number = std::to_string(gone);
        for (const std::string& left : {"file.tmp-" + number + "-0", "file.tmp-" + number + "-17"}) {
            std::ofstream(folder / left) << "half";
        }
        std::vector<std::string> others{"file.tmp-" + std::to_string(::getpid()) + "-4000000000",
                                        "file.tmp-" + number + "-",
                                        "file.tmp-" + number,
                                        "file.tmp-" + number + "-0x",
                                        "file.tmp--" + number + "-0",
                                        "other.tmp-" + number + "-0",
                                        "a-file.tmp-" + number + "-0"};
        for (const std::string& other : others) {
            std::ofstream(folder / other) << "half";
        }
        write_file_atomically(path, content);
        CHECK(read_file(path, no_limit) == content);
        CHECK(files_in(folder.path()) == 1 + others.size());
        for (const std::string& other : others) {
            CAPTURE(other);
            CHECK(fs::exists(folder / other));
        }
    }
    SUBCASE("in pieces puts them one after another") {
        Bytes more = bytes_of(" and more");
        write_file_atomically(path, std::vector<std::span<const std::byte>>{content, {}, more});
        CHECK(read_file(path, no_limit) == content + more);
    }
    SUBCASE("through links to a file that is still to be made makes it") {
        fs::create_directory(folder / "elsewhere");
        fs::create_symlink("elsewhere/link", folder / "link");
        fs::create_symlink("new", folder / "elsewhere" / "link");
        write_file_atomically(folder / "link", content);
        CHECK(fs::is_symlink(folder / "link"));
        CHECK(fs::is_symlink(folder / "elsewhere" / "link"));
        CHECK(read_file(folder / "elsewhere" / "new", no_limit) == content);
        CHECK(files_in(folder / "elsewhere") == 2);
    }
    SUBCASE("through a link to itself says so") {
        fs::create_symlink("link", folder / "link");
        CHECK(message_of([&] { write_file_atomically(folder / "link", content); }).find("symbolic links") !=
              std::string::npos);
        CHECK(fs::is_symlink(folder / "link"));
    }
    SUBCASE("never replaces a device, a folder or a pipe") {
        CHECK_THROWS_WITH_AS(write_file_atomically("/dev/full", content),
                             "/dev/full: cannot be written, it is a folder, a pipe or a device; name a file", Error);
        CHECK_THROWS_AS(write_file_atomically(folder.path(), content), Error);
        REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
        CHECK_THROWS_AS(write_file_atomically(folder / "pipe", content), Error);
        CHECK(fs::is_fifo(folder / "pipe"));
    }
    SUBCASE("through a link to an open file without a name is refused, and the link stays") {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        fs::path descriptor = "/proc/self/fd/" + std::to_string(ends[1]);
        fs::create_symlink(descriptor, folder / "output");
        for (const fs::path& output : {descriptor, folder / "output"}) {
            CHECK_THROWS_WITH_AS(
                write_file_atomically(output, content),
                (output.string() + ": cannot be written, it is a folder, a pipe or a device; name a file").c_str(),
                Error);
        }
        CHECK(fs::is_symlink(folder / "output"));
        CHECK(files_in(folder.path()) == 2);
        ::close(ends[0]);
        ::close(ends[1]);
    }
    SUBCASE("into a folder that is not there says so") {
        CHECK_THROWS_WITH_AS(write_file_atomically("/no/such/folder/file", content),
                             "/no/such/folder/file: cannot be written, open says \"No such file or directory\"; check "
                             "the path",
                             Error);
    }
    SUBCASE("beyond the system's limit on file sizes leaves the old one") {
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit before{};
        getrlimit(RLIMIT_FSIZE, &before);
        rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        std::string message = message_of([&] { write_file_atomically(path, Bytes(2000)); });
        setrlimit(RLIMIT_FSIZE, &before);
        CHECK(message == path.string() +
                             ": cannot be written, write says \"File too large\"; raise the limit on file "
                             "sizes (ulimit -f) or choose another folder");
        CHECK(read_file(path, no_limit) == old);
        CHECK(files_in(folder.path()) == 1);
    }
}

TEST_CASE("a system call that fails while a file is written") {
    TemporaryFolder folder;
    fs::path        path     = folder / "file";
    fs::path        previous = folder / "previous";
    Bytes           old      = bytes_of("old content");
    Bytes           content  = bytes_of("new content");

    SUBCASE("gives an error that names path and cause, and leaves the old file alone") {
        struct Call {
            std::string_view name;
            int              nth;
        };
        for (Call call : {Call{"open", 1}, {"write", 1}, {"fsync", 1}, {"close", 1}, {"rename", 1}, {"rename", 2}}) {
            for (int error : {EIO, ENOSPC, EDQUOT, EACCES}) {
                CAPTURE(call.name);
                CAPTURE(call.nth);
                CAPTURE(error);
                write_file_atomically(path, old);
                std::string message;
                {
                    FailingCall failing(call.name, call.nth, error);
                    message = message_of([&] { write_file_atomically(path, content, previous); });
                    CHECK(failing.happened());
                }
                CHECK(message.find(path.string()) == 0);
                CHECK(message.find(std::string(call.name) + " says \"" + std::strerror(error)) != std::string::npos);
                CHECK(read_file(path, no_limit) == old);
                CHECK(files_in(folder.path()) == 1);
            }
        }
    }
    SUBCASE("when the new file is in place already leaves both generations") {
        write_file_atomically(path, old);
        {
            FailingCall failing("fsync", 2, EIO);
            CHECK_THROWS_AS(write_file_atomically(path, content, previous), Error);
        }
        CHECK(read_file(path, no_limit) == content);
        CHECK(read_file(previous, no_limit) == old);
        CHECK(files_in(folder.path()) == 2);
    }
    SUBCASE("for an interruption is repeated") {
        for (std::string_view call : {"open", "write", "fsync", "close"}) {
            CAPTURE(call);
            fs::remove(path);
            FailingCall failing(call, 1, EINTR);
            write_file_atomically(path, content);
            CHECK(failing.happened());
            CHECK(read_file(path, no_limit) == content);
        }
    }
    SUBCASE("in part, as a short write, is gone on with") {
        FailingCall failing("write", 1, 0);
        write_file_atomically(path, content);
        CHECK(failing.happened());
        CHECK(read_file(path, no_limit) == content);
    }
}

TEST_CASE("a hash is XXH3's with 128 bits") {
    // The published value for no bytes and seed 0.
    CHECK(hash_of({}) == "99aa06d3014798d86001c324468d497f");
    SUBCASE("whatever pieces the bytes come in") {
        Hash hash;
        hash.add(bytes_of("some "));
        hash.add(bytes_of("bytes"));
        CHECK(hash.hex() == hash_of(bytes_of("some bytes")));
    }
    SUBCASE("of a file is that of its bytes") {
        TemporaryFolder folder;
        write_file_atomically(folder / "file", bytes_of("some bytes"));
        CHECK(hash_of_file(folder / "file") == hash_of(bytes_of("some bytes")));
    }
}
