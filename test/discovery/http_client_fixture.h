// What tests of the HTTP client share.

#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "discovery/http_client.h"
#include "test/discovery/run_coroutine.h"

namespace ta::test {

class HttpClientTest : public testing::Test {
 protected:
  void Make(HttpClientSettings settings = {}) {
    client = *HttpClient::Make(loop.get_executor(), std::move(settings));
  }
  // Each step may take this long; short where a test waits for it.
  static HttpClientSettings Steps(std::chrono::milliseconds step) {
    HttpClientSettings settings;
    settings.timeouts = {step, step, step, step, step};
    return settings;
  }
  static HttpRequest Request(const std::string& url) {
    HttpRequest request;
    request.url = *ParseHttpUrl(url);
    return request;
  }
  Result<HttpResponse> Get(HttpRequest request) {
    if (!client) Make();
    return RunOn(loop, client->Fetch(std::move(request), stop.get_token()));
  }
  Result<HttpResponse> Get(const std::string& url) { return Get(Request(url)); }
  std::string ErrorOf(const std::string& url) {
    const auto response = Get(url);
    return response ? "HTTP " + std::to_string(response->status)
                    : response.error().message;
  }

  boost::asio::io_context loop;
  std::stop_source stop;
  std::unique_ptr<HttpClient> client;
};

}  // namespace ta::test
