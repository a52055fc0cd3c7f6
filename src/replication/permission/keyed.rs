//! Lists without doubles, however long: a thousand rules ask for ten thousand things.

use std::collections::HashMap;
use std::hash::Hash;

/// Values in the order in which their keys first came, each found by its key without a look at the others.
pub(super) struct Keyed<K, V> {
    places: HashMap<K, usize>,
    values: Vec<V>,
}

impl<K: Hash + Eq, V> Keyed<K, V> {
    pub(super) fn new() -> Self {
        Self {
            places: HashMap::new(),
            values: Vec::new(),
        }
    }

    /// The value under a key; a new one behind the others where there is none yet.
    pub(super) fn under(&mut self, key: K, new: impl FnOnce() -> V) -> &mut V {
        let next = self.values.len();
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.values.push(new());
        }
        &mut self.values[place]
    }

    pub(super) fn into_values(self) -> Vec<V> {
        self.values
    }
}

/// Each of these once, in the order in which they come.
pub fn once<T: Hash + Eq + Clone>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut kept = Keyed::new();
    for one in all {
        kept.under(one.clone(), || one);
    }
    kept.into_values()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::hash::Hasher;

    use super::*;

    thread_local! {
        static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts how often it is compared.
    #[derive(Clone, Debug)]
    struct Counted(usize);

    impl Hash for Counted {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            COMPARED.set(COMPARED.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Counted {}

    #[test]
    fn what_comes_again_is_found_without_a_look_at_all_the_others() {
        let found = once((0..10_000).chain(0..10_000).map(Counted));
        // A walk along the list would take a hundred million looks, and more.
        assert!(COMPARED.get() < 40_000, "{}", COMPARED.get());
        let found: Vec<usize> = found.into_iter().map(|counted| counted.0).collect();
        assert_eq!(found, (0..10_000).collect::<Vec<_>>());
    }

    #[test]
    fn values_stay_in_the_order_in_which_they_first_come() {
        let mut keyed = Keyed::new();
        for (key, value) in [("b", 1), ("a", 2), ("b", 3)] {
            keyed.under(key, Vec::new).push(value);
        }
        assert_eq!(keyed.into_values(), [vec![1, 3], vec![2]]);
    }
}
