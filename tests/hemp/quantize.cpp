#include "hemp/quantize.h"

#include "core/kernels/dispatch.h"
#include "core/random.h"
#include "hemp/quantizer.h"
#include "tests/hemp/run_node.h"

#include <cmath>

using namespace hemp;
using hemp::test::Runner;

namespace {

Tensor constants(const std::vector<float>& values) {
    return constant(Array(Shape{static_cast<int64_t>(values.size())}, values));
}

std::vector<float> normals(size_t size, uint64_t stream) {
    Random             random(7, stream);
    std::vector<float> values;
    for (size_t i = 0; i < size; ++i) {
        values.push_back(random.normal(i));
    }
    return values;
}

std::vector<float> values_of(const Array& array) {
    auto values = array.values<float>();
    return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("quantize") {
    SUBCASE("gives the nearest level, halfway the lower, and keeps NaN") {
        std::vector<float> y = values_of(Runner()(quantize(constants({-5, 0.5f, 0.6f, 3, NAN}), constants({0, 1}))));
        CHECK(std::vector<float>(y.begin(), y.end() - 1) == std::vector<float>{0, 0, 1, 1});
        CHECK(std::isnan(y.back()));
    }
    SUBCASE("passes the gradient straight through to the weights") {
        Tensor w  = constants({-5, 0.2f, 3});
        Tensor dy = constants({1, 2, 3});
        Tensor y  = quantize(w, constants({0, 1}));
        CHECK(y.node().op->gradient(y, dy)[0] == dy);
    }
    SUBCASE("gives each level the sum of the gradient over its weights") {
        Tensor y  = quantize(constants({-5, 0.2f, 3, 0.9f}), constants({0, 1, 9}));
        Tensor dy = constants({1, 2, 4, 8});
        CHECK(values_of(Runner()(y.node().op->gradient(y, dy)[1])) == std::vector<float>{3, 12, 0});
    }
    SUBCASE("refuses levels that are no list of 2 to 256") {
        CHECK_THROWS_WITH_AS(quantize(constants({1}), constants({1})),
                             "quantize: levels are f32 [1], but must be f32 of one axis with 2 to 256 levels",
                             ShapeError);
        CHECK_THROWS_AS(quantize(constants({1}), constant(1.0f)), ShapeError);
    }
    SUBCASE("value and gradient are right, and the same bits, at every length, number of threads and instruction set") {
        for (size_t size : {1, 15, 33, 1000, 40000}) {
            for (int count : {2, 7, 16, 17, 256}) {
                std::vector<float>   weights  = normals(size, 0);
                std::vector<float>   slopes   = normals(size, 1);
                std::vector<float>   levels   = uniform_mid_tread(normals(1000, 0), count).levels;
                std::vector<float>   expected = nearest(weights, levels);
                std::vector<double>  sums(levels.size());
                std::vector<uint8_t> symbol = symbols(weights, levels);
                for (size_t i = 0; i < size; ++i) {
                    sums[symbol[i]] += slopes[i];
                }
                std::vector<float> gradient;
                for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
                    if (!supported(set)) {
                        MESSAGE("not tested, the CPU has no ", name_of(set));
                        continue;
                    }
                    InstructionSet before = instruction_set();
                    use_instruction_set(set);
                    for (int threads : {1, 2, 3, 4}) {
                        Runner run(threads);
                        Tensor y = quantize(constants(weights), constants(levels));
                        REQUIRE(values_of(run(y)) == expected);
                        std::vector<float> found = values_of(run(y.node().op->gradient(y, constants(slopes))[1]));
                        for (size_t level = 0; level < levels.size(); ++level) {
                            REQUIRE(found[level] == doctest::Approx(sums[level]).epsilon(1e-5).scale(10));
                        }
                        REQUIRE((gradient.empty() || gradient == found));
                        gradient = found;
                    }
                    use_instruction_set(before);
                }
            }
        }
    }
}
