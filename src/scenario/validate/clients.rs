//! What client libraries do by default, as a whole: `retry.client` puts these values in the place of the general defaults. Whatever
//! a topology states itself, or inherits, wins over them key by key.
//!
//! Left out, because nobody sends it here: the header `x-should-retry` of the clients of OpenAI and Anthropic, which overrides
//! their list of errors. gRPC has no preset: its retry policy has no defaults (proposal A6 requires every field of it).

use crate::scenario::decode::{Cx, Decode};
use crate::scenario::defaults::{self as d, Default};
use crate::scenario::raw::{RawClientLibrary, RawTopology};

/// The defaults that apply to a topology's gateways.
pub(super) struct Client {
    pub attempts: &'static Default,
    pub backoff: &'static Default,
    pub budget: Option<&'static Default>,
    pub on: &'static Default,
    pub connect: &'static Default,
    pub first_token: &'static Default,
    pub total: &'static Default,
    pub throttle: Option<&'static Default>,
    /// Whether anybody is taken out of service where the topology says nothing of a cool-down.
    pub cooldown: &'static Default,
}

/// Where no client library is named.
static NONE: Client = Client {
    attempts: &d::ATTEMPTS,
    backoff: &d::BACKOFF,
    budget: None,
    on: &d::RETRY_ON,
    connect: &d::TIMEOUT_CONNECT,
    first_token: &d::TIMEOUT_FIRST_TOKEN,
    total: &d::TIMEOUT_TOTAL,
    throttle: None,
    cooldown: &d::COOLDOWN_ENABLED,
};

/// A value of a preset: which client, where it would be written, the value, and its source.
macro_rules! value {
    ($client:literal, $key:literal, $value:literal, $provenance:expr) => {
        &Default {
            key: concat!("topology.*.", $key, " (client ", $client, ")"),
            value: $value,
            provenance: $provenance,
        }
    };
}

const NOBODY_OUT: &str = "a client library takes no endpoint out of service";

/// `_constants.py` and `_base_client.py` are the same code in both clients but for the length of Retry-After that is obeyed.
macro_rules! sdk {
    ($client:literal, $backoff:literal, $version:literal) => {
        Client {
            attempts: value!(
                $client,
                "retry.attempts_per_pool",
                "3",
                concat!($version, ", _constants.py: DEFAULT_MAX_RETRIES = 2, so three attempts")
            ),
            backoff: value!($client, "retry.backoff", $backoff, concat!($version, ", _base_client.py")),
            budget: None,
            on: value!(
                $client,
                "retry.on",
                "[\"408\", \"409\", \"429\", \"500\", \"502\", \"503\", \"504\", \"529\", \"quota_exhausted\", \"timeout\", \"connection\"]",
                concat!(
                    $version,
                    ", _base_client.py: connection errors, time-outs, 408, 409, 429 (used-up credit is one) and 500 and above"
                )
            ),
            connect: value!($client, "timeout.connect", "\"5 s\"", concat!($version, ", _constants.py: connect = 5 s")),
            first_token: value!(
                $client,
                "timeout.first_token",
                "\"600 s\"",
                concat!($version, ", _constants.py: timeout = 600 s")
            ),
            total: value!(
                $client,
                "timeout.total",
                "\"600 s\"",
                concat!(
                    $version,
                    ", _constants.py: timeout = 600 s; ASSUMPTION: for streams too, of which the client bounds each read alone"
                )
            ),
            throttle: None,
            cooldown: value!($client, "cooldown.enabled", "false", NOBODY_OUT),
        }
    };
}

static OPENAI: Client = sdk!("openai", "\"openai\"", "openai-python 2.54.0");
static ANTHROPIC: Client = sdk!("anthropic", "\"anthropic\"", "anthropic-sdk-python 2.11.0");

