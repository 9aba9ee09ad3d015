// Compiled once for all tests: these headers take longer to read than most tests.
#include <doctest/doctest.h>

#include "core/operator.h"
#include "core/run/program.h"
#include "tests/folder.h"
#include "tests/harness.h"

#include <algorithm>
#include <cmath>
#include <fstream>
