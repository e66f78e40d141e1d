//! Why LiteLLM's router decided as it did, as data for a [`ReasonSink`].

use super::config::Strategy;
use super::failure::Failure;
use crate::routing::reason::{Figure, Reason, ReasonSink};
use crate::units::{DeploymentIx, Span, Time};

/// One step of a decision.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Why {
    /// A deployment was left out before the strategy was asked.
    Excluded {
        /// Which.
        deployment: DeploymentIx,
        /// By which filter.
        by: Filter,
    },
    /// The strategy left a deployment out: its tokens or requests of this minute are at their limit.
    AtLimit {
        /// Which.
        deployment: DeploymentIx,
    },
    /// The strategy that chooses among those that are left.
    Strategy(Strategy),
    /// The minute for which usage is counted now.
    Minute {
        /// Of local time, not of UTC.
        local: bool,
        /// How long ago it began.
        elapsed: Span,
    },
    /// Tokens of this minute, before it is known who is tied for the fewest.
    Usage {
        /// Which.
        deployment: DeploymentIx,
        /// Tokens.
        tokens: u64,
    },
    /// A deployment among which the strategy chose, in the order in which it was looked at.
    Candidate {
        /// Which.
        deployment: DeploymentIx,
        /// What the strategy goes by.
        score: Figure,
    },
    /// Latency-based routing left a deployment out: its score lies above the lowest by more than the buffer.
    Slower {
        /// Which.
        deployment: DeploymentIx,
        /// Its latency.
        score: Figure,
    },
    /// What else is known of a deployment that was told of before.
    Known {
        /// Which.
        deployment: DeploymentIx,
        /// The figure.
        figure: Figure,
    },
    /// The order of the map of latencies was shuffled; its entries in their order before that.
    Shuffled {
        /// Which.
        deployment: DeploymentIx,
    },
    /// The strategy's choice.
    Picked {
        /// Which.
        deployment: DeploymentIx,
    },
    /// A pick or a call failed.
    Failed {
        /// How.
        failure: Failure,
    },
    /// A deployment was taken out of service.
    CooledDown {
        /// Which.
        deployment: DeploymentIx,
        /// Status of the failure.
        status: u16,
        /// For how long.
        time: Span,
    },
    /// A pause before a retry; zero when another deployment is healthy. It is also made after the last one.
    RetryPause {
        /// How long, in seconds.
        seconds: f64,
    },
    /// The failure is not one that is tried again.
    NotRetried,
    /// A fallback is tried.
    Hop {
        /// How deep, counted over the whole request.
        depth: u32,
        /// Which mechanism led here.
        by: Mechanism,
    },
    /// Fallbacks end here because the request is as deep as it may go.
    TooDeep,
    /// An answer counts as slow from here on: a time-out puts this many seconds into the latencies.
    Penalty {
        /// Which.
        deployment: DeploymentIx,
        /// Seconds.
        seconds: f64,
    },
    /// The pause ends then.
    Until(Time),
}

/// A filter, in the order in which they apply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// It belongs to another team.
    Team,
    /// It has no web search.
    WebSearch,
    /// Background health checks found it unhealthy.
    Health,
    /// It cools down.
    CoolingDown {
        /// Until when.
        until: Time,
        /// Since when.
        since: Time,
        /// Status of the failure that it is for.
        status: u16,
    },
    /// It is blocked.
    Blocked,
    /// Its provider, itself or a tag has spent its budget.
    Budget,
    /// The prompt is longer than its context window.
    ContextWindow,
    /// Pre-call check of requests per minute.
    Rpm,
    /// It is not in the region that the request allows.
    Region,
    /// It has no `response_format`.
    ResponseFormat,
    /// Its tags do not fit.
    Tags,
    /// Another order is preferred.
    Order,
    /// Weighted failover: it has failed this request.
    FailedOver,
    /// It has refused this request with a status that no retry changes.
    RefusedBefore,
}

/// What leads a request to its next model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mechanism {
    /// A higher `order` of the same model, or what follows in the same list.
    Order,
    /// Another deployment of the same model.
    WeightedFailover,
    /// The request's own list.
    List,
    /// `context_window_fallbacks`.
    ContextWindow,
    /// `content_policy_fallbacks`.
    ContentPolicy,
    /// `fallbacks`.
    General,
}

/// A sink for these reasons.
pub(super) trait Explain: ReasonSink {
    /// Takes one reason.
    fn why(&mut self, why: Why);
    /// Takes a figure of a deployment that was told of before.
    #[inline]
    fn known(&mut self, d: u16, figure: impl FnOnce() -> Figure) {
        self.why_if(|| Why::Known { deployment: DeploymentIx(d), figure: figure() });
    }
    /// Takes tokens and requests against their limits, of a deployment that is at one of them or not.
    fn usage(&mut self, d: u16, tokens: (u64, u64), requests: (u64, u64)) {
        let figure = |what, (n, limit): (u64, u64)| {
            let figure = Figure::new(what, n as f64);
            if limit == u64::MAX { figure } else { figure.of(limit as f64) }
        };
        self.known(d, || figure("tokens of this minute, the prompt included", tokens));
        self.known(d, || figure("requests of this minute, this one included", requests));
    }
    /// Takes one reason that is only made when somebody listens.
    #[inline]
    fn why_if(&mut self, why: impl FnOnce() -> Why) {
        if self.on() {
            self.why(why());
        }
    }
}

impl<S: ReasonSink> Explain for S {
    #[inline]
    fn why(&mut self, why: Why) {
        if self.on() {
            self.push(Reason::LiteLlm(why));
        }
    }
}
