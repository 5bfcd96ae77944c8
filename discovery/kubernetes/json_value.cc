#include "discovery/kubernetes/json_value.h"

#include <limits>

namespace ta::kubernetes {

JsonValue::JsonValue(std::optional<simdjson::dom::element> value,
                     const JsonValue& in, std::string_view field,
                     std::size_t index)
    : value_(value),
      parent_(&in),
      field_(field),
      index_(index),
      mistake_(in.mistake_) {
  if (value_ && value_->is_null()) value_.reset();
}

JsonValue JsonValue::operator[](std::string_view field) const& {
  if (!value_) return {std::nullopt, *this, field, 0};
  simdjson::dom::object object;
  if (value_->get(object) != simdjson::SUCCESS) {
    Reproach("not a map");
    return {std::nullopt, *this, field, 0};
  }
  simdjson::dom::element found;
  if (object.at_key(field).get(found) != simdjson::SUCCESS)
    return {std::nullopt, *this, field, 0};
  return {found, *this, field, 0};
}

std::optional<std::string_view> JsonValue::maybe_text() const {
  if (!value_) return std::nullopt;
  std::string_view text;
  if (value_->get(text) == simdjson::SUCCESS) return text;
  Reproach("not a string");
  return std::nullopt;
}

std::optional<std::int32_t> JsonValue::maybe_number() const {
  if (!value_) return std::nullopt;
  std::int64_t number = 0;
  using Limits = std::numeric_limits<std::int32_t>;
  if (value_->get(number) == simdjson::SUCCESS && number >= Limits::min() &&
      number <= Limits::max())
    return static_cast<std::int32_t>(number);
  Reproach("not a number of 32 bits");
  return std::nullopt;
}

std::optional<bool> JsonValue::flag() const {
  if (!value_) return std::nullopt;
  bool flag = false;
  if (value_->get(flag) == simdjson::SUCCESS) return flag;
  Reproach("not a boolean");
  return std::nullopt;
}

void JsonValue::Reproach(std::string_view what) const {
  if (!mistake_->empty()) return;
  const std::string path = Path();
  if (!path.empty()) *mistake_ = path + ": ";
  *mistake_ += what;
}

std::string JsonValue::Path() const {
  if (parent_ == nullptr) return {};
  std::string path = parent_->Path();
  if (field_.empty()) return path + "[" + std::to_string(index_) + "]";
  if (!path.empty()) path += '.';
  return path.append(field_);
}

}  // namespace ta::kubernetes
