#include "core/file/safetensors.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <set>

namespace hemp {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as the file has them: little-endian");

using Json = nlohmann::json;

constexpr size_t  length_bytes   = 8;
constexpr size_t  max_header     = 100'000'000;
constexpr size_t  max_tensors    = 65'536;
constexpr size_t  max_parts      = 32 * max_tensors;  // of JSON: brackets, keys, values
constexpr int     max_nesting    = 4;
constexpr int64_t max_elements   = int64_t{1} << 40;
constexpr char    metadata_key[] = "__metadata__";

float from_half(uint16_t half) {
    uint32_t sign     = static_cast<uint32_t>(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1f;
    uint32_t fraction = half & 0x3ff;
    if (exponent == 0) {
        float magnitude = static_cast<float>(fraction) * 0x1p-24f;
        return sign == 0 ? magnitude : -magnitude;
    }
    uint32_t wide_exponent = exponent == 31 ? 255 : exponent + 127 - 15;
    return std::bit_cast<float>(sign | wide_exponent << 23 | fraction << 13);
}

float from_bfloat(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint8_t from_bool(uint8_t value) { return value != 0; }

template <class To, class From>
To widen(From value) {
    return static_cast<To>(value);
}

template <class From, class To, To (*convert)(From)>
void convert_all(const std::byte* from, Array& array) {
    for (To& to : array.values<To>()) {
        From value;
        std::memcpy(&value, from, sizeof value);
        to = convert(value);
        from += sizeof value;
    }
}

void copy_all(const std::byte* from, Array& array) { std::memcpy(array.memory(), from, array.bytes()); }

struct ElementType {
    std::string_view name;
    size_t           bytes;
    DType            dtype;
    void (*convert)(const std::byte* from, Array& array);
};

constexpr ElementType element_types[] = {
    {"F64", 8, DType::f32, convert_all<double, float, widen>},
    {"F32", 4, DType::f32, copy_all},
    {"F16", 2, DType::f32, convert_all<uint16_t, float, from_half>},
    {"BF16", 2, DType::f32, convert_all<uint16_t, float, from_bfloat>},
    {"I64", 8, DType::i64, copy_all},
    {"U32", 4, DType::i64, convert_all<uint32_t, int64_t, widen>},
    {"I32", 4, DType::i32, copy_all},
    {"I16", 2, DType::i32, convert_all<int16_t, int32_t, widen>},
    {"U16", 2, DType::i32, convert_all<uint16_t, int32_t, widen>},
    {"I8", 1, DType::i32, convert_all<int8_t, int32_t, widen>},
    {"U8", 1, DType::u8, copy_all},
    {"BOOL", 1, DType::u8, convert_all<uint8_t, uint8_t, from_bool>},
};

std::string_view written_name(DType dtype) {
    for (const ElementType& type : element_types) {
        if (type.dtype == dtype && type.convert == copy_all) {
            return type.name;
        }
    }
    return {};
}

/// Walks through a header before any of it is kept: refuses deep nesting, keys that appear twice (parsers differ in
/// which one they take), and headers that would take much memory.
class HeaderCheck : public nlohmann::json_sax<Json> {
 public:
    std::string problem;  ///< why the walk ended early

    bool null() override { return count(); }
    bool boolean(bool) override { return count(); }
    bool number_integer(number_integer_t) override { return count(); }
    bool number_unsigned(number_unsigned_t) override { return count(); }
    bool number_float(number_float_t, const string_t&) override { return count(); }
    bool string(string_t&) override { return count(); }
    bool binary(binary_t&) override { return count(); }
    bool start_object(size_t) override { return open(); }
    bool start_array(size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        return count() && (keys_.back().insert(name).second || stop("has the key \"" + name + "\" twice"));
    }
    bool parse_error(size_t position, const std::string&, const Json::exception&) override {
        return stop(fmt::format("is no valid JSON at byte {}", length_bytes + position - 1));
    }

 private:
    bool stop(std::string why) {
        problem = std::move(why);
        return false;
    }
    bool count() { return ++parts_ <= max_parts || stop(fmt::format("has more than {} keys and values", max_parts)); }
    bool open() {
        keys_.emplace_back();
        return count() && (keys_.size() <= max_nesting || stop(fmt::format("is nested deeper than {}", max_nesting)));
    }
    bool close() {
        keys_.pop_back();
        return true;
    }

    std::vector<std::set<std::string>> keys_;  // of each object (or array, which has none) that is open
    size_t                             parts_ = 0;
};

/// A tensor as the header describes it.
struct Entry {
    std::string        name;
    const ElementType* type;
    Shape              shape;
    size_t             begin;
    size_t             end;
};

class Parser {
 public:
    Parser(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

    Safetensors parse() {
        Json               header = parse_header();
        Safetensors        content;
        std::vector<Entry> entries;
        for (const auto& [name, value] : header.items()) {
            if (name == metadata_key) {
                content.metadata = metadata(value);
            } else {
                entries.push_back(entry(name, value));
            }
        }
        if (entries.size() > max_tensors) {
            refuse("the header has {} tensors, at most {} are supported", entries.size(), max_tensors);
        }
        check_tiling(entries);
        for (const Entry& entry : entries) {
            Array array = Array::unset({entry.shape, entry.type->dtype});
            entry.type->convert(bytes_.data() + data_ + entry.begin, array);
            content.arrays.push_back({entry.name, std::move(array)});
        }
        return content;
    }

 private:
    template <class... Arguments>
    [[noreturn]] void refuse(fmt::format_string<Arguments...> message, Arguments&&... arguments) const {
        fail<DataError>("{}: {}; get the file again or write it anew", where_,
                        fmt::format(message, std::forward<Arguments>(arguments)...));
    }

    Json parse_header() {
        uint64_t length = 0;
        if (bytes_.size() < length_bytes) {
            refuse("has {} bytes, fewer than the length of its header takes", bytes_.size());
        }
        std::memcpy(&length, bytes_.data(), length_bytes);
        if (length > max_header) {
            refuse("bytes 0 to 7 give the header {} bytes, at most {} are allowed", length, max_header);
        }
        if (length > bytes_.size() - length_bytes) {
            refuse("bytes 0 to 7 give the header {} bytes, but only {} follow", length, bytes_.size() - length_bytes);
        }
        data_ = length_bytes + length;
        std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + length_bytes, length);
        if (!text.starts_with('{')) {
            refuse("the header at byte {} does not begin with {{; this is no safetensors file", length_bytes);
        }
        return parse_json(text);
    }

    Json parse_json(std::string_view text) const {
        HeaderCheck check;
        if (!Json::sax_parse(text, &check)) {
            refuse("the header {}", check.problem);
        }
        return Json::parse(text);
    }

    std::map<std::string, std::string> metadata(const Json& value) const {
        std::map<std::string, std::string> result;
        if (!value.is_object()) {
            refuse("{} is no object", metadata_key);
        }
        for (const auto& [name, text] : value.items()) {
            if (!text.is_string()) {
                refuse("{}: the value of \"{}\" is no string", metadata_key, name);
            }
            result[name] = text.get<std::string>();
        }
        return result;
    }

    Entry entry(const std::string& name, const Json& value) const {
        if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string()) {
            refuse("tensor \"{}\" has no dtype", name);
        }
        auto               dtype = value["dtype"].get<std::string>();
        const ElementType* type  = std::find_if(std::begin(element_types), std::end(element_types),
                                                [&](const ElementType& known) { return known.name == dtype; });
        if (type == std::end(element_types)) {
            refuse("tensor \"{}\" has the unsupported dtype \"{}\"", name, dtype);
        }
        std::vector<uint64_t> lengths = integers(name, value, "shape");
        std::vector<uint64_t> range   = integers(name, value, "data_offsets");
        if (range.size() != 2 || range[0] > range[1] || range[1] > bytes_.size() - data_) {
            refuse("tensor \"{}\": data_offsets are no range within the {} bytes of data from byte {} on", name,
                   bytes_.size() - data_, data_);
        }
        Shape    shape    = checked_shape(name, lengths);
        uint64_t expected = static_cast<uint64_t>(shape.size()) * type->bytes;
        if (range[1] - range[0] != expected) {
            refuse("tensor \"{}\" of shape {} and dtype {} needs {} bytes, but has {} from byte {} on", name, shape,
                   dtype, expected, range[1] - range[0], data_ + range[0]);
        }
        return {name, type, shape, range[0], range[1]};
    }

    std::vector<uint64_t> integers(const std::string& name, const Json& value, const char* key) const {
        std::vector<uint64_t> result;
        if (!value.contains(key) || !value[key].is_array()) {
            refuse("tensor \"{}\" has no {}", name, key);
        }
        for (const Json& number : value[key]) {
            if (!number.is_number_unsigned()) {
                refuse("tensor \"{}\": {} has a value that is no integer from 0 to 2^64 - 1", name, key);
            }
            result.push_back(number.get<uint64_t>());
        }
        return result;
    }

    /// Bounds the product before it is formed.
    Shape checked_shape(const std::string& name, const std::vector<uint64_t>& lengths) const {
        if (lengths.size() > Shape::max_rank) {
            refuse("tensor \"{}\" has {} axes, at most {} are supported", name, lengths.size(), Shape::max_rank);
        }
        uint64_t             size = 1;
        std::vector<int64_t> checked;
        for (uint64_t length : lengths) {
            if (length > max_elements || (length > 0 && size > max_elements / length)) {
                refuse("tensor \"{}\" has more than 2^40 elements", name);
            }
            size *= length;
            checked.push_back(static_cast<int64_t>(length));
        }
        return Shape(checked);
    }

    /// Sorts the tensors as they lie in the file. Neither gap nor overlap: no byte can mean two things or be hidden.
    void check_tiling(std::vector<Entry>& entries) const {
        std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
            return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
        });
        size_t expected = 0;
        for (const Entry& entry : entries) {
            if (entry.begin != expected) {
                refuse("tensor \"{}\" begins at byte {}, expected {}: tensors have a gap or overlap", entry.name,
                       data_ + entry.begin, data_ + expected);
            }
            expected = entry.end;
        }
        if (data_ + expected != bytes_.size()) {
            refuse("{} bytes from byte {} on belong to no tensor", bytes_.size() - data_ - expected, data_ + expected);
        }
    }

