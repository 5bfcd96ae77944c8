// One value in the JSON of an object, and the way to it. Reading never fails:
// what is absent or null reads as empty, as in Go, and the first thing of a
// wrong type is noted with its path, for whoever decides about the object.

#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ta::kubernetes {

// Views into a parsed document and into its parents, which must outlive it.
class JsonValue {
 public:
  // The root. `mistake` gets the first mistake: "spec.nodeName: not a string".
  JsonValue(simdjson::dom::element value, std::string& mistake)
      : value_(value), mistake_(&mistake) {}

  bool there() const { return value_.has_value(); }
  // Its field, if it is an object. Not for a temporary: the path leads through.
  JsonValue operator[](std::string_view field) const&;
  JsonValue operator[](std::string_view field) const&& = delete;

  std::string_view text() const { return maybe_text().value_or(""); }
  std::optional<std::string_view> maybe_text() const;
  std::int32_t number() const { return maybe_number().value_or(0); }
  std::optional<std::int32_t> maybe_number() const;
  std::optional<bool> flag() const;

  // Calls do_one(JsonValue) for each element of a list.
  template <typename Do>
  void Each(const Do& do_one) const;
  // Calls do_one(key, value) for each field of a map of strings.
  template <typename Do>
  void EachText(const Do& do_one) const;

  // Notes that this value is wrong.
  void Reproach(std::string_view what) const;

 private:
  JsonValue(std::optional<simdjson::dom::element> value, const JsonValue& in,
            std::string_view field, std::size_t index);
  std::string Path() const;

  std::optional<simdjson::dom::element> value_;  // none: absent or null
  const JsonValue* parent_ = nullptr;
  std::string_view field_;  // "" in a list
  std::size_t index_ = 0;
  std::string* mistake_;
};

template <typename Do>
void JsonValue::Each(const Do& do_one) const {
  if (!value_) return;
  simdjson::dom::array array;
  if (value_->get(array) != simdjson::SUCCESS) return Reproach("not a list");
  std::size_t index = 0;
  for (const simdjson::dom::element element : array) {
    do_one(JsonValue(element, *this, {}, index++));
  }
}

template <typename Do>
void JsonValue::EachText(const Do& do_one) const {
  if (!value_) return;
  simdjson::dom::object object;
  if (value_->get(object) != simdjson::SUCCESS) return Reproach("not a map");
  for (const auto field : object) {
    do_one(field.key, JsonValue(field.value, *this, field.key, 0).text());
  }
}

}  // namespace ta::kubernetes
