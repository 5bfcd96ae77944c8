#include "allocator/config/schema_rules.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <utility>

#include "allocator/base/ascii.h"

namespace ta {

bool HasText(const Value& record, std::string_view name) {
  return !record.at(name).text.empty();
}

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

void Require(const Value& record, const Path& path, SchemaReader& reader,
             std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    const Value& value = record.at(name);
    if (!value.text.empty() || value.bad) continue;
    std::string message = "must be set";
    const int index = record.record->IndexOf(name);
    const Field& field = record.record->fields[static_cast<std::size_t>(index)];
    for (const auto allowed : field.values) {
      message += allowed == field.values.front() ? ", one of " : ", ";
      message += allowed;
    }
    reader.SayAt(record, name, path, std::move(message));
  }
}

std::string_view GoTrimmed(std::string_view text) {
  // What unicode.IsSpace takes for one.
  static constexpr std::array<std::string_view, 25> kSpaces = {
      " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\u0085",
      "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
      "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028",
      "\u2029", "\u202f", "\u205f", "\u3000"};
  for (bool again = true; again;) {
    again = false;
    for (const auto space : kSpaces) {
      if (text.starts_with(space)) {
        text.remove_prefix(space.size());
        again = true;
      }
      if (text.ends_with(space)) {
        text.remove_suffix(space.size());
        again = true;
      }
    }
  }
  return text;
}

namespace {

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
                            AsciiLower(headers.keys[i])))
      continue;
    const YamlNode* at = headers.items[i].node;
    reader.Say(at != nullptr ? at : headers.node, Path{&below, headers.keys[i]},
               "this header may not be set");
  }
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

void CheckBasicAuth(const Value& auth, const Path& path, SchemaReader& reader) {
  AtMostOne(auth, path, reader, {"username", "username_file", "username_ref"});
  AtMostOne(auth, path, reader, {"password", "password_file", "password_ref"});
}

void CheckAuthorization(Value& auth, const Path& path, SchemaReader& reader) {
  AtMostOne(auth, path, reader,
            {"credentials", "credentials_file", "credentials_ref"});
  Value& type = auth.at("type");
  type.text = std::string(GoTrimmed(type.text));
  if (type.text.empty()) type.text = "Bearer";
  if (AsciiLower(type.text) == "basic")
    reader.SayAt(auth, "type", path,
                 "cannot be \"basic\"; use basic_auth instead");
}

void CheckTokenSource(const Value& oauth2, const Path& path,
                      SchemaReader& reader) {
  Require(oauth2, path, reader, {"client_id", "token_url"});
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
}

// Is the optional record there, and a map?
bool IsThere(const Value& record) { return record.set && !record.bad; }

}  // namespace

void CheckOauth2(Value& oauth2, const Path& path, SchemaReader& reader) {
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
  if (IsThere(client.at("basic_auth")))
    CheckBasicAuth(client.at("basic_auth"), Path{&path, "basic_auth"}, reader);
  if (IsThere(client.at("authorization")))
    CheckAuthorization(client.at("authorization"), Path{&path, "authorization"},
                       reader);
  if (IsThere(client.at("oauth2")))
    CheckTokenSource(client.at("oauth2"), Path{&path, "oauth2"}, reader);
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
