// The program as its users meet it: each case runs the binary.

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "tests/folder.h"
#include "tests/patterns.h"
#include "tests/sanitized.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;
using hemp::all_matches;
using hemp::matches;
using hemp::sanitized;
using hemp::TemporaryFolder;

namespace {

std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Starts the program in a folder; output goes to the files "out" and "err" there.
pid_t start(const TemporaryFolder& folder, const std::string& arguments, const char* output = "out",
            const char* errors = "err") {
    pid_t child = fork();
    if (child == 0) {
        std::string command = "exec '" HEMP_PROGRAM "' " + arguments + " >" + output + " 2>" + errors;
        setenv("XDG_CACHE_HOME", (folder.path() / "cache").c_str(), 1);
        if (chdir(folder.path().c_str()) == 0) {
            execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        }
        _exit(127);
    }
    return child;
}

int wait_for(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

struct Result {
    int         code;
    std::string out, err;
};

Result run(const TemporaryFolder& folder, const std::string& arguments, const char* output = "out",
           const char* errors = "err") {
    int code = wait_for(start(folder, arguments, output, errors));
    return {code, content(folder.path() / "out"), content(folder.path() / "err")};
}

/// The run fails with that code, and its message speaks of `word` in the form that all messages have.
void check_refused(const TemporaryFolder& folder, const std::string& arguments, int code, const std::string& word) {
    CAPTURE(arguments);
    Result result = run(folder, arguments);
    CAPTURE(result.err);
    CHECK(result.code == code);
    CHECK(result.out.empty());
    std::string lines = "\n" + result.err;
    size_t      start = lines.rfind("\nhemp: ");
    REQUIRE(start != std::string::npos);
    CHECK(lines.find(word, start) != std::string::npos);
    CHECK(lines.find(';', start) != std::string::npos);
}

const std::string short_run = "train lenet300 --data digits --recipe hemp --epochs 2 --batch 500 --quiet ";
const std::string long_run  = "train lenet300 --data digits --recipe hemp --order 1 --epochs 3 --threads 1 --quiet ";

/// Waits until the run has saved for the first time, and is at work.
void wait_for_start(const TemporaryFolder& folder, const std::string& run_folder) {
    for (int i = 0; i < 600 && !fs::exists(folder.path() / run_folder / "last.ckpt"); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    REQUIRE(fs::exists(folder.path() / run_folder / "last.ckpt"));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

void check_same_run(const TemporaryFolder& folder, const std::string& a, const std::string& b) {
    for (const char* name : {"last.ckpt", "best.ckpt", "model.hemp"}) {
        CAPTURE(name);
        REQUIRE(fs::exists(folder.path() / a / name));
        CHECK(content(folder.path() / a / name) == content(folder.path() / b / name));
    }
}

void append(std::string& bytes, uint32_t number) {
    for (int shift : {24, 16, 8, 0}) {
        bytes += static_cast<char>(number >> shift);
    }
}

void chunk(std::string& png, std::string data) {
    append(png, static_cast<uint32_t>(data.size() - 4));
    png += data;
    append(png, static_cast<uint32_t>(
                    crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size()))));
}

/// A grey PNG of 28 x 28: a vertical stroke, which is a 1.
std::string png_of_a_one() {
    std::string png = "\x89PNG\r\n\x1a\n", head = "IHDR", pixels;
    append(head, 28);
    append(head, 28);
    head += std::string("\x08\0\0\0\0", 5);
    for (int y = 0; y < 28; ++y) {
        pixels += '\0';
        for (int x = 0; x < 28; ++x) {
            pixels += static_cast<char>(x >= 13 && x <= 15 && y >= 5 && y <= 22 ? 255 : 0);
        }
    }
    std::string packed(compressBound(pixels.size()), '\0');
    uLongf      size = packed.size();
    compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(pixels.data()),
             pixels.size());
    chunk(png, head);
    chunk(png, "IDAT" + packed.substr(0, size));
    chunk(png, "IEND");
    return png;
}

std::string idx(uint8_t rank, const std::vector<uint32_t>& lengths, const std::string& values) {
    std::string bytes = std::string("\0\0\x08", 3) + static_cast<char>(rank);
    for (uint32_t length : lengths) {
        append(bytes, length);
    }
    return bytes + values;
}

/// Below 2 kB, but a single tensor of so many zeros; the classes make it long enough to be allowed to.
std::string hemp_file_of_zeros(uint64_t elements) {
    std::string bytes("HEMP\1\0\x09\0\x0a", 9);
    for (char name = 'a'; name <= 'j'; ++name) {
        bytes += '\x78' + std::string(0x78, name);
    }
    bytes += "\1\1w\1";
    for (; elements >= 0x80; elements >>= 7) {
        bytes += static_cast<char>(0x80 | (elements & 0x7f));
    }
    bytes += static_cast<char>(elements);
    bytes += '\0';
    auto check =
        static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
    for (int shift : {0, 8, 16, 24}) {
        bytes += static_cast<char>(check >> shift);
    }
    return bytes + std::string(4, '\0');
}

/// A folder in MNIST's layout with two images a part.
void write_mnist(const fs::path& folder, const std::string& labels) {
    fs::create_directories(folder);
    for (const char* part : {"train", "t10k"}) {
        write(folder / (std::string(part) + "-images-idx3-ubyte"), idx(3, {2, 28, 28}, std::string(2 * 784, 'x')));
        write(folder / (std::string(part) + "-labels-idx1-ubyte"), idx(1, {2}, labels));
    }
}

}  // namespace

TEST_CASE("the manual page names every command, option and model, and no option that is not there") {
    TemporaryFolder   folder;
    const std::string page     = content(fs::path(HEMP_SOURCE_ROOT) / "docs" / "hemp.1");
    std::string       help     = run(folder, "--help").out;
    std::string       all      = help;
    size_t            commands = 0;
    for (const std::string& name : all_matches(help.substr(help.find("Subcommands:")), "^  ([a-z]+) +[A-Z]")) {
        ++commands;
        all += run(folder, name + " --help").out;
        CHECK_MESSAGE(page.find(".It Nm Cm " + name) != page.npos, name);
    }
    CHECK(commands >= 12);
    for (const std::string& name : all_matches(all, "--([a-z][a-z-]+)")) {
        if (name != "help" && name != "version") {
            CHECK_MESSAGE(page.find("Fl -" + name) != page.npos, name);
        }
    }
    for (const std::string& name : all_matches(page, "Fl -([a-z][a-z-]+)")) {
        CHECK_MESSAGE(all.find("--" + name) != all.npos, name);
    }
    // An unknown model's message lists all that there are.
    for (const std::string& name : all_matches(run(folder, "explain no-such-model").err, "[a-z]+[0-9]+[a-z0-9-]*")) {
        CHECK_MESSAGE(page.find(name) != page.npos, name);
    }
}

TEST_CASE("info, version and help succeed") {
    TemporaryFolder folder;
    CHECK(run(folder, "info --json").out.find("\"kernel_family\"") != std::string::npos);
    CHECK(run(folder, "--version").out.starts_with("hemp "));
    Result help = run(folder, "train --help");
    CHECK(help.code == 0);
    CHECK(help.out.find("--recipe") != std::string::npos);
    for (const char* command : {"train", "compress"}) {
        help = run(folder, command + std::string(" --help"));
        CHECK(help.out.find("--max-memory") != std::string::npos);
        CHECK(matches(help.out, "epochs +batch +rate +levels +order +entropy\n  (float|hemp) "));
        CHECK(matches(help.out, "\n  paper +50 +100 +0.1 +4 +3 +1\n"));
    }
    CHECK(help.out.find("float ") == help.out.npos);  // which makes no network small
    CHECK(run(folder, "compress --nonsense").err.find("see hemp compress --help") != std::string::npos);
}

