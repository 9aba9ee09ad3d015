#pragma once

#include "core/kernels/dispatch.h"

namespace hemp {

/// Sets the instruction set for kernels chosen while it lives.
class Using {
 public:
    explicit Using(InstructionSet set) { use_instruction_set(set); }
    Using(const Using&)            = delete;
    Using& operator=(const Using&) = delete;
    ~Using() { use_instruction_set(before_); }

 private:
    InstructionSet before_ = instruction_set();
};

/// Calls f(set) for each instruction set that this CPU has, with that set in force meanwhile.
template <class F>
void for_each_instruction_set(F&& f) {
    for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
        if (supported(set)) {
            Using only(set);
            f(set);
        }
    }
}

}  // namespace hemp
