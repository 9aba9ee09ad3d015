// Compiled once for all tests: this header takes longer to read than most tests.
#include <doctest/doctest.h>

#include "tests/harness.h"
