#include "test/discovery/kubernetes/fake_api.h"

#include <utility>

namespace ta::test {
namespace {

using kubernetes::Answer;

std::string PodJson(const std::string& pod, const std::string& node,
                    std::uint64_t version) {
  return R"({"kind":"Pod","metadata":{"namespace":"x","name":")" + pod +
         R"(","resourceVersion":")" + std::to_string(version) +
         R"("},"spec":{"nodeName":")" + node + "\"}}";
}

std::string Line(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

std::string Bookmark(std::uint64_t version, bool end) {
  const std::string annotations =
      end ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "";
  return Line("BOOKMARK", R"({"kind":"Pod","metadata":{"resourceVersion":")" +
                              std::to_string(version) + "\"" + annotations +
                              "}}");
}

std::unexpected<kubernetes::Failure> Gone() {
  return std::unexpected(kubernetes::FailureOf(
      {.code = 410, .reason = "Expired", .message = "too old"}));
}

}  // namespace

void FakeApi::Note(Change change) {
  ++version_;
  snapshots_[version_] = now_;
  changes_[version_] = std::move(change);
}

void FakeApi::Put(const std::string& pod, const std::string& node) {
  const bool known = now_.contains(pod);
  now_[pod] = node;
  Note({known ? "MODIFIED" : "ADDED", pod, node});
}

void FakeApi::Remove(const std::string& pod) {
  const auto found = now_.find(pod);
  if (found == now_.end()) return;
  const std::string node = found->second;
  now_.erase(found);
  Note({"DELETED", pod, node});
}

void FakeApi::Compact() {
  oldest_ = version_;
  changes_.clear();
  snapshots_.erase(snapshots_.begin(), snapshots_.find(version_));
}

// A token is "version:last pod of the page before".
Answer<std::string> FakeApi::List(
    const kubernetes::ListOptions& options) const {
  std::uint64_t version = version_;
  std::string after;
  if (const auto colon = options.continue_token.find(':');
      colon != std::string::npos) {
    version = std::stoull(options.continue_token);
    after = options.continue_token.substr(colon + 1);
  }
  if (version < oldest_) return Gone();
  const Content& content = snapshots_.at(version);
  std::string items;
  std::string token;
  int count = 0;
  auto pod = after.empty() ? content.begin() : content.upper_bound(after);
  for (; pod != content.end(); ++pod) {
    if (options.limit > 0 && count++ == options.limit) {
      token = std::to_string(version) + ":" + std::prev(pod)->first;
      break;
    }
    items += items.empty() ? "" : ",";
    items += PodJson(pod->first, pod->second, version);
  }
  return R"({"kind":"PodList","metadata":{"resourceVersion":")" +
         std::to_string(version) + R"(","continue":")" + token +
         R"("},"items":[)" + items + "]}";
}

Answer<FakeApi::Stream> FakeApi::Watch(
    const kubernetes::WatchOptions& options) const {
  Stream stream;
  if (options.send_initial_events) {
    if (!streams_lists) {
      return std::unexpected(kubernetes::FailureOf(
          {.code = 422, .reason = "Invalid", .message = "sendInitialEvents"}));
    }
    for (const auto& [pod, node] : now_) {
      stream.initial.insert(stream.initial.begin(),
                            Line("ADDED", PodJson(pod, node, version_)));
    }
    stream.initial.insert(stream.initial.begin(), Bookmark(version_, true));
    stream.at = version_;
    return stream;
  }
  stream.at = std::stoull(options.resource_version);
  if (stream.at < oldest_) return Gone();
  return stream;
}

std::string FakeApi::Read(Stream& stream) const {
  if (!stream.initial.empty()) {
    std::string line = std::move(stream.initial.back());
    stream.initial.pop_back();
    return line;
  }
  if (stream.at < oldest_) {
    return Line("ERROR", R"({"kind":"Status","code":410,"reason":"Expired"})");
  }
  const auto next = changes_.upper_bound(stream.at);
  if (next == changes_.end()) return Bookmark(version_, false);
  stream.at = next->first;
  return Line(next->second.type,
              PodJson(next->second.pod, next->second.node, next->first));
}

}  // namespace ta::test
