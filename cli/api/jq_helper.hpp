#pragma once

#include <string>
#include <string_view>

#include "cli/api/arguments.hpp"
#include "cli/link/program.hpp"
#include "core/base/result.hpp"

namespace ghoard::api {

/// The running `ghoard-jq`, which applies the filter of `-q`. It prints its results on our standard output itself.
/// Move-only owner of the process and the socket to it; the protocol is described in cli/jq/main.cpp.
class JqHelper {
 public:
  /// Starts the helper beside the running binary, and waits until the filter has compiled: a mistake in the filter is
  /// found before anything is sent.
  static base::Result<JqHelper> start(const link::Program& program, const Arguments& arguments);

  JqHelper(JqHelper&& other) noexcept;
  JqHelper& operator=(JqHelper&& other) noexcept;
  JqHelper(const JqHelper&) = delete;
  JqHelper& operator=(const JqHelper&) = delete;
  ~JqHelper();

  /// Filters one JSON document; returns once its results are written, or with `reader_gone()`. The caller's own output
  /// must be flushed before.
  base::Result<void> run(std::string_view document);

 private:
  JqHelper(int socket, int process) : m_socket(socket), m_process(process) {}

  base::Result<void> read_report(int timeout_ms);
  base::Result<void> read_exactly(char* target, std::size_t size, int timeout_ms);
  void stop();

  int m_socket = -1;
  int m_process = -1;
};

}  // namespace ghoard::api
