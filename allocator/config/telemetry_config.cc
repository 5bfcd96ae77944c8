// What the file leaves out is as the environment says, as with the Go
// allocator, whose libraries read OTEL_METRIC_EXPORT_{INTERVAL,TIMEOUT} and
// OTEL_EXPORTER_OTLP_{HEADERS,COMPRESSION,CERTIFICATE,CLIENT_CERTIFICATE,
// CLIENT_KEY}, each of the latter as OTEL_EXPORTER_OTLP_METRICS_… first.

#include "allocator/config/telemetry_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "allocator/base/ascii.h"
#include "allocator/config/go_url.h"
#include "allocator/config/mistake.h"
#include "allocator/config/schema_reader.h"
#include "allocator/config/scrape_config.h"

namespace ta {
namespace {

using std::chrono::milliseconds;

Temporality TemporalityOf(std::string_view name) {
  if (name == "delta") return Temporality::kDelta;
  if (name == "low_memory") return Temporality::kLowMemory;
  return Temporality::kCumulative;
}

// RFC 9110: a token.
bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') ||
           (AsciiLower(c) >= 'a' && AsciiLower(c) <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
  });
}

// More than a year means never, and must not overflow.
constexpr std::int64_t kMostMilliseconds = 366LL * 24 * 3600 * 1000;

