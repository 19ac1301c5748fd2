#include "store/sqlite_store.hpp"
