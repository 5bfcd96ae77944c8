#include "allocator/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "allocator/base/log.h"
#include "test/api/tls_support.h"

namespace ta {
namespace {

namespace fs = std::filesystem;
using test::Eventually;
using test::Identity;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class TlsFilesTest : public testing::Test {
 protected:
  TlsFilesTest() {
    std::string name = testing::TempDir() + "ta-tls-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    https_ = {.enabled = true,
              .ca_file = folder_ + "/ca.crt",
              .cert_file = folder_ + "/tls.crt",
              .key_file = folder_ + "/tls.key"};
    Write(https_.ca_file, ca_.pem());
    Write(https_.cert_file, own_.certificate);
    Write(https_.key_file, own_.key);
  }
  ~TlsFilesTest() override { fs::remove_all(folder_); }

  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new") << text;
    fs::rename(path + ".new", path);
  }
  void Watch() {
    watcher_ = std::make_unique<TlsFileWatcher>(
        https_, *ReadTlsFiles(https_), &watch_, [this](auto tls) {
          const std::lock_guard lock(mutex_);
          seen_.push_back(tls ? "good" : tls.error().message);
        });
  }
  std::vector<std::string> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  const test::TestCa ca_{"ca"};
  const Identity own_ = ca_.Issue();
  std::string folder_;
  HttpsConfig https_;
  std::mutex mutex_;
  std::vector<std::string> seen_;
  FileWatch watch_;
  std::unique_ptr<TlsFileWatcher> watcher_;
};

TEST_F(TlsFilesTest, WhatIsWrongNamesItsFile) {
  EXPECT_TRUE(ServerTls::Make(*ReadTlsFiles(https_)));
  const auto error = [&] {
    const auto texts = ReadTlsFiles(https_);
    if (!texts) return texts.error().message;
    const auto made = ServerTls::Make(*texts);
    return made ? std::string("none") : made.error().message;
  };
  Write(https_.ca_file, "x");
  EXPECT_EQ(error(),
            https_.ca_file + ": the CA is not a list of PEM certificates");
  Write(https_.key_file, ca_.Issue().key);
  EXPECT_EQ(error(),
            https_.key_file + ": the key does not belong to the certificate");
  Write(https_.cert_file, "x");
  EXPECT_THAT(error(), StartsWith(https_.cert_file + ": the certificate"));
  fs::remove(https_.key_file);
  EXPECT_THAT(error(), StartsWith(https_.key_file));
  EXPECT_THAT(error(), EndsWith("No such file or directory"));
}

TEST_F(TlsFilesTest, ARotationIsToldOnce) {
  const LogCapture log;
  Watch();
  const Identity next = ca_.Issue();
  // One after the other: in between they don't belong together.
  Write(https_.cert_file, next.certificate);
  Write(https_.key_file, next.key);
  EXPECT_TRUE(Eventually([&] { return !seen().empty(); }));
  watcher_->Stop();
  EXPECT_THAT(seen(), testing::ElementsAre("good"));
  EXPECT_EQ(log.Count("HTTPS has new certificates"), 1);
  EXPECT_EQ(log.Count("level=error"), 0);
}

TEST_F(TlsFilesTest, ASecretsFolderIsSwappedAsAWhole) {
  // As Kubernetes mounts one: tls.crt -> ..data/tls.crt, ..data -> a folder.
  const auto fill = [&](const std::string& name, const Identity& identity) {
    fs::create_directory(folder_ + "/" + name);
    Write(folder_ + "/" + name + "/tls.crt", identity.certificate);
    Write(folder_ + "/" + name + "/tls.key", identity.key);
    Write(folder_ + "/" + name + "/ca.crt", ca_.pem());
    fs::create_directory_symlink(name, folder_ + "/..data_tmp");
    fs::rename(folder_ + "/..data_tmp", folder_ + "/..data");
  };
  fill("..1", own_);
  for (const char* name : {"tls.crt", "tls.key", "ca.crt"}) {
    fs::remove(folder_ + "/" + name);
    fs::create_symlink(std::string("..data/") + name, folder_ + "/" + name);
  }
  Watch();
  fill("..2", ca_.Issue());
  EXPECT_TRUE(Eventually([&] { return !seen().empty(); }));
  EXPECT_THAT(seen(), testing::ElementsAre("good"));
}

TEST_F(TlsFilesTest, ABadRotationIsSaidOnceAndMended) {
  const LogCapture log;
  Watch();
  Write(https_.key_file, "no key");
  EXPECT_TRUE(Eventually([&] { return seen().size() == 1; }));
  EXPECT_EQ(seen()[0], https_.key_file +
                           ": the key is not a PEM key without a passphrase");
  // Back to what is in use: that is news, too.
  Write(https_.key_file, own_.key);
  EXPECT_TRUE(Eventually([&] { return seen().size() == 2; }));
  EXPECT_EQ(seen()[1], "good");
  EXPECT_EQ(log.Count("HTTPS's files are good again"), 1);
  EXPECT_EQ(log.Count("HTTPS has new certificates"), 0);
  EXPECT_EQ(log.Count("HTTPS goes on with the certificates of before"), 1);
  EXPECT_EQ(log.Count("no key\""), 0);
}

TEST_F(TlsFilesTest, ATouchedFileIsNoChange) {
  Watch();
  Write(https_.ca_file, ca_.pem());
  const test::TestCa next("next");
  Write(https_.ca_file, ca_.pem() + next.pem());
  EXPECT_TRUE(Eventually([&] { return !seen().empty(); }));
  EXPECT_THAT(seen(), testing::ElementsAre("good"));
}

}  // namespace
}  // namespace ta
