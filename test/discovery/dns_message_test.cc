#include "discovery/dns_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/discovery/dns_server.h"

namespace ta {
namespace {

using test::AaaaRecord;
using test::ARecord;
using test::CnameRecord;
using test::DnsMessageOf;
using test::DnsName;
using test::DnsNumber;
using test::DnsParts;
using test::DnsQuery;
using test::DnsRecordOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kHeaderBytes = 12;

DnsQuery Query() {
  DnsQuery query;
  query.question = DnsName("web.example.") + DnsNumber(33) + DnsNumber(1);
  query.bytes = "id" + std::string(10, '\0') + query.question;
  return query;
}

std::string Message(const DnsParts& parts) {
  return DnsMessageOf(Query(), parts);
}

// Where the data of the first record of an answer begins.
std::size_t FirstDataAt() { return kHeaderBytes + 17 + 12; }

std::vector<DnsRecord> Read(const std::vector<std::string>& records) {
  const auto answer = ReadDnsAnswer(Message({.answers = records}));
  if (!answer) {
    ADD_FAILURE() << answer.error().message;
    return {};
  }
  return answer->records;
}

std::string Refused(const std::string& message) {
  const auto answer = ReadDnsAnswer(message);
  return answer ? "taken" : answer.error().message;
}

TEST(DnsMessageTest, EachTypeIsRead) {
  EXPECT_THAT(
      Read({ARecord("10.0.0.1"), AaaaRecord("2001:db8::1"),
            test::SrvRecord(9090, "a.example."), test::MxRecord("m.example."),
            test::NsRecord("n.example.")}),
      ElementsAre(DnsRecord{DnsType::kA, "10.0.0.1"},
                  DnsRecord{DnsType::kAaaa, "2001:db8::1"},
                  DnsRecord{DnsType::kSrv, "a.example.", 9090},
                  DnsRecord{DnsType::kMx, "m.example."},
                  DnsRecord{DnsType::kNs, "n.example."}));
}

TEST(DnsMessageTest, OtherTypesAndOtherSectionsArePassedOver) {
  const auto answer = ReadDnsAnswer(
      Message({.answers = {CnameRecord("b."), ARecord("1.1.1.1"),
                           DnsRecordOf(16, "\3abc"), DnsRecordOf(65280, "x")},
               .authorities = {test::NsRecord("n.")},
               .more = {ARecord("2.2.2.2")}}));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_THAT(answer->records, ElementsAre(DnsRecord{DnsType::kA, "1.1.1.1"}));
}

TEST(DnsMessageTest, AddressesAreWrittenAsByGo) {
  for (const auto& [address, text] :
       std::vector<std::pair<std::string, std::string>>{
           {"::", "::"},
           {"::1", "::1"},
           {"1::", "1::"},
           {"1:0:2:0:0:3:0:0", "1:0:2::3:0:0"},
           {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
           {"1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"},
           {"2001:DB8:0:A:10:200:3000:f", "2001:db8:0:a:10:200:3000:f"},
           {"::1.2.3.4", "::102:304"},
           {"::ffff:1.2.3.4", "1.2.3.4"},
           {"::ffff:0:1.2.3.4", "::ffff:0:102:304"}}) {
    EXPECT_THAT(Read({AaaaRecord(address)}),
                ElementsAre(DnsRecord{DnsType::kAaaa, text}));
  }
}

TEST(DnsMessageTest, NamesAreEscapedAsByPrometheus) {
  const std::string label = "a. '@;()\"\\\x01\x7f\xff~!";
  const std::string data =
      static_cast<char>(label.size()) + label + '\3' + "b-C" + '\0';
  EXPECT_THAT(Read({DnsRecordOf(2, data)}),
              ElementsAre(DnsRecord{
                  DnsType::kNs, R"(a\.\ \'\@\;\(\)\"\\\001\127\255~!.b-C.)"}));
  EXPECT_THAT(Read({DnsRecordOf(2, std::string(1, '\0'))}),
              ElementsAre(DnsRecord{DnsType::kNs, "."}));
}

TEST(DnsMessageTest, NamesAreShortened) {
  // "a" in front of the name that the question holds.
  EXPECT_THAT(Read({DnsRecordOf(2, "\1a\xc0\x0c")}),
              ElementsAre(DnsRecord{DnsType::kNs, "a.web.example."}));
  EXPECT_THAT(Read({DnsRecordOf(2, "\xc0\x10")}),
              ElementsAre(DnsRecord{DnsType::kNs, "example."}));
}

TEST(DnsMessageTest, ANameThatLeadsNowhereIsRefused) {
  const auto pointer = [](std::size_t to) {
    return DnsNumber(static_cast<std::uint16_t>(0xc000 | to));
  };
  std::string longest;  // with its root 255 bytes
  for (int i = 0; i < 127; ++i) longest += std::string("\1a", 2);
  EXPECT_EQ(Read({DnsRecordOf(2, longest + '\0')}).size(), 1u);
  for (const std::string& data :
       {pointer(FirstDataAt()),             // to itself
        "\1a" + pointer(FirstDataAt()),     // in a circle
        pointer(FirstDataAt() + 2) + '\0',  // forward
        pointer(0x3fff),                    // out of the message
        std::string("\xc0"),                // half a pointer
        std::string("\x40") + '\0',         // reserved
        std::string("\x80") + '\0', std::string("\5ab"),
        longest + "\1a" + '\0',       // 257 bytes
        std::string("\1a"),           // without an end
        std::string("\1a\0x", 4)}) {  // with something behind its end
    EXPECT_THAT(Refused(Message({.answers = {DnsRecordOf(2, data)}})),
                HasSubstr("record 1 of 1 of the answer is cut or garbage"))
        << testing::PrintToString(data);
  }
}

// Each one a bit deeper: an honest server needs two.
TEST(DnsMessageTest, AChainOfPointersEnds) {
  std::string chain = "\1a" + std::string(1, '\0');
  std::size_t at = FirstDataAt();
  for (int i = 0; i < 500; ++i) {
    chain += DnsNumber(static_cast<std::uint16_t>(0xc000 | at));
    at = FirstDataAt() + chain.size() - 2;
  }
  EXPECT_THAT(
      Refused(Message(
          {.answers = {DnsRecordOf(65280, chain),
                       DnsRecordOf(2, DnsNumber(static_cast<std::uint16_t>(
                                          0xc000 | at)))}})),
      HasSubstr("record 2 of 2"));
}

TEST(DnsMessageTest, DataOfTheWrongSizeIsRefused) {
  for (const auto& [type, data] :
       std::vector<std::pair<std::uint16_t, std::string>>{
           {1, ""},
           {1, "abc"},
           {1, "abcde"},
           {28, "abcd"},
           {33, std::string("\0\0\0\0\0", 5)},
           {33, std::string("\0\0\0\0\0\0", 6)},
           {15, std::string("\0", 1)},
           {2, ""}}) {
    EXPECT_THAT(Refused(Message({.answers = {DnsRecordOf(type, data)}})),
                HasSubstr("garbage"));
  }
}

TEST(DnsMessageTest, EveryCutIsRefused) {
  const std::string message =
      Message({.answers = {test::SrvRecord(1, "a.example."), ARecord("1.1.1.1"),
                           CnameRecord("b.")},
               .authorities = {test::NsRecord("n.")},
               .more = {ARecord("2.2.2.2")}});
  for (std::size_t size = 0; size < message.size(); ++size) {
    EXPECT_NE(Refused(message.substr(0, size)), "taken") << size;
  }
  EXPECT_EQ(Refused(message), "taken");
  EXPECT_EQ(Refused(message + "something behind it"), "taken");
}

TEST(DnsMessageTest, CodesAreRead) {
  EXPECT_EQ(ReadDnsAnswer(Message({.code = 3}))->code, kDnsNoSuchName);
  EXPECT_EQ(ReadDnsAnswer(Message({.code = 5}))->code, 5);
  // An OPT record has the upper bits: 16, BADVERS.
  const std::string opt = std::string(1, '\0') + DnsNumber(41) +
                          DnsNumber(4096) + std::string("\1\0\0\0", 4) +
                          DnsNumber(0);
  EXPECT_EQ(ReadDnsAnswer(Message({.more = {opt}}))->code, 16);
  EXPECT_EQ(ReadDnsAnswer(Message({.answers = {opt}}))->code, 0);
  EXPECT_EQ(DnsCodeText(2), "SERVFAIL");
  EXPECT_EQ(DnsCodeText(16), "code 16");
}

TEST(DnsMessageTest, WhatDidNotFitIsNotRead) {
  const std::string message =
      Message({.truncated = true, .answers = {ARecord("1.1.1.1")}});
  const auto answer = ReadDnsAnswer(message.substr(0, message.size() - 3));
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->truncated);
  EXPECT_TRUE(answer->records.empty());
}

TEST(DnsMessageTest, AQuestionIsNoAnswer) {
  EXPECT_EQ(Refused(Query().bytes), "the answer is a question");
}

}  // namespace
}  // namespace ta
