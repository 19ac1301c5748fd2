// Pages, Link headers, list filters and search.

#include <algorithm>

#include "tests/standin/routes.hpp"
#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace {

struct Page {
  long number = 1;
  long size = 30;
  long last = 1;
};

std::string page_link(const Call& call, const std::string& path, long number, const char* relation) {
  std::string query;
  for (const auto& [name, value] : call.request.params()) {
    if (name != "page") {
      query += encode_component(name) + "=" + encode_component(value) + "&";
    }
  }
  return "<" + call.base + path + "?" + query + "page=" + std::to_string(number) + ">; rel=\"" + relation + "\"";
}

std::string link_field(const Call& call, const std::string& path, const Page& page) {
  std::vector<std::string> links;
  if (page.number > 1) {
    links.push_back(page_link(call, path, std::min(page.number - 1, page.last), "prev"));
  }
  if (page.number < page.last) {
    links.push_back(page_link(call, path, page.number + 1, "next"));
    links.push_back(page_link(call, path, page.last, "last"));
  }
  if (page.number > 1) {
    links.push_back(page_link(call, path, 1, "first"));
  }
  std::string field;
  for (const std::string& link : links) {
    field += (field.empty() ? "" : ", ") + link;
  }
  return field;
}

bool has_label(const Json& item, const std::string& name) {
  return std::any_of(item["labels"].begin(), item["labels"].end(),
                     [&](const Json& label) { return label["name"] == name; });
}

bool wanted_by_state(const Json& item, const std::string& state) {
  return state == "all" || item["state"] == (state.empty() ? "open" : state);
}

bool wanted_issue(const Request& request, const Json& item) {
  const std::string labels = request.param("labels");
  const std::vector<std::string> names = labels.empty() ? std::vector<std::string>{} : split(labels, ',');
  const std::string creator = request.param("creator");
  return wanted_by_state(item, request.param("state")) && (creator.empty() || item["user"]["login"] == creator) &&
         std::all_of(names.begin(), names.end(), [&](const std::string& name) { return has_label(item, name); });
}

/// Dates are ISO 8601 in UTC, so that they compare as texts.
bool wanted_comment(const Request& request, const Json& item) {
  return item["updated_at"].get<std::string>() >= request.param("since");
}

bool wanted_pull(const Request& request, const Json& item) {
  std::string head = request.param("head");
  head.erase(0, head.find(':') == std::string::npos ? 0 : head.find(':') + 1);
  return wanted_by_state(item, request.param("state")) && (head.empty() || item["head"]["ref"] == head);
}

bool wanted_run(const Request& request, const Json& item) {
  const std::string status = request.param("status");
  const std::string branch = request.param("branch");
  const std::string event = request.param("event");
  return (status.empty() || item["status"] == status || item["conclusion"] == status) &&
         (branch.empty() || item["head_branch"] == branch) && (event.empty() || item["event"] == event);
}

using Wanted = bool (*)(const Request&, const Json&);

/// The filter of a list, by the last word of its key.
Wanted filter_of(std::string_view key) {
  if (key.ends_with("/issues")) {
    return wanted_issue;
  }
  if (key.ends_with("/pulls")) {
    return wanted_pull;
  }
  if (key.ends_with("/runs")) {
    return wanted_run;
  }
  if (key.ends_with("/comments") && key.find("/issues/") != std::string_view::npos) {
    return wanted_comment;
  }
  return [](const Request&, const Json&) { return true; };
}

struct SearchTerms {
  std::vector<std::string> words;
  std::string repository;
  std::string state;
};

SearchTerms parse_search(const std::string& text) {
  SearchTerms terms;
  for (const std::string& word : split(text, ' ')) {
    if (word.starts_with("repo:")) {
      terms.repository = word.substr(5);
    } else if (word == "is:open" || word == "state:open") {
      terms.state = "open";
    } else if (word == "is:closed" || word == "state:closed") {
      terms.state = "closed";
    } else if (!word.empty() && word.find(':') == std::string::npos) {
      terms.words.push_back(http::to_lower(word));
    }
  }
  return terms;
}

