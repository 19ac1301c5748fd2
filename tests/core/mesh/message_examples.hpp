#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/mesh/message.hpp"
#include "tests/core/mesh/member_mesh.hpp"

namespace ghoard::testing {

inline cache::SharedValue example_value() {
  cache::SharedValue value;
  value.headers = {{"Content-Type", "application/json; charset=utf-8"}, {"Link", "<https://x/?page=2>; rel=\"next\""}};
  value.body = std::make_shared<const std::string>("{\"id\":1}");
  value.etag_class = github::EtagClass::derivable;
  value.vary = "Accept, Authorization";
  value.last_modified = "Tue, 19 Jul 2022 04:36:39 GMT";
  value.shareable = true;
  value.fingerprint = base::sha256("token");
  value.etag = "W/\"0123\"";
  value.age = base::Millis{1'234};
  value.proof_age = base::Millis{12};
  value.origin = base::sha256("origin");
  return value;
}

inline cache::Resource example_resource() {
  return {"api.github.com", "/repos/o/r", "per_page=100", "application/vnd.github+json", "2022-11-28"};
}

/// One message of every kind, and both forms of those that have two.
inline std::vector<mesh::Message> example_messages() {
  using namespace mesh;
  const PeerRecord record{test_peer(1), 42, {test_address(1), test_address(2)}, true};
  const base::Digest slot = base::sha256("slot");
  const base::Digest token = base::sha256("token");
  cache::SharedOutcome refused;
  refused.head = cache::ResponseHead{404, {{"Content-Type", "application/json"}, {"X-RateLimit-Remaining", "7"}}};
  refused.body = std::make_shared<const std::string>("{\"message\":\"Not Found\"}");
  cache::SharedOutcome failed;
  failed.error = {base::ErrorCode::timeout, "upstream: no answer in 10 s"};
  Get get{7, example_resource(), token, base::Seconds{300}, true, base::Millis{30'000}, 1, Prior{test_peer(2), 99}};
  Get bare{8, example_resource(), token, std::nullopt, false, base::Millis{250}, 0, std::nullopt};
  return {Hello{record, "192.0.2.7", 0xfeedfacecafebeef, "ghoard/1.2.3"},
          Records{{record, {test_peer(3), 1, {}, false}, {test_peer(4), 2, {test_address(4)}, true, true}}},
          View{{test_peer(1), test_peer(2)}},
          Ping{1, 0xffffffffffffffff},
          Ping{1, 2, base::Millis{25}},
          Pong{2, 3},
          Pong{2, 3, base::Millis{3'600'000}},
          Suspect{test_peer(4), 5},
          DialBack{},
          get,
          bare,
          Pending{1},
          Wait{2, test_peer(5), 77},
          Value{3, example_value()},
          Grant{4, 78, slot, base::Millis{30'000}, test_peer(6), example_value()},
          Grant{5, 79, slot, base::Millis{30'000}, std::nullopt, std::nullopt},
          NotOwner{6, 12},
          Outcome{7, refused},
          Outcome{8, failed},
          Release{9},
          Forget{10},
          Note{11, slot, token, test_peer(7), 80, Wanted{example_resource(), base::Seconds{60}}},
          Note{12, slot, token, test_peer(7), 81, Wanted{example_resource(), std::nullopt}},
          Note{13, slot, token, test_peer(7), 82, std::nullopt},
          NoteKept{12},
          Beat{81, slot, token},
          Put{82, example_resource(), example_value()},
          Failed{83, slot, token, refused},
          Pass{84, slot, token},
          Probe{13, 85},
          Alive{14, true},
          Tombstones{15,
                     {{test_peer(8), 1, 1, github::Tag{"api.github.com", "/repos/o/r"}},
                      {test_peer(8), 1, 2, cache::Change{token}}}},
          Acknowledge{16},
          LogDigest{{{test_peer(9), 3, 4, 5}}, true, false, 0},
          LogDigest{{{test_peer(9), 3, 8, 9, {{1, 2}, {5, 7}}}}, false, false, 0},
          LogDigest{{{test_peer(9), 3, 4, 5, {}, base::Millis{70'000}}}, false, false, 0},
          LogDigest{{}, false, true, 0x1234},
          LogEnd{true}};
}

}  // namespace ghoard::testing
