#include "allocator/config/nearest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace ta {
namespace {

constexpr std::array<std::string_view, 6> kKnown = {
    "scrape_interval", "scrape_timeout",  "static_configs",
    "tls_config",      "file_sd_configs", "job_name"};

TEST(NearestTest, FindsSlipsOfTheKeyboard) {
  EXPECT_EQ(Nearest("scrape_intervall", kKnown), "scrape_interval");
  EXPECT_EQ(Nearest("scarpe_interval", kKnown), "scrape_interval");
  EXPECT_EQ(Nearest("static_config", kKnown), "static_configs");
  EXPECT_EQ(Nearest("jobname", kKnown), "job_name");
}

TEST(NearestTest, StyleCountsNothing) {
  EXPECT_EQ(Nearest("scrapeInterval", kKnown), "scrape_interval");
  EXPECT_EQ(Nearest("TLS-Config", kKnown), "tls_config");
}

TEST(NearestTest, WhatIsFarIsNotSuggested) {
  EXPECT_EQ(Nearest("remote_write", kKnown), "");
  EXPECT_EQ(Nearest("x", kKnown), "");
  EXPECT_EQ(Nearest("", kKnown), "");
  EXPECT_EQ(Nearest(std::string(5000, 'a'), kKnown), "");
}

TEST(NearestTest, TheOneNameThatBeginsSoIsSuggested) {
  EXPECT_EQ(Nearest("static", kKnown), "static_configs");
  EXPECT_EQ(Nearest("scrape", kKnown), "");  // two of them do
}

}  // namespace
}  // namespace ta
