#include "tests/standin/recorded.hpp"

#include <fstream>

#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace {

std::string replaced(std::string text, std::string_view from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// 40 hex digits inside an ETag: a git object's name rather than a SHA-256.
std::string object_sha_of(const std::string& etag) {
  const std::size_t open = etag.find('"');
  const std::size_t close = etag.rfind('"');
  const bool sha = open != std::string::npos && close == open + 41;
  return sha ? etag.substr(open + 1, 40) : "";
}

void take_header(Answer& answer, const std::string& name, const std::string& value) {
  if (http::iequals(name, "Content-Type")) {
    answer.content_type = value;
  } else if (http::iequals(name, "ETag")) {
    answer.object_sha = object_sha_of(value);
    answer.etag = answer.object_sha.empty() ? EtagKind::formula : EtagKind::object_sha;
  } else if (http::iequals(name, "Last-Modified")) {
    answer.last_modified = iso_time(parse_date(value).value_or(0));
  } else if (http::iequals(name, "X-Accepted-OAuth-Scopes")) {
    answer.accepted_scopes = value;
  } else if (http::iequals(name, "Cache-Control")) {
    answer.max_age = value.find("max-age=60") != std::string::npos ? 60 : 0;
  } else if (http::iequals(name, "Link") || http::iequals(name, "Location") || http::iequals(name, "X-Poll-Interval")) {
    answer.extra.push_back({name, value});
  }
}

Answer answer_from(const Json& exchange) {
  Answer answer;
  answer.status = exchange["status"].get<int>();
  answer.max_age = -1;
  const Json& body = exchange["body"];
  answer.body = std::make_shared<const std::string>(body.is_string() ? body.get<std::string>() : body.dump());
  for (const Json& field : exchange["headers"]) {
    take_header(answer, field[0], field[1]);
  }
  return answer;
}

}  // namespace

std::string Recorded::load(const std::string& file) {
  std::ifstream stream(file);
  const Json document = Json::parse(stream, nullptr, false);
  if (!document.is_object() || !document.contains("exchanges")) {
    return "cannot read recorded answers from " + file;
  }
  for (const Json& exchange : document["exchanges"]) {
    if (exchange["method"] == "GET") {
      // A path that was asked twice keeps its first answer.
      m_answers.try_emplace(exchange["path"].get<std::string>(), answer_from(exchange));
    }
  }
  return {};
}

Answer Recorded::answer(const Call& call) const {
  Answer answer = m_answers.at(call.request.target);
  for (http::Header& field : answer.extra) {
    field.value = replaced(field.value, "https://api.github.com", call.base);
    field.value = replaced(field.value, "https://codeload.github.com", call.asset_base + "/archive");
  }
  return answer;
}

}  // namespace ghoard::standin
