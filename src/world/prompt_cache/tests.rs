//! A cache by itself: what it finds, and what it forgets.

use super::*;
use crate::units::Span;

const ENGINE: model::PromptCache =
    model::PromptCache { ttl: None, capacity: Some(1_000), minimum: 0, step: 16, answers: true };
const SERVICE: model::PromptCache =
    model::PromptCache { ttl: Some(Span::from_secs(300)), capacity: None, minimum: 1_024, step: 128, answers: false };

fn s(seconds: u64) -> Time {
    Time::ZERO + Span::from_secs(seconds)
}

/// A turn of a conversation behind a system prompt of so many tokens, with so many tokens of earlier turns and new ones.
fn turn(of: &str, turn: u32, system: u32, history: u32, input: u32) -> Prefix {
    Prefix {
        workload: EntityKey::named("chat"),
        system,
        conversation: EntityKey::named(of),
        shared: system + history,
        total: system + history + input,
        turn,
        failed: 0,
        recurs: true,
    }
}

/// A prompt arrives and is worked through within so many seconds.
fn ask(c: &mut PromptCache, at: u64, takes: u64, p: &Prefix) -> Found {
    let found = c.look_up(s(at), p);
    c.take_in(s(at), p, found, s(at + takes));
    found
}

fn found(cached: u32, written: u32) -> Found {
    Found { cached, written }
}

#[test]
fn a_conversation_finds_what_it_has_said_and_others_the_system_prompt() {
    let mut c = PromptCache::new(&model::PromptCache { minimum: 0, step: 1, ..SERVICE });
    assert_eq!(ask(&mut c, 0, 1, &turn("a", 0, 100, 0, 50)), found(0, 150));
    assert_eq!(c.look_up(s(0), &turn("a", 0, 100, 0, 50)), found(0, 150), "not there before its first token");
    assert_eq!(c.look_up(s(1), &turn("b", 0, 100, 0, 60)), found(100, 60));
    assert_eq!(ask(&mut c, 2, 1, &turn("a", 1, 100, 80, 50)), found(150, 80), "prompt, and an answer of 30 tokens");
    assert_eq!(ask(&mut c, 4, 1, &turn("a", 1, 100, 80, 50)), found(229, 1), "a repetition, but for one token");
    let other = Prefix { workload: EntityKey::named("code"), ..turn("d", 0, 100, 0, 50) };
    assert_eq!(c.look_up(s(5), &other), found(0, 150));
}

/// OpenAI and Azure: from 1,024 tokens on, in steps of 128.
#[test]
fn a_minimum_and_whole_steps() {
    let mut c = PromptCache::new(&SERVICE);
    assert_eq!(ask(&mut c, 0, 0, &turn("a", 0, 0, 0, 1_023)), found(0, 0));
    assert_eq!(ask(&mut c, 1, 0, &turn("a", 0, 0, 0, 1_023)), found(0, 0), "too short to be kept");
    assert_eq!(ask(&mut c, 2, 0, &turn("b", 0, 0, 0, 1_300)), found(0, 1_280));
    assert_eq!(ask(&mut c, 3, 0, &turn("b", 1, 0, 1_300, 300)), found(1_280, 256));
    // of a shared system prompt that is too short alone nobody else profits
    ask(&mut c, 4, 0, &turn("c", 0, 900, 0, 500));
    assert_eq!(c.look_up(s(5), &turn("d", 0, 900, 0, 500)), found(0, 1_280));
}

#[test]
fn it_is_gone_when_it_was_not_used_for_its_time_to_live() {
    let mut c = PromptCache::new(&SERVICE);
    let p = turn("a", 0, 0, 0, 2_000);
    ask(&mut c, 0, 10, &p);
    assert_eq!(c.look_up(s(9), &p).cached, 0, "not before its first token");
    assert_eq!(c.look_up(s(299), &p).cached, 1_920, "from the request on");
    assert_eq!(c.size().1, 1);
    assert_eq!(c.look_up(s(300), &p).cached, 0);
    assert_eq!(c.size(), (0, 0));
    ask(&mut c, 400, 0, &p);
    ask(&mut c, 699, 100, &p);
    assert_eq!(c.look_up(s(998), &p).cached, 1_920, "each use is another five minutes");
    // who answers for longer than that has written what is gone when it is there
    ask(&mut c, 2_000, 400, &p);
    ask(&mut c, 2_000, 10, &turn("b", 0, 0, 0, 2_000));
    assert_eq!(c.look_up(s(2_400), &p).cached, 0);
    assert_eq!(c.size(), (0, 0));
}

