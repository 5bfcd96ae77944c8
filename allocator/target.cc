#include "allocator/target.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

namespace ta {
namespace {

// Copies 0 to 32 bytes with a few moves instead of a call.
void CopyShort(char* to, const char* from, std::size_t count) {
  if (count >= 16) {
    std::memcpy(to, from, 16);
    std::memcpy(to + count - 16, from + count - 16, 16);
  } else if (count >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + count - 8, from + count - 8, 8);
  } else if (count >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + count - 4, from + count - 4, 4);
  } else {
    for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
  }
}

// The fields of hashing/hash.h's Hasher, one after the other in a buffer that
// is on the stack but for huge targets: ids are computed for every target that
// is relabeled, and this is twice as fast.
class Fields {
 public:
  explicit Fields(std::size_t bytes) {
    if (bytes > sizeof stack_) {
      heap_.resize(bytes);
      begin_ = heap_.data();
    }
    end_ = begin_;
  }
  static std::size_t SizeOf(std::string_view field) { return 8 + field.size(); }

  void Append(std::string_view field) {
    static_assert(std::endian::native == std::endian::little);
    const std::uint64_t size = field.size();
    std::memcpy(end_, &size, 8);
    end_ += 8;
    if (size <= 32) {
      CopyShort(end_, field.data(), size);
    } else {
      std::memcpy(end_, field.data(), size);
    }
    end_ += size;
  }
  std::string_view bytes() const {
    return {begin_, static_cast<std::size_t>(end_ - begin_)};
  }

 private:
  char stack_[4096];
  std::string heap_;
  char* begin_ = stack_;
  char* end_;
};

std::vector<LabelPair> Pairs(const Labels& labels) {
  return {labels.begin(), labels.end()};
}

std::size_t SizeOf(std::span<const LabelPair> labels) {
  std::size_t bytes = 0;
  for (const LabelPair& label : labels) {
    bytes += Fields::SizeOf(label.name) + Fields::SizeOf(label.value);
  }
  return bytes;
}

void Append(std::span<const LabelPair> labels, Fields& fields) {
  for (const LabelPair& label : labels) {
    fields.Append(label.name);
    fields.Append(label.value);
  }
}

}  // namespace

TargetId TargetIdOf(std::string_view job, std::span<const LabelPair> labels) {
  Fields fields(Fields::SizeOf(job) + SizeOf(labels));
  fields.Append(job);
  Append(labels, fields);
  return Hash128(fields.bytes());
}

TargetId TargetIdOf(std::string_view job, const Labels& labels) {
  return TargetIdOf(job, Pairs(labels));
}

std::uint64_t PlacementKeyOf(std::string_view job,
                             std::span<const LabelPair> labels) {
  std::string_view address;
  std::string_view scheme;
  std::string_view path;
  std::size_t first_param = labels.size();
  std::size_t param_count = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string_view name = labels[i].name;
    if (!name.starts_with("__")) {
      if (name > "__") break;  // in order: nothing of ours follows
      continue;
    }
    if (name == "__address__") {
      address = labels[i].value;
    } else if (name == "__metrics_path__") {
      path = labels[i].value;
    } else if (name == "__scheme__") {
      scheme = labels[i].value;
    } else if (name.starts_with("__param_")) {
      if (param_count++ == 0) first_param = i;
    }
  }
  const auto params = labels.subspan(first_param, param_count);
  Fields fields(Fields::SizeOf(job) + Fields::SizeOf(address) +
                Fields::SizeOf(scheme) + Fields::SizeOf(path) + SizeOf(params));
  fields.Append(job);
  fields.Append(address);
  fields.Append(scheme);
  fields.Append(path);
  Append(params, fields);
  return Hash64(fields.bytes());
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