TEST_CASE("explain names element types") {
    TemporaryFolder folder;
    std::string     shown = run(folder, "explain lenet300").out;
    CHECK(shown.find(" dtype=f32") != std::string::npos);
    CHECK_FALSE(matches(shown, "dtype=[0-9]"));
}

TEST_CASE("explain and bench take a trained network, and leave out units that nothing reads") {
    TemporaryFolder folder;
    std::string     file = HEMP_SOURCE_ROOT "/tests/golden/trained/lenet5.hemp";
    CHECK(matches(run(folder, "explain lenet5").out, "matmul_packed +f32 .100, 500."));
    std::string shown = run(folder, "explain " + file).out;
    CHECK(matches(shown, "fc1.weight = variable +f32 .500, 800."));  // the graph is what it was
    CHECK(matches(shown, "matmul_packed +f32 .100, 144."));
    CHECK(run(folder, "bench --mode infer --batch 1 " + file).code == 0);
    check_refused(folder, "explain " HEMP_SOURCE_ROOT "/tests", 1, "best.ckpt");
}

TEST_CASE("explain --time measures every step, beside what the machine allows") {
    TemporaryFolder folder;
    auto            told = nlohmann::json::parse(run(folder, "explain lenet5 --batch 10 --train --time --json").out);
    double          sum  = 0;
    bool            says_why = false;
    REQUIRE(told["steps"].size() > 5);
    for (const auto& step : told["steps"]) {
        CAPTURE(step["name"]);
        CHECK(step["seconds"] > 0);
        CHECK(step["roofline_share"] >= 0);
        sum += step["seconds"].get<double>();
        says_why |= !step["instead"].get<std::string>().empty();
    }
    CHECK(says_why);
    CHECK(told["seconds"].get<double>() == doctest::Approx(sum));
    CHECK(told["roofline"]["flops"] > 0);
    CHECK(told["roofline"]["bytes_per_second"] > 0);
    std::string shown = run(folder, "explain lenet5 --batch 10 --time").out;
    CHECK(
        matches(shown, "step +result +layout +Mflop +MB +in place +us +Gflop/s +GB/s +roofline +algorithm +why not a"));
    CHECK(matches(shown, "this machine's roofline: [0-9]+ Gflop/s, [0-9.]+ GB/s"));
    CHECK(matches(run(folder, "bench lenet300 --batch 10").out, "model +mode +batch +threads +ms a step +images/s"));
}

TEST_CASE("explain predicts within 5 % what bench measures of memory") {
    if (sanitized) {
        MESSAGE("skipped: a sanitizer holds memory of its own");
        return;
    }
    TemporaryFolder folder;
    auto            number = [&](const std::string& command, const std::string& name) {
        std::vector<std::string> found =
            all_matches(run(folder, command + " --json").out, "\"" + name + "\": ([0-9.]+)");
        REQUIRE(found.size() == 1);
        return std::stod(found[0]);
    };
    for (const char* sized : {"lenet300 --batch 32", "lenet5 --batch 32", "resnet20 --batch 32",
                              "mobilenetv2-cifar --batch 8", "vgg16-cifar --batch 8", "resnet50 --batch 2"}) {
        for (bool train : {true, false}) {
            CAPTURE(sized);
            CAPTURE(train);
            std::string batch     = sized;
            double      predicted = number("explain " + batch + (train ? " --train" : ""), "predicted_peak");
            double      measured  = number("bench " + batch + " --mode " + (train ? "train" : "infer"), "peak_rss_mib");
            CHECK(predicted / (1 << 20) == doctest::Approx(measured).epsilon(0.05));
        }
    }
}

TEST_CASE("wrong usage ends with 2 and says what to do") {
    TemporaryFolder folder;
    check_refused(folder, "frobnicate", 2, "frobnicate");
    check_refused(folder, "info --frobnicate", 2, "frobnicate");
    check_refused(folder, "train lenet6 --data digits", 2, "lenet300");
    check_refused(folder, "train lenet5", 2, "--data");
    check_refused(folder, "train lenet5 --data digits --epochs 0", 2, "--epochs");
    check_refused(folder, "train lenet5 --data digits --val digits --no-holdout", 2, "--no-holdout");
    check_refused(folder, "train lenet5 --data digits --levels 5", 2, "--levels");
    check_refused(folder, "train lenet5 --data digits --level-step 1", 2, "--level-step");
    check_refused(folder, "train lenet5 --data digits --recipe paper --level-step 1", 2, "--level-step");
    check_refused(folder, "train lenet5 --data digits --quantizer ternary", 2, "--quantizer");
    check_refused(folder, "train lenet5 --data digits --recipe hemp --quantizer ternary --levels 5", 2, "--levels");
    check_refused(folder, "train lenet5 --data digits --recipe hemp --quantizer lloyd-max --level-step 1", 2,
                  "--level-step");
    check_refused(folder, "train lenet5 --data digits --resume --force", 2, "--force");
    check_refused(folder, "train lenet5 --data digits --resume", 2, "--resume");
    check_refused(folder, "train lenet5 --data digits --recipe fast", 2, "paper");
    check_refused(folder, "train lenet5 --data digits --augment crop,blur", 2, "blur");
    check_refused(folder, "train lenet5 --data digits --augment crop=28", 2, "crop=28");
    check_refused(folder, "info --kernels baseline --reproducible", 2, "--reproducible");
    CHECK_FALSE(fs::exists(folder.path() / "run"));
}

TEST_CASE("a refused run leaves no folder, and the run that it would have replaced") {
    TemporaryFolder   folder;
    const std::string refused = "train lenet300 --data digits --batch 100000 ";
    check_refused(folder, refused, 2, "--batch");
    CHECK_FALSE(fs::exists(folder.path() / "run"));
    check_refused(folder, "train lenet300 --data digits --max-memory 1M", 1, "memory");
    CHECK_FALSE(fs::exists(folder.path() / "run"));
    REQUIRE(run(folder, "train lenet300 --data digits --epochs 1 --quiet").code == 0);
    check_refused(folder, refused + "--force", 2, "--batch");
    CHECK(fs::exists(folder.path() / "run" / "last.ckpt"));
}

TEST_CASE("progress says how much time is left, in a line an epoch and on a terminal") {
    TemporaryFolder   folder;
    const std::string train = "train lenet300 --data digits --epochs 3 --force";
    std::string       lines = run(folder, train).err;
    CHECK(matches(lines, "epoch 2/3  loss .* images/s  [0-9:]+ (s|min) left\n"));
    CHECK(lines.find('\r') == std::string::npos);

    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    REQUIRE(terminal >= 0);
    REQUIRE(grantpt(terminal) == 0);
    REQUIRE(unlockpt(terminal) == 0);
    const char* name = ptsname(terminal);
    int         kept = open(name, O_RDWR | O_NOCTTY);  // what is written stays readable
    setenv("TERM", "xterm", 1);
    CHECK(run(folder, train, "out", name).code == 0);
    std::string shown(1 << 16, '\0');
    shown.resize(static_cast<size_t>(std::max<ssize_t>(read(terminal, shown.data(), shown.size()), 0)));
    CHECK(matches(shown, "\r\x1b\\[Kepoch 1/3 [^\n]* [0-9:]+ (s|min) left\r\x1b"));
    close(kept);
    close(terminal);
}

