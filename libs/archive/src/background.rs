//! Work that nobody waits for: on a thread of its own, which gives way to those that answer requests.

use std::io;

use tokio::sync::oneshot;

/// How much such a thread gives way, as `nice` has it: one that answers gets nine times as much of a processor.
const NICENESS: i32 = 10;

/// Does some work that takes long and keeps a processor busy. Once it has begun it goes on, also where nobody waits for
/// it any more.
///
/// # Errors
///
/// There is no thread to be had, or the work ended by a panic.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (done, answer) = oneshot::channel();
    // Threads of a pool would give way in all that they do later.
    let thread = std::thread::Builder::new().name("archive-files".to_owned());
    thread.spawn(move || {
        give_way();
        // Nobody waits any more.
        let _unheard = done.send(work()).is_err();
    })?;
    answer.await.map_err(io::Error::other)
}

/// Lowers the priority of the calling thread. Elsewhere than on Linux that would be the whole process'.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "files of raw records are written without giving way");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_done_is_told_and_so_is_a_panic() {
        assert_eq!(run(|| 7).await.unwrap(), 7);
        let fails = || -> u8 { panic!("as it should") };
        assert!(run(fails).await.is_err());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_thread_itself_gives_way() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        assert_eq!(run(niceness).await.unwrap(), before.max(NICENESS));
        assert_eq!(niceness(), before);
    }
}
