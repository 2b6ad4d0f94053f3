// Every bound of the system in one table: unit, reason, and who enforces it. What can be configured
// names its setting; the value here is the default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace starling::limits {

using namespace std::chrono_literals;

// --- MQTT clients (src/mqtt, src/session, src/broker)
inline constexpr std::size_t packet_size_max =
    268'435'460;  // bytes, the protocol's own bound (2.2.3): 4 length bytes
inline constexpr std::size_t connect_packet_size_max =
    1U << 20U;  // bytes, until CONNECT is accepted: five fields of 64 KiB and properties
inline constexpr std::size_t topic_size_max = 65'535;  // bytes; the length prefix has 16 bits
inline constexpr std::size_t topic_levels_max =
    201;  // levels, so 200 separators, as Mosquitto; src/broker refuses deeper ones
inline constexpr std::uint16_t receive_maximum_default =
    65'535;  // what a client that says nothing may be sent
inline constexpr std::uint16_t inflight_max =
    20;  // QoS 1/2 messages under way to one client at a time, as Mosquitto
inline constexpr std::uint16_t receive_maximum =
    20;  // QoS 1/2 messages we let an MQTT 5 client have under way, as Mosquitto
inline constexpr std::size_t queued_messages_max =
    100'000;  // per session, in memory; an offline session drops beyond it, counted
inline constexpr std::size_t queued_bytes_max = 64U << 20U;  // per session, in memory
inline constexpr std::size_t stored_messages_max =
    10'000'000;  // per session that the store keeps, where nothing else is configured
inline constexpr std::size_t stored_bytes_max = 1U << 30U;  // the same, in bytes
inline constexpr std::size_t queue_memory_messages =
    1'000;  // of a session that the store keeps: what waits beyond is only on disk
inline constexpr std::size_t queue_memory_bytes = 1U << 20U;  // the same, in bytes
inline constexpr std::size_t queue_refill_messages =
    500;  // read back at a time, when fewer than half of these are left in memory
inline constexpr std::size_t connection_output_max =
    4U << 20U;  // bytes waiting for a slow reader's socket; then it queues
inline constexpr std::uint16_t topic_alias_max =
    10;  // inbound aliases per connection, as Mosquitto
inline constexpr std::uint16_t topic_alias_out_max =
    10;  // aliases we make per connection, as Mosquitto; a client may allow less
inline constexpr std::size_t filters_per_packet_max = 10'000;  // SUBSCRIBE and UNSUBSCRIBE
inline constexpr std::size_t subscriptions_per_session_max = 100'000;
inline constexpr std::size_t user_properties_max = 1'000;           // per packet
inline constexpr std::size_t subscription_identifiers_max = 1'000;  // per PUBLISH a client reads
inline constexpr auto connect_timeout = 10s;  // from accept to CONNECT (slowloris)
inline constexpr std::size_t connections_max = 100'000;
inline constexpr std::size_t takeovers_quick_max =
    5;  // changes of hands of one client id within takeover_window; then CONNACK is delayed
inline constexpr auto takeover_window = 10s;
inline constexpr auto takeover_pace = 1s;  // between CONNACKs for such an id
inline constexpr std::size_t takeovers_watched_max =
    10'000;  // client ids whose changes of hands are remembered
inline constexpr auto auth_exchange_max =
    10s;  // an enhanced authentication, from CONNECT to its CONNACK
inline constexpr std::size_t alias_name_min =
    4;  // bytes of a topic name from which on an alias is shorter
inline constexpr std::size_t held_messages_max =
    1'000;  // QoS 2 messages of one session between PUBLISH and PUBREL; beyond it they go on at once
inline constexpr std::size_t held_bytes_max = 8U << 20U;  // of their payloads
inline constexpr std::size_t auth_data_max =
    16U << 10U;  // bytes of Authentication Data in one AUTH packet
inline constexpr std::size_t retained_messages_max = 10'000'000;
inline constexpr std::size_t sessions_max = 1'000'000;  // present and absent ones; more are refused
inline constexpr auto consumer_stalled_max =
    20s;  // a present reader with a full queue; then it is disconnected
inline constexpr std::size_t replay_slice_messages =
    1'000;  // retained messages to one session per turn
