#include "models/description.h"

#include "core/join.h"
#include "core/ops/relu.h"
#include "core/ops/sigmoid.h"
#include "core/ops/tanh.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/dropout.h"
#include "layers/linear.h"
#include "layers/pooling.h"
#include "layers/residual.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>

namespace hemp {
namespace {

using Json = nlohmann::json;
using Keys = std::vector<std::string_view>;

constexpr int     most_nesting      = 40;  // brackets of JSON within each other: more would overflow the stack
constexpr int64_t most_layers       = 10'000;
constexpr int64_t most_length       = 65'536;            // of whatever the text counts: filters, rows, strides
constexpr int64_t most_channels     = 4'096;             // of images
constexpr int64_t most_elements     = int64_t{1} << 28;  // of all parameters, and of one layer's result for one image
constexpr size_t  most_name         = 64;
constexpr char    name_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

/// A value of the text, and where it stands.
struct Place {
    std::string_view where;
    std::string      path;  ///< as RFC 6901 writes it: "/layers/3/filters"
    const Json&      json;

    template <class... Arguments>
    [[noreturn]] void refuse(fmt::format_string<Arguments...> what, Arguments&&... arguments) const {
        fail<DataError>("{}: {}: {}", where, path.empty() ? "/" : path,
                        fmt::format(what, std::forward<Arguments>(arguments)...));
    }

    Place at(const std::string& key) const { return {where, path + "/" + key, json.at(key)}; }
    Place at(size_t index) const { return {where, fmt::format("{}/{}", path, index), json.at(index)}; }

    bool has(const char* key) const { return json.is_object() && json.contains(key); }

    Place required(const char* key) const {
        if (!has(key)) {
            refuse("key '{}' is missing; add it", key);
        }
        return at(key);
    }

    void allow(const Keys& keys, std::string_view what) const {
        for (const auto& [key, value] : json.items()) {
            if (std::ranges::find(keys, key) == keys.end()) {
                refuse("key '{}' is not known; {} takes {}", key, what, join(keys));
            }
        }
    }

    int64_t integer(int64_t least, int64_t most = most_length) const {
        bool whole = json.is_number_unsigned() && json.get<uint64_t>() <= static_cast<uint64_t>(most);
        if (!whole || json.get<int64_t>() < least) {
            refuse("is {}; give an integer of {} to {}", json.dump(), least, most);
        }
        return json.get<int64_t>();
    }

    float number() const {
        float value = json.is_number() ? json.get<float>() : std::numeric_limits<float>::quiet_NaN();
        if (!std::isfinite(value)) {
            refuse("is {}; give a finite number", json.dump());
        }
        return value;
    }

    std::string name() const {
        bool text = json.is_string();
        if (!text || json.get_ref<const std::string&>().empty() ||
            json.get_ref<const std::string&>().size() > most_name ||
            json.get_ref<const std::string&>().find_first_not_of(name_characters) != std::string::npos) {
            refuse("is {}; a name has 1 to {} letters, digits, '_', '.' or '-'", json.dump(), most_name);
        }
        return json.get<std::string>();
    }

    const Json& list() const {
        if (!json.is_array() || json.empty()) {
            refuse("is no list or an empty one; give a list of one or more");
        }
        return json;
    }

    int64_t integer_or(const char* key, int64_t least, int64_t otherwise) const {
        return has(key) ? at(key).integer(least) : otherwise;
    }

    bool flag_or(const char* key, bool otherwise) const {
        if (has(key) && !json.at(key).is_boolean()) {
            at(key).refuse("is {}; give true or false", json.at(key).dump());
        }
        return has(key) ? json.at(key).get<bool>() : otherwise;
    }
};

/// What is known of the network up to a layer.
struct Building {
    uint64_t              seed;
    int64_t               layers     = 0;
    int64_t               parameters = 0;  // elements of all tensors so far
    std::set<std::string> names      = {};

