// The real helper process: its protocol, its refusals, and what it prints. Values were observed on gh 2.23.

#include "cli/api/jq_helper.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <vector>

#include "cli/api/output.hpp"

using namespace ghoard;

namespace {

link::Program program_in(const std::string& directory) {
  link::Program program;
  program.directory = directory;
  return program;
}

api::Arguments filter_of(std::string filter) {
  api::Arguments arguments;
  arguments.filter = std::move(filter);
  return arguments;
}

// The helper prints on our standard output, which becomes a file meanwhile.
class RedirectedOutput {
 public:
  RedirectedOutput() {
    std::string name = "/tmp/ghoard-jq-XXXXXX";
    m_file = ::mkstemp(name.data());
    REQUIRE(m_file >= 0);
    ::unlink(name.c_str());
    m_saved = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    ::dup2(m_file, STDOUT_FILENO);
  }
  ~RedirectedOutput() {
    ::dup2(m_saved, STDOUT_FILENO);
    ::close(m_saved);
    ::close(m_file);
  }
  RedirectedOutput(const RedirectedOutput&) = delete;
  RedirectedOutput& operator=(const RedirectedOutput&) = delete;

  [[nodiscard]] std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(m_file, 0, SEEK_END)), '\0');
    const ssize_t count = ::pread(m_file, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return text;
  }

 private:
  int m_file = -1;
  int m_saved = -1;
};

// Standard output without anybody at its other end.
class NoReader {
 public:
  NoReader() : m_saved(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10)), m_handler(::signal(SIGPIPE, SIG_IGN)) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ~NoReader() {
    ::dup2(m_saved, STDOUT_FILENO);
    ::close(m_saved);
    ::signal(SIGPIPE, m_handler);
  }
  NoReader(const NoReader&) = delete;
  NoReader& operator=(const NoReader&) = delete;

 private:
  int m_saved;
  void (*m_handler)(int);
};

// What the filter prints for the documents, then "! " and the error that ended it, if any.
std::string filtered(const api::Arguments& arguments, const std::vector<std::string>& documents) {
  std::string failure;
  std::string out;
  {
    const RedirectedOutput redirected;
    base::Result<api::JqHelper> helper = api::JqHelper::start(program_in(GHOARD_BIN_DIR), arguments);
    base::Result<void> done;
    for (const std::string& document : documents) {
      done = helper && done ? helper->run(document) : done;
    }
    failure = !helper ? helper.error().message : !done ? done.error().message : "";
    out = redirected.text();
  }
  return failure.empty() ? out : out + "! " + failure;
}

std::string filtered(const std::string& filter, const std::string& document = "null") {
  return filtered(filter_of(filter), {document});
}

}  // namespace

TEST_CASE("jq: scalars are raw lines") {
  CHECK(filtered(".a", R"({"a":"<x>\ny"})") == "<x>\ny\n");
  CHECK(filtered(".a,.b,.c", R"({"a":null,"b":true})") == "\ntrue\n\n");
  CHECK(filtered("empty").empty());
}

TEST_CASE("jq: numbers have two decimals or none") {
  CHECK(filtered("1/3, -0.005, 0.005, 2.675, 1e17, 1e21, -0, 0.1+0.2, 1e-9, 3.0, 123456789.126") ==
        "0.33\n-0.01\n0.01\n2.67\n100000000000000000\n1000000000000000000000\n0\n0.30\n0.00\n3\n123456789.13\n");
  CHECK(filtered("nan, infinite, -infinite") == "NaN\n+Inf\n-Inf\n");
}

TEST_CASE("jq: arrays and objects are compact, sorted and escaped") {
  CHECK(filtered(".", "{\"b\":[1,{}],\"a\":\"<&>\u2028\u00e9\\u0001\\n\"}") ==
        "{\"a\":\"\\u003c\\u0026\\u003e\\u2028\u00e9\\u0001\\n\",\"b\":[1,{}]}\n");
  CHECK(filtered("[1/3,1e17,1e21,1e-7,-0,100000.0,0.000001,1e20]") ==
        "[0.3333333333333333,100000000000000000,1e+21,1e-7,0,100000,0.000001,100000000000000000000]\n");
  CHECK(filtered("[nan]") == "[null]\n");
}

TEST_CASE("jq: each document is filtered by itself") {
  CHECK(filtered(filter_of(".[]"), {"[1,2]", "[]", "[3]"}) == "1\n2\n3\n");
  CHECK(filtered(" ", "5") == "5\n");
  CHECK(filtered("# nothing", "5") == "5\n");
}

TEST_CASE("jq: variables come from --arg and --argjson") {
  api::Arguments arguments = filter_of("$a, $b.c, $ENV.GHOARD_JQ_TEST, env.GHOARD_JQ_TEST");
  arguments.filter_strings = {{"a", "--x"}};
  arguments.filter_values = {{"b", R"({"c":[1]})"}};
  ::setenv("GHOARD_JQ_TEST", "seen", 1);
  CHECK(filtered(arguments, {"null"}) == "--x\n[1]\nseen\nseen\n");
  ::unsetenv("GHOARD_JQ_TEST");
  arguments.filter_values = {{"b", "{"}};
  CHECK(filtered(arguments, {"null"}) == "! invalid JSON for --argjson b");
}

