// TLS settings of a configured client, whose certificates may be in files that
// somebody replaces now and then.

#pragma once

#include "allocator/base/result.h"
#include "allocator/config/http_client_config.h"
#include "discovery/http_client.h"
#include "discovery/text_source.h"

namespace ta {

// Confined to its owner.
class TlsFiles {
 public:
  explicit TlsFiles(const TlsConfig& config);

  // Reads the files and, if what they hold is new, lets new connections of
  // `http` use it. An error (kRetry) names the file, or says what does not fit
  // together; then `http` should not be used: a server might be trusted that is
  // to be trusted no more.
  Result<void> Refresh(HttpClient& http);

 private:
  TlsSettings settings_;  // without texts before the first Refresh
  bool in_use_ = false;
  RereadText ca_;
  RereadText cert_;
  RereadText key_;
};

// Settings as those take them who use them.
TextSource TextSourceOf(const TextOrFile& text);
ProxySettings ProxySettingsOf(const ProxyConfig& proxy);
// Without the texts of certificates, which may be in files.
TlsSettings TlsSettingsOf(const TlsConfig& config);

}  // namespace ta
