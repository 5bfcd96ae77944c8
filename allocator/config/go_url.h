// URLs as Go's net/url reads and prints them, because Prometheus accepts what
// Go accepts and /scrape_configs serves what Go prints.

#pragma once

#include <string>
#include <string_view>

#include "allocator/base/result.h"

namespace ta {

// A parsed URL; parts are unescaped. Value type.
struct GoUrl {
  std::string scheme;  // lower case
  std::string opaque;  // what follows `scheme:` without a slash
  bool has_user = false;
  bool has_password = false;
  std::string user;
  std::string host;      // with port; IPv6 in brackets
  std::string path;      // unescaped
  std::string raw_path;  // as written, where it differs from escaping `path`
  bool force_query = false;
  std::string query;         // as written, without '?'
  std::string fragment;      // unescaped, without '#'
  std::string raw_fragment;  // as written

  // Go's URL.Redacted(): as URL.String(), a password shown as "xxxxx".
  std::string Redacted() const;
};

// The error says what is wrong and never shows the URL, which may hold a
// password.
Result<GoUrl> ParseGoUrl(std::string_view text);

}  // namespace ta
