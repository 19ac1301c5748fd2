#include "tests/standin/world.hpp"

#include <algorithm>

#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace {

std::string name_key(std::string_view owner, std::string_view name) {
  return http::to_lower(owner) + "/" + http::to_lower(name);
}

void replace_in_strings(Json& value, const std::string& from, const std::string& to) {
  if (value.is_string()) {
    std::string text = value.get<std::string>();
    std::size_t at = text.find(from);
    while (at != std::string::npos) {
      const std::size_t end = at + from.size();
      // "acme/web" must not change "acme/website".
      const bool whole = end == text.size() || text[end] == '/' || text[end] == '.' || text[end] == '{';
      if (whole) {
        text.replace(at, from.size(), to);
      }
      at = text.find(from, at + (whole ? to.size() : from.size()));
    }
    value = text;
  } else if (value.is_structured()) {
    for (Json& element : value) {
      replace_in_strings(element, from, to);
    }
  }
}

/// Writes the tree object of every directory of a commit; returns the root's name.
std::string store_trees(Repository& repository, const Files& files, const std::string& directory) {
  Json entries = Json::array();
  std::string names;
  std::string last_directory;
  for (auto file = files.lower_bound(directory); file != files.end() && file->first.starts_with(directory); ++file) {
    const std::string rest = file->first.substr(directory.size());
    const std::size_t slash = rest.find('/');
    const std::string name = rest.substr(0, slash);
    if (slash != std::string::npos && name == last_directory) {
      continue;
    }
    const bool is_tree = slash != std::string::npos;
    const std::string sha = is_tree ? store_trees(repository, files, directory + name + "/") : file->second;
    last_directory = is_tree ? name : "";
    names += name + "=" + sha + "\n";
    Json entry{
        {"path", name}, {"mode", is_tree ? "040000" : "100644"}, {"type", is_tree ? "tree" : "blob"}, {"sha", sha}};
    if (!is_tree) {
      entry["size"] = repository.blobs.at(sha)->size();
    }
    entry["url"] = api_url("/repos/" + repository.full_name() + "/git/" + (is_tree ? "trees/" : "blobs/") + sha);
    entries.push_back(std::move(entry));
  }
  const std::string sha = object_name("tree", names);
  repository.trees[sha] = Json{{"sha", sha},
                               {"url", api_url("/repos/" + repository.full_name() + "/git/trees/" + sha)},
                               {"tree", std::move(entries)},
                               {"truncated", false}};
  return sha;
}

}  // namespace

bool Repository::visible_to(const Identity& who) const {
  return !is_private || who.installation || (who.sees_private && readers.contains(who.login));
}

bool Repository::writable_by(const Identity& who) const {
  return who.installation || (who.sees_private && writers.contains(who.login));
}

const Commit* Repository::find_commit(std::string_view ref) const {
  std::string wanted(ref.empty() ? std::string_view(default_branch) : ref);
  for (const std::string_view prefix : {"refs/heads/", "heads/", "refs/tags/", "tags/"}) {
    if (wanted.starts_with(prefix)) {
      wanted.erase(0, prefix.size());
      break;
    }
  }
  if (const auto branch = branches.find(wanted); branch != branches.end()) {
    wanted = branch->second;
  } else if (const auto tag = tags.find(wanted); tag != tags.end()) {
    wanted = tag->second;
  }
  const auto commit = commits.find(wanted);
  return commit == commits.end() ? nullptr : &commit->second;
}

World::World() {
  generate(*this);
}

Repository* World::find_repository(std::string_view owner, std::string_view name) {
  const auto found = m_names.find(name_key(owner, name));
  return found == m_names.end() ? nullptr : &repositories.at(found->second);
}

Repository* World::find_repository(std::string_view full_name) {
  const std::size_t slash = full_name.find('/');
  return slash == std::string_view::npos ? nullptr
                                         : find_repository(full_name.substr(0, slash), full_name.substr(slash + 1));
}

Repository* World::find_renamed(std::string_view owner, std::string_view name) {
  const auto found = m_former_names.find(name_key(owner, name));
  return found == m_former_names.end() ? nullptr : &repositories.at(found->second);
}

