#include "api/byte_budget.h"

#include <utility>

namespace ta {

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
  if (use_ == ByteBudget::Use::kPerson && bytes > ByteBudget::kLargeBytes &&
      !large_ && !TakeLarge())
    return false;
  if (oversize_) {
    budget_->oversize_bytes_ = bytes;
  } else if (bytes <= bytes_) {
    budget_->used_ -= bytes_ - bytes;
  } else if (!Take(bytes - bytes_, ceiling)) {
    return false;
  }
  bytes_ = bytes;
  return true;
}

bool ByteCharge::Take(std::size_t more, std::size_t ceiling) {
  std::size_t before = budget_->used_;
  do {
    if (before > ceiling || more > ceiling - before) return false;
  } while (!budget_->used_.compare_exchange_weak(before, before + more));
  return true;
}

bool ByteCharge::TakeLarge() {
  int before = budget_->large_;
  do {
    if (before >= ByteBudget::kMostLarge) return false;
  } while (!budget_->large_.compare_exchange_weak(before, before + 1));
  return large_ = true;
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
