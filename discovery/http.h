// HTTP discovery, as Prometheus 3's discovery/http: a server that answers with
// a JSON list of target groups, asked each refresh_interval. Source: v0.314.0,
// discovery/http/http.go.
//
// A group's source is `<url>:<index>`, and `__meta_url` is the URL. Only groups
// that changed are parsed and sent.
//
// Known differences: a password in the URL is "xxxxx" in `__meta_url`, which is
// shown to whoever asks for targets; an answer may be compressed by gzip, and
// is limited to kMaxBodyBytes; an invalid label name doesn't reject the answer
// (group_text.h); HTTP/1.1 only.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/result.h"
#include "allocator/config/config.h"
#include "discovery/group_text.h"
#include "discovery/http_auth.h"
#include "discovery/http_client.h"
#include "discovery/refresh.h"
#include "discovery/refresh_counters.h"

namespace ta {

// The groups of the last good answer, as marks: 12 bytes a group. No I/O.
class HttpGroups {
 public:
  // `url` as configured.
  explicit HttpGroups(std::string_view url);

  // What differs from the last good answer: groups that are new or changed, and
  // empty ones for those that went. After an error that answer still holds.
  // Errors: a status other than 200, a Content-Type that isn't JSON, a body
  // that isn't a list of target groups.
  Result<std::vector<TargetGroup>> Take(const HttpResponse& response);

 private:
  const GroupOrigin origin_;
  std::vector<GroupMark> marks_;
};

// Is this what Prometheus takes: application/json, with charset utf-8 or none?
bool IsJsonContentType(std::string_view value);

// The value of X-Prometheus-Refresh-Interval-Seconds: "30", "0.5".
std::string RefreshIntervalText(std::chrono::milliseconds interval);

class HttpMechanism final : public PolledMechanism {
 public:
  // Of an answer, before and after decompression: 100 bytes a target for two
  // million targets. Prometheus has no limit.
  static constexpr std::size_t kMaxBodyBytes = std::size_t{256} << 20;

  // `counters` outlives this.
  HttpMechanism(HttpDiscovery settings, boost::asio::any_io_executor executor,
                RefreshCounters* counters);
  ~HttpMechanism() override;

  boost::asio::awaitable<Result<Refreshed>> Ask(std::stop_token stop) override;

 private:
  boost::asio::awaitable<Result<Refreshed>> AskOnce(std::stop_token stop);

  const HttpDiscovery settings_;
  const boost::asio::any_io_executor executor_;
  RefreshCounters* const counters_;
  HttpGroups groups_;
  std::unique_ptr<ConfiguredHttpClient> client_;  // null until it can be made
};

}  // namespace ta
