#include "allocator/config/otel_environment.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "allocator/base/ascii.h"
#include "allocator/base/percent.h"

namespace ta {
namespace {

bool IsNameByte(char c, bool first) {
  return AsciiLower(c) == '_' ||
         (AsciiLower(c) >= 'a' && AsciiLower(c) <= 'z') ||
         (!first && c >= '0' && c <= '9');
}

bool IsName(std::string_view name) {
  return !name.empty() && IsNameByte(name.front(), true) &&
         std::ranges::all_of(name.substr(1),
                             [](char c) { return IsNameByte(c, false); });
}

struct Reference {
  std::string_view name;
  std::optional<std::string_view> fallback;
};

// Of what stands between the braces.
std::optional<Reference> ParseReference(std::string_view text) {
  constexpr std::string_view kScheme = "env:";
  if (text.starts_with(kScheme)) text.remove_prefix(kScheme.size());
  Reference reference{text, std::nullopt};
  if (const auto at = text.find(":-"); at != text.npos) {
    reference = {text.substr(0, at), text.substr(at + 2)};
  }
  if (!IsName(reference.name)) return std::nullopt;
  return reference;
}

void Put(const Reference& reference, const Environment& environment,
         ReplacedText& out) {
  const std::string name(reference.name);
  const auto found = environment.find(name);
  if (found != environment.end() && !found->second.empty()) {
    out.text += found->second;
  } else if (reference.fallback) {
    out.text += *reference.fallback;
  } else {
    out.missing.push_back(name);
  }
}

// Calls `take` with each `name=value`, blanks around both left out; the number
// of the first that is none, from 1, or 0.
template <typename Take>
int SplitPairs(std::string_view text, Take take) {
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find(','), text.size());
    const auto pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = pair.find('=');
    const auto name = TrimBlanks(pair.substr(0, equals));
    if (equals == pair.npos || name.empty()) return number;
    // All of it as it is where a part is not well formed, as Go's SDK does.
    const auto value = TrimBlanks(pair.substr(equals + 1));
    take(name, PercentDecodeStrictly(value).value_or(std::string(value)));
  }
  return 0;
}

std::string_view ValueIn(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view()
                                    : TrimBlanks(found->second);
}

}  // namespace

ReplacedText ReplaceEnvReferences(std::string_view text,
                                  const Environment& environment) {
  ReplacedText out;
  while (!text.empty()) {
    const auto dollars = std::min(text.find_first_not_of('$'), text.size());
    const bool opens = dollars < text.size() && text[dollars] == '{';
    if (dollars == 0 || !opens) {
      const std::size_t plain = std::max<std::size_t>(dollars, 1);
      out.text += text.substr(0, plain);
      text.remove_prefix(plain);
      continue;
    }
    out.text.append(dollars / 2, '$');
    text.remove_prefix(dollars);
    const auto end = text.find('}');
    const auto reference = dollars % 2 == 1 && end != text.npos
                               ? ParseReference(text.substr(1, end - 1))
                               : std::nullopt;
    if (reference) {
      Put(*reference, environment, out);
      text.remove_prefix(end + 1);
    } else {
      if (dollars % 2 == 1) out.text += '$';
      out.text += '{';
      text.remove_prefix(1);
    }
  }
  return out;
}

EnvironmentResource ResourceOf(const Environment& environment) {
  EnvironmentResource out;
  const int wrong = SplitPairs(ValueIn(environment, "OTEL_RESOURCE_ATTRIBUTES"),
                               [&](std::string_view name, std::string value) {
                                 out.attributes.insert_or_assign(
                                     std::string(name), std::move(value));
                               });
  if (wrong != 0) {
    out.attributes.clear();
    out.problem = "OTEL_RESOURCE_ATTRIBUTES is not used: attribute " +
                  std::to_string(wrong) + " is no name=value";
  }
  const auto service = ValueIn(environment, "OTEL_SERVICE_NAME");
  if (!service.empty()) {
    out.attributes.insert_or_assign("service.name", std::string(service));
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> ParseHeadersList(
    std::string_view text) {
  std::vector<std::pair<std::string, std::string>> headers;
  const int wrong =
      SplitPairs(text, [&](std::string_view name, std::string value) {
        headers.emplace_back(name, std::move(value));
      });
  if (wrong != 0) {
    return Reject("header " + std::to_string(wrong) + " is no name=value");
  }
  return headers;
}

}  // namespace ta
