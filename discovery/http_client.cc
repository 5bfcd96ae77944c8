#include "discovery/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "discovery/http_response.h"

namespace ta {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

// What is read at once; a watch's line is a few kB, a page of a list 2 MB.
constexpr std::size_t kPieceBytes = 64 * 1024;

TimePoint Now() { return std::chrono::steady_clock::now(); }

TimePoint After(Duration duration) {
  const TimePoint now = Now();
  return duration > TimePoint::max() - now ? TimePoint::max() : now + duration;
}

// Neither can break out of its line.
bool IsHeader(const HttpHeader& header) {
  const auto token = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) !=
               std::string_view::npos;
  };
  const auto text = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || c == '\t';
  };
  return !header.first.empty() && std::ranges::all_of(header.first, token) &&
         std::ranges::all_of(header.second, text);
}

std::string Head(const HttpRequest& request,
                 const HttpConnection::Route& route) {
  const HttpUrl& url = request.url;
  const bool absolute = route.absolute_form();
  std::string head = fmt::format("{} {}{}{} HTTP/1.1\r\n", request.method,
                                 absolute ? "http://" : "",
                                 absolute ? url.Authority() : "", url.target);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!FindHeader(request.headers, name)) {
      head += fmt::format("{}: {}\r\n", name, value);
    }
  };
  add("Host", url.Authority());
  if (request.accept_gzip) add("Accept-Encoding", "gzip");
  if (url.has_user) {
    add("Authorization", BasicAuthorization(url.user, url.password));
  }
  if (absolute && route.proxy->has_user) {
    add("Proxy-Authorization",
        BasicAuthorization(route.proxy->user, route.proxy->password));
  }
  if (!request.body.empty() || request.method == "POST" ||
      request.method == "PUT") {
    add("Content-Length", std::to_string(request.body.size()));
  }
  for (const auto& [name, value] : request.headers) {
    head += fmt::format("{}: {}\r\n", name, value);
  }
  return head + "\r\n";
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 ||
         status == 308;
}

// What a redirect may not carry to another host, as Go's net/http.
bool IsSensitive(std::string_view name) {
  static const HttpHeaders kNames = {{"Authorization", ""},
                                     {"Www-Authenticate", ""},
                                     {"Cookie", ""},
                                     {"Cookie2", ""},
                                     {"Proxy-Authorization", ""},
                                     {"Proxy-Authenticate", ""}};
  return FindHeader(kNames, name).has_value();
}

// Null for the defaults, which are made when they are first needed: reading the
// system's certificates takes longer than many requests.
Result<std::shared_ptr<const TlsContext>> ContextOf(
    const TlsSettings& settings) {
  if (settings == TlsSettings()) return nullptr;
  return MakeTlsContext(settings);
}

std::string Where(const HttpRequest& request) {
  return request.method + " " + request.url.Shown();
}

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::Make(
    asio::any_io_executor executor, HttpClientSettings settings) {
  auto tls = ContextOf(settings.tls);
  if (!tls) return std::unexpected(std::move(tls.error()));
  auto proxies = ProxyRules::Make(
      settings.proxy, [](const char* name) { return std::getenv(name); });
  if (!proxies) return std::unexpected(std::move(proxies.error()));
  return std::unique_ptr<HttpClient>(
      new HttpClient(std::move(executor), std::move(settings),
                     *std::move(proxies), *std::move(tls)));
}

HttpClient::HttpClient(asio::any_io_executor executor,
                       HttpClientSettings settings, ProxyRules proxies,
                       std::shared_ptr<const TlsContext> tls)
    : executor_(std::move(executor)),
      settings_(std::move(settings)),
      proxies_(std::move(proxies)),
      tls_(std::move(tls)) {}

HttpClient::~HttpClient() = default;

Result<void> HttpClient::UseTls(const TlsSettings& settings) {
  auto tls = ContextOf(settings);
  if (!tls) return std::unexpected(std::move(tls.error()));
  tls_ = *std::move(tls);
  idle_.clear();
  return {};
}

asio::awaitable<Result<HttpResponse>> HttpClient::Fetch(HttpRequest request,
                                                        std::stop_token stop) {
  co_return co_await Run(std::move(request), Sinks(), std::move(stop));
}

