#include "discovery/http_gzip.h"

#include <zlib.h>

#include <array>
#include <string>

namespace ta {

struct GzipDecoder::Stream {
  z_stream z{};
  bool ready = false;
  bool complete = false;
};

GzipDecoder::GzipDecoder(std::size_t limit_bytes)
    : stream_(std::make_unique<Stream>()), limit_bytes_(limit_bytes) {
  // 16: a gzip header, neither zlib's nor none.
  stream_->ready = inflateInit2(&stream_->z, 15 + 16) == Z_OK;
}

GzipDecoder::~GzipDecoder() {
  if (stream_->ready) inflateEnd(&stream_->z);
}

bool GzipDecoder::complete() const { return stream_->complete; }

Result<void> GzipDecoder::Feed(std::string_view bytes, const BodySink& sink) {
  if (!stream_->ready) return Reject("gzip: out of memory");
  z_stream& z = stream_->z;
  std::array<char, 64 * 1024> out;
  // zlib takes no const, but does not write.
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  bool full = false;  // there may be more to come out without more going in
  while (z.avail_in > 0 || full) {
    if (stream_->complete) {
      inflateReset(&z);
      stream_->complete = false;
    }
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    const int status = inflate(&z, Z_NO_FLUSH);
    const std::size_t size = out.size() - z.avail_out;
    out_bytes_ += size;
    if (limit_bytes_ != 0 && out_bytes_ > limit_bytes_) {
      return Reject("the body is larger than " + std::to_string(limit_bytes_) +
                    " bytes when decoded");
    }
    if (size > 0) {
      if (auto taken = sink(std::string_view(out.data(), size)); !taken) {
        return taken;
      }
    }
    if (status == Z_STREAM_END) stream_->complete = true;
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      return std::unexpected(
          Error{Error::Code::kRetry, "the body is not valid gzip"});
    }
    full = z.avail_out == 0 && status == Z_OK;
  }
  return {};
}

}  // namespace ta
