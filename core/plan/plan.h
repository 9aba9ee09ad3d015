#pragma once
// The planner: one pass a file, each a function from graph to graph or to a plan. `compile` (core/run/program.h) calls
// them in the order in which they stand here.

#include "core/operator.h"

#include <map>
#include <set>

namespace hemp {

/// What a program is to compute: tensors to read after a run, and new values of variables.
struct Roots {
    Tensors outputs;
    Updates updates;

    Tensors all() const;  ///< outputs, then the updates' values
};

/// Checks every node against the rules of a legal graph: operands exist, types are what the operator infers, an
/// operator is computable. Throws Error that names the pass after which it was called, the node, the rule.
void verify(const Roots& roots, std::string_view pass);

/// The same computation with variables taken for constants. Throws Error when the roots update one.
Roots freeze(const Roots& roots);

/// The same computation with fewer nodes: equal nodes become one, operators on constants become constants, an
/// elementwise reader of a repeated tensor reads the tensor itself.
Roots simplify(const Roots& roots);

/// The same computation with factors and shifts of channels behind a convolution (batch norm in use) moved into its
/// weights and one shift.
Roots fold_scales(const Roots& roots);

/// The same computation, of finite values, without channels that no weight reads, where the weights are constants.
Roots narrow(const Roots& roots);

/// The same computation with a product and the sum that takes it up as one operator, a difference before them too: less
/// walks over a tile, and one rounding less.
Roots contract(const Roots& roots);

/// The same computation with convolutions, and what lies between them, on blocks of channels where that pays. Every
/// tensor stays row-major: values in blocks have five axes.
Roots choose_layouts(const Roots& roots);

/// The same computation with shifts, residuals and activations behind a convolution made while it writes its result,
/// and with constant weights in the order in which it reads them.
Roots finish_convolutions(const Roots& roots);

/// The same computation with a convolution that is read by nobody but the next one computed by that, strip by strip.
Roots join_convolutions(const Roots& roots);

/// How a value lies in memory, for reports.
std::string_view layout_of(const Tensor& tensor);

/// One step of a program: a node with work of its own, or a chain of elementwise operators that walks memory once, tile
/// by tile. Such a node may come with what its operands are read through (Reading): a batch norm and clamps, its
/// gradient.
struct Group {
    Tensors nodes;  ///< each after its inputs
    /// Values read from memory: distinct ones of a chain, a node's by position; then what its operands are read through
    /// needs, operand by operand; then those of what goes along.
    Tensors            inputs;
    Tensors            outputs;      ///< values written to memory
    std::vector<Group> along  = {};  ///< computed piece by piece from what this one has just written or read
    size_t             others = 0;   ///< of one of these: where its inputs but the first stand among the step's

    const Node& last() const { return nodes.back().node(); }
    bool        is_chain() const { return last().op->work == nullptr; }
};

/// The values that a group's nodes read from memory, in the order that Group::inputs has.
Tensors inputs_of(const Group& group);

/// The value in memory that a tensor stands for: itself, or what a reshape is a view of.
Tensor storage_of(Tensor tensor);

/// Nodes of a chain: more would push its tiles out of L1.
constexpr size_t most_chained = 48;

/// Joins elementwise operators of one shape, and the reductions that end them, into groups of at most so many nodes.
std::vector<Group> fuse(const Roots& roots, size_t most = most_chained);

/// The same groups, but a value that is cheap to compute is computed by each group that reads it, instead of being
/// written and read again, where that moves no more memory: what batch norm and activation make of a convolution's
/// result, for one.
std::vector<Group> recompute(std::vector<Group> groups, const Roots& roots);

/// The same groups, but what can be computed from a value while it is written or read (Operator::work_along) is.
std::vector<Group> gather(std::vector<Group> groups);

/// An order in which each group comes after those it needs, and writers of variables after their readers if possible.
std::vector<Group> schedule(std::vector<Group> groups, const Roots& roots);

/// The nodes of a group with work of its own that an operand of the last one is read through, that nearest to it first.
Tensors read_through(const Group& group, Tensor operand);

/// How the last node of a group reads what the nodes before it compute. `others`: where the group's inputs but the
/// first stand among the step's.
Reading reading_of(const Group& group, size_t others = 1);

/// How a group is computed: its node's own work, or that of a chain.
Work work_of(const Group& group);
Work chain_work(const Group& group);

/// Arithmetic and memory traffic of a group: what it reads and writes once, however many nodes it has.
Cost cost_of(const Group& group);

/// Where each value and each step's scratch lies in one arena.
struct MemoryPlan {
    std::map<Tensor, size_t> offsets;    ///< of the values in the arena
    std::map<Tensor, Tensor> variables;  ///< values that are written straight into a variable's memory
    std::vector<size_t>      scratch;    ///< offset of each step's scratch
    size_t                   bytes          = 0;
    size_t                   separate_bytes = 0;  ///< what it would take without sharing
};

MemoryPlan plan_memory(const std::vector<Group>& groups, const std::vector<Work>& works, const Roots& roots);

/// All that a program is made of.
struct Plan {
    Roots              roots;
    std::vector<Group> groups;
    std::vector<Work>  works;
    MemoryPlan         memory;
};

/// Part of the arena.
struct Region {
    size_t offset, bytes;
};

/// For each step what nobody may need once it has run: values whose last reader it was, but for those whose place a
/// result of the step has taken, and its scratch. Found from who reads what; of the memory plan, which this is to
/// check, only the places are believed.
std::vector<std::vector<Region>> dead_after(const Plan& plan);

}  // namespace hemp
