//! How much traffic each priority level of a cluster gets, and which of them are in panic.
//!
//! Source: Envoy, `docs/root/intro/arch_overview/upstream/load_balancing/{priority,panic_threshold,overprovisioning}.rst`
//! and `load_balancer_impl.cc` (read 2026), in whole percent:
//!
//! * `health = min(100, factor * available / total)`, with a factor of 140;
//! * `load = min(100 - loads before, health * 100 / min(100, sum of healths))`; what rounding leaves over goes to the first
//!   level with any health (the documentation's tables round instead, so single entries differ by one);
//! * when the sum of healths is below 100, a level is in panic whose available share is below the threshold (50 %; 0
//!   never): it uses all its hosts, whatever their health;
//! * when all levels are in panic, load goes by the number of hosts (so the code; the documentation has all of it go to the
//!   first level when nobody is healthy).
//!
//! Degraded hosts, a second tier in Envoy, do not exist here: a gateway knows members that are in service and members that
//! are not.

/// The state of one level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Level {
    /// Hosts that the request may go to, in service or not.
    pub total: u32,
    /// Those in service.
    pub available: u32,
    /// Whether retries are to leave it out, because the request has been there.
    pub attempted: bool,
    /// Out: percent of the traffic.
    pub load: u32,
    /// Out: whether all hosts are used.
    pub panic: bool,
}

/// Share of a part in percent, rounded down, times `factor` percent.
pub(super) fn percent(factor: u32, part: u32, total: u32) -> u32 {
    if total == 0 { 0 } else { (u64::from(factor) * u64::from(part) / u64::from(total)).min(100) as u32 }
}

/// Sets load and panic of every level.
pub fn distribute(levels: &mut [Level], factor: u32, panic_threshold: u32) {
    let all_attempted = levels.iter().all(|l| l.attempted || l.available == 0);
    let health = |l: &Level| if l.attempted && !all_attempted { 0 } else { percent(factor, l.available, l.total) };
    let sum = levels.iter().map(health).sum::<u32>().min(100);
    // who was attempted does not count as unwell: panic goes by all levels
    let enough = levels.iter().map(|l| percent(factor, l.available, l.total)).sum::<u32>() >= 100;
    let (mut left, mut first) = (100, None);
    for (i, l) in levels.iter_mut().enumerate() {
        let h = health(l);
        l.load = (h * 100).checked_div(sum).map_or(0, |share| left.min(share));
        left -= l.load;
        if h > 0 && first.is_none() {
            first = Some(i);
        }
        l.panic = !enough && 100 * u64::from(l.available) < u64::from(panic_threshold) * u64::from(l.total);
    }
    if let Some(i) = first {
        levels[i].load += left;
    }
    let hosts: u32 = levels.iter().map(|l| l.total).sum();
    if hosts > 0 && levels.iter().all(|l| l.panic || l.total == 0) {
        by_hosts(levels, hosts);
    }
}

fn by_hosts(levels: &mut [Level], hosts: u32) {
    let mut left = 100;
    for l in levels.iter_mut() {
        l.load = percent(100, l.total, hosts);
        left -= l.load;
    }
    if let Some(first) = levels.iter_mut().find(|l| l.total > 0) {
        first.load += left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads and panics of levels of 100 hosts each.
    fn of(available: &[u32], threshold: u32) -> (Vec<u32>, Vec<bool>) {
        let level = |a: &u32| Level { total: 100, available: *a, ..Level::default() };
        let mut levels: Vec<Level> = available.iter().map(level).collect();
        distribute(&mut levels, 140, threshold);
        (levels.iter().map(|l| l.load).collect(), levels.iter().map(|l| l.panic).collect())
    }

    #[test]
    fn envoy_priority_rst_two_levels_the_second_healthy() {
        for (healthy, load) in [(100, 100), (72, 100), (71, 99), (50, 70), (25, 35), (0, 0)] {
            assert_eq!(of(&[healthy, 100], 50), (vec![load, 100 - load], vec![false; 2]));
        }
    }

    #[test]
    fn envoy_priority_rst_two_levels() {
        let rows = [([72, 72], 100), ([71, 71], 99), ([50, 50], 70), ([25, 100], 35), ([25, 25], 50)];
        for (healthy, load) in rows {
            assert_eq!(of(&healthy, 50).0, [load, 100 - load], "{healthy:?}");
        }
        // the text's example: healths of 20 and 30 percent
        let mut levels = [20, 30].map(|a| Level { total: 100, available: a, ..Level::default() });
        distribute(&mut levels, 100, 0);
        assert_eq!(levels.map(|l| l.load), [40, 60]);
    }

    #[test]
    fn envoy_priority_rst_three_levels() {
        let rows = [
            ([100, 100, 100], [100, 0, 0]),
            ([72, 72, 100], [100, 0, 0]),
            ([71, 71, 100], [99, 1, 0]),
            ([50, 50, 100], [70, 30, 0]),
            ([25, 100, 100], [35, 65, 0]),
            ([25, 25, 100], [35, 35, 30]),
            // the table says 36, 36, 28: it rounds 35.7, the code gives what is left over to the first
            ([25, 25, 20], [37, 35, 28]),
        ];
        for (healthy, loads) in rows {
            assert_eq!(of(&healthy, 0).0, loads, "{healthy:?}");
        }
    }

    #[test]
    fn envoy_panic_threshold_rst() {
        let rows = [
            ([72, 72], [100, 0], [false, false]),
            ([71, 71], [99, 1], [false, false]),
            ([25, 100], [35, 65], [false, false]), // the page's 25 and 75 forget the factor
            ([25, 25], [50, 50], [true, true]),
            ([5, 65], [8, 92], [true, false]), // 7.1 and 92.9
        ];
        for (healthy, loads, panics) in rows {
            assert_eq!(of(&healthy, 50), (loads.to_vec(), panics.to_vec()), "{healthy:?}");
        }
        // strictly below the threshold, and 0 disables it
        assert_eq!(of(&[50, 0], 50).1, [false, true]);
        assert_eq!(of(&[49, 0], 50).1, [true, true]);
        assert_eq!(of(&[0, 0], 0), (vec![0, 0], vec![false, false]));
    }

    #[test]
    fn in_total_panic_load_goes_by_the_number_of_hosts() {
        let mut levels = [3, 1, 2].map(|n| Level { total: n, ..Level::default() });
        distribute(&mut levels, 140, 50);
        assert_eq!(levels.map(|l| (l.load, l.panic)), [(51, true), (16, true), (33, true)]);
    }

    #[test]
    fn levels_that_were_attempted_are_left_out_until_all_were() {
        let level = |attempted| Level { total: 2, available: 2, attempted, ..Level::default() };
        let loads = |flags: [bool; 3]| {
            let mut levels = flags.map(level);
            distribute(&mut levels, 140, 50);
            levels.map(|l| l.load)
        };
        assert_eq!(loads([false, false, false]), [100, 0, 0]);
        assert_eq!(loads([true, false, false]), [0, 100, 0]);
        assert_eq!(loads([true, true, false]), [0, 0, 100]);
        assert_eq!(loads([true, true, true]), [100, 0, 0]);
    }
}
