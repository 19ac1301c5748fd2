#include "cli/api/arguments.hpp"

#include <doctest/doctest.h>

#include "cli/api/flags.hpp"

using namespace ghoard;
using api::Arguments;

namespace {

using Line = std::vector<std::string>;

Arguments parse(const Line& words) {
  const auto parsed = api::parse_arguments(words);
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
  return *parsed;
}

std::string complaint(const Line& words) {
  const auto parsed = api::parse_arguments(words);
  return parsed ? "accepted" : parsed.error().message;
}

}  // namespace

TEST_CASE("a flag's value may stand in every place where pflag allows it") {
  for (const Line& words : {Line{"-X", "put", "x"}, Line{"-X=put", "x"}, Line{"-Xput", "x"}, Line{"x", "--method=PUT"},
                            Line{"--method", "Put", "x"}, Line{"-X", "POST", "x", "-X", "PUT"}, Line{"-iXPUT", "x"}}) {
    const Arguments arguments = parse(words);
    CHECK(arguments.method == "PUT");
    CHECK(arguments.method_given);
    CHECK(arguments.endpoint == "x");
  }
  CHECK(parse({"x"}).method == "GET");
  CHECK_FALSE(parse({"x"}).method_given);
  CHECK(parse({"-X=", "x"}).method == "=");
}

TEST_CASE("a flag's value never swallows the endpoint, and an endpoint may be named like a command") {
  const Arguments arguments = parse({"-f", "a=b", "repos/x", "-F", "c=1", "-H", "A: b"});
  CHECK(arguments.endpoint == "repos/x");
  CHECK(arguments.raw_fields == Line{"a=b"});
  CHECK(arguments.fields == Line{"c=1"});
  CHECK(parse({"stats"}).endpoint == "stats");
  CHECK(parse({"--", "-x"}).endpoint == "-x");
  CHECK(parse({"[a,b]"}).endpoint == "[a,b]");
}

TEST_CASE("values are taken as they are, whatever they look like") {
  const Arguments arguments =
      parse({"x", "-f", "-a=b", "-f", "a={}", "-f", "b=[1,2]", "-f", "[a,b]", "-f", "", "-F=c=%%", "-q", "--paginate"});
  CHECK(arguments.raw_fields == Line{"-a=b", "a={}", "b=[1,2]", "[a,b]", ""});
  CHECK(arguments.fields == Line{"c=%%"});
  CHECK(arguments.filter == "--paginate");
  CHECK_FALSE(arguments.paginate);
}

TEST_CASE("switches combine, and can be given a boolean") {
  CHECK(parse({"-i", "x"}).include);
  CHECK(parse({"-i=true", "x"}).include);
  CHECK_FALSE(parse({"-i", "--include=false", "x"}).include);
  const Arguments arguments = parse({"-iq", ".a", "x"});
  CHECK(arguments.include);
  CHECK(arguments.filter == ".a");
}

TEST_CASE("mistakes are told in pflag's words") {
  CHECK(complaint({}) == "accepts 1 arg(s), received 0");
  CHECK(complaint({"a", "b", "c"}) == "accepts 1 arg(s), received 3");
  CHECK(complaint({"--foo", "x"}) == "unknown flag: --foo");
  CHECK(complaint({"-z", "x"}) == "unknown shorthand flag: 'z' in -z");
  CHECK(complaint({"x", "-iz"}) == "unknown shorthand flag: 'z' in -z");
  CHECK(complaint({"x", "-X"}) == "flag needs an argument: 'X' in -X");
  CHECK(complaint({"x", "--method"}) == "flag needs an argument: --method");
  CHECK(complaint({"x", "--arg", "name"}) == "flag needs 2 arguments: --arg");
  CHECK(complaint({"--include=maybe", "x"}) == "invalid argument \"maybe\" for \"-i, --include\" flag: not a boolean");
}

TEST_CASE("what gh refuses together is refused in its words") {
  CHECK(complaint({"--paginate", "-X", "POST", "x"}) ==
        "the `--paginate` option is not supported for non-GET requests");
  CHECK(complaint({"--paginate", "-X", "POST", "graphql"}) == "accepted");
  CHECK(complaint({"--paginate", "--input", "f", "x"}) == "the `--paginate` option is not supported with `--input`");
  CHECK(complaint({"--slurp", "x"}) == "`--paginate` required when passing `--slurp`");
  CHECK(complaint({"-q", ".", "--silent", "x"}) ==
        "only one of `--template`, `--jq`, `--silent`, or `--verbose` may be used");
  CHECK(complaint({"--hostname=", "x"}) == "error parsing `--hostname`: a value is required");
  CHECK(complaint({"--hostname", "a/b", "x"}) == "error parsing `--hostname`: invalid hostname");
  CHECK(complaint({"--hostname", "a:1", "x"}) == "error parsing `--hostname`: invalid hostname");
}

