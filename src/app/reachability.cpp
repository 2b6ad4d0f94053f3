#include "src/app/reachability.hpp"

#include <string>

#include "bridge/mesh/mesh.hpp"
#include "src/app/mesh_adapters.hpp"

namespace starling {
namespace {

std::string text_of(const std::vector<Endpoint>& endpoints) {
  std::string text;
  for (const Endpoint& endpoint : endpoints)
    text += (text.empty() ? "" : " ") + endpoint.address_text();
  return text;
}

}  // namespace

Reachability::Reachability(UvLoop& loop, Mesh& mesh, LogSink& log, const Endpoint& bound,
                           std::uint16_t port)
    : mesh_(mesh), log_(log), bound_(bound), port_(port), local_(reachable_at(bound, port)) {
  // Who listens at one address is reached there or nowhere.
  if (!bound_.is_unspecified()) return;
  watch_.emplace(loop, [this] { on_interfaces(); });
  if (!watch_->is_open()) {
    log_.warn("interfaces_unwatched",
              {{"text",
                "the system does not tell when addresses change (AF_NETLINK is not allowed "
                "here): after a change this node must be restarted"}});
  }
}

void Reachability::on_interfaces() {
  std::vector<Endpoint> local = reachable_at(bound_, port_);
  if (local == local_) return;
  local_ = std::move(local);
  log_.info("interfaces_changed", {{"addresses", text_of(local_)}});
  mesh_.set_local_endpoints(local_);
}

}  // namespace starling
