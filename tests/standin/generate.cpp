// The organisation acme: invented, and the same on every start.

#include <array>

#include "tests/standin/text.hpp"
#include "tests/standin/world.hpp"

namespace ghoard::standin {

namespace {

struct Plan {
  const char* name;
  bool is_private;
  bool user_2_reads;
  int issues;
  int pulls;
  int runs;
};

// Ids follow the order: widgets is 1001, gadgets 1002, ...
constexpr std::array<Plan, 10> plans{{{"widgets", false, true, 250, 12, 35},
                                      {"gadgets", false, true, 45, 5, 8},
                                      {"website", false, true, 12, 3, 4},
                                      {"docs", false, true, 12, 2, 2},
                                      {"tools", false, true, 12, 2, 2},
                                      {"secrets", true, true, 40, 3, 4},
                                      {"payroll", true, false, 12, 2, 3},
                                      {"platform", true, true, 35, 4, 6},
                                      {"playground", false, true, 8, 1, 1},
                                      {"empty", false, true, 0, 0, 0}}};

std::string author(int n) {
  return "user-" + std::to_string(1 + n % 5);
}

/// Text that does not compress to nothing, the same on every start.
std::string noise_text(std::size_t size, std::uint32_t seed) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789 \n";
  std::string text(size, ' ');
  for (char& c : text) {
    seed = seed * 1'664'525U + 1'013'904'223U;
    c = letters[(seed >> 16U) % letters.size()];
  }
  return text;
}

void add_files(World& world, Repository& repository) {
  const std::string& name = repository.name;
  world.commit(repository, "main", {{"README.md", "# " + name + "\n\nThe repository " + name + " of acme.\n"}},
               "Begin " + name, "user-1");
  world.commit(repository, "main",
               {{"src/main.cpp", "int main() {\n  return 0;\n}\n"},
                {"src/" + name + ".hpp", "#pragma once\n"},
                {"docs/guide.md", "# Guide to " + name + "\n"},
                {".github/workflows/build.yml", "name: build\non: push\n"}},
               "Add sources", "user-2");
  if (name != "widgets") {
    return;
  }
  // 450,000 bytes are 600,000 as base64 inside JSON.
  world.commit(repository, "main", {{"data/big.txt", noise_text(450'000, 7)}}, "Add a large file", "user-3");
  std::string pattern = noise_text(4096, 11);
  std::string huge;
  huge.reserve(20U << 20U);
  while (huge.size() < (20U << 20U)) {
    huge += pattern;
  }
  const std::string sha = object_name("blob", "huge.bin");
  repository.blobs[sha] = std::make_shared<const std::string>(std::move(huge));
  world.commit(repository, "main", {}, "Add a huge file", "user-3", {{"data/huge.bin", sha}});
  for (int i = 0; i < 40; ++i) {
    world.commit(repository, "main", {{"docs/note-" + std::to_string(i) + ".md", "Note " + std::to_string(i) + "\n"}},
                 "Write note " + std::to_string(i), author(i));
  }
}

void add_labels(World& world, Repository& repository) {
  const std::array<std::pair<const char*, const char*>, 5> labels{{{"bug", "d73a4a"},
                                                                   {"enhancement", "a2eeef"},
                                                                   {"question", "d876e3"},
                                                                   {"good first issue", "7057ff"},
                                                                   {"wontfix", "ffffff"}}};
  for (const auto& [name, color] : labels) {
    world.append(repository.key("labels"), repository.key("labels/" + std::string(name)),
                 make_label(world, repository, name, color, "About " + std::string(name)));
  }
}

void add_issues(World& world, Repository& repository, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string title = "Issue " + std::to_string(i + 1) + " of " + repository.name;
    const long number = add_issue(world, repository, title, "Body of issue " + std::to_string(i + 1), author(i));
    Json& issue = *world.document(repository.key("issues/" + std::to_string(number)));
    const char* label = i % 3 == 0 ? "bug" : "enhancement";
    issue["labels"].push_back(*world.document(repository.key("labels/" + std::string(label))));
    if (number % 5 == 0) {
      issue["state"] = "closed";
      issue["state_reason"] = "completed";
      issue["closed_at"] = issue["updated_at"];
    }
    for (int c = 0; c < (number <= 5 ? number : 0); ++c) {
      const Json comment = make_comment(world, repository, number, "Comment " + std::to_string(c + 1), author(i + c));
      const std::string key = repository.key("issues/comments/" + std::to_string(comment["id"].get<long>()));
      world.append(repository.key("issues/" + std::to_string(number) + "/comments"), key, comment);
      world.collections[repository.key("issues/comments")].members.push_back(key);
      issue["comments"] = c + 1;
    }
  }
}

void add_pulls(World& world, Repository& repository, int count) {
  for (int i = 0; i < count; ++i) {
    const long number = repository.next_number++;
    const std::string branch = "feature-" + std::to_string(i + 1);
    const std::string path = "pulls/" + std::to_string(number);
    world.commit(repository, branch, {{"src/" + branch + ".cpp", "// " + branch + "\n"}}, "Add " + branch, author(i));
    Json pull = make_pull(world, repository, number, "Add " + branch, author(i), branch);
    if (i % 3 != 0) {
      pull["state"] = "closed";
      pull["closed_at"] = pull["updated_at"];
      if (i % 3 == 1) {
        pull["merged"] = true;
        pull["merged_at"] = pull["updated_at"];
        pull["merge_commit_sha"] = pull["head"]["sha"];
      }
    }
    world.append(repository.key("pulls"), repository.key(path), std::move(pull));
    Json file{{"sha", object_name("blob", "// " + branch + "\n")},
              {"filename", "src/" + branch + ".cpp"},
              {"status", "added"},
              {"additions", 1},
              {"deletions", 0},
              {"changes", 1},
              {"patch", "@@ -0,0 +1 @@\n+// " + branch}};
    world.append(repository.key(path + "/files"), repository.key(path + "/files/1"), std::move(file));
    for (const char* list : {"/comments", "/reviews"}) {
      world.collections[repository.key(path + list)];
    }
    world.collections[repository.key("issues/" + std::to_string(number) + "/comments")];
  }
}

void add_releases(World& world, Repository& repository, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string tag = "v1." + std::to_string(i) + ".0";
    repository.tags[tag] = repository.branches.at("main");
    Json release = make_release(world, repository, tag, "user-1");
    const std::string path = "releases/" + std::to_string(release["id"].get<long>());
    const long id = world.next_id();
    const std::string file = repository.name + "-" + tag + ".bin";
    Json asset{{"url", api_url("/repos/" + repository.full_name() + "/releases/assets/" + std::to_string(id))},
               {"id", id},
               {"name", file},
               {"content_type", "application/octet-stream"},
               {"state", "uploaded"},
               {"size", i == 0 ? 20L << 20U : 4096L},
               {"download_count", 3},
               {"created_at", release["created_at"]},
               {"browser_download_url",
                "https://github.com/" + repository.full_name() + "/releases/download/" + tag + "/" + file}};
    release["assets"].push_back(asset);
    world.append(repository.key("releases"), repository.key(path), release);
    world.append(repository.key(path + "/assets"), repository.key("releases/assets/" + std::to_string(id)),
                 std::move(asset));
  }
}

void add_actions(World& world, Repository& repository, int count) {
  const long workflow = repository.id * 10 + 1;
  const std::string path = "actions/workflows/" + std::to_string(workflow);
  world.append(repository.key("actions/workflows"), repository.key(path),
               Json{{"id", workflow},
                    {"node_id", "W_" + std::to_string(workflow)},
                    {"name", "build"},
                    {"path", ".github/workflows/build.yml"},
                    {"state", "active"},
                    {"created_at", "2024-01-01T00:00:00Z"},
                    {"updated_at", "2024-01-01T00:00:00Z"},
                    {"url", api_url("/repos/" + repository.full_name() + "/" + path)}});
  world.collections[repository.key(path + "/runs")] = Collection{"workflow_runs", true, {}};
  for (int i = 0; i < count; ++i) {
    add_run(world, repository, i % 4 == 3 ? "pull_request" : "push");
    // All but the last two end; the last but one is then in progress, the last queued.
    if (i + 3 == count) {
      advance_runs(world, repository);
      advance_runs(world, repository);
    } else if (i + 2 == count) {
      advance_runs(world, repository);
    }
  }
}

void add_runners(World& world, const std::string& list, long first) {
  for (long i = 0; i < 3; ++i) {
    const long id = first + i;
    Json labels = Json::array();
    labels.push_back(Json{{"id", 1}, {"name", "self-hosted"}, {"type", "read-only"}});
    world.append(list, list + "/" + std::to_string(id),
                 Json{{"id", id},
                      {"name", "runner-" + std::to_string(id)},
                      {"os", "linux"},
                      {"status", i == 2 ? "offline" : "online"},
                      {"busy", i == 0},
                      {"labels", std::move(labels)}});
  }
}

void add_people(World& world) {
  for (int i = 1; i <= 5; ++i) {
    const std::string login = "user-" + std::to_string(i);
    Json user = simple_user(login);
    user["name"] = "User " + std::to_string(i);
    user["company"] = "acme";
    user["bio"] = nullptr;
    user["public_repos"] = i;
    user["followers"] = 10 * i;
    user["following"] = i;
    user["created_at"] = "2020-01-01T00:00:00Z";
    user["updated_at"] = world.now();
    world.put("/users/" + login, std::move(user));
    world.collections["/users/" + login + "/events"].newest_first = true;
    world.collections["/orgs/acme/members"].members.push_back("/users/" + login);
  }
  Json organisation = simple_user("acme");
  organisation["url"] = api_url("/orgs/acme");
  organisation["name"] = "acme";
  organisation["description"] = "An invented organisation";
  organisation["public_repos"] = 7;
  organisation["created_at"] = "2020-01-01T00:00:00Z";
  organisation["updated_at"] = world.now();
  world.put("/orgs/acme", organisation);
  world.put("/users/acme", std::move(organisation));
  world.collections["/orgs/acme/actions/runners"].wrapper = "runners";
  add_runners(world, "/orgs/acme/actions/runners", 500);
}

void add_events(World& world, Repository& repository) {
  for (int i = 0; i < 5; ++i) {
    const long id = world.next_id();
    const std::string key = repository.key("events/" + std::to_string(id));
    world.append(repository.key("events"), key,
                 Json{{"id", std::to_string(id)},
                      {"type", "PushEvent"},
                      {"actor", Json{{"id", 101}, {"login", "user-1"}}},
                      {"repo", Json{{"id", repository.id}, {"name", repository.full_name()}}},
                      {"public", !repository.is_private},
                      {"created_at", world.now()}});
    if (!repository.is_private) {
      world.collections["/users/user-1/events"].members.push_back(key);
      world.collections["/events"].members.push_back(key);
    }
  }
}

void fill(World& world, const Plan& plan) {
  Repository& repository = create_repository(world, "acme", plan.name, plan.is_private, "user-1");
  if (plan.user_2_reads) {
    repository.readers.insert("user-2");
    repository.writers.insert("user-2");
  }
  if (repository.name == "empty") {
    return;
  }
  add_files(world, repository);
  add_labels(world, repository);
  add_issues(world, repository, plan.issues);
  add_pulls(world, repository, plan.pulls);
  add_releases(world, repository, 3);
  add_actions(world, repository, plan.runs);
  add_runners(world, repository.key("actions/runners"), repository.id);
  add_events(world, repository);
  for (const std::string& login : repository.writers) {
    world.collections[repository.key("collaborators")].members.push_back("/users/" + login);
    world.collections[repository.key("contributors")].members.push_back("/users/" + login);
  }
}

}  // namespace

void generate(World& world) {
  add_people(world);
  world.collections["/events"].newest_first = true;
  for (const Plan& plan : plans) {
    fill(world, plan);
  }
  // GET /repos/acme/playground answers 301 to /repositories/1009, which is acme/sandbox.
  world.rename(*world.find_repository("acme", "playground"), "sandbox");
}

}  // namespace ghoard::standin
