// What the machine and its container allow us.

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace ta {

// Threads worth running: GOMAXPROCS if it is set to a positive number (the
// operator sets it from the container's limit), else the cgroup's CPU quota
// rounded up, else the CPUs that this process may run on. At least 1.
int AllowedCores();

// The quota in cores of a cgroup v2 cpu.max ("200000 100000"); nothing for
// "max" or what can't be read.
std::optional<double> ParseCpuMax(std::string_view text);

// Raises the soft limit of open files to the hard one; returns what holds now.
std::size_t RaiseFileLimit();

}  // namespace ta
