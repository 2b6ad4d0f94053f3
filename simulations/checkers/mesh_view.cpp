#include "simulations/checkers/mesh_view.hpp"

#include <algorithm>
#include <utility>

#include "simulations/checkers/topic_match.hpp"

namespace starling::sim {
namespace {

/// Parts of what a clock can show are no instants to count back from.
bool is_at_least(TimePoint now, TimePoint since, Duration length) {
  return since == TimePoint::min() || now - since >= length;
}

std::string text_of(const NodeSharing& sharing) {
  std::string text;
  const auto add = [&text](std::string_view part) { text.append(part).push_back('\0'); };
  for (const MeshSharing& mesh : sharing) {
    add(mesh.mesh);
    for (const std::string& filter : mesh.out) add("o" + filter);
    for (const std::string& filter : mesh.in) add("i" + filter);
    add("");
  }
  return text;
}

bool any_matches(const std::vector<std::string>& filters, std::string_view topic) {
  return std::ranges::any_of(
      filters, [topic](const std::string& each) { return naive_matches(each, topic); });
}

}  // namespace

MeshView::MeshView(const CheckerSettings& settings) : settings_(settings) {
  sharings_.emplace_back();  // number 0: nothing
  sharing_numbers_.emplace("", 0);
  for (std::size_t i = 0; i < settings.nodes.size(); ++i)
    add_node(static_cast<NodeNumber>(i), settings.nodes[i]);
}

// --- What happens

void MeshView::add_node(NodeNumber number, const NodeSharing& sharing) {
  const auto [at, is_new] = sharing_numbers_.emplace(text_of(sharing), sharings_.size());
  if (is_new) sharings_.push_back(sharing);
  node(number).sharing = at->second;
}

void MeshView::on_node_started(TimePoint at, NodeNumber number) {
  Node& started = node(number);
  started.runs = true;
  started.started = at;
}

void MeshView::on_node_ended(TimePoint at, NodeNumber number) {
  Node& ended = node(number);
  ended.runs = false;
  ended.ends.push_back(at);
}

void MeshView::on_link_up(TimePoint at, NodeNumber a, NodeNumber b) {
  if (a == no_node || b == no_node) return;
  Pair& pair = pairs_[pair_key(a, b)];
  // Links of a node that has ended are gone, whether or not somebody said so.
  const TimePoint latest_start = std::max(node(a).started, node(b).started);
  if (pair.links > 0 && pair.up_since < latest_start) pair.links = 0;
  if (pair.down_since && at - *pair.down_since >= settings_.live_outbox_kept)
    pair.given_up_until = at;
  pair.down_since.reset();
  if (pair.links++ == 0) pair.up_since = at;
}

void MeshView::on_link_down(TimePoint at, NodeNumber a, NodeNumber b) {
  const auto found = pairs_.find(pair_key(a, b));
  if (found == pairs_.end() || found->second.links == 0) return;
  if (--found->second.links == 0) found->second.down_since = at;
}

void MeshView::on_fault_begins(TimePoint at, std::string_view what) {
  ++faults_[std::string(what)];
  ++open_faults_;
  fault_begins_.push_back(at);
}

void MeshView::on_fault_ends(TimePoint at, std::string_view what) {
  const auto found = faults_.find(what);
  if (found == faults_.end()) return;
  if (--found->second == 0) faults_.erase(found);
  --open_faults_;
  fault_ended_ = at;
}

// --- What crosses

bool MeshView::crosses(NodeNumber from, NodeNumber to, TopicNumber topic, std::string_view text) {
  if (from == to) return true;
  const Node* origin = find(from);
  const Node* target = find(to);
  if (origin == nullptr || target == nullptr) return false;
  // Many nodes share alike: there are few pairs of sharings, and few topics that any two ask about.
  const std::uint64_t key =
      std::uint64_t{origin->sharing} << 44U | std::uint64_t{target->sharing} << 24U | topic;
  const auto known = crossings_.find(key);
  if (known != crossings_.end()) return known->second;
  const bool answer = share(sharings_[origin->sharing], sharings_[target->sharing], text);
  crossings_.emplace(key, answer);
  return answer;
}

bool MeshView::share(const NodeSharing& from, const NodeSharing& to, std::string_view topic) const {
  if (topic.starts_with('$')) return false;
  return std::ranges::any_of(from, [&](const MeshSharing& leaving) {
    return any_matches(leaving.out, topic)
           && std::ranges::any_of(to, [&](const MeshSharing& entering) {
                return entering.mesh == leaving.mesh && any_matches(entering.in, topic);
              });
  });
}

// --- What is owed

OwedBy MeshView::owed(TimePoint now, NodeNumber from, NodeNumber to, TimePoint granted,
                      bool durable) const {
  if (!is_trusted(from) || !is_trusted(to)) return OwedBy::nothing;
  if (from == to) return OwedBy::same_node;
  if (now - granted < settings_.settle) return OwedBy::nothing;
  const Node* origin = find(from);
  const Node* target = find(to);
  if (origin == nullptr || target == nullptr || !origin->runs) return OwedBy::nothing;
  const Pair* pair = find_pair(from, to);
  if (pair != nullptr && is_known(now, *origin, *pair, granted, durable)) return OwedBy::knowing;
  const bool both_settled = target->runs && is_at_least(now, origin->started, settings_.settle)
                            && is_at_least(now, target->started, settings_.settle);
  if (both_settled && !fault_is_on() && is_at_least(now, fault_ended_, settings_.settle))
    return OwedBy::finding;
  return OwedBy::nothing;
}

bool MeshView::is_known(TimePoint now, const Node& from, const Pair& pair, TimePoint granted,
                        bool durable) const {
  if (pair.up_since < from.started) return false;  // what it knew it has forgotten
  if (!pair.down_since) return now - pair.up_since >= settings_.link_settle;
  const TimePoint down = *pair.down_since;
  // A link that is dead is found to be so within half of `settle`: at its end it was alive lately.
  const bool was_told =
      down - granted >= settings_.settle && down - pair.up_since >= settings_.link_settle;
  return was_told
         && now - down < (durable ? settings_.durable_outbox_kept : settings_.live_interest_kept);
}

bool MeshView::was_voided(TimePoint now, OwedBy by, NodeNumber from, NodeNumber to,
                          TimePoint published, bool durable) const {
  if (by == OwedBy::same_node) return false;
  if (!settings_.promises.outboxes_on_disk && ends_since(from, published) > 0) return true;
  if (by == OwedBy::finding) {
    const TimePoint found_by = published + settings_.settle;
    const auto begins = std::ranges::lower_bound(fault_begins_, published);
    if (begins != fault_begins_.end() && *begins <= found_by) return true;
    const Node* target = find(to);
    if (std::ranges::any_of(target->ends,
                            [&](TimePoint end) { return end >= published && end <= found_by; }))
      return true;
  }
  const Pair* pair = find_pair(from, to);
  if (pair == nullptr) return false;
  if (durable) return now - published >= settings_.durable_outbox_kept;
  return published <= pair->given_up_until
         || (pair->down_since && now - *pair->down_since >= settings_.live_outbox_kept);
}

// --- Looking

bool MeshView::runs(NodeNumber number) const {
  const Node* known = find(number);
  return known != nullptr && known->runs;
}

bool MeshView::is_trusted(NodeNumber number) const {
  const Node* known = find(number);
  return known == nullptr || known->is_trusted;
}

std::size_t MeshView::ends_since(NodeNumber number, TimePoint since) const {
  const Node* known = find(number);
  if (known == nullptr) return 0;
  return static_cast<std::size_t>(known->ends.end() - std::ranges::lower_bound(known->ends, since));
}

bool MeshView::quiet_since(TimePoint since) const {
  return !fault_is_on() && fault_ended_ < since;
}

MeshView::Node& MeshView::node(NodeNumber number) {
  if (number >= nodes_.size()) nodes_.resize(std::size_t{number} + 1);
  return nodes_[number];
}

const MeshView::Node* MeshView::find(NodeNumber number) const {
  return number < nodes_.size() ? &nodes_[number] : nullptr;
}

const MeshView::Pair* MeshView::find_pair(NodeNumber a, NodeNumber b) const {
  const auto found = pairs_.find(pair_key(a, b));
  return found == pairs_.end() ? nullptr : &found->second;
}

std::uint64_t MeshView::pair_key(NodeNumber a, NodeNumber b) {
  return std::uint64_t{std::min(a, b)} << 32U | std::max(a, b);
}

}  // namespace starling::sim
