#pragma once
// The symbolic graph: immutable nodes, built by plain functions, each computing one tensor.

#include "core/array.h"

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace hemp {

struct Node;
struct Operator;

/// What an operator needs to know beside its operands (stride, axes, order ...), by name: printable and comparable.
using Attribute  = std::variant<int64_t, double, std::vector<int64_t>>;
using Attributes = std::map<std::string, Attribute>;

/// A handle to the tensor that a node computes. Cheap to copy; an empty handle stands for "no tensor".
class Tensor {
 public:
    Tensor() = default;
    explicit Tensor(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

    const Node&  node() const { return *node_; }
    const Type&  type() const;
    const Shape& shape() const;
    DType        dtype() const;

    explicit operator bool() const { return node_ != nullptr; }
    bool     operator==(const Tensor&) const  = default;  ///< the same node
    auto     operator<=>(const Tensor&) const = default;

 private:
    friend struct Node;
    std::shared_ptr<const Node> node_;
};

using Tensors = std::vector<Tensor>;

/// One operation on tensors.
struct Node {
    const Operator*        op;
    Tensors                inputs;
    Attributes             attributes;
    Type                   type;
    std::string            name;   ///< of an input or a variable
    std::shared_ptr<Array> value;  ///< of a variable (its state) or a constant

    int64_t                     integer(const std::string& attribute) const;
    double                      real(const std::string& attribute) const;
    const std::vector<int64_t>& integers(const std::string& attribute) const;

    ~Node();
};

/// Adds a node: the operator checks its operands and says the type of the result.
/// Throws ShapeError when they do not fit.
Tensor node(const Operator& op, Tensors inputs, Attributes attributes = {});

/// A tensor that each run of a program is given.
Tensor input(std::string name, Shape shape, DType dtype = DType::f32);

/// A tensor with a state that outlives runs: a weight, a momentum, a running mean. Programs update it.
Tensor variable(std::string name, Array initial);

/// A tensor of fixed values.
Tensor constant(Array values);
Tensor constant(float value);  ///< a scalar

/// A variable's value as a constant, in the same memory: the variable must not change from now on.
Tensor frozen(const Tensor& variable);

bool is_input(const Tensor& tensor);
bool is_variable(const Tensor& tensor);
bool is_constant(const Tensor& tensor);

/// A variable's state, to read or to set between runs.
Array& value_of(const Tensor& variable);

/// The nodes that `outputs` depend on, each after its inputs, in an order that depends on the graph alone.
Tensors topological_order(const Tensors& outputs);

/// A new value for a variable at the end of a run. A variable has at most one in a program.
struct Update {
    Tensor variable;
    Tensor value;
};
using Updates = std::vector<Update>;

}  // namespace hemp
