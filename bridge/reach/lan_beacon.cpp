// Beacons as octets, and their tags.
#include "bridge/reach/lan_beacon.hpp"

#include <algorithm>

#include "starling/check.hpp"

#include "bridge/wire/frame_packer.hpp"
#include "bridge/wire/msgpack_reader.hpp"

namespace starling {
namespace {

constexpr std::uint64_t version = 1;
constexpr std::string_view tag_label = "starling lan beacon/1";

}  // namespace

Endpoint lan_group_v4() {
  return Endpoint::v4({239, 83, 84, 76}, lan_beacon_port);
}

Endpoint lan_group_v6() {
  Endpoint group;  // ff02::5354:4c41
  group.address = {0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53, 0x54, 0x4C, 0x41};
  group.port = lan_beacon_port;
  return group;
}

bool is_lan_address(const Endpoint& address) {
  if (!address.is_private()) return false;
  if (!address.is_v4()) return (address.address[0] & 0xFEU) == 0xFC;
  return address.address[12] != 100;
}

std::uint64_t lan_hour(UnixSeconds now) {
  return static_cast<std::uint64_t>(std::max<UnixSeconds>(now, 0)) / 3600;
}

LanTag lan_tag(const crypto::Key& member_key, const LanBeacon& beacon, std::uint64_t hour) {
  Bytes said;
  ByteWriter writer(said);
  writer.write_bytes(as_bytes(tag_label));
  writer.write_bytes(beacon.node.view());
  writer.write_u16(beacon.port);
  writer.write_u64(beacon.instance);
  writer.write_u64(hour);
  const crypto::Digest digest = crypto::hmac_sha256(member_key, said);
  LanTag tag;
  std::copy_n(digest.begin(), tag.size(), tag.begin());
  return tag;
}

Bytes write_lan_beacon(const LanBeacon& beacon) {
  STARLING_CHECK(beacon.tags.size() <= lan_tags_max && beacon.port != 0);
  Bytes bytes;
  wire::Packer packer(bytes);
  packer.array(5).number(version).binary(beacon.node.view()).number(beacon.port);
  packer.array(beacon.tags.size());
  for (const LanTag& tag : beacon.tags) packer.binary(tag);
  packer.number(beacon.instance);
  STARLING_CHECK(bytes.size() <= lan_beacon_bytes_max);
  return bytes;
}

Result<LanBeacon> read_lan_beacon(ByteView bytes) {
  if (bytes.size() > lan_beacon_bytes_max) return Error{Errc::too_large, "a beacon above 1 KiB"};
  wire::MsgpackReader reader(bytes);
  reader.enter_array(64);
  if (reader.read_uint() != version && reader.ok())
    return Error{Errc::unsupported, "a beacon of another version"};
  LanBeacon beacon;
  beacon.node.bytes = reader.read_array_of_bytes<32>();
  beacon.port = static_cast<std::uint16_t>(reader.read_uint(UINT16_MAX));
  const std::size_t tags = reader.enter_array(lan_tags_max, sizeof(LanTag));
  for (std::size_t i = 0; i < tags && reader.ok(); ++i)
    beacon.tags.push_back(reader.read_array_of_bytes<sizeof(LanTag)>());
  reader.leave_array();
  beacon.instance = reader.read_uint();
  reader.leave_array();
  if (reader.ok() && beacon.port == 0) reader.fail(Errc::malformed, "a beacon with port 0");
  if (reader.ok() && reader.remaining() > 0)
    reader.fail(Errc::malformed, "something behind the beacon");
  if (!reader.ok()) return reader.error();
  return beacon;
}

}  // namespace starling
