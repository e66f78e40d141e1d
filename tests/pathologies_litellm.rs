//! Pathologies of LiteLLM's strategies, each with a scenario in `scenarios/pathologies` and with settings under which it
//! does not show; the figures are in docs/routing.md, "Known pathologies".

mod common;

use common::shipped;
use geodes::random::Seed;
use geodes::routing::litellm::Why;
use geodes::routing::outcome::Outcome;
use geodes::routing::reason::Reason;
use geodes::scenario::model::{FaultWhen, Scenario};
use geodes::units::Time;
use geodes::world::Run;
use geodes::world::chronicle::Follow;
use geodes::world::story::{Ending, Story, What};

/// What is said holds for each of these seeds, so it is no accident of one.
const SEEDS: [u64; 3] = [1, 2, 3];

fn load(name: &str) -> Scenario {
    shipped(&format!("pathologies/{name}"))
}

/// What happened to every turn, in the order in which they were sent.
fn stories(s: &Scenario, topology: &str, seed: u64) -> Vec<Story> {
    let i = s.topologies.iter().position(|t| t.name == topology).unwrap_or_else(|| panic!("no {topology}"));
    let mut run = Run::following(s, i, Seed { seed, replication: 0 }, Follow::Everybody);
    run.advance_observed(&mut |_, _, _, _| ());
    let mut stories = run.take_stories();
    stories.sort_by_key(|story| story.number);
    stories
}

fn failed(story: &Story) -> bool {
    matches!(story.ending, Some(Ending::Failed { .. }))
}

/// One call: when it was sent and when it ended, to whom it went, and whether it was answered.
struct Call {
    sent: Time,
    ended: Time,
    deployment: usize,
    ok: bool,
}

fn calls(stories: &[Story]) -> Vec<Call> {
    let mut calls = Vec::new();
    for story in stories {
        for step in &story.steps {
            let What::Sent { attempt, deployment, .. } = step.what else { continue };
            let end = story.steps.iter().find_map(|s| match s.what {
                What::AttemptEnds { attempt: n, outcome, .. } if n == attempt => Some((s.at, outcome == Outcome::Ok)),
                _ => None,
            });
            let (ended, ok) = end.expect("every call has an end");
            calls.push(Call { sent: step.at, ended, deployment: deployment.ix(), ok });
        }
    }
    calls.sort_by_key(|c| c.sent);
    calls
}

/// From when to when the scenario's fault is in force.
fn fault(s: &Scenario, name: &str) -> (Time, Time) {
    let fault = s.faults.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no {name}"));
    let FaultWhen::At { at, lasts } = fault.when else { panic!("{name} has no fixed time") };
    let from = Time::ZERO + s.warmup + at;
    (from, from + lasts)
}

fn longest<T>(list: impl IntoIterator<Item = T>, mut goes_on: impl FnMut(&T, Option<&T>) -> bool) -> usize {
    let (mut longest, mut now) = (0, 0);
    let mut before = None;
    for x in list {
        now = if goes_on(&x, before.as_ref()) { now + 1 } else { 0 };
        longest = longest.max(now);
        before = Some(x);
    }
    longest
}

/// Latency-based routing calls the failing best deployment again until it cools down, which is when it has failed more
/// often than it has answered: users fail in a row while two healthy deployments are up.
#[test]
fn the_best_latency_is_called_again_while_it_fails() {
    let s = load("litellm-latency.toml");
    let (down, _) = fault(&s, "b is down");
    const B: usize = 1;
    for seed in SEEDS {
        let in_a_row = |topology: &str| {
            let stories = stories(&s, topology, seed);
            // the others never fail, so whoever fails need not have
            assert!(calls(&stories).iter().all(|c| c.ok || c.deployment == B && c.ended >= down), "{topology}");
            longest(&stories, |story, _| failed(story))
        };
        let (library, proxy) = (in_a_row("latency"), in_a_row("latency-proxy"));
        assert!(library >= 10, "seed {seed}: {library} users in a row");
        assert!(proxy > 2 * library, "seed {seed}: one failure of three counts: {proxy} users in a row, {library}");

        // the rule behind it: b cools down with the failure that makes failures more than answers
        let told = stories(&s, "latency", seed);
        let cools = told.iter().flat_map(|t| &t.steps).filter_map(|step| match step.what {
            What::Because(Reason::LiteLlm(Why::CooledDown { .. })) => Some(step.at),
            _ => None,
        });
        let cools = cools.min().expect("it does in the end");
        let ended = |ok| calls(&told).iter().filter(|c| c.deployment == B && c.ended <= cools && c.ok == ok).count();
        assert_eq!(ended(false), ended(true) + 1, "seed {seed}");

        let lost = |topology: &str| stories(&s, topology, seed).iter().filter(|t| failed(t)).count();
        assert_eq!(lost("one-failure"), 0, "the second failure in five seconds is one of the same request");
        assert!(lost("one-failure-proxy") <= 6, "a user per second that it takes to fail twice");
        assert_eq!(lost("fallback-proxy"), 0, "a group without b");
        assert!(in_a_row("shuffle") <= 2 && lost("shuffle") <= 4);
    }
}

