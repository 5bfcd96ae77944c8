// A reflector against an API server that fails at every step in turn, in every
// way: in the end the store holds what the server holds, and on the way nothing
// that was there all the time was ever missing.

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>

#include "discovery/kubernetes/reflector.h"
#include "test/discovery/kubernetes/fake_api.h"

namespace ta::kubernetes {
namespace {

enum class Way {
  kNoAnswer,     // connection refused
  kServerError,  // 500
  kTooMany,      // 429, with a time
  kGone,         // 410
  kForbidden,    // 403
  kBadRequest,   // 400
  kGarbage,      // something else than JSON of the API
  kCut,          // the stream ends in the middle of an object
  kEnd,          // the server ends the stream properly
  kErrorEvent,   // an ERROR event of code 500
  kCompaction,   // etcd is compacted, so that all that is open is too old
};
constexpr int kWays = 11;

struct Plan {
  Way way = Way::kNoAnswer;
  int nth = 0;         // the operation that fails; 0: none
  bool every = false;  // each n-th
  bool streaming = false;
  unsigned seed = 1;
};

class Trial {
 public:
  explicit Trial(const Plan& plan)
      : plan_(plan),
        random_(plan.seed),
        reflector_(store_, {.page_objects = 3,
                            .streaming_lists = plan.streaming,
                            .seed = plan.seed}) {
    api_.streams_lists = plan.streaming;
    api_.Put("always", "n");
    for (int i = 0; i < 8; ++i) Change();
  }

  // Changes and requests in turn, then requests alone.
  void ToRest() {
    for (int i = 0; i < 60; ++i) {
      if (random_() % 2 == 0) Change();
      if (random_() % 20 == 0) api_.Compact();
      Proceed();
    }
    for (int i = 0; i < 150; ++i) Proceed();
  }

  test::FakeApi::Content Held() const {
    test::FakeApi::Content held;
    store_.ForEach([&](const Object& object) {
      held[std::string(object.name())] = As<Pod>(object).node_name();
    });
    return held;
  }
  const test::FakeApi& api() const { return api_; }
  int operations() const { return operations_; }
  bool lost() const { return lost_; }

 private:
  void Change() {
    const std::string pod = "p" + std::to_string(random_() % 12);
    if (random_() % 3 == 0) {
      api_.Remove(pod);
    } else {
      api_.Put(pod, "n" + std::to_string(random_() % 4));
    }
  }

  // Does this operation fail?
  bool Fails() {
    ++operations_;
    if (plan_.nth == 0) return false;
    const bool fails =
        plan_.every ? operations_ % plan_.nth == 0 : operations_ == plan_.nth;
    if (fails && plan_.way == Way::kCompaction) {
      api_.Put("always", "n");
      api_.Compact();
      return false;
    }
    return fails;
  }

  // An answer that is no success.
  Failure Refusal() const {
    switch (plan_.way) {
      case Way::kServerError:
      case Way::kErrorEvent:
        return FailureOf({.code = 500});
      case Way::kTooMany:
        return FailureOf({.code = 429, .retry_after = std::chrono::seconds(3)});
      case Way::kGone:
        return FailureOf({.code = 410});
      case Way::kForbidden:
        return FailureOf({.code = 403});
      case Way::kBadRequest:
        return FailureOf({.code = 400});
      default:
        return NoAnswer("connection refused");
    }
  }

  void Proceed() {
    now_ += std::chrono::milliseconds(random_() % 3000);
    if (stream_) {
      ReadSome();
    } else {
      const auto step = reflector_.Next(now_);
      if (step.kind == Reflector::Step::Kind::kList) List(step.list);
      if (step.kind == Reflector::Step::Kind::kWatch) Watch(step.watch);
      now_ += step.wait;
    }
    if (store_.synced()) lost_ = lost_ || store_.Find("x/always") == nullptr;
  }

  void List(const ListOptions& options) {
    if (Fails()) {
      if (plan_.way != Way::kGarbage)
        return reflector_.Listed(std::unexpected(Refusal()), now_);
      const auto page = ParseList(Resource::kPods, "{}");
      return reflector_.Listed(std::unexpected(Failure{page.error(), {}}),
                               now_);
    }
    const auto body = api_.List(options);
    if (!body) return reflector_.Listed(std::unexpected(body.error()), now_);
    auto page = ParseList(Resource::kPods, *body);
    ASSERT_TRUE(page);
    reflector_.Listed(*std::move(page), now_);
  }

