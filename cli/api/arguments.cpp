#include "cli/api/arguments.hpp"

#include <algorithm>

#include "cli/api/flags.hpp"
#include "cli/settings/settings.hpp"

namespace ghoard::api {

namespace {

using Failure = tl::unexpected<ArgumentError>;

Failure refuse(std::string message, bool show_usage = true) {
  return Failure(ArgumentError{std::move(message), show_usage});
}

// The flags that were given, before they mean anything. Not by CLI11, which serves the other commands: they have been
// taken apart already, and building and running its parser took 7 % of the instructions of a cached answer.
class ParsedFlags {
 public:
  explicit ParsedFlags(std::vector<std::string> normalised) {
    for (std::size_t next = 0; next < normalised.size();) {
      Given flag{std::move(normalised[next++]), {}};
      for (std::size_t left = value_count(flag.name); left > 0 && next < normalised.size(); --left) {
        flag.values.push_back(std::move(normalised[next++]));
      }
      m_flags.push_back(std::move(flag));
    }
  }

  [[nodiscard]] bool has(std::string_view name) const {
    return std::any_of(m_flags.begin(), m_flags.end(), [&](const Given& flag) { return flag.name == name; });
  }
  /// The values of every occurrence, one after the other.
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const {
    std::vector<std::string> values;
    for (const Given& flag : m_flags) {
      if (flag.name == name) {
        values.insert(values.end(), flag.values.begin(), flag.values.end());
      }
    }
    return values;
  }
  /// A repeated flag with one value takes its last.
  [[nodiscard]] std::optional<std::string> last(std::string_view name) const {
    std::vector<std::string> values = all(name);
    return values.empty() ? std::nullopt : std::optional(std::move(values.back()));
  }

 private:
  struct Given {
    std::string name;  // with its dashes
    std::vector<std::string> values;
  };

  static std::size_t value_count(std::string_view name) {
    const std::span<const Flag> table = flag_table();
    const auto flag =
        std::find_if(table.begin(), table.end(), [&](const Flag& row) { return row.name == name.substr(2); });
    return flag == table.end() ? 0 : flag->value_count();
  }

  std::vector<Given> m_flags;
};

std::vector<std::pair<std::string, std::string>> pairs_of(std::vector<std::string> flat) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) {
    pairs.emplace_back(std::move(flat[i]), std::move(flat[i + 1]));
  }
  return pairs;
}

std::vector<std::string> split_names(const std::vector<std::string>& lists) {
  std::vector<std::string> names;
  for (const std::string& list : lists) {
    for (std::size_t start = 0; start <= list.size();) {
      const std::size_t end = std::min(list.find(',', start), list.size());
      names.push_back(list.substr(start, end - start));
      start = end + 1;
    }
  }
  return names;
}

std::string upper(std::string text) {
  for (char& c : text) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return text;
}

tl::expected<std::optional<base::Seconds>, ArgumentError> duration_of(const ParsedFlags& words,
                                                                      const std::string& name) {
  const std::optional<std::string> text = words.last("--" + name);
  if (!text) {
    return std::nullopt;
  }
  const base::Result<std::int64_t> seconds = settings::parse_duration_seconds(*text, false);
  if (!seconds) {
    return refuse("invalid argument \"" + *text + "\" for \"--" + name + "\" flag: " + seconds.error().message);
  }
  return base::Seconds(*seconds);
}

// design: freshness flags
tl::expected<http::RequestDirectives, ArgumentError> directives_of(const ParsedFlags& words) {
  const auto cache = duration_of(words, "cache");
  const auto max_age = duration_of(words, "max-age");
  if (!cache || !max_age) {
    return Failure(!cache ? cache.error() : max_age.error());
  }
  const int wishes = int(cache->has_value()) + int(max_age->has_value()) + int(words.has("--refresh")) +
                     int(words.has("--no-cache")) + int(words.has("--offline"));
  if (wishes > 1) {
    return refuse("only one of `--cache`, `--max-age`, `--refresh`, `--no-cache`, or `--offline` may be used");
  }
  http::RequestDirectives directives;
  if (cache->has_value() && **cache > base::Seconds::zero()) {  // gh: a time of zero or less caches nothing
    directives.max_age = **cache;
    directives.max_stale = base::Seconds::max();
    directives.stale_if_error = base::Seconds(86400);
  }
  if (max_age->has_value()) {
    directives.max_age = std::max(**max_age, base::Seconds::zero());
  }
  directives.no_cache = words.has("--refresh");
  directives.no_store = words.has("--no-cache");
  if (words.has("--offline")) {
    directives.only_if_cached = true;
    directives.max_stale = base::Seconds::max();
  }
  return directives;
}

