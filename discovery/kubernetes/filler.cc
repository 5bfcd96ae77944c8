#include "discovery/kubernetes/filler.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "allocator/base/log.h"
#include "discovery/kubernetes/reflector_runner.h"

namespace ta::kubernetes {
namespace asio = boost::asio;

namespace {

// What the fillers of a connection share.
struct Shared {
  asio::any_io_executor executor;
  std::shared_ptr<ListerWatcher> lister;
  ReflectorOptions options;
  std::shared_ptr<WatchTotals> totals;
  std::uint64_t started = 0;
};

class Filler final : public StoreFiller, private StoreListener {
 public:
  Filler(std::shared_ptr<Shared> shared, Store& store,
         const ReflectorOptions& options, std::function<void()> on_step)
      : shared_(std::move(shared)),
        store_(store),
        on_step_(std::move(on_step)),
        runner_(shared_->executor, store, *shared_->lister, options) {
    store_.AddListener(this);
    runner_.Start([this] { Stepped(); });
  }
  ~Filler() override {
    CountFailures();
    store_.RemoveListener(this);
    // The last call may use the lister until then.
    runner_.Stop([lister = shared_->lister] {});
  }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  const ReflectorHealth& health() const override { return runner_.health(); }

 private:
  void Changed(const Store& store, const Object* before,
               const Object* now) override {
    auto& changes =
        shared_->totals
            ->changes[static_cast<std::size_t>(store.scope().resource)];
    ++changes[before == nullptr ? WatchTotals::kAdd
              : now == nullptr  ? WatchTotals::kDelete
                                : WatchTotals::kUpdate];
  }
  void Settled(const Store&) override {}

  void CountFailures() {
    const std::uint64_t failures = health().failures;
    shared_->totals->failures +=
        failures - std::exchange(counted_failures_, failures);
  }

  void Stepped() {
    CountFailures();
    if (runner_.streaming_was_refused()) {
      shared_->options.streaming_lists = false;
    }
    if (health().bad_objects != said_) {
      said_ = health().bad_objects;
      SayBad();
    }
    on_step_();
  }

  // An object that stays as bad as it was is not said again.
  void SayBad() {
    for (const auto& [key, reason] : health().bad) {
      const auto before = bad_.find(key);
      if (before != bad_.end() && before->second == reason) continue;
      Log(Level::kWarn, "Kubernetes object cannot be read and is left out",
          {{"resource", Describe(store_.scope())},
           {"object", key},
           {"err", reason}});
    }
    bad_ = health().bad;
  }

  const std::shared_ptr<Shared> shared_;
  Store& store_;
  const std::function<void()> on_step_;
  std::uint64_t counted_failures_ = 0;
  std::uint64_t said_ = 0;                  // of ReflectorHealth::bad_objects
  std::map<std::string, std::string> bad_;  // as logged
  ReflectorRunner runner_;
};

}  // namespace

StartFiller MakeFillers(asio::any_io_executor executor,
                        std::shared_ptr<ListerWatcher> lister,
                        ReflectorOptions options,
                        std::shared_ptr<WatchTotals> totals) {
  auto shared = std::make_shared<Shared>(Shared{
      std::move(executor), std::move(lister), options, std::move(totals)});
  return [shared](Store& store, std::function<void()> on_step) {
    ReflectorOptions own = shared->options;
    own.seed += ++shared->started;
    return std::make_unique<Filler>(shared, store, own, std::move(on_step));
  };
}

}  // namespace ta::kubernetes
