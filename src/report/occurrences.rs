//! Rows of incidents for eyes: a fault that comes back again and again has a few rows, not one for each time.

use crate::study::result::IncidentRow;

/// Occurrences of one fault that each have a row of their own; of more, [`Rows::Recurring`] is shown.
pub(crate) const MOST_SHOWN: usize = 4;

/// What a table shows of a fault.
pub(crate) enum Rows<'a> {
    /// An occurrence by itself.
    One(&'a IncidentRow),
    /// Many occurrences of one fault.
    Recurring(Vec<&'a IncidentRow>),
}

/// A fault's name and the number of its occurrence, from 1.
fn base(name: &str) -> (&str, u32) {
    let number = |n: &str| n.parse::<u32>().ok().filter(|n| *n > 0);
    match name.rsplit_once(" #") {
        Some((base, n)) => number(n).map_or((name, 1), |n| (base, n)),
        None => (name, 1),
    }
}

/// What is shown of a topology's incidents: occurrences of a fault stand where its first one does.
pub(crate) fn rows(incidents: &[IncidentRow]) -> Vec<Rows<'_>> {
    let same = |a: &IncidentRow, b: &IncidentRow| base(&a.name).0 == base(&b.name).0 && a.what == b.what;
    let mut shown = Vec::new();
    for (i, row) in incidents.iter().enumerate() {
        let all = || incidents.iter().filter(|other| same(row, other));
        if all().count() <= MOST_SHOWN {
            shown.push(Rows::One(row));
        } else if !incidents[..i].iter().any(|before| same(row, before)) {
            shown.push(Rows::Recurring(all().collect()));
        }
    }
    shown
}

/// Whether some fault is shown by a few of its occurrences.
pub(crate) fn are_shortened(incidents: &[IncidentRow]) -> bool {
    rows(incidents).iter().any(|r| matches!(r, Rows::Recurring(_)))
}

/// Median of each figure on its own, the lower one of two; durations over the occurrences that have one.
pub(crate) fn median(of: &[&IncidentRow]) -> IncidentRow {
    let middle = |mut v: Vec<f64>| {
        v.sort_by(f64::total_cmp);
        v.get(v.len().saturating_sub(1) / 2).copied()
    };
    let span = |f: fn(&IncidentRow) -> Option<f64>| middle(of.iter().filter_map(|i| f(i)).collect());
    let count = |f: fn(&IncidentRow) -> Option<u64>| {
        let mut v: Vec<u64> = of.iter().filter_map(|i| f(i)).collect();
        v.sort_unstable();
        v.get(v.len().saturating_sub(1) / 2).copied()
    };
    IncidentRow {
        name: base(&of[0].name).0.to_owned(),
        what: of[0].what.clone(),
        target: of[0].target.clone(),
        at_s: of[0].at_s,
        lasted_s: span(|i| Some(i.lasted_s)).unwrap_or(0.0),
        watched_s: span(|i| Some(i.watched_s)).unwrap_or(0.0),
        detected_s: span(|i| i.detected_s),
        moved_half_s: span(|i| i.moved_half_s),
        moved_99_s: span(|i| i.moved_99_s),
        over_s: span(|i| i.over_s),
        failed: count(|i| Some(i.failed)).unwrap_or(0),
        slow: count(|i| Some(i.slow)).unwrap_or(0),
        degraded: count(|i| Some(i.degraded)).unwrap_or(0),
        stale_reads: count(|i| Some(i.stale_reads)).unwrap_or(0),
        writes_lost: count(|i| i.writes_lost),
        requests: count(|i| Some(i.requests)).unwrap_or(0),
    }
}

/// The occurrence with the most failed requests; of equals the one with the most slow and degraded ones, then the first.
pub(crate) fn worst<'a>(of: &[&'a IncidentRow]) -> &'a IncidentRow {
    let bad = |i: &IncidentRow| (i.failed, i.slow + i.degraded);
    of.iter().copied().reduce(|worst, i| if bad(i) > bad(worst) { i } else { worst }).expect("there are many")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(name: &str, failed: u64, detected_s: Option<f64>) -> IncidentRow {
        IncidentRow {
            name: name.to_owned(),
            what: "down".to_owned(),
            target: "a".to_owned(),
            at_s: 0.0,
            lasted_s: failed as f64,
            watched_s: 0.0,
            detected_s,
            moved_half_s: None,
            moved_99_s: None,
            over_s: Some(1.0),
            failed,
            slow: 0,
            degraded: 0,
            stale_reads: 0,
            writes_lost: None,
            requests: 10 * failed,
        }
    }

    #[test]
    fn a_fault_that_comes_back_has_a_median_and_a_worst_and_others_keep_their_rows() {
        let mut all = vec![incident("once", 1, None)];
        all.push(incident("often", 9, None));
        all.extend(
            (2..=6_u32).map(|n| incident(&format!("often #{n}"), u64::from(n), (n > 4).then_some(f64::from(n)))),
        );
        all.extend((2..=5).map(|n| incident(&format!("twice #{n}"), 1, None)));
        let shown = rows(&all);
        assert_eq!(shown.len(), 6, "one, the recurring one, and four by themselves");
        let Rows::Recurring(often) = &shown[1] else { panic!("six are more than are shown") };
        assert_eq!(often.len(), 6);
        let m = median(often);
        // of 9, 2, 3, 4, 5, 6; detected in two: 5 and 6
        assert_eq!((m.name.as_str(), m.failed, m.lasted_s, m.requests), ("often", 4, 4.0, 40));
        assert_eq!((m.detected_s, m.over_s, m.moved_half_s, m.writes_lost), (Some(5.0), Some(1.0), None, None));
        assert_eq!(worst(often).name, "often");
        assert!(are_shortened(&all) && !are_shortened(&all[..5]));
        assert!(matches!(shown[0], Rows::One(i) if i.name == "once"));
    }

    #[test]
    fn a_name_that_looks_like_a_number_is_a_name() {
        assert_eq!(base("zone #4"), ("zone", 4));
        assert_eq!(base("zone #four"), ("zone #four", 1));
        assert_eq!(base("zone #0"), ("zone #0", 1));
    }
}
