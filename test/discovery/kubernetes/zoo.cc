#include "test/discovery/kubernetes/zoo.h"

#include <utility>

namespace ta::test {
namespace {

// An object's fields as JSON; those without a value are left out.
class Fields {
 public:
  Fields& Add(std::string_view name, const std::string& value) {
    if (value.empty()) return *this;
    text_ += text_.empty() ? "" : ",";
    text_.append("\"").append(name).append("\":").append(value);
    return *this;
  }
  std::string ToString() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

std::string Quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

}  // namespace

std::string ZooMaker::Text() {
  return Quoted(One({"", "v", "web", "a b", "ünï\\u0000cödé ☃", "\\\"q\\\"\\n",
                     "http://x/y?z=1&a={}", "0"}));
}

std::string ZooMaker::Ns() { return Quoted(One({"a", "b"})); }

std::string ZooMaker::Name(std::string_view kind, unsigned count) {
  return Quoted(std::string(kind) + "-" + std::to_string(Below(count)));
}

std::string ZooMaker::Ip() {
  return Quoted(
      One({"", "10.0.0.1", "10.0.0.2", "fd00::1", "::1", "2001:db8::a:b"}));
}

std::string ZooMaker::PortNumber() {
  return std::string(One({"80", "80", "8080", "9090", "0", "65535", "-1"}));
}

std::string ZooMaker::Protocol() {
  return std::string(One({"", "\"TCP\"", "\"UDP\"", "\"SCTP\"", "\"\""}));
}

std::string ZooMaker::Map(std::initializer_list<std::string_view> keys) {
  if (Chance(20)) return Chance(50) ? "null" : "";
  Fields fields;
  for (const auto key : keys) {
    if (Chance(40)) fields.Add(key, Text());
  }
  return fields.ToString();
}

std::string ZooMaker::Metadata(const std::string& ns, const std::string& name,
                               const std::string& more) {
  std::string labels =
      Map({"app", "app.kubernetes.io/name", "UPPER_case", "9lives", "ключ/ü",
           "with-dash", "", "endpoints.kubernetes.io/over-capacity"});
  if (!more.empty()) {
    if (labels.size() < 2 || labels == "null") labels = "{}";
    labels.replace(labels.size() - 1, 1,
                   (labels.size() > 2 ? "," : "") + more + "}");
  }
  return Fields()
      .Add("name", name)
      .Add("namespace", ns)
      .Add("uid", Chance(80) ? Name("uid", 1000) : "")
      .Add("resourceVersion", Quoted(std::to_string(Below(1000))))
      .Add("labels", labels)
      .Add("annotations", Map({"prometheus.io/scrape", "prometheus.io/port",
                               "kubectl/last", "日本", "x"}))
      .Add("ownerReferences", Owners())
      .ToString();
}

std::string ZooMaker::Owners() {
  if (Chance(30)) return "";
  std::string list;
  for (unsigned n = Below(3); n > 0; --n) {
    const std::string_view kind =
        One({"ReplicaSet", "Job", "Deployment", "CronJob", "DaemonSet", ""});
    list += list.empty() ? "" : ",";
    list += Fields()
                .Add("kind", Quoted(kind))
                .Add("name", Chance(10) ? "\"\"" : Name("o", 3))
                .Add("controller",
                     std::string(One({"true", "true", "false", "", "null"})))
                .ToString();
  }
  return "[" + list + "]";
}

std::string ZooMaker::List(unsigned most, std::string (ZooMaker::*make)()) {
  if (Chance(5)) return Chance(50) ? "null" : "";
  std::string list;
  for (unsigned n = Below(most + 1); n > 0; --n) {
    list += list.empty() ? "" : ",";
    list += (this->*make)();
  }
  return "[" + list + "]";
}

std::string ZooMaker::Reference() {
  if (Chance(15)) return Chance(50) ? "null" : "";
  const std::string_view kind = One({"Pod", "Pod", "Pod", "Node", "VM", ""});
  return Fields()
      .Add("kind", Quoted(kind))
      .Add("namespace", Chance(10) ? "" : Ns())
      .Add("name", kind == "Node" ? Name("node", 4) : Name("pod", 6))
      .ToString();
}

std::string ZooMaker::Condition() {
  return Fields()
      .Add("type", Quoted(One({"Ready", "DiskPressure", "Ünder.Cond/x"})))
      .Add("status", Quoted(One({"True", "False", "Unknown", "", "ÄÖ"})))
      .Add("lastTransitionTime", "\"2026-11-21T10:00:00Z\"")
      .ToString();
}

std::string ZooMaker::NodeAddress() {
  return Fields()
      .Add("type", Quoted(One({"InternalIP", "InternalDNS", "ExternalIP",
                               "ExternalDNS", "LegacyHostIP", "Hostname",
                               "Odd-Type", "InternalIP", "Hostname", ""})))
      .Add("address", Chance(20) ? Text() : Ip())
      .ToString();
}

std::string ZooMaker::Node(unsigned i) {
  const std::string kubelet =
      Fields().Add("Port", Chance(80) ? PortNumber() : "").ToString();
  const std::string endpoints =
      Fields().Add("kubeletEndpoint", kubelet).ToString();
  const std::string status =
      Fields()
          .Add("addresses", List(4, &ZooMaker::NodeAddress))
          .Add("conditions", List(3, &ZooMaker::Condition))
          .Add("daemonEndpoints", Chance(80) ? endpoints : "")
          .ToString();
  const std::string spec =
      Fields().Add("providerID", Chance(50) ? Text() : "").ToString();
  return Fields()
      .Add("kind", "\"Node\"")
      .Add("metadata", Metadata("", Quoted("node-" + std::to_string(i))))
      .Add("spec", spec)
      .Add("status", status)
      .ToString();
}

std::string ZooMaker::ContainerPort() {
  return Fields()
      .Add("name", Chance(30) ? "" : Quoted(One({"http", "metrics", ""})))
      .Add("containerPort", PortNumber())
      .Add("protocol", Protocol())
      .ToString();
}

std::string ZooMaker::Container() {
  return Fields()
      .Add("name", Name("c", 3))
      .Add("image", Chance(80) ? Name("image:1", 3) : "")
      .Add("ports", List(3, &ZooMaker::ContainerPort))
      .ToString();
}

std::string ZooMaker::ContainerStatus() {
  return Fields()
      .Add("name", Name("c", 3))
      .Add("containerID", Chance(80) ? Name("cri://", 1000) : "")
      .ToString();
}

std::string ZooMaker::Pod(const std::string& ns, unsigned i) {
  const std::string spec =
      Fields()
          .Add("nodeName", Chance(85) ? Name("node", 4) : "")
          .Add("containers", List(3, &ZooMaker::Container))
          .Add("initContainers", List(2, &ZooMaker::Container))
          .ToString();
  const std::string status =
      Fields()
          .Add("phase", Quoted(One({"Running", "Pending", "Failed", ""})))
          .Add("podIP", Chance(85) ? Ip() : "")
          .Add("hostIP", Chance(85) ? Ip() : "")
          .Add("conditions", List(3, &ZooMaker::Condition))
          .Add("containerStatuses", List(3, &ZooMaker::ContainerStatus))
          .Add("initContainerStatuses", List(2, &ZooMaker::ContainerStatus))
          .ToString();
  return Fields()
      .Add("kind", "\"Pod\"")
      .Add("metadata", Metadata(ns, Quoted("pod-" + std::to_string(i))))
      .Add("spec", spec)
      .Add("status", Chance(95) ? status : "")
      .ToString();
}

std::string ZooMaker::ServicePort() {
  return Fields()
      .Add("name", Chance(70) ? Quoted(One({"http", "", "metrics"})) : "")
      .Add("port", PortNumber())
      .Add("protocol", Protocol())
      .ToString();
}

std::string ZooMaker::Service(const std::string& ns, unsigned i) {
  const std::string spec =
      Fields()
          .Add("type", Quoted(One({"ClusterIP", "NodePort", "LoadBalancer",
                                   "ExternalName", ""})))
          .Add("clusterIP", Chance(70) ? Ip() : Quoted(One({"None", ""})))
          .Add("externalName", Chance(50) ? Text() : "")
          .Add("loadBalancerIP", Chance(50) ? Ip() : "")
          .Add("ipFamilyPolicy",
               std::string(One({"", "\"PreferDualStack\"", "\"SingleStack\"",
                                "\"RequireDualStack\"", "null"})))
          .Add("ipFamilies",
               std::string(One({"", "[]", "[\"IPv4\"]", "[\"IPv6\",\"IPv4\"]",
                                "[\"IPv4\",\"IPv6\"]"})))
          .Add("ports", List(3, &ZooMaker::ServicePort))
          .ToString();
  return Fields()
      .Add("kind", "\"Service\"")
      .Add("metadata", Metadata(ns, Quoted("svc-" + std::to_string(i))))
      .Add("spec", spec)
      .ToString();
}

std::string ZooMaker::Address() {
  return Fields()
      .Add("ip", Ip())
      .Add("hostname", Chance(40) ? Quoted(One({"h", ""})) : "")
      .Add("nodeName", Chance(70) ? Name("node", 4) : "")
      .Add("targetRef", Reference())
      .ToString();
}

std::string ZooMaker::EndpointPort() {
  return Fields()
      .Add("name", Chance(60) ? Quoted(One({"http", "", "metrics"})) : "")
      .Add("port", PortNumber())
      .Add("protocol", Protocol())
      .ToString();
}

std::string ZooMaker::Subset() {
  return Fields()
      .Add("addresses", List(4, &ZooMaker::Address))
      .Add("notReadyAddresses", List(2, &ZooMaker::Address))
      .Add("ports", List(2, &ZooMaker::EndpointPort))
      .ToString();
}

std::string ZooMaker::Endpoints(const std::string& ns, unsigned i) {
  return Fields()
      .Add("kind", "\"Endpoints\"")
      .Add("metadata", Metadata(ns, Quoted("svc-" + std::to_string(i))))
      .Add("subsets", List(3, &ZooMaker::Subset))
      .ToString();
}

std::string ZooMaker::SliceEndpoint() {
  const auto flag = [&] {
    return std::string(One({"true", "false", "null", ""}));
  };
  const std::string ready = flag();
  const std::string serving = flag();
  const std::string conditions = Fields()
                                     .Add("ready", ready)
                                     .Add("serving", serving)
                                     .Add("terminating", flag())
                                     .ToString();
  return Fields()
      .Add("addresses", List(2, &ZooMaker::Ip))
      .Add("conditions", Chance(90) ? conditions : "")
      .Add("hostname", Chance(40) ? Quoted(One({"h", ""})) : "")
      .Add("nodeName", Chance(70) ? Name("node", 4) : "")
      .Add("zone", Chance(40) ? Text() : "")
      .Add("deprecatedTopology",
           Chance(30) ? Map({"topology.kubernetes.io/zone", "hostname"}) : "")
      .Add("targetRef", Reference())
      .ToString();
}

std::string ZooMaker::SlicePort() {
  return Fields()
      .Add("name", Chance(60) ? Quoted(One({"http", "", "metrics"})) : "")
      .Add("port", Chance(80) ? PortNumber() : std::string(One({"", "null"})))
      .Add("protocol", Protocol())
      .Add("appProtocol", Chance(30) ? Text() : "")
      .ToString();
}

std::string ZooMaker::Slice(const std::string& ns, unsigned i) {
  const std::string label = "\"kubernetes.io/service-name\":";
  return Fields()
      .Add("kind", "\"EndpointSlice\"")
      .Add("metadata",
           Metadata(
               ns, Quoted("slice-" + std::to_string(i)),
               Chance(85) ? label + (Chance(5) ? "\"\"" : Name("svc", 4)) : ""))
      .Add("addressType", Quoted(One({"IPv4", "IPv4", "IPv6", "FQDN"})))
      .Add("endpoints", List(4, &ZooMaker::SliceEndpoint))
      .Add("ports", List(2, &ZooMaker::SlicePort))
      .ToString();
}

std::string ZooMaker::Host() {
  return Quoted(One({"", "x.com", "a.x.com", "a.b.x.com", "*.x.com", "*", "com",
                     "*.b.x.com", "a.*.com", ".x.com"}));
}

std::string ZooMaker::Path() {
  return Fields()
      .Add("path", Chance(80) ? Quoted(One({"", "/", "/a/b", "é"})) : "")
      .ToString();
}

std::string ZooMaker::Rule() {
  const std::string http =
      Fields().Add("paths", List(3, &ZooMaker::Path)).ToString();
  return Fields()
      .Add("host", Chance(90) ? Host() : "")
      .Add("http", Chance(80) ? http : "")
      .ToString();
}

std::string ZooMaker::Tls() {
  return Fields().Add("hosts", List(3, &ZooMaker::Host)).ToString();
}

std::string ZooMaker::Ingress(const std::string& ns, unsigned i) {
  const std::string spec =
      Fields()
          .Add("ingressClassName", Chance(50) ? Text() : "")
          .Add("tls", List(2, &ZooMaker::Tls))
          .Add("rules", List(3, &ZooMaker::Rule))
          .ToString();
  return Fields()
      .Add("kind", "\"Ingress\"")
      .Add("metadata", Metadata(ns, Quoted("ingress-" + std::to_string(i))))
      .Add("spec", spec)
      .ToString();
}

std::string ZooMaker::Owned(std::string_view kind, const std::string& ns,
                            unsigned i) {
  return Fields()
      .Add("kind", Quoted(kind))
      .Add("metadata", Metadata(ns, Quoted("o-" + std::to_string(i))))
      .ToString();
}

std::vector<std::string> ZooMaker::Objects() {
  std::vector<std::string> objects;
  const auto add = [&](unsigned most, auto make) {
    for (unsigned i = 0; i < most; ++i) {
      if (Chance(75)) objects.push_back(make(i));
    }
  };
  add(4, [&](unsigned i) { return Node(i); });
  for (const std::string ns : {"\"a\"", "\"b\""}) {
    add(1, [&](unsigned) {
      return Fields()
          .Add("kind", "\"Namespace\"")
          .Add("metadata", Metadata("", ns))
          .ToString();
    });
    add(6, [&](unsigned i) { return Pod(ns, i); });
    add(4, [&](unsigned i) { return Service(ns, i); });
    add(4, [&](unsigned i) { return Endpoints(ns, i); });
    add(4, [&](unsigned i) { return Slice(ns, i); });
    add(2, [&](unsigned i) { return Ingress(ns, i); });
    add(3, [&](unsigned i) { return Owned("ReplicaSet", ns, i); });
    add(3, [&](unsigned i) { return Owned("Job", ns, i); });
  }
  return objects;
}

std::string ZooMaker::Request(std::string_view role) {
  Fields attach;
  for (const auto what :
       {"node", "namespace", "deployment", "job", "cronjob"}) {
    if (Chance(60)) attach.Add(what, Chance(80) ? "true" : "false");
  }
  std::string list;
  for (const std::string& object : Objects()) {
    list += (list.empty() ? "" : ",") + object;
  }
  return Fields()
      .Add("role", Quoted(role))
      .Add("attach_metadata", attach.ToString())
      .Add("objects", "[" + list + "]")
      .ToString();
}

}  // namespace ta::test
