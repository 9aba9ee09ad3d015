#pragma once
// The safetensors format (huggingface/safetensors, README.md): an 8-byte header length, a JSON header, the tensors.

#include "core/array.h"
#include "core/file/file.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hemp {

struct NamedArray {
    std::string name;
    Array       values;
};

using Metadata = std::map<std::string, std::string>;

struct Safetensors {
    std::vector<NamedArray> arrays;  ///< in the order in which their values lie in the file
    Metadata                metadata;

    /// Null if there is none of that name.
    const Array* find(std::string_view name) const;
    Array*       find(std::string_view name) { return const_cast<Array*>(std::as_const(*this).find(name)); }
};

/// Arrays and metadata in the bytes of a safetensors file; `where` names the file in errors.
/// F64, F32, F16 and BF16 become f32; I32, I16, U16 and I8 become i32; I64 and U32 become i64; U8 and BOOL become u8.
/// The arrays take at most 4 times the file's size.
///   throws    DataError unless the header is well-formed (at most 100 MB, 65,536 tensors, 8 axes, nesting of 4, no key
///             twice) and the tensors lie in the file without gap or overlap, each with its shape's number of bytes
Safetensors parse_safetensors(std::span<const std::byte> bytes, const std::string& where);

/// A safetensors file with these arrays, those of wide elements first so that all are aligned.
///   throws    Error if two arrays have the same name
Bytes format_safetensors(const Safetensors& content);

/// Throws as read_file and parse_safetensors.
Safetensors read_safetensors(const std::filesystem::path& path, size_t max_bytes);

/// A tensor whose values lie wherever they are, type.bytes() bytes of them.
struct NamedBytes {
    std::string                name;
    Type                       type;
    std::span<const std::byte> values;
};

/// As format_safetensors to a file, without a copy of the values.
///   throws    as write_file_atomically and format_safetensors
void write_safetensors(const std::filesystem::path& path, std::vector<NamedBytes> tensors, const Metadata& metadata);

}  // namespace hemp
