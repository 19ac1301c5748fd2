#include "cli/api/prepare.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "cli/api/fields.hpp"
#include "cli/api/git_directory.hpp"
#include "cli/api/query.hpp"
#include "cli/api/request.hpp"

namespace ghoard::api {

namespace {

constexpr std::size_t git_file_limit = 4U << 20;
constexpr std::size_t field_file_limit = 128U << 20;

tl::unexpected<base::Error> refuse(std::string message) {
  return base::fail(base::ErrorCode::invalid_input, std::move(message));
}

base::Result<GitDirectory> current_git_directory(const settings::Environment& environment) {
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  if (error) {
    return refuse("cannot tell the current directory: " + error.message());
  }
  return find_git_directory(here, environment);
}

// The user's settings before the repository's, as git reads them. A file of theirs that cannot be read sets nothing.
std::vector<GitSetting> with_user_settings(std::span<const GitSetting> own, const settings::Environment& environment) {
  std::vector<GitSetting> all;
  for (const std::filesystem::path& file : user_git_configs(environment)) {
    if (const base::Result<std::string> config = read_file(file, git_file_limit)) {
      std::vector<GitSetting> settings = parse_git_config(*config);
      std::move(settings.begin(), settings.end(), std::back_inserter(all));
    }
  }
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

std::string without_port(std::string_view host) {
  return http::to_lower(host.substr(0, host.find(':')));
}

base::Result<void> choose_method(Prepared& prepared, const Arguments& arguments) {
  std::string& method = prepared.call.method;
  method = arguments.effective_method();
  return is_token(method) ? base::Result<void>() : refuse("invalid method " + go_quoted(method));
}

// Which server and which target, with the parameters that belong into its query.
base::Result<void> address(Prepared& prepared, const Arguments& arguments, const std::string& path, const Host& host,
                           std::string_view api_url) {
  const bool by_pages = arguments.paginate && !arguments.is_graphql();
  base::Result<http::Url> url = endpoint_url(by_pages ? add_per_page(path, prepared.parameters) : path, host.name);
  if (!url) {
    return tl::unexpected(url.error());
  }
  link::ApiCall& call = prepared.call;
  if (call.method == "GET" || arguments.input) {
    url->target = add_query(std::move(url->target), prepared.parameters);
  }
  *url = as_named_by_callers(std::move(*url), api_url);
  call.origin = std::move(url->origin);
  call.target = std::move(url->target);
  call.host_is_known = host.named_by_flag && path.find("://") == std::string::npos;
  return {};
}

base::Result<void> attach_headers(Prepared& prepared, const Arguments& arguments,
                                  const settings::Environment& environment) {
  base::Result<http::Headers> headers = request_headers(arguments, local_time_zone(environment));
  if (!headers) {
    return tl::unexpected(headers.error());
  }
  prepared.call.headers = std::move(*headers);
  return {};
}

base::Result<void> attach_body(Prepared& prepared, const Arguments& arguments) {
  link::ApiCall& call = prepared.call;
  if (arguments.input) {
    base::Result<InputFile> input = InputFile::open(*arguments.input);
    const base::Result<std::optional<std::uint64_t>> stated = stated_length(arguments);
    if (!input || !stated) {
      return tl::unexpected(!input ? input.error() : stated.error());
    }
    prepared.input = std::move(*input);
    call.body_fd = prepared.input.descriptor();
    call.content_length = *stated ? *stated : prepared.input.size();
  } else if (!prepared.parameters.empty() && call.method != "GET") {
    call.body = arguments.is_graphql() ? to_json(group_graphql_variables(prepared.parameters))
                                       : to_json(Value{prepared.parameters});
  }
  return {};
}

}  // namespace

base::Result<InputFile> InputFile::open(const std::string& name) {
  InputFile file;
  file.m_descriptor = name == "-" ? STDIN_FILENO : ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.m_descriptor < 0) {
    return base::fail(base::ErrorCode::system, "open " + name + ": " + reason_of(errno));
  }
  struct stat status {};
  if (name != "-" && ::fstat(file.m_descriptor, &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      return refuse("read " + name + ": is a directory");
    }
    if (S_ISREG(status.st_mode)) {
      file.m_size = static_cast<std::uint64_t>(status.st_size);
    }
  }
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)), m_size(other.m_size) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(m_descriptor, other.m_descriptor);
  std::swap(m_size, other.m_size);
  return *this;
}

