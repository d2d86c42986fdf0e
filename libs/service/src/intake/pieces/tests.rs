//! Bodies that become more than they are, of texts as pieces: what is kept, what is in memory, and who waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use airside_types::{Cluster, Tenant, Timestamp};
use bytes::Bytes;
use futures::future::poll_immediate;
use tokio::runtime::Runtime;

use super::*;
use crate::budget::Budget;

/// A piece of a name, which weighs one MiB.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece(usize);

const MIB: usize = 1 << 20;

impl Weighed for Piece {
    fn weight(&self) -> usize {
        MIB
    }
}

fn body(bytes: usize) -> Received {
    Received {
        tenant: Tenant::default(),
        cluster: Cluster::default(),
        time: Timestamp::EPOCH,
        body: Bytes::from(vec![b'x'; bytes]),
    }
}

/// Decodes a body to so many pieces.
fn of(count: usize) -> impl Fn(&Received, &mut Pieces<Piece>) -> Result<Piece, Stopped> + Clone {
    move |_, pieces| {
        for number in 1..count {
            pieces.hand_over(Piece(number))?;
        }
        Ok(Piece(count))
    }
}

/// Decodes a body of which so many bytes are unpacked at a time and in all.
fn unpacking(
    at_a_time: usize,
    in_all: usize,
) -> impl Fn(&Received, &mut Pieces<Piece>) -> Result<Piece, Stopped> + Clone {
    move |_, pieces| pieces.unpack(at_a_time, in_all).map(|()| Piece(1))
}

/// One async thread, and one for what takes long, which is taken until the sender is dropped.
fn busy() -> (Runtime, std::sync::mpsc::Sender<()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).build().unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    drop(runtime.spawn_blocking(move || released.recv().is_ok()));
    (runtime, release)
}

fn turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(LARGE_AT_A_TIME))
}

#[test]
fn what_is_little_is_done_where_it_is_and_what_is_much_off_the_async_threads() {
    for (bytes, decode, is_little) in
        [(10, of(1), true), (10, of(2), false), (200 << 10, of(1), false)]
    {
        assert_eq!(is_done_at_once(bytes, decode), is_little, "{bytes}");
    }
    for (at_a_time, in_all, is_little) in [
        (0, 0, true),
        (100 << 10, 128 << 10, true),
        (100 << 10, 129 << 10, false),
        (129 << 10, 0, false),
    ] {
        let decode = unpacking(at_a_time, in_all);
        assert_eq!(is_done_at_once(10, decode), is_little, "{at_a_time} of {in_all}");
    }
}

