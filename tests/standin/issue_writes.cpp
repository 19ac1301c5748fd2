#include <algorithm>
#include <array>

#include "tests/standin/text.hpp"
#include "tests/standin/writes.hpp"

namespace ghoard::standin {

namespace {

Json label_named(const Write& write, const std::string& name) {
  const Json* label = write.world().document(write.key("labels/" + name));
  return label != nullptr ? *label : make_label(write.world(), write.at.repository, name, "ededed", nullptr);
}

Json labels_in(const Write& write) {
  Json labels = Json::array();
  const Json names = write.body.is_array() ? write.body : write.body.value("labels", Json::array());
  for (const Json& name : names) {
    const Json label = label_named(write, name.is_object() ? name["name"].get<std::string>() : name.get<std::string>());
    write.world().put(write.key("labels/" + label["name"].get<std::string>()), label);
    labels.push_back(label);
  }
  return labels;
}

Answer create_issue(Write& write) {
  if (!write.has_text("title")) {
    return validation_failed("Issue", "title", "missing_field");
  }
  const long number = add_issue(write.world(), write.at.repository, write.body["title"],
                                write.body.value("body", Json(nullptr)), write.login());
  const std::string key = write.key("issues/" + std::to_string(number));
  const Json labels = labels_in(write);
  Json& issue = *write.world().document(key);
  issue["labels"] = labels;
  return created(issue);
}

Answer update_issue(Write& write) {
  Json* issue = write.world().document(write.at.key());
  if (issue == nullptr) {
    return not_found();
  }
  if (write.body.contains("state") && write.body["state"] != "open" && write.body["state"] != "closed") {
    return validation_failed("Issue", "state", "invalid");
  }
  for (const char* name : {"title", "body"}) {
    (*issue)[name] = write.body.value(name, (*issue)[name]);
  }
  if (write.body.contains("labels")) {
    const Json labels = labels_in(write);
    issue = write.world().document(write.at.key());
    (*issue)["labels"] = labels;
  }
  change_state(write, *issue);
  write.touch(*issue);
  return changed(*issue);
}

Answer create_comment(Write& write) {
  Json* issue = write.world().document(write.key("issues/" + write.segment(1)));
  issue = issue == nullptr ? write.world().document(write.key("pulls/" + write.segment(1))) : issue;
  if (issue == nullptr) {
    return not_found();
  }
  if (!write.has_text("body")) {
    return validation_failed("IssueComment", "body", "missing_field");
  }
  const Json comment = make_comment(write.world(), write.at.repository, (*issue)["number"].get<long>(),
                                    write.body["body"], write.login());
  (*issue)["comments"] = (*issue)["comments"].get<long>() + 1;
  write.touch(*issue);
  const std::string key = write.key("issues/comments/" + std::to_string(comment["id"].get<long>()));
  write.world().append(write.at.key(), key, comment);
  write.world().collections[write.key("issues/comments")].members.push_back(key);
  return created(comment);
}

Answer update_comment(Write& write) {
  Json* comment = write.world().document(write.at.key());
  if (comment == nullptr) {
    return not_found();
  }
  (*comment)["body"] = write.body.value("body", (*comment)["body"]);
  write.touch(*comment);
  return changed(*comment);
}

/// POST adds labels to an issue, PUT replaces them.
Answer label_issue(Write& write) {
  const std::string key = write.key("issues/" + write.segment(1));
  if (write.world().document(key) == nullptr) {
    return not_found();
  }
  const Json labels = labels_in(write);
  Json& issue = *write.world().document(key);
  if (write.at.call.request.method == "PUT") {
    issue["labels"] = Json::array();
  }
  for (const Json& label : labels) {
    issue["labels"].push_back(label);
  }
  write.touch(issue);
  return changed(issue["labels"]);
}

Answer unlabel_issue(Write& write) {
  Json* issue = write.world().document(write.key("issues/" + write.segment(1)));
  if (issue == nullptr) {
    return not_found();
  }
  Json left = Json::array();
  for (const Json& label : (*issue)["labels"]) {
    if (label["name"] != write.segment(3)) {
      left.push_back(label);
    }
  }
  (*issue)["labels"] = left;
  write.touch(*issue);
  return changed(left);
}

Answer lock_issue(Write& write) {
  Json* issue = write.world().document(write.key("issues/" + write.segment(1)));
  if (issue == nullptr) {
    return not_found();
  }
  (*issue)["locked"] = write.at.call.request.method == "PUT";
  write.touch(*issue);
  return no_content();
}

Answer create_label(Write& write) {
  if (!write.has_text("name")) {
    return validation_failed("Label", "name", "missing_field");
  }
  const std::string key = write.key("labels/" + write.body["name"].get<std::string>());
  if (write.world().document(key) != nullptr) {
    return validation_failed("Label", "name", "already_exists");
  }
  const std::string color = write.body.value("color", "ededed");
  if (color.size() != 6 || color.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
    return validation_failed("Label", "color", "invalid");
  }
  const Json label = make_label(write.world(), write.at.repository, write.body["name"], color,
                                write.body.value("description", Json(nullptr)));
  write.world().append(write.key("labels"), key, label);
  return created(label);
}

Answer update_label(Write& write) {
  const Json* old = write.world().document(write.at.key());
  if (old == nullptr) {
    return not_found();
  }
  Json label = *old;
  const std::string name = write.body.value("new_name", label["name"].get<std::string>());
  for (const char* field : {"color", "description"}) {
    label[field] = write.body.value(field, label[field]);
  }
  label["name"] = name;
  label["url"] = api_url("/repos/" + write.at.repository.full_name() + "/labels/" + encode_component(name));
  write.world().remove(write.at.key());
  write.world().append(write.key("labels"), write.key("labels/" + name), label);
  return changed(label);
}

constexpr std::array<WriteRow, 13> rows{{{"POST", "issues", Right::read, create_issue},
                                         {"PATCH", "issues/{}", Right::read, update_issue},
                                         {"POST", "issues/{}/comments", Right::read, create_comment},
                                         {"PATCH", "issues/comments/{}", Right::read, update_comment},
                                         {"DELETE", "issues/comments/{}", Right::read, remove_stored},
                                         {"POST", "issues/{}/labels", Right::write, label_issue},
                                         {"PUT", "issues/{}/labels", Right::write, label_issue},
                                         {"DELETE", "issues/{}/labels/{}", Right::write, unlabel_issue},
                                         {"PUT", "issues/{}/lock", Right::write, lock_issue},
                                         {"DELETE", "issues/{}/lock", Right::write, lock_issue},
                                         {"POST", "labels", Right::write, create_label},
                                         {"PATCH", "labels/{}", Right::write, update_label},
                                         {"DELETE", "labels/{}", Right::write, remove_stored}}};

}  // namespace

std::span<const WriteRow> issue_writes() {
  return rows;
}

}  // namespace ghoard::standin
