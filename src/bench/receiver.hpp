// Receiver: a client that takes messages, acknowledges them, and hands topic and payload on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/bench/client.hpp"

namespace starling::bench {

class Receiver : public Client {
 public:
  struct Message {
    std::string_view topic;
    ByteView payload;
    bool retain = false;
  };
  class Listener {
   public:
    /// One message. At QoS 2 each comes here once, however often it was sent.
    virtual void on_message(Receiver& receiver, const Message& message) = 0;

   protected:
    ~Listener() = default;
  };

  /// `number`: who it is to the listener.
  Receiver(Stage& stage, const Target& target, const std::string& id, std::uint32_t number,
           Listener& listener);

  [[nodiscard]] std::uint32_t number() const { return number_; }

 private:
  void on_publish(const mqtt::Frame& frame) override;
  void on_ack(const mqtt::Frame& frame) override;
  /// Answers at QoS 1 and 2; false: this one was here before (QoS 2).
  bool acknowledge(unsigned qos, const std::uint8_t* packet_id);

  std::uint32_t number_;
  Listener& listener_;
  std::vector<bool> unreleased_;  // QoS 2 packet ids between PUBLISH and PUBREL
};

}  // namespace starling::bench
