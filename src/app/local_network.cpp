#include "src/app/local_network.hpp"

#include <algorithm>
#include <utility>

#include "bridge/mesh/mesh.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {
namespace {

std::vector<crypto::MeshKeys> keys_of(const std::vector<MeshConfig>& meshes) {
  std::vector<crypto::MeshKeys> keys;
  for (const MeshConfig& mesh : meshes) keys.push_back(mesh.keys);
  return keys;
}

}  // namespace

std::vector<MulticastFace> lan_faces(std::vector<MulticastFace> faces, const Endpoint& bound) {
  std::erase_if(faces, [&](const MulticastFace& face) {
    const Endpoint& own = face.address;
    if (!is_lan_address(own)) return true;
    if (!bound.is_unspecified()) return own.address != bound.address;
    return bound.is_v4() && !own.is_v4();  // "::" means both families
  });
  return faces;
}

LocalNetwork::LocalNetwork(Parts parts, const NodeId& own, const Endpoint& bound,
                           const std::vector<MeshConfig>& meshes)
    : parts_(parts),
      bound_(bound),
      neighbours_(own, bound.port, keys_of(meshes), parts.entropy),
      multicast_(parts.loop, lan_group_v4(), lan_group_v6(),
                 [this](const Endpoint& from, ByteView bytes) { on_datagram(from, bytes); }) {
  for (const MeshConfig& mesh : meshes) mesh_names_.push_back(mesh.name);
}

LocalNetwork::~LocalNetwork() {
  parts_.loop.scheduler().cancel(wake_);
}

void LocalNetwork::start() {
  if (bound_.is_loopback()) return;  // whom nobody else can dial
  watch_.emplace(parts_.loop, [this] { on_interfaces(); });
  on_interfaces();
}

void LocalNetwork::on_interfaces() {
  std::vector<MulticastFace> faces = lan_faces(multicast_faces(), bound_);
  // Asked anew without a change too: what the system refused a moment ago (an IPv6 address that was
  // being checked for duplicates) may go now.
  for (const UvMulticast::Trouble& trouble : multicast_.set_faces(faces)) {
    std::erase(faces, trouble.face);
    parts_.log.debug("lan_unheard", {{"interface", trouble.face.name},
                                     {"addr", trouble.face.address.address_text()},
                                     {"why", trouble.why}});
  }
  const bool is_changed = faces != faces_;
  faces_ = std::move(faces);
  if (!is_changed || faces_.empty()) return;
  std::string interfaces;
  for (const MulticastFace& face : faces_)
    interfaces += (interfaces.empty() ? "" : " ") + face.name + "=" + face.address.address_text();
  parts_.log.info("lan_members_sought", {{"interfaces", interfaces}});
  neighbours_.on_appearance(parts_.loop.scheduler().now());
  send_due();
}

void LocalNetwork::send_due() {
  UvScheduler& scheduler = parts_.loop.scheduler();
  scheduler.cancel(wake_);
  wake_ = {};
  if (const auto beacon = neighbours_.take_beacon(scheduler.now(), scheduler.unix_now()))
    multicast_.send(*beacon);
  const auto due = neighbours_.next_deadline();
  if (!due) return;
  wake_ = scheduler.wake_at(*due, [this] {
    wake_ = {};
    send_due();
  });
}

void LocalNetwork::on_datagram(const Endpoint& from, ByteView bytes) {
  UvScheduler& scheduler = parts_.loop.scheduler();
  const LanNeighbours::Heard heard =
      neighbours_.on_datagram(from, bytes, scheduler.now(), scheduler.unix_now());
  if (heard.verdict != LanNeighbours::Verdict::neighbour) return;
  if (heard.is_new) {
    std::string meshes;
    for (const std::size_t mesh : heard.meshes)
      meshes += (meshes.empty() ? "" : ",") + mesh_names_[mesh];
    parts_.log.info("lan_neighbour_heard",
                    {{"peer", heard.node}, {"addr", heard.endpoint.to_text()}, {"meshes", meshes}});
    send_due();  // arms the answer
  }
  for (const std::size_t mesh : heard.meshes)
    parts_.mesh.on_neighbour(mesh, heard.node, heard.endpoint);
}

std::size_t LocalNetwork::neighbours() const {
  return neighbours_.size(parts_.loop.scheduler().now());
}

std::uint64_t LocalNetwork::ignored() const {
  using Verdict = LanNeighbours::Verdict;
  return neighbours_.count_of(Verdict::malformed) + neighbours_.count_of(Verdict::stranger)
         + neighbours_.count_of(Verdict::too_many);
}

}  // namespace starling