/// AWS SDKs: the modes differ in backoff, budget and throttle.
macro_rules! aws {
    ($client:literal, $rules:literal, $source:literal, $throttle:expr) => {
        Client {
            attempts: value!(
                $client,
                "retry.attempts_per_pool",
                "3",
                concat!($source, ": three attempts in standard and adaptive mode")
            ),
            backoff: value!($client, "retry.backoff", $rules, $source),
            budget: Some(value!($client, "retry.budget", $rules, $source)),
            on: value!(
                $client,
                "retry.on",
                "[\"429\", \"500\", \"502\", \"503\", \"504\", \"quota_exhausted\", \"timeout\", \"connection\"]",
                concat!(
                    $source,
                    ": transient errors (500, 502, 503, 504, time-outs, connections) and throttling (429)"
                )
            ),
            connect: value!(
                $client,
                "timeout.connect",
                "\"60 s\"",
                "botocore, Config reference (2026): connect_timeout 60 s"
            ),
            first_token: value!(
                $client,
                "timeout.first_token",
                "\"60 s\"",
                "botocore, Config reference (2026): read_timeout 60 s"
            ),
            total: value!(
                $client,
                "timeout.total",
                "\"60 s\"",
                "botocore, Config reference (2026): read_timeout 60 s; ASSUMPTION: for streams too, of which the client bounds each read alone"
            ),
            throttle: $throttle,
            cooldown: value!($client, "cooldown.enabled", "false", NOBODY_OUT),
        }
    };
}

static AWS_STANDARD: Client =
    aws!("aws_standard", "\"aws_standard\"", "botocore 1.44.5, retries/standard.py and quota.py", None);
static AWS_ADAPTIVE: Client = aws!(
    "aws_adaptive",
    "\"aws_standard\"",
    "botocore 1.44.5, retries/standard.py and quota.py",
    Some(value!("aws_adaptive", "throttle", "\"aws_adaptive\"", "botocore 1.44.5, retries/adaptive.py"))
);
static AWS_CLASSIC: Client =
    aws!("aws_classic", "\"aws_classic\"", "AWS SDKs and tools reference guide, Retry behavior (before 2025)", None);

/// The defaults of a topology.
pub(super) fn of(t: &RawTopology) -> &'static Client {
    match t.retry.as_ref().and_then(|r| r.client.as_ref()) {
        None => &NONE,
        Some(RawClientLibrary::OpenAi(_)) => &OPENAI,
        Some(RawClientLibrary::Anthropic(_)) => &ANTHROPIC,
        Some(RawClientLibrary::AwsStandard(_)) => &AWS_STANDARD,
        Some(RawClientLibrary::AwsAdaptive(_)) => &AWS_ADAPTIVE,
        Some(RawClientLibrary::AwsClassic(_)) => &AWS_CLASSIC,
    }
}

/// What the file says, or the preset, or nothing.
pub(super) fn or<T: Decode>(own: &Option<T>, preset: Option<&'static Default>, cx: &mut Cx) -> Option<T> {
    match (own, preset) {
        (None, Some(preset)) => Some(cx.or(&None, preset)),
        (own, _) => own.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::diagnostic::At;
    use crate::scenario::raw::{RawBackoff, RawBudget, RawThrottle};
    use crate::scenario::validate::default_value;
    use crate::units::Span;

    /// Every value can be read, as those of `defaults` can, and names where it is from.
    #[test]
    fn every_preset_is_written_correctly() {
        for client in [&NONE, &OPENAI, &ANTHROPIC, &AWS_STANDARD, &AWS_ADAPTIVE, &AWS_CLASSIC] {
            default_value::<At<u64>>(client.attempts);
            default_value::<RawBackoff>(client.backoff);
            client.budget.map(default_value::<RawBudget>);
            client.throttle.map(default_value::<RawThrottle>);
            let spans = [client.connect, client.first_token, client.total].map(|d| default_value::<At<Span>>(d).value);
            assert!(spans[0] <= spans[1] && spans[1] <= spans[2], "{}", client.total.key);
            assert!(!client.on.provenance.is_empty());
        }
    }
}
