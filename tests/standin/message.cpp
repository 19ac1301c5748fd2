#include "tests/standin/message.hpp"

#include <algorithm>

#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace {

constexpr std::string_view documentation = "https://docs.github.com/rest";

http::Body body_of(const Json& value) {
  return std::make_shared<const std::string>(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

Params Request::params() const {
  return parse_query(query);
}

std::string Request::param(std::string_view name, std::string_view otherwise) const {
  for (const auto& [key, value] : params()) {
    if (key == name) {
      return value;
    }
  }
  return std::string(otherwise);
}

long Request::number_param(std::string_view name, long otherwise, long least, long most) const {
  return std::clamp(parse_number(param(name)).value_or(otherwise), least, most);
}

Answer json_answer(int status, const Json& value) {
  Answer answer;
  answer.status = status;
  answer.body = body_of(value);
  return answer;
}

Answer resource_answer(const Json& value) {
  Answer answer = json_answer(200, value);
  answer.etag = EtagKind::formula;
  return answer;
}

Answer error_answer(int status, std::string_view message) {
  Answer answer = json_answer(status, Json{{"message", message}, {"documentation_url", documentation}});
  answer.max_age = -1;
  return answer;
}

Answer not_found() {
  return error_answer(404, "Not Found");
}

Answer validation_failed(std::string_view resource, std::string_view field, std::string_view code) {
  Json problem{{"resource", resource}, {"code", code}, {"field", field}};
  Json errors = Json::array();
  errors.push_back(std::move(problem));
  Answer answer = json_answer(
      422, Json{{"message", "Validation Failed"}, {"errors", std::move(errors)}, {"documentation_url", documentation}});
  answer.max_age = -1;
  return answer;
}

Answer no_content() {
  Answer answer;
  answer.status = 204;
  answer.content_type.clear();
  answer.max_age = -1;
  return answer;
}

}  // namespace ghoard::standin