TEST_CASE("what cannot be read or written ends with 1") {
    TemporaryFolder folder;
    check_refused(folder, "eval missing.ckpt --data digits", 1, "missing.ckpt");
    check_refused(folder, "list missing.hemp", 1, "missing.hemp");
    check_refused(folder, "train lenet300 --data digits --out /proc/run", 1, "/proc/run");
    CHECK(run(folder, "info", "/dev/full").code == 1);
    CHECK(content(folder.path() / "err").starts_with("hemp: stdout"));
}

TEST_CASE("a message that cannot be written changes no exit code") {
    TemporaryFolder folder;
    write(folder.path() / "noise.hemp", "HEMPnoise");
    int       ends[2];
    const int unread = 9;
    REQUIRE(pipe(ends) == 0);
    REQUIRE(dup2(ends[1], unread) == unread);
    close(ends[0]);
    close(ends[1]);
    for (const char* errors : {"/dev/full", "&-", "&9"}) {
        CAPTURE(errors);
        auto code = [&](const std::string& arguments) { return run(folder, arguments, "out", errors).code; };
        CHECK(code("frobnicate") == 2);
        CHECK(code("list missing.hemp") == 1);
        CHECK(code("list noise.hemp") == 3);
        CHECK(code("train lenet300 --data digits --recipe hemp --epochs 1 --force") == 0);
        CHECK(code("test run/model.hemp") == 0);
    }
    close(unread);
    // A result that is lost is an error all the same.
    CHECK(run(folder, "info", "&-").code == 1);
}

TEST_CASE("a seed is digits, and is not changed silently") {
    TemporaryFolder folder;
    for (const char* seed : {"-1", "010", "18446744073709551616", "1.5", "one"}) {
        check_refused(folder, std::string("train lenet300 --data digits --seed ") + seed, 2, "--seed");
    }
}

TEST_CASE("damaged input ends with 3") {
    TemporaryFolder folder;
    write(folder.path() / "noise.hemp", "HEMPnoise");
    write(folder.path() / "noise.safetensors", "no such format at all");
    write(folder.path() / "noise.json", "{");
    check_refused(folder, "list noise.hemp", 3, "noise.hemp");
    check_refused(folder, "decompress noise.hemp", 3, "noise.hemp");
    check_refused(folder, "eval noise.safetensors --model lenet5 --data digits", 3, "noise.safetensors");
    check_refused(folder, "replay noise.json", 3, "noise.json");
    CHECK(run(folder, "test noise.hemp").code == 3);
    CHECK(run(folder, "test '\xff.hemp' --json").out.find("\"good\": false") != std::string::npos);
    CHECK(content(folder.path() / "noise.safetensors") == "no such format at all");

    REQUIRE(run(folder, "train lenet300 --data digits --epochs 1 --quiet").code == 0);
    std::ofstream(folder.path() / "run" / "metrics.jsonl", std::ios::app) << "{\"epoch\": \"first\"}\n";
    check_refused(folder, "train lenet300 --data digits --epochs 1 --quiet --resume", 3, "run/metrics.jsonl:2");

    write_mnist(folder.path() / "labels", std::string("\x03\x0b", 2));
    check_refused(folder, "train lenet300 --data labels", 3, "label");
    write_mnist(folder.path() / "magic", std::string("\x03\x04", 2));
    write(folder.path() / "magic" / "train-images-idx3-ubyte", "not an image file");
    check_refused(folder, "train lenet300 --data magic", 3, "train-images-idx3-ubyte");
    write_mnist(folder.path() / "cut", std::string("\x03\x04", 2));
    fs::remove(folder.path() / "cut" / "train-images-idx3-ubyte");
    write(folder.path() / "cut" / "train-images-idx3-ubyte.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03\x63", 11));
    check_refused(folder, "train lenet300 --data cut", 3, "train-images-idx3-ubyte.gz");
}

TEST_CASE("decompressing takes no more memory than --max-memory allows") {
    constexpr uint64_t elements = 8 << 20;
    constexpr uint64_t needed   = 8 * elements + (1 << 24);  // docs/format.md
    TemporaryFolder    folder;
    write(folder.path() / "zeros.hemp", hemp_file_of_zeros(elements));
    check_refused(folder, "decompress zeros.hemp --max-memory " + std::to_string(needed - 1), 3, "--max-memory");
    CHECK(run(folder, "list zeros.hemp --json").out.find("\"memory\": " + std::to_string(needed)) != std::string::npos);

    int    status = 0;
    rusage usage{};
    pid_t  child = start(folder, "decompress zeros.hemp --max-memory " + std::to_string(needed));
    REQUIRE(wait4(child, &status, 0, &usage) == child);
    CHECK(status == 0);
    CHECK(fs::file_size(folder.path() / "zeros.safetensors") > 4 * elements);
    if (!sanitized) {
        CHECK(static_cast<uint64_t>(usage.ru_maxrss) * 1024 <= needed);
    }
}

TEST_CASE("a run gives the same bytes with 1, 2, 3 and 4 threads, and again from its manifest") {
    TemporaryFolder folder;
    Result          first = run(folder, short_run + "--threads 1 --order 2 --json --out 1");
    REQUIRE(first.code == 0);
    for (const char* key : {"entropy_bits", "entropy_bound", "distinct_tuples", "tuples"}) {
        CAPTURE(key);
        CHECK(first.out.find(std::string("\"") + key + "\": {\n    \"2\": ") != std::string::npos);
    }
    for (const char* threads : {"2", "3", "4"}) {
        REQUIRE(run(folder, short_run + "--threads " + threads + " --order 2 --out " + threads).code == 0);
        check_same_run(folder, "1", threads);
    }
    Result replayed = run(folder, "replay 1/manifest.json --quiet");
    CHECK(replayed.code == 0);
    CHECK(replayed.out.find("same") != std::string::npos);

    // A used folder is refused.
    check_refused(folder, short_run + "--order 2 --out 1", 2, "--resume");

    // The file evaluates, lists, verifies, predicts, unpacks, and packs again without loss.
    CHECK(run(folder, "eval 1/model.hemp --data digits --json").out.find("\"accuracy\": ") != std::string::npos);
    CHECK(run(folder, "list 1/model.hemp --json").out.find("\"parts\"") != std::string::npos);
    CHECK(run(folder, "test 1/model.hemp").out == "1/model.hemp: good\n");
    auto compared = nlohmann::json::parse(run(folder, "compare 1/model.hemp 1/model.hemp --json").out);
    REQUIRE(compared.size() == 2);
    CHECK(compared[0]["bytes"] == fs::file_size(folder.path() / "1" / "model.hemp"));
    CHECK(compared[0]["float32"]["as they are"] == 4 * 266610);
    for (const std::string coder : {"xz -9e", "zstd -19", "bzip2 -9"}) {
        CAPTURE(coder);
        CHECK(compared[0]["symbols"][coder] > compared[0]["bytes"]);
        CHECK(compared[0]["float32"][coder] < 4 * 266610);
    }
    write(folder.path() / "one.png", png_of_a_one());
    CHECK(run(folder, "predict 1/model.hemp one.png").out.starts_with("one.png: 1 "));
    CHECK(run(folder, "decompress 1/model.hemp -o floats.safetensors").code == 0);
    CHECK(run(folder, "compress floats.safetensors --keep-order -o again.hemp").code == 0);
    CHECK(content(folder.path() / "again.hemp") == content(folder.path() / "1/model.hemp"));

    // A flipped bit is found.
    std::string bytes = content(folder.path() / "1/model.hemp");
    bytes[bytes.size() / 2] ^= 1;
    write(folder.path() / "flipped.hemp", bytes);
    check_refused(folder, "eval flipped.hemp --data digits", 3, "flipped.hemp");
    bytes = content(folder.path() / "1/best.ckpt");
    bytes.back() ^= 1;
    write(folder.path() / "flipped.ckpt", bytes);
    check_refused(folder, "eval flipped.ckpt --data digits", 3, "checksum");
}

