//! Prompt caches of a random scenario.

use geodes::scenario::model::{PromptCache, Scenario};
use geodes::units::{Money, Price, Span};
use geodes::world::Record;
use proptest::prelude::*;

/// What the deployments keep.
#[derive(Clone, Debug)]
pub struct Knobs {
    ttl_s: Option<u64>,
    capacity: Option<u64>,
    minimum: u32,
    step: u32,
    answers: bool,
    write_price: bool,
    /// Every so manieth deployment has one.
    every: usize,
}

pub fn knobs() -> impl Strategy<Value = Option<Knobs>> {
    let bounds = (1u64..400, proptest::option::of(20u64..20_000), any::<bool>());
    let lengths = (prop_oneof![Just(0u32), 1u32..600], prop_oneof![Just(1u32), Just(16), Just(128)]);
    let knobs = (bounds, lengths, any::<bool>(), any::<bool>(), 1usize..3);
    let knobs = knobs.prop_map(|((ttl, capacity, ttl_too), (minimum, step), answers, write_price, every)| Knobs {
        ttl_s: (ttl_too || capacity.is_none()).then_some(ttl),
        capacity,
        minimum,
        step,
        answers,
        write_price,
        every,
    });
    proptest::option::weighted(0.5, knobs)
}

/// Puts the caches into the scenario.
pub fn set(k: &Knobs, s: &mut Scenario) {
    for d in s.deployments.iter_mut().step_by(k.every) {
        d.prefill_per_token = Span::from_micros(500);
        d.prompt_cache = Some(PromptCache {
            ttl: k.ttl_s.map(Span::from_secs),
            capacity: k.capacity,
            minimum: k.minimum,
            step: k.step,
            answers: k.answers,
        });
        d.cached_price = Price::new(Money::from_dollars(3), 10_000_000);
        d.write_price = k.write_price.then(|| Price::new(Money::from_dollars(15), 4_000_000));
    }
}

/// What was read and written was part of what was billed, in whole steps, and only where there is a cache.
pub fn check(s: &Scenario, r: &Record) -> Result<(), TestCaseError> {
    let n = s.deployments.len();
    for (i, d) in s.deployments.iter().enumerate() {
        for g in 0..s.groups.len() {
            let of = |tokens: &[u64]| tokens[g * n + i];
            let (cached, written) = (of(&r.usage.cached_tokens), of(&r.usage.written_tokens));
            prop_assert!(cached + written <= of(&r.usage.input_tokens));
            match d.prompt_cache {
                None => prop_assert_eq!((cached, written), (0, 0)),
                Some(c) => prop_assert_eq!((cached % u64::from(c.step), written % u64::from(c.step)), (0, 0)),
            }
        }
    }
    Ok(())
}
