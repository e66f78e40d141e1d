//! "Did you mean": the most similar of some names.

/// The candidate nearest to `text`: fewest edits (insertions, deletions, substitutions, transpositions) regardless of
/// case, about a third of the length at most, ties to the first.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = text.to_lowercase();
    let limit = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&wanted, &c.to_lowercase()), c))
        .filter(|&(d, c)| d <= limit.max(c.chars().count() / 4))
        .min_by_key(|&(d, _)| d)
        .map(|(_, c)| c)
}

/// `did you mean ...?`, if anything is near.
pub fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(text, candidates).map(|c| format!("did you mean `{c}`?"))
}

/// Names as a list for a message: `a`, `b`, `c`; long lists are cut.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.into_iter().collect();
    // of hundreds of names a few show the form, and more would not help
    let most = if all.len() > 40 { 4 } else { 16 };
    let mut out: Vec<String> = all.iter().take(most).map(|n| format!("`{n}`")).collect();
    if all.len() > most {
        out.push(format!("and {} more", all.len() - most));
    }
    out.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(nearest("healht", ["retry", "health", "heat"]), Some("health"));
        assert_eq!(nearest("Frankfrut", ["Frankfurt"]), Some("Frankfurt"));
        assert_eq!(nearest("zzzz", ["retry", "health"]), None);
        assert_eq!(nearest("AWS:US-EAST-1", ["aws:us-east-1"]), Some("aws:us-east-1"));
    }
}
