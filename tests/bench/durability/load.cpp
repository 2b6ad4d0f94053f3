// Publishers that wait for what they are owed: the load behind durability/measure.py. One thread, epoll, MQTT 3.1.1.
//
//   bench_durability_load port=<n> clients=<n> window=<n> size=<bytes> qos=<0|1> seconds=<n> [echo=1]
//
// Each client keeps `window` messages under way on a topic of its own: at QoS 1 until they are acknowledged; with echo=1
// (the way to measure QoS 0 without a message being dropped) until a subscriber of its own has received them. Prints
// one line of key=value: messages done, seconds, messages a second, and how long one was under way in microseconds.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint8_t connack = 2;
constexpr std::uint8_t publish = 3;
constexpr std::uint8_t puback = 4;
constexpr std::uint8_t suback = 9;
constexpr std::size_t read_size = 65'536;            // bytes
constexpr auto patience = std::chrono::seconds(60);  // for the last messages under way

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(what);
}

struct Options {
  std::map<std::string, long> values{{"port", 1883}, {"clients", 100}, {"window", 50}, {"size", 64},
                                     {"qos", 1},     {"seconds", 10},  {"echo", 0}};
  Options(int count, char** words) {
    for (int i = 1; i < count; ++i) {
      const std::string word = words[i];
      const std::size_t at = word.find('=');
      if (at == std::string::npos || values.count(word.substr(0, at)) == 0)
        give_up("there is no option " + word);
      values[word.substr(0, at)] = std::stol(word.substr(at + 1));
    }
    if (at("window") < 1 || at("window") > 60'000) give_up("window= must be 1 to 60000");
    if (at("qos") == 0 && at("echo") == 0) give_up("qos=0 needs echo=1: nobody acknowledges");
  }
  [[nodiscard]] long at(const std::string& name) const { return values.at(name); }
};

std::string text(const std::string& value) {
  return std::string{static_cast<char>(value.size() >> 8U), static_cast<char>(value.size())}
         + value;
}

std::string packet(std::uint8_t first, const std::string& body) {
  std::string out(1, static_cast<char>(first));
  std::size_t left = body.size();
  do {
    const auto digit = static_cast<std::uint8_t>(left % 128);
    left /= 128;
    out += static_cast<char>(left > 0 ? digit | 0x80U : digit);
  } while (left > 0);
  return out + body;
}

/// A connection that collects what is to be written, and cuts what comes into packets.
class Connection {
 public:
  explicit Connection(long port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0)
      give_up(std::string("no connection to the broker: ") + std::strerror(errno));
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int descriptor() const { return socket_; }
  void add(const std::string& bytes) { out_ += bytes; }
  [[nodiscard]] bool has_more_to_write() const { return written_ < out_.size(); }

  void write() {
    while (has_more_to_write()) {
      const ssize_t size = ::send(socket_, out_.data() + written_, out_.size() - written_,
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (size < 0) give_up(std::string("the broker has closed: ") + std::strerror(errno));
      written_ += static_cast<std::size_t>(size);
    }
    out_.clear();
    written_ = 0;
  }

  /// Calls `on_packet(first byte, body)` for each packet that is complete; reads once.
  template <typename OnPacket>
  void read(OnPacket on_packet, int flags = MSG_DONTWAIT) {
    std::array<char, read_size> part;  // NOLINT: filled before it is read
    const ssize_t size = ::recv(socket_, part.data(), part.size(), flags);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) give_up("the broker has closed the connection");
    in_.append(part.data(), static_cast<std::size_t>(size));
    std::size_t at = 0;
    while (cut(at, on_packet)) {
    }
    in_.erase(0, at);
  }

  /// Writes everything, and waits for a packet of `kind` that ends with a byte below 128: accepted.
  void ask(const std::string& request, std::uint8_t kind) {
    add(request);
    write();
    bool came = false;
    while (!came) {
      read(
          [&](std::uint8_t first, const char* body, std::size_t size) {
            came = first >> 4U == kind && size > 0 && (body[size - 1] & 0x80) == 0;
            if (!came || (kind == connack && body[1] != 0)) give_up("the broker has refused us");
          },
          0);
    }
  }

 private:
  template <typename OnPacket>
  bool cut(std::size_t& at, OnPacket& on_packet) {
    std::size_t size = 0;
    std::size_t next = at + 1;
    for (unsigned shift = 0;; shift += 7) {
      if (next >= in_.size()) return false;
      const auto digit = static_cast<std::uint8_t>(in_[next++]);
      size |= std::size_t{digit & 0x7FU} << shift;
      if ((digit & 0x80U) == 0) break;
    }
    if (in_.size() - next < size) return false;
    on_packet(static_cast<std::uint8_t>(in_[at]), in_.data() + next, size);
    at = next + size;
    return true;
  }

  int socket_;
  std::string out_;
  std::size_t written_ = 0;
  std::string in_;
};

/// One publisher, with its subscriber if messages are to come back.
class Client {
 public:
  Client(const Options& options, long number)
      : window_(static_cast<std::size_t>(options.at("window"))),
        qos_(options.at("qos")),
        publisher_(options.at("port")),
        topic_("bench/" + std::to_string(number)) {
    const std::string name = std::to_string(::getpid()) + "-" + std::to_string(number);
    publisher_.ask(hello("p" + name), connack);
    if (options.at("echo") != 0) {
      subscriber_ = std::make_unique<Connection>(options.at("port"));
      subscriber_->ask(hello("s" + name), connack);
      subscriber_->ask(packet(0x82, std::string("\0\1", 2) + text(topic_) + std::string(1, '\0')),
                       suback);
    }
    const std::string head = text(topic_) + (qos_ > 0 ? std::string(2, '\0') : std::string());
    const auto size = static_cast<std::size_t>(options.at("size"));
    message_ = packet(static_cast<std::uint8_t>(0x30 | qos_ << 1), head + std::string(size, 'x'));
    id_at_ = message_.size() - size - 2;
  }

