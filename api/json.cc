#include "api/json.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace ta {

void ByteBuffer::Grow(std::size_t bytes) {
  std::size_t room =
      std::max({size_ + bytes, out_.size() * 2, std::size_t{512}});
  // For a moment there are the old bytes and the new room.
  if (refused_ || (charge_ != nullptr && !charge_->Set(out_.size() + room))) {
    refused_ = true;
    size_ = 0;
    if (out_.size() >= bytes) return;
    room = bytes;
  }
  MakeRoom(room);
}

void ByteBuffer::ReserveAhead(std::size_t bytes) {
  const std::size_t room = size_ + bytes;
  if (room <= out_.size() || refused_) return;
  if (charge_ == nullptr || charge_->SetAhead(out_.size() + room)) {
    MakeRoom(room);
  }
}

void ByteBuffer::MakeRoom(std::size_t room) {
  out_.resize_and_overwrite(room, [](char*, std::size_t size) { return size; });
  if (charge_ != nullptr && !refused_) (void)charge_->Set(room);
}

std::string ByteBuffer::Take() {
  out_.resize(size_);
  size_ = 0;
  // What is kept in a cache should cost what it holds, not twice that. But for
  // a moment it does.
  if (out_.capacity() > out_.size() + out_.size() / 8 &&
      (charge_ == nullptr || charge_->Set(out_.capacity() + out_.size()))) {
    out_.shrink_to_fit();
  }
  if (charge_ != nullptr) (void)charge_->Set(out_.capacity());
  return std::exchange(out_, {});
}

void AppendJsonString(std::string_view text, ByteBuffer& out) {
  out.Reserve(JsonRoom(text));
  const char* const end = WriteJsonString(text, out.end());
  out.Advance(static_cast<std::size_t>(end - out.end()));
}

std::string JsonString(std::string_view text) {
  ByteBuffer out;
  AppendJsonString(text, out);
  return out.Take();
}

void JsonWriter::Separate() {
  if (comma_) out_.Append(',');
  comma_ = true;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  out_.Append(bracket);
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  out_.Append(bracket);
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  AppendJsonString(key, out_);
  out_.Append(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view value) {
  Separate();
  AppendJsonString(value, out_);
  return *this;
}

JsonWriter& JsonWriter::Number(std::uint64_t value) {
  Separate();
  char digits[20];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, value);
  out_.Append(std::string_view(digits, end));
  return *this;
}

JsonWriter& JsonWriter::Signed(std::int64_t value) {
  Separate();
  char digits[20];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, value);
  out_.Append(std::string_view(digits, end));
  return *this;
}

JsonWriter& JsonWriter::Double(double value) {
  Separate();
  char digits[32];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, value);
  out_.Append(std::string_view(digits, end));
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Separate();
  out_.Append(value ? "true" : "false");
  return *this;
}

std::string ErrorBody(std::string_view message) {
  ByteBuffer out;
  JsonWriter(out).BeginObject().Field("error", message).EndObject();
  out.Append('\n');
  return out.Take();
}

}  // namespace ta
