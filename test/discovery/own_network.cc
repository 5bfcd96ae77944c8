#include "test/discovery/own_network.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ta::test {
namespace {

std::string Failed(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

bool LoopbackUp() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return false;
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  const bool up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return up;
}

}  // namespace

std::string EnterOwnNetwork(const std::string& resolv_conf) {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
    return Failed("no namespaces (needs root)");
  }
  if (!LoopbackUp()) return Failed("loopback");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Failed("private mounts");
  }
  if (::mount(resolv_conf.c_str(), "/etc/resolv.conf", nullptr, MS_BIND,
              nullptr) != 0) {
    return Failed("mount on /etc/resolv.conf");
  }
  return "";
}

}  // namespace ta::test
