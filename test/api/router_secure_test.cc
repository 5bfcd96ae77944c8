// What is answered only over mutual TLS, and only to whom a certificate names.

#include <gmock/gmock.h>

#include "test/api/router_fixture.h"
#include "test/api/tls_fixture.h"

namespace ta {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class RouterSecureTest : public test::RouterFixture {
 protected:
  RouterSecureTest() {
    builder_.Member("c-0").Member("c-1").Job("web");
    builder_.Target("web", "c-0", {{"__address__", "a:1"}});
  }
  Response Secure(std::string_view target,
                  const std::vector<std::string>* names = nullptr) {
    Request request = test::Scraper(target);
    request.secure = true;
    request.client_names = names;
    return Handle(request);
  }
};

TEST_F(RouterSecureTest, SecretsAreToldOverTlsOnly) {
  builder_.config().scrape_configs_json = R"({"web":"<secret>"})";
  builder_.config().secret_scrape_configs_json = R"({"web":"hunter2"})";
  // In this order: one must not come out of the other's cache.
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(BodyOf(Secure("/scrape_configs")), R"({"web":"hunter2"})");
    EXPECT_EQ(BodyOf(Get("/scrape_configs")), R"({"web":"<secret>"})");
  }
  EXPECT_NE(Secure("/scrape_configs").etag, Get("/scrape_configs").etag);
  for (const char* path : {"/", "/jobs", "/api/v1/status", "/readyz",
                           "/api/v1/targets", "/jobs/web/targets"}) {
    EXPECT_THAT(BodyOf(Get(path)), testing::Not(HasSubstr("hunter2"))) << path;
  }
}

TEST_F(RouterSecureTest, CompressedSecretsStayApartToo) {
  const std::string filler(5000, 'x');
  builder_.config().scrape_configs_json = "{\"web\":\"" + filler + "\"}";
  builder_.config().secret_scrape_configs_json =
      "{\"web\":\"hunter2" + filler + "\"}";
  Request request;
  request.method = "GET";
  request.target = "/scrape_configs";
  request.accept_encoding = "gzip";
  Request secure = request;
  secure.secure = true;
  const std::string secret = BodyOf(Handle(secure));
  EXPECT_NE(BodyOf(Handle(request)), secret);
  EXPECT_EQ(BodyOf(Handle(secure)), secret);
}

TEST_F(RouterSecureTest, WithoutSecretsBothAreTheSame) {
  builder_.config().scrape_configs_json = R"({"web":{}})";
  EXPECT_EQ(BodyOf(Secure("/scrape_configs")), R"({"web":{}})");
  EXPECT_EQ(Secure("/scrape_configs").etag, Get("/scrape_configs").etag);
}

TEST_F(RouterSecureTest, AClientMayAskForItsOwnTargetsOnly) {
  const std::vector<std::string> names = {"c-0", "c-9"};
  EXPECT_EQ(Secure("/jobs/web/targets?collector_id=c-0", &names).status, 200);
  const Response foreign = Secure("/jobs/web/targets?collector_id=c-1", &names);
  EXPECT_EQ(foreign.status, 403);
  EXPECT_TRUE(foreign.foreign_name);
  EXPECT_FALSE(foreign.poll) << "it would count as c-1's";
  EXPECT_EQ(ErrorOf(foreign),
            "collector_id c-1: the client's certificate is for c-0, c-9");
  // A part of the name is not the name.
  EXPECT_EQ(Secure("/jobs/web/targets?collector_id=c", &names).status, 403);
}

TEST_F(RouterSecureTest, ALaterCollectorIdHelpsNobody) {
  const std::vector<std::string> names = {"c-0"};
  EXPECT_EQ(
      Secure("/jobs/web/targets?collector_id=c-1&collector_id=c-0", &names)
          .status,
      403);
}

TEST_F(RouterSecureTest, NobodysTargetsAreEverybodys) {
  const std::vector<std::string> names = {"c-0"};
  for (const char* path : {"/jobs/web/targets", "/debug/jobs/web/targets"}) {
    const Response all = Secure(path, &names);
    EXPECT_EQ(all.status, 403);
    EXPECT_THAT(ErrorOf(all), StartsWith("collector_id is missing: "));
  }
}

TEST_F(RouterSecureTest, ACertificateWithoutNamesIsForNobody) {
  const std::vector<std::string> none;
  const Response response = Secure("/jobs/web/targets?collector_id=c-0", &none);
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(ErrorOf(response), HasSubstr("names no collector"));
  EXPECT_EQ(Secure("/scrape_configs", &none).status, 200);
}

class ClientIdentityTest : public test::TlsFixture {
 protected:
  std::string Ask(const test::Wish& wish, std::string_view target) {
    test::TlsClient client(port(), With(ca_.Issue(wish)));
    return client.Ask(target);
  }
};

TEST_F(ClientIdentityTest, NamesStandInTheAlternativesOfTheCertificate) {
  options_.https->client_identity = true;
  Start();
  for (const test::Wish& good : {
           test::Wish{.dns = {"c"}},
           test::Wish{.dns = {"x", "c"}},
           test::Wish{.uris = {"spiffe://cluster/ns/otel/pod/c"}},
           test::Wish{.uris = {"https://h/c?x=/y#/z"}},
       }) {
    EXPECT_THAT(Ask(good, test::kTargets), StartsWith("HTTP/1.1 200"));
  }
  const test::Wish bad[] = {
      {.name = "c"},  // the common name says nothing
      {.dns = {"c.otel.svc"}},
      {.dns = {"*"}},
      {.uris = {"spiffe://c"}},
      {.uris = {"spiffe://cluster/c/"}},
      {.uris = {"spiffe://cluster/c/x"}},
      {.uris = {"spiffe://cluster/%63"}},
      {.uris = {"urn:c"}},
  };
  for (const test::Wish& wish : bad) {
    EXPECT_THAT(Ask(wish, test::kTargets), StartsWith("HTTP/1.1 403"));
  }
  EXPECT_EQ(server_->stats().tls.foreign_names.load(), std::size(bad));
  EXPECT_THAT(Ask({}, "/scrape_configs"),
              testing::Not(StartsWith("HTTP/1.1 403")));
}

TEST_F(ClientIdentityTest, IsOffUnlessAskedFor) {
  Start();
  EXPECT_THAT(Ask({.dns = {"other"}}, test::kTargets),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(ClientIdentityTest, ThePlainPortKnowsNoNames) {
  options_.https->client_identity = true;
  Start();
  test::RawClient plain(server_->port());
  plain.Get(test::kTargets);
  EXPECT_THAT(plain.ReadAnswer(), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace ta