    std::span<const std::byte> bytes_;
    const std::string&         where_;
    size_t                     data_ = 0;  // where the values begin
};

std::string text_of(const Json& header) {
    try {
        return header.dump();
    } catch (const Json::type_error&) {
        fail("safetensors: a name or metadata is no valid UTF-8; rename it");
    }
}

/// Wide elements first, so that all are aligned.
void order(std::vector<NamedBytes>& tensors) {
    std::stable_sort(tensors.begin(), tensors.end(), [](const NamedBytes& a, const NamedBytes& b) {
        return bytes_of(a.type.dtype) > bytes_of(b.type.dtype);
    });
}

/// What comes before the values: the length and the JSON.
Bytes format_header(const std::vector<NamedBytes>& tensors, const Metadata& metadata) {
    Json   header = Json::object();
    size_t size   = 0;
    if (!metadata.empty()) {
        header[metadata_key] = metadata;
    }
    for (const NamedBytes& tensor : tensors) {
        if (tensor.name == metadata_key || header.contains(tensor.name)) {
            fail("safetensors: two tensors are named \"{}\"; give each its own name", tensor.name);
        }
        header[tensor.name] = {{"dtype", written_name(tensor.type.dtype)},
                               {"shape", tensor.type.shape.lengths()},
                               {"data_offsets", {size, size + tensor.values.size()}}};
        size += tensor.values.size();
    }
    std::string text = text_of(header);
    text.resize((text.size() + 7) / 8 * 8, ' ');

    uint64_t length = text.size();
    Bytes    bytes(length_bytes + text.size());
    std::memcpy(bytes.data(), &length, length_bytes);
    std::memcpy(bytes.data() + length_bytes, text.data(), text.size());
    return bytes;
}

}  // namespace

