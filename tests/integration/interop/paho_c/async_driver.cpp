// Eclipse Paho C, the asynchronous interface (MQTTAsync), behind the line protocol of drivers.py.
// Every answer comes by a callback; nothing waits.
#include <MQTTAsync.h>
#include <cstdlib>

#include "driver.hpp"
#include "paho_properties.hpp"

namespace {

int on_message(void*, char* topic, int topic_size, MQTTAsync_message* message) {
  const std::string name = topic_size > 0 ? std::string(topic, static_cast<std::size_t>(topic_size))
                                          : std::string(topic);
  interop::say_message(name, message->qos, message->retained,
                       std::string(static_cast<const char*>(message->payload),
                                   static_cast<std::size_t>(message->payloadlen)),
                       interop::user_property(message->properties));
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}

void on_lost(void*, char*) {
  interop::say("lost");
}

void on_connected(void*, MQTTAsync_successData* data) {
  interop::say("connected " + std::to_string(data->alt.connect.sessionPresent));
}
void on_connected5(void*, MQTTAsync_successData5* data) {
  interop::say("connected " + std::to_string(data->alt.connect.sessionPresent));
}
void on_refused(void*, MQTTAsync_failureData* data) {
  interop::say("refused " + std::to_string(data->code));
}
void on_refused5(void*, MQTTAsync_failureData5* data) {
  interop::say("refused " + std::to_string(data->reasonCode != 0 ? data->reasonCode : data->code));
}
void on_subscribed(void*, MQTTAsync_successData* data) {
  interop::say("subscribed " + std::to_string(data->alt.qos));
}
void on_subscribed5(void*, MQTTAsync_successData5* data) {
  interop::say("subscribed " + std::to_string(data->reasonCode));
}
void on_unsubscribed(void*, MQTTAsync_failureData*) {
  interop::say("subscribed 128");
}
void on_unsubscribed5(void*, MQTTAsync_failureData5* data) {
  interop::say("subscribed " + std::to_string(data->reasonCode));
}
void on_published(void*, MQTTAsync_successData*) {
  interop::say("published");
}
void on_published5(void*, MQTTAsync_successData5*) {
  interop::say("published");
}
void on_unpublished(void*, MQTTAsync_failureData* data) {
  interop::say("unpublished " + std::to_string(data->code));
}
void on_unpublished5(void*, MQTTAsync_failureData5* data) {
  interop::say("unpublished " + std::to_string(data->reasonCode));
}
void on_ended(void*, MQTTAsync_successData*) {
  interop::say("ended");
}
void on_ended5(void*, MQTTAsync_successData5*) {
  interop::say("ended");
}

class Client {
 public:
  explicit Client(const interop::Options& options)
      : options_(options), version_(options.small("version")) {
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    create.MQTTVersion = version_;
    MQTTAsync_createWithOptions(&client_, options.uri().c_str(), options.text("id"),
                                MQTTCLIENT_PERSISTENCE_NONE, nullptr, &create);
    MQTTAsync_setCallbacks(client_, nullptr, on_lost, on_message, nullptr);
  }

  void connect() {
    MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer;
    const MQTTAsync_connectOptions connect5 = MQTTAsync_connectOptions_initializer5;
    if (version_ == 5) connect = connect5;
    connect.MQTTVersion = version_;
    connect.keepAliveInterval = 60;
    connect.connectTimeout = 60;
    (version_ == 5 ? connect.cleanstart : connect.cleansession) = options_.small("clean", 1);
    connect.username = options_.text("user");
    connect.password = options_.text("password");
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    tls.trustStore = options_.text("ca");
    tls.keyStore = options_.text("cert");
    tls.privateKey = options_.text("key");
    tls.verify = 1;
    if (options_.has("ca")) connect.ssl = &tls;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    will.topicName = options_.text("will-topic");
    will.message = options_.text("will-payload");
    will.qos = options_.small("will-qos");
    will.retained = options_.small("will-retain");
    if (will.topicName != nullptr) connect.will = &will;
    MQTTProperties properties = MQTTProperties_initializer;
    if (version_ == 5) {
      if (options_.has("expiry"))
        interop::add_session_expiry(properties, options_.number("expiry"));
      connect.connectProperties = &properties;
      connect.onSuccess5 = on_connected5;
      connect.onFailure5 = on_refused5;
    } else {
      connect.onSuccess = on_connected;
      connect.onFailure = on_refused;
    }
    if (const int code = MQTTAsync_connect(client_, &connect); code != 0)
      interop::say("refused " + std::to_string(code));
    MQTTProperties_free(&properties);
  }

  void act(const std::string& verb, const std::vector<std::string>& words) {
    if (verb == "subscribe") {
      auto response = response_to(on_subscribed, on_subscribed5, on_unsubscribed, on_unsubscribed5);
      MQTTAsync_subscribe(client_, interop::unhex(words[0]).c_str(), std::stoi(words[1]),
                          &response);
    } else if (verb == "publish") {
      publish(words);
    } else if (verb == "disconnect") {
      MQTTAsync_disconnectOptions end = MQTTAsync_disconnectOptions_initializer;
      const MQTTAsync_disconnectOptions end5 = MQTTAsync_disconnectOptions_initializer5;
      if (version_ == 5) {
        end = end5;
        end.onSuccess5 = on_ended5;
      } else {
        end.onSuccess = on_ended;
      }
      end.timeout = 10'000;
      MQTTAsync_disconnect(client_, &end);
    }
  }

 private:
  MQTTAsync_responseOptions response_to(MQTTAsync_onSuccess* done, MQTTAsync_onSuccess5* done5,
                                        MQTTAsync_onFailure* failed,
                                        MQTTAsync_onFailure5* failed5) const {
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    if (version_ == 5) {
      response.onSuccess5 = done5;
      response.onFailure5 = failed5;
    } else {
      response.onSuccess = done;
      response.onFailure = failed;
    }
    return response;
  }

  void publish(const std::vector<std::string>& words) {
    std::string payload = interop::unhex(words[3]);
    MQTTAsync_message message = MQTTAsync_message_initializer;
    message.payload = payload.data();
    message.payloadlen = static_cast<int>(payload.size());
    message.qos = std::stoi(words[1]);
    message.retained = std::stoi(words[2]);
    if (words[4] != "-") interop::add_user_property(message.properties, interop::unhex(words[4]));
    auto response = response_to(on_published, on_published5, on_unpublished, on_unpublished5);
    const int code =
        MQTTAsync_sendMessage(client_, interop::unhex(words[0]).c_str(), &message, &response);
    if (code != 0) interop::say("unpublished " + std::to_string(code));
    MQTTProperties_free(&message.properties);
  }

  const interop::Options& options_;
  int version_;
  MQTTAsync client_ = nullptr;
};

}  // namespace

int main(int count, char** words) {
  const interop::Options options(count, words);
  Client client(options);
  client.connect();
  interop::obey([&](const std::string& verb, const std::vector<std::string>& rest) {
    client.act(verb, rest);
  });
  std::quick_exit(0);  // the library's threads may still be at work
}
