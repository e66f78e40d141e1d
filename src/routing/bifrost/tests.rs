//! The documentation's rules and scenarios as worked examples, and what holds for every configuration.

use super::config::MAX_LIST;
use super::{Command, Config, ConfigError, End, Out, Provider, ProviderKey, Router, VirtualKey, Why};
use crate::routing::balance::tests::Tape;
use crate::routing::outcome::{ErrorClass, Observation, Outcome};
use crate::routing::reason::{Reason, Silent};
use crate::units::{DeploymentIx, Span, Time};

fn key(d: usize) -> ProviderKey {
    ProviderKey { deployment: DeploymentIx::new(d), weight: 1.0, degraded: false }
}

/// A provider with retries whose keys are these deployments.
fn provider(name: &str, deployments: &[usize], max_retries: u32) -> Provider {
    Provider { max_retries, ..Provider::new(name, deployments.iter().map(|d| key(*d)).collect()) }
}

fn config(providers: Vec<Provider>, weights: &[(usize, f64)], fallbacks: Option<&[usize]>) -> Config {
    let virtual_key = VirtualKey { weights: weights.to_vec(), fallbacks: fallbacks.map(<[usize]>::to_vec) };
    Config { providers, virtual_keys: vec![virtual_key] }
}

fn router(config: Config) -> Router {
    Router::new(config).unwrap_or_else(|e| panic!("{e}"))
}

/// When it called whom, in milliseconds, and how it ended.
type Played = (Vec<(u64, usize)>, Option<End>);

/// One request whose calls take no time; `answers` is told the number of the call and whom it goes to.
fn play(router: &mut Router, draws: &[f64], answers: &dyn Fn(usize, usize) -> Option<ErrorClass>) -> Played {
    let mut entropy = Tape(draws.to_vec());
    let (mut now, mut calls) = (Time::ZERO, Vec::new());
    let (mut journey, mut command) = router.on_request(now, 0, &mut entropy, &mut Silent);
    loop {
        command = match command {
            Command::Attempt { deployment, .. } => {
                let failed = |class| Observation::failed(now, class, None);
                let fine = Observation { outcome: Outcome::Ok, ..failed(ErrorClass::Timeout) };
                let seen = answers(calls.len(), deployment.ix()).map_or(fine, failed);
                calls.push((now.since(Time::ZERO).nanos() / 1_000_000, deployment.ix()));
                router.on_outcome(now, &mut journey, &seen, &mut entropy, &mut Silent)
            }
            Command::Wait { until } => {
                assert!(until > now, "no pause goes back");
                now = until;
                router.on_timeout(now, &mut journey, &mut entropy, &mut Silent)
            }
            Command::Succeed => return (calls, None),
            Command::Fail { end } => return (calls, Some(end)),
        };
    }
}

fn order(played: &Played) -> Vec<usize> {
    played.0.iter().map(|c| c.1).collect()
}

/// "Backoff formula": 500 ms, 1 s, 2 s, 4 s, 5 s, 5 s with a factor between 0.8 and 1.2; the same key after 5xx.
#[test]
fn bifrost_retries_the_same_key_after_server_errors() {
    let mut r = router(config(vec![provider("p", &[0, 1], 6)], &[(0, 1.0)], None));
    let at = |u: f64, r: &mut Router| {
        let (calls, end) = play(r, &[0.0, u, u, u, u, u, u], &|_, _| Some(ErrorClass::Unavailable));
        assert_eq!(end, Some(End::Call(ErrorClass::Unavailable)));
        assert!(calls.iter().all(|c| c.1 == 0), "the same key");
        calls.iter().map(|c| c.0).collect::<Vec<_>>()
    };
    assert_eq!(at(0.5, &mut r), [0, 500, 1500, 3500, 7500, 12_500, 17_500]);
    assert_eq!(at(0.0, &mut r)[1..3], [400, 1200]);
    let none = play(&mut router(config(vec![provider("p", &[0], 0)], &[(0, 1.0)], None)), &[], &|_, _| {
        Some(ErrorClass::ConnectionFailed)
    });
    assert_eq!(order(&none), [0], "no retries by default");
}

