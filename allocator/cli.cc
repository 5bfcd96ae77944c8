#include "allocator/cli.h"

#include <CLI/CLI.hpp>
#include <ranges>
#include <set>
#include <sstream>
#include <string_view>

#include "allocator/base/ascii.h"
#include "api/listen.h"

namespace ta {
namespace {

constexpr const char* kFooter = R"(
Examples:
  target-allocator --config-file=targetallocator.yaml
      Serves on :8080 until SIGTERM. Reads the file again when it changes, on
      SIGHUP and on POST /-/reload; one that is wrong changes nothing.
  target-allocator --config-file=prometheus.yml --listen-addr=127.0.0.1:9080
      Takes Prometheus's own file; whoever polls is a collector.
  target-allocator check targetallocator.yaml
      Says all that is wrong with it, with line and column.
  target-allocator explain --server=http://localhost:8080 --job=node
      --address=10.0.0.1:9100
      Tells rule by rule what becomes of a target, and who scrapes it.

Environment (weaker than a flag, stronger than the file):
  OTELCOL_NAMESPACE             the collectors' namespace (collector_namespace)
  ALLOW_INSECURE_AUTH_SECRETS   "true" is --allow-insecure-auth-secrets

Exit codes: 0 done; 1 the configuration is wrong, or what was asked for is not
there; 2 the command line is wrong; 3 the world got in the way (a port that is
taken, a server that does not answer).
)";

constexpr const char* kCheckFooter = R"(
Each mistake is a line: file:line:column: key: what is wrong. Keys that nobody
knows are mistakes here; `serve` only warns of them, unless --strict.

Examples:
  target-allocator check targetallocator.yaml prometheus.yml
  target-allocator check --format=json targetallocator.yaml | jq .
  target-allocator check --format=yaml prometheus.yml    # with every default
)";

constexpr const char* kExplainFooter = R"(
With --server a running allocator is asked, which knows who owns the target and
why. Without, the configuration file is read and the job's rules are applied to
the labels that you give; no server is needed.

Examples:
  target-allocator explain --server=http://localhost:8080 --job=web
      --labels='{"__address__":"10.0.1.1:8080","env":"production"}'
  target-allocator explain --config-file=targetallocator.yaml --job=web
      --address=10.0.1.1:8080
)";

constexpr const char* kServing = "Serving";
constexpr const char* kKubernetes = "Kubernetes";
constexpr const char* kLogging = "Logging";
constexpr const char* kProfiling = "Profiling";
constexpr const char* kZap = "Logging, as the Go allocator takes it";

// The Go allocator's logging flags (controller-runtime's zap options).
struct ZapFlags {
  bool devel = false;
  std::string encoder;
  std::string level;
  std::string stacktrace_level;
  std::string time_encoding;
};

// What the parser writes to, and the options that must be asked whether they
// were there at all.
struct Raw {
  CommandLine line;
  std::string listen_addr, kube_config, https_addr, https_ca, https_cert,
      https_key, log_level, log_format, format = "text";
  bool cr = false, https = false, insecure = false;
  ZapFlags zap;
};

template <typename T>
std::optional<T> IfGiven(const CLI::App& app, const char* name,
                         const T& value) {
  return app.count(name) > 0 ? std::optional<T>(value) : std::nullopt;
}

