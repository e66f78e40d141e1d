//! Users, workloads, clients, name resolution, network.

use super::dist::{DurationDist, TokenDist};
use crate::scenario::decode::{List, Nothing, SessionRate, ShareValue, TokenCount, choice, table};
use crate::scenario::diagnostic::{At, Loc};
use crate::units::Span;

table! {
    plain
    /// Coordinates and time zone of a place that is not in the catalogue.
    RawLocation "Location" {
        /// Degrees north, -90 to 90.
        lat: At<f64> = Required,
        /// Degrees east, -180 to 180.
        lon: At<f64> = Required,
        /// IANA time zone, such as `Europe/Berlin`.
        zone: At<String> = Required,
        /// ISO 3166 alpha-2 country, for name services that steer by it. Without one they do not know where the users are.
        country: At<String> = Optional,
    }
}

table! {
    plain
    /// A group of users in one place. Either `city` or `location` says where.
    RawUsers "Users" {
        /// City of the catalogue; gives coordinates, country and time zone.
        city: At<String> = Optional,
        /// Coordinates and time zone instead of a city.
        location: RawLocation = Optional,
        /// State of the United States, two letters, for name services that steer by it.
        state: At<String> = Optional,
        /// Share of all sessions. The shares of all groups add up to one.
        share: At<ShareValue> = Required,
        /// Residency class of the group's data. Without one it may be processed anywhere.
        residency: At<String> = Optional,
    }
}

table! {
    plain
    /// A residency class: the union of the regions, countries and continents named. At least one of the three keys.
    RawResidency "Residency" {
        /// Cloud regions, such as `aws:eu-west-1`.
        regions: List<At<String>> = Optional,
        /// ISO 3166 alpha-2 country codes, such as `DE`.
        countries: List<At<String>> = Optional,
        /// Continents, such as `europe`.
        continents: List<At<String>> = Optional,
    }
}

table! {
    plain
    /// Sessions start at random.
    RawPoisson "Poisson arrivals" {
        /// Mean over the shape's period, all groups together.
        rate: At<SessionRate> = Required,
        /// Shape of the catalogue: relative rate over the local time of each group. Constant if not given.
        shape: At<String> = Optional,
    }
}

table! {
    plain
    /// Every row of a trace is one session of one turn, which begins exactly as many seconds after the scenario's `start`
    /// as the row says: a row at 12.5 s arrives at t = 12.5 s. Nothing is shifted, scaled or repeated. Traces of the
    /// catalogue count from their own first request, which therefore arrives at t = 0. Nothing arrives during the
    /// warm-up. Rows at or after the end of the horizon are left out with a warning that counts them; if that leaves
    /// none, or a time is negative, the scenario is refused. Every row is given to a group of users at random, in
    /// proportion to the shares. With `sizes = "replayed"` it brings its own sizes; a size of 0 counts as one token.
    /// Either `trace` or `file`.
    RawReplay "Replayed arrivals" {
        /// Trace of the catalogue.
        trace: At<String> = Optional,
        /// CSV file with a header and the columns `arrival_s` (seconds after `start`, sorted, fractions allowed),
        /// `input_tokens` and `output_tokens` in any order; other columns are ignored. Relative to the scenario file.
        file: At<String> = Optional,
    }
}

choice! {
    /// When sessions start.
    RawArrivals "Arrivals" {
        /// At random, at a constant or daily and weekly varying rate.
        "poisson" => Poisson(RawPoisson),
        /// As recorded in a trace.
        "replay" => Replay(RawReplay),
    }
}

table! {
    plain
    /// A geometric number of turns.
    RawGeometric "Geometric turns" {
        /// Mean, at least 1.
        mean: At<f64> = Required,
    }
}

choice! {
    /// Turns of a session.
    RawTurns "Turns" {
        /// Always the same number.
        "fixed" => Fixed(At<u64>),
        /// Geometric on 1, 2, 3, ...
        "geometric" => Geometric(RawGeometric),
    }
}

table! {
    plain
    /// Always the same sizes.
    RawFixedSizes "Fixed sizes" {
        /// Tokens that the user adds in a turn.
        input: At<TokenCount> = Required,
        /// Tokens of the answer.
        output: At<TokenCount> = Required,
    }
}

table! {
    plain
    /// Two independent distributions.
    RawIndependentSizes "Independent sizes" {
        /// Tokens that the user adds in a turn.
        input: TokenDist = Required,
        /// Tokens of the answer.
        output: TokenDist = Required,
    }
}

choice! {
    /// Tokens that the user adds and the model answers, per turn.
    RawSizes "Sizes" {
        /// Always the same.
        "fixed" => Fixed(RawFixedSizes),
        /// Input and output drawn independently.
        "independent" => Independent(RawIndependentSizes),
        /// Log-normal distributions fitted to a data set of the catalogue, by its name.
        "fit" => Fit(At<String>),
        /// A row of a trace of the catalogue drawn at random, input and output together.
        "trace" => Trace(At<String>),
        /// The sizes of the replayed row. Only with `arrivals.replay`.
        "replayed" => Replayed(Nothing),
    }
}

