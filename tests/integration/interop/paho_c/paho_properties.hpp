// User properties between the line protocol ("key=value") and Paho's lists of properties.
#pragma once

#include <MQTTProperties.h>
#include <string>

namespace interop {

/// `list` then owns the property; MQTTProperties_free gives it back.
inline void add_user_property(MQTTProperties& list, const std::string& pair) {
  const std::size_t at = pair.find('=');
  std::string key = pair.substr(0, at);
  std::string value = pair.substr(at + 1);
  MQTTProperty property{};
  property.identifier = MQTTPROPERTY_CODE_USER_PROPERTY;
  property.value.data = {static_cast<int>(key.size()), key.data()};
  property.value.value = {static_cast<int>(value.size()), value.data()};
  MQTTProperties_add(&list, &property);
}

/// The first user property as "key=value", or nothing.
inline std::string user_property(MQTTProperties& list) {
  const MQTTProperty* found = MQTTProperties_getProperty(&list, MQTTPROPERTY_CODE_USER_PROPERTY);
  if (found == nullptr) return {};
  return std::string(found->value.data.data, static_cast<std::size_t>(found->value.data.len)) + "="
         + std::string(found->value.value.data, static_cast<std::size_t>(found->value.value.len));
}

inline void add_session_expiry(MQTTProperties& list, long long seconds) {
  MQTTProperty property{};
  property.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL;
  property.value.integer4 = static_cast<unsigned int>(seconds);
  MQTTProperties_add(&list, &property);
}

}  // namespace interop
