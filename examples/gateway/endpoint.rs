//! Endpoints in memory that talk like HTTP: a connection, a status line, a streamed body, an error in mid-stream, or
//! silence. Each has a script of what goes wrong with it and when.

use geodes::routing::limits::{Ask, Limiter, LimiterConfig, Usage};
use geodes::units::{Money, Span, Time};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

/// How an endpoint behaves. Times of windows count from the gateway's start.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Network round trip from the gateway.
    pub rtt: Duration,
    /// From the request to the first token.
    pub first_token: Duration,
    /// From one token to the next.
    pub per_token: Duration,
    /// Answers `down_status`, and breaks off the answers that it is writing when the window begins.
    pub down: Vec<(Duration, Duration)>,
    /// What it answers while it is down: 503, or 401 for a key that was revoked.
    pub down_status: u16,
    /// Answers nothing at all, and resets its connections when the window begins.
    pub silent: Vec<(Duration, Duration)>,
    /// Is slower by this factor.
    pub slow: Vec<(Duration, Duration, f64)>,
    /// What it lets through; the rest is answered with 429.
    pub quota: Option<LimiterConfig>,
}

/// What a client sends.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest {
    /// Tokens of the prompt.
    pub prompt: u32,
    /// `max_tokens`.
    pub max_output: u32,
    /// Tokens that the model will write.
    pub output: u32,
    /// Whether the answer is streamed.
    pub streams: bool,
}

/// What a client hears over its connection.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Heard {
    /// The endpoint has accepted the connection.
    Connected,
    /// Status line and headers of a refusal; nothing follows.
    Refused {
        /// The status.
        status: u16,
        /// The Retry-After header.
        retry_after: Option<Duration>,
    },
    /// The first piece of a streamed body.
    FirstToken,
    /// The end of the body: the answer is complete.
    End,
    /// An error event in mid-stream instead of the rest; nothing follows.
    Broken {
        /// The status that it names.
        status: u16,
    },
    /// The connection was reset.
    Reset,
}

/// One endpoint.
#[derive(Clone)]
pub struct Endpoint {
    behaviour: Arc<Behaviour>,
    quota: Option<Arc<Mutex<Limiter>>>,
    origin: Instant,
}

/// A connection with one request on it. To drop it is to close it.
pub struct Connection {
    wire: mpsc::UnboundedReceiver<(Instant, Heard)>,
    /// On its way to the client.
    coming: Option<(Instant, Heard)>,
}

impl Connection {
    /// What the client hears next; for ever silent when nothing comes any more. Nothing is lost if the future is dropped.
    pub async fn hear(&mut self) -> Heard {
        if self.coming.is_none() {
            match self.wire.recv().await {
                Some(next) => self.coming = Some(next),
                None => std::future::pending().await,
            }
        }
        let (due, heard) = self.coming.expect("it has just been looked at");
        sleep_until(due).await;
        self.coming = None;
        heard
    }
}

impl Endpoint {
    /// An idle endpoint.
    pub fn new(behaviour: Behaviour, origin: Instant) -> Endpoint {
        let quota = behaviour.quota.as_ref().map(|q| Arc::new(Mutex::new(Limiter::new(q, Time::ZERO, Span::ZERO))));
        Endpoint { behaviour: Arc::new(behaviour), quota, origin }
    }

    /// Sends a request; the endpoint works on it as a task of its own.
    pub fn call(&self, request: HttpRequest) -> Connection {
        let (tx, wire) = mpsc::unbounded_channel();
        let endpoint = self.clone();
        tokio::spawn(async move { endpoint.serve(request, tx).await });
        Connection { wire, coming: None }
    }

    async fn serve(self, request: HttpRequest, tx: mpsc::UnboundedSender<(Instant, Heard)>) {
        let half = self.behaviour.rtt / 2;
        let say = |heard: Heard| {
            let _ = tx.send((Instant::now() + half, heard)); // nobody listens any more: nothing to say
        };
        sleep(half).await;
        if self.within(&self.behaviour.silent) {
            tx.closed().await; // no answer, until the client gives up
            return;
        }
        say(Heard::Connected);
        if self.within(&self.behaviour.down) {
            return say(Heard::Refused { status: self.behaviour.down_status, retry_after: None });
        }
        let ask = Ask { input: request.prompt, cached: 0, max_output: request.max_output };
        let granted = self.quota.as_ref().map(|q| q.lock().unwrap().admit(self.now(), &ask));
        let grant = match granted.transpose() {
            Ok(grant) => grant,
            Err(refused) => {
                let retry_after = refused.retry_after.map(|s| Duration::from_nanos(s.nanos()));
                let status = refused.class.status().expect("limits refuse with a status");
                return say(Heard::Refused { status, retry_after });
            }
        };
        let slower = self.slower();
        let first = Instant::now() + self.behaviour.first_token.mul_f64(slower);
        let rest = self.behaviour.per_token.mul_f64(slower) * request.output.saturating_sub(1);
        let breaks =
            self.next(&self.behaviour.down).map(|at| (at, Heard::Broken { status: self.behaviour.down_status }));
        let resets = self.next(&self.behaviour.silent).map(|at| (at, Heard::Reset));
        let end = breaks.into_iter().chain(resets).min_by_key(|(at, _)| *at).filter(|(at, _)| *at < first + rest);
        let (until, last) = end.unwrap_or((first + rest, Heard::End));
        let writes = async {
            if request.streams && first <= until {
                sleep_until(first).await;
                say(Heard::FirstToken);
            }
            sleep_until(until).await;
            say(last);
        };
        tokio::select! {
            biased;
            () = writes => {}
            () = tx.closed() => sleep(half).await, // the news travels
        }
        if let (Some(quota), Some(grant)) = (&self.quota, grant) {
            let written = if Instant::now() < first { 0 } else { request.output };
            let usage = Usage { input: request.prompt, cached: 0, output: written, cost: Money::ZERO };
            quota.lock().unwrap().settle(self.now(), grant, &usage);
        }
    }

    fn now(&self) -> Time {
        Time(self.origin.elapsed().as_nanos() as u64)
    }

    fn within(&self, windows: &[(Duration, Duration)]) -> bool {
        let now = self.origin.elapsed();
        windows.iter().any(|(from, to)| (*from..*to).contains(&now))
    }

    /// When the next of the windows begins.
    fn next(&self, windows: &[(Duration, Duration)]) -> Option<Instant> {
        let now = self.origin.elapsed();
        windows.iter().map(|w| w.0).filter(|from| *from > now).min().map(|from| self.origin + from)
    }

    fn slower(&self) -> f64 {
        let now = self.origin.elapsed();
        let of = self.behaviour.slow.iter().filter(|(from, to, _)| (*from..*to).contains(&now));
        of.map(|(_, _, factor)| *factor).product()
    }
}