const Array* Safetensors::find(std::string_view name) const {
    auto found =
        std::find_if(arrays.begin(), arrays.end(), [&](const NamedArray& array) { return array.name == name; });
    return found == arrays.end() ? nullptr : &found->values;
}

Safetensors parse_safetensors(std::span<const std::byte> bytes, const std::string& where) {
    return Parser(bytes, where).parse();
}

Bytes format_safetensors(const Safetensors& content) {
    std::vector<NamedBytes> tensors;
    size_t                  size = 0;
    for (const auto& [name, array] : content.arrays) {
        tensors.push_back({name, array.type(), {static_cast<const std::byte*>(array.memory()), array.bytes()}});
        size += array.bytes();
    }
    order(tensors);
    Bytes bytes = format_header(tensors, content.metadata);
    bytes.reserve(bytes.size() + size);
    for (const NamedBytes& tensor : tensors) {
        bytes.insert(bytes.end(), tensor.values.begin(), tensor.values.end());
    }
    return bytes;
}

Safetensors read_safetensors(const std::filesystem::path& path, size_t max_bytes) {
    return parse_safetensors(read_file(path, max_bytes), path.string());
}

void write_safetensors(const std::filesystem::path& path, std::vector<NamedBytes> tensors, const Metadata& metadata) {
    order(tensors);
    Bytes                                   header = format_header(tensors, metadata);
    std::vector<std::span<const std::byte>> pieces{header};
    for (const NamedBytes& tensor : tensors) {
        pieces.push_back(tensor.values);
    }
    write_file_atomically(path, pieces);
}

}  // namespace hemp