    /// Counts a tensor of these lengths; refuses the layer where the network becomes too large.
    void add(const Place& layer, std::initializer_list<int64_t> lengths) {
        int64_t elements = 1;
        for (int64_t length : lengths) {
            elements = length > most_elements / elements ? most_elements + 1 : elements * length;
            if (elements > most_elements) {
                break;
            }
        }
        parameters += elements;
        if (parameters > most_elements) {
            layer.refuse("the network has more than {} parameters with this layer; make it smaller", most_elements);
        }
    }
};

struct Position {
    std::string name;  ///< of the layer, with those of the blocks around it
    Tensor      x;     ///< what the layer is given, of a single image
};

/// The length of the axis of channels or features.
int64_t channels(const Position& position) { return position.x.shape()[1]; }

Layer walk(Building& building, const Place& list, const std::string& prefix, Tensor x);

Layer build_conv(Building& building, const Place& place, const Position& position) {
    int64_t filters = place.required("filters").integer(1);
    int64_t kernel  = place.required("kernel").integer(1);
    int64_t groups  = place.integer_or("groups", 1, 1);
    if (position.x.shape().rank() != 4 || channels(position) % groups != 0 || filters % groups != 0) {
        place.refuse(
            "{} groups of {} filters do not fit what the layer is given, {}; it takes [N, C, H, W], and filters "
            "and C must divide by groups",
            groups, filters, position.x.shape());
    }
    int64_t stride = place.integer_or("stride", 1, 1), padding = place.integer_or("padding", 0, 0),
            dilation = place.integer_or("dilation", 1, 1);
    ConvOptions options{
        .stride = {stride, stride}, .padding = {padding, padding}, .dilation = {dilation, dilation}, .groups = groups};
    building.add(place, {filters, channels(position) / groups, kernel, kernel});
    building.add(place, {filters});
    return conv(
        position.name, channels(position), filters, kernel,
        {.conv = options, .bias = place.flag_or("bias", true), .seed = building.seed, .initializer = kaiming_normal});
}

Layer build_linear(Building& building, const Place& place, const Position& position) {
    int64_t outputs = place.required("outputs").integer(1);
    if (position.x.shape().rank() != 2) {
        place.refuse("is given {}, it takes [N, inputs]; put flatten or global_average_pool before it",
                     position.x.shape());
    }
    building.add(place, {outputs, channels(position)});
    building.add(place, {outputs});
    return linear(position.name, channels(position), outputs,
                  {.bias = place.flag_or("bias", true), .seed = building.seed});
}

Layer build_batch_norm(Building& building, const Place& place, const Position& position) {
    BatchNormOptions options;
    if (place.has("epsilon")) {
        options.epsilon = place.at("epsilon").number();
        if (!(options.epsilon > 0)) {
            place.at("epsilon").refuse("is {}; give a number above 0", place.at("epsilon").json.dump());
        }
    }
    building.add(place, {4, channels(position)});
    return batch_norm(position.name, channels(position), options);
}

PoolOptions pool_options(const Place& place) {
    int64_t window  = place.required("window").integer(1);
    int64_t stride  = place.integer_or("stride", 1, window);
    int64_t padding = place.integer_or("padding", 0, 0);
    return {.window = {window, window}, .stride = {stride, stride}, .padding = {padding, padding}};
}

Layer build_max_pool(Building&, const Place& place, const Position&) { return max_pooling(pool_options(place)); }
Layer build_average_pool(Building&, const Place& place, const Position&) {
    return average_pooling(pool_options(place));
}
Layer build_global_average_pool(Building&, const Place& place, const Position& position) {
    if (position.x.shape().rank() != 4) {
        place.refuse("is given {}, it takes [N, C, H, W]", position.x.shape());
    }
    return global_average_pooling();
}

Layer build_relu(Building&, const Place&, const Position&) { return activation(relu); }
Layer build_relu6(Building&, const Place&, const Position&) { return activation(relu6); }
Layer build_sigmoid(Building&, const Place&, const Position&) { return activation(sigmoid); }
Layer build_tanh(Building&, const Place&, const Position&) { return activation(tanh); }
Layer build_flatten(Building&, const Place&, const Position&) { return flatten(); }

Layer build_dropout(Building& building, const Place& place, const Position& position) {
    Place rate = place.required("rate");
    if (!(rate.number() >= 0 && rate.number() < 1)) {
        rate.refuse("is {}; give a number from 0 to below 1", rate.json.dump());
    }
    return dropout(position.name, rate.number(), building.seed);
}

Layer build_subsample(Building&, const Place& place, const Position&) {
    return subsample(place.required("stride").integer(1), place.required("filters").integer(1));
}

Layer build_residual(Building& building, const Place& place, const Position& position) {
    Layer branch = walk(building, place.required("branch"), position.name + ".branch.", position.x);
    Layer shortcut;
    if (place.has("shortcut")) {
        shortcut = walk(building, place.at("shortcut"), position.name + ".shortcut.", position.x);
    }
    return residual(std::move(branch), std::move(shortcut));
}

struct Kind {
    std::string_view type;
    Keys             keys;  ///< beside "type" and "name"
    Layer (*build)(Building&, const Place&, const Position&);
};

const Kind kinds[] = {
    {"conv", {"filters", "kernel", "stride", "padding", "dilation", "groups", "bias"}, build_conv},
    {"linear", {"outputs", "bias"}, build_linear},
    {"batch_norm", {"epsilon"}, build_batch_norm},
    {"relu", {}, build_relu},
    {"relu6", {}, build_relu6},
    {"sigmoid", {}, build_sigmoid},
    {"tanh", {}, build_tanh},
    {"max_pool", {"window", "stride", "padding"}, build_max_pool},
    {"average_pool", {"window", "stride", "padding"}, build_average_pool},
    {"global_average_pool", {}, build_global_average_pool},
    {"flatten", {}, build_flatten},
    {"dropout", {"rate"}, build_dropout},
    {"subsample", {"stride", "filters"}, build_subsample},
    {"residual", {"branch", "shortcut"}, build_residual},
};

/// `text`: the layer as a word alone, or its key "type".
const Kind& kind_of(const Place& text) {
    if (text.json.is_string()) {
        for (const Kind& kind : kinds) {
            if (text.json.get_ref<const std::string&>() == kind.type) {
                return kind;
            }
        }
    }
    std::vector<std::string_view> known;
    for (const Kind& kind : kinds) {
        known.push_back(kind.type);
    }
    text.refuse("is {}, which is no layer; choose one of {}", text.json.dump(), join(known));
}

Layer build_layer(Building& building, const Place& place, const Position& position) {
    bool        is_word = place.json.is_string();
    const Kind& kind    = kind_of(is_word || !place.json.is_object() ? place : place.required("type"));
    if (!is_word) {
        Keys keys{"type", "name"};
        keys.insert(keys.end(), kind.keys.begin(), kind.keys.end());
        place.allow(keys, kind.type);
    }
    if (++building.layers > most_layers) {
        place.refuse("the network has more than {} layers with this one; leave some out", most_layers);
    }
    if (!building.names.insert(position.name).second || position.name.size() > 200) {
        place.refuse(
            "its full name, '{}', is that of another layer too or has more than 200 characters; give it another",
            position.name);
    }
    return kind.build(building, place, position);
}

/// The layers of a list one after another, each tried on what the one before gives. Their names begin with `prefix`.
Layer walk(Building& building, const Place& list, const std::string& prefix, Tensor x) {
    std::vector<Layer> layers;
    for (size_t i = 0; i < list.list().size(); ++i) {
        Place    place = list.at(i);
        Position position{prefix + (place.has("name") ? place.at("name").name() : std::to_string(i)), x};
        layers.push_back(build_layer(building, place, position));
        try {
            Pass pass;
            x = layers.back().forward(x, pass);
        } catch (const ShapeError& error) {
            place.refuse("{}; change this layer or those before it", error.what());
        }
        if (x.shape().size() < 1 || x.shape().size() > most_elements) {
            place.refuse("gives {}; change it to give 1 to {} elements an image", x.shape(), most_elements);
        }
    }
    return sequential(std::move(layers));
}

/// Refuses nesting that would overflow the stack, and keys that stand twice in one object, of which a parser keeps
/// either.
class Guard {
 public:
    explicit Guard(std::string_view where) : where_(where) {}

    bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
        using Event = Json::parse_event_t;
        if (depth > most_nesting) {
            fail<DataError>("{}: brackets are nested more than {} deep; no network needs that", where_, most_nesting);
        }
        if (event == Event::object_start) {
            keys_.emplace_back();
        } else if (event == Event::object_end) {
            keys_.pop_back();
        } else if (event == Event::key && !keys_.back().insert(parsed.get<std::string>()).second) {
            fail<DataError>("{}: key {} stands twice in one object; remove one", where_, parsed.dump());
        }
        return true;
    }

 private:
    std::string_view                   where_;
    std::vector<std::set<std::string>> keys_;
};

Json parse(std::string_view text, std::string_view where) {
    if (text.size() > most_description) {
        fail<DataError>("{}: has {} bytes; a description may have {}", where, text.size(), most_description);
    }
    try {
        return Json::parse(
            text, [guard = std::make_shared<Guard>(where)](int depth, Json::parse_event_t event, Json& parsed) {
                return (*guard)(depth, event, parsed);
            });
    } catch (const Json::exception& error) {
        fail<DataError>("{}: is no JSON; correct it there: {}", where, error.what());
    }
}

Shape image_of(const Place& image) {
    if (image.list().size() != 3) {
        image.refuse("has {} numbers; give 3: channels, height, width", image.json.size());
    }
    int64_t c = image.at(0).integer(1, most_channels), h = image.at(1).integer(1), w = image.at(2).integer(1);
    if (c * h * w > most_elements) {
        image.refuse("an image has more than {} elements; make it smaller", most_elements);
    }
    return {c, h, w};
}

std::vector<float> per_channel(const Place& network, const char* key, int64_t channels, float otherwise) {
    if (!network.has(key)) {
        return std::vector<float>(static_cast<size_t>(channels), otherwise);
    }
    Place              place = network.at(key);
    std::vector<float> values;
    for (size_t i = 0; i < place.list().size(); ++i) {
        values.push_back(place.at(i).number());
    }
    if (static_cast<int64_t>(values.size()) != channels) {
        place.refuse("has {} numbers; give one for each of the {} channels", values.size(), channels);
    }
    return values;
}

}  // namespace

