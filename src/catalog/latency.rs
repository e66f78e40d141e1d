//! Measured latencies of hosted models, as presets for scenarios.

use super::table::{num, records};
use std::sync::OnceLock;

/// Time to first token and time per output token of a hosted model.
#[derive(Clone, PartialEq, Debug)]
pub struct LatencyPreset {
    /// Name, such as `gpt-4.1-2026` or `llmperf-2023-groq-70b`.
    pub name: String,
    /// Median time to first token in milliseconds **at the provider's door**: what was measured less
    /// [`LatencyPreset::network_included_ms`], so that a simulated network may be added without counting it twice.
    pub ttft_p50_ms: f64,
    /// 95th percentile of the same.
    pub ttft_p95_ms: f64,
    /// Median time per output token after the first, milliseconds.
    pub tpot_p50_ms: f64,
    /// 95th percentile of it over requests.
    pub tpot_p95_ms: f64,
    /// Median time to first token as measured by the client.
    pub measured_ttft_p50_ms: f64,
    /// Network between client and provider that was taken out of the measurement; `None` where the provider's place is
    /// unknown and nothing was taken out, so that a simulated network counts part of it again.
    pub network_included_ms: Option<f64>,
    /// Requests behind the figures.
    pub requests: u32,
    /// Day of the measurement, `YYYY-MM-DD`.
    pub date: &'static str,
    /// Where the client was.
    pub client: &'static str,
    /// Id in [`super::sources`].
    pub source: &'static str,
    /// What is assumed and what is weak about it.
    pub caveats: &'static str,
}

/// Network inside the 2026 measurements from Seoul: the median over 14 pairs of medians (same GPT model, prompt and
/// service tier; 10 March and 14 May 2026; source `llm-ttft-2026`) of the time to first token from Korea less the one
/// from the central United States. The middle half of the pairs lies between 106 and 313 ms. A part of one round trip
/// inside the United States remains in the figures.
pub const SEOUL_NETWORK_MS: f64 = 178.5;

/// Length of the one-sentence answers of the 2026 measurements.
///
/// ASSUMPTION: 30 tokens. The reports print the time of the whole answer but not its tokens.
pub const ONE_SENTENCE_TOKENS: f64 = 30.0;

/// 95th percentile of the time per output token over its median, for the 2026 presets.
///
/// ASSUMPTION: 1.3. Within one afternoon of 19 endpoints (source `llmperf-2023`) the ratio is 1.10 in the median, 1.2 in
/// the upper quartile and 1.48 at most; over a day it will not be smaller.
pub const TPOT_SPREAD: f64 = 1.3;

const SEOUL: &str = "ASSUMPTION: answers of 30 tokens (not reported) and a spread of 1.3 for the time per token; p95 of the first token \
     from the quartiles by a log-normal law after taking the network out; few requests, short prompts, standard tier";

/// name, requests, measured median, ttft p50 and p95 without network, (whole answer - first token) median; Seoul,
/// 2026-08-15. The p95 is `p50 * exp(1.645 * ln((q3 - net) / (q1 - net)) / 1.349)` with the report's quartiles.
const SEOUL_ROWS: [(&str, u32, f64, f64, f64, f64); 5] = [
    ("gpt-4.1-2026", 10, 739.9, 561.4, 1201.3, 493.9),
    ("gpt-4.1-mini-2026", 10, 538.1, 359.6, 484.2, 340.8),
    ("gpt-5.2-2026", 30, 698.4, 519.9, 874.3, 728.2),
    ("gpt-5.6-luna-2026", 10, 601.4, 422.9, 582.5, 499.6),
    ("gpt-5.6-terra-2026", 10, 902.8, 724.4, 1250.9, 554.7),
];

