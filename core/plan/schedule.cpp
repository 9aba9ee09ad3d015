#include "core/plan/plan.h"

#include <algorithm>

namespace hemp {
namespace {

/// Depth-first order of groups along `before`, deterministic.
class Order {
 public:
    explicit Order(const std::vector<std::set<size_t>>& before) : before_(before), state_(before.size()) {}

    std::vector<size_t> run() {
        for (size_t i = 0; i < before_.size(); ++i) {
            visit(i);
        }
        return order_;
    }

 private:
    void visit(size_t start) {
        std::vector<std::pair<size_t, std::set<size_t>::const_iterator>> path;
        auto                                                             enter = [&](size_t i) {
            state_[i] = true;
            path.emplace_back(i, before_[i].begin());
        };
        if (!state_[start]) {
            enter(start);
        }
        while (!path.empty()) {
            auto& [group, next] = path.back();
            if (next == before_[group].end()) {
                order_.push_back(group);
                path.pop_back();
            } else {
                size_t wanted = *next++;
                if (!state_[wanted]) {
                    enter(wanted);
                }
            }
        }
    }

    const std::vector<std::set<size_t>>& before_;
    std::vector<bool>                    state_;
    std::vector<size_t>                  order_;
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
    for (size_t i = 0; i < groups.size(); ++i) {
        for (const Tensor& input : groups[i].inputs) {
            auto found = writer.find(input);
            if (found != writer.end()) {
                before[i].insert(found->second);
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
            if (reader != found->second && !reaches(before, reader, found->second)) {
                before[found->second].insert(reader);
            }
        }
    }
    std::vector<Group> ordered;
    for (size_t i : Order(before).run()) {
        ordered.push_back(std::move(groups[i]));
    }
    return ordered;
}

}  // namespace hemp
