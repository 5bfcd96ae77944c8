#include "test/allocator/relabel_case.h"

#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace ta::test {
namespace {

namespace dom = simdjson::dom;

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::abort();
}

LabelMap ReadMap(const dom::object& object, const char* key) {
  LabelMap map;
  dom::object members;
  if (object[key].get(members) != simdjson::SUCCESS) return map;
  for (const auto& [name, value] : members) {
    map[std::string(name)] = std::string(value.get_string().value());
  }
  return map;
}

std::string ReadString(const dom::object& object, const char* key,
                       std::string fallback) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return fallback;
  return std::string(text);
}

const std::string_view kActions[] = {
    "replace",  "keep",      "drop",      "keepequal", "dropequal", "hashmod",
    "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"};

RelabelConfig::Action ParseAction(std::string name) {
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
  });
  const auto found = std::ranges::find(kActions, name);
  if (found == std::end(kActions)) Fail("no such action: " + name);
  return static_cast<RelabelConfig::Action>(found - std::begin(kActions));
}

// Each byte as the character of its number, if wanted.
std::string Latin1(std::string_view text, bool wanted) {
  if (!wanted) return std::string(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

std::string JsonMap(const LabelMap& map, bool bytes = false) {
  std::string out = "{";
  for (const auto& [name, value] : map) {
    if (out.size() > 1) out += ',';
    out += JsonString(Latin1(name, bytes)) + ":" +
           JsonString(Latin1(value, bytes));
  }
  return out + "}";
}

}  // namespace

Labels ToLabels(const LabelMap& map) {
  std::vector<LabelPair> pairs;
  for (const auto& [name, value] : map) pairs.push_back({name, value});
  return Labels::Of(std::move(pairs));
}

LabelMap ToMap(const Labels& labels) {
  LabelMap map;
  for (const auto& [name, value] : labels) map[std::string(name)] = value;
  return map;
}

std::string ToString(const RelabelResult& result) {
  if (result.dropped) return "dropped";
  if (!result.error.empty()) return "error: " + result.error;
  return JsonMap(result.labels);
}

RelabelRequest ParseRequest(std::string_view json) {
  dom::parser parser;
  dom::object root;
  if (parser.parse(simdjson::padded_string(json)).get(root) !=
      simdjson::SUCCESS) {
    Fail("not a JSON object: " + std::string(json));
  }
  RelabelRequest request;
  request.json = json;
  request.group = ReadMap(root, "group");
  dom::array targets;
  if (root["targets"].get(targets) == simdjson::SUCCESS) {
    for (const dom::element target : targets) {
      LabelMap labels;
      const dom::object members = target.get_object().value();
      for (const auto& [name, value] : members) {
        labels[std::string(name)] = std::string(value.get_string().value());
      }
      request.targets.push_back(std::move(labels));
    }
  }
  const dom::object config = root["scrape_config"].get_object().value();
  const bool legacy =
      ReadString(config, "metric_name_validation_scheme", "utf8") == "legacy";
  dom::array rules;
  if (config["relabel_configs"].get(rules) != simdjson::SUCCESS) return request;
  for (const dom::element element : rules) {
    const dom::object rule = element.get_object().value();
    RelabelConfig out;
    out.action = ParseAction(ReadString(rule, "action", "replace"));
    out.separator = ReadString(rule, "separator", out.separator);
    out.regex = ReadString(rule, "regex", out.regex);
    out.target_label = ReadString(rule, "target_label", "");
    out.replacement = ReadString(rule, "replacement", out.replacement);
    out.legacy_names = legacy;
    std::uint64_t modulus = 0;
    if (rule["modulus"].get(modulus) == simdjson::SUCCESS) {
      out.modulus = modulus;
    }
    dom::array sources;
    if (rule["source_labels"].get(sources) == simdjson::SUCCESS) {
      for (const dom::element source : sources) {
        out.source_labels.emplace_back(source.get_string().value());
      }
    }
    request.rules.push_back(std::move(out));
  }
  return request;
}

RelabelAnswer ParseAnswer(std::string_view json) {
  dom::parser parser;
  dom::object root;
  if (parser.parse(simdjson::padded_string(json)).get(root) !=
      simdjson::SUCCESS) {
    Fail("not a JSON object: " + std::string(json));
  }
  RelabelAnswer answer;
  answer.error = ReadString(root, "error", "");
  answer.seeds = ReadMap(root, "seeds");
  dom::array results;
  if (root["results"].get(results) != simdjson::SUCCESS) return answer;
  for (const dom::element outcomes : results) {
    auto& of_target = answer.results.emplace_back();
    const dom::array elements = outcomes.get_array().value();
    for (const dom::element element : elements) {
      const dom::object outcome = element.get_object().value();
      RelabelResult result;
      result.labels = ReadMap(outcome, "labels");
      result.error = ReadString(outcome, "error", "");
      bool dropped = false;
      if (outcome["dropped"].get(dropped) == simdjson::SUCCESS) {
        result.dropped = dropped;
      }
      of_target.push_back(std::move(result));
    }
  }
  return answer;
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x",
                    static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string WriteRequest(const RelabelRequest& request, int runs) {
  std::string out = R"({"scrape_config":{"job_name":"job-a")";
  if (std::ranges::any_of(request.rules, &RelabelConfig::legacy_names)) {
    out += R"(,"metric_name_validation_scheme":"legacy")"
           R"(,"metric_name_escaping_scheme":"underscores")";
  }
  if (request.with_params) {
    out += R"(,"params":{"x":["1","2"],"b":["v"],"é":["ä"],"none":[]})";
  }
  out += R"(,"relabel_configs":[)";
  const RelabelConfig defaults;
  for (std::size_t i = 0; i < request.rules.size(); ++i) {
    const RelabelConfig& rule = request.rules[i];
    out += i == 0 ? "{" : ",{";
    out += R"("action":)" +
           JsonString(kActions[static_cast<std::size_t>(rule.action)]);
    // Only what differs from the default: some actions refuse the rest.
    const auto field = [&out](const char* name, const std::string& value) {
      out += std::string(",\"") + name + "\":" + JsonString(value);
    };
    if (rule.separator != defaults.separator) {
      field("separator", rule.separator);
    }
    if (rule.regex != defaults.regex) field("regex", rule.regex);
    if (!rule.target_label.empty()) field("target_label", rule.target_label);
    if (rule.replacement != defaults.replacement) {
      field("replacement", rule.replacement);
    }
    if (rule.modulus != 0) {
      out += R"(,"modulus":)" + std::to_string(rule.modulus);
    }
    if (!rule.source_labels.empty()) {
      out += R"(,"source_labels":[)";
      for (std::size_t j = 0; j < rule.source_labels.size(); ++j) {
        if (j > 0) out += ',';
        out += JsonString(rule.source_labels[j]);
      }
      out += ']';
    }
    out += '}';
  }
  out += R"(]},"group":)" + JsonMap(request.group, request.bytes) +
         R"(,"targets":[)";
  for (std::size_t i = 0; i < request.targets.size(); ++i) {
    if (i > 0) out += ',';
    out += JsonMap(request.targets[i], request.bytes);
  }
  out += request.bytes ? R"(],"bytes":true)" : "]";
  return out + R"(,"runs":)" + std::to_string(runs) + "}\n";
}

RelabelResult Relabel(const Relabeler& relabeler, const LabelMap& group,
                      const LabelMap& own, RelabelBuffer& buffer) {
  const Labels group_labels = ToLabels(group);
  const Labels own_labels = ToLabels(own);
  const RelabelOutcome outcome =
      relabeler.Relabel(group_labels, own_labels, buffer);
  RelabelResult result;
  result.dropped = outcome.kind == RelabelOutcome::Kind::kDroppedByRule;
  result.error = outcome.reason;
  for (const LabelPair& label : buffer.labels()) {
    result.labels[std::string(label.name)] = label.value;
  }
  return result;
}

std::string Compare(const RelabelRequest& request,
                    const RelabelAnswer& answer) {
  const auto relabeler =
      Relabeler::Create("job-a", ToLabels(answer.seeds), request.rules);
  if (!relabeler) {
    const std::string& message = relabeler.error().message;
    const std::size_t colon = message.find("]: ");
    const std::string first =
        message.substr(colon + 3, message.find('\n') - colon - 3);
    if (first == answer.error) return "";
    // Prometheus compiles all regexes before it looks at anything else.
    if (answer.error.contains("error parsing regexp: ")) return "";
    return "error: " + message +
           "\nexpected: " + (answer.error.empty() ? "no error" : answer.error);
  }
  if (!answer.error.empty()) return "no error, expected: " + answer.error;
  if (answer.results.size() != request.targets.size()) {
    return "the answer is to another question";
  }
  RelabelBuffer buffer;
  for (std::size_t i = 0; i < request.targets.size(); ++i) {
    RelabelResult got =
        Relabel(**relabeler, request.group, request.targets[i], buffer);
    LabelMap written;
    for (const auto& [name, value] : got.labels) {
      written[Latin1(name, request.bytes)] = Latin1(value, request.bytes);
    }
    got.labels = std::move(written);
    if (std::ranges::find(answer.results[i], got) != answer.results[i].end()) {
      continue;
    }
    std::string text = "target " + std::to_string(i) + ": " +
                       JsonMap(request.targets[i]) +
                       "\n  got: " + ToString(got);
    for (const RelabelResult& expected : answer.results[i]) {
      text += "\n  expected: " + ToString(expected);
    }
    return text;
  }
  return "";
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> AskOracle(const std::string& command,
                                   const std::string& input) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                       ("oracle-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string in = (folder / "in").string();
  const std::string out = (folder / "out").string();
  std::ofstream(in, std::ios::binary) << input;
  const std::string line =
      "'" + OraclePath() + "' " + command + " <" + in + " >" + out;
  if (std::system(line.c_str()) != 0) Fail("failed: " + line);
  std::istringstream answers(ReadFile(out));
  std::filesystem::remove_all(folder);
  std::vector<std::string> lines;
  for (std::string answer; std::getline(answers, answer);) {
    lines.push_back(std::move(answer));
  }
  return lines;
}

std::string OraclePath() {
  const char* path = std::getenv("TA_ORACLE");
  const std::string found =
      path != nullptr ? path : TA_SOURCE_DIR "/build/oracle";
  return std::filesystem::exists(found) ? found : "";
}

unsigned Seed() {
  const char* text = std::getenv("TA_SEED");
  const auto seed =
      text == nullptr ? 1u
                      : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
  std::printf("seed %u; TA_SEED=%u repeats this run\n", seed, seed);
  return seed;
}

}  // namespace ta::test
