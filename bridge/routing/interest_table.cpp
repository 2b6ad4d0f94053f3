#include "bridge/routing/interest_table.hpp"

#include <set>

#include "starling/check.hpp"

namespace starling {

InterestTable::InterestTable(std::size_t mesh_count, HashSeed seed, InterestTableBounds bounds)
    : bounds_(bounds) {
  for (std::size_t mesh = 0; mesh < mesh_count; ++mesh)
    trees_.push_back(std::make_unique<Tree>(seed));
  groups_.add(Group{});  // number 0 means: not shared
}

InterestTable::~InterestTable() = default;

// --- Coming
Result<void> InterestTable::replace(const NodeId& peer, MeshIndex mesh,
                                    const std::vector<Interest>& interests) {
  // What goes, goes first: it must not take the room of what comes.
  std::set<FilterAndGroup> named;
  for (const Interest& interest : interests) named.emplace(interest.filter, interest.share_group);
  drop_if(peer, mesh,
          [&](const FilterAndGroup& what, const Wanted&) { return !named.contains(what); });
  Result<void> outcome;
  for (const Interest& interest : interests)
    if (auto kept = want(peer, mesh, interest); !kept && outcome) outcome = kept;
  return outcome;
}

Result<void> InterestTable::change(const NodeId& peer, MeshIndex mesh,
                                   const InterestChange& change) {
  if (change.wanted) return want(peer, mesh, change.interest);
  unwant(peer, mesh, FilterAndGroup{change.interest.filter, change.interest.share_group});
  return {};
}

Result<void> InterestTable::want(const NodeId& peer, MeshIndex mesh, const Interest& interest) {
  STARLING_CHECK(mesh < trees_.size());
  if (interest.filter.text().front() == '$')
    return Error{Errc::not_authorized, "interest in a '$' topic, which never crosses"};
  if (split_levels(interest.filter.text()).size() > limits::topic_levels_max)
    return Error{Errc::too_large, "interest in a filter of more than "
                                      + std::to_string(limits::topic_levels_max) + " levels"};

  const FilterAndGroup what{interest.filter, interest.share_group};
  const Peer* known = find_peer(peer);
  Wanted* held = known ? find_wanted(peer, mesh, what) : nullptr;
  if (held == nullptr) {
    if (auto room = check_room(known, what); !room) return room;
    return add(peer, mesh, what, interest);
  }
  if (held->qos_max == interest.qos_max && held->durable == interest.durable) return {};
  Peer& asker = peers_.at(peer);
  if (held->durable) --asker.durable_count;
  if (interest.durable) ++asker.durable_count;
  held->qos_max = interest.qos_max;
  held->durable = interest.durable;
  trees_[mesh]->insert(what.first, key_of(asker, *held), *held);
  ++generation_;
  return {};
}

Result<void> InterestTable::check_room(const Peer* peer, const FilterAndGroup& what) const {
  if (peer == nullptr && peers_.size() >= bounds_.peers_max)
    return Error{Errc::quota_exceeded,
                 "interests of more than " + std::to_string(bounds_.peers_max) + " peers"};
  if ((peer ? peer->count : 0) >= bounds_.filters_per_peer_max)
    return Error{Errc::quota_exceeded, "more than " + std::to_string(bounds_.filters_per_peer_max)
                                           + " interests of one peer"};
  if ((peer ? peer->bytes : 0) + bytes_of(what) > bounds_.bytes_per_peer_max)
    return Error{Errc::quota_exceeded, "interests of one peer in more than "
                                           + std::to_string(bounds_.bytes_per_peer_max) + " bytes"};
  return {};
}

Result<void> InterestTable::add(const NodeId& peer, MeshIndex mesh, const FilterAndGroup& what,
                                const Interest& interest) {
  const auto [at, is_new] = peers_.try_emplace(peer);
  Peer& asker = at->second;
  if (is_new) asker.number = numbers_.add(peer);
  Wanted wanted{interest.qos_max, interest.durable, 0};
  if (!what.second.empty()) wanted.group = acquire_group(mesh, what);
  asker.meshes[mesh].emplace(what, wanted);
  ++asker.count;
  asker.bytes += bytes_of(what);
  if (wanted.durable) ++asker.durable_count;
  trees_[mesh]->insert(what.first, key_of(asker, wanted), wanted);
  ++generation_;
  return {};
}

// --- Going
void InterestTable::unwant(const NodeId& peer, MeshIndex mesh, const FilterAndGroup& what) {
  const Wanted* held = find_wanted(peer, mesh, what);
  if (held == nullptr) return;
  const Wanted wanted = *held;
  Peer& asker = peers_.at(peer);
  trees_[mesh]->erase(what.first, key_of(asker, wanted));
  if (wanted.group != 0) release_group(wanted.group);
  --asker.count;
  asker.bytes -= bytes_of(what);
  if (wanted.durable) --asker.durable_count;
  ++generation_;
  auto& in_mesh = asker.meshes.at(mesh);
  in_mesh.erase(what);
  if (in_mesh.empty()) asker.meshes.erase(mesh);
  if (asker.count > 0) return;
  numbers_.remove(asker.number);
  peers_.erase(peer);
}

template <class Drop>
void InterestTable::drop_if(const NodeId& peer, MeshIndex mesh, Drop drop) {
  const Peer* known = find_peer(peer);
  if (known == nullptr || !known->meshes.contains(mesh)) return;
  std::vector<FilterAndGroup> gone;
  for (const auto& [what, wanted] : known->meshes.at(mesh))
    if (drop(what, wanted)) gone.push_back(what);
  for (const FilterAndGroup& what : gone) unwant(peer, mesh, what);
}

std::size_t InterestTable::drop_live(const NodeId& peer) {
  for (MeshIndex mesh = 0; mesh < trees_.size(); ++mesh)
    drop_if(peer, mesh,
            [](const FilterAndGroup&, const Wanted& wanted) { return !wanted.durable; });
  return count_of(peer);
}

void InterestTable::drop(const NodeId& peer, MeshIndex mesh) {
  drop_if(peer, mesh, [](const FilterAndGroup&, const Wanted&) { return true; });
}

void InterestTable::drop(const NodeId& peer) {
  for (MeshIndex mesh = 0; mesh < trees_.size(); ++mesh) drop(peer, mesh);
}

// --- Asking
bool InterestTable::is_wanted(MeshIndex mesh, const TopicName& name) const {
  bool wanted = false;
  match(mesh, name, [&](const Match&) { wanted = true; });
  return wanted;
}

std::vector<Interest> InterestTable::interests_of(const NodeId& peer, MeshIndex mesh) const {
  std::vector<Interest> interests;
  const Peer* known = find_peer(peer);
  if (known == nullptr || !known->meshes.contains(mesh)) return interests;
  for (const auto& [what, wanted] : known->meshes.at(mesh))
    interests.push_back(Interest{what.first, what.second, wanted.qos_max, wanted.durable});
  return interests;
}

std::size_t InterestTable::count_of(const NodeId& peer) const {
  const Peer* known = find_peer(peer);
  return known ? known->count : 0;
}

bool InterestTable::has_durable(const NodeId& peer) const {
  const Peer* known = find_peer(peer);
  return known != nullptr && known->durable_count > 0;
}

const InterestTable::Peer* InterestTable::find_peer(const NodeId& peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : &found->second;
}

InterestTable::Wanted* InterestTable::find_wanted(const NodeId& peer, MeshIndex mesh,
                                                  const FilterAndGroup& what) {
  const auto known = peers_.find(peer);
  if (known == peers_.end()) return nullptr;
  const auto in_mesh = known->second.meshes.find(mesh);
  if (in_mesh == known->second.meshes.end()) return nullptr;
  const auto held = in_mesh->second.find(what);
  return held == in_mesh->second.end() ? nullptr : &held->second;
}

// --- Share groups
std::string_view InterestTable::group_name(std::uint32_t group) const {
  return groups_[group].name;
}

const TopicFilter& InterestTable::group_filter(std::uint32_t group) const {
  STARLING_CHECK(groups_[group].filter.has_value());
  return *groups_[group].filter;
}

std::uint32_t InterestTable::acquire_group(MeshIndex mesh, const FilterAndGroup& what) {
  const GroupKey key{mesh, what};
  const auto known = group_numbers_.find(key);
  if (known != group_numbers_.end()) {
    ++groups_[known->second].uses;
    return known->second;
  }
  const std::uint32_t number = groups_.add(Group{what.second, what.first, mesh, 1});
  group_numbers_.emplace(key, number);
  return number;
}

void InterestTable::release_group(std::uint32_t number) {
  Group& group = groups_[number];
  if (--group.uses > 0) return;
  group_numbers_.erase(GroupKey{group.mesh, FilterAndGroup{*group.filter, group.name}});
  groups_.remove(number);
}

}  // namespace starling
