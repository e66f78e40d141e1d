//! Selective pushing: a request goes to a member that has room, near ones first; if nobody has, it waits at the gateway.
//!
//! Source: SkyWalker (Xia et al., EuroSys 2026, arXiv 2505.24095): a balancer in each region pushes only to replicas
//! without pending requests, keeps the others in its own queue, and hands requests to other regions when its own replicas are
//! full; among replicas with room the one with the longest cached prefix is taken. Here: members at the shortest distance are
//! the gateway's own, the others are asked in order of distance; room is what the last report says (nothing waits and not
//! all is in use) less the gateway's own calls since. How much room that is follows from how many requests use which part;
//! a member that reports nothing in use tells nothing of its size and has room for any number until its next report. ASSUMPTION: equals go to the fewest calls in flight. The paper's balancers hand over to each other; here a
//! gateway calls the distant member itself. A waiting request asks again after `refresh`, for at most
//! `max_wait`; then the next pool of the chain is tried. One that comes meanwhile may find room before it.

use super::inference::prefix::{self, LRU_BLOCKS, PrefixIndex};
use super::{Balance, LoadReport, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::{Figure, Reason, ReasonSink};
use crate::routing::request::Request;
use crate::units::{Span, Time};
use std::collections::VecDeque;

/// Parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelectivePushConfig {
    /// How often members are asked for a report, and waiting requests ask again; positive.
    pub refresh: Span,
    /// Longest wait at the gateway.
    pub max_wait: Span,
    /// Whether members farther than the nearest may be called.
    pub cross_region: bool,
    /// Blocks that the prefix index remembers per member; at least 1.
    pub lru_blocks: u32,
}

impl SelectivePushConfig {
    /// Reports every 50 ms as of an endpoint picker, and half a minute of patience.
    pub const EXAMPLE: SelectivePushConfig = SelectivePushConfig {
        refresh: Span::from_millis(50),
        max_wait: Span::from_secs(30),
        cross_region: true,
        lru_blocks: LRU_BLOCKS,
    };
}

/// The balancer.
#[derive(Clone, Debug)]
pub struct SelectivePush {
    config: SelectivePushConfig,
    prefixes: Vec<PrefixIndex>,
    /// Per member: when calls were sent there that its last report may not know of.
    sent: Vec<VecDeque<Time>>,
}

/// Calls that are remembered per member until a report knows of them.
const MOST_UNREPORTED: usize = 1024;

/// How many more requests fit, as far as a report tells: what is in use and how many use it.
fn spare(report: &LoadReport) -> u64 {
    let (running, used) = (u64::from(report.running), u64::from(report.utilisation));
    if report.waiting > 0 || used >= 10_000 {
        0
    } else if used == 0 {
        u64::MAX // nothing says how large it is
    } else {
        (2 * running * (10_000 - used) + used) / (2 * used)
    }
}

impl SelectivePush {
    /// For a pool of so many members.
    pub fn new(config: SelectivePushConfig, members: usize) -> SelectivePush {
        SelectivePush {
            config,
            prefixes: (0..members).map(|_| PrefixIndex::new(config.lru_blocks)).collect(),
            sent: (0..members).map(|_| VecDeque::with_capacity(MOST_UNREPORTED)).collect(),
        }
    }
}

