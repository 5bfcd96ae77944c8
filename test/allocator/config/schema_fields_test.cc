// The tables against Prometheus's own structs, field by field: fields.json is
// what Go's reflection says of them (test/oracle/fields.go), so that a field
// that upstream adds, renames or gives another default shows here when the
// module's version is raised and the file recorded again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "allocator/config/mistake.h"
#include "allocator/config/schema.h"
#include "allocator/config/yaml_tree.h"

namespace ta {
namespace {

using enum Type;

std::string_view TextOf(const YamlNode& row, std::string_view key) {
  const YamlEntry* entry = row.Find(key);
  return entry != nullptr ? entry->value->text : std::string_view();
}

// Which types of ours a type of Go's may be.
const std::multimap<std::string_view, Type>& KnownTypes() {
  static const std::multimap<std::string_view, Type> types = {
      {"bool", kBool},
      {"*bool", kOptionalBool},
      {"int", kInt},
      {"uint", kUint},
      {"uint64", kUint},
      {"float64", kFloat},
      {"string", kString},
      {"string", kEnum},  // checked by its struct's Validate
      {"[]string", kStrings},
      {"map[string]string", kStringMap},
      {"map[string]interface {}", kAnyMap},
      {"url.Values", kStringsMap},
      {"model.Duration", kDuration},
      {"model.LabelNames", kLabelNames},
      {"model.ValidationScheme", kEnum},
      {"labels.Labels", kLabels},
      {"units.Base2Bytes", kBytes},
      {"relabel.Action", kEnumAnyCase},
      {"relabel.Regexp", kRegex},
      {"config.Secret", kSecret},
      {"[]config.Secret", kSecrets},
      {"config.ProxyHeader", kSecretsMap},
      {"config.URL", kUrl},
      {"config.TLSVersion", kEnum},
      {"config.ScrapeProtocol", kEnum},
      {"[]config.ScrapeProtocol", kStrings},
      {"aws.Role", kEnum},
      {"digitalocean.Role", kEnum},
      {"hetzner.Role", kEnum},
      {"kubernetes.Role", kEnum},
      {"openstack.Role", kEnum},
      {"scaleway.role", kEnum},
      {"record", kRecord},
      {"*record", kOptionalRecord},
      {"[]record", kPlainRecords},
      {"[]*record", kRecords},          // null is a mistake
      {"[]*record", kNullableRecords},  // or it isn't
      {"[]*targetgroup.Group", kRecords},
      {"*http.Client", kAny},
  };
  return types;
}

// What is known to differ, and why.
const std::map<std::string_view, std::string_view>& KnownDefaults() {
  static const std::map<std::string_view, std::string_view> known = {
      // Go's differ with what stands in `global`; FinishGlobal fills them in.
      {"global.scrape_timeout", "10s"},
      {"global.metric_name_validation_scheme", "utf8"},
      {"global.metric_name_escaping_scheme", "allow-utf-8"},
  };
  return known;
}

class FieldsComparison {
 public:
  explicit FieldsComparison(const YamlNode& structs) : structs_(structs) {}

  // Compares `record` with the Go struct `name`; `path` is for messages.
  void Compare(const Record& record, std::string_view name,
               const std::string& path) {
    const YamlEntry* rows = structs_.Find(name);
    ASSERT_NE(rows, nullptr) << path << ": no struct " << name;
    compared_.insert(std::string(name));
    std::set<std::string_view> theirs;
    for (const YamlNode* row : rows->value->items) {
      const std::string_view key = TextOf(*row, "name");
      theirs.insert(key);
      const int index = record.IndexOf(key);
      const std::string below = path + "." + std::string(key);
      if (index < 0)
        ADD_FAILURE() << below << ": is Prometheus's, and not in the table";
      else
        CompareField(record.fields[static_cast<std::size_t>(index)], *row,
                     below);
    }
    for (const Field& field : record.fields) {
      EXPECT_TRUE(theirs.contains(field.name))
          << path << "." << field.name << ": is not Prometheus's";
    }
  }

  // The structs that nothing in the tables stands for.
  std::set<std::string> Rest() const {
    std::set<std::string> rest;
    for (const YamlEntry& entry : structs_.entries) {
      if (!compared_.contains(std::string(entry.key)))
        rest.insert(std::string(entry.key));
    }
    return rest;
  }

 private:
  void CompareField(const Field& field, const YamlNode& row,
                    const std::string& path) {
    const std::string_view type = TextOf(row, "type");
    const std::string_view record = TextOf(row, "record");
    if (record == "config.Headers") {  // a struct with nothing but a map inline
      EXPECT_EQ(field.type, kRecordMap) << path;
      compared_.insert("config.Headers");
      return Compare(*field.record, "config.Header", path + ".*");
    }
    const auto [begin, end] = KnownTypes().equal_range(type);
    EXPECT_TRUE(std::any_of(
        begin, end,
        [&](const auto& pair) { return pair.second == field.type; }))
        << path << ": is a " << type;
    EXPECT_EQ(field.omit == Omit::kZero, TextOf(row, "omitempty") == "true")
        << path << ": omitempty";
    const auto known = KnownDefaults().find(path);
    if (known != KnownDefaults().end())
      EXPECT_EQ(TextOf(row, "default"), known->second) << path;
    else
      EXPECT_EQ(field.fallback, TextOf(row, "default")) << path << ": default";
    if (!record.empty()) Compare(*field.record, record, path);
  }

  const YamlNode& structs_;
  std::set<std::string> compared_;
};

TEST(SchemaFieldsTest, TablesHoldEveryFieldOfPrometheus) {
  std::ifstream in(TA_TESTDATA "/../schema/fields.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  Mistakes mistakes;
  const YamlTree tree = YamlTree::Parse("fields.json", text, mistakes);
  ASSERT_NE(tree.root(), nullptr);
  FieldsComparison fields(*tree.root());
  fields.Compare(ScrapeConfigRecord(), "config.ScrapeConfig", "scrape_config");
  fields.Compare(GlobalRecord(), "config.GlobalConfig", "global");
  EXPECT_THAT(fields.Rest(), ::testing::IsEmpty());
}

// Lookups are binary searches.
void ExpectSorted(const Record& record) {
  const auto later = [](const Field& a, const Field& b) {
    return a.name >= b.name;
  };
  const auto out_of_order =
      std::adjacent_find(record.fields.begin(), record.fields.end(), later);
  EXPECT_EQ(out_of_order, record.fields.end())
      << record.name << ": " << out_of_order->name;
  for (const Field& field : record.fields) {
    if (field.record != nullptr) ExpectSorted(*field.record);
  }
}

TEST(SchemaFieldsTest, RowsAscendByName) {
  ExpectSorted(ScrapeConfigRecord());
  ExpectSorted(PrometheusRecord());
  ExpectSorted(OwnRecord());
}

}  // namespace
}  // namespace ta