#[test]
fn what_was_said_in_a_failed_turn_is_not_in_later_prompts() {
    let mut c = PromptCache::new(&model::PromptCache { minimum: 0, step: 1, ..SERVICE });
    ask(&mut c, 0, 1, &turn("a", 0, 0, 0, 100));
    ask(&mut c, 2, 1, &turn("a", 1, 0, 150, 70));
    let after = Prefix { failed: 0b1, ..turn("a", 2, 0, 150, 90) };
    assert_eq!(c.look_up(s(4), &after).cached, 150);
    let later = Prefix { failed: 0b10, ..turn("a", 3, 0, 300, 90) };
    assert_eq!(c.look_up(s(4), &later).cached, 150);
    let served = turn("a", 3, 0, 300, 90);
    assert_eq!(c.look_up(s(4), &served).cached, 220);
}

#[test]
fn an_engine_keeps_blocks_of_prompts_and_answers_and_forgets_the_end_of_the_oldest() {
    let mut c = PromptCache::new(&ENGINE);
    ask(&mut c, 0, 1, &turn("a", 0, 160, 0, 160));
    assert_eq!((c.look_up(s(1), &turn("z", 0, 160, 0, 10)).cached, c.size()), (160, (320, 2)));
    c.answered(s(2), EntityKey::named("a"), 0, 85);
    assert_eq!(c.size(), (400, 2), "405 tokens are 25 blocks");
    assert_eq!(c.look_up(s(2), &turn("a", 1, 160, 245, 100)).cached, 400);
    ask(&mut c, 3, 1, &turn("b", 0, 160, 0, 640));
    c.settle(s(4));
    assert_eq!(c.size(), (1_000 / 16 * 16, 3));
    // 240 + 640 + 160 tokens are 40 too many: three blocks from the end of a
    assert_eq!(c.look_up(s(5), &turn("a", 1, 160, 245, 100)).cached, 400 - 48);
    assert_eq!(c.look_up(s(5), &turn("b", 1, 160, 640, 100)).cached, 800);
    // what has lost its end does not grow there
    c.answered(s(5), EntityKey::named("a"), 0, 999);
    assert_eq!(c.look_up(s(5), &turn("a", 1, 160, 245, 100)).cached, 400 - 48);
    ask(&mut c, 6, 1, &turn("c", 0, 160, 0, 820));
    assert_eq!(c.look_up(s(7), &turn("c", 1, 160, 900, 820)).cached, 976);
    assert_eq!(c.size(), (992, 3), "61 of 62 blocks; the last one is the first of b");
    assert_eq!(c.look_up(s(7), &turn("a", 1, 160, 245, 100)).cached, 160);
    assert_eq!(c.look_up(s(7), &turn("b", 1, 160, 640, 100)).cached, 176);
    c.clear();
    assert_eq!((c.look_up(s(8), &turn("c", 1, 160, 900, 820)).cached, c.size()), (0, (0, 0)));
}

/// Beside a plain list of blocks with the same rules.
#[test]
fn it_is_exactly_a_list_of_blocks_least_recently_used_first_out() {
    use crate::random::{Draws, Seed};
    use crate::world::purpose::{INPUT, OUTPUT};
    let draws = Draws::new(Seed { seed: 5, replication: 0 });
    let (mut c, mut reference) = (PromptCache::new(&ENGINE), Vec::<(EntityKey, u32)>::new());
    let mut sessions: Vec<(u32, u32)> = vec![(0, 0); 12];
    for n in 0..20_000u64 {
        let i = draws.below(INPUT, EntityKey(1), n, sessions.len() as u64) as usize;
        let (t, history) = sessions[i];
        let input = draws.below(OUTPUT, EntityKey(1), n, 120) as u32 + 1;
        let name = EntityKey(1_000_003 * (i as u64 + 1) + (t as u64 / 6) * 64);
        let p = Prefix { conversation: name, ..turn("", t, 48, history, input) };
        let blocks: Vec<(EntityKey, u32)> =
            (0..p.total / 16).map(|b| (if b < 3 { p.workload } else { name }, b)).collect();
        let hit = blocks.iter().take_while(|b| reference.contains(b)).count() as u32;
        let got = ask(&mut c, n, 0, &p);
        assert_eq!(got.cached, (hit * 16).min((p.total - 1) / 16 * 16), "request {n}");
        c.settle(s(n));
        // the end is used before the beginning
        for b in blocks.iter().rev() {
            reference.retain(|r| r != b);
            reference.push(*b);
        }
        let over = reference.len().saturating_sub(1_000 / 16);
        reference.drain(..over);
        assert_eq!(c.size().0, 16 * reference.len() as u64, "request {n}");
        sessions[i] = if (t + 1) % 6 == 0 { (t + 1, 0) } else { (t + 1, history + input) };
    }
}