bool has_words(const SearchTerms& terms, const std::string& text) {
  const std::string lower = http::to_lower(text);
  return std::all_of(terms.words.begin(), terms.words.end(),
                     [&](const std::string& word) { return lower.find(word) != std::string::npos; });
}

std::vector<Json> found_issues(const Call& call, const SearchTerms& terms) {
  std::vector<Json> found;
  for (const auto& [id, repository] : call.world.repositories) {
    if (!repository.visible_to(call.who) ||
        (!terms.repository.empty() && !http::iequals(repository.full_name(), terms.repository))) {
      continue;
    }
    for (const Json* issue : call.world.members(repository.key("issues"))) {
      if (has_words(terms, (*issue)["title"]) && (terms.state.empty() || (*issue)["state"] == terms.state)) {
        found.push_back(*issue);
        found.back()["score"] = 1.0;
      }
    }
  }
  return found;
}

std::vector<Json> found_repositories(const Call& call, const SearchTerms& terms) {
  std::vector<Json> found;
  for (const auto& [id, repository] : call.world.repositories) {
    if (repository.visible_to(call.who) && has_words(terms, repository.full_name())) {
      found.push_back(repository_view(call, repository));
      found.back()["score"] = 1.0;
    }
  }
  return found;
}

}  // namespace

Answer paged(const Call& call, const std::vector<const Json*>& items, const std::string& link_path,
             const std::string& wrapper) {
  Page page;
  page.size = call.request.number_param("per_page", 30, 1, 100);
  page.number = call.request.number_param("page", 1, 1, 1'000'000);
  const long count = static_cast<long>(items.size());
  page.last = std::max(1L, (count + page.size - 1) / page.size);
  Json list = Json::array();
  for (long i = (page.number - 1) * page.size; i < std::min(count, page.number * page.size); ++i) {
    list.push_back(*items[static_cast<std::size_t>(i)]);
  }
  Answer answer = resource_answer(wrapper.empty() ? list : Json{{"total_count", count}, {wrapper, list}});
  if (const std::string links = link_field(call, link_path, page); !links.empty()) {
    answer.extra.push_back({"Link", links});
  }
  return answer;
}

Answer paged(const Call& call, const std::vector<Json>& items, const std::string& link_path,
             const std::string& wrapper) {
  std::vector<const Json*> pointers;
  pointers.reserve(items.size());
  for (const Json& item : items) {
    pointers.push_back(&item);
  }
  return paged(call, pointers, link_path, wrapper);
}

Answer list_route(const Call& call, const std::string& key, const std::string& link_path) {
  const Collection& collection = call.world.collections.at(key);
  const Wanted wanted = filter_of(key);
  std::vector<const Json*> items;
  for (const Json* item : call.world.members(key)) {
    if (wanted(call.request, *item)) {
      items.push_back(item);
    }
  }
  if (call.request.param("direction") == "asc" && collection.newest_first) {
    std::reverse(items.begin(), items.end());
  }
  Answer answer = paged(call, items, link_path, collection.wrapper);
  if (key.ends_with("/events")) {
    answer.extra.push_back({"X-Poll-Interval", "60"});
  }
  return answer;
}

Answer search_route(const Call& call, std::string_view what) {
  const std::string text = call.request.param("q");
  if (text.empty()) {
    return validation_failed("Search", "q", "missing");
  }
  const SearchTerms terms = parse_search(text);
  const std::vector<Json> found = what == "issues" ? found_issues(call, terms) : found_repositories(call, terms);
  Answer answer = paged(call, found, call.request.path, "items");
  Json body = Json::parse(*answer.body);
  const Json items = body["items"];
  Answer result =
      json_answer(200, Json{{"total_count", found.size()}, {"incomplete_results", false}, {"items", items}});
  result.extra = std::move(answer.extra);
  result.max_age = 0;
  return result;
}

}  // namespace ghoard::standin
