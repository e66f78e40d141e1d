//! How often providers of models and cloud services report incidents, and how long these last.
//!
//! The incident lists behind these figures state no licence (or are larger than their use here), so only the derived
//! figures are shipped. They rest on status pages: self-reported, partial incidents counted like full ones, durations
//! heavy-tailed. An incident says nothing about the share of requests that failed, so `1 - duration / time between` is
//! **not** an availability; where a dataset weighs minutes by severity, [`IncidentStats::availability`] has it.

/// Derived figures of one list of incidents.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct IncidentStats {
    /// Name, such as `openai-api`.
    pub name: &'static str,
    /// What was counted.
    pub what: &'static str,
    /// Smallest impact level counted (1 minor, 2 major); 0 where the source has no levels.
    pub min_impact: u8,
    /// Incidents counted.
    pub incidents: u32,
    /// Of these, how many have a duration (0 minutes means reported after the fact and counts as none).
    pub timed: u32,
    /// Mean time between the starts of incidents, hours.
    pub between_mean_h: f64,
    /// Median of it.
    pub between_p50_h: f64,
    /// Mean duration, minutes.
    pub duration_mean_min: f64,
    /// Median duration, minutes.
    pub duration_p50_min: f64,
    /// 95th percentile of the duration, minutes.
    pub duration_p95_min: f64,
    /// Longest, minutes.
    pub duration_max_min: f64,
    /// First and last start, `YYYY-MM-DD`.
    pub period: (&'static str, &'static str),
    /// Availability by minutes, partial outages weighted 30 %, from source `llm-daily-outages`.
    pub availability: Option<f64>,
    /// Id in [`super::sources`].
    pub source: &'static str,
}

/// One row; the argument order is that of the fields.
#[rustfmt::skip]
#[allow(clippy::too_many_arguments)]
const fn row(
    name: &'static str, what: &'static str, min_impact: u8, incidents: u32, timed: u32, between: (f64, f64),
    duration: (f64, f64, f64, f64), period: (&'static str, &'static str), availability: Option<f64>, source: &'static str,
) -> IncidentStats {
    IncidentStats {
        name, what, min_impact, incidents, timed, between_mean_h: between.0, between_p50_h: between.1,
        duration_mean_min: duration.0, duration_p50_min: duration.1, duration_p95_min: duration.2,
        duration_max_min: duration.3, period, availability, source,
    }
}

const LLM: &str = "llm-incidents";
const CLOUD: &str = "cloud-incidents";