TEST_CASE("jq: a mistake in the filter is found before a document is sent, with its place") {
  CHECK(filtered(".[") ==
        "! failed to parse jq expression (line 1, column 2)\n    .[\n     ^  unexpected end of filter");
  CHECK(filtered(".a |\n  foo(1)") ==
        "! failed to parse jq expression (line 2, column 3)\n      foo(1)\n      ^  foo/1 is not defined");
  CHECK(filtered("$nope").find("$nope is not defined") != std::string::npos);
  CHECK(filtered("import \"a\" as a; .").starts_with("! failed to parse jq expression (line 1, column 1)"));
}

TEST_CASE("jq: what would read or write elsewhere is refused") {
  CHECK(filtered("input").starts_with("! jq: input is not allowed"));
  CHECK(filtered("[inputs]").starts_with("! jq: input is not allowed"));
  CHECK(filtered("debug") == "! jq: debug is not allowed");
  CHECK(filtered("\"a\"|modulemeta") == "! jq: modulemeta is not allowed");
}

TEST_CASE("jq: ~/.jq is not read") {
  std::string home = "/tmp/ghoard-home-XXXXXX";
  REQUIRE(::mkdtemp(home.data()) != nullptr);
  const std::string file = home + "/.jq";
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(::write(descriptor, "def planted: 1;", 15) == 15);
  ::close(descriptor);
  const char* old = ::getenv("HOME");
  const std::string saved = old != nullptr ? old : "";
  ::setenv("HOME", home.c_str(), 1);
  CHECK(filtered("planted").find("planted/0 is not defined") != std::string::npos);
  CHECK(filtered("env.HOME, $ENV.HOME") == home + "\n" + home + "\n");
  ::setenv("HOME", saved.c_str(), 1);
  ::unlink(file.c_str());
  ::rmdir(home.c_str());
}

TEST_CASE("jq: results before an error are printed, and the error is told") {
  CHECK(filtered("1, error(\"late\"), 2") == "1\n! jq: late");
  CHECK(filtered("error({a:1})") == "! jq: {\"a\":1}");
  CHECK(filtered(".a.b", "{\"a\":1}") == "! jq: Cannot index number with string \"b\"");
  CHECK(filtered("1, halt, 2") == "1\n");
  CHECK(filtered("\"bye\"|halt_error") == "! jq: bye");
}

TEST_CASE("jq: integers above 2^53 are refused rather than rounded") {
  CHECK(filtered(".", "9007199254740992") == "9007199254740992\n");
  CHECK(filtered(".", "[9007199254740993]").find("9007199254740993") != std::string::npos);
  CHECK(filtered(".", "[-12345678901234567890]").starts_with("! the answer holds the integer"));
  CHECK(filtered(".", R"(["9007199254740993", "\"9007199254740993", 1.00000000000000000000])") ==
        "[\"9007199254740993\",\"\\\"9007199254740993\",1]\n");
}

TEST_CASE("jq: what is no JSON document is refused") {
  CHECK(filtered(".", "") == "! unexpected end of JSON input");
  for (const char* document : {"x", "[1,2", "{\"a\":1}\n{\"a\":2}", "1 x"}) {
    CHECK_MESSAGE(filtered(".", document).starts_with("! the answer is no valid JSON: "), document);
  }
  CHECK(filtered(".", std::string(2000, '[')).starts_with("! the answer is no valid JSON: "));
}

TEST_CASE("jq: results nested without end are refused") {
  CHECK(filtered("reduce range(3000) as $i (0; [.])").starts_with("! jq: a result is nested"));
}

TEST_CASE("jq: a large document passes whole") {
  std::string document = "[";
  for (int i = 0; i < 200000; ++i) {
    document += "\"0123456789\",";
  }
  document += "1]";
  CHECK(filtered("length", document) == "200001\n");
}

TEST_CASE("jq: a helper that is missing is an error, not a crash") {
  const auto helper = api::JqHelper::start(program_in("/nonexistent"), filter_of("."));
  REQUIRE_FALSE(helper.has_value());
  CHECK(helper.error().message.find("/nonexistent/ghoard-jq") != std::string::npos);
}

TEST_CASE("a reader that left is told from a filter that fails without a word") {
  std::optional<base::Error> left;
  std::optional<base::Error> wordless;
  {
    const NoReader nobody;
    base::Result<api::JqHelper> helper = api::JqHelper::start(program_in(GHOARD_BIN_DIR), filter_of("."));
    const base::Result<void> done = helper ? helper->run("1") : base::Result<void>();
    left = done ? std::nullopt : std::optional(done.error());
    helper = api::JqHelper::start(program_in(GHOARD_BIN_DIR), filter_of("error(\"\")"));
    const base::Result<void> failed = helper ? helper->run("1") : base::Result<void>();
    wordless = failed ? std::nullopt : std::optional(failed.error());
  }
  REQUIRE(left);
  CHECK(api::is_reader_gone(*left));
  REQUIRE(wordless);
  CHECK_FALSE(api::is_reader_gone(*wordless));
}
