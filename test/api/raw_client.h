// A TCP client that sends exactly what a test says, for what no HTTP library
// would do. Blocking, with a deadline on each wait; loopback only.

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace ta::test {

class RawClient {
 public:
  // A socket that is not connected yet.
  RawClient() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  explicit RawClient(std::uint16_t port) : RawClient() { Connect(port); }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), rest_(std::move(other.rest_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { Close(); }

  bool Connect(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd_, reinterpret_cast<sockaddr*>(&address),
                     sizeof address) == 0;
  }
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent =
          ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // "GET <target>" over HTTP/1.1 with a Host and `headers`, each ending in
  // "\r\n".
  bool Get(std::string_view target, std::string_view headers = "",
           std::string_view method = "GET") {
    return Send(std::string(method) + " " + std::string(target) +
                " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n");
  }

  // One answer: status line, headers, and as many bytes of body as they say.
  // Cut short where the server closes. `with_body` false: after a HEAD.
  std::string ReadAnswer(bool with_body = true) {
    std::size_t end;
    while ((end = rest_.find("\r\n\r\n")) == std::string::npos) {
      if (!Receive()) return std::exchange(rest_, {});
    }
    std::size_t size = end + 4;
    const std::size_t at = rest_.find("Content-Length: ");
    if (with_body && at < end) size += std::stoul(rest_.substr(at + 16));
    while (rest_.size() < size && Receive()) {
    }
    std::string answer = rest_.substr(0, size);
    rest_.erase(0, answer.size());
    return answer;
  }
  // Everything until the server closes.
  std::string ReadAll() {
    while (Receive()) {
    }
    return std::exchange(rest_, {});
  }
  // Whether the server closes (or resets) without sending anything more.
  bool IsClosed() { return ReadAll().empty(); }

  void FinishSending() { ::shutdown(fd_, SHUT_WR); }
  // Closes with a reset instead of a goodbye.
  void Reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Close();
  }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }

 private:
  bool Receive() {
    char bytes[16384];
    const ssize_t received = ::recv(fd_, bytes, sizeof bytes, 0);
    if (received <= 0) return false;
    rest_.append(bytes, static_cast<std::size_t>(received));
    return true;
  }

  int fd_;
  std::string rest_;  // received, not yet returned
};

// Waits until `holds`, for at most 20 s.
inline bool Eventually(const std::function<bool()>& holds) {
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace ta::test
