#pragma once

#include <set>
#include <string>

namespace hemp {

/// The operators of the library that no check_operator of this run has checked so far.
std::set<std::string> operators_without_case();

}  // namespace hemp