/// Least-busy routing sends traffic to what fails fast, and retries with it.
#[test]
fn the_least_busy_is_who_fails_fast() {
    let s = load("litellm-least-busy.toml");
    let (down, up) = fault(&s, "b is down");
    let (grey, better) = fault(&s, "b fails 45 %");
    const B: usize = 1;
    for seed in SEEDS {
        // b's share of the calls, and the share of users who fail
        let of = |topology: &str, from: Time, to: Time| {
            let stories = stories(&s, topology, seed);
            let sent = || calls(&stories).into_iter().filter(|c| (from..to).contains(&c.sent));
            let users: Vec<&Story> = stories.iter().filter(|t| (from..to).contains(&t.sent)).collect();
            let share = sent().filter(|c| c.deployment == B).count() as f64 / sent().count() as f64;
            (share, users.iter().filter(|t| failed(t)).count() as f64 / users.len() as f64)
        };
        let (share, lost) = of("least-busy-no-cooldown", down, up);
        assert!(share > 0.85 && lost > 0.7, "seed {seed}: {share}, {lost}");
        let (chance, lost_by_chance) = of("shuffle-no-cooldown", down, up);
        // a third, and a third of the third
        assert!((0.28..0.38).contains(&chance) && lost_by_chance < 0.06, "seed {seed}: {chance}, {lost_by_chance}");
        // failing less than half of its calls, it gets more than its third, and nothing keeps it from that
        let (share, _) = of("least-busy-no-cooldown", grey, better);
        let (chance, _) = of("shuffle-no-cooldown", grey, better);
        assert!(share > 0.42 && chance < 0.38, "seed {seed}: {share}, {chance}");
        // the usual cool-downs lose those who come between them, and more than chance does
        let lost = |topology: &str| of(topology, down, up).1;
        assert!((0.02..0.1).contains(&lost("least-busy")) && lost("shuffle") < 0.01, "seed {seed}");
        assert_eq!(lost("least-busy-strict"), 0.0, "seed {seed}: the second failure of a request is the last of b");
    }
}

/// Usage-based routing counts tokens when the answer is there, so all that arrives before goes to one deployment.
#[test]
fn the_fewest_tokens_are_where_everybody_goes() {
    let s = load("litellm-usage.toml");
    for seed in SEEDS {
        let of = |topology: &str| stories(&s, topology, seed);
        // calls to one deployment without a call to another in between
        let herd = |stories: &[Story]| {
            longest(calls(stories), |c, before| before.is_some_and(|b| b.deployment == c.deployment)) + 1
        };
        let p95 = |stories: &[Story]| {
            let mut ttft: Vec<f64> = stories
                .iter()
                .filter_map(|t| match t.ending {
                    Some(Ending::Served { ttft, .. }) => Some(ttft.as_secs_f64()),
                    _ => None,
                })
                .collect();
            ttft.sort_by(f64::total_cmp);
            ttft[ttft.len() * 95 / 100]
        };
        let (usage, shuffle, least_busy) = (of("usage"), of("shuffle"), of("least-busy"));
        // over ten minutes all three have their share
        for d in 0..3 {
            let share = calls(&usage).iter().filter(|c| c.deployment == d).count() as f64 / usage.len() as f64;
            assert!((0.28..0.39).contains(&share), "seed {seed}: {share}");
        }
        assert!(herd(&usage) > 40, "seed {seed}: a herd of {} for 40 places", herd(&usage));
        assert!(herd(&shuffle) < 14 && herd(&least_busy) < 14, "{} {}", herd(&shuffle), herd(&least_busy));
        // an answer takes 7.5 s to 12.5 s
        assert!(p95(&usage) > 17.0, "seed {seed}: {}", p95(&usage));
        assert!(p95(&shuffle) < 12.5 && p95(&least_busy) < 12.5, "{} {}", p95(&shuffle), p95(&least_busy));
        // a bound on the calls in flight makes refusals of the waiting
        let bounded = of("usage-bounded");
        let refused = bounded.iter().filter(|t| failed(t)).count() as f64 / bounded.len() as f64;
        assert!(refused > 0.15, "seed {seed}: {refused}");
        assert!(shuffle.iter().chain(&least_busy).chain(&usage).all(|t| !failed(t)));
        // streams leave no tokens behind: what is left of the strategy is chance
        let mut streamed = s.clone();
        streamed.workloads[0].streamed = true;
        let usage = stories(&streamed, "usage", seed);
        assert!(herd(&usage) < 14, "seed {seed}: a herd of {}", herd(&usage));
        assert!(p95(&usage) < 0.8, "seed {seed}: {}", p95(&usage));
    }
}
