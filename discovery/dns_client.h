// Asks one name server one question, by c-ares on an asio loop: no thread, no
// blocking call.
//
// c-ares carries messages, and nothing more of what it can do is used: which
// names are asked for, whom, and what an answer means is decided above and
// below it (dns.h, dns_message.h), as Prometheus does. Each question has a
// channel of its own. So it has its own source port, which makes its answer
// hard to forge; a burst of answers doesn't overflow one socket; and stopping
// ends it with all that it holds. A channel takes a socket or two, and less
// than 50 µs, most of which is for random numbers.
//
// As in Prometheus: UDP with room for 4096 bytes, TCP if that is too little, 2
// s for each, and no second try. Beyond it: an answer to another question, or
// from elsewhere, is not one; a server that doesn't know EDNS is asked without.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <stop_token>
#include <string>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "discovery/dns_message.h"

namespace ta {

struct DnsQuestion {
  std::string server;  // an IP address
  std::string name;    // with its final dot
  DnsType type = DnsType::kSrv;
};

// What all questions of a process share: how many there are at once. Confined
// to one loop, and gone before it.
class DnsClient {
 public:
  struct Options {
    std::uint16_t port = 53;
    Duration timeout = std::chrono::seconds(2);  // UDP, and then TCP
    // Asked at once: a socket each, and two while it asks by TCP. The server
    // leaves 256 descriptors to all but its connections. Others wait for their
    // turn, in order.
    std::size_t most_at_once = 100;
  };

  explicit DnsClient(Options options);
  DnsClient() : DnsClient(Options{}) {}

  // An answer that says yes or no, with kDnsNoError or kDnsNoSuchName; anything
  // else is an error (kRetry): silence, garbage, another code, more than fits.
  boost::asio::awaitable<Result<DnsAnswer>> Ask(
      boost::asio::any_io_executor executor, DnsQuestion question,
      std::stop_token stop);

  std::size_t asked_now() const { return asked_; }
  std::size_t most_at_once() const { return options_.most_at_once; }

 private:
  struct Turn;
  boost::asio::awaitable<bool> TakeTurn(boost::asio::any_io_executor executor,
                                        std::stop_token stop);
  void EndTurn();

  const Options options_;
  std::size_t asked_ = 0;
  std::deque<std::shared_ptr<Turn>> waiting_;
};

}  // namespace ta
