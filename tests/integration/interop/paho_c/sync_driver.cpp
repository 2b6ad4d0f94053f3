// Eclipse Paho C, the synchronous interface (MQTTClient), behind the line protocol of drivers.py.
#include <MQTTClient.h>

#include "driver.hpp"
#include "paho_properties.hpp"

namespace {

constexpr unsigned long patience_ms = 60'000;

int on_message(void*, char* topic, int topic_size, MQTTClient_message* message) {
  // The library gives a length only for topics that hold a null character.
  const std::string name = topic_size > 0 ? std::string(topic, static_cast<std::size_t>(topic_size))
                                          : std::string(topic);
  interop::say_message(name, message->qos, message->retained,
                       std::string(static_cast<const char*>(message->payload),
                                   static_cast<std::size_t>(message->payloadlen)),
                       interop::user_property(message->properties));
  MQTTClient_freeMessage(&message);
  MQTTClient_free(topic);
  return 1;
}

void on_lost(void*, char*) {
  interop::say("lost");
}

class Client {
 public:
  explicit Client(const interop::Options& options)
      : options_(options), version_(options.small("version")) {
    MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
    create.MQTTVersion = version_;
    MQTTClient_createWithOptions(&client_, options.uri().c_str(), options.text("id"),
                                 MQTTCLIENT_PERSISTENCE_NONE, nullptr, &create);
    MQTTClient_setCallbacks(client_, nullptr, on_lost, on_message, nullptr);
  }

  bool connect() {
    MQTTClient_connectOptions connect = MQTTClient_connectOptions_initializer;
    const MQTTClient_connectOptions connect5 = MQTTClient_connectOptions_initializer5;
    if (version_ == 5) connect = connect5;
    connect.MQTTVersion = version_;
    connect.keepAliveInterval = 60;
    connect.connectTimeout = 60;
    (version_ == 5 ? connect.cleanstart : connect.cleansession) = options_.small("clean", 1);
    connect.username = options_.text("user");
    connect.password = options_.text("password");
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    tls.trustStore = options_.text("ca");
    tls.keyStore = options_.text("cert");
    tls.privateKey = options_.text("key");
    tls.verify = 1;
    if (options_.has("ca")) connect.ssl = &tls;
    MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
    will.topicName = options_.text("will-topic");
    will.message = options_.text("will-payload");
    will.qos = options_.small("will-qos");
    will.retained = options_.small("will-retain");
    if (will.topicName != nullptr) connect.will = &will;

    int code = 0;
    if (version_ == 5) {
      MQTTProperties properties = MQTTProperties_initializer;
      if (options_.has("expiry"))
        interop::add_session_expiry(properties, options_.number("expiry"));
      MQTTResponse response = MQTTClient_connect5(client_, &connect, &properties, nullptr);
      code = response.reasonCode;
      MQTTResponse_free(response);
      MQTTProperties_free(&properties);
    } else {
      code = MQTTClient_connect(client_, &connect);
    }
    // The synchronous interface tells it of 3.1.1 only.
    const std::string session_present =
        version_ == 4 ? std::to_string(connect.returned.sessionPresent) : "-";
    interop::say(code == 0 ? "connected " + session_present : "refused " + std::to_string(code));
    return code == 0;
  }

  void act(const std::string& verb, const std::vector<std::string>& words) {
    if (verb == "subscribe") {
      interop::say("subscribed "
                   + std::to_string(subscribe(interop::unhex(words[0]), std::stoi(words[1]))));
    } else if (verb == "publish") {
      publish(words);
    } else if (verb == "disconnect") {
      MQTTClient_disconnect(client_, static_cast<int>(patience_ms));
      MQTTClient_destroy(&client_);
      interop::say("ended");
    }
  }

 private:
  int subscribe(const std::string& filter, int qos) {
    if (version_ != 5) {
      int code = MQTTClient_subscribe(client_, filter.c_str(), qos);
      return code == MQTTCLIENT_SUCCESS ? qos : 128;
    }
    MQTTResponse response = MQTTClient_subscribe5(client_, filter.c_str(), qos, nullptr, nullptr);
    const int code = response.reasonCode;
    MQTTResponse_free(response);
    return code;
  }

  void publish(const std::vector<std::string>& words) {
    std::string payload = interop::unhex(words[3]);
    MQTTClient_message message = MQTTClient_message_initializer;
    message.payload = payload.data();
    message.payloadlen = static_cast<int>(payload.size());
    message.qos = std::stoi(words[1]);
    message.retained = std::stoi(words[2]);
    if (words[4] != "-") interop::add_user_property(message.properties, interop::unhex(words[4]));
    const std::string topic = interop::unhex(words[0]);
    MQTTClient_deliveryToken token = 0;
    int code = 0;
    if (version_ == 5) {
      MQTTResponse response = MQTTClient_publishMessage5(client_, topic.c_str(), &message, &token);
      code = response.reasonCode;
      MQTTResponse_free(response);
    } else {
      code = MQTTClient_publishMessage(client_, topic.c_str(), &message, &token);
    }
    MQTTProperties_free(&message.properties);
    if (code == 0) code = MQTTClient_waitForCompletion(client_, token, patience_ms);
    interop::say(code == 0 ? "published" : "unpublished " + std::to_string(code));
  }

  const interop::Options& options_;
  int version_;
  MQTTClient client_ = nullptr;
};

}  // namespace

int main(int count, char** words) {
  const interop::Options options(count, words);
  Client client(options);
  if (!client.connect()) return 1;
  interop::obey([&](const std::string& verb, const std::vector<std::string>& rest) {
    client.act(verb, rest);
  });
}
