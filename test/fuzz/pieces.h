// Inputs whose first byte says how the rest is cut.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ta {

// Calls `check` with the bytes of a piece, from 1 to 64, and what is to be cut
// into them; what LLVMFuzzerTestOneInput returns.
template <typename Check>
int CheckInPieces(const std::uint8_t* data, std::size_t size, Check check) {
  if (size < 1) return 0;
  check(std::size_t{1} + data[0] % 64,
        std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}

}  // namespace ta
