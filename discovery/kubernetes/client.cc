#include "discovery/kubernetes/client.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "allocator/base/log.h"
#include "discovery/async_wait.h"
#include "discovery/http_response.h"

namespace ta::kubernetes {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

// "discovery.k8s.io" of "/apis/discovery.k8s.io/v1"; "" of the core group.
std::string_view GroupOf(std::string_view prefix) {
  constexpr std::string_view kApis = "/apis/";
  if (!prefix.starts_with(kApis)) return {};
  prefix.remove_prefix(kApis.size());
  return prefix.substr(0, prefix.find('/'));
}

// Seconds only: what API servers send.
std::optional<std::chrono::seconds> RetryAfter(const HttpHeaders& headers) {
  const auto text = FindHeader(headers, "Retry-After");
  if (!text) return std::nullopt;
  int seconds = 0;
  const auto [last, error] =
      std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc() || last != text->data() + text->size() ||
      seconds < 0) {
    return std::nullopt;
  }
  return std::chrono::seconds(seconds);
}

std::unexpected<Failure> Without(Error error) {
  return std::unexpected(Failure{std::move(error), {}});
}

}  // namespace

std::string ForbiddenText(const Scope& scope, const char* verb) {
  const ResourceInfo& info = InfoOf(scope.resource);
  const std::string plural(info.plural);
  const std::string_view group = GroupOf(info.prefix);
  const std::string where =
      scope.ns.empty() ? " at cluster scope" : " in namespace " + scope.ns;
  std::string text = std::string(verb) + " " + plural + where +
                     " is forbidden for this service account: grant verb " +
                     verb + " on resource " + plural;
  if (!group.empty()) text += " of API group " + std::string(group);
  if (!scope.ns.empty()) text += " in namespace " + scope.ns;
  return text;
}

Result<std::unique_ptr<ApiClient>> ApiClient::Make(
    asio::any_io_executor executor, ClientSettings settings,
    ClientOptions options) {
  auto server = ParseHttpUrl(settings.server);
  if (!server) {
    return std::unexpected(std::move(server.error()).Within("API server"));
  }
  // Paths of requests are put behind it.
  server->target.resize(
      std::min(server->target.find('?'), server->target.size()));
  while (server->target.ends_with('/')) server->target.pop_back();
  HttpClientSettings http;
  http.proxy = settings.proxy;
  http.timeouts = options.timeouts;
  http.redirects = Redirects::kReturn;
  auto client = HttpClient::Make(executor, std::move(http));
  if (!client) {
    return std::unexpected(std::move(client.error()).Within("API server"));
  }
  return std::unique_ptr<ApiClient>(
      new ApiClient(executor, std::move(settings), std::move(options),
                    *std::move(server), *std::move(client)));
}

ApiClient::ApiClient(asio::any_io_executor executor, ClientSettings settings,
                     ClientOptions options, HttpUrl server,
                     std::unique_ptr<HttpClient> http)
    : executor_(std::move(executor)),
      settings_(std::move(settings)),
      options_(std::move(options)),
      server_(std::move(server)),
      http_(std::move(http)),
      rate_(options_.requests_per_second, options_.burst),
      token_(settings_.token),
      username_(settings_.username),
      password_(settings_.password),
      ca_(settings_.ca),
      client_cert_(settings_.client_cert),
      client_key_(settings_.client_key) {}

Result<void> ApiClient::RereadAll() {
  for (RereadText* text :
       {&token_, &username_, &password_, &ca_, &client_cert_, &client_key_}) {
    if (auto read = text->Refresh(); !read) {
      return std::unexpected(std::move(read.error()));
    }
  }
  TlsSettings tls = settings_.tls;
  tls.ca_pem = ca_.value();
  tls.cert_pem = client_cert_.value();
  tls.key_pem = client_key_.value();
  if (ready_ && tls == tls_) return {};
  // Half of a pair that is being replaced fails here; the next look finds both.
  if (auto used = http_->UseTls(tls); !used) {
    used.error().code = Error::Code::kRetry;
    return used;
  }
  tls_ = std::move(tls);
  return {};
}

