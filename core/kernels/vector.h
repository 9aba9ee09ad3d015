#pragma once
// Vectors of floats, one set for each instruction set, in compiler extensions: a kernel is written once as a template
// over V and instantiated for baseline x86-64 (or any other CPU), AVX2 with FMA, and AVX-512.
//
// A choice depends on one comparison: g++ 12 takes an AVX-512 vector apart, element by element, where two of them are
// combined (c & d ? a : b) or nested (c ? a : d ? a : b).
//
// The width belongs to V (a 64-byte vector on AVX2 would go through the stack with g++ 12). Sums are grouped in 16
// lanes on all of them, so that AVX2 and AVX-512 round alike.

#include <cstdint>
#include <cstring>

#define HEMP_INLINE [[gnu::always_inline]] inline

namespace hemp {

enum class InstructionSet : uint8_t { baseline, avx2, avx512 };

template <int Width>
struct Vector {
    static constexpr int width = Width;
    typedef float        Float __attribute__((vector_size(Width * 4), may_alias));
    typedef int32_t      Int __attribute__((vector_size(Width * 4), may_alias));
    // The alignment of a vector type is lost when it is deduced as a template argument: hence members.
    typedef float   UnalignedFloat __attribute__((vector_size(Width * 4), aligned(4), may_alias));
    typedef int32_t UnalignedInt __attribute__((vector_size(Width * 4), aligned(4), may_alias));

    HEMP_INLINE static Float load(const float* p) { return *reinterpret_cast<const UnalignedFloat*>(p); }
    HEMP_INLINE static Int   load(const int32_t* p) { return *reinterpret_cast<const UnalignedInt*>(p); }
    HEMP_INLINE static void  store(float* p, Float x) { *reinterpret_cast<UnalignedFloat*>(p) = x; }
    HEMP_INLINE static void  store(int32_t* p, Int x) { *reinterpret_cast<UnalignedInt*>(p) = x; }

    // Through an array: g++ 12 breaks a vector built in a function without the instruction set into single elements
    // before it inlines it, but sees through a copy of memory (4 times the speed of a matrix product).
    HEMP_INLINE static Float all(float x) { return repeat<Float>(x); }
    HEMP_INLINE static Int   all(int32_t x) { return repeat<Int>(x); }

    HEMP_INLINE static Float max(Float a, Float b) { return a > b ? a : b; }  ///< b where either is NaN
    HEMP_INLINE static Float min(Float a, Float b) { return a < b ? a : b; }

    // NaN where either is, a where they are equal: beside a NaN the two choices differ, and their sum is NaN.
    HEMP_INLINE static Float largest(Float a, Float b) {
        Float top = a < b ? b : a;
        Float max = a > b ? a : b;
        return top == max ? top : top + max;
    }
    HEMP_INLINE static Float smallest(Float a, Float b) {
        Float least = a > b ? b : a;
        Float min   = a < b ? a : b;
        return least == min ? least : least + min;
    }

 private:
    template <class To, class Element>
    HEMP_INLINE static To repeat(Element x) {
        Element elements[Width];
        for (Element& element : elements) {
            element = x;
        }
        To result;
        std::memcpy(&result, elements, sizeof result);
        return result;
    }
};

struct Baseline : Vector<4> {
    static constexpr InstructionSet set = InstructionSet::baseline;
};
struct Avx2 : Vector<8> {
    static constexpr InstructionSet set = InstructionSet::avx2;
};
struct Avx512 : Vector<16> {
    static constexpr InstructionSet set = InstructionSet::avx512;
};

/// A sum in 16 lanes, whatever the width of V: the same additions in the same order on every instruction set.
template <class V>
struct Sum16 {
    static constexpr int parts        = 16 / V::width;
    typename V::Float    lanes[parts] = {};

    HEMP_INLINE void add(const float* x) {
        for (int part = 0; part < parts; ++part) {
            lanes[part] += V::load(x + part * V::width);
        }
    }
    HEMP_INLINE void join(const Sum16& other) {
        for (int part = 0; part < parts; ++part) {
            lanes[part] += other.lanes[part];
        }
    }
    HEMP_INLINE void add_to(double* sums) const {
        float values[16];
        for (int part = 0; part < parts; ++part) {
            V::store(values + part * V::width, lanes[part]);
        }
        for (int lane = 0; lane < 16; ++lane) {
            sums[lane] += values[lane];
        }
    }
    HEMP_INLINE double total() const {
        double each[16] = {};
        add_to(each);
        double sum = 0;
        for (double lane : each) {
            sum += lane;
        }
        return sum;
    }
};

}  // namespace hemp
