#include "core/run/program.h"

#include "core/huge_pages.h"
#include "core/plan/plan.h"
#include "core/run/team.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>

namespace hemp {
namespace {

std::atomic<bool> always_verify{false};

/// Memory that is asked for once.
class Arena {
 public:
    explicit Arena(size_t bytes) : bytes_(std::max<size_t>(bytes, 1)) {
        void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            fail("compile: {} MiB of memory for the program's values could not be had; use a smaller batch",
                 bytes >> 20);
        }
        memory_ = static_cast<std::byte*>(memory);
        prefer_huge_pages(memory_, bytes_);
    }
    Arena(const Arena&)            = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() { munmap(memory_, bytes_); }

    std::byte* at(size_t offset) const { return memory_ + offset; }

    /// NaN where floats lie, and nothing that anybody would expect elsewhere.
    void poison(const Region& region) const { std::memset(at(region.offset), 0xFF, region.bytes); }
    void poison_all() const { poison({0, bytes_}); }

 private:
    size_t     bytes_;
    std::byte* memory_ = nullptr;
};

struct Step {
    Group                    group;
    Work                     work;
    std::vector<const void*> inputs;
    std::vector<void*>       outputs;
    size_t                   scratch = 0;
    double                   seconds = 0;
    std::vector<Region>      dead    = {};  // what to poison behind it
};

}  // namespace

struct Program::Parts {
    Roots                  roots;
    std::vector<Step>      steps;
    MemoryPlan             memory;
    int                    threads               = 1;
    size_t                 thread_scratch_offset = 0;
    size_t                 thread_scratch_bytes  = 0;  // of one thread
    bool                   poison                = false;
    std::unique_ptr<Arena> arena;
    std::vector<Array>     outputs;
    Tensors                inputs;  // distinct inputs that the program reads
    std::vector<std::pair<Tensor, size_t>>
        copied_updates;  // variables whose new value is copied at the end, and its root

    std::set<Tensor> tensors() const;  // of the whole program
    void*            address(const Tensor& value, const std::vector<Feed>& feeds) const;
    void             bind(const std::vector<Feed>& feeds);
    void             run_steps(bool timed);
    void             run(const std::vector<Feed>& feeds, bool timed);
};

std::set<Tensor> Program::Parts::tensors() const {
    Tensors          order = topological_order(roots.all());
    std::set<Tensor> all(order.begin(), order.end());
    for (const Update& update : roots.updates) {
        all.insert(update.variable);
    }
    return all;
}

void* Program::Parts::address(const Tensor& value, const std::vector<Feed>& feeds) const {
    if (is_input(value)) {
        for (const Feed& feed : feeds) {
            if (feed.input == value) {
                return const_cast<void*>(feed.value.memory());
            }
        }
        return nullptr;
    }
    if (value.node().value != nullptr) {
        return value.node().value->memory();
    }
    auto variable = memory.variables.find(value);
    if (variable != memory.variables.end()) {
        return variable->second.node().value->memory();
    }
    return arena->at(memory.offsets.at(value));
}

void Program::Parts::bind(const std::vector<Feed>& feeds) {
    for (const Feed& feed : feeds) {
        expect(is_input(feed.input), "run: a value is given for '{}', which is no input", feed.input.node().op->name);
        expect(feed.value.type() == feed.input.type(), "run: input '{}' is {}, but the value given is {}",
               feed.input.node().name, feed.input.type(), feed.value.type());
    }
    for (const Tensor& input : inputs) {
        expect(address(input, feeds) != nullptr, "run: no value is given for input '{}' {}", input.node().name,
               input.type());
    }
    for (Step& step : steps) {
        for (size_t i = 0; i < step.group.inputs.size(); ++i) {
            step.inputs[i] = address(step.group.inputs[i], feeds);
        }
        for (size_t i = 0; i < step.group.outputs.size(); ++i) {
            step.outputs[i] = address(step.group.outputs[i], feeds);
        }
    }
}

