//! Pools: which deployments stand for each other, and how one of them is chosen.

use crate::scenario::decode::{List, Named, Nothing, ShareValue, choice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    plain
    /// Least request as Envoy has it.
    RawLeastRequest "Least request" {
        /// Members drawn for one choice, when all weights are equal. 1 to 100.
        choice_count: At<u64> = Or(&d::LEAST_CHOICES),
        /// Exponent of the calls in flight in a member's weight, when weights differ. 0 to 10.
        active_request_bias: At<f64> = Or(&d::LEAST_BIAS),
    }
}

table! {
    plain
    /// Consistent hashing on a ring.
    RawRingHash "Ring hash" {
        /// Fewest points of the ring. 1 to 65,536.
        minimum_ring_size: At<u64> = Or(&d::RING_SIZE),
    }
}

table! {
    plain
    /// Lowest average latency as Kong has it.
    RawPeakEwma "Peak EWMA" {
        /// Time in which an average loses all but 1/e of its weight.
        decay: At<Span> = Or(&d::EWMA_DECAY),
    }
}

table! {
    plain
    /// Maglev hashing.
    RawMaglev "Maglev" {
        /// Entries of the table: a prime number, more than the pool has members, at most 65,537.
        table_size: At<u64> = Or(&d::MAGLEV_SIZE),
    }
}

choice! {
    /// How Envoy chooses a host within a level and a locality.
    RawHosts "Choice of a host" {
        /// In turn, by weight.
        "round_robin" => RoundRobin(Nothing),
        /// At random, whatever the weights.
        "random" => Random(Nothing),
        /// The less busy of two drawn at random, or by weights divided by the calls in flight.
        "least_request" => LeastRequest(RawLeastRequest),
        /// A conversation stays with its member, by a ring.
        "ring_hash" => RingHash(RawRingHash),
        /// A conversation stays with its member, by a table.
        "maglev" => Maglev(RawMaglev),
    }
}

table! {
    plain
    /// Zone-aware routing.
    RawZoneAware "Zone-aware routing" {
        /// Fewest members in service for localities to matter. 1 to 1024.
        min_cluster_size: At<u64> = Or(&d::ENVOY_MIN_CLUSTER),
    }
}

choice! {
    /// How Envoy chooses a locality within a level. A member's locality is that of `localities`, or its region; a gateway
    /// stands in the locality of the member that is nearest to it.
    RawLocalityChoice "Choice of a locality" {
        /// By the localities' weights, less where members are out of service.
        "weighted" => Weighted(Nothing),
        /// The gateway's own as far as all members still get about as many calls; first level only.
        "zone_aware" => ZoneAware(RawZoneAware),
    }
}

table! {
    plain
    /// Little traffic at first for a member that has come back into service.
    RawSlowStart "Slow start" {
        /// How long it lasts.
        window: At<Span> = Required,
        /// How fast traffic grows: 1 evenly, above 1 faster at first. 0.1 to 10.
        aggression: At<f64> = Or(&d::ENVOY_AGGRESSION),
        /// Smallest part of its weight, in percent. 0 to 100.
        min_weight_percent: At<f64> = Or(&d::ENVOY_MIN_WEIGHT),
    }
}

table! {
    plain
    /// A cluster as Envoy balances it: a priority level, a locality, a host.
    RawEnvoy "Envoy" {
        /// How a host is chosen.
        hosts: RawHosts = Or(&d::ENVOY_HOSTS),
        /// How a locality is chosen first. Not at all if not given.
        localities: RawLocalityChoice = Optional,
        /// Percentage of members in service below which a level uses all its members, if no other level can help; 0 for never.
        /// At most 100.
        panic_threshold: At<u64> = Or(&d::ENVOY_PANIC),
        /// Whether it fails what it would send to a level in panic.
        fail_traffic_on_panic: At<bool> = Or(&d::ENVOY_FAIL_ON_PANIC),
        /// A level takes all its traffic while this percentage of its share in service is at least 100. 100 to 1000.
        overprovisioning_factor: At<u64> = Or(&d::ENVOY_OVERPROVISIONING),
        /// Calls for one request after which a level is left out until all were tried (Envoy Gateway's
        /// `numAttemptsPerPriority`; 1 is Envoy AI Gateway's way of falling back). 1 to 8. Levels go by their health alone if not
        /// given.
        attempts_per_priority: At<u64> = Optional,
        /// Little traffic at first for who comes back. None if not given.
        slow_start: RawSlowStart = Optional,
    }
}

table! {
    plain
    /// Least load as last reported.
    RawReported "Reported load" {
        /// Time between two reports, 1 ms to 1 h.
        every: At<Span> = Or(&d::REPORTED_EVERY),
    }
}

table! {
    whole
    /// Weights of the scorers of an endpoint picker; 0 for each that is not given. 0 to 1000.
    RawScorers "Scorers" {
        /// Few waiting requests, compared with the other members.
        queue: At<f64> = Optional,
        /// Few running requests, compared with the other members.
        running: At<f64> = Optional,
        /// Little of the cache, or few of the places (`concurrency`), in use.
        utilisation: At<f64> = Optional,
        /// Much of the prompt is probably in the member's cache.
        prefix: At<f64> = Optional,
        /// Few waiting requests, compared with 128.
        load_aware: At<f64> = Optional,
        /// Few calls of this gateway in flight, compared with the other members.
        active_requests: At<f64> = Optional,
    }
}

choice! {
    /// How an endpoint picker takes one by its score.
    RawPicker "Picker" {
        /// The highest score; at random among equals.
        "max_score" => MaxScore(Nothing),
        /// At random, whatever the score.
        "random" => Random(Nothing),
        /// At random in proportion to the score.
        "weighted_random" => WeightedRandom(Nothing),
    }
}

