#include "api/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <utility>

#include "allocator/base/log.h"

namespace ta {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// What a client may still send after it was refused, and for how long.
constexpr std::size_t kLingerBytes = 256 * 1024;
constexpr std::chrono::seconds kLingerTime{2};

// How soon an answer that found no room is asked for again.
constexpr std::chrono::milliseconds kFirstRoomPause{20};

std::string_view View(beast::string_view text) {
  return {text.data(), text.size()};
}

// All values of a header, joined as RFC 9110, 5.3 allows. `storage` is used
// where there are several.
template <typename Fields>
std::string_view Joined(const Fields& fields, http::field name,
                        std::string& storage) {
  const auto [begin, end] = fields.equal_range(name);
  if (begin == end) return {};
  if (std::next(begin) == end) return View(begin->value());
  for (auto field = begin; field != end; ++field) {
    if (field != begin) storage += ", ";
    storage += View(field->value());
  }
  return storage;
}

// The status line and the headers of an answer.
std::string Head(const Response& response, std::string_view date,
                 bool keep_alive, bool http10) {
  std::string out;
  out.reserve(320);
  auto to = std::back_inserter(out);
  const int status = response.status;
  fmt::format_to(to, "HTTP/1.1 {} {}\r\nDate: {}\r\n", status,
                 View(http::obsolete_reason(static_cast<http::status>(status))),
                 date);
  // A 304 has no body, and says nothing of the one it stands for.
  if (status != 304) {
    fmt::format_to(to, "Content-Length: {}\r\n",
                   response.body.bytes ? response.body.bytes->size() : 0);
  }
  const auto field = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      out.append(name).append(": ").append(value).append("\r\n");
    }
  };
  field("Content-Type", response.content_type);
  field("Content-Encoding", response.body.gzipped ? "gzip" : "");
  field("ETag", response.etag);
  field("Vary", response.vary ? "Accept-Encoding" : "");
  field("Allow", response.allow);
  field("Location", response.location);
  if (response.retry_after_seconds > 0) {
    field("Retry-After", std::to_string(response.retry_after_seconds));
  }
  field("Connection", !keep_alive ? "close" : http10 ? "keep-alive" : "");
  return out.append("\r\n");
}

// A request among those that a newer snapshot wakes.
class HeldPlace {
 public:
  HeldPlace(Worker& worker, Worker::Timer& timer) : worker_(worker) {
    worker_.held().push_back(&timer);
    place_ = std::prev(worker_.held().end());
    worker_.shared().stats.held.fetch_add(1);
  }
  ~HeldPlace() {
    worker_.held().erase(place_);
    worker_.shared().stats.held.fetch_sub(1);
  }
  HeldPlace(const HeldPlace&) = delete;
  HeldPlace& operator=(const HeldPlace&) = delete;

 private:
  Worker& worker_;
  std::list<Worker::Timer*>::iterator place_;
};

// The client broke off, or we did: nobody is left to answer.
bool IsGone(const boost::system::error_code& error) {
  return error == http::error::end_of_stream ||
         error == http::error::partial_message ||
         error.category() !=
             http::make_error_code(http::error::bad_method).category();
}

struct Refusal {
  int status;
  std::string_view message;
};

Refusal RefusalOf(const boost::system::error_code& error) {
  if (error == http::error::header_limit ||
      error == http::error::buffer_overflow) {
    return {431, "the request's header is too large"};
  }
  if (error == http::error::body_limit) {
    return {413, "the request's body is too large"};
  }
  if (error == http::error::bad_version) {
    return {505, "this server speaks HTTP/1.1"};
  }
  return {400, "this is not a valid HTTP request"};
}

}  // namespace

std::chrono::milliseconds WriteTime(std::chrono::milliseconds timeout,
                                    std::size_t body_bytes) {
  const std::chrono::milliseconds by_size(body_bytes / 64);
  return std::max(timeout, std::min(timeout + by_size, kMostWriteTime));
}

struct Connection::Incoming {
  http::request_parser<http::string_body> parser;
  std::string accept_encoding;  // where the header is repeated
  std::string if_none_match;

  Request View() {
    const auto& message = parser.get();
    Request request;
    request.method = ta::View(message.method_string());
    request.target = ta::View(message.target());
    request.accept_encoding =
        Joined(message, http::field::accept_encoding, accept_encoding);
    request.if_none_match =
        Joined(message, http::field::if_none_match, if_none_match);
    const auto refresh = message.find("X-Prometheus-Refresh-Interval-Seconds");
    if (refresh != message.end()) {
      request.refresh_interval = ta::View(refresh->value());
    }
    request.sidecar =
        message.find("X-Target-Allocator-Sidecar") != message.end();
    return request;
  }
};

Connection::Connection(Stream stream, Worker& worker)
    : stream_(std::move(stream)), worker_(worker), shared_(worker.shared()) {
  worker_.connections().push_back(this);
  place_ = std::prev(worker_.connections().end());
  shared_.stats.connections.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
  worker_.connections().erase(place_);
  shared_.stats.connections.fetch_sub(1, std::memory_order_relaxed);
}

