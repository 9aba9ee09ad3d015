#pragma once

#include "core/kernels/dispatch.h"

namespace hemp {

/// Calls f(set) for each instruction set that this CPU has, with that set in force meanwhile.
template <class F>
void for_each_instruction_set(F&& f) {
    struct Restore {
        InstructionSet before = instruction_set();
        ~Restore() { use_instruction_set(before); }
    } restore;
    for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
        if (supported(set)) {
            use_instruction_set(set);
            f(set);
        }
    }
}

}  // namespace hemp
