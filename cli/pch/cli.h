// Compiled once for all commands: these headers take longer to read than most commands to compile.
#include "cli/output.h"
#include "cli/recipe.h"
#include "core/operator.h"

#include <algorithm>