inline constexpr std::size_t replay_slice_steps =
    20'000;  // levels of the retained store looked at for it per turn
inline constexpr std::size_t packet_size_spare =
    64U << 10U;  // bytes a connection's decryption buffer keeps between reads
inline constexpr auto queue_purge_interval =
    1s;  // between walks through a full queue for expired messages
inline constexpr auto denial_log_interval =
    1s;  // refused messages are logged at most this often, counted between
inline constexpr std::uint16_t keep_alive_max_s = 65'535;

// --- What people see (src/log, src/node)
inline constexpr std::size_t log_value_bytes_max =
    1'024;  // bytes of one value in a line of the log; the rest becomes "..."
inline constexpr std::size_t log_topic_lines_max =
    1'000;  // lines for $SYS/broker/log waiting for the end of a turn; more are left out

// --- Links between nodes (bridge/)
inline constexpr std::size_t link_frame_max =
    1U << 20U;  // bytes of one frame that is not a publications frame, once the peer is proved
inline constexpr std::size_t hello_frame_max =
    16U << 10U;  // bytes of one frame until the peer has proved itself
inline constexpr std::size_t frame_depth_max = 8;  // nesting of msgpack arrays and maps
inline constexpr std::size_t mesh_payload_max = 64U
                                                << 20U;  // bytes of one message from or to a peer
inline constexpr std::size_t publication_frame_max =
    mesh_payload_max
    + (256U << 10U);  // bytes of a publications frame: topic and properties beside the payload
inline constexpr std::size_t link_batch_bytes =
    256U << 10U;  // a batch above this leaves before the turn ends
inline constexpr std::size_t frame_publications_max = 1'024;  // messages in one frame
inline constexpr std::size_t frame_interests_max = 4'096;     // filters in one frame
inline constexpr std::size_t frame_peers_max = 256;           // members in one frame
inline constexpr std::size_t link_meshes_max = 64;            // meshes one node offers on a link
inline constexpr std::size_t link_software_max = 64;          // bytes of a name for people
inline constexpr std::size_t link_reason_text_max = 256;      // bytes of a sentence for people
inline constexpr auto pong_interval_min = 1s;    // pings that come faster are not answered
inline constexpr std::size_t links_max = 1'000;  // links at a time, all meshes
inline constexpr std::size_t links_unproved_max =
    64;  // inbound links that have not proved themselves yet
inline constexpr auto link_handshake_timeout = 10s;  // from TCP accept to hello
inline constexpr std::size_t tickets_kept = 256;     // TLS session tickets, one per peer
inline constexpr auto heartbeat_interval = 5s;
inline constexpr auto heartbeat_lost_after = 15s;
inline constexpr std::size_t small_mesh_members_max =
    64;  // up to this many members all keep links to all
inline constexpr auto redial_delay_min = 500ms;
inline constexpr auto redial_delay_max = 60s;
inline constexpr std::size_t lane_credit_messages = 4'096;   // unacknowledged messages per lane
inline constexpr std::size_t lane_credit_bytes = 8U << 20U;  // unacknowledged bytes per lane
inline constexpr std::size_t outbox_messages_max = 100'000;  // per peer
inline constexpr std::size_t outbox_bytes_max = 64U << 20U;  // per peer
inline constexpr auto outbox_age_max = 24h;
inline constexpr std::size_t seen_ids_max =
    4'096;  // remembered above the floor, per origin and epoch
inline constexpr std::uint8_t hops_max = 24;
inline constexpr double peer_messages_per_s =
    20'000;  // what one peer may bring in; beyond it its lane gets no credit
inline constexpr std::size_t peer_retained_max = 100'000;   // retained topics one peer may create
inline constexpr std::size_t peer_interests_max = 100'000;  // filters one peer may ask for
inline constexpr std::size_t interest_peers_max = 4'096;    // peers with interests, those away too
inline constexpr std::size_t seen_origins_max = 16'384;  // nodes whose message ids are remembered
inline constexpr std::uint64_t seen_unacknowledged_span = 4'096;  // latest QoS 0 ids, per origin
inline constexpr std::size_t peer_interests_bytes_max =
    16U << 20U;  // of the texts of these filters, per full set
inline constexpr std::size_t parked_messages_max =
    64;  // QoS 0 waiting for a first lookup, per prefix
