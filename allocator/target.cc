#include "allocator/target.h"

#include <array>
#include <charconv>
#include <vector>

namespace ta {
namespace {

std::vector<LabelPair> Pairs(const Labels& labels) {
  return {labels.begin(), labels.end()};
}

}  // namespace

TargetId TargetIdOf(std::string_view job, std::span<const LabelPair> labels,
                    Hasher& scratch) {
  scratch.Clear();
  scratch.Append(job);
  for (const LabelPair& label : labels) {
    scratch.Append(label.name).Append(label.value);
  }
  return scratch.Hash128();
}

TargetId TargetIdOf(std::string_view job, std::span<const LabelPair> labels) {
  Hasher scratch;
  return TargetIdOf(job, labels, scratch);
}

TargetId TargetIdOf(std::string_view job, const Labels& labels) {
  return TargetIdOf(job, Pairs(labels));
}

std::uint64_t PlacementKeyOf(std::string_view job,
                             std::span<const LabelPair> labels,
                             Hasher& scratch) {
  std::string_view address;
  std::string_view scheme;
  std::string_view path;
  std::size_t first_param = labels.size();
  std::size_t params = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string_view name = labels[i].name;
    // In order: nothing after "__s" is asked for.
    if (name > "__scheme__") break;
    if (name == "__address__") {
      address = labels[i].value;
    } else if (name == "__metrics_path__") {
      path = labels[i].value;
    } else if (name == "__scheme__") {
      scheme = labels[i].value;
    } else if (name.starts_with("__param_")) {
      if (params++ == 0) first_param = i;
    }
  }
  scratch.Clear();
  scratch.Append(job).Append(address).Append(scheme).Append(path);
  for (const LabelPair& label : labels.subspan(first_param, params)) {
    scratch.Append(label.name).Append(label.value);
  }
  return scratch.Hash64();
}

std::uint64_t PlacementKeyOf(std::string_view job,
                             std::span<const LabelPair> labels) {
  Hasher scratch;
  return PlacementKeyOf(job, labels, scratch);
}

std::uint64_t PlacementKeyOf(std::string_view job, const Labels& labels) {
  return PlacementKeyOf(job, Pairs(labels));
}

std::string ToHex(const TargetId& id) {
  std::string out;
  for (const std::uint64_t half : {id.high, id.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) {
      out += "0123456789abcdef"[half >> shift & 0xf];
    }
  }
  return out;
}

std::optional<TargetId> ParseTargetId(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  TargetId id;
  for (const auto& [half, from] :
       {std::pair{&id.high, 0}, std::pair{&id.low, 16}}) {
    const char* begin = text.data() + from;
    const auto parsed = std::from_chars(begin, begin + 16, *half, 16);
    if (parsed.ec != std::errc() || parsed.ptr != begin + 16) {
      return std::nullopt;
    }
  }
  return id;
}

}  // namespace ta
