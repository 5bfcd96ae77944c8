#include "discovery/kubernetes/kubeconfig.h"

#include <openssl/evp.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "allocator/config/yaml_scalar.h"
#include "allocator/config/yaml_tree.h"
#include "discovery/file_read.h"
#include "discovery/http_url.h"

namespace ta::kubernetes {
namespace {

constexpr std::size_t kMaxFileBytes = 16 << 20;

std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != ' ') digits += c;
  }
  std::string decoded(digits.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                      reinterpret_cast<const unsigned char*>(digits.data()),
                      static_cast<int>(digits.size()));
  if (size < 0 || digits.size() % 4 != 0) return std::nullopt;
  const std::size_t padding =
      digits.size() - std::min(digits.size(), digits.find_last_not_of('=') + 1);
  if (padding > 2) return std::nullopt;
  decoded.resize(static_cast<std::size_t>(size) - padding);
  return decoded;
}

// Walks the tree and collects mistakes.
class Reader {
 public:
  Reader(std::string_view file, const std::string& folder, Mistakes& mistakes)
      : file_(file), folder_(folder), mistakes_(mistakes) {}

  void Say(int line, int column, std::string path, std::string message) {
    mistakes_.push_back({std::string(file_),
                         line,
                         column,
                         std::move(path),
                         std::move(message),
                         {}});
  }
  void Say(const YamlNode& node, std::string path, std::string message) {
    Say(node.line, node.column, std::move(path), std::move(message));
  }

  // A field's text, "" if it isn't there.
  std::string Text(const YamlNode& map, const std::string& path,
                   std::string_view key) {
    const YamlEntry* entry = map.Find(key);
    if (entry == nullptr || entry->value->IsNull()) return {};
    if (!entry->value->IsScalar()) {
      Say(*entry->value, path + "." + std::string(key),
          "expected text, got " + std::string(KindOf(*entry->value)));
      return {};
    }
    return std::string(entry->value->text);
  }
  bool Flag(const YamlNode& map, const std::string& path,
            std::string_view key) {
    const YamlEntry* entry = map.Find(key);
    if (entry == nullptr || entry->value->IsNull()) return false;
    if (entry->value->IsScalar()) {
      const YamlScalar scalar = ResolveScalar(*entry->value);
      if (const bool* flag = std::get_if<bool>(&scalar)) return *flag;
    }
    Say(*entry->value, path + "." + std::string(key),
        "expected true or false, got " + std::string(KindOf(*entry->value)));
    return false;
  }
  std::string File(const YamlNode& map, const std::string& path,
                   std::string_view key) {
    std::string name = Text(map, path, key);
    if (name.empty() || name.starts_with('/') || folder_.empty()) return name;
    return folder_ + "/" + name;
  }
  // `key` as a file, or `key`-data, which wins.
  TextSource Source(const YamlNode& map, const std::string& path,
                    const std::string& key) {
    const std::string data_key = key + "-data";
    const std::string data = Text(map, path, data_key);
    if (data.empty()) return {{}, File(map, path, key)};
    auto decoded = DecodeBase64(data);
    if (!decoded) {
      Say(*map.Find(data_key)->value, path + "." + data_key,
          "not valid base64");
      return {};
    }
    return {*std::move(decoded), {}};
  }

  // The map in an entry of a list of {name: …, <what>: {…}}, by name; null, and
  // said, if it can't be had.
  const YamlNode* Named(const YamlNode& root, std::string_view list_key,
                        std::string_view what, const std::string& name) {
    const YamlEntry* list = root.Find(list_key);
    if (list != nullptr && list->value->IsSequence()) {
      for (const YamlNode* item : list->value->items) {
        if (!item->IsMap()) continue;
        const YamlEntry* own = item->Find("name");
        if (own == nullptr || own->value->text != name) continue;
        const YamlEntry* map = item->Find(what);
        if (map != nullptr && map->value->IsMap()) return map->value;
        Say(*item, PathOf(list_key, name),
            "has no map named " + std::string(what));
        return nullptr;
      }
    } else if (list != nullptr && !list->value->IsNull()) {
      Say(*list->value, std::string(list_key),
          "expected a list, got " + std::string(KindOf(*list->value)));
      return nullptr;
    }
    Say(list == nullptr ? 0 : list->line, list == nullptr ? 0 : list->column,
        std::string(list_key),
        "there is no " + std::string(what) + " " + Quoted(name));
    return nullptr;
  }
  static std::string PathOf(std::string_view list_key,
                            const std::string& name) {
    return std::string(list_key) + "[" + name + "]";
  }

 private:
  std::string_view file_;
  const std::string& folder_;
  Mistakes& mistakes_;
};

