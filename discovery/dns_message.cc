#include "discovery/dns_message.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address_v4.hpp>
#include <cstddef>
#include <optional>
#include <utility>

namespace ta {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kMostNameBytes = 255;  // labels, their lengths, the root
constexpr int kMostPointers = 126;  // as miekg/dns: more is no honest name
constexpr std::uint16_t kOpt = 41;

std::unexpected<Error> Bad(std::string message) {
  return std::unexpected(Error{Error::Code::kRetry, std::move(message)});
}

// As miekg/dns: what zone files give a meaning is escaped, and what is not
// printable is a number.
void AppendLabel(std::string_view label, std::string& text) {
  constexpr std::string_view kSpecial = ". '@;()\"\\";
  for (const char c : label) {
    const auto byte = static_cast<unsigned char>(c);
    if (kSpecial.contains(c)) {
      text += '\\';
      text += c;
    } else if (byte < ' ' || byte > '~') {
      text += '\\';
      text += static_cast<char>('0' + byte / 100);
      text += static_cast<char>('0' + byte / 10 % 10);
      text += static_cast<char>('0' + byte % 10);
    } else {
      text += c;
    }
  }
  text += '.';
}

// net.IP's String: the longest run of two or more zeros is "::", and what maps
// an IPv4 address is shown as that. (inet_ntop has dots in other places, too.)
std::string Ipv6Text(std::string_view bytes) {
  std::array<unsigned, 8> words{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = static_cast<unsigned char>(bytes[2 * i]) << 8 |
               static_cast<unsigned char>(bytes[2 * i + 1]);
  }
  const auto is_zero = [](unsigned word) { return word == 0; };
  if (std::all_of(words.begin(), words.begin() + 5, is_zero) &&
      words[5] == 0xffff) {
    return boost::asio::ip::address_v4(words[6] << 16 | words[7]).to_string();
  }
  std::size_t begin = words.size(), length = 1;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto end = std::find_if_not(
        words.begin() + static_cast<std::ptrdiff_t>(i), words.end(), is_zero);
    const auto run = static_cast<std::size_t>(end - words.begin()) - i;
    if (run > length) {
      begin = i;
      length = run;
    }
  }
  std::string text;
  for (std::size_t i = 0; i < words.size();) {
    if (i == begin) {
      text += "::";
      i += length;
      continue;
    }
    if (!text.empty() && !text.ends_with(':')) text += ':';
    char digits[4];
    std::size_t count = 0;
    for (unsigned rest = words[i++]; count == 0 || rest != 0; rest >>= 4) {
      digits[count++] = "0123456789abcdef"[rest & 15];
    }
    while (count > 0) text += digits[--count];
  }
  return text;
}

// Reads forward; nothing is left of what it said after its first failure.
class Reader {
 public:
  explicit Reader(std::string_view message) : message_(message) {}

  std::size_t at() const { return at_; }

  std::optional<std::uint16_t> Number16() {
    const auto bytes = Bytes(2);
    if (!bytes) return std::nullopt;
    return static_cast<std::uint16_t>(static_cast<unsigned char>((*bytes)[0])
                                          << 8 |
                                      static_cast<unsigned char>((*bytes)[1]));
  }

  std::optional<std::string_view> Bytes(std::size_t count) {
    if (message_.size() - at_ < count) return std::nullopt;
    const auto bytes = message_.substr(at_, count);
    at_ += count;
    return bytes;
  }

  // A name as text, with its final dot; "." is the root.
  std::optional<std::string> Name() {
    std::string text;
    std::size_t name_bytes = 1;
    std::size_t next = at_;    // where the name goes on
    std::size_t after = 0;     // where it began to go elsewhere, if it did
    std::size_t before = at_;  // it leads there only: no name runs in circles
    int pointers = 0;
    while (true) {
      if (next >= message_.size()) return std::nullopt;
      const std::size_t length = static_cast<unsigned char>(message_[next++]);
      if (length == 0) break;
      if (length >= 0xc0) {
        if (next >= message_.size()) return std::nullopt;
        const std::size_t target =
            (length & 0x3f) << 8 | static_cast<unsigned char>(message_[next++]);
        if (after == 0) after = next;
        if (target >= before || ++pointers > kMostPointers) {
          return std::nullopt;
        }
        next = before = target;
        continue;
      }
      name_bytes += length + 1;
      if (length >= 0x40 || name_bytes > kMostNameBytes ||
          message_.size() - next < length) {
        return std::nullopt;
      }
      AppendLabel(message_.substr(next, length), text);
      next += length;
    }
    at_ = after == 0 ? next : after;
    if (text.empty()) text = ".";
    return text;
  }

 private:
  const std::string_view message_;
  std::size_t at_ = 0;
};

