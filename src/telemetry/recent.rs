//! The latency of the last seconds, for the live display.
//!
//! Not exported: Prometheus has the histogram. Knows no clock; the caller says which second it is.

/// How many seconds the window covers.
pub(super) const WINDOW_S: u64 = 10;
/// The lower edge of the first bucket, in seconds: 2^-20, about a microsecond.
const LOWEST: u64 = 0x3EB0_0000_0000_0000;
/// Bits of a float below the exponent and four bits of its fraction: 16 buckets from one power of two to the next.
const SHIFT: u32 = 48;
/// 28 powers of two, up to about 256 s; what is beyond counts as that.
const BUCKETS: usize = 28 * 16;

/// Counts by second and by latency.
pub(super) struct Recent {
    seconds: Vec<Second>,
}

#[derive(Clone)]
struct Second {
    number: u64,
    counts: Vec<u32>,
}

impl Recent {
    /// An empty window; 18 KiB for good.
    pub(super) fn new() -> Recent {
        Recent { seconds: vec![Second { number: 0, counts: vec![0; BUCKETS] }; WINDOW_S as usize] }
    }

    /// Counts latencies, in seconds, as of second `now`.
    pub(super) fn record(&mut self, now: u64, latencies: &[f64]) {
        let Some(second) = self.seconds.get_mut((now % WINDOW_S) as usize) else { return };
        if second.number != now {
            second.number = now;
            second.counts.fill(0);
        }
        for latency in latencies {
            if let Some(count) = second.counts.get_mut(bucket(*latency)) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// The latencies below which these shares of the window's events lie, at most a sixteenth too high.
    ///
    /// `None` when nothing was recorded in the window.
    pub(super) fn quantiles<const N: usize>(&self, now: u64, shares: [f64; N]) -> Option<[f64; N]> {
        let mut sums = vec![0_u64; BUCKETS];
        for second in self.seconds.iter().filter(|second| second.number + WINDOW_S > now) {
            for (sum, count) in sums.iter_mut().zip(&second.counts) {
                *sum += u64::from(*count);
            }
        }
        let total: u64 = sums.iter().sum();
        (total > 0).then(|| shares.map(|share| quantile(&sums, total, share)))
    }
}

/// The bucket by the float's own bits: exponent and first fraction bits rise with the value.
fn bucket(latency: f64) -> usize {
    let place = latency.max(0.0).to_bits().saturating_sub(LOWEST) >> SHIFT;
    usize::try_from(place).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

fn quantile(sums: &[u64], total: u64, share: f64) -> f64 {
    let wanted = ((total as f64 * share).ceil() as u64).clamp(1, total);
    let mut seen = 0;
    let place = sums.iter().position(|count| {
        seen += count;
        seen >= wanted
    });
    // The upper edge of the bucket, so that the figure never flatters.
    f64::from_bits(LOWEST + ((place.unwrap_or(BUCKETS - 1) as u64 + 1) << SHIFT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_at_most_a_sixteenth_too_high() {
        let mut recent = Recent::new();
        let latencies: Vec<f64> = (1..=1000).map(|n| f64::from(n) / 1000.0).collect();
        recent.record(7, &latencies);
        for (found, exact) in recent.quantiles(7, [0.001, 0.5, 0.99, 1.0]).unwrap().iter().zip([0.001, 0.5, 0.99, 1.0])
        {
            assert!(*found >= exact && *found <= exact * 1.0626, "{found} for {exact}");
        }
    }

    #[test]
    fn seconds_leave_the_window_and_their_places_are_used_again() {
        let mut recent = Recent::new();
        assert_eq!(recent.quantiles(0, [0.5]), None);
        recent.record(3, &[1.0; 100]);
        recent.record(4, &[0.001]);
        assert!(recent.quantiles(12, [0.5]).unwrap()[0] > 0.9);
        assert!(recent.quantiles(13, [0.5]).unwrap()[0] < 0.01);
        assert_eq!(recent.quantiles(14, [0.5]), None);
        recent.record(13, &[0.002]);
        assert!(recent.quantiles(13, [1.0]).unwrap()[0] < 0.01);
    }

    #[test]
    fn absurd_latencies_go_to_the_edges() {
        let mut recent = Recent::new();
        recent.record(1, &[-5.0, 0.0, f64::NAN, 1e-9]);
        assert!(recent.quantiles(1, [1.0]).unwrap()[0] < 0.000_002);
        recent.record(1, &[1e9, f64::INFINITY]);
        assert!(recent.quantiles(1, [1.0]).unwrap()[0] > 200.0);
    }
}
