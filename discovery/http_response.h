// One HTTP/1.1 response out of the bytes of a connection: status, headers, and
// the body as it comes, chunks and gzip undone. No I/O, so that every cut and
// every lie of a server is a test. The grammar is Beast's.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "allocator/base/result.h"
#include "discovery/http_gzip.h"
#include "discovery/http_proxy.h"

namespace ta {

// Confined to its owner.
class HttpResponseParser {
 public:
  static constexpr std::size_t kMaxHeaderBytes = 64 * 1024;

  enum class Body { kAsSaid, kNone };  // kNone: of HEAD, CONNECT
  struct Limits {
    std::size_t body_bytes = 0;  // also of what is decoded; 0: none
  };

  // `on_body` is called from Feed and End with pieces of the body, decoded,
  // never before headers_done(). It may set its own limit by an error.
  HttpResponseParser(Body body, Limits limits, BodySink on_body);
  ~HttpResponseParser();

  // How many of the bytes were used; what is left has to be fed again, with
  // more behind it, unless done(). Once the headers are in it returns at their
  // end, so that a caller can look at them before the body comes. Errors:
  // kRetry for what is cut or no HTTP, kReject for what is too large.
  Result<std::size_t> Feed(std::string_view bytes);
  // The connection has ended. An error unless the response may end so.
  Result<void> End();

  bool headers_done() const;
  bool done() const;
  // May the connection carry another request? REQUIRES: done()
  bool keep_alive() const;
  // REQUIRES: headers_done()
  int status() const;
  const HttpHeaders& headers() const;

 private:
  class Impl;
  Result<void> Begin();

  Body body_;
  Limits limits_;
  BodySink on_body_;
  int interim_ = 0;  // 1xx answers so far
  bool seen_headers_ = false;
  std::unique_ptr<Impl> impl_;
};

// The value of a header, or nothing; names without regard to case. Of several,
// the first.
std::optional<std::string_view> FindHeader(const HttpHeaders& headers,
                                           std::string_view name);

}  // namespace ta
