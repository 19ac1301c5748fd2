#pragma once

#include <optional>
#include <string>

#include "cli/api/arguments.hpp"
#include "cli/api/endpoint.hpp"
#include "cli/api/placeholders.hpp"
#include "cli/api/repository.hpp"
#include "cli/api/value.hpp"
#include "cli/link/link.hpp"

namespace ghoard::api {

/// Owner of the descriptor that `--input` names; standard input is borrowed.
class InputFile {
 public:
  InputFile() = default;
  static base::Result<InputFile> open(const std::string& name);
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  [[nodiscard]] int descriptor() const { return m_descriptor; }
  [[nodiscard]] std::optional<std::uint64_t> size() const { return m_size; }  ///< of a regular file

 private:
  int m_descriptor = -1;
  std::optional<std::uint64_t> m_size;
};

/// A command line turned into a request.
struct Prepared {
  link::ApiCall call;
  Value::Object parameters;  ///< kept for the further pages of a GraphQL query
  InputFile input;
};

/// Reads what the arguments name (files, git's directory, GH_HOST, GH_REPO) and builds the first request. Errors are in
/// gh's words.
[[nodiscard]] base::Result<Prepared> prepare(const link::Program& program, const Arguments& arguments);

/// What the placeholders stand for in the current directory; looked up at most once.
class CurrentRepository {
 public:
  CurrentRepository(const link::Program& program, std::string host) : m_program(program), m_host(std::move(host)) {}

  base::Result<std::string> value(Placeholder placeholder);

 private:
  base::Result<Repository> look_up() const;
  base::Result<std::string> branch() const;

  const link::Program& m_program;
  std::string m_host;
  std::optional<base::Result<Repository>> m_found;
};

}  // namespace ghoard::api
