#include "core/plan/plan.h"

#include <algorithm>

// One arena: a value's place is free again after its last reader. Larger values are placed first, each at the lowest
// offset where it overlaps no value that lives at the same time.
namespace hemp {
namespace {

struct Life {
    size_t bytes;
    size_t first, last;  // steps
    size_t offset = 0;

    bool meets(const Life& other) const { return first <= other.last && other.first <= last; }
};

size_t rounded(size_t bytes) { return (bytes + Array::alignment - 1) / Array::alignment * Array::alignment; }

size_t place(std::vector<Life>& lives) {
    std::vector<size_t> order(lives.size());
    for (size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lives[a].bytes > lives[b].bytes; });
    std::vector<size_t> placed;  // by offset
    size_t              end = 0;
    for (size_t i : order) {
        size_t offset = 0;
        for (size_t other : placed) {
            if (lives[i].meets(lives[other]) && lives[other].offset < offset + lives[i].bytes) {
                offset = std::max(offset, lives[other].offset + lives[other].bytes);
            }
        }
        lives[i].offset = offset;
        end             = std::max(end, offset + lives[i].bytes);
        placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                       [&](size_t a, size_t b) { return lives[a].offset < lives[b].offset; }),
                      i);
    }
    return end;
}

/// May the result of `group` take the memory of its input `i`?
bool in_place_allowed(const Group& group, size_t i) {
    const std::vector<size_t>& allowed = group.last().op->in_place;
    return group.is_chain() || std::find(allowed.begin(), allowed.end(), i) != allowed.end();
}

}  // namespace

MemoryPlan plan_memory(const std::vector<Group>& groups, const std::vector<Work>& works, const Roots& roots) {
    MemoryPlan               plan;
    std::map<Tensor, size_t> first, last;  // step that writes, last step that reads
    for (size_t step = 0; step < groups.size(); ++step) {
        for (const Tensor& output : groups[step].outputs) {
            first[output] = step;
            last[output]  = step;
        }
        for (const Tensor& input : groups[step].inputs) {
            last[input] = step;
        }
    }
    size_t end = groups.size();
    for (const Tensor& root : roots.all()) {
        last[storage_of(root)] = end;
    }

    std::set<Tensor> outputs;
    for (const Tensor& output : roots.outputs) {
        outputs.insert(storage_of(output));
    }
    for (const Update& update : roots.updates) {
        Tensor value = storage_of(update.value);
        if (!first.contains(value) || outputs.contains(value) || plan.variables.contains(value)) {
            continue;
        }
        size_t       step   = first[value];
        const Group& group  = groups[step];
        size_t position     = static_cast<size_t>(std::find(group.inputs.begin(), group.inputs.end(), update.variable) -
                                              group.inputs.begin());
        bool   reads_itself = position < group.inputs.size();
        bool   read_later   = last.contains(update.variable) && last[update.variable] > step;
        if (!read_later && !outputs.contains(update.variable) && (!reads_itself || in_place_allowed(group, position))) {
            plan.variables[value] = update.variable;
        }
    }

    // In place: an output takes the memory of an input of the same size that nobody reads later.
    std::vector<Life>        lives;
    std::map<Tensor, size_t> life_of;
    for (size_t step = 0; step < groups.size(); ++step) {
        const Group&     group = groups[step];
        std::set<Tensor> taken;
        for (const Tensor& output : group.outputs) {
            if (plan.variables.contains(output)) {
                continue;
            }
            size_t bytes = rounded(output.type().bytes());
            plan.separate_bytes += bytes;
            auto reused = group.inputs.end();
            for (auto input = group.inputs.begin(); input != group.inputs.end() && reused == group.inputs.end();
                 ++input) {
                // Element by element: an operand that is repeated is read again and again.
                bool whole = input->type().bytes() == output.type().bytes() &&
                             input->shape().size() == output.shape().size() && output.shape().size() > 0;
                if (whole && life_of.contains(*input) && last[*input] == step && !taken.contains(*input) &&
                    output.node().op->reduction == Reduction::none &&
                    in_place_allowed(group, static_cast<size_t>(input - group.inputs.begin()))) {
                    reused = input;
                }
            }
            if (reused != group.inputs.end()) {
                taken.insert(*reused);
                life_of[output]             = life_of[*reused];
                lives[life_of[output]].last = std::max(lives[life_of[output]].last, last[output]);
            } else {
                life_of[output] = lives.size();
                lives.push_back({bytes, step, last[output]});
            }
        }
    }
    size_t values = lives.size();
    for (size_t step = 0; step < works.size(); ++step) {
        lives.push_back({rounded(works[step].scratch_bytes), step, step});
    }
    plan.bytes = place(lives);
    for (const auto& [tensor, life] : life_of) {
        plan.offsets[tensor] = lives[life].offset;
    }
    for (size_t step = 0; step < works.size(); ++step) {
        plan.scratch.push_back(lives[values + step].offset);
    }
    return plan;
}

}  // namespace hemp
