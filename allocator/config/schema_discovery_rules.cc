#include "allocator/config/schema_discovery_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "allocator/base/ascii.h"
#include "allocator/config/go_url.h"
#include "allocator/config/schema_rules.h"

namespace ta {
namespace {

void RequireItems(const Value& config, std::string_view name,
                  std::string_view what, const Path& path,
                  SchemaReader& reader) {
  const Value& list = config.at(name);
  if (list.items.empty() && !list.bad)
    reader.SayAt(config, name, path,
                 "must hold at least one " + std::string(what));
}

// The URL in text field `name`, which must be there.
std::optional<GoUrl> RequireUrl(const Value& config, std::string_view name,
                                const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {name});
  if (!HasText(config, name)) return std::nullopt;
  auto url = ParseGoUrl(config.at(name).text);
  if (url) return std::move(*url);
  reader.SayAt(config, name, path, url.error().message);
  return std::nullopt;
}

// What http and puppetdb want of their `url`.
void CheckHttpUrl(const Value& config, std::string_view name, const Path& path,
                  SchemaReader& reader) {
  const auto url = RequireUrl(config, name, path, reader);
  if (!url) return;
  if (url->scheme != "http" && url->scheme != "https")
    reader.SayAt(config, name, path, "the scheme must be http or https");
  else if (url->host.empty())
    reader.SayAt(config, name, path, "the host is missing");
}

// Exactly one of `secret_key` and `secret_key_file`.
void CheckSecretKey(const Value& config, const Path& path,
                    SchemaReader& reader) {
  AtMostOne(config, path, reader, {"secret_key", "secret_key_file"});
  if (!HasText(config, "secret_key") && !HasText(config, "secret_key_file") &&
      !config.at("secret_key").bad && !config.at("secret_key_file").bad)
    reader.SayAt(config, "secret_key", path,
                 "one of secret_key, secret_key_file must be set");
}

void CheckPositive(const Value& config, std::string_view name, const Path& path,
                   SchemaReader& reader) {
  if (config.at(name).integer <= 0 && !config.at(name).bad)
    reader.SayAt(config, name, path, "must be longer than 0");
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// 8-4-4-4-12 hexadecimal digits.
bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

bool IsScalewayAccessKey(std::string_view text) {
  return text.size() == 20 && text.starts_with("SCW") &&
         std::all_of(text.begin() + 3, text.end(),
                     [](char c) { return IsUpper(c) || IsDigit(c); });
}

// Upstream: ^[a-z]{2}-[a-z]{3,7}-[0-9]{1,2}$
bool IsScalewayZone(std::string_view text) {
  const auto take = [&](auto is, std::size_t least, std::size_t most) {
    std::size_t size = 0;
    while (size < text.size() && size < most && is(text[size])) ++size;
    text.remove_prefix(size);
    return size >= least;
  };
  const auto dash = [](char c) { return c == '-'; };
  return take(IsLower, 2, 2) && take(dash, 1, 1) && take(IsLower, 3, 7) &&
         take(dash, 1, 1) && take(IsDigit, 1, 2) && text.empty();
}

}  // namespace

void CheckFileSd(Value& config, const Path& path, SchemaReader& reader) {
  const Value& files = config.at("files");
  if (files.items.empty() && !files.bad)
    reader.SayAt(config, "files", path, "must name at least one file");
  // Upstream: ^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$
  const Path below{&path, "files"};
  for (std::size_t i = 0; i < files.items.size(); ++i) {
    const Value& file = files.items[i];
    if (file.bad) continue;
    const std::string_view name = file.text;
    const bool extension = std::any_of(name.begin(), name.end(),
                                       [](char c) { return c == '.'; }) &&
                           [&] {
                             const auto end = name.substr(name.rfind('.') + 1);
                             return end == "json" || end == "yml" ||
                                    end == "yaml" || end == "JSON" ||
                                    end == "YML" || end == "YAML";
                           }();
    const auto star = name.find('*');
    const bool one_level =
        star == name.npos || name.find('/', star) == name.npos;
    if (extension && one_level && name.find('\n') == name.npos) continue;
    reader.Say(file.node != nullptr ? file.node : files.node,
               Path{&below, {}, static_cast<int>(i)},
               !extension
                   ? "expected a name that ends in .json, .yml or .yaml, got " +
                         Quoted(name)
                   : "a * may only stand in the last part of the path, got " +
                         Quoted(name));
  }
}

void CheckHttpSd(Value& config, const Path& path, SchemaReader& reader) {
  CheckHttpUrl(config, "url", path, reader);
  CheckHttpClient(config, path, reader);
}

void CheckDnsSd(Value& config, const Path& path, SchemaReader& reader) {
  if (config.at("names").items.empty() && !config.at("names").bad)
    reader.SayAt(config, "names", path, "must hold at least one name");
  if (config.at("type").bad) return;
  const std::string type = AsciiUpper(config.at("type").text);
  if (type == "SRV") return;
  if (type != "A" && type != "AAAA" && type != "MX" && type != "NS")
    reader.SayAt(config, "type", path,
                 "expected one of SRV, A, AAAA, MX, NS, got " +
                     Quoted(config.at("type").text));
  else if (config.at("port").integer == 0 && !config.at("port").bad)
    reader.SayAt(config, "port", path,
                 "must be set for every record type but SRV");
}

void CheckConsulSd(Value& config, const Path& path, SchemaReader& reader) {
  if (GoTrimmed(config.at("server").text).empty() && !config.at("server").bad)
    reader.SayAt(config, "server", path, "must be set");
  Value& basic = config.at("basic_auth");
  if (HasText(config, "username") || HasText(config, "password")) {
    if (basic.set) {
      reader.SayAt(config, "basic_auth", path,
                   "cannot be set together with username or password");
    } else if (!basic.bad) {
      const int index = config.record->IndexOf("basic_auth");
      const Record* record =
          config.record->fields[static_cast<std::size_t>(index)].record;
      basic = reader.Read(nullptr, *record, Path{&path, "basic_auth"});
      basic.set = true;
      basic.node = HasText(config, "username") ? config.at("username").node
                                               : config.at("password").node;
      basic.at("username").text = config.at("username").text;
      basic.at("password").text = config.at("password").text;
    }
  }
  if (HasText(config, "token") &&
      (config.at("authorization").set || config.at("oauth2").set))
    reader.SayAt(config, "token", path,
                 "cannot be set together with authorization or oauth2");
  CheckHttpClient(config, path, reader);
}

void CheckDockerSd(Value& config, const Path& path, SchemaReader& reader) {
  RequireUrl(config, "host", path, reader);
  CheckHttpClient(config, path, reader);
}

void CheckDockerSwarmSd(Value& config, const Path& path, SchemaReader& reader) {
  RequireUrl(config, "host", path, reader);
  Require(config, path, reader, {"role"});
  CheckHttpClient(config, path, reader);
}

void CheckMarathonSd(Value& config, const Path& path, SchemaReader& reader) {
  RequireItems(config, "servers", "server", path, reader);
  AtMostOne(config, path, reader, {"auth_token", "auth_token_file"});
  const bool token =
      HasText(config, "auth_token") || HasText(config, "auth_token_file");
  const bool other =
      config.at("basic_auth").set || config.at("authorization").set ||
      HasText(config, "bearer_token") || HasText(config, "bearer_token_file");
  if (token && other)
    reader.SayAt(
        config,
        HasText(config, "auth_token") ? "auth_token" : "auth_token_file", path,
        "cannot be set together with basic_auth, authorization, bearer_token "
        "or bearer_token_file");
  CheckHttpClient(config, path, reader);
}

void CheckNomadSd(Value& config, const Path& path, SchemaReader& reader) {
  if (GoTrimmed(config.at("server").text).empty() && !config.at("server").bad)
    reader.SayAt(config, "server", path, "must be set");
  CheckHttpClient(config, path, reader);
}

void CheckPuppetDbSd(Value& config, const Path& path, SchemaReader& reader) {
  CheckHttpUrl(config, "url", path, reader);
  Require(config, path, reader, {"query"});
  CheckHttpClient(config, path, reader);
}

void CheckUyuniSd(Value& config, const Path& path, SchemaReader& reader) {
  RequireUrl(config, "server", path, reader);
  Require(config, path, reader, {"username", "password"});
  CheckHttpClient(config, path, reader);
}

void CheckServerUrlSd(Value& config, const Path& path, SchemaReader& reader) {
  const auto url = RequireUrl(config, "server", path, reader);
  if (url && (url->scheme.empty() || url->host.empty()))
    reader.SayAt(config, "server", path,
                 "expected a URL with a scheme and a host");
  CheckHttpClient(config, path, reader);
}

void CheckZookeeperSd(Value& config, const Path& path, SchemaReader& reader) {
  RequireItems(config, "servers", "server", path, reader);
  RequireItems(config, "paths", "path", path, reader);
  const Path below{&path, "paths"};
  const Value& paths = config.at("paths");
  for (std::size_t i = 0; i < paths.items.size(); ++i) {
    const Value& each = paths.items[i];
    if (each.bad || each.text.starts_with('/')) continue;
    reader.Say(each.node != nullptr ? each.node : paths.node,
               Path{&below, {}, static_cast<int>(i)},
               "must begin with /, got " + Quoted(each.text));
  }
}

void CheckAwsSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"role"});
}

void CheckAzureSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"subscription_id", "authentication_method"});
  if (config.at("authentication_method").text == "OAuth" &&
      !config.at("authentication_method").bad)
    Require(config, path, reader, {"tenant_id", "client_id", "client_secret"});
  CheckHttpClient(config, path, reader);
}

void CheckEc2Sd(Value& config, const Path& path, SchemaReader& reader) {
  const Path list{&path, "filters"};
  const auto& filters = config.at("filters").items;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    if (filters[i].bad || filters[i].record == nullptr) continue;
    const Path at{&list, {}, static_cast<int>(i)};
    RequireItems(filters[i], "values", "value", at, reader);
  }
  CheckHttpClient(config, path, reader);
}

void CheckGceSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"project", "zone"});
}

void CheckIonosSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"datacenter_id"});
  CheckHttpClient(config, path, reader);
}

void CheckOciSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"region", "auth"});
  const Value& auth = config.at("auth");
  if (auth.text == "api_key" && !auth.bad) {
    Require(config, path, reader,
            {"tenancy", "user", "fingerprint", "key_file"});
    AtMostOne(config, path, reader, {"key_passphrase", "key_passphrase_file"});
  } else if (auth.text == "instance_principal") {
    for (const std::string_view name :
         {"tenancy", "user", "fingerprint", "key_file", "key_passphrase",
          "key_passphrase_file"}) {
      if (HasText(config, name))
        reader.SayAt(config, name, path,
                     "cannot be set where auth is instance_principal");
    }
  }
  const Path below{&path, "compartments"};
  const Value& compartments = config.at("compartments");
  for (std::size_t i = 0; i < compartments.items.size(); ++i) {
    const Value& each = compartments.items[i];
    if (each.text.empty() && !each.bad)
      reader.Say(each.node != nullptr ? each.node : compartments.node,
                 Path{&below, {}, static_cast<int>(i)}, "must not be empty");
  }
  CheckPositive(config, "refresh_interval", path, reader);
  CheckHttpClient(config, path, reader);
}

void CheckOpenStackSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"availability", "role", "region"});
}

void CheckOutscaleSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"region", "access_key"});
  CheckSecretKey(config, path, reader);
  if (!HasText(config, "endpoint"))
    config.at("endpoint").text =
        "https://api." + config.at("region").text + ".outscale.com/api/v1";
  CheckHttpClient(config, path, reader);
}

void CheckOvhCloudSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader,
          {"endpoint", "application_key", "application_secret", "consumer_key",
           "service"});
}

void CheckScalewaySd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"role", "project_id", "access_key", "zone"});
  CheckSecretKey(config, path, reader);
  // The formats are those of scaleway-sdk-go's client. What may be confused
  // with a secret is not shown.
  constexpr std::string_view kUuid =
      "expected a UUID: xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const auto check = [&](std::string_view name, auto is_right,
                         std::string_view message) {
    if (HasText(config, name) && !is_right(config.at(name).text))
      reader.SayAt(config, name, path, std::string(message));
  };
  check("access_key", IsScalewayAccessKey,
        "expected SCW and 17 capital letters or digits");
  check("project_id", IsUuid, kUuid);
  check("zone", IsScalewayZone, "expected a zone such as fr-par-1");
  if (!HasText(config, "secret_key_file")) check("secret_key", IsUuid, kUuid);
  if (const auto url = RequireUrl(config, "api_url", path, reader);
      url && config.at("api_url").text.ends_with('/'))
    reader.SayAt(config, "api_url", path, "must not end in /");
  CheckHttpClient(config, path, reader);
}

void CheckStackitSd(Value& config, const Path& path, SchemaReader& reader) {
  if (!HasText(config, "endpoint")) {
    Require(config, path, reader, {"region"});
  } else if (const auto url = ParseGoUrl(config.at("endpoint").text); !url) {
    reader.SayAt(config, "endpoint", path, url.error().message);
  }
  CheckHttpClient(config, path, reader);
}

void CheckTritonSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"role", "account", "dns_suffix", "endpoint"});
  CheckPositive(config, "refresh_interval", path, reader);
}

void CheckRoleSd(Value& config, const Path& path, SchemaReader& reader) {
  Require(config, path, reader, {"role"});
  CheckHttpClient(config, path, reader);
}

void CheckDigitalOceanSd(Value& config, const Path& path,
                         SchemaReader& reader) {
  const YamlNode* client = config.at("httpclient").node;
  if (client != nullptr && !client->IsNull())
    reader.SayAt(config, "httpclient", path,
                 "is only for Prometheus's own tests and must be left out");
  CheckRoleSd(config, path, reader);
}

}  // namespace ta
