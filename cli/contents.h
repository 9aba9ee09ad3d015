#pragma once

#include "cli/output.h"
#include "hemp/file.h"

namespace hemp {

/// What a file holds, tensor by tensor, with the entropies of its symbols (none where it has too few for that), and
/// what pruning, quantization and coding each saved.
Json contents_of(const HempFile& file, const FileSummary& summary);

/// The same as tables: what each stage saved; a row a tensor, its name, shape and levels being text.
Rows saved_rows(const Json& contents);
Rows tensor_rows(const Json& contents);
void print_contents(const Json& contents);

inline constexpr const char* about_entropies =
    "Entropies are bits a weight; -: too few weights for so many different tuples.";

}  // namespace hemp
