#include "cli/api/output.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <unistd.h>

namespace ghoard::api {

namespace {

constexpr std::size_t buffer_size = 64 * 1024;

// Fields between the agent and this command, and gh's own exception.
bool is_hidden(std::string_view name) {
  constexpr std::array<std::string_view, 7> hidden{"Connection", "Keep-Alive",   "Transfer-Encoding", "Trailer",
                                                   "Status",     "Ghoard-Agent", "Ghoard-Token"};
  return std::any_of(hidden.begin(), hidden.end(), [&](std::string_view field) { return http::iequals(field, name); });
}

}  // namespace

Terminal decide_terminal(const settings::Environment& environment, bool stdout_is_terminal) {
  const bool disabled = environment("NO_COLOR").has_value() || environment("CLICOLOR") == "0";
  if (environment("GH_FORCE_TTY")) {
    return {true, !disabled};
  }
  const std::optional<std::string> forced = environment("CLICOLOR_FORCE");
  return {stdout_is_terminal, (forced && *forced != "0") || (!disabled && stdout_is_terminal)};
}

// The only error without a message.
base::Error reader_gone() {
  return {base::ErrorCode::unavailable, {}};
}

bool is_reader_gone(const base::Error& error) {
  return error.code == base::ErrorCode::unavailable && error.message.empty();
}

base::Result<void> Output::write(std::string_view bytes) {
  if (m_buffer.size() + bytes.size() < buffer_size) {
    m_buffer += bytes;
    return {};
  }
  const base::Result<void> flushed = flush();
  return flushed && !bytes.empty() ? write_now(bytes) : flushed;
}

base::Result<void> Output::flush() {
  const base::Result<void> written = write_now(m_buffer);
  m_buffer.clear();
  return written;
}

base::Result<void> Output::write_now(std::string_view bytes) {
  if (!bytes.empty() && m_before_write) {
    m_before_write();
  }
  while (!bytes.empty()) {
    const ssize_t count = ::write(m_descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EPIPE) {
      return tl::unexpected(reader_gone());
    }
    if (count < 0 && errno != EINTR) {
      return base::fail(base::ErrorCode::system, std::string("cannot write the output: ") + std::strerror(errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return {};
}

std::string canonical_name(std::string_view name) {
  std::string canonical = http::to_lower(name);
  bool start = true;
  for (char& c : canonical) {
    c = start && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    start = c == '-';
  }
  return canonical;
}

std::string format_head(int status, std::string_view reason, const http::Headers& headers, bool colour) {
  std::map<std::string, std::string> fields;
  for (const http::Header& header : headers) {
    if (is_hidden(header.name)) {
      continue;
    }
    const auto [entry, fresh] = fields.try_emplace(canonical_name(header.name), header.value);
    if (!fresh) {
      entry->second += ", " + header.value;
    }
  }
  std::string head = "HTTP/1.1 " + std::to_string(status);
  head += reason.empty() ? "" : " ";
  head += reason;
  head += '\n';
  for (const auto& [name, value] : fields) {
    head += colour ? "\x1b[1;34m" : "";
    head += name;
    head += colour ? "\x1b[m: " : ": ";
    head += value;
    head += "\r\n";
  }
  return head + "\r\n";
}

bool is_json_type(std::string_view content_type) {
  for (std::size_t at = content_type.find("json"); at != std::string_view::npos;
       at = content_type.find("json", at + 1)) {
    const bool before = at > 0 && (content_type[at - 1] == '/' || content_type[at - 1] == '+');
    const std::string_view after = content_type.substr(at + 4);
    if (before && (after.empty() || after[0] == ';')) {
      return true;
    }
  }
  return false;
}

}  // namespace ghoard::api
