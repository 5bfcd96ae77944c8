#include "allocator/tls_files.h"

#include <chrono>
#include <ctime>
#include <utility>

#include "allocator/base/log.h"
#include "discovery/file_read.h"

namespace ta {
namespace {

// A chain and a bundle of CAs are kilobytes.
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
// They are looked at again without a hint, too: they must not expire unseen.
constexpr std::chrono::seconds kRefresh{60};
// How long something is wrong before it counts, and how soon it is looked at.
constexpr std::chrono::seconds kWrongFor{1};
constexpr std::chrono::milliseconds kRetrySoon{100};

std::string Day(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  const std::size_t size =
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

}  // namespace

Result<ServerTlsTexts> ReadTlsFiles(const HttpsConfig& https) {
  ServerTlsTexts texts{.certificate_pem = {},
                       .key_pem = {},
                       .ca_pem = {},
                       .certificate_file = https.cert_file,
                       .key_file = https.key_file,
                       .ca_file = https.ca_file};
  const std::pair<const std::string*, std::string*> files[] = {
      {&texts.certificate_file, &texts.certificate_pem},
      {&texts.key_file, &texts.key_pem},
      {&texts.ca_file, &texts.ca_pem},
  };
  for (const auto& [path, text] : files) {
    Result<std::string> read = ReadFile(*path, kMaxBytes);
    if (!read) return std::unexpected(std::move(read.error()).Within(*path));
    *text = *std::move(read);
  }
  return texts;
}

TlsFileWatcher::TlsFileWatcher(HttpsConfig https, ServerTlsTexts loaded,
                               FileWatch* watch, Changed changed)
    : https_(std::move(https)),
      watch_(watch),
      changed_(std::move(changed)),
      loaded_(std::move(loaded)) {
  const std::lock_guard lock(mutex_);
  id_ = watch_->Add(
      [this](const FileWatch::Hints& hints) { return Work(hints); });
}

TlsFileWatcher::~TlsFileWatcher() { Stop(); }

void TlsFileWatcher::Stop() {
  FileWatch::Id id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = std::exchange(id_, 0);
  }
  if (id != 0) watch_->Remove(id);
}

TimePoint TlsFileWatcher::Work(const FileWatch::Hints& hints) {
  const TimePoint now = std::chrono::steady_clock::now();
  if (!std::exchange(watching_, true)) {
    const std::lock_guard lock(mutex_);
    if (id_ != 0) {
      watch_->SetPaths(
          id_, {.files = {https_.cert_file, https_.key_file, https_.ca_file}});
    }
  }
  // A file that is being written is read when it is done.
  if (!hints.unsettled.empty()) return now + kRefresh;

  Result<ServerTlsTexts> texts = ReadTlsFiles(https_);
  if (texts && *texts == loaded_ && said_.empty()) {
    wrong_since_.reset();
    return now + kRefresh;
  }
  auto made = texts ? ServerTls::Make(*texts)
                    : Result<std::shared_ptr<const ServerTls>>(
                          std::unexpected(texts.error()));
  if (!made) {
    if (!wrong_since_) wrong_since_ = now;
    if (now - *wrong_since_ < kWrongFor) return now + kRetrySoon;
    if (made.error().message == said_) return now + kRefresh;
    said_ = made.error().message;
    Log(Level::kError, "HTTPS goes on with the certificates of before",
        {{"err", said_}});
  } else {
    wrong_since_.reset();
    said_.clear();
    const bool same = *texts == loaded_;
    loaded_ = *std::move(texts);
    Log(Level::kInfo,
        same ? "HTTPS's files are good again" : "HTTPS has new certificates",
        {{"expires", Day((*made)->certificate_expires())},
         {"ca_expires", Day((*made)->ca_expires())}});
  }
  changed_(std::move(made));
  return now + kRefresh;
}

}  // namespace ta
