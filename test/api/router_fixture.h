// A router and a snapshot to ask it about.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "api/router.h"
#include "test/support/snapshot_builder.h"

namespace ta::test {

// A request with the header that makes it a scraper's.
inline Request Scraper(std::string_view target) {
  Request request;
  request.method = "GET";
  request.target = target;
  request.refresh_interval = "30";
  return request;
}

class RouterFixture : public testing::Test {
 protected:
  Response Get(std::string_view target) {
    Request request;
    request.method = "GET";
    request.target = target;
    return Handle(request);
  }
  Response Handle(const Request& request,
                  Patience patience = Patience::kFresh) {
    return router_.Handle(request, *builder_.Build(), patience);
  }
  static std::string BodyOf(const Response& response) {
    return response.body.bytes ? *response.body.bytes : "";
  }
  static std::string ErrorOf(const Response& response) {
    const std::string body = BodyOf(response);
    EXPECT_TRUE(body.starts_with("{\"error\":\"") && body.ends_with("\"}\n"))
        << body;
    return body.size() < 13 ? "" : body.substr(10, body.size() - 13);
  }

  SnapshotBuilder builder_;
  Router router_;
};

}  // namespace ta::test
