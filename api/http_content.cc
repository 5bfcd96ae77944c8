#include "api/http_content.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "allocator/base/ascii.h"

namespace ta {
namespace {

// The part before `separator`; `text` keeps the rest.
std::string_view Cut(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  return TrimBlanks(part);
}

// The value of `q` among parameters, from 0 to 1; without a number, 1.
double WeightOf(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = Cut(parameters, ';');
    const std::string_view name = Cut(parameter, '=');
    if (!EqualIgnoringAsciiCase(name, "q")) continue;
    const std::string_view text = TrimBlanks(parameter);
    double weight = 1;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), weight,
                        std::chars_format::fixed);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && weight >= 0 ? std::min(weight, 1.0) : 1;
  }
  return 1;
}

std::string_view OpaqueTag(std::string_view etag) {
  return etag.starts_with("W/") ? etag.substr(2) : etag;
}

// One deflate state for each thread, reset before each use: making one clears
// 260 kB.
class Deflater {
 public:
  Deflater() {
    // 15 bits of window, and 16 more say: gzip's header and trailer.
    ok_ = deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8,
                       Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  std::string Run(std::string_view body) {
    std::string out;
    if (!ok_ || body.size() > kGzipMaxBytes) return out;
    if (deflateReset(&stream_) != Z_OK) return out;
    out.resize(GzipBound(body.size()));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream_.avail_in = static_cast<uInt>(body.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return {};
    out.resize(stream_.total_out);
    out.shrink_to_fit();
    return out;
  }

 private:
  z_stream stream_{};
  bool ok_ = false;
};

}  // namespace

std::size_t GzipBound(std::size_t bytes) {
  // compressBound, and the longer header and trailer.
  return ::compressBound(bytes) + 32;
}

bool AcceptsGzip(std::string_view accept_encoding) {
  std::optional<bool> any;
  while (!accept_encoding.empty()) {
    std::string_view element = Cut(accept_encoding, ',');
    const std::string_view coding = Cut(element, ';');
    if (EqualIgnoringAsciiCase(coding, "gzip") ||
        EqualIgnoringAsciiCase(coding, "x-gzip")) {
      return WeightOf(element) > 0;
    }
    if (coding == "*") any = WeightOf(element) > 0;
  }
  return any.value_or(false);
}

bool PrefersHtml(std::string_view accept) {
  double html = 0;
  // Of the ranges that JSON is in, the most specific one counts.
  constexpr std::array<std::string_view, 3> kJsonRanges = {
      "*/*", "application/*", "application/json"};
  std::array<std::optional<double>, kJsonRanges.size()> json;
  while (!accept.empty()) {
    std::string_view element = Cut(accept, ',');
    const std::string_view range = Cut(element, ';');
    const double weight = WeightOf(element);
    if (EqualIgnoringAsciiCase(range, "text/html")) {
      html = std::max(html, weight);
    }
    for (std::size_t i = 0; i < kJsonRanges.size(); ++i) {
      if (EqualIgnoringAsciiCase(range, kJsonRanges[i])) json[i] = weight;
    }
  }
  const double wanted = json[2].value_or(json[1].value_or(json[0].value_or(0)));
  return html > 0 && html >= wanted;
}

bool MatchesETag(std::string_view if_none_match, std::string_view etag) {
  if (etag.empty()) return false;
  const std::string_view wanted = OpaqueTag(etag);
  while (!if_none_match.empty()) {
    // Our tags have no comma in them, so cutting there can't join two others
    // into one of ours.
    const std::string_view candidate = Cut(if_none_match, ',');
    if (candidate == "*" || OpaqueTag(candidate) == wanted) return true;
  }
  return false;
}

std::string Gzip(std::string_view body) {
  thread_local Deflater deflater;
  return deflater.Run(body);
}

}  // namespace ta
