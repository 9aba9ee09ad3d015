#pragma once
// Sums for each channel block, gathered piece by piece behind the stage that has the images in the cache: a record for
// each piece and block, joined in order at the end, so that the result does not depend on who ran which piece.

#include "core/operator.h"

#include <memory>
#include <vector>

namespace hemp {

/// Images whose channels are summed up each: [N, C] or [N, C, H, W], or in blocks [N, B, H, W, 16].
struct ChannelImages {
    int64_t images, channels, area;
    bool    in_blocks;

    ChannelImages(const Shape& x, int64_t channels);

    int64_t blocks() const;
    int64_t values() const { return images * area; }  ///< of a channel

    /// Whether x has so many channels, in planes of 4 axes or in blocks of 5.
    static bool fits(const Shape& x, int64_t channels);
};

/// Where the records of the pixels that each piece writes are kept.
struct Records {
    std::vector<size_t>              first;     ///< of each piece
    std::vector<std::vector<size_t>> of_block;  ///< in order

    Records(const Stage& stage, int64_t blocks);
};

/// A stage that does nothing, and tells of images [N, B, area, 16] that are there already, for `gathering`.
Stage reading_stage(int64_t images, int64_t blocks, int64_t area);

/// The stage of some work that says which pixels it writes, or a null pointer.
Stage* writing_stage(Work& work);

/// `work`, one of whose stages says which pixels it writes, with two more deeds: add(memory, block, first float,
/// pixels, record) behind each piece of that, join(memory, block, for_each_record) at the end,
/// where for_each_record(visit) shows the block's records in order.
template <class Record, class Add, class Join>
Work gathering(Work work, int64_t blocks, Add add, Join join) {
    Stage& writing     = *writing_stage(work);
    Stage  stage       = writing;
    auto   records     = std::make_shared<const Records>(stage, blocks);
    size_t at          = (work.scratch_bytes + alignof(Record) - 1) / alignof(Record) * alignof(Record);
    work.scratch_bytes = at + records->first.back() * sizeof(Record);
    auto memory_of     = [at](const Buffers& memory) { return reinterpret_cast<Record*>(memory.scratch + at); };
    writing.run        = [=](const Buffers& memory, int64_t piece) {
        stage.run(memory, piece);
        Record* next   = memory_of(memory) + records->first[static_cast<size_t>(piece)];
        Record* record = nullptr;
        int64_t last   = -1;
        stage.written(piece, [&](int64_t block, int64_t first, int64_t pixels) {
            if (block != last) {
                record  = next++;
                *record = Record();
                last    = block;
            }
            add(memory, block, first, pixels, *record);
        });
    };
    work.stages.push_back({blocks, [=](const Buffers& memory, int64_t block) {
                               join(memory, block, [&](const auto& visit) {
                                   for (size_t i : records->of_block[static_cast<size_t>(block)]) {
                                       visit(memory_of(memory)[i]);
                                   }
                               });
                           }});
    return work;
}

/// A work that was gathered from a reading stage: nobody else may take what that tells of for its results.
Work settled(Work work);

}  // namespace hemp
