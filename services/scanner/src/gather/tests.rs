//! Which streams make a whole, and what is said of the others.

use airside_types::Cluster;
use airside_wire::scan::Unreadable;

use super::*;

const BOUNDS: Bounds = Bounds { bytes: 100, files: 2, entries: 3 };

fn header() -> ScanPart {
    ScanPart::Header(ScanHeader {
        cluster: Cluster::default(),
        publish: true,
        failing_severity: None,
    })
}

fn file(path: &str, content: &'static str) -> ScanPart {
    ScanPart::File {
        begins: Some(path.to_owned()),
        content: Bytes::from_static(content.as_bytes()),
    }
}

fn more(content: &'static str) -> ScanPart {
    ScanPart::File { begins: None, content: Bytes::from_static(content.as_bytes()) }
}

fn report(entries: usize) -> PublicationPart {
    let unreadable = Unreadable { place: Default::default(), reason: "why".to_owned() };
    PublicationPart::Report(ScanReport {
        unreadable: vec![unreadable; entries],
        ..ScanReport::default()
    })
}

fn whole<G: Gather>(
    mut gathered: G,
    parts: impl IntoIterator<Item = G::Part>,
    bytes: usize,
) -> Result<G::Whole, ApiError> {
    for part in parts {
        gathered.take(part, bytes)?;
    }
    gathered.finish()
}

#[test]
fn pieces_become_files_in_their_order() {
    let parts = [header(), file("a", "one "), more("two "), more("three"), file("b", "")];
    let scan = whole(GatheredScan::new(BOUNDS), parts, 1).unwrap();
    let files: Vec<_> = scan.files.iter().map(|it| (it.path.as_str(), &it.content[..])).collect();
    assert_eq!(files, [("a", &b"one two three"[..]), ("b", b"")]);
    assert!(scan.publish);
}

#[test]
fn another_order_is_an_invalid_argument_and_too_much_is_an_exhausted_resource() {
    let scan = |parts: &[ScanPart], bytes| {
        whole(GatheredScan::new(BOUNDS), parts.to_vec(), bytes).unwrap_err()
    };
    let publication = |parts: &[PublicationPart], bytes| {
        whole(GatheredPublication::new(BOUNDS), parts.to_vec(), bytes).unwrap_err()
    };
    let begun = PublicationPart::Header(Cluster::default());
    let cases = [
        (scan(&[], 1), "the stream has no header"),
        (scan(&[header()], 1), "the stream has no file"),
        (scan(&[header(), header()], 1), "the stream has a second header"),
        (scan(&[file("a", "")], 1), "the stream has a file before the header"),
        (scan(&[header(), more("a")], 1), "the stream has a piece without path before any file"),
        (publication(&[], 1), "the stream has no header"),
        (publication(&[report(1)], 1), "the stream has a report before the header"),
        (publication(&[begun.clone(), begun.clone()], 1), "the stream has a second header"),
    ];
    for (error, said) in cases {
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        assert_eq!(error.message, format!("{said}: send the header first, then the rest"));
    }
    let three = [header(), file("a", ""), file("b", ""), file("c", ""), file("d", "")];
    let cases = [
        (scan(&three, 1), "more than 2 files were sent: raise `scanner.max_files`"),
        (scan(&three, 60), "more than 100 bytes were sent: raise `scanner.max_stream`"),
        (
            publication(&[begun.clone(), report(2), report(2)], 1),
            "more than 3 entries were sent: raise `scanner.max_entries`",
        ),
        (
            publication(&[begun, report(1)], 60),
            "more than 100 bytes were sent: raise `scanner.max_stream`",
        ),
    ];
    for (error, said) in cases {
        assert_eq!(error.code, ErrorCode::ResourceExhausted, "{error}");
        assert_eq!(error.message, format!("{said} or send less at once"));
    }
}