/// All presets: 2026 first, then the 19 endpoints of December 2023.
pub fn latency_presets() -> &'static [LatencyPreset] {
    static TABLE: OnceLock<Vec<LatencyPreset>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut rows: Vec<LatencyPreset> = SEOUL_ROWS
            .iter()
            .map(|&(name, requests, measured, p50, p95, rest)| LatencyPreset {
                name: name.to_owned(),
                ttft_p50_ms: p50,
                ttft_p95_ms: p95,
                tpot_p50_ms: rest / ONE_SENTENCE_TOKENS,
                tpot_p95_ms: rest / ONE_SENTENCE_TOKENS * TPOT_SPREAD,
                measured_ttft_p50_ms: measured,
                network_included_ms: Some(SEOUL_NETWORK_MS),
                requests,
                date: "2026-08-15",
                client: "Seoul",
                source: "llm-ttft-2026",
                caveats: SEOUL,
            })
            .collect();
        rows.push(claude_opus());
        rows.extend(records(include_str!("data/llmperf_presets_2023-12.csv")).iter().map(llmperf));
        rows
    })
}

/// The two published medians of Claude Opus 4.5 (Korea 908 ms, central United States 1,403 ms) contradict the map, so
/// no network can be taken out: their mean stands for both.
fn claude_opus() -> LatencyPreset {
    const P50: f64 = 1155.5;
    // mean of (1907.49 - 907.72) and (2027.29 - 1403.21)
    const REST: f64 = 811.9;
    LatencyPreset {
        name: "claude-opus-4-5-2026".to_owned(),
        ttft_p50_ms: P50,
        // the ratio of the gpt-4.1 row
        ttft_p95_ms: P50 * 1201.3 / 561.4,
        tpot_p50_ms: REST / ONE_SENTENCE_TOKENS,
        tpot_p95_ms: REST / ONE_SENTENCE_TOKENS * TPOT_SPREAD,
        measured_ttft_p50_ms: P50,
        network_included_ms: None,
        requests: 6,
        date: "2026-03-10",
        client: "Seoul and central United States",
        source: "llm-ttft-2026",
        caveats: "two medians of 3 to 5 requests each, at different settings; ASSUMPTION: p95 of the first token 2.14 times the \
                  median as for gpt-4.1, answers of 30 tokens, spread of 1.3 for the time per token",
    }
}

fn llmperf(r: &csv::StringRecord) -> LatencyPreset {
    LatencyPreset {
        name: format!("llmperf-2023-{}-{}", &r[0], &r[1]),
        ttft_p50_ms: num(r, 4),
        ttft_p95_ms: num(r, 5),
        tpot_p50_ms: num(r, 6),
        tpot_p95_ms: num(r, 7),
        measured_ttft_p50_ms: num(r, 4),
        network_included_ms: None,
        requests: num(r, 3),
        date: "2023-12-19",
        client: "AWS us-west-2",
        source: "llmperf-2023",
        caveats: "Llama 2 at concurrency 5, 550 tokens in and 150 out; endpoints' places unknown, so the network is still inside; old",
    }
}

/// The preset of this name: `gpt-4.1-2026`, `gpt-4.1-mini-2026`, `gpt-5.2-2026`, `gpt-5.6-luna-2026`,
/// `gpt-5.6-terra-2026`, `claude-opus-4-5-2026`, or `llmperf-2023-PROVIDER-SIZE` (Llama 2).
pub fn latency_preset(name: &str) -> Option<&'static LatencyPreset> {
    latency_presets().iter().find(|p| p.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_hang_together() {
        assert_eq!(latency_presets().len(), 5 + 1 + 19);
        for p in latency_presets() {
            assert_eq!(latency_preset(&p.name), Some(p), "names are unique");
            assert!(p.ttft_p50_ms < p.ttft_p95_ms && p.tpot_p50_ms < p.tpot_p95_ms, "{}", p.name);
            let net = p.network_included_ms.unwrap_or(0.0);
            assert!((p.measured_ttft_p50_ms - net - p.ttft_p50_ms).abs() < 0.15, "{}", p.name);
        }
    }

    #[test]
    fn the_network_is_taken_out_once() {
        let p = latency_preset("gpt-4.1-2026").unwrap();
        assert!((p.ttft_p50_ms + SEOUL_NETWORK_MS - 739.9).abs() < 0.1);
        assert!((p.tpot_p50_ms - 16.5).abs() < 0.1, "{}", p.tpot_p50_ms);
        let groq = latency_preset("llmperf-2023-groq-70b").unwrap();
        assert!((groq.ttft_p50_ms - 222.0).abs() < 1.0 && (groq.tpot_p50_ms - 3.74).abs() < 0.01);
        assert_eq!(groq.network_included_ms, None);
    }
}
