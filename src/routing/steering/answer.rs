//! What a steering system answers: no endpoint, one, or several to choose from.

/// Most endpoints that one system steers between.
pub const MOST_ENDPOINTS: usize = 64;

/// A set of endpoints by position.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Answer(u64);

impl Answer {
    /// No endpoint: the name does not exist for the one who asks.
    pub const NONE: Answer = Answer(0);

    /// One endpoint. The position is below [`MOST_ENDPOINTS`].
    pub fn one(endpoint: usize) -> Answer {
        debug_assert!(endpoint < MOST_ENDPOINTS);
        Answer(1 << endpoint)
    }

    /// With one more.
    #[must_use]
    pub fn with(self, endpoint: usize) -> Answer {
        Answer(self.0 | Answer::one(endpoint).0)
    }

    /// Without one.
    #[must_use]
    pub fn without(self, endpoint: usize) -> Answer {
        Answer(self.0 & !Answer::one(endpoint).0)
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it has this one.
    pub fn contains(self, endpoint: usize) -> bool {
        self.0 & Answer::one(endpoint).0 != 0
    }

    /// Their positions, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> + Clone {
        (0..MOST_ENDPOINTS).filter(move |i| self.contains(*i))
    }

    /// The `n`-th of them in ascending order.
    pub fn nth(self, n: usize) -> Option<usize> {
        self.iter().nth(n)
    }
}

impl From<Option<usize>> for Answer {
    fn from(one: Option<usize>) -> Answer {
        one.map_or(Answer::NONE, Answer::one)
    }
}

impl FromIterator<usize> for Answer {
    fn from_iter<I: IntoIterator<Item = usize>>(endpoints: I) -> Answer {
        endpoints.into_iter().fold(Answer::NONE, Answer::with)
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_positions() {
        let a: Answer = [3, 63, 0].into_iter().collect();
        assert_eq!((a.len(), a.nth(0), a.nth(2), a.nth(3)), (3, Some(0), Some(63), None));
        assert!(a.contains(3) && !a.contains(1) && !a.without(3).contains(3));
        assert_eq!(format!("{:?}", a.without(63)), "{0, 3}");
        assert!(Answer::from(None).is_empty() && Answer::from(Some(5)) == Answer::one(5));
    }
}