void ReadCluster(const YamlNode& cluster, const std::string& path,
                 Reader& reader, ClientSettings& settings) {
  settings.server = reader.Text(cluster, path, "server");
  settings.ca = reader.Source(cluster, path, "certificate-authority");
  settings.tls.server_name = reader.Text(cluster, path, "tls-server-name");
  settings.tls.insecure_skip_verify =
      reader.Flag(cluster, path, "insecure-skip-tls-verify");
  settings.proxy.url = reader.Text(cluster, path, "proxy-url");
  settings.proxy.from_environment = settings.proxy.url.empty();
  if (settings.tls.insecure_skip_verify && !settings.ca.empty()) {
    reader.Say(cluster, path,
               "a certificate authority and insecure-skip-tls-verify exclude "
               "each other");
  }
  if (settings.server.empty()) {
    reader.Say(cluster, path, "has no server");
  } else {
    // As client-go: without a scheme it is https if anything speaks of TLS.
    if (settings.server.find("://") == std::string::npos) {
      const bool tls = !settings.ca.empty() || settings.tls != TlsSettings();
      settings.server.insert(0, tls ? "https://" : "http://");
    }
    if (const auto url = ParseHttpUrl(settings.server); !url) {
      reader.Say(*cluster.Find("server")->value, path + ".server",
                 url.error().message);
    }
  }
  const auto rules =
      ProxyRules::Make(settings.proxy, [](const char*) { return nullptr; });
  if (!rules) {
    reader.Say(*cluster.Find("proxy-url")->value, path + ".proxy-url",
               rules.error().message);
  }
}

void ReadUser(const YamlNode& user, const std::string& path, Reader& reader,
              ClientSettings& settings) {
  for (const std::string_view key : {"exec", "auth-provider", "as", "as-uid",
                                     "as-groups", "as-user-extra"}) {
    const YamlEntry* entry = user.Find(key);
    if (entry == nullptr || entry->value->IsNull()) continue;
    const bool fetched = key == "exec" || key == "auth-provider";
    reader.Say(entry->line, entry->column, path + "." + std::string(key),
               fetched ? "credentials from a program are not supported: use a "
                         "token, tokenFile or client certificate"
                       : "acting as another user is not supported");
  }
  settings.client_cert = reader.Source(user, path, "client-certificate");
  settings.client_key = reader.Source(user, path, "client-key");
  settings.token.text = reader.Text(user, path, "token");
  settings.token.file = reader.File(user, path, "tokenFile");
  settings.username.text = reader.Text(user, path, "username");
  settings.password.text = reader.Text(user, path, "password");
  if (settings.client_cert.empty() != settings.client_key.empty()) {
    reader.Say(user, path,
               settings.client_key.empty()
                   ? "has a client certificate without its key"
                   : "has a client key without its certificate");
  }
  if (!settings.token.empty() && !settings.username.empty()) {
    reader.Say(user, path, "a token and a username exclude each other");
  }
}

}  // namespace

std::expected<ClientSettings, Mistakes> ParseKubeconfig(
    std::string_view file, std::string_view text, const std::string& folder) {
  Mistakes mistakes;
  ClientSettings settings;
  Reader reader(file, folder, mistakes);
  const YamlTree tree = YamlTree::Parse(file, text, mistakes);
  const YamlNode* root = tree.root();
  if (root == nullptr && mistakes.empty()) {
    reader.Say(0, 0, {}, "the file is empty");
  } else if (root != nullptr && !root->IsMap()) {
    reader.Say(*root, {}, "expected a map, got " + std::string(KindOf(*root)));
  }
  if (!mistakes.empty()) return std::unexpected(std::move(mistakes));

  const std::string current = reader.Text(*root, "", "current-context");
  if (current.empty()) {
    reader.Say(0, 0, "current-context", "is not set");
    return std::unexpected(std::move(mistakes));
  }
  const YamlNode* context = reader.Named(*root, "contexts", "context", current);
  if (context != nullptr) {
    const std::string path = Reader::PathOf("contexts", current);
    settings.ns = reader.Text(*context, path, "namespace");
    const std::string cluster = reader.Text(*context, path, "cluster");
    if (const YamlNode* node =
            reader.Named(*root, "clusters", "cluster", cluster)) {
      ReadCluster(*node, Reader::PathOf("clusters", cluster), reader, settings);
    }
    // Without a user, one is anonymous.
    const std::string user = reader.Text(*context, path, "user");
    if (!user.empty()) {
      if (const YamlNode* node = reader.Named(*root, "users", "user", user)) {
        ReadUser(*node, Reader::PathOf("users", user), reader, settings);
      }
    }
  }
  if (!mistakes.empty()) {
    SortMistakes(mistakes);
    return std::unexpected(std::move(mistakes));
  }
  if (settings.server.starts_with("http:")) {
    settings.token = {};
    settings.username = {};
    settings.password = {};
    settings.client_cert = {};
    settings.client_key = {};
  }
  return settings;
}

Result<ClientSettings> ReadKubeconfig(const std::string& path) {
  const auto text = ReadFile(path, kMaxFileBytes);
  if (!text) return Reject("kubeconfig " + path + ": " + text.error().message);
  const auto slash = path.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "." : path.substr(0, slash);
  auto settings = ParseKubeconfig(path, *text, folder);
  if (settings) return *std::move(settings);
  std::string lines;
  for (const Mistake& mistake : settings.error()) {
    lines += (lines.empty() ? "" : "\n") + mistake.ToString();
  }
  return Reject("kubeconfig: " + lines);
}

Result<ClientSettings> FindCluster(const std::string& kubeconfig,
                                   const ClusterPlaces& places) {
  std::string path = kubeconfig;
  if (path.empty()) {
    const char* home = places.get_env("HOME");
    if (home != nullptr && *home != '\0') {
      path = std::string(home) + "/.kube/config";
    }
  }
  if (!path.empty() && IsThere(path)) return ReadKubeconfig(path);
  auto settings =
      InClusterSettings(places.get_env, places.service_account_folder);
  if (settings || path.empty()) return settings;
  return Reject("there is no file " + path + ", and " +
                settings.error().message);
}

}  // namespace ta::kubernetes