/// Of the epochs, as metrics.jsonl has them.
std::vector<std::string> losses(const fs::path& run_folder) {
    std::vector<std::string> found;
    std::ifstream            lines(run_folder / "metrics.jsonl");
    for (std::string line; std::getline(lines, line);) {
        size_t start = line.find("\"loss\":");
        found.push_back(line.substr(start, line.find(',', start) - start));
    }
    return found;
}

TEST_CASE("an interrupted run goes on with the bits of an uninterrupted one") {
    TemporaryFolder folder;
    REQUIRE(run(folder, long_run + "--out whole").code == 0);
    for (int signal : {SIGINT, SIGTERM, SIGKILL}) {
        CAPTURE(signal);
        std::string name  = std::to_string(signal);
        pid_t       child = start(folder, long_run + "--out " + name);
        wait_for_start(folder, name);
        kill(child, signal);
        int code = wait_for(child);
        CHECK(code == (signal == SIGKILL ? -SIGKILL : 128 + signal));
        if (signal != SIGKILL) {
            CHECK(content(folder.path() / "err").find("--resume") != std::string::npos);
        }
        REQUIRE(run(folder, long_run + "--resume --out " + name).code == 0);
        check_same_run(folder, "whole", name);
        CHECK(losses(folder.path() / name) == losses(folder.path() / "whole"));
    }
    check_refused(folder, long_run + "--resume --seed 9 --out whole", 2, "seed");

    // A second signal, that comes before the step ends, leaves no temporary folder either.
    const fs::path temporary = folder.path() / "temporary";
    fs::create_directory(temporary);
    setenv("TMPDIR", temporary.c_str(), 1);
    pid_t child = start(folder, "replay whole/manifest.json --threads 1 --quiet");
    unsetenv("TMPDIR");
    auto started = [&] {
        fs::directory_iterator inside(temporary);
        return inside != fs::directory_iterator() && fs::exists(inside->path() / "last.ckpt");
    };
    for (int i = 0; i < 600 && !started(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    REQUIRE(started());
    for (int signal : {SIGSTOP, SIGINT, SIGTERM, SIGCONT}) {
        kill(child, signal);
    }
    int code = wait_for(child);
    CHECK((code == 128 + SIGINT || code == 128 + SIGTERM));  // whichever came second
    CHECK(fs::is_empty(temporary));
}

const std::string varied_run =
    "train lenet300 --data digits --recipe cifar --epochs 3 --augment crop=2,flip,jitter,cutout=8,erase "
    "--label-smoothing 0.1 --mixup 0.2 --weight-decay 1e-4 --quiet ";

TEST_CASE("a run with all kinds of augmentation gives the same bytes with any threads, resumed, and replayed") {
    TemporaryFolder folder;
    auto            check_same = [&](const std::string& name) {
        for (const char* file : {"last.ckpt", "best.ckpt"}) {
            CAPTURE(file);
            CHECK(content(folder.path() / "whole" / file) == content(folder.path() / name / file));
        }
    };
    REQUIRE(run(folder, varied_run + "--threads 1 --out whole").code == 0);
    REQUIRE(run(folder, varied_run + "--threads 2 --loader-threads 3 --out threads").code == 0);
    check_same("threads");

    pid_t child = start(folder, varied_run + "--threads 1 --out killed");
    wait_for_start(folder, "killed");
    kill(child, SIGKILL);
    REQUIRE(wait_for(child) == -SIGKILL);
    REQUIRE(run(folder, varied_run + "--loader-threads 2 --resume --out killed").code == 0);
    check_same("killed");
    CHECK(losses(folder.path() / "killed") == losses(folder.path() / "whole"));

    std::string manifest = content(folder.path() / "whole" / "manifest.json");
    CHECK(manifest.find("\"augment\": \"crop=2,flip,jitter,cutout=8,erase\"") != std::string::npos);
    CHECK(run(folder, "replay whole/manifest.json --quiet").code == 0);
    // A manifest from before an option was there stands for its default.
    const std::string prune = "\"prune\": 0.0,";
    REQUIRE(manifest.find(prune) != manifest.npos);
    std::ofstream(folder.path() / "whole" / "older.json") << manifest.erase(manifest.find(prune), prune.size());
    CHECK(run(folder, "replay whole/older.json --quiet").code == 0);
    // Each of the options is part of the run: another value gives another run, and no resumption.
    for (const char* other : {"--augment none", "--label-smoothing 0", "--mixup 0", "--weight-decay 0"}) {
        CAPTURE(other);
        std::string option(other, std::strchr(other, ' '));
        size_t      at       = varied_run.find(option);
        std::string replaced = varied_run;
        replaced.replace(at, replaced.find(' ', at + option.size() + 1) - at, other);
        REQUIRE(run(folder, replaced + "--force --out other").code == 0);
        CHECK(content(folder.path() / "other" / "last.ckpt") != content(folder.path() / "whole" / "last.ckpt"));
        check_refused(folder, replaced + "--resume --out whole", 2, "--resume");
    }
}

TEST_CASE("a resumed run is the same run, and its file has the name that is asked for") {
    TemporaryFolder folder;
    write_mnist(folder.path() / "data", std::string("\x03\x04", 2));
    const std::string train = "train lenet300 --data data --no-holdout --batch 1 --epochs 2 --quiet --out run ";
    REQUIRE(run(folder, train).code == 0);
    check_refused(folder, "--kernels baseline " + train + "--resume", 2, "--kernels");
    write_mnist(folder.path() / "data", std::string("\x03\x05", 2));
    check_refused(folder, train + "--resume", 2, "data");

    const std::string compress = "compress run --data digits --epochs 1 --batch 500 --quiet --out small ";
    check_refused(folder, compress + "-o run", 2, "-o");
    REQUIRE(run(folder, compress + "-o one.hemp").code == 0);
    REQUIRE(run(folder, compress + "-o two.hemp --resume").code == 0);
    CHECK(content(folder.path() / "one.hemp") == content(folder.path() / "two.hemp"));
}

TEST_CASE("how much the loss follows the trained network is part of a run") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "train lenet300 --data digits --epochs 1 --batch 500 --quiet --out float").code == 0);
    const std::string compress = "compress float --data digits --batch 500 --order 1 --epochs 1 --quiet -o ";
    REQUIRE(run(folder, compress + "usual.hemp").code == 0);
    REQUIRE(run(folder, compress + "half.hemp --distillation 0.5").code == 0);
    REQUIRE(run(folder, compress + "alone.hemp --distillation 0").code == 0);
    CHECK(content(folder.path() / "usual.hemp") == content(folder.path() / "half.hemp"));
    CHECK(content(folder.path() / "usual.hemp") != content(folder.path() / "alone.hemp"));
    CHECK(run(folder, "replay alone.hemp.run/manifest.json --quiet").code == 0);
    check_refused(folder, compress + "alone.hemp --distillation 1 --resume", 2, "--resume");
    check_refused(folder, short_run + "--out fresh --distillation 0.5", 2, "--distillation");
}

