#include "src/store/message_rows.hpp"

#include <algorithm>

#include "src/store/row_text.hpp"

namespace starling {
namespace {

void bind_optional_text(Statement& statement, int parameter,
                        const std::optional<std::string>& text) {
  if (text) {
    statement.bind_text(parameter, *text);
  } else {
    statement.bind_null(parameter);
  }
}

std::optional<std::string> optional_text(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return std::string(row.text(column));
}

}  // namespace

void bind_content(Statement& statement, int first, const Publication& message) {
  statement.bind_text(first, message.topic.text());
  statement.bind_blob(first + 1, message.payload);
  statement.bind(first + 2, static_cast<std::int64_t>(message.qos));
  statement.bind(first + 3, static_cast<std::int64_t>(message.retain));
}

void bind_properties(Statement& statement, int first, const MessageProperties* properties,
                     std::string& scratch) {
  if (properties == nullptr) {
    for (int parameter = first; parameter < first + 5; ++parameter) statement.bind_null(parameter);
    return;
  }
  if (properties->payload_format_indicator) {
    statement.bind(first, static_cast<std::int64_t>(*properties->payload_format_indicator));
  } else {
    statement.bind_null(first);
  }
  bind_optional_text(statement, first + 1, properties->content_type);
  bind_optional_text(statement, first + 2, properties->response_topic);
  if (properties->correlation_data) {
    statement.bind_blob(first + 3, *properties->correlation_data);
  } else {
    statement.bind_null(first + 3);
  }
  if (properties->user_properties.empty()) {
    statement.bind_null(first + 4);
  } else {
    scratch = write_user_properties(properties->user_properties);
    statement.bind_text(first + 4, scratch);
  }
}

QoS read_qos(const Statement& row, int column) {
  const std::int64_t value = row.integer(column);
  if (value < 0 || value > 2) throw_damaged_row("a row with QoS " + std::to_string(value));
  return static_cast<QoS>(value);
}

Publication read_content(const Statement& row, int first) {
  Result<TopicName> topic = TopicName::parse(row.text(first));
  if (!topic) throw_damaged_row("a message whose topic is none: " + topic.error().what);
  Publication message{.topic = *std::move(topic),
                      .payload = SharedBytes(row.blob(first + 1)),
                      .expires_at = {},
                      .properties = {},
                      .id = {}};
  message.qos = read_qos(row, first + 2);
  message.retain = row.integer(first + 3) != 0;
  return message;
}

std::shared_ptr<const MessageProperties> read_properties(const Statement& row, int first) {
  bool any = false;
  for (int column = first; column < first + 5; ++column) any |= !row.is_null(column);
  if (!any) return nullptr;
  auto properties = std::make_shared<MessageProperties>();
  if (!row.is_null(first))
    properties->payload_format_indicator = static_cast<std::uint8_t>(row.integer(first) != 0);
  properties->content_type = optional_text(row, first + 1);
  properties->response_topic = optional_text(row, first + 2);
  if (!row.is_null(first + 3)) {
    const ByteView data = row.blob(first + 3);
    properties->correlation_data = Bytes(data.begin(), data.end());
  }
  if (!row.is_null(first + 4)) {
    auto found = read_user_properties(row.text(first + 4));
    if (!found) throw_damaged_row("a message whose user properties are not the JSON we write");
    properties->user_properties = *std::move(found);
  }
  return properties;
}

std::shared_ptr<Publication> read_message(const Statement& row, int first, const WallClock& clock) {
  if (row.is_null(first)) throw_damaged_row("a row whose message is not there");
  auto message = std::make_shared<Publication>(read_content(row, first + 1));
  message->number = row.number(first);
  if (!row.is_null(first + 5)) message->expires_at = clock.to_instant(row.integer(first + 5));
  message->properties = read_properties(row, first + 6);
  if (!row.is_null(first + 11)) {
    const ByteView origin = row.blob(first + 11);
    if (origin.size() != message->id.origin.bytes.size())
      throw_damaged_row("a message whose origin is no node");
    std::copy(origin.begin(), origin.end(), message->id.origin.bytes.begin());
    message->id.epoch = row.number(first + 12);
    message->id.sequence = row.number(first + 13);
  }
  return message;
}

}  // namespace starling
