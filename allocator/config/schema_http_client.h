// The fields of an HTTP client, which scrape configs and most discovery
// mechanisms have inline, as rows. Included by table files only. Source:
// prometheus/common v0.70.1, config.HTTPClientConfig.

#pragma once

#include <array>
#include <span>
#include <string_view>

#include "allocator/config/schema.h"
#include "allocator/config/schema_rules.h"

namespace ta {

inline constexpr std::array kBasicAuthFields = JoinFields(std::array{
    Field{"username"},
    Field{"username_file"},
    Field{"username_ref"},
    Field{"password", Type::kSecret},
    Field{"password_file"},
    Field{"password_ref"},
});
inline constexpr Record kBasicAuth{"basic_auth", kBasicAuthFields};

inline constexpr std::array kAuthorizationFields = JoinFields(std::array{
    Field{"type"},
    Field{"credentials", Type::kSecret},
    Field{"credentials_file"},
    Field{"credentials_ref"},
});
inline constexpr Record kAuthorization{"authorization", kAuthorizationFields};

inline constexpr std::array<std::string_view, 5> kTlsVersions = {
    "TLS10", "TLS11", "TLS12", "TLS13", ""};
inline constexpr std::array kTlsFields = JoinFields(std::array{
    Field{"ca"},
    Field{"cert"},
    Field{"key", Type::kSecret},
    Field{"ca_file"},
    Field{"cert_file"},
    Field{"key_file"},
    Field{"ca_ref"},
    Field{"cert_ref"},
    Field{"key_ref"},
    Field{"server_name"},
    Field{"insecure_skip_verify", Type::kBool, {}, Omit::kNever},
    Field{.name = "min_version",
          .type = Type::kEnum,
          .values = std::span(kTlsVersions).first(4)},
    Field{.name = "max_version",
          .type = Type::kEnum,
          .values = std::span(kTlsVersions).first(4)},
});
inline constexpr Record kTls{"tls_config", kTlsFields, CheckTls};

inline constexpr std::array kProxyFields = {
    Field{"proxy_url", Type::kUrl},
    Field{"no_proxy"},
    Field{"proxy_from_environment", Type::kBool},
    Field{"proxy_connect_header", Type::kSecretsMap},
};

inline constexpr std::array kOauth2Fields = JoinFields(
    kProxyFields,
    std::array{
        Field{"client_id"},
        Field{"client_secret", Type::kSecret},
        Field{"client_secret_file"},
        Field{"client_secret_ref"},
        Field{"client_certificate_key_id"},
        Field{"client_certificate_key", Type::kSecret},
        Field{"client_certificate_key_file"},
        Field{"client_certificate_key_ref"},
        Field{"grant_type"},
        Field{"signature_algorithm"},
        Field{"iss"},
        Field{"audience"},
        Field{"claims", Type::kAnyMap},
        Field{"scopes", Type::kStrings},
        Field{"token_url"},
        Field{"endpoint_params", Type::kStringMap},
        Field{.name = "tls_config", .type = Type::kRecord, .record = &kTls},
    });
inline constexpr Record kOauth2{"oauth2", kOauth2Fields, CheckOauth2};

inline constexpr std::array kHeaderFields = JoinFields(std::array{
    Field{"values", Type::kStrings},
    Field{"secrets", Type::kSecrets},
    Field{"files", Type::kStrings},
});
inline constexpr Record kHeader{"http_headers", kHeaderFields};

// Inline wherever there is an HTTP client.
inline constexpr std::array kHttpClientFields = JoinFields(
    kProxyFields,
    std::array{
        Field{.name = "basic_auth",
              .type = Type::kOptionalRecord,
              .record = &kBasicAuth},
        Field{.name = "authorization",
              .type = Type::kOptionalRecord,
              .record = &kAuthorization},
        Field{.name = "oauth2",
              .type = Type::kOptionalRecord,
              .record = &kOauth2},
        Field{"bearer_token", Type::kSecret},
        Field{"bearer_token_file"},
        Field{.name = "tls_config", .type = Type::kRecord, .record = &kTls},
        Field{"follow_redirects", Type::kBool, "true", Omit::kNever},
        Field{"enable_http2", Type::kBool, "true", Omit::kNever},
        Field{.name = "http_headers",
              .type = Type::kRecordMap,
              .record = &kHeader},
    });

}  // namespace ta