table! {
    plain
    /// A system prompt and all earlier turns of the session are sent again with every turn.
    RawGrowing "Growing context" {
        /// Tokens in front of every conversation.
        system: At<TokenCount> = Or(&d::SYSTEM_PROMPT),
        /// Longest prompt that is sent; older turns are dropped beyond.
        max: At<TokenCount> = Required,
    }
}

impl RawSizes {
    /// Where the length of answers is stated.
    pub fn output_loc(&self) -> Option<Loc> {
        match self {
            RawSizes::Fixed(f) => f.output.as_ref().map(|v| v.loc),
            RawSizes::Independent(i) => i.output.as_ref().and_then(TokenDist::loc),
            RawSizes::Fit(name) | RawSizes::Trace(name) => Some(name.loc),
            RawSizes::Replayed(at) => Some(at.loc),
        }
    }
    /// Where the length of what users add is stated.
    pub fn input_loc(&self) -> Option<Loc> {
        match self {
            RawSizes::Fixed(f) => f.input.as_ref().map(|v| v.loc),
            RawSizes::Independent(i) => i.input.as_ref().and_then(TokenDist::loc),
            RawSizes::Fit(_) | RawSizes::Trace(_) | RawSizes::Replayed(_) => self.output_loc(),
        }
    }
}

choice! {
    /// What is sent besides the turn's own input.
    RawContext "Context" {
        /// Nothing.
        "fresh" => Fresh(Nothing),
        /// The conversation so far.
        "growing" => Growing(RawGrowing),
    }
}

table! {
    plain
    /// What the users do. With several workloads every group takes part in each of them.
    RawWorkload "Workload" {
        /// When sessions start.
        arrivals: RawArrivals = Required,
        /// Turns of a session.
        turns: RawTurns = Or(&d::TURNS),
        /// Pause between an answer and the user's next turn. Required if a session can have several turns.
        think_time: DurationDist = Optional,
        /// Tokens of a turn.
        sizes: RawSizes = Required,
        /// What is sent besides the turn's own input.
        context: RawContext = Or(&d::CONTEXT),
        /// The request's `max_tokens`: longer answers are cut here, and quotas reserve it.
        max_output: At<TokenCount> = Or(&d::MAX_OUTPUT),
        /// Whether answers are streamed. If not, nothing of an answer is seen before all of it: the time to first token is
        /// that of the whole answer, the gateway's time-out of the first token does not apply, and a second call
        /// (`hedge_after`) wins with a whole answer.
        streamed: At<bool> = Or(&d::STREAMED),
        /// A turn counts as served if its last token arrives within this time of sending it.
        limit: At<Span> = Or(&d::LIMIT),
    }
}

table! {
    plain
    /// How a user's program connects to the application.
    RawClient "Client" {
        /// It gives up connecting after this long.
        connect_timeout: At<Span> = Or(&d::CLIENT_CONNECT_TIMEOUT),
        /// Tries per turn, the first included. Before each further one the name is resolved again. 1 to 8.
        tries: At<u64> = Or(&d::CLIENT_TRIES),
        /// Pause before a further try.
        retry_pause: At<Span> = Or(&d::CLIENT_RETRY_PAUSE),
        /// An idle connection is kept this long, and with it the region.
        keep_alive: At<Span> = Or(&d::CLIENT_KEEP_ALIVE),
        /// Round trips before the request on a new connection. 0 to 8.
        handshake_round_trips: At<u64> = Or(&d::CLIENT_HANDSHAKE),
    }
}

table! {
    plain
    /// How names are resolved.
    RawDns "Name resolution" {
        /// Caching resolvers per user group; each keeps the answer for the record's time to live. 1 to 10,000.
        resolvers_per_group: At<u64> = Or(&d::DNS_RESOLVERS),
        /// Share of resolvers that stand where another group of users is and tell the name service nothing of their own
        /// users (no EDNS Client Subnet), so that it answers for the wrong place. None if not given.
        elsewhere_share: At<ShareValue> = Optional,
        /// Share of resolvers that keep records longer than their time to live.
        extending_share: At<ShareValue> = Or(&d::DNS_EXTENDING_SHARE),
        /// By how much those multiply it, at least 1.
        extension: At<f64> = Or(&d::DNS_EXTENSION),
        /// Time of an answer from a resolver's cache.
        hit: At<Span> = Or(&d::DNS_HIT),
        /// Time of an answer that the resolver has to fetch.
        miss: At<Span> = Or(&d::DNS_MISS),
    }
}

table! {
    plain
    /// A round trip between two places that replaces the catalogue's.
    RawLink "Link" {
        /// Two names, each a region or a group of users; at most one of them a group.
        between: List<At<String>> = Required,
        /// Round trip, typical (median).
        rtt: At<Span> = Required,
        /// Standard deviation of a round trip relative to it.
        jitter: At<f64> = Optional,
    }
}

table! {
    plain
    /// Round trips that differ from the catalogue's.
    RawNetwork "Network" {
        /// Standard deviation of a round trip between regions relative to it, 0 to 1. The catalogue's if not given.
        jitter: At<f64> = Optional,
        /// The same between users and regions.
        user_jitter: At<f64> = Optional,
        /// Single links.
        link: List<RawLink> = Optional,
    }
}
