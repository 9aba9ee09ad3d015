#include "core/file/checkpoint.h"

#include "tests/bytes.h"
#include "tests/core/file/system_calls.h"
#include "tests/folder.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

using namespace hemp;

namespace fs = std::filesystem;

namespace {

Checkpoint checkpoint_of(int step, int64_t weights = 20) {
    return {.arrays   = {{"weight",
                          Array({weights}, std::vector<float>(static_cast<size_t>(weights), static_cast<float>(step)))}},
            .metadata = {{"step", std::to_string(step)}}};
}

int step_of(const Checkpoint& checkpoint) {
    int step = std::stoi(checkpoint.metadata.at("step"));
    REQUIRE(std::ranges::all_of(checkpoint.find("weight")->values<float>(),
                                [step](float weight) { return weight == static_cast<float>(step); }));
    return step;
}

}  // namespace

TEST_CASE("a checkpoint") {
    TemporaryFolder folder;
    fs::path        path = folder / "last.ckpt";
    save_checkpoint(path, checkpoint_of(1));

    SUBCASE("gives back what was saved, and nothing more") {
        Checkpoint loaded = load_checkpoint(path);
        CHECK(step_of(loaded) == 1);
        CHECK(loaded.metadata.size() == 1);
    }
    SUBCASE("is a safetensors file") { CHECK(step_of(read_safetensors(path, 1 << 20)) == 1); }
    SUBCASE("with any bit flipped is refused") {
        Bytes good = read_file(path, 1 << 20);
        for (size_t bit = 0; bit < good.size() * 8; ++bit) {
            CAPTURE(bit);
            Bytes damaged = good;
            damaged[bit / 8] ^= std::byte{1} << (bit % 8);
            CHECK_THROWS_AS(parse_checkpoint(damaged, "file"), DataError);
        }
    }
    SUBCASE("with any byte set to an extreme value is refused") {
        Bytes good = read_file(path, 1 << 20);
        for (size_t i = 0; i < good.size(); ++i) {
            for (int value : {0x00, 0xff, 0x7f, 0x80}) {
                Bytes damaged = good;
                damaged[i]    = static_cast<std::byte>(value);
                if (damaged != good) {
                    CAPTURE(i);
                    CHECK_THROWS_AS(parse_checkpoint(damaged, "file"), DataError);
                }
            }
        }
    }
    SUBCASE("cut off at any byte, or longer, is refused") {
        Bytes good = read_file(path, 1 << 20);
        for (size_t size = 0; size < good.size(); ++size) {
            CAPTURE(size);
            CHECK_THROWS_AS(parse_checkpoint(std::span(good).first(size), "file"), DataError);
        }
        CHECK_THROWS_AS(parse_checkpoint(good + bytes_of({0}), "file"), DataError);
    }
    SUBCASE("may hold text that looks like its checksum") {
        Checkpoint tricky    = checkpoint_of(2);
        tricky.metadata["a"] = "\"hemp.checksum\":\"00000000000000000000000000000000\"";
        save_checkpoint(path, tricky);
        CHECK(load_checkpoint(path).metadata == tricky.metadata);
    }
    SUBCASE("above the limit is not read") {
        save_checkpoint(path, checkpoint_of(1));
        size_t bytes = fs::file_size(path);
        CHECK(step_of(load_checkpoint(path, bytes)) == 1);
        CHECK_THROWS_WITH_AS(load_checkpoint(path, bytes - 1), doctest::Contains("--max-memory"), DataError);
        CHECK_THROWS_WITH_AS(load_newest_valid(path, bytes - 1), doctest::Contains("--max-memory"), DataError);
    }
    SUBCASE("is not any safetensors file") {
        write_file_atomically(path, format_safetensors(checkpoint_of(1)));
        CHECK_THROWS_WITH_AS(
            load_checkpoint(path),
            (path.string() + ": has no checksum, so it is no checkpoint or a damaged one; use another").c_str(),
            DataError);
    }
}

TEST_CASE("of checkpoints, two generations are kept") {
    TemporaryFolder folder;
    fs::path        path     = folder / "last.ckpt";
    fs::path        previous = folder / "last.ckpt.previous";
    save_checkpoint(path, checkpoint_of(1));

    SUBCASE("once there are two") {
        CHECK_FALSE(fs::exists(previous));
        save_checkpoint(path, checkpoint_of(2));
        save_checkpoint(path, checkpoint_of(3));
        CHECK(step_of(load_checkpoint(path)) == 3);
        CHECK(step_of(load_checkpoint(previous)) == 2);
    }
    SUBCASE("and the newest is taken") {
        save_checkpoint(path, checkpoint_of(2));
        CHECK(step_of(load_newest_valid(path).checkpoint) == 2);
        CHECK(load_newest_valid(path).warning.empty());
    }
    SUBCASE("so a damaged one is replaced by the previous, with a warning") {
        save_checkpoint(path, checkpoint_of(2));
        write_file_atomically(path, bytes_of("damage"));
        Loaded loaded = load_newest_valid(path);
        CHECK(step_of(loaded.checkpoint) == 1);
        CHECK(loaded.warning.find(path.string() + ": has no checksum") == 0);

        // And stays, when the next one is saved.
        restore_previous(path);
        CHECK(step_of(load_checkpoint(path)) == 1);
        save_checkpoint(path, checkpoint_of(2));
        CHECK(step_of(load_checkpoint(previous)) == 1);
    }
    SUBCASE("so a lost one is replaced by the previous") {
        save_checkpoint(path, checkpoint_of(2));
        fs::remove(path);
        CHECK(step_of(load_newest_valid(path).checkpoint) == 1);
    }
    SUBCASE("and if neither is good, the error names both") {
        write_file_atomically(path, bytes_of("damage"), previous);
        write_file_atomically(path, bytes_of("damage"), previous);
        try {
            load_newest_valid(path);
            FAIL("damage was accepted");
        } catch (const DataError& error) {
            std::string text = error.what();
            CHECK(text.find(path.string() + ":") == 0);
            CHECK(text.find(previous.string() + ":") != std::string::npos);
        }
    }
    SUBCASE("and a failure to save leaves the newest") {
        FailingCall failing("write", 1, ENOSPC);
        CHECK_THROWS_AS(save_checkpoint(path, checkpoint_of(2)), Error);
        CHECK(step_of(load_checkpoint(path)) == 1);
    }
}

TEST_CASE("after kill -9 at any moment of a loop that saves, there is a checkpoint of the last or the step before") {
    for (int round = 0; round < 40; ++round) {
        TemporaryFolder folder;
        fs::path        path = folder / "last.ckpt";
        int             done[2];
        REQUIRE(pipe(done) == 0);
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            for (int step = 1;; ++step) {
                save_checkpoint(path, checkpoint_of(step, 50000));
                if (write(done[1], &step, sizeof step) != sizeof step) {
                    _exit(1);
                }
            }
        }
        close(done[1]);
        int saved = 0;
        REQUIRE(read(done[0], &saved, sizeof saved) == sizeof saved);
        usleep(static_cast<useconds_t>(round * 137));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        while (read(done[0], &saved, sizeof saved) == sizeof saved) {
        }
        close(done[0]);

        CAPTURE(saved);
        int found = step_of(load_newest_valid(path).checkpoint);
        CHECK(found >= saved);
        CHECK(found <= saved + 1);

        // What was being written is gone with the next one that is saved.
        save_checkpoint(path, checkpoint_of(found + 1));
        for (const auto& entry : fs::directory_iterator(folder.path())) {
            CHECK(entry.path().filename().string().find("tmp") == std::string::npos);
        }
    }
}
