// Any bytes read as what a server of HTTP discovery answers: no crash, the same
// however they are cut, and the groups that are sent keep up with the answers.
//
// The first byte says how the rest is cut.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "discovery/http.h"
#include "discovery/http_response.h"
#include "test/fuzz/pieces.h"
#include "test/fuzz/require.h"

namespace ta {
namespace {

constexpr std::size_t kMaxBodyBytes = 64 * 1024;
constexpr const char* kPassword = "secret";
constexpr const char* kUrl = "http://user:secret@sd.example/targets";

struct Answer {
  bool whole = false;  // else cut, too large or no HTTP
  HttpResponse response;
};

// As HttpClient reads it: fed until the parser is done or fails.
Answer Read(std::string_view bytes, std::size_t piece) {
  Answer answer;
  std::string& body = answer.response.body;
  HttpResponseParser parser(HttpResponseParser::Body::kAsSaid,
                            {.body_bytes = kMaxBodyBytes},
                            [&body](std::string_view part) {
                              body += part;
                              return Result<void>();
                            });
  std::string_view arrived = bytes.substr(0, piece);
  std::size_t end = arrived.size();
  while (!parser.done()) {
    const bool had_headers = parser.headers_done();
    const auto used = parser.Feed(arrived);
    if (!used) return answer;
    TA_REQUIRE(*used <= arrived.size());
    arrived.remove_prefix(*used);
    if (parser.done()) break;
    // It stops at the end of the headers once, whatever follows.
    if (parser.headers_done() && !had_headers && !arrived.empty()) continue;
    if (end == bytes.size()) {
      if (!parser.End()) return answer;
      break;
    }
    const std::size_t more = std::min(piece, bytes.size() - end);
    arrived = bytes.substr(end - arrived.size(), arrived.size() + more);
    end += more;
  }
  TA_REQUIRE(parser.headers_done());
  TA_REQUIRE(body.size() <= kMaxBodyBytes);
  answer.whole = true;
  answer.response.status = parser.status();
  answer.response.headers = parser.headers();
  return answer;
}

// `told`: the password is in the answer.
void CheckGroups(const HttpResponse& response, bool told) {
  HttpGroups groups(kUrl);
  const auto taken = groups.Take(response);
  if (!taken) {
    TA_REQUIRE(!taken.error().message.empty());
    // Where the server said it itself, it may be its Content-Type.
    TA_REQUIRE(told || !taken.error().message.contains(kPassword));
    return;
  }
  TA_REQUIRE(response.status == 200);
  std::set<std::string> sources;
  for (const TargetGroup& group : *taken) {
    TA_REQUIRE(sources.insert(group.source).second);
    TA_REQUIRE(group.labels.Get("__meta_url") ==
               "http://user:xxxxx@sd.example/targets");
  }
  // The same answer has no news; an error takes nothing back; an empty list
  // takes back all of it.
  const auto again = groups.Take(response);
  TA_REQUIRE(again.has_value() && again->empty());
  HttpResponse other = response;
  other.status = 500;
  TA_REQUIRE(!groups.Take(other).has_value());
  other.status = 200;
  other.body = "[]";
  const auto gone = groups.Take(other);
  TA_REQUIRE(gone.has_value() && gone->size() == sources.size());
  for (const TargetGroup& group : *gone) {
    TA_REQUIRE(group.targets.empty() && sources.contains(group.source));
  }
}

void Check(std::size_t piece, std::string_view bytes) {
  const Answer whole = Read(bytes, bytes.size() + 1);
  const Answer cut = Read(bytes, piece);
  TA_REQUIRE(whole.whole == cut.whole);
  if (!whole.whole) return;
  TA_REQUIRE(whole.response.status == cut.response.status);
  TA_REQUIRE(whole.response.body == cut.response.body);
  CheckGroups(whole.response, bytes.contains(kPassword));
}

}  // namespace
}  // namespace ta

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  return ta::CheckInPieces(data, size, ta::Check);
}