inline constexpr std::size_t parked_bytes_max = 1U << 20U;
inline constexpr auto parked_age_max = 2s;
inline constexpr auto unresolved_for = 10s;  // how long a QoS 1/2 message takes peers found late

// --- Who is linked with whom (bridge/mesh, bridge/reach)
inline constexpr std::size_t unresolved_messages_max =
    10'000;  // QoS 1/2 waiting for peers to be found, per mesh
inline constexpr std::size_t unresolved_bytes_max =
    16U << 20U;  // the same, and QoS 0 of all prefixes together
inline constexpr std::size_t parked_prefixes_max =
    1'024;  // prefixes with messages parked, per mesh
inline constexpr std::size_t dialable_links_min =
    2;  // links a node of a large or open mesh keeps to dialable members
inline constexpr std::size_t mesh_members_max =
    10'000;  // members remembered per mesh; more are not looked after
inline constexpr std::size_t dials_under_way_max = 16;  // connections being made at a time
inline constexpr auto live_interest_kept_for =
    15s;  // after a link is lost without a bye: its live interests end
inline constexpr auto outbox_without_interest_max =
    10min;  // an outbox whose peer is away and left no durable interest
inline constexpr auto idle_link_max =
    5min;  // a link of a large mesh over which no message has gone
inline constexpr std::size_t link_refusals_logged =
    20;  // lines about refused links per window; the rest is counted
inline constexpr auto link_refusals_window = 10s;
inline constexpr std::size_t observed_addresses_max = 16;  // addresses peers saw us at
inline constexpr std::size_t observers_max = 32;           // peers remembered per such address
inline constexpr auto observation_lifetime = 1h;
inline constexpr std::size_t told_endpoints_max = 8;  // addresses of one node in a frame
inline constexpr std::size_t dial_me_helpers_max =
    4;  // linked members asked to pass one request on
inline constexpr auto dial_me_interval =
    10s;  // between two requests to one peer, and between two passed on for a pair
inline constexpr std::size_t dial_me_pairs_max = 1'024;  // (asker, asked) pairs remembered for that
inline constexpr std::size_t dial_me_per_minute =
    60;  // requests of one peer that are passed on or followed

// --- The DHT (dht/)
inline constexpr std::size_t record_bytes_max = 1'024;  // a record, envelope included
inline constexpr std::size_t record_filters_max =
    40;  // under one prefix; beyond it coarsened to "prefix/#"
inline constexpr std::size_t record_endpoints_max = 3;
inline constexpr std::size_t record_prefix_max =
    512;  // bytes of a literal prefix; a longer one is filed under its parent
inline constexpr std::size_t records_remembered_max =
    16'384;  // (node, key) pairs whose newest record is known
inline constexpr std::size_t announced_keys_max = 256;  // per node and mesh; coarser above
inline constexpr std::size_t listened_keys_max = 200;   // least recently used goes first
inline constexpr auto listen_idle_max = 60s;            // after the last use of a key
inline constexpr auto settle_time =
    250ms;  // a resolution is complete this long after its last new value
inline constexpr auto record_reput_min = 30s;  // per key, after two immediate ones
inline constexpr auto record_lifetime = 10min;
inline constexpr double lookups_per_s = 5;  // sustained
inline constexpr double lookups_burst = 50;
inline constexpr auto clock_skew_max = 10min;
inline constexpr std::size_t values_per_key_max = 256;  // read from one key; more is a flood
inline constexpr std::size_t signatures_cached_max = 16'384;
inline constexpr auto resolution_age_max =
    2s;  // a lookup without any answer counts as complete then
inline constexpr auto record_validity =
    13min;  // signed: with the renewal, clocks 7 minutes off either way still agree
inline constexpr auto record_renewal =
    6min;  // a record is signed anew this long after the last time
inline constexpr std::size_t keys_waiting_max =
    1'000;  // prefixes that wait for the lookup pacer; the oldest gives way
inline constexpr auto members_reread = 5min;         // the member key, beside listening
inline constexpr std::size_t node_lookups_max = 64;  // of single node records, under way or waiting
inline constexpr double puts_per_s = 20;  // new announcements sustained; a start may have hundreds
inline constexpr double puts_burst = 40;
inline constexpr std::size_t dht_operations_max =
    4'096;                                    // gets under way, listens and announcements, each
