//! Which member has probably cached how much of a prompt: an approximate index of the prompts that were sent to each.
//!
//! Source: llm-d inference scheduler at 520af47, `pkg/epp`, approximate prefix plugin (read 2026): prompts are chains of
//! hashed blocks (16 tokens), at most 256 of them count; per server the least recently used of 31,250 blocks is forgotten; a
//! choice enters the prompt's blocks for the server chosen; a match ends at the first block that is not there. The index
//! guesses: it is not told what a server has thrown away.

use crate::routing::reason::Figure;

/// Most blocks of a prompt that count.
pub const MOST_BLOCKS: usize = 256;

/// Blocks remembered per server.
pub const LRU_BLOCKS: u32 = 31_250;

/// How much of a prompt is probably cached, for whoever asks why.
pub(in crate::routing::balance) fn figure(index: &PrefixIndex, blocks: &[u64]) -> Figure {
    let total = blocks.len().min(MOST_BLOCKS);
    Figure::new("blocks of the prompt that are probably cached", index.matched(blocks) as f64).of(total as f64)
}

/// What one member has been sent, least recently used first out.
#[derive(Clone, Debug)]
pub struct PrefixIndex {
    capacity: u32,
    /// Slots of nodes, open addressing with linear probing; a power of two, at most half full.
    table: Vec<u32>,
    nodes: Vec<Node>,
    /// Most and least recently used.
    newest: u32,
    oldest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    block: u64,
    newer: u32,
    older: u32,
}

const NONE: u32 = u32::MAX;

impl PrefixIndex {
    /// Remembers at most so many blocks; at least one.
    pub fn new(capacity: u32) -> PrefixIndex {
        // a small index never grows; a large one does when it is used
        let nodes = capacity.min(512) as usize;
        let table = vec![NONE; (2 * nodes).next_power_of_two()];
        PrefixIndex { capacity, table, nodes: Vec::with_capacity(nodes), newest: NONE, oldest: NONE }
    }

    /// How many of the leading blocks are known.
    pub fn matched(&self, blocks: &[u64]) -> usize {
        let blocks = &blocks[..blocks.len().min(MOST_BLOCKS)];
        blocks.iter().take_while(|b| self.find(**b).is_ok()).count()
    }

    /// A prompt goes to this member.
    pub fn enter(&mut self, blocks: &[u64]) {
        // the end of a prompt is forgotten before its beginning, without which it is of no use
        for block in blocks[..blocks.len().min(MOST_BLOCKS)].iter().rev() {
            match self.find(*block) {
                Ok(slot) => {
                    let node = self.table[slot];
                    self.unlink(node);
                    self.link(node);
                }
                Err(_) => self.insert(*block),
            }
        }
    }

    fn insert(&mut self, block: u64) {
        let node = if self.nodes.len() < self.capacity as usize {
            if 2 * (self.nodes.len() + 1) > self.table.len() {
                self.grow();
            }
            self.nodes.push(Node { block, newer: NONE, older: NONE });
            (self.nodes.len() - 1) as u32
        } else {
            let oldest = self.oldest;
            self.remove(self.nodes[oldest as usize].block);
            self.unlink(oldest);
            self.nodes[oldest as usize].block = block;
            oldest
        };
        let slot = self.find(block).expect_err("it is not there");
        self.table[slot] = node;
        self.link(node);
    }

    fn home(&self, block: u64) -> usize {
        (super::super::hash::mixed(block, 0) as usize) & (self.table.len() - 1)
    }

    /// The slot of a block, or the free one where it would be.
    fn find(&self, block: u64) -> Result<usize, usize> {
        let mask = self.table.len() - 1;
        let mut slot = self.home(block);
        loop {
            match self.table[slot] {
                NONE => return Err(slot),
                n if self.nodes[n as usize].block == block => return Ok(slot),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// Frees a block's slot and closes the gap, so that no search ends too early.
    fn remove(&mut self, block: u64) {
        let Ok(mut gap) = self.find(block) else { return };
        let mask = self.table.len() - 1;
        let mut slot = gap;
        loop {
            slot = (slot + 1) & mask;
            let n = self.table[slot];
            if n == NONE {
                break;
            }
            // whoever would be found from the gap as well moves there
            let home = self.home(self.nodes[n as usize].block);
            if (slot.wrapping_sub(home) & mask) >= (slot.wrapping_sub(gap) & mask) {
                self.table[gap] = n;
                gap = slot;
            }
        }
        self.table[gap] = NONE;
    }

    fn grow(&mut self) {
        self.table = vec![NONE; 2 * self.table.len()];
        for n in 0..self.nodes.len() {
            let slot = self.find(self.nodes[n].block).expect_err("every block is there once");
            self.table[slot] = n as u32;
        }
    }

    fn link(&mut self, node: u32) {
        let older = std::mem::replace(&mut self.newest, node);
        self.nodes[node as usize].older = older;
        self.nodes[node as usize].newer = NONE;
        if older == NONE {
            self.oldest = node;
        } else {
            self.nodes[older as usize].newer = node;
        }
    }

    fn unlink(&mut self, node: u32) {
        let Node { newer, older, .. } = self.nodes[node as usize];
        if newer == NONE {
            self.newest = older;
        } else {
            self.nodes[newer as usize].older = older;
        }
        if older == NONE {
            self.oldest = newer;
        } else {
            self.nodes[older as usize].newer = newer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_ends_at_the_first_block_that_is_not_there() {
        let mut p = PrefixIndex::new(100);
        assert_eq!(p.matched(&[1, 2, 3]), 0);
        p.enter(&[1, 2, 3, 4]);
        assert_eq!(p.matched(&[1, 2, 3, 4, 5]), 4);
        assert_eq!(p.matched(&[1, 2, 9, 4]), 2);
        assert_eq!(p.matched(&[2, 3]), 2, "blocks are chained by who hashes them");
        let long: Vec<u64> = (0..300).collect();
        let mut p = PrefixIndex::new(1000);
        p.enter(&long);
        assert_eq!(p.matched(&long), MOST_BLOCKS);
    }

    #[test]
    fn the_least_recently_used_is_forgotten_and_ends_before_beginnings() {
        let mut p = PrefixIndex::new(4);
        p.enter(&[1, 2]);
        p.enter(&[3, 4]);
        assert_eq!((p.matched(&[1, 2]), p.matched(&[3, 4])), (2, 2));
        p.enter(&[5]);
        assert_eq!((p.matched(&[1, 2]), p.matched(&[3, 4]), p.matched(&[5])), (1, 2, 1));
        p.enter(&[1]);
        p.enter(&[6]);
        assert_eq!((p.matched(&[1]), p.matched(&[3, 4])), (1, 1), "what was used again is young again");
    }

    /// Against a plain list, through growth, wrapping and many collisions.
    #[test]
    fn it_is_what_a_plain_list_would_be() {
        let (mut p, mut list) = (PrefixIndex::new(500), Vec::<u64>::new());
        let mut x = 1_u64;
        for _ in 0..20_000 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let block = (x >> 33) % 900;
            assert_eq!(p.matched(&[block]) == 1, list.contains(&block));
            p.enter(&[block]);
            list.retain(|b| *b != block);
            list.push(block);
            if list.len() > 500 {
                list.remove(0);
            }
        }
    }
}
