#include "allocator/config/otel_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ta {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const Environment kEnvironment = {
    {"A", "alpha"}, {"_b1", "beta"}, {"EMPTY", ""}, {"NESTED", "${env:A}$$"}};

TEST(ReplaceEnvReferencesTest, EachFormAndWhatIsNone) {
  const struct {
    const char* text;
    const char* replaced;
  } cases[] = {
      {"", ""},
      {"no references", "no references"},
      // The Go allocator's form.
      {"${env:A}", "alpha"},
      {"Api-Token ${env:A}/${env:_b1}.", "Api-Token alpha/beta."},
      // The declarative configuration's.
      {"${A}", "alpha"},
      {"${env:NONE:-x}${EMPTY:-y}${A:-z}", "xyalpha"},
      {"${NONE:-}", ""},
      {"${NONE:-a:-b $$ {}", "a:-b $$ {"},
      {"$${env:A}", "${env:A}"},
      {"$$${env:A}", "$alpha"},
      {"$$$${env:A}", "$${env:A}"},
      // What is put in is not looked at again.
      {"${NESTED}", "${env:A}$$"},
      // No references: as in the Go allocator, they stay.
      {"$A $ $$ $1 100$", "$A $ $$ $1 100$"},
      {"${", "${"},
      {"${}", "${}"},
      {"${1A}", "${1A}"},
      {"${file:A}", "${file:A}"},
      {"${env:A B}", "${env:A B}"},
      {"${env:A", "${env:A"},
      {"${${env:A}}", "${alpha}"},
  };
  for (const auto& [text, replaced] : cases) {
    const ReplacedText result = ReplaceEnvReferences(text, kEnvironment);
    EXPECT_EQ(result.text, replaced) << text;
    EXPECT_THAT(result.missing, IsEmpty()) << text;
  }
}

TEST(ReplaceEnvReferencesTest, WhatIsMissingIsNothingAndNamed) {
  const ReplacedText result =
      ReplaceEnvReferences("a${env:NONE}b${EMPTY}c", kEnvironment);
  EXPECT_EQ(result.text, "abc");
  EXPECT_THAT(result.missing, ElementsAre("NONE", "EMPTY"));
}

TEST(ResourceOfTest, ValuesAreDecodedAndTheServiceNameWins) {
  const EnvironmentResource resource = ResourceOf(
      {{"OTEL_RESOURCE_ATTRIBUTES",
        " a = one%20two%2c , b==, c=100%, service.name=lost, a2=, a2=x"},
       {"OTEL_SERVICE_NAME", " ta "}});
  EXPECT_EQ(resource.problem, "");
  EXPECT_THAT(
      resource.attributes,
      ElementsAre(Pair("a", "one two,"), Pair("a2", "x"), Pair("b", "="),
                  Pair("c", "100%"), Pair("service.name", "ta")));
}

TEST(ResourceOfTest, NothingIsNothing) {
  EXPECT_THAT(ResourceOf({}).attributes, IsEmpty());
  EXPECT_THAT(ResourceOf({{"OTEL_RESOURCE_ATTRIBUTES", "  "},
                          {"OTEL_SERVICE_NAME", " "}})
                  .attributes,
              IsEmpty());
}

TEST(ResourceOfTest, AWrongAttributeDiscardsThemAllButTheServiceName) {
  const EnvironmentResource resource = ResourceOf(
      {{"OTEL_RESOURCE_ATTRIBUTES", "a=b,=c"}, {"OTEL_SERVICE_NAME", "ta"}});
  EXPECT_EQ(resource.problem,
            "OTEL_RESOURCE_ATTRIBUTES is not used: attribute 2 is no "
            "name=value");
  EXPECT_THAT(resource.attributes, ElementsAre(Pair("service.name", "ta")));
}

TEST(ParseHeadersListTest, PairsInOrder) {
  const auto headers = ParseHeadersList("a=1, b = x%3Dy");
  ASSERT_TRUE(headers);
  EXPECT_THAT(*headers, ElementsAre(Pair("a", "1"), Pair("b", "x=y")));
  EXPECT_FALSE(ParseHeadersList("hunter2"));
}

}  // namespace
}  // namespace ta
