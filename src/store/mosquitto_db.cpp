#include "src/store/mosquitto_db.hpp"

#include <algorithm>
#include <bitset>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "starling/limits.hpp"

#include "src/store/mosquitto_db_chunks.hpp"
#include "src/store/mosquitto_db_walk.hpp"

namespace starling {
namespace {

using namespace mosquitto_db;

constexpr std::uint32_t never = 0xFFFF'FFFF;
constexpr std::uint64_t packet_ids = 65'535;  // 1 to 65535; zero is none [MQTT-2.3.1-1]
constexpr std::string_view share_prefix = "$share/";

/// Collects changes and hands them on in slices.
class Slices {
 public:
  explicit Slices(const std::function<void(StoreBatch)>& commit) : commit_(commit) {}

  /// `bytes`: of topic and payload.
  void add(StoreChange change, std::size_t bytes = 0) {
    batch_.changes.push_back(std::move(change));
    bytes_ += bytes;
    if (batch_.changes.size() >= import_slice_changes || bytes_ >= import_slice_bytes) flush();
  }
  void flush() {
    if (!batch_.empty()) commit_(std::exchange(batch_, {}));
    bytes_ = 0;
  }

 private:
  const std::function<void(StoreBatch)>& commit_;
  StoreBatch batch_;
  std::size_t bytes_ = 0;
};

/// Turns the chunks of one file into changes.
class Import {
 public:
  Import(ChunkFile& chunks, const MosquittoImport& how, MosquittoImported& out)
      : chunks_(chunks), messages_(chunks, how), how_(how), out_(out), slices_(how.commit) {}

  void run() {
    out_.last = how_.first;
    out_.last.message += messages_.count();
    std::uint64_t at = chunks_.begin();
    while (const auto chunk = chunks_.chunk_at(at)) at = take(*chunk);
    slices_.flush();
  }

 private:
  struct Session {
    SessionNumber number = 0;  // 0: its time had run out
    std::uint16_t port = 0;
    std::size_t subscriptions = 0;
  };
  struct InFlight {
    std::uint64_t position = 0;
    std::uint64_t at = 0;  // of its chunk
  };

  /// Returns where it goes on: behind the chunk, or behind those that belong to it.
  std::uint64_t take(const Chunk& chunk) {
    switch (static_cast<ChunkKind>(chunk.kind)) {
      case ChunkKind::configuration:
      case ChunkKind::message:  // taken when something refers to it
        break;
      case ChunkKind::client:
        return take_client(chunk);
      case ChunkKind::subscription:
        take_subscription(chunk);
        break;
      case ChunkKind::retained:
        take_retained(chunk);
        break;
      case ChunkKind::client_message:  // of no client
      default:                         // of a later version
        ++out_.left_out;
        break;
    }
    return chunk.end;
  }

  MosquittoImport::Listener listener(std::uint16_t port) const {
    return how_.listener ? how_.listener(port) : MosquittoImport::Listener{};
  }

  // --- Sessions

  std::uint64_t take_client(const Chunk& chunk) {
    const auto client = chunks_.format().read_client(chunks_.body(chunk));
    if (!client) {
      ++out_.left_out;
      return chunk.end;
    }
    const std::string client_id(client->client_id);
    const Session* session = open_session(*client, client_id);
    if (session == nullptr) {
      ++out_.left_out;
      return chunk.end;  // its messages count as left out one by one
    }
    return take_queue(chunk.end, client_id, session->number);
  }

  /// Null: there cannot be such a session.
  const Session* open_session(const Client& client, const std::string& client_id) {
    if (client_id.empty() || !is_mqtt_text(client_id) || sessions_.contains(client_id)
        || sessions_.size() >= limits::sessions_max)
      return nullptr;
    Session& session = sessions_[client_id];
    session.port = client.port;
    const auto ends_at = end_of(client);
    if (ends_at && *ends_at <= how_.now) {
      ++out_.expired;
      return &session;
    }
    session.number = ++out_.last.session;
    const MosquittoImport::Listener from = listener(client.port);
    auto saved = std::make_shared<StoredSession>();
    saved->number = session.number;
    saved->client_id = client_id;
    saved->expiry_s = client.expiry_s;
    if (!client.user.empty() && is_mqtt_text(client.user)) saved->user = client.user;
    saved->listener = from.name;
    saved->mount = from.mount;
    slices_.add(SessionSaved{std::move(saved)});
    slices_.add(SessionAway{session.number, ends_at, std::nullopt});
    ++out_.sessions;
    return &session;
  }

  /// When it ends; nullopt: never. One whose client was there to the last counts from now on.
  [[nodiscard]] std::optional<TimePoint> end_of(const Client& client) const {
    if (client.expiry_s == 0) return how_.now;  // also what a bridge to another broker leaves
    if (client.ends_at > 0) return instant_of(how_, client.ends_at, client.expiry_s);
    if (client.expiry_s == never) return std::nullopt;
    return how_.now + std::chrono::seconds{client.expiry_s};
  }