InputFile::~InputFile() {
  if (m_descriptor > STDIN_FILENO) {
    ::close(m_descriptor);
  }
}

base::Result<Repository> CurrentRepository::look_up() const {
  if (const std::optional<std::string> named = m_program.environment("GH_REPO")) {
    return parse_repository(*named, m_host);
  }
  const base::Result<GitDirectory> directory = current_git_directory(m_program.environment);
  if (!directory) {
    return tl::unexpected(directory.error());
  }
  const base::Result<std::string> config = read_file(directory->common / "config", git_file_limit);
  if (!config) {
    return tl::unexpected(config.error());
  }
  const std::vector<GitSetting> own = parse_git_config(*config);
  const std::vector<GitSetting> all = with_user_settings(own, m_program.environment);
  std::vector<Remote> remotes = git_remotes(own);
  for (Remote& remote : remotes) {
    remote.url = rewritten_url(remote.url, all);
  }
  const std::vector<std::string> known{without_port(m_host), "github.com"};
  return choose_repository(remotes, known);
}

base::Result<std::string> CurrentRepository::branch() const {
  constexpr std::string_view complaint = "unable to determine an appropriate value for the 'branch' placeholder";
  if (m_program.environment("GH_REPO")) {
    return refuse(std::string(complaint));
  }
  const base::Result<GitDirectory> directory = current_git_directory(m_program.environment);
  if (!directory) {
    return tl::unexpected(directory.error().with_context("could not determine current branch"));
  }
  const base::Result<std::string> head = read_file(directory->own / "HEAD", git_file_limit);
  const std::optional<std::string> name = head ? branch_of_head(*head) : std::nullopt;
  return name ? base::Result<std::string>(*name) : refuse("could not determine current branch: not on any branch");
}

base::Result<std::string> CurrentRepository::value(Placeholder placeholder) {
  if (placeholder == Placeholder::branch) {
    return branch();
  }
  if (!m_found) {
    m_found = look_up();
  }
  if (!*m_found) {
    return tl::unexpected(m_found->error());
  }
  return placeholder == Placeholder::owner ? (*m_found)->owner : (*m_found)->name;
}

base::Result<Prepared> prepare(const link::Program& program, const Arguments& arguments) {
  const base::Result<Host> host = choose_host(program, arguments.hostname);
  if (!host) {
    return tl::unexpected(host.error());
  }
  CurrentRepository repository(program, host->name);
  const PlaceholderValue value_of = [&](Placeholder placeholder) { return repository.value(placeholder); };
  const FieldSources sources{[](const std::string& name) { return read_file(name, field_file_limit); },
                             [&](std::string_view text) { return fill_placeholders(text, value_of); }};
  base::Result<Value::Object> parameters = parse_fields(arguments.raw_fields, arguments.fields, sources);
  if (!parameters) {
    return tl::unexpected(parameters.error());
  }
  const base::Result<std::string> path = fill_placeholders(arguments.endpoint, value_of);
  if (!path) {
    return tl::unexpected(path.error().with_context("unable to expand placeholder in path"));
  }
  Prepared prepared;
  prepared.parameters = std::move(*parameters);
  const base::Result<void> filled =
      choose_method(prepared, arguments)
          .and_then([&] { return address(prepared, arguments, *path, *host, program.settings.text("api_url")); })
          .and_then([&] { return attach_headers(prepared, arguments, program.environment); })
          .and_then([&] { return attach_body(prepared, arguments); });
  return filled ? base::Result<Prepared>(std::move(prepared)) : tl::unexpected(filled.error());
}

}  // namespace ghoard::api
