//! A slab with generational keys: storage for what is alive, and cancellation that costs nothing when unused.
//!
//! The pattern: an event carries the [`Key`] of what it is about. When that thing ends early, it is removed from the
//! slab and its pending events are left alone; when one fires, [`Slab::get_mut`] answers `None` and the handler returns.
//! No queue is searched, no tombstone is kept, and a run that never cancels pays one comparison per event.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// Names one tenancy of one slot of a [`Slab<T>`]. After the value is removed the key is *stale* for ever.
///
/// A key is a position in memory, so it is reused and depends on what else is alive: never address a random draw with it.
pub struct Key<T> {
    index: u32,
    generation: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    /// A key that is stale in every slab; useful as "none" in a compact struct.
    pub const NONE: Key<T> = Key { index: u32::MAX, generation: 0, of: PhantomData };

    /// The slot.
    #[inline]
    pub const fn index(self) -> u32 {
        self.index
    }
    /// The tenancy of the slot: odd for keys that were handed out.
    #[inline]
    pub const fn generation(self) -> u32 {
        self.generation
    }
    /// The same key for who does not know what the slab holds. Nothing watches that it comes back as what it was: only the
    /// one who keeps it can know which slab it belongs to.
    #[inline]
    pub const fn retyped<U>(self) -> Key<U> {
        Key { index: self.index, generation: self.generation, of: PhantomData }
    }
    #[inline]
    /// A key of nothing, told from others by its number.
    #[cfg(test)]
    pub(crate) const fn dangling(index: u32) -> Key<T> {
        Key { index, generation: 1, of: PhantomData }
    }

    const fn parts(self) -> (u32, u32) {
        (self.index, self.generation)
    }
}

// Written out because a derive would ask the same of `T`.
impl<T> Clone for Key<T> {
    #[inline]
    fn clone(&self) -> Key<T> {
        *self
    }
}
impl<T> Copy for Key<T> {}
impl<T> PartialEq for Key<T> {
    #[inline]
    fn eq(&self, other: &Key<T>) -> bool {
        self.parts() == other.parts()
    }
}
impl<T> Eq for Key<T> {}
impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Key<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Key<T>) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}
impl<T> Hash for Key<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}
impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}.{}", self.index, self.generation)
    }
}

/// Marks the end of the list of free slots.
const NO_SLOT: u32 = u32::MAX;

enum Content<T> {
    Full(T),
    /// The next free slot, or [`NO_SLOT`].
    Free(u32),
}

struct Slot<T> {
    /// Odd while full, even while free; raised by one at each change. A slot whose generation is used up stays free for
    /// ever, so a stale key can never come alive again.
    generation: u32,
    content: Content<T>,
}

/// Values in slots that are reused last in, first out. The memory is that of the peak population: a slab never shrinks.
pub struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    len: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab::new()
    }
}

impl<T> Slab<T> {
    /// An empty slab; allocates nothing yet.
    pub const fn new() -> Slab<T> {
        Slab { slots: Vec::new(), free: NO_SLOT, len: 0 }
    }

    /// An empty slab with room for `n` values.
    pub fn with_capacity(n: usize) -> Slab<T> {
        Slab { slots: Vec::with_capacity(n), free: NO_SLOT, len: 0 }
    }

    /// Number of values.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is no value.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of slots in use so far: the peak of [`Slab::len`].
    #[inline]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The key that the next [`Slab::insert`] will return, for values that hold their own key.
    #[inline]
    pub fn next_key(&self) -> Key<T> {
        if self.free == NO_SLOT {
            Key { index: self.slots.len() as u32, generation: 1, of: PhantomData }
        } else {
            Key { index: self.free, generation: self.slots[self.free as usize].generation + 1, of: PhantomData }
        }
    }

    /// Stores a value in the slot that was freed last, or in a new one.
    ///
    /// # Panics
    /// If there would be more than 2^32 - 1 slots.
    #[inline]
    pub fn insert(&mut self, value: T) -> Key<T> {
        self.len += 1;
        if self.free == NO_SLOT {
            let index = u32::try_from(self.slots.len()).ok().filter(|i| *i != NO_SLOT);
            let index = index.expect("a slab holds fewer than 2^32 - 1 values");
            self.slots.push(Slot { generation: 1, content: Content::Full(value) });
            return Key { index, generation: 1, of: PhantomData };
        }
        let index = self.free;
        let slot = &mut self.slots[index as usize];
        let Content::Free(next) = slot.content else { unreachable!("the free list holds free slots only") };
        self.free = next;
        slot.generation += 1;
        slot.content = Content::Full(value);
        Key { index, generation: slot.generation, of: PhantomData }
    }

