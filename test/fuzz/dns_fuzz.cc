// Any bytes read as what a name server answers, and as a resolv.conf: no crash,
// names and addresses that are fit for labels, no record out of nothing.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "discovery/dns_message.h"
#include "discovery/dns_names.h"
#include "test/fuzz/require.h"

namespace ta {
namespace {

constexpr std::size_t kHeaderBytes = 12;

void CheckRecord(const DnsRecord& record) {
  const bool is_address =
      record.type == DnsType::kA || record.type == DnsType::kAaaa;
  TA_REQUIRE(!record.data.empty());
  TA_REQUIRE(is_address != record.data.ends_with('.'));
  // 255 bytes, of which each may take four characters.
  TA_REQUIRE(record.data.size() <= 1020);
  TA_REQUIRE(std::ranges::all_of(record.data,
                                 [](char c) { return c >= ' ' && c <= '~'; }));
  TA_REQUIRE(record.type == DnsType::kSrv || record.port == 0);
}

void CheckAnswer(std::string_view message) {
  const auto answer = ReadDnsAnswer(message);
  if (!answer) {
    TA_REQUIRE(!answer.error().message.empty());
    return;
  }
  TA_REQUIRE(!answer->truncated || answer->records.empty());
  for (const DnsRecord& record : answer->records) CheckRecord(record);
  if (answer->records.empty()) return;
  TA_REQUIRE(!ReadDnsAnswer(message.substr(0, kHeaderBytes)));
}

void CheckNames(std::string_view text) {
  const ResolvConf conf = ParseResolvConf(text);
  TA_REQUIRE(conf.ndots >= 0 && conf.ndots <= 15);
  const std::string_view name = text.substr(0, text.find('\n'));
  const auto names = NamesToAsk(name, conf);
  TA_REQUIRE(names.size() == 1 || names.size() == 1 + conf.search.size());
  for (const std::string& full : names) TA_REQUIRE(full.ends_with('.'));
}

}  // namespace
}  // namespace ta

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ta::CheckAnswer(bytes);
  ta::CheckNames(bytes);
  return 0;
}
