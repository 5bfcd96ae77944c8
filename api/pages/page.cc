#include "api/pages/page.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>

#include "api/pages/style.h"

namespace ta {
namespace {

// "sha256-…", as a policy names what it allows.
std::string SourceHash(std::string_view content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(content.data(), content.size(), digest.data(), &size, EVP_sha256(),
             nullptr);
  // Four characters for three bytes, rounded up, and a zero byte.
  std::array<unsigned char, EVP_MAX_MD_SIZE / 3 * 4 + 8> text{};
  const int length =
      EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
  return fmt::format(
      "sha256-{}", std::string_view(reinterpret_cast<const char*>(text.data()),
                                    static_cast<std::size_t>(length)));
}

// From the page that was asked for to where pages begin.
std::string_view RootOf(const Request& request) {
  const std::string_view path = SplitTarget(request.target).path;
  return path.starts_with("/debug/") ? "../" : "./";
}

void WriteNavigation(HtmlWriter& html) {
  struct Entry {
    Markup path;
    Markup text;
  };
  constexpr std::array kEntries = {
      Entry{"", "Overview"},
      Entry{"debug/collectors", "Collectors"},
      Entry{"debug/jobs", "Jobs"},
      Entry{"debug/targets", "Targets"},
      Entry{"debug/scrape_configs", "Scrape configs"},
      Entry{"api/v1/status", "Status"},
      Entry{"metrics", "Metrics"},
  };
  html.Raw("<nav aria-label=\"Pages\"><ul>\n");
  for (const Entry& entry : kEntries) {
    html.Raw("<li>").Link(Href(entry.path), entry.text.text()).Raw("</li>\n");
  }
  html.Raw("</ul></nav>\n");
}

// What everybody should know who looks at any page.
void WriteNotices(const Snapshot& snapshot, HtmlWriter& html) {
  const auto notice = [&](Markup what, std::string_view reason) {
    html.Raw("<p class=\"notice\"><strong>").Raw(what).Raw("</strong> ");
    html.Text(reason).Raw("</p>\n");
  };
  if (!snapshot.ready) {
    notice("Not ready.", OrElse(snapshot.waiting_for, "It has just started."));
  } else if (!snapshot.targets_served) {
    notice("Targets are not served.",
           OrElse(snapshot.targets_wait, "They are not known yet."));
  }
  if (!snapshot.reload.successful) {
    notice("The last reload failed.",
           "What is served is the configuration before it.");
  }
}

void WriteFoot(const Context& context, HtmlWriter& html) {
  html.Raw("</main>\n<footer>target-allocator ").Text(context.options.version);
  html.Raw(" · generation ").Number(context.snapshot.generation);
  html.Raw("</footer>\n</body>\n</html>\n");
}

void BadgeOf(Markup open, std::string_view text, HtmlWriter& html) {
  html.Raw(open).Text(text).Raw("</span>");
}

}  // namespace

std::string_view PagePolicy() {
  static const std::string policy = fmt::format(
      "default-src 'none'; style-src '{}'; img-src data:; form-action 'self'; "
      "base-uri 'none'; frame-ancestors 'none'",
      SourceHash(kStyle.text()));
  return policy;
}

Response PageResponse(const Context& context, int status,
                      std::string_view title,
                      const std::function<void(HtmlWriter& html)>& write) {
  Response response = RespondPage(context, status, [&](ByteBuffer& out) {
    HtmlWriter html(out, RootOf(context.request));
    html.Raw(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
        "charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\">\n<title>");
    html.Text(title).Raw(" · target-allocator</title>\n<link rel=\"icon\" ");
    html.Raw(kIcon).Raw(">\n<style>").Raw(kStyle).Raw("</style>\n</head>\n");
    html.Raw("<body>\n<header>");
    WriteNavigation(html);
    html.Raw("</header>\n<main>\n<h1>").Text(title).Raw("</h1>\n");
    WriteNotices(context.snapshot, html);
    write(html);
    WriteFoot(context, html);
  });
  if (response.status == status || response.status == 304) {
    response.content_policy = PagePolicy();
  }
  return response;
}

Response ErrorPage(const Context& context, int status,
                   std::string_view message) {
  const std::string_view title = status == 404   ? "Not found"
                                 : status == 503 ? "Not there yet"
                                                 : "Bad request";
  return PageResponse(context, status, title, [&](HtmlWriter& html) {
    html.Raw("<p class=\"notice\">").Text(message);
    html.Raw("</p>\n");
  });
}

std::optional<std::uint64_t> ReadNumber(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value, base);
  if (error != std::errc() || end != last) return std::nullopt;
  return value;
}

