// How records become text. Whatever a stranger sent is made harmless here: no line can be forged,
// no terminal told what to do, no line grow beyond its bound.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "starling/port/log.hpp"

namespace starling {

/// Appends `text`. Control characters (C0, DEL, C1), line and paragraph separators, characters that
/// change the direction of writing, and bytes that are no UTF-8 become "\xNN" per byte; what is
/// longer than limits::log_value_bytes_max ends in "...". The rest stays as it is, backslashes too.
void append_printable(std::string& line, std::string_view text);

/// The value of a logfmt field: as it is where that has one meaning; else in quotes, where '"' and
/// '\' have a backslash before them and the rest is as append_printable() writes it.
void append_logfmt_value(std::string& line, std::string_view value);

/// One record as a line of text: "client connected client=tst addr=127.0.0.1:5". Underscores of the
/// event become spaces.
std::string format_log_line(std::string_view event, std::initializer_list<LogField> fields);

}  // namespace starling
