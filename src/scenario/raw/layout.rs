//! Topologies.

use super::dist::DurationDist;
use super::resilience::{
    RawActiveHealth, RawBreaker, RawBudget, RawEnvoyBackoff, RawGrpcBackoff, RawOutlier, RawThrottle,
};
use super::{RawFleet, RawGateway, RawQuota, RawSteering};
use crate::scenario::decode::{ErrorName, HourlyPrice, List, Named, Nothing, OneOrMany, ShareValue, choice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    plain
    /// Time-outs of the parts of a deep check, which are tested one after the other.
    RawDeep "Deep check" {
        /// Database.
        database: At<Span> = Or(&d::DEEP_DATABASE),
        /// Cache.
        cache: At<Span> = Or(&d::DEEP_CACHE),
        /// Model endpoint; passes if any deployment of the first pool answers.
        model: At<Span> = Or(&d::DEEP_MODEL),
    }
}

choice! {
    /// What a health check tests.
    RawCheck "Check" {
        /// Only whether the region answers.
        "shallow" => Shallow(Nothing),
        /// The dependencies too: database, cache and model endpoint.
        "deep" => Deep(RawDeep),
    }
}

table! {
    plain
    /// Many checkers of every region, each for itself and at its own moments (Route 53).
    RawQuorum "Quorum of checkers" {
        /// Number of checkers. 1 to 1000.
        checkers: At<u64> = Or(&d::QUORUM_CHECKERS),
        /// A region is healthy if more than this share of them say so: 0 to 1, below 1, in whole thousandths (`0.18`), or in
        /// percent (`"18 %"`).
        above: At<ShareValue> = Or(&d::QUORUM_ABOVE),
    }
}

table! {
    plain
    /// Health checks of the regions, as the name service or the load balancer makes them.
    RawHealth "Health checks" {
        /// Time between checks, 100 ms to 1 h.
        interval: At<Span> = Or(&d::HEALTH_INTERVAL),
        /// Failed checks in a row until a region counts as unhealthy. 1 to 100.
        fail_after: At<u64> = Or(&d::HEALTH_FAIL_AFTER),
        /// Passed checks in a row until it counts as healthy again. 1 to 100.
        pass_after: At<u64> = Or(&d::HEALTH_PASS_AFTER),
        /// Time-out of reaching the region at all.
        connect_timeout: At<Span> = Or(&d::HEALTH_CONNECT),
        /// What is tested.
        check: RawCheck = Or(&d::HEALTH_CHECK),
        /// Many independent checkers instead of one.
        quorum: RawQuorum = Optional,
        /// Share of checks that get lost on the way and fail, each for itself. None if not given.
        fail_on_the_way: At<ShareValue> = Optional,
    }
}

table! {
    whole
    /// Delays between attempts.
    RawBackoffTimes "Backoff times" {
        /// Scale of the first delay; it doubles with every further one.
        base: At<Span> = Required,
        /// Longest delay, at least `base`.
        cap: At<Span> = Required,
    }
}

choice! {
    /// Pause before a deployment is tried again: exponential, capped, with a kind of jitter, or the rule of a client library.
    /// The first four also wait for a longer Retry-After.
    RawBackoff "Backoff" {
        /// The delay itself, without jitter.
        "exponential" => Exponential(RawBackoffTimes),
        /// Evenly between zero and the delay.
        "full_jitter" => FullJitter(RawBackoffTimes),
        /// Half the delay plus evenly up to the other half.
        "equal_jitter" => EqualJitter(RawBackoffTimes),
        /// Evenly between `base` and three times the previous delay.
        "decorrelated_jitter" => DecorrelatedJitter(RawBackoffTimes),
        /// AWS SDKs since 2025: full jitter up to 20 s, from 1 s after a 429 and from 50 ms otherwise; a Retry-After adds at most
        /// 5 s.
        "aws_standard" => AwsStandard(Nothing),
        /// AWS SDKs before: full jitter of 1 s, 2 s, 4 s, up to 20 s.
        "aws_classic" => AwsClassic(Nothing),
        /// gRPC: exponential, 20 % of jitter.
        "grpc" => Grpc(RawGrpcBackoff),
        /// The OpenAI client: 0.5 s doubling to 8 s less up to a quarter; a Retry-After of more than 120 s ends the retries.
        "openai" => OpenAi(Nothing),
        /// The Anthropic client: as the OpenAI client, but any Retry-After is obeyed.
        "anthropic" => Anthropic(Nothing),
        /// Envoy: evenly between zero and a bound that grows to ten times the base.
        "envoy" => Envoy(RawEnvoyBackoff),
        /// Portkey: 1 s doubling, without jitter; a Retry-After of 60 s or more ends the retries.
        "portkey" => Portkey(Nothing),
        /// Bifrost: 0.5 s doubling to 5 s, 20 % of jitter.
        "bifrost" => Bifrost(Nothing),
    }
}

