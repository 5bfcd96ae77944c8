#include "api/pages/html.h"

#include <charconv>

#include "allocator/base/percent.h"
#include "allocator/base/printable.h"

namespace ta {
namespace {

// `text`, or what of it fits into `limit` bytes, cut between characters.
std::string_view Head(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  // Back to where a character begins: three bytes at most in UTF-8.
  std::size_t end = limit;
  while (end > 0 && limit - end < 3 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

void AppendEscaped(std::string_view text, ByteBuffer& out) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out.Append("&amp;");
        break;
      case '<':
        out.Append("&lt;");
        break;
      case '>':
        out.Append("&gt;");
        break;
      case '"':
        out.Append("&quot;");
        break;
      case '\'':
        out.Append("&#39;");
        break;
      default:
        out.Append(c);
    }
  }
}

}  // namespace

Href& Href::With(Markup name, std::string_view value) {
  if (value.empty()) return *this;
  text_ += query_ ? '&' : '?';
  query_ = true;
  text_.append(name.text()).append("=").append(QueryEscape(value));
  return *this;
}

Href& Href::With(Markup name, std::uint64_t value) {
  return With(name, std::string_view(std::to_string(value)));
}

HtmlWriter& HtmlWriter::Raw(Markup markup) {
  out_.Append(markup.text());
  return *this;
}

HtmlWriter& HtmlWriter::Text(std::string_view text, std::size_t limit) {
  const std::string_view head = Head(text, limit);
  AppendEscaped(Printable(head), out_);
  if (head.size() < text.size()) out_.Append("…");
  return *this;
}

HtmlWriter& HtmlWriter::Number(std::uint64_t value) {
  char digits[20];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, value);
  out_.Append(std::string_view(digits, end));
  return *this;
}

HtmlWriter& HtmlWriter::Address(const Href& href) {
  AppendEscaped(root_, out_);
  AppendEscaped(href.text(), out_);
  return *this;
}

HtmlWriter& HtmlWriter::Link(const Href& href, std::string_view text) {
  Raw("<a href=\"").Address(href).Raw("\">");
  // A link that can't be seen can't be followed.
  return Text(text.empty() ? "(empty)" : text).Raw("</a>");
}

HtmlWriter& HtmlWriter::BeginTable(std::initializer_list<Column> columns) {
  Raw("<div class=\"table\"><table><thead><tr>");
  for (const Column& column : columns) {
    Raw(column.kind == Column::Kind::kNumber
            ? Markup("<th scope=\"col\" class=\"number\">")
            : Markup("<th scope=\"col\">"));
    Raw(column.title).Raw("</th>");
  }
  return Raw("</tr></thead><tbody>\n");
}

HtmlWriter& HtmlWriter::Cell(std::string_view text) {
  return Raw("<td>").Text(text).Raw("</td>");
}

HtmlWriter& HtmlWriter::Cell(std::uint64_t value) {
  return Raw("<td class=\"number\">").Number(value).Raw("</td>");
}

HtmlWriter& HtmlWriter::Cell(const Href& href, std::string_view text) {
  return Raw("<td>").Link(href, text).Raw("</td>");
}

}  // namespace ta
