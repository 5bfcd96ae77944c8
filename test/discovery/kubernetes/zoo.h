// Random clusters full of odd objects.

#pragma once

#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace ta::test {

// Repeats itself exactly for a seed. Objects refer to each other often, to
// nothing sometimes; no two label keys of an object sanitize to one name, since
// then Prometheus's answer is a matter of chance.
class ZooMaker {
 public:
  explicit ZooMaker(unsigned seed) : random_(seed) {}

  // A few objects of every kind, as JSON.
  std::vector<std::string> Objects();
  // A request to the oracle: a role, what it attaches, such objects.
  std::string Request(std::string_view role);

 private:
  unsigned Below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool Chance(unsigned percent) { return Below(100) < percent; }
  std::string_view One(std::initializer_list<std::string_view> of) {
    return of.begin()[Below(static_cast<unsigned>(of.size()))];
  }
  std::string Text();  // any label's value, quoted
  std::string Ns();    // quoted, as all that follow
  std::string Name(std::string_view kind, unsigned count);
  std::string Ip();
  std::string PortNumber();
  std::string Protocol();
  std::string Map(std::initializer_list<std::string_view> keys);
  std::string Metadata(const std::string& ns, const std::string& name,
                       const std::string& more = "");
  std::string Owners();
  std::string List(unsigned most, std::string (ZooMaker::*make)());
  std::string Reference();

  std::string Node(unsigned i);
  std::string NodeAddress();
  std::string Condition();
  std::string Pod(const std::string& ns, unsigned i);
  std::string Container();
  std::string ContainerPort();
  std::string ContainerStatus();
  std::string Service(const std::string& ns, unsigned i);
  std::string ServicePort();
  std::string Endpoints(const std::string& ns, unsigned i);
  std::string Subset();
  std::string Address();
  std::string EndpointPort();
  std::string Slice(const std::string& ns, unsigned i);
  std::string SliceEndpoint();
  std::string SlicePort();
  std::string Ingress(const std::string& ns, unsigned i);
  std::string Rule();
  std::string Path();
  std::string Tls();
  std::string Host();
  std::string Owned(std::string_view kind, const std::string& ns, unsigned i);

  std::mt19937_64 random_;
};

}  // namespace ta::test
