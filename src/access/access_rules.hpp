// AccessRules: who may publish and who may receive what, with the meaning of Mosquitto's acl_file.
// It reads no file (src/auth does) and checks no password.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/topic.hpp"

#include "src/access/topic_pattern.hpp"

namespace starling {

/// What a rule grants. `deny` takes both away.
enum class Access : std::uint8_t { read = 1, write = 2, read_write = 3, deny = 0 };
/// What a client wants. Subscribing needs no permission; each message is checked when it is
/// delivered.
enum class Action : std::uint8_t { receive = 1, publish = 2 };

/// The outcome with its reason, for `acl explain` and the log.
struct AccessDecision {
  enum class Why : std::uint8_t {
    no_rules,        ///< nothing is configured, so everything is allowed
    rule,            ///< the rule of line `line`
    pattern,         ///< the pattern of line `line`
    special_name,    ///< patterns exist, and the user name or client id holds '+' or '#'
    nothing_grants,  ///< rules exist, and none of them grants it
  };
  bool allowed = false;
  Why why = Why::nothing_grants;
  std::uint32_t line = 0;  ///< where the deciding rule was written, from 1; 0 if not in a file
};

class ClientAccess;

/// Order of the decision: the user's own rules (the anonymous ones for a client without a user
/// name), denials before grants; then the patterns, denials before grants; then refusal. Values:
/// copying is cheap, and what was made from an older copy goes on meaning the same.
class AccessRules {
 public:
  /// No rules at all: everybody may do everything.
  AccessRules();

  /// From here on what no rule grants is refused. Adding a rule does it too.
  void restrict();
  [[nodiscard]] bool restricted() const;

  /// A rule for `user`; nullopt: for anonymous clients only.
  void add_rule(std::optional<std::string_view> user, Access access, TopicFilter filter,
                std::uint32_t line = 0);
  /// A rule for every client, named or not.
  void add_pattern(Access access, TopicPattern pattern, std::uint32_t line = 0);

  [[nodiscard]] bool allows(const Principal& who, Action action, const TopicName& name) const;
  [[nodiscard]] AccessDecision decide(const Principal& who, Action action,
                                      const TopicName& name) const;
  /// The same for one client, looked up once.
  [[nodiscard]] ClientAccess for_client(const Principal& who) const;

 private:
  friend class ClientAccess;
  struct Rule {
    Access access;
    TopicFilter filter;
    std::uint32_t line;
  };
  struct Pattern {
    Access access;
    TopicPattern pattern;
    std::uint32_t line;
  };
  struct Table {
    bool restricted = false;
    // Denials stand before grants in every list.
    std::vector<Rule> anonymous;
    std::map<std::string, std::vector<Rule>, std::less<>> users;
    std::vector<Pattern> patterns;

    /// nullptr: a named user without rules of his own.
    [[nodiscard]] const std::vector<Rule>* rules_of(std::optional<std::string_view> user) const;
    /// `rules`: rules_of(who.user); `special_name`: it or the client id holds '+' or '#'.
    [[nodiscard]] AccessDecision decide(const std::vector<Rule>* rules, bool special_name,
                                        const Principal& who, Action action,
                                        const TopicName& name) const;
  };
  Table& own_table();

  std::shared_ptr<Table> table_;  // shared by copies, and copied before a change
};

/// What one client may do. Make it when the client has connected, and again when the rules were
/// read again. Holds its own copies: 16 bytes and no heap while nothing is configured.
class ClientAccess {
 public:
  /// Everything is allowed.
  ClientAccess() = default;

  [[nodiscard]] bool may_publish(const TopicName& name) const {
    return !state_ || allows(Action::publish, name);
  }
  [[nodiscard]] bool may_receive(const TopicName& name) const {
    return !state_ || allows(Action::receive, name);
  }
  [[nodiscard]] AccessDecision decide(Action action, const TopicName& name) const;

 private:
  friend class AccessRules;
  struct State {
    std::shared_ptr<const AccessRules::Table> table;
    const std::vector<AccessRules::Rule>* rules = nullptr;  // into table; nullptr: none of its own
    std::optional<std::string> user;
    std::string client_id;
    bool special_name = false;  // holds '+' or '#'
  };
  [[nodiscard]] bool allows(Action action, const TopicName& name) const {
    return decide(action, name).allowed;
  }
  std::shared_ptr<const State> state_;  // nullptr: everything is allowed
};

}  // namespace starling
