//! Locality-weighted load balancing: after the priority level, a locality by weight, less where hosts are missing.
//!
//! Source: Envoy, `docs/root/intro/arch_overview/upstream/load_balancing/locality_weight.rst` (read 2026):
//! `weight * min(100, 140 * available / total)`, in a weighted round robin.

use super::priority::percent;

/// A locality's weight with so many of its hosts available.
pub fn effective_weight(weight: f64, factor: u32, available: u32, total: u32) -> f64 {
    weight * f64::from(percent(factor, available, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoy_locality_weight_rst() {
        // X has weight 1, Y weight 2; Y is 100 % available
        for (available, share) in [(100, 33), (70, 32), (69, 32), (50, 26), (25, 15), (0, 0)] {
            let x = effective_weight(1.0, 140, available, 100);
            let to_x = 100.0 * x / (x + effective_weight(2.0, 140, 100, 100));
            // the page's 33 for 70 % is 32.9; the others agree when rounded
            assert!((to_x - f64::from(share)).abs() < 1.0, "{available}: {to_x}");
        }
        let x = effective_weight(1.0, 140, 50, 100);
        assert_eq!((100.0 * x / (x + 200.0) + 0.5) as u32, 26);
    }
}
