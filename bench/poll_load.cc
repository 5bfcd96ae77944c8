// Polls a server at a constant rate over many keep-alive connections, as a
// fleet of collectors does, and prints what it saw as one line of JSON.
//
// Requests are scheduled: number i at i / rate seconds, on connection i mod
// connections. Latency counts from then to the answer's last byte, also while
// the connection still waits for an earlier answer, so that a server which
// stalls is charged with every request that it held up (Gil Tene's
// "coordinated omission"). wrk has no rate, wrk2 is not packaged, h2load counts
// from when it sent; none gives each connection URLs of its own.
//
// One thread, for the server needs the other cores. In a URL {job} and
// {collector} are numbers; the pairs are dealt out to the connections, each of
// which goes through its own in turn: 1,000 jobs × 1,000 collectors over 10,000
// connections at 33,333 a second are a fleet that refreshes each 30 s.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/answer_reader.h"
#include "bench/load_report.h"

namespace ta::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path;
  std::uint64_t jobs = 1;
  std::uint64_t collectors = 1;
  LoadPlan plan;
  int sources = 1;
  std::vector<std::string> headers;
  bool conditional = false;
};

// How long the last answers are waited for.
constexpr std::chrono::seconds kPatience{10};
// Answers of so many bytes are skipped in the kernel rather than copied.
constexpr std::size_t kSkippedBytes = 16 * 1024;
// Of what was scheduled and came too late, how much is sent between two looks
// at what has arrived.
constexpr int kMostInARow = 64;

struct Connection {
  int fd = -1;
  bool connecting = false;
  bool busy = false;        // an answer is awaited
  std::uint64_t asked = 0;  // requests sent; the next one's turn
  std::uint64_t due = 0;    // requests whose time has come
  AnswerReader reader;
};

class Load {
 public:
  explicit Load(Options options)
      : options_(std::move(options)),
        total_(options_.plan.total()),
        connections_(options_.plan.connections),
        etags_(options_.conditional ? pairs() : 0),
        report_(options_.plan) {
    for (const std::string& header : options_.headers) {
      tail_ += header + "\r\n";
    }
  }

  // Why it could not run; "" if it did.
  std::string Run();
  const LoadReport& report() const { return report_; }

 private:
  std::uint64_t pairs() const { return options_.jobs * options_.collectors; }
  // Of the connection's turn-th request, from 0 on.
  std::uint64_t NumberOf(const Connection& one, std::uint64_t turn) const {
    const auto index = static_cast<std::uint64_t>(&one - connections_.data());
    return index + turn * connections_.size();
  }
  Clock::time_point TimeOf(std::uint64_t number) const {
    return begin_ + nanoseconds(std::llround(1e9 * static_cast<double>(number) /
                                             options_.plan.rate));
  }

  bool Open(Connection& one);
  bool Connected(Connection& one);
  bool Connect(Connection& one);
  void Ready(Connection& one);
  void Ask(Connection& one, bool waited);
  void Read(Connection& one);
  void Answered(Connection& one);
  void Broken(Connection& one);
  void SendDue(Clock::time_point now);

  const Options options_;
  const std::uint64_t total_;
  std::string tail_ = "Host: bench\r\n";
  std::vector<Connection> connections_;
  sockaddr_in server_{};
  int epoll_ = -1;
  Clock::time_point begin_;
  std::uint64_t next_ = 0;         // the first that is not due yet
  std::uint64_t outstanding_ = 0;  // due, and not answered
  std::string request_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  std::vector<std::string> etags_;  // by pair; "": none is known
  LoadReport report_;
};

