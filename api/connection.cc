#include "api/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <optional>
#include <utility>

#include "allocator/base/log.h"
#include "api/http_message.h"

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

}  // namespace

std::chrono::milliseconds WriteTime(std::chrono::milliseconds timeout,
                                    std::size_t body_bytes) {
  const std::chrono::milliseconds by_size(body_bytes / 64);
  return std::max(timeout, std::min(timeout + by_size, kMostWriteTime));
}

Connection::Connection(Stream::Socket socket, Transport transport,
                       Worker& worker)
    : stream_(std::move(socket)),
      worker_(worker),
      shared_(worker.shared()),
      transport_(transport) {
  worker_.connections().push_back(this);
  place_ = std::prev(worker_.connections().end());
  shared_.stats.connections.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
  worker_.connections().erase(place_);
  shared_.stats.connections.fetch_sub(1, std::memory_order_relaxed);
  if (established_) {
    shared_.stats.tls.connections.fetch_sub(1, std::memory_order_relaxed);
  }
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
  if (now < deadline_ || !stream_.socket().is_open()) return;
  if (!idle_) shared_.stats.timeouts.fetch_add(1, std::memory_order_relaxed);
  Close();
}

void Connection::Close() {
  boost::system::error_code ignored;
  stream_.socket().close(ignored);
}

Connection::Awaitable<void> Connection::Run() {
  boost::system::error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  bool open = true;
  if (transport_ == Transport::kTls) open = co_await BeginTls();
  while (open && !worker_.stopping()) {
    if (buffer_ == nullptr) {
      if (!co_await AwaitRequest()) break;
      buffer_ = std::make_unique<beast::flat_buffer>(
          std::size_t{shared_.options.header_bytes} +
          shared_.options.body_bytes);
    }
    open = co_await ServeOne();
    if (buffer_->size() == 0) buffer_.reset();
  }
  if (stream_.tls() != nullptr && stream_.socket().is_open()) {
    stream_.tls()->SayGoodbye();
  }
  Close();
}

Connection::Awaitable<bool> Connection::AwaitRequest() {
  using Status = TlsSession::Status;
  bool ready = stream_.has_pending();
  idle_ = true;
  SetDeadline(shared_.options.idle_timeout);
  const TimePoint idle_until = deadline_;
  while (true) {
    auto what = Stream::Socket::wait_read;
    if (ready) {
      // A record may be TLS's own, as one that changes keys.
      TlsSession* const tls = stream_.tls();
      const Status status = tls == nullptr ? Status::kDone : tls->Peek();
      if (status == Status::kWantWrite) {
        what = Stream::Socket::wait_write;
      } else if (status != Status::kWantRead) {
        break;
      }
      // A request has begun with the first byte of its record, which must be
      // whole in the time of a header: more bytes give it no more.
      const bool begun = tls->in_record();
      if (begun && idle_) {
        SetDeadline(shared_.options.header_timeout);
      } else if (!begun) {
        deadline_ = idle_until;
      }
      idle_ = !begun;
    }
    const auto [error] = co_await stream_.socket().async_wait(what, kAwait);
    if (error) co_return false;
    ready = true;
  }
  idle_ = false;
  co_return true;
}

Connection::Awaitable<bool> Connection::ServeOne() {
  IncomingRequest incoming;
  const bool complete = co_await ReadRequest(incoming);
  if (!complete) co_return false;
  const auto& message = incoming.parser.get();
  Request request = incoming.View();
  request.secure = stream_.tls() != nullptr;
  request.client_names = client_names_.get();
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

Connection::Awaitable<bool> Connection::ReadRequest(IncomingRequest& incoming) {
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
  const auto rest = buffer_->data();
  const std::string_view begin(static_cast<const char*>(rest.data()),
                               rest.size());
  const Refusal refusal = RefusalOf(error, begin);
  co_await Refuse(refusal.status, refusal.message);
  co_return false;
}

Connection::Awaitable<Response> Connection::Answer(const Request& request) {
  const auto snapshot = shared_.snapshots.Get();
  Response response = shared_.router.Handle(request, *snapshot);
  if (response.foreign_name) Add(shared_.stats.tls.foreign_names);
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
      ResponseHead(response, worker_.date(), keep_alive, http10_);
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
  if (response.status == 304) Add(stats.not_modified);
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
  if (stream_.tls() != nullptr) stream_.tls()->SayGoodbye();
  stream_.socket().shutdown(Stream::Socket::shutdown_send, error);
  SetDeadline(kLingerTime);
  std::array<char, 1024> bytes;
  std::size_t total = 0;
  while (!error && total < kLingerBytes && !worker_.stopping()) {
    const auto into = asio::buffer(bytes);
    const auto [read_error, read] =
        co_await stream_.socket().async_read_some(into, kAwait);
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
