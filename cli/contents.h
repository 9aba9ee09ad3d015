#pragma once

#include "cli/output.h"
#include "hemp/file.h"

namespace hemp {

/// What a file holds, tensor by tensor, with the entropies of its symbols (none where it has too few for that), and
/// what pruning, quantization and coding each saved.
Json contents_of(const HempFile& file, const FileSummary& summary);

/// The same as tables.
void print_contents(const Json& contents);

}  // namespace hemp
