#include "test/discovery/dns_server.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <stdexcept>
#include <utility>

namespace ta::test {
namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kHeaderBytes = 12;

unsigned NumberAt(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes.at(at)) << 8 |
         static_cast<unsigned char>(bytes.at(at + 1));
}

DnsQuery QueryOf(std::string bytes, bool is_tcp) {
  DnsQuery query;
  std::size_t at = kHeaderBytes;
  while (const std::size_t length =
             static_cast<unsigned char>(bytes.at(at++))) {
    query.name += bytes.substr(at, length) + '.';
    at += length;
  }
  if (query.name.empty()) query.name = ".";
  query.type = static_cast<std::uint16_t>(NumberAt(bytes, at));
  query.question = bytes.substr(kHeaderBytes, at + 4 - kHeaderBytes);
  query.edns = NumberAt(bytes, 10) > 0;
  query.tcp = is_tcp;
  query.bytes = std::move(bytes);
  return query;
}

}  // namespace

std::string DnsNumber(std::uint16_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

std::string DnsName(std::string_view name) {
  std::string bytes;
  while (!name.empty() && name != ".") {
    const std::size_t end = name.find('.');
    bytes += static_cast<char>(end);
    bytes += name.substr(0, end);
    name.remove_prefix(end + 1);
  }
  return bytes + '\0';
}

std::string DnsRecordOf(std::uint16_t type, std::string_view data) {
  return "\xc0\x0c" + DnsNumber(type) + DnsNumber(1) + std::string(4, '\0') +
         DnsNumber(static_cast<std::uint16_t>(data.size())) + std::string(data);
}

std::string ARecord(const std::string& address) {
  const auto bytes = asio::ip::make_address_v4(address).to_bytes();
  return DnsRecordOf(1, {reinterpret_cast<const char*>(bytes.data()), 4});
}

std::string AaaaRecord(const std::string& address) {
  const auto bytes = asio::ip::make_address_v6(address).to_bytes();
  return DnsRecordOf(28, {reinterpret_cast<const char*>(bytes.data()), 16});
}

std::string SrvRecord(std::uint16_t port, std::string_view target) {
  return DnsRecordOf(
      33, DnsNumber(1) + DnsNumber(2) + DnsNumber(port) + DnsName(target));
}

std::string MxRecord(std::string_view target) {
  return DnsRecordOf(15, DnsNumber(10) + DnsName(target));
}

std::string NsRecord(std::string_view target) {
  return DnsRecordOf(2, DnsName(target));
}

std::string CnameRecord(std::string_view target) {
  return DnsRecordOf(5, DnsName(target));
}

std::string DnsMessageOf(const DnsQuery& query, const DnsParts& parts) {
  std::string bytes = query.bytes.substr(0, 2);
  bytes += DnsNumber(static_cast<std::uint16_t>(
      0x8180 | (parts.truncated ? 0x0200 : 0) | parts.code));
  bytes += DnsNumber(1);
  const auto sections = {&parts.answers, &parts.authorities, &parts.more};
  for (const auto* section : sections) {
    bytes += DnsNumber(static_cast<std::uint16_t>(section->size()));
  }
  bytes += query.question;
  for (const auto* section : sections) {
    for (const std::string& record : *section) bytes += record;
  }
  return bytes;
}

DnsReply Answers(const DnsQuery& query, std::vector<std::string> records) {
  return {{DnsMessageOf(query, {.answers = std::move(records)})}};
}

DnsReply Code(const DnsQuery& query, int code) {
  return {{DnsMessageOf(query, {.code = code})}};
}

DnsServer::DnsServer(Script script, const std::string& address,
                     std::uint16_t port)
    : script_(std::move(script)) {
  const auto ip = asio::ip::make_address(address);
  for (int left = 100; !tcp_.is_open(); --left) {
    udp_ = udp::socket(loop_, udp::endpoint(ip, port));
    tcp_.open(tcp::endpoint(ip, port).protocol());
    tcp_.set_option(tcp::acceptor::reuse_address(true));
    boost::system::error_code taken;
    tcp_.bind(tcp::endpoint(ip, udp_.local_endpoint().port()), taken);
    if (!taken) continue;
    tcp_.close();
    if (port != 0 || left == 0) throw std::runtime_error(taken.message());
  }
  tcp_.listen();
  asio::co_spawn(loop_, ServeUdp(), asio::detached);
  asio::co_spawn(loop_, Accept(), asio::detached);
  thread_ = std::thread([this] { loop_.run(); });
}

DnsServer::~DnsServer() {
  loop_.stop();
  thread_.join();
}

asio::awaitable<void> DnsServer::ServeUdp() {
  std::string buffer(65536, '\0');
  while (true) {
    udp::endpoint from;
    const auto [error, size] =
        co_await udp_.async_receive_from(asio::buffer(buffer), from, kAwait);
    if (error) continue;
    DnsReply reply = script_(QueryOf(buffer.substr(0, size), false));
    asio::co_spawn(loop_, Send(std::move(reply), from), asio::detached);
  }
}

asio::awaitable<void> DnsServer::Send(DnsReply reply, udp::endpoint to) {
  asio::steady_timer timer(loop_, reply.after);
  co_await timer.async_wait(kAwait);
  for (const std::string& message : reply.messages) {
    co_await udp_.async_send_to(asio::buffer(message), to, kAwait);
  }
}

asio::awaitable<void> DnsServer::Accept() {
  while (true) {
    tcp::socket peer(loop_);
    const auto [error] = co_await tcp_.async_accept(peer, kAwait);
    if (error) continue;
    asio::co_spawn(loop_, ServeTcp(std::move(peer)), asio::detached);
  }
}

asio::awaitable<void> DnsServer::ServeTcp(tcp::socket peer) {
  while (true) {
    std::string length(2, '\0');
    const auto [cut, read] =
        co_await asio::async_read(peer, asio::buffer(length), kAwait);
    if (cut) co_return;
    std::string bytes(NumberAt(length, 0), '\0');
    const auto [cut_again, read_again] =
        co_await asio::async_read(peer, asio::buffer(bytes), kAwait);
    if (cut_again) co_return;
    const DnsReply reply = script_(QueryOf(std::move(bytes), true));
    asio::steady_timer timer(loop_, reply.after);
    co_await timer.async_wait(kAwait);
    std::string sent;
    for (const std::string& message : reply.messages) {
      sent += DnsNumber(static_cast<std::uint16_t>(message.size())) + message;
    }
    if (reply.cut_at) sent.resize(std::min(sent.size(), *reply.cut_at));
    co_await asio::async_write(peer, asio::buffer(sent), kAwait);
    if (reply.cut_at) co_return;
  }
}

}  // namespace ta::test