Result<void> ApiClient::Reread(When when) {
  const TimePoint now = std::chrono::steady_clock::now();
  if (when == When::kIfDue && ready_ && now < reread_at_) return {};
  reread_at_ = now + options_.reread_interval;
  auto read = RereadAll();
  if (read) {
    if (stale_) {
      Log(Level::kInfo, "credentials for the API server can be read again",
          {{"server", server_.Shown()}});
    }
    ready_ = true;
    stale_ = false;
    return {};
  }
  if (!ready_) {
    return std::unexpected(std::move(read.error()).Within("credentials"));
  }
  if (!stale_) {
    Log(Level::kWarn,
        "credentials for the API server cannot be read, going on with those "
        "read before",
        {{"server", server_.Shown()}, {"err", read.error().message}});
  }
  stale_ = true;
  return {};
}

HttpRequest ApiClient::MakeRequest(const std::string& path) const {
  HttpRequest request;
  request.url = server_;
  request.url.target += path;
  request.headers = settings_.headers;
  const auto add = [&](const char* name, std::string value) {
    if (!FindHeader(request.headers, name)) {
      request.headers.emplace_back(name, std::move(value));
    }
  };
  add("User-Agent", "target-allocator/" + options_.version);
  add("Accept", "application/json");
  if (!token_.value().empty()) {
    add("Authorization", settings_.auth_scheme + " " + token_.value());
  } else if (!settings_.username.empty()) {
    add("Authorization",
        BasicAuthorization(username_.value(), password_.value()));
  }
  return request;
}

asio::awaitable<Answer<HttpResponse>> ApiClient::Request(
    const Scope& scope, const char* verb, HttpRequest request,
    std::function<void(int)> on_headers, const BodySink* on_bytes,
    std::stop_token stop) {
  const std::string what = std::string(verb) + " " + Describe(scope);
  const std::string path = request.url.target;
  for (bool again = false;; again = true) {
    const When when = again ? When::kNow : When::kIfDue;
    if (auto read = Reread(when); !read) {
      co_return Without(std::move(read.error()).Within(what));
    }
    const TimePoint now = std::chrono::steady_clock::now();
    const Duration wait = rate_.Take(now);
    if (wait > Duration::zero() &&
        !co_await WaitUntil(executor_, now + wait, stop)) {
      co_return std::unexpected(NoAnswer(what + ": stopped"));
    }
    // With the headers as they are now.
    HttpRequest attempt = MakeRequest(path);
    attempt.accept_gzip = request.accept_gzip;
    attempt.max_body_bytes = request.max_body_bytes;
    attempt.timeout = request.timeout;
    attempt.idle = request.idle;
    Result<HttpResponse> response;
    if (on_bytes != nullptr) {
      response = co_await http_->Stream(std::move(attempt), on_headers,
                                        *on_bytes, stop);
    } else {
      response = co_await http_->Fetch(std::move(attempt), stop);
    }
    if (!response) {
      co_return Without(std::move(response.error()).Within(what));
    }
    if (response->status == 200) co_return *std::move(response);
    if (response->status == 401 && !again) continue;
    Failure failure = FailureOfAnswer(response->status, response->body,
                                      RetryAfter(response->headers));
    if (response->status == 403) {
      failure.error.message =
          ForbiddenText(scope, verb) + " (" + failure.error.message + ")";
    } else {
      failure.error = std::move(failure.error).Within(what);
    }
    co_return std::unexpected(std::move(failure));
  }
}

asio::awaitable<Answer<std::string>> ApiClient::List(Scope scope,
                                                     std::string path,
                                                     std::stop_token stop) {
  HttpRequest request;
  request.url.target = std::move(path);
  request.timeout = options_.list_timeout;
  request.max_body_bytes = options_.max_list_bytes;
  auto response = co_await Request(scope, "list", std::move(request), nullptr,
                                   nullptr, std::move(stop));
  if (!response) co_return std::unexpected(std::move(response.error()));
  co_return std::move(response->body);
}

asio::awaitable<Answer<void>> ApiClient::Watch(Scope scope, std::string path,
                                               Duration idle, Duration timeout,
                                               std::function<void()> on_open,
                                               BodySink on_bytes,
                                               std::stop_token stop) {
  HttpRequest request;
  request.url.target = std::move(path);
  request.timeout = timeout;
  request.idle = idle;
  request.max_body_bytes = 0;
  // It would be held back until a block is full.
  request.accept_gzip = false;
  std::function<void(int)> on_headers = [&on_open](int status) {
    if (status == 200 && on_open) on_open();
  };
  const auto response =
      co_await Request(scope, "watch", std::move(request),
                       std::move(on_headers), &on_bytes, std::move(stop));
  if (!response) co_return std::unexpected(response.error());
  co_return Answer<void>();
}

}  // namespace ta::kubernetes
