//! Chance that can be had again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A row of numbers that follows from a seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    /// Those of one execution of what has this name.
    pub fn of(seed: u64, name: &str, execution: u64) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed, name, execution).hash(&mut hasher);
        Self(hasher.finish())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// Any number.
    pub fn number(&mut self) -> i64 {
        self.next().cast_signed() >> self.below(64)
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// A part of what is `length` long, most often a short one.
    pub fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = if self.once_in(8) { length } else { 8 };
        let end = start + self.below(most + 1);
        start..end.min(length)
    }
}