/// "What triggers a retry", row by row, with two keys and one retry.
#[test]
fn bifrost_what_triggers_a_retry() {
    let run = |class| {
        let mut r = router(config(vec![provider("p", &[0, 1], 1)], &[(0, 1.0)], None));
        play(&mut r, &[0.0, 0.5], &|i, _| (i == 0).then_some(class)).0
    };
    let (same, other, at_once, none) =
        (vec![(0, 0), (500, 0)], vec![(0, 0), (500, 1)], vec![(0, 0), (0, 1)], vec![(0, 0)]);
    for class in ErrorClass::ALL {
        let expected = match class.name() {
            "500" | "502" | "503" | "504" | "connection" => &same,
            "429" | "quota_exhausted" => &other,
            "401" | "402" | "403" => &at_once,
            _ => &none,
        };
        assert_eq!(run(class), *expected, "{}", class.name());
    }
}

/// "Key rotation": with 3 keys and 5 retries a 429 goes twice through all keys; dead keys never come back.
#[test]
fn bifrost_key_rotation() {
    let three = || router(config(vec![provider("p", &[0, 1, 2], 5)], &[(0, 1.0)], None));
    // a draw for the key, one for the pause; the last key of a round is not drawn
    let draws = [0.0, 0.5, 0.0, 0.5, 0.5, 0.99, 0.5, 0.0, 0.5];
    let limited = play(&mut three(), &draws, &|_, _| Some(ErrorClass::RateLimited));
    assert_eq!(order(&limited), [0, 1, 2, 2, 0, 1], "every key once, then all of them again");
    assert_eq!(limited.1, Some(End::Call(ErrorClass::RateLimited)));
    // 0 is dead, 1 and 2 take turns
    let mixed = play(&mut three(), &[0.0, 0.0, 0.5, 0.5, 0.0, 0.5, 0.5, 0.0], &|_, d| {
        Some(if d == 0 { ErrorClass::Unauthorized } else { ErrorClass::RateLimited })
    });
    assert_eq!(order(&mixed), [0, 1, 2, 1, 2, 1]);
    let dead = play(&mut three(), &[0.0, 0.0], &|_, _| Some(ErrorClass::Forbidden));
    assert_eq!((order(&dead), dead.1), (vec![0, 1, 2], Some(End::NoCredentials)));
    assert!(dead.0.iter().all(|c| c.0 == 0), "no pause");
    let single = play(&mut router(config(vec![provider("p", &[0], 5)], &[(0, 1.0)], None)), &[], &|_, _| {
        Some(ErrorClass::Unauthorized)
    });
    assert_eq!((order(&single), single.1), (vec![0], Some(End::NoCredentials)));
}

/// The diagram of the documentation: 401, 429, 503, 503 at the primary with three retries; 500 and then success at the first
/// fallback.
#[test]
fn bifrost_retries_and_fallbacks_work_together() {
    let providers =
        vec![provider("primary", &[0, 1, 2], 3), provider("fallback", &[3], 3), provider("second", &[4], 3)];
    let mut r = router(config(providers, &[(0, 1.0)], Some(&[1, 2])));
    let answers = |i: usize, _: usize| {
        use ErrorClass::{InternalError, RateLimited, Unauthorized, Unavailable};
        [Some(Unauthorized), Some(RateLimited), Some(Unavailable), Some(Unavailable), Some(InternalError), None][i]
    };
    // keys 0 and 1 are drawn, 2 is the only one left; pauses in their middle: 1 s for the second retry, 2 s for the third
    let p = play(&mut r, &[0.0, 0.0, 0.5, 0.5, 0.5], &answers);
    assert_eq!(p, (vec![(0, 0), (0, 1), (1000, 2), (3000, 2), (3000, 3), (3500, 3)], None));
    // "up to 12 total attempts", and the primary's error
    let draws = [0.0].repeat(30);
    let all =
        play(&mut r, &draws, &|_, d| Some(if d < 3 { ErrorClass::Unavailable } else { ErrorClass::InternalError }));
    assert_eq!((all.0.len(), all.1), (12, Some(End::Call(ErrorClass::Unavailable))));
    // any error leads to the fallback, also one that no retry mends
    let bad = play(&mut r, &[0.0], &|_, d| (d < 3).then_some(ErrorClass::BadRequest));
    assert_eq!(order(&bad), [0, 3]);
}

