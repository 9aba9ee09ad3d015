// Compiled once for the whole folder: these headers take longer to read than most files to compile.
#include "core/operator.h"

#include <algorithm>
#include <cmath>
