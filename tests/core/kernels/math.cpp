// The error bounds that core/kernels/math.h states, asserted over inputs that are dense in the bits of a float.

#include "core/kernels/math.h"

#include "core/kernels/dispatch.h"
#include "core/kernels/gemm.h"
#include "core/random.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace hemp;

namespace {

#define HEMP_TEST_FUNCTION(Name, call)                          \
    struct Name {                                               \
        template <class V>                                      \
        HEMP_INLINE static void run(float* x, int64_t n) {      \
            for (int64_t i = 0; i < n; i += V::width) {         \
                V::store(x + i, hemp::call<V>(V::load(x + i))); \
            }                                                   \
        }                                                       \
    };
HEMP_TEST_FUNCTION(Exp, exp)
HEMP_TEST_FUNCTION(Log, log)
HEMP_TEST_FUNCTION(Tanh, tanh)
HEMP_TEST_FUNCTION(Sigmoid, sigmoid)
HEMP_TEST_FUNCTION(Sqrt, sqrt)
#undef HEMP_TEST_FUNCTION

/// Every 1,009th float (a prime: all exponents, all kinds of mantissas), and the ends of the range.
std::vector<float> inputs() {
    std::vector<float> x{0.0f,       -0.0f,     INFINITY,        -INFINITY,        std::nanf(""), 0x1p-149f,
                         -0x1p-149f, 0x1p-126f, 0x1.fffffep127f, -0x1.fffffep127f, 88.7228394f,   88.72284f,
                         -87.33655f, -103.97f,  -104.0f,         0.625f,           1.0f};
    for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 1009) {
        x.push_back(__builtin_bit_cast(float, static_cast<uint32_t>(bits)));
    }
    for (int i = -120000; i <= 120000; ++i) {
        x.push_back(static_cast<float>(i) * 1e-3f);
    }
    x.resize((x.size() + 15) / 16 * 16, 1.0f);
    return x;
}

/// Distance in units of the last place of the expected value rounded to f32; a denormal's unit is 2^-149.
double ulps(float got, double expected) {
    if (std::isnan(got) || std::isnan(expected)) {
        return std::isnan(got) && std::isnan(expected) ? 0 : INFINITY;
    }
    // The first number beyond the range counts as infinity's place.
    double limit = std::ldexp(1.0, 128);
    double g     = std::isinf(got) ? std::copysign(limit, got) : static_cast<double>(got);
    double e     = std::fmax(std::fmin(expected, limit), -limit);
    int    power = 0;
    std::frexp(e, &power);
    return std::abs(g - e) / std::ldexp(1.0, std::max(power - 24, -149));
}

template <class Kernel>
void check_bound(double bound, double (*expected)(double)) {
    const std::vector<float> x = inputs();
    for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
        if (!supported(set)) {
            continue;
        }
        std::vector<float> y = x;
        kernel<Kernel, void(float*, int64_t)>(set)(y.data(), static_cast<int64_t>(y.size()));
        double worst = 0;
        size_t place = 0;
        for (size_t i = 0; i < x.size(); ++i) {
            double error = ulps(y[i], expected(static_cast<double>(x[i])));
            if (error > worst) {
                worst = error;
                place = i;
            }
        }
        INFO(name_of(set) << ": at " << x[place] << " got " << y[place] << ", expected "
                          << expected(static_cast<double>(x[place])));
        CHECK(worst <= bound);
    }
}

}  // namespace

TEST_CASE("exp is within 2 ULP for every float") { check_bound<Exp>(2, std::exp); }
TEST_CASE("log is within 2 ULP for every float") { check_bound<Log>(2, std::log); }
TEST_CASE("tanh is within 2 ULP for every float") { check_bound<Tanh>(2, std::tanh); }
TEST_CASE("sigmoid is within 4 ULP for every float") {
    check_bound<Sigmoid>(4, [](double x) { return 1 / (1 + std::exp(-x)); });
}
TEST_CASE("sqrt is correctly rounded for every float") { check_bound<Sqrt>(0.5, std::sqrt); }

TEST_CASE("a matrix product of odd sizes") {
    Random random(1, 2);
    for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
        if (!supported(set)) {
            continue;
        }
        InstructionSet before = instruction_set();
        use_instruction_set(set);
        const Gemm& g = gemm();
        use_instruction_set(before);
        for (int64_t m : {0, 1, 3, 5, 14, 15, 31}) {
            for (int64_t n : {0, 1, 7, 16, 33, 70}) {
                for (int64_t k : {0, 1, 2, 19, 1030}) {
                    std::vector<float> a(static_cast<size_t>(m * k)), b(static_cast<size_t>(k * n));
                    for (size_t i = 0; i < a.size(); ++i) {
                        a[i] = random.uniform(i) - 0.5f;
                    }
                    for (size_t i = 0; i < b.size(); ++i) {
                        b[i] = random.uniform(1000000 + i) - 0.5f;
                    }
                    int64_t            stride = n + 3;
                    std::vector<float> packed_a(static_cast<size_t>(m * k + 1));
                    std::vector<float> packed_b(static_cast<size_t>(g.packed_columns(n) * k + 1));
                    std::vector<float> c(static_cast<size_t>(m * stride), 7.0f);
                    g.pack_a({a.data(), k, 1}, m, k, packed_a.data());
                    g.pack_b({b.data(), n, 1}, k, n, packed_b.data());
                    g.multiply(m, n, k, packed_a.data(), packed_b.data(), c.data(), stride, false);
                    g.multiply(m, n, k, packed_a.data(), packed_b.data(), c.data(), stride, true);
                    double worst = 0;
                    for (int64_t i = 0; i < m; ++i) {
                        for (int64_t j = 0; j < stride; ++j) {
                            double sum = 0;
                            for (int64_t t = 0; t < k && j < n; ++t) {
                                sum += 2.0 * static_cast<double>(a[static_cast<size_t>(i * k + t)]) *
                                       static_cast<double>(b[static_cast<size_t>(t * n + j)]);
                            }
                            double wanted = j < n ? sum : 7.0;  // memory between rows is not touched
                            worst         = std::max(
                                        worst, std::abs(static_cast<double>(c[static_cast<size_t>(i * stride + j)]) - wanted));
                        }
                    }
                    INFO(name_of(set) << " " << m << " x " << n << " x " << k);
                    CHECK(worst <= 2e-5);
                }
            }
        }
    }
}
