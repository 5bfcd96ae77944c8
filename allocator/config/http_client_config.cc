#include "allocator/config/http_client_config.h"

#include <string_view>

#include "allocator/config/schema.h"
#include "allocator/config/scrape_config.h"

namespace ta {
namespace {

// Reads the parts of one client, and notes what can't be had.
class Reader {
 public:
  explicit Reader(const std::string& folder) : folder_(folder) {}

  std::string unsupported() && { return std::move(unsupported_); }

  BasicAuthConfig BasicAuth(const Value& auth) {
    return {.username = Text(auth, "basic_auth", "username"),
            .password = Text(auth, "basic_auth", "password")};
  }

  AuthorizationConfig Authorization(const Value& auth) {
    return {.type = auth.at("type").text,
            .credentials = Text(auth, "authorization", "credentials")};
  }

  TlsConfig Tls(const Value& tls) {
    return {.ca = Text(tls, "tls_config", "ca"),
            .cert = Text(tls, "tls_config", "cert"),
            .key = Text(tls, "tls_config", "key"),
            .server_name = tls.at("server_name").text,
            .insecure_skip_verify = tls.at("insecure_skip_verify").flag,
            .min_version = tls.at("min_version").text,
            .max_version = tls.at("max_version").text};
  }

  static ProxyConfig Proxy(const Value& client) {
    ProxyConfig proxy;
    const Value& url = client.at("proxy_url");
    // Its text is redacted.
    if (url.set && url.node != nullptr) proxy.url = url.node->text;
    proxy.no_proxy = client.at("no_proxy").text;
    proxy.from_environment = client.at("proxy_from_environment").flag;
    const Value& headers = client.at("proxy_connect_header");
    for (std::size_t i = 0; i < headers.keys.size(); ++i) {
      for (const Value& value : headers.items[i].items) {
        proxy.connect_headers.emplace_back(headers.keys[i], value.text);
      }
    }
    return proxy;
  }

  Oauth2Config Oauth2(const Value& oauth2) {
    Oauth2Config out;
    out.client_id = oauth2.at("client_id").text;
    out.client_secret = Text(oauth2, "oauth2", "client_secret");
    out.client_certificate_key_id = oauth2.at("client_certificate_key_id").text;
    out.client_certificate_key =
        Text(oauth2, "oauth2", "client_certificate_key");
    out.grant_type = oauth2.at("grant_type").text;
    out.signature_algorithm = oauth2.at("signature_algorithm").text;
    out.iss = oauth2.at("iss").text;
    out.audience = oauth2.at("audience").text;
    const Value& claims = oauth2.at("claims");
    out.has_claims = claims.node != nullptr && !claims.node->entries.empty();
    for (const Value& scope : oauth2.at("scopes").items) {
      out.scopes.push_back(scope.text);
    }
    out.token_url = oauth2.at("token_url").text;
    const Value& params = oauth2.at("endpoint_params");
    for (std::size_t i = 0; i < params.keys.size(); ++i) {
      out.endpoint_params.emplace(params.keys[i], params.items[i].text);
    }
    out.tls = Tls(oauth2.at("tls_config"));
    out.proxy = Proxy(oauth2);
    return out;
  }

  std::vector<HttpHeaderConfig> Headers(const Value& headers) {
    std::vector<HttpHeaderConfig> out;
    for (std::size_t i = 0; i < headers.keys.size(); ++i) {
      const Value& header = headers.items[i];
      HttpHeaderConfig& one = out.emplace_back();
      one.name = headers.keys[i];
      if (header.record == nullptr) continue;  // null: a header without values
      for (const Value& value : header.at("values").items) {
        one.values.push_back(value.text);
      }
      for (const Value& secret : header.at("secrets").items) {
        one.secrets.push_back(secret.text);
      }
      for (const Value& file : header.at("files").items) {
        one.files.push_back(ResolvePath(folder_, file.text));
      }
    }
    return out;
  }

 private:
  // `name`, or `name`_file.
  TextOrFile Text(const Value& record, std::string_view of,
                  const std::string& name) {
    if (!record.at(name + "_ref").text.empty() && unsupported_.empty()) {
      unsupported_ = std::string(of) + "." + name + "_ref";
    }
    return {.text = record.at(name).text,
            .file = ResolvePath(folder_, record.at(name + "_file").text)};
  }

  const std::string& folder_;
  std::string unsupported_;
};

}  // namespace

HttpClientConfig HttpClientConfigOf(const Value& record,
                                    const std::string& folder) {
  Reader reader(folder);
  HttpClientConfig client;
  const auto is_there = [](const Value& part) {
    return part.set && part.record != nullptr;
  };
  if (const Value& auth = record.at("basic_auth"); is_there(auth)) {
    client.basic_auth = reader.BasicAuth(auth);
  }
  if (const Value& auth = record.at("authorization"); is_there(auth)) {
    client.authorization = reader.Authorization(auth);
  }
  if (const Value& oauth2 = record.at("oauth2"); is_there(oauth2)) {
    client.oauth2 = reader.Oauth2(oauth2);
  }
  client.tls = reader.Tls(record.at("tls_config"));
  client.proxy = Reader::Proxy(record);
  client.follow_redirects = record.at("follow_redirects").flag;
  client.enable_http2 = record.at("enable_http2").flag;
  client.http_headers = reader.Headers(record.at("http_headers"));
  client.unsupported = std::move(reader).unsupported();
  return client;
}

}  // namespace ta
