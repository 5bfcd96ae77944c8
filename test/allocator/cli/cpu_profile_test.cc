#include "allocator/cpu_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "allocator/base/log.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class CpuProfileTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { test::HeedPermissions(); }
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "such a build refuses";
#endif
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  // Complete: its header, and behind the samples what is mapped where.
  static void ExpectProfile(const std::string& path) {
    const std::string text = Read(path);
    const std::uint64_t header[] = {0, 3, 0};
    ASSERT_GT(text.size(), sizeof header) << path;
    EXPECT_EQ(std::memcmp(text.data(), header, sizeof header), 0);
    EXPECT_THAT(text, HasSubstr("/cli_test"));
  }

  const LogCapture log_;
  const test::TempFolder folder_;
  const TimePoint now_{std::chrono::hours(1)};
};

TEST_F(CpuProfileTest, IsWrittenWhenItEnds) {
  const std::string path = folder_ / "p";
  CpuProfile profile(path);
  profile.Begin();
  EXPECT_TRUE(profile.running());
  EXPECT_FALSE(profile.deadline());
  profile.Begin();  // goes on
  profile.End();
  EXPECT_FALSE(profile.running());
  ExpectProfile(path);
  EXPECT_EQ(log_.Count("CPU profile begun"), 1);
  EXPECT_EQ(log_.Count("CPU profile written"), 1);
}

TEST_F(CpuProfileTest, EndsWithTheProcess) {
  const std::string path = folder_ / "p";
  CpuProfile(path).Begin();
  ExpectProfile(path);
}

TEST_F(CpuProfileTest, ToggledOnceMoreItEnds) {
  const std::string path = folder_ / CpuProfile::kFileName;
  CpuProfile profile("");
  profile.UseFolder(folder_ / ".");
  profile.Toggle(now_);
  ASSERT_TRUE(profile.running());
  profile.Toggle(now_ + seconds(1));
  EXPECT_FALSE(profile.running());
  EXPECT_FALSE(profile.deadline());
  ExpectProfile(path);
}

TEST_F(CpuProfileTest, ToggledAndForgottenItEnds) {
  CpuProfile profile(folder_ / "p");
  profile.Toggle(now_);
  EXPECT_EQ(profile.deadline(), now_ + CpuProfile::kToggled);
  profile.EndIfDue(now_ + CpuProfile::kToggled - seconds(1));
  EXPECT_TRUE(profile.running());
  profile.EndIfDue(now_ + CpuProfile::kToggled);
  EXPECT_FALSE(profile.running());
  ExpectProfile(folder_ / "p");
}

TEST_F(CpuProfileTest, AFileThatIsNamedWinsOverAFolder) {
  CpuProfile profile(folder_ / "p");
  profile.UseFolder(folder_ / ".");
  profile.Toggle(now_);
  profile.End();
  ExpectProfile(folder_ / "p");
  EXPECT_FALSE(std::filesystem::exists(folder_ / CpuProfile::kFileName));
}

TEST_F(CpuProfileTest, WithoutAPlaceItSaysWhatToSet) {
  CpuProfile profile("");
  profile.UseFolder("");
  profile.Toggle(now_);
  EXPECT_FALSE(profile.running());
  EXPECT_FALSE(profile.deadline());
  EXPECT_EQ(log_.Count("neither --profile nor state_dir is set"), 1);
}

TEST_F(CpuProfileTest, WhereItCannotWriteItSaysWhy) {
  std::filesystem::create_symlink("/dev/null", folder_ / "link");
  const std::pair<std::string, std::string> cases[] = {
      {folder_ / "no/p", "No such file or directory"},
      {folder_ / ".", "Is a directory"},
      {folder_ / "link", "Too many levels of symbolic links"}};
  for (const auto& [path, says] : cases) {
    CpuProfile profile(path);
    profile.Begin();
    EXPECT_FALSE(profile.running()) << path;
    EXPECT_EQ(log_.Count(says), 1) << path;
  }
  EXPECT_EQ(log_.Count("no CPU profile"), 3);
}

TEST_F(CpuProfileTest, OneAfterTheOther) {
  CpuProfile profile(folder_ / "p");
  for (int i = 0; i < 3; ++i) {
    profile.Toggle(now_);
    ASSERT_TRUE(profile.running());
    profile.Toggle(now_);
    ExpectProfile(folder_ / "p");
  }
}

}  // namespace
}  // namespace ta