void AddServeOptions(CLI::App& app, Raw& raw) {
  app.add_option("--config-file", raw.line.config_file,
                 "The allocator's file, or Prometheus's own")
      ->type_name("PATH")
      ->capture_default_str()
      ->group(kServing);
  app.add_option("--listen-addr", raw.listen_addr,
                 "Where to serve over HTTP [:8080]; wins over listen_addr")
      ->type_name("HOST:PORT")
      ->group(kServing);
  app.add_flag("--strict", raw.line.strict,
               "Keys that nobody knows end the start, instead of a warning")
      ->group(kServing);
  app.add_flag("--allow-insecure-auth-secrets", raw.insecure,
               "Serve secrets in /scrape_configs over plain HTTP; only where "
               "something else protects the transport")
      ->group(kServing);

  app.add_flag("--enable-prometheus-cr-watcher", raw.cr,
               "Custom resources as sources of targets (not implemented yet)")
      ->group(kKubernetes);
  app.add_option("--kubeconfig-path", raw.kube_config,
                 "The kubeconfig file, where nothing else is said")
      ->type_name("PATH")
      ->group(kKubernetes);
  app.add_flag("--enable-https-server", raw.https,
               "A second server, over mutual TLS; it tells secrets")
      ->group(kServing);
  app.add_option("--listen-addr-https", raw.https_addr,
                 "Where it serves [:8443]")
      ->type_name("HOST:PORT")
      ->group(kServing);
  app.add_option("--https-ca-file", raw.https_ca,
                 "The CA of its clients' certificates")
      ->type_name("PATH")
      ->group(kServing);
  app.add_option("--https-tls-cert-file", raw.https_cert, "Its certificate")
      ->type_name("PATH")
      ->group(kServing);
  app.add_option("--https-tls-key-file", raw.https_key, "Its key")
      ->type_name("PATH")
      ->group(kServing);

  app.add_option("--log-level", raw.log_level,
                 "Least level to write: debug, info, warn, error [info]")
      ->type_name("LEVEL")
      ->group(kLogging);
  app.add_option("--log-format", raw.log_format, "logfmt or json [logfmt]")
      ->type_name("FORMAT")
      ->group(kLogging);

  app.add_option("--profile", raw.line.profile,
                 "Write a CPU profile there, from the start until SIGUSR2 or "
                 "the end. SIGUSR2 begins one at any time, of 30 s or until "
                 "the next: there, or as cpu.prof in state_dir")
      ->type_name("PATH")
      ->group(kProfiling);

  app.add_flag("--zap-devel", raw.zap.devel, "Debug level, logfmt")
      ->group(kZap);
  app.add_option("--zap-encoder", raw.zap.encoder,
                 "json is --log-format=json, console is logfmt")
      ->type_name("ENCODER")
      ->check(CLI::IsMember({"json", "console"}, CLI::ignore_case))
      ->group(kZap);
  app.add_option("--zap-log-level", raw.zap.level,
                 "debug, info, error, panic, or a number; above 0 is debug")
      ->type_name("LEVEL")
      ->group(kZap);
  app.add_option("--zap-stacktrace-level", raw.zap.stacktrace_level,
                 "Accepted and ignored")
      ->type_name("LEVEL")
      ->group(kZap);
  app.add_option("--zap-time-encoding", raw.zap.time_encoding,
                 "Accepted and ignored; times are RFC 3339 in UTC")
      ->type_name("ENCODING")
      ->group(kZap);
}

void AddFormat(CLI::App& command, Raw& raw, const char* help,
               std::set<std::string> formats) {
  command.add_option("--format", raw.format, help)
      ->type_name("FORMAT")
      ->check(CLI::IsMember(std::move(formats)))
      ->capture_default_str();
}

void AddCommands(CLI::App& app, Raw& raw) {
  app.require_subcommand(0, 1);
  auto* serve = app.add_subcommand(
      "serve", "Discover, shard and serve; what happens without a command");
  serve->fallthrough();
  serve->callback([&raw] { raw.line.command = CommandLine::Command::kServe; });

  auto* check = app.add_subcommand("check", "Say all that is wrong with files");
  check->add_option("FILE", raw.line.files, "Configuration files")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  AddFormat(*check, raw,
            "text, json, or yaml: what a good file comes to, every default "
            "written out, secrets masked",
            {"text", "json", "yaml"});
  check->add_flag("--strict", raw.line.strict,
                  "Implied; accepted so that scripts may say it");
  check->footer(kCheckFooter);
  check->callback([&raw] { raw.line.command = CommandLine::Command::kCheck; });

  auto* explain = app.add_subcommand(
      "explain", "Tell what becomes of one target, rule by rule");
  explain
      ->add_option("--server", raw.line.server,
                   "A running allocator to ask, such as http://localhost:8080")
      ->type_name("URL");
  explain
      ->add_option("--config-file", raw.line.config_file,
                   "The file to read when no server is asked")
      ->type_name("PATH")
      ->capture_default_str();
  explain->add_option("--job", raw.line.job, "The target's job")
      ->type_name("NAME")
      ->required();
  auto* labels = explain
                     ->add_option("--labels", raw.line.labels,
                                  "Its labels as discovered, a JSON object")
                     ->type_name("JSON");
  explain
      ->add_option("--address", raw.line.address,
                   "Short for --labels='{\"__address__\":\"…\"}'")
      ->type_name("HOST:PORT")
      ->excludes(labels);
  AddFormat(*explain, raw, "text or json", {"text", "json"});
  explain->footer(kExplainFooter);
  explain->callback([&raw] {
    raw.line.command = CommandLine::Command::kExplain;
    if (raw.line.job.empty()) throw CLI::RequiredError("--job");
    if (raw.line.labels.empty() && raw.line.address.empty()) {
      throw CLI::RequiredError("--labels or --address");
    }
  });

  app.set_version_flag("--version", "", "Print the version");
  auto* version = app.add_subcommand("version", "Print the version");
  version->callback(
      [&raw] { raw.line.command = CommandLine::Command::kVersion; });
}

// zap's levels: names, or a number of which more is more verbose.
Result<LogLevel> ParseZapLevel(const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (!digits.empty() &&
      digits.find_first_not_of("0123456789") == digits.npos) {
    return digits.find_first_not_of('0') == digits.npos ? LogLevel::kInfo
                                                        : LogLevel::kDebug;
  }
  if (AsciiLower(text) == "panic") return LogLevel::kError;
  return ParseLogLevel(text);
}

