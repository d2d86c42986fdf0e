//! What a misspelt name may mean.

/// How alike a name must be to be suggested, from 0 to 1.
const ALIKE: f64 = 0.6;
/// How many names are suggested.
const SUGGESTIONS: usize = 5;

/// A question that names what a misspelt name may mean; empty where nothing is alike.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let mut alike: Vec<(f64, &str)> = known
        .map(|known| {
            let contained = if known.contains(name) { 1.0 } else { 0.0 };
            (strsim::jaro_winkler(name, known).max(contained), known)
        })
        .filter(|(likeness, _)| *likeness > ALIKE)
        .collect();
    alike.sort_by(|left, right| right.0.total_cmp(&left.0));
    let names: Vec<_> = alike.iter().take(SUGGESTIONS).map(|(_, name)| *name).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(", ")) }
}
