// The process that asks a router one question and prints the answer: `starlingd --ask-router map
// upnp 21883 21883 3600`. It has no keys, little memory and little time, since it reads what
// whoever claims to be a router sends, with parsers that bound nothing by themselves.
#pragma once

#include <string>
#include <vector>

namespace starling {

/// The first word of its command line; not meant for people.
constexpr const char* ask_router_word = "--ask-router";

/// Runs it with the words behind `ask_router_word`. Returns the process's exit status.
int ask_router(const std::vector<std::string>& words);

}  // namespace starling
