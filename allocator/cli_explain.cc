#include "allocator/cli_explain.h"

#include <fmt/format.h>
#include <httplib.h>
#include <simdjson.h>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "allocator/explain.h"
#include "api/explain_json.h"

namespace ta {
namespace {

constexpr std::chrono::seconds kServerTimeout{10};

CommandOutput Fail(ExitCode code, std::string_view why) {
  return {.exit_code = code, .err = fmt::format("target-allocator: {}\n", why)};
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

}  // namespace

Result<Labels> ExplainedLabels(const CommandLine& line) {
  if (!line.address.empty()) {
    return Labels::Of({{"__address__", line.address}});
  }
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (const auto error = parser.parse(line.labels).get(object)) {
    return Reject(fmt::format("--labels: not a JSON object: {}",
                              simdjson::error_message(error)));
  }
  std::vector<LabelPair> pairs;
  for (const auto field : object) {
    std::string_view value;
    if (field.value.get(value) != simdjson::SUCCESS) {
      return Reject(
          fmt::format("--labels: the value of \"{}\" is no string", field.key));
    }
    pairs.push_back({field.key, value});
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
    return Fail(ExitCode::kRefused, fmt::format("{}: there is no job \"{}\"",
                                                config.path, line.job));
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