asio::awaitable<Result<HttpResponse>> HttpClient::Stream(
    HttpRequest request, std::function<void(int)> on_headers, BodySink on_body,
    std::stop_token stop) {
  const Sinks sinks{&on_headers, &on_body};
  co_return co_await Run(std::move(request), sinks, std::move(stop));
}

asio::awaitable<Result<HttpResponse>> HttpClient::Run(HttpRequest request,
                                                      Sinks sinks,
                                                      std::stop_token stop) {
  const TimePoint deadline = After(request.timeout);
  const std::string host = request.url.host;
  for (int redirects = 0;; ++redirects) {
    auto response = co_await Once(request, deadline, sinks, stop);
    if (!response || !IsRedirect(response->status) ||
        settings_.redirects == Redirects::kReturn) {
      co_return response;
    }
    const auto location = FindHeader(response->headers, "Location");
    if (!location) co_return response;
    if (redirects + 1 == kMaxRequests) {
      co_return std::unexpected(
          Error{Error::Code::kRetry, Where(request) + ": stopped after " +
                                         std::to_string(kMaxRequests) +
                                         " redirects"});
    }
    auto next = ResolveReference(request.url, *location);
    if (!next) {
      co_return std::unexpected(
          std::move(next.error()).Within(Where(request) + ": redirect"));
    }
    // Once away from its host, or from TLS, they stay away.
    const bool unsafe = request.url.https() && !next->https();
    const bool away = unsafe || !IsDomainOrSubdomain(next->host, host);
    if (!next->has_user && !away && next->host == request.url.host) {
      next->has_user = request.url.has_user;
      next->user = request.url.user;
      next->password = request.url.password;
    }
    const bool keeps_body = response->status >= 307 || request.method == "GET";
    if (unsafe && keeps_body && !request.body.empty()) {
      co_return Reject(Where(request) +
                       ": redirect: from https to http, with a body");
    }
    request.url = *std::move(next);
    if (away) {
      std::erase_if(request.headers, [](const HttpHeader& header) {
        return IsSensitive(header.first);
      });
    }
    if (response->status < 307 && request.method != "HEAD") {
      if (request.method != "GET") request.body.clear();
      request.method = "GET";
    }
  }
}

asio::awaitable<Result<HttpResponse>> HttpClient::Once(
    const HttpRequest& request, TimePoint deadline, Sinks sinks,
    std::stop_token stop) {
  for (const HttpHeader& header : request.headers) {
    if (!IsHeader(header)) {
      co_return Reject(Where(request) + ": a header is not valid");
    }
  }
  HttpConnection::Route route;
  route.url = request.url;
  route.connect_headers = settings_.proxy.connect_headers;
  if (const HttpUrl* proxy = proxies_.For(request.url)) route.proxy = *proxy;
  const bool secure =
      route.url.https() || (route.proxy && route.proxy->https());
  if (secure && !tls_) {
    auto tls = MakeTlsContext({});
    if (!tls) {
      co_return std::unexpected(std::move(tls.error()).Within(Where(request)));
    }
    tls_ = *std::move(tls);
  }
  route.tls = tls_;
  const std::string key = route.Key();

  std::shared_ptr<HttpConnection> connection = TakeIdle(key);
  bool reused = connection != nullptr;
  while (true) {
    if (!reused) {
      connection = std::make_shared<HttpConnection>(executor_);
      ++opened_;
      auto open =
          co_await connection->Open(route, settings_.timeouts, deadline, stop);
      if (!open) {
        co_return std::unexpected(
            std::move(open.error()).Within(Where(request)));
      }
    }
    Attempt attempt =
        co_await Exchange(connection, request, route, deadline, sinks, stop);
    if (!attempt.error) {
      attempt.response.url = request.url;
      co_return std::move(attempt.response);
    }
    connection->Close();
    // The server closed it just when we took it: that says nothing of the
    // request.
    if (reused && attempt.unanswered && request.method != "POST") {
      reused = false;
      continue;
    }
    co_return std::unexpected(std::move(*attempt.error).Within(Where(request)));
  }
}

