#pragma once
// How the examples measure.

#include "core/run/program.h"
#include "datasets/loader.h"

/// Percent of the images whose class is what `classify` gives: [batch] i32 for `images`, [batch, C, H, W] u8.
inline double accuracy(hemp::Program& classify, const hemp::Tensor& images, const hemp::Dataset& dataset) {
    hemp::Loader loader(dataset, {.batch = images.shape()[0], .shuffle = false});
    loader.start_epoch(0);
    int64_t right = 0;
    for (hemp::Batch batch; loader.next(batch);) {
        classify.run({{images, batch.images}});
        for (size_t i = 0; i < static_cast<size_t>(batch.count); ++i) {
            right += classify.output(0).values<int32_t>()[i] == batch.labels.values<int32_t>()[i];
        }
    }
    return 100.0 * static_cast<double>(right) / static_cast<double>(dataset.size());
}
