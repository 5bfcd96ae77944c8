#include "discovery/kubernetes/watch_decoder.h"

#include <simdjson.h>

#include <utility>

#include "allocator/base/utf8.h"
#include "discovery/kubernetes/json_value.h"
#include "discovery/kubernetes/parse_object.h"

namespace ta::kubernetes {
namespace {

namespace dom = simdjson::dom;

// What a parser may keep between lines; it takes about 14 times as much.
constexpr std::size_t kKeptParserBytes = std::size_t{32} << 10;
constexpr std::size_t kKeptLineBytes = std::size_t{64} << 10;

// Parses JSON in which bytes that are no UTF-8 count as U+FFFD, as in Go.
class Parser {
 public:
  Result<dom::element> Parse(const char* data, std::size_t size) {
    dom::element root;
    auto error = parser_.parse(data, size).get(root);
    if (error == simdjson::UTF8_ERROR) {
      clean_ = ToUtf8({data, size});
      error = parser_.parse(clean_.data(), clean_.size()).get(root);
    }
    if (error) return Reject(simdjson::error_message(error));
    return root;
  }
  // The same where `body` may have room to spare at its end.
  Result<dom::element> Parse(const std::string& body) {
    dom::element root;
    const auto error = parser_.parse(body).get(root);
    if (error == simdjson::UTF8_ERROR) return Parse(body.data(), body.size());
    if (error) return Reject(simdjson::error_message(error));
    return root;
  }
  void ForgetIfLarge() {
    clean_ = {};
    if (parser_.capacity() > kKeptParserBytes) parser_ = dom::parser();
  }

