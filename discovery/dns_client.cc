#include "discovery/dns_client.h"

#include <ares.h>
#include <arpa/inet.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace ta {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr int kUdpBytes = 4096;  // Prometheus's dns.DefaultMsgSize
constexpr int kInternet = 1;     // the class IN

using StopCallback = std::stop_callback<std::function<void()>>;

std::unexpected<Error> Retry(std::string message) {
  return std::unexpected(Error{Error::Code::kRetry, std::move(message)});
}

std::string StatusText(int status) {
  switch (status) {
    case ARES_ETIMEOUT:
      return "timed out";
    case ARES_ECONNREFUSED:
      return "cannot be reached, or no socket is free";
    case ARES_EBADNAME:
      return "no valid name";
    default:
      return ares_strerror(status);
  }
}

// Once in a process, and never undone: it holds nothing.
int InitLibrary() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

// One question on its way. Confined to the loop; what waits there holds it.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  explicit Exchange(const asio::any_io_executor& executor)
      : executor_(executor), deadline_(executor), done_(executor) {
    done_.expires_at(TimePoint::max());
  }
  ~Exchange() { Close(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // The answer may be in when it returns.
  void Begin(const DnsQuestion& question, const DnsClient::Options& options);
  // Also done when stopped: then there is no answer.
  asio::awaitable<void> Done(std::stop_token stop);
  // The answer, or why there is none.
  std::optional<Result<DnsAnswer>>& answer() { return answer_; }
  // Frees what it holds; no callback comes afterwards. Not from one of them.
  void Close();

 private:
  // A socket of c-ares's. It closes it itself, after it has said so.
  struct Socket {
    using Descriptor = asio::posix::stream_descriptor;
    explicit Socket(const asio::any_io_executor& executor) : watch(executor) {}
    Descriptor watch;
    bool read = false, write = false;       // what it is to wait for
    bool reading = false, writing = false;  // what it waits for
    bool open = true;
  };

  int OpenChannel(const DnsQuestion& question,
                  const DnsClient::Options& options);
  void Finish(Result<DnsAnswer> answer);
  void Watch(ares_socket_t fd, bool read, bool write);
  void Arm(ares_socket_t fd, const std::shared_ptr<Socket>& socket);
  void Wait(ares_socket_t fd, const std::shared_ptr<Socket>& socket,
            Socket::Descriptor::wait_type what);
  void Process(ares_socket_t read, ares_socket_t write);
  void SetDeadline();

  static void OnSocket(void* self, ares_socket_t fd, int read, int write) {
    static_cast<Exchange*>(self)->Watch(fd, read != 0, write != 0);
  }
  static void OnAnswer(void* self, int status, int timeouts,
                       unsigned char* bytes, int size);

  const asio::any_io_executor executor_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Socket>> sockets_;
  asio::steady_timer deadline_;  // c-ares's next
  asio::steady_timer done_;      // cancelled when the answer is in
  std::optional<Result<DnsAnswer>> answer_;
};

// Every option is said that c-ares would else look for in files and in the
// environment.
int Exchange::OpenChannel(const DnsQuestion& question,
                          const DnsClient::Options& options) {
  ares_options settings{};
  settings.flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH |
                   ARES_FLAG_NOALIASES;
  settings.timeout = static_cast<int>(
      std::chrono::ceil<std::chrono::milliseconds>(options.timeout).count());
  settings.tries = 1;
  settings.ndots = 0;
  settings.ednspsz = kUdpBytes;
  char lookups[] = "b";
  settings.lookups = lookups;
  settings.sock_state_cb = OnSocket;
  settings.sock_state_cb_data = this;
  ares_addr_port_node server{};
  server.udp_port = server.tcp_port = options.port;
  if (inet_pton(AF_INET, question.server.c_str(), &server.addr.addr4) == 1) {
    server.family = AF_INET;
  } else if (inet_pton(AF_INET6, question.server.c_str(), &server.addr.addr6) ==
             1) {
    server.family = AF_INET6;
  } else {
    return ARES_EBADSTR;
  }
  if (const int status = InitLibrary(); status != ARES_SUCCESS) return status;
  if (const int status = ares_init_options(
          &channel_, &settings,
          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
              ARES_OPT_NDOTS | ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS |
              ARES_OPT_DOMAINS | ARES_OPT_SERVERS | ARES_OPT_SORTLIST |
              ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB);
      status != ARES_SUCCESS) {
    channel_ = nullptr;
    return status;
  }
  return ares_set_servers_ports(channel_, &server);
}

void Exchange::Begin(const DnsQuestion& question,
                     const DnsClient::Options& options) {
  // c-ares would ask for what is before it.
  if (question.name.find('\0') != question.name.npos) {
    Finish(Retry(StatusText(ARES_EBADNAME)));
    return;
  }
  const int status = OpenChannel(question, options);
  if (status != ARES_SUCCESS) {
    Finish(
        Retry(status == ARES_EBADSTR ? "no IP address" : StatusText(status)));
    return;
  }
  ares_query(channel_, question.name.c_str(), kInternet,
             static_cast<int>(question.type), OnAnswer, this);
  SetDeadline();
}

asio::awaitable<void> Exchange::Done(std::stop_token stop) {
  const StopCallback on_stop(stop, [this] { done_.cancel(); });
  while (!answer_ && !stop.stop_requested()) {
    co_await done_.async_wait(kAwait);
  }
}

void Exchange::Close() {
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
  deadline_.cancel();
}

void Exchange::OnAnswer(void* self, int status, int /*timeouts*/,
                        unsigned char* bytes, int size) {
  auto& exchange = *static_cast<Exchange*>(self);
  if (bytes == nullptr || size <= 0) {
    exchange.Finish(Retry(StatusText(status)));
    return;
  }
  exchange.Finish(ReadDnsAnswer(
      {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)}));
}

