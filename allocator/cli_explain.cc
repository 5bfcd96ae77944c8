#include "allocator/cli_explain.h"

#include <fmt/format.h>
#include <httplib.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "allocator/base/printable.h"
#include "allocator/config/mistake.h"
#include "allocator/config/nearest.h"
#include "allocator/explain.h"
#include "api/explain_json.h"

namespace ta {
namespace {

constexpr std::chrono::seconds kServerTimeout{10};

CommandOutput Fail(ExitCode code, std::string_view why) {
  return {.exit_code = code,
          .err = fmt::format("target-allocator: {}\n", Printable(why))};
}

// The message of an answer `{"error":"…"}`; the body as it is, if it is none.
std::string ErrorOf(const std::string& body) {
  simdjson::dom::parser parser;
  std::string_view message;
  if (parser.parse(body)["error"].get(message) == simdjson::SUCCESS) {
    return std::string(message);
  }
  return body;
}

// Why there is no answer at all.
std::string Words(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
      return "cannot connect: nobody listens there, or the name is unknown";
    case httplib::Error::ConnectionTimeout:
      return fmt::format("cannot connect within {} s", kServerTimeout.count());
    case httplib::Error::Read:
      return fmt::format(
          "it broke the connection off, speaks no HTTP, or took longer than {} "
          "s to answer",
          kServerTimeout.count());
    case httplib::Error::Write:
      return "the request could not be sent";
    default:
      return "no answer: " + httplib::to_string(error);
  }
}

// "http://host:port", whatever stands behind it.
std::string Origin(const std::string& server) {
  std::string url = server;
  if (url.find("://") == std::string::npos) url = "http://" + url;
  const std::size_t slash = url.find('/', url.find("://") + 3);
  return url.substr(0, slash);
}

// What simdjson's errors mean here. Raw, they speak of its insides.
std::string_view Words(simdjson::error_code error) {
  switch (error) {
    case simdjson::EMPTY:
      return "there is nothing";
    case simdjson::UTF8_ERROR:
      return "it is not UTF-8";
    case simdjson::UNCLOSED_STRING:
      return "a string is not closed";
    case simdjson::UNESCAPED_CHARS:
      return "a control character stands in a string";
    case simdjson::STRING_ERROR:
      return "a backslash in a string means nothing";
    case simdjson::INCORRECT_TYPE:
      return "this is no object";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "the object is not closed";
    case simdjson::TRAILING_CONTENT:
      return "something follows the object";
    default:
      return "this is no JSON";
  }
}

std::unexpected<Error> WrongLabels(std::string_view what, std::string_view text,
                                   std::optional<std::ptrdiff_t> at) {
  constexpr std::size_t kShown = 20;
  std::string message = fmt::format(
      "--labels: expected a JSON object of strings, such as "
      "{{\"__address__\":\"10.0.0.1:80\"}}; {}",
      what);
  if (at && *at >= 0 && static_cast<std::size_t>(*at) <= text.size()) {
    const std::string_view rest = text.substr(static_cast<std::size_t>(*at));
    message += fmt::format(", at byte {}", *at + 1);
    if (rest.empty()) {
      message += ", the end";
    } else {
      message += fmt::format(": {}", Quoted(rest.substr(0, kShown)));
    }
  }
  return Reject(std::move(message));
}

// Fills `pairs`, whose views live as long as the document's parser; or what is
// wrong.
std::optional<std::string> ReadLabels(simdjson::ondemand::document& document,
                                      std::vector<LabelPair>& pairs) {
  simdjson::ondemand::object object;
  if (const auto error = document.get_object().get(object)) {
    return std::string(Words(error));
  }
  for (auto field : object) {
    LabelPair pair;
    if (const auto error = field.unescaped_key().get(pair.name)) {
      return std::string(Words(error));
    }
    const auto error = field.value().get_string().get(pair.value);
    if (error == simdjson::INCORRECT_TYPE) {
      return fmt::format("the value of {} is no string", Quoted(pair.name));
    }
    if (error != simdjson::SUCCESS) {
      return fmt::format("the value of {}: {}", Quoted(pair.name),
                         Words(error));
    }
    if (std::ranges::find(pairs, pair.name, &LabelPair::name) != pairs.end()) {
      return fmt::format("{} is there twice", Quoted(pair.name));
    }
    pairs.push_back(pair);
  }
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS) {
    return "something follows the object";
  }
  return std::nullopt;
}

}  // namespace