 private:
  dom::parser parser_;
  std::string clean_;
};

// A field of an object, if it is there and a string.
std::string_view TextAt(const simdjson::simdjson_result<dom::element>& of) {
  std::string_view text;
  return of.get(text) == simdjson::SUCCESS ? text : std::string_view();
}

std::string VersionOf(dom::element object) {
  return std::string(TextAt(object["metadata"]["resourceVersion"]));
}

std::optional<Status> ReadStatus(dom::element json) {
  if (TextAt(json["kind"]) != "Status") return std::nullopt;
  Status status;
  std::int64_t number = 0;
  if (json["code"].get(number) == simdjson::SUCCESS && number > 0 &&
      number < 1000)
    status.code = static_cast<int>(number);
  status.reason = TextAt(json["reason"]);
  status.message = TextAt(json["message"]);
  if (json["details"]["retryAfterSeconds"].get(number) == simdjson::SUCCESS &&
      number > 0 && number < 86'400)
    status.retry_after = std::chrono::seconds(number);
  return status;
}

WatchEvent Bad(Resource resource, std::string what) {
  WatchEvent event;
  event.bad = BadObject{
      "", Error{Error::Code::kReject,
                std::string(InfoOf(resource).plural) + ": " + std::move(what)}};
  return event;
}

WatchEvent ReadBookmark(Resource resource, dom::element object) {
  WatchEvent event;
  event.kind = WatchEvent::Kind::kBookmark;
  event.resource_version = VersionOf(object);
  if (event.resource_version.empty())
    return Bad(resource, "a bookmark without a resource version");
  event.initial_events_end =
      TextAt(object["metadata"]["annotations"]["k8s.io/initial-events-end"]) ==
      "true";
  return event;
}

WatchEvent ReadError(dom::element object) {
  WatchEvent event;
  event.kind = WatchEvent::Kind::kError;
  if (auto status = ReadStatus(object)) {
    event.status = *std::move(status);
  } else {
    event.status.message = "an ERROR event without a status";
  }
  if (event.status.code == 0) event.status.code = 500;
  return event;
}

// An event of an object. Fails if `root` is no event at all.
Result<WatchEvent> ReadEvent(Resource resource, dom::element root) {
  std::string_view type;
  dom::element object;
  if (root["type"].get(type) || root["object"].get(object))
    return Reject("not a watch event");
  if (type == "BOOKMARK") return ReadBookmark(resource, object);
  if (type == "ERROR") return ReadError(object);

  WatchEvent event;
  if (type == "ADDED") {
    event.kind = WatchEvent::Kind::kAdded;
  } else if (type == "MODIFIED") {
    event.kind = WatchEvent::Kind::kModified;
  } else if (type == "DELETED") {
    event.kind = WatchEvent::Kind::kDeleted;
  } else {
    return Bad(resource, "an event of unknown type");
  }
  const std::string_view kind = TextAt(object["kind"]);
  if (!kind.empty() && kind != InfoOf(resource).kind)
    return Bad(resource, "an event of another kind of object");
  event.resource_version = VersionOf(object);
  auto parsed = ParseObject(resource, object);
  if (parsed) {
    event.object = *std::move(parsed);
  } else {
    event.kind = WatchEvent::Kind::kBad;
    event.bad = std::move(parsed).error();
  }
  return event;
}

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

struct WatchDecoder::Impl {
  Result<void> Decode(std::string_view line,
                      const std::function<void(WatchEvent)>& on_event) {
    if (IsBlank(line)) return {};
    const auto root = parser.Parse(line.data(), line.size());
    if (!root) return std::unexpected(root.error());
    auto event = ReadEvent(resource, *root);
    if (!event) return std::unexpected(std::move(event).error());
    on_event(*std::move(event));
    return {};
  }

  // Takes a piece of a line, unless there is too much of it.
  void Take(std::string_view piece) {
    dropping = dropping || pending.size() + piece.size() > longest;
    if (dropping) {
      pending = {};
    } else {
      pending += piece;
    }
  }

  Resource resource;
  std::size_t longest;
  Parser parser{};
  std::string pending{};  // of a line that is not complete
  bool dropping = false;  // the line is too long: until its end
};

WatchDecoder::WatchDecoder(Resource resource, std::size_t longest_line_bytes)
    : impl_(new Impl{resource, longest_line_bytes}) {}
WatchDecoder::~WatchDecoder() = default;
WatchDecoder::WatchDecoder(WatchDecoder&&) noexcept = default;
WatchDecoder& WatchDecoder::operator=(WatchDecoder&&) noexcept = default;

Result<void> WatchDecoder::Feed(
    std::string_view bytes, const std::function<void(WatchEvent)>& on_event) {
  Impl& impl = *impl_;
  for (;;) {
    const auto newline = bytes.find('\n');
    if (newline == std::string_view::npos) {
      impl.Take(bytes);
      break;
    }
    std::string_view line = bytes.substr(0, newline);
    bytes.remove_prefix(newline + 1);
    if (!impl.pending.empty() || impl.dropping || line.size() > impl.longest) {
      impl.Take(line);
      line = impl.pending;
    }
    if (std::exchange(impl.dropping, false)) {
      on_event(Bad(impl.resource, "an event above " +
                                      std::to_string(impl.longest) +
                                      " bytes, left out"));
    } else if (auto decoded = impl.Decode(line, on_event); !decoded) {
      return decoded;
    }
    if (impl.pending.capacity() > kKeptLineBytes) impl.pending = {};
    impl.pending.clear();
  }
  impl.parser.ForgetIfLarge();
  return {};
}

bool WatchDecoder::empty() const {
  return !impl_->dropping && IsBlank(impl_->pending);
}

Result<ListPage> ParseList(Resource resource, const std::string& body) {
  Parser parser;
  const auto root = parser.Parse(body);
  if (!root) return std::unexpected(root.error());
  const auto no_list = [&] {
    return Reject("the answer is no list of " +
                  std::string(InfoOf(resource).plural));
  };
  const std::string kind = std::string(InfoOf(resource).kind) + "List";
  const std::string_view is = TextAt((*root)["kind"]);
  if (!is.empty() && is != kind) return no_list();
  ListPage page;
  page.resource_version = VersionOf(*root);
  page.continue_token = TextAt((*root)["metadata"]["continue"]);
  dom::element items;
  if ((*root)["items"].get(items)) return no_list();
  if (page.resource_version.empty()) return no_list();
  if (items.is_null()) return page;  // Go's empty slice
  dom::array array;
  if (items.get(array)) return no_list();
  page.objects.reserve(array.size());
  for (const dom::element item : array) {
    auto object = ParseObject(resource, item);
    if (object) {
      page.objects.push_back(*std::move(object));
    } else {
      page.bad.push_back(std::move(object).error());
    }
  }
  return page;
}

std::optional<Status> ParseStatus(std::string_view body) {
  Parser parser;
  const auto root = parser.Parse(body.data(), body.size());
  return root ? ReadStatus(*root) : std::nullopt;
}

}  // namespace ta::kubernetes
