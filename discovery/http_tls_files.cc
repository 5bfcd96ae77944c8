#include "discovery/http_tls_files.h"

#include <array>
#include <string_view>
#include <utility>

namespace ta {
namespace {

TlsVersion VersionOf(std::string_view name) {
  if (name == "TLS10") return TlsVersion::k10;
  if (name == "TLS11") return TlsVersion::k11;
  if (name == "TLS12") return TlsVersion::k12;
  if (name == "TLS13") return TlsVersion::k13;
  return TlsVersion::kDefault;
}

}  // namespace

TextSource TextSourceOf(const TextOrFile& text) {
  return {text.text, text.file};
}

ProxySettings ProxySettingsOf(const ProxyConfig& proxy) {
  return {.url = proxy.url,
          .no_proxy = proxy.no_proxy,
          .from_environment = proxy.from_environment,
          .connect_headers = proxy.connect_headers};
}

TlsSettings TlsSettingsOf(const TlsConfig& config) {
  TlsSettings settings;
  settings.server_name = config.server_name;
  settings.min_version = VersionOf(config.min_version);
  settings.max_version = VersionOf(config.max_version);
  settings.insecure_skip_verify = config.insecure_skip_verify;
  return settings;
}

TlsFiles::TlsFiles(const TlsConfig& config)
    : settings_(TlsSettingsOf(config)),
      ca_(TextSourceOf(config.ca)),
      cert_(TextSourceOf(config.cert)),
      key_(TextSourceOf(config.key)) {}

Result<void> TlsFiles::Refresh(HttpClient& http) {
  bool changed = !in_use_;
  for (RereadText* text : {&ca_, &cert_, &key_}) {
    const auto read = text->Refresh();
    if (!read) return std::unexpected(read.error());
    changed = changed || *read;
  }
  if (!changed) return {};
  in_use_ = false;  // until it is
  settings_.ca_pem = ca_.value();
  settings_.cert_pem = cert_.value();
  settings_.key_pem = key_.value();
  auto used = http.UseTls(settings_);
  if (!used) {
    used.error().code = Error::Code::kRetry;
    return std::unexpected(std::move(used.error()).Within("tls_config"));
  }
  in_use_ = true;
  return {};
}

}  // namespace ta