void Connection::Start() {
  // The handler owns the connection, for as long as the coroutine runs.
  asio::co_spawn(stream_.get_executor(), Run(),
                 [self = shared_from_this()](std::exception_ptr error) {
                   if (error == nullptr) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& thrown) {
                     Log(Level::kError, "connection ended by an exception",
                         {{"err", thrown.what()}});
                   }
                 });
}

void Connection::SetDeadline(std::chrono::milliseconds from_now) {
  deadline_ = std::chrono::steady_clock::now() + from_now;
}

void Connection::CheckDeadline(TimePoint now) {
  if (now < deadline_ || !stream_.is_open()) return;
  if (!idle_) shared_.stats.timeouts.fetch_add(1, std::memory_order_relaxed);
  Close();
}

void Connection::Close() {
  boost::system::error_code ignored;
  stream_.close(ignored);
}

Connection::Awaitable<void> Connection::Run() {
  boost::system::error_code ignored;
  stream_.set_option(asio::ip::tcp::no_delay(true), ignored);
  bool open = true;
  while (open && !worker_.stopping()) {
    if (buffer_ == nullptr) {
      idle_ = true;
      SetDeadline(shared_.options.idle_timeout);
      const auto [error] =
          co_await stream_.async_wait(Stream::wait_read, kAwait);
      idle_ = false;
      if (error) break;
      buffer_ = std::make_unique<beast::flat_buffer>(
          std::size_t{shared_.options.header_bytes} +
          shared_.options.body_bytes);
    }
    open = co_await ServeOne();
    if (buffer_->size() == 0) buffer_.reset();
  }
  Close();
}

Connection::Awaitable<bool> Connection::ServeOne() {
  Incoming incoming;
  const bool complete = co_await ReadRequest(incoming);
  if (!complete) co_return false;
  const auto& message = incoming.parser.get();
  const Request request = incoming.View();
  // RFC 9112, 3.2: exactly one Host.
  if (message.version() >= 11 && message.count(http::field::host) != 1) {
    co_await Refuse(400, "the request must have one Host header");
    co_return false;
  }
  answering_ = true;
  started_ = std::chrono::steady_clock::now();
  Response response = co_await Answer(request);
  const bool keep_alive = message.keep_alive() && !worker_.stopping();
  const bool head = request.method == "HEAD";
  http10_ = message.version() < 11;
  const bool written = co_await Write(response, head, keep_alive);
  answering_ = false;
  Report(response.poll, written);
  if (written && !keep_alive) co_await Linger();
  co_return written&& keep_alive;
}

Connection::Awaitable<bool> Connection::ReadRequest(Incoming& incoming) {
  auto& parser = incoming.parser;
  parser.header_limit(shared_.options.header_bytes);
  parser.body_limit(std::uint64_t{shared_.options.body_bytes});
  SetDeadline(shared_.options.header_timeout);
  const auto [header_error, header_read] =
      co_await http::async_read_header(stream_, *buffer_, parser, kAwait);
  boost::system::error_code error = header_error;
  if (!error && !parser.is_done()) {
    SetDeadline(shared_.options.body_timeout);
    if (parser.get()[http::field::expect] == "100-continue") {
      const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      const auto buffer = asio::buffer(go_on);
      const auto [write_error, sent] =
          co_await asio::async_write(stream_, buffer, kAwait);
      error = write_error;
    }
    if (!error) {
      const auto [body_error, body_read] =
          co_await http::async_read(stream_, *buffer_, parser, kAwait);
      error = body_error;
    }
  }
  if (!error) co_return true;
  if (IsGone(error)) co_return false;
  const Refusal refusal = RefusalOf(error);
  co_await Refuse(refusal.status, refusal.message);
  co_return false;
}

Connection::Awaitable<Response> Connection::Answer(const Request& request) {
  const auto snapshot = shared_.snapshots.Get();
  Response response = shared_.router.Handle(request, *snapshot);
  if (response.hold) {
    response = co_await Hold(request, snapshot, std::move(response));
  } else if (response.reload) {
    response = co_await Reload();
  }
  if (response.crowded && IsScraper(request)) {
    response = co_await AwaitRoom(request, std::move(response));
  }
  co_return response;
}

Connection::Awaitable<Response> Connection::AwaitRoom(const Request& request,
                                                      Response response) {
  Worker::Timer timer(stream_.get_executor());
  const TimePoint until =
      std::chrono::steady_clock::now() + shared_.options.room_time;
  deadline_ = until + shared_.options.write_timeout;
  // Rendering what is refused halfway costs, too: ask ever more seldom.
  std::chrono::milliseconds pause = kFirstRoomPause;
  while (response.crowded && !worker_.stopping() &&
         std::chrono::steady_clock::now() + pause < until) {
    timer.expires_after(pause);
    co_await timer.async_wait(kAwait);
    pause *= 2;
    const auto snapshot = shared_.snapshots.Get();
    response = shared_.router.Handle(request, *snapshot, Patience::kSpent);
  }
  co_return response;
}