Model build_described(std::string_view text, uint64_t seed, std::string_view where) {
    const Json  json = parse(text, where);
    const Place network{where, "", json};
    if (!json.is_object()) {
        network.refuse("is no object; begin with {{\"image\": [..], \"layers\": [..]}}");
    }
    network.allow({"name", "image", "mean", "std", "layers"}, "a network");

    Model model;
    model.name      = network.has("name") ? network.at("name").name() : "described";
    model.source    = json.dump();
    model.image     = image_of(network.required("image"));
    model.mean      = per_channel(network, "mean", model.image[0], 0);
    model.deviation = per_channel(network, "std", model.image[0], 1);
    if (std::ranges::any_of(model.deviation, [](float each) { return !(each > 0); })) {
        network.at("std").refuse("holds a number that is not above 0; give the standard deviation of each channel");
    }
    if (model.source.size() > most_description) {
        fail<DataError>("{}: has {} bytes without blanks; a description may have {}", where, model.source.size(),
                        most_description);
    }

    Building building{.seed = seed};
    Tensor   images = input("images", {1, model.image[0], model.image[1], model.image[2]});
    model.network   = walk(building, network.required("layers"), "", images);
    Pass   pass;
    Tensor logits = model.network.forward(images, pass);
    if (logits.shape().rank() != 2) {
        network.at("layers").refuse(
            "the last gives {}, a network gives [N, classes]; end it with flatten or "
            "global_average_pool and linear",
            logits.shape());
    }
    if (model.parameters().empty()) {
        network.at("layers").refuse("none has parameters; add one that can be trained");
    }
    model.classes = logits.shape()[1];
    return model;
}

}  // namespace hemp