asio::awaitable<HttpClient::Attempt> HttpClient::Exchange(
    std::shared_ptr<HttpConnection> connection, const HttpRequest& request,
    const HttpConnection::Route& route, TimePoint deadline, Sinks sinks,
    std::stop_token stop) {
  Attempt attempt;
  const HttpTimeouts& timeouts = settings_.timeouts;
  const auto within = [&](Duration step) {
    return std::min(deadline, After(step));
  };
  std::string head = Head(request, route) + request.body;
  const auto written =
      co_await connection->Write(head, within(timeouts.headers), stop);
  // A server may answer and close before it has read all: listen to it.
  if (written.error && !written.closed) {
    attempt.error = Error(*written.error).Within("write");
    co_return attempt;
  }

  bool streams = false;
  const auto body = request.method == "HEAD"
                        ? HttpResponseParser::Body::kNone
                        : HttpResponseParser::Body::kAsSaid;
  std::optional<Error> refused;  // by the caller's sink
  HttpResponseParser::Limits limits{request.max_body_bytes};
  HttpResponseParser parser(
      body, limits, [&](std::string_view bytes) -> Result<void> {
        if (streams) {
          auto taken = (*sinks.on_body)(bytes);
          if (!taken) refused = taken.error();
          return taken;
        }
        const std::size_t most = sinks.on_body != nullptr
                                     ? kMaxErrorBytes
                                     : attempt.response.body.max_size();
        if (attempt.response.body.size() + bytes.size() > most) {
          return Reject("the body of the error is too large");
        }
        attempt.response.body += bytes;
        return {};
      });

  const TimePoint headers_by = within(timeouts.headers);
  const Duration idle = request.idle.value_or(timeouts.idle);
  std::string pending;  // read, not yet used by the parser
  bool any = false;
  bool announced = false;
  bool at_end = false;
  const auto piece = std::make_unique<std::array<char, kPieceBytes>>();
  while (!parser.done() && !at_end) {
    const TimePoint by = parser.headers_done() ? within(idle) : headers_by;
    const auto read =
        co_await connection->Read(piece->data(), piece->size(), by, stop);
    if (read.error) {
      attempt.unanswered = !any && read.closed;
      const char* step = parser.headers_done() ? "body" : "answer";
      attempt.error = Error(*read.error).Within(step);
      co_return attempt;
    }
    any = any || read.bytes > 0;
    at_end = read.ended;
    // The usual case is that nothing is pending: no copy then.
    std::string_view bytes(piece->data(), read.bytes);
    if (!pending.empty()) {
      pending += bytes;
      bytes = pending;
    }
    Result<void> fed;
    while (fed && !bytes.empty() && !parser.done()) {
      auto used = parser.Feed(bytes);
      if (!used) {
        fed = std::unexpected(std::move(used.error()));
        break;
      }
      if (parser.headers_done() && !announced) {
        announced = true;
        streams = sinks.on_body != nullptr && parser.status() / 100 == 2;
        if (sinks.on_headers != nullptr && *sinks.on_headers) {
          (*sinks.on_headers)(parser.status());
        }
      } else if (*used == 0) {
        break;
      }
      bytes.remove_prefix(*used);
    }
    if (fed && at_end) fed = parser.End();
    if (!fed) {
      attempt.unanswered = !any && at_end;
      const char* step = parser.headers_done() ? "body" : "answer";
      attempt.error = refused ? *refused : std::move(fed.error()).Within(step);
      co_return attempt;
    }
    pending = std::string(bytes);
  }
  attempt.response.status = parser.status();
  attempt.response.headers = parser.headers();
  if (!at_end && !written.error && pending.empty() && parser.keep_alive() &&
      parser.status() != 101) {
    Keep(route.Key(), std::move(connection));
  } else {
    connection->Close();
  }
  co_return attempt;
}

std::shared_ptr<HttpConnection> HttpClient::TakeIdle(const std::string& key) {
  const TimePoint oldest = Now() - settings_.max_idle_time;
  std::erase_if(idle_, [&](const Idle& idle) {
    return idle.since < oldest || !idle.connection->IsQuiet();
  });
  // The newest: it is the least likely to be closed meanwhile.
  for (auto idle = idle_.rbegin(); idle != idle_.rend(); ++idle) {
    if (idle->key != key) continue;
    auto connection = std::move(idle->connection);
    idle_.erase(std::next(idle).base());
    return connection;
  }
  return nullptr;
}

void HttpClient::Keep(std::string key,
                      std::shared_ptr<HttpConnection> connection) {
  if (settings_.max_idle == 0) return;
  if (idle_.size() == settings_.max_idle) idle_.pop_front();
  idle_.push_back({std::move(key), std::move(connection), Now()});
}

}  // namespace ta
