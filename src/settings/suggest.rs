//! The known name that somebody probably meant.

/// Longest name compared: the table below is this long squared.
const CHARS_MAX: usize = 64;

/// The nearest of the known names, if it is near enough to be meant.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let near = |candidate: &&str| 1 + candidate.chars().count() / 3;
    known
        .into_iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= near(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be put in, left out or replaced (Levenshtein's distance).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(CHARS_MAX).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, character) in from.chars().take(CHARS_MAX).enumerate() {
        row = next_row(&row, index + 1, character, &to);
    }
    row[to.len()]
}

fn next_row(above: &[usize], first: usize, character: char, to: &[char]) -> Vec<usize> {
    let mut row = vec![first];
    for (column, other) in to.iter().enumerate() {
        let replaced = above[column] + usize::from(character != *other);
        row.push(replaced.min(above[column + 1] + 1).min(row[column] + 1));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["listen", "threads", "head_bytes", "headers"];

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        assert_eq!(nearest("lisen", KNOWN), Some("listen"));
        assert_eq!(nearest("thread", KNOWN), Some("threads"));
        assert_eq!(nearest("Head-Bytes", KNOWN), Some("head_bytes"));
        assert_eq!(nearest("colour", KNOWN), None);
        assert_eq!(nearest("", KNOWN), None);
        assert_eq!(nearest(&"x".repeat(100_000), KNOWN), None);
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (from, to, expected) in
            [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }
}
