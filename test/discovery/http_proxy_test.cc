#include "discovery/http_proxy.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace ta {
namespace {

using Environment = std::map<std::string, std::string>;

std::string ProxyFor(const ProxySettings& settings, const Environment& env,
                     const char* url) {
  const auto rules = ProxyRules::Make(settings, [&](const char* name) {
    const auto found = env.find(name);
    return found == env.end() ? nullptr : found->second.c_str();
  });
  if (!rules) return rules.error().message;
  const HttpUrl* proxy = rules->For(*ParseHttpUrl(url));
  return proxy == nullptr ? "" : proxy->scheme + "://" + proxy->HostPort();
}

// What Go's golang.org/x/net/http/httpproxy does with the same variables.
TEST(HttpProxyTest, EnvironmentIsReadAsGoReadsIt) {
  const struct {
    Environment env;
    const char* url;
    const char* proxy;
  } kCases[] = {
      {{}, "http://example.com/", ""},
      {{{"HTTP_PROXY", "127.0.0.1:8080"}},
       "http://example.com/",
       "http://127.0.0.1:8080"},
      {{{"HTTP_PROXY", "cache.corp:1"}}, "https://example.com/", ""},
      {{{"HTTPS_PROXY", "https://cache.corp"}},
       "https://example.com/",
       "https://cache.corp:443"},
      {{{"http_proxy", "lower:1"}}, "http://example.com/", "http://lower:1"},
      {{{"HTTP_PROXY", "upper:1"}, {"http_proxy", "lower:1"}},
       "http://example.com/",
       "http://upper:1"},
      {{{"HTTP_PROXY", "p:1"}}, "http://localhost:81/", ""},
      {{{"HTTP_PROXY", "p:1"}}, "http://127.9.9.9/", ""},
      {{{"HTTP_PROXY", "p:1"}}, "http://[::1]/", ""},
      {{{"HTTP_PROXY", "p:1"}, {"NO_PROXY", "*"}}, "http://example.com/", ""},
      {{{"HTTP_PROXY", "::not a proxy::"}}, "http://example.com/", ""},
  };
  ProxySettings settings;
  settings.from_environment = true;
  for (const auto& one : kCases) {
    EXPECT_EQ(ProxyFor(settings, one.env, one.url), one.proxy)
        << one.url << (one.env.empty() ? "" : one.env.begin()->second);
  }
}

TEST(HttpProxyTest, NoProxyMatchesNamesAddressesNetworksAndPorts) {
  const struct {
    const char* no_proxy;
    const char* url;
    bool proxied;
  } kCases[] = {
      {"foo.com", "http://foo.com/", false},
      {"foo.com", "http://bar.foo.com/", false},
      {"foo.com", "http://badfoo.com/", true},
      {".foo.com", "http://foo.com/", true},
      {".foo.com", "http://bar.foo.com/", false},
      {"*.foo.com", "http://bar.foo.com/", false},
      {"*.foo.com", "http://foo.com/", true},
      {"FOO.com", "http://foo.COM/", false},
      {"foo.com:81", "http://foo.com/", true},
      {"foo.com:81", "http://foo.com:81/", false},
      {"foo.com:443", "https://foo.com/", false},
      {" a.com , foo.com ,", "http://foo.com/", false},
      {"10.1.2.3", "http://10.1.2.3/", false},
      {"10.1.2.3:80", "http://10.1.2.3/", false},
      {"10.1.2.3:80", "http://10.1.2.3:81/", true},
      {"10.0.0.0/8", "http://10.200.1.1/", false},
      {"10.0.0.0/8", "http://11.0.0.1/", true},
      {"10.128.0.0/9", "http://10.127.255.255/", true},
      {"10.128.0.0/9", "http://10.128.0.0/", false},
      {"0.0.0.0/0", "http://8.8.8.8/", false},
      {"0.0.0.0/0", "http://[fd00::1]/", true},
      {"fd00::/8", "http://[fd00::1]/", false},
      {"fd00::1", "http://[fd00:0::1]/", false},
      {"[fd00::1]:80", "http://[fd00::1]/", false},
      {"::ffff:10.0.0.1", "http://10.0.0.1/", false},
      {"10.0.0.0/33", "http://10.0.0.1/", true},
      {"/8", "http://10.0.0.1/", true},
      {":80", "http://foo.com/", true},
      {"1.2.3.4", "http://foo1.2.3.4.com/", true},
      {"", "http://foo.com/", true},
  };
  for (const auto& one : kCases) {
    ProxySettings settings;
    settings.url = "http://p:1";
    settings.no_proxy = one.no_proxy;
    EXPECT_EQ(!ProxyFor(settings, {}, one.url).empty(), one.proxied)
        << one.no_proxy << " " << one.url;
  }
}

// Prometheus asks the rules of NO_PROXY only where it has been given some.
TEST(HttpProxyTest, ConfiguredProxyWithoutExceptionsIsForAll) {
  ProxySettings settings;
  settings.url = "http://p:1";
  EXPECT_EQ(ProxyFor(settings, {}, "http://localhost/"), "http://p:1");
  settings.no_proxy = "x";
  EXPECT_EQ(ProxyFor(settings, {}, "http://localhost/"), "");
}

TEST(HttpProxyTest, WhatCannotBeAProxyIsAnErrorWithoutItsText) {
  ProxySettings settings;
  settings.url = "socks5://user:secret@p:1";
  EXPECT_EQ(ProxyFor(settings, {}, "http://h/"),
            "proxy: the scheme of a proxy is neither http nor https");
}

}  // namespace
}  // namespace ta
