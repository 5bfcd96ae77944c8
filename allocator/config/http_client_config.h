// How a discovery mechanism speaks HTTP: Prometheus's HTTPClientConfig as plain
// values, with its defaults. Source: prometheus/common v0.70.1, config.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ta {

struct Value;

// A text that the file has, or the file that has it: at most one. Resolved
// against the configuration file's folder. Whoever uses the file reads it again
// now and then; space around what a secret's file holds does not count.
struct TextOrFile {
  std::string text = {};
  std::string file = {};

  bool empty() const { return text.empty() && file.empty(); }
  bool operator==(const TextOrFile&) const = default;
};

struct BasicAuthConfig {
  TextOrFile username;
  TextOrFile password;
  bool operator==(const BasicAuthConfig&) const = default;
};

// Also what `bearer_token` and `bearer_token_file` are short for.
struct AuthorizationConfig {
  std::string type = "Bearer";
  TextOrFile credentials;
  bool operator==(const AuthorizationConfig&) const = default;
};

struct TlsConfig {
  TextOrFile ca;  // empty: the system's
  TextOrFile cert;
  TextOrFile key;
  std::string server_name;
  bool insecure_skip_verify = false;
  std::string min_version;  // "TLS10" to "TLS13"; "": the default, 1.2
  std::string max_version;  // "": the newest
  bool operator==(const TlsConfig&) const = default;
};

struct ProxyConfig {
  std::string url;       // as written, with its password; "": none
  std::string no_proxy;  // as NO_PROXY; only with `url`
  bool from_environment = false;
  std::vector<std::pair<std::string, std::string>> connect_headers;
  bool operator==(const ProxyConfig&) const = default;
};

struct Oauth2Config {
  std::string client_id;
  TextOrFile client_secret;
  std::string client_certificate_key_id;
  TextOrFile client_certificate_key;
  std::string grant_type;  // "": client_credentials
  std::string signature_algorithm;
  std::string iss;
  std::string audience;
  bool has_claims = false;
  std::vector<std::string> scopes;
  std::string token_url;
  std::map<std::string, std::string> endpoint_params;
  TlsConfig tls;
  ProxyConfig proxy;
  bool operator==(const Oauth2Config&) const = default;
};

// One header, sent once for each value, secret and file, in that order.
struct HttpHeaderConfig {
  std::string name;
  std::vector<std::string> values;
  std::vector<std::string> secrets;
  std::vector<std::string> files;  // resolved
  bool operator==(const HttpHeaderConfig&) const = default;
};

// Holds secrets in clear: never print it. At most one of the first three is
// there. Value type; a default one is what a file without any of it means.
struct HttpClientConfig {
  std::optional<BasicAuthConfig> basic_auth;
  std::optional<AuthorizationConfig> authorization;
  std::optional<Oauth2Config> oauth2;
  TlsConfig tls;
  ProxyConfig proxy;
  bool follow_redirects = true;
  bool enable_http2 = true;
  std::vector<HttpHeaderConfig> http_headers;  // by name
  // A field that asks for what neither we nor Prometheus without a secret
  // manager can give: "basic_auth.password_ref". Whoever sees it says so and
  // sends no request. "" if there is none.
  std::string unsupported;

  bool operator==(const HttpClientConfig&) const = default;
};

// Of a record that has the fields of an HTTP client inline, and was read
// without a mistake. Relative file names are resolved against `folder`.
HttpClientConfig HttpClientConfigOf(const Value& record,
                                    const std::string& folder);

}  // namespace ta