inline constexpr auto dht_get_timeout = 30s;  // then a get ends with what it has
inline constexpr std::size_t dht_contacts_max = 256;  // addresses to ask for the way into the DHT
inline constexpr std::size_t dht_contacts_kept =
    16;  // the first ones (configured) give way to nobody
inline constexpr std::size_t datagram_max = 65'507;    // bytes; UDP over IPv4 cannot carry more
inline constexpr std::size_t peers_known_max = 2'048;  // in the peer book
inline constexpr std::size_t peer_endpoints_max = 8;   // remembered per peer
inline constexpr std::size_t peers_saved_max = 512;    // the best of them go to disk
inline constexpr auto link_settled_after =
    10s;  // a link that lasted this long ends the growing of pauses
inline constexpr std::size_t peer_book_bytes_max = 4U << 20U;  // of its document on disk
inline constexpr std::size_t unproven_dials_per_hour =
    30;  // to an endpoint that has not shown the peer's key
inline constexpr std::size_t unproven_dials_per_host =
    120;  // the same for all ports of a global address
inline constexpr std::size_t dial_quota_entries_max = 8'192;

// --- Sockets (src/uv)
inline constexpr std::size_t read_scratch_size =
    128U << 10U;  // bytes; one buffer per loop, lent to whoever reads
inline constexpr std::size_t early_flush_size =
    64U << 10U;  // bytes of output that are not kept until the turn ends
inline constexpr std::size_t layer_write_max =
    256U << 10U;  // plain bytes given to TLS or WebSocket at a time: that much work, then a look
inline constexpr std::uint64_t read_work_max =
    32'768;  // packets and deliveries that one read may cause before others get their turn: some 4
             // ms. (Less, and a burst to a thousand subscribers becomes more writes than it needs.)
inline constexpr std::size_t write_request_max =
    256U << 10U;  // bytes handed to one pending write: progress is seen in such steps
inline constexpr auto close_flush_max = 2s;   // for what is left when a stream is closed
inline constexpr int listen_backlog = 1'024;  // connections the kernel keeps while we are busy
inline constexpr int accepts_per_turn = 64;   // then the streams already there get their turn
inline constexpr auto accept_pause = 100ms;   // when the process is out of descriptors
inline constexpr auto dial_timeout = 5s;
inline constexpr std::size_t datagram_buffer =
    4U << 20U;  // bytes asked of the kernel, which may give less
inline constexpr std::size_t port_pair_attempts =
    64;  // for a number free in TCP and UDP, IPv4 and IPv6
inline constexpr std::size_t lookups_running_max = 4;    // name lookups at a time, one thread each
inline constexpr std::size_t lookups_waiting_max = 256;  // beyond it a lookup is refused
inline constexpr auto lookup_timeout = 10s;

inline constexpr auto accept_pause_said_every = 10s;  // log lines about that, at most
inline constexpr auto file_watch_settle =
    1s;  // quiet after a change of a watched file: a certificate and its key come one by one
inline constexpr auto file_watch_look =
    60s;  // between looks at watched files, for file systems that tell nothing
inline constexpr std::size_t file_watch_links_max = 40;  // symbolic links followed, as the kernel

// --- The store (src/store)
inline constexpr auto relaxed_commit_max =
    1s;  // durability "relaxed": what is acknowledged is on disk this much later
inline constexpr std::size_t relaxed_commit_changes =
    10'000;                                       // the same: so many changes do not wait longer
inline constexpr auto store_retry_interval = 1s;  // after a commit that failed
inline constexpr std::size_t store_backlog_bytes_max =
    64U << 20U;  // of changes not on disk yet while the store fails; then publishers before MQTT 5,
                 // who cannot be told, are disconnected
inline constexpr std::size_t store_free_bytes_min =
    4U << 20U;  // of the file system; below it the store counts as full
inline constexpr auto store_look_interval = 30s;  // between looks for what has expired
inline constexpr std::size_t store_slice_rows =
    1'000;  // rows of erased sessions and expired messages deleted per commit
inline constexpr std::size_t store_import_bytes_max = 4ULL << 30U;  // of another broker's database

// --- WebSocket and PROXY protocol (src/websocket)
inline constexpr std::size_t http_head_max =
    16U << 10U;  // bytes of an upgrade request; cookies are long
