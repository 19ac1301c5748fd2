#include <optional>
#include <unistd.h>

#include "cli/api/api.hpp"
#include "cli/api/arguments.hpp"
#include "cli/api/flags.hpp"
#include "cli/api/jq_helper.hpp"
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
  return written ? link::exit_ok : link::exit_failure;
}

Surroundings surroundings_of(const link::Program& program, const LinkCarrier& carrier) {
  const bool needs_look = !program.environment("GH_FORCE_TTY");
  const Terminal terminal = decide_terminal(program.environment, needs_look && ::isatty(STDOUT_FILENO) == 1);
  const std::optional<std::string> debug = program.environment("GH_DEBUG");
  return {.api_url = program.settings.text("api_url"),
          .colour = terminal.colour,
          .debug = debug && debug->find("api") != std::string::npos,
          .progress_on_terminal = false,
          .has_credential =
              [&program](const link::ApiCall& call) {
                if (!call.authorise || call.headers.contains("Authorization")) {
                  return false;
                }
                const base::Result<link::Credentials> found =
                    link::find_credentials(program, link::gh_host_of(call.origin), call.host_is_known);
                return found && found->kind != link::Credentials::Kind::none;
              },
          .lacked_credentials = [&carrier] { return carrier.lacked_credentials(); },
          .report = [&program](std::string_view message,
                               std::string_view hint) { link::print_error(program, message, hint); }};
}

int run_checked(const link::Program& program, const Arguments& arguments) {
  base::Result<Prepared> prepared = prepare(program, arguments);
  if (!prepared) {
    link::print_error(program, prepared.error().message);
    return link::exit_failure;
  }
  // Before anything is sent: a mistake in the filter costs no request.
  std::optional<JqHelper> helper;
  if (!arguments.filter.empty()) {
    base::Result<JqHelper> started = JqHelper::start(program, arguments);
    if (!started) {
      link::print_error(program, started.error().message);
      return link::exit_failure;
    }
    helper = std::move(*started);
  }
  const bool may_spawn = !arguments.no_spawn && !program.settings.boolean("no_spawn");
  LinkCarrier carrier(program, may_spawn ? link::Spawn::allowed : link::Spawn::forbidden);
  Output out(STDOUT_FILENO);
  Output error(STDERR_FILENO);
  PageSinks sinks{out, error, nullptr};
  if (helper) {
    sinks.filter = [&helper](std::string_view document) { return helper->run(document); };
  }
  Surroundings surroundings = surroundings_of(program, carrier);
  surroundings.progress_on_terminal = arguments.paginate && ::isatty(STDERR_FILENO) == 1;
  return Session(arguments, std::move(*prepared), carrier, std::move(sinks), std::move(surroundings)).run();
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
