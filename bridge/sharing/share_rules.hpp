// ShareRules: all rules of one mesh. What may leave, under which name; what may enter, under which
// name; which interest the mesh is told. Nothing crosses that no rule names, and '$' topics never
// do.
#pragma once

#include <optional>
#include <vector>

#include "starling/interest.hpp"
#include "starling/topic.hpp"

#include "bridge/sharing/share_rule.hpp"

namespace starling {

/// Where several rules fit, the one written first decides the name, as in Mosquitto's bridges: a
/// message crosses once.
class ShareRules {
 public:
  /// Nothing is shared.
  ShareRules() = default;
  explicit ShareRules(std::vector<ShareRule> rules) : rules_(std::move(rules)) {}

  void add(ShareRule rule) { rules_.push_back(std::move(rule)); }
  [[nodiscard]] const std::vector<ShareRule>& rules() const { return rules_; }
  [[nodiscard]] bool empty() const { return rules_.empty(); }

  /// The mesh-side name under which what a local client published as `local` leaves; nullopt: it
  /// stays.
  [[nodiscard]] std::optional<TopicName> leaving(const TopicName& local) const;
  /// The local name of what a peer published as `mesh_side`; nullopt: it is refused.
  [[nodiscard]] std::optional<TopicName> entering(const TopicName& mesh_side) const;
  /// What the mesh is told about one local interest: its intersections with the in-rules under
  /// mesh-side names, without those that another one covers. QoS, durability and share group are
  /// those of `local`. Empty: nothing.
  [[nodiscard]] std::vector<Interest> announced(const Interest& local) const;
  /// May anything leave that `mesh_side` matches? For a peer's interest that will never get
  /// anything.
  [[nodiscard]] bool may_leave(const TopicFilter& mesh_side) const;

 private:
  std::vector<ShareRule> rules_;
};

}  // namespace starling