inline constexpr std::uint64_t websocket_message_max =
    packet_size_max;  // bytes of one message, which is streamed, never kept

// --- The doors of a node (src/node)
inline constexpr std::size_t rate_held_bytes_max =
    64U << 10U;  // of packets that wait for a client's message rate; then nothing more is read
inline constexpr auto memory_look_interval = 1s;  // between looks at the heap, with a memory limit
inline constexpr auto refusal_log_interval =
    10s;  // refused connections are said at most this often,
          // per reason, and counted between

// --- TLS (src/tls)
inline constexpr std::size_t tls_record_max =
    16U << 10U;  // bytes of plaintext in one record [RFC 8446 5.1]
inline constexpr std::size_t link_handshake_message_max =
    16U << 10U;  // bytes; a link certificate has some 300
inline constexpr std::size_t session_ticket_max =
    16U << 10U;  // bytes of resumption data taken back from a caller

// --- Who comes in (src/auth)
inline constexpr std::size_t password_users_max = 100'000;  // users of one password file
inline constexpr std::uint32_t password_iterations_max =
    1'000'000;  // of PBKDF2: about a second of a worker; entries above are left out
inline constexpr std::size_t password_salt_max = 1'024;  // bytes of one hash's salt
inline constexpr std::uint32_t argon2_memory_kib_max =
    262'144;  // taken at once by each of the logins_checked_max checks under way
inline constexpr std::uint64_t argon2_work_max =
    1'048'576;  // KiB times passes: about a second of a worker
inline constexpr std::uint32_t argon2_lanes_max = 64;
inline constexpr std::size_t logins_checked_max = 2;      // slow hashes at a time: memory and cores
inline constexpr std::size_t logins_waiting_max = 1'024;  // clients waiting for one; then: busy
inline constexpr std::size_t logins_waiting_per_origin_max = 512;  // of one address
inline constexpr std::size_t logins_waiting_bytes_max =
    8U << 20U;  // of their names and passwords, 64 KiB each at worst
inline constexpr std::size_t credentials_cached_max = 10'000;  // credentials found good
inline constexpr auto credentials_cached_for = 10min;
inline constexpr std::size_t login_origins_max = 16'384;  // addresses whose failures are remembered
inline constexpr std::size_t scram_name_max = 1'024;      // bytes of a user name, still escaped
inline constexpr std::size_t scram_nonce_max = 256;       // bytes of a client's nonce
inline constexpr std::size_t psk_key_max = 256;           // bytes, as Mosquitto
inline constexpr std::size_t psk_identity_max = 128;  // bytes: what GnuTLS takes [RFC 4279 §5.3]
inline constexpr std::size_t tls_handshake_message_max =
    32U << 10U;  // bytes from an MQTT client; a chain of four large RSA certificates has 8 KiB
inline constexpr std::size_t tls_file_max =
    4U << 20U;  // bytes of one PEM file; Debian's bundle of all CAs has 220 KiB
inline constexpr std::size_t tls_directory_files_max = 2'000;  // files looked at in a CA directory
inline constexpr std::size_t tls_chain_max = 8;  // certificates from a client's to its root
inline constexpr unsigned tls_key_bits_max =
    8'192;  // of the keys in a client's chain: larger ones only cost time
inline constexpr std::size_t tls_cipher_list_max = 8'192;  // bytes of a list of cipher names
inline constexpr auto tls_ticket_lifetime = 6h;  // a session is resumed no later; also the time
                                                 // after which the key of tickets rotates

// --- Files and configuration
inline constexpr std::size_t config_file_max = 4U << 20U;  // bytes
inline constexpr std::size_t config_files_max = 1'024;     // in one folder of configuration
inline constexpr std::size_t config_troubles_max = 100;    // told in one run; then only "and more"
inline constexpr std::size_t listeners_max = 1'024;        // a number of 16 bits names each
inline constexpr std::size_t meshes_configured_max = 256;  // each costs keys, links, announcements
inline constexpr std::size_t shares_configured_max = 10'000;  // share rules of one mesh
inline constexpr std::size_t state_file_max = 16U
                                              << 20U;  // bytes of one small document of src/store

}  // namespace starling::limits
