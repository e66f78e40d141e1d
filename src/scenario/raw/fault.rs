//! Faults.

use crate::scenario::decode::{AnswerName, List, Nothing, ShareValue, choice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    plain
    /// Again and again: exponential times up and down.
    RawRecurring "Recurring" {
        /// Mean time from repair to the next failure.
        mean_up: At<Span> = Required,
        /// Mean time to repair.
        mean_down: At<Span> = Required,
    }
}

table! {
    plain
    /// A region.
    RawRegionDown "Region down" {
        /// Which region.
        region: At<String> = Required,
    }
}

choice! {
    /// A dependency of the application.
    RawDependency "Dependency" {
        /// Store of conversations: every turn fails.
        "database" => Database(Nothing),
        /// Cache: turns are slower by the cache's time-out but succeed.
        "cache" => Cache(Nothing),
    }
}

table! {
    plain
    /// A dependency of the application in a region.
    RawDependencyDown "Dependency down" {
        /// Which region.
        region: At<String> = Required,
        /// Which dependency.
        dependency: RawDependency = Required,
    }
}

table! {
    plain
    /// Deployments of a provider, or a list of deployments, refuse every request. Either `provider` or `deployments`. With a
    /// status of 5xx the endpoint itself is broken: what it has in service breaks off, active health checks fail and it reports
    /// no load. With any other it is well and refuses requests alone, as where a key was revoked or a deployment deleted: what
    /// it has in service is finished, and active checks of endpoints find nothing. Of several in force the first in the file
    /// answers.
    RawProviderDown "Provider down" {
        /// All deployments of this provider.
        provider: At<String> = Optional,
        /// These deployments.
        deployments: List<At<String>> = Optional,
        /// Only those in this region.
        region: At<String> = Optional,
        /// What it answers, by the names of `retry.on` without `timeout` and `connection`, which are no answers. Never with
        /// Retry-After.
        error: At<AnswerName> = Or(&d::DOWN_ERROR),
    }
}

table! {
    plain
    /// Deployments of a provider, or a list of deployments, that are slow and fail sometimes. Either `provider` or
    /// `deployments`. Several in force multiply: a request fails by the first of them that makes it fail, a deployment's own
    /// `error_rate` before all and then in the order of the file.
    RawBrownOut "Brown-out" {
        /// All deployments of this provider.
        provider: At<String> = Optional,
        /// These deployments.
        deployments: List<At<String>> = Optional,
        /// Only those in this region.
        region: At<String> = Optional,
        /// Latencies are multiplied by this. 1 to 1000.
        slower: At<f64> = Or(&d::SLOWER),
        /// Additional probability that a request fails.
        error_rate: At<ShareValue> = Or(&d::BROWN_OUT_ERRORS),
        /// What is answered then, by the names of `retry.on` without `timeout` and `connection`. Never with Retry-After.
        error: At<AnswerName> = Or(&d::BROWN_OUT_ERROR),
    }
}

table! {
    plain
    /// No spot instances are to be had: those that run are reclaimed, none starts.
    RawSpotWithdrawn "Spot withdrawn" {
        /// The deployment, which has `replicas`.
        deployment: At<String> = Required,
        /// In these of its zones. In all of them if not given.
        zones: List<At<String>> = Optional,
    }
}

choice! {
    /// What a fault does.
    RawWhat "Fault" {
        /// Everything in the region stops: application, state, and deployments that run there.
        "region_down" => RegionDown(RawRegionDown),
        /// One dependency of the application in a region fails; the region still answers shallow checks.
        "dependency_down" => DependencyDown(RawDependencyDown),
        /// Deployments refuse everything at once, with 503 or another error.
        "provider_down" => ProviderDown(RawProviderDown),
        /// Deployments are slow and fail sometimes.
        "provider_brown_out" => ProviderBrownOut(RawBrownOut),
        /// Spot replicas of a deployment are reclaimed, after the notice of its `replicas`, and none is to be had.
        "spot_withdrawn" => SpotWithdrawn(RawSpotWithdrawn),
    }
}

table! {
    plain
    /// Something that goes wrong: once (`at` and `lasts`) or again and again (`recurring`).
    RawFault "Fault entry" {
        /// Name, which reports and objectives refer to. No other fault has it.
        name: At<String> = Required,
        /// When it begins, counted from the start of the horizon.
        at: At<Span> = Optional,
        /// How long it lasts.
        lasts: At<Span> = Optional,
        /// At random times instead.
        recurring: RawRecurring = Optional,
        /// What it does.
        what: RawWhat = Required,
    }
}
