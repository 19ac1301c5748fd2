#include "cli/api/flags.hpp"

#include <algorithm>
#include <array>

namespace ghoard::api {

namespace {

constexpr std::array flags{
    Flag{"method", 'X', "METHOD", "The HTTP method (default GET, or POST once there are parameters)"},
    Flag{"raw-field", 'f', "KEY=VALUE", "Add a string parameter"},
    Flag{"field", 'F', "KEY=VALUE", "Add a typed parameter: integer, true, false, null, {owner}, @FILE, @- for stdin"},
    Flag{"header", 'H', "NAME:VALUE", "Add a request header"},
    Flag{"preview", 'p', "NAMES", "Opt into API previews, comma-separated, without the '-preview' suffix"},
    Flag{"input", 0, "FILE", "Send FILE as the request's body ('-' for stdin)"},
    Flag{"hostname", 0, "HOST", "The GitHub host to ask (default GH_HOST, the host logged into, or github.com)"},
    Flag{"paginate", 0, "", "Fetch all pages of results"},
    Flag{"slurp", 0, "", "With --paginate: print one array that holds the pages"},
    Flag{"include", 'i', "", "Print the status line and the headers of the answer too"},
    Flag{"jq", 'q', "FILTER", "Print what a jq filter selects from the answer"},
    Flag{"arg", 0, "NAME VALUE", "With --jq: set $NAME to the string VALUE"},
    Flag{"argjson", 0, "NAME JSON", "With --jq: set $NAME to a JSON value"},
    Flag{"template", 't', "TEMPLATE", "Not supported; use --jq"},
    Flag{"silent", 0, "", "Do not print the body"},
    Flag{"verbose", 0, "", "Print the whole exchange, without the token"},
    Flag{"error-body", 0, "WHERE", "Print the body of an error to stdout (default) or stderr"},
    Flag{"cache", 0, "D", "Accept an answer up to D old (\"90s\", \"1h\", \"1d\"), and a stale one if GitHub fails"},
    Flag{"max-age", 0, "D", "Never accept an answer older than D"},
    Flag{"refresh", 0, "", "Ask GitHub whether the stored answer still holds"},
    Flag{"no-cache", 0, "", "Go past the cache: neither read it nor store"},
    Flag{"offline", 0, "", "Answer from the cache alone, however old; exit 1 if it has nothing"},
    Flag{"no-spawn", 0, "", "Do not start an agent; a running one is still used"},
    Flag{"help", 'h', "", "Show this help"},
};

const Flag* find_flag(std::string_view name) {
  const auto* found = std::find_if(flags.begin(), flags.end(), [&](const Flag& flag) { return flag.name == name; });
  return found == flags.end() ? nullptr : &*found;
}

const Flag* find_flag(char letter) {
  const auto* found = std::find_if(flags.begin(), flags.end(), [&](const Flag& flag) { return flag.letter == letter; });
  return found == flags.end() ? nullptr : &*found;
}

tl::unexpected<base::Error> refuse(std::string message) {
  return base::fail(base::ErrorCode::invalid_input, std::move(message));
}

class Normaliser {
 public:
  explicit Normaliser(std::span<const std::string> arguments) : m_arguments(arguments) {}

  base::Result<Words> run() {
    while (m_next < m_arguments.size()) {
      const std::string& argument = m_arguments[m_next++];
      base::Result<void> done;
      if (argument == "--") {
        m_words.positionals.insert(m_words.positionals.end(), m_arguments.begin() + static_cast<std::ptrdiff_t>(m_next),
                                   m_arguments.end());
        break;
      }
      if (argument.starts_with("--")) {
        done = take_long(argument);
      } else if (argument.size() > 1 && argument[0] == '-') {
        done = take_short(argument);
      } else {
        m_words.positionals.push_back(argument);
      }
      if (!done) {
        return tl::unexpected(done.error());
      }
    }
    return std::move(m_words);
  }

 private:
  base::Result<void> take_long(std::string_view argument) {
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(2, equals == std::string_view::npos ? equals : equals - 2);
    const Flag* flag = find_flag(name);
    if (flag == nullptr) {
      return refuse("unknown flag: --" + std::string(name));
    }
    if (equals != std::string_view::npos) {
      return take_values(*flag, argument.substr(equals + 1), std::string("--") + std::string(name));
    }
    if (flag->value_count() == 0) {
      m_words.flags.emplace_back(argument);
      return {};
    }
    if (m_next == m_arguments.size()) {
      return refuse("flag needs an argument: " + std::string(argument));
    }
    return take_values(*flag, m_arguments[m_next++], std::string(argument));
  }

