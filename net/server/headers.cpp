#include "net/server/server.hpp"