  void Watch(const WatchOptions& options) {
    if (Fails()) return Ended(std::unexpected(Refusal()));
    auto stream = api_.Watch(options);
    if (!stream) return Ended(std::unexpected(stream.error()));
    stream_ = *std::move(stream);
    decoder_.emplace(Resource::kPods);
  }

  void ReadSome() {
    for (unsigned lines = 1 + random_() % 3; lines > 0 && stream_; --lines) {
      if (!api_.HasNews(*stream_) && random_() % 4 != 0) return;
      std::string line = api_.Read(*stream_);
      if (Fails()) return FailWithin(line);
      Feed(line);
    }
  }

  void FailWithin(const std::string& line) {
    switch (plan_.way) {
      case Way::kGarbage:
        return Feed("<html>502 Bad Gateway</html>\n");
      case Way::kErrorEvent:
      case Way::kServerError:
        return Feed(R"({"type":"ERROR","object":{"kind":"Status","code":500}})"
                    "\n");
      case Way::kGone:
        return Feed(R"({"type":"ERROR","object":{"kind":"Status","code":410}})"
                    "\n");
      case Way::kEnd:
        return Ended({});
      default:
        Feed(line.substr(0, line.size() / 2));
        return Ended(std::unexpected(NoAnswer("unexpected end")));
    }
  }

  void Feed(std::string_view bytes) {
    bool wanted = true;
    const auto fed = decoder_->Feed(bytes, [&](WatchEvent event) {
      wanted = reflector_.Received(std::move(event), now_) && wanted;
    });
    if (!fed) return Ended(std::unexpected(Failure{fed.error(), {}}));
    if (!wanted) Ended({});
  }

  void Ended(Answer<void> how) {
    stream_.reset();
    reflector_.WatchEnded(std::move(how), now_);
  }

  const Plan plan_;
  std::mt19937 random_;
  test::FakeApi api_;
  Store store_{Scope{Resource::kPods}};
  Reflector reflector_;
  TimePoint now_{std::chrono::hours(1)};
  std::optional<test::FakeApi::Stream> stream_;
  std::optional<WatchDecoder> decoder_;
  int operations_ = 0;
  bool lost_ = false;
};

void ExpectConvergence(const Plan& plan) {
  Trial trial(plan);
  trial.ToRest();
  EXPECT_EQ(trial.Held(), trial.api().content())
      << "way " << static_cast<int>(plan.way) << ", operation " << plan.nth
      << (plan.every ? ", each" : "") << (plan.streaming ? ", streaming" : "");
  EXPECT_FALSE(trial.lost())
      << "way " << static_cast<int>(plan.way) << ", operation " << plan.nth;
}

TEST(ReflectorConvergenceTest, WithoutFailures) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    ExpectConvergence({.streaming = seed % 2 == 0, .seed = seed});
  }
}

TEST(ReflectorConvergenceTest, WhicheverOperationFails) {
  Trial whole({});
  whole.ToRest();
  ASSERT_GT(whole.operations(), 60);
  for (int way = 0; way < kWays; ++way) {
    for (int nth = 1; nth <= whole.operations(); ++nth) {
      ExpectConvergence({.way = static_cast<Way>(way), .nth = nth});
      ExpectConvergence(
          {.way = static_cast<Way>(way), .nth = nth, .streaming = true});
    }
  }
}

TEST(ReflectorConvergenceTest, WhenEachNthOperationFails) {
  for (int way = 0; way < kWays; ++way) {
    for (int nth = 2; nth <= 12; ++nth) {
      for (unsigned seed = 1; seed <= 5; ++seed) {
        ExpectConvergence({.way = static_cast<Way>(way),
                           .nth = nth,
                           .every = true,
                           .streaming = seed % 2 == 0,
                           .seed = seed});
      }
    }
  }
}

}  // namespace
}  // namespace ta::kubernetes
