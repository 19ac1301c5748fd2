// The progress line beside the output, both caught in one file: the order of bytes is what a screen would get.

#include "cli/api/progress.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/api/output.hpp"
#include "cli/api/session.hpp"
#include "tests/support/eventually.hpp"

using namespace ghoard;
using namespace std::chrono_literals;

namespace {

class Screen {
 public:
  Screen() {
    std::string name = "/tmp/ghoard-screen-XXXXXX";
    m_descriptor = ::mkstemp(name.data());
    REQUIRE(m_descriptor >= 0);
    ::unlink(name.c_str());
  }
  ~Screen() { ::close(m_descriptor); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  [[nodiscard]] int descriptor() const { return m_descriptor; }
  [[nodiscard]] std::string text() const {
    std::string text(4096, '\0');
    const ssize_t count = ::pread(m_descriptor, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return text;
  }
  [[nodiscard]] bool comes_to(std::string_view part) const {
    return testing::eventually([&] { return text().find(part) != std::string::npos; }, 30s);
  }

 private:
  int m_descriptor = -1;
};

// Answers once the screen shows that somebody waits.
class SlowCarrier final : public api::Carrier {
 public:
  explicit SlowCarrier(const Screen& screen) : m_screen(screen) {}

  base::Result<link::Answer> call(const link::ApiCall&, const link::HeadCallback& on_head,
                                  const local::BodyCallback& on_body) override {
    if (!m_screen.comes_to("\rwaiting for api.github.com\x1b[K")) {
      return base::fail(base::ErrorCode::timeout, "no progress is shown");
    }
    const bool last = ++m_pages == 4;
    const link::Answer answer{200,
                              "OK",
                              {{"Content-Type", "application/json"},
                               {"Link", last ? "" : "</x?page=2>; rel=\"next\", </x?page=4>; rel=\"last\""}}};
    on_head(answer);
    on_body("[5]");
    return answer;
  }

 private:
  const Screen& m_screen;
  int m_pages = 0;
};

std::string shown(const std::vector<std::string>& words, bool shares_screen, std::size_t output_size,
                  std::chrono::milliseconds delay = 0ms) {
  const Screen screen;
  const api::Arguments arguments = api::parse_arguments(words).value();
  api::Prepared prepared;
  prepared.call.origin = {"https", "api.github.com", 443};
  prepared.call.target = "/x";
  SlowCarrier carrier(screen);
  api::Output out(screen.descriptor());
  api::Output error(screen.descriptor());
  api::Session session(arguments, std::move(prepared), carrier,
                       {out, error,
                        [&](std::string_view) -> base::Result<void> {
                          const std::string text(output_size, '5');
                          return ::write(screen.descriptor(), text.data(), text.size()) >= 0
                                     ? base::Result<void>()
                                     : base::fail(base::ErrorCode::system, "write");
                        }},
                       {.api_url = "http://127.0.0.1:99",
                        .progress = {screen.descriptor(), shares_screen, delay},
                        .has_credential = [](const link::ApiCall&) { return false; },
                        .lacked_credentials = [] { return false; },
                        .report = [](std::string_view, std::string_view) {}});
  CHECK(session.run() == 0);
  return screen.text();
}

const std::string waiting = "\rwaiting for api.github.com\x1b[K";
const std::string erased = "\r\x1b[K";

std::string pages(int count) {
  return "\rpages fetched " + std::to_string(count) + " of 4\x1b[K";
}

}  // namespace

TEST_CASE("a single request that takes long shows whom it waits for, and the line is gone before the output") {
  const std::string screen = shown({"-q", ".", "x"}, true, 2, 20ms);
  CHECK(screen.ends_with(erased + "55"));
  CHECK(screen.starts_with(waiting));
}

TEST_CASE("on a screen shared with the output the line does not come back between pages") {
  const std::string screen = shown({"--paginate", "-q", ".", "x"}, true, 2);
  CHECK(screen.ends_with(erased + "55555555"));
}

TEST_CASE("beside a file the pages are counted, and the line is erased at the end") {
  const std::string screen = shown({"--paginate", "-q", ".", "x"}, false, 0);
  CHECK(screen.find(erased + pages(1) + erased + pages(2) + erased + pages(3)) != std::string::npos);
  CHECK(screen.ends_with(erased));
}

TEST_CASE("without a terminal nothing is shown") {
  api::Progress progress({});
  progress.waiting_for("h");
  progress.page_done(1, 2);
  progress.before_output();
  progress.end();
  CHECK(api::last_page("</x?page=2>; rel=\"next\", </x?page=4>; rel=\"last\"") == 4);
}