  // A cluster of letters: switches up to the first flag with a value, whose value is the rest or the next argument.
  base::Result<void> take_short(std::string_view argument) {
    for (std::size_t i = 1; i < argument.size(); ++i) {
      const char letter = argument[i];
      const Flag* flag = find_flag(letter);
      const std::string spelled = std::string("'") + letter + "' in -" + std::string(argument.substr(i));
      if (flag == nullptr) {
        return refuse("unknown shorthand flag: " + spelled);
      }
      std::string_view rest = argument.substr(i + 1);
      if (rest.size() > 1 && rest[0] == '=') {  // pflag: "-X=" is -X with the value "="
        return take_values(*flag, rest.substr(1), spelled);
      }
      if (flag->value_count() == 0) {
        m_words.flags.push_back("--" + std::string(flag->name));
        continue;
      }
      if (rest.empty()) {
        if (m_next == m_arguments.size()) {
          return refuse("flag needs an argument: " + spelled);
        }
        rest = m_arguments[m_next++];
      }
      return take_values(*flag, rest, spelled);
    }
    return {};
  }

  // Takes the flag's first value, and the further ones from the arguments that follow.
  base::Result<void> take_values(const Flag& flag, std::string_view first, const std::string& spelled) {
    const std::size_t count = flag.value_count();
    if (count == 0) {
      return take_switch(flag, first);
    }
    if (m_arguments.size() - m_next < count - 1) {
      return refuse("flag needs " + std::to_string(count) + " arguments: " + spelled);
    }
    m_words.flags.push_back("--" + std::string(flag.name));
    m_words.flags.emplace_back(first);
    for (std::size_t i = 1; i < count; ++i) {
      m_words.flags.push_back(m_arguments[m_next++]);
    }
    return {};
  }

  base::Result<void> take_switch(const Flag& flag, std::string_view value) {
    constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "true", "TRUE", "True"};
    constexpr std::array<std::string_view, 6> no{"0", "f", "F", "false", "FALSE", "False"};
    if (std::find(yes.begin(), yes.end(), value) != yes.end()) {
      m_words.flags.push_back("--" + std::string(flag.name));
      return {};
    }
    if (std::find(no.begin(), no.end(), value) != no.end()) {
      std::erase(m_words.flags, "--" + std::string(flag.name));
      return {};
    }
    const std::string letter = flag.letter != 0 ? std::string("-") + flag.letter + ", " : std::string();
    return refuse("invalid argument \"" + std::string(value) + "\" for \"" + letter + "--" + std::string(flag.name) +
                  "\" flag: not a boolean");
  }

  std::span<const std::string> m_arguments;
  std::size_t m_next = 0;
  Words m_words;
};

std::string flag_lines() {
  std::string text = "Flags:\n";
  for (const Flag& flag : flags) {
    std::string left = flag.letter != 0 ? std::string("  -") + flag.letter + ", --" : std::string("      --");
    left += flag.name;
    left += flag.values.empty() ? "" : " ";
    left += flag.values;
    left.resize(std::max<std::size_t>(left.size() + 2, 29), ' ');
    text += left;
    text += flag.help;
    text += '\n';
  }
  return text;
}

}  // namespace

std::size_t Flag::value_count() const {
  return values.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(values.begin(), values.end(), ' '));
}

std::span<const Flag> flag_table() {
  return flags;
}

base::Result<Words> normalise_flags(std::span<const std::string> arguments) {
  return Normaliser(arguments).run();
}

std::string usage_text(std::string_view program) {
  return "Usage:  " + std::string(program) + " api ENDPOINT [flags]\n\n" + flag_lines();
}

std::string help_text(std::string_view program) {
  const std::string name(program);
  return "Ask the GitHub API, through the shared cache, and print the answer.\n\n" + usage_text(program) +
         "\nENDPOINT is a path such as repos/{owner}/{repo}/releases, \"graphql\", or a whole URL.\n"
         "{owner}, {repo} and {branch} stand for the repository of the current directory, or GH_REPO.\n"
         "\nExamples:\n"
         "  $ " +
         name +
         " api repos/{owner}/{repo}/releases\n"
         "  $ " +
         name +
         " api repos/{owner}/{repo}/issues/123/comments -f body='Hello'\n"
         "  $ " +
         name +
         " api -X GET search/issues -f q='repo:cli/cli is:open remote' --jq '.items[].title'\n"
         "  $ " +
         name +
         " api --cache 1h --paginate orgs/{owner}/repos\n"
         "\nExit codes: 0 success, 1 failure, 4 authentication needed.\n";
}

}  // namespace ghoard::api
