// The loads without messages: many connections that idle, and TLS handshakes one after the other.
#pragma once

#include "src/bench/report.hpp"
#include "src/bench/stage.hpp"

namespace starling::bench {

/// Connects --clients clients, --connecting at a time or --rate a second, and holds them for --hold
/// seconds; tells how fast that went and what memory each costs the broker.
void run_connections(Stage& stage, Report& report);

/// --clients clients connect, shake hands, get their CONNACK and leave, again and again. One such
/// round counts as one handshake: only the CONNACK shows that the broker has let somebody in.
void run_tls_handshakes(Stage& stage, Report& report);

}  // namespace starling::bench