Repository& World::add_repository(const std::string& owner, const std::string& name, bool is_private) {
  const long free_id = ++m_last_repository;
  Repository& repository = repositories[free_id];
  repository.id = free_id;
  repository.owner = owner;
  repository.name = name;
  repository.is_private = is_private;
  m_names[name_key(owner, name)] = free_id;
  m_former_names.erase(name_key(owner, name));
  touch();
  return repository;
}

void World::rename(Repository& repository, const std::string& name) {
  const std::string old_name = repository.full_name();
  m_names.erase(name_key(repository.owner, repository.name));
  m_former_names[name_key(repository.owner, repository.name)] = repository.id;
  repository.name = name;
  m_names[name_key(repository.owner, name)] = repository.id;
  m_former_names.erase(name_key(repository.owner, name));
  for (auto& [key, value] : documents) {
    if (key == repository.key() || key.starts_with(repository.key() + "/")) {
      replace_in_strings(value, old_name, repository.full_name());
    }
  }
  for (auto& [sha, tree] : repository.trees) {
    replace_in_strings(tree, old_name, repository.full_name());
  }
  if (Json* base = document(repository.key())) {
    (*base)["name"] = name;
  }
  touch();
}

void World::remove_repository(long id) {
  const std::string key = repositories.at(id).key();
  const auto inside = [&](const auto& entry) { return entry.first == key || entry.first.starts_with(key + "/"); };
  std::erase_if(documents, inside);
  std::erase_if(collections, inside);
  std::erase_if(m_names, [&](const auto& entry) { return entry.second == id; });
  std::erase_if(m_former_names, [&](const auto& entry) { return entry.second == id; });
  repositories.erase(id);
  touch();
}

Json* World::document(const std::string& key) {
  const auto found = documents.find(key);
  return found == documents.end() ? nullptr : &found->second;
}

void World::put(const std::string& key, Json value) {
  documents[key] = std::move(value);
  touch();
}

void World::append(const std::string& collection, const std::string& key, Json value) {
  put(key, std::move(value));
  collections[collection].members.push_back(key);
}

void World::remove(const std::string& key) {
  documents.erase(key);
  const std::string prefix = key.substr(0, key.find('/', 1));
  for (auto& [name, collection] : collections) {
    if (name.starts_with(prefix)) {
      std::erase(collection.members, key);
    }
  }
  touch();
}

std::vector<Json*> World::members(const std::string& collection) {
  std::vector<Json*> result;
  const auto found = collections.find(collection);
  if (found == collections.end()) {
    return result;
  }
  for (const std::string& key : found->second.members) {
    if (Json* value = document(key)) {
      result.push_back(value);
    }
  }
  if (found->second.newest_first) {
    std::reverse(result.begin(), result.end());
  }
  return result;
}

const Commit& World::commit(Repository& repository, const std::string& branch,
                            const std::map<std::string, std::optional<std::string>>& changes,
                            const std::string& message, const std::string& author, const Files& ready) {
  const Commit* parent = repository.find_commit(branch);
  if (parent == nullptr) {
    parent = repository.find_commit(repository.default_branch);
  }
  Commit next;
  next.parent = parent != nullptr ? parent->sha : "";
  next.files = parent != nullptr ? parent->files : Files{};
  next.message = message;
  next.author = author;
  next.date = now();
  for (const auto& [path, content] : changes) {
    if (!content) {
      next.files.erase(path);
      continue;
    }
    const std::string sha = object_name("blob", *content);
    repository.blobs.try_emplace(sha, std::make_shared<const std::string>(*content));
    next.files[path] = sha;
  }
  next.files.insert(ready.begin(), ready.end());
  next.tree = store_trees(repository, next.files, "");
  next.sha = object_name(
      "commit", next.tree + next.parent + next.message + next.author + next.date + std::to_string(repository.id));
  repository.branches[branch] = next.sha;
  touch();
  const std::string sha = next.sha;
  return repository.commits[sha] = std::move(next);
}

std::string World::now() {
  m_now += 60;
  touch();
  return iso_time(m_now);
}

std::string api_url(std::string_view path) {
  return "https://api.github.com" + std::string(path);
}

}  // namespace ghoard::standin