  // --- Messages of a session

  /// The chunks from `at` on that are messages of this client.
  std::uint64_t take_queue(std::uint64_t at, const std::string& client_id, SessionNumber session) {
    std::vector<InFlight> under_way;
    const std::uint64_t end =
        each_of(at, client_id, [&](const Chunk& chunk, const ClientMessage* message) {
          if (message == nullptr)
            ++out_.left_out;
          else if (session == 0)
            ++out_.expired;
          else if (message->is_inbound)
            take_inbound(session, *message);
          else
            note_under_way(chunk, *message, under_way);
        });
    known_ids_.reset();
    open_inbound_.reset();
    if (session == 0) return end;
    std::ranges::sort(under_way, {}, &InFlight::position);
    std::uint64_t last = 0;
    for (const InFlight& entry : under_way) {
      last = entry.position;
      take_under_way(session, entry);
    }
    std::ranges::sort(under_way, {}, &InFlight::at);
    each_of(at, client_id, [&](const Chunk& chunk, const ClientMessage* message) {
      if (message == nullptr || message->is_inbound
          || std::ranges::binary_search(under_way, chunk.at, {}, &InFlight::at))
        return;
      last += take_waiting(session, last + 1, *message) ? 1 : 0;
    });
    return end;
  }

  /// `visit` gets null for one that cannot be understood.
  template <class Visit>
  std::uint64_t each_of(std::uint64_t at, const std::string& client_id, Visit visit) {
    while (const auto chunk = chunks_.chunk_at(at)) {
      if (static_cast<ChunkKind>(chunk->kind) != ChunkKind::client_message) break;
      const auto message = chunks_.format().read_client_message(chunks_.body(*chunk));
      if (message && message->client_id != client_id) break;
      at = chunk->end;
      visit(*chunk, message ? &*message : nullptr);
    }
    return at;
  }

  void take_inbound(SessionNumber session, const ClientMessage& message) {
    // What was released is only here if it was delivered as well.
    const bool delivered = message.state == MessageState::resend_pubcomp;
    const SharedPublication held = delivered ? nullptr : messages_.find(message.message);
    if (message.qos != 2 || message.packet_id == 0 || open_inbound_[message.packet_id]
        || (!delivered && held == nullptr)) {
      ++out_.left_out;
      return;
    }
    open_inbound_[message.packet_id] = true;
    slices_.add(InboundIdOpened{session, {message.packet_id, held}}, size_of(held));
    ++out_.inbound;
  }

  /// The ids follow from the positions, so the first one fixes a range of positions in which each id
  /// has one place. Mosquitto counts its ids up, as we do: the order stays.
  void note_under_way(const Chunk& chunk, const ClientMessage& message,
                      std::vector<InFlight>& under_way) {
    const bool was_sent = message.state != MessageState::queued
                          && message.state != MessageState::invalid
                          && message.state <= MessageState::queued;
    // An id twice: the second one waits for another.
    if (!was_sent || message.qos == 0 || message.packet_id == 0 || known_ids_[message.packet_id])
      return;
    known_ids_[message.packet_id] = true;
    const std::uint64_t first = under_way.empty() ? message.packet_id : under_way.front().position;
    under_way.push_back(
        {first + (message.packet_id + packet_ids - first % packet_ids) % packet_ids, chunk.at});
  }

  void take_under_way(SessionNumber session, const InFlight& entry) {
    const auto chunk = chunks_.chunk_at(entry.at);
    if (!chunk) return;  // it cannot be read any more
    const auto message = chunks_.format().read_client_message(chunks_.body(*chunk));
    if (!message) return;
    const bool received = message->qos == 2
                          && (message->state == MessageState::resend_pubrel
                              || message->state == MessageState::wait_for_pubcomp);
    // Also one whose time has run out: its client may know the packet id.
    if (queue(session, entry.position, *message,
              received ? StoredDelivery::State::received : StoredDelivery::State::sent))
      ++out_.in_flight;
  }

  /// False: it does not come with us.
  bool take_waiting(SessionNumber session, std::uint64_t position, const ClientMessage& message) {
    const SharedPublication publication = messages_.find(message.message);
    if (publication != nullptr && publication->has_expired(how_.now)) {
      ++out_.expired;
      return false;
    }
    if (!queue(session, position, message, StoredDelivery::State::waiting)) return false;
    ++out_.queued;
    return true;
  }

  /// False: left out, and counted.
  bool queue(SessionNumber session, std::uint64_t position, const ClientMessage& message,
             StoredDelivery::State state) {
    SharedPublication publication = messages_.find(message.message);
    auto properties = read_properties(message.properties);
    if (publication == nullptr || !properties) {
      ++out_.left_out;
      return false;
    }
    const std::size_t size = size_of(publication);
    StoredDelivery delivery;
    delivery.position = position;
    delivery.message = std::move(publication);
    delivery.qos = static_cast<QoS>(message.qos);
    delivery.retain = message.retain;
    delivery.state = state;
    delivery.subscription_ids = std::move(properties->subscription_ids);
    slices_.add(MessageQueued{session, std::move(delivery)}, size);
    return true;
  }

