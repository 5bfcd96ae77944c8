#include "allocator/config/schema_rules.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <utility>

#include "allocator/config/go_url.h"
#include "allocator/config/kubernetes_selector.h"

namespace ta {
namespace {

bool HasText(const Value& record, std::string_view name) {
  return !record.at(name).text.empty();
}

// At most one of the text fields `names` may be there; the mistake is at the
// last of them.
bool AtMostOne(const Value& record, const Path& path, SchemaReader& reader,
               std::initializer_list<std::string_view> names) {
  int count = 0;
  std::string_view last;
  std::string list;
  for (const auto name : names) {
    if (HasText(record, name)) {
      ++count;
      last = name;
    }
    if (!list.empty()) list += ", ";
    list += name;
  }
  if (count < 2) return true;
  reader.SayAt(record, last, path, "at most one of " + list + " may be set");
  return false;
}

bool AnyOf(const Value& record, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](auto name) { return HasText(record, name); });
}

void CheckProxy(const Value& client, const Path& path, SchemaReader& reader) {
  const bool url = client.at("proxy_url").set;
  const bool url_text = HasText(client, "proxy_url");
  const bool environment = client.at("proxy_from_environment").flag;
  const bool no_proxy = HasText(client, "no_proxy");
  if (client.at("proxy_url").bad) return;
  if (!client.at("proxy_connect_header").items.empty() && !environment &&
      !url_text)
    reader.SayAt(client, "proxy_connect_header", path,
                 "needs proxy_url or proxy_from_environment");
  if (environment && url_text)
    reader.SayAt(client, "proxy_url", path,
                 "cannot be set together with proxy_from_environment");
  if (environment && no_proxy)
    reader.SayAt(client, "no_proxy", path,
                 "cannot be set together with proxy_from_environment");
  if (!environment && no_proxy && !url)
    reader.SayAt(client, "no_proxy", path, "needs proxy_url");
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

// Lower case, ascending. Source: prometheus/common config/headers.go.
constexpr std::array<std::string_view, 18> kReservedHeaders = {
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "user-agent",
    "www-authenticate",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-prometheus-remote-read-version",
    "x-prometheus-remote-write-version",
    "x-prometheus-scrape-timeout-seconds"};
static_assert(std::is_sorted(kReservedHeaders.begin(), kReservedHeaders.end()));

void CheckHeaders(const Value& client, const Path& path, SchemaReader& reader) {
  const Value& headers = client.at("http_headers");
  const Path below{&path, "http_headers"};
  for (std::size_t i = 0; i < headers.keys.size(); ++i) {
    if (!std::binary_search(kReservedHeaders.begin(), kReservedHeaders.end(),
                            Lower(headers.keys[i])))
      continue;
    const YamlNode* at = headers.items[i].node;
    reader.Say(at != nullptr ? at : headers.node, Path{&below, headers.keys[i]},
               "this header may not be set");
  }
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Makes `authorization` out of one of the old fields.
void MoveBearer(Value& client, std::string_view from, std::string_view to,
                const Path& path, SchemaReader& reader) {
  Value& old = client.at(from);
  if (old.text.empty()) return;
  Value& auth = client.at("authorization");
  const int index = client.record->IndexOf("authorization");
  const Record* record =
      client.record->fields[static_cast<std::size_t>(index)].record;
  const YamlNode* node = old.node;
  auth = reader.Read(nullptr, *record, Path{&path, "authorization"});
  auth.set = true;
  auth.node = node;
  auth.at("type").text = "Bearer";
  auth.at(to).text = std::move(old.text);
  old.text.clear();
}

}  // namespace

void CheckBasicAuth(Value& auth, const Path& path, SchemaReader& reader) {
  AtMostOne(auth, path, reader, {"username", "username_file", "username_ref"});
  AtMostOne(auth, path, reader, {"password", "password_file", "password_ref"});
}

void CheckAuthorization(Value& auth, const Path& path, SchemaReader& reader) {
  AtMostOne(auth, path, reader,
            {"credentials", "credentials_file", "credentials_ref"});
  Value& type = auth.at("type");
  type.text = std::string(Trimmed(type.text));
  if (type.text.empty()) type.text = "Bearer";
  if (Lower(type.text) == "basic")
    reader.SayAt(auth, "type", path,
                 "cannot be \"basic\"; use basic_auth instead");
}

void CheckOauth2(Value& oauth2, const Path& path, SchemaReader& reader) {
  for (const std::string_view name : {"client_id", "token_url"}) {
    if (!HasText(oauth2, name) && !oauth2.at(name).bad)
      reader.SayAt(oauth2, name, path, "must be set");
  }
  if (oauth2.at("grant_type").text ==
      "urn:ietf:params:oauth:grant-type:jwt-bearer") {
    AtMostOne(oauth2, path, reader,
              {"client_certificate_key", "client_certificate_key_file",
               "client_certificate_key_ref"});
    const auto& algorithm = oauth2.at("signature_algorithm").text;
    if (!algorithm.empty() && algorithm != "RS256" && algorithm != "RS384" &&
        algorithm != "RS512")
      reader.SayAt(
          oauth2, "signature_algorithm", path,
          "expected one of RS256, RS384, RS512, got " + Quoted(algorithm));
  } else {
    AtMostOne(oauth2, path, reader,
              {"client_secret", "client_secret_file", "client_secret_ref"});
  }
  CheckProxy(oauth2, path, reader);
}

void CheckTls(Value& tls, const Path& path, SchemaReader& reader) {
  AtMostOne(tls, path, reader, {"ca", "ca_file", "ca_ref"});
  AtMostOne(tls, path, reader, {"cert", "cert_file", "cert_ref"});
  AtMostOne(tls, path, reader, {"key", "key_file", "key_ref"});
  const bool cert = AnyOf(tls, {"cert", "cert_file", "cert_ref"});
  const bool key = AnyOf(tls, {"key", "key_file", "key_ref"});
  if (cert && !key)
    reader.Say(tls.node, path,
               "a client certificate needs one of key, key_file, key_ref");
  if (key && !cert)
    reader.Say(tls.node, path,
               "a client key needs one of cert, cert_file, cert_ref");
}

void CheckHttpClient(Value& client, const Path& path, SchemaReader& reader) {
  const bool basic = client.at("basic_auth").set;
  const bool oauth2 = client.at("oauth2").set;
  const bool authorization = client.at("authorization").set;
  const bool bearer = AnyOf(client, {"bearer_token", "bearer_token_file"});
  AtMostOne(client, path, reader, {"bearer_token", "bearer_token_file"});
  if (basic + oauth2 + authorization + bearer > 1) {
    const std::string_view at = oauth2          ? "oauth2"
                                : authorization ? "authorization"
                                                : "basic_auth";
    reader.SayAt(client, at, path,
                 "at most one of basic_auth, authorization, oauth2, "
                 "bearer_token, bearer_token_file may be set");
  } else if (bearer) {
    MoveBearer(client, "bearer_token", "credentials", path, reader);
    MoveBearer(client, "bearer_token_file", "credentials_file", path, reader);
  }
  CheckProxy(client, path, reader);
  CheckHeaders(client, path, reader);
}

void CheckFileSd(Value& config, const Path& path, SchemaReader& reader) {
  const Value& files = config.at("files");
  if (files.items.empty() && !files.bad)
    reader.SayAt(config, "files", path, "must name at least one file");
  // Upstream: ^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$
  const Path below{&path, "files"};
  for (std::size_t i = 0; i < files.items.size(); ++i) {
    const Value& file = files.items[i];
    if (file.bad) continue;
    const std::string_view name = file.text;
    const bool extension = std::any_of(name.begin(), name.end(),
                                       [](char c) { return c == '.'; }) &&
                           [&] {
                             const auto end = name.substr(name.rfind('.') + 1);
                             return end == "json" || end == "yml" ||
                                    end == "yaml" || end == "JSON" ||
                                    end == "YML" || end == "YAML";
                           }();
    const auto star = name.find('*');
    const bool one_level =
        star == name.npos || name.find('/', star) == name.npos;
    if (extension && one_level && name.find('\n') == name.npos) continue;
    reader.Say(file.node != nullptr ? file.node : files.node,
               Path{&below, {}, static_cast<int>(i)},
               !extension
                   ? "expected a name that ends in .json, .yml or .yaml, got " +
                         Quoted(name)
                   : "a * may only stand in the last part of the path, got " +
                         Quoted(name));
  }
}

void CheckHttpSd(Value& config, const Path& path, SchemaReader& reader) {
  const auto& text = config.at("url").text;
  if (text.empty()) {
    if (!config.at("url").bad) reader.SayAt(config, "url", path, "must be set");
  } else if (const auto url = ParseGoUrl(text); !url) {
    reader.SayAt(config, "url", path, url.error().message);
  } else if (url->scheme != "http" && url->scheme != "https") {
    reader.SayAt(config, "url", path, "the scheme must be http or https");
  } else if (url->host.empty()) {
    reader.SayAt(config, "url", path, "the host is missing");
  }
  CheckHttpClient(config, path, reader);
}

void CheckDnsSd(Value& config, const Path& path, SchemaReader& reader) {
  if (config.at("names").items.empty() && !config.at("names").bad)
    reader.SayAt(config, "names", path, "must hold at least one name");
  if (config.at("type").bad) return;
  const std::string type = Upper(config.at("type").text);
  if (type == "SRV") return;
  if (type != "A" && type != "AAAA" && type != "MX" && type != "NS")
    reader.SayAt(config, "type", path,
                 "expected one of SRV, A, AAAA, MX, NS, got " +
                     Quoted(config.at("type").text));
  else if (config.at("port").integer == 0 && !config.at("port").bad)
    reader.SayAt(config, "port", path,
                 "must be set for every record type but SRV");
}

void CheckScrapeConfig(Value& config, const Path& path, SchemaReader& reader) {
  if (!HasText(config, "job_name") && !config.at("job_name").bad)
    reader.SayAt(config, "job_name", path, "must be set");
  CheckHttpClient(config, path, reader);
  // A URL where an address belongs; rules could still turn it into one.
  if (!config.at("relabel_configs").items.empty()) return;
  const Path groups{&path, "static_configs"};
  const auto& list = config.at("static_configs").items;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].record == nullptr) continue;
    const Path group{&groups, {}, static_cast<int>(i)};
    const Path targets{&group, "targets"};
    const auto& addresses = list[i].at("targets").items;
    for (std::size_t k = 0; k < addresses.size(); ++k) {
      if (addresses[k].text.find('/') == std::string::npos) continue;
      const std::string& text = addresses[k].text;
      const bool user = text.find('@') != std::string::npos;
      reader.Say(addresses[k].node, Path{&targets, {}, static_cast<int>(k)},
                 "expected host:port without scheme and path, got " +
                     (user ? std::string("a URL with a user") : Quoted(text)));
    }
  }
}

}  // namespace ta
