#include "hemp/header.h"

#include "models/description.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <unordered_set>

namespace hemp {
namespace {

enum Flag : uint8_t { lists_tensors = 1, lists_shapes = 2, has_normalisation = 4, has_classes = 8, all_flags = 15 };

constexpr std::array<uint8_t, 4> magic{'H', 'E', 'M', 'P'};
constexpr uint8_t                no_model        = 0;
constexpr uint8_t                described_model = 254;
constexpr uint8_t                named_model     = 255;
constexpr uint8_t                part_begins     = 64;  // beside the kind of a quantizer

// By number, from 1.
constexpr std::array<std::string_view, 19> numbered_models{
    "lenet300",          "lenet5",         "resnet20",       "resnet32",    "resnet44",
    "resnet56",          "resnet110",      "resnet18",       "resnet34",    "resnet50",
    "resnet18-cifar",    "resnet34-cifar", "resnet50-cifar", "vgg16-cifar", "vgg16",
    "mobilenetv2-cifar", "mobilenetv2",    "alexnet-cifar",  "alexnet"};

uint8_t number_of(std::string_view model) {
    if (is_description(model)) {
        return described_model;
    }
    auto found = std::find(numbered_models.begin(), numbered_models.end(), model);
    return found == numbered_models.end() ? named_model : static_cast<uint8_t>(found - numbered_models.begin() + 1);
}

/// Bytes of a short float that are not zero at its end: 0 for +0.
int short_length(float value) {
    uint32_t bits   = std::bit_cast<uint32_t>(value);
    int      length = 4;
    while (length > 0 && (bits & 0xFF) == 0) {
        bits >>= 8;
        --length;
    }
    return length;
}

/// The floats that an entry of this kind stores.
std::vector<float> stored_floats(const QuantizerEntry& entry) {
    switch (entry.kind) {
        case QuantizerKind::zeros: return {};
        case QuantizerKind::uniform:
        case QuantizerKind::progression: return {entry.step};
        case QuantizerKind::symmetric:
            return {entry.levels.end() - static_cast<std::ptrdiff_t>(entry.levels.size() / 2), entry.levels.end()};
        case QuantizerKind::levels: return entry.levels;
    }
    return {};
}

class Writer {
 public:
    std::vector<std::byte> bytes;

    void u8(uint64_t value) { bytes.push_back(static_cast<std::byte>(value)); }
    void u32(uint32_t value) {
        for (int i = 0; i < 4; ++i) {
            u8(value >> (8 * i) & 0xFF);
        }
    }
    void f32(float value) { u32(std::bit_cast<uint32_t>(value)); }
    void count(uint64_t value) {
        for (; value >= 0x80; value >>= 7) {
            u8((value & 0x7F) | 0x80);
        }
        u8(value);
    }
    void signed_count(int64_t value) {
        count(value >= 0 ? 2 * static_cast<uint64_t>(value) : 2 * static_cast<uint64_t>(-(value + 1)) + 1);
    }
    void text(const std::string& value) {
        u8(value.size());
        bytes_of(value);
    }
    void bytes_of(const std::string& value) {
        for (char character : value) {
            u8(static_cast<uint8_t>(character));
        }
    }
    void short_float(float value, int length) {
        uint32_t bits = std::bit_cast<uint32_t>(value);
        for (int i = 0; i < length; ++i) {
            u8(bits >> (24 - 8 * i) & 0xFF);
        }
    }
};

/// Goes through the bytes in order; each read says what it is for, tests the bounds, and names the place when it fails.
class Reader {
 public:
    Reader(std::span<const std::byte> bytes, std::string_view file) : bytes_(bytes), file_(file) {}

    const char* section = "magic";

    size_t offset() const { return offset_; }
    size_t left() const { return bytes_.size() - offset_; }

    template <class... Arguments>
    [[noreturn]] void damaged(size_t at, fmt::format_string<Arguments...> what, Arguments&&... arguments) const {
        fail<DataError>("{}: {} at byte {}: {}; the file is damaged, get it again", file_, section, at,
                        fmt::format(what, std::forward<Arguments>(arguments)...));
    }

    template <class... Arguments>
    [[noreturn]] void newer(size_t at, fmt::format_string<Arguments...> what, Arguments&&... arguments) const {
        fail<NewerFileError>(
            "{}: {} at byte {}: {}; it may come from a newer program (then update this one) or be damaged", file_,
            section, at, fmt::format(what, std::forward<Arguments>(arguments)...));
    }

