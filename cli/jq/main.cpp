// ghoard-jq FILTER [--arg NAME VALUE | --argjson NAME JSON]...: runs a jq filter for `ghoard api -q`.
//
// Standard input is a socket to `ghoard`. It carries documents as a length (four bytes, least significant first) and
// bytes; back come reports: 'k' (done), 'e' (failed) or 'g' (nobody reads standard output any more), a length, and the
// message. The first report says whether the filter compiled, each further one that a document's results are on
// standard output. The end of the input ends us, and so does a reader who left, which is no failure.

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "cli/jq/filter.hpp"
#include "cli/jq/print.hpp"
#include "cli/streams/standard.hpp"

namespace {

using namespace ghoard;

constexpr std::uint32_t max_document = 256U << 20;
constexpr std::size_t output_piece = 64 * 1024;

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return true;
}

bool read_exactly(char* target, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::read(STDIN_FILENO, target, size);
    if (count == 0 || (count < 0 && errno != EINTR)) {
      return false;
    }
    target += std::max<ssize_t>(count, 0);
    size -= static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  return true;
}

// Grows as bytes arrive: an announced length alone reserves nothing.
std::optional<std::string> read_document() {
  std::array<unsigned char, 4> head{};
  if (!read_exactly(reinterpret_cast<char*>(head.data()), head.size())) {
    return std::nullopt;
  }
  const std::uint32_t size = head[0] | head[1] << 8U | head[2] << 16U | static_cast<std::uint32_t>(head[3]) << 24U;
  if (size > max_document) {
    return std::nullopt;
  }
  std::string document;
  while (document.size() < size) {
    const std::size_t at = document.size();
    document.resize(std::min<std::size_t>(size, at + (1U << 20)));
    if (!read_exactly(document.data() + at, document.size() - at)) {
      return std::nullopt;
    }
  }
  return document;
}

bool report(char kind, std::string text) {
  text.resize(std::min<std::size_t>(text.size(), 64 * 1024));
  std::string message(1, kind);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    message += static_cast<char>(text.size() >> shift & 0xFF);
  }
  return write_all(STDIN_FILENO, message + text);
}

bool report(const base::Result<void>& outcome) {
  return outcome ? report('k', {}) : report('e', outcome.error().message);
}

// Sets `reader_gone` when it ends because of that.
base::Result<void> run_document(jq::Filter& filter, std::string_view document, bool& reader_gone) {
  std::string out;
  base::Result<void> printed;
  const auto flush = [&] {
    if (!write_all(STDOUT_FILENO, out)) {
      reader_gone = errno == EPIPE;
      printed = base::fail(base::ErrorCode::system, std::string("cannot write the output: ") + std::strerror(errno));
    }
    out.clear();
  };
  const base::Result<void> ran = filter.run(document, [&](jv result) {
    printed = jq::print_result(out, result);
    if (printed && out.size() >= output_piece) {
      flush();
    }
    return printed.has_value();
  });
  if (printed) {
    flush();
  }
  return printed ? ran : printed;
}

std::optional<std::vector<jq::Variable>> variables_of(int argc, char** argv) {
  std::vector<jq::Variable> variables;
  for (int i = 2; i < argc; i += 3) {
    const std::string_view kind = argv[i];
    if (i + 2 >= argc || (kind != "--arg" && kind != "--argjson")) {
      return std::nullopt;
    }
    variables.push_back({argv[i + 1], argv[i + 2], kind == "--argjson"});
  }
  return variables;
}

// A filter such as `[range(1e12)]` is to end itself, not the machine. Sanitizers reserve more than any limit.
void limit_memory() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit limit{4ULL << 30, 4ULL << 30};
  ::setrlimit(RLIMIT_AS, &limit);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  ghoard::streams::take_closed_descriptors();
  const std::optional<std::vector<jq::Variable>> variables = variables_of(argc, argv);
  if (argc < 2 || !variables) {
    write_all(STDERR_FILENO, "ghoard-jq: is run by ghoard api --jq, not by hand\n");
    return 1;
  }
  limit_memory();
  base::Result<jq::Filter> filter = jq::Filter::compile(argv[1], *variables);
  if (!filter) {
    report(tl::unexpected(filter.error()));
    return 1;
  }
  if (!report({})) {
    return 1;
  }
  while (const std::optional<std::string> document = read_document()) {
    bool reader_gone = false;
    const base::Result<void> outcome = run_document(*filter, *document, reader_gone);
    if (reader_gone) {
      return report('g', {}) ? 0 : 1;
    }
    if (!report(outcome) || !outcome) {
      return 1;
    }
  }
  // The filter's memory goes with the process.
  std::_Exit(0);
}
