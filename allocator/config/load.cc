#include "allocator/config/load.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "allocator/config/own_config.h"
#include "allocator/config/schema.h"
#include "allocator/config/schema_json.h"
#include "allocator/config/schema_reader.h"
#include "allocator/config/scrape_config.h"
#include "allocator/config/yaml_scalar.h"
#include "allocator/config/yaml_tree.h"
#include "allocator/json_string.h"

namespace ta {
namespace {

// Has it no `config:`, but something that only Prometheus's file has at the
// top? Its foreign sections count only where nothing of ours is there.
bool IsPrometheusFile(const YamlNode& root) {
  if (root.Find("config") != nullptr) return false;
  bool own = false, prometheus = false;
  for (const auto& entry : root.entries) {
    if (entry.key == "scrape_configs" || entry.key == "scrape_config_files" ||
        entry.key == "global")
      return true;
    own = own || OwnRecord().IndexOf(entry.key) >= 0;
    prometheus = prometheus || PrometheusRecord().IndexOf(entry.key) >= 0;
  }
  return prometheus && !own;
}

// One load, from text to Config.
class Loader {
 public:
  Loader(const std::string& path, const LoadOptions& options)
      : options_(options),
        folder_(FolderOf(path)),
        reader_(path, mistakes_, unknown_) {
    config_.path = path;
  }

  std::expected<Config, Mistakes> Load(std::string_view text) {
    const YamlTree tree = YamlTree::Parse(config_.path, text, mistakes_);
    if (tree.root() != nullptr) {
      ReadRoot(*tree.root());
    } else if (mistakes_.empty()) {
      SayFile("the file is empty");
    }
    return Finish();
  }

 private:
  struct Job {
    std::shared_ptr<const ScrapeConfig> config;
    std::string json;
    std::string secret_json;
  };
  struct Place {
    std::string file;
    int line = 0;
  };

  void SayFile(std::string message) {
    mistakes_.push_back({config_.path, 0, 0, "", std::move(message), ""});
  }

  void ReadRoot(const YamlNode& root) {
    if (root.IsNull()) return SayFile("the file is empty");
    if (!root.IsMap())
      return reader_.Say(&root, Path{},
                         "expected a map, got " + std::string(KindOf(root)));
    if (IsPrometheusFile(root)) {
      SayOwnKeys(root);
      const Value own = reader_.Read(nullptr, OwnRecord(), Path{});
      ApplyOwnConfig(own, DefaultMembers::kPolling, options_, folder_, reader_,
                     config_);
      ReadPrometheus(&root, Path{});
      return;
    }
    const Value own = reader_.Read(&root, OwnRecord(), Path{});
    ApplyOwnConfig(own, DefaultMembers::kPods, options_, folder_, reader_,
                   config_);
    const Path path{nullptr, "config"};
    ReadPrometheus(own.at("config").node, path);
    HintAtConfig(root);
  }

  // Keys of ours beside Prometheus's: Prometheus would refuse them, and we
  // would not look at them.
  void SayOwnKeys(const YamlNode& root) {
    for (const auto& entry : root.entries) {
      if (OwnRecord().IndexOf(entry.key) < 0) continue;
      mistakes_.push_back({config_.path, entry.line, entry.column,
                           std::string(entry.key),
                           "is a key of the allocator's own file, where all "
                           "that is Prometheus's stands under config",
                           ""});
      own_keys_.insert(std::string(entry.key));
    }
  }

  // Prometheus's keys beside ours are unknown; say where they belong.
  void HintAtConfig(const YamlNode& root) {
    for (const auto& entry : root.entries) {
      if (PrometheusRecord().IndexOf(entry.key) < 0) continue;
      for (auto& mistake : unknown_) {
        if (mistake.path != entry.key) continue;
        mistake.message = "unknown key here; it belongs under config";
        mistake.suggestion.clear();
      }
    }
  }