TEST_CASE("a target that is not reached ends with 1, and says how near the file is") {
    TemporaryFolder   folder;
    const std::string train = "train lenet300 --data digits --batch 500 --epochs 1 --quiet --out run";
    REQUIRE(run(folder, train).code == 0);
    const std::string compress = "compress run --data digits --batch 500 --epochs 1 --quiet --force -o x.hemp ";
    Result            missed   = run(folder, compress + "--target-bytes 100");
    CHECK(missed.code == 1);
    CHECK(missed.err.find("at most 100 bytes") != std::string::npos);
    CHECK(fs::exists(folder.path() / "x.hemp"));
    CHECK(run(folder, compress + "--target-accuracy 1 --json").out.find("\"target_reached\": true") !=
          std::string::npos);
    check_refused(folder, compress + "--target-bytes 100 --no-holdout", 2, "--no-holdout");
}

TEST_CASE("a target is searched for in rounds, and an interrupted search goes on with the bits of a whole one") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "train lenet300 --data digits --batch 100 --epochs 2 --quiet --out run").code == 0);
    const std::string target = "compress run --data digits --batch 100 --epochs 2 --target-accuracy 60 ";
    const std::string search = target + "--rounds 3 ";
    Result            whole  = run(folder, search + "--json --out whole -o whole.hemp");
    REQUIRE(whole.code == 0);
    CHECK(whole.err.find("next: entropy 2") != std::string::npos);
    auto path = nlohmann::json::parse(whole.out)["path"];
    REQUIRE(path.size() == 3);
    for (size_t i = 1; i < 3; ++i) {  // such an accuracy is easy: each round asks for twice as much
        CHECK(path[i]["entropy"] == 2 * path[i - 1]["entropy"].get<double>());
        CHECK(path[i]["bytes"] < path[i - 1]["bytes"]);
    }

    std::vector<size_t> stops{1, 3};  // in the first round and in the second
    if (sanitized) {                  // minutes of pricing, of what other tests interrupt too
        stops.clear();
    }
    for (size_t epochs : stops) {
        CAPTURE(epochs);
        std::string out   = std::to_string(epochs);
        pid_t       child = start(folder, search + "--out " + out);
        for (int i = 0; i < 3000 && (!fs::exists(folder.path() / out / "metrics.jsonl") ||
                                     losses(folder.path() / out).size() < epochs);
             ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        kill(child, SIGINT);
        CHECK(wait_for(child) == 130);
        REQUIRE(run(folder, search + "--resume --quiet --out " + out).code == 0);
        check_same_run(folder, "whole", out);
    }
    check_refused(folder, target + "--resume --rounds 2 --out whole", 2, "begun with --rounds 3, not with --rounds 2");
    if (!sanitized) {  // more rounds than at first end like as many from the start
        REQUIRE(run(folder, target + "--rounds 2 --quiet --out longer").code == 0);
        Result longer = run(folder, search + "--resume --quiet --json --out longer");
        CHECK(nlohmann::json::parse(longer.out)["path"] == path);
        check_same_run(folder, "whole", "longer");
        CHECK(nlohmann::json::parse(run(folder, search + "--resume --quiet --json --out longer").out)["path"] == path);
        REQUIRE(run(folder, "report longer -o longer.html").code == 0);
        CHECK(content(folder.path() / "longer.html").find("round 3: entropy") != std::string::npos);
    }
    check_refused(folder, "compress run --data digits --rounds 3", 2, "--rounds");
    Result one = run(folder, target + "--rounds 1 --json --quiet --force --out whole");
    CHECK(one.out.find("\"path\"") == std::string::npos);
}

TEST_CASE("a search keeps what was pruned when a round starts afresh") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "train lenet300 --data digits --batch 500 --epochs 1 --quiet --out run").code == 0);
    const std::string search = "compress run --data digits --batch 500 --prune 0.9 --quiet --out search -o x.hemp ";
    CHECK(run(folder, search + "--epochs 2 --entropy 0.001 --rounds 2 --target-accuracy 100").code == 1);
    std::istringstream lines(content(folder.path() / "search/metrics.jsonl"));
    std::string        line, last;
    int                epochs = 0;
    for (; std::getline(lines, line); ++epochs) {
        last = line;
    }
    CHECK(epochs == 4);
    CHECK(nlohmann::json::parse(last)["zeros"] > 0.89);
    check_refused(folder, search + "--force --entropy 0 --max-drop 1", 2, "--entropy 0");
}

TEST_CASE("a .hemp file without data loses nothing") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "train lenet300 --data digits --batch 500 --epochs 1 --recipe hemp --quiet --out run").code ==
            0);
    Result again = run(folder, "compress run/model.hemp --keep-order --json --quiet -o again.hemp");
    auto   told  = nlohmann::json::parse(again.out);
    CHECK(told["exact_tensors"] == told["tensors"]);
    REQUIRE(run(folder, "decompress run/model.hemp -o first.safetensors --quiet").code == 0);
    REQUIRE(run(folder, "decompress again.hemp -o second.safetensors --quiet").code == 0);
    CHECK(content(folder.path() / "first.safetensors") == content(folder.path() / "second.safetensors"));

    // Weights are rounded where that is asked for, and nothing else.
    auto coarse = nlohmann::json::parse(run(folder, "compress again.hemp --level-step 3 -o coarse.hemp --json").out);
    CHECK(coarse["step"] > 0);
    CHECK(coarse["bytes"] < told["bytes"]);
    CHECK(coarse["exact_tensors"] == 3);  // the biases
    auto seven = nlohmann::json::parse(run(folder, "compress again.hemp --levels 7 -o seven.hemp --json").out);
    CHECK(seven["exact_tensors"] == seven["tensors"]);  // as many as there are
    REQUIRE(run(folder, "decompress coarse.hemp -o coarse.safetensors").code == 0);
    CHECK(content(folder.path() / "coarse.safetensors") != content(folder.path() / "first.safetensors"));
}

TEST_CASE("nothing but an earlier file of its kind is replaced") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "train lenet300 --data digits --batch 500 --epochs 1 --recipe hemp --quiet --out run").code ==
            0);
    write(folder.path() / "notes.md", "notes");
    const std::string refused = "something else would be lost";
    check_refused(folder, "decompress run/model.hemp -o notes.md", 2, refused.c_str());
    check_refused(folder, "decompress run/model.hemp -o run/last.ckpt", 2, refused.c_str());
    check_refused(folder, "report run -o notes.md", 2, refused.c_str());
    check_refused(folder, "report run -o run/model.hemp", 2, "belongs to the run");
    CHECK(content(folder.path() / "notes.md") == "notes");
    for (int i = 0; i < 2; ++i) {
        CHECK(run(folder, "decompress run/model.hemp -o x.safetensors").code == 0);
        CHECK(run(folder, "report run -o page.html").code == 0);
    }
    fs::create_symlink("run/best.ckpt", folder.path() / "link.ckpt");
    check_refused(folder, "compress link.ckpt --data digits --out run --force", 2, "would delete the input");
    fs::create_directory(folder.path() / "new");
    check_refused(folder, "compress link.ckpt --data digits --out new -o new/last.ckpt", 2, "of the run itself");
}

