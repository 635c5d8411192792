// SPDX-License-Identifier: Apache-2.0
// transport_claims.hpp - the cases of what a transport need not be able to do, and what all cases
// of transports share.
#pragma once

#include "sdk/testkit/transport_end.hpp"

namespace segue::testkit {

Status both_ways(Subject& s);
Status several_channels(Subject& s);
Status carries_descriptors(Subject& s);
Status refuses_too_many_descriptors(Subject& s);
Status seeks(Subject& s);
Status outlives_its_writer(Subject& s);
Status aborts(Subject& s);

inline bool has(Subject& s, std::uint64_t caps) {
    return (s.table<segue_transport>().caps & caps) == caps;
}
inline Status needs_streaming(Subject& s) {
    return has(s, SEGUE_TRANSPORT_STREAMING) ? Status() : does_not_apply("it is not 'streaming'");
}

// Of a transport that persists: written, sealed and released, then read to the end and used up.
Status rest(const Transport& outgoing, const Transport& incoming, std::span<const std::byte> bytes);

// Two instances and a channel between them, for `streaming(link)`; of one that does not stream,
// `resting(outgoing, incoming)`.
template <class Streaming, class Resting>
Status over_a_link(Subject& s, Streaming streaming, Resting resting) {
    SEGUE_ASSIGN(const Transport out, Transport::make(s));
    SEGUE_ASSIGN(const Transport in, Transport::make(s));
    if (!has(s, SEGUE_TRANSPORT_STREAMING))
        return resting(out, in);
    SEGUE_ASSIGN(const End listener, listen(in));
    SEGUE_ASSIGN(const Link l, link(out, in, listener));
    return streaming(l);
}
template <class Streaming>
Status over_a_link(Subject& s, Streaming streaming) {
    return over_a_link(s, streaming, [](const Transport&, const Transport&) { return Status(); });
}

} // namespace segue::testkit