  void ReadPrometheus(const YamlNode* node, const Path& path) {
    Value prometheus = reader_.Read(node, PrometheusRecord(), path);
    if (prometheus.bad) return;
    NameForeign(prometheus);
    Value& global = prometheus.at("global");
    FinishGlobal(global, Path{&path, "global"}, reader_);
    if (options_.inspect) options_.inspect("", global);
    ScrapeConfigContext context{&global, folder_, config_.kube_config_path,
                                TellsSecrets(), options_.inspect};
    ReadJobs(prometheus.at("scrape_configs"), Path{&path, "scrape_configs"},
             context, reader_);
    ReadFiles(prometheus, Path{&path, "scrape_config_files"}, context);
  }

  void NameForeign(const Value& prometheus) {
    std::string names;
    for (std::size_t i = 0; i < prometheus.items.size(); ++i) {
      const Field& field = prometheus.record->fields[i];
      if (field.type != Type::kForeign || !prometheus.items[i].written)
        continue;
      if (!names.empty()) names += ", ";
      names += field.name;
    }
    if (!names.empty())
      config_.warnings.push_back(config_.path +
                                 ": not used here, and not checked: " + names);
  }

  void ReadJobs(const Value& list, const Path& path,
                const ScrapeConfigContext& context, SchemaReader& reader) {
    if (list.bad || list.node == nullptr) return;
    int index = 0;
    for (const YamlNode* node : list.node->items) {
      const Path at{&path, {}, index++};
      auto job = ReadScrapeConfig(*node, context, at, reader);
      if (job.config == nullptr || job.config->job_name.empty()) continue;
      const YamlNode* place = job.job_name != nullptr ? job.job_name : node;
      const auto [first, fresh] = places_.emplace(
          job.config->job_name, Place{reader.file(), place->line});
      if (!fresh) {
        const Place& other = first->second;
        reader.Say(
            place, Path{&at, "job_name"},
            "there is already a scrape config with job name " +
                Quoted(job.config->job_name) + ", at " +
                (other.file == reader.file() ? "line " : other.file + ":") +
                std::to_string(other.line));
        continue;
      }
      jobs_.push_back({std::move(job.config), std::move(job.json),
                       std::move(job.secret_json)});
    }
  }

  void ReadFiles(const Value& prometheus, const Path& path,
                 const ScrapeConfigContext& context) {
    const Value& patterns = prometheus.at("scrape_config_files");
    for (std::size_t i = 0; i < patterns.items.size(); ++i) {
      const Value& pattern = patterns.items[i];
      if (pattern.bad || pattern.node == nullptr) continue;
      const Path at{&path, {}, static_cast<int>(i)};
      // Upstream: ^[^*]*(\*[^/]*)?$, where [^*] takes newlines.
      const auto star = pattern.text.find('*');
      if (star != std::string::npos &&
          pattern.text.find('/', star) != std::string::npos) {
        reader_.Say(pattern.node, at,
                    "a * may only stand in the last part of the path");
        continue;
      }
      const std::string glob = ResolvePath(folder_, pattern.text);
      config_.scrape_config_files.push_back(glob);
      if (!options_.read_files) continue;
      const auto files = options_.read_files(glob);
      if (!files) {
        reader_.Say(pattern.node, at, files.error().message);
        continue;
      }
      for (const MatchedFile& file : *files) ReadFile(file, context);
    }
  }

  void ReadFile(const MatchedFile& file, ScrapeConfigContext context) {
    if (!file.text) {
      mistakes_.push_back({file.path, 0, 0, "", file.text.error().message, ""});
      return;
    }
    const YamlTree tree = YamlTree::Parse(file.path, *file.text, mistakes_);
    if (tree.root() == nullptr) return;
    SchemaReader reader(file.path, mistakes_, unknown_);
    const Value value =
        reader.Read(tree.root(), ScrapeConfigFileRecord(), Path{});
    if (value.bad) return;
    context.folder = FolderOf(file.path);
    const Path path{nullptr, "scrape_configs"};
    ReadJobs(value.at("scrape_configs"), path, context, reader);
  }

