// Any bytes read as what a client of the API sends on one connection: no crash,
// the same requests however the bytes are cut, and answers that are whole
// whatever was asked for.
//
// The first byte says how the rest is cut.

#include <simdjson.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_message.h"
#include "api/router.h"
#include "test/fuzz/pieces.h"
#include "test/fuzz/require.h"
#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

namespace http = boost::beast::http;

// The server's, longer than any input: near the limit Beast takes a header that
// came whole, and refuses it if it came in pieces.
constexpr std::uint32_t kHeaderBytes = 16 * 1024;
constexpr std::uint64_t kBodyBytes = 256;
constexpr std::string_view kDate = "Thu, 01 Jan 1970 00:00:00 GMT";

std::shared_ptr<const Snapshot> World() {
  test::SnapshotBuilder builder;
  builder.Member("c").Member("d e", MemberView::State::kDraining);
  builder.Job("web").Job("a/b c+d").Job("<&\">");
  builder.Target("web", "c", {{"__address__", "a:1"}, {"x", "<b>\n\"&"}});
  builder.Target("web", "d e", {{"__address__", "b:1"}}, {{"g", "1"}}, {"c"});
  builder.Target("a/b c+d", "c", {{"__address__", "c:1"}});
  builder.Unassigned("web", UnassignedReason::kNoCollectors,
                     {{"__address__", "d:1"}});
  builder.config().scrape_configs_json = "{}";
  return builder.Build();
}

// The head of an answer is lines of a name and a value, and ends once.
void RequireWholeHead(std::string_view head) {
  TA_REQUIRE(head.starts_with("HTTP/1.1 "));
  TA_REQUIRE(head.find("\r\n\r\n") == head.size() - 4);
  TA_REQUIRE(head.find('\0') == head.npos);
  for (std::size_t i = 0; i < head.size(); ++i) {
    const bool before = i > 0 && head[i - 1] == '\r';
    TA_REQUIRE((head[i] == '\n') == before);
  }
}

void RequireWhole(const Response& response) {
  TA_REQUIRE(response.status >= 200 && response.status <= 599);
  RequireWholeHead(ResponseHead(response, kDate, true, false));
  if (response.body.bytes == nullptr) return;
  const std::string& body = *response.body.bytes;
  TA_REQUIRE(response.status < 400 || !body.empty());
  if (response.body.gzipped || response.content_type != "application/json") {
    return;
  }
  // The Go allocator's, too, has no newline there.
  TA_REQUIRE(response.route == Route::kScrapeConfigs || body.ends_with('\n'));
  simdjson::dom::parser parser;
  TA_REQUIRE(parser.parse(body).error() == simdjson::SUCCESS);
}

// What was answered, for comparing.
struct Answered {
  int status;
  std::string body;
  std::string etag;
  bool operator==(const Answered&) const = default;
};

Answered Answer(const Request& request, Router& router,
                const Snapshot& snapshot) {
  const Response response = router.Handle(request, snapshot);
  RequireWhole(response);
  Answered answered{response.status,
                    response.body.bytes ? *response.body.bytes : "",
                    response.etag};
  // What was answered with a tag is confirmed by it.
  if (response.status == 200 && !response.etag.empty()) {
    Request again = request;
    again.if_none_match = answered.etag;
    const Response confirmed = router.Handle(again, snapshot);
    TA_REQUIRE(confirmed.status == 304);
    TA_REQUIRE(confirmed.etag == answered.etag);
  }
  return answered;
}

// The answers to the requests that a connection carries, up to what is none: as
// Connection does it, but that it asks for a Host. A refusal is not among them:
// Beast looks at a line when it is there and at one that came in pieces when
// the header ends, so that it depends on the cuts whether there is one.
std::vector<Answered> Converse(std::string_view bytes, std::size_t piece,
                               const Snapshot& snapshot) {
  Router router;
  std::vector<Answered> answers;
  std::string_view arrived = bytes.substr(0, piece);
  while (true) {
    IncomingRequest incoming;
    incoming.parser.header_limit(kHeaderBytes);
    incoming.parser.body_limit(kBodyBytes);
    boost::system::error_code error;
    while (!incoming.parser.is_done()) {
      const std::size_t used = incoming.parser.put(
          boost::asio::buffer(arrived.data(), arrived.size()), error);
      arrived.remove_prefix(used);
      if (error && error != http::error::need_more) break;
      if (incoming.parser.is_done()) break;
      if (error == http::error::need_more || arrived.empty()) {
        const auto end =
            static_cast<std::size_t>(arrived.data() - bytes.data()) +
            arrived.size();
        if (end == bytes.size()) return answers;  // cut: nothing to answer
        arrived = bytes.substr(end - arrived.size(), arrived.size() + piece);
      }
      error = {};
    }
    if (error) {
      TA_REQUIRE(!IsGone(error));
      const Refusal refusal = RefusalOf(error, arrived);
      const Response response =
          Router::ErrorResponse(refusal.status, refusal.message);
      RequireWhole(response);
      TA_REQUIRE(response.status >= 400);
      return answers;
    }
    answers.push_back(Answer(incoming.View(), router, snapshot));
    if (!incoming.parser.get().keep_alive()) return answers;
  }
}

void Check(std::size_t piece, std::string_view bytes) {
  static const std::shared_ptr<const Snapshot> world = World();
  const auto whole = Converse(bytes, bytes.size() + 1, *world);
  TA_REQUIRE(Converse(bytes, piece, *world) == whole);
}

}  // namespace
}  // namespace ta

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  return ta::CheckInPieces(data, size, ta::Check);
}
