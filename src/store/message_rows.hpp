// How a message stands in a row: the same columns in the tables message and will.
#pragma once

#include <memory>
#include <string>

#include "starling/publication.hpp"

#include "src/store/sqlite.hpp"
#include "src/store/store_clock.hpp"

namespace starling {

/// Binds topic, payload, qos, retain to four parameters from `first` on.
void bind_content(Statement& statement, int first, const Publication& message);
/// Binds payload_format, content_type, response_topic, correlation, user_properties. `scratch`
/// holds text until the statement has run.
void bind_properties(Statement& statement, int first, const MessageProperties* properties,
                     std::string& scratch);

/// Fills topic, payload, qos and retain from four columns. Throws SqliteError as for damage.
Publication read_content(const Statement& row, int first);
/// Null when all five columns are.
std::shared_ptr<const MessageProperties> read_properties(const Statement& row, int first);
/// Throws SqliteError as for damage when the number is none of QoS.
QoS read_qos(const Statement& row, int column);

/// The columns of table message that read_message() takes, in their order; `m` names the table.
inline constexpr const char* message_columns =
    "m.id, m.topic, m.payload, m.qos, m.retain, m.expires_at, m.payload_format, m.content_type,"
    " m.response_topic, m.correlation, m.user_properties, m.origin, m.epoch, m.sequence";
/// Throws SqliteError as for damage, also when there is no message (an outer join found none).
std::shared_ptr<Publication> read_message(const Statement& row, int first, const WallClock& clock);

}  // namespace starling
