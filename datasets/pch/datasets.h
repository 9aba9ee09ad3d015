// Compiled once for the whole folder: these headers take longer to read than most files to compile.
#include "core/file/file.h"
#include "datasets/dataset.h"

#include <algorithm>
