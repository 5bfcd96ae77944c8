#include "api/http_message.h"

#include <fmt/format.h>

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <iterator>

namespace ta {
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

std::string_view View(beast::string_view text) {
  return {text.data(), text.size()};
}

// All values of a header, joined as RFC 9110, 5.3 allows. `storage` is used
// where there are several.
template <typename Fields>
std::string_view Joined(const Fields& fields, http::field name,
                        std::string& storage) {
  const auto [begin, end] = fields.equal_range(name);
  if (begin == end) return {};
  if (std::next(begin) == end) return View(begin->value());
  for (auto field = begin; field != end; ++field) {
    if (field != begin) storage += ", ";
    storage += View(field->value());
  }
  return storage;
}

}  // namespace

Request IncomingRequest::View() {
  const auto& message = parser.get();
  Request request;
  request.method = ta::View(message.method_string());
  request.target = ta::View(message.target());
  request.accept = Joined(message, http::field::accept, accept);
  request.accept_encoding =
      Joined(message, http::field::accept_encoding, accept_encoding);
  request.if_none_match =
      Joined(message, http::field::if_none_match, if_none_match);
  const auto refresh = message.find("X-Prometheus-Refresh-Interval-Seconds");
  if (refresh != message.end()) {
    request.refresh_interval = ta::View(refresh->value());
  }
  request.sidecar = message.find("X-Target-Allocator-Sidecar") != message.end();
  return request;
}

std::string ResponseHead(const Response& response, std::string_view date,
                         bool keep_alive, bool http10) {
  std::string out;
  out.reserve(320);
  auto to = std::back_inserter(out);
  const int status = response.status;
  fmt::format_to(to, "HTTP/1.1 {} {}\r\nDate: {}\r\n", status,
                 View(http::obsolete_reason(static_cast<http::status>(status))),
                 date);
  // A 304 has no body, and says nothing of the one it stands for.
  if (status != 304) {
    fmt::format_to(to, "Content-Length: {}\r\n",
                   response.body.bytes ? response.body.bytes->size() : 0);
  }
  const auto field = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      out.append(name).append(": ").append(value).append("\r\n");
    }
  };
  field("Content-Type", response.content_type);
  field("Content-Encoding", response.body.gzipped ? "gzip" : "");
  field("ETag", response.etag);
  field("Vary", response.vary);
  if (!response.content_policy.empty()) {
    field("Content-Security-Policy", response.content_policy);
    field("X-Content-Type-Options", "nosniff");
    field("Referrer-Policy", "no-referrer");
    // Kept, but asked for again each time.
    field("Cache-Control", "no-cache");
  }
  field("Allow", response.allow);
  field("Location", response.location);
  if (response.retry_after_seconds > 0) {
    field("Retry-After", std::to_string(response.retry_after_seconds));
  }
  field("Connection", !keep_alive ? "close" : http10 ? "keep-alive" : "");
  return out.append("\r\n");
}

bool IsGone(const boost::system::error_code& error) {
  return error == http::error::end_of_stream ||
         error == http::error::partial_message ||
         error.category() !=
             http::make_error_code(http::error::bad_method).category();
}

Refusal RefusalOf(const boost::system::error_code& error,
                  std::string_view begin) {
  // The record of a TLS client's first message.
  if (begin.starts_with("\x16\x03")) {
    return {400, "this port speaks HTTP, not TLS"};
  }
  if (error == http::error::header_limit ||
      error == http::error::buffer_overflow) {
    return {431, "the request's header is too large"};
  }
  if (error == http::error::body_limit) {
    return {413, "the request's body is too large"};
  }
  if (error == http::error::bad_version) {
    return {505, "this server speaks HTTP/1.1"};
  }
  return {400, "this is not a valid HTTP request"};
}

}  // namespace ta
