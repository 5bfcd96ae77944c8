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
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
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
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/answer_reader.h"
#include "bench/latencies.h"

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
  std::uint64_t connections = 1;
  double rate = 100;
  double seconds = 1;
  double warmup = 0;
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
  bool busy = false;        // an answer is awaited
  std::uint64_t asked = 0;  // requests sent; the next one's turn
  std::uint64_t due = 0;    // requests whose time has come
  AnswerReader reader;
};

class Load {
 public:
  explicit Load(Options options)
      : options_(std::move(options)),
        total_(static_cast<std::uint64_t>(
            options_.rate * (options_.warmup + options_.seconds))),
        first_(static_cast<std::uint64_t>(options_.rate * options_.warmup)),
        connections_(options_.connections),
        latency_(total_),
        late_(total_) {
    for (const std::string& header : options_.headers) {
      tail_ += header + "\r\n";
    }
  }

  // Why it could not begin; "" if it ran.
  std::string Run();
  std::string Report() const;

 private:
  std::uint64_t PairOf(std::uint64_t connection, std::uint64_t turn) const {
    const std::uint64_t pairs = options_.jobs * options_.collectors;
    return (connection + turn * options_.connections) % pairs;
  }
  std::uint64_t NumberOf(const Connection& one) const {
    const auto index = static_cast<std::uint64_t>(&one - connections_.data());
    return index + (one.asked - 1) * options_.connections;
  }
  Clock::time_point TimeOf(std::uint64_t number) const {
    return begin_ + nanoseconds(std::llround(1e9 * static_cast<double>(number) /
                                             options_.rate));
  }

  bool Open(Connection& one);
  void Ask(Connection& one, bool waited);
  void Read(Connection& one);
  void Answered(Connection& one);
  void Broken(Connection& one);
  void SendDue(Clock::time_point now);

  const Options options_;
  const std::uint64_t total_;
  const std::uint64_t first_;  // of those that are measured
  std::string tail_ = "Host: bench\r\n";
  std::vector<Connection> connections_;
  int epoll_ = -1;
  Clock::time_point begin_;
  std::uint64_t next_ = 0;         // the first that is not due yet
  std::uint64_t outstanding_ = 0;  // due, and not answered
  std::string request_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  std::unordered_map<std::uint64_t, std::string> etags_;  // by pair

  Latencies latency_;
  Latencies late_;  // sent after its time, by our own fault
  std::map<int, std::uint64_t> statuses_;
  std::uint64_t broken_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::size_t smallest_body_ = std::numeric_limits<std::size_t>::max();
  std::size_t largest_body_ = 0;
};

bool Load::Open(Connection& one) {
  one.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
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
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(options_.port);
  inet_pton(AF_INET, options_.host.c_str(), &server.sin_addr);
  if (bind(one.fd, reinterpret_cast<sockaddr*>(&source), sizeof source) != 0 ||
      connect(one.fd, reinterpret_cast<sockaddr*>(&server), sizeof server) !=
          0) {
    close(one.fd);
    one.fd = -1;
    return false;
  }
  fcntl(one.fd, F_SETFL, O_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &one;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, one.fd, &event) == 0;
}

