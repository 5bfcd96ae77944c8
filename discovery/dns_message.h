// A DNS answer out of its bytes, as far as discovery needs it. Sources: RFC
// 1035 (messages, A, NS, MX), 2782 (SRV), 3596 (AAAA), 6891 (the upper bits of
// the code); what Prometheus 3 makes of them: miekg/dns v1.1.72, msg.go.
//
// Not c-ares's ares_parse_*: each of those wants an answer of one type alone,
// while Prometheus takes every record that it knows, whatever was asked for;
// they know no name's final dot, which is in the labels; and they show names
// in a way of their own, where Prometheus has `\.` and `\032`.
//
// An answer is taken whole or not at all, so that targets don't go because
// bytes did. Stricter than Prometheus, which empties the group then: a message
// cut between two records, one that is a question, one of a header alone that
// announces records. No I/O.

#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/result.h"

namespace ta {

// What may be asked for, by its number in messages.
enum class DnsType : std::uint16_t {
  kA = 1,
  kNs = 2,
  kMx = 15,
  kAaaa = 28,
  kSrv = 33,
};

std::string_view NameOf(DnsType type);  // "A", "SRV", …

struct DnsRecord {
  DnsType type{};
  // Of A and AAAA the address as Go writes it; else the name that the record
  // leads to, with its final dot.
  std::string data;
  std::uint16_t port = 0;  // of SRV

  auto operator<=>(const DnsRecord&) const = default;
};

// Codes of answers that discovery tells apart.
inline constexpr int kDnsNoError = 0;
inline constexpr int kDnsNoSuchName = 3;

// "SERVFAIL", "REFUSED", …, "code 99".
std::string DnsCodeText(int code);

struct DnsAnswer {
  int code = 0;
  // It did not fit: `records` is empty, whatever there was.
  bool truncated = false;
  // In the order of the answer; of other types (CNAME, RRSIG, …) none.
  std::vector<DnsRecord> records;
};

// Errors, kRetry: not a whole answer.
Result<DnsAnswer> ReadDnsAnswer(std::string_view message);

}  // namespace ta
