//! Text that nobody else has.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Returns text that no program can guess and no other call returns.
pub(crate) fn unique() -> String {
    // Each state of the standard library's hasher has keys of its own, from the system's randomness.
    format!("inline-{:016x}", RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same() {
        assert_ne!(unique(), unique());
    }
}
