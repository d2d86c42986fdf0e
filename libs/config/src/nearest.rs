//! Finds the known name that a misspelt one was meant to be.

/// Names longer than this are not compared: keys are short, and the comparison is quadratic.
const MAX_CHARS: usize = 64;

/// The known name nearest to a text, if one is near: at most a third of its letters differ.
pub(crate) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = spelling(text);
    known
        .into_iter()
        .map(|name| (distance(&text, &spelling(name)), name))
        .filter(|(distance, name)| *distance <= 1.max(name.chars().count().min(text.len()) / 3))
        .min()
        .map(|(_, name)| name)
}

/// The letters of a name; `Max-Body` and `max_body` are spelt alike.
fn spelling(name: &str) -> Vec<char> {
    name.chars()
        .take(MAX_CHARS)
        .map(|letter| if letter == '-' { '_' } else { letter.to_ascii_lowercase() })
        .collect()
}

/// How many letters to insert, remove or replace to make one text the other (Levenshtein).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, left_letter) in left.iter().enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(before);
        for (up, right_letter) in row.iter().skip(1).zip(right) {
            let replaced = diagonal + usize::from(left_letter != right_letter);
            before = replaced.min(before + 1).min(up + 1);
            diagonal = *up;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_recognised_and_a_strange_one_is_not() {
        let known = ["max_body", "max_batch", "listen", "tls"];
        for (text, meant) in [
            ("max_boddy", Some("max_body")),
            ("maxbody", Some("max_body")),
            ("max-body", Some("max_body")),
            ("Listen", Some("listen")),
            ("listn", Some("listen")),
            ("tsl", None),
            ("tl", Some("tls")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, known), meant, "{text}");
        }
    }

    #[test]
    fn the_distance_is_levenshteins() {
        let distance = |left: &str, right: &str| distance(&spelling(left), &spelling(right));
        for (left, right, expected) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)]
        {
            assert_eq!(distance(left, right), expected);
            assert_eq!(distance(right, left), expected);
        }
    }
}
