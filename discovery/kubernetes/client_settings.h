// How to reach an API server and who we are there, wherever that was said: in a
// kubeconfig file, in the pod we run in, or in a scrape configuration.

#pragma once

#include <string>

#include "discovery/http_proxy.h"
#include "discovery/http_tls.h"
#include "discovery/text_source.h"

namespace ta::kubernetes {

// Value type; equal settings may share one client. Holds secrets: never print
// it.
struct ClientSettings {
  std::string
      server;  // "https://10.0.0.1:443", a path before all paths allowed

  // Whom we trust: see TlsSettings, of which `tls` has what is not a file.
  TextSource ca;
  TextSource client_cert;
  TextSource client_key;
  TlsSettings tls;

  // Who we are: at most one of these.
  std::string auth_scheme = "Bearer";
  TextSource token;
  TextSource username;
  TextSource password;

  ProxySettings proxy;
  HttpHeaders headers;  // sent with each request
  std::string ns;       // of the context, or of our own pod; "" if unknown

  bool operator==(const ClientSettings&) const = default;
};

}  // namespace ta::kubernetes