  /// Publishes until the window is full.
  void fill(Clock::time_point now) {
    while (sent_at_.size() < window_) {
      if (qos_ > 0) {
        next_id_ = static_cast<std::uint16_t>(next_id_ % 65'535 + 1);
        message_[id_at_] = static_cast<char>(next_id_ >> 8U);
        message_[id_at_ + 1] = static_cast<char>(next_id_ & 0xFFU);
      }
      publisher_.add(message_);
      sent_at_.push_back(now);
    }
    publisher_.write();
  }

  /// Reads; for each message that is done, how long it took goes to `took`.
  void read(Connection& from, std::vector<std::uint32_t>& took) {
    const Clock::time_point now = Clock::now();
    const std::uint8_t done = subscriber_ ? publish : puback;
    from.read([&](std::uint8_t first, const char*, std::size_t) {
      if (first >> 4U != done)
        return;  // with echo=1 at QoS 1: the acknowledgement is not what is awaited
      if (sent_at_.empty()) give_up("more came back than was sent");
      const auto time =
          std::chrono::duration_cast<std::chrono::microseconds>(now - sent_at_.front());
      took.push_back(static_cast<std::uint32_t>(time.count()));
      sent_at_.pop_front();
    });
  }

  [[nodiscard]] bool is_done() const { return sent_at_.empty(); }
  [[nodiscard]] Connection& publisher() { return publisher_; }
  [[nodiscard]] Connection* subscriber() { return subscriber_.get(); }

 private:
  static std::string hello(const std::string& client_id) {
    return packet(0x10, text("MQTT") + std::string("\4\2\0\0", 4) + text(client_id));
  }

  std::size_t window_;
  long qos_;
  Connection publisher_;
  std::unique_ptr<Connection> subscriber_;
  std::string topic_;
  std::string message_;
  std::size_t id_at_ = 0;  // of the packet identifier in message_
  std::uint16_t next_id_ = 0;
  std::deque<Clock::time_point> sent_at_;  // brokers answer in order [MQTT-4.6.0-2]
};

/// All clients at one epoll.
class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (long i = 0; i < options.at("clients"); ++i) {
      clients_.push_back(std::make_unique<Client>(options, i));
      places_.push_back({clients_.back().get(), &clients_.back()->publisher()});
      if (Connection* subscriber = clients_.back()->subscriber())
        places_.push_back({clients_.back().get(), subscriber});
    }
    for (std::size_t i = 0; i < places_.size(); ++i) watch(EPOLL_CTL_ADD, i, EPOLLIN);
  }
  ~Load() { ::close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void run() {
    const Clock::time_point began = Clock::now();
    const Clock::time_point end = began + std::chrono::seconds(options_.at("seconds"));
    for (auto& client : clients_) client->fill(began);
    while (Clock::now() < end) turn(true);
    const std::size_t in_time = took_.size();
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    // What is owed must come; it does not count.
    const auto is_done = [](const auto& client) { return client->is_done(); };
    while (!std::all_of(clients_.begin(), clients_.end(), is_done)) {
      if (Clock::now() > end + patience) give_up("messages are under way for ever");
      turn(false);
    }
    std::sort(took_.begin(), took_.end());
    const auto at = [&](double part) {
      return took_.empty()
                 ? 0U
                 : took_[static_cast<std::size_t>(part * static_cast<double>(took_.size() - 1))];
    };
    double all = 0;
    for (const std::uint32_t one : took_) all += one;
    const double mean = took_.empty() ? 0 : all / static_cast<double>(took_.size());
    std::printf("done=%zu seconds=%.3f per_s=%.0f mean_us=%.1f p50_us=%u p99_us=%u max_us=%u\n",
                in_time, seconds, static_cast<double>(in_time) / seconds, mean, at(0.5), at(0.99),
                at(1));
  }

 private:
  struct Place {
    Client* client;
    Connection* connection;
    bool waits_to_write = false;
  };

  void watch(int how, std::size_t place, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = place;
    if (::epoll_ctl(epoll_, how, places_[place].connection->descriptor(), &event) != 0)
      give_up(std::string("epoll: ") + std::strerror(errno));
  }

  void turn(bool goes_on) {
    std::array<epoll_event, 256> events;  // NOLINT: filled before it is read
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      const std::size_t number = events[static_cast<std::size_t>(i)].data.u64;
      Place& place = places_[number];
      if ((events[static_cast<std::size_t>(i)].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        place.client->read(*place.connection, took_);
      if (goes_on) place.client->fill(Clock::now());
      place.client->publisher().write();
      keep_watching(number);
    }
    // A subscriber's news makes its publisher write, which may then have to wait.
    if (options_.at("echo") != 0)
      for (std::size_t number = 0; number < places_.size(); number += 2) keep_watching(number);
  }

  void keep_watching(std::size_t number) {
    Place& place = places_[number];
    const bool waits = place.connection->has_more_to_write();
    if (waits == place.waits_to_write) return;
    place.waits_to_write = waits;
    watch(EPOLL_CTL_MOD, number, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  const Options& options_;
  int epoll_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> took_;  // microseconds; 4 bytes a message, bounded by the run's length
};

}  // namespace

int main(int count, char** words) try {
  const Options options(count, words);
  Load(options).run();
  return 0;
} catch (const std::exception& trouble) {
  std::fprintf(stderr, "%s\n", trouble.what());
  return 1;
}