TEST_CASE("compress with data keeps its input, and what it does not know") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "train lenet300 --data digits --batch 500 --epochs 1 --quiet --out run").code == 0);
    const std::string compress = "compress run --data digits --batch 500 --epochs 1 ";
    check_refused(folder, compress + "-o run/best.ckpt", 2, "input");
    check_refused(folder, compress + "-o run/last.ckpt", 2, "no .hemp file");
    check_refused(folder, compress + "--out run --force", 2, "would delete the input");
    check_refused(folder, compress + "--recipe float", 2, "makes no network small");
    check_refused(folder, compress + "--entropy 1e39", 2, "--entropy");
    CHECK(run(folder, "eval run --data digits").code == 0);

    // Held-out images that the network was trained on are said to be so.
    const std::string seen = "was trained on images that are held out now";
    CHECK(run(folder, compress).err.find(seen) == std::string::npos);
    CHECK(run(folder, compress + "--seed 2 --force")
              .err.find(seen + ", whose accuracy is too good therefore: add "
                               "--seed 1") != std::string::npos);
    CHECK(run(folder, compress + "--seed 2 --val digits --force").err.find(seen) == std::string::npos);
}

TEST_CASE("compress without data refuses what needs data, and keeps its input") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "train lenet300 --data digits --batch 500 --epochs 1 --quiet --out run").code == 0);
    check_refused(folder, "compress run --seed 2", 2, "--seed");
    check_refused(folder, "compress run --recipe hemp", 2, "--recipe");
    check_refused(folder, "compress run --levels 5 --level-step 1", 2, "--level-step");
    check_refused(folder, "compress run --level-step 1e-12", 2, "step");
    check_refused(folder, "compress run -o run/best.ckpt", 2, "input");
    check_refused(folder, "compress run -o run/last.ckpt", 2, "no .hemp file");
    check_refused(folder, "compress run -o nowhere/x.hemp", 2, "-o");
    check_refused(folder, "compress run -o /proc/x.hemp", 1, "/proc/x.hemp");
    check_refused(folder, "compress run --data digits --keep-order", 2, "--keep-order");
    Result alone = run(folder, "compress run");
    CHECK(alone.code == 0);
    for (const char* part : {"what saved", "coding: the whole file", "entropy of order 1", "fc1.weight"}) {
        CHECK(alone.out.find(part) != std::string::npos);
    }
    CHECK(fs::exists(folder.path() / "run.hemp"));
    // The order of hidden units changes bytes, but not what the network computes.
    REQUIRE(run(folder, "compress run --keep-order -o kept.hemp").code == 0);
    CHECK(fs::file_size(folder.path() / "run.hemp") < fs::file_size(folder.path() / "kept.hemp"));
    auto accuracy = [&](const std::string& file) {
        return all_matches(run(folder, "eval " + file + " --data digits --json").out, "\"accuracy\": ([0-9.]+)");
    };
    CHECK(accuracy("run.hemp") == accuracy("kept.hemp"));
}

/// The least share of zeros in a tensor of weights of a safetensors file: of those with more than one axis.
double least_zeros(const fs::path& path) {
    std::string bytes  = content(path);
    uint64_t    length = 0;
    REQUIRE(bytes.size() > sizeof length);
    std::memcpy(&length, bytes.data(), sizeof length);
    double least = 1;
    auto   json  = nlohmann::json::parse(bytes.substr(sizeof length, length));
    for (const auto& [name, tensor] : json.items()) {
        if (name.ends_with(".weight") && name.find("teacher") == name.npos) {
            std::vector<uint64_t> ends = tensor["data_offsets"];
            std::vector<float>    values((ends[1] - ends[0]) / sizeof(float));
            std::memcpy(values.data(), bytes.data() + sizeof length + length + ends[0], ends[1] - ends[0]);
            auto zeros = static_cast<double>(std::ranges::count(values, 0.0f));
            least      = std::min(least, zeros / static_cast<double>(values.size()));
        }
    }
    return least;
}

TEST_CASE("pruned weights are zero in the file, however levels are made, and stay so") {
    TemporaryFolder   folder;
    const std::string train = "train lenet300 --data digits --batch 500 --quiet --epochs 2 --prune 0.9 --out ";
    for (const char* recipe : {"float", "hemp", "paper"}) {
        CAPTURE(recipe);
        REQUIRE(run(folder, train + recipe + " --recipe " + recipe).code == 0);
        CHECK(least_zeros(folder.path() / recipe / "best.ckpt") > 0.899);
        CHECK(least_zeros(folder.path() / recipe / "last.ckpt") > 0.899);
    }
    REQUIRE(run(folder, "decompress paper/model.hemp -o paper.safetensors").code == 0);
    CHECK(least_zeros(folder.path() / "paper.safetensors") > 0.899);

    // Zeros of the input stay, though less is asked for.
    const std::string compress = "compress float --data digits --batch 500 --quiet --epochs 1 -o small.hemp ";
    REQUIRE(run(folder, compress + "--prune 0.1").code == 0);
    CHECK(least_zeros(folder.path() / "small.hemp.run" / "last.ckpt") > 0.899);

    REQUIRE(run(folder, train + "1 --recipe hemp --threads 1").code == 0);
    check_same_run(folder, "hemp", "1");
    CHECK(run(folder, "replay hemp/manifest.json --quiet").code == 0);
    check_refused(folder, train + "hemp --recipe hemp --prune 0.8 --resume", 2, "--prune");
}

TEST_CASE("pruning by sensitivity makes zeros while the loss allows") {
    TemporaryFolder   folder;
    const std::string train = "train lenet300 --data digits --quiet --epochs 2 --prune-tolerance ";
    REQUIRE(run(folder, train + "0.05 --out 5").code == 0);
    REQUIRE(run(folder, train + "1 --out 100").code == 0);
    double few  = least_zeros(folder.path() / "5" / "best.ckpt"),
           many = least_zeros(folder.path() / "100" / "best.ckpt");
    CHECK(few > 0.05);
    CHECK(many > few);
    check_refused(folder, train + "1 --prune 0.5", 2, "--prune");
    check_refused(folder, train + "1 --no-holdout", 2, "--no-holdout");
    check_refused(folder, train + "1 --epochs 1", 2, "--epochs");
}

TEST_CASE("a run that prunes and clips goes on with the bits of an uninterrupted one") {
    TemporaryFolder   folder;
    const std::string train = long_run + "--prune 0.8 --clip-norm 0.5 --out ";
    REQUIRE(run(folder, train + "whole").code == 0);
    pid_t child = start(folder, train + "half");
    wait_for_start(folder, "half");
    kill(child, SIGINT);
    CHECK(wait_for(child) == 130);
    REQUIRE(run(folder, train + "half --resume").code == 0);
    check_same_run(folder, "whole", "half");
}

