// An MQTT 3.1.1 subscriber as small devices have it: one buffer of 4 KB, QoS 1, nothing queued. What carries its bytes
// is given to it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>

namespace small {

/// Bytes over TLS. Both throw when the connection ends.
struct Wire {
  std::function<std::size_t(std::uint8_t* to, std::size_t size)> read;    // 1..size bytes
  std::function<void(const std::uint8_t* from, std::size_t size)> write;  // all of them
};

/// Headers of the TLS records that come in; they must not be larger than was asked for [RFC 6066 §4].
class RecordWatch {
 public:
  void see(const unsigned char* bytes, std::size_t size) {
    for (; size > 0; ++bytes, --size) {
      if (to_skip_ > 0) {
        --to_skip_;
        continue;
      }
      header_[have_++] = *bytes;
      if (have_ < header_.size()) continue;
      have_ = 0;
      to_skip_ = std::size_t{header_[3]} << 8U | header_[4];
      std::size_t& largest = header_[0] == 22 ? handshake_ : others_;
      if (to_skip_ > largest) largest = to_skip_;
    }
  }
  void report() const { std::printf("records handshake=%zu others=%zu\n", handshake_, others_); }

 private:
  std::array<std::uint8_t, 5> header_{};
  std::size_t have_ = 0;
  std::size_t to_skip_ = 0;
  std::size_t handshake_ = 0;  // bytes behind the header, the largest
  std::size_t others_ = 0;
};

class Subscriber {
 public:
  explicit Subscriber(Wire wire) : wire_(std::move(wire)) {}

  /// Connects, subscribes and takes `count` messages. Prints what happens, a line each.
  void run(const std::string& client_id, const std::string& topic, std::size_t count) {
    std::string connect("\x00\x04MQTT\x04\x02\x00\x3C", 10);
    append_text(connect, client_id);
    send(0x10, connect);
    expect(0x20);
    if (buffer_[1] != 0) throw std::runtime_error("refused with " + std::to_string(buffer_[1]));
    std::string subscribe("\x00\x01", 2);
    append_text(subscribe, topic);
    subscribe += '\x01';
    send(0x82, subscribe);
    expect(0x90);
    say("subscribed");
    std::size_t received = 0;
    std::size_t bytes = 0;
    while (received < count) {
      const std::uint8_t type = read_packet();
      if ((type & 0xF0U) != 0x30U) throw std::runtime_error("not a PUBLISH");
      const std::size_t topic_size = std::size_t{buffer_[0]} << 8U | buffer_[1];
      std::size_t at = 2 + topic_size;
      if ((type & 0x06U) != 0) {
        send(0x40, std::string(reinterpret_cast<const char*>(&buffer_[at]), 2));
        at += 2;
      }
      // Each carries its number, and is filled with its last byte.
      const std::string number = std::to_string(received);
      if (size_ < at + number.size()
          || std::memcmp(&buffer_[at], number.data(), number.size()) != 0)
        throw std::runtime_error("message " + number + " is missing or out of order");
      bytes += size_ - at;
      ++received;
    }
    std::printf("received %zu messages of %zu bytes\n", received, bytes);
    send(0xE0, "");
  }

 private:
  static void say(const char* what) {
    std::puts(what);
    std::fflush(stdout);
  }
  static void append_text(std::string& to, const std::string& text) {
    to += static_cast<char>(text.size() >> 8U);
    to += static_cast<char>(text.size() & 0xFFU);
    to += text;
  }
  void send(int type, const std::string& body) {
    std::string packet(1, static_cast<char>(type));
    packet += static_cast<char>(body.size());  // all we send is short
    packet += body;
    wire_.write(reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size());
  }
  void read_exactly(std::uint8_t* to, std::size_t size) {
    while (size > 0) {
      const std::size_t got = wire_.read(to, size);
      to += got;
      size -= got;
    }
  }
  std::uint8_t read_packet() {
    std::uint8_t type = 0;
    read_exactly(&type, 1);
    size_ = 0;
    for (unsigned shift = 0;; shift += 7) {
      std::uint8_t digit = 0;
      read_exactly(&digit, 1);
      size_ |= std::size_t{digit & 0x7FU} << shift;
      if ((digit & 0x80U) == 0) break;
    }
    if (size_ > buffer_.size()) throw std::runtime_error("a packet larger than the buffer");
    read_exactly(buffer_.data(), size_);
    return type;
  }
  void expect(std::uint8_t type) {
    if (read_packet() != type) throw std::runtime_error("an unexpected packet");
  }

  Wire wire_;
  std::array<std::uint8_t, 4096> buffer_{};
  std::size_t size_ = 0;
};

/// "--port 8883 --mfl 512 ...": the words behind the names.
class Options {
 public:
  Options(int argc, char** argv) : argc_(argc), argv_(argv) {}
  [[nodiscard]] const char* text(const char* name, const char* fallback = "") const {
    for (int i = 1; i + 1 < argc_; i += 2) {
      if (std::strcmp(argv_[i], name) == 0) return argv_[i + 1];
    }
    return fallback;
  }
  [[nodiscard]] std::size_t number(const char* name) const {
    return std::strtoul(text(name, "0"), nullptr, 10);
  }

 private:
  int argc_;
  char** argv_;
};

}  // namespace small