// Begins to connect.
bool Load::Open(Connection& one) {
  one.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (one.fd < 0) return false;
  const int on = 1;
  setsockopt(one.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Ports are taken at connect, so that each pair of addresses has all of them.
  setsockopt(one.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const auto index = static_cast<std::uint32_t>(&one - connections_.data());
  const std::uint32_t sources = static_cast<std::uint32_t>(options_.sources);
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index % sources);
  epoll_event event{};
  event.events = EPOLLOUT;
  event.data.ptr = &one;
  one.connecting = true;
  return bind(one.fd, reinterpret_cast<sockaddr*>(&source), sizeof source) ==
             0 &&
         (connect(one.fd, reinterpret_cast<sockaddr*>(&server_),
                  sizeof server_) == 0 ||
          errno == EINPROGRESS) &&
         epoll_ctl(epoll_, EPOLL_CTL_ADD, one.fd, &event) == 0;
}

// What was begun has ended: well, or with an errno.
bool Load::Connected(Connection& one) {
  one.connecting = false;
  int problem = 0;
  socklen_t size = sizeof problem;
  getsockopt(one.fd, SOL_SOCKET, SO_ERROR, &problem, &size);
  errno = problem;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &one;
  return problem == 0 && epoll_ctl(epoll_, EPOLL_CTL_MOD, one.fd, &event) == 0;
}

// One after the other, so that no backlog is too short for all of them.
bool Load::Connect(Connection& one) {
  if (!Open(one)) return false;
  pollfd wait{.fd = one.fd, .events = POLLOUT, .revents = 0};
  constexpr int kMilliseconds = std::chrono::milliseconds(kPatience).count();
  if (poll(&wait, 1, kMilliseconds) == 1) return Connected(one);
  errno = ETIMEDOUT;
  return false;
}

void Load::Ready(Connection& one) {
  if (!one.connecting) return Read(one);
  if (!Connected(one)) return Broken(one);
  if (one.asked < one.due) Ask(one, true);
}

void Load::Ask(Connection& one, bool waited) {
  const std::uint64_t number = NumberOf(one, one.asked++);
  const std::uint64_t pair = number % pairs();
  request_ = "GET ";
  for (std::string_view rest = options_.path; !rest.empty();) {
    constexpr std::string_view kJob = "{job}";
    constexpr std::string_view kCollector = "{collector}";
    if (rest.starts_with(kJob)) {
      fmt::format_to(std::back_inserter(request_), "{}",
                     pair / options_.collectors);
      rest.remove_prefix(kJob.size());
    } else if (rest.starts_with(kCollector)) {
      fmt::format_to(std::back_inserter(request_), "{}",
                     pair % options_.collectors);
      rest.remove_prefix(kCollector.size());
    } else {
      request_ += rest.front();
      rest.remove_prefix(1);
    }
  }
  request_.append(" HTTP/1.1\r\n").append(tail_);
  if (options_.conditional && !etags_[pair].empty()) {
    request_.append("If-None-Match: ").append(etags_[pair]).append("\r\n");
  }
  request_ += "\r\n";
  one.busy = true;
  one.reader.Begin();
  if (!waited) report_.Sent(number, Clock::now() - TimeOf(number));
  // An idle connection's buffer has room for any request.
  if (send(one.fd, request_.data(), request_.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request_.size())) {
    Broken(one);
  }
}

void Load::Read(Connection& one) {
  using State = AnswerReader::State;
  while (true) {
    const std::size_t missing = one.reader.missing();
    const bool skip = missing > kSkippedBytes;
    // With MSG_TRUNC the bytes of a TCP connection are dropped (tcp(7)).
    const ssize_t got =
        recv(one.fd, buffer_.data(), skip ? missing : buffer_.size(),
             skip ? MSG_TRUNC : 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0 || !one.busy) return Broken(one);
    const auto bytes = static_cast<std::size_t>(got);
    const State state = skip ? one.reader.Skip(bytes)
                             : one.reader.Take({buffer_.data(), bytes});
    if (state == State::kBroken) return Broken(one);
    if (state == State::kDone) return Answered(one);
    if (bytes < kSkippedBytes) return;  // there will be no more yet
  }
}

void Load::Answered(Connection& one) {
  const std::uint64_t number = NumberOf(one, one.asked - 1);
  const AnswerReader& answer = one.reader;
  report_.Answered(number, Clock::now() - TimeOf(number), answer);
  if (options_.conditional && answer.status() == 200) {
    etags_[number % pairs()] = answer.etag();
  }
  one.busy = false;
  --outstanding_;
  if (one.asked < one.due) Ask(one, true);
}

// What was asked for on it is lost, and what came due meanwhile, or a dead
// server would be asked on. The next request goes over a connection of its own.
void Load::Broken(Connection& one) {
  if (one.fd >= 0) close(one.fd);
  one.fd = -1;
  one.connecting = false;
  if (std::exchange(one.busy, false)) --one.asked;
  if (one.asked == one.due) report_.ClosedIdle();
  for (; one.asked < one.due; ++one.asked, --outstanding_) {
    report_.Lost(NumberOf(one, one.asked));
  }
}

void Load::SendDue(Clock::time_point now) {
  for (int i = 0; i < kMostInARow && next_ < total_ && TimeOf(next_) <= now;
       ++i) {
    if (next_ == options_.plan.first()) report_.Begin();
    Connection& one = connections_[next_++ % connections_.size()];
    ++one.due;
    ++outstanding_;
    if (one.fd < 0 && !Open(one)) {
      Broken(one);
    } else if (!one.busy && !one.connecting) {
      Ask(one, false);
    }
  }
}

std::string Load::Run() {
  server_.sin_family = AF_INET;
  server_.sin_port = htons(options_.port);
  if (inet_pton(AF_INET, options_.host.c_str(), &server_.sin_addr) != 1) {
    return options_.host + " is not an IPv4 address";
  }
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (Connection& one : connections_) {
    if (!Connect(one)) return fmt::format("connect: {}", std::strerror(errno));
  }
  // For who wants to do something meanwhile.
  fmt::print(stderr, "connected\n");
  begin_ = Clock::now();
  const Clock::time_point end = TimeOf(total_) + kPatience;
  std::array<epoll_event, 256> events;
  while (next_ < total_ || outstanding_ > 0) {
    const Clock::time_point now = Clock::now();
    if (now >= end) break;
    SendDue(now);
    const Clock::time_point until = next_ < total_ ? TimeOf(next_) : end;
    const nanoseconds pause = std::max(until - Clock::now(), nanoseconds(0));
    const timespec wait{pause.count() / 1'000'000'000,
                        pause.count() % 1'000'000'000};
    const int ready =
        epoll_pwait2(epoll_, events.data(), events.size(), &wait, nullptr);
    if (ready < 0 && errno != EINTR) {
      return fmt::format("epoll_pwait2: {}", std::strerror(errno));
    }
    for (int i = 0; i < ready; ++i) {
      Ready(*static_cast<Connection*>(events[i].data.ptr));
    }
  }
  report_.End();
  return "";
}

}  // namespace
}  // namespace ta::bench

