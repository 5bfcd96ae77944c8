#include "api/pages/pretty_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ta {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PrettyJsonTest, ValuesAreCutAtTheOutermostCommas) {
  EXPECT_THAT(ValuesOf("{}"), IsEmpty());
  EXPECT_THAT(ValuesOf(R"({"a":{"x":[1,2],"y":"},{"},"b\"c,":"\\","d":1.5})"),
              ElementsAre(R"({"x":[1,2],"y":"},{"})", R"("\\")", "1.5"));
  EXPECT_THAT(ValuesOf(R"({"a":[],"b":{},"c":[[{}]]})"),
              ElementsAre("[]", "{}", "[[{}]]"));
}

TEST(PrettyJsonTest, TextThatIsNoJsonEndsSomewhere) {
  for (const char* text : {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":",
                           "{\"a\":{", "{\"a\":\"\\", "}", "[]]", "\\"}) {
    (void)ValuesOf(text);
    (void)PrettyJson(text, 100);
  }
}

TEST(PrettyJsonTest, IndentsByTwo) {
  EXPECT_EQ(PrettyJson(R"({"a":[1,{"b":null}],"c":{},"d":[],"e":"x,{}"})", 999),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n"
            "  \"c\": {},\n  \"d\": [],\n  \"e\": \"x,{}\"\n}");
}

TEST(PrettyJsonTest, EscapesThatAreForHtmlOnlyAreUndone) {
  EXPECT_EQ(PrettyJson(R"("\u003csecret\u003e \u0026 \\u003c \" \n")", 999),
            R"("<secret> & \\u003c \" \n")");
}

TEST(PrettyJsonTest, UsersInUrlsAreMasked) {
  EXPECT_EQ(PrettyJson(R"("http://u:hunter2@h:1/x?y@z")", 999),
            R"("http://<secret>@h:1/x?y@z")");
  EXPECT_EQ(PrettyJson(R"("http://u:hun@ter2@h")", 999),
            R"("http://<secret>@h")");
  EXPECT_EQ(PrettyJson(R"(["http://h/a@b","a@b","://"])", 999),
            "[\n  \"http://h/a@b\",\n  \"a@b\",\n  \"://\"\n]");
}

TEST(PrettyJsonTest, StopsAtItsLimit) {
  const std::string json = "[" + std::string(1000, '1') + "]";
  EXPECT_EQ(PrettyJson(json, 50).size(), 50u);
}

}  // namespace
}  // namespace ta
