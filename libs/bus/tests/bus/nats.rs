//! The log and queue in JetStream, against real servers with the configuration that `deploy/nats` ships.

use std::sync::Arc;
use std::time::Duration;

use airside_bus::nats::{
    NatsAuth, NatsError, NatsLogOptions, NatsOptions, NatsQueueOptions, NatsTls, Storage,
};
use airside_bus::{NatsConnection, NatsLog, NatsQueue};
use airside_ports::testsuite::log::LogHarness;
use airside_ports::testsuite::queue::{QueueHarness, QueueLimits};
use airside_ports::{
    Entry, Headers, Log, LogError, LogReader, LostRange, Offset, Partition, PartitionSet, Queue,
    ReadLimit, Stream,
};
use airside_testkit::{NatsCluster, NatsServer};
use async_nats::jetstream::{self, stream, stream::DiscardPolicy};
use async_trait::async_trait;

const EVERY: PartitionSet = PartitionSet::range(0, 64);
const SOON: Duration = Duration::from_secs(90);

/// What a few entries need: the servers reserve it for each stream, and a disk that is nearly full has no room
/// for streams of the usual size.
fn small() -> NatsLogOptions {
    NatsLogOptions { max_stream_bytes: 64 << 20, ..NatsLogOptions::default() }
}

/// For servers that stay: an answer that a busy machine delays is waited for, since asking again would store
/// an entry twice.
async fn connect(server: &NatsServer) -> NatsConnection {
    let request_timeout = Duration::from_secs(60);
    let options = NatsOptions { request_timeout, ..NatsOptions::new([server.url()]) };
    NatsConnection::connect(&options).await.unwrap()
}

/// For servers that are killed: answers that do not come are not waited for long.
async fn connect_briefly(urls: Vec<String>) -> NatsConnection {
    let request_timeout = Duration::from_secs(2);
    let options = NatsOptions { request_timeout, ..NatsOptions::new(urls) };
    NatsConnection::connect(&options).await.unwrap()
}

fn entry(partition: u16, text: &str) -> Entry {
    let headers = Headers { message: "test.v1".to_owned(), trace_parent: None };
    Entry { partition: Partition(partition), headers, payload: text.to_owned().into() }
}

async fn append(log: &NatsLog, texts: impl IntoIterator<Item = String>) {
    let entries = texts.into_iter().map(|text| entry(0, &text)).collect();
    log.append(Stream::Activity, entries).await.unwrap();
}

