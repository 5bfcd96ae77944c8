// JSON with strings as Go's encoding/json writes them (json_string.h). There is
// no tree: a body is written front to back straight into the buffer that is
// sent.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "allocator/json_string.h"
#include "api/byte_budget.h"

namespace ta {

// A growing buffer that is written through a pointer. A list of targets is
// hundreds of thousands of pieces of a few bytes, where std::string::append's
// checks cost more than the copying. Confined to one thread.
//
// With a charge, what it grows to is charged first. Where that is refused it
// forgets what it holds and goes on in the room that it has, so that nobody who
// writes has to look: whoever is done, or has much more to write, looks at
// refused().
class ByteBuffer {
 public:
  ByteBuffer() = default;
  // `charge`, which may be null, outlives this.
  explicit ByteBuffer(ByteCharge* charge) : charge_(charge) {}

  void Append(std::string_view bytes) {
    Reserve(bytes.size());
    std::memcpy(out_.data() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void Append(char byte) {
    Reserve(1);
    out_[size_++] = byte;
  }
  // Makes room for `bytes` more: until they are written, `end()` stays valid.
  void Reserve(std::size_t bytes) {
    if (out_.size() - size_ < bytes) Grow(bytes);
  }
  // The same if it is granted; else nothing has changed, and nothing is
  // refused: for room that may turn out not to be needed.
  void ReserveAhead(std::size_t bytes);
  // Where the next byte goes. Advance says how many were written there.
  char* end() { return out_.data() + size_; }
  void Advance(std::size_t bytes) { size_ += bytes; }

  std::size_t size() const { return size_; }
  std::size_t room() const { return out_.size(); }
  void Clear() { size_ = 0; }
  // What was written is not there: there was no room for it.
  bool refused() const { return refused_; }
  std::string_view view() const { return {out_.data(), size_}; }
  // The bytes, without spare memory; the buffer is empty afterwards.
  std::string Take();

 private:
  void Grow(std::size_t bytes);
  void MakeRoom(std::size_t room);  // in all

  std::string out_;       // its size is the room, not what was written
  std::size_t size_ = 0;  // bytes written
  ByteCharge* charge_ = nullptr;
  bool refused_ = false;
};

// Appends `text` as a JSON string, quotes included.
void AppendJsonString(std::string_view text, ByteBuffer& out);
// The same string by itself; for error bodies and tests.
std::string JsonString(std::string_view text);

// Writes the commas and the nesting, so that what a handler says reads like the
// body it makes. Nothing is checked: a Key must be followed by one value.
class JsonWriter {
 public:
  explicit JsonWriter(ByteBuffer& out) : out_(out) {}

  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key);
  JsonWriter& String(std::string_view value);
  JsonWriter& Number(std::uint64_t value);
  JsonWriter& Signed(std::int64_t value);
  JsonWriter& Double(double value);
  JsonWriter& Bool(bool value);
  // A value was appended to the buffer by other means.
  JsonWriter& Ended() {
    comma_ = true;
    return *this;
  }

  // Key and value at once.
  JsonWriter& Field(std::string_view key, std::string_view value) {
    return Key(key).String(value);
  }
  JsonWriter& Field(std::string_view key, const char* value) {
    return Key(key).String(value);
  }
  JsonWriter& Field(std::string_view key, bool value) {
    return Key(key).Bool(value);
  }
  template <typename T>
    requires(std::is_unsigned_v<T> && !std::is_same_v<T, bool>)
  JsonWriter& Field(std::string_view key, T value) {
    return Key(key).Number(value);
  }
  template <typename T>
    requires(std::is_integral_v<T> && std::is_signed_v<T>)
  JsonWriter& Field(std::string_view key, T value) {
    return Key(key).Signed(value);
  }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();

  ByteBuffer& out_;
  bool comma_ = false;  // a value stands before the next one
};

// `{"error":"…"}` and a newline. Never empty and never a map of jobs, whatever
// the message: see the design, "an error always has a body".
std::string ErrorBody(std::string_view message);

}  // namespace ta
