#include "cli/settings/settings.hpp"
