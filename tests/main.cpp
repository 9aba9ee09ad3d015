// The header was read before (pch/tests.h): only IMPLEMENT makes it go on to what it implements.
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