    /// `number` more things of at least `size` bytes each must fit into what remains.
    void must_fit(size_t at, uint64_t number, uint64_t size, const char* what) const {
        if (number > left() / size) {
            damaged(at, "{} {} need {} bytes or more, {} remain", number, what, number * size, left());
        }
    }

    uint8_t u8(const char* what) {
        if (left() < 1) {
            damaged(offset_, "the file ends where {} should be", what);
        }
        return static_cast<uint8_t>(bytes_[offset_++]);
    }

    uint32_t u32(const char* what) {
        if (left() < 4) {
            damaged(offset_, "{} needs 4 bytes, {} remain", what, left());
        }
        uint32_t value = 0;
        for (int i = 0; i < 4; ++i) {
            value |= static_cast<uint32_t>(u8(what)) << (8 * i);
        }
        return value;
    }

    float f32(const char* what) {
        size_t at    = offset_;
        float  value = std::bit_cast<float>(u32(what));
        if (!std::isfinite(value)) {
            damaged(at, "{} is not finite", what);
        }
        return value;
    }

    /// In [least, most].
    uint64_t count(const char* what, uint64_t least, uint64_t most) {
        size_t   at    = offset_;
        uint64_t value = 0;
        for (int i = 0;; ++i) {
            if (i == 6) {
                damaged(at, "{} is an integer of more than 6 bytes", what);
            }
            uint64_t byte = u8(what);
            value |= (byte & 0x7F) << (7 * i);
            if (byte < 0x80) {
                if (byte == 0 && i > 0) {
                    damaged(at, "{} is an integer with a needless last byte", what);
                }
                break;
            }
        }
        if (value < least || value > most) {
            damaged(at, "{} is {}, allowed are {} to {}", what, value, least, most);
        }
        return value;
    }

    int64_t signed_count(const char* what, int64_t most) {
        uint64_t value = count(what, 0, 2 * static_cast<uint64_t>(most));
        return value % 2 == 0 ? static_cast<int64_t>(value / 2) : -static_cast<int64_t>(value / 2) - 1;
    }

    std::string text(const char* what) {
        size_t at = offset_;
        return text(what, at, u8(what));
    }

    /// The next `length` bytes.
    std::string text(const char* what, size_t at, size_t length) {
        if (length > left()) {
            damaged(at, "{} has {} bytes, {} remain", what, length, left());
        }
        std::string value(reinterpret_cast<const char*>(bytes_.data() + offset_), length);
        if (!is_printable_utf8(value)) {
            damaged(at, "{} is not printable UTF-8", what);
        }
        offset_ += length;
        return value;
    }

    float short_float(const char* what, int length) {
        size_t   at   = offset_;
        uint32_t bits = 0;
        for (int i = 0; i < length; ++i) {
            bits |= static_cast<uint32_t>(u8(what)) << (24 - 8 * i);
        }
        float value = std::bit_cast<float>(bits);
        if (!std::isfinite(value)) {
            damaged(at, "{} is not finite", what);
        }
        return value;
    }

    Shape shape() {
        size_t  at   = offset_;
        uint8_t rank = u8("a rank");
        if (rank > Shape::max_rank) {
            damaged(at, "a tensor has {} axes, allowed are 0 to {}", rank, Shape::max_rank);
        }
        std::vector<int64_t> lengths;
        uint64_t             elements = 1;
        for (int axis = 0; axis < rank; ++axis) {
            uint64_t length = count("the length of an axis", 1, most_elements);
            if (length > most_elements / elements) {
                damaged(at, "a tensor has more than 2^31 elements");
            }
            elements *= length;
            lengths.push_back(static_cast<int64_t>(length));
        }
        return Shape(lengths);
    }

 private:
    std::span<const std::byte> bytes_;
    std::string_view           file_;
    size_t                     offset_ = 0;
};

/// Steps of the last tensors, of those that are matrices and of the others: usually all of a network's weights share
/// one.
struct LastSteps {
    float matrix = 0;
    float other  = 0;

