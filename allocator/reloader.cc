#include "allocator/reloader.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <variant>

#include "allocator/base/log.h"

namespace ta {
namespace {

// What runs is what the process started with, whatever a reload says.
LoadOptions WithSecrets(LoadOptions options, const Config& first) {
  options.https_serves = first.https.enabled;
  return options;
}

}  // namespace

Reloader::Reloader(std::string path, LoadOptions options, const Config& first,
                   Service& service, OnRead on_read)
    : path_(std::move(path)),
      options_(WithSecrets(std::move(options), first)),
      listen_addr_(first.listen_addr),
      https_(first.https),
      state_dir_(first.state_dir),
      telemetry_(first.telemetry),
      service_(service),
      on_read_(std::move(on_read)),
      last_success_(UnixSeconds()),
      warned_(WarningsOf(first)),
      thread_([this] { Run(); }) {}

Reloader::~Reloader() { Stop(); }

void Reloader::Request(std::string why, Reply reply) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      requested_ = true;
      why_ = std::move(why);
      if (reply) replies_.push_back(std::exchange(reply, nullptr));
    }
  }
  wake_.notify_one();
  if (reply) reply(Reject("shutting down"));
}

void Reloader::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Reloader::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return requested_ || stopping_; });
    const std::vector<Reply> replies = std::exchange(replies_, {});
    const bool stopping = stopping_;
    const std::string why = std::move(why_);
    requested_ = false;
    lock.unlock();
    const Result<void> result =
        stopping ? Result<void>(Reject("shutting down")) : Load(why);
    for (const Reply& reply : replies) reply(result);
    if (stopping) return;
    lock.lock();
  }
}

Result<void> Reloader::Load(const std::string& why) {
  LoadedConfig attempt = LoadConfigFile(path_, options_);
  if (attempt.files && on_read_) on_read_(*std::move(attempt.files));
  std::expected<Config, Mistakes>& loaded = attempt.config;
  if (!loaded) {
    LogMistakes(loaded.error());
    Log(LogLevel::kError, "configuration kept as it was",
        {{"file", path_},
         {"reason", why},
         {"mistakes", loaded.error().size()}});
    ReloadStatus status{.successful = false, .unix_seconds = last_success_};
    std::string all;
    for (const Mistake& mistake : loaded.error()) {
      status.mistakes.push_back(mistake.ToString());
      if (!all.empty()) all += '\n';
      all += status.mistakes.back();
    }
    service_.ReloadFailed(std::move(status));
    service_.Flush();
    return Reject(std::move(all));
  }
  Warnings warnings = WarningsOf(*loaded);
  if (loaded->listen_addr != listen_addr_) {
    warnings.emplace_back("listen_addr takes effect at the next start");
  }
  if (loaded->https != https_) {
    warnings.emplace_back("https takes effect at the next start");
  }
  if (loaded->state_dir != state_dir_) {
    warnings.emplace_back("state_dir takes effect at the next start");
  }
  if (loaded->telemetry != telemetry_) {
    warnings.emplace_back("telemetry takes effect at the next start");
  }
  LogWarnings(warnings, warned_);
  warned_ = std::move(warnings);
  last_success_ = UnixSeconds();
  const std::size_t jobs = loaded->jobs.size();
  service_.Configure(std::make_shared<const Config>(*std::move(loaded)),
                     {.unix_seconds = last_success_});
  service_.Flush();
  Log(LogLevel::kInfo, "configuration loaded",
      {{"file", path_}, {"reason", why}, {"jobs", jobs}});
  return {};
}

Warnings WarningsOf(const Config& config) {
  Warnings warnings = config.warnings;
  // What several replicas would get wrong.
  if (std::holds_alternative<PollingMembers>(config.members)) {
    warnings.emplace_back(
        "members are who polls: run one replica, another would see other "
        "members");
  }
  if (config.strategy == StrategyKind::kLeastWeighted) {
    warnings.emplace_back(
        "least-weighted depends on history: run one replica, another would "
        "assign otherwise");
  }
  return warnings;
}

void LogWarnings(const Warnings& warnings, const Warnings& before) {
  for (const std::string& warning : warnings) {
    if (std::ranges::find(before, warning) != before.end()) continue;
    Log(LogLevel::kWarn, "configuration", {{"warning", warning}});
  }
}

void LogMistakes(const Mistakes& mistakes) {
  for (const Mistake& mistake : mistakes) {
    Log(LogLevel::kError, "configuration is wrong",
        {{"err", mistake.ToString()}});
  }
}

std::int64_t UnixSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace ta