    /// Takes the value out, or answers `None` if the key is stale.
    #[inline]
    pub fn remove(&mut self, key: Key<T>) -> Option<T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation != key.generation || !matches!(slot.content, Content::Full(_)) {
            return None;
        }
        // The last generation is odd; the slot is then retired with the even number that wraps, unreachable by any key
        // because a retired slot is never full.
        let (content, generation) = match slot.generation.checked_add(1) {
            Some(next) => (Content::Free(self.free), next),
            None => (Content::Free(NO_SLOT), 0),
        };
        if generation != 0 {
            self.free = key.index;
        }
        slot.generation = generation;
        self.len -= 1;
        match std::mem::replace(&mut slot.content, content) {
            Content::Full(value) => Some(value),
            Content::Free(_) => unreachable!("checked above"),
        }
    }

    /// The value, or `None` if the key is stale.
    #[inline]
    pub fn get(&self, key: Key<T>) -> Option<&T> {
        match self.slots.get(key.index as usize) {
            Some(Slot { generation, content: Content::Full(value) }) if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    /// The value, or `None` if the key is stale.
    #[inline]
    pub fn get_mut(&mut self, key: Key<T>) -> Option<&mut T> {
        match self.slots.get_mut(key.index as usize) {
            Some(Slot { generation, content: Content::Full(value) }) if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    /// Whether the key names a value that is still there.
    #[inline]
    pub fn contains(&self, key: Key<T>) -> bool {
        self.get(key).is_some()
    }

    /// All values in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Key<T>, &T)> {
        self.slots.iter().enumerate().filter_map(|(i, slot)| match &slot.content {
            Content::Full(v) => Some((Key { index: i as u32, generation: slot.generation, of: PhantomData }, v)),
            Content::Free(_) => None,
        })
    }

    /// All values in the order of their slots.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Key<T>, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(i, slot)| {
            let generation = slot.generation;
            match &mut slot.content {
                Content::Full(v) => Some((Key { index: i as u32, generation, of: PhantomData }, v)),
                Content::Free(_) => None,
            }
        })
    }
}

impl<T> Index<Key<T>> for Slab<T> {
    type Output = T;
    /// # Panics
    /// If the key is stale: use [`Slab::get`] where that can happen.
    #[inline]
    fn index(&self, key: Key<T>) -> &T {
        self.get(key).expect("the slab key is stale")
    }
}

impl<T> IndexMut<Key<T>> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, key: Key<T>) -> &mut T {
        self.get_mut(key).expect("the slab key is stale")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reused_last_in_first_out_and_old_keys_stay_stale() {
        let mut s = Slab::new();
        let (a, b, c) = (s.insert('a'), s.insert('b'), s.insert('c'));
        assert_eq!(s.remove(a), Some('a'));
        assert_eq!(s.remove(c), Some('c'));
        assert_eq!(s.remove(c), None);
        let announced = s.next_key();
        let d = s.insert('d');
        assert_eq!(d, announced);
        assert_eq!(d.index(), c.index());
        assert_ne!(d, c);
        assert_eq!(s.insert('e').index(), a.index());
        assert_eq!(s.insert('f').index(), 3);
        assert_eq!(s.iter().map(|(_, v)| *v).collect::<String>(), "ebdf");
        assert_eq!((s.get(a), s.get(c), s.get(b)), (None, None, Some(&'b')));
        assert!(!s.contains(Key::NONE));
        assert_eq!((s.len(), s.slots()), (4, 4));
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_is_retired() {
        let mut s = Slab::new();
        let first = s.insert(1);
        s.slots[0].generation = u32::MAX;
        let last = Key { generation: u32::MAX, ..first };
        assert_eq!(s.remove(last), Some(1));
        assert_eq!(s.insert(2).index(), 1, "the worn slot is not used again");
        assert_eq!((s.get(last), s.get(first)), (None, None));
    }
}
