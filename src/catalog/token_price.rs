//! Token prices per model, provider and region scope.

use super::table::{opt_num, records, unpack};
use crate::units::{Money, Price};
use std::sync::OnceLock;

/// What a model costs at one provider in one region scope. Rows of source `token-prices`; every price is for one token.
#[derive(Clone, PartialEq, Debug)]
pub struct TokenPrice {
    /// Unique key, such as `gpt-4o`, `azure/eu/gpt-4o-2024-11-20` or `eu.anthropic.claude-sonnet-4-5-20250929-v1:0`.
    pub key: String,
    /// Provider as the list names it, such as `openai`, `azure`, `bedrock_converse`.
    pub provider: String,
    /// Region scope (`eu`, `us`, `global`, `eu-central-1`), empty when the key is not bound to one.
    pub scope: String,
    /// Input tokens.
    pub input: Price,
    /// Output tokens.
    pub output: Price,
    /// Input tokens read from the provider's prompt cache.
    pub cached_input: Option<Price>,
    /// Input tokens written to the prompt cache.
    pub cache_write: Option<Price>,
    /// Input tokens of a batch job.
    pub batch_input: Option<Price>,
    /// Output tokens of a batch job.
    pub batch_output: Option<Price>,
    /// Input tokens at the priority tier.
    pub priority_input: Option<Price>,
    /// Output tokens at the priority tier.
    pub priority_output: Option<Price>,
    /// Input tokens of a request with more than 200,000 of them.
    pub long_input: Option<Price>,
    /// Output tokens of such a request.
    pub long_output: Option<Price>,
    /// Longest prompt.
    pub max_input_tokens: Option<u64>,
    /// Longest answer.
    pub max_output_tokens: Option<u64>,
    /// Date (`YYYY-MM-DD`) from which the model is no longer offered.
    pub deprecation: Option<String>,
}

/// All token prices, sorted by key.
pub fn token_prices() -> &'static [TokenPrice] {
    static TABLE: OnceLock<Vec<TokenPrice>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let text = unpack(include_bytes!("data/llm_token_prices.csv.gz"));
        let price = |field: &str| {
            (!field.is_empty()).then(|| Price::new(Money::parse(field).expect("embedded prices are exact decimals"), 1))
        };
        records(&text)
            .iter()
            .map(|r| TokenPrice {
                key: r[0].to_owned(),
                provider: r[1].to_owned(),
                scope: r[3].to_owned(),
                input: price(&r[4]).expect("every row has an input price"),
                output: price(&r[5]).expect("every row has an output price"),
                cached_input: price(&r[6]),
                cache_write: price(&r[7]),
                batch_input: price(&r[8]),
                batch_output: price(&r[9]),
                priority_input: price(&r[10]),
                priority_output: price(&r[11]),
                long_input: price(&r[12]),
                long_output: price(&r[13]),
                max_input_tokens: opt_num(r, 14),
                max_output_tokens: opt_num(r, 15),
                deprecation: (!r[16].is_empty()).then(|| r[16].to_owned()),
            })
            .collect()
    })
}

/// The price with this key.
pub fn token_price(key: &str) -> Option<&'static TokenPrice> {
    let rows = token_prices();
    rows.binary_search_by(|p| p.key.as_str().cmp(key)).ok().map(|i| &rows[i])
}

/// The key that somebody probably meant; `None` if nothing is close.
pub fn suggest_token_price(key: &str) -> Option<&'static str> {
    let wanted = key.trim().to_lowercase();
    let mut best: Option<(f64, &'static str)> = None;
    for p in token_prices() {
        // Damerau-Levenshtein rather than a prefix measure: keys differ in front (the scope) and behind (the version)
        let score = strsim::normalized_damerau_levenshtein(&wanted, &p.key.to_lowercase());
        if score > 0.6 && best.is_none_or(|(b, _)| score > b) {
            best = Some((score, &p.key));
        }
    }
    best.map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_mtok(key: &str) -> (Money, Money) {
        let p = token_price(key).unwrap_or_else(|| panic!("no price {key}"));
        (p.input.cost(1_000_000), p.output.cost(1_000_000))
    }

    #[test]
    fn spot_prices_are_exact() {
        let m = |s: &str| Money::parse(s).unwrap();
        assert_eq!(per_mtok("claude-sonnet-4-5"), (m("3"), m("15")));
        assert_eq!(per_mtok("eu.anthropic.claude-sonnet-4-5-20250929-v1:0"), (m("3.3"), m("16.5")));
        assert_eq!(per_mtok("global.anthropic.claude-sonnet-4-5-20250929-v1:0"), (m("3"), m("15")));
        assert_eq!(per_mtok("gpt-4o"), (m("2.5"), m("10")));
        assert_eq!(token_price("gpt-4o").unwrap().cached_input.unwrap().cost(1_000_000), m("1.25"));
        assert_eq!(per_mtok("azure/eu/gpt-4o-2024-11-20"), (m("2.75"), m("11")));
        assert_eq!(per_mtok("gemini-2.5-flash"), (m("0.3"), m("2.5")));
        assert_eq!(token_price("eu.anthropic.claude-sonnet-4-5-20250929-v1:0").unwrap().scope, "eu");
    }

    #[test]
    fn keys_are_sorted_and_unique() {
        let rows = token_prices();
        assert_eq!(rows.len(), 2156);
        assert!(rows.windows(2).all(|w| w[0].key < w[1].key));
        assert!(rows.iter().all(|p| p.input.amount > Money::ZERO || p.output.amount > Money::ZERO));
        assert!(rows.iter().all(|p| p.input.amount >= Money::ZERO && p.output.amount >= Money::ZERO));
    }

    #[test]
    fn suggestions() {
        assert_eq!(suggest_token_price("claude-sonnet-45"), Some("claude-sonnet-4-5"));
        assert_eq!(suggest_token_price("azure/gpt4o"), Some("azure/gpt-4o"));
        assert_eq!(suggest_token_price("zzzzzzzzzzzzzzzzzzzzzzzz"), None);
    }
}
