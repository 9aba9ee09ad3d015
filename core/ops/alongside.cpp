#include "core/ops/alongside.h"

#include "core/ops/channel_blocks.h"

#include <algorithm>

namespace hemp {

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
