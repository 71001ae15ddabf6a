//! UID sets as commands carry them (RFC 3501 9, `sequence-set`). A range is written only where
//! every number in it was given, so that no mail of somebody else's choosing is ever moved.

use crate::domain::ids::Uid;

/// Ranges in one set: keeps a command line far below the 8000 octets that RFC 7162 4 asks servers
/// to take.
const RANGES: usize = 250;

/// The given UIDs, ascending and each once, as sets of a bounded length with their members.
pub(super) fn uid_sets(uids: &[Uid]) -> Vec<(String, Vec<Uid>)> {
    let mut sorted = uids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let runs: Vec<&[Uid]> =
        sorted.chunk_by(|one, next| one.get().checked_add(1) == Some(next.get())).collect();
    runs.chunks(RANGES).map(|runs| (join(runs), runs.concat())).collect()
}

fn join(runs: &[&[Uid]]) -> String {
    let words = runs.iter().filter_map(|run| match *run {
        [] => None,
        [one] => Some(one.get().to_string()),
        [first, .., last] => Some(format!("{}:{}", first.get(), last.get())),
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uids(numbers: &[u32]) -> Vec<Uid> {
        numbers.iter().map(|n| Uid::new(*n).unwrap()).collect()
    }

    #[test]
    fn a_set_names_only_what_was_given() {
        let cases: [(&[u32], &str); 5] = [
            (&[7], "7"),
            (&[3, 1, 2], "1:3"),
            (&[1, 2, 4, 5, 9], "1:2,4:5,9"),
            (&[5, 5, 5], "5"),
            (&[u32::MAX, u32::MAX - 1], "4294967294:4294967295"),
        ];
        for (given, set) in cases {
            assert_eq!(uid_sets(&uids(given)).first().map(|(s, _)| s.as_str()), Some(set), "{given:?}");
        }
        assert!(uid_sets(&[]).is_empty());
    }

    #[test]
    fn a_long_set_is_cut() {
        let odd: Vec<u32> = (0..1000).map(|n| n * 2 + 1).collect();
        let sets = uid_sets(&uids(&odd));
        assert_eq!(sets.len(), 4);
        assert!(sets.iter().all(|(set, _)| set.len() < 4000));
        assert_eq!(sets.iter().flat_map(|(_, members)| members).count(), 1000);
    }
}
