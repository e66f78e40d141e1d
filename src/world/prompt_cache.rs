//! The prompt cache of a deployment: which prompts begin with what it has worked through before.
//!
//! A prompt is the system prompt of its workload and behind that a conversation (see `prompt.rs`), so a cache needs no blocks:
//! per conversation how much of it is there, per workload that its system prompt is, and when each was last used. That is
//! exact: blocks of one conversation are used together, and where room is needed its end goes before its beginning.
//!
//! A prompt is in the cache from the moment its first token is out, when all of it has been worked through; two requests that
//! arrive before that both miss (Anthropic, "Prompt caching", 2026: available after the first response begins). It lives until
//! `ttl` after the last request that wrote or read it arrived, that moment itself excluded (the same page: measured from the start
//! of the request). Of a prompt at least one token is always worked through: the first one of the answer comes from it (vLLM,
//! `kv_cache_manager.py`, 2026: the longest hit is one token less than the prompt).
//!
//! Memory: one entry of 56 bytes per conversation used within the last `ttl`, ended or not, and no more than `capacity` has room for;
//! of calls under way one entry each. All of it is used again, so nothing is allocated once a run is warm.
//!
//! ASSUMPTIONS: a service looks at the cache when the request arrives, even if it then waits in a queue; what a gateway gives up
//! is worked through to its first token, as its prompt is billed; a request refused uses nothing; what runs takes no room of the
//! capacity. Left out: the limits of how far back a service looks for a match (Anthropic: 20 blocks), and how it spreads
//! requests over its machines (OpenAI: by a hash of the beginning, 15 requests per minute and machine).

use crate::random::EntityKey;
use crate::scenario::model;
use crate::units::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What of a prompt may be there from earlier ones.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    /// Whose system prompt stands in front.
    pub workload: EntityKey,
    /// Tokens of it.
    pub system: u32,
    /// What stands behind it: of the session, or of the turn if the conversation is cut or is none.
    pub conversation: EntityKey,
    /// Tokens of the system prompt and of earlier turns: what the prompt shares with any later one.
    pub shared: u32,
    /// All tokens.
    pub total: u32,
    /// The turn of its session.
    pub turn: u32,
    /// Which of the 64 turns before it failed, the last in the lowest bit: what was said in those is not in the prompt.
    pub failed: u64,
    /// Later prompts can begin as this one does: otherwise only a repetition of the turn does.
    pub recurs: bool,
}

/// What a cache saves of a prompt, and what it will keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// Tokens read from it.
    pub cached: u32,
    /// Tokens written to it.
    pub written: u32,
}

/// One cache.
#[derive(Clone, Debug)]
pub struct PromptCache {
    spec: model::PromptCache,
    entries: Vec<Entry>,
    /// The first free entry; free ones are linked by `older`.
    free: u32,
    /// Slots of entries by key, open addressing with linear probing; a power of two, at most half full.
    table: Vec<u32>,
    live: usize,
    newest: u32,
    oldest: u32,
    /// Tokens held.
    held: u64,
    /// Prompts being worked through, the first that will be done first.
    pending: BinaryHeap<Reverse<Pending>>,
    number: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,
    last_used: Time,
    /// Tokens from the beginning of the prompt that are there; of them the first `base` are the system prompt's, which has an
    /// entry of its own.
    length: u32,
    base: u32,
    /// Turn that it is of, all tokens of its prompt, and those that later turns certainly share.
    turn: u32,
    total: u32,
    shared: u32,
    newer: u32,
    older: u32,
}

/// Orders by when it is done, then by when it was taken in.
#[derive(Clone, Copy, Debug)]
struct Pending {
    done: Time,
    arrived: Time,
    number: u64,
    prefix: Prefix,
}

impl PartialEq for Pending {
    fn eq(&self, other: &Pending) -> bool {
        self.number == other.number
    }
}
impl Eq for Pending {}
impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Pending) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Pending {
    fn cmp(&self, other: &Pending) -> std::cmp::Ordering {
        (self.done, self.number).cmp(&(other.done, other.number))
    }
}

const NONE: u32 = u32::MAX;

impl PromptCache {
    /// An empty one.
    pub fn new(spec: &model::PromptCache) -> PromptCache {
        PromptCache {
            spec: *spec,
            entries: Vec::new(),
            free: NONE,
            table: vec![NONE; 64],
            live: 0,
            newest: NONE,
            oldest: NONE,
            held: 0,
            pending: BinaryHeap::new(),
            number: 0,
        }
    }

    /// What is there of a prompt that arrives now. Nothing is used yet.
    pub fn look_up(&mut self, now: Time, prompt: &Prefix) -> Found {
        self.settle(now);
        let cached = self.spec.whole(self.common(now, prompt).min(prompt.total - 1));
        Found { cached, written: self.keeps(prompt).saturating_sub(cached) }
    }

