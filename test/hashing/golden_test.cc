// Promise 6: an upgrade moves no target. The vectors and what they mean are in
// test/testdata/hashing/golden_v1/README.md.
//
// `hashing_golden_test --write-golden FOLDER` writes them anew, for a new
// version of the algorithm only.

#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "hashing/bounded_matching.h"
#include "hashing/capacity.h"
#include "hashing/hash.h"
#include "hashing/ring.h"
#include "test/support/inputs.h"

namespace ta {
namespace {

constexpr std::uint64_t kDigestSeed = 0;

std::string Hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, value);
  return text;
}
std::string Hex(const ItemId& id) { return Hex(id.high) + Hex(id.low); }
std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(byte));
    text += two;
  }
  return text;
}

std::uint64_t Number(const std::string& hex) {
  return std::stoull(hex, nullptr, 16);
}
ItemId Id(const std::string& hex) {
  return {Number(hex.substr(0, 16)), Number(hex.substr(16))};
}
std::string Bytes(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

using Row = std::vector<std::string>;

std::vector<Row> ReadRows(const std::filesystem::path& file) {
  std::ifstream in(file);
  EXPECT_TRUE(in) << file;
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    Row row;
    std::size_t begin = 0;
    for (std::size_t end; (end = line.find('\t', begin)) != line.npos;
         begin = end + 1) {
      row.push_back(line.substr(begin, end - begin));
    }
    row.push_back(line.substr(begin));
    rows.push_back(std::move(row));
  }
  EXPECT_FALSE(rows.empty()) << file;
  return rows;
}

std::filesystem::path Folder() {
  return std::filesystem::path(TA_TESTDATA) / "hashing" /
         ("golden_v" + std::to_string(kAlgorithmVersion));
}

// ---- hashes ----

std::string HashLine(const std::string& bytes, std::uint64_t seed) {
  return "hash\t" + Hex(bytes) + "\t" + Hex(seed) + "\t" +
         Hex(Hash64(bytes, seed)) + "\t" + Hex(Hash128(bytes, seed));
}
std::string PointLine(const std::string& name, std::uint64_t i) {
  return "point\t" + name + "\t" + std::to_string(i) + "\t" +
         Hex(Hasher(kRingSeed).Append(name).Append(i).Hash64());
}
std::string SeatLine(const std::string& name) {
  return "seat\t" + name + "\t" + Hex(SeatHash(name));
}
std::string Join(const Row& row) {
  std::string line;
  for (const auto& field : row) line += (line.empty() ? "" : "\t") + field;
  return line;
}

TEST(GoldenTest, HashesPointsAndSeatsAreThoseOfVersion1) {
  for (const auto& row : ReadRows(Folder() / "hashes.tsv")) {
    if (row[0] == "hash") {
      EXPECT_EQ(HashLine(Bytes(row[1]), Number(row[2])), Join(row));
    } else if (row[0] == "point") {
      EXPECT_EQ(PointLine(row[1], std::stoull(row[2])), Join(row));
      const Ring ring({row[1], "another"});
      EXPECT_EQ(ring.points()[ring.Find(Number(row[3]))].hash, Number(row[3]));
      EXPECT_EQ(ring.Owner(Number(row[3])), row[1]);
    } else {
      EXPECT_EQ(SeatLine(row[1]), Join(row));
    }
  }
}