  void CountMechanisms() {
    std::map<std::string, std::string> first_job;
    for (const auto& job : config_.jobs) {
      std::set<std::string> mechanisms;
      for (const auto& discovery : job->discoveries) {
        if (std::holds_alternative<UnimplementedDiscovery>(discovery.settings))
          mechanisms.insert(discovery.mechanism);
      }
      for (const auto& mechanism : mechanisms) {
        ++config_.unimplemented_mechanisms[mechanism];
        first_job.emplace(mechanism, job->job_name);
      }
    }
    for (const auto& [mechanism, jobs] : config_.unimplemented_mechanisms) {
      std::string who = "job " + Quoted(first_job[mechanism]);
      if (jobs > 1) who += " and " + std::to_string(jobs - 1) + " more";
      config_.warnings.push_back(config_.path + ": " + mechanism +
                                 "_sd_configs is not implemented: " + who +
                                 " gets no targets from it");
    }
  }

  // Is anybody told secrets?
  bool TellsSecrets() const {
    return config_.allow_insecure_auth_secrets || config_.https.enabled ||
           options_.https_serves;
  }

  // The bodies of /scrape_configs.
  void RenderJobs() {
    config_.scrape_configs_json = Rendered(&Job::json);
    if (!TellsSecrets()) return;
    std::string open = Rendered(&Job::secret_json);
    if (open == config_.scrape_configs_json) return;
    if (config_.allow_insecure_auth_secrets) {
      config_.masked_scrape_configs_json =
          std::exchange(config_.scrape_configs_json, std::move(open));
    } else {
      config_.secret_scrape_configs_json = std::move(open);
    }
  }

  // The body of /scrape_configs out of the jobs' parts, which it takes.
  std::string Rendered(std::string Job::* part) {
    std::string json = "{";
    for (Job& job : jobs_) {
      if (json.size() > 1) json += ',';
      AppendJsonString(job.config->job_name, json);
      json += ':';
      json += std::exchange(job.*part, {});
    }
    return json += '}';
  }

  std::expected<Config, Mistakes> Finish() {
    std::erase_if(unknown_, [&](const Mistake& mistake) {
      return own_keys_.contains(mistake.path);
    });
    // A pod selector without what its author wrote selects more pods, or all.
    const auto selects = [](const Mistake& mistake) {
      return mistake.path.starts_with("collector_selector.");
    };
    std::ranges::copy_if(unknown_, std::back_inserter(mistakes_), selects);
    std::erase_if(unknown_, selects);
    if (options_.strict) {
      mistakes_.insert(mistakes_.end(), unknown_.begin(), unknown_.end());
      unknown_.clear();
    }
    if (!mistakes_.empty()) {
      SortMistakes(mistakes_);
      return std::unexpected(std::move(mistakes_));
    }
    SortMistakes(unknown_);
    for (const auto& mistake : unknown_)
      config_.warnings.push_back(mistake.ToString());
    config_.unknown_keys = static_cast<int>(unknown_.size());
    std::sort(jobs_.begin(), jobs_.end(), [](const Job& a, const Job& b) {
      return a.config->job_name < b.config->job_name;
    });
    RenderJobs();
    for (Job& job : jobs_) config_.jobs.push_back(std::move(job.config));
    CountMechanisms();
    // Custom resources have a warning of their own, and nothing is served then.
    if (config_.jobs.empty() && !config_.custom_resources_enabled) {
      config_.warnings.push_back(config_.path +
                                 ": there are no scrape configs, so that "
                                 "collectors will be told to scrape nothing");
    }
    return std::move(config_);
  }

  const LoadOptions& options_;
  const std::string folder_;
  Mistakes mistakes_;
  Mistakes unknown_;
  SchemaReader reader_;
  Config config_;
  std::vector<Job> jobs_;
  std::unordered_map<std::string, Place> places_;  // of job names
  std::set<std::string> own_keys_;  // of ours, in a Prometheus file
};

}  // namespace

std::expected<Config, Mistakes> LoadConfig(const std::string& path,
                                           std::string_view text,
                                           const LoadOptions& options) {
  return Loader(path, options).Load(text);
}

std::string FolderOf(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return {};
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace ta
