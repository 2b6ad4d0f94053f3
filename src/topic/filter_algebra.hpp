// What filters have to do with each other as sets of names: covering and intersection. Exact, the
// rule about '$' names [MQTT-4.7.2-1] and '#' matching its parent (4.7.1.2) included.
#pragma once

#include <optional>
#include <vector>

#include "starling/topic.hpp"

namespace starling {

/// Does `a` match every name that `b` matches? "+/#" and "#" cover each other: no name has no
/// level.
[[nodiscard]] bool covers(const TopicFilter& a, const TopicFilter& b);

/// The filter that matches exactly the names both match: `+/t` and `home/#` give `home/t`; nullopt
/// when there is no such name. (Of two filters the intersection is always one filter.)
[[nodiscard]] std::optional<TopicFilter> intersect(const TopicFilter& a, const TopicFilter& b);

/// `filters` without those that another one covers, and without repetitions; the order stays. The
/// cost is quadratic: for lists of hundreds, not of thousands.
[[nodiscard]] std::vector<TopicFilter> without_covered(const std::vector<TopicFilter>& filters);

/// All that some filter of `a` and some filter of `b` both match, without_covered().
[[nodiscard]] std::vector<TopicFilter> intersect(const std::vector<TopicFilter>& a,
                                                 const std::vector<TopicFilter>& b);

}  // namespace starling
