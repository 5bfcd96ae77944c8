// Undoes gzip, piece by piece, within a limit: a small body must not become a
// large one.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "allocator/base/result.h"

namespace ta {

// Takes pieces of a body. An error ends it.
using BodySink = std::function<Result<void>(std::string_view)>;

// One body. Confined to its owner.
class GzipDecoder {
 public:
  // `limit_bytes` of what comes out; 0: none.
  explicit GzipDecoder(std::size_t limit_bytes);
  ~GzipDecoder();

  // Gives what is decoded so far to `sink`. Members that follow each other are
  // one body, as in Go. After an error nothing more may be fed.
  Result<void> Feed(std::string_view bytes, const BodySink& sink);
  // Is this the end of a member? Otherwise the body was cut.
  bool complete() const;

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::size_t limit_bytes_;
  std::size_t out_bytes_ = 0;
};

}  // namespace ta