std::optional<Window> ReadWindow(const Query& query, std::size_t rows) {
  Window window{1, rows};
  const std::string_view text = query.First("page").value_or("");
  if (text.empty()) return window;
  const auto page = ReadNumber(text);
  if (!page || *page < 1 || *page > 1'000'000'000) return std::nullopt;
  window.page = *page;
  return window;
}

void WritePager(const Window& window, std::size_t total, const Href& here,
                HtmlWriter& html) {
  const std::size_t pages =
      std::max<std::size_t>(1, (total + window.rows - 1) / window.rows);
  if (pages == 1 && window.page == 1) return;
  const std::size_t first = window.first(total);
  const std::size_t last = window.last(total);
  const auto link = [&](std::size_t page, std::string_view text) {
    html.Raw(" ").Link(Href(here).With("page", page), text);
  };
  html.Raw("<p class=\"pager\">");
  if (last > first) {
    html.Number(first + 1).Raw(" to ").Number(last).Raw(" of ").Number(total);
  } else {
    html.Raw("nothing on this page, ").Number(total).Raw(" in all");
  }
  if (window.page > 1) {
    link(1, "first");
    link(std::min(window.page - 1, pages), "previous");
  }
  if (window.page < pages) {
    link(window.page + 1, "next");
    link(pages, "last");
  }
  html.Raw("</p>\n");
}

Href JobHref(std::string_view job) {
  return Href("debug/job").With("job_id", job);
}

Href CollectorHref(std::string_view collector) {
  return Href("debug/collector").With("collector_id", collector);
}

Href TargetHref(std::string_view job, const TargetId& id) {
  return Href("debug/target")
      .With("target_hash", ToHex(id))
      .With("job_id", job);
}

void WriteBadge(TargetState state, HtmlWriter& html) {
  switch (state) {
    case TargetState::kAssigned:
      return BadgeOf("<span class=\"badge good\">", ToString(state), html);
    case TargetState::kUnassigned:
    case TargetState::kInvalid:
      return BadgeOf("<span class=\"badge bad\">", ToString(state), html);
    case TargetState::kDropped:
    case TargetState::kDuplicate:
      return BadgeOf("<span class=\"badge\">", ToString(state), html);
  }
}

void WriteBadge(MemberView::State state, HtmlWriter& html) {
  switch (state) {
    case MemberView::State::kLive:
      return BadgeOf("<span class=\"badge good\">", ToString(state), html);
    case MemberView::State::kGrace:
    case MemberView::State::kDraining:
      return BadgeOf("<span class=\"badge bad\">", ToString(state), html);
    case MemberView::State::kDrained:
      return BadgeOf("<span class=\"badge\">", ToString(state), html);
  }
}

HtmlWriter& BeginFacts(HtmlWriter& html) {
  return html.Raw("<div class=\"table facts\"><table><tbody>\n");
}

HtmlWriter& EndFacts(HtmlWriter& html) { return html.EndTable(); }

void WriteFact(Markup name, HtmlWriter& html,
               const std::function<void()>& write) {
  html.Raw("<tr><th scope=\"row\">").Raw(name).Raw("</th><td>");
  write();
  html.Raw("</td></tr>\n");
}

void WriteFact(Markup name, std::string_view value, HtmlWriter& html) {
  WriteFact(name, html, [&] { html.Text(value); });
}

void WriteFact(Markup name, std::uint64_t value, HtmlWriter& html) {
  WriteFact(name, html, [&] { html.Number(value); });
}

}  // namespace ta
