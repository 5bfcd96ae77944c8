#include "api/byte_budget.h"

#include <utility>

namespace ta {
namespace {

// Adds `more` to `sum`, unless that would bring it above `ceiling`.
bool AddUpTo(std::atomic<std::size_t>& sum, std::size_t more,
             std::size_t ceiling) {
  std::size_t before = sum;
  do {
    if (before > ceiling || more > ceiling - before) return false;
  } while (!sum.compare_exchange_weak(before, before + more));
  return true;
}

}  // namespace

ByteCharge::ByteCharge(ByteCharge&& other) noexcept
    : budget_(std::move(other.budget_)),
      use_(other.use_),
      bytes_(std::exchange(other.bytes_, 0)),
      oversize_(std::exchange(other.oversize_, false)),
      large_(std::exchange(other.large_, false)),
      too_large_(other.too_large_) {}

ByteCharge& ByteCharge::operator=(ByteCharge&& other) noexcept {
  if (this == &other) return *this;
  Release();
  budget_ = std::move(other.budget_);
  use_ = other.use_;
  bytes_ = std::exchange(other.bytes_, 0);
  oversize_ = std::exchange(other.oversize_, false);
  large_ = std::exchange(other.large_, false);
  too_large_ = other.too_large_;
  return *this;
}

bool ByteCharge::Set(std::size_t bytes) {
  if (budget_ == nullptr) return true;
  if (bytes <= kFreeBytes) bytes = 0;
  const std::size_t ceiling = budget_->Ceiling(use_);
  if (bytes > ceiling && !oversize_) {
    too_large_ = use_ == ByteBudget::Use::kPerson;
    if (too_large_ || budget_->has_oversize_.exchange(true)) return false;
    // From now on beside the others.
    budget_->used_ -= std::exchange(bytes_, 0);
    oversize_ = true;
  }
  const bool becomes_large = use_ == ByteBudget::Use::kPerson &&
                             bytes > ByteBudget::kLargeBytes && !large_;
  if (becomes_large && !AddUpTo(budget_->large_, 1, ByteBudget::kMostLarge)) {
    return false;
  }
  if (oversize_) {
    budget_->oversize_bytes_ = bytes;
  } else if (bytes <= bytes_) {
    budget_->used_ -= bytes_ - bytes;
  } else if (!AddUpTo(budget_->used_, bytes - bytes_, ceiling)) {
    if (becomes_large) --budget_->large_;
    return false;
  }
  bytes_ = bytes;
  large_ = large_ || becomes_large;
  return true;
}

bool ByteCharge::SetAhead(std::size_t bytes) {
  if (budget_ != nullptr && !oversize_ && bytes > budget_->Ceiling(use_)) {
    return false;
  }
  return Set(bytes);
}

void ByteCharge::Release() {
  if (budget_ == nullptr) return;
  const std::size_t bytes = std::exchange(bytes_, 0);
  if (std::exchange(oversize_, false)) {
    budget_->oversize_bytes_ = 0;
    budget_->has_oversize_ = false;
  } else {
    budget_->used_ -= bytes;
  }
  if (std::exchange(large_, false)) --budget_->large_;
}

}  // namespace ta