TEST_CASE("--slurp goes with --jq, unlike gh's (cli/cli#10459)") {
  const Arguments arguments = parse({"--paginate", "--slurp", "-q", "add", "x"});
  CHECK(arguments.slurp);
  CHECK(arguments.filter == "add");
}

TEST_CASE("--template points to --jq, on one line") {
  const auto parsed = api::parse_arguments(Line{"-t", "{{.a}}", "x"});
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().message.find("-q") != std::string::npos);
  CHECK(parsed.error().message.find('\n') == std::string::npos);
  CHECK_FALSE(parsed.error().show_usage);
}

TEST_CASE("--arg and --argjson take a name and a value, and need a filter") {
  const Arguments arguments = parse({"-q", "$a", "--arg", "a", "--x", "--argjson", "b", "[1]", "--arg", "c", "", "x"});
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(arguments.filter_strings == Pairs{{"a", "--x"}, {"c", ""}});
  CHECK(arguments.filter_values == Pairs{{"b", "[1]"}});
  CHECK(arguments.endpoint == "x");
  CHECK(complaint({"--arg", "a", "b", "x"}) == "`--arg` and `--argjson` need `--jq`");
}

TEST_CASE("freshness flags become request directives") {
  const auto directives = [](const Line& words) { return http::format_request_directives(parse(words).directives); };
  CHECK(directives({"x"}).empty());
  const http::RequestDirectives cache = parse({"--cache", "1h", "x"}).directives;
  CHECK(cache.max_age == base::Seconds(3600));
  CHECK(cache.max_stale == base::Seconds::max());
  CHECK(cache.stale_if_error == base::Seconds(86400));
  CHECK(parse({"--cache", "1d", "x"}).directives.max_age == base::Seconds(86400));
  CHECK(directives({"--cache", "0s", "x"}).empty());
  const http::RequestDirectives max_age = parse({"--max-age=90s", "x"}).directives;
  CHECK(max_age.max_age == base::Seconds(90));
  CHECK_FALSE(max_age.max_stale);
  CHECK(directives({"--refresh", "x"}) == "no-cache");
  CHECK(directives({"--no-cache", "x"}) == "no-store");
  const Arguments offline = parse({"--offline", "x"});
  CHECK(offline.offline);
  CHECK(offline.directives.only_if_cached);
  CHECK(offline.directives.max_stale == base::Seconds::max());
}

TEST_CASE("freshness flags that contradict each other are refused") {
  const std::string text = "only one of `--cache`, `--max-age`, `--refresh`, `--no-cache`, or `--offline` may be used";
  CHECK(complaint({"--cache", "1h", "--refresh", "x"}) == text);
  CHECK(complaint({"--offline", "--no-cache", "x"}) == text);
  CHECK(complaint({"--max-age", "1h", "--cache", "1h", "x"}) == text);
  CHECK(complaint({"--cache", "1", "x"}).starts_with("invalid argument \"1\" for \"--cache\" flag: "));
}

TEST_CASE("--offline refuses what would have to be sent, however it is written") {
  const std::string text = "the `--offline` option is not supported for writes and GraphQL, which are never stored";
  for (const Line& words :
       {Line{"-X", "post", "x"}, Line{"-X", "DELETE", "x"}, Line{"-f", "a=1", "x"}, Line{"-F", "a=1", "x"},
        Line{"--input", "f", "x"}, Line{"graphql", "-f", "query=Q"}, Line{"-X", "GET", "graphql"}}) {
    Line offline = words;
    offline.emplace_back("--offline");
    CHECK(complaint(offline) == text);
    CHECK(complaint(words) == "accepted");
  }
  CHECK(complaint({"--offline", "-X", "GET", "-f", "a=1", "x"}) == "accepted");
  CHECK(complaint({"--offline", "-X", "head", "x"}) == "accepted");
}

TEST_CASE("help names every flag") {
  const std::string help = api::help_text("ghoard");
  for (const api::Flag& flag : api::flag_table()) {
    CHECK(help.find("--" + std::string(flag.name)) != std::string::npos);
    CHECK_FALSE(flag.help.empty());
    CHECK(flag.help.back() != '.');
  }
  CHECK(parse({"--help"}).help);
  CHECK(parse({"x", "-h"}).help);
}