void Load::Ask(Connection& one, bool waited) {
  ++one.asked;
  const std::uint64_t number = NumberOf(one);
  const std::uint64_t pair =
      PairOf(number % options_.connections, number / options_.connections);
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
  if (options_.conditional) {
    const auto known = etags_.find(pair);
    if (known != etags_.end()) {
      request_.append("If-None-Match: ").append(known->second).append("\r\n");
    }
  }
  request_ += "\r\n";
  one.busy = true;
  one.reader.Begin();
  if (!waited) late_.Set(number, Clock::now() - TimeOf(number));
  // An idle connection's buffer has room for any request.
  if (one.fd < 0 ||
      send(one.fd, request_.data(), request_.size(), MSG_NOSIGNAL) !=
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
  const std::uint64_t number = NumberOf(one);
  const AnswerReader& answer = one.reader;
  if (number >= first_) {
    latency_.Set(number, Clock::now() - TimeOf(number));
    ++statuses_[answer.status()];
    body_bytes_ += answer.body_bytes();
    if (answer.status() == 200) {
      smallest_body_ = std::min(smallest_body_, answer.body_bytes());
      largest_body_ = std::max(largest_body_, answer.body_bytes());
    }
  }
  if (options_.conditional && answer.status() == 200) {
    etags_[PairOf(number % options_.connections,
                  number / options_.connections)] = answer.etag();
  }
  one.busy = false;
  --outstanding_;
  if (one.asked < one.due) Ask(one, true);
}

// Its request is lost; the next one goes over a connection of its own.
void Load::Broken(Connection& one) {
  if (one.fd >= 0) close(one.fd);
  one.fd = -1;
  ++broken_;
  if (one.busy) --outstanding_;
  one.busy = false;
  // What is due meanwhile is lost, too, or a dead server would be asked on.
  outstanding_ -= one.due - one.asked;
  broken_ += one.due - one.asked;
  one.asked = one.due;
  Open(one);
}

void Load::SendDue(Clock::time_point now) {
  for (int i = 0; i < kMostInARow && next_ < total_ && TimeOf(next_) <= now;
       ++i) {
    Connection& one = connections_[next_++ % options_.connections];
    ++one.due;
    ++outstanding_;
    if (!one.busy) Ask(one, false);
  }
}

std::string Load::Run() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (Connection& one : connections_) {
    if (!Open(one)) return fmt::format("connect: {}", std::strerror(errno));
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
    for (int i = 0; i < ready; ++i) {
      Read(*static_cast<Connection*>(events[i].data.ptr));
    }
  }
  return "";
}

std::string Load::Report() const {
  const auto latency = latency_.Sorted(first_, total_);
  const auto late = late_.Sorted(first_, total_);
  std::string statuses;
  std::uint64_t failed = 0;
  for (const auto& [status, count] : statuses_) {
    fmt::format_to(std::back_inserter(statuses), "{}\"{}\":{}",
                   statuses.empty() ? "" : ",", status, count);
    if (status != 200 && status != 304) failed += count;
  }
  // By second in which they were scheduled.
  std::string p99_by_second;
  for (double second = 0; second < options_.seconds; ++second) {
    const auto number = [&](double at) {
      return first_ + static_cast<std::uint64_t>(options_.rate * at);
    };
    const auto part = latency_.Sorted(number(second), number(second + 1));
    fmt::format_to(std::back_inserter(p99_by_second), "{}{:.3f}",
                   second == 0 ? "" : ",", Percentile(part, 0.99));
  }
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) * 1e-6;
  };
  const std::uint64_t scheduled = total_ - first_;
  return fmt::format(
      "{{\"connections\":{},\"rate\":{},\"seconds\":{},\"scheduled\":{},"
      "\"answered\":{},\"unanswered\":{},\"failed\":{},\"broken\":{},"
      "\"statuses\":{{{}}},\"body_bytes\":{},\"smallest_body\":{},"
      "\"largest_body\":{},\"latency_ms\":{{\"p50\":{:.3f},\"p90\":{:.3f},"
      "\"p99\":{:.3f},\"p99_9\":{:.3f},\"max\":{:.3f}}},"
      "\"sent_late_ms\":{{\"p50\":{:.3f},\"p99\":{:.3f},\"max\":{:.3f}}},"
      "\"p99_ms_by_second\":[{}],\"cpu_seconds\":{:.3f}}}",
      options_.connections, options_.rate, options_.seconds, scheduled,
      latency.size(), scheduled - latency.size(), failed, broken_, statuses,
      body_bytes_, latency.empty() || largest_body_ == 0 ? 0 : smallest_body_,
      largest_body_, Percentile(latency, 0.5), Percentile(latency, 0.9),
      Percentile(latency, 0.99), Percentile(latency, 0.999),
      Percentile(latency, 1), Percentile(late, 0.5), Percentile(late, 0.99),
      Percentile(late, 1), p99_by_second,
      seconds(used.ru_utime) + seconds(used.ru_stime));
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
  app.add_option("--connections", options.connections)
      ->check(CLI::PositiveNumber);
  app.add_option("--rate", options.rate, "requests a second, over all")
      ->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds)->check(CLI::PositiveNumber);
  app.add_option("--warmup", options.warmup, "seconds before, not measured");
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
  fmt::print("{}\n", load.Report());
  return 0;
}
