// A network and an /etc/resolv.conf of one's own, for what asks the name server
// of the machine: port 53 of loopback is free in it.

#pragma once

#include <string>

namespace ta::test {

// From now on this thread, and what it starts, has no network but loopback, and
// reads `resolv_conf` as /etc/resolv.conf; nobody else sees a change. Why not,
// if it may not; "" if it does. REQUIRES: `resolv_conf` exists
std::string EnterOwnNetwork(const std::string& resolv_conf);

}  // namespace ta::test
