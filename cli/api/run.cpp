#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/api/api.hpp"
#include "cli/api/arguments.hpp"
#include "cli/api/flags.hpp"
#include "cli/api/jq_helper.hpp"
#include "cli/api/pager.hpp"
#include "cli/api/prepare.hpp"
#include "cli/api/session.hpp"

namespace ghoard::api {

namespace {

class LinkCarrier final : public Carrier {
 public:
  LinkCarrier(const link::Program& program, link::Spawn spawn) : m_link(program, spawn) {}

  base::Result<link::Answer> call(const link::ApiCall& call, const link::HeadCallback& on_head,
                                  const local::BodyCallback& on_body) override {
    return m_link.call(call, on_head, on_body);
  }
  [[nodiscard]] bool lacked_credentials() const { return m_link.lacked_credentials(); }

 private:
  link::Link m_link;
};

int refuse(const link::Program& program, const ArgumentError& error) {
  link::print_error(program, error.message);
  if (error.show_usage) {
    Output output(STDERR_FILENO);
    static_cast<void>(output.write("\n" + usage_text(program.name)).and_then([&] { return output.flush(); }));
  }
  return link::exit_failure;
}

int print_help(const link::Program& program) {
  Output output(STDOUT_FILENO);
  const base::Result<void> written = output.write(help_text(program.name)).and_then([&] { return output.flush(); });
  return written || is_reader_gone(written.error()) ? link::exit_ok : link::exit_failure;
}

Terminal terminal_of(const link::Program& program) {
  const bool needs_look = !program.environment("GH_FORCE_TTY");
  return decide_terminal(program.environment, needs_look && ::isatty(STDOUT_FILENO) == 1);
}

// For the exchange that --verbose shows.
bool has_credential(const link::Program& program, const link::ApiCall& call) {
  if (!call.authorise) {
    return false;
  }
  const base::Result<link::Credentials> found =
      link::find_credentials(program, link::gh_host_of(call.origin), call.host_is_known);
  return found && found->kind != link::Credentials::Kind::none;
}

// Not below a pager, which draws on the same screen; a pipe may end there, a file does not.
ProgressPlace progress_place(bool paged) {
  if (paged || ::isatty(STDERR_FILENO) != 1) {
    return {};
  }
  struct stat status {};
  const bool is_pipe = ::fstat(STDOUT_FILENO, &status) != 0 || S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode);
  return {.descriptor = STDERR_FILENO, .shares_screen = is_pipe || ::isatty(STDOUT_FILENO) == 1};
}

Surroundings surroundings_of(const link::Program& program, const Terminal& terminal, const LinkCarrier& carrier,
                             bool paged) {
  const std::optional<std::string> debug = program.environment("GH_DEBUG");
  return {.api_url = program.settings.text("api_url"),
          .colour = terminal.colour,
          .debug = debug && debug->find("api") != std::string::npos,
          .progress = progress_place(paged),
          .has_credential = [&program](const link::ApiCall& call) { return has_credential(program, call); },
          .lacked_credentials = [&carrier] { return carrier.lacked_credentials(); },
          .report = [&program](std::string_view message,
                               std::string_view hint) { link::print_error(program, message, hint); }};
}

// Without its pager the output goes to the terminal as it is.
std::optional<Pager> start_pager(const link::Program& program, const Arguments& arguments, const Terminal& terminal) {
  const std::optional<std::string> command =
      terminal.stdout_is_terminal && !arguments.silent ? pager_command(program.environment) : std::nullopt;
  if (!command) {
    return std::nullopt;
  }
  base::Result<Pager> pager = Pager::start(*command, program.environment);
  if (!pager) {
    link::print_error(program, "failed to start pager: " + pager.error().message);
    return std::nullopt;
  }
  return std::move(*pager);
}

// Before anything is sent: a mistake in the filter costs no request.
base::Result<std::optional<JqHelper>> start_helper(const link::Program& program, const Arguments& arguments) {
  if (arguments.filter.empty()) {
    return std::nullopt;
  }
  base::Result<JqHelper> helper = JqHelper::start(program, arguments);
  return helper ? base::Result<std::optional<JqHelper>>(std::move(*helper)) : tl::unexpected(helper.error());
}

int fail(const link::Program& program, const base::Error& error) {
  link::print_error(program, error.message);
  return link::exit_failure;
}

int run_checked(const link::Program& program, const Arguments& arguments) {
  base::Result<Prepared> prepared = prepare(program, arguments);
  if (!prepared) {
    return fail(program, prepared.error());
  }
  const Terminal terminal = terminal_of(program);
  // The pager first: the helper writes to the same standard output, and ends before the pager is waited for.
  const std::optional<Pager> pager = start_pager(program, arguments, terminal);
  base::Result<std::optional<JqHelper>> helper = start_helper(program, arguments);
  if (!helper) {
    return fail(program, helper.error());
  }
  const bool may_spawn = !arguments.no_spawn && !program.settings.boolean("no_spawn");
  LinkCarrier carrier(program, may_spawn ? link::Spawn::allowed : link::Spawn::forbidden);
  Output out(STDOUT_FILENO);
  Output error(STDERR_FILENO);
  PageSinks sinks{out, error, nullptr};
  if (*helper) {
    sinks.filter = [&helper](std::string_view document) { return (*helper)->run(document); };
  }
  return Session(arguments, std::move(*prepared), carrier, std::move(sinks),
                 surroundings_of(program, terminal, carrier, pager.has_value()))
      .run();
}

}  // namespace

int run(const link::Program& program, std::span<const std::string> arguments) {
  const tl::expected<Arguments, ArgumentError> parsed = parse_arguments(arguments);
  if (!parsed) {
    return refuse(program, parsed.error());
  }
  return parsed->help ? print_help(program) : run_checked(program, *parsed);
}

}  // namespace ghoard::api
