//! The texts of a batch, each once, one after the other in one piece of memory.
//!
//! What they mean is left to whoever refers to them. A batch has some hundred of which most are new: a piece of memory
//! for each would take longer to get than all else that is done with it.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// A text of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TextRef(pub u32);

/// The texts of a batch, each once. The first is empty.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    all: Written,
    /// The places of the texts. The order of texts is that of adding. A client that makes texts collide slows its own batch,
    /// which is small: of one request a few are taken (`MAX_TEXTS_OF_REQUEST`).
    index: HashTable<TextRef>,
}

/// Texts, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Written {
    text: String,
    /// Where each ends, but for the first.
    ends: Vec<u32>,
}

impl Written {
    fn get(&self, TextRef(at): TextRef) -> Option<&str> {
        let at = (at as usize).checked_sub(1)?;
        let start = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start as usize..*self.ends.get(at)? as usize)
    }

    fn hash(&self, at: TextRef) -> u64 {
        hash(self.get(at).unwrap_or_default())
    }
}

fn hash(text: &str) -> u64 {
    FixedState::default().hash_one(text)
}

impl Texts {
    /// The place of a text, which is added if it is new. What goes beyond 4 GiB, which no batch has, is left out.
    pub fn add(&mut self, text: &str) -> TextRef {
        let all = &mut self.all;
        let end = u32::try_from(all.text.len() + text.len());
        let (false, Ok(end)) = (text.is_empty(), end) else { return TextRef::default() };
        let is = |at: &TextRef| all.get(*at) == Some(text);
        match self.index.entry(hash(text), is, |at| all.hash(*at)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                all.text.push_str(text);
                all.ends.push(end);
                // Each has a byte at least, so that there are no more of them.
                let at = TextRef(u32::try_from(all.ends.len()).unwrap_or_default());
                free.insert(at);
                at
            }
        }
    }

    /// The text; empty for one that is not there.
    pub fn get(&self, text: TextRef) -> &str {
        self.all.get(text).unwrap_or_default()
    }

    /// How many there are, the empty one included.
    pub const fn len(&self) -> usize {
        self.all.ends.len() + 1
    }

    /// Whether only the empty one is there.
    pub const fn is_empty(&self) -> bool {
        self.all.ends.is_empty()
    }

    /// How many bytes they have together.
    pub const fn bytes(&self) -> usize {
        self.all.text.len()
    }

    /// The texts in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let places = (0..self.len()).map_while(|at| u32::try_from(at).ok());
        places.map(|at| self.get(TextRef(at)))
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Texts {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_stands_once_and_is_found_again() {
        let mut texts = Texts::default();
        let [get, ada, again] = ["get", "ada", "get"].map(|text| texts.add(text));
        assert_eq!((get, texts.len(), texts.bytes()), (again, 3, 6));
        assert_eq!(texts.add(""), TextRef::default());
        assert_eq!([ada, TextRef::default(), TextRef(9)].map(|at| texts.get(at)), ["ada", "", ""]);
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["", "get", "ada"]);
        assert!(!texts.is_empty() && Texts::default().is_empty());
    }

    proptest! {
        #[test]
        fn every_text_has_one_place_in_the_order_of_adding(
            added in prop::collection::vec("[aä]{0,3}", 0..60),
        ) {
            let mut texts = Texts::default();
            let mut places = BTreeMap::from([(String::new(), 0)]);
            for text in &added {
                let next = u32::try_from(places.len()).unwrap();
                let place = *places.entry(text.clone()).or_insert(next);
                prop_assert_eq!(texts.add(text), TextRef(place));
            }
            for (text, place) in &places {
                prop_assert_eq!(texts.get(TextRef(*place)), text);
            }
            prop_assert_eq!(texts.len(), places.len());
            let mut again = Texts::default();
            texts.iter().for_each(|text| { again.add(text); });
            prop_assert_eq!(again, texts);
        }
    }
}
