//! The order of the sources, and what people read when something is wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::{ByteSize, Interval, Secret};

/// A service's options, with every form of value that options have.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Intake {
    listen: String,
    max_body: ByteSize,
    grace: Interval,
    workers: u16,
    ratio: f64,
    tls: bool,
    mode: Mode,
    clusters: Vec<String>,
    labels: BTreeMap<String, String>,
    certificate: Option<String>,
    token: Option<Secret>,
    limits: Limits,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    per_second: u32,
    burst: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Warn,
    Deny,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            max_body: ByteSize::mib(2),
            grace: Interval::from_secs(10),
            workers: 4,
            ratio: 0.5,
            tls: true,
            mode: Mode::Warn,
            clusters: Vec::new(),
            labels: BTreeMap::new(),
            certificate: None,
            token: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_second: 1000, burst: None }
    }
}

/// A section whose types would not refuse an unknown field by themselves.
#[derive(Debug, Serialize, Deserialize)]
struct Link {
    server: Option<String>,
    retries: u8,
    pool: Pool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Pool {
    size: u8,
}

impl Default for Link {
    fn default() -> Self {
        Self { server: None, retries: 3, pool: Pool::default() }
    }
}

fn sections() -> Vec<Section> {
    vec![
        Section::of::<Intake>("audit-ingest"),
        Section::of::<Link>("bus"),
        Section::foreign("scanner"),
    ]
}

/// Sources of a test; the file is written into a folder that lives as long as the test.
struct Given {
    folder: tempfile::TempDir,
    sources: Sources,
}

fn given(file: &str, environment: &[(&str, &str)], overrides: serde_json::Value) -> Given {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airside.toml");
    std::fs::write(&path, file).unwrap();
    let environment =
        environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let sources = Sources { file: Some(path), environment, overrides };
    Given { folder, sources }
}

impl Given {
    fn load(&self) -> Result<Settings, ConfigError> {
        load(&sections(), &self.sources)
    }

    fn intake(&self) -> Intake {
        self.load().unwrap().section("audit-ingest").unwrap()
    }

