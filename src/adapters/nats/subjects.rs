//! A small memory of subjects, so that a hundred thousand messages of five subjects share five texts.
//!
//! It never holds more than its bound: streams whose every message has its own subject only lose the saving.

use std::collections::HashMap;
use std::sync::Arc;

/// How many subjects are remembered before all are forgotten.
const BOUND: usize = 1_024;

/// Subjects by their text, in the form that a reader or writer wants them.
#[derive(Debug)]
pub(super) struct SubjectCache<T> {
    last: Option<(Arc<str>, T)>,
    known: HashMap<Arc<str>, T>,
}

impl<T: Clone> SubjectCache<T> {
    pub(super) fn new() -> SubjectCache<T> {
        SubjectCache { last: None, known: HashMap::new() }
    }

    /// The remembered form of a text; `make` is called with a text that is new.
    pub(super) fn get(&mut self, text: &str, make: impl FnOnce(&Arc<str>) -> T) -> T {
        if let Some((last, value)) = &self.last
            && **last == *text
        {
            return value.clone();
        }
        let (key, value) = match self.known.get_key_value(text) {
            Some((key, value)) => (key.clone(), value.clone()),
            None => {
                if self.known.len() >= BOUND {
                    self.known.clear();
                }
                let key: Arc<str> = Arc::from(text);
                let value = make(&key);
                self.known.insert(key.clone(), value.clone());
                (key, value)
            }
        };
        self.last = Some((key, value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_and_the_memory_is_bounded() {
        let mut subjects = SubjectCache::new();
        let first = subjects.get("a.b", Arc::clone);
        assert!(Arc::ptr_eq(&first, &subjects.get("a.b", Arc::clone)));
        for n in 0..3 * BOUND {
            subjects.get(&n.to_string(), Arc::clone);
        }
        assert!(subjects.known.len() <= BOUND);
    }
}