    /// The prompt that was looked up is taken in: what was found is used, and all of it will be there when it is `done`.
    pub fn take_in(&mut self, now: Time, prompt: &Prefix, found: Found, done: Time) {
        if found.cached > 0 {
            for key in [prompt.conversation, prompt.workload] {
                if let Ok(slot) = self.find(key.0)
                    && self.alive(&self.entries[self.table[slot] as usize], now)
                {
                    self.touch(self.table[slot], now);
                }
            }
        }
        if self.keeps(prompt) > 0 {
            self.number += 1;
            self.pending.push(Reverse(Pending { done, arrived: now, number: self.number, prefix: *prompt }));
        }
    }

    /// The answer to a turn has become part of its conversation.
    pub fn answered(&mut self, now: Time, conversation: EntityKey, turn: u32, output: u32) {
        if !self.spec.answers {
            return;
        }
        self.settle(now);
        let Ok(slot) = self.find(conversation.0) else { return };
        let i = self.table[slot];
        let e = self.entries[i as usize];
        // what has lost its end cannot grow there
        if e.turn == turn && e.length == e.total {
            self.resize(i, e.length.saturating_add(output));
            self.touch(i, now);
            self.make_room();
        }
    }

    /// All of it is lost.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.free = NONE;
        self.table.fill(NONE);
        (self.live, self.held) = (0, 0);
        (self.newest, self.oldest) = (NONE, NONE);
        self.pending.clear();
    }

    /// What is being worked through is broken off.
    pub fn break_off(&mut self, now: Time) {
        self.settle(now);
        self.pending.clear();
    }

    /// Tokens held, and entries that hold them.
    pub fn size(&self) -> (u64, usize) {
        (self.held, self.live)
    }

    /// Tokens of a prompt that are kept once it is worked through. ASSUMPTION: where keeping is a service, nobody asks for it if
    /// no later prompt can begin so; an engine keeps whatever it has computed.
    fn keeps(&self, prompt: &Prefix) -> u32 {
        if prompt.recurs || self.spec.in_engines() { self.spec.whole(prompt.total) } else { 0 }
    }

    /// Tokens from the beginning of the prompt that are there.
    fn common(&self, now: Time, prompt: &Prefix) -> u32 {
        let length = |key: EntityKey| {
            let entry = self.find(key.0).ok().map(|slot| self.entries[self.table[slot] as usize]);
            entry.filter(|e| self.alive(e, now))
        };
        let system = match prompt.system {
            0 => 0,
            tokens => match length(prompt.workload) {
                // without all of the system prompt nothing behind it is of use
                Some(e) if e.length >= tokens => tokens,
                Some(e) => return e.length,
                None => return 0,
            },
        };
        let conversation = length(prompt.conversation).map_or(0, |e| {
            let before = prompt.turn.wrapping_sub(e.turn); // turns ago
            if before == 0 {
                e.length
            } else if before <= 64 && prompt.failed & (1 << (before - 1)) == 0 {
                e.length.min(prompt.shared)
            } else {
                e.length.min(e.shared)
            }
        });
        conversation.max(system)
    }

    /// Everything that has happened until now: prompts that are done, and what nobody has used for too long.
    fn settle(&mut self, now: Time) {
        while let Some(Reverse(next)) = self.pending.peek().copied().filter(|Reverse(p)| p.done <= now) {
            self.pending.pop();
            self.expire(next.done);
            self.write(&next);
        }
        self.expire(now);
    }

    fn alive(&self, e: &Entry, now: Time) -> bool {
        self.spec.ttl.is_none_or(|ttl| now < e.last_used.saturating_add(ttl))
    }

    /// Frees the memory of what is gone, as far as nothing stands before it that was used before but written after it.
    fn expire(&mut self, now: Time) {
        while self.oldest != NONE && !self.alive(&self.entries[self.oldest as usize], now) {
            self.remove(self.oldest);
        }
    }

    fn write(&mut self, Pending { done, arrived, prefix: prompt, .. }: &Pending) {
        let base = prompt.system / self.spec.step * self.spec.step;
        let entry = Entry {
            key: prompt.conversation.0,
            last_used: *arrived,
            length: prompt.total,
            base,
            turn: prompt.turn,
            total: prompt.total,
            shared: prompt.shared,
            newer: NONE,
            older: NONE,
        };
        // the beginning is used after the end, so it outlives it
        if prompt.total / self.spec.step * self.spec.step > base {
            self.put(entry, *done);
        }
        if prompt.system > 0 {
            let system = prompt.system.min(prompt.total);
            self.put(Entry { key: prompt.workload.0, length: system, base: 0, turn: 0, total: system, ..entry }, *done);
        }
        self.make_room();
    }

    /// Keeps an entry, or renews the one that is there.
    fn put(&mut self, new: Entry, now: Time) {
        let i = match self.find(new.key) {
            Err(_) => self.insert(new),
            Ok(slot) => {
                let i = self.table[slot];
                let old = self.entries[i as usize];
                if new.turn >= old.turn {
                    // a repetition of a turn does not undo its answer
                    let again = new.turn == old.turn && self.alive(&old, now);
                    let length = if again { old.length.max(new.length) } else { new.length };
                    let e = &mut self.entries[i as usize];
                    (e.turn, e.total, e.shared) = (new.turn, new.total, new.shared);
                    self.resize(i, length);
                }
                i
            }
        };
        self.touch(i, new.last_used);
    }

    /// Tokens that an entry holds itself.
    fn own(&self, e: &Entry) -> u32 {
        (e.length / self.spec.step * self.spec.step).saturating_sub(e.base)
    }

    fn resize(&mut self, i: u32, length: u32) {
        let e = self.entries[i as usize];
        let resized = Entry { length, ..e };
        self.held = self.held + u64::from(self.own(&resized)) - u64::from(self.own(&e));
        self.entries[i as usize] = resized;
    }

    /// The least recently used make room, each from its end.
    fn make_room(&mut self) {
        let Some(capacity) = self.spec.capacity else { return };
        while self.held > capacity {
            let i = self.oldest;
            let e = self.entries[i as usize];
            let (own, over) = (self.own(&e), self.held - capacity);
            let cut = over.div_ceil(u64::from(self.spec.step)) * u64::from(self.spec.step);
            if cut >= u64::from(own) {
                self.remove(i);
            } else {
                self.resize(i, e.base + own - cut as u32);
            }
        }
    }

    fn insert(&mut self, entry: Entry) -> u32 {
        if 2 * (self.live + 1) > self.table.len() {
            self.grow();
        }
        let i = match self.free {
            NONE => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
            i => {
                self.free = self.entries[i as usize].older;
                self.entries[i as usize] = entry;
                i
            }
        };
        let slot = self.find(entry.key).expect_err("it is not there");
        self.table[slot] = i;
        self.live += 1;
        self.held += u64::from(self.own(&entry));
        self.link(i);
        i
    }

    fn remove(&mut self, i: u32) {
        let e = self.entries[i as usize];
        self.held -= u64::from(self.own(&e));
        self.unlink(i);
        self.free_slot(e.key);
        self.entries[i as usize].older = self.free;
        self.free = i;
        self.live -= 1;
    }

    fn home(&self, key: u64) -> usize {
        key as usize & (self.table.len() - 1) // keys are hashes
    }

    /// The slot of a key, or the free one where it would be.
    fn find(&self, key: u64) -> Result<usize, usize> {
        let mask = self.table.len() - 1;
        let mut slot = self.home(key);
        loop {
            match self.table[slot] {
                NONE => return Err(slot),
                i if self.entries[i as usize].key == key => return Ok(slot),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// Frees a key's slot and closes the gap, so that no search ends too early.
    fn free_slot(&mut self, key: u64) {
        let Ok(mut gap) = self.find(key) else { return };
        let mask = self.table.len() - 1;
        let mut slot = gap;
        loop {
            slot = (slot + 1) & mask;
            let i = self.table[slot];
            if i == NONE {
                break;
            }
            let home = self.home(self.entries[i as usize].key);
            if (slot.wrapping_sub(home) & mask) >= (slot.wrapping_sub(gap) & mask) {
                self.table[gap] = i;
                gap = slot;
            }
        }
        self.table[gap] = NONE;
    }

    fn grow(&mut self) {
        self.table = vec![NONE; 2 * self.table.len()];
        let mut i = self.newest;
        while i != NONE {
            let slot = self.find(self.entries[i as usize].key).expect_err("every key is there once");
            self.table[slot] = i;
            i = self.entries[i as usize].older;
        }
    }

    fn touch(&mut self, i: u32, now: Time) {
        self.unlink(i);
        self.link(i);
        let e = &mut self.entries[i as usize];
        e.last_used = e.last_used.max(now);
    }

    fn link(&mut self, i: u32) {
        let older = std::mem::replace(&mut self.newest, i);
        (self.entries[i as usize].older, self.entries[i as usize].newer) = (older, NONE);
        match older {
            NONE => self.oldest = i,
            older => self.entries[older as usize].newer = i,
        }
    }

    fn unlink(&mut self, i: u32) {
        let Entry { newer, older, .. } = self.entries[i as usize];
        match newer {
            NONE => self.newest = older,
            newer => self.entries[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.entries[older as usize].newer = newer,
        }
    }
}

#[cfg(test)]
mod tests;
