//! What a body becomes, in pieces: a small one can say so much that the whole of it does not belong in memory.
//!
//! Three pieces are in memory at most, in their order: what comes after them is begun when the first is durable. What a body
//! takes is held of the memory of all bodies.
//! Most bodies are one small piece, which costs no thread, no channel and no copy.

use std::future::Future;
use std::sync::Arc;

use axum::http::StatusCode;
use tokio::sync::{Semaphore, mpsc};

use super::{Intake, Received, Understood};
use crate::body::BLOCKING_BYTES;
use crate::budget::Held;
use crate::http_error::HttpError;

/// How much a piece weighs before it is handed over, in bytes; it is larger by what one event tells, or one record.
pub const PIECE_BYTES: usize = 4 << 20;

/// How many bodies are worked on off the async threads at a time, of which there are 512: the log needs some of these
/// itself, for which pieces wait.
pub(super) const LARGE_AT_A_TIME: usize = 32;

/// The pieces of a body that are in memory at a time: one is gathered, one waits, one is made durable.
const AT_A_TIME: usize = 3;

/// What has a weight.
pub trait Weighed {
    /// About how many bytes it takes in memory.
    fn weight(&self) -> usize;
}

/// Why a body is not decoded any further.
#[derive(Debug)]
pub enum Stopped {
    /// It is refused.
    Refused(HttpError),
    /// It becomes more than is worked on in an async thread: it is begun anew in another one.
    TooMuchHere,
    /// Nobody waits for it any more.
    Gone,
}

/// Where decoding hands over what it has, and asks for the memory that it takes.
#[derive(Debug)]
pub struct Pieces<P> {
    held: Held,
    body: usize,
    unpacked: usize,
    pieces: usize,
    /// None on an async thread, where nothing may wait.
    taker: Option<mpsc::Sender<P>>,
}

impl<P: Weighed> Pieces<P> {
    /// Hands over a piece, and waits while one waits already.
    ///
    /// # Errors
    ///
    /// Decoding has to end.
    pub fn hand_over(&mut self, piece: P) -> Result<(), Stopped> {
        self.pieces = self.pieces.max(piece.weight().saturating_mul(AT_A_TIME));
        self.cover()?;
        let taker = self.taker.as_ref().ok_or(Stopped::TooMuchHere)?;
        taker.blocking_send(piece).map_err(|_| Stopped::Gone)
    }

    /// Asks for room for so many bytes beside the body at a time, of so many in all that are unpacked one after the other.
    ///
    /// # Errors
    ///
    /// Decoding has to end.
    pub fn unpack(&mut self, at_a_time: usize, in_all: usize) -> Result<(), Stopped> {
        match &self.taker {
            None if at_a_time.max(in_all) > BLOCKING_BYTES => return Err(Stopped::TooMuchHere),
            Some(taker) if taker.is_closed() => return Err(Stopped::Gone),
            _ => {}
        }
        self.unpacked = self.unpacked.max(at_a_time);
        self.cover()
    }

    fn cover(&mut self) -> Result<(), Stopped> {
        let needed = self.body.saturating_add(self.unpacked).saturating_add(self.pieces);
        let covered = self.held.cover_or_all(needed);
        covered.map_err(|error| Stopped::Refused(HttpError::overloaded(error)))
    }

    /// Decodes a body up to its last piece.
    fn last<D>(&mut self, received: &Received, decode: &D) -> Result<P, Stopped>
    where
        D: Fn(&Received, &mut Self) -> Result<P, Stopped>,
    {
        let last = decode(received, self)?;
        self.pieces = self.pieces.max(last.weight());
        self.cover()?;
        Ok(last)
    }
}

impl Intake {
    /// Turns a body into what it says and keeps that, piece by piece, off the async threads when it is large. `decode` hands over
    /// pieces and returns the last one; where a small body turns out to say much it is called once more. `keep` makes a piece
    /// durable. All is durable when this returns.
    ///
    /// # Errors
    ///
    /// The body is refused, or a piece cannot be kept: those before it are, and are the same when the body comes again.
    pub async fn take<P, D, K, F>(
        &self,
        received: Received,
        held: Held,
        decode: D,
        keep: K,
    ) -> Result<(), HttpError>
    where
        P: Weighed + Send + 'static,
        D: Fn(&Received, &mut Pieces<P>) -> Result<P, Stopped> + Send + 'static,
        K: Fn(P) -> F,
        F: Future<Output = Result<(), HttpError>>,
    {
        self.counted(in_pieces(&self.turns, (received, held), decode, keep).await)
    }
}

async fn in_pieces<P, D, K, F>(
    turns: &Arc<Semaphore>,
    (received, held): (Received, Held),
    decode: D,
    keep: K,
) -> Result<(), HttpError>
where
    P: Weighed + Send + 'static,
    D: Fn(&Received, &mut Pieces<P>) -> Result<P, Stopped> + Send + 'static,
    K: Fn(P) -> F,
    F: Future<Output = Result<(), HttpError>>,
{
    let body = received.body.len();
    let mut pieces = Pieces { held, body, unpacked: 0, pieces: 0, taker: None };
    if body <= BLOCKING_BYTES {
        match pieces.last(&received, &decode) {
            Ok(all) => return keep(all).await,
            Err(Stopped::TooMuchHere) => {}
            Err(stopped) => return Err(stopped.into()),
        }
    }
    let turn = Arc::clone(turns).acquire_owned().await.map_err(|_| Stopped::Gone)?;
    let (taker, mut handed_over) = mpsc::channel(1);
    pieces.taker = Some(taker);
    let decoding = tokio::task::spawn_blocking(move || {
        // Held by whoever works on the body: its sender may go away meanwhile.
        let (_turn, mut pieces) = (turn, pieces);
        let last = pieces.last(&received, &decode);
        (last, pieces.held)
    });
    while let Some(piece) = handed_over.recv().await {
        keep(piece).await?;
    }
    let (last, _held) = decoding.await.map_err(|_| Stopped::Gone)?;
    keep(last?).await
}

impl From<Stopped> for HttpError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Refused(error) => error,
            Stopped::TooMuchHere | Stopped::Gone => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "decoding ended unexpectedly")
            }
        }
    }
}

impl Weighed for Understood {
    fn weight(&self) -> usize {
        // As measured: what is on the wire takes two to three times as much in memory, in many small parts.
        const IN_MEMORY: usize = 3;
        const RECORD: usize = 2 << 10;
        const LETTER: usize = 4 << 10;
        let sightings: usize = self.sightings.iter().map(|batch| batch.weight()).sum();
        sightings * IN_MEMORY + self.records.len() * RECORD + self.letters.len() * LETTER
    }
}

/// The letters about one body, of which there are few: a small one can hold millions of parts that are nothing.
#[derive(Debug, Default)]
pub struct Letters {
    parts: u64,
}

/// The most letters about one body, without the last one that counts what has none.
const MAX_LETTERS: u64 = 100;

impl Letters {
    /// Counts a part that is nothing; whether there is a letter about it.
    pub const fn is_next_written(&mut self) -> bool {
        self.parts = self.parts.saturating_add(1);
        self.parts <= MAX_LETTERS
    }

    /// How many parts were nothing.
    pub const fn parts(&self) -> u64 {
        self.parts
    }

    /// The reason of the last letter: how many parts have none of their own. None where all have.
    pub fn of_the_rest(&self) -> Option<String> {
        let rest = self.parts.checked_sub(MAX_LETTERS).filter(|rest| *rest > 0)?;
        Some(format!("{rest} more parts of the same body are no events either"))
    }
}

#[cfg(test)]
mod tests;
