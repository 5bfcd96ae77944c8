#include "discovery/http_oauth2.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "allocator/base/ascii.h"
#include "allocator/base/percent.h"
#include "discovery/http_response.h"
#include "discovery/http_url.h"

namespace ta {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

// As Go's: an endpoint's answer, and how long before its end a token is old.
constexpr std::size_t kMaxAnswerBytes = 1 << 20;
constexpr Duration kEarly = std::chrono::seconds(10);

std::unexpected<Error> Retry(std::string message) {
  return std::unexpected(Error{Error::Code::kRetry, std::move(message)});
}

// As Go's url.QueryUnescape, but what cannot be undone stays.
std::string QueryUnescape(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '+', ' ');
  return PercentDecode(plain);
}

// What both kinds of answer say; all as text.
using Fields = std::map<std::string, std::string, std::less<>>;

Fields FieldsOfForm(std::string_view body) {
  Fields fields;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    fields.emplace(
        QueryUnescape(pair.substr(0, equals)),
        QueryUnescape(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return fields;
}

// Nothing if it is no JSON object. Fields of other types are left out.
std::optional<Fields> FieldsOfJson(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  const simdjson::padded_string padded(body);
  if (parser.parse(padded).get(object)) return std::nullopt;
  Fields fields;
  for (const auto& [name, value] : object) {
    std::string_view text;
    std::int64_t number = 0;
    if (!value.get(text)) {
      fields.insert_or_assign(std::string(name), std::string(text));
    } else if (!value.get(number)) {
      fields.insert_or_assign(std::string(name), std::to_string(number));
    }
  }
  return fields;
}

// Words of RFC 6749, 5.2 (invalid_client); anything else may hold anything.
std::string ErrorCode(std::string_view code) {
  constexpr std::size_t kMost = 64;
  const bool plain =
      code.size() <= kMost && std::ranges::all_of(code, [](char c) {
        return (c >= 'a' && c <= 'z') || c == '_';
      });
  return plain ? std::string(code) : "an error of its own";
}

std::string TypeOf(std::string_view type) {
  for (const std::string_view known : {"Bearer", "MAC", "Basic"}) {
    if (EqualIgnoringAsciiCase(type, known)) return std::string(known);
  }
  return type.empty() ? "Bearer" : std::string(type);
}

std::string ScopeOf(const std::vector<std::string>& scopes) {
  std::string all;
  for (const std::string& scope : scopes) {
    if (!all.empty()) all += ' ';
    all += scope;
  }
  return all;
}

}  // namespace

Result<Oauth2Token> ParseOauth2Token(int status, std::string_view content_type,
                                     std::string_view body) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  const bool is_form =
      EqualIgnoringAsciiCase(type, "application/x-www-form-urlencoded") ||
      EqualIgnoringAsciiCase(type, "text/plain");
  const std::optional<Fields> fields =
      is_form ? FieldsOfForm(body) : FieldsOfJson(body);
  const auto get = [&](std::string_view name) {
    const auto it = fields->find(name);
    return it == fields->end() ? std::string() : it->second;
  };
  const bool failed = status / 100 != 2;
  if (fields && !get("error").empty()) {
    return Retry("HTTP " + std::to_string(status) + ": " +
                 ErrorCode(get("error")));
  }
  if (failed) return Retry("HTTP " + std::to_string(status));
  if (!fields) return Retry("the answer is no JSON object");
  Oauth2Token token{TypeOf(get("token_type")), get("access_token"), {}};
  if (token.value.empty()) return Retry("the answer has no access_token");
  const std::string lifetime = get("expires_in");
  std::int64_t seconds = 0;
  std::from_chars(lifetime.data(), lifetime.data() + lifetime.size(), seconds);
  if (seconds != 0) {
    token.lifetime = std::chrono::seconds(std::clamp<std::int64_t>(
        seconds, 0, std::numeric_limits<std::int32_t>::max()));
  }
  return token;
}

Result<std::string> Oauth2Form(
    std::map<std::string, std::string> form,
    const std::map<std::string, std::string>& endpoint_params) {
  for (const auto& [name, value] : endpoint_params) {
    if (name != "grant_type" && form.contains(name)) {
      return Reject("endpoint_params may not set " + name);
    }
    form[name] = value;
  }
  std::string text;
  for (const auto& [name, value] : form) {
    if (!text.empty()) text += '&';
    text += QueryEscape(name) + "=" + QueryEscape(value);
  }
  return text;
}

