//! How far an input is read: as far as its taker wants it, and while there is room for what is unpacked.

use std::ops::ControlFlow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::deflate::compress_to_vec;
use serde_json::json;

use super::EVENT;
use crate::audit::read::{Item, Room, Taker, record_for};

/// Takes so many items, and has so much room.
struct Few {
    items: usize,
    most: usize,
    room: Room,
    /// What it was asked for, each time.
    asked: Vec<Room>,
}

impl Few {
    fn of(items: usize, room: Room) -> Self {
        Self { items: 0, most: items, room, asked: Vec::new() }
    }

    fn reads(mut self, text: &str) -> Self {
        record_for(None, &mut self, 1, text.as_bytes());
        self
    }
}

impl Taker for Few {
    fn take(&mut self, _item: Item<'_, '_>) -> ControlFlow<()> {
        self.items += 1;
        if self.items < self.most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn unpacks(&mut self, room: Room) -> ControlFlow<()> {
        self.asked.push(room);
        let fits = room.at_a_time <= self.room.at_a_time && room.in_all <= self.room.in_all;
        if fits { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

const ALL: Room = Room { at_a_time: usize::MAX, in_all: usize::MAX };

fn packed(plain: &[u8]) -> String {
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0];
    STANDARD.encode([&header[..], &compress_to_vec(plain, 6), &[0; 8]].concat())
}

#[test]
fn whoever_wants_no_more_is_told_no_more() {
    let event: serde_json::Value = serde_json::from_str(EVENT).unwrap();
    let message = json!({"message": EVENT});
    let azure = json!({"category": "kube-audit", "properties": {"log": EVENT}});
    let ten = |one: &serde_json::Value| vec![one.clone(); 10];
    let list = json!({"kind": "EventList", "items": ten(&event)}).to_string();
    let packed_list = json!({"data": packed(list.as_bytes())});
    let broken = list.replacen("\"verb\"", "\"verb", 1);
    let nothing = vec![json!({"no": "event"}); 10];
    for (form, text) in [
        ("one after the other", EVENT.repeat(10)),
        ("a list", list),
        ("a bare list", json!(ten(&event)).to_string()),
        ("a list that is broken at its beginning", broken),
        ("CloudWatch", json!({"logEvents": ten(&message)}).to_string()),
        ("Event Hub", json!({"records": ten(&azure)}).to_string()),
        ("a packed list", packed_list.to_string()),
        ("packed lists", json!({"records": ten(&packed_list)}).to_string()),
        ("no events", json!({"items": nothing}).to_string()),
    ] {
        for most in [1, 3, 9] {
            assert_eq!(Few::of(most, ALL).reads(&text).items, most, "{form}");
        }
        assert!(Few::of(99, ALL).reads(&text).items >= 10, "{form}");
    }
}

#[test]
fn nothing_is_unpacked_for_which_there_is_no_room() {
    let large = |plain: usize| json!({"data": packed(&vec![b' '; plain])}).to_string();
    let many = |count: usize, plain: usize| {
        let one: serde_json::Value = serde_json::from_str(&large(plain)).unwrap();
        json!({"records": vec![one; count]}).to_string()
    };
    let nested = json!({"data": packed(large(1 << 20).as_bytes())}).to_string();
    let members = STANDARD.decode(packed(&[b' '; 1 << 10])).unwrap().repeat(1_000);
    let members = json!({"data": STANDARD.encode(members)}).to_string();
    let not_text = json!({"data": STANDARD.encode([0xff; 1 << 20])}).to_string();
    let (mib, some) = (1 << 20, usize::MAX);
    for (what, text, at_a_time, in_all, fits) in [
        ("a small one", large(mib / 8), mib, mib, true),
        ("a large one", large(8 * mib), 4 * mib, some, false),
        ("a large one with room", large(8 * mib), 25 * mib, 16 * mib, true),
        ("many, one at a time", many(50, mib), 4 * mib, some, true),
        ("many, in all", many(50, mib), some, 40 * mib, false),
        ("many, in all, with room", many(50, mib), some, 51 * mib, true),
        ("one in another", nested.clone(), mib, some, false),
        ("one in another with room", nested, 4 * mib, some, true),
        ("many members", members.clone(), mib / 2, some, false),
        ("many members with room", members, 4 * mib, some, true),
        ("what is no text becomes longer", not_text.clone(), 3 * mib, some, false),
        ("what is no text, with room", not_text, 5 * mib, some, true),
    ] {
        let few = Few::of(99, Room { at_a_time, in_all }).reads(&text);
        assert!(few.items > 0 || !fits, "{what}: {:?}", few.asked.last());
        let is_refused = |it: &Room| it.at_a_time > at_a_time || it.in_all > in_all;
        let refused = few.asked.iter().position(is_refused);
        let last = few.asked.len() - 1;
        assert_eq!(
            refused,
            (!fits).then_some(last),
            "nothing is asked for after a refusal: {what}"
        );
    }
}
