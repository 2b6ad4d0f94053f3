#include "simulations/checkers/checkers.hpp"

#include <algorithm>
#include <utility>

namespace starling::sim {

Checkers::Checkers(CheckerSettings settings) : settings_(std::move(settings)), ledger_(settings_) {
  for (const auto make :
       {make_qos1, make_qos2, make_order, make_filter, make_retained, make_loops, make_bounds,
        make_isolation, make_secrecy, make_wills, make_groups, make_drained})
    checkers_.push_back(make(ledger_));
  secrecy_ = std::ranges::find(checkers_, "secrecy", &PromiseChecker::name)->get();
}

void Checkers::finish(TimePoint at, const World& world) {
  for (const MadeChecker& each : checkers_) each->finish(at, world);
}

std::vector<const Checker*> Checkers::all() const {
  std::vector<const Checker*> all;
  for (const MadeChecker& each : checkers_) all.push_back(each.get());
  return all;
}

const Checker* Checkers::find(std::string_view name) const {
  const auto found = std::ranges::find(checkers_, name, &PromiseChecker::name);
  return found == checkers_.end() ? nullptr : found->get();
}

bool Checkers::are_kept() const {
  return std::ranges::all_of(checkers_, [](const MadeChecker& each) { return each->is_kept(); });
}

std::string Checkers::violations_text() const {
  std::string text;
  for (const MadeChecker& each : checkers_)
    for (const Violation& violation : each->violations())
      text += std::string(each->name()) + ": " + violation.what + "\n";
  return text;
}

template <class Tell>
void Checkers::tell_all(Tell tell) {
  tell(ledger_);
  for (const MadeChecker& each : checkers_) tell(*each);
}

void Checkers::on_node_started(TimePoint at, NodeNumber node) {
  tell_all([=](Observer& each) { each.on_node_started(at, node); });
}
void Checkers::on_node_ended(TimePoint at, NodeNumber node, NodeEnd how) {
  tell_all([=](Observer& each) { each.on_node_ended(at, node, how); });
}
void Checkers::on_link_up(TimePoint at, NodeNumber from, NodeNumber to) {
  tell_all([=](Observer& each) { each.on_link_up(at, from, to); });
}
void Checkers::on_link_down(TimePoint at, NodeNumber from, NodeNumber to) {
  tell_all([=](Observer& each) { each.on_link_down(at, from, to); });
}
void Checkers::on_datagram(TimePoint at, NodeNumber from, NodeNumber to, ByteView bytes) {
  secrecy_->on_datagram(at, from, to, bytes);
}
void Checkers::on_client_connected(TimePoint at, const ClientConnected& what) {
  tell_all([&](Observer& each) { each.on_client_connected(at, what); });
}
void Checkers::on_client_ended(TimePoint at, ClientNumber client, bool in_order) {
  tell_all([=](Observer& each) { each.on_client_ended(at, client, in_order); });
}
void Checkers::on_subscribing(TimePoint at, const Subscribed& what) {
  tell_all([&](Observer& each) { each.on_subscribing(at, what); });
}
void Checkers::on_subscribed(TimePoint at, const Subscribed& what) {
  tell_all([&](Observer& each) { each.on_subscribed(at, what); });
}
void Checkers::on_unsubscribing(TimePoint at, ClientNumber client, std::string_view filter) {
  tell_all([=](Observer& each) { each.on_unsubscribing(at, client, filter); });
}
void Checkers::on_unsubscribed(TimePoint at, ClientNumber client, std::string_view filter) {
  tell_all([=](Observer& each) { each.on_unsubscribed(at, client, filter); });
}
void Checkers::on_published(TimePoint at, const Published& what) {
  tell_all([&](Observer& each) { each.on_published(at, what); });
}
void Checkers::on_acknowledged(TimePoint at, MessageNumber number) {
  tell_all([=](Observer& each) { each.on_acknowledged(at, number); });
}
void Checkers::on_completed(TimePoint at, MessageNumber number) {
  tell_all([=](Observer& each) { each.on_completed(at, number); });
}
void Checkers::on_received(TimePoint at, const Received& what) {
  const Reception reception = ledger_.receive(at, what);
  for (const MadeChecker& each : checkers_) each->on_reception(reception);
}
void Checkers::on_fault_begins(TimePoint at, std::string_view what) {
  tell_all([=](Observer& each) { each.on_fault_begins(at, what); });
}
void Checkers::on_fault_ends(TimePoint at, std::string_view what) {
  tell_all([=](Observer& each) { each.on_fault_ends(at, what); });
}
void Checkers::on_second(TimePoint at, const World& world) {
  tell_all([&](Observer& each) { each.on_second(at, world); });
}

}  // namespace starling::sim
