#include "dht/opendht/value_desk.hpp"

#include <utility>

#include "starling/limits.hpp"

namespace starling {
namespace {

// A check costs 75 us, and anybody can put values that fail it: a get gives up, a listen goes deaf
// for further values.
constexpr std::size_t refused_max = 4 * limits::values_per_key_max;
// Kept between two deliveries, per operation's share of one turn; OpenDHT's own bound is 4 096 a
// node.
constexpr std::size_t answers_max = 65'536;

}  // namespace

std::uint64_t ValueDesk::open(const DhtKey& key, Rendezvous::OnValue on_value,
                              Rendezvous::OnDone on_done) {
  const std::uint64_t id = ++last_id_;
  auto operation = std::make_shared<Operation>();
  operation->key = key;
  operation->on_value = std::move(on_value);
  operation->on_done = std::move(on_done);
  operations_.emplace(id, std::move(operation));
  return id;
}

std::uint64_t ValueDesk::open_get(const DhtKey& key, Rendezvous::OnValue on_value,
                                  Rendezvous::OnDone on_done) {
  if (gets_open_ >= limits::dht_operations_max) return 0;
  ++gets_open_;
  if (!on_done) on_done = [](bool) {};
  return open(key, std::move(on_value), std::move(on_done));
}

std::uint64_t ValueDesk::open_listen(const DhtKey& key, Rendezvous::OnValue on_value) {
  if (listens_open_ >= limits::dht_operations_max) return 0;
  ++listens_open_;
  return open(key, std::move(on_value), {});
}

void ValueDesk::close(std::uint64_t id) {
  const auto found = operations_.find(id);
  if (found == operations_.end()) return;
  --(found->second->is_listen() ? listens_open_ : gets_open_);
  operations_.erase(found);
}

bool ValueDesk::on_values(std::uint64_t id,
                          const std::vector<std::shared_ptr<::dht::Value>>& values, bool expired) {
  const auto found = operations_.find(id);
  if (found == operations_.end() || found->second->satisfied) return false;
  for (const auto& value : values)
    if (value && answers_.size() < answers_max) answers_.push_back({id, value, expired, true});
  return true;
}

void ValueDesk::on_done(std::uint64_t id, bool ok) {
  if (operations_.count(id) > 0) answers_.push_back({id, nullptr, false, ok});
}

void ValueDesk::deliver_value(Operation& operation, const ::dht::Value& value, bool expired) {
  if (operation.satisfied) return;
  if (expired) {
    // Only what was delivered can expire; its date may have passed, so it is not checked again.
    if (operation.alive.erase(value.id) > 0) operation.on_value(value.data, true);
    return;
  }
  if (operation.alive.count(value.id) > 0) return;
  if (value.type != record_type_id) {
    ++refused;  // somebody else's, and refused at no cost: it must not count against our own
    return;
  }
  if (operation.alive.size() >= limits::values_per_key_max || operation.refused >= refused_max
      || !check_.accepts(operation.key, value)) {
    ++refused;
    ++operation.refused;
    if (!operation.is_listen() && operation.refused >= refused_max) operation.satisfied = true;
    return;
  }
  operation.alive.insert(value.id);
  operation.answered = true;
  const bool more = operation.on_value(value.data, false);
  if (operation.is_listen()) return;
  operation.satisfied = !more || operation.alive.size() >= limits::values_per_key_max;
}

void ValueDesk::deliver_done(std::uint64_t id, bool ok) {
  const std::shared_ptr<Operation> operation = operations_.at(id);
  close(id);
  operation->on_done(ok || operation->answered);
}

void ValueDesk::deliver() {
  while (!answers_.empty()) {
    const std::vector<Answer> answers = std::exchange(answers_, {});
    for (const Answer& answer : answers) {
      const auto found = operations_.find(answer.operation);
      if (found == operations_.end()) continue;
      const std::shared_ptr<Operation> operation = found->second;
      if (answer.value)
        deliver_value(*operation, *answer.value, answer.expired);
      else if (!operation->is_listen())
        deliver_done(answer.operation, answer.ok);
    }
  }
}

}  // namespace starling
