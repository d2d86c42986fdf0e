//! Whose turn it is: questions to the archive and rules that are compiled, also of those who go away meanwhile.

use std::future::Future;
use std::sync::Arc;

use airside_archive::{Archive, Query, Settings};
use airside_ports::Partitioner;
use airside_ports::testsuite::TakingLog;
use airside_service::{Caller, Publisher};
use airside_types::Tenant;
use airside_wire::v1;
use airside_wire::v1::rules_service_server::RulesService;
use futures::future::poll_immediate;
use tokio::sync::oneshot;
use tonic::Request;

use crate::Judging;
use crate::rules_api::RulesApi;

/// Occupies a thread for what takes long until the sender is dropped, and says when it does.
fn occupy() -> (oneshot::Receiver<()>, std::sync::mpsc::Sender<()>) {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begins, begun) = oneshot::channel();
    drop(tokio::task::spawn_blocking(move || begins.send(()).is_ok() && released.recv().is_ok()));
    (begun, release)
}

/// Whether the second of two is worked on without waiting for its turn. There is one thread for that, which does everything
/// in the order in which it was given.
async fn is_done_beside<F: Future>(first: F, second: F, first_goes_away: bool) -> bool {
    let (begun, release) = occupy();
    begun.await.unwrap();
    let mut first = Some(Box::pin(first));
    assert!(poll_immediate(first.as_mut().unwrap()).await.is_none());
    first.take_if(|_| first_goes_away);
    let mut second = Box::pin(second);
    assert!(poll_immediate(&mut second).await.is_none());
    // Behind all that the thread was given so far.
    let (begun, end) = occupy();
    drop(release);
    begun.await.unwrap();
    if poll_immediate(&mut second).await.is_some() {
        return true;
    }
    drop(end);
    if let Some(first) = first {
        first.await;
    }
    second.await;
    false
}

/// A runtime of so many threads for what takes long.
fn runtime(threads: usize) -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(threads).build().unwrap()
}

#[test]
fn rules_are_compiled_one_tenants_at_a_time() {
    let rules = RulesApi::new(
        Arc::new(Judging::default()),
        Publisher::new(Arc::new(TakingLog::default()), Partitioner::new(1)),
    );
    let tries = |tenant: &str| {
        let mut request = Request::new(v1::SetRulesRequest { files: Vec::new(), dry_run: true });
        request.extensions_mut().insert(Caller::local(Tenant::new(tenant).unwrap()));
        rules.set_rules(request)
    };
    for first_goes_away in [false, true] {
        let beside = is_done_beside(tries("one"), tries("two"), first_goes_away);
        assert!(!runtime(1).block_on(beside), "{first_goes_away}");
    }
}

#[test]
fn who_asks_the_archive_and_goes_away_has_the_turn_until_it_is_searched() {
    let folder = tempfile::tempdir().unwrap();
    // One is the archive's own, which writes.
    let runtime = runtime(2);
    runtime.block_on(async {
        let settings = Settings { max_queries: 1, ..Settings::new(folder.path().to_owned()) };
        let (archive, _work) = Archive::open(settings).await.unwrap();
        for first_goes_away in [false, true] {
            let asks = || archive.query(Query::of(&Tenant::default()));
            assert!(!is_done_beside(asks(), asks(), first_goes_away).await, "{first_goes_away}");
        }
    });
}
