#pragma once

#include "core/graph.h"
#include "core/operator.h"

#include <memory>

namespace hemp {

struct Plan;

struct CompileOptions {
    int    threads    = 0;                 ///< 0: default_threads(); the result does not depend on it
    size_t max_memory = size_t{16} << 30;  ///< bytes that a program may take beside its variables
    bool   frozen     = false;             ///< variables keep their values: what depends on them alone is computed here
    bool   verify     = false;             ///< check the graph between passes (on in every test)

    // For comparisons: the result is the same, but for rounding.
    bool fuse   = true;  ///< several operators may become one, or one step; otherwise each is a step of its own
    bool blocks = true;  ///< convolutions may run on blocks of channels

    /// Fills memory with NaN where the plan says that nobody needs what lies there: all of the arena before a run,
    /// values after the last step that reads them, scratch after each step. Slow; a right plan gives the same bits.
    bool poison = false;
};

/// A value for an input of a program. The array must outlive the run.
struct Feed {
    Tensor       input;
    const Array& value;
};

/// One step of a program, for `explain`.
struct StepReport {
    std::string name;       ///< operators, joined by '+' in a chain
    std::string result;     ///< type of what it writes
    std::string algorithm;  ///< of an operator that has several
    std::string instead;    ///< why a faster one was not taken
    std::string layout;     ///< of what it writes
    Cost        cost;
    double      seconds  = 0;  ///< of the last profiled run
    bool        in_place = false;
};

/// A planned computation: runs as often as wanted, allocates nothing while it runs. Not copyable; movable.
class Program {
 public:
    Program(Program&&) noexcept;
    Program& operator=(Program&&) noexcept;
    ~Program();

    /// Computes the outputs, then gives the variables their new values.
    /// Throws ShapeError when an input is missing, unknown, or of another type.
    void run(const std::vector<Feed>& feeds = {});

    /// The same, with the time of each step for `report`.
    void profile(const std::vector<Feed>& feeds = {});

    /// The i-th output of the last run.
    const Array& output(size_t i) const;

    /// The i-th output, when it is a single f32.
    float scalar(size_t i) const;

    std::vector<StepReport> report() const;
    size_t                  arena_bytes() const;     ///< memory for all values and scratch
    size_t                  separate_bytes() const;  ///< what the values alone would take without sharing
    size_t                  variable_bytes() const;  ///< of the variables that it reads or updates
    size_t                  unmade_bytes() const;    ///< of values that are made when a first run asks for them
    int                     threads() const;

 private:
    friend Program program_of(Plan plan, const CompileOptions& options);
    struct Parts;
    explicit Program(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

/// Plans the computation of `outputs` and the new values of variables.
/// Throws Error when a variable has two updates, or when the program would take more than `max_memory`.
Program compile(const Tensors& outputs, const Updates& updates = {}, const CompileOptions& options = {});

/// The passes of compile alone.
Plan make_plan(const Tensors& outputs, const Updates& updates = {}, const CompileOptions& options = {});

/// A program that does what a plan says: compile, but for those who look at the plan first or break it.
Program program_of(Plan plan, const CompileOptions& options = {});

/// Verification between passes for every later compile, whatever its options say.
void verify_always(bool on);

}  // namespace hemp
