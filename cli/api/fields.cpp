#include "cli/api/fields.hpp"

#include <charconv>
#include <vector>

namespace ghoard::api {

namespace {

constexpr std::size_t max_depth = 1000;

tl::unexpected<base::Error> refuse(std::string message) {
  return base::fail(base::ErrorCode::invalid_input, std::move(message));
}

/// A field taken apart: "p[][n]=v" has the path {"p", "", "n"}; an empty step stands for an array.
struct Field {
  std::vector<std::string> path;
  std::string_view key;
  std::optional<std::string_view> text;
};

// gh's reading of keys, with its quirks: an unclosed bracket is dropped, and "=x" has one empty step.
base::Result<Field> split_field(std::string_view field) {
  Field result{{}, field, std::nullopt};
  std::size_t bracket = 0;  // position after the last '[', 0 if there was none
  for (std::size_t i = 0; i < field.size() && !result.text; ++i) {
    switch (field[i]) {
      case '[':
        if (bracket == 0) {
          result.path.emplace_back(field.substr(0, i));
        }
        bracket = i + 1;
        break;
      case ']': result.path.emplace_back(field.substr(bracket, i - bracket)); break;
      case '=':
        if (bracket == 0) {
          result.path.emplace_back(field.substr(0, i));
        }
        result.key = field.substr(0, i);
        result.text = field.substr(i + 1);
        break;
      default: break;
    }
    if (result.path.size() > max_depth) {
      return refuse("invalid key: nested too deeply");
    }
  }
  if (result.path.empty()) {
    return refuse("invalid key: " + go_quoted(field));
  }
  if (!result.text && !result.path.back().empty()) {
    return refuse("field " + go_quoted(field) + " requires a value separated by an '=' sign");
  }
  return result;
}

tl::unexpected<base::Error> wrong_type(std::string_view expected, const std::string& name, const Value& found) {
  return refuse("expected " + std::string(expected) + " type under " + go_quoted(name) + ", got " +
                std::string(go_type_name(found)));
}

// The object under `name`, made if it is missing.
base::Result<Value::Object*> enter_object(Value::Object& object, const std::string& name) {
  const auto [entry, fresh] = object.try_emplace(name, Value{Value::Object{}});
  Value::Object* inner = entry->second.object();
  if (inner == nullptr) {
    return wrong_type("map", name, entry->second);
  }
  return inner;
}

// The array's last object as long as it can take `next`, else a new one: "p[][n]=1" twice makes two objects.
base::Result<Value::Object*> enter_array(Value::Object& object, const std::string& name, const std::string& next) {
  Value& value = object.try_emplace(name, Value{Value::Array{}}).first->second;
  Value::Array* array = value.array();
  if (array == nullptr) {
    return wrong_type("array", name, value);
  }
  if (!array->empty()) {
    Value::Object* last = array->back().object();
    if (last != nullptr) {
      const auto found = last->find(next);
      if (found == last->end() || found->second.array() != nullptr) {
        return last;
      }
    }
  }
  array->push_back(Value{Value::Object{}});
  return array->back().object();
}

base::Result<void> append_to_array(Value::Object& object, const std::string& name, Value value) {
  if (value.is_null()) {  // gh: a bare "a[]", and "-F a[]=null" too, empties the array
    object[name] = Value{Value::Array{}};
    return {};
  }
  Value& entry = object.try_emplace(name, Value{Value::Array{}}).first->second;
  Value::Array* array = entry.array();
  if (array == nullptr) {
    return wrong_type("array", name, entry);
  }
  array->push_back(std::move(value));
  return {};
}

base::Result<void> place(Value::Object& root, const std::vector<std::string>& path, Value value) {
  Value::Object* object = &root;
  std::string name;
  bool in_array = false;
  for (const std::string& step : path) {
    if (step.empty()) {
      in_array = true;
      continue;
    }
    if (!name.empty()) {
      const base::Result<Value::Object*> inner =
          in_array ? enter_array(*object, name, step) : enter_object(*object, name);
      if (!inner) {
        return tl::unexpected(inner.error());
      }
      object = *inner;
      in_array = false;
    }
    name = step;
  }
  if (in_array) {
    return append_to_array(*object, name, std::move(value));
  }
  if (!object->try_emplace(name, std::move(value)).second) {
    return refuse("unexpected override existing field under " + go_quoted(name));
  }
  return {};
}

enum class Typing { plain, typed };

base::Result<void> add_field(Value::Object& root, std::string_view text, Typing typing, const FieldSources& sources) {
  base::Result<Field> field = split_field(text);
  if (!field) {
    return tl::unexpected(field.error());
  }
  Value value;
  if (field->text && typing == Typing::plain) {
    value.data = std::string(*field->text);
  } else if (field->text) {
    base::Result<Value> typed = typed_value(*field->text, sources);
    if (!typed) {
      return tl::unexpected(typed.error().with_context("error parsing " + go_quoted(field->key) + " value"));
    }
    value = std::move(*typed);
  }
  return place(root, field->path, std::move(value));
}

}  // namespace

std::optional<std::int64_t> parse_go_integer(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) {
      return std::nullopt;
    }
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

base::Result<Value> typed_value(std::string_view text, const FieldSources& sources) {
  if (text.starts_with('@')) {
    base::Result<std::string> content = sources.read_file(std::string(text.substr(1)));
    return content ? base::Result<Value>(Value{std::move(*content)}) : tl::unexpected(content.error());
  }
  if (const auto number = parse_go_integer(text)) {
    return Value{*number};
  }
  if (text == "true" || text == "false") {
    return Value{text == "true"};
  }
  if (text == "null") {
    return Value{nullptr};
  }
  base::Result<std::string> filled = sources.fill_placeholders(text);
  return filled ? base::Result<Value>(Value{std::move(*filled)}) : tl::unexpected(filled.error());
}

base::Result<Value::Object> parse_fields(std::span<const std::string> raw_fields,
                                         std::span<const std::string> typed_fields, const FieldSources& sources) {
  Value::Object root;
  for (const auto& [fields, typing] : {std::pair(raw_fields, Typing::plain), std::pair(typed_fields, Typing::typed)}) {
    for (const std::string& field : fields) {
      const base::Result<void> added = add_field(root, field, typing, sources);
      if (!added) {
        return tl::unexpected(added.error());
      }
    }
  }
  return root;
}

Value group_graphql_variables(const Value::Object& parameters) {
  Value::Object top;
  Value::Object variables;
  for (const auto& [key, value] : parameters) {
    (key == "query" || key == "operationName" ? top : variables).emplace(key, value);
  }
  if (!variables.empty()) {
    top["variables"] = Value{std::move(variables)};
  }
  return Value{std::move(top)};
}

std::string go_quoted(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 0xF];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace ghoard::api
