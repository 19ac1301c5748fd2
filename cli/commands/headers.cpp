#include "core/base/version.hpp"