void Exchange::Finish(Result<DnsAnswer> answer) {
  answer_ = std::move(answer);
  done_.cancel();
}

void Exchange::Watch(ares_socket_t fd, bool read, bool write) {
  const auto known = sockets_.find(fd);
  if (!read && !write) {
    if (known == sockets_.end()) return;
    known->second->open = false;
    known->second->watch.release();
    sockets_.erase(known);
    return;
  }
  std::shared_ptr<Socket> socket;
  if (known != sockets_.end()) {
    socket = known->second;
  } else {
    socket = std::make_shared<Socket>(executor_);
    boost::system::error_code failed;
    socket->watch.assign(fd, failed);
    if (failed) return;  // the deadline ends it
    sockets_.emplace(fd, socket);
  }
  socket->read = read;
  socket->write = write;
  Arm(fd, socket);
}

void Exchange::Arm(ares_socket_t fd, const std::shared_ptr<Socket>& socket) {
  if (socket->read && !std::exchange(socket->reading, true))
    Wait(fd, socket, Socket::Descriptor::wait_read);
  if (socket->write && !std::exchange(socket->writing, true))
    Wait(fd, socket, Socket::Descriptor::wait_write);
}

void Exchange::Wait(ares_socket_t fd, const std::shared_ptr<Socket>& socket,
                    Socket::Descriptor::wait_type what) {
  // The handler holds the exchange, so that c-ares may call it.
  socket->watch.async_wait(what, [self = shared_from_this(), socket, fd,
                                  what](boost::system::error_code) {
    const bool read = what == Socket::Descriptor::wait_read;
    (read ? socket->reading : socket->writing) = false;
    if (!socket->open) return;
    self->Process(read ? fd : ARES_SOCKET_BAD, read ? ARES_SOCKET_BAD : fd);
    if (socket->open) self->Arm(fd, socket);
  });
}

void Exchange::Process(ares_socket_t read, ares_socket_t write) {
  ares_process_fd(channel_, read, write);
  if (!answer_) SetDeadline();
}

void Exchange::SetDeadline() {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) return;
  // It counts in whole milliseconds: one more, so that it is over then.
  deadline_.expires_after(std::chrono::seconds(left.tv_sec) +
                          std::chrono::microseconds(left.tv_usec) +
                          std::chrono::milliseconds(1));
  deadline_.async_wait(
      [self = shared_from_this()](boost::system::error_code cancelled) {
        if (cancelled || self->channel_ == nullptr) return;
        self->Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      });
}

}  // namespace

struct DnsClient::Turn {
  explicit Turn(const asio::any_io_executor& executor)
      : called(executor, TimePoint::max()) {}
  asio::steady_timer called;
  bool is_on = false;
};

DnsClient::DnsClient(Options options) : options_(options) {}

asio::awaitable<bool> DnsClient::TakeTurn(asio::any_io_executor executor,
                                          std::stop_token stop) {
  if (stop.stop_requested()) co_return false;
  if (asked_ < options_.most_at_once) {
    ++asked_;
    co_return true;
  }
  const auto turn = std::make_shared<Turn>(executor);
  waiting_.push_back(turn);
  const StopCallback on_stop(stop, [turn] { turn->called.cancel(); });
  while (!turn->is_on && !stop.stop_requested()) {
    co_await turn->called.async_wait(kAwait);
  }
  if (turn->is_on) co_return true;
  std::erase(waiting_, turn);
  co_return false;
}

// Whoever waits longest gets the turn that is free.
void DnsClient::EndTurn() {
  if (waiting_.empty()) {
    --asked_;
    return;
  }
  const auto next = std::move(waiting_.front());
  waiting_.pop_front();
  next->is_on = true;
  next->called.cancel();
}

asio::awaitable<Result<DnsAnswer>> DnsClient::Ask(
    asio::any_io_executor executor, DnsQuestion question,
    std::stop_token stop) {
  const bool has_turn = co_await TakeTurn(executor, stop);
  if (!has_turn) co_return Retry("stopped");
  const auto exchange = std::make_shared<Exchange>(executor);
  exchange->Begin(question, options_);
  co_await exchange->Done(stop);
  // What waits on its sockets goes with them.
  auto answer = exchange->answer() ? *std::move(exchange->answer())
                                   : Result<DnsAnswer>(Retry("stopped"));
  exchange->Close();
  EndTurn();
  if (!answer) co_return answer;
  if (answer->truncated) co_return Retry("more than 64 KiB");
  if (answer->code != kDnsNoError && answer->code != kDnsNoSuchName) {
    co_return Retry(DnsCodeText(answer->code));
  }
  co_return answer;
}

}  // namespace ta
