#include "cli/api/query.hpp"

#include <map>

#include "core/http/uri.hpp"

namespace ghoard::api {

namespace {

// Values of one key stay in the order they were given.
using Pairs = std::map<std::string, std::vector<std::string>>;

struct Collector {
  Pairs& pairs;
  const std::string& key;

  void operator()(std::nullptr_t) const { pairs[key].emplace_back(); }
  void operator()(bool value) const { pairs[key].emplace_back(value ? "true" : "false"); }
  void operator()(std::int64_t value) const { pairs[key].push_back(std::to_string(value)); }
  void operator()(const std::string& value) const { pairs[key].push_back(value); }
  void operator()(const Value::Array& array) const {
    const std::string name = key + "[]";
    for (const Value& entry : array) {
      std::visit(Collector{pairs, name}, entry.data);
    }
  }
  void operator()(const Value::Object& object) const {
    for (const auto& [name, entry] : object) {
      std::visit(Collector{pairs, name}, entry.data);
    }
  }
};

}  // namespace

std::string add_query(std::string path, const Value::Object& parameters) {
  Pairs pairs;
  for (const auto& [name, value] : parameters) {
    std::visit(Collector{pairs, name}, value.data);
  }
  char separator = path.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, values] : pairs) {
    for (const std::string& value : values) {
      path += separator;
      path += http::encode_query_component(name);
      path += '=';
      path += http::encode_query_component(value);
      separator = '&';
    }
  }
  return path;
}

std::string add_per_page(std::string path, const Value::Object& parameters) {
  if (parameters.contains("per_page")) {
    return path;
  }
  const std::size_t mark = path.find('?');
  if (mark != std::string::npos) {
    for (const auto& [name, value] : http::split_query(std::string_view(path).substr(mark + 1))) {
      if (name == "per_page" && !value.empty()) {
        return path;
      }
    }
  }
  return path + (mark == std::string::npos ? '?' : '&') + "per_page=100";
}

}  // namespace ghoard::api