bool IsHeaderValue(std::string_view value) {
  return std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// As the Go allocator does, but a query stays at the end.
std::string WithSignalPath(std::string_view endpoint) {
  const auto end = std::min(endpoint.find_first_of("?#"), endpoint.size());
  std::string url(endpoint.substr(0, end));
  while (url.ends_with('/')) url.pop_back();
  if (!url.ends_with("/v1/metrics")) url += "/v1/metrics";
  return url += endpoint.substr(end);
}

// With a scheme, a host and, if at all, a port that there is.
bool IsEndpoint(const std::string& text) {
  const auto url = ParseGoUrl(text);
  if (!url || (url->scheme != "http" && url->scheme != "https")) return false;
  const std::string& host = url->host;
  if (host.empty() || host.starts_with(':')) return false;
  const auto colon = host.rfind(':');
  if (colon == host.npos || host.ends_with(']')) return true;
  std::uint16_t port = 0;
  const char* const end = host.data() + host.size();
  const auto read = std::from_chars(host.data() + colon + 1, end, port);
  return read.ec == std::errc() && read.ptr == end && port != 0;
}

// Those that say how the body comes, and to whom: a request that says them
// twice, or otherwise than it is, would be read as another one.
bool IsOfTheRequest(std::string_view header) {
  return std::ranges::any_of(
      std::array{"connection", "content-encoding", "content-length",
                 "content-type", "host", "transfer-encoding"},
      [&](std::string_view name) {
        return EqualIgnoringAsciiCase(header, name);
      });
}

class TelemetryReader {
 public:
  TelemetryReader(const Environment& environment, const std::string& folder,
                  SchemaReader& reader, Mistakes& warnings)
      : environment_(environment),
        folder_(folder),
        reader_(reader),
        warnings_(warnings) {}

  TelemetryConfig Read(const Value& telemetry) {
    TelemetryConfig out;
    if (telemetry.bad) return out;
    const Path path{nullptr, "telemetry"};
    const Path metrics_path{&path, "metrics"};
    const Value& metrics = telemetry.at("metrics");
    if (metrics.bad) return out;
    WarnOfForeign(metrics, metrics_path);
    const Path readers_path{&metrics_path, "readers"};
    const Value& readers = metrics.at("readers");
    for (std::size_t i = 0; i < readers.items.size(); ++i) {
      const int index = static_cast<int>(i);
      ReadOne(readers.items[i], index, Path{&readers_path, {}, index}, out);
    }
    if (out.readers.empty()) return out;
    auto resource = ResourceOf(environment_);
    out.resource = std::move(resource.attributes);
    if (!resource.problem.empty())
      Warn(nullptr, Path{}, std::move(resource.problem));
    return out;
  }

 private:
  void Warn(const YamlNode* node, const Path& path, std::string message) {
    Mistake warning{reader_.file(),
                    node != nullptr ? node->line : 0,
                    node != nullptr ? node->column : 0,
                    path.ToString(),
                    std::move(message),
                    ""};
    // A variable may be wrong for several readers.
    if (std::ranges::find(warnings_, warning) == warnings_.end())
      warnings_.push_back(std::move(warning));
  }

  // Keys of the declarative configuration that neither allocator knows.
  void WarnOfForeign(const Value& record, const Path& path) {
    const auto fields = record.record->fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].type != Type::kForeign || !record.items[i].written)
        continue;
      Warn(record.items[i].node, Path{&path, fields[i].name},
           "means nothing here and is not looked at");
    }
  }

  void ReadOne(const Value& reader, int index, const Path& path,
               TelemetryConfig& out) {
    if (reader.bad) return;
    WarnOfForeign(reader, path);
    const Value& periodic = reader.at("periodic");
    if (periodic.bad) return;
    if (!periodic.set)
      return Warn(reader.node, path,
                  "is not periodic, so that nothing is sent");
    const Path periodic_path{&path, "periodic"};
    WarnOfForeign(periodic, periodic_path);
    OtlpReaderConfig config;
    config.index = index;
    TimeOfEnvironment("OTEL_METRIC_EXPORT_INTERVAL", config.interval);
    TimeOfEnvironment("OTEL_METRIC_EXPORT_TIMEOUT", config.timeout);
    Time(periodic, "interval", periodic_path, config.interval);
    Time(periodic, "timeout", periodic_path, config.timeout);
    const Path exporter_path{&periodic_path, "exporter"};
    const Value& exporter = periodic.at("exporter");
    if (exporter.bad) return;
    WarnOfForeign(exporter, exporter_path);
    const Value& http = exporter.at("otlp_http");
    const Value& grpc = exporter.at("otlp_grpc");
    // What is wrong within each is said as well, in the same round.
    if (!http.bad && !grpc.bad && http.set == grpc.set)
      reader_.SayAt(periodic, "exporter", periodic_path,
                    "needs exactly one of otlp_http, otlp_grpc");
    if (grpc.set && !grpc.bad) Grpc(grpc, Path{&exporter_path, "otlp_grpc"});
    if (!http.set || http.bad) return;
    Http(http, Path{&exporter_path, "otlp_http"}, config);
    out.readers.push_back(std::move(config));
  }

  // In milliseconds; the default unless it is positive, as in the Go allocator.
  void Time(const Value& owner, std::string_view name, const Path& path,
            milliseconds& out) {
    const Value& value = owner.at(name);
    if (value.bad || value.integer == 0) return;
    if (value.integer < 0)
      return Warn(value.node, Path{&path, name}, "is not used: it is negative");
    out = milliseconds(std::min(value.integer, kMostMilliseconds));
  }

  // What is no number from 1 on does not count.
  void TimeOfEnvironment(const std::string& name, milliseconds& out) {
    const auto found = environment_.find(name);
    if (found == environment_.end()) return;
    const std::string& text = found->second;
    std::int64_t number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number > 0)
      out = milliseconds(std::min(number, kMostMilliseconds));
    else
      Warn(nullptr, Path{}, name + " is not used: it is no number from 1 on");
  }

  // OTEL_EXPORTER_OTLP_METRICS_<name>, else OTEL_EXPORTER_OTLP_<name>, else "".
  std::string ExporterVariable(const std::string& name) const {
    for (const char* prefix :
         {"OTEL_EXPORTER_OTLP_METRICS_", "OTEL_EXPORTER_OTLP_"}) {
      const auto found = environment_.find(prefix + name);
      if (found != environment_.end() && !found->second.empty())
        return found->second;
    }
    return {};
  }

  void Grpc(const Value& grpc, const Path& path) {
    WarnOfForeign(grpc, path);
    if (grpc.at("endpoint").text.empty() && !grpc.at("endpoint").bad)
      reader_.SayAt(grpc, "endpoint", path, "must be set");
    if (const Value& tls = grpc.at("tls"); tls.set && !tls.bad)
      WarnOfForeign(tls, Path{&path, "tls"});
    Warn(grpc.node, path,
         "OTLP over gRPC is not implemented, so that nothing is sent: "
         "otlp_http is");
  }

  void Http(const Value& http, const Path& path, OtlpReaderConfig& out) {
    WarnOfForeign(http, path);
    out.temporality = TemporalityOf(http.at("temporality_preference").text);
    const std::string& compression = http.at("compression").text;
    out.gzip =
        compression == "gzip" ||
        (compression.empty() && ExporterVariable("COMPRESSION") == "gzip");
    Endpoint(http, path, out);
    Headers(http, path, out);
    out.client.follow_redirects = false;
    out.client.proxy.from_environment = true;
    Tls(http, path, out);
  }

  void Tls(const Value& http, const Path& path, OtlpReaderConfig& out) {
    const Value& tls = http.at("tls");
    if (tls.bad) return;
    if (!tls.set) {
      out.client.tls.ca.file = ExporterVariable("CERTIFICATE");
      out.client.tls.cert.file = ExporterVariable("CLIENT_CERTIFICATE");
      out.client.tls.key.file = ExporterVariable("CLIENT_KEY");
      if (out.client.tls.cert.empty() == out.client.tls.key.empty()) return;
      out.client.tls.cert.file.clear();
      out.client.tls.key.file.clear();
      return Warn(nullptr, Path{},
                  "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY are "
                  "not used: both are needed");
    }
    const Path tls_path{&path, "tls"};
    const auto file = [&](std::string_view name) {
      return ResolvePath(folder_, Replaced(tls, name, tls_path));
    };
    out.client.tls.ca.file = file("ca_file");
    out.client.tls.cert.file = file("cert_file");
    out.client.tls.key.file = file("key_file");
    if (out.client.tls.cert.empty() != out.client.tls.key.empty())
      reader_.SayAt(http, "tls", path,
                    "needs cert_file and key_file together, or neither");
  }

  // The text of a field with its references replaced.
  std::string Replaced(const Value& owner, std::string_view name,
                       const Path& path) {
    ReplacedText replaced =
        ReplaceEnvReferences(owner.at(name).text, environment_);
    for (const std::string& variable : replaced.missing)
      Warn(owner.at(name).node, Path{&path, name},
           "the environment variable " + variable + " is not set, or empty");
    return std::move(replaced.text);
  }

  void Endpoint(const Value& http, const Path& path, OtlpReaderConfig& out) {
    const Value& endpoint = http.at("endpoint");
    if (endpoint.bad) return;
    if (endpoint.text.empty())
      return reader_.SayAt(http, "endpoint", path, "must be set");
    out.url = WithSignalPath(Replaced(http, "endpoint", path));
    if (IsEndpoint(out.url)) return;
    // Not what it is: it may hold a password or a key anywhere.
    std::string expected = "expected http://host:port or https://host:port";
    for (const std::string& variable :
         ReplaceEnvReferences(endpoint.text, environment_).missing)
      expected +=
          "; the environment variable " + variable + " is not set, or empty";
    reader_.SayAt(http, "endpoint", path, std::move(expected));
  }

  void Headers(const Value& http, const Path& path, OtlpReaderConfig& out) {
    // In lower case, since names are equal whatever their case; the last of
    // equal ones counts, and `headers` before `headers_list`.
    std::map<std::string, HttpHeaderConfig> headers;
    const auto add = [&](std::string_view name, std::string value) {
      if (IsOfTheRequest(name))
        return Warn(http.node, path,
                    "the header " + std::string(name) +
                        " is left out: it is as the request is");
      headers.insert_or_assign(
          AsciiLower(name),
          HttpHeaderConfig{std::string(name), {}, {std::move(value)}, {}});
    };
    if (!http.at("headers_list").bad) {
      const auto list = ParseHeadersList(Replaced(http, "headers_list", path));
      if (!list)
        reader_.SayAt(http, "headers_list", path, list.error().message);
      for (const auto& [name, value] : list.value_or(HeaderPairs{})) {
        if (!IsHeaderName(name) || !IsHeaderValue(value))
          reader_.SayAt(http, "headers_list", path,
                        "holds what no header can have");
        add(name, value);
      }
    }
    if (!http.at("headers").written && !http.at("headers_list").written)
      HeadersOfEnvironment(add);
    const Path headers_path{&path, "headers"};
    const Value& list = http.at("headers");
    for (std::size_t i = 0; i < list.items.size(); ++i)
      Header(list.items[i], Path{&headers_path, {}, static_cast<int>(i)}, add);
    for (auto& [name, header] : headers)
      out.client.http_headers.push_back(std::move(header));
  }

  template <typename Add>
  void HeadersOfEnvironment(Add add) {
    const auto list = ParseHeadersList(ExporterVariable("HEADERS"));
    const bool good =
        list && std::ranges::all_of(*list, [](const auto& header) {
          return IsHeaderName(header.first) && IsHeaderValue(header.second);
        });
    if (!good)
      return Warn(nullptr, Path{},
                  "the headers of OTEL_EXPORTER_OTLP_METRICS_HEADERS or "
                  "OTEL_EXPORTER_OTLP_HEADERS are not used: they are no list "
                  "of name=value");
    for (const auto& [name, value] : *list) add(name, value);
  }

  template <typename Add>
  void Header(const Value& header, const Path& path, Add add) {
    if (header.bad) return;
    const Value& name = header.at("name");
    const Value& value = header.at("value");
    if (name.bad || value.bad) return;
    if (!IsHeaderName(name.text))
      return reader_.SayAt(header, "name", path, "is no name of a header");
    // As in the Go allocator.
    if (value.node == nullptr || value.node->IsNull()) return;
    std::string text = Replaced(header, "value", path);
    if (!IsHeaderValue(text))
      return reader_.SayAt(header, "value", path,
                           "holds a line break or another control character, "
                           "maybe of an environment variable");
    add(name.text, std::move(text));
  }

  using HeaderPairs = std::vector<std::pair<std::string, std::string>>;

  const Environment& environment_;
  const std::string& folder_;
  SchemaReader& reader_;
  Mistakes& warnings_;
};

}  // namespace

TelemetryConfig TelemetryConfigOf(const Value& telemetry,
                                  const Environment& environment,
                                  const std::string& folder,
                                  SchemaReader& reader, Mistakes& warnings) {
  return TelemetryReader(environment, folder, reader, warnings).Read(telemetry);
}

}  // namespace ta