Oauth2Tokens::Oauth2Tokens(asio::any_io_executor executor, Oauth2Config config,
                           HttpTimeouts timeouts, std::string user_agent)
    : executor_(std::move(executor)),
      config_(std::move(config)),
      timeouts_(timeouts),
      user_agent_(std::move(user_agent)),
      secret_(TextSourceOf(config_.client_secret)),
      tls_(config_.tls) {}

Oauth2Tokens::~Oauth2Tokens() = default;

Result<void> Oauth2Tokens::Prepare() {
  if (http_ == nullptr) {
    auto http = HttpClient::Make(
        executor_,
        {.proxy = ProxySettingsOf(config_.proxy), .timeouts = timeouts_});
    if (!http) return std::unexpected(std::move(http.error()));
    http_ = *std::move(http);
  }
  auto changed = secret_.Refresh();
  if (!changed) {
    return std::unexpected(std::move(changed.error()).Within("client_secret"));
  }
  if (*changed) token_.reset();
  return {};
}

asio::awaitable<Result<std::string>> Oauth2Tokens::Get(TimePoint deadline,
                                                       std::stop_token stop) {
  if (auto prepared = Prepare(); !prepared) {
    co_return std::unexpected(std::move(prepared.error()));
  }
  const TimePoint now = std::chrono::steady_clock::now();
  if (token_ && (!token_->lifetime || now < ends_ - kEarly)) {
    co_return token_->type + " " + token_->value;
  }
  token_.reset();
  if (auto used = tls_.Refresh(*http_); !used) {
    co_return std::unexpected(std::move(used.error()));
  }
  const Style first = style_ == Style::kUnknown ? Style::kHeader : style_;
  auto token = co_await Ask(first, deadline, stop);
  if (token) style_ = first;
  if (!token && style_ == Style::kUnknown && !stop.stop_requested()) {
    token = co_await Ask(Style::kForm, deadline, stop);
    if (token) style_ = Style::kForm;
  }
  if (!token) co_return std::unexpected(std::move(token.error()));
  token_ = *std::move(token);
  if (token_->lifetime) ends_ = now + *token_->lifetime;
  co_return token_->type + " " + token_->value;
}

asio::awaitable<Result<Oauth2Token>> Oauth2Tokens::Ask(Style style,
                                                       TimePoint deadline,
                                                       std::stop_token stop) {
  auto url = ParseHttpUrl(config_.token_url);
  if (!url) {
    co_return std::unexpected(std::move(url.error()).Within("token_url"));
  }
  std::map<std::string, std::string> fields = {
      {"grant_type", "client_credentials"}};
  if (!config_.scopes.empty()) fields["scope"] = ScopeOf(config_.scopes);
  auto form = Oauth2Form(fields, config_.endpoint_params);
  if (!form) co_return std::unexpected(std::move(form.error()));
  HttpRequest request;
  request.method = "POST";
  request.url = *std::move(url);
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"User-Agent", user_agent_}};
  if (style == Style::kHeader) {
    request.headers.emplace_back(
        "Authorization", BasicAuthorization(QueryEscape(config_.client_id),
                                            QueryEscape(secret_.value())));
  } else {
    std::map<std::string, std::string> all = fields;
    for (const auto& [name, value] : config_.endpoint_params) all[name] = value;
    all["client_id"] = config_.client_id;
    if (!secret_.value().empty()) all["client_secret"] = secret_.value();
    form = Oauth2Form(std::move(all), {});
  }
  request.body = *std::move(form);
  request.max_body_bytes = kMaxAnswerBytes;
  request.timeout = deadline - std::chrono::steady_clock::now();
  const std::string where = "POST " + request.url.Shown();
  const auto response = co_await http_->Fetch(std::move(request), stop);
  if (!response) co_return std::unexpected(response.error());
  const auto type = FindHeader(response->headers, "Content-Type");
  auto token =
      ParseOauth2Token(response->status, type.value_or(""), response->body);
  if (!token) {
    co_return std::unexpected(std::move(token.error()).Within(where));
  }
  co_return token;
}

}  // namespace ta
