//! The order of events: classes, and the packing of time and class into one integer key.

use crate::units::Time;
use std::fmt;

/// Number of bits of a [`Key`] that hold the class.
const CLASS_BITS: u32 = 4;

/// The latest time an event can have: 2^60 - 2 ns, about 36.5 years after the origin of the run. Sixty bits are what is
/// left of a 64-bit key beside the class, and the very last instant is kept free so that "later than every event" is a key.
pub const MAX_TIME: Time = Time((1 << (64 - CLASS_BITS)) - 2);

/// The ordinal number of a handled event, counted from 1 in the order of handling.
pub type EventNo = u64;

/// The rank of an event among events of the same nanosecond: lower classes are handled first.
///
/// A world declares its classes as named constants, each with the reason for its place. The kernel reads nothing into
/// them except the order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(u8);

impl Class {
    /// The class that is handled first.
    pub const FIRST: Class = Class(0);
    /// The class that is handled last.
    pub const LAST: Class = Class((1 << CLASS_BITS) - 1);

    /// The class of the given rank.
    ///
    /// # Panics
    /// If `rank` is 16 or more (in a constant: a compile error).
    pub const fn new(rank: u8) -> Class {
        assert!(rank < 1 << CLASS_BITS, "an event class is a number below 16");
        Class(rank)
    }

    /// The rank, 0 to 15.
    #[inline]
    pub const fn rank(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class {}", self.0)
    }
}

/// Time and class in one integer: `time << 4 | class`. Keys compare as (time, class).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

impl Key {
    /// The key of an event. The time must not exceed [`MAX_TIME`]; the engine checks that before it packs.
    #[inline]
    pub const fn new(at: Time, class: Class) -> Key {
        debug_assert!(at.0 <= MAX_TIME.0);
        Key(at.0 << CLASS_BITS | class.0 as u64)
    }

    /// The lowest key of an instant. Times beyond [`MAX_TIME`] count as [`MAX_TIME`].
    #[inline]
    pub const fn first_of(at: Time) -> Key {
        Key::new(if at.0 > MAX_TIME.0 { MAX_TIME } else { at }, Class::FIRST)
    }

    /// The highest key of an instant. Times beyond [`MAX_TIME`] count as [`MAX_TIME`].
    #[inline]
    pub const fn last_of(at: Time) -> Key {
        Key::new(if at.0 > MAX_TIME.0 { MAX_TIME } else { at }, Class::LAST)
    }

    /// The key whose integer is `bits`.
    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Key {
        Key(bits)
    }

    /// The packed integer.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The time.
    #[inline]
    pub const fn time(self) -> Time {
        Time(self.0 >> CLASS_BITS)
    }

    /// The class.
    #[inline]
    pub const fn class(self) -> Class {
        Class((self.0 & ((1 << CLASS_BITS) - 1)) as u8)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.time(), self.class())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_by_time_then_class_and_unpack() {
        let k = Key::new(Time(7), Class::new(3));
        assert_eq!((k.time(), k.class()), (Time(7), Class::new(3)));
        assert!(k < Key::new(Time(7), Class::new(4)));
        assert!(Key::new(Time(7), Class::LAST) < Key::new(Time(8), Class::FIRST));
        assert_eq!(Key::last_of(Time::NEVER).time(), MAX_TIME);
        assert!(Key::last_of(MAX_TIME).bits() < u64::MAX);
    }

    #[test]
    #[should_panic(expected = "below 16")]
    fn a_seventeenth_class_is_refused() {
        Class::new(16);
    }
}