choice! {
    /// A client library, with everything that it does by default: attempts, pauses, budget, errors that are retried, time-outs and
    /// throttling, and no cool-down. What a topology states of these, or inherits, wins over it key by key.
    RawClientLibrary "Client library" {
        /// openai-python 2.54.0.
        "openai" => OpenAi(Nothing),
        /// anthropic-sdk-python 2.11.0.
        "anthropic" => Anthropic(Nothing),
        /// AWS SDKs in standard mode since 2025 (botocore 1.44.5).
        "aws_standard" => AwsStandard(Nothing),
        /// The same in adaptive mode, which paces calls after a 429.
        "aws_adaptive" => AwsAdaptive(Nothing),
        /// AWS SDKs in standard mode before 2025.
        "aws_classic" => AwsClassic(Nothing),
    }
}

table! {
    plain
    /// Hedging as in gRPC's proposal A6: the first call goes out, and another one after each `delay` without an answer, each to
    /// a deployment not yet tried, until `attempts_per_pool` are out (gRPC's `maxAttempts`; its clients make 5 at most). Who wins and what losers cost is as with `hedge_after`. A failure that `on` names sends the
    /// next call at once (after its Retry-After, if it brings one), any other ends the request and gives up all calls. The
    /// `budget` bounds all calls but the first. When all have failed the next pool of the chain follows.
    RawGrpcHedging "gRPC hedging" {
        /// From one call to the next. `"0 s"` sends all at once. Shorter than the time-out of a call.
        delay: At<Span> = Required,
    }
}

choice! {
    /// Calls of a request that race.
    RawHedging "Hedging" {
        /// gRPC's.
        "grpc" => Grpc(RawGrpcHedging),
    }
}

table! {
    plain
    /// Retries of the gateways.
    RawRetry "Retry" {
        /// A client library whose defaults take the place of those of `retry`, `timeout`, `throttle` and `cooldown`. None if not
        /// given.
        client: RawClientLibrary = Optional,
        /// Attempts per pool, the first included; each goes to a deployment not yet tried while there is one. 1 to 8.
        attempts_per_pool: At<u64> = Or(&d::ATTEMPTS),
        /// Pause before a deployment is tried again.
        backoff: RawBackoff = Or(&d::BACKOFF),
        /// What bounds the retries of all requests together. Nothing if not given.
        budget: RawBudget = Optional,
        /// A second call, to another deployment of the pool, races the first when that has not begun to answer after this
        /// long; it counts as an attempt. One more at a time, where `hedging` lets all attempts race. The first token of either
        /// decides (the first whole answer where the workload is not `streamed`): the other call is given up, and paid for its
        /// prompt and for what the provider writes until it hears of that. Without it, none does. Shorter than the time-out of
        /// the first token.
        hedge_after: At<Span> = Optional,
        /// All attempts of a pool race, in place of retries one after the other. Not together with `hedge_after`. A pool as
        /// large as there are attempts is needed. No pause follows, so `backoff` is without effect.
        hedging: RawHedging = Optional,
        /// Errors after which the next attempt or pool is tried; any other ends the request. Whose credit is used up
        /// (`quota_exhausted`) is not called again for the request, whatever attempts are left.
        on: List<At<ErrorName>> = Or(&d::RETRY_ON),
    }
}

table! {
    plain
    /// When a gateway gives up on an attempt.
    RawTimeout "Time-outs" {
        /// The endpoint does not accept the connection.
        connect: At<Span> = Or(&d::TIMEOUT_CONNECT),
        /// No first token.
        first_token: At<Span> = Or(&d::TIMEOUT_FIRST_TOKEN),
        /// Not complete; at least `first_token`.
        total: At<Span> = Or(&d::TIMEOUT_TOTAL),
    }
}

