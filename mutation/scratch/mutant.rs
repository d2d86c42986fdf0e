//! The switches that `airside-mutation` builds into a copy of the catalogue: at most one mutant is on.
//!
//! Part of that copy only, never of Airside; so this file may have globals, and leaks what it makes anew.
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

static ON: AtomicU32 = AtomicU32::new(0);
static RECORDING: AtomicBool = AtomicBool::new(false);
static MET: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());
static CHECK: Mutex<&str> = Mutex::new("");

/// Turns one mutant on; 0 is none.
pub fn turn_on(mutant: u32) {
    ON.store(mutant, Relaxed);
}

/// Lets only this check judge; all of them where it is [`ALL`].
pub fn only(check: &'static str) {
    *CHECK.lock().unwrap_or_else(|it| it.into_inner()) = check;
}

/// Runs `work` and tells which mutants it would have met.
pub fn recorded(work: impl FnOnce()) -> BTreeSet<u32> {
    MET.lock().unwrap_or_else(|it| it.into_inner()).clear();
    RECORDING.store(true, Relaxed);
    work();
    RECORDING.store(false, Relaxed);
    std::mem::take(&mut *MET.lock().unwrap_or_else(|it| it.into_inner()))
}

/// Whether a check judges now.
pub fn judges(check: &str) -> bool {
    let turn = *CHECK.lock().unwrap_or_else(|it| it.into_inner());
    turn == check || turn == ALL
}

/// What stands for every check.
pub const ALL: &str = "*";

/// Whether an object of this kind is judged: a mutant for each kind of a check's list.
pub fn is_of(
    mutants: &[u32],
    kinds: &'static [(&'static str, &'static str)],
    kind: (&str, &str),
) -> bool {
    match kinds.iter().position(|it| *it == kind) {
        Some(at) => !mutants.get(at).is_some_and(|it| *it != 0 && on(*it)),
        None => true,
    }
}

/// Whether a rule looks at this verb or resource: a mutant for each of its list.
pub fn looks_at<'a>(mutants: &[u32], list: &[&str], own: impl Into<Own<'a>>) -> bool {
    let own = own.into();
    match list.iter().position(|it| own.is(it)) {
        Some(at) => !mutants.get(at).is_some_and(|it| *it != 0 && on(*it)),
        None => true,
    }
}

/// A request's verb, or its resource, API group and subresource.
pub enum Own<'a> {
    Verb(&'a str),
    Resource(&'a str, &'a str, &'a str),
}

impl<'a> From<&'a str> for Own<'a> {
    fn from(verb: &'a str) -> Self {
        Self::Verb(verb)
    }
}

impl<'a> From<(&'a str, &'a str, &'a str)> for Own<'a> {
    fn from((plural, group, subresource): (&'a str, &'a str, &'a str)) -> Self {
        Self::Resource(plural, group, subresource)
    }
}

impl Own<'_> {
    fn is(&self, written: &str) -> bool {
        match *self {
            Self::Verb(verb) => verb == written,
            Self::Resource(plural, group, subresource) => {
                let (whole, below) = written.split_once('/').unwrap_or((written, ""));
                let (of, in_group) = whole.split_once('.').unwrap_or((whole, ""));
                (of, in_group, below) == (plural, group, subresource)
            }
        }
    }
}

/// Whether a mutant is on.
pub fn on(mutant: u32) -> bool {
    if RECORDING.load(Relaxed) {
        MET.lock().unwrap_or_else(|it| it.into_inner()).insert(mutant);
    }
    ON.load(Relaxed) == mutant
}

/// A condition: inverted by `first`, always true by the next if that exists, always false by the one after.
pub fn condition(inverted: u32, always: u32, never: u32, value: bool) -> bool {
    if inverted != 0 && on(inverted) {
        return !value;
    }
    if always != 0 && on(always) {
        return true;
    }
    if never != 0 && on(never) {
        return false;
    }
    value
}

/// `&&`, or `||` if the mutant is on.
pub fn and(mutant: u32, left: bool, right: impl FnOnce() -> bool) -> bool {
    if on(mutant) { left || right() } else { left && right() }
}

/// `||`, or `&&` if the mutant is on.
pub fn or(mutant: u32, left: bool, right: impl FnOnce() -> bool) -> bool {
    if on(mutant) { left && right() } else { left || right() }
}

pub fn less<L: PartialOrd<R> + ?Sized, R: ?Sized>(mutant: u32, left: &L, right: &R) -> bool {
    if on(mutant) { left <= right } else { left < right }
}

pub fn less_or_equal<L: PartialOrd<R> + ?Sized, R: ?Sized>(
    mutant: u32,
    left: &L,
    right: &R,
) -> bool {
    if on(mutant) { left < right } else { left <= right }
}

pub fn more<L: PartialOrd<R> + ?Sized, R: ?Sized>(mutant: u32, left: &L, right: &R) -> bool {
    if on(mutant) { left >= right } else { left > right }
}

pub fn more_or_equal<L: PartialOrd<R> + ?Sized, R: ?Sized>(
    mutant: u32,
    left: &L,
    right: &R,
) -> bool {
    if on(mutant) { left > right } else { left >= right }
}

/// A text, or another one if the mutant is on.
pub fn text(mutant: u32, value: &'static str, other: &'static str) -> &'static str {
    if on(mutant) { other } else { value }
}

/// A letter, or another one if the mutant is on.
pub fn letter(mutant: u32, value: char) -> char {
    if on(mutant) { '\u{b6}' } else { value }
}

/// A byte, or another one if the mutant is on.
pub fn byte(mutant: u32, value: u8) -> u8 {
    if on(mutant) { 0x07 } else { value }
}

/// Numbers that can be one more or one less.
pub trait Number: Copy {
    fn plus(self, by: i8) -> Self;
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Number for $kind {
            fn plus(self, by: i8) -> Self {
                if by < 0 { self.wrapping_sub(1) } else { self.wrapping_add(1) }
            }
        }
    )*};
}
numbers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, u128, usize);

/// A number, one more by the first mutant, one less by the second.
pub fn number<N: Number>(more: u32, less: u32, value: N) -> N {
    if on(more) {
        return value.plus(1);
    }
    if on(less) {
        return value.plus(-1);
    }
    value
}

/// What the compiler would have kept for good without its switches.
pub fn kept<T: 'static>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// A table, made anew for each mutant that is in it.
pub struct Table<T: 'static> {
    make: fn() -> T,
    made: Mutex<Option<(u32, &'static T)>>,
}

impl<T: Sync> Table<T> {
    pub const fn new(_: u32, make: fn() -> T) -> Self {
        Self { make, made: Mutex::new(None) }
    }

    pub fn get(&self, _: u32) -> &'static T {
        let mutant = ON.load(Relaxed);
        if !RECORDING.load(Relaxed) {
            let made = self.made.lock().unwrap_or_else(|it| it.into_inner());
            if let Some((_, table)) = made.filter(|(of, _)| *of == mutant) {
                return table;
            }
        }
        let table: &'static T = Box::leak(Box::new((self.make)()));
        *self.made.lock().unwrap_or_else(|it| it.into_inner()) = Some((mutant, table));
        table
    }
}
