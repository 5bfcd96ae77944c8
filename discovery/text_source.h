// A secret or a certificate: written in the configuration, or in a file that
// somebody replaces now and then.

#pragma once

#include <string>

#include "allocator/base/result.h"

namespace ta {

// Where a text comes from. Value type.
struct TextSource {
  std::string text;
  std::string file;  // not empty: instead of `text`

  bool empty() const { return text.empty() && file.empty(); }
  bool operator==(const TextSource&) const = default;
};

// The text as it was when last looked at. Confined to its owner.
class RereadText {
 public:
  static constexpr std::size_t kMaxBytes = 1 << 20;

  // Space around a file's text is dropped where `trim` says so: a token in a
  // file ends with a newline, a certificate may.
  enum class Trim { kYes, kNo };
  explicit RereadText(TextSource source, Trim trim = Trim::kYes)
      : source_(std::move(source)), trim_(trim) {}

  // Reads the file, if it is one. True if the text is another than before. A
  // file that can't be read, or is empty, is an error (kRetry) that names it,
  // and the text stays: it may be in the middle of being replaced.
  Result<bool> Refresh();
  // "" before the first Refresh that succeeded.
  const std::string& value() const { return value_; }

 private:
  TextSource source_;
  Trim trim_;
  std::string value_;
};

}  // namespace ta
