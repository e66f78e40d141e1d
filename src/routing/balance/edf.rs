//! Earliest deadline first: weighted round robin without bursts, the schedule behind Envoy's weighted balancers.
//!
//! Source: Envoy, `source/common/upstream/edf_scheduler.h` (read 2026): whoever has the earliest deadline is taken, and its
//! next one is `1 / weight` later; equal deadlines go in the order of the list. Envoy builds the schedule anew whenever the
//! hosts in service change; here who comes back starts at the present of the schedule. Whoever is chosen is due until it is
//! sent something: a turn in which nothing is sent was none.

/// The schedule of a fixed number of entries.
#[derive(Clone, Debug)]
pub(super) struct Edf {
    deadlines: Vec<f64>,
    clock: f64,
    /// The last choice, until it is taken.
    chosen: Option<Turn>,
}

/// A turn that an entry would have.
#[derive(Clone, Copy, Debug)]
struct Turn {
    entry: usize,
    due: f64,
    /// Its deadline after that.
    next: f64,
}

impl Edf {
    /// For so many entries.
    pub(super) fn new(entries: usize) -> Edf {
        Edf { deadlines: vec![0.0; entries], clock: 0.0, chosen: None }
    }

    /// Who is due among those that are eligible and have a positive weight. [`Edf::take`] makes it a turn.
    pub(super) fn due(
        &mut self,
        eligible: impl Iterator<Item = usize>,
        weight: impl Fn(usize) -> f64,
    ) -> Option<usize> {
        let clock = self.clock;
        let at = |i: usize| self.deadlines[i].max(clock);
        let mut best: Option<(f64, usize)> = None;
        for i in eligible {
            if weight(i) > 0.0 && best.is_none_or(|(least, _)| at(i) < least) {
                best = Some((at(i), i));
            }
        }
        self.chosen = best.map(|(due, entry)| Turn { entry, due, next: due + 1.0 / weight(entry) });
        self.chosen.map(|turn| turn.entry)
    }

    /// Nobody is due: the choice was made in another way.
    pub(super) fn pass(&mut self) {
        self.chosen = None;
    }

    /// The entry that was due last has its turn. False if none was.
    pub(super) fn take(&mut self) -> bool {
        let Some(turn) = self.chosen.take() else { return false };
        self.clock = turn.due;
        self.deadlines[turn.entry] = turn.next;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(edf: &mut Edf, eligible: std::ops::Range<usize>, weight: impl Fn(usize) -> f64) -> Option<usize> {
        let entry = edf.due(eligible.clone(), &weight);
        assert_eq!(edf.due(eligible, &weight), entry, "to ask is no turn");
        assert_eq!(edf.take(), entry.is_some());
        entry
    }

    #[test]
    fn shares_follow_the_weights_and_nobody_comes_in_bursts() {
        let mut edf = Edf::new(3);
        let weights = [5.0, 1.0, 1.0];
        let order: Vec<usize> = (0..14).map(|_| next(&mut edf, 0..3, |i| weights[i]).unwrap()).collect();
        assert_eq!([0, 1, 2].map(|i| order.iter().filter(|o| **o == i).count()), [10, 2, 2]);
        // the light ones are not next to each other in every round
        assert_eq!(order[..7].iter().filter(|o| **o == 0).count(), 5, "{order:?}");
    }

    #[test]
    fn who_comes_back_has_no_arrears() {
        let mut edf = Edf::new(2);
        for _ in 0..100 {
            assert_eq!(next(&mut edf, 1..2, |_| 1.0), Some(1));
        }
        let order: Vec<usize> = (0..6).map(|_| next(&mut edf, 0..2, |_| 1.0).unwrap()).collect();
        // one of a hundred turns that it missed, not all of them
        assert_eq!(order, [0, 0, 1, 0, 1, 0]);
        assert_eq!(next(&mut edf, 0..2, |_| 0.0), None);
    }
}
