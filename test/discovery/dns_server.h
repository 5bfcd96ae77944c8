// A name server that does what a test's script says, and messages made by hand:
// also late, cut, forged and wrong ones. UDP and TCP on loopback.

#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ta::test {

struct DnsQuery {
  std::string bytes;     // the message
  std::string question;  // its question's, name, type and class
  std::string name;      // as text, with its final dot
  std::uint16_t type = 0;
  bool edns = false;
  bool tcp = false;
};

struct DnsReply {
  std::vector<std::string> messages;  // none: silence
  // TCP: so many bytes of them all, lengths included, and then the end.
  std::optional<std::size_t> cut_at = {};
  std::chrono::milliseconds after{0};
};

// The parts of messages. A name in them is "a.example.", without escapes.
std::string DnsNumber(std::uint16_t number);
std::string DnsName(std::string_view name);
// Its owner is the question's name.
std::string DnsRecordOf(std::uint16_t type, std::string_view data);
std::string ARecord(const std::string& address);
std::string AaaaRecord(const std::string& address);
std::string SrvRecord(std::uint16_t port, std::string_view target);
std::string MxRecord(std::string_view target);
std::string NsRecord(std::string_view target);
std::string CnameRecord(std::string_view target);

struct DnsParts {
  int code = 0;
  bool truncated = false;
  std::vector<std::string> answers = {};
  std::vector<std::string> authorities = {};
  std::vector<std::string> more = {};
};
std::string DnsMessageOf(const DnsQuery& query, const DnsParts& parts);

// The usual replies.
DnsReply Answers(const DnsQuery& query, std::vector<std::string> records);
DnsReply Code(const DnsQuery& query, int code);

class DnsServer {
 public:
  // Called on the server's thread.
  using Script = std::function<DnsReply(const DnsQuery&)>;

  // Port 0: one that is free for both.
  explicit DnsServer(Script script, const std::string& address = "127.0.0.1",
                     std::uint16_t port = 0);
  ~DnsServer();  // silence, and the end of its connections

  std::uint16_t port() const { return udp_.local_endpoint().port(); }

 private:
  boost::asio::awaitable<void> ServeUdp();
  boost::asio::awaitable<void> Send(DnsReply reply,
                                    boost::asio::ip::udp::endpoint to);
  boost::asio::awaitable<void> Accept();
  boost::asio::awaitable<void> ServeTcp(boost::asio::ip::tcp::socket peer);

  const Script script_;
  boost::asio::io_context loop_;
  boost::asio::ip::udp::socket udp_{loop_};
  boost::asio::ip::tcp::acceptor tcp_{loop_};
  std::thread thread_;
};

}  // namespace ta::test
