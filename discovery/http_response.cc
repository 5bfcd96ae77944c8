#include "discovery/http_response.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "allocator/base/ascii.h"

namespace ta {
namespace http = boost::beast::http;
using boost::beast::string_view;
using ErrorCode = boost::system::error_code;

namespace {

// More 1xx answers than any server has a reason for.
constexpr int kMaxInterim = 10;

std::string_view View(string_view text) { return {text.data(), text.size()}; }

Error Retry(std::string message) {
  return {Error::Code::kRetry, std::move(message)};
}

}  // namespace

std::optional<std::string_view> FindHeader(const HttpHeaders& headers,
                                           std::string_view name) {
  for (const HttpHeader& header : headers) {
    if (EqualIgnoringAsciiCase(header.first, name)) return header.second;
  }
  return std::nullopt;
}

// Beast calls back; an error of ours travels beside its error code.
class HttpResponseParser::Impl final : public http::basic_parser<false> {
 public:
  Impl(Limits limits, const BodySink& on_body)
      : limits_(limits), on_body_(on_body) {
    header_limit(kMaxHeaderBytes);
    body_limit(boost::none);
  }

  int status = 0;
  HttpHeaders headers;
  std::optional<Error> failed;

  // The end of the body: nothing of gzip may be missing.
  void Finish() {
    if (!failed && gzip_ && !gzip_->complete() && body_bytes_ > 0) {
      failed = Retry("the body ends in the middle of its gzip");
    }
  }

 private:
  void on_request_impl(http::verb, string_view, string_view, int,
                       ErrorCode&) override {}
  void on_response_impl(int code, string_view, int, ErrorCode&) override {
    status = code;
  }
  void on_field_impl(http::field, string_view name, string_view value,
                     ErrorCode&) override {
    headers.emplace_back(View(name), View(value));
  }
  void on_header_impl(ErrorCode& error) override {
    const auto encoding = FindHeader(headers, "Content-Encoding");
    if (!encoding || encoding->empty() ||
        EqualIgnoringAsciiCase(*encoding, "identity")) {
      return;
    }
    if (EqualIgnoringAsciiCase(*encoding, "gzip") ||
        EqualIgnoringAsciiCase(*encoding, "x-gzip")) {
      gzip_.emplace(limits_.body_bytes);
    } else {
      Fail(Retry("a Content-Encoding that was not asked for"), error);
    }
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length,
                         ErrorCode& error) override {
    if (length && limits_.body_bytes != 0 && *length > limits_.body_bytes) {
      TooLarge(error);
    }
  }
  std::size_t on_body_impl(string_view bytes, ErrorCode& error) override {
    return Take(bytes, error);
  }
  void on_chunk_header_impl(std::uint64_t, string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes,
                                 ErrorCode& error) override {
    return Take(bytes, error);
  }
  void on_finish_impl(ErrorCode&) override {}

  std::size_t Take(string_view bytes, ErrorCode& error) {
    body_bytes_ += bytes.size();
    if (limits_.body_bytes != 0 && body_bytes_ > limits_.body_bytes) {
      TooLarge(error);
      return 0;
    }
    auto taken =
        gzip_ ? gzip_->Feed(View(bytes), on_body_) : on_body_(View(bytes));
    if (!taken) Fail(std::move(taken.error()), error);
    return bytes.size();
  }
  void TooLarge(ErrorCode& error) {
    Fail({Error::Code::kReject, "the body is larger than " +
                                    std::to_string(limits_.body_bytes) +
                                    " bytes"},
         error);
  }
  void Fail(Error why, ErrorCode& error) {
    failed = std::move(why);
    error = http::make_error_code(http::error::body_limit);
  }

  const Limits limits_;
  const BodySink& on_body_;
  std::optional<GzipDecoder> gzip_;
  std::uint64_t body_bytes_ = 0;  // as sent
};

HttpResponseParser::HttpResponseParser(Body body, Limits limits,
                                       BodySink on_body)
    : body_(body), limits_(limits), on_body_(std::move(on_body)) {
  impl_ = std::make_unique<Impl>(limits_, on_body_);
  if (body_ == Body::kNone) impl_->skip(true);
}

HttpResponseParser::~HttpResponseParser() = default;

Result<std::size_t> HttpResponseParser::Feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done()) {
    ErrorCode error;
    used += impl_->put(
        boost::asio::const_buffer(bytes.data() + used, bytes.size() - used),
        error);
    if (impl_->failed) return std::unexpected(*impl_->failed);
    if (error == http::error::need_more) break;
    if (error == http::error::header_limit) {
      return Reject("the headers are larger than " +
                    std::to_string(kMaxHeaderBytes) + " bytes");
    }
    if (error)
      return std::unexpected(Retry("no valid HTTP: " + error.message()));
    if (!impl_->is_header_done()) continue;
    if (impl_->status / 100 == 1 && impl_->status != 101) {
      if (++interim_ > kMaxInterim) {
        return std::unexpected(Retry("too many 1xx answers"));
      }
      impl_ = std::make_unique<Impl>(limits_, on_body_);
      if (body_ == Body::kNone) impl_->skip(true);
    } else if (!std::exchange(seen_headers_, true)) {
      break;
    }
  }
  if (done()) {
    impl_->Finish();
    if (impl_->failed) return std::unexpected(*impl_->failed);
  }
  return used;
}

Result<void> HttpResponseParser::End() {
  if (done()) return {};
  if (!impl_->got_some()) {
    return std::unexpected(Retry("the server closed the connection"));
  }
  ErrorCode error;
  impl_->put_eof(error);
  if (!error && done()) {
    impl_->Finish();
    if (impl_->failed) return std::unexpected(*impl_->failed);
    return {};
  }
  return std::unexpected(Retry(
      headers_done() ? "the server closed the connection within the body"
                     : "the server closed the connection within the headers"));
}

bool HttpResponseParser::headers_done() const { return seen_headers_; }
bool HttpResponseParser::done() const {
  return seen_headers_ && impl_->is_done();
}
bool HttpResponseParser::keep_alive() const { return impl_->keep_alive(); }
int HttpResponseParser::status() const { return impl_->status; }
const HttpHeaders& HttpResponseParser::headers() const {
  return impl_->headers;
}

}  // namespace ta
