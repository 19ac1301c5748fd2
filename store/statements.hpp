#pragma once

#include <string>
#include <utility>
#include <vector>

#include "store/connection.hpp"

namespace ghoard::store {

/// ?1 resource key, ?2 fingerprint; columns as for read_entry. Four look-ups by key. The reader runs it, too.
[[nodiscard]] const std::string& find_sql();

/// entries, bytes, grants.
inline constexpr const char* totals_sql = "SELECT entries, bytes, grants FROM total WHERE id = 1";

/// Each of `statements` with its SQL.
[[nodiscard]] std::vector<std::pair<Statement*, std::string>> writer_statements(Statements& statements);

}  // namespace ghoard::store
