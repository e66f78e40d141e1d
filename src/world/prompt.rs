//! What two prompts have in common, for gateways that look into prompts: hashes of their blocks, chained by what they are
//! made of.
//!
//! A workload's system prompt is the same for everybody; behind it stands the conversation, which grows turn by turn. Where
//! a context is cut to its longest length, its oldest part goes, and with it the conversation's common beginning. Prompts
//! without a growing context share nothing: what stands in them is not simulated.

use super::prompt_cache::Prefix;
use crate::random::EntityKey;
use crate::routing::balance::inference::prefix::MOST_BLOCKS;
use crate::scenario::model::Context;

/// Tokens of a block (llm-d inference scheduler at 520af47: 16).
pub const BLOCK: u32 = 16;

/// One prompt.
#[derive(Clone, Copy, Debug)]
pub struct Prompt {
    /// Address of its workload, of its session and of the turn.
    pub keys: [EntityKey; 3],
    /// Tokens of earlier turns.
    pub history: u32,
    /// New tokens.
    pub input: u32,
    /// All tokens.
    pub total: u32,
}

impl Prompt {
    /// What a cache can find of it. `turn` counts the session's turns, `failed` says which of them failed.
    pub fn prefix(&self, context: &Context, turn: u32, failed: u64) -> Prefix {
        let [workload, session, of_turn] = self.keys;
        let (system, grows) = self.behind(context);
        Prefix {
            workload,
            system: system.min(self.total),
            conversation: if grows { session } else { of_turn },
            shared: if grows { self.total - self.input } else { system.min(self.total) },
            total: self.total,
            turn,
            failed,
            recurs: matches!(context, Context::Growing { .. }),
        }
    }

    /// Tokens of the system prompt, and whether the conversation behind it goes on where the last prompt ended.
    fn behind(&self, context: &Context) -> (u32, bool) {
        match *context {
            Context::Fresh => (0, false),
            Context::Growing { system_tokens, .. } => {
                let whole = system_tokens.saturating_add(self.history).saturating_add(self.input);
                (system_tokens, whole == self.total)
            }
        }
    }
}

/// Fills in the hashes of the prompt's whole blocks, as many as are looked at.
pub fn blocks(out: &mut Vec<u64>, context: &Context, prompt: &Prompt) {
    out.clear();
    let [workload, session, turn] = prompt.keys;
    let (system, grows) = prompt.behind(context);
    let conversation = if grows { session } else { turn };
    let count = (prompt.total / BLOCK).min(MOST_BLOCKS as u32);
    out.extend((0..count).map(|b| {
        let whose = if (b + 1) * BLOCK <= system { workload } else { conversation };
        whose.child(u64::from(b)).0
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(context: &Context, session: &str, turn: u64, history: u32, input: u32, total: u32) -> Vec<u64> {
        let session = EntityKey::named(session);
        let keys = [EntityKey::named("chat"), session, session.child(turn)];
        let mut out = Vec::new();
        blocks(&mut out, context, &Prompt { keys, history, input, total });
        out
    }

    fn shared(a: &[u64], b: &[u64]) -> usize {
        a.iter().zip(b).take_while(|(x, y)| x == y).count()
    }

    #[test]
    fn conversations_share_their_past_and_all_share_the_system_prompt() {
        let growing = Context::Growing { system_tokens: 100, max_tokens: 1000 };
        let first = of(&growing, "a", 0, 0, 60, 160);
        let second = of(&growing, "a", 1, 200, 60, 360);
        let other = of(&growing, "b", 0, 0, 60, 160);
        assert_eq!((first.len(), second.len()), (10, 22));
        assert_eq!(shared(&first, &second), 10);
        assert_eq!(shared(&first, &other), 6, "whole blocks of the system prompt");
        let cut = of(&growing, "a", 9, 2000, 60, 1000);
        assert_eq!(shared(&second, &cut), 6, "the oldest part is gone");
        let (x, y) = (of(&Context::Fresh, "a", 0, 0, 60, 60), of(&Context::Fresh, "a", 1, 0, 60, 60));
        assert_eq!(shared(&x, &y), 0);
    }
}
