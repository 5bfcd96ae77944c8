#include "discovery/http_auth.h"

#include <algorithm>
#include <utility>

#include "allocator/base/ascii.h"
#include "discovery/http_url.h"

namespace ta {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr std::string_view kJwtBearer =
    "urn:ietf:params:oauth:grant-type:jwt-bearer";

// What is in use of basic_auth, authorization; nothing where it isn't there.
TextSource BasicPart(const HttpClientConfig& config,
                     TextOrFile BasicAuthConfig::* part) {
  if (!config.basic_auth) return {};
  return TextSourceOf((*config.basic_auth).*part);
}

}  // namespace

Result<std::unique_ptr<ConfiguredHttpClient>> ConfiguredHttpClient::Make(
    asio::any_io_executor executor, const HttpClientConfig& config,
    const HttpTimeouts& timeouts, std::string user_agent) {
  if (!config.unsupported.empty()) {
    return Reject(config.unsupported +
                  " is not supported: there is no secret manager");
  }
  if (config.oauth2 && config.oauth2->grant_type == kJwtBearer) {
    return Reject(
        "oauth2.grant_type jwt-bearer is not supported, client_credentials is");
  }
  HttpClientSettings settings{.proxy = ProxySettingsOf(config.proxy),
                              .timeouts = timeouts};
  if (!config.follow_redirects) settings.redirects = Redirects::kReturn;
  auto http = HttpClient::Make(executor, std::move(settings));
  if (!http) return std::unexpected(std::move(http.error()));
  return std::unique_ptr<ConfiguredHttpClient>(
      new ConfiguredHttpClient(std::move(executor), config, timeouts,
                               std::move(user_agent), *std::move(http)));
}

ConfiguredHttpClient::ConfiguredHttpClient(asio::any_io_executor executor,
                                           const HttpClientConfig& config,
                                           HttpTimeouts timeouts,
                                           std::string user_agent,
                                           std::unique_ptr<HttpClient> http)
    : user_agent_(std::move(user_agent)),
      http_(std::move(http)),
      tls_(config.tls),
      has_basic_(config.basic_auth.has_value()),
      username_(BasicPart(config, &BasicAuthConfig::username)),
      password_(BasicPart(config, &BasicAuthConfig::password)),
      authorization_type_(config.authorization ? config.authorization->type
                                               : ""),
      credentials_(config.authorization
                       ? TextSourceOf(config.authorization->credentials)
                       : TextSource()) {
  for (const HttpHeaderConfig& header : config.http_headers) {
    for (const auto* texts : {&header.values, &header.secrets}) {
      for (const std::string& text : *texts) {
        if (EqualIgnoringAsciiCase(header.name, "User-Agent")) {
          user_agent_ = text;
        } else {
          headers_.push_back({header.name, text, nullptr});
        }
      }
    }
    for (const std::string& file : header.files) {
      headers_.push_back({header.name, "",
                          std::make_unique<RereadText>(TextSource{"", file})});
    }
  }
  if (config.oauth2) {
    tokens_ = std::make_unique<Oauth2Tokens>(
        std::move(executor), *config.oauth2, timeouts, user_agent_);
  }
}

Result<void> ConfiguredHttpClient::AddHeaders(HttpRequest& request) {
  request.headers.emplace_back("User-Agent", user_agent_);
  for (Header& header : headers_) {
    if (header.file != nullptr) {
      const auto read = header.file->Refresh();
      if (!read) {
        return std::unexpected(Error(read.error()).Within("http_headers"));
      }
    }
    request.headers.emplace_back(
        header.name, header.file ? header.file->value() : header.text);
  }
  if (request.url.has_user || tokens_ != nullptr) return {};
  if (has_basic_) {
    for (RereadText* text : {&username_, &password_}) {
      const auto read = text->Refresh();
      if (!read) {
        return std::unexpected(Error(read.error()).Within("basic_auth"));
      }
    }
    request.headers.emplace_back(
        "Authorization",
        BasicAuthorization(username_.value(), password_.value()));
  } else if (!authorization_type_.empty()) {
    const auto read = credentials_.Refresh();
    if (!read) {
      return std::unexpected(Error(read.error()).Within("authorization"));
    }
    request.headers.emplace_back(
        "Authorization", authorization_type_ + " " + credentials_.value());
  }
  return {};
}

asio::awaitable<Result<HttpResponse>> ConfiguredHttpClient::Fetch(
    HttpRequest request, std::stop_token stop) {
  const TimePoint began = std::chrono::steady_clock::now();
  const TimePoint deadline = request.timeout > TimePoint::max() - began
                                 ? TimePoint::max()
                                 : began + request.timeout;
  if (auto used = tls_.Refresh(*http_); !used) {
    co_return std::unexpected(std::move(used.error()));
  }
  if (auto added = AddHeaders(request); !added) {
    co_return std::unexpected(std::move(added.error()));
  }
  if (tokens_ == nullptr) {
    co_return co_await http_->Fetch(std::move(request), std::move(stop));
  }
  for (bool again = false;; again = true) {
    auto token = co_await tokens_->Get(deadline, stop);
    if (!token) {
      co_return std::unexpected(std::move(token.error()).Within("oauth2"));
    }
    HttpRequest attempt = request;
    attempt.headers.emplace_back("Authorization", *std::move(token));
    attempt.timeout = deadline - std::chrono::steady_clock::now();
    auto response = co_await http_->Fetch(std::move(attempt), stop);
    if (!response || response->status != 401 || again) co_return response;
    tokens_->Forget();
  }
}

}  // namespace ta