TEST_CASE("a norm that gradients are clipped to bounds what a step can do") {
    TemporaryFolder   folder;
    const std::string train = "train lenet300 --data digits --epochs 1 --quiet --out ";
    REQUIRE(run(folder, train + "free").code == 0);
    REQUIRE(run(folder, train + "clipped --clip-norm 1e-9").code == 0);
    auto loss = [&](const char* name) { return std::stod(losses(folder.path() / name).at(0).substr(7)); };
    CHECK(loss("free") < 1.5);
    CHECK(loss("clipped") > 2.2);
    check_refused(folder, train + "clipped --force --clip-norm inf", 2, "--clip-norm");
}

TEST_CASE("a run that diverges in the last step of an epoch keeps the state before") {
    TemporaryFolder folder;
    check_refused(folder, "train lenet300 --data digits --rate 1e38 --batch 5500 --epochs 2 --quiet --out run", 1,
                  "--rate");
    CHECK_FALSE(fs::exists(folder.path() / "run" / "best.ckpt"));
    CHECK(run(folder, "eval run --data digits --json").out.find("\"loss\": null") == std::string::npos);
    check_refused(folder, "train lenet300 --data digits --rate nan", 2, "--rate");
}

TEST_CASE("classes keep their names, and data of other classes is refused") {
    TemporaryFolder folder;
    for (const char* place : {"train/one", "train/two", "test/one", "test/two"}) {
        fs::create_directories(folder.path() / "named" / place);
        for (int i = 0; i < 12; ++i) {
            write(folder.path() / "named" / place / (std::to_string(i) + ".png"), png_of_a_one());
        }
    }
    REQUIRE(run(folder, "train lenet300 --data named --batch 4 --epochs 1 --recipe hemp --quiet --out run").code == 0);
    write(folder.path() / "image.png", png_of_a_one());
    CHECK(run(folder, "compress run -o again.hemp").code == 0);
    CHECK(run(folder, "decompress run/model.hemp -o floats.safetensors").code == 0);
    for (const char* file : {"run/model.hemp", "run/best.ckpt", "run/last.ckpt", "again.hemp", "floats.safetensors"}) {
        CAPTURE(file);
        std::string top = run(folder, std::string("predict --json --top 2 ") + file + " image.png").out;
        CHECK(top.find("\"class\": \"one\"") != std::string::npos);
        check_refused(folder, std::string("eval --data digits ") + file, 2, "one, two");
    }
    CHECK(run(folder, "eval run --data named").code == 0);
    check_refused(folder, "compress run --data digits -o other.hemp", 2, "one, two");

    REQUIRE(run(folder, "train lenet300 --data digits --batch 500 --epochs 1 --quiet --out digits").code == 0);
    for (int i = 0; i < 11; ++i) {
        fs::create_directories(folder.path() / "eleven" / "train" / std::to_string(i));
        fs::create_directories(folder.path() / "eleven" / "test" / std::to_string(i));
        write(folder.path() / "eleven" / "train" / std::to_string(i) / "x.png", png_of_a_one());
        write(folder.path() / "eleven" / "test" / std::to_string(i) / "x.png", png_of_a_one());
    }
    check_refused(folder, "train lenet300:11 --data eleven --batch 2", 2, "a twelfth is held out");
    check_refused(folder, "eval digits --data eleven", 2, "11 classes");
    check_refused(folder, "train lenet300 --data digits --val eleven --out other", 2, "11 classes");
}

TEST_CASE("names that JSON cannot hold are refused before the run") {
    TemporaryFolder folder;
    for (const char* data : {"named", "\xff"}) {
        for (const char* place : {"train/a\xff", "train/b", "test/a\xff", "test/b"}) {
            fs::create_directories(folder.path() / data / place);
            write(folder.path() / data / place / "1.png", png_of_a_one());
        }
    }
    check_refused(folder, "train lenet300 --data named --no-holdout --batch 1", 3, "a\xff");
    check_refused(folder, "train lenet300 --data '\xff' --no-holdout --batch 1", 2, "data: ");
    CHECK_FALSE(fs::exists(folder.path() / "run"));
}

TEST_CASE("a network described in a file is trained, coded, listed, evaluated and replayed without that file") {
    TemporaryFolder folder;
    write(folder / "net.json",
          R"({"name": "tiny", "image": [1, 28, 28], "layers": [{"type": "conv", "filters": 4, "kernel": 7, "stride": 4},
              {"type": "batch_norm"}, {"type": "residual", "branch": ["relu"]}, "flatten",
              {"type": "linear", "outputs": 10}]})");
    Result trained = run(folder, "train net.json --data digits --recipe hemp --epochs 1 --batch 500 --quiet");
    CHECK_MESSAGE(trained.code == 0, trained.err);
    CHECK(trained.out.starts_with("tiny: accuracy "));
    fs::remove(folder / "net.json");

    CHECK(run(folder, "list run/model.hemp").out.starts_with("run/model.hemp: tiny, "));
    CHECK(run(folder, "eval run/model.hemp --data digits").code == 0);
    CHECK(run(folder, "compress run/best.ckpt -o again.hemp").code == 0);
    CHECK(run(folder, "test again.hemp").code == 0);
    CHECK(run(folder, "decompress again.hemp").code == 0);
    CHECK(run(folder, "eval again.safetensors --data digits").code == 0);
    CHECK(run(folder, "replay run/manifest.json --quiet").code == 0);

    SUBCASE("and one that is no good ends with 3, and names file and place") {
        write(folder / "bad.json", R"({"image": [1, 28, 28], "layers": ["relu", {"type": "linear", "outputs": 0}]})");
        check_refused(folder, "train bad.json --data digits --out other", 3, "bad.json: /layers/1/outputs: is 0; ");
        check_refused(folder, "explain no.json", 1, "no.json");
    }
}

TEST_CASE("a network with a number of classes is trained, coded and evaluated by that name") {
    TemporaryFolder folder;
    Result trained = run(folder, "train lenet300:12 --data digits --recipe hemp --epochs 1 --batch 500 --quiet");
    CHECK_MESSAGE(trained.code == 0, trained.err);
    CHECK(run(folder, "list run/model.hemp").out.starts_with("run/model.hemp: lenet300:12, "));
    CHECK(run(folder, "eval run/model.hemp --data digits").code == 0);
    CHECK(run(folder, "decompress run/model.hemp -o again.safetensors").code == 0);
    CHECK(run(folder, "eval again.safetensors --data digits").code == 0);
    check_refused(folder, "train lenet300:3 --data digits --out other", 2,
                  "but lenet300:3 takes [1, 28, 28] in 3; use lenet300:10, which has as many");
    CHECK(run(folder, "explain lenet300:10").out.starts_with("graph of lenet300, inference"));
    check_refused(folder, "train lenet300:0 --data digits --out other", 2, "model 'lenet300:0' is not known");
}

