// How fast images come: made, loaded into batches, decoded from files.

#include "datasets/dataset.h"
#include "datasets/digits.h"
#include "datasets/image.h"
#include "datasets/loader.h"

#include "tests/write_image.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

using namespace hemp;

namespace {

void make_digits(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(digits(Part::test));
    }
    state.SetItemsProcessed(state.iterations() * test_digits);
}
BENCHMARK(make_digits)->Unit(benchmark::kMillisecond);

/// One epoch; the argument is the greatest shift.
void load_batches(benchmark::State& state) {
    Dataset dataset = digits(Part::train);
    Loader  loader(dataset, {.batch = 100, .augment = {.crop = static_cast<int>(state.range(0))}});
    Batch   batch;
    int64_t epoch = 0;
    for (auto _ : state) {
        loader.start_epoch(epoch++);
        while (loader.next(batch)) {
            benchmark::DoNotOptimize(batch.images.memory());
        }
    }
    state.SetItemsProcessed(state.iterations() * dataset.size());
}
BENCHMARK(load_batches)->Arg(0)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

void append(void* bytes, void* data, int size) {
    const auto* begin = static_cast<const std::byte*>(data);
    static_cast<std::vector<std::byte>*>(bytes)->insert(static_cast<std::vector<std::byte>*>(bytes)->end(), begin,
                                                        begin + size);
}

/// A colour JPEG as an image folder holds it; the argument is the length of a side.
void decode_jpeg(benchmark::State& state) {
    auto                   side = static_cast<int>(state.range(0));
    std::vector<std::byte> file;
    std::vector<uint8_t>   pixels(static_cast<size_t>(3 * side * side));
    for (size_t i = 0; i < pixels.size(); ++i) {
        pixels[i] = static_cast<uint8_t>(i * i >> 5);
    }
    stbi_write_jpg_to_func(append, &file, side, side, 3, pixels.data(), 75);
    for (auto _ : state) {
        benchmark::DoNotOptimize(decode_image(file, 3, "benchmark"));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_jpeg)->Arg(32)->Arg(224)->Unit(benchmark::kMicrosecond);

/// The image folder that HEMP_IMAGES names.
void load_image_folder(benchmark::State& state) {
    const char* folder = std::getenv("HEMP_IMAGES");
    if (folder == nullptr) {
        state.SkipWithError("HEMP_IMAGES names no image folder");
        return;
    }
    int64_t images = 0;
    for (auto _ : state) {
        images += load_dataset(folder, Part::test).size();
    }
    state.SetItemsProcessed(images);
}
BENCHMARK(load_image_folder)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
