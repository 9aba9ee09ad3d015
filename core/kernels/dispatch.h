#pragma once
// Chooses the instruction set at run time.

#include "core/kernels/vector.h"

#include <string_view>

namespace hemp {

/// The instruction set that kernels are chosen for: the best that this CPU has, unless set otherwise.
InstructionSet instruction_set();

/// True when this CPU can run kernels for `set`.
bool supported(InstructionSet set);

/// Kernels chosen from now on are for `set`; programs compiled before keep theirs.
void             use_instruction_set(InstructionSet set);
std::string_view name_of(InstructionSet set);

#if defined(__x86_64__)
#define HEMP_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define HEMP_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#else
#define HEMP_TARGET_AVX2
#define HEMP_TARGET_AVX512
#endif

/// The function `Kernel::run<V>` for an instruction set, the one in use unless told. `Kernel` is a struct with an
/// always-inlined static template member `run<V>`; its body is compiled three times.
///
///     struct Scale { template <class V> HEMP_INLINE static void run(const float* x, float* y, int64_t n) {...} };
///     auto scale = kernel<Scale, void(const float*, float*, int64_t)>();
template <class Kernel, class Signature>
struct KernelFamily;

template <class Kernel, class Result, class... Arguments>
struct KernelFamily<Kernel, Result(Arguments...)> {
    static Result baseline(Arguments... arguments) { return Kernel::template run<Baseline>(arguments...); }
    HEMP_TARGET_AVX2 static Result   avx2(Arguments... arguments) { return Kernel::template run<Avx2>(arguments...); }
    HEMP_TARGET_AVX512 static Result avx512(Arguments... arguments) {
        return Kernel::template run<Avx512>(arguments...);
    }
};

template <class Kernel, class Signature>
Signature* kernel(InstructionSet set = instruction_set()) {
    using Family = KernelFamily<Kernel, Signature>;
    switch (set) {
        case InstructionSet::avx512: return &Family::avx512;
        case InstructionSet::avx2: return &Family::avx2;
        case InstructionSet::baseline: break;
    }
    return &Family::baseline;
}

/// Of the same table of kernels for each instruction set, the one for that in use.
template <class Table>
const Table& kernels_in_use(const Table& baseline, const Table& avx2, const Table& avx512) {
    switch (instruction_set()) {
        case InstructionSet::avx512: return avx512;
        case InstructionSet::avx2: return avx2;
        case InstructionSet::baseline: break;
    }
    return baseline;
}

}  // namespace hemp
