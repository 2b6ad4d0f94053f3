#include <algorithm>
#include <array>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "starling/bytes.hpp"

#include "src/store/mosquitto_db.hpp"
#include "tests/unit/store/real_mosquitto_db.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

constexpr UnixSeconds written_at = 1'795'658'534;  // the real file
const TimePoint now{1'000s};
constexpr std::uint16_t never_mind = 0;
constexpr std::uint32_t never = 0xFFFF'FFFF;

// --- The result of an import, in words

std::string name_of(StoredDelivery::State state) {
  return state == StoredDelivery::State::waiting ? "waiting"
         : state == StoredDelivery::State::sent  ? "sent"
                                                 : "received";
}

std::string time_of(const std::optional<TimePoint>& at) {
  if (!at) return "never";
  return "+" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*at - now).count());
}

void print(std::ostream& out, const SharedPublication& message) {
  out << " [" << message->number << " " << message->topic.text() << " '"
      << as_text(message->payload.view()) << "' q" << int(message->qos)
      << (message->retain ? " r" : "") << " " << time_of(message->expires_at) << "]";
}

struct Printer {
  std::ostream& out;

  void operator()(const RetainedSet& change) {
    out << "retained";
    print(out, change.message);
    if (change.author)
      out << " by " << change.author->client_id << "/" << change.author->user.value_or("-") << "/"
          << change.author->listener;
  }
  void operator()(const SessionSaved& change) {
    const StoredSession& session = *change.session;
    out << "session " << session.number << " " << session.client_id << " " << session.expiry_s
        << " " << session.user.value_or("-") << " " << session.listener << " '" << session.mount
        << "'" << (session.will ? " will" : "");
  }
  void operator()(const SessionAway& change) {
    out << "away " << change.session << " " << time_of(change.ends_at);
  }
  void operator()(const SubscriptionSaved& change) {
    out << "subscription " << change.session << " " << change.subscription.filter << " "
        << int(change.subscription.options) << " " << change.subscription.identifier;
  }
  void operator()(const MessageQueued& change) {
    const StoredDelivery& delivery = change.delivery;
    out << "queued " << change.session << " @" << delivery.position << " q" << int(delivery.qos)
        << (delivery.retain ? " r " : " ") << name_of(delivery.state);
    for (const auto id : delivery.subscription_ids) out << " #" << id;
    print(out, delivery.message);
  }
  void operator()(const InboundIdOpened& change) {
    out << "inbound " << change.session << " " << change.id.packet_id;
    if (change.id.held) print(out, change.id.held);
  }
  template <class Other>
  void operator()(const Other&) {
    BOOST_FAIL("a change that no import makes");
  }
};

struct Taken {
  MosquittoImported counts;
  std::vector<StoreChange> changes;
  std::vector<std::string> lines;  // the same in words
  std::vector<std::size_t> slices;
};

// --- Files in memory

class MemoryBytes final : public PositionedBytes {
 public:
  explicit MemoryBytes(Bytes bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  bool read(std::uint64_t at, std::span<std::uint8_t> into) override {
    BOOST_REQUIRE(at + into.size() <= bytes_.size());
    largest_read = std::max(largest_read, into.size());
    if (at + into.size() > readable) return false;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), into.size(), into.begin());
    return true;
  }

  std::uint64_t readable = UINT64_MAX;
  std::size_t largest_read = 0;

 private:
  Bytes bytes_;
};

