// Pages to look at, and what every one of them must be.

#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/router.h"
#include "test/support/snapshot_builder.h"

namespace ta::test {

// What chromium sends.
inline constexpr std::string_view kBrowser =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
    "image/webp,image/apng,*/*;q=0.8";

// What is wrong with `html`, "" if nothing: tags that don't nest, attributes
// without quotes, characters that only markup may hold, unknown entities. Not
// all of HTML: as much as a page that got a value unescaped would fail.
inline std::string Flaw(std::string_view html) {
  constexpr std::array<std::string_view, 3> kVoid = {"meta", "link", "input"};
  constexpr std::array<std::string_view, 5> kEntities = {
      "&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  const auto about = [&](std::size_t at) {
    return " at: " + std::string(html.substr(at, 60));
  };
  if (!html.starts_with("<!DOCTYPE html>\n")) return "no doctype";
  std::vector<std::string_view> open;
  std::size_t at = 15;
  while (at < html.size()) {
    const char c = html[at];
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return "a control";
    if (c == '&') {
      bool known = false;
      for (const std::string_view entity : kEntities) {
        known = known || html.substr(at).starts_with(entity);
      }
      if (!known) return "an unknown entity" + about(at);
    }
    if (c != '<') {
      if (c == '>' || c == '"' || c == '\'') {
        return "unescaped" + about(at);
      }
      ++at;
      continue;
    }
    const bool closes = html.substr(at).starts_with("</");
    std::size_t end = at + (closes ? 2 : 1);
    const std::size_t name_at = end;
    while (end < html.size() &&
           std::isalnum(static_cast<unsigned char>(html[end])) != 0) {
      ++end;
    }
    const std::string_view name = html.substr(name_at, end - name_at);
    if (name.empty()) return "no tag" + about(at);
    bool quoted = false;
    for (; end < html.size() && (quoted || html[end] != '>'); ++end) {
      if (html[end] == '"') quoted = !quoted;
      if (html[end] == '<') return "a tag in a tag" + about(at);
      if (html[end] == '=' && !quoted && html[end + 1] != '"') {
        return "an attribute without quotes" + about(at);
      }
    }
    if (closes) {
      if (open.empty() || open.back() != name) return "nesting" + about(at);
      open.pop_back();
    } else {
      bool is_void = false;
      for (const std::string_view one : kVoid) is_void = is_void || one == name;
      if (!is_void) open.push_back(name);
    }
    at = end + 1;
    if (name == "style" && !closes) at = html.find("</style>", at);
  }
  return open.empty() ? "" : "never closed: " + std::string(open.back());
}

class PagesFixture : public testing::Test {
 protected:
  PagesFixture() : router_(Options()) {}

  Response Get(std::string_view target, std::string_view accept = kBrowser) {
    Request request;
    request.method = "GET";
    request.target = target;
    request.accept = accept;
    return router_.Handle(request, *builder_.Build());
  }
  // The page at `target`; fails the test unless it is a sound one.
  std::string Page(std::string_view target, int status = 200) {
    const Response response = Get(target);
    EXPECT_EQ(response.status, status) << target;
    EXPECT_EQ(response.content_type, "text/html; charset=utf-8") << target;
    const std::string page = response.body.bytes ? *response.body.bytes : "";
    EXPECT_EQ(Flaw(page), "") << target;
    return page;
  }

  static RouterOptions Options() {
    RouterOptions options;
    options.version = "1.2.3";
    options.now = [] { return TimePoint(std::chrono::hours(25)); };
    options.metrics = [] { return std::string("up 1\n"); };
    return options;
  }

  SnapshotBuilder builder_;
  Router router_;
};

}  // namespace ta::test
