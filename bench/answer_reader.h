// Follows the answers on one HTTP/1.1 connection: what the status is, and where
// the body ends. For a load generator, so a body is counted, not kept; one
// that is not announced by Content-Length is not understood.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ta::bench {

// One answer at a time; Begin starts the next one. Confined to one thread.
class AnswerReader {
 public:
  enum class State {
    kReading,  // more is to come
    kDone,     // all of it was taken
    kBroken,   // no answer, or bytes after its end, which nobody asked for
  };

  void Begin() { *this = AnswerReader(); }

  // The next bytes, as many as there are.
  State Take(std::string_view bytes);
  // The same for so many bytes of the body that nobody looked at.
  // REQUIRES: bytes <= missing()
  State Skip(std::size_t bytes) {
    missing_ -= bytes;
    return missing_ == 0 ? State::kDone : State::kReading;
  }

  // Bytes of the body that are still to come; 0 while the header is not whole.
  std::size_t missing() const { return missing_; }
  int status() const { return status_; }
  std::size_t body_bytes() const { return body_bytes_; }
  const std::string& etag() const { return etag_; }

 private:
  bool ReadHead(std::string_view head);

  std::string begun_;  // of the header, while it is not whole
  int status_ = 0;     // 0: the header is not whole
  std::size_t body_bytes_ = 0;
  std::size_t missing_ = 0;
  std::string etag_;
};

}  // namespace ta::bench
