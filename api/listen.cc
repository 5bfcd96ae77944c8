#include "api/listen.h"

#include <boost/asio/ip/v6_only.hpp>
#include <charconv>
#include <cstdint>
#include <vector>

namespace ta {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// The kernel clamps it to somaxconn. All collectors connect at once after a
// restart, each with a connection for every job.
constexpr int kBacklog = 65535;

std::unexpected<Error> GiveUp(const char* step,
                              const boost::system::error_code& error) {
  return std::unexpected(
      Error{Error::Code::kGiveUp, std::string(step) + ": " + error.message()});
}

Result<tcp::acceptor> Open(asio::io_context& context,
                           const tcp::endpoint& endpoint, bool dual_stack) {
  tcp::acceptor acceptor(context);
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return GiveUp("socket", error);
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (endpoint.address().is_v6()) {
    acceptor.set_option(asio::ip::v6_only(!dual_stack), error);
    if (error) return GiveUp("dual stack", error);
  }
  acceptor.bind(endpoint, error);
  if (error) return GiveUp("bind", error);
  acceptor.listen(kBacklog, error);
  if (error) return GiveUp("listen", error);
  return acceptor;
}

}  // namespace

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) {
    return Reject("listen address " + std::string(text) +
                  ": no port; write host:port or :port");
  }
  ListenAddress address{std::string(text.substr(0, colon)),
                        std::string(text.substr(colon + 1))};
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (address.host.find(':') != std::string::npos) {
    return Reject("listen address " + std::string(text) +
                  ": an IPv6 address needs brackets");
  }
  std::uint16_t port = 0;
  const char* const end = address.port.data() + address.port.size();
  const auto parsed = std::from_chars(address.port.data(), end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return Reject("listen address " + std::string(text) +
                  ": the port must be a number from 0 to 65535");
  }
  return address;
}

Result<tcp::acceptor> Listen(asio::io_context& context,
                             const ListenAddress& address) {
  if (address.host.empty()) {
    const auto port = static_cast<std::uint16_t>(std::stoi(address.port));
    auto both = Open(context, {tcp::v6(), port}, true);
    if (both) return both;
    auto only_v4 = Open(context, {tcp::v4(), port}, false);
    if (only_v4) return only_v4;
    // Where IPv6 is off its error says so, which is not what is wrong.
    return only_v4;
  }
  boost::system::error_code error;
  const auto found = tcp::resolver(context).resolve(
      address.host, address.port, tcp::resolver::passive, error);
  if (error) return GiveUp("resolve", error);
  Result<tcp::acceptor> last = Reject("no address");
  for (const auto& entry : found) {
    last = Open(context, entry.endpoint(), false);
    if (last) break;
  }
  return last;
}

}  // namespace ta
