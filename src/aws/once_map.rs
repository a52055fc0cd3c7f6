//! A map whose values are made once each, on first use, however many tasks ask at the same moment.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Values by key. The map's lock is held only to find a key's cell, never while a value is being made.
#[derive(Debug)]
pub(super) struct OnceMap<K, V> {
    cells: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K: Eq + Hash, V: Clone> OnceMap<K, V> {
    pub(super) fn new() -> Self {
        Self {
            cells: Mutex::new(HashMap::new()),
        }
    }

    /// The value of a key, made by `make` where there is none yet.
    pub(super) async fn get_or_make<F>(&self, key: K, make: impl FnOnce() -> F) -> V
    where
        F: Future<Output = V>,
    {
        let cell = {
            // Nothing that runs under this lock can panic half-way, so a poisoned map is still whole.
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        cell.get_or_init(make).await.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_value_is_made_once_for_all_who_ask_at_the_same_moment() {
        let map = OnceMap::new();
        let made = AtomicUsize::new(0);
        let ask = |key: &'static str| {
            map.get_or_make(key, || async {
                tokio::task::yield_now().await;
                made.fetch_add(1, Ordering::SeqCst)
            })
        };
        let (a, b, c) = tokio::join!(ask("x"), ask("x"), ask("y"));
        assert_eq!(a, b);
        assert_ne!(a, c);
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }
}
