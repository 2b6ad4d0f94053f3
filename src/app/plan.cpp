#include "src/app/plan.hpp"

#include <set>

#include "bridge/sharing/share_rule.hpp"
#include "src/app/mesh_secret.hpp"
#include "src/app/plan_listeners.hpp"

namespace starling {
namespace {

using config::Diagnostic;
using config::Origin;
using config::Settings;

constexpr std::uint16_t default_mesh_port = 21883;

void complain(std::vector<Diagnostic>& trouble, const Origin& origin, std::string message) {
  Diagnostic diagnostic;
  diagnostic.source = origin.text;
  diagnostic.message = std::move(message);
  trouble.push_back(std::move(diagnostic));
}

/// Like Endpoint::parse, but port 0 (any free one) is allowed.
std::optional<Endpoint> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  if (text.substr(colon + 1) != "0") return Endpoint::parse(text);
  auto endpoint = Endpoint::parse(text.substr(0, colon) + ":1");
  if (endpoint) endpoint->port = 0;
  return endpoint;
}

void plan_dht(const Settings& settings, Plan& plan, std::vector<Diagnostic>& trouble) {
  const auto listen = parse_listen(settings.dht.listen);
  if (!listen)
    complain(
        trouble, settings.dht.origin,
        "dht.listen = \"" + settings.dht.listen
            + "\" is not an address with a port, such as \"[::]:21883\" or \"192.0.2.7:21883\"");
  else
    plan.mesh_listen = *listen;
  for (const std::string& text : settings.dht.bootstrap) {
    const auto host = HostPort::parse(text, default_mesh_port);
    if (!host)
      complain(
          trouble,
          {settings.dht.origin.text.empty() ? "--bootstrap " + text : settings.dht.origin.text},
          "bootstrap \"" + text + "\" is not a host or host:port");
    else
      plan.bootstrap.push_back(*host);
  }
}

std::optional<ShareRule> plan_share(const config::ShareSettings& share, bool open,
                                    std::vector<Diagnostic>& trouble) {
  ShareRuleText text;
  text.filter = share.filter;
  text.local_prefix = share.local_prefix;
  text.mesh_prefix = share.mesh_prefix;
  if (share.direction == "in") text.direction = ShareDirection::in;
  if (share.direction == "out") text.direction = ShareDirection::out;
  if (share.direction == "both") text.direction = ShareDirection::both;
  auto rule = ShareRule::make(text, open);
  if (rule) return std::move(rule).value();
  complain(trouble, share.origin, rule.error().what);
  return std::nullopt;
}

void plan_meshes(const Settings& settings, Plan& plan, std::vector<Diagnostic>& trouble) {
  std::set<std::string> names;
  std::set<crypto::MeshSecret> secrets;
  for (const auto& mesh : settings.meshes) {
    if (!names.insert(mesh.name).second) {
      complain(trouble, mesh.origin, "mesh \"" + mesh.name + "\" is named twice");
      continue;
    }
    const bool open = crypto::is_open_mesh(mesh.name);
    const auto secret = load_mesh_secret(mesh.name, mesh.secret_file);
    if (!secret) {
      complain(trouble, mesh.origin, secret.error().what);
    } else if (!secrets.insert(*secret).second) {
      complain(trouble, mesh.origin,
               "mesh \"" + mesh.name
                   + "\" has the same secret as another one, so it would be the same mesh");
    }
    MeshConfig config;
    config.name = mesh.name;
    config.open = open;
    if (secret) config.keys = crypto::derive_mesh_keys(*secret);
    for (const auto& share : mesh.shares)
      if (auto rule = plan_share(share, open, trouble)) config.rules.add(std::move(*rule));
    plan.meshes.push_back(std::move(config));
  }
}

}  // namespace

Plan make_plan(const Settings& settings, std::vector<Diagnostic>& trouble) {
  Plan plan;
  config::SystemConfigFiles config_files;
  SecurityFiles files(config_files, trouble, plan.warnings);
  plan_listeners(settings, files, plan);
  plan.broker = plan_broker(settings.clients);
  if (settings.wants_dht()) plan_dht(settings, plan, trouble);
  plan_meshes(settings, plan, trouble);
  return plan;
}

}  // namespace starling
