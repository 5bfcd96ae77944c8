#include "allocator/telemetry/telemetry.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <utility>

#include "allocator/base/log.h"
#include "allocator/telemetry/otlp_json.h"
#include "allocator/telemetry/push_answer.h"
#include "api/http_content.h"
#include "api/metric_family.h"
#include "discovery/http_auth.h"

namespace ta {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

// An answer says whether all was taken; what is longer is none.
constexpr std::size_t kMaxAnswerBytes = 1 << 20;

std::int64_t UnixNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

ResourceAttributes ResourceOfProcess(const ResourceAttributes& environment,
                                     std::string_view version,
                                     std::string_view host_name) {
  ResourceAttributes out = environment;
  out.emplace("service.name", "target-allocator");
  out.emplace("service.instance.id", host_name);
  out.emplace("service.version", version);
  out.emplace("telemetry.sdk.language", "cpp");
  out.emplace("telemetry.sdk.name", "target-allocator");
  out.emplace("telemetry.sdk.version", version);
  return out;
}

TelemetryMetrics::TelemetryMetrics(const TelemetryConfig& config) {
  for (const OtlpReaderConfig& reader : config.readers) {
    readers_.push_back(std::make_shared<Reader>());
    readers_.back()->index = reader.index;
  }
}

std::vector<prometheus::MetricFamily> TelemetryMetrics::Collect() const {
  FamilyList out;
  const auto each = [&](auto value) {
    for (const auto& reader : readers_) {
      out.Sample(value(*reader), {{"reader", std::to_string(reader->index)}});
    }
  };
  out.Counter("target_allocator_telemetry_pushes_total",
              "Pushes of metrics to an OTLP receiver.");
  each([](const Reader& reader) { return reader.pushes.load(); });
  out.Counter("target_allocator_telemetry_push_failures_total",
              "Pushes that the receiver did not take.");
  each([](const Reader& reader) { return reader.failures.load(); });
  out.Counter("target_allocator_telemetry_rejected_points_total",
              "Data points that a receiver rejected of pushes it took.");
  each([](const Reader& reader) { return reader.rejected_points.load(); });
  out.Gauge("target_allocator_telemetry_problem",
            "1 while the last push was not taken, or not all of it.");
  each([](const Reader& reader) { return reader.has_problem ? 1 : 0; });
  return out.Take();
}

// Shared with its coroutine.
class Telemetry::Reader {
 public:
  Reader(OtlpReaderConfig config, OtlpSender sender, Gather gather,
         std::shared_ptr<TelemetryMetrics::Reader> metrics,
         const Options& options, asio::any_io_executor executor)
      : executor_(std::move(executor)),
        config_(std::move(config)),
        sender_(std::move(sender)),
        gather_(std::move(gather)),
        metrics_(std::move(metrics)),
        time_(options.time),
        last_push_(options.last_push),
        schedule_(config_.interval,
                  std::hash<std::string>()(
                      config_.url + sender_.resource["service.instance.id"])) {}

  static void Start(const std::shared_ptr<Reader>& self) {
    asio::co_spawn(self->executor_, Loop(self),
                   [self](std::exception_ptr thrown) {
                     if (thrown) std::rethrow_exception(thrown);
                     self->cut_timer_.cancel();
                     const std::lock_guard lock(self->mutex_);
                     self->ended_ = true;
                     self->changed_.notify_all();
                   });
  }

  // The last push follows what is under way; both are cut after `last_push`.
  static void RequestStop(const std::shared_ptr<Reader>& self) {
    asio::post(self->executor_, [self] {
      self->cut_timer_.expires_after(self->last_push_);
      self->cut_timer_.async_wait([self](boost::system::error_code error) {
        if (!error) self->cut_.request_stop();
      });
      self->stop_.request_stop();
    });
  }

  void WaitUntilEnded() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
  }

 private:
  static asio::awaitable<void> Loop(std::shared_ptr<Reader> self) {
    const std::stop_token stop = self->stop_.get_token();
    TimePoint next = self->time_.now() + self->config_.interval;
    while (co_await self->time_.wait_until(self->executor_, next, stop)) {
      const TimePoint began = self->time_.now();
      const PushOutcome outcome = co_await self->Push(self->config_.timeout);
      next = self->schedule_.Next(began, self->time_.now(), outcome);
    }
    if (self->cut_.stop_requested()) co_return;
    const Duration left =
        std::min<Duration>(self->config_.timeout, self->last_push_);
    co_await self->Push(left);
  }

