// Reads nodes by the tables of schema.h: every field that is wrong is a
// mistake, and reading goes on with its default, so that one pass finds them
// all.

#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "allocator/config/mistake.h"
#include "allocator/config/schema.h"

namespace ta {

// Reads one file's nodes. Not thread-safe; `mistakes` and `unknown` outlive it.
class SchemaReader {
 public:
  // Unknown keys go to `unknown`, all else that is wrong to `mistakes`, both in
  // the order of the tables, not of the file.
  SchemaReader(std::string file, Mistakes& mistakes, Mistakes& unknown)
      : file_(std::move(file)), mistakes_(mistakes), unknown_(unknown) {}

  // Reads a map by `record`, fills in defaults and runs the record's checks.
  // Anything but a map is a mistake; null or no node is the record's defaults,
  // unchecked. `node` must outlive the value.
  Value Read(const YamlNode* node, const Record& record, const Path& path);

  // A mistake at `node`; at the whole file if it is null.
  void Say(const YamlNode* node, const Path& path, std::string message,
           std::string_view suggestion = {});
  // A mistake at `value`, which is field `name` of the record at `path`; at the
  // record `owner` if the field was not written.
  void SayAt(const Value& owner, std::string_view name, const Path& path,
             std::string message, std::string_view suggestion = {});

  // A mistake that is not in the file, such as a flag's.
  void SayAbout(Mistake mistake) { mistakes_.push_back(std::move(mistake)); }

  const std::string& file() const { return file_; }
  // The number of mistakes so far, unknown keys not among them.
  std::size_t mistakes() const { return mistakes_.size(); }

 private:
  // The value of a key that `<<` and the map itself both set, as Go decodes
  // one over the other: of structs and maps, what either has.
  const YamlNode* Overlaid(const Field& field, const YamlEntry& entry,
                           const Path& path);
  void ReadField(const Field& field, const YamlNode* node, const Path& path,
                 Value& out);
  void ReadScalar(const Field& field, const YamlNode& node, const Path& path,
                  Value& out);
  void ReadNumber(const Field& field, const YamlNode& node, const Path& path,
                  Value& out);
  void ReadEnum(const Field& field, const YamlNode& node, const Path& path,
                Value& out);
  void ReadList(const Field& field, const YamlNode& node, const Path& path,
                Value& out);
  void ReadMap(const Field& field, const YamlNode& node, const Path& path,
               Value& out);
  void SayUnknown(const YamlEntry& entry, const Record& record,
                  const Path& path);
  void Bad(Value& value, const YamlNode& node, const Path& path,
           std::string message, std::string_view suggestion = {});

  std::string file_;
  Mistakes& mistakes_;
  Mistakes& unknown_;
  std::deque<YamlNode> overlaid_;        // what Overlaid made
  std::deque<YamlEntry> overlaid_from_;  // entries' `earlier` in there
};

}  // namespace ta