  static std::size_t size_of(const SharedPublication& message) {
    return message == nullptr ? 0 : message->topic.text().size() + message->payload.size();
  }

  // --- Subscriptions and retained messages

  void take_subscription(const Chunk& chunk) {
    const auto read = chunks_.format().read_subscription(chunks_.body(chunk));
    const auto found = read ? sessions_.find(std::string(read->client_id)) : sessions_.end();
    if (found == sessions_.end()) {
      ++out_.left_out;
      return;
    }
    Session& session = found->second;
    if (session.number == 0) return;
    StoredSubscription subscription;
    subscription.filter = filter_of(read->filter, session);
    subscription.options = read->options;
    subscription.identifier = read->identifier;
    const auto parsed = SubscriptionName::parse(subscription.filter);
    if (!parsed || session.subscriptions >= limits::subscriptions_per_session_max) {
      ++out_.left_out;
      return;
    }
    constexpr std::uint8_t no_local = 1U << 2U;
    constexpr std::uint8_t retain_handling = 3U << 4U;
    constexpr std::uint8_t reserved = 3U << 6U;
    std::uint8_t& options = subscription.options;
    options &= static_cast<std::uint8_t>(~reserved);
    if ((options & retain_handling) == retain_handling)  // there is no third way
      options &= static_cast<std::uint8_t>(~retain_handling);
    if (!parsed->share_group.empty()) options &= static_cast<std::uint8_t>(~no_local);
    ++session.subscriptions;
    ++out_.subscriptions;
    slices_.add(SubscriptionSaved{session.number, std::move(subscription)});
  }

  /// Mosquitto 2.0.11 puts the mount point before the whole of "$share/group/filter", which makes a
  /// filter of it that nothing matches.
  [[nodiscard]] std::string filter_of(std::string_view filter, const Session& session) const {
    const std::string mount = listener(session.port).mount;
    std::string_view rest = filter;
    if (mount.empty() || !rest.starts_with(mount)) return std::string(filter);
    rest.remove_prefix(mount.size());
    if (!rest.starts_with(share_prefix)) return std::string(filter);
    const std::size_t slash = rest.find('/', share_prefix.size());
    if (slash == std::string_view::npos) return std::string(filter);
    return std::string(rest.substr(0, slash + 1)).append(mount).append(rest.substr(slash + 1));
  }

  void take_retained(const Chunk& chunk) {
    const auto id = Format::read_retained(chunks_.body(chunk));
    SharedPublication message = id ? messages_.find(*id) : nullptr;
    if (message == nullptr || message->payload.empty() || message->topic.text().starts_with("$SYS")
        || out_.retained >= limits::retained_messages_max) {
      ++out_.left_out;
      return;
    }
    if (message->has_expired(how_.now)) {
      ++out_.expired;
      return;
    }
    if (!message->retain) {
      Publication retained = *message;
      retained.retain = true;
      message = std::make_shared<const Publication>(std::move(retained));
    }
    const std::size_t size = size_of(message);
    slices_.add(RetainedSet{std::move(message), author_of(*id)}, size);
    ++out_.retained;
  }

  std::shared_ptr<const StoredAuthor> author_of(std::uint64_t id) {
    const auto message = messages_.read(id);
    if (!message || message->source_id.empty() || !is_mqtt_text(message->source_id)) return nullptr;
    StoredAuthor author;
    author.client_id = message->source_id;
    if (!message->source_user.empty() && is_mqtt_text(message->source_user))
      author.user = message->source_user;
    author.listener = listener(message->source_port).name;
    return std::make_shared<const StoredAuthor>(std::move(author));
  }

  ChunkFile& chunks_;
  MessageFinder messages_;
  const MosquittoImport& how_;
  MosquittoImported& out_;
  Slices slices_;
  std::unordered_map<std::string, Session> sessions_;  // by client id; never iterated
  // Of the session at hand, by packet id:
  std::bitset<packet_ids + 1> known_ids_;
  std::bitset<packet_ids + 1> open_inbound_;
};

}  // namespace

MosquittoImported import_mosquitto_db(PositionedBytes& file, const std::string& name,
                                      const MosquittoImport& how) {
  MosquittoImported out;
  out.last = how.first;
  const auto opened = ChunkFile::open(file);
  if (!opened) {
    out.trouble = "nothing was taken over from " + name + ": " + opened.error().what;
    return out;
  }
  ChunkFile& chunks = **opened;
  Import(chunks, how, out).run();
  if (const auto damage = chunks.damage())
    out.trouble = name + " " + *damage + "; what stands before is taken over, the rest is left out";
  return out;
}

}  // namespace starling
