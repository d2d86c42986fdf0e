//! What the wire promises, as properties: what is written is read back the same, whatever is written can
//! be read, and no bytes make a reader panic.

mod arbitrary;
mod bounds;
mod garbage;
mod round_trip;
mod streams;