  asio::awaitable<PushOutcome> Push(Duration timeout) {
    OtlpRequest request = MakeOtlpRequest(
        gather_(), sender_, config_.temporality, sent_, UnixNanos());
    const auto answer = co_await Send(std::move(request.body), timeout);
    PushOutcome outcome = OutcomeOf(answer, UnixNanos() / std::nano::den);
    if (outcome.kind != PushOutcome::Kind::kFailed)
      sent_ = std::move(request.totals);
    Note(outcome);
    co_return outcome;
  }

  asio::awaitable<Result<HttpResponse>> Send(std::string body,
                                             Duration timeout) {
    auto url = ParseHttpUrl(config_.url);
    if (!url) co_return std::unexpected(std::move(url.error()).Within("url"));
    if (client_ == nullptr) {
      HttpTimeouts timeouts;
      timeouts.headers = config_.timeout;
      auto client =
          ConfiguredHttpClient::Make(executor_, config_.client, timeouts,
                                     "target-allocator/" + sender_.version);
      if (!client) co_return std::unexpected(std::move(client.error()));
      client_ = *std::move(client);
    }
    HttpRequest request;
    request.method = "POST";
    request.url = *std::move(url);
    request.headers = {{"Content-Type", "application/json"}};
    if (config_.gzip) {
      if (std::string packed = Gzip(body); !packed.empty()) {
        request.headers.emplace_back("Content-Encoding", "gzip");
        body = std::move(packed);
      }
    }
    request.body = std::move(body);
    request.timeout = timeout;
    request.max_body_bytes = kMaxAnswerBytes;
    co_return co_await client_->Fetch(std::move(request), cut_.get_token());
  }

  // The log has the first of several problems in a row, and their end.
  void Note(const PushOutcome& outcome) {
    Add(metrics_->pushes);
    if (outcome.kind != PushOutcome::Kind::kTaken) Add(metrics_->failures);
    Add(metrics_->rejected_points, outcome.rejected_points);
    const bool had_problem = metrics_->has_problem;
    metrics_->has_problem = !outcome.problem.empty();
    if (had_problem == metrics_->has_problem) return;
    if (had_problem) {
      Log(LogLevel::kInfo, "metrics are taken again",
          {{"reader", metrics_->index}});
      return;
    }
    const auto url = ParseHttpUrl(config_.url);
    Log(LogLevel::kWarn,
        outcome.kind == PushOutcome::Kind::kTaken ? "not all metrics are taken"
                                                  : "metrics are not taken",
        {{"reader", metrics_->index},
         {"url", url ? url->Shown() : ""},
         {"err", outcome.problem}});
  }

  const asio::any_io_executor executor_;
  const OtlpReaderConfig config_;
  OtlpSender sender_;
  const Gather gather_;
  const std::shared_ptr<TelemetryMetrics::Reader> metrics_;
  const RefreshTime time_;
  const Duration last_push_;

  // Confined to the loop.
  PushSchedule schedule_;
  std::unique_ptr<ConfiguredHttpClient> client_;  // null until it can be made
  OtlpTotals sent_;
  std::stop_source stop_;
  std::stop_source cut_;
  asio::steady_timer cut_timer_{executor_};

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool ended_ = false;
};

Telemetry::Telemetry(const TelemetryConfig& config, Options options,
                     Gather gather, const TelemetryMetrics& metrics) {
  const OtlpSender sender{
      .resource = ResourceOfProcess(config.resource, options.version,
                                    options.host_name),
      .version = options.version,
      .start_unix_nanos = UnixNanos()};
  for (std::size_t i = 0; i < config.readers.size(); ++i) {
    readers_.push_back(std::make_shared<Reader>(config.readers[i], sender,
                                                gather, metrics.readers()[i],
                                                options, io_.executor()));
    Reader::Start(readers_.back());
  }
}

Telemetry::~Telemetry() { Stop(); }

void Telemetry::Stop() {
  for (const auto& reader : readers_) Reader::RequestStop(reader);
  for (const auto& reader : readers_) reader->WaitUntilEnded();
  readers_.clear();
  io_.Stop();
}

}  // namespace ta