Connection::Awaitable<Response> Connection::Hold(
    const Request& request, std::shared_ptr<const Snapshot> seen,
    Response response) {
  // Counted before the snapshot is looked at again: whoever sets a newer one
  // after that finds the count and wakes us.
  Worker::Timer timer(stream_.get_executor());
  HeldPlace place(worker_, timer);
  Report(response.poll, true);
  const TimePoint until =
      std::chrono::steady_clock::now() + shared_.options.hold_time;
  deadline_ = until + shared_.options.write_timeout;
  while (response.hold) {
    auto latest = shared_.snapshots.Get();
    if (latest == seen && !worker_.stopping() &&
        std::chrono::steady_clock::now() < until) {
      timer.expires_at(until);
      co_await timer.async_wait(kAwait);
      continue;
    }
    const bool spent =
        worker_.stopping() || std::chrono::steady_clock::now() >= until;
    const Patience patience = spent ? Patience::kSpent : Patience::kFresh;
    seen = std::move(latest);
    response = shared_.router.Handle(request, *seen, patience);
  }
  started_ = std::chrono::steady_clock::now();
  co_return response;
}

Connection::Awaitable<Response> Connection::Reload() {
  if (!shared_.callbacks.on_reload) {
    co_return Router::ErrorResponse(503, "reloading is not available");
  }
  Worker::Timer timer(stream_.get_executor());
  Worker::Reload reload{&timer, std::nullopt};
  const std::uint64_t id = worker_.AddReload(&reload);
  timer.expires_after(shared_.options.reload_timeout);
  deadline_ = timer.expiry() + shared_.options.write_timeout;
  shared_.callbacks.on_reload(
      [weak = worker_.weak_from_this(), id](Result<void> result) {
        const auto worker = weak.lock();
        if (worker == nullptr) return;
        worker->Post([raw = worker.get(), id, result = std::move(result)] {
          raw->CompleteReload(id, result);
        });
      });
  co_await timer.async_wait(kAwait);
  worker_.RemoveReload(id);
  if (reload.result) co_return Router::ReloadResponse(*reload.result);
  if (worker_.stopping()) co_return Router::ErrorResponse(503, "stopping");
  co_return Router::ErrorResponse(
      500, "the reload did not end in time; see /api/v1/status");
}

Connection::Awaitable<bool> Connection::Write(const Response& response,
                                              bool head, bool keep_alive) {
  ServerStats& stats = shared_.stats;
  const std::string header =
      Head(response, worker_.date(), keep_alive, http10_);
  const bool with_body = !head && response.body.bytes && response.status != 304;
  const std::size_t body_bytes = with_body ? response.body.bytes->size() : 0;
  std::array<asio::const_buffer, 2> buffers = {asio::buffer(header),
                                               asio::const_buffer()};
  if (with_body) buffers[1] = asio::buffer(*response.body.bytes);
  SetDeadline(WriteTime(shared_.options.write_timeout, body_bytes));
  const auto [error, sent] =
      co_await asio::async_write(stream_, buffers, kAwait);
  stats.http_duration[static_cast<std::size_t>(response.route)].Record(
      std::chrono::steady_clock::now() - started_);
  stats.answers[static_cast<std::size_t>(response.status / 100) % 6].fetch_add(
      1, std::memory_order_relaxed);
  stats.bytes_sent.fetch_add(body_bytes, std::memory_order_relaxed);
  co_return !error;
}

Connection::Awaitable<void> Connection::Refuse(int status,
                                               std::string_view message) {
  shared_.stats.bad_requests.fetch_add(1, std::memory_order_relaxed);
  started_ = std::chrono::steady_clock::now();
  const Response response = Router::ErrorResponse(status, message);
  const bool written = co_await Write(response, false, false);
  if (written) co_await Linger();
}

Connection::Awaitable<void> Connection::Linger() {
  boost::system::error_code error;
  stream_.shutdown(Stream::shutdown_send, error);
  SetDeadline(kLingerTime);
  std::array<char, 1024> bytes;
  std::size_t total = 0;
  while (!error && total < kLingerBytes && !worker_.stopping()) {
    const auto into = asio::buffer(bytes);
    const auto [read_error, read] =
        co_await stream_.async_read_some(into, kAwait);
    error = read_error;
    total += read;
  }
}

void Connection::Report(std::optional<Poll>& poll, bool written) {
  if (!poll || !shared_.callbacks.on_poll) return;
  if (!written) poll->sent_generation.reset();
  poll->at = shared_.clock().Now();
  shared_.callbacks.on_poll(std::move(*poll));
  poll.reset();
}

}  // namespace ta
