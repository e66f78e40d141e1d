//! "Did you mean": the nearest known word, if one is near enough to be a slip of the hand.

/// The word of `known` nearest to `found`, compared without regard to case, or `None` if nothing is near: more than a
/// third of the letters (at least one) would have to change, and `found` does not begin a known word either.
/// Ties go to the earlier word.
pub fn suggest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_lowercase();
    let letters = found.chars().count();
    let limit = (letters / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for word in known {
        let lower = word.to_lowercase();
        let mut distance = strsim::damerau_levenshtein(&found, &lower);
        if distance > limit && letters >= 3 && lower.starts_with(&found) {
            distance = limit;
        }
        if distance <= limit && best.is_none_or(|(d, _)| distance < d) {
            best = Some((distance, word));
        }
    }
    best.map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_caught_and_strangers_are_not() {
        let known = ["ttft_ms", "e2e_ms", "availability"];
        assert_eq!(suggest("tfft_ms", known), Some("ttft_ms"));
        assert_eq!(suggest("TTFT", known), Some("ttft_ms"));
        assert_eq!(suggest("availablity", known), Some("availability"));
        assert_eq!(suggest("bananas", known), None);
        assert_eq!(suggest("", known), None);
    }
}