void WriteHashes(std::ostream& out) {
  out << "# See README.md.\n";
  std::string longer;
  for (int i = 0; i < 1'000; ++i) longer += static_cast<char>(i * 7);
  for (const std::size_t size :
       {0, 1, 3, 8, 16, 17, 128, 129, 240, 241, 1'000}) {
    out << HashLine(longer.substr(0, size), kKeySeed) << "\n";
  }
  out << HashLine(std::string(Hasher().Append("job").Append("a:80").bytes()),
                  kKeySeed)
      << "\n";
  for (const std::string name : {"", "collector-0", "collector-1", "größer"}) {
    for (const std::uint64_t i : {0, 1, 255, 256, 1'499}) {
      out << PointLine(name, i) << "\n";
    }
    out << SeatLine(name) << "\n";
  }
}

// ---- small assignments, written out ----

struct SmallCase {
  std::string name;
  int ratio;
  std::vector<std::string> members;
  std::vector<BoundedMatching::Addition> items;
  std::vector<std::string> owners;  // of the items, "-" for none
};

std::vector<std::string> OwnersOf(const SmallCase& golden) {
  BoundedMatching matching(golden.ratio);
  std::vector<BoundedMatching::Member> members;
  for (const auto& name : golden.members) {
    members.push_back({static_cast<std::uint32_t>(members.size()), name});
  }
  matching.SetMembers(members);
  matching.Apply({}, golden.items);
  std::vector<std::string> owners;
  for (const auto& item : golden.items) {
    const auto owner = matching.Owner(item.item);
    owners.push_back(owner == BoundedMatching::kNone ? "-"
                                                     : golden.members[owner]);
  }
  return owners;
}

TEST(GoldenTest, SmallAssignmentsAreThoseOfVersion1) {
  std::vector<SmallCase> cases;
  for (const auto& row : ReadRows(Folder() / "small.tsv")) {
    if (row[0] == "case") {
      cases.push_back({.name = row[1], .ratio = std::stoi(row[2])});
    } else if (row[0] == "member") {
      cases.back().members.push_back(row[1]);
    } else {
      const auto item = static_cast<std::uint32_t>(cases.back().items.size());
      cases.back().items.push_back({item, Number(row[1]), Id(row[2])});
      cases.back().owners.push_back(row[3]);
    }
  }
  for (const auto& golden : cases) {
    EXPECT_EQ(OwnersOf(golden), golden.owners) << golden.name;
  }
}

std::vector<BoundedMatching::Addition> GoldenItems(std::uint32_t count,
                                                   std::uint64_t keys) {
  std::vector<BoundedMatching::Addition> items;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t number = i;
    items.push_back({i, Hasher().Append(number % keys).Hash64(),
                     Hasher().Append(number).Hash128()});
  }
  return items;
}

void WriteSmall(std::ostream& out) {
  constexpr std::uint64_t kAllDiffer = ~std::uint64_t{0};
  std::vector<SmallCase> cases = {
      {"no members", 1050, {}, GoldenItems(2, kAllDiffer), {}},
      {"one member", 1050, {"collector-0"}, GoldenItems(3, kAllDiffer), {}},
      {"no slack", 1000, test::Collectors(3), GoldenItems(12, kAllDiffer), {}},
      {"default", 1050, test::Collectors(3), GoldenItems(20, kAllDiffer), {}},
      {"no bound",
       10'000,
       test::Collectors(4),
       GoldenItems(12, kAllDiffer),
       {}},
      {"one key", 1050, test::Collectors(3), GoldenItems(9, 1), {}},
      {"two keys", 1100, test::Collectors(4), GoldenItems(14, 2), {}},
      {"more members than items",
       1000,
       test::Collectors(6),
       GoldenItems(3, kAllDiffer),
       {}},
      {"names",
       1000,
       {"", "Collector-0", "collector-0", "größer", "z z"},
       GoldenItems(10, kAllDiffer),
       {}}};
  // At a point, before it and behind it, and at both ends of the circle.
  SmallCase edges{"edges", 1050, test::Collectors(3), {}, {}};
  const Ring ring(edges.members);
  for (const auto& point : {ring.points().front(), ring.points().back()}) {
    for (const int step : {-1, 0, 1}) {
      edges.items.push_back({0, point.hash + step, {}});
    }
  }
  edges.items.push_back({0, 0, {}});
  edges.items.push_back({0, ~std::uint64_t{0}, {}});
  for (std::uint32_t i = 0; i < edges.items.size(); ++i) {
    edges.items[i].item = i;
    edges.items[i].id = {0, i};
  }
  cases.push_back(edges);

  out << "# See README.md.\n";
  for (const auto& golden : cases) {
    out << "case\t" << golden.name << "\t" << golden.ratio << "\n";
    for (const auto& member : golden.members)
      out << "member\t" << member << "\n";
    const auto owners = OwnersOf(golden);
    for (const auto& item : golden.items) {
      out << "item\t" << Hex(item.key) << "\t" << Hex(item.id) << "\t"
          << owners[item.item] << "\n";
    }
  }
}

// ---- large assignments, hashed ----

struct LargeCase {
  int members;
  std::uint32_t items;
  int ratio;
  std::string kind;
};

std::string LargeLine(const LargeCase& golden, const std::string& digest) {
  return std::to_string(golden.members) + "\t" + std::to_string(golden.items) +
         "\t" + std::to_string(golden.ratio) + "\t" + golden.kind + "\t" +
         digest;
}

// Cases of the same members, ratio and kind share a matching, which grows or is
// cut from one to the next: what was there before leaves no trace.
class LargeMatching {
 public:
  std::string Digest(const LargeCase& golden) {
    if (golden.members != last_.members || golden.ratio != last_.ratio ||
        golden.kind != last_.kind || first_) {
      matching_ = BoundedMatching(golden.ratio);
      names_ = test::Collectors(golden.members);
      std::vector<BoundedMatching::Member> members;
      for (const auto& name : names_) {
        members.push_back({static_cast<std::uint32_t>(members.size()), name});
      }
      matching_.SetMembers(members);
      first_ = false;
    }
    last_ = golden;
    const auto items =
        GoldenItems(golden.items, golden.kind == "shared" ? 100 : ~0ull);
    std::vector<std::uint32_t> removed;
    std::vector<BoundedMatching::Addition> added;
    for (const auto& item : items) {
      if (!matching_.Contains(item.item)) added.push_back(item);
    }
    for (std::uint32_t i = golden.items; matching_.Contains(i); ++i) {
      removed.push_back(i);
    }
    matching_.Apply(removed, added);
    Hasher hasher(kDigestSeed);
    for (const auto& item : items) {
      const auto owner = matching_.Owner(item.item);
      hasher.Append(owner == BoundedMatching::kNone ? "" : names_[owner]);
    }
    return Hex(hasher.Hash64());
  }

 private:
  bool first_ = true;
  LargeCase last_{};
  BoundedMatching matching_;
  std::vector<std::string> names_;
};

TEST(GoldenTest, LargeAssignmentsAreThoseOfVersion1) {
  LargeMatching matching;
  for (const auto& row : ReadRows(Folder() / "large.tsv")) {
    const LargeCase golden{std::stoi(row[0]),
                           static_cast<std::uint32_t>(std::stoul(row[1])),
                           std::stoi(row[2]), row[3]};
    EXPECT_EQ(LargeLine(golden, matching.Digest(golden)), Join(row));
  }
}

void WriteLarge(std::ostream& out) {
  out << "# See README.md. Members, items, ratio, kind, hash.\n";
  LargeMatching matching;
  const auto write = [&](const LargeCase& golden) {
    out << LargeLine(golden, matching.Digest(golden)) << "\n";
  };
  for (const int members : {0, 1, 2, 3, 10, 100, 1'000}) {
    for (const std::uint32_t items : {0, 1, 10, 1'000, 10'000, 100'000}) {
      write({members, items, 1050, "spread"});
    }
  }
  for (const int ratio : {1000, 1001, 1100, 2000, 10'000}) {
    for (const std::uint32_t items : {7, 1'000, 10'000}) {
      write({10, items, ratio, "spread"});
    }
  }
  for (const int members : {10, 100}) {
    for (const std::uint32_t items : {1'000, 10'000, 100'000}) {
      write({members, items, 1050, "shared"});
    }
  }
}

}  // namespace

bool WriteGolden(const std::filesystem::path& folder) {
  std::ofstream hashes(folder / "hashes.tsv");
  WriteHashes(hashes);
  std::ofstream small(folder / "small.tsv");
  WriteSmall(small);
  std::ofstream large(folder / "large.tsv");
  WriteLarge(large);
  return hashes.flush() && small.flush() && large.flush();
}

}  // namespace ta

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--write-golden") {
    return ta::WriteGolden(argv[2]) ? 0 : 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
