#include "src/tls/subject_name.hpp"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "src/tls/gnutls_owned.hpp"

namespace starling {
namespace {

// ASN.1 tags of the kinds of strings [X.680 §8.6].
constexpr unsigned tag_utf8 = 12;
constexpr unsigned tag_numeric = 18;
constexpr unsigned tag_printable = 19;
constexpr unsigned tag_t61 = 20;
constexpr unsigned tag_ia5 = 22;
constexpr unsigned tag_visible = 26;
constexpr unsigned tag_universal = 28;
constexpr unsigned tag_bmp = 30;

/// OpenSSL's short names. What is missing here is rare, and written as a number.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> short_names = {{
    {"2.5.4.3", "CN"},
    {"2.5.4.4", "SN"},
    {"2.5.4.5", "serialNumber"},
    {"2.5.4.6", "C"},
    {"2.5.4.7", "L"},
    {"2.5.4.8", "ST"},
    {"2.5.4.9", "street"},
    {"2.5.4.10", "O"},
    {"2.5.4.11", "OU"},
    {"2.5.4.12", "title"},
    {"2.5.4.13", "description"},
    {"2.5.4.15", "businessCategory"},
    {"2.5.4.17", "postalCode"},
    {"2.5.4.41", "name"},
    {"2.5.4.42", "GN"},
    {"2.5.4.43", "initials"},
    {"2.5.4.44", "generationQualifier"},
    {"2.5.4.46", "dnQualifier"},
    {"2.5.4.65", "pseudonym"},
    {"1.2.840.113549.1.9.1", "emailAddress"},
    {"0.9.2342.19200300.100.1.1", "UID"},
    {"0.9.2342.19200300.100.1.25", "DC"},
}};

std::string_view short_name_of(std::string_view oid) {
  for (const auto& [number, name] : short_names) {
    if (number == oid) return name;
  }
  return {};
}

void append_utf8(std::string& to, std::uint32_t code) {
  const auto add = [&](std::uint32_t byte) { to += static_cast<char>(byte & 0xFFU); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0U | code >> 6U);
    add(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    add(0xE0U | code >> 12U);
    add(0x80U | (code >> 6U & 0x3FU));
    add(0x80U | (code & 0x3FU));
  } else {
    add(0xF0U | (code >> 18U & 0x07U));
    add(0x80U | (code >> 12U & 0x3FU));
    add(0x80U | (code >> 6U & 0x3FU));
    add(0x80U | (code & 0x3FU));
  }
}

/// The characters of a string of `tag` as UTF-8; false: it is no string, or broken.
bool to_utf8(unsigned tag, ByteView value, std::string& out) {
  std::size_t width = 1;  // bytes per character
  switch (tag) {
    case tag_utf8:
      out = as_text(value);
      return true;
    case tag_numeric:
    case tag_printable:
    case tag_t61:  // read as Latin-1, as everybody does
    case tag_ia5:
    case tag_visible:
      break;
    case tag_bmp:
      width = 2;
      break;
    case tag_universal:
      width = 4;
      break;
    default:
      return false;
  }
  if (value.size() % width != 0) return false;
  for (std::size_t at = 0; at < value.size(); at += width) {
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < width; ++i) code = code << 8U | value[at + i];
    if (code > 0x10FFFF) return false;
    append_utf8(out, code);
  }
  return true;
}

void append_hex(std::string& to, std::uint8_t byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  to += digits[byte >> 4U];
  to += digits[byte & 0x0FU];
}

void append_escaped(std::string& to, std::string_view value) {
  constexpr std::string_view always = ",+\"\\<>;";
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const auto byte = static_cast<std::uint8_t>(c);
    const bool first = i == 0;
    const bool last = i + 1 == value.size();
    if (byte < 0x20 || byte >= 0x7F) {
      to += '\\';
      append_hex(to, byte);
      continue;
    }
    const bool special = always.find(c) != std::string_view::npos || (first && c == '#')
                         || ((first || last) && c == ' ');
    if (special) to += '\\';
    to += c;
  }
}

/// "#" and the DER of a value whose kind is not known.
void append_dump(std::string& to, unsigned tag, ByteView value) {
  to += '#';
  append_hex(to, static_cast<std::uint8_t>(tag));
  if (value.size() >= 0x80) {
    // Names are bounded by the handshake message: two bytes of length suffice [X.690 §8.1.3.5].
    append_hex(to, value.size() > 0xFF ? 0x82 : 0x81);
    if (value.size() > 0xFF) append_hex(to, static_cast<std::uint8_t>(value.size() >> 8U));
  }
  append_hex(to, static_cast<std::uint8_t>(value.size() & 0xFFU));
  for (const std::uint8_t byte : value) append_hex(to, byte);
}

std::string_view oid_of(const gnutls_x509_ava_st& ava) {
  std::string_view oid = as_text({ava.oid.data, ava.oid.size});
  while (!oid.empty() && oid.back() == '\0') oid.remove_suffix(1);
  return oid;
}

void append_attribute(std::string& to, const gnutls_x509_ava_st& ava) {
  const std::string_view oid = oid_of(ava);
  const std::string_view name = short_name_of(oid);
  const auto tag = static_cast<unsigned>(ava.value_tag);
  const ByteView value{ava.value.data, ava.value.size};
  to += name.empty() ? oid : name;
  to += '=';
  std::string text;
  if (!name.empty() && to_utf8(tag, value, text)) {
    append_escaped(to, text);
  } else {
    append_dump(to, tag, value);
  }
}

}  // namespace

std::string subject_of(gnutls_x509_crt_t certificate) {
  gnutls_x509_dn_t dn = nullptr;  // lives in the certificate
  if (gnutls_x509_crt_get_subject(certificate, &dn) < 0) return {};
  std::vector<std::string> names;  // one per RDN
  gnutls_x509_ava_st ava{};
  for (int rdn = 0; gnutls_x509_dn_get_rdn_ava(dn, rdn, 0, &ava) >= 0; ++rdn) {
    std::string name;
    for (int i = 0; gnutls_x509_dn_get_rdn_ava(dn, rdn, i, &ava) >= 0; ++i) {
      std::string attribute;
      append_attribute(attribute, ava);
      name = i > 0 ? attribute + '+' + name : attribute;
    }
    names.push_back(std::move(name));
  }
  std::string subject;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!subject.empty()) subject += ',';
    subject += *name;
  }
  return subject;
}

std::string common_name_of(gnutls_x509_crt_t certificate) {
  gnutls_x509_dn_t dn = nullptr;
  if (gnutls_x509_crt_get_subject(certificate, &dn) < 0) return {};
  gnutls_x509_ava_st ava{};
  for (int rdn = 0; gnutls_x509_dn_get_rdn_ava(dn, rdn, 0, &ava) >= 0; ++rdn) {
    for (int i = 0; gnutls_x509_dn_get_rdn_ava(dn, rdn, i, &ava) >= 0; ++i) {
      if (oid_of(ava) != GNUTLS_OID_X520_COMMON_NAME) continue;
      std::string name;
      if (!to_utf8(static_cast<unsigned>(ava.value_tag), {ava.value.data, ava.value.size}, name))
        return {};
      return name.find('\0') == std::string::npos ? name : std::string{};
    }
  }
  return {};
}

}  // namespace starling
