//! Far fewer items than before are no ground for deleting the rest.

use super::Reason;
use crate::report::Counts;

/// The shrink guard's share of the last purge's items, in percent.
const LEAST_PERCENT: u64 = 80;
/// Items that may go as any share of all.
const FEW_ITEMS: u64 = 100;

/// Why the numbers of a load that posted everything are no ground for deleting the rest; empty if they are.
#[must_use]
pub fn shrunk(before: Option<&Counts>, items: &Counts) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let before_total = before.map_or(0, |before| before.values().sum::<u64>());
    let now: u64 = items.values().sum();
    if now == 0 {
        reasons.push(Reason::NothingPosted);
    }
    if now * 100 < before_total * LEAST_PERCENT && before_total - now > FEW_ITEMS {
        let before = before_total;
        reasons.push(Reason::Shrunk { before, now });
    }
    for (kind, before) in before.into_iter().flatten() {
        if *before > FEW_ITEMS && items.get(kind).copied().unwrap_or_default() == 0 {
            let (kind, before) = (kind.clone(), *before);
            reasons.push(Reason::KindVanished { kind, before });
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_fifth_and_over_a_hundred_fewer_is_no_ground_for_deleting() {
        let counts = |users: u64, permissions: u64| {
            Counts::from([
                ("users".to_owned(), users),
                ("permissions".to_owned(), permissions),
            ])
        };
        assert!(shrunk(None, &counts(1, 0)).is_empty());
        assert!(shrunk(Some(&counts(500, 0)), &counts(400, 0)).is_empty());
        assert!(shrunk(Some(&counts(110, 0)), &counts(10, 0)).is_empty());
        assert_eq!(shrunk(Some(&counts(600, 0)), &counts(450, 0)).len(), 1);
        let without = shrunk(Some(&counts(2_000, 101)), &counts(2_000, 0));
        assert_eq!(without.len(), 1);
        assert_eq!(shrunk(None, &Counts::new()), [Reason::NothingPosted]);
    }
}
