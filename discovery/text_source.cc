#include "discovery/text_source.h"

#include <utility>

#include "discovery/file_read.h"

namespace ta {
namespace {

Error Retry(const std::string& file, std::string why) {
  return {Error::Code::kRetry, file + ": " + std::move(why)};
}

}  // namespace

Result<bool> RereadText::Refresh() {
  std::string text = source_.text;
  if (!source_.file.empty()) {
    auto read = ReadFile(source_.file, kMaxBytes);
    if (!read) {
      return std::unexpected(
          Retry(source_.file, std::move(read.error().message)));
    }
    text = *std::move(read);
    if (trim_ == Trim::kYes) {
      text.erase(0, text.find_first_not_of(" \t\r\n"));
      text.erase(text.find_last_not_of(" \t\r\n") + 1);
    }
    if (text.empty()) {
      return std::unexpected(Retry(source_.file, "the file is empty"));
    }
  }
  if (text == value_) return false;
  value_ = std::move(text);
  return true;
}

}  // namespace ta
