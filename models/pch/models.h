// Compiled once for the whole folder: these headers take longer to read than most files to compile.
#include "models/model.h"