// Ours win over zap's, zap's own over what --zap-devel implies.
Result<void> ReadLogging(Raw& raw) {
  CommandLine& line = raw.line;
  if (raw.zap.devel) line.log_level = LogLevel::kDebug;
  if (AsciiLower(raw.zap.encoder) == "json") line.log_format = LogFormat::kJson;
  if (!raw.zap.level.empty()) {
    auto level = ParseZapLevel(raw.zap.level);
    if (!level) return std::unexpected(level.error());
    line.log_level = *level;
  }
  if (!raw.log_level.empty()) {
    auto level = ParseLogLevel(raw.log_level);
    if (!level) return std::unexpected(level.error());
    line.log_level = *level;
  }
  if (!raw.log_format.empty()) {
    auto format = ParseLogFormat(raw.log_format);
    if (!format) return std::unexpected(format.error());
    line.log_format = *format;
  }
  return {};
}

// Of what stands in the file the configuration tells; this is a wrong command.
Result<void> CheckAddresses(const CLI::App& app, const Raw& raw) {
  const auto check = [&](const char* flag, const std::string& text) {
    if (app.count(flag) == 0) return Result<void>();
    auto address = ParseListenAddress(text);
    if (address) return Result<void>();
    return Result<void>(
        std::unexpected(std::move(address.error()).Within(flag)));
  };
  auto checked = check("--listen-addr", raw.listen_addr);
  return checked ? check("--listen-addr-https", raw.https_addr) : checked;
}

ConfigFlags ReadFlags(const CLI::App& app, const Raw& raw) {
  return {
      .listen_addr = IfGiven(app, "--listen-addr", raw.listen_addr),
      .prometheus_cr_enabled =
          IfGiven(app, "--enable-prometheus-cr-watcher", raw.cr),
      .kube_config_path = IfGiven(app, "--kubeconfig-path", raw.kube_config),
      .https_enabled = IfGiven(app, "--enable-https-server", raw.https),
      .https_listen_addr = IfGiven(app, "--listen-addr-https", raw.https_addr),
      .https_ca_file = IfGiven(app, "--https-ca-file", raw.https_ca),
      .https_cert_file = IfGiven(app, "--https-tls-cert-file", raw.https_cert),
      .https_key_file = IfGiven(app, "--https-tls-key-file", raw.https_key),
      .allow_insecure_auth_secrets =
          IfGiven(app, "--allow-insecure-auth-secrets", raw.insecure),
  };
}

ParsedCommandLine Wrong(const std::string& what) {
  ParsedCommandLine parsed;
  parsed.output.exit_code = ExitCode::kUsage;
  parsed.output.err =
      "target-allocator: " + what + "\nTry `target-allocator --help`.\n";
  return parsed;
}

}  // namespace

ParsedCommandLine ParseCommandLine(std::span<const char* const> arguments) {
  Raw raw;
  CLI::App app(
      "Discovers Prometheus scrape targets, shards them over collectors and\n"
      "serves each collector its share over HTTP.",
      "target-allocator");
  app.get_formatter()->column_width(36);
  app.footer(kFooter);
  // As pflag: of what is said twice the last counts.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  AddServeOptions(app, raw);
  AddCommands(app, raw);

  // CLI11 takes them last first, and to `--name=` gives what follows as value.
  std::vector<std::string> reversed;
  for (const char* const argument : std::views::reverse(arguments)) {
    const std::string_view text = argument;
    if (text.starts_with("--") && text.find('=') == text.size() - 1) {
      const std::string name(text.substr(0, text.size() - 1));
      const auto* const option = app.get_option_no_throw(name);
      if (option != nullptr && option->get_items_expected_max() == 0) {
        return Wrong(name + " needs true or false behind its =");
      }
      reversed.emplace_back();
      reversed.push_back(name);
    } else {
      reversed.emplace_back(text);
    }
  }
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    ParsedCommandLine parsed;
    const auto chosen = app.get_subcommands();
    parsed.output.out = chosen.empty() || chosen[0]->get_name() == "serve"
                            ? app.help()
                            : chosen[0]->help("target-allocator");
    return parsed;
  } catch (const CLI::CallForVersion&) {
    ParsedCommandLine parsed;
    parsed.command.emplace().command = CommandLine::Command::kVersion;
    return parsed;
  } catch (const CLI::ParseError& error) {
    return Wrong(error.what());
  }
  if (auto logging = ReadLogging(raw); !logging) {
    return Wrong(logging.error().message);
  }
  if (auto addresses = CheckAddresses(app, raw); !addresses) {
    return Wrong(addresses.error().message);
  }
  raw.line.flags = ReadFlags(app, raw);
  raw.line.format = raw.format == "json"   ? CommandLine::Format::kJson
                    : raw.format == "yaml" ? CommandLine::Format::kYaml
                                           : CommandLine::Format::kText;
  ParsedCommandLine parsed;
  parsed.command = std::move(raw.line);
  return parsed;
}

}  // namespace ta
