#include "allocator/collector_name.h"

#include <string>

#include "allocator/go_text.h"

namespace ta {
namespace {

// REQUIRES: `text` is UTF-8
bool HasControlCharacter(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    // U+0080 to U+009F.
    if (c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0)
      return true;
  }
  return false;
}

}  // namespace

Result<void> CheckCollectorName(std::string_view name) {
  if (name.empty()) return Reject("the collector's name is empty");
  if (name.size() > kLongestCollectorName)
    return Reject("the collector's name has more than " +
                  std::to_string(kLongestCollectorName) + " bytes");
  if (!IsValidUtf8(name)) return Reject("the collector's name is not UTF-8");
  if (HasControlCharacter(name))
    return Reject("the collector's name has a control character");
  return {};
}

}  // namespace ta
