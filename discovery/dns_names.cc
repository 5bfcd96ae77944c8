#include "discovery/dns_names.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace ta {
namespace {

constexpr int kMostDots = 15;

std::vector<std::string> WordsOf(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r\v\f";
  std::vector<std::string> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kSpace), line.size()));
    if (line.empty()) return words;
    const std::size_t end = std::min(line.find_first_of(kSpace), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

// 0 for what is no number, as in Go.
int DotsOf(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int dots = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), dots);
  if (end != text.data() + text.size()) return 0;
  if (error == std::errc::result_out_of_range) {
    return text.starts_with('-') ? 0 : kMostDots;
  }
  return error == std::errc() ? std::clamp(dots, 0, kMostDots) : 0;
}

// Is the byte at `i` escaped: behind an odd number of backslashes?
bool IsEscaped(std::string_view text, std::size_t i) {
  std::size_t begin = i;
  while (begin > 0 && text[begin - 1] == '\\') --begin;
  return (i - begin) % 2 != 0;
}

bool HasFinalDot(std::string_view name) {
  return name.ends_with('.') && !IsEscaped(name, name.size() - 1);
}

std::string WithFinalDot(std::string name) {
  if (!HasFinalDot(name)) name += '.';
  return name;
}

}  // namespace

ResolvConf ParseResolvConf(std::string_view text) {
  ResolvConf conf;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::vector<std::string> words = WordsOf(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    const std::string key = std::move(words.front());
    words.erase(words.begin());
    if (key == "nameserver" && !words.empty()) {
      conf.servers.push_back(std::move(words.front()));
    } else if (key == "search") {
      conf.search = std::move(words);
    } else if (key == "domain") {
      words.resize(std::min<std::size_t>(words.size(), 1));
      conf.search = std::move(words);
    } else if (key == "options") {
      constexpr std::string_view kNdots = "ndots:";
      for (const std::string_view word : words) {
        if (!word.starts_with(kNdots)) continue;
        conf.ndots = DotsOf(word.substr(kNdots.size()));
      }
    }
  }
  return conf;
}

std::vector<std::string> NamesToAsk(std::string_view name,
                                    const ResolvConf& conf) {
  if (HasFinalDot(name)) return {std::string(name)};
  int dots = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '.' && !IsEscaped(name, i)) ++dots;
  }
  const std::string whole = WithFinalDot(std::string(name));
  std::vector<std::string> names;
  if (dots >= conf.ndots) names.push_back(whole);
  for (const std::string& domain : conf.search) {
    names.push_back(WithFinalDot(whole + domain));
  }
  if (dots < conf.ndots) names.push_back(whole);
  return names;
}

}  // namespace ta
