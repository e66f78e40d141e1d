//! The simple policies, each by its own rule. Other algorithms use [`choice`] for their worked examples.

use super::*;
use crate::routing::balance::Member;
use crate::routing::reason::Silent;
use crate::units::{DeploymentIx, Span};

/// Replays recorded uniforms.
pub(in crate::routing) struct Tape(pub Vec<f64>);

impl Entropy for Tape {
    fn uniform(&mut self) -> f64 {
        self.0.remove(0)
    }
}

/// A member at that position of the list.
pub(in crate::routing) fn member(position: u16, weight: f64, ms: u64) -> Member {
    Member {
        deployment: DeploymentIx(position),
        weight,
        distance: Span::from_millis(ms),
        key: u64::from(position),
        price: 1e-6,
        priority: 0,
        locality: 0,
    }
}

/// A state with so many calls in flight.
pub(in crate::routing) fn state(standing: Standing, in_flight: u32) -> MemberState {
    MemberState { standing, in_flight, tried: standing == Standing::Tried, report: None }
}

/// A request without anything special.
pub(in crate::routing) const REQUEST: Request<'static> =
    Request { streams: true, input_tokens: 100, max_output: Some(500), affinity: 7, blocks: &[] };

/// One choice, which is sent.
pub(in crate::routing) fn choice<B: Balance>(
    balancer: &mut B,
    members: &[Member],
    states: &[MemberState],
    tape: &[f64],
) -> Option<usize> {
    let view = View { now: Time::ZERO, request: &REQUEST, members, states };
    let chosen = balancer.pick(&view, &mut Tape(tape.to_vec()), &mut Silent)?;
    balancer.on_sent(view.now, chosen, &REQUEST);
    Some(chosen)
}

fn members() -> [Member; 3] {
    [member(0, 1.0, 90), member(1, 2.0, 5), member(2, 7.0, 150)]
}

fn states() -> [MemberState; 3] {
    [3, 2, 2].map(|n| state(Standing::Usable, n))
}

#[test]
fn every_policy_picks_by_its_own_rule() {
    let picked = |choose, tape: &[f64]| {
        choice(&mut Balancer::new(choose, &members(), &[]), &members(), &states(), tape).unwrap()
    };
    assert_eq!(picked(Choose::Nearest, &[]), 1);
    assert_eq!(picked(Choose::InOrder, &[]), 0);
    assert_eq!(picked(Choose::LeastBusy, &[]), 1);
    assert_eq!([0.05, 0.15, 0.35, 0.99].map(|u| picked(Choose::Weighted, &[u])), [0, 1, 2, 2]);
    let mut turns = Balancer::new(Choose::RoundRobin, &members(), &[]);
    assert_eq!([(); 4].map(|()| choice(&mut turns, &members(), &states(), &[]).unwrap()), [0, 1, 2, 0]);
}

#[test]
fn round_robin_skips_what_is_out_and_zero_weights_are_spares() {
    let mut states = states();
    for standing in [Standing::Out, Standing::Tried, Standing::Illegal] {
        states[1].standing = standing;
        let mut turns = Balancer::new(Choose::RoundRobin, &members(), &[]);
        assert_eq!([(); 3].map(|()| choice(&mut turns, &members(), &states, &[]).unwrap()), [0, 2, 2]);
    }
    let spares = [member(0, 0.0, 1), member(1, 9.0, 1), member(2, 0.0, 1)];
    assert_eq!(choice(&mut Weighted, &spares, &states, &[0.5]), Some(2));
    let nobody = [state(Standing::Out, 0); 3];
    for choose in [Choose::Nearest, Choose::InOrder, Choose::Weighted, Choose::RoundRobin, Choose::LeastBusy] {
        assert_eq!(choice(&mut Balancer::new(choose, &members(), &[]), &members(), &nobody, &[]), None);
    }
}
