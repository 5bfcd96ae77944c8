// What all pages have in common: the frame, the look, the way from one to
// another, and how many rows are shown at a time.
//
// A page has no script and nothing from elsewhere; its one style stands in it,
// and the policy that is sent along allows that by its hash and nothing else.
// So even a mistake in escaping could not run anything.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "allocator/inventory.h"
#include "api/handlers.h"
#include "api/pages/html.h"

namespace ta {

// Rows of a table on one page. A screen or two, and some 50 kB at most, however
// many targets there are.
inline constexpr std::size_t kPageRows = 100;
// Lines of a list that only says what is wrong; the whole is in /api/v1/status.
inline constexpr std::size_t kListed = 20;

// A page of `title`, with what `write` writes between head and foot. It has an
// ETag of what it says, so that one that is loaded again and says the same is a
// 304. `status` other than 200 is an error's: it has no ETag.
Response PageResponse(const Context& context, int status,
                      std::string_view title,
                      const std::function<void(HtmlWriter& html)>& write);
// A page that says what is wrong with the question.
Response ErrorPage(const Context& context, int status,
                   std::string_view message);

// The Content-Security-Policy of all pages.
std::string_view PagePolicy();

// A number that is all of `text`, without a sign.
std::optional<std::uint64_t> ReadNumber(std::string_view text, int base = 10);

// Which of a table's rows a page shows. `page` counts from 1.
struct Window {
  std::size_t page = 1;
  std::size_t rows = kPageRows;  // on a page
  std::size_t begin() const { return (page - 1) * rows; }
  // The rows that are shown, of `total`.
  std::size_t first(std::size_t total) const {
    return std::min(begin(), total);
  }
  std::size_t last(std::size_t total) const {
    return std::min(page * rows, total);
  }
};
// `page=` of the query; nothing if it is no number from 1 to a billion.
std::optional<Window> ReadWindow(const Query& query,
                                 std::size_t rows = kPageRows);
inline constexpr std::string_view kPageIsNoNumber =
    "page must be a number from 1 on.";
// "101 to 200 of 1234", with links to other pages where there are any. `here`
// is the address of this one, without `page`.
void WritePager(const Window& window, std::size_t total, const Href& here,
                HtmlWriter& html);

// -- addresses --
Href JobHref(std::string_view job);
Href CollectorHref(std::string_view collector);
// `job` may be "": it only makes the target quicker to find.
Href TargetHref(std::string_view job, const TargetId& id);

// -- pieces --
// "assigned", as a badge that is coloured by what it means.
void WriteBadge(TargetState state, HtmlWriter& html);
void WriteBadge(MemberView::State state, HtmlWriter& html);
// A row of two cells, a name and what `write` makes of its value.
void WriteFact(Markup name, HtmlWriter& html,
               const std::function<void()>& write);
void WriteFact(Markup name, std::string_view value, HtmlWriter& html);
void WriteFact(Markup name, std::uint64_t value, HtmlWriter& html);
HtmlWriter& BeginFacts(HtmlWriter& html);
HtmlWriter& EndFacts(HtmlWriter& html);

}  // namespace ta