std::optional<ArgumentError> check_hostname(const Arguments& arguments) {
  if (!arguments.hostname) {
    return std::nullopt;
  }
  if (http::trim(*arguments.hostname).empty()) {
    return ArgumentError{"error parsing `--hostname`: a value is required"};
  }
  if (arguments.hostname->find_first_of("/:") != std::string::npos) {
    return ArgumentError{"error parsing `--hostname`: invalid hostname"};
  }
  return std::nullopt;
}

// Combinations that gh refuses, in its words.
std::optional<ArgumentError> check(const Arguments& arguments) {
  if (auto wrong = check_hostname(arguments)) {
    return wrong;
  }
  if (arguments.paginate && arguments.method != "GET" && !arguments.is_graphql()) {
    return ArgumentError{"the `--paginate` option is not supported for non-GET requests"};
  }
  if (arguments.paginate && arguments.input) {
    return ArgumentError{"the `--paginate` option is not supported with `--input`"};
  }
  const std::string method = arguments.effective_method();
  if (arguments.offline && (arguments.is_graphql() || (method != "GET" && method != "HEAD"))) {
    return ArgumentError{"the `--offline` option is not supported for writes and GraphQL, which are never stored"};
  }
  if (arguments.slurp && !arguments.paginate) {
    return ArgumentError{"`--paginate` required when passing `--slurp`"};
  }
  if (int(arguments.silent) + int(arguments.verbose) + int(!arguments.filter.empty()) > 1) {
    return ArgumentError{"only one of `--template`, `--jq`, `--silent`, or `--verbose` may be used"};
  }
  if (arguments.filter.empty() && (!arguments.filter_strings.empty() || !arguments.filter_values.empty())) {
    return ArgumentError{"`--arg` and `--argjson` need `--jq`"};
  }
  return std::nullopt;
}

std::optional<ArgumentError> fill_output_flags(const ParsedFlags& words, Arguments& arguments) {
  arguments.include = words.has("--include");
  arguments.silent = words.has("--silent");
  arguments.verbose = words.has("--verbose");
  arguments.filter = words.last("--jq").value_or("");
  arguments.filter_strings = pairs_of(words.all("--arg"));
  arguments.filter_values = pairs_of(words.all("--argjson"));
  if (!words.last("--template").value_or("").empty()) {
    return ArgumentError{"templates are not supported; -q takes a jq filter and does the same work", false};
  }
  const std::string where = words.last("--error-body").value_or("stdout");
  if (where != "stdout" && where != "stderr") {
    return ArgumentError{"invalid argument \"" + where + "\" for \"--error-body\" flag: stdout or stderr"};
  }
  arguments.error_body = where == "stderr" ? ErrorBody::to_stderr : ErrorBody::to_stdout;
  return std::nullopt;
}

tl::expected<Arguments, ArgumentError> interpret(const ParsedFlags& words,
                                                 const std::vector<std::string>& positionals) {
  Arguments arguments;
  arguments.help = words.has("--help");
  if (arguments.help) {
    return arguments;
  }
  if (positionals.size() != 1) {
    return refuse("accepts 1 arg(s), received " + std::to_string(positionals.size()));
  }
  arguments.endpoint = positionals.front();
  arguments.method_given = words.has("--method");
  arguments.method = upper(words.last("--method").value_or("GET"));
  arguments.raw_fields = words.all("--raw-field");
  arguments.fields = words.all("--field");
  arguments.headers = words.all("--header");
  arguments.previews = split_names(words.all("--preview"));
  arguments.input = words.last("--input");
  if (arguments.input && arguments.input->empty()) {
    arguments.input.reset();  // as gh: an empty name is no input
  }
  arguments.hostname = words.last("--hostname");
  arguments.paginate = words.has("--paginate");
  arguments.slurp = words.has("--slurp");
  arguments.offline = words.has("--offline");
  arguments.no_spawn = words.has("--no-spawn");
  if (auto wrong = fill_output_flags(words, arguments)) {
    return Failure(*std::move(wrong));
  }
  auto directives = directives_of(words);
  if (!directives) {
    return Failure(directives.error());
  }
  arguments.directives = *directives;
  if (auto wrong = check(arguments)) {
    return Failure(*std::move(wrong));
  }
  return arguments;
}

}  // namespace

tl::expected<Arguments, ArgumentError> parse_arguments(std::span<const std::string> words) {
  base::Result<Words> normalised = normalise_flags(words);
  if (!normalised) {
    return refuse(normalised.error().message);
  }
  return interpret(ParsedFlags(std::move(normalised->flags)), normalised->positionals);
}

}  // namespace ghoard::api
