// Opening, accepting and leading frames to the streams of relayed links.
#include "bridge/reach/relay_channels.hpp"

#include <utility>
#include <vector>

namespace starling {
namespace {

constexpr std::size_t channels_max = 256;  // that end at this node

}  // namespace

/// Between one stream and the frames of its channel.
class RelayChannels::Carrier final : public ChannelCarrier {
 public:
  Carrier(Key key, std::shared_ptr<RelayChannels*> channels)
      : key_(key), channels_(std::move(channels)) {}
  ~Carrier() override {
    if (*channels_ != nullptr) (*channels_)->streams_.erase(key_);
  }
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  bool send_data(Bytes data) override {
    return *channels_ != nullptr
           && (*channels_)->sender_.send(key_.first, wire::RelayData{key_.second, std::move(data)});
  }
  void send_credit(std::uint64_t limit) override {
    if (*channels_ != nullptr)
      (*channels_)->sender_.send(key_.first, wire::RelayCredit{key_.second, limit});
  }
  void send_close(std::string why) override {
    if (*channels_ != nullptr)
      (*channels_)->sender_.send(key_.first, wire::RelayClose{key_.second, std::move(why)});
  }

 private:
  Key key_;
  std::shared_ptr<RelayChannels*> channels_;
};

RelayChannels::~RelayChannels() {
  *self_ = nullptr;
}

std::unique_ptr<ByteStream> RelayChannels::make(const Key& key, const Endpoint& relay) {
  auto stream = std::make_unique<RelayedStream>(std::make_unique<Carrier>(key, self_), Endpoint{},
                                                relay, scheduler_);
  streams_[key] = stream.get();
  return stream;
}

RelayedStream* RelayChannels::find(LinkId carrier, std::uint32_t channel) const {
  const auto found = streams_.find({carrier, channel});
  return found == streams_.end() ? nullptr : found->second;
}

std::unique_ptr<ByteStream> RelayChannels::open(LinkId carrier, bool we_dialled,
                                                const Endpoint& relay, const NodeId& to) {
  if (streams_.size() >= channels_max) return nullptr;
  std::uint32_t& next = next_.try_emplace(carrier, we_dialled ? 0U : 1U).first->second;
  const std::uint32_t channel = next;
  next += 2;
  auto stream = make({carrier, channel}, relay);
  if (sender_.send(carrier, wire::RelayOpen{channel, to, own_, RelayedStream::window}))
    return stream;
  return nullptr;
}

std::unique_ptr<ByteStream> RelayChannels::accept(LinkId carrier, bool we_dialled,
                                                  const Endpoint& relay,
                                                  const wire::RelayOpen& frame) {
  if ((frame.channel % 2 == 1) != we_dialled) {  // ours to give
    sender_.send(carrier,
                 wire::RelayClose{frame.channel, "a channel number that is not to be used"});
    return nullptr;
  }
  if (streams_.size() >= channels_max || find(carrier, frame.channel) != nullptr) {
    sender_.send(carrier, wire::RelayClose{frame.channel, "the other end has too many channels"});
    return nullptr;
  }
  auto stream = make({carrier, frame.channel}, relay);
  find(carrier, frame.channel)->on_credit(frame.window);
  sender_.send(carrier, wire::RelayOpened{frame.channel, RelayedStream::window});
  return stream;
}

RelayChannels::Outcome RelayChannels::on_opened(LinkId carrier, const wire::RelayOpened& frame) {
  RelayedStream* stream = find(carrier, frame.channel);
  return stream == nullptr ? Outcome{} : Outcome{true, stream->on_credit(frame.window)};
}

RelayChannels::Outcome RelayChannels::on_data(LinkId carrier, wire::RelayData&& frame) {
  RelayedStream* stream = find(carrier, frame.channel);
  return stream == nullptr ? Outcome{} : Outcome{true, stream->on_data(std::move(frame.data))};
}

RelayChannels::Outcome RelayChannels::on_credit(LinkId carrier, const wire::RelayCredit& frame) {
  RelayedStream* stream = find(carrier, frame.channel);
  return stream == nullptr ? Outcome{} : Outcome{true, stream->on_credit(frame.limit)};
}

RelayChannels::Outcome RelayChannels::on_close(LinkId carrier, const wire::RelayClose& frame) {
  RelayedStream* stream = find(carrier, frame.channel);
  if (stream == nullptr) return {};
  stream->on_ended(frame.why.empty() ? std::string{} : "the relay says: " + frame.why);
  return {true, true};
}

void RelayChannels::on_carrier_lost(LinkId carrier) {
  std::vector<RelayedStream*> lost;
  for (const auto& [key, stream] : streams_) {
    if (key.first == carrier) lost.push_back(stream);
  }
  for (RelayedStream* stream : lost) stream->on_ended("the link to the relay has ended");
  next_.erase(carrier);
}

}  // namespace starling
