#include "core/graph.h"

#include "core/operator.h"

#include <unordered_set>

namespace hemp {
namespace {

// Leaves are nodes like any other, so that nothing downstream needs a special case to hold them.
const Operator input_operator{.name = "input"};
const Operator variable_operator{.name = "variable"};
const Operator constant_operator{.name = "constant"};

template <class T>
const T& attribute(const Node& node, const std::string& name) {
    auto found = node.attributes.find(name);
    if (found == node.attributes.end() || !std::holds_alternative<T>(found->second)) {
        fail("{}: has no attribute '{}' of the type asked for", node.op->name, name);
    }
    return std::get<T>(found->second);
}

Tensor leaf(const Operator& op, Type type, std::string name, std::shared_ptr<Array> value) {
    return Tensor(std::make_shared<const Node>(Node{&op, {}, {}, type, std::move(name), std::move(value)}));
}

}  // namespace

const Type&  Tensor::type() const { return node_->type; }
const Shape& Tensor::shape() const { return node_->type.shape; }
DType        Tensor::dtype() const { return node_->type.dtype; }

int64_t                     Node::integer(const std::string& name) const { return attribute<int64_t>(*this, name); }
double                      Node::real(const std::string& name) const { return attribute<double>(*this, name); }
const std::vector<int64_t>& Node::integers(const std::string& name) const {
    return attribute<std::vector<int64_t>>(*this, name);
}

// A long chain must not be released by as many nested destructors: the stack would end before the chain does.
Node::~Node() {
    Tensors doomed = std::move(inputs);
    while (!doomed.empty()) {
        Tensor last = std::move(doomed.back());
        doomed.pop_back();
        if (last.node_ && last.node_.use_count() == 1) {
            Tensors& next = const_cast<Node&>(*last.node_).inputs;
            std::move(next.begin(), next.end(), std::back_inserter(doomed));
            next.clear();
        }
    }
}

Tensor node(const Operator& op, Tensors inputs, Attributes attributes) {
    for (const Tensor& input : inputs) {
        expect(bool(input), "{}: an operand is no tensor (an empty handle)", op.name);
    }
    Node result{&op, std::move(inputs), std::move(attributes), {}, {}, {}};
    result.type = op.infer(result);
    return Tensor(std::make_shared<const Node>(std::move(result)));
}

Tensor input(std::string name, Shape shape, DType dtype) {
    return leaf(input_operator, {shape, dtype}, std::move(name), nullptr);
}

Tensor variable(std::string name, Array initial) {
    Type type = initial.type();
    return leaf(variable_operator, type, std::move(name), std::make_shared<Array>(std::move(initial)));
}

Tensor constant(Array values) {
    Type type = values.type();
    return leaf(constant_operator, type, {}, std::make_shared<Array>(std::move(values)));
}

Tensor constant(float value) { return constant(Array(Shape{}, std::vector<float>{value})); }

Tensor frozen(const Tensor& variable) {
    const Node& node = variable.node();
    expect(is_variable(variable), "frozen: '{}' is no variable", node.op->name);
    return leaf(constant_operator, node.type, node.name, node.value);
}

bool is_input(const Tensor& tensor) { return tensor.node().op == &input_operator; }
bool is_variable(const Tensor& tensor) { return tensor.node().op == &variable_operator; }
bool is_constant(const Tensor& tensor) { return tensor.node().op == &constant_operator; }

Array& value_of(const Tensor& variable) {
    expect(is_variable(variable), "value_of: {} is no variable", variable.node().op->name);
    return *variable.node().value;
}

Tensors topological_order(const Tensors& outputs) {
    struct Visit {
        Tensor tensor;
        size_t next_input = 0;
    };
    Tensors                         order;
    std::unordered_set<const Node*> seen;
    std::vector<Visit>              path;  // explicit, since a network may be deeper than the stack
    for (const Tensor& output : outputs) {
        if (seen.insert(&output.node()).second) {
            path.push_back({output});
        }
        while (!path.empty()) {
            Visit& visit = path.back();
            if (visit.next_input < visit.tensor.node().inputs.size()) {
                Tensor next = visit.tensor.node().inputs[visit.next_input++];
                if (seen.insert(&next.node()).second) {
                    path.push_back({next});
                }
            } else {
                order.push_back(visit.tensor);
                path.pop_back();
            }
        }
    }
    return order;
}

}  // namespace hemp
