// Comments of a discovery repository, as anybody may write them. The first byte says how the rest is taken: as a page
// of GitHub's answer, as a comment's body, or, for what a hostile member could write, as what is sealed inside of one.
// links: ghoard_core_mesh

#include <array>
#include <string>
#include <vector>

#include "core/mesh/registry_page.hpp"
#include "core/mesh/registry_record.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

namespace {

const mesh::RegistryPlace& place() {
  static const mesh::RegistryPlace place{"acme/peers", "default"};
  return place;
}

const std::vector<base::SecretBytes>& keys() {
  static const std::vector<base::SecretBytes> keys = [] {
    const std::array<std::uint8_t, peer::seal_key_size> zeros{};
    std::vector<base::SecretBytes> made;
    made.push_back(*base::SecretBytes::copy(zeros));
    return made;
  }();
  return keys;
}

const peer::Identity& identity() {
  static const peer::Identity identity = [] {
    const std::array<std::uint8_t, peer::Identity::seed_size> seed{};
    return *peer::Identity::create(seed);
  }();
  return identity;
}

void read_body(std::string_view body) {
  const auto opened = mesh::read_comment(place(), keys(), body);
  if (!opened) {
    return;
  }
  require(opened->published.record.addresses.size() <= mesh::most_addresses, "addresses are bounded");
  require(opened->published.written.time_since_epoch().count() >= 0, "times are after the epoch");
  const std::array<std::uint8_t, peer::seal_nonce_size> nonce{};
  const auto again = mesh::format_comment(place(), keys().front(), identity(), opened->published, nonce);
  require(again && again->size() <= mesh::longest_comment, "what was read fits into a comment");
  require(mesh::read_comment(place(), keys(), *again).has_value(), "and is read again");
}

void read_page(std::string_view text) {
  if (const auto page = mesh::read_comment_page(text)) {
    require(page->comments.size() <= 100 && page->comments.size() <= page->items, "a page is bounded");
    for (const mesh::CommentText& comment : page->comments) {
      require(comment.body.size() <= mesh::longest_comment && comment.id != 0, "comments are bounded");
      read_body(comment.body);
    }
  }
  if (const auto page = mesh::read_issue_page(text, "ghoard peer discovery")) {
    require(page->numbers.size() <= 100, "a page is bounded");
  }
  static_cast<void>(mesh::read_created(text, "id"));
}

/// What a member seals is not yet what a member may say: there is no signature that fits.
void read_sealed(std::string_view plain) {
  const std::array<std::uint8_t, peer::seal_nonce_size> nonce{};
  const std::string context = std::string("ghoard-registry/1") + '\0' + "acme/peers";
  if (const auto sealed = peer::seal(keys().front(), context, plain, nonce)) {
    read_body(std::string(mesh::registry_marker) + '\n' + *sealed);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view rest = fuzz::text_of(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0: read_page(rest); break;
    case 1: read_body(rest); break;
    case 2: read_sealed(rest); break;
  }
  return 0;
}