Result<Labels> ExplainedLabels(const CommandLine& line) {
  if (!line.address.empty()) {
    return Labels::Of({{"__address__", line.address}});
  }
  simdjson::ondemand::parser parser;
  const simdjson::padded_string text(line.labels);
  simdjson::ondemand::document document;
  if (const auto error = parser.iterate(text).get(document)) {
    return WrongLabels(Words(error), {}, std::nullopt);
  }
  std::vector<LabelPair> pairs;
  if (auto wrong = ReadLabels(document, pairs)) {
    const char* place = nullptr;
    const bool known =
        document.current_location().get(place) == simdjson::SUCCESS;
    return WrongLabels(
        *wrong, line.labels,
        known ? std::optional(place - text.data()) : std::nullopt);
  }
  return Labels::Of(std::move(pairs));
}

CommandOutput ExplainOffline(const CommandLine& line, const Labels& labels,
                             const Config& config) {
  const ScrapeConfig* job = nullptr;
  for (const auto& candidate : config.jobs) {
    if (candidate->job_name == line.job) job = candidate.get();
  }
  if (job == nullptr) {
    std::vector<std::string_view> jobs;
    for (const auto& known : config.jobs) jobs.push_back(known->job_name);
    const std::string_view nearest = Nearest(line.job, jobs);
    return Fail(
        ExitCode::kRefused,
        fmt::format("{}: there is no job {}{}", config.path, Quoted(line.job),
                    nearest.empty()
                        ? ""
                        : fmt::format(" (did you mean \"{}\"?)", nearest)));
  }
  std::shared_ptr<const Relabeler> relabeler;
  if (config.filter_strategy == FilterStrategy::kRelabelConfig) {
    auto made =
        Relabeler::Create(job->job_name, job->seeds, job->relabel_configs);
    if (!made) return Fail(ExitCode::kRefused, made.error().message);
    relabeler = *std::move(made);
  }
  ExplainResult result;
  result.matches = 1;
  result.explanations.push_back(
      ExplainLabels(*job, relabeler.get(), Labels(), labels));
  return {.out = line.format == CommandLine::Format::kJson
                     ? ExplainJson(result)
                     : ToText(result.explanations[0])};
}

CommandOutput ExplainOnline(const CommandLine& line, const Labels& labels) {
  httplib::Params query{{"job", line.job}};
  if (line.format == CommandLine::Format::kText) {
    query.emplace("format", "text");
  }
  if (!line.address.empty()) {
    query.emplace("address", line.address);
  } else {
    for (const LabelPair pair : labels) {
      query.emplace(std::string(pair.name), std::string(pair.value));
    }
  }
  const std::string origin = Origin(line.server);
  if (!origin.starts_with("http://")) {
    return Fail(ExitCode::kUsage, "--server: only http:// is understood");
  }
  httplib::Client client(origin);
  client.set_connection_timeout(kServerTimeout);
  client.set_read_timeout(kServerTimeout);
  const auto answer = client.Get("/api/v1/explain", query, httplib::Headers());
  if (!answer) {
    return Fail(ExitCode::kFailed,
                fmt::format("{}: {}", origin, Words(answer.error())));
  }
  if (answer->status == 200) return {.out = answer->body};
  const std::string message = ErrorOf(answer->body);
  if (answer->status == 400 || answer->status == 404) {
    return Fail(ExitCode::kRefused, message);
  }
  return Fail(ExitCode::kFailed,
              fmt::format("{}: HTTP {}: {}", origin, answer->status, message));
}

}  // namespace ta
