#include "src/access/access_rules.hpp"

#include <algorithm>
#include <utility>

namespace starling {
namespace {

bool grants(Access access, Action action) {
  return (static_cast<unsigned>(access) & static_cast<unsigned>(action)) != 0;
}

bool has_wildcard_character(std::string_view text) {
  return text.find_first_of("+#") != std::string_view::npos;
}

/// Puts `entry` behind the denials if it is one, else at the end: so the first that matches and
/// says something about the action decides, and no later denial is overlooked.
template <class Entry>
void add_ordered(std::vector<Entry>& list, Entry entry) {
  const bool denies = entry.access == Access::deny;
  const auto behind_denials =
      std::ranges::find_if(list, [](const Entry& each) { return each.access != Access::deny; });
  list.insert(denies ? behind_denials : list.end(), std::move(entry));
}

/// The first entry that decides about `action` and for which `matches(entry)` holds, or nullptr.
template <class Entry, class Matches>
const Entry* find_deciding(const std::vector<Entry>& list, Action action, Matches matches) {
  for (const Entry& entry : list)
    if ((entry.access == Access::deny || grants(entry.access, action)) && matches(entry))
      return &entry;
  return nullptr;
}

}  // namespace

AccessRules::AccessRules() : table_(std::make_shared<Table>()) {}

AccessRules::Table& AccessRules::own_table() {
  if (table_.use_count() > 1) table_ = std::make_shared<Table>(*table_);
  return *table_;
}

void AccessRules::restrict() {
  own_table().restricted = true;
}

bool AccessRules::restricted() const {
  return table_->restricted;
}

void AccessRules::add_rule(std::optional<std::string_view> user, Access access, TopicFilter filter,
                           std::uint32_t line) {
  Table& table = own_table();
  table.restricted = true;
  auto& list = user ? table.users[std::string(*user)] : table.anonymous;
  add_ordered(list, Rule{access, std::move(filter), line});
}

void AccessRules::add_pattern(Access access, TopicPattern pattern, std::uint32_t line) {
  Table& table = own_table();
  table.restricted = true;
  add_ordered(table.patterns, Pattern{access, std::move(pattern), line});
}

const std::vector<AccessRules::Rule>* AccessRules::Table::rules_of(
    std::optional<std::string_view> user) const {
  if (!user) return &anonymous;
  const auto found = users.find(*user);
  return found == users.end() ? nullptr : &found->second;
}

AccessDecision AccessRules::Table::decide(const std::vector<Rule>* rules, bool special_name,
                                          const Principal& who, Action action,
                                          const TopicName& name) const {
  using Why = AccessDecision::Why;
  if (!restricted) return AccessDecision{true, Why::no_rules, 0};
  // TopicFilter::matches keeps '$' names from filters that begin with a wildcard, and no other
  // filter that does not begin with '$' can match them.
  if (rules != nullptr)
    if (const Rule* rule = find_deciding(
            *rules, action, [&](const Rule& each) { return each.filter.matches(name); }))
      return AccessDecision{rule->access != Access::deny, Why::rule, rule->line};
  if (patterns.empty()) return AccessDecision{false, Why::nothing_grants, 0};
  // Such a name could otherwise be made to fit places that were meant for others.
  if (special_name) return AccessDecision{false, Why::special_name, 0};
  if (const Pattern* pattern = find_deciding(
          patterns, action, [&](const Pattern& each) { return each.pattern.matches(name, who); }))
    return AccessDecision{pattern->access != Access::deny, Why::pattern, pattern->line};
  return AccessDecision{false, Why::nothing_grants, 0};
}

bool AccessRules::allows(const Principal& who, Action action, const TopicName& name) const {
  return decide(who, action, name).allowed;
}

AccessDecision AccessRules::decide(const Principal& who, Action action,
                                   const TopicName& name) const {
  const bool special_name =
      has_wildcard_character(who.client_id) || (who.user && has_wildcard_character(*who.user));
  return table_->decide(table_->rules_of(who.user), special_name, who, action, name);
}

ClientAccess AccessRules::for_client(const Principal& who) const {
  ClientAccess access;
  if (!restricted()) return access;
  auto state = std::make_shared<ClientAccess::State>();
  state->table = table_;
  state->rules = table_->rules_of(who.user);
  if (who.user) state->user = std::string(*who.user);
  state->client_id = std::string(who.client_id);
  state->special_name =
      has_wildcard_character(who.client_id) || (who.user && has_wildcard_character(*who.user));
  access.state_ = std::move(state);
  return access;
}

AccessDecision ClientAccess::decide(Action action, const TopicName& name) const {
  if (!state_) return AccessDecision{true, AccessDecision::Why::no_rules, 0};
  const Principal who{state_->user ? std::optional<std::string_view>(*state_->user) : std::nullopt,
                      state_->client_id};
  return state_->table->decide(state_->rules, state_->special_name, who, action, name);
}

}  // namespace starling
