#include "core/ops/alongside.h"

#include "core/ops/channel_blocks.h"

#include <algorithm>

namespace hemp {

ChannelImages::ChannelImages(const Shape& x, int64_t channels)
    : images(x[0]), channels(channels), area(x.rank() == 2 ? 1 : x[2] * x[3]), in_blocks(x.rank() == 5) {}

int64_t ChannelImages::blocks() const { return blocks_of(channels); }

bool ChannelImages::fits(const Shape& x, int64_t channels) {
    bool planes = x.rank() == 4 && x[1] == channels;
    bool blocks = x.rank() == 5 && x[1] == blocks_of(channels) && x[4] == channel_block;
    return planes || blocks;
}

Records::Records(const Stage& stage, int64_t blocks) : of_block(static_cast<size_t>(blocks)) {
    size_t count = 0;
    for (int64_t piece = 0; piece < stage.pieces; ++piece) {
        first.push_back(count);
        int64_t last = -1;
        stage.written(piece, [&](int64_t block, int64_t, int64_t) {
            if (block != last) {
                of_block[static_cast<size_t>(block)].push_back(count++);
                last = block;
            }
        });
    }
    first.push_back(count);
}

Stage* writing_stage(Work& work) {
    auto found = std::find_if(work.stages.begin(), work.stages.end(),
                              [](const Stage& stage) { return static_cast<bool>(stage.written); });
    return found == work.stages.end() ? nullptr : &*found;
}

Work settled(Work work) {
    writing_stage(work)->written = {};
    return work;
}

Stage reading_stage(int64_t images, int64_t blocks, int64_t area) {
    return {images, [](const Buffers&, int64_t) {},
            [=](int64_t image, const Written& written) {
                for (int64_t block = 0; block < blocks; ++block) {
                    written(block, (image * blocks + block) * area * channel_block, area);
                }
            }};
}

}  // namespace hemp