void Program::Parts::run_steps(bool timed) {
    using Clock = std::chrono::steady_clock;
    Barrier            barrier(threads);
    std::array         shares{Shares(threads), Shares(threads)};  // in turns: one is dealt while the other is in use
    std::exception_ptr failure;
    std::mutex         failure_lock;
    std::atomic<bool>  failed{false};
    run_team(threads, [&](int thread) {
        std::byte* thread_scratch =
            arena->at(thread_scratch_offset + static_cast<size_t>(thread) * thread_scratch_bytes);
        auto start = Clock::now();
        bool alone = false;  // the stage before ran on thread 0 only
        int  turn  = 0;
        for (Step& step : steps) {
            Buffers buffers{step.inputs, step.outputs, arena->at(step.scratch), thread_scratch};
            for (const Stage& stage : step.work.stages) {
                bool next_alone = stage.pieces == 1;
                if (!next_alone) {
                    turn = 1 - turn;
                    shares[turn].deal(thread, stage.pieces);
                }
                if (threads > 1 && !(alone && next_alone)) {
                    barrier.wait();
                }
                alone = next_alone;
                try {
                    auto next = [&] { return failed.load(std::memory_order_relaxed) ? -1 : shares[turn].take(thread); };
                    if (alone) {
                        if (thread == 0 && !failed) {
                            stage.run(buffers, 0);
                        }
                    } else {
                        for (int64_t piece = next(); piece >= 0; piece = next()) {
                            stage.run(buffers, piece);
                        }
                    }
                } catch (...) {
                    std::lock_guard lock(failure_lock);
                    failure = failure ? failure : std::current_exception();
                    failed.store(true);
                }
            }
            if (timed || poison) {
                barrier.wait();
                if (thread == 0) {
                    auto now     = Clock::now();
                    step.seconds = std::chrono::duration<double>(now - start).count();
                    start        = now;
                    for (const Region& region : step.dead) {
                        arena->poison(region);
                    }
                }
                barrier.wait();
            }
        }
    });
    if (failure) {
        std::rethrow_exception(failure);
    }
}

void Program::Parts::run(const std::vector<Feed>& feeds, bool timed) {
    bind(feeds);
    if (poison) {
        arena->poison_all();
    }
    run_steps(timed);
    for (size_t i = 0; i < outputs.size(); ++i) {
        std::memcpy(outputs[i].memory(), address(storage_of(roots.outputs[i]), feeds), outputs[i].bytes());
    }
    // Values are gathered before the first variable changes: an update may read another variable's old value.
    std::vector<Array> values;
    for (const auto& [variable, update] : copied_updates) {
        Array value(variable.type());
        std::memcpy(value.memory(), address(storage_of(roots.updates[update].value), feeds), value.bytes());
        values.push_back(std::move(value));
    }
    for (size_t i = 0; i < values.size(); ++i) {
        std::memcpy(value_of(copied_updates[i].first).memory(), values[i].memory(), values[i].bytes());
    }
}