/// `routing.mdx`: weights are normalised over the providers of the virtual key; fallbacks are the others, the heaviest first.
#[test]
fn bifrost_virtual_keys_balance_by_weight_and_fall_back_by_weight() {
    let providers = || vec![provider("openai", &[0], 0), provider("azure", &[1], 0), provider("other", &[2], 0)];
    let mut r = router(config(providers(), &[(0, 0.2), (1, 0.8), (2, 0.5)], None));
    let down = |_, _| Some(ErrorClass::Unavailable);
    assert_eq!(order(&play(&mut r, &[0.13], &down)), [0, 1, 2], "0.2 of 1.5");
    assert_eq!(order(&play(&mut r, &[0.14], &down)), [1, 2, 0]);
    assert_eq!(order(&play(&mut r, &[0.67], &down)), [2, 1, 0]);
    assert_eq!(r.reach(0).0.len(), 3);
    let mut one = router(config(providers(), &[(0, 0.2), (1, 0.0)], None));
    assert_eq!(order(&play(&mut one, &[], &down)), [0, 1], "a weight of 0 is for fallbacks only");
    assert_eq!(one.reach(0), (vec![DeploymentIx(0), DeploymentIx(1)], vec![DeploymentIx(0)]));
}

#[test]
fn an_answer_that_breaks_off_is_final() {
    let mut r = router(config(vec![provider("p", &[0, 1], 3)], &[(0, 1.0)], None));
    let mut draws = Tape(vec![0.0]);
    let (mut journey, _) = r.on_request(Time::ZERO, 0, &mut draws, &mut Silent);
    let first_token = Some(Time::ZERO);
    let broken = Observation { first_token, ..Observation::failed(Time::ZERO, ErrorClass::ConnectionFailed, None) };
    let command = r.on_outcome(Time::ZERO, &mut journey, &broken, &mut draws, &mut Silent);
    assert_eq!(command, Command::Fail { end: End::Call(ErrorClass::ConnectionFailed) });
}

#[test]
fn what_could_never_serve_is_refused() {
    let refused = |c: Config| Router::new(c).map(|_| ()).unwrap_err();
    let p = || provider("p", &[0], 0);
    let name = || "p".to_owned();
    let with = |p: Provider| config(vec![p], &[(0, 1.0)], None);
    assert_eq!(refused(config(vec![], &[], None)), ConfigError::Providers(0));
    assert_eq!(refused(config(vec![p(); MAX_LIST + 1], &[(0, 1.0)], None)), ConfigError::Providers(MAX_LIST + 1));
    assert_eq!(refused(with(Provider { keys: vec![], ..p() })), ConfigError::Keys(name()));
    let weightless = vec![ProviderKey { weight: 0.0, ..key(0) }];
    assert_eq!(refused(with(Provider { keys: weightless, ..p() })), ConfigError::KeyWeights(name()));
    assert_eq!(refused(with(Provider { max_retries: 101, ..p() })), ConfigError::Retries(name()));
    assert_eq!(
        refused(with(Provider { retry_backoff_initial: Span::from_secs(6), ..p() })),
        ConfigError::Backoff(name())
    );
    assert_eq!(refused(with(Provider { request_timeout: Span::ZERO, ..p() })), ConfigError::NoTime(name()));
    for weights in [&[][..], &[(0, 0.0)], &[(0, -1.0), (1, 2.0)], &[(2, 1.0)], &[(0, 1.0), (0, 1.0)]] {
        assert_eq!(refused(config(vec![p(), p()], weights, None)), ConfigError::Weights(0), "{weights:?}");
    }
    for list in [&[][..], &[0], &[1, 1], &[2]] {
        assert_eq!(refused(config(vec![p(), p()], &[(0, 1.0)], Some(list))), ConfigError::Fallbacks(0), "{list:?}");
    }
}

