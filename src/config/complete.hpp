// What is done with settings once all their sources have been read.
#pragma once

#include <vector>

#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace starling::config {

/// Hands down what listeners inherit: with this call, who may come in by a listener stands in the
/// listener (and without per_listener what [auth] says is there too, unless the listener says
/// otherwise). Gives the bounds of queues that nobody has written. Reports what no single key shows: one address listened on twice, TLS without a
/// certificate. May be called again.
void complete(Settings& settings, std::vector<Diagnostic>& trouble);

/// The same settings as they were written: what a listener has only inherited (it has no origin of
/// its own) is taken from it again. For printing.
Settings without_inherited(Settings settings);

}  // namespace starling::config
