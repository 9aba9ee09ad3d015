// How fast images come: made, loaded into batches, decoded from files.

#include "datasets/dataset.h"
#include "datasets/digits.h"
#include "datasets/image.h"
#include "datasets/loader.h"
#include "datasets/stb_image_write.h"
#include "tests/folder.h"

#include <benchmark/benchmark.h>

#include <algorithm>
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

/// A colour image of noise, [N, 3, side, side].
Dataset noise(int64_t count, int64_t side) {
    Array  images({{count, 3, side, side}, DType::u8});
    Random random(1, 0);
    for (size_t i = 0; i < images.bytes(); ++i) {
        images.values<uint8_t>()[i] = static_cast<uint8_t>(random.bits(i));
    }
    return {.name    = "noise",
            .images  = Images(std::move(images)),
            .labels  = Array({{count}, DType::i32}),
            .classes = {},
            .skipped = {}};
}

/// The time of a batch, made by one thread while another waits for it. A network's step must take far longer.
void load_batches(benchmark::State& state, const char* how, int64_t batch_size, int64_t stored, int64_t side,
                  double mixup) {
    Dataset dataset = noise(8 * batch_size, stored);
    Loader  loader(dataset,
                   {.batch = batch_size, .height = side, .width = side, .augment = augmentation(how), .mixup = mixup});
    Batch   batch;
    int64_t epoch = 0;
    for (auto _ : state) {
        if (!loader.next(batch)) {
            loader.start_epoch(epoch++);
            loader.next(batch);
        }
        benchmark::DoNotOptimize(batch.images.memory());
    }
    state.SetItemsProcessed(state.iterations() * batch_size);
}
BENCHMARK_CAPTURE(load_batches, cifar_plain, "none", 128, 32, 32, 0)
    ->Unit(benchmark::kMicrosecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(load_batches, cifar_crop_flip, "crop,flip", 128, 32, 32, 0)
    ->Unit(benchmark::kMicrosecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(load_batches, cifar_all, "crop,flip,jitter,cutout,erase", 128, 32, 32, 0.2)
    ->Unit(benchmark::kMicrosecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(load_batches, large_evaluation, "none", 16, 256, 224, 0)
    ->Unit(benchmark::kMicrosecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(load_batches, large_resized_crop_flip, "resized-crop,flip", 16, 256, 224, 0)
    ->Unit(benchmark::kMicrosecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(load_batches, grown_resized_crop_flip, "resized-crop,flip", 16, 32, 224, 0)
    ->Unit(benchmark::kMicrosecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

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

/// The training part of the image folder that HEMP_IMAGES names: decoded by so many threads, or (0) from the cache.
void load_image_folder(benchmark::State& state) {
    const char* folder = std::getenv("HEMP_IMAGES");
    if (folder == nullptr) {
        state.SkipWithError("HEMP_IMAGES names no image folder");
        return;
    }
    auto            threads = static_cast<int>(state.range(0));
    TemporaryFolder cache;
    LoadOptions     options;
    options.image   = {3, 32, 32};
    options.threads = std::max(threads, 1);
    if (threads == 0) {
        options.cache = cache.path();
        load_dataset(folder, Part::train, options);
    }
    int64_t images = 0;
    for (auto _ : state) {
        images += load_dataset(folder, Part::train, options).size();
    }
    state.SetItemsProcessed(images);
}
BENCHMARK(load_image_folder)->Arg(1)->Arg(2)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