struct RawRecord {
  std::uint16_t type = 0;
  std::uint8_t code_bits = 0;  // of OPT: the upper ones of the answer's code
  std::size_t end = 0;         // of its data
  std::optional<DnsRecord> known;
};

// What the data of a record of a known type says: nothing if it says too
// little, or leaves bytes over.
std::optional<DnsRecord> ReadData(DnsType type, Reader& reader,
                                  std::size_t end) {
  DnsRecord record{type, {}, 0};
  const std::size_t length = end - reader.at();
  if (type == DnsType::kA || type == DnsType::kAaaa) {
    const auto bytes = reader.Bytes(length);
    if (!bytes || length != (type == DnsType::kA ? 4U : 16U)) {
      return std::nullopt;
    }
    if (type == DnsType::kAaaa) {
      record.data = Ipv6Text(*bytes);
    } else {
      boost::asio::ip::address_v4::bytes_type address;
      std::copy(bytes->begin(), bytes->end(), address.begin());
      record.data = boost::asio::ip::address_v4(address).to_string();
    }
    return record;
  }
  if (type == DnsType::kMx && !reader.Number16()) return std::nullopt;
  if (type == DnsType::kSrv) {
    if (!reader.Bytes(4)) return std::nullopt;  // priority, weight
    const auto port = reader.Number16();
    if (!port) return std::nullopt;
    record.port = *port;
  }
  auto name = reader.Name();
  if (!name || reader.at() != end) return std::nullopt;
  record.data = *std::move(name);
  return record;
}

bool IsKnown(std::uint16_t type) {
  switch (static_cast<DnsType>(type)) {
    case DnsType::kA:
    case DnsType::kNs:
    case DnsType::kMx:
    case DnsType::kAaaa:
    case DnsType::kSrv:
      return true;
  }
  return false;
}

std::optional<RawRecord> ReadRecord(std::string_view message, Reader& reader) {
  RawRecord record;
  if (!reader.Name()) return std::nullopt;
  const auto type = reader.Number16();
  if (!type || !reader.Number16()) return std::nullopt;  // its class
  const auto ttl = reader.Bytes(4);
  const auto length = ttl ? reader.Number16() : std::nullopt;
  if (!length || message.size() - reader.at() < *length) return std::nullopt;
  record.type = *type;
  record.code_bits = static_cast<std::uint8_t>((*ttl)[0]);
  record.end = reader.at() + *length;
  if (IsKnown(*type)) {
    // Of what is behind it the data knows nothing.
    Reader data(message.substr(0, record.end));
    data.Bytes(reader.at());
    record.known = ReadData(static_cast<DnsType>(*type), data, record.end);
    if (!record.known) return std::nullopt;
  }
  reader.Bytes(*length);
  return record;
}

}  // namespace

std::string_view NameOf(DnsType type) {
  switch (type) {
    case DnsType::kA:
      return "A";
    case DnsType::kNs:
      return "NS";
    case DnsType::kMx:
      return "MX";
    case DnsType::kAaaa:
      return "AAAA";
    case DnsType::kSrv:
      break;
  }
  return "SRV";
}

std::string DnsCodeText(int code) {
  constexpr std::array kNames = {"NOERROR",  "FORMERR", "SERVFAIL",
                                 "NXDOMAIN", "NOTIMP",  "REFUSED"};
  if (code >= 0 && static_cast<std::size_t>(code) < kNames.size()) {
    return kNames[static_cast<std::size_t>(code)];
  }
  return "code " + std::to_string(code);
}

Result<DnsAnswer> ReadDnsAnswer(std::string_view message) {
  Reader reader(message);
  std::array<std::uint16_t, kHeaderBytes / 2> header{};
  for (std::uint16_t& number : header) {
    const auto read = reader.Number16();
    if (!read) return Bad("the answer is cut in its header");
    number = *read;
  }
  const auto [id, flags, questions, answers, authorities, more] = header;
  if ((flags & 0x8000) == 0) return Bad("the answer is a question");
  DnsAnswer answer;
  answer.code = flags & 0xf;
  answer.truncated = (flags & 0x0200) != 0;
  if (answer.truncated) return answer;
  for (unsigned i = 0; i < questions; ++i) {
    if (!reader.Name() || !reader.Bytes(4)) {
      return Bad("the answer's question is cut or garbage");
    }
  }
  const unsigned all = unsigned{answers} + authorities + more;
  for (unsigned i = 0; i < all; ++i) {
    auto record = ReadRecord(message, reader);
    if (!record) {
      return Bad("record " + std::to_string(i + 1) + " of " +
                 std::to_string(all) + " of the answer is cut or garbage");
    }
    if (record->type == kOpt && i >= unsigned{answers} + authorities) {
      answer.code |= record->code_bits << 4;
    }
    if (i < answers && record->known) {
      answer.records.push_back(*std::move(record->known));
    }
  }
  return answer;
}

}  // namespace ta
