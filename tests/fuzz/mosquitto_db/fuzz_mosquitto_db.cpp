// Any bytes as Mosquitto's database. Properties: what comes out makes sense to a store (sessions exist
// before what belongs to them, positions count up, packet ids under way differ, numbers are in their
// range, texts are topics); the counts are those of the changes; it is the same a second time, and
// the same from a file that is cut off where this one is damaged.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "starling/check.hpp"

#include "src/store/mosquitto_db.hpp"

using namespace starling;

namespace {

constexpr TimePoint now{std::chrono::seconds{1'000}};
constexpr std::uint64_t packet_ids = 65'535;
constexpr std::uint64_t first_message = 50;
constexpr SessionNumber first_session = 10;

class MemoryBytes final : public PositionedBytes {
 public:
  explicit MemoryBytes(ByteView bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  bool read(std::uint64_t at, std::span<std::uint8_t> into) override {
    STARLING_CHECK(at <= bytes_.size() && into.size() <= bytes_.size() - at);
    std::ranges::copy(bytes_.subspan(static_cast<std::size_t>(at), into.size()), into.begin());
    return true;
  }

 private:
  ByteView bytes_;
};

/// What a store would notice.
class Judge {
 public:
  void take(const StoreBatch& batch) {
    STARLING_CHECK(!batch.empty() && batch.changes.size() <= import_slice_changes);
    for (const StoreChange& change : batch.changes) std::visit(*this, change);
  }

  void operator()(const SessionSaved& change) {
    const StoredSession& session = *change.session;
    STARLING_CHECK(session.number == first_session + sessions_.size() + 1);
    STARLING_CHECK(is_mqtt_text(session.client_id) && !session.client_id.empty());
    STARLING_CHECK(client_ids_.insert(session.client_id).second);
    STARLING_CHECK(session.expiry_s > 0 && !session.will);
    STARLING_CHECK(!session.user || is_mqtt_text(*session.user));
    sessions_[session.number] = {};
  }
  void operator()(const SessionAway& change) {
    STARLING_CHECK(sessions_.contains(change.session) && !change.will_due);
    STARLING_CHECK(!change.ends_at || *change.ends_at > now);
  }
  void operator()(const SubscriptionSaved& change) {
    STARLING_CHECK(sessions_.contains(change.session));
    const auto name = SubscriptionName::parse(change.subscription.filter);
    const unsigned options = change.subscription.options;
    STARLING_CHECK(name.ok() && (options & 3U) < 3 && (options >> 4U) < 3);
    STARLING_CHECK(name->share_group.empty() || (options & 4U) == 0);
    ++counts.subscriptions;
  }
  void operator()(const MessageQueued& change) {
    STARLING_CHECK(sessions_.contains(change.session));
    Session& session = sessions_[change.session];
    const StoredDelivery& delivery = change.delivery;
    check(delivery.message);
    STARLING_CHECK(delivery.position > session.position && delivery.share.empty());
    session.position = delivery.position;
    if (delivery.state == StoredDelivery::State::waiting) {
      session.is_waiting = true;
      STARLING_CHECK(!delivery.message->has_expired(now));
      ++counts.queued;
      return;
    }
    if (session.under_way.empty()) session.first = delivery.position;
    STARLING_CHECK(!session.is_waiting && delivery.qos != QoS::at_most_once);
    STARLING_CHECK(delivery.position - session.first < packet_ids);
    STARLING_CHECK(session.under_way.insert((delivery.position - 1) % packet_ids + 1).second);
    STARLING_CHECK(delivery.state == StoredDelivery::State::sent
                   || delivery.qos == QoS::exactly_once);
    ++counts.in_flight;
  }
  void operator()(const InboundIdOpened& change) {
    STARLING_CHECK(sessions_.contains(change.session) && change.id.packet_id != 0);
    STARLING_CHECK(sessions_[change.session].inbound.insert(change.id.packet_id).second);
    if (change.id.held) check(change.id.held);
    ++counts.inbound;
  }
  void operator()(const RetainedSet& change) {
    check(change.message);
    STARLING_CHECK(change.message->retain && !change.message->payload.empty());
    STARLING_CHECK(!change.message->topic.text().starts_with("$SYS"));
    STARLING_CHECK(!change.message->has_expired(now));
    if (change.author) STARLING_CHECK(is_mqtt_text(change.author->client_id));
    ++counts.retained;
  }
  template <class Other>
  void operator()(const Other&) {
    STARLING_CHECK(!"a change that no import makes");
  }

  void judge(const MosquittoImported& said) const {
    STARLING_CHECK(said.retained == counts.retained && said.sessions == sessions_.size());
    STARLING_CHECK(said.subscriptions == counts.subscriptions && said.queued == counts.queued);
    STARLING_CHECK(said.in_flight == counts.in_flight && said.inbound == counts.inbound);
    STARLING_CHECK(said.last.session == first_session + sessions_.size());
    STARLING_CHECK(greatest_ <= said.last.message);
    STARLING_CHECK(said.trouble.find('\n') == std::string::npos && said.trouble.size() < 300);
  }

  MosquittoImported counts;

 private:
  struct Session {
    std::uint64_t position = 0;
    std::uint64_t first = 0;
    bool is_waiting = false;
    std::set<std::uint64_t> under_way;
    std::set<std::uint16_t> inbound;
  };

  void check(const SharedPublication& message) {
    STARLING_CHECK(message != nullptr && message->number > first_message);
    STARLING_CHECK(TopicName::parse(message->topic.text()).ok() && message->qos <= QoS{2});
    greatest_ = std::max(greatest_, message->number);
  }

  std::map<SessionNumber, Session> sessions_;
  std::set<std::string> client_ids_;
  std::uint64_t greatest_ = 0;
};

MosquittoImported import(ByteView bytes) {
  Judge judge;
  MosquittoImport how;
  how.now = now;
  how.unix_now = 1'795'658'534;
  how.first = {.message = first_message, .session = first_session};
  how.listener = [](std::uint16_t port) {
    return MosquittoImport::Listener{std::to_string(port), port > 50'000 ? "mnt/" : ""};
  };
  how.commit = [&judge](const StoreBatch& batch) { judge.take(batch); };
  MemoryBytes file(bytes);
  MosquittoImported said = import_mosquitto_db(file, "fuzz", how);
  judge.judge(said);
  return said;
}

void check_equal(const MosquittoImported& a, const MosquittoImported& b) {
  STARLING_CHECK(a.retained == b.retained && a.sessions == b.sessions);
  STARLING_CHECK(a.subscriptions == b.subscriptions && a.queued == b.queued);
  STARLING_CHECK(a.in_flight == b.in_flight && a.inbound == b.inbound);
  STARLING_CHECK(a.expired == b.expired && a.left_out == b.left_out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const MosquittoImported said = import(bytes);
  check_equal(said, import(bytes));
  constexpr std::string_view place = " at byte ";
  const auto found = said.trouble.find(place);
  if (found == std::string::npos) return 0;
  const std::size_t end = std::stoul(said.trouble.substr(found + place.size()));
  STARLING_CHECK(end < size);
  check_equal(said, import(bytes.first(end)));
  return 0;
}