Program::Program(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Program::Program(Program&&) noexcept            = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program()                             = default;

void Program::run(const std::vector<Feed>& feeds) { parts_->run(feeds, false); }

void Program::profile(const std::vector<Feed>& feeds) { parts_->run(feeds, true); }

const Array& Program::output(size_t i) const { return parts_->outputs.at(i); }

float Program::scalar(size_t i) const {
    const Array& array = output(i);
    expect(array.size() == 1, "scalar: output {} is {}, no single number", i, array.type());
    return array.values<float>()[0];
}

namespace {

/// Of all operators of a step.
std::string names_of(const Group& group) {
    std::string names;
    for (const Tensor& tensor : group.nodes) {
        names += names.empty() ? "" : "+";
        names += tensor.node().op->name;
    }
    for (const Group& along : group.along) {
        names += "+";
        names += names_of(along);
    }
    return names;
}

}  // namespace

std::vector<StepReport> Program::report() const {
    std::vector<StepReport> reports;
    for (const Step& step : parts_->steps) {
        StepReport report;
        report.name          = names_of(step.group);
        const Tensor& result = step.group.is_chain() ? step.group.outputs.back() : step.group.nodes.back();
        report.result        = to_string(result.type());
        report.algorithm     = step.work.algorithm;
        report.instead       = step.work.instead;
        report.layout        = layout_of(result);
        report.cost          = cost_of(step.group);
        report.seconds       = step.seconds;
        for (const void* output : step.outputs) {
            for (const void* input : step.inputs) {
                report.in_place = report.in_place || (output == input && output != nullptr);
            }
        }
        reports.push_back(report);
    }
    return reports;
}

size_t Program::arena_bytes() const {
    return parts_->thread_scratch_offset + parts_->thread_scratch_bytes * static_cast<size_t>(parts_->threads);
}
size_t Program::separate_bytes() const { return parts_->memory.separate_bytes; }
int    Program::threads() const { return parts_->threads; }

size_t Program::variable_bytes() const {
    size_t bytes = 0;
    for (const Tensor& tensor : parts_->tensors()) {
        bytes += is_variable(tensor) ? tensor.type().bytes() : 0;
    }
    return bytes;
}

size_t Program::unmade_bytes() const {
    size_t bytes = 0;
    for (const Tensor& tensor : parts_->tensors()) {
        const auto& value = tensor.node().value;
        bytes += value != nullptr && !value->is_made() ? value->bytes() : 0;
    }
    return bytes;
}

Plan make_plan(const Tensors& outputs, const Updates& updates, const CompileOptions& options) {
    Plan   plan{{outputs, updates}, {}, {}, {}};
    Roots& roots = plan.roots;
    bool   check = options.verify || always_verify.load();
    verify(roots, "build");
    auto pass = [&](Roots (*function)(const Roots&), std::string_view name) {
        roots = function(roots);
        if (check) {
            verify(roots, name);
        }
    };
    if (options.frozen) {
        pass(freeze, "freeze");
    }
    pass(simplify, "simplify");
    if (options.fuse) {
        pass(fold_scales, "fold scales");
        pass(simplify, "simplify");
        pass(narrow, "narrow");
        pass(contract, "contract");
    }
    if (options.blocks) {
        pass(choose_layouts, "layout");
    }
    if (options.fuse) {
        pass(finish_convolutions, "finish convolutions");
        pass(join_convolutions, "join convolutions");
    }
    pass(simplify, "simplify");
    plan.groups = options.fuse ? gather(recompute(fuse(roots), roots)) : fuse(roots, 1);
    plan.groups = schedule(std::move(plan.groups), roots);
    for (const Group& group : plan.groups) {
        plan.works.push_back(work_of(group));
    }
    plan.memory = plan_memory(plan.groups, plan.works, roots);
    return plan;
}

Program program_of(Plan plan, const CompileOptions& options) {
    auto parts            = std::make_unique<Program::Parts>();
    parts->threads        = options.threads > 0 ? options.threads : default_threads();
    parts->poison         = options.poison;
    size_t thread_scratch = 0;
    for (const Work& work : plan.works) {
        thread_scratch = std::max(thread_scratch, work.thread_scratch_bytes);
    }
    constexpr size_t page        = 4096;  // threads must not share a line
    parts->thread_scratch_bytes  = (thread_scratch + page - 1) / page * page;
    parts->thread_scratch_offset = (plan.memory.bytes + page - 1) / page * page;
    size_t bytes = parts->thread_scratch_offset + parts->thread_scratch_bytes * static_cast<size_t>(parts->threads);
    if (bytes > options.max_memory) {
        fail(
            "compile: the program would take {} MiB of memory, more than the {} MiB allowed; use a smaller batch, or "
            "allow "
            "more with --max-memory",
            bytes >> 20, options.max_memory >> 20);
    }
    parts->arena = std::make_unique<Arena>(bytes);
    std::vector<std::vector<Region>> dead;
    if (options.poison) {
        dead = dead_after(plan);
    }
    for (size_t i = 0; i < plan.groups.size(); ++i) {
        Step step;
        step.inputs.resize(plan.groups[i].inputs.size());
        step.outputs.resize(plan.groups[i].outputs.size());
        step.scratch = plan.memory.scratch[i];
        step.group   = std::move(plan.groups[i]);
        step.work    = std::move(plan.works[i]);
        if (options.poison) {
            step.dead = std::move(dead[i]);
            step.dead.push_back({parts->thread_scratch_offset, bytes - parts->thread_scratch_offset});
        }
        parts->steps.push_back(std::move(step));
    }
    const Roots& roots = plan.roots;
    for (const Tensor& output : roots.outputs) {
        parts->outputs.emplace_back(output.type());
    }
    for (const Tensor& tensor : topological_order(roots.all())) {
        if (is_input(tensor)) {
            parts->inputs.push_back(tensor);
        }
    }
    for (size_t i = 0; i < roots.updates.size(); ++i) {
        auto found  = plan.memory.variables.find(storage_of(roots.updates[i].value));
        bool direct = found != plan.memory.variables.end() && found->second == roots.updates[i].variable;
        if (!direct) {
            parts->copied_updates.emplace_back(roots.updates[i].variable, i);
        }
    }
    parts->memory = std::move(plan.memory);
    parts->roots  = std::move(plan.roots);
    return Program(std::move(parts));
}

Program compile(const Tensors& outputs, const Updates& updates, const CompileOptions& options) {
    return program_of(make_plan(outputs, updates, options), options);
}

void verify_always(bool on) { always_verify.store(on); }

}  // namespace hemp
