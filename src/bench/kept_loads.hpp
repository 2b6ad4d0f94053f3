// The loads about what brokers keep: retained messages for who comes later, and queues of sessions
// that are away.
#pragma once

#include "src/bench/report.hpp"
#include "src/bench/stage.hpp"

namespace starling::bench {

/// Publishes --messages retained messages on as many topics, has a new subscriber ask for all of them
/// with one filter, and erases them again.
void run_retained(Stage& stage, Report& report);

/// --clients sessions subscribe and go away, --publishers publishers send --messages messages for each,
/// and the sessions come back. They are ended afterwards.
void run_offline_drain(Stage& stage, Report& report);

}  // namespace starling::bench
