//! The scenario that `geodes init` writes.

/// A commented scenario that loads and runs as it is.
pub const fn starter() -> &'static str {
    include_str!("starter.toml")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_starter_loads_without_warnings() {
        let loaded =
            crate::scenario::from_str(super::starter(), "starter.toml", None).unwrap_or_else(|e| panic!("{e}"));
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        assert_eq!(loaded.scenario.topologies.len(), 2);
    }
}