MosquittoImport import_into(Taken& result, UnixSeconds unix_now = written_at) {
  MosquittoImport how;
  how.now = now;
  how.unix_now = unix_now;
  how.listener = [](std::uint16_t port) {
    if (port == 46'611) return MosquittoImport::Listener{"home", ""};
    if (port == 58'167) return MosquittoImport::Listener{"guests", "mnt/"};
    return MosquittoImport::Listener{};
  };
  how.commit = [&result](StoreBatch batch) {
    result.slices.push_back(batch.changes.size());
    for (StoreChange& change : batch.changes) {
      std::ostringstream line;
      std::visit(Printer{line}, change);
      result.lines.push_back(line.str());
      result.changes.push_back(std::move(change));
    }
  };
  return how;
}

Taken import_bytes(MemoryBytes& file, UnixSeconds unix_now = written_at) {
  Taken result;
  result.counts = import_mosquitto_db(file, "m.db", import_into(result, unix_now));
  return result;
}

Taken import_bytes(const Bytes& bytes, UnixSeconds unix_now = written_at) {
  MemoryBytes file(bytes);
  return import_bytes(file, unix_now);
}

Bytes real_file() {
  return from_hex(real_mosquitto_db_hex).value();
}

/// Makes files of any version.
class Db {
 public:
  explicit Db(std::uint32_t version = 6, std::uint8_t number_size = 8) : version_(version) {
    const std::string_view magic("\0\xB5\0mosquitto db", 15);
    append(bytes, as_bytes(magic));
    out_.write_u32(0);
    out_.write_u32(version);
    Bytes body;
    ByteWriter to(body);
    if (is_new()) native(body, 77);
    to.write_u8(1);
    to.write_u8(number_size);
    if (is_new()) to.write_bytes(Bytes(6));
    if (!is_new()) native(body, 77);
    chunk(1, body);
  }

  struct Message {
    std::uint64_t id;
    std::string topic = "t";
    std::string payload = "p";
    std::uint8_t qos = 1;
    std::uint8_t retain = 0;
    std::int64_t expires_at = 0;
    Bytes properties = {};
    std::string source = {};
    std::string user = {};
  };
  Db& message(const Message& m) {
    Bytes body;
    ByteWriter to(body);
    native(body, m.id);
    if (is_new()) {
      native(body, static_cast<std::uint64_t>(m.expires_at));
      to.write_u32(static_cast<std::uint32_t>(m.payload.size()));
      to.write_u16(never_mind);
      to.write_u16(static_cast<std::uint16_t>(m.source.size()));
      to.write_u16(static_cast<std::uint16_t>(m.user.size()));
      to.write_u16(static_cast<std::uint16_t>(m.topic.size()));
      to.write_u16(46'611);
      to.write_u8(m.qos);
      to.write_u8(m.retain);
      append(body, as_bytes(m.source + m.user + m.topic + m.payload));
      append(body, m.properties);
    } else {
      text(body, m.source);
      if (version_ == 4) {
        text(body, m.user);
        to.write_u16(46'611);
      }
      to.write_u32(never_mind);
      text(body, m.topic);
      to.write_u8(m.qos);
      to.write_u8(m.retain);
      to.write_u32(static_cast<std::uint32_t>(m.payload.size()));
      append(body, as_bytes(m.payload));
    }
    return chunk(2, body);
  }

  Db& client(const std::string& id, std::uint32_t expiry_s = never, std::int64_t ends_at = 0,
             const std::string& user = {}, std::size_t padding = 4) {
    Bytes body;
    ByteWriter to(body);
    if (is_new()) {
      native(body, static_cast<std::uint64_t>(ends_at));
      to.write_u32(expiry_s);
      to.write_u16(never_mind);
      to.write_u16(static_cast<std::uint16_t>(id.size()));
      if (version_ == 6) {
        to.write_u16(46'611);
        to.write_u16(static_cast<std::uint16_t>(user.size()));
        to.write_bytes(Bytes(padding));
      }
      append(body, as_bytes(id + user));
    } else {
      text(body, id);
      to.write_u16(never_mind);
      if (version_ > 2) native(body, 12'345);
    }
    return chunk(6, body);
  }

  struct Queued {
    std::uint64_t message;
    std::uint16_t packet_id = 0;
    std::uint8_t qos = 1;
    std::uint8_t state = 11;
    std::uint8_t direction = 1;
    std::uint8_t retain = 0;
  };
  Db& queued(const std::string& id, const Queued& q) {
    Bytes body;
    ByteWriter to(body);
    if (!is_new()) text(body, id);
    native(body, q.message);
    to.write_u16(q.packet_id);
    if (is_new()) to.write_u16(static_cast<std::uint16_t>(id.size()));
    to.write_u8(q.qos);
    if (is_new()) {
      to.write_u8(q.state);
      to.write_u8(static_cast<std::uint8_t>(q.retain << 4));
      to.write_u8(q.direction);
      append(body, as_bytes(id));
    } else {
      to.write_u8(q.retain);
      to.write_u8(q.direction);
      to.write_u8(q.state);
      to.write_u8(0);
    }
    return chunk(3, body);
  }

  Db& subscription(const std::string& id, const std::string& filter, std::uint8_t qos = 1,
                   std::uint8_t options = 0) {
    Bytes body;
    ByteWriter to(body);
    if (is_new()) {
      to.write_u32(0);
      to.write_u16(static_cast<std::uint16_t>(id.size()));
      to.write_u16(static_cast<std::uint16_t>(filter.size()));
      to.write_u8(qos);
      to.write_u8(options);
      to.write_u16(0);
      append(body, as_bytes(id + filter));
    } else {
      text(body, id);
      text(body, filter);
      to.write_u8(qos);
    }
    return chunk(5, body);
  }

  Db& retained(std::uint64_t id) {
    Bytes body;
    native(body, id);
    return chunk(4, body);
  }

  Db& chunk(std::uint32_t kind, const Bytes& body) {
    if (is_new())
      out_.write_u32(kind);
    else
      out_.write_u16(static_cast<std::uint16_t>(kind));
    out_.write_u32(static_cast<std::uint32_t>(body.size()));
    append(bytes, body);
    return *this;
  }

  Bytes bytes;

 private:
  [[nodiscard]] bool is_new() const { return version_ >= 5; }
  static void native(Bytes& to, std::uint64_t value) {
    append(to, std::bit_cast<std::array<std::uint8_t, 8>>(value));
  }
  static void text(Bytes& to, const std::string& value) {
    ByteWriter(to).write_u16(static_cast<std::uint16_t>(value.size()));
    append(to, as_bytes(value));
  }

  std::uint32_t version_;
  ByteWriter out_{bytes};
};

std::uint64_t packet_id_of(std::uint64_t position) {
  return (position - 1) % 65'535 + 1;
}

/// "position state" of everything queued, in the order of the changes.
std::vector<std::string> queue_of(const Taken& result) {
  std::vector<std::string> found;
  for (const StoreChange& change : result.changes)
    if (const auto* queued = std::get_if<MessageQueued>(&change))
      found.push_back(std::to_string(queued->delivery.position) + " "
                      + name_of(queued->delivery.state) + " "
                      + std::string(as_text(queued->delivery.message->payload.view())));
  return found;
}

void check_lines(const std::vector<std::string>& found, const std::vector<std::string>& expected) {
  BOOST_CHECK_EQUAL_COLLECTIONS(found.begin(), found.end(), expected.begin(), expected.end());
}

/// One session, its messages as `queue` says: packet id, QoS, state.
Taken import_queue(const std::vector<Db::Queued>& queue) {
  Db db;
  for (std::size_t i = 0; i < queue.size(); ++i)
    db.message({.id = i + 1, .payload = "m" + std::to_string(i + 1)});
  db.client("c");
  std::uint64_t id = 0;
  for (Db::Queued entry : queue) {
    entry.message = ++id;
    db.queued("c", entry);
  }
  return import_bytes(db.bytes);
}

constexpr std::uint8_t wait_puback = 3;
constexpr std::uint8_t wait_pubrec = 5;
constexpr std::uint8_t resend_pubrel = 6;
constexpr std::uint8_t wait_pubrel = 7;
constexpr std::uint8_t wait_pubcomp = 9;
constexpr std::uint8_t queued = 11;

}  // namespace

BOOST_AUTO_TEST_SUITE(mosquitto_db)

BOOST_AUTO_TEST_CASE(everything_of_a_real_file_comes_over) {
  const Taken result = import_bytes(real_file());
  const auto& counts = result.counts;
  BOOST_TEST(counts.trouble == "");
  BOOST_TEST(counts.retained == 5U);
  BOOST_TEST(counts.sessions == 7U);
  BOOST_TEST(counts.subscriptions == 10U);
  BOOST_TEST(counts.queued == 11U);
  BOOST_TEST(counts.in_flight == 3U);
  BOOST_TEST(counts.inbound == 1U);
  BOOST_TEST(counts.expired == 0U);
  BOOST_TEST(counts.left_out == 0U);
  BOOST_TEST(counts.last.message == 10U);
  BOOST_TEST(counts.last.session == 7U);
  check_lines(result.lines, {
                                "session 1 new-b 4294967295 - home ''",
                                "away 1 never",
                                "queued 1 @1 q0 waiting #7 [4 q/0 'm0' q0 never]",
                                "queued 1 @2 q0 waiting #300000 [4 q/0 'm0' q0 never]",
                                "queued 1 @3 q1 waiting #7 [5 q/1 'm1' q1 +1000]",
                                "queued 1 @4 q1 waiting #300000 [5 q/1 'm1' q1 +1000]",
                                "queued 1 @5 q1 waiting #7 [6 q/2 'm2' q2 +1000]",
                                "queued 1 @6 q2 waiting #300000 [6 q/2 'm2' q2 +1000]",
                                "queued 1 @7 q0 waiting #7 [7 q/3 'm3' q0 +1000]",
                                "queued 1 @8 q0 waiting #300000 [7 q/3 'm3' q0 +1000]",
                                "queued 1 @9 q1 waiting #7 [8 q/ret 'm' q2 r never]",
                                "queued 1 @10 q2 r waiting #300000 [8 q/ret 'm' q2 r never]",
                                "session 2 mount-e 4294967295 - guests 'mnt/'",
                                "away 2 never",
                                "queued 2 @1 q1 waiting [9 mnt/q/z 'via mount' q1 r never]",
                                "session 3 mount-f 4294967295 - guests 'mnt/'",
                                "away 3 never",
                                "session 4 hour-g 3600 - home ''",
                                "away 4 +3600",
                                "session 5 hour-h 7200 h home ''",
                                "away 5 +7200",
                                "session 6 old-a 4294967295 u home ''",
                                "away 6 never",
                                "inbound 6 77 [10 in/two 'half' q2 never]",
                                "queued 6 @1 q1 sent [5 q/1 'm1' q1 +1000]",
                                "queued 6 @2 q2 received [6 q/2 'm2' q2 +1000]",
                                "queued 6 @3 q2 sent [8 q/ret 'm' q2 r never]",
                                "session 7 no-user 4294967295 - home ''",
                                "away 7 never",
                                "subscription 6 q/# 2 0",
                                "subscription 1 q/# 14 300000",
                                "subscription 1 q/+ 1 7",
                                "subscription 6 /lead 1 0",
                                "subscription 6 a//b 1 0",
                                "subscription 2 mnt/q/# 1 0",
                                "subscription 3 $share/x/mnt/q/# 1 0",
                                "subscription 4 g/# 1 0",
                                "subscription 5 g/# 1 0",
                                "subscription 6 $SYS/broker/version 0 0",
                                "retained [1 r/plain 'keep' q1 r never] by pub/puser/home",
                                "retained [3 r/props 'p' q1 r +5000] by pub/puser/home",
                                "retained [2 /r/lead 'keep' q0 r never] by pub/puser/home",
                                "retained [8 q/ret 'm' q2 r never] by pub/puser/home",
                                "retained [9 mnt/q/z 'via mount' q1 r never] by mp/-/guests",
                            });
}

BOOST_AUTO_TEST_CASE(properties_come_over_as_they_were) {
  const Taken result = import_bytes(real_file());
  const auto found = std::ranges::find_if(result.changes, [](const StoreChange& change) {
    const auto* set = std::get_if<RetainedSet>(&change);
    return set != nullptr && set->message->topic.text() == "r/props";
  });
  BOOST_REQUIRE(found != result.changes.end());
  const MessageProperties expected{.payload_format_indicator = std::uint8_t{1},
                                   .content_type = "text/x",
                                   .response_topic = "re/x",
                                   .correlation_data = Bytes{0, 1},
                                   .user_properties = {{"k", "v"}, {"k", "w"}}};
  BOOST_TEST((*std::get<RetainedSet>(*found).message->properties == expected));
}

BOOST_AUTO_TEST_CASE(numbers_go_on_from_those_in_use) {
  Taken result;
  MosquittoImport how = import_into(result);
  how.first = {.message = 100, .session = 200};
  MemoryBytes file(real_file());
  result.counts = import_mosquitto_db(file, "m.db", how);
  BOOST_TEST(result.lines.front() == "session 201 new-b 4294967295 - home ''");
  BOOST_TEST(result.lines[2] == "queued 201 @1 q0 waiting #7 [104 q/0 'm0' q0 never]");
  BOOST_TEST(result.counts.last.message == 110U);
  BOOST_TEST(result.counts.last.session == 207U);
}

BOOST_AUTO_TEST_CASE(a_file_cut_off_anywhere_gives_what_stands_before) {
  const Bytes whole = real_file();
  const Taken all = import_bytes(whole);
  std::size_t most = 0;
  for (std::size_t size = 23; size < whole.size(); ++size) {
    const Taken part = import_bytes(Bytes(whole.begin(), whole.begin() + static_cast<int>(size)));
    BOOST_TEST(part.counts.left_out == 0U);
    // Messages come first in the file, so nothing that is taken over lacks what it refers to.
    if (!part.lines.empty())
      BOOST_TEST(std::equal(part.lines.begin(), part.lines.end(), all.lines.begin()));
    BOOST_TEST(part.lines.size() >= most);
    most = part.lines.size();
    if (size == whole.size() - 1)
      BOOST_TEST(part.counts.trouble
                 == "m.db is cut off or damaged at byte 2051 of 2066; what stands before is taken "
                    "over, the rest is left out");
  }
  BOOST_TEST(most == all.lines.size() - 1);
}

BOOST_AUTO_TEST_CASE(a_file_that_ends_in_zeros_is_taken_up_to_them) {
  Bytes bytes = real_file();
  const std::size_t size = bytes.size();
  bytes.resize(size + 4'096);
  const Taken result = import_bytes(bytes);
  BOOST_TEST(result.lines.size() == import_bytes(real_file()).lines.size());
  BOOST_TEST(result.counts.left_out == 0U);
  BOOST_TEST(result.counts.trouble
             == "m.db is damaged at byte " + std::to_string(size) + " of "
                    + std::to_string(bytes.size())
                    + "; what stands before is taken over, the rest is left out");
}

BOOST_AUTO_TEST_CASE(what_is_no_such_file_changes_nothing) {
  const auto trouble = [](const Bytes& bytes) {
    const Taken result = import_bytes(bytes);
    BOOST_TEST(result.changes.empty());
    return result.counts.trouble;
  };
  const std::string nothing = "nothing was taken over from m.db: ";
  BOOST_TEST(trouble({}) == nothing + "it is empty");
  BOOST_TEST(trouble(Bytes{1, 2, 3}) == nothing + "it does not begin as Mosquitto's databases do");
  const Bytes real = real_file();
  BOOST_TEST(trouble(Bytes(real.begin(), real.begin() + 20))
             == nothing + "it ends within its head");
  Bytes other = real;
  other[5] ^= 1;
  BOOST_TEST(trouble(other) == nothing + "it does not begin as Mosquitto's databases do");
  BOOST_TEST(trouble(Db(7).client("c").bytes)
             == nothing + "its format has version 7, and versions 2 to 6 are known");
  BOOST_TEST(trouble(Db(1).client("c").bytes)
             == nothing + "its format has version 1, and versions 2 to 6 are known");
  BOOST_TEST(trouble(Db(6, 4).client("c").bytes)
             == nothing + "its messages have numbers of 4 bytes, and numbers of 8 are known");
}

BOOST_AUTO_TEST_CASE(all_versions_of_the_format_say_the_same) {
  for (std::uint32_t version = 2; version <= 6; ++version) {
    BOOST_TEST_CONTEXT("version " << version) {
      Db db(version);
      db.message({.id = 9, .topic = "a", .payload = "one", .qos = 2, .source = "s", .user = "u"});
      db.message({.id = 7, .topic = "b", .payload = "", .retain = 1});
      db.message({.id = 8, .topic = "c", .payload = "three", .qos = 0, .retain = 1});
      db.client("c", never, 0, version == 6 ? "u" : "");
      db.queued("c",
                {.message = 9, .packet_id = 5, .qos = 2, .state = wait_pubrel, .direction = 0});
      db.queued("c", {.message = 9, .packet_id = 3, .qos = 2, .state = wait_pubrec});
      db.queued("c", {.message = 7, .packet_id = 4, .retain = 1});
      db.client("d");
      db.subscription("c", "x/#", 2);
      db.retained(8);
      const Taken result = import_bytes(db.bytes);
      BOOST_TEST(result.counts.trouble == "");
      BOOST_TEST(result.counts.left_out == 0U);
      const std::string listener = version == 6 ? "home" : "";
      check_lines(result.lines, {"session 1 c 4294967295 " + std::string(version == 6 ? "u" : "-")
                                     + " " + listener + " ''",
                                 "away 1 never", "inbound 1 5 [3 a 'one' q2 never]",
                                 "queued 1 @3 q2 sent [3 a 'one' q2 never]",
                                 "queued 1 @4 q1 r waiting [1 b '' q1 r never]",
                                 "session 2 d 4294967295 - " + listener + " ''", "away 2 never",
                                 "subscription 1 x/# 2 0", "retained [2 c 'three' q0 r never]"});
    }
  }
}

BOOST_AUTO_TEST_CASE(a_client_written_by_a_32_bit_machine_has_no_padding) {
  const Taken result = import_bytes(Db().client("c", 60, 0, "user", 0).bytes);
  check_lines(result.lines, {"session 1 c 60 user home ''", "away 1 +60"});
}

BOOST_AUTO_TEST_CASE(a_user_name_with_the_memory_behind_it_is_nobodys) {
  const std::string stale = std::string("u\0garbage", 9);
  const Taken result = import_bytes(Db().client("c", never, 0, stale).bytes);
  check_lines(result.lines, {"session 1 c 4294967295 - home ''", "away 1 never"});
}

// --- Packet ids

BOOST_AUTO_TEST_CASE(messages_on_their_way_keep_their_packet_ids_and_the_others_follow) {
  const Taken result =
      import_queue({{.message = 0, .packet_id = 41, .qos = 2, .state = wait_pubcomp},
                    {.message = 0, .packet_id = 42, .qos = 1, .state = wait_puback},
                    {.message = 0, .packet_id = 45, .qos = 2, .state = resend_pubrel},
                    {.message = 0, .packet_id = 46, .qos = 2, .state = wait_pubrec},
                    {.message = 0, .packet_id = 47, .qos = 2, .state = queued},
                    {.message = 0, .packet_id = 0, .qos = 0, .state = queued}});
  check_lines(queue_of(result), {"41 received m1", "42 sent m2", "45 received m3", "46 sent m4",
                                 "47 waiting m5", "48 waiting m6"});
  BOOST_TEST(result.counts.in_flight == 4U);
  BOOST_TEST(result.counts.queued == 2U);
}

BOOST_AUTO_TEST_CASE(packet_ids_that_began_anew_keep_their_order) {
  const Taken result =
      import_queue({{.message = 0, .packet_id = 65'534, .state = wait_puback},
                    {.message = 0, .packet_id = 65'535, .qos = 2, .state = wait_pubrec},
                    {.message = 0, .packet_id = 1, .qos = 2, .state = wait_pubrec},
                    {.message = 0, .packet_id = 2, .state = queued}});
  check_lines(queue_of(result),
              {"65534 sent m1", "65535 sent m2", "65536 sent m3", "65537 waiting m4"});
}

BOOST_AUTO_TEST_CASE(each_packet_id_has_one_place_whatever_the_order) {
  const Taken result = import_queue({{.message = 0, .packet_id = 5, .state = wait_puback},
                                     {.message = 0, .packet_id = 9, .state = wait_puback},
                                     {.message = 0, .packet_id = 3, .state = wait_puback},
                                     {.message = 0, .packet_id = 7, .state = wait_puback},
                                     {.message = 0, .packet_id = 8, .state = queued}});
  check_lines(queue_of(result),
              {"5 sent m1", "7 sent m4", "9 sent m2", "65538 sent m3", "65539 waiting m5"});
  for (const StoreChange& change : result.changes)
    if (const auto* entry = std::get_if<MessageQueued>(&change))
      if (entry->delivery.state == StoredDelivery::State::sent)
        BOOST_TEST(
            (std::set<std::uint64_t>{3, 5, 7, 9}.contains(packet_id_of(entry->delivery.position))));
}

BOOST_AUTO_TEST_CASE(a_packet_id_that_is_missing_or_taken_is_given_anew) {
  const Taken result = import_queue({{.message = 0, .packet_id = 5, .state = wait_puback},
                                     {.message = 0, .packet_id = 5, .state = wait_puback},
                                     {.message = 0, .packet_id = 0, .state = wait_puback},
                                     {.message = 0, .packet_id = 6, .state = 200}});
  check_lines(queue_of(result), {"5 sent m1", "6 waiting m2", "7 waiting m3", "8 waiting m4"});
  BOOST_TEST(result.counts.left_out == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_client_has_sent_in_halves_stays_open) {
  Db db;
  db.message({.id = 1, .qos = 2}).client("c");
  db.queued("c", {.message = 1, .packet_id = 8, .qos = 2, .state = wait_pubrel, .direction = 0});
  db.queued("c", {.message = 1, .packet_id = 9, .qos = 2, .state = queued, .direction = 0});
  db.queued("c", {.message = 44, .packet_id = 10, .qos = 2, .state = 8, .direction = 0});
  // These make no sense: twice the same id, none, QoS 1, no such message.
  db.queued("c", {.message = 1, .packet_id = 9, .qos = 2, .state = queued, .direction = 0});
  db.queued("c", {.message = 1, .packet_id = 0, .qos = 2, .state = wait_pubrel, .direction = 0});
  db.queued("c", {.message = 1, .packet_id = 11, .qos = 1, .state = wait_pubrel, .direction = 0});
  db.queued("c", {.message = 2, .packet_id = 12, .qos = 2, .state = wait_pubrel, .direction = 0});
  const Taken result = import_bytes(db.bytes);
  check_lines(result.lines,
              {"session 1 c 4294967295 - home ''", "away 1 never", "inbound 1 8 [1 t 'p' q2 never]",
               "inbound 1 9 [1 t 'p' q2 never]", "inbound 1 10"});
  BOOST_TEST(result.counts.inbound == 3U);
  BOOST_TEST(result.counts.left_out == 4U);
}

// --- What does not come over

BOOST_AUTO_TEST_CASE(what_has_run_out_stays_behind) {
  Db db;
  db.message({.id = 1, .topic = "late", .retain = 1, .expires_at = written_at - 1});
  db.message({.id = 2, .topic = "soon", .retain = 1, .expires_at = written_at + 1});
  db.message({.id = 3, .topic = "far", .retain = 1, .expires_at = INT64_MAX});
  db.client("gone", 60, written_at - 1).queued("gone", {.message = 2});
  db.client("ended", 0).queued("ended", {.message = 2});
  db.client("there", 60, written_at + 59);
  db.queued("there", {.message = 1, .packet_id = 1, .state = queued});
  db.queued("there", {.message = 1, .packet_id = 2, .qos = 2, .state = wait_pubrec});
  db.client("clock", 60, written_at + 10'000);
  db.client("asked", never, written_at + 10'000);
  db.subscription("gone", "a").subscription("ended", "a").subscription("there", "a");
  db.retained(1).retained(2).retained(3);
  const Taken result = import_bytes(db.bytes);
  check_lines(
      result.lines,
      {"session 1 there 60 - home ''", "away 1 +59",
       // A client may know the packet id of this one.
       "queued 1 @2 q2 sent [1 late 'p' q1 r +0]", "session 2 clock 60 - home ''", "away 2 +60",
       "session 3 asked 4294967295 - home ''", "away 3 +10000", "subscription 1 a 1 0",
       "retained [2 soon 'p' q1 r +1]", "retained [3 far 'p' q1 r +4294967295]"});
  BOOST_TEST(result.counts.expired == 6U);
  BOOST_TEST(result.counts.left_out == 0U);
}

BOOST_AUTO_TEST_CASE(what_our_rules_refuse_is_left_out_and_counted) {
  const std::string bad = "a\xFF";
  Db db;
  db.message({.id = 1, .topic = "$SYS/broker/uptime", .retain = 1});
  db.message({.id = 2, .topic = bad, .retain = 1});
  db.message({.id = 3, .topic = "a/+", .retain = 1});
  db.message({.id = 4, .payload = "", .retain = 1});
  db.message({.id = 5, .properties = {5, 0x03, 0, 2, 'a', 0xFF}});
  db.message({.id = 6, .properties = {9, 0x03}});
  db.message({.id = 7, .qos = 3});
  db.client("c").client("c").client("").client(bad);
  const auto in_order = {1, 2, 3, 5, 6, 7, 8};
  for (const int id : in_order) db.queued("c", {.message = static_cast<std::uint64_t>(id)});
  db.queued(bad, {.message = 1});
  db.subscription("c", "a/#/b").subscription("c", "").subscription("nobody", "a");
  db.subscription("c", "$share/g/a", 1, 0x04 | 0x30 | 0xC0).subscription("c", "b", 3);
  for (std::uint64_t id = 1; id <= 8; ++id) db.retained(id);
  db.chunk(99, Bytes(10));
  db.chunk(4, Bytes(3));
  const Taken result = import_bytes(db.bytes);
  BOOST_TEST(result.counts.trouble == "");
  check_lines(result.lines, {"session 1 c 4294967295 - home ''", "away 1 never",
                             "subscription 1 $share/g/a 1 0"});
  // Three clients; the eight messages, as none follows its client; four subscriptions; eight
  // retained ones; two chunks.
  BOOST_TEST(result.counts.left_out == 3U + 8U + 4U + 8U + 2U);
}

BOOST_AUTO_TEST_CASE(a_message_that_makes_no_sense_does_not_take_the_rest_of_its_queue_with_it) {
  Db db;
  db.message({.id = 1}).message({.id = 2, .payload = "q"}).client("c");
  db.queued("c", {.message = 1}).queued("c", {.message = 1, .qos = 3}).queued("c", {.message = 2});
  const Taken result = import_bytes(db.bytes);
  check_lines(queue_of(result), {"1 waiting p", "2 waiting q"});
  BOOST_TEST(result.counts.left_out == 1U);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_retained_now_has_the_flag) {
  const Taken result = import_bytes(Db().message({.id = 1}).retained(1).bytes);
  check_lines(result.lines, {"retained [1 t 'p' q1 r never]"});
}

// --- Size

BOOST_AUTO_TEST_CASE(large_files_come_in_slices_and_are_never_in_memory_as_a_whole) {
  Db db;
  constexpr std::uint64_t messages = 3'000;
  constexpr std::uint64_t large = 9;
  for (std::uint64_t id = messages; id > 0; --id)
    db.message({.id = id, .payload = std::to_string(id)});
  for (std::uint64_t id = 1; id <= large; ++id)
    db.message({.id = messages + id, .payload = std::string(1'500'000, 'x')});
  for (const std::string client : {"a", "b"}) {
    db.client(client);
    for (std::uint64_t id = 1; id <= messages + large; ++id) db.queued(client, {.message = id});
  }
  MemoryBytes file(db.bytes);
  const Taken result = import_bytes(file);
  BOOST_TEST(result.counts.trouble == "");
  BOOST_TEST(result.counts.queued == 2 * (messages + large));
  BOOST_TEST(file.largest_read < 1'600'000U);
  BOOST_TEST(*std::ranges::max_element(result.slices) == import_slice_changes);
  BOOST_TEST(result.slices.size() >= 6U + 2 * large / 3);
  std::uint64_t position = 0;
  for (const StoreChange& change : result.changes)
    if (const auto* entry = std::get_if<MessageQueued>(&change)) {
      position = entry->delivery.position == 1 ? 1 : position + 1;
      BOOST_REQUIRE(entry->delivery.position == position);
      BOOST_REQUIRE(entry->delivery.message->number == position);
    }
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_ends_it_with_a_sentence) {
  Db db;
  for (std::uint64_t id = 1; id <= 100; ++id)
    db.message({.id = id, .payload = std::string(10'000, 'x')});
  db.client("c");
  MemoryBytes file(db.bytes);
  file.readable = 600'000;
  const Taken result = import_bytes(file);
  BOOST_TEST(result.counts.trouble.starts_with("m.db cannot be read at byte "));
  BOOST_TEST(result.counts.sessions == 0U);
}

// --- Files on disk

BOOST_AUTO_TEST_CASE(a_file_on_disk_is_read_and_stays_as_it_was) {
  const auto path = std::filesystem::temp_directory_path()
                    / ("mosquitto-db-" + std::to_string(::getpid()) + ".db");
  const Bytes bytes = real_file();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  ::chmod(path.c_str(), 0400);
  Taken result;
  result.counts = import_mosquitto_db(path.string(), import_into(result));
  BOOST_TEST(result.counts.trouble == "");
  BOOST_TEST(result.lines == import_bytes(bytes).lines);
  std::ifstream again(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(again), {}};
  BOOST_TEST(content == as_text(bytes));
  std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_opened_is_trouble_and_nothing_else) {
  Taken result;
  const MosquittoImport how = import_into(result);
  BOOST_TEST(import_mosquitto_db("/nowhere/m.db", how).trouble
             == "nothing was taken over from /nowhere/m.db: it cannot be opened: No such file or "
                "directory");
  BOOST_TEST(import_mosquitto_db("/", how).trouble
             == "nothing was taken over from /: it is not a file");
  const auto pipe = std::filesystem::temp_directory_path()
                    / ("mosquitto-db-" + std::to_string(::getpid()) + ".pipe");
  BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  BOOST_TEST(import_mosquitto_db(pipe.string(), how).trouble
             == "nothing was taken over from " + pipe.string() + ": it is not a file");
  std::filesystem::remove(pipe);
  BOOST_TEST(result.changes.empty());
}

BOOST_AUTO_TEST_SUITE_END()
