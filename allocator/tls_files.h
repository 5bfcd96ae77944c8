// The HTTPS server's files: certificate, key and the clients' CA, read at the
// start and again whenever one of them changes.
//
// The three are taken up together or not at all. A Secret that is mounted swaps
// all of them at once; who writes them one after the other has a moment in
// which key and certificate don't belong together, so that what is wrong counts
// only once it has been so for a second.

#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "allocator/config/config.h"
#include "api/server_tls.h"
#include "discovery/file_watch.h"

namespace ta {

// Reads the files. An error names the one that can't be read. Blocks on the
// disk.
Result<ServerTlsTexts> ReadTlsFiles(const HttpsConfig& https);

// Watches them. Logs each change once, and each mistake once. Thread-safe;
// reads on the thread of its FileWatch.
class TlsFileWatcher {
 public:
  // What is to be served from now on, or why it is still what it was. Called on
  // the watch's thread, once for each change.
  using Changed = std::function<void(Result<std::shared_ptr<const ServerTls>>)>;

  // `watch` must outlive this. Starts at once; `loaded` is what is in use.
  TlsFileWatcher(HttpsConfig https, ServerTlsTexts loaded, FileWatch* watch,
                 Changed changed);
  ~TlsFileWatcher();  // stops
  TlsFileWatcher(const TlsFileWatcher&) = delete;
  TlsFileWatcher& operator=(const TlsFileWatcher&) = delete;

  // `changed` is not called after this. Idempotent. REQUIRES: not called by
  // `changed`
  void Stop();

 private:
  TimePoint Work(const FileWatch::Hints& hints);

  const HttpsConfig https_;
  FileWatch* const watch_;
  const Changed changed_;
  std::mutex mutex_;      // guards what follows, up to the blank line
  FileWatch::Id id_ = 0;  // 0 once stopped

  // Confined to the watch's thread.
  bool watching_ = false;
  ServerTlsTexts loaded_;  // in use
  std::optional<TimePoint> wrong_since_;
  std::string said_;  // what is wrong, as told last; "" for nothing
};

}  // namespace ta