table! {
    plain
    /// When a gateway stops calling a failing deployment for a while.
    RawCooldown "Cool-down" {
        /// Whether it does at all.
        enabled: At<bool> = Or(&d::COOLDOWN_ENABLED),
        /// Failures in a row that take a deployment out. 1 to 1000.
        after: At<u64> = Or(&d::COOLDOWN_AFTER),
        /// How long it stays out (longer if a Retry-After says so).
        lasts: At<Span> = Or(&d::COOLDOWN_LASTS),
        /// Whether a single 429 is enough, used-up credit included.
        on_429_at_once: At<bool> = Or(&d::COOLDOWN_429),
    }
}

table! {
    plain
    /// Conversations are written in the user's region and copied to the others afterwards.
    RawReplicated "Replicated state" {
        /// Time from the acknowledged write until another region sees it.
        lag: DurationDist = Or(&d::STATE_LAG),
        /// Read of the conversation in the region.
        read: DurationDist = Or(&d::STATE_READ),
        /// Write of the turn in the region.
        write: DurationDist = Or(&d::STATE_WRITE),
        /// Bytes stored and replicated per token of a turn. 1 to 10,000.
        bytes_per_token: At<u64> = Or(&d::BYTES_PER_TOKEN),
    }
}

choice! {
    /// Where conversations are kept.
    RawState "State" {
        /// In every region, copied asynchronously.
        "replicated" => Replicated(RawReplicated),
    }
}

table! {
    plain
    /// The application in a region.
    RawApp "Application" {
        /// Application servers. 1 to 100,000.
        servers: At<u64> = Or(&d::SERVERS),
        /// Turns that one server holds at once. 1 to 1,000,000.
        slots_per_server: At<u64> = Or(&d::SLOTS),
        /// Turns that may wait for a slot; one more is refused with 503.
        queue: At<u64> = Or(&d::QUEUE),
        /// Work of the application before the model is called.
        overhead: DurationDist = Or(&d::OVERHEAD),
        /// Price of one server. The catalogue's for the region if not given.
        server_price: At<HourlyPrice> = Optional,
        /// Everything else that is paid by time in the region, by name (`database`, `load balancer`, `cache`, ...). The
        /// catalogue's database, load balancer and cache if not given; `services = {}` for none.
        services: Named<At<HourlyPrice>> = Optional,
    }
}

table! {
    extending
    /// A layout of the product.
    RawTopology "Topology" {
        /// Topologies whose keys it takes over; later ones win, and its own keys win over all.
        extends: OneOrMany<At<String>> = Optional,
        /// Only there to be extended, not simulated.
        r#abstract: At<bool> = Or(&d::ABSTRACT),
        /// Regions of the catalogue in which the application runs, in fail-over order.
        regions: List<At<String>> = Required,
        /// Pools of deployments in fallback order; every region's gateway walks the same chain. Required unless there is a
        /// `gateway`.
        chain: List<At<String>> = Optional,
        /// A product as the gateway, in place of the own router with its `chain`.
        gateway: RawGateway = Optional,
        /// How users find a region.
        steering: RawSteering = Or(&d::STEERING),
        /// Health checks of the regions.
        health: RawHealth = Optional,
        /// Retries of the gateways.
        retry: RawRetry = Optional,
        /// Time-outs of the gateways.
        timeout: RawTimeout = Optional,
        /// When a gateway stops calling a failing deployment.
        cooldown: RawCooldown = Optional,
        /// Outlier detection, beside the cool-down. None if not given.
        outlier: RawOutlier = Optional,
        /// Health checks of the deployments by every gateway. None if not given.
        active_health: RawActiveHealth = Optional,
        /// A circuit breaker per deployment, beside the cool-down. None if not given.
        breaker: RawBreaker = Optional,
        /// What makes a gateway send less when it is refused. Nothing if not given.
        throttle: RawThrottle = Optional,
        /// What each region's gateway itself lets through to a deployment, by the deployment's name: one of the quotas'
        /// algorithms, counted by every gateway for itself. A deployment at its limit is passed over. No limit if not given.
        limits: Named<RawQuota> = Optional,
        /// Who keeps the replicas of self-hosted models running, by name. Every deployment with `replicas` that the topology
        /// calls belongs to one.
        fleet: Named<RawFleet> = Optional,
        /// Where conversations are kept.
        state: RawState = Or(&d::STATE),
        /// The application in every region.
        app: RawApp = Optional,
        /// What is different about the application in a region, by the region's id.
        region: Named<RawApp> = Optional,
    }
}
