#include "core/kernels/dispatch.h"

#include <atomic>

namespace hemp {
namespace {

InstructionSet best() {
    for (InstructionSet set : {InstructionSet::avx512, InstructionSet::avx2}) {
        if (supported(set)) {
            return set;
        }
    }
    return InstructionSet::baseline;
}

std::atomic<InstructionSet>& current() {
    static std::atomic<InstructionSet> set = best();
    return set;
}

}  // namespace

bool supported(InstructionSet set) {
#if defined(__x86_64__)
    switch (set) {
        case InstructionSet::avx512:
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("fma");
        case InstructionSet::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        case InstructionSet::baseline: return true;
    }
#endif
    return set == InstructionSet::baseline;
}

InstructionSet instruction_set() { return current().load(std::memory_order_relaxed); }

void use_instruction_set(InstructionSet set) { current().store(set, std::memory_order_relaxed); }

std::string_view name_of(InstructionSet set) {
    switch (set) {
        case InstructionSet::baseline: return "baseline";
        case InstructionSet::avx2: return "avx2";
        case InstructionSet::avx512: return "avx512";
    }
    return "?";
}

}  // namespace hemp
