// Mount points: what a listener puts before the topics of its clients, so that they live in a branch
// of their own and do not know it. "$SYS" belongs to everybody and is never mounted.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace starling {

/// Is `name` (a topic name or filter, without "$share/group/") one that `mount` is put before?
inline bool is_mounted(std::string_view mount, std::string_view name) {
  return !mount.empty() && name != "$SYS" && !name.starts_with("$SYS/");
}

inline std::string mounted(std::string_view mount, std::string_view name) {
  if (!is_mounted(mount, name)) return std::string(name);
  std::string text(mount);
  text += name;
  return text;
}

/// What a client behind `mount` calls `name`; nullopt: it has no name there, as with "m" itself or
/// "m/" for the mount point "m/", which its "#" matches here.
inline std::optional<std::string_view> unmounted(std::string_view mount, std::string_view name) {
  if (!is_mounted(mount, name)) return name;
  if (!name.starts_with(mount) || name.size() == mount.size()) return std::nullopt;
  return name.substr(mount.size());
}

}  // namespace starling
