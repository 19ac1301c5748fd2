// The floor under the agent's throughput: net/server with a handler that answers every request with 4 KiB.
//
//   bare_server SOCKET [BYTES]

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/server/server.hpp"

namespace {

using namespace ghoard;

class Constant final : public cache::RequestHandler {
 public:
  explicit Constant(std::size_t size) : m_body(std::make_shared<const std::string>(size, 'x')) {}
  void handle(cache::IncomingRequest, std::shared_ptr<cache::ReplySink> sink) override {
    sink->send({200,
                {{"Content-Type", "application/json; charset=utf-8"},
                 {"Cache-Status", "ghoard; hit; ttl=212; detail=local"},
                 {"Age", "88"},
                 {"X-GitHub-Media-Type", "github.v3; format=json"}},
                m_body});
  }

 private:
  http::Body m_body;
};

}  // namespace

int main(int argc, char** argv) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (argc < 2 || std::strlen(argv[1]) >= sizeof address.sun_path) {
    std::fprintf(stderr, "usage: bare_server SOCKET [BYTES]\n");
    return 1;
  }
  std::memcpy(address.sun_path, argv[1], std::strlen(argv[1]));
  ::unlink(argv[1]);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 512) != 0) {
    std::perror("bind");
    return 1;
  }
  boost::asio::io_context loop(1);
  Constant handler(argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 4096);
  server::Server server(loop, handler, {}, "0; protocol=0");
  if (base::Result<void> listening = server.listen(listener); !listening) {
    std::fprintf(stderr, "%s\n", listening.error().message.c_str());
    return 1;
  }
  loop.run();
  return 0;
}