impl Balance for SelectivePush {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, reasons: &mut S) -> Option<usize> {
        let home = view.members.iter().map(|m| m.distance).min()?;
        for ((state, m), sent) in view.states.iter().zip(view.members).zip(&mut self.sent) {
            let half = Span(m.distance.nanos() / 2);
            while let (Some(r), Some(at)) = (&state.report, sent.front())
                && *at + half <= r.at
            {
                sent.pop_front();
            }
        }
        let unreported = |i: usize| self.sent[i].len() as u64;
        let has_room = |i: usize| view.states[i].report.as_ref().is_none_or(|r| unreported(i) < spare(r));
        if reasons.on() {
            for i in view.usable() {
                let (deployment, report) = (view.members[i].deployment, view.states[i].report);
                let age = report.map(|r| view.now.since(r.at));
                let mut say = |figure| reasons.push(Reason::Scored { deployment, figure });
                say(Figure::new("room (1) or none (0)", f64::from(u8::from(has_room(i)))).aged(age));
                if let Some(r) = report {
                    // who reports nothing in use does not tell how large it is
                    let spare = spare(&r);
                    if spare < u64::MAX {
                        say(Figure::new("places free in its last report", spare as f64).aged(age));
                    }
                    say(Figure::new("calls sent that the report cannot know of", unreported(i) as f64));
                }
                say(Figure::new("round trip in ms", view.members[i].distance.as_millis_f64()));
                say(prefix::figure(&self.prefixes[i], view.request.blocks));
            }
        }
        let may = |i: &usize| has_room(*i) && (self.config.cross_region || view.members[*i].distance == home);
        view.usable().filter(may).min_by_key(|i| {
            let matched = self.prefixes[*i].matched(view.request.blocks);
            (view.members[*i].distance, std::cmp::Reverse(matched), view.states[*i].in_flight, *i)
        })
    }

    fn holds(&self, view: &View<'_>) -> Option<(Span, Span)> {
        view.usable().next().map(|_| (self.config.refresh, self.config.max_wait))
    }

    fn on_sent(&mut self, now: Time, position: usize, request: &Request<'_>) {
        self.prefixes[position].enter(request.blocks);
        if self.sent[position].len() == MOST_UNREPORTED {
            self.sent[position].pop_front();
        }
        self.sent[position].push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{REQUEST, Tape, member, state};
    use super::*;
    use crate::routing::balance::MemberState;
    use crate::routing::balance::Standing::{Out, Usable};
    use crate::routing::reason::Silent;

    fn reported(waiting: u32, percent: u16, in_flight: u32) -> MemberState {
        let report = LoadReport { at: Time::ZERO, waiting, running: in_flight, utilisation: 100 * percent };
        MemberState { report: Some(report), ..state(Usable, in_flight) }
    }

    /// SkyWalker 2026: push to who has nothing pending, at home first, by prefix; abroad when home is full; else wait.
    #[test]
    fn skywalker_selective_pushing() {
        let members = [member(0, 1.0, 5), member(1, 1.0, 5), member(2, 1.0, 90), member(3, 1.0, 150)];
        let mut b = SelectivePush::new(SelectivePushConfig::EXAMPLE, 4);
        b.on_sent(Time::ZERO, 1, &Request { blocks: &[1, 2, 3], ..REQUEST });
        let pick = |b: &mut SelectivePush, blocks: &[u64], states: [MemberState; 4]| {
            let request = Request { blocks, ..REQUEST };
            let view = View { now: Time::ZERO, request: &request, members: &members, states: &states };
            (b.pick(&view, &mut Tape(vec![]), &mut Silent), b.holds(&view).is_some())
        };
        let (free, far) = (reported(0, 50, 3), reported(0, 0, 0));
        assert_eq!(pick(&mut b, &[1, 2], [free, free, far, far]).0, Some(1), "who has the prefix");
        assert_eq!(pick(&mut b, &[9], [free, reported(0, 50, 2), far, far]).0, Some(1), "the less busy");
        let pending = reported(1, 90, 9);
        assert_eq!(pick(&mut b, &[1, 2], [free, pending, far, far]).0, Some(0), "not who has pending requests");
        assert_eq!(pick(&mut b, &[1], [pending, pending, far, far]).0, Some(2), "abroad, the nearer first");
        assert_eq!(pick(&mut b, &[1], [pending, reported(0, 100, 9), pending, pending]), (None, true));
        assert_eq!(pick(&mut b, &[1], [state(Out, 0); 4]), (None, false), "nobody is in service: no use waiting");
        // ten of twelve places were taken: two more go there before the next report, and no third
        let nearly = reported(0, 83, 10);
        let mut b = SelectivePush::new(SelectivePushConfig::EXAMPLE, 4);
        for expected in [Some(0), Some(0), None] {
            let chosen = pick(&mut b, &[1], [nearly, pending, pending, pending]).0;
            assert_eq!(chosen, expected);
            b.on_sent(Time::ZERO, 0, &REQUEST);
        }
        let mut local =
            SelectivePush::new(SelectivePushConfig { cross_region: false, ..SelectivePushConfig::EXAMPLE }, 4);
        assert_eq!(pick(&mut local, &[1], [pending, pending, far, far]), (None, true));
    }
}