table! {
    plain
    /// When a member counts as full and is left out, unless all are.
    RawSaturation "Saturation" {
        /// Waiting requests at which it is full. 1 to 1000.
        queue: At<f64> = Or(&d::EPP_QUEUE),
        /// Utilisation at which it is full; above 0.
        utilisation: At<ShareValue> = Or(&d::EPP_UTILISATION),
        /// A report that is older counts as full; at least `refresh`.
        stale_after: At<Span> = Or(&d::EPP_STALE),
        /// Whether a pool that is full on average takes nothing, so that the next one of the chain is called.
        refuse: At<bool> = Or(&d::EPP_REFUSE),
    }
}

table! {
    plain
    /// An endpoint picker of the Gateway API inference extension.
    RawInference "Endpoint picker" {
        /// What speaks for a member.
        scorers: RawScorers = Required,
        /// How one is taken by its score.
        picker: RawPicker = Or(&d::EPP_PICKER),
        /// When a member is full. Never if not given.
        saturation: RawSaturation = Optional,
        /// How often members are asked for their load; those with a `concurrency` answer. 1 ms to 1 min.
        refresh: At<Span> = Or(&d::EPP_REFRESH),
        /// Blocks of 16 prompt tokens that are remembered per member. 1 to 1,000,000.
        lru_blocks: At<u64> = Or(&d::EPP_LRU),
    }
}

table! {
    whole
    /// The least expected time to first token.
    RawNetworkCost "Network-aware cost" {
        /// Time for a prompt token that is not cached.
        prefill_per_token: At<Span> = Or(&d::GORGO_PREFILL),
        /// Time for every call of this gateway in flight.
        per_call: At<Span> = Required,
    }
}

table! {
    plain
    /// Selective pushing.
    RawSelectivePush "Selective pushing" {
        /// How often members are asked for their load, and waiting requests ask again; those with a `concurrency` answer, the
        /// others always have room. 10 ms to 1 min.
        refresh: At<Span> = Or(&d::PUSH_REFRESH),
        /// Longest wait for room at the gateway. At most 10 min.
        max_wait: At<Span> = Or(&d::PUSH_WAIT),
        /// Whether members farther than the nearest may be called.
        cross_region: At<bool> = Or(&d::PUSH_CROSS),
    }
}

choice! {
    /// How a pool chooses among its members.
    RawChoose "Choice of a member" {
        /// The lowest network round trip from the calling gateway; ties to the first in the list.
        "nearest" => Nearest(Nothing),
        /// The order of the list.
        "in_order" => InOrder(Nothing),
        /// At random in proportion to the weights.
        "weighted" => Weighted(Nothing),
        /// In turn.
        "round_robin" => RoundRobin(Nothing),
        /// The fewest calls of this gateway in flight; ties to the first in the list.
        "least_busy" => LeastBusy(Nothing),
        /// The fewest calls in flight as last reported, every so often; ties at random.
        "reported_load" => Reported(RawReported),
        /// Envoy: the less busy of two drawn at random, or by weights divided by the calls in flight.
        "least_request" => LeastRequest(RawLeastRequest),
        /// Envoy: a conversation stays with its member while that is in service.
        "ring_hash" => RingHash(RawRingHash),
        /// Kong: the lowest average response time, decayed by its age.
        "peak_ewma" => PeakEwma(RawPeakEwma),
        /// OpenRouter: at random with weight 1 / price², members with a recent outage last.
        "openrouter" => OpenRouter(Nothing),
        /// In turn, in proportion to the weights, never in bursts.
        "weighted_round_robin" => WeightedRoundRobin(Nothing),
        /// A conversation stays with its member while that is in service, by Google's table.
        "maglev" => Maglev(RawMaglev),
        /// Envoy: priority levels with overprovisioning and panic, then localities, then hosts.
        "envoy" => Envoy(RawEnvoy),
        /// Gateway API inference extension: weighted scorers of queues, utilisation and cached prefixes, then a picker.
        "inference" => Inference(RawInference),
        /// GORGO: the least sum of round trip, prefill of what is not cached, and calls in flight.
        "network_cost" => NetworkCost(RawNetworkCost),
        /// SkyWalker: a member that has room, near ones first, by cached prefix; otherwise the request waits at the gateway.
        "selective_push" => SelectivePush(RawSelectivePush),
    }
}

table! {
    plain
    /// Deployments that stand for each other.
    RawPool "Pool" {
        /// Names of deployments.
        deployments: List<At<String>> = Required,
        /// How one of them is chosen.
        choose: RawChoose = Or(&d::CHOOSE),
        /// Weight of a deployment, by its name; 1 if not given. With a `choose` that has weights: `weighted`,
        /// `weighted_round_robin`, `least_request`, `ring_hash`, `maglev`, `peak_ewma`, `envoy`.
        weights: Named<At<f64>> = Optional,
        /// Priority level of a deployment, by its name; 0, the first, if not given. No level is skipped. With `envoy`.
        priorities: Named<At<u64>> = Optional,
        /// Locality of a deployment, by its name; the region it runs in if not given. With `envoy` and `localities`.
        localities: Named<At<String>> = Optional,
        /// Weight of a locality, by its name; 1 if not given. With `envoy` and `localities = "weighted"`.
        locality_weights: Named<At<f64>> = Optional,
        /// Calls of one gateway to the pool that may be out at once; the gateway refuses one more and nothing else is tried
        /// (Envoy's `max_requests`). 1 to 1,000,000,000. Any number if not given.
        max_requests: At<u64> = Optional,
        /// Whether answers from here count as degraded.
        degraded: At<bool> = Or(&d::DEGRADED),
    }
}