    /// The message without the folder, which differs from run to run.
    fn refusal(&self) -> String {
        let error = self.load().expect_err("these settings are wrong");
        let folder = format!("{}/", self.folder.path().display());
        error.to_string().replace(&folder, "")
    }
}

fn environment(name: &str, text: &str) -> Given {
    given("", &[(name, text)], json!(null))
}

#[test]
fn a_later_source_wins_key_by_key() {
    const FILE: &str = "[audit-ingest]\nworkers = 1\n[audit-ingest.limits]\nper_second = 1\n";
    const VARIABLE: (&str, &str) = ("AIRSIDE_AUDIT_INGEST__WORKERS", "2");
    let flag = json!({ "audit-ingest": { "workers": 3 } });
    for (given, workers, per_second, origin) in [
        (given("", &[], json!(null)), 4, 1000, "defaults"),
        (given(FILE, &[], json!(null)), 1, 1, "airside.toml, line 2"),
        (given(FILE, &[VARIABLE], json!(null)), 2, 1, "AIRSIDE_AUDIT_INGEST__WORKERS"),
        (given(FILE, &[VARIABLE], flag.clone()), 3, 1, "command line"),
        (given(FILE, &[], flag), 3, 1, "command line"),
    ] {
        let settings = given.load().unwrap();
        let intake: Intake = settings.section("audit-ingest").unwrap();
        assert_eq!(intake.workers, workers);
        let shown = settings.origin("audit-ingest.workers").to_string();
        assert!(shown.ends_with(origin), "{shown}");
        // What the later source does not name stays.
        assert_eq!(intake.listen, "127.0.0.1:0");
        assert_eq!(settings.origin("audit-ingest.listen"), Origin::Default);
        assert_eq!(intake.limits.per_second, per_second);
    }
}

#[test]
fn a_variable_is_read_as_the_type_of_its_setting_wants() {
    let intake = |name: &str, text: &str| {
        environment(&format!("AIRSIDE_AUDIT_INGEST__{name}"), text).intake()
    };
    assert_eq!(intake("LISTEN", "0").listen, "0");
    assert_eq!(intake("LISTEN", "true").listen, "true");
    assert_eq!(intake("LISTEN", "\"quoted\"").listen, "\"quoted\"");
    assert_eq!(intake("MAX_BODY", "64KiB").max_body, ByteSize::kib(64));
    assert_eq!(intake("MAX_BODY", "1024").max_body, ByteSize::kib(1));
    assert_eq!(intake("GRACE", "1m30s").grace, Interval::from_secs(90));
    assert_eq!(intake("WORKERS", "16").workers, 16);
    assert!((intake("RATIO", "1").ratio - 1.0).abs() < f64::EPSILON);
    assert!(!intake("TLS", "false").tls);
    assert_eq!(intake("MODE", "deny").mode, Mode::Deny);
    assert_eq!(intake("CLUSTERS", "a, b").clusters, ["a", "b"]);
    assert_eq!(intake("CLUSTERS", "[\"a\", \"b,c\"]").clusters, ["a", "b,c"]);
    assert!(intake("CLUSTERS", "").clusters.is_empty());
    assert_eq!(intake("LABELS", "{ team = \"x\" }").labels["team"], "x");
    assert_eq!(intake("LABELS__TEAM", "7").labels["team"], "7");
    assert_eq!(intake("LIMITS__PER_SECOND", "5").limits.per_second, 5);
    // The default says nothing about the type; the type does.
    assert_eq!(intake("CERTIFICATE", "12").certificate.unwrap(), "12");
    assert_eq!(intake("TOKEN", "1e5").token.unwrap().expose(), "1e5");
    assert_eq!(intake("LIMITS__BURST", "12").limits.burst, Some(12));
}

#[test]
fn variables_that_are_no_settings_are_left_alone() {
    for name in ["PATH", "AIRSIDE_PORT", "AIRSIDE_AUDIT_INGEST_SERVICE_HOST", "XAIRSIDE_A__B"] {
        assert_eq!(environment(name, "tcp://10.0.0.1:9000").intake().workers, 4, "{name}");
    }
}

#[test]
fn flags_that_were_not_given_change_nothing() {
    let flags =
        json!({ "audit-ingest": { "workers": null, "limits": { "burst": null } }, "bus": null });
    let given = given("[audit-ingest]\nworkers = 1\n", &[], flags);
    assert_eq!(given.intake().workers, 1);
    assert_eq!(given.intake().limits.burst, None);
}

#[test]
fn lists_are_replaced_and_tables_are_merged() {
    let file = "[audit-ingest]\nclusters = [\"a\", \"b\"]\nlabels = { x = \"1\", y = \"1\" }\n";
    let variables =
        [("AIRSIDE_AUDIT_INGEST__CLUSTERS", "c"), ("AIRSIDE_AUDIT_INGEST__LABELS__Y", "2")];
    let intake = given(file, &variables, json!(null)).intake();
    assert_eq!(intake.clusters, ["c"]);
    assert_eq!(
        intake.labels,
        BTreeMap::from([("x", "1"), ("y", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())))
    );
}

#[test]
fn sections_of_other_programs_may_hold_anything() {
    let given =
        given("[scanner]\nanything = { goes = 1 }\n", &[("AIRSIDE_SCANNER__X", "1")], json!(null));
    assert!(!given.load().unwrap().to_toml().contains("scanner"));
}

#[test]
fn unknown_keys_are_refused_with_their_place_and_what_was_meant() {
    let messages = [
        given("[audit-ingest]\nworkers = 1\nmax_boddy = 3\n", &[], json!(null)),
        given("[audit-ingest.limits]\nper_sec0nd = 3\n", &[], json!(null)),
        given("[audit-ingest]\nlimits = { colour = 3 }\n", &[], json!(null)),
        given("[audit-ingst]\nworkers = 3\n", &[], json!(null)),
        given("[bus]\nurl = 3\n", &[], json!(null)),
        given("workers = 3\n", &[], json!(null)),
        given("bus = 3\n", &[], json!(null)),
        environment("AIRSIDE_AUDIT_INGEST__MAX_BODDY", "3"),
        environment("AIRSIDE_AUDIT_INGEST__LIMITS__COLOUR", "3"),
        environment("AIRSIDE_AUDIT_INGEST__LIMITS", "{ per_secnd = 1 }"),
        environment("AIRSIDE_BUS__POOL", "{ sise = 1 }"),
        environment("AIRSIDE_AUDITINGEST__MAX_BODY", "3"),
        environment("AIRSIDE___", "3"),
        given("", &[], json!({ "audit-ingest": { "worker": 3 } })),
        given("", &[], json!({ "bus": { "pool": { "sise": 3 } } })),
    ]
    .map(|given| given.refusal());
    insta::assert_snapshot!(messages.join("\n"), @"
    airside.toml, line 3: unknown key `audit-ingest.max_boddy`; did you mean `max_body`?
    airside.toml, line 2: unknown key `audit-ingest.limits.per_sec0nd`; did you mean `per_second`?
    airside.toml, line 2: unknown key `audit-ingest.limits.colour`; there are `burst`, `per_second`
    airside.toml, line 1: unknown key `audit-ingst`; did you mean `audit-ingest`?
    airside.toml, line 2: unknown key `bus.url`; there are `pool`, `retries`, `server`
    airside.toml, line 1: unknown key `workers`; there are `audit-ingest`, `bus`, `scanner`
    airside.toml, line 1: `bus` is a section: write its keys below `[bus]`
    environment variable AIRSIDE_AUDIT_INGEST__MAX_BODDY: unknown key `audit-ingest.max_boddy`; did you mean `AIRSIDE_AUDIT_INGEST__MAX_BODY`?
    environment variable AIRSIDE_AUDIT_INGEST__LIMITS__COLOUR: unknown key `audit-ingest.limits.colour`; there are `AIRSIDE_AUDIT_INGEST__LIMITS__BURST`, `AIRSIDE_AUDIT_INGEST__LIMITS__PER_SECOND`
    environment variable AIRSIDE_AUDIT_INGEST__LIMITS: unknown key `audit-ingest.limits.per_secnd`; did you mean `per_second`?
    environment variable AIRSIDE_BUS__POOL: unknown key `bus.pool.sise`; did you mean `size`?
    environment variable AIRSIDE_AUDITINGEST__MAX_BODY: unknown key `auditingest`; did you mean `AIRSIDE_AUDIT_INGEST__…`?
    environment variable AIRSIDE___: unknown key ``; there are `AIRSIDE_AUDIT_INGEST__…`, `AIRSIDE_BUS__…`, `AIRSIDE_SCANNER__…`
    command line: unknown key `audit-ingest.worker`; did you mean `workers`?
    command line: unknown key `bus.pool.sise`; did you mean `size`?
    ");
}

#[test]
fn wrong_values_are_refused_with_their_place_and_what_is_expected() {
    let file = |text: &str| given(&format!("[audit-ingest]\n{text}\n"), &[], json!(null));
    let messages = [
        file("workers = \"many\""),
        file("workers = 70000"),
        file("workers = -1"),
        file("max_body = \"2 megabytes\""),
        file("max_body = -2"),
        file("grace = 10"),
        file("grace = \"10\""),
        file("mode = \"den\""),
        file("tls = \"yes\""),
        file("clusters = [\"a\", 7]"),
        file("limits = 7"),
        file("[audit-ingest.limits]\nper_second = \"x\""),
        file("token = 73313"),
        file("token = \"\""),
        file("token = \"«redacted»\""),
        file("workers = \"--password=hunter2\""),
        file("mode = \"--password=hunter2\""),
        file("grace = \"--password hunter2\""),
        environment("AIRSIDE_AUDIT_INGEST__WORKERS", "many"),
        environment("AIRSIDE_AUDIT_INGEST__TLS", "yes"),
        environment("AIRSIDE_AUDIT_INGEST__LIMITS__BURST", "-5"),
        given("", &[("AIRSIDE_BUS__SERVER", "x"), ("AIRSIDE_BUS__SERVER__X", "y")], json!(null)),
        given("", &[], json!({ "audit-ingest": { "grace": "soon" } })),
    ]
    .map(|given| given.refusal());
    insta::assert_snapshot!(messages.join("\n"), @r#"
    airside.toml, line 2: `audit-ingest.workers` is the text "many"; expected a whole number from 0 to 65535
    airside.toml, line 2: `audit-ingest.workers` is `70000`; expected a whole number from 0 to 65535
    airside.toml, line 2: `audit-ingest.workers` is `-1`; expected a whole number from 0 to 65535
    airside.toml, line 2: `audit-ingest.max_body` is wrong: `2 megabytes` is no size: write a whole number with a unit, such as `64KiB`, `2MiB` or `1GB`
    airside.toml, line 2: `audit-ingest.max_body` is `-2`; expected a size such as "2MiB", or a number of bytes
    airside.toml, line 2: `audit-ingest.grace` is `10`; expected a span of time with its unit, such as "10s"
    airside.toml, line 2: `audit-ingest.grace` is wrong: `10` is no span of time: write whole numbers with units, such as `250ms`, `10s` or `7d`
    airside.toml, line 2: `audit-ingest.mode` cannot be `den`; did you mean `deny`?
    airside.toml, line 2: `audit-ingest.tls` is the text "yes"; expected `true` or `false`
    airside.toml, line 2: `audit-ingest.clusters.1` is `7`; expected a text in quotes
    airside.toml, line 2: `audit-ingest.limits` is `7`; expected a table
    airside.toml, line 3: `audit-ingest.limits.per_second` is the text "x"; expected a whole number from 0 to 4294967295
    airside.toml, line 2: `audit-ingest.token` is wrong: a secret must be a text in quotes
    airside.toml, line 2: `audit-ingest.token` is wrong: the secret is empty: give a value, or leave the key out
    airside.toml, line 2: `audit-ingest.token` is wrong: `«redacted»` stands for a secret in what `airside config` prints: put the secret itself here
    airside.toml, line 2: `audit-ingest.workers` is the text "--password=«redacted»"; expected a whole number from 0 to 65535
    airside.toml, line 2: `audit-ingest.mode` cannot be `--password=«redacted»`; there are `warn`, `deny`
    airside.toml, line 2: `audit-ingest.grace` is wrong: `--password «redacted»` is no span of time: write whole numbers with units, such as `250ms`, `10s` or `7d`
    environment variable AIRSIDE_AUDIT_INGEST__WORKERS: `audit-ingest.workers` is the text "many"; expected a whole number from 0 to 65535
    environment variable AIRSIDE_AUDIT_INGEST__TLS: `audit-ingest.tls` is the text "yes"; expected `true` or `false`
    environment variable AIRSIDE_AUDIT_INGEST__LIMITS__BURST: `audit-ingest.limits.burst` is the text "-5"; expected a whole number from 0 to 4294967295
    environment variable AIRSIDE_BUS__SERVER__X: `bus.server.x` is set both as a whole and in parts: drop one of the variables
    command line: `audit-ingest.grace` is wrong: `soon` is no span of time: write whole numbers with units, such as `250ms`, `10s` or `7d`
    "#);
    assert!(
        messages.iter().all(|message| !message.contains("hunter2") && !message.contains("73313"))
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let messages = [
        given("[audit-ingest]\nworkers = \n", &[], json!(null)),
        given("[audit-ingest]\ntoken = \"hunter2\ngrace = 1\n", &[], json!(null)),
        given("[a]\n[a]\n", &[], json!(null)),
        given(&"#".repeat(1 + (1 << 20)), &[], json!(null)),
    ]
    .map(|given| given.refusal());
    insta::assert_snapshot!(messages.join("\n"), @r#"
    airside.toml, line 2: no TOML: string values must be quoted, expected literal string
    airside.toml, line 2: no TOML: invalid basic string, expected `"`
    airside.toml, line 2: no TOML: duplicate key
    the settings file airside.toml has more than 1048576 bytes: is it the right file?
    "#);
    let mut missing = given("", &[], json!(null));
    missing.sources.file = Some(missing.folder.path().join("none.toml"));
    insta::assert_snapshot!(missing.refusal(), @"cannot read the settings file none.toml: give the path of a file that exists and is readable");
}

#[test]
fn a_section_that_was_not_announced_is_a_mistake_of_the_program() {
    let settings = load(&[], &Sources::default()).unwrap();
    let error = settings.section::<Intake>("audit-ingest").unwrap_err();
    assert!(matches!(error, ConfigError::NoSection { .. }), "{error}");
}

#[test]
fn what_is_in_force_is_shown_without_secrets() {
    let file = "[audit-ingest]\nlisten = \"nats://airside:hunter2@nats:4222\"\ntoken = \"hunter2\"\n\
                labels = { \"a b\" = \"x\" }\n[audit-ingest.limits]\nburst = 7\n";
    let given = given(
        file,
        &[
            ("AIRSIDE_AUDIT_INGEST__MAX_BODY", "1048576"),
            ("AIRSIDE_AUDIT_INGEST__LIMITS", "{ burst = 8 }"),
        ],
        json!({ "bus": { "server": "x" } }),
    );
    let shown = given.load().unwrap().to_toml();
    let folder = format!("{}/", given.folder.path().display());
    insta::assert_snapshot!(shown.replace(&folder, ""), @r#"
    [audit-ingest]
    # certificate is not set
    clusters = []
    grace = "10s"
    listen = "nats://«redacted»@nats:4222"  # airside.toml, line 2
    max_body = "1MiB"  # environment variable AIRSIDE_AUDIT_INGEST__MAX_BODY
    mode = "warn"
    ratio = 0.5
    tls = true
    token = "«redacted»"  # airside.toml, line 3
    workers = 4

    [audit-ingest.labels]
    "a b" = "x"  # airside.toml, line 4

    [audit-ingest.limits]
    burst = 8  # environment variable AIRSIDE_AUDIT_INGEST__LIMITS
    per_second = 1000

    [bus]
    retries = 3
    server = "x"  # command line

    [bus.pool]
    size = 0
    "#);
    assert!(!shown.contains("hunter2"));
}

#[test]
fn what_is_shown_can_be_loaded_again() {
    let first = given("[audit-ingest]\nclusters = [\"a\"]\ngrace = \"90s\"\n", &[], json!(null));
    let shown = first.load().unwrap().to_toml();
    let second = given(&shown, &[], json!(null));
    let comments_dropped = |text: String| -> Vec<String> {
        text.lines().map(|line| line.split("  # ").next().unwrap_or_default().to_owned()).collect()
    };
    let shown_again = second.load().unwrap().to_toml();
    assert_eq!(comments_dropped(shown_again), comments_dropped(shown));
}

#[test]
fn defaults_that_hold_a_secret_are_a_mistake_that_shows_at_once() {
    #[derive(Serialize, Deserialize)]
    struct Careless {
        token: Secret,
    }
    impl Default for Careless {
        fn default() -> Self {
            Self { token: Secret::new("hunter2") }
        }
    }
    let error = load(&[Section::of::<Careless>("careless")], &Sources::default()).unwrap_err();
    assert!(error.to_string().starts_with("defaults: `careless.token` is wrong"), "{error}");
    assert!(!error.to_string().contains("hunter2"));
}

#[test]
fn a_value_without_default_is_missed_by_name() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Peer {
        name: String,
        address: String,
    }
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Peers {
        peers: Vec<Peer>,
    }
    let mut given = given("[mesh]\npeers = [{ name = \"a\" }]\n", &[], json!(null));
    given.sources.environment.clear();
    let error = load(&[Section::of::<Peers>("mesh")], &given.sources).unwrap_err().to_string();
    let message = "line 2: `mesh.peers.0.address` is missing: it has no default";
    assert!(error.ends_with(message), "{error}");
}

#[test]
fn a_section_can_be_taken_as_plain_json() {
    let variables =
        [("AIRSIDE_AUDIT_INGEST__TOKEN", "73313"), ("AIRSIDE_AUDIT_INGEST__WORKERS", "9")];
    let settings = given("", &variables, json!(null)).load().unwrap();
    let values: serde_json::Value = settings.section("audit-ingest").unwrap();
    assert_eq!(values["workers"], json!(9));
    assert_eq!(values["max_body"], json!("2MiB"));
    // What is passed on is the secret itself, as its type read it.
    assert_eq!(values["token"], json!("73313"));
    assert_eq!(values["certificate"], json!(null));
}
