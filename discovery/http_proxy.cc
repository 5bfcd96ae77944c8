#include "discovery/http_proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "allocator/base/ascii.h"

namespace ta {
namespace {

std::string Environment(const ProxyRules::GetEnv& get_env, const char* upper,
                        const char* lower) {
  for (const char* name : {upper, lower}) {
    const char* value = get_env(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

// "proxy:3128" means http://proxy:3128.
Result<HttpUrl> ParseProxy(const std::string& text) {
  auto url = ParseAnyUrl(text);
  if (!url) url = ParseAnyUrl("http://" + text);
  if (!url) return url;
  if (url->scheme != "http" && url->scheme != "https") {
    return Reject("the scheme of a proxy is neither http nor https");
  }
  return url;
}

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n\v\f");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\v\f") - first + 1);
}

// Go's net.SplitHostPort; nothing if there is no port.
std::optional<std::pair<std::string_view, std::string_view>> SplitHostPort(
    std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (host.find(']') != host.size() - 1) return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (host.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  return std::pair(host, text.substr(colon + 1));
}

}  // namespace

Result<ProxyRules> ProxyRules::Make(const ProxySettings& settings,
                                    const GetEnv& get_env) {
  ProxyRules rules;
  std::string exceptions;
  if (!settings.url.empty()) {
    auto url = ParseProxy(settings.url);
    if (!url) return std::unexpected(std::move(url.error()).Within("proxy"));
    rules.http_ = *url;
    rules.https_ = *std::move(url);
    exceptions = settings.no_proxy;
    rules.has_exceptions_ = !exceptions.empty();
  } else if (settings.from_environment) {
    auto http = ParseProxy(Environment(get_env, "HTTP_PROXY", "http_proxy"));
    if (http) rules.http_ = *std::move(http);
    auto https = ParseProxy(Environment(get_env, "HTTPS_PROXY", "https_proxy"));
    if (https) rules.https_ = *std::move(https);
    exceptions = Environment(get_env, "NO_PROXY", "no_proxy");
    rules.has_exceptions_ = true;
  }
  std::string_view rest = exceptions;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    rules.AddException(Trim(rest.substr(0, comma)));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return rules;
}

const HttpUrl* ProxyRules::For(const HttpUrl& url) const {
  const auto& proxy = url.https() ? https_ : http_;
  if (!proxy || (has_exceptions_ && IsExcepted(url))) return nullptr;
  return &*proxy;
}

std::optional<ProxyRules::Address> ProxyRules::ParseAddress(
    std::string_view text) {
  const std::string copy(text);
  Address address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
    address.v4 = true;
    return address;
  }
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) != 1) {
    return std::nullopt;
  }
  // ::ffff:1.2.3.4 is 1.2.3.4.
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0,    0,
                                                    0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) {
    std::copy_n(address.bytes.begin() + 12, 4, address.bytes.begin());
    std::fill(address.bytes.begin() + 4, address.bytes.end(), 0);
    address.v4 = true;
  }
  return address;
}

std::optional<ProxyRules::Network> ProxyRules::ParseNetwork(
    std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view bits = text.substr(slash + 1);
  const auto address = ParseAddress(text.substr(0, slash));
  if (!address) return std::nullopt;
  Network network{*address, 0, {}};
  const auto [last, error] =
      std::from_chars(bits.data(), bits.data() + bits.size(), network.bits);
  if (error != std::errc() || last != bits.data() + bits.size() ||
      bits.empty() || network.bits < 0) {
    return std::nullopt;
  }
  // A mapped address is written with the length of an IPv6 one.
  if (address->v4 &&
      text.substr(0, slash).find(':') != std::string_view::npos) {
    network.bits -= 96;
  }
  if (network.bits < 0 || network.bits > (address->v4 ? 32 : 128)) {
    return std::nullopt;
  }
  return network;
}

bool ProxyRules::Contains(const Network& network, const Address& address) {
  if (network.address.v4 != address.v4) return false;
  for (int bit = 0; bit < network.bits; bit += 8) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int shift = std::max(0, bit + 8 - network.bits);
    if (network.address.bytes[at] >> shift != address.bytes[at] >> shift) {
      return false;
    }
  }
  return true;
}

void ProxyRules::AddException(std::string_view entry) {
  std::string text = AsciiLower(entry);
  if (text.empty()) return;
  if (text == "*") {
    all_excepted_ = true;
    return;
  }
  if (auto network = ParseNetwork(text)) {
    networks_.push_back(*std::move(network));
    return;
  }
  std::string_view host = text;
  std::string_view port;
  if (const auto split = SplitHostPort(text)) std::tie(host, port) = *split;
  if (host.empty()) return;
  if (const auto address = ParseAddress(host)) {
    networks_.push_back({*address, address->v4 ? 32 : 128, std::string(port)});
    return;
  }
  if (host.starts_with("*.")) host.remove_prefix(1);
  const bool itself = !host.starts_with('.');
  domains_.push_back(
      {(itself ? "." : "") + std::string(host), std::string(port), itself});
}

bool ProxyRules::IsExcepted(const HttpUrl& url) const {
  if (url.host == "localhost") return true;
  const auto address = ParseAddress(url.host);
  if (address) {
    static const Network kLoopback4 = *ParseNetwork("127.0.0.0/8");
    static const Network kLoopback6 = *ParseNetwork("::1/128");
    if (Contains(kLoopback4, *address) || Contains(kLoopback6, *address)) {
      return true;
    }
  }
  if (all_excepted_) return true;
  const std::string port = std::to_string(url.port);
  const auto has_port = [&](const auto& rule) {
    return rule.port.empty() || rule.port == port;
  };
  if (address) {
    return std::ranges::any_of(networks_, [&](const Network& network) {
      return has_port(network) && Contains(network, *address);
    });
  }
  return std::ranges::any_of(domains_, [&](const Domain& domain) {
    const std::string_view suffix = domain.suffix;
    return has_port(domain) &&
           (url.host.ends_with(suffix) ||
            (domain.itself && url.host == suffix.substr(1)));
  });
}

}  // namespace ta
