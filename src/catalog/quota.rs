//! Published limits of hosted models.

use super::table::{num, records};
use std::sync::OnceLock;

/// A provider's default limit for one model at one tier.
#[derive(Clone, PartialEq, Debug)]
pub struct Quota {
    /// `azure/MODEL/DEPLOYMENT_TYPE/TIER` (such as `azure/gpt-4o/global_standard/default`) or `anthropic/CLASS/tier-N`
    /// (such as `anthropic/opus-sonnet-4.x/tier-2`).
    pub name: String,
    /// Requests per minute.
    pub requests_per_min: u64,
    /// Input and output tokens together, per minute.
    pub tokens_per_min: Option<u64>,
    /// Input tokens per minute; tokens read from the prompt cache do not count.
    pub input_tokens_per_min: Option<u64>,
    /// Output tokens per minute.
    pub output_tokens_per_min: Option<u64>,
    /// What one limit covers.
    pub scope: &'static str,
    /// Date or year, and how official the figure is.
    pub dated: String,
    /// Id in [`super::sources`].
    pub source: &'static str,
}

/// All quotas.
pub fn quotas() -> &'static [Quota] {
    static TABLE: OnceLock<Vec<Quota>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let azure = records(include_str!("data/azure_openai_quotas_2025-07-11.csv")).into_iter().map(|r| Quota {
            name: format!("azure/{}/{}/{}", &r[0], &r[1], &r[2]),
            requests_per_min: num(&r, 4),
            tokens_per_min: Some(num(&r, 3)),
            input_tokens_per_min: None,
            output_tokens_per_min: None,
            scope: "per region, subscription, model and deployment type",
            dated: "2025-07-11, official; replaced by numbered tiers since".to_owned(),
            source: "azure-openai-quotas",
        });
        let anthropic = records(include_str!("data/anthropic_rate_limits.csv")).into_iter().map(|r| Quota {
            name: format!("anthropic/{}/tier-{}", &r[1], &r[2]),
            requests_per_min: num(&r, 3),
            tokens_per_min: None,
            input_tokens_per_min: Some(num(&r, 4)),
            output_tokens_per_min: Some(num(&r, 5)),
            scope: "per organisation and model class, token bucket",
            dated: r[0].to_owned(),
            source: "anthropic-rate-limits",
        });
        azure.chain(anthropic).collect()
    })
}

/// The quota of this name, see [`Quota::name`].
pub fn quota(name: &str) -> Option<&'static Quota> {
    quotas().iter().find(|q| q.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spot_values() {
        let q = quota("azure/gpt-4o/global_standard/default").unwrap();
        assert_eq!((q.tokens_per_min, q.requests_per_min), (Some(450_000), 2700));
        let q = quota("azure/gpt-4o/standard/default").unwrap();
        assert_eq!((q.tokens_per_min, q.requests_per_min), (Some(150_000), 900));
        let q = quota("anthropic/opus-sonnet-4.x/tier-4").unwrap();
        assert_eq!((q.input_tokens_per_min, q.output_tokens_per_min), (Some(2_000_000), Some(400_000)));
        assert_eq!(quotas().len(), 56 + 12);
        for q in quotas() {
            assert_eq!(quota(&q.name), Some(q), "names are unique");
        }
    }
}
