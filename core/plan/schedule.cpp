#include "core/plan/plan.h"

#include <algorithm>
#include <limits>

namespace hemp {
namespace {

/// Of the groups that can run, always the one after which the least memory is in use: a gradient to weights runs as
/// soon as it can, and the gradients that it reads are not kept until the end. Among equals the first.
class Order {
 public:
    Order(const std::vector<Group>& groups, const std::vector<std::set<size_t>>& before, const Roots& roots)
        : groups_(groups), waits_(groups.size()), after_(groups.size()) {
        for (const Tensor& output : roots.outputs) {
            kept_.insert(storage_of(output));
        }
        for (const Update& update : roots.updates) {
            kept_.insert(storage_of(update.value));
            updates_.insert(storage_of(update.value));
        }
        for (size_t i = 0; i < groups.size(); ++i) {
            waits_[i] = before[i].size();
            for (size_t earlier : before[i]) {
                after_[earlier].push_back(i);
            }
            for (const Tensor& output : groups[i].outputs) {
                written_.insert(output);
            }
            for (const Tensor& input : distinct(groups[i].inputs)) {
                ++unread_[input];
            }
        }
    }

    std::vector<size_t> run() {
        std::vector<size_t> order;
        std::set<size_t>    ready;
        for (size_t i = 0; i < waits_.size(); ++i) {
            if (waits_[i] == 0) {
                ready.insert(i);
            }
        }
        while (!ready.empty()) {
            size_t  best  = *ready.begin();
            int64_t least = std::numeric_limits<int64_t>::max();
            for (size_t i : ready) {
                int64_t growth = growth_of(groups_[i]);
                if (growth < least) {
                    best  = i;
                    least = growth;
                }
            }
            ready.erase(best);
            order.push_back(best);
            for (const Tensor& input : distinct(groups_[best].inputs)) {
                --unread_[input];
            }
            for (size_t later : after_[best]) {
                if (--waits_[later] == 0) {
                    ready.insert(later);
                }
            }
        }
        return order;
    }

 private:
    static std::set<Tensor> distinct(const Tensors& tensors) { return {tensors.begin(), tensors.end()}; }

    /// Bytes in use after a group less those before. New values of variables take the place of the old ones.
    int64_t growth_of(const Group& group) const {
        size_t more = 0, less = 0;
        for (const Tensor& output : group.outputs) {
            more += updates_.contains(output) ? 0 : output.type().bytes();
        }
        for (const Tensor& input : distinct(group.inputs)) {
            if (unread_.at(input) == 1 && written_.contains(input) && !kept_.contains(input)) {
                less += input.type().bytes();
            }
        }
        return static_cast<int64_t>(more) - static_cast<int64_t>(less);
    }

    const std::vector<Group>&        groups_;
    std::vector<size_t>              waits_;  // groups that must run before
    std::vector<std::vector<size_t>> after_;
    std::set<Tensor>                 kept_, updates_, written_;
    std::map<Tensor, size_t>         unread_;  // groups that have not read a value yet
};

bool reaches(const std::vector<std::set<size_t>>& before, size_t from, size_t to) {
    std::vector<size_t> path{from};
    std::set<size_t>    seen{from};
    while (!path.empty()) {
        size_t here = path.back();
        path.pop_back();
        if (here == to) {
            return true;
        }
        for (size_t next : before[here]) {
            if (seen.insert(next).second) {
                path.push_back(next);
            }
        }
    }
    return false;
}

}  // namespace

std::vector<Group> schedule(std::vector<Group> groups, const Roots& roots) {
    std::map<Tensor, size_t>              writer;
    std::map<Tensor, std::vector<size_t>> readers;
    for (size_t i = 0; i < groups.size(); ++i) {
        for (const Tensor& output : groups[i].outputs) {
            writer[output] = i;
        }
        for (const Tensor& input : groups[i].inputs) {
            readers[input].push_back(i);
        }
    }
    std::vector<std::set<size_t>> before(groups.size());
    std::vector<char>             has_later(groups.size());  // is in one of those sets
    auto                          run_before = [&](size_t earlier, size_t later) {
        before[later].insert(earlier);
        has_later[earlier] = 1;
    };
    for (size_t i = 0; i < groups.size(); ++i) {
        for (const Tensor& input : groups[i].inputs) {
            auto found = writer.find(input);
            if (found != writer.end()) {
                run_before(found->second, i);
            }
        }
    }
    // A variable's new value can be written straight into its memory once all who read the old one have run.
    for (const Update& update : roots.updates) {
        auto found = writer.find(storage_of(update.value));
        if (found == writer.end()) {
            continue;
        }
        for (size_t reader : readers[update.variable]) {
            // Nothing waits for most new values: no need to walk the graph for them.
            bool waits = has_later[found->second] != 0 && reaches(before, reader, found->second);
            if (reader != found->second && !waits) {
                run_before(reader, found->second);
            }
        }
    }
    std::vector<Group> ordered;
    for (size_t i : Order(groups, before, roots).run()) {
        ordered.push_back(std::move(groups[i]));
    }
    return ordered;
}

}  // namespace hemp