/// Whether a body is kept without another thread.
fn is_done_at_once(
    bytes: usize,
    decode: impl Fn(&Received, &mut Pieces<Piece>) -> Result<Piece, Stopped> + Send + 'static,
) -> bool {
    let (runtime, _release) = busy();
    let (budget, turns, kept) = (Budget::new(8 * MIB), turns(), AtomicUsize::new(0));
    runtime.block_on(async {
        let keep = async |_piece| {
            kept.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        let taking = in_pieces(&turns, (body(bytes), budget.hold()), decode, keep);
        let done = poll_immediate(std::pin::pin!(taking)).await;
        assert_eq!(done.is_some(), kept.load(Ordering::SeqCst) == 1);
        done.is_some()
    })
}

#[tokio::test]
async fn each_piece_is_kept_in_its_order_and_three_are_in_memory_at_most() {
    const PIECES: usize = 50;
    for bytes in [10, 200 << 10] {
        let (kept, gathered) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let counted = (Arc::clone(&kept), Arc::clone(&gathered));
        let decode = move |_: &Received, pieces: &mut Pieces<Piece>| {
            counted.1.store(0, Ordering::SeqCst);
            for number in 1..=PIECES {
                let in_memory = counted.1.fetch_add(1, Ordering::SeqCst) + 1
                    - counted.0.lock().unwrap_or_else(PoisonError::into_inner).len();
                assert!(in_memory <= AT_A_TIME, "{in_memory}");
                if number < PIECES {
                    pieces.hand_over(Piece(number))?;
                }
            }
            Ok(Piece(PIECES))
        };
        let keep = async |piece: Piece| {
            tokio::task::yield_now().await;
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(piece.0);
            Ok(())
        };
        let budget = Budget::new(8 * MIB);
        in_pieces(&turns(), (body(bytes), budget.hold()), decode, keep).await.unwrap();
        let all: Vec<_> = (1..=PIECES).collect();
        assert_eq!(*kept.lock().unwrap(), all);
        budget.unused().await;
    }
}

#[tokio::test]
async fn where_a_piece_is_not_kept_the_body_is_refused_and_its_decoding_ends() {
    let endless = |_: &Received, pieces: &mut Pieces<Piece>| {
        loop {
            pieces.hand_over(Piece(0))?;
        }
    };
    let (budget, turns, tried) = (Budget::new(8 * MIB), turns(), AtomicUsize::new(0));
    let keep = async |_piece| match tried.fetch_add(1, Ordering::SeqCst) {
        2 => Err(HttpError::unavailable("no room")),
        _ => Ok(()),
    };
    let taken = in_pieces(&turns, (body(10), budget.hold()), endless, keep).await;
    assert_eq!(taken, Err(HttpError::unavailable("no room")));
    assert_eq!(tried.load(Ordering::SeqCst), 3);
    budget.unused().await;
}

#[tokio::test]
async fn what_a_body_becomes_is_held_of_the_memory_of_all_and_one_alone_is_always_taken() {
    let taken = async |other: usize, large: usize| {
        let budget = Budget::new(8 * MIB);
        let mut beside = budget.hold();
        beside.cover(other).unwrap();
        let (pieces, unpacked) = (of(2), unpacking(large, large));
        let keep = async |_piece| Ok(());
        let told = [
            in_pieces(&turns(), (body(10), budget.hold()), pieces, keep).await,
            in_pieces(&turns(), (body(10), budget.hold()), unpacked, keep).await,
            in_pieces(&turns(), (body(10), budget.hold()), of(1), keep).await,
        ];
        told.map(|it| it.map_err(|error| error.status.as_u16()))
    };
    assert_eq!(taken(0, 100 * MIB).await, [Ok(()); 3]);
    assert_eq!(taken(MIB, 100 * MIB).await, [Ok(()), Err(429), Ok(())]);
    assert_eq!(taken(4 * MIB, MIB).await, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(taken(6 * MIB, MIB).await, [Err(429), Err(429), Ok(())]);
    assert_eq!(taken(8 * MIB, MIB).await, [Err(429); 3]);
}

#[test]
fn a_body_whose_sender_goes_away_has_its_memory_and_its_turn_until_nobody_works_on_it() {
    let (runtime, release) = busy();
    let (budget, turns) = (Budget::new(8 * MIB), turns());
    runtime.block_on(async {
        let mut held = budget.hold();
        held.cover(8 * MIB).unwrap();
        let keep = async |_piece| Ok(());
        let mut taking = Box::pin(in_pieces(&turns, (body(200 << 10), held), of(1), keep));
        assert!(poll_immediate(&mut taking).await.is_none());
        drop(taking);
        assert!(budget.hold().cover(1).is_err(), "it is still decoded");
        assert_eq!(turns.available_permits(), LARGE_AT_A_TIME - 1);
        drop(release);
        budget.unused().await;
        let all = u32::try_from(LARGE_AT_A_TIME).unwrap();
        drop(turns.acquire_many(all).await.unwrap());
    });
}

#[test]
fn of_many_parts_that_are_nothing_the_first_have_letters_and_the_others_are_counted() {
    let mut letters = Letters::default();
    let written = (0..100).filter(|_| letters.is_next_written()).count();
    assert_eq!((written, letters.of_the_rest()), (100, None));
    assert!(!letters.is_next_written());
    let rest = letters.of_the_rest();
    assert_eq!(rest.as_deref(), Some("1 more parts of the same body are no events either"));
    assert_eq!(letters.parts(), 101);
}