    float& of(const TensorEntry& tensor) { return tensor.shape.rank() >= 2 ? matrix : other; }
};

void write_entry(Writer& out, const TensorEntry& tensor, float& last_step) {
    const QuantizerEntry& entry    = tensor.quantizer;
    std::vector<float>    floats   = stored_floats(entry);
    bool                  has_step = entry.kind == QuantizerKind::uniform || entry.kind == QuantizerKind::progression;
    int                   length   = entry.kind == QuantizerKind::zeros || has_step ? 0 : 1;
    for (float value : floats) {
        length = std::max(length, short_length(value));
    }
    if (has_step && entry.step == last_step) {
        length = 0;
    }
    out.u8(static_cast<uint64_t>(entry.kind) | static_cast<uint64_t>(length) << 3 |
           (tensor.begins_part ? part_begins : 0));
    if (entry.kind == QuantizerKind::zeros) {
        return;
    }
    if (has_step) {
        last_step = entry.step;
        out.short_float(entry.step, length);
        if (entry.kind == QuantizerKind::progression) {
            out.signed_count(entry.first);
            out.count(static_cast<uint64_t>(entry.gap));
            out.u8(entry.levels.size() - 1);
        }
    } else {
        out.u8(entry.levels.size() - 1);
        for (float value : floats) {
            out.short_float(value, length);
        }
    }
    out.count(tensor.code_bytes);
}

void read_step(Reader& in, size_t at, int length, float& step, float& last_step) {
    step = length == 0 ? last_step : in.short_float("a step", length);
    if (length == 0 && last_step == 0) {
        in.damaged(at, "a tensor takes the step of the one before, but there is none");
    }
    if (!(step > 0)) {
        in.damaged(at, "the step is {}, it must be above 0", step);
    }
    if (length > 0 && (short_length(step) != length || step == last_step)) {
        in.damaged(at, "a step is not written in its shortest form");
    }
    last_step = step;
}

void read_levels(Reader& in, size_t at, int length, QuantizerEntry& entry) {
    bool symmetric = entry.kind == QuantizerKind::symmetric;
    if (length == 0) {
        in.damaged(at, "levels have 0 bytes each");
    }
    size_t levels = size_t{in.u8("the number of levels")} + 1;
    if (symmetric && levels < 2) {
        in.damaged(at, "a symmetric quantizer has 1 level, it needs 2 or more");
    }
    std::vector<float> floats;
    int                longest = 1;
    for (size_t i = 0; i < (symmetric ? levels / 2 : levels); ++i) {
        float value = in.short_float("a level", length);
        longest     = std::max(longest, short_length(value));
        if (symmetric ? !(value > (i == 0 ? 0 : floats.back())) : i > 0 && !(value > floats.back())) {
            in.damaged(at, "the levels do not increase");
        }
        floats.push_back(value);
    }
    if (longest != length) {
        in.damaged(at, "levels are not written in their shortest form");
    }
    if (symmetric) {
        for (size_t i = floats.size(); i-- > 0;) {
            entry.levels.push_back(-floats[i]);
        }
        if (levels % 2 == 1) {
            entry.levels.push_back(0);
        }
    }
    entry.levels.insert(entry.levels.end(), floats.begin(), floats.end());
}

void read_progression(Reader& in, size_t at, QuantizerEntry& entry) {
    entry.first    = in.signed_count("the first level", most_factor);
    entry.gap      = static_cast<int64_t>(in.count("the gap between levels", 1, 2 * most_factor));
    size_t  levels = size_t{in.u8("the number of levels")} + 1;
    int64_t last   = entry.first + entry.gap * static_cast<int64_t>(levels - 1);
    if (levels < 2 || last > most_factor) {
        in.damaged(at, "{} levels end at {} steps, allowed are 2 levels or more up to 2^24 steps", levels, last);
    }
    for (size_t i = 0; i < levels; ++i) {
        float level = static_cast<float>(entry.first + entry.gap * static_cast<int64_t>(i)) * entry.step;
        if (!std::isfinite(level) || (i > 0 && !(level > entry.levels.back()))) {
            in.damaged(at, "the levels of a progression are not finite or do not increase");
        }
        entry.levels.push_back(level);
    }
}

void read_entry(Reader& in, TensorEntry& tensor, float& last_step) {
    size_t          at         = in.offset();
    uint8_t         descriptor = in.u8("a quantizer");
    uint8_t         kind       = descriptor & 7;
    int             length     = descriptor >> 3 & 7;
    QuantizerEntry& entry      = tensor.quantizer;
    if (kind > static_cast<uint8_t>(QuantizerKind::levels) || descriptor & ~(part_begins | 63)) {
        in.newer(at, "quantizer {} of tensor {} is unknown", descriptor, tensor.name);
    }
    if (length > 4) {
        in.damaged(at, "short floats have {} bytes, allowed are 0 to 4", length);
    }
    entry.kind         = static_cast<QuantizerKind>(kind);
    tensor.begins_part = (descriptor & part_begins) != 0;
    if (tensor.begins_part && entry.kind == QuantizerKind::zeros) {
        in.damaged(at, "a part begins with a tensor of zeros, which has no code");
    }
    switch (entry.kind) {
        case QuantizerKind::zeros:
            if (length != 0) {
                in.damaged(at, "a tensor of zeros has short floats of {} bytes", length);
            }
            return;
        case QuantizerKind::uniform: read_step(in, at, length, entry.step, last_step); break;
        case QuantizerKind::progression:
            read_step(in, at, length, entry.step, last_step);
            read_progression(in, at, entry);
            break;
        case QuantizerKind::symmetric:
        case QuantizerKind::levels: read_levels(in, at, length, entry); break;
    }
    tensor.code_bytes = in.count("the length of a tensor's code", 0, in.left());
}

void check(bool good, std::string_view what) {
    if (!good) {
        fail<UsageError>("hemp file: {}; see the limits in docs/format.md", what);
    }
}

void check_limits(const Header& header) {
    check(header.tensors.size() >= 1 && header.tensors.size() <= most_tensors, "it needs 1 to 65,536 tensors");
    check(header.mean.size() == header.std.size() && header.mean.size() <= most_channels,
          "normalisation needs as many means as standard deviations, at most 4,096");
    check(header.classes.size() <= most_classes, "more than 65,536 classes");
    check(std::all_of(header.mean.begin(), header.mean.end(), [](float v) { return std::isfinite(v); }),
          "a mean is not finite");
    check(std::all_of(header.std.begin(), header.std.end(), [](float v) { return std::isfinite(v) && v > 0; }),
          "a standard deviation is not finite or not above 0");
    for (const std::string& name : header.classes) {
        check(name.size() <= most_name && is_printable_utf8(name),
              "a class name is not printable UTF-8 of at most 255 bytes");
    }
    std::unordered_set<std::string_view> names;
    for (const TensorEntry& tensor : header.tensors) {
        check(!tensor.name.empty() && tensor.name.size() <= most_name && is_printable_utf8(tensor.name),
              "a tensor's name is not printable UTF-8 of 1 to 255 bytes");
        check(names.insert(tensor.name).second, "two tensors have the same name");
    }
}

enum class Naming { model, own_shapes, own };

Naming naming_of(const Header& header, const ModelSpec* spec) {
    if (spec == nullptr || spec->tensors.size() != header.tensors.size()) {
        return Naming::own;
    }
    Naming naming = Naming::model;
    for (size_t i = 0; i < header.tensors.size(); ++i) {
        if (header.tensors[i].name != spec->tensors[i].first) {
            return Naming::own;
        }
        if (header.tensors[i].shape != spec->tensors[i].second) {
            naming = Naming::own_shapes;
        }
    }
    return naming;
}

}  // namespace

bool is_printable_utf8(std::string_view text) {
    size_t i = 0;
    while (i < text.size()) {
        auto     byte   = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
        uint32_t lead   = byte(i);
        size_t   length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
        if (length == 0 || length > text.size() - i) {
            return false;
        }
        uint32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
        for (size_t j = 1; j < length; ++j) {
            if (byte(i + j) >> 6 != 2) {
                return false;
            }
            code = code << 6 | (byte(i + j) & 0x3F);
        }
        constexpr std::array<uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
        bool                              control   = code < 0x20 || (code >= 0x7F && code < 0xA0);
        bool                              surrogate = code >= 0xD800 && code < 0xE000;
        if (code < least[length] || code > 0x10FFFF || control || surrogate) {
            return false;
        }
        i += length;
    }
    return true;
}

uint32_t crc32_of(std::span<const std::byte> bytes) {
    return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

uint64_t Header::weights() const {
    uint64_t sum = 0;
    for (const TensorEntry& tensor : tensors) {
        sum += static_cast<uint64_t>(tensor.shape.size());
    }
    return sum;
}

uint64_t Header::code_bytes() const {
    uint64_t sum = 0;
    for (const TensorEntry& tensor : tensors) {
        sum += tensor.code_bytes;
    }
    return sum;
}

std::vector<std::byte> write_header(const Header& header, const ModelSpec* spec) {
    check_limits(header);
    Naming naming        = naming_of(header, spec);
    bool   normalisation = spec ? header.mean != spec->mean || header.std != spec->std : !header.mean.empty();
    bool   classes       = spec ? header.classes != spec->classes : !header.classes.empty();

    Writer out;
    for (uint8_t byte : magic) {
        out.u8(byte);
    }
    out.u8(format_version);
    out.u8(format_coder);
    out.u8((naming == Naming::own ? lists_tensors : 0) | (naming == Naming::own_shapes ? lists_shapes : 0) |
           (normalisation ? has_normalisation : 0) | (classes ? has_classes : 0));
    uint8_t number = spec ? number_of(spec->name) : no_model;
    out.u8(number);
    if (number == named_model) {
        check(spec->name.size() <= most_name && is_printable_utf8(spec->name),
              "the model's name is not printable UTF-8");
        out.text(spec->name);
    } else if (number == described_model) {
        check(spec->name.size() <= most_description && is_printable_utf8(spec->name),
              "the model's description is not printable UTF-8 of at most 65,536 bytes");
        out.count(spec->name.size());
        out.bytes_of(spec->name);
    }
    if (normalisation) {
        out.count(header.mean.size());
        for (const auto& values : {header.mean, header.std}) {
            for (float value : values) {
                out.f32(value);
            }
        }
    }
    if (classes) {
        out.count(header.classes.size());
        for (const std::string& name : header.classes) {
            out.text(name);
        }
    }
    if (naming != Naming::model) {
        out.count(header.tensors.size());
        for (const TensorEntry& tensor : header.tensors) {
            if (naming == Naming::own) {
                out.text(tensor.name);
            }
            out.u8(static_cast<uint64_t>(tensor.shape.rank()));
            for (int64_t length : tensor.shape) {
                out.count(static_cast<uint64_t>(length));
            }
        }
    }
    LastSteps last_steps;
    for (const TensorEntry& tensor : header.tensors) {
        write_entry(out, tensor, last_steps.of(tensor));
    }
    check(out.bytes.size() + 4 <= most_header, "the header is longer than 2^24 bytes");
    out.u32(crc32_of(out.bytes));
    return std::move(out.bytes);
}

Header read_header(std::span<const std::byte> bytes, std::string_view file_name, const Registry& registry) {
    Reader in(bytes, file_name);
    Header header;

    for (uint8_t expected : magic) {
        size_t  at   = in.offset();
        uint8_t byte = in.u8("\"HEMP\"");
        if (byte != expected) {
            fail<DataError>(
                "{}: magic at byte {}: found {:#04x}, expected {:#04x}; this is no .hemp file; hemp compress makes one",
                file_name, at, byte, expected);
        }
    }
    in.section      = "header";
    uint8_t version = in.u8("the version");
    if (version != format_version) {
        in.newer(in.offset() - 1, "version {}, this program reads version {}", version, format_version);
    }
    uint8_t coder = in.u8("the coder");
    if (coder != format_coder) {
        in.newer(in.offset() - 1, "coder {}, this program knows coder {}", coder, format_coder);
    }
    size_t  flags_at = in.offset();
    uint8_t flags    = in.u8("the flags");
    if (flags & ~all_flags) {
        in.newer(flags_at, "flags {:#04x} are unknown", flags & ~all_flags);
    }
    if ((flags & lists_tensors) && (flags & lists_shapes)) {
        in.damaged(flags_at, "the flags say both names and shapes alone");
    }

    in.section     = "model";
    size_t  at     = in.offset();
    uint8_t number = in.u8("the model");

    std::shared_ptr<const ModelSpec> spec;
    if (number != no_model) {
        if (number == named_model) {
            header.model = in.text("the model's name");
            if (header.model.empty() || number_of(header.model) != named_model) {
                in.damaged(at, "the model \"{}\" is not written by name", header.model);
            }
        } else if (number == described_model) {
            size_t length = in.count("the length of the description", 1, most_description);
            header.model  = in.text("the description", at, length);
            if (number_of(header.model) != described_model) {
                in.damaged(at, "the description of the model does not begin with '{{'");
            }
        } else if (number <= numbered_models.size()) {
            header.model = numbered_models[number - 1];
        } else {
            in.newer(at, "model number {} is unknown", number);
        }
        try {
            spec = registry ? registry(header.model) : nullptr;
        } catch (const DataError& error) {
            in.newer(at, "{}", error.what());
        }
        if (spec == nullptr) {
            in.newer(at, "the model \"{}\" is unknown", header.model);
        }
        header.mean    = spec->mean;
        header.std     = spec->std;
        header.classes = spec->classes;
    } else if (!(flags & lists_tensors)) {
        in.damaged(at, "there is no model, yet its tensors are not listed");
    }
    header.model_bytes = in.offset() - at;

    in.section = "normalisation";
    at         = in.offset();
    if (flags & has_normalisation) {
        uint64_t channels = in.count("the number of channels", 0, most_channels);
        in.must_fit(at, channels, 8, "channels");
        header.mean.resize(channels);
        header.std.resize(channels);
        for (float& value : header.mean) {
            value = in.f32("a mean");
        }
        for (float& value : header.std) {
            value = in.f32("a standard deviation");
            if (!(value > 0)) {
                in.damaged(in.offset() - 4, "a standard deviation is {}, it must be above 0", value);
            }
        }
    }
    header.input_bytes = in.offset() - at;

    in.section = "classes";
    at         = in.offset();
    if (flags & has_classes) {
        uint64_t classes = in.count("the number of classes", 0, most_classes);
        in.must_fit(at, classes, 1, "classes");
        header.classes.resize(classes);
        for (std::string& name : header.classes) {
            name = in.text("a class");
        }
    }
    header.classes_bytes = in.offset() - at;

    in.section = "tensors";
    at         = in.offset();
    if (flags & (lists_tensors | lists_shapes)) {
        uint64_t tensors = in.count("the number of tensors", 1, most_tensors);
        in.must_fit(at, tensors, flags & lists_tensors ? 3 : 1, "tensors");
        if ((flags & lists_shapes) && tensors != spec->tensors.size()) {
            in.damaged(at, "{} tensors, the model {} has {}", tensors, header.model, spec->tensors.size());
        }
        header.tensors.resize(tensors);
        std::unordered_set<std::string_view> names;
        for (size_t i = 0; i < tensors; ++i) {
            TensorEntry& tensor    = header.tensors[i];
            size_t       tensor_at = in.offset();
            tensor.name            = flags & lists_tensors ? in.text("a tensor's name") : spec->tensors[i].first;
            if (tensor.name.empty() || !names.insert(tensor.name).second) {
                in.damaged(tensor_at, "the tensor's name \"{}\" is empty or there twice", tensor.name);
            }
            tensor.shape      = in.shape();
            tensor.side_bytes = in.offset() - tensor_at;
        }
    } else {
        for (const auto& [name, shape] : spec->tensors) {
            TensorEntry& tensor = header.tensors.emplace_back();
            tensor.name         = name;
            tensor.shape        = shape;
        }
    }
    header.names_bytes = in.offset() - at;

    in.section = "quantizers";
    at         = in.offset();
    LastSteps last_steps;
    bool      coded_before = false;
    for (TensorEntry& tensor : header.tensors) {
        size_t tensor_at = in.offset();
        read_entry(in, tensor, last_steps.of(tensor));
        if (tensor.begins_part && !coded_before) {
            in.damaged(tensor_at, "a part begins with the first tensor that has a code, where one begins anyway");
        }
        coded_before |= tensor.quantizer.kind != QuantizerKind::zeros;
        tensor.side_bytes += in.offset() - tensor_at;
    }
    header.quantizers_bytes = in.offset() - at;

    in.section        = "header check";
    at                = in.offset();
    uint32_t expected = crc32_of(bytes.first(at));
    uint32_t found    = in.u32("the CRC-32");
    if (found != expected) {
        in.damaged(at, "CRC-32 {:#010x}, computed {:#010x}", found, expected);
    }
    header.bytes = in.offset();
    if (header.bytes > most_header) {
        in.damaged(at, "the header has {} bytes, allowed are 2^24", header.bytes);
    }
    return header;
}

}  // namespace hemp
