#include "core/run/team.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

using namespace hemp;

TEST_CASE("each piece of a stage is taken once, stage after stage, whatever the number of threads") {
    constexpr int64_t pieces = 61;
    for (int threads : {1, 2, 3}) {
        CAPTURE(threads);
        Barrier                       barrier(threads);
        std::array                    shares{Shares(threads), Shares(threads)};
        std::vector<std::vector<int>> taken(20, std::vector<int>(pieces, 0));
        run_team(threads, [&](int thread) {
            size_t turn = 0;
            for (std::vector<int>& stage : taken) {
                turn = 1 - turn;
                shares.at(turn).deal(thread, pieces);
                barrier.wait();
                for (int64_t piece = shares.at(turn).take(thread); piece >= 0; piece = shares.at(turn).take(thread)) {
                    ++stage.at(static_cast<size_t>(piece));
                }
            }
        });
        for (const std::vector<int>& stage : taken) {
            CHECK(stage == std::vector<int>(pieces, 1));
        }
    }
}

TEST_CASE("a thread takes its own share in order, then what others have not begun") {
    Shares shares(2);
    shares.deal(0, 5);
    shares.deal(1, 5);
    CHECK(shares.take(1) == 2);
    CHECK(shares.take(0) == 0);
    CHECK(shares.take(0) == 1);
    CHECK(shares.take(0) == 3);
    CHECK(shares.take(1) == 4);
    CHECK(shares.take(1) == -1);
    CHECK(shares.take(0) == -1);
}