/// Every request ends, with at most `max_retries` + 1 calls of each provider that it may use.
#[test]
fn every_request_ends_within_its_budget() {
    let mut seed = 11_u64;
    let mut next = move || {
        // a linear congruential generator (Knuth, MMIX): which configurations are drawn does not matter
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let (mut calls, mut ends) = (0, [0; 3]);
    for _ in 0..2000 {
        let n = 1 + next() % 4;
        let providers: Vec<Provider> = (0..n)
            .map(|p| {
                provider(
                    &format!("p{p}"),
                    &(0..1 + next() % 4).map(|k| 10 * p + k).collect::<Vec<_>>(),
                    next() as u32 % 6,
                )
            })
            .collect();
        let weights: Vec<(usize, f64)> =
            (0..n).map(|p| (p, (p == 0 || next().is_multiple_of(2)) as u8 as f64)).collect();
        let budget: Vec<usize> = providers.iter().map(|p| p.max_retries as usize + 1).collect();
        let mut r = router(config(providers, &weights, None));
        let draws: Vec<f64> = (0..200).map(|_| (next() % 1000) as f64 / 1000.0).collect();
        let failing: Vec<usize> = (0..40).map(|_| next()).collect();
        let p = play(&mut r, &draws, &|i, d| match failing[i] % 5 {
            0 => None,
            _ => Some(ErrorClass::ALL[(failing[i] / 5 + d) % ErrorClass::ALL.len()]),
        });
        let reach = r.reach(0).0;
        for (provider, most) in budget.iter().enumerate() {
            let made = p.0.iter().filter(|(_, d)| d / 10 == provider).count();
            assert!(made <= *most, "{made} calls of {most}");
        }
        assert!(p.0.iter().all(|(_, d)| reach.contains(&DeploymentIx::new(*d))));
        calls += p.0.len();
        ends[match p.1 {
            None => 0,
            Some(End::Call(_)) => 1,
            Some(End::NoCredentials) => 2,
        }] += 1;
    }
    assert!(calls > 4000 && ends.iter().all(|n| *n > 20), "{calls} {ends:?}");
}

#[test]
fn reasons_tell_of_keys_and_providers() {
    let providers = vec![provider("p", &[0, 1], 1), provider("q", &[2], 0)];
    let mut r = router(config(providers, &[(0, 1.0)], Some(&[1])));
    let mut draws = Tape(vec![0.0]);
    let mut reasons: Vec<Reason> = Vec::new();
    let (mut journey, _) = r.on_request(Time::ZERO, 0, &mut draws, &mut reasons);
    for class in [ErrorClass::Unauthorized, ErrorClass::Forbidden, ErrorClass::Unavailable] {
        let failed = Observation::failed(Time::ZERO, class, None);
        r.on_outcome(Time::ZERO, &mut journey, &failed, &mut draws, &mut reasons);
    }
    let told: Vec<Why> = reasons
        .iter()
        .map(|r| match r {
            Reason::Bifrost(why) => *why,
            other => panic!("{other:?}"),
        })
        .collect();
    let [a, b, c] = [0, 1, 2].map(DeploymentIx);
    let key = |deployment, chance, out| Why::Key { deployment, weight: 1.0, chance, out };
    assert_eq!(
        told,
        [
            Why::Weight { provider: 0, share: 1.0 },
            Why::Provider { provider: 0 },
            key(a, 0.5, None),
            key(b, 0.5, None),
            Why::Called { deployment: a, rotated: false },
            Why::DeadKey { deployment: a },
            key(a, 0.0, Some(Out::Dead)),
            key(b, 1.0, None),
            Why::Called { deployment: b, rotated: true },
            Why::DeadKey { deployment: b },
            Why::NoCredentials,
            Why::FellBack { provider: 1 },
            key(c, 1.0, None),
            Why::Called { deployment: c, rotated: false },
            Why::RetriesUsed,
            Why::PrimaryFailure,
        ]
    );
}
