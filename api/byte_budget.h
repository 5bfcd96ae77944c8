// One budget for the bytes of all bodies that are alive: being rendered, on
// their way to a client, or kept in the cache. A client that asks for
// everything and does not read holds its body until a deadline; a hundred of
// them would hold a hundred copies. What does not fit is answered 503 instead.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ta {

// Thread-safe.
class ByteBudget {
 public:
  // Whom a body is for. People's leave an eighth of the limit free, so that
  // however many of them are slow, collectors are answered.
  enum class Use { kScraper, kPerson };

  struct Stats {
    std::size_t bytes = 0;      // charged now
    std::size_t limit = 0;      // and one longer body; see ByteCharge::Set
    std::uint64_t refused = 0;  // answers that found no room
  };

  explicit ByteBudget(std::size_t limit_bytes) : limit_(limit_bytes) {}

  // An answer was refused for want of room.
  void CountRefused() { ++refused_; }
  Stats stats() const { return {used_ + oversize_bytes_, limit_, refused_}; }
  // The most that bodies for `use` may bring the sum to.
  std::size_t Ceiling(Use use) const {
    return use == Use::kScraper ? limit_ : limit_ - limit_ / 8;
  }

 private:
  friend class ByteCharge;

  // Renderings that take so long that probes on the same thread notice.
  static constexpr std::size_t kLargeBytes = 4 << 20;
  static constexpr std::size_t kMostLarge = 2;

  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
  // The one body that is longer than the limit, beside the others.
  std::atomic<bool> has_oversize_{false};
  std::atomic<std::size_t> oversize_bytes_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::size_t> large_{0};  // bodies for people above kLargeBytes
};

// What one body takes from a budget, given back when this is destroyed. It goes
// with the body: whoever holds the last reference to the bytes holds it.
// Movable; confined to one thread at a time.
class ByteCharge {
 public:
  // A body of at most so many bytes is neither counted nor refused: probes and
  // errors are answered always, and cost no more than a connection's buffers.
  static constexpr std::size_t kFreeBytes = 4096;

  ByteCharge() = default;  // of no budget: everything is granted
  ByteCharge(std::shared_ptr<ByteBudget> budget, ByteBudget::Use use)
      : budget_(std::move(budget)), use_(use) {}
  ByteCharge(ByteCharge&& other) noexcept;
  ByteCharge& operator=(ByteCharge&& other) noexcept;
  ~ByteCharge() { Release(); }

  // Makes it `bytes` in all. Less is always granted; more, if it fits. What
  // would not fit into an empty budget either is refused to people; a
  // collector's own list must be served however long it is, so one such body
  // at a time is let in beside the budget. Of people's above 4 MiB there are
  // two at a time: rendering one takes a tenth of a second and more, in which
  // its thread answers no probe. False: nothing has changed.
  [[nodiscard]] bool Set(std::size_t bytes);
  // The same for what can be done without: beside the budget nothing is let in
  // for it, and a refusal doesn't make it too_large().
  [[nodiscard]] bool SetAhead(std::size_t bytes);
  // An empty charge of the same budget and use.
  ByteCharge Another() const { return {budget_, use_}; }
  // Was more asked for than people can ever have? Coming back won't help.
  bool too_large() const { return too_large_; }

 private:
  void Release();

  std::shared_ptr<ByteBudget> budget_;
  ByteBudget::Use use_ = ByteBudget::Use::kScraper;
  std::size_t bytes_ = 0;  // as counted: 0 up to kFreeBytes
  bool oversize_ = false;  // it is the one that is beside the others
  bool large_ = false;     // it is one of ByteBudget::large_
  bool too_large_ = false;
};

}  // namespace ta