TEST_CASE("a folder of images is decoded once, and bad images are named and counted") {
    TemporaryFolder folder;
    for (const char* place : {"train/one", "train/two", "test/one", "test/two"}) {
        fs::create_directories(folder.path() / "data" / place);
        for (int i = 0; i < 12; ++i) {
            write(folder.path() / "data" / place / (std::to_string(i) + ".png"), png_of_a_one());
        }
    }
    auto packs = [&] {
        std::vector<fs::path> found;
        if (fs::exists(folder.path() / "cache")) {
            for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "cache")) {
                if (entry.path().extension() == ".pack") {
                    found.push_back(entry.path());
                }
            }
        }
        return found;
    };
    const std::string train = "train lenet300 --data data --batch 4 --epochs 1 --force ";
    REQUIRE(run(folder, train + "--no-cache --out 1").code == 0);
    CHECK(packs().empty());
    REQUIRE(run(folder, train + "--cache here --out 1").code == 0);
    CHECK(packs().empty());
    CHECK(fs::directory_iterator(folder.path() / "here") != fs::directory_iterator());
    REQUIRE(run(folder, train + "--out 2").code == 0);
    CHECK(packs().size() == 2);
    Result cached = run(folder, train + "--out 3");
    REQUIRE(cached.code == 0);
    CHECK(cached.err.find("hemp: ") == std::string::npos);
    for (const char* other : {"2", "3"}) {
        CHECK(content(folder.path() / "1" / "last.ckpt") == content(folder.path() / other / "last.ckpt"));
    }
    std::string bytes = content(packs().at(0));
    write(packs().at(0), bytes.substr(0, bytes.size() / 2));
    Result damaged = run(folder, train + "--out 4");
    CHECK(damaged.code == 0);
    CHECK(damaged.err.find("hemp: " + packs().at(0).string() + ": has ") != std::string::npos);
    CHECK(damaged.err.find("made again") != std::string::npos);
    CHECK(content(packs().at(0)) == bytes);
    CHECK(content(folder.path() / "1" / "last.ckpt") == content(folder.path() / "4" / "last.ckpt"));

    write(folder.path() / "data" / "train" / "one" / "3.png", "no image");
    write(folder.path() / "data" / "test" / "two" / "0.png", "no image");
    check_refused(folder, train + "--out 5", 3, "one/3.png");
    check_refused(folder, "eval 1 --data data", 3, "two/0.png");
    check_refused(folder, "predict 1 data/test/two/0.png", 3, "two/0.png");
    for (const char* again : {"decoded", "from the cache"}) {
        CAPTURE(again);
        Result skipped = run(folder, train + "--skip-bad-images --out 5");
        CHECK(skipped.code == 0);
        CHECK(skipped.err.find("left out: data/train/one/3.png: ") != std::string::npos);  // --quiet or not
        CHECK(skipped.err.find("data, train part: 1 of 24 images left out") != std::string::npos);
    }
    check_refused(folder, train + "--out 6", 3, "one/3.png");
    CHECK(run(folder, "replay 5/manifest.json --quiet").code == 0);
    CHECK(run(folder, "eval 1 --data data --skip-bad-images --json").out.find("\"images\": 23") != std::string::npos);
    CHECK(run(folder, "compress 1 --data data --skip-bad-images --batch 4 --epochs 1 -o x.hemp").code == 0);
    Result predicted = run(folder, "predict 1 data/test/two/0.png data/test/two/1.png --skip-bad-images");
    CHECK(predicted.code == 0);
    CHECK(predicted.err.find("left out: data/test/two/0.png: ") != std::string::npos);
    CHECK(predicted.out.starts_with("data/test/two/1.png: "));

    // A cache that cannot be written costs nothing but time.
    Result unwritable = run(folder, train + "--skip-bad-images --cache /proc/none --out 7");
    CHECK(unwritable.code == 0);
    CHECK(unwritable.err.find("/proc/none") != std::string::npos);
}

TEST_CASE("report makes one page of a run, without what the run has not") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "train lenet300 --data digits --epochs 1 --batch 500 --no-holdout --quiet --out float").code ==
            0);
    REQUIRE(run(folder, short_run + "--out hemp").code == 0);

    Result plain = run(folder, "report float");
    CHECK(plain.code == 0);
    CHECK(plain.out.find("float/report.html: ") == 0);
    std::string page = content(folder.path() / "float/report.html");
    CHECK(page.find("held no images out") != std::string::npos);
    CHECK(page.find("id=\"accuracy\"") == std::string::npos);
    CHECK(page.find("id=\"confusion\"") != std::string::npos);

    Result packed = run(folder, "report hemp -o page.html --json");
    CHECK(packed.code == 0);
    auto json = nlohmann::json::parse(packed.out);
    page      = content(folder.path() / "page.html");
    CHECK(json["page_bytes"] == page.size());
    CHECK(json["bytes"] == fs::file_size(folder.path() / "hemp/model.hemp"));
    for (const std::string id : json["charts"]) {
        CAPTURE(id);
        CHECK(page.find("<figure id=\"" + id + "\"") != std::string::npos);
    }
    auto eval = nlohmann::json::parse(run(folder, "eval hemp --data digits --json").out);
    CHECK(json["accuracy"] == eval["accuracy"]);
    CHECK(json["loss"] == eval["loss"]);

    check_refused(folder, "report .", 2, "manifest.json");
    check_refused(folder, "report float --data absent", 2, "absent");
    for (const char* name : {"model.hemp", "last.ckpt", "best.ckpt", "manifest.json", "metrics.jsonl"}) {
        check_refused(folder, std::string("report hemp -o hemp/../hemp/") + name, 2, "belongs to the run");
    }
    CHECK(run(folder, "test hemp/model.hemp").code == 0);
}

TEST_CASE("report says what is odd about a run's files") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "train lenet300 --data digits --epochs 1 --batch 500 --quiet --out run").code == 0);
    const fs::path    path     = folder.path() / "run" / "manifest.json";
    const std::string manifest = content(path);
    auto              with     = [&](const std::string& from, const std::string& to) {
        size_t at = manifest.find(from);
        REQUIRE(at != std::string::npos);
        write(path, manifest.substr(0, at) + to + manifest.substr(at + from.size()));
    };
    // What the options name may mean something in a page.
    with("\"augment\": \"\"", "\"augment\": \"<script>\"");
    REQUIRE(run(folder, "report run -o page.html").code == 0);
    CHECK(content(folder.path() / "page.html").find("<script") == std::string::npos);

    with("\"augment\": \"\"", "\"augment\": 5");
    check_refused(folder, "report run", 3, "manifest.json");
    with("\"augment\": \"\"", "\"augment\": " + std::string(100000, '[') + std::string(100000, ']'));
    check_refused(folder, "report run", 3, "manifest.json");
    write(path, "[]");
    check_refused(folder, "report run", 3, "manifest.json");
    write(path, manifest);
    for (const char* line : {"{}", "[]", R"({"epoch":1,"seconds":1e300})", R"({"epoch":-1,"seconds":1})",
                             R"({"epoch":1,"seconds":1,"bytes":1e308})"}) {
        CAPTURE(line);
        write(folder.path() / "run/metrics.jsonl",
              std::string(R"({"epoch":1,"seconds":1,"accuracy":null})") + "\n" + line);
        check_refused(folder, "report run", 3, "metrics.jsonl:2");
    }
}

TEST_CASE("replay runs with the recorded kernels") {
    TemporaryFolder folder;
    REQUIRE(run(folder, "--kernels baseline " + short_run + "--out run").code == 0);
    CHECK(run(folder, "replay run/manifest.json --quiet").code == 0);
    std::string manifest = content(folder.path() / "run" / "manifest.json");
    manifest.replace(manifest.find("\"outputs\": {"), 12, "\"outputs\": {\"x\": 5,");
    write(folder.path() / "odd.json", manifest);
    check_refused(folder, "replay odd.json", 3, "odd.json");
}
