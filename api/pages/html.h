// HTML, written front to back straight into the buffer that is sent, as json.h
// does it. What is ours and what came from outside differ by type: Raw takes
// literals only, checked when it is compiled, and everything else goes through
// Text, so that no label value, job or collector can become markup.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "api/json.h"

namespace ta {

// Markup of our own. Made of a literal, and of nothing that is known only when
// the program runs.
class Markup {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal reads as itself.
  consteval Markup(const char* literal) : text_(literal) {}
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// An address within these pages, from where they begin: "debug/job" and its
// query, escaped. Relative, so that pages also work behind a proxy that serves
// them below a path of its own.
class Href {
 public:
  explicit Href(Markup path) : text_(path.text()) {}
  // Adds `name=value`; names are literals. An empty value is left out.
  Href& With(Markup name, std::string_view value);
  Href& With(Markup name, std::uint64_t value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool query_ = false;
};

// A column of a table. Numbers stand at the right.
struct Column {
  Markup title;
  enum class Kind { kText, kNumber } kind = Kind::kText;
};

// Confined to one thread. Nothing is checked: what is opened must be closed.
class HtmlWriter {
 public:
  // `root` leads from the page that is written to where pages begin: "./" or
  // "../". It and `out` outlive this.
  HtmlWriter(ByteBuffer& out, std::string_view root) : out_(out), root_(root) {}

  HtmlWriter& Raw(Markup markup);
  // Escaped, and made fit to be looked at: controls, what is not seen, and
  // bytes that are no UTF-8 are shown as \x1b or \u202e. At most `limit` bytes
  // of it, and then an ellipsis.
  HtmlWriter& Text(std::string_view text, std::size_t limit = kCellBytes);
  HtmlWriter& Number(std::uint64_t value);
  // `text` as a link to `href`, with Text's limit.
  HtmlWriter& Link(const Href& href, std::string_view text);
  // The value of an attribute that holds an address.
  HtmlWriter& Address(const Href& href);

  // A table with its head. What is too wide for a phone scrolls by itself.
  HtmlWriter& BeginTable(std::initializer_list<Column> columns);
  HtmlWriter& EndTable() { return Raw("</tbody></table></div>\n"); }
  HtmlWriter& BeginRow() { return Raw("<tr>"); }
  HtmlWriter& EndRow() { return Raw("</tr>\n"); }
  HtmlWriter& Cell(std::string_view text);
  HtmlWriter& Cell(std::uint64_t value);
  HtmlWriter& Cell(const Href& href, std::string_view text);

  // There was no room for it: whoever has much more to write may stop.
  bool refused() const { return out_.refused(); }

  // What a cell of a table shows of a value. A label may be a megabyte.
  static constexpr std::size_t kCellBytes = 300;

 private:
  ByteBuffer& out_;
  const std::string_view root_;
};

}  // namespace ta