int main(int argc, char** argv) {
  ta::bench::Options options;
  CLI::App app("Polls a server at a constant rate over many connections.");
  app.add_option("--host", options.host, "IPv4 address");
  app.add_option("--port", options.port)->required();
  app.add_option("path", options.path, "may have {job} and {collector}")
      ->required();
  app.add_option("--jobs", options.jobs)->check(CLI::PositiveNumber);
  app.add_option("--collectors", options.collectors)
      ->check(CLI::PositiveNumber);
  app.add_option("--connections", options.plan.connections)
      ->check(CLI::PositiveNumber);
  app.add_option("--rate", options.plan.rate, "requests a second, over all")
      ->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.plan.seconds)->check(CLI::PositiveNumber);
  app.add_option("--warmup", options.plan.warmup,
                 "seconds before, not measured")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--sources", options.sources, "from 127.0.0.1 on")
      ->check(CLI::Range(1, 250));
  app.add_option("--header", options.headers, "\"Name: value\", any number");
  app.add_flag("--conditional", options.conditional,
               "asks with the last ETag of each URL");
  CLI11_PARSE(app, argc, argv);
  ta::bench::Load load(std::move(options));
  if (const std::string problem = load.Run(); !problem.empty()) {
    fmt::print(stderr, "{}\n", problem);
    return 1;
  }
  fmt::print("{}\n", load.report().Json());
  return 0;
}
