// The composition root: reads the command line, builds the parts and wires
// them, waits for signals, and takes everything down in reverse.

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <latch>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/base/log.h"
#include "allocator/change_log.h"
#include "allocator/cli.h"
#include "allocator/cli_check.h"
#include "allocator/cli_explain.h"
#include "allocator/config_file.h"
#include "allocator/cpu_profile.h"
#include "allocator/discovery_metrics.h"
#include "allocator/reloader.h"
#include "allocator/service.h"
#include "allocator/snapshot.h"
#include "allocator/state_dir.h"
#include "allocator/telemetry/telemetry.h"
#include "allocator/tls_files.h"
#include "api/metrics.h"
#include "api/server.h"
#include "discovery/config_watcher.h"
#include "discovery/manager.h"
#include "discovery/members.h"

namespace ta {
namespace {

constexpr const char* kVersion = TA_VERSION;

// Signals that serve waits for; every thread inherits that they are blocked.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR2})
    sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// The next of them; none at the deadline, or earlier.
std::optional<int> NextSignal(const sigset_t& signals,
                              std::optional<TimePoint> deadline) {
  int signal = 0;
  if (!deadline) {
    if (sigwait(&signals, &signal) != 0) return std::nullopt;
    return signal;
  }
  const Duration wait =
      std::max(Duration::zero(), *deadline - std::chrono::steady_clock::now());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wait);
  const timespec timeout{
      .tv_sec = seconds.count(),
      .tv_nsec = std::chrono::nanoseconds(wait - seconds).count()};
  signal = sigtimedwait(&signals, nullptr, &timeout);
  if (signal < 0) return std::nullopt;
  return signal;
}

// Returns when the process is asked to end.
void WaitForEnd(const sigset_t& signals, Reloader& reloader,
                CpuProfile& profile) {
  while (true) {
    const std::optional<int> signal = NextSignal(signals, profile.deadline());
    if (signal == SIGINT || signal == SIGTERM) {
      Log(Level::kInfo, "ending",
          {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
      return;
    }
    const TimePoint now = std::chrono::steady_clock::now();
    if (signal == SIGHUP) reloader.Request("SIGHUP");
    if (signal == SIGUSR2) profile.Toggle(now);
    profile.EndIfDue(now);
  }
}

// The names of polling members over restarts; null where nothing is to be
// remembered.
Result<std::unique_ptr<StateDir>> OpenStateDir(const Config& config) {
  if (config.state_dir.empty()) return nullptr;
  std::error_code error;
  std::filesystem::create_directories(config.state_dir, error);
  if (error) {
    return std::unexpected(Error{Error::Code::kGiveUp, error.message()}.Within(
        "state_dir " + config.state_dir));
  }
  return std::make_unique<StateDir>(config.state_dir);
}

// Saves who the polling members are, once that is known for sure.
// `saved` is what was saved last.
void SaveMembers(const Snapshot& snapshot, SharedBlocks<MemberView>& saved,
                 StateDir& state) {
  if (!snapshot.polling_members || !snapshot.targets_served) return;
  const bool same = SameMembers(saved, snapshot.members);
  saved = snapshot.members;
  if (same) return;
  std::vector<std::string> names;
  for (const MemberView& member : snapshot.members) {
    if (member.state == MemberView::State::kLive) names.push_back(member.name);
  }
  state.Save(std::move(names));
}

void RememberMembers(const StateDir* state, Service& service) {
  if (state == nullptr) return;
  auto names = state->Load();
  if (!names) {
    Log(Level::kWarn, "members of before are forgotten",
        {{"err", names.error().message}});
    return;
  }
  if (!names->empty()) service.Remember(*std::move(names));
}

// What serving HTTPS begins with; nothing where it is off.
struct Https {
  ServerTlsTexts texts;
  std::optional<HttpsOptions> options;
};
Result<Https> OpenHttps(const Config& config) {
  if (!config.https.enabled) return Https{};
  auto texts = ReadTlsFiles(config.https);
  if (!texts) return std::unexpected(std::move(texts.error()));
  auto tls = ServerTls::Make(*texts);
  if (!tls) return std::unexpected(std::move(tls.error()));
  return Https{*std::move(texts),
               HttpsOptions{.listen_addr = config.https.listen_addr,
                            .tls = *std::move(tls),
                            .client_identity = config.https.client_identity}};
}

// By which a pod knows itself.
std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

// Owns what is left to the end of the process, which frees it at once: piece by
// piece, a million targets take several seconds, and who ends us may not wait
// that long. Under a sanitizer it is destroyed, so that what leaks shows.
struct LeftToTheEnd {
  template <typename T>
  void operator()([[maybe_unused]] T* owned) const {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    delete owned;
#endif
  }
};

ExitCode Serve(const CommandLine& line) {
  const sigset_t signals = BlockSignals();
  CpuProfile profile(line.profile);
  if (!line.profile.empty()) profile.Begin();
  const LoadOptions options = LoadOptionsOf(line);
  LoadedConfig loaded = LoadConfigFile(line.config_file, options);
  if (!loaded.config) {
    LogMistakes(loaded.config.error());
    return ExitCode::kRefused;
  }
  const auto config = std::make_shared<const Config>(*std::move(loaded.config));
  LogWarnings(WarningsOf(*config));
  if (const auto found = CheckMembersSource(config->members); !found) {
    Log(Level::kError, "configuration refused",
        {{"err", found.error().message}});
    return ExitCode::kRefused;
  }
  const auto state = OpenStateDir(*config);
  if (!state) {
    Log(Level::kError, "cannot start", {{"err", state.error().message}});
    return ExitCode::kFailed;
  }
  profile.UseFolder(config->state_dir);

  const auto https = OpenHttps(*config);
  if (!https) {
    Log(Level::kError, "cannot serve HTTPS", {{"err", https.error().message}});
    return ExitCode::kRefused;
  }

  const SteadyClock clock;
  SnapshotHolder snapshots;
  ChangeLog change_log;
  SharedBlocks<MemberView> saved_members;
  std::unique_ptr<DiscoveryManager> manager;
  const std::unique_ptr<Service, LeftToTheEnd> owned_service(new Service(
      snapshots, clock,
      {.on_config = [&](const Config& current) { manager->Apply(current); },
       .on_discoverers_in_use =
           [&](const std::set<std::string>& keys) { manager->Retain(keys); },
       .on_snapshot =
           [&](const Snapshot& snapshot, TimePoint now) {
             if (*state) SaveMembers(snapshot, saved_members, **state);
             return change_log.Saw(snapshot, now);
           }}));
  Service& service = *owned_service;
  manager = std::make_unique<DiscoveryManager>(
      &service, FileWatch::Options(), MakeDiscoverer,
      kubernetes::HubOptions{.version = kVersion});

  // Before anything that could bring a newer configuration, so that this one is
  // the older in the queue; and both in one step: names are remembered for a
  // configuration.
  RememberMembers(state->get(), service);
  service.Configure(config, {.unix_seconds = UnixSeconds()});
  service.Start();

  std::unique_ptr<ConfigWatcher> watcher;
  std::latch watcher_made(1);  // it may report before it can be told anything
  Reloader reloader(line.config_file, options, *config, service,
                    [&](LoadedFiles files) {
                      watcher_made.wait();
                      watcher->Loaded(std::move(files));
                    });
  watcher = std::make_unique<ConfigWatcher>(
      line.config_file, *std::move(loaded.files), &manager->watch(),
      [&](const Result<std::string>&) { reloader.Request("file changed"); });
  watcher_made.count_down();

  const auto telemetry_metrics =
      std::make_shared<TelemetryMetrics>(config->telemetry);
  const MetricSources more_metrics = {
      std::make_shared<DiscoveryMetrics>(*manager), telemetry_metrics};
  Server server({.listen_addr = config->listen_addr,
                 .https = https->options,
                 .router = {.version = kVersion},
                 .service = &service.metrics(),
                 .more_metrics = more_metrics},
                snapshots,
                {.on_poll = [&](Poll poll) { service.Polled(std::move(poll)); },
                 .on_reload =
                     [&](ServerCallbacks::ReloadReply reply) {
                       reloader.Request("POST /-/reload", std::move(reply));
                     }});
  const Result<void> started = server.Start();
  if (started) {
    Log(Level::kInfo, "listening",
        {{"addr", config->listen_addr},
         {"port", server.port()},
         {"version", kVersion}});
    std::unique_ptr<TlsFileWatcher> tls_files;
    if (https->options) {
      Log(Level::kInfo, "listening over mutual TLS",
          {{"addr", config->https.listen_addr},
           {"port", server.https_port()},
           {"client_identity", config->https.client_identity}});
      tls_files = std::make_unique<TlsFileWatcher>(
          config->https, https->texts, &manager->watch(),
          [&](auto tls) { server.UseTls(std::move(tls)); });
    }
    // Its end comes first, as its last push reads what all the others count.
    const Telemetry telemetry(
        config->telemetry, {.version = kVersion, .host_name = HostName()},
        [&] { return server.Metrics(); }, *telemetry_metrics);
    WaitForEnd(signals, reloader, profile);
  } else {
    Log(Level::kError, "cannot serve", {{"err", started.error().message}});
  }

  server.Stop();
  watcher->Stop();
  reloader.Stop();
  manager->Stop();
  service.Stop();
  return started ? ExitCode::kDone : ExitCode::kFailed;
}

CommandOutput Explain(const CommandLine& line) {
  const Result<Labels> labels = ExplainedLabels(line);
  if (!labels) {
    return {.exit_code = ExitCode::kUsage,
            .err = "target-allocator: " + labels.error().message + "\n"};
  }
  if (!line.server.empty()) return ExplainOnline(line, *labels);
  const auto config =
      LoadConfigFile(line.config_file, LoadOptionsOf(line)).config;
  if (config) return ExplainOffline(line, *labels, *config);
  CommandOutput output{.exit_code = ExitCode::kRefused};
  for (const Mistake& mistake : config.error()) {
    output.err += mistake.ToString() + "\n";
  }
  return output;
}

CommandOutput Run(const CommandLine& line) {
  switch (line.command) {
    case CommandLine::Command::kCheck:
      return Check(line, StandardError());
    case CommandLine::Command::kExplain:
      return Explain(line);
    case CommandLine::Command::kVersion:
      return {.out = std::string("target-allocator ") + kVersion + "\n"};
    case CommandLine::Command::kServe:
      break;
  }
  return {.exit_code = Serve(line)};
}

int Main(std::span<const char* const> arguments) {
  const ParsedCommandLine parsed = ParseCommandLine(arguments);
  if (parsed.command) {
    SetUpLog(parsed.command->log_level, parsed.command->log_format);
  }
  const CommandOutput output =
      parsed.command ? Run(*parsed.command) : parsed.output;
  std::fwrite(output.out.data(), 1, output.out.size(), stdout);
  std::fwrite(output.err.data(), 1, output.err.size(), stderr);
  // Whoever reads a cut answer must not take it for a good one.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "target-allocator: standard output: %s\n",
                 std::strerror(errno));
    return static_cast<int>(ExitCode::kFailed);
  }
  return static_cast<int>(output.exit_code);
}

}  // namespace
}  // namespace ta

int main(int argc, char** argv) {
  // A block of this size goes back to the system when it is freed, always.
  // Left to itself, malloc takes the first such block that is freed as a reason
  // to keep those up to 32 MB; a start alone then holds a tenth more.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  return ta::Main(std::span<const char* const>(argv, argc).subspan(1));
}
