// What a fuzzer promises of every input; asserts may be off in its build.

#pragma once

#include <cstdio>
#include <cstdlib>

#define TA_REQUIRE(condition)                                               \
  do {                                                                      \
    if (!(condition)) {                                                     \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, \
                   #condition);                                             \
      std::abort();                                                         \
    }                                                                       \
  } while (false)
