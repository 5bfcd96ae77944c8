#include "discovery/file_read.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "test/discovery/support.h"

namespace ta {
namespace {

using test::TempFolder;
using test::Write;

TEST(FileReadTest, ReadsAllOfAFile) {
  const TempFolder folder;
  const std::string text(100'000, 'x');
  Write(folder / "a", text);
  EXPECT_EQ(ReadFile(folder / "a").value(), text);
  Write(folder / "a", "");
  EXPECT_EQ(ReadFile(folder / "a").value(), "");
  EXPECT_EQ(ReadFile(folder / "b").error().message,
            "No such file or directory");
}

// /proc says 0 bytes for files that have some.
TEST(FileReadTest, ReadsMoreThanTheSizeSays) {
  EXPECT_NE(ReadFile("/proc/self/status").value(), "");
}

TEST(FileReadTest, RefusesWhatIsTooLarge) {
  const TempFolder folder;
  Write(folder / "a", "12345");
  EXPECT_EQ(ReadFile(folder / "a", 4).error().message,
            "is larger than 4 bytes");
  EXPECT_EQ(ReadFile(folder / "a", 5).value(), "12345");
}

TEST(FileReadTest, RefusesWhatIsNoRegularFile) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(folder / "fifo").error().message, "is not a regular file");
  EXPECT_EQ(ReadFile("/dev/zero").error().message, "is not a regular file");
  EXPECT_EQ(ReadFile(folder.path()).error().message, "is a directory");
}

TEST(FileReadTest, NoticesAChangeWhileReading) {
  const TempFolder folder;
  Write(folder / "a", "one");
  auto file = InputFile::Open(folder / "a");
  ASSERT_TRUE(file.has_value());
  EXPECT_FALSE(file->Changed());
  std::ofstream(folder / "a", std::ios::app) << "two";
  EXPECT_TRUE(file->Changed());
}

TEST(FileReadTest, AStampIsTrustedOnlyOnceTheClockHasMovedOn) {
  FileStamp stamp;
  stamp.modified_ns = 1'000'000'000;
  stamp.changed_ns = 1'000'000'000;
  EXPECT_FALSE(stamp.IsTrusted(1'000'000'000));
  EXPECT_FALSE(stamp.IsTrusted(1'050'000'000));
  EXPECT_TRUE(stamp.IsTrusted(1'050'000'001));
  EXPECT_FALSE(stamp.IsTrusted(500'000'000));  // a clock that went back
}

TEST(FileReadTest, ADanglingSymlinkIsThere) {
  const TempFolder folder;
  std::filesystem::create_symlink("nowhere", folder / "a");
  EXPECT_TRUE(IsThere(folder / "a"));
  EXPECT_TRUE(IsSymlink(folder / "a"));
  EXPECT_FALSE(IsThere(folder / "b"));
  EXPECT_FALSE(IsSymlink(folder / "b"));
}

}  // namespace
}  // namespace ta