/// Reads up to an entry, going on when the server is away for a while. What an append stored twice, because
/// it did not hear of the first time, follows itself and counts once.
async fn read_to(reader: &mut dyn LogReader, last: usize) -> Vec<String> {
    let last = last.to_string();
    let mut texts = Vec::new();
    while texts.last() != Some(&last) {
        match reader.next(ReadLimit::default(), SOON).await {
            Ok(batch) => {
                assert_eq!(batch.lost, None);
                assert!(!batch.entries.is_empty(), "{last} did not come, but {texts:?}");
                let found = batch.entries.iter();
                texts.extend(found.map(|e| String::from_utf8(e.entry.payload.to_vec()).unwrap()));
            }
            Err(LogError::Unavailable { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    texts.dedup();
    texts
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

mod log {
    use super::*;

    struct LogOnServer {
        server: NatsServer,
        log: Arc<NatsLog>,
        options: NatsLogOptions,
    }

    #[async_trait]
    impl LogHarness for LogOnServer {
        const QUIET: Duration = Duration::from_millis(100);

        async fn start(max_stream_bytes: u64) -> Self {
            let server = NatsServer::start().unwrap();
            let options = NatsLogOptions { max_stream_bytes, ..NatsLogOptions::default() };
            let connection = connect(&server).await;
            let log = Arc::new(NatsLog::open(&connection, options.clone()).await.unwrap());
            Self { server, log, options }
        }

        fn log(&self) -> Arc<dyn Log> {
            self.log.clone()
        }

        async fn restart(&mut self) {
            // What it acknowledged is on its disk, whatever happens.
            self.server.kill();
            self.server.start_again().unwrap();
            let connection = connect(&self.server).await;
            self.log = Arc::new(NatsLog::open(&connection, self.options.clone()).await.unwrap());
        }

        async fn trim(&self, stream: Stream, before: Offset) {
            self.log.trim(stream, before).await.unwrap();
        }
    }

    airside_ports::log_conformance!(LogOnServer, #[tokio::test]);
}

mod queue {
    use super::*;

    struct QueueOnServer {
        server: NatsServer,
        queue: Arc<NatsQueue>,
        options: NatsQueueOptions,
    }

    #[async_trait]
    impl QueueHarness for QueueOnServer {
        const QUIET: Duration = Duration::from_millis(200);
        const VISIBILITY: Duration = Duration::from_secs(1);

        async fn start(limits: QueueLimits) -> Self {
            let server = NatsServer::start().unwrap();
            let QueueLimits { visibility, max_jobs } = limits;
            let options = NatsQueueOptions { visibility, max_jobs, ..NatsQueueOptions::default() };
            let connection = connect(&server).await;
            let queue = Arc::new(NatsQueue::open(&connection, options.clone()).await.unwrap());
            Self { server, queue, options }
        }

        fn queue(&self) -> Arc<dyn Queue> {
            self.queue.clone()
        }

        async fn restart(&mut self) {
            // Stopped in order: how often a job was delivered reaches the disk a moment later.
            self.server.stop().unwrap();
            self.server.start_again().unwrap();
            let connection = connect(&self.server).await;
            self.queue =
                Arc::new(NatsQueue::open(&connection, self.options.clone()).await.unwrap());
        }
    }

    airside_ports::queue_conformance!(QueueOnServer, #[tokio::test]);
}

#[tokio::test]
async fn readers_and_appenders_outlive_a_server_that_is_killed() {
    let mut server = NatsServer::start().unwrap();
    let connection = connect_briefly(vec![server.url()]).await;
    let log = NatsLog::open(&connection, small()).await.unwrap();
    let mut all = log.reader(Stream::Activity, EVERY, Offset::START).await.unwrap();
    let some = PartitionSet::range(0, 2);
    let mut some = log.reader(Stream::Activity, some, Offset::START).await.unwrap();
    append(&log, numbers(0..20)).await;
    assert_eq!(read_to(&mut *some, 19).await, numbers(0..20));
    let few = ReadLimit { entries: 10, ..ReadLimit::default() };
    assert_eq!(all.next(few, SOON).await.unwrap().next, Offset(11));

    server.kill();
    // Appending begins while the server is away and goes on when it is back, within the same call.
    let appending = append(&log, numbers(20..40));
    let ((), restarted) = tokio::join!(appending, async { server.start_again() });
    restarted.unwrap();
    assert_eq!(read_to(&mut *all, 39).await, numbers(10..40));
    assert_eq!(read_to(&mut *some, 39).await, numbers(20..40));
}

#[tokio::test]
async fn a_server_that_is_away_is_told_when_the_wait_is_over() {
    let mut server = NatsServer::start().unwrap();
    let request_timeout = Duration::from_millis(200);
    let options = NatsOptions { request_timeout, ..NatsOptions::new([server.url()]) };
    let connection = NatsConnection::connect(&options).await.unwrap();
    let options = NatsLogOptions { append_within: Duration::ZERO, ..small() };
    let log = NatsLog::open(&connection, options).await.unwrap();
    append(&log, numbers(0..1)).await;
    server.kill();
    let refused = log.append(Stream::Activity, vec![entry(1, "x")]).await;
    assert!(matches!(refused, Err(LogError::Unavailable { .. })), "{refused:?}");
    let refused = log.reader(Stream::Activity, EVERY, Offset::START).await.map(|_reader| ());
    assert!(matches!(refused, Err(LogError::Unavailable { .. })), "{refused:?}");
    server.start_again().unwrap();
    let zero = PartitionSet::range(0, 1);
    let mut reader = log.reader(Stream::Activity, zero, Offset::START).await.unwrap();
    assert_eq!(read_to(&mut *reader, 0).await, numbers(0..1));
}

#[tokio::test]
async fn a_cluster_goes_on_without_any_one_of_its_servers() {
    let mut cluster = NatsCluster::start().unwrap();
    let connection = connect_briefly(cluster.urls()).await;
    // On a busy machine the servers take their time to choose leaders.
    let append_within = Duration::from_secs(90);
    let options = NatsLogOptions { replicas: 3, append_within, ..small() };
    let log = NatsLog::open(&connection, options).await.unwrap();
    let mut reader = log.reader(Stream::Activity, EVERY, Offset::START).await.unwrap();
    append(&log, numbers(0..10)).await;
    assert_eq!(read_to(&mut *reader, 9).await, numbers(0..10));
    for down in 0..3 {
        // One of them leads the stream, and one has the reader's consumer.
        cluster.servers()[down].kill();
        let next = 10 * (down + 1)..10 * (down + 2);
        append(&log, numbers(next.clone())).await;
        assert_eq!(read_to(&mut *reader, next.end - 1).await, numbers(next));
        cluster.servers()[down].start_again().unwrap();
    }
}

#[tokio::test]
async fn a_stream_that_the_servers_have_no_room_for_is_told_with_what_to_do() {
    let server = NatsServer::start().unwrap();
    let connection = connect(&server).await;
    let options = NatsLogOptions { max_stream_bytes: 1 << 60, ..NatsLogOptions::default() };
    let error = NatsLog::open(&connection, options).await.unwrap_err();
    assert!(matches!(error, NatsError::NoRoom { bytes, .. } if bytes == 1 << 60), "{error}");
    assert!(error.to_string().contains("`nats.max_bytes`"), "{error}");
}

#[tokio::test]
async fn prefixes_are_deployments_of_their_own() {
    let server = NatsServer::start().unwrap();
    let mut logs = Vec::new();
    for prefix in ["one", "two"] {
        let options = NatsOptions { prefix: prefix.to_owned(), ..NatsOptions::new([server.url()]) };
        let connection = NatsConnection::connect(&options).await.unwrap();
        logs.push(NatsLog::open(&connection, small()).await.unwrap());
    }
    append(&logs[0], numbers(0..3)).await;
    assert_eq!(logs[0].end(Stream::Activity).await.unwrap(), Offset(4));
    assert_eq!(logs[1].end(Stream::Activity).await.unwrap(), Offset::START);
    let options = NatsOptions { prefix: "a.b".to_owned(), ..NatsOptions::new([server.url()]) };
    let error = NatsConnection::connect(&options).await.unwrap_err();
    assert!(matches!(error, NatsError::Prefix { .. }), "{error}");
}

#[tokio::test]
async fn bounds_follow_the_settings_and_what_cannot_change_is_told() {
    let server = NatsServer::start().unwrap();
    let connection = connect(&server).await;
    let options =
        |max_stream_bytes| NatsLogOptions { max_stream_bytes, ..NatsLogOptions::default() };
    let stream = Stream::Configuration;
    let large = |text: &str| vec![entry(0, &text.repeat(8000))];
    let small = NatsLog::open(&connection, options(10_000)).await.unwrap();
    small.append(stream, large("x")).await.unwrap();
    let refused = small.append(stream, large("y")).await;
    assert!(matches!(refused, Err(LogError::Full { limit_bytes: 10_000, .. })), "{refused:?}");
    let larger = NatsLog::open(&connection, options(100_000)).await.unwrap();
    larger.append(stream, large("y")).await.unwrap();
    assert_eq!(larger.end(stream).await.unwrap(), Offset(3));

    let memory = NatsLogOptions { storage: Storage::Memory, ..NatsLogOptions::default() };
    let error = NatsLog::open(&connection, memory).await.unwrap_err();
    assert!(matches!(error, NatsError::Mismatch { what: "storage", .. }), "{error}");
}

/// What other versions made refuses for ever where it should make room, and lets go where it should refuse.
#[tokio::test]
async fn what_streams_that_are_there_do_when_they_are_full_is_changed() {
    let server = NatsServer::start().unwrap();
    let connection = connect(&server).await;
    let options = NatsLogOptions { max_stream_bytes: 10_000, ..NatsLogOptions::default() };
    let log = NatsLog::open(&connection, options.clone()).await.unwrap();
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    for stream in Stream::ALL {
        log.append(stream, vec![entry(0, &"x".repeat(8000))]).await.unwrap();
        let mut made = context.get_stream(format!("airside-{stream}")).await.unwrap();
        let config = made.info().await.unwrap().config.clone();
        let (right, wrong) = match stream {
            Stream::Activity | Stream::Incidents => (DiscardPolicy::Old, DiscardPolicy::New),
            _ => (DiscardPolicy::New, DiscardPolicy::Old),
        };
        assert_eq!(config.discard, right, "{stream}");
        let changed = stream::Config { discard: wrong, ..config };
        context.update_stream(changed).await.unwrap();
    }
    let next = || vec![entry(0, &"y".repeat(8000))];
    let refused = log.append(Stream::Activity, next()).await;
    assert!(matches!(refused, Err(LogError::Full { .. })), "{refused:?}");

    let log = NatsLog::open(&connection, options).await.unwrap();
    for stream in Stream::ALL {
        let appended = log.append(stream, next()).await;
        let mut reader = log.reader(stream, EVERY, Offset::START).await.unwrap();
        let (mut lost, mut first) = (None, None);
        while first.is_none() {
            let batch = reader.next(ReadLimit::default(), SOON).await.unwrap();
            lost = lost.or(batch.lost);
            first = batch.entries.first().map(|stored| stored.entry.payload[0]);
        }
        if stream.makes_room() {
            assert!(appended.is_ok(), "{stream}: {appended:?}");
            let gone = LostRange { from: Offset(1), until: Offset(2) };
            assert_eq!((lost, first), (Some(gone), Some(b'y')), "{stream}");
        } else {
            assert!(matches!(appended, Err(LogError::Full { .. })), "{stream}: {appended:?}");
            assert_eq!((lost, first), (None, Some(b'x')), "{stream}");
        }
    }
}

#[tokio::test]
async fn credentials_are_used_checked_and_not_shown() {
    let cases = [
        (vec!["--auth", "s3cret"], NatsAuth::Token("s3cret".to_owned())),
        (
            vec!["--user", "airside", "--pass", "s3cret"],
            NatsAuth::UserPassword { user: "airside".to_owned(), password: "s3cret".to_owned() },
        ),
    ];
    for (flags, auth) in cases {
        let server = NatsServer::start_with(&flags).unwrap();
        let options = NatsOptions { auth, ..NatsOptions::new([server.url()]) };
        assert!(!format!("{options:?}").contains("s3cret"), "{options:?}");
        let connection = NatsConnection::connect(&options).await.unwrap();
        let log = NatsLog::open(&connection, small()).await.unwrap();
        append(&log, numbers(0..1)).await;
        let nobody = NatsOptions { auth: NatsAuth::None, ..options };
        let error = NatsConnection::connect(&nobody).await.unwrap_err();
        assert!(matches!(error, NatsError::Connect { .. }), "{error}");
    }
    let missing = NatsAuth::CredentialsFile("no/such/file.creds".into());
    let options = NatsOptions { auth: missing, ..NatsOptions::new(["nats://127.0.0.1:1"]) };
    let error = NatsConnection::connect(&options).await.unwrap_err();
    assert!(matches!(error, NatsError::Credentials { .. }), "{error}");
}

#[tokio::test]
async fn the_servers_certificate_is_checked_against_the_given_authority() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let (certificate_file, key_file) =
        (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let (certificate_flag, key_flag) = (certificate_file.display(), key_file.display());
    let flags =
        ["--tls", "--tlscert", &certificate_flag.to_string(), "--tlskey", &key_flag.to_string()];
    let server = NatsServer::start_with(&flags).unwrap();

    let connect = |authority| {
        let tls = NatsTls { required: true, authority, ..NatsTls::default() };
        NatsOptions { tls, start_within: Duration::ZERO, ..NatsOptions::new([server.url()]) }
    };
    let trusting = connect(Some(certificate_file.clone()));
    let connection = NatsConnection::connect(&trusting).await.unwrap();
    let log = NatsLog::open(&connection, small()).await.unwrap();
    append(&log, numbers(0..1)).await;
    let error = NatsConnection::connect(&connect(None)).await.unwrap_err();
    assert!(matches!(error, NatsError::Connect { .. }), "{error}");
}

#[tokio::test]
async fn connecting_waits_for_a_server_that_starts_later() {
    let mut server = NatsServer::start().unwrap();
    let url = server.url();
    server.kill();
    let options = NatsOptions::new([url.clone()]);
    let (connection, started) =
        tokio::join!(NatsConnection::connect(&options), async { server.start_again() });
    started.unwrap();
    connection.unwrap();
    server.kill();
    let hasty = NatsOptions { start_within: Duration::ZERO, ..NatsOptions::new([url]) };
    let error = NatsConnection::connect(&hasty).await.unwrap_err();
    assert!(matches!(error, NatsError::Connect { .. }), "{error}");
}