/// Every row. `-2` counts only incidents of impact 2 and more; `-api` only those that name the API, since July 2023.
#[rustfmt::skip]
const ROWS: [IncidentStats; 20] = [
    row("openai", "OpenAI, any service", 1, 355, 339, (96.9, 31.5), (237.9, 81.0, 581.5, 14505.0), ("2021-02-09", "2025-01-08"), Some(0.99821), LLM),
    row("openai-2", "OpenAI, any service", 2, 193, 182, (177.1, 53.9), (195.3, 88.0, 558.3, 5547.0), ("2021-02-09", "2024-12-27"), Some(0.99821), LLM),
    row("openai-api", "OpenAI, API", 1, 135, 132, (99.8, 50.0), (240.4, 80.5, 1338.3, 5547.0), ("2023-07-01", "2025-01-08"), Some(0.99821), LLM),
    row("openai-api-2", "OpenAI, API", 2, 61, 59, (215.9, 122.4), (296.6, 86.0, 1488.1, 5547.0), ("2023-07-05", "2024-12-26"), Some(0.99821), LLM),
    row("anthropic", "Anthropic, any service", 1, 173, 166, (92.9, 25.1), (269.8, 69.0, 1107.8, 11235.0), ("2023-03-16", "2025-01-09"), Some(0.99917), LLM),
    row("anthropic-2", "Anthropic, any service", 2, 96, 92, (168.2, 39.9), (163.0, 48.0, 701.8, 2331.0), ("2023-03-16", "2025-01-09"), Some(0.99917), LLM),
    row("anthropic-api", "Anthropic, API", 1, 117, 116, (108.5, 36.5), (213.9, 76.0, 958.5, 3030.0), ("2023-08-04", "2025-01-09"), Some(0.99917), LLM),
    row("anthropic-api-2", "Anthropic, API", 2, 65, 65, (196.6, 86.2), (146.7, 41.0, 474.2, 2331.0), ("2023-08-04", "2025-01-09"), Some(0.99917), LLM),
    row("stability", "Stability AI, any service", 1, 89, 72, (189.6, 98.6), (121.7, 46.3, 499.0, 1288.0), ("2023-01-24", "2024-12-19"), None, LLM),
    row("stability-2", "Stability AI, any service", 2, 84, 69, (201.0, 94.8), (96.5, 44.7, 267.8, 1288.0), ("2023-01-24", "2024-12-19"), None, LLM),
    row("character", "Character.AI", 1, 41, 41, (236.3, 123.3), (154.6, 71.0, 494.0, 1474.0), ("2023-10-24", "2024-11-21"), Some(0.99590), LLM),
    row("character-2", "Character.AI", 2, 35, 35, (278.1, 167.7), (163.3, 60.0, 563.0, 1474.0), ("2023-10-24", "2024-11-21"), Some(0.99590), LLM),
    row("aws", "AWS, one service of one region in most rows", 0, 377, 377, (68.9, 23.4), (193.0, 125.0, 640.0, 1354.0), ("2018-01-04", "2020-12-18"), None, CLOUD),
    row("azure", "Azure, one service of one region in most rows", 0, 211, 211, (97.9, 41.8), (492.1, 269.0, 1680.0, 7010.0), ("2018-01-14", "2020-05-21"), None, CLOUD),
    row("gcp", "GCP, one service, mostly without a region", 0, 441, 439, (58.7, 1.6), (300.3, 102.3, 886.3, 14850.0), ("2018-01-03", "2020-12-14"), None, CLOUD),
    row("aws:us-east-1", "AWS N. Virginia, any one service", 0, 133, 133, (196.2, 97.0), (219.5, 133.0, 983.8, 1354.0), ("2018-01-04", "2020-12-18"), None, CLOUD),
    row("aws:us-west-2", "AWS Oregon, any one service", 0, 37, 37, (703.4, 310.7), (155.8, 154.0, 278.0, 392.0), ("2018-01-25", "2020-12-15"), None, CLOUD),
    row("aws:eu-west-1", "AWS Ireland, any one service", 0, 23, 23, (943.3, 501.4), (158.1, 117.0, 467.6, 640.0), ("2018-03-02", "2020-07-13"), None, CLOUD),
    row("azure:westeurope", "Azure West Europe, any one service", 0, 28, 28, (583.8, 181.0), (495.0, 327.5, 1403.7, 1570.0), ("2018-01-19", "2019-11-07"), None, CLOUD),
    row("azure:eastus", "Azure East US, any one service", 0, 15, 15, (1088.7, 720.7), (475.4, 425.0, 1070.3, 1680.0), ("2018-01-24", "2019-10-21"), None, CLOUD),
];

/// All incident figures.
pub fn all_incident_stats() -> &'static [IncidentStats] {
    &ROWS
}

/// The figures of this name: a provider (`openai`, `openai-2`, `openai-api`, `anthropic-api-2`, ...), a cloud (`aws`,
/// `azure`, `gcp`) or one of five cloud regions (`aws:us-east-1`, ...).
pub fn incident_stats(name: &str) -> Option<&'static IncidentStats> {
    ROWS.iter().find(|r| r.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_hang_together() {
        for (i, r) in ROWS.iter().enumerate() {
            assert_eq!(incident_stats(r.name), Some(r), "names are unique");
            assert!(r.timed <= r.incidents && r.timed > 0, "{}", r.name);
            let longest = r.duration_mean_min.max(r.duration_p95_min);
            assert!(r.duration_p50_min < r.duration_p95_min && longest <= r.duration_max_min, "{}", r.name);
            assert!(r.between_p50_h < r.between_mean_h && r.period.0 < r.period.1, "{}", r.name);
            // the mean time between starts spans the period, whatever the list
            let days = |d: &str| {
                let date: jiff::civil::Date = d.parse().unwrap();
                date.since(jiff::civil::date(2018, 1, 1)).unwrap().get_days()
            };
            let span_h = f64::from(days(r.period.1) - days(r.period.0)) * 24.0;
            let from_mean = r.between_mean_h * f64::from(r.incidents - 1);
            assert!((span_h - from_mean).abs() <= 48.0, "{}: {span_h} {from_mean}", r.name);
            if r.name.ends_with("-2") {
                assert!(r.incidents < ROWS[i - 1].incidents, "{}", r.name);
            }
        }
    }
}
