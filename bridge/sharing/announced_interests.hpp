// AnnouncedInterests: turns the local interests into what one mesh is told, change by change.
// Several local filters may ask for the same mesh-side one; the mesh hears of it once.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "starling/interest.hpp"

#include "bridge/sharing/share_rules.hpp"

namespace starling {

class AnnouncedInterests {
 public:
  explicit AnnouncedInterests(ShareRules rules) : rules_(std::move(rules)) {}

  /// One local change in; what changes for the mesh out, in the order of mesh-side filters. Telling
  /// the same thing twice changes nothing.
  std::vector<InterestChange> on_local_change(const InterestChange& change);
  /// Everything the mesh should know now, ordered by filter and share group.
  [[nodiscard]] std::vector<Interest> all() const;
  [[nodiscard]] std::size_t size() const { return announced_.size(); }
  [[nodiscard]] const ShareRules& rules() const { return rules_; }

 private:
  using Key = std::pair<TopicFilter, std::string>;  // filter, share group
  struct Local {
    QoS qos_max = QoS::at_most_once;
    bool durable = false;
    std::vector<TopicFilter> mesh_filters;
  };
  struct Announced {
    std::array<std::size_t, 3> askers{};  // local interests behind it, by QoS
    std::size_t durable_askers = 0;
    std::optional<Interest> told;  // as the mesh knows it

    void count(const Local& asker, bool comes);
    [[nodiscard]] std::optional<Interest> wanted(const Key& key) const;
  };

  ShareRules rules_;
  std::map<Key, Local> local_;
  std::map<Key, Announced> announced_;
};

}  // namespace starling
