#include "allocator/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace ta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;

class ConfigFileTest : public testing::Test {
 public:
  ~ConfigFileTest() override { std::filesystem::remove_all(folder_); }

 protected:
  ConfigFileTest()
      : folder_(
            std::filesystem::path(testing::TempDir()) /
            (std::string("config_file_test_") +
             testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "jobs");
  }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    return path;
  }
  std::string Job(const std::string& name) {
    return "scrape_configs: [{job_name: " + name + "}]\n";
  }
  std::string WithJobsOf(const std::string& pattern) {
    return "collectors: {static: [a]}\nconfig: {scrape_config_files: ['" +
           pattern + "']}\n";
  }

  std::filesystem::path folder_;
};

// As Go's filepath.Glob, in which `*` also matches what begins with a dot: the
// watcher expands patterns so, and must see the files that were loaded.
TEST_F(ConfigFileTest, ReadsWhatMatchesAndNotesItDown) {
  const std::string path = Write("ta.yaml", WithJobsOf("jobs/*.yml"));
  const std::string b = Write("jobs/b.yml", Job("b"));
  const std::string hidden = Write("jobs/.a.yml", Job("a"));
  Write("jobs/c.txt", Job("c"));
  const LoadedConfig loaded = LoadConfigFile(path, {});
  ASSERT_TRUE(loaded.config.has_value()) << loaded.config.error()[0].ToString();
  ASSERT_THAT(loaded.config->jobs, SizeIs(2));
  EXPECT_EQ(loaded.config->jobs[0]->job_name, "a");
  ASSERT_TRUE(loaded.files.has_value());
  EXPECT_THAT(loaded.files->patterns, ElementsAre(folder_ / "jobs/*.yml"));
  EXPECT_THAT(*loaded.files->matched,
              ElementsAre(Pair(hidden, Job("a")), Pair(b, Job("b"))));
}

TEST_F(ConfigFileTest, AFileThatMatchesAndCannotBeReadIsAMistake) {
  const std::string path = Write("ta.yaml", WithJobsOf("jobs/*.yml"));
  std::filesystem::create_directories(folder_ / "jobs/folder.yml");
  const LoadedConfig loaded = LoadConfigFile(path, {});
  ASSERT_FALSE(loaded.config.has_value());
  EXPECT_THAT(loaded.config.error()[0].ToString(), HasSubstr("folder.yml"));
}

TEST_F(ConfigFileTest, AFileThatIsNotThereIsAMistake) {
  const LoadedConfig loaded = LoadConfigFile(folder_ / "nowhere.yaml", {});
  ASSERT_FALSE(loaded.config.has_value());
  EXPECT_FALSE(loaded.files.has_value());
  EXPECT_THAT(loaded.config.error()[0].ToString(), HasSubstr("nowhere.yaml"));
}

}  // namespace
}  // namespace ta
